#include "reaper/leftover.h"

#include <string.h>

#include "reaper/money/money.h"

const char *leftover_kind_text(enum leftover_kind kind)
{
	static const char *const texts[LEFTOVER_KIND_COUNT] = {
		[LEFTOVER_VOLUME] = "volume",
		[LEFTOVER_SPOT_REQUEST] = "spot request",
	};
	return texts[kind];
}

const char *leftover_fate_text(enum leftover_fate fate)
{
	static const char *const texts[LEFTOVER_FATE_COUNT] = {
		[LEFTOVER_WAITS] = "left alone: its launch may not be over",
		[LEFTOVER_KEPT] = "kept, it may hold data: mayfly-reaper sweep removes it",
		[LEFTOVER_CANCELLED] = "cancelled with the next look: its launch is over",
	};
	return texts[fate];
}

/* Of a resource that is configured no more nobody knows it: the longest of all. */
static int64_t boot_deadline_s(const struct settings *settings, const char *name)
{
	size_t r = settings_resource_named(settings, name);
	int64_t longest_s = 0;

	if (r != RESOURCE_NONE)
		return settings->resources[r].ticket.limits.boot_deadline_s;
	for (r = 0; r < settings->resource_count; r++) {
		int64_t one_s = settings->resources[r].ticket.limits.boot_deadline_s;

		longest_s = one_s > longest_s ? one_s : longest_s;
	}
	return longest_s;
}

static bool is_asked_for(const struct observation *seen, const struct leftover *leftover)
{
	for (size_t i = 0; i < seen->attempt_count; i++)
		if (seen->attempts[i].slot == leftover->slot &&
		    seen->attempts[i].generation == leftover->generation &&
		    !strcmp(seen->attempts[i].resource, leftover->resource))
			return true;
	return false;
}

enum leftover_fate leftover_fate(const struct observation *seen, const struct settings *settings,
				 const struct leftover *leftover)
{
	int64_t age_s = seen->now_ms / 1000 - leftover->made_s;

	if (!seen->is_clock_known || is_asked_for(seen, leftover) ||
	    age_s <= boot_deadline_s(settings, leftover->resource))
		return LEFTOVER_WAITS;
	return leftover->kind == LEFTOVER_VOLUME ? LEFTOVER_KEPT : LEFTOVER_CANCELLED;
}

int64_t leftover_month(const struct leftover *leftover)
{
	/* aws.amazon.com/ebs/pricing, micro-dollars for a gigabyte and month */
	static const struct {
		const char *type;
		int64_t price;
	} prices[] = {
		{ "gp3", 80000 }, { "gp2", 100000 }, { "io1", 125000 },	    { "io2", 125000 },
		{ "st1", 45000 }, { "sc1", 15000 },  { "standard", 50000 },
	};

	if (leftover->kind != LEFTOVER_VOLUME)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(prices); i++)
		if (!strcmp(prices[i].type, leftover->type))
			return prices[i].price * leftover->gigabytes;
	return MONEY_UNKNOWN;
}
