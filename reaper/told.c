#include "reaper/told.h"

#include <stdlib.h>
#include <string.h>

static size_t find(const struct ledger *ledger, const char *instance)
{
	size_t at = 0;

	while (at < ledger->order_count && strcmp(ledger->orders[at].instance, instance) != 0)
		at++;
	return at;
}

static void drop(struct ledger *ledger, size_t at)
{
	ledger->order_count--;
	memmove(&ledger->orders[at], &ledger->orders[at + 1],
		(ledger->order_count - at) * sizeof(*ledger->orders));
}

bool told_set(struct ledger *ledger, const char *instance, enum order order, int64_t now_s)
{
	struct ordered told = { .order = order, .since_s = now_s };
	size_t at = find(ledger, instance);

	bool is_new = at == ledger->order_count;

	if (is_new ? order == ORDER_NONE : ledger->orders[at].order == order) {
		if (!is_new)
			*ledger->orders[at].issuer = 0; /* now it is said here */
		return false;
	}
	if (order == ORDER_NONE) {
		drop(ledger, at);
		return true;
	}
	if (is_new) {
		ledger->orders = memory_grow(ledger->orders, at + 1, sizeof(*ledger->orders));
		ledger->order_count++;
	}
	text_cut(told.instance, sizeof(told.instance), instance);
	ledger->orders[at] = told;
	return true;
}

void told_adopt(struct ledger *ledger, const struct orders_part *part)
{
	for (size_t i = 0; i < part->count; i++) {
		if (find(ledger, part->list[i].instance) < ledger->order_count)
			continue;
		(void)told_set(ledger, part->list[i].instance, part->list[i].order, part->time_s);
		text_cut(ledger->orders[ledger->order_count - 1].issuer, HASH_HEX_LEN,
			 part->issuer);
	}
}

void told_give_back(struct ledger *ledger, const struct orders_part *part)
{
	size_t kept = 0;

	if (!*part->issuer)
		return;
	for (size_t i = 0; i < ledger->order_count; i++) {
		const struct ordered *order = &ledger->orders[i];

		if (strcmp(order->issuer, part->issuer) != 0 || part->time_s <= order->since_s)
			ledger->orders[kept++] = *order;
	}
	ledger->order_count = kept;
}

bool told_is_adopted(const struct ledger *ledger, const char *issuer)
{
	for (size_t i = 0; i < ledger->order_count; i++)
		if (*issuer && !strcmp(ledger->orders[i].issuer, issuer))
			return true;
	return false;
}

static bool is_all_known(const struct observation *seen, const struct settings *settings)
{
	for (size_t r = 0; r < settings->resource_count; r++)
		if (!seen->resources[r].is_listed)
			return false;
	return seen->workers_known;
}

static int by_name(const void *a, const void *b)
{
	const char *const *one = a;
	const char *const *other = b;

	return strcmp(*one, *other);
}

/* The names of machines, sorted: those that live, or those that ended. */
static size_t list_machines(const struct observation *seen, bool are_ended, const char **out)
{
	size_t count = 0;

	for (size_t i = 0; i < seen->machine_count; i++)
		if ((seen->machines[i].instance.state == INSTANCE_TERMINATED) == are_ended)
			out[count++] = seen->machines[i].instance.id;
	qsort(out, count, sizeof(*out), by_name);
	return count;
}

struct names {
	const char **list;
	size_t count;
};

static bool has_name(const struct names *names, const char *name)
{
	return bsearch(&name, names->list, names->count, sizeof(*names->list), by_name) != NULL;
}

void told_prune(struct ledger *ledger, const struct observation *seen,
		const struct settings *settings)
{
	struct names alive = { memory_array(seen->machine_count + 1, sizeof(*alive.list)), 0 };
	struct names ended = { memory_array(seen->machine_count + 1, sizeof(*ended.list)), 0 };
	bool is_known = is_all_known(seen, settings);
	size_t kept = 0;

	alive.count = list_machines(seen, false, alive.list);
	ended.count = list_machines(seen, true, ended.list);
	for (size_t i = 0; i < ledger->order_count; i++) {
		const char *instance = ledger->orders[i].instance;
		bool is_gone =
			!has_name(&alive, instance) && (is_known || has_name(&ended, instance));

		if (!is_gone)
			ledger->orders[kept++] = ledger->orders[i];
	}
	ledger->order_count = kept;
	free(alive.list);
	free(ended.list);
}
