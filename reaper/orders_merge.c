#include "reaper/orders_merge.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/told.h"

static int64_t distance(int64_t one_s, int64_t other_s)
{
	return one_s < other_s ? other_s - one_s : one_s - other_s;
}

/* An earlier version's text, that names no issuer, is everybody's. NULL: nothing stands there. */
static const struct orders_part *find_part(const struct orders *pinned, const char *issuer)
{
	if (!*pinned->own.issuer || !strcmp(pinned->own.issuer, issuer))
		return &pinned->own;
	for (size_t i = 0; i < pinned->other_count; i++)
		if (!strcmp(pinned->others[i].issuer, issuer))
			return &pinned->others[i];
	return NULL;
}

/* ---- carrying ---- */

struct carrier {
	const struct ledger *ledger;
	int64_t now_s;
	struct orders *out;
	size_t count, left_out; /* orders in out, of all issuers; and that did not fit */
};

static bool is_carried(const struct carrier *carrier, const struct orders_part *part)
{
	return part->count && *part->issuer && strcmp(part->issuer, carrier->ledger->issuer) != 0 &&
	       distance(part->time_s, carrier->now_s) <= ORDERS_LIFE_S &&
	       !told_is_adopted(carrier->ledger, part->issuer);
}

static void carry(struct carrier *carrier, const struct orders_part *part)
{
	struct orders *out = carrier->out;

	if (!is_carried(carrier, part))
		return;
	if (out->other_count == ORDERS_OTHERS || carrier->count + part->count > ORDERS_MAX) {
		carrier->left_out += part->count;
		return;
	}
	struct orders_part *copy = &out->others[out->other_count++];

	*copy = *part;
	copy->list = memory_array(part->count, sizeof(*copy->list));
	memcpy(copy->list, part->list, part->count * sizeof(*copy->list));
	carrier->count += part->count;
}

size_t orders_merge_carry(const struct orders *pinned, const struct ledger *ledger, int64_t now_s,
			  struct orders *out)
{
	struct carrier carrier = { ledger, now_s, out, out->own.count, 0 };

	carry(&carrier, &pinned->own);
	for (size_t i = 0; i < pinned->other_count; i++)
		carry(&carrier, &pinned->others[i]);
	return carrier.left_out;
}

/* ---- is it due? ---- */

static bool are_same(const struct orders_part *one, const struct orders_part *other)
{
	if (one->count != other->count)
		return false;
	for (size_t i = 0; i < one->count; i++)
		if (orders_part_for(other, one->list[i].instance) != one->list[i].order)
			return false;
	return true;
}

bool orders_merge_is_due(const struct orders *pinned, const struct orders *wanted)
{
	static const struct orders_part nothing = { 0 };
	const struct orders_part *part = find_part(pinned, wanted->own.issuer);

	if (!part)
		part = &nothing;
	if (!are_same(&wanted->own, part) ||
	    (wanted->own.count && distance(wanted->own.time_s, part->time_s) > ORDERS_LIFE_S / 2))
		return true;
	/* In a text of our own, a part that is carried no more must go; in another's, the other
	 * sees to that. */
	return part == &pinned->own && wanted->other_count != pinned->other_count;
}
