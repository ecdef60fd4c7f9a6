#include <stdlib.h>
#include <string.h>

#include "reaper/plan_part.h"

struct repeater { /* what one resource's young attempts are asked again for */
	unsigned needed; /* seats that queues need which may be launched for */
	unsigned seats; /* that are there, or were asked for before */
	unsigned machines, minimum; /* likewise, and min_instances */
	bool has_asked;
};

/* Tasks that took seats, in queues that a machine may be launched for. */
static unsigned count_needed(const struct planner *planner, size_t r)
{
	const struct resource *resource = &planner->settings->resources[r];
	char ignored[PLAN_WORDS_ROOM];
	unsigned needed = 0;

	for (size_t i = 0; i < resource->queue_count; i++) {
		size_t q = resource->queues[i];
		unsigned taken = planner->demand.taken[q * planner->demand.resource_count + r];
		unsigned ripe = plan_ripe(planner, q);

		if (taken && plan_is_affordable(planner, r, q, 0, ignored))
			needed += taken < ripe ? taken : ripe;
	}
	return needed;
}

static struct repeater repeater_of(const struct planner *planner, size_t r)
{
	const struct resource_plan *planned = &planner->plan->resources[r];
	struct repeater repeater = { .needed = count_needed(planner, r),
				     .seats = planned->free_seats + planned->booting_seats,
				     .machines = planned->alive,
				     .minimum = planner->seen->resources[r].minimum };
	unsigned seats = planner->settings->resources[r].ticket.seats;

	for (size_t i = 0; i < planner->young_count; i++) {
		if (planner->young[i].resource != r)
			continue;
		repeater.seats -= seats;
		repeater.machines--;
	}
	return repeater;
}

/* The limits that it counts to already: they hold it back only where there is too much. */
static enum why limit_passed(const struct planner *planner, const struct young_attempt *young)
{
	const struct settings *settings = planner->settings;
	size_t r = young->resource;
	unsigned most = settings->resources[r].max_instances;

	if (young->attempt->slot >= most || planner->plan->resources[r].alive > most)
		return WHY_AT_LIMIT;
	if (settings->max_instances && planner->alive > settings->max_instances)
		return WHY_TOTAL_LIMIT;
	if (settings->max_booting && planner->booting > settings->max_booting)
		return WHY_BOOTING_LIMIT;
	return WHY_LAUNCH;
}

/* Half open: it is the one machine that is tried, unless another is. */
static bool is_breaker_shut(const struct planner *planner, size_t r, bool has_asked)
{
	const struct launcher *launcher = &planner->launchers[r];

	return launcher->breaker == BREAKER_HALF_OPEN ? launcher->unproven || has_asked :
							launcher->breaker != BREAKER_CLOSED;
}

/* WHY_LAUNCH: none. Its price is in the rates already, so a repeat adds nothing to them. */
static enum why obstacle(const struct planner *planner, const struct young_attempt *young,
			 const struct repeater *repeater, char *words)
{
	size_t r = young->resource;

	if (!plan_is_known(planner, r))
		return WHY_UNKNOWN;
	if (planner->is_memory_lost)
		return WHY_MEMORY_LOST;
	enum why limit = limit_passed(planner, young);
	if (limit != WHY_LAUNCH)
		return limit;
	if (is_breaker_shut(planner, r, repeater->has_asked))
		return WHY_BREAKER;
	if (!plan_is_affordable(planner, r, QUEUE_NONE, 0, words))
		return WHY_BUDGET;
	if (repeater->seats >= repeater->needed && repeater->machines >= repeater->minimum)
		return WHY_NO_DEMAND;
	return WHY_LAUNCH;
}

static void ask_again(struct plan *plan, const struct young_attempt *young)
{
	struct planned_launch again = { .resource = young->resource,
					.offering = young->offering,
					.slot = young->attempt->slot,
					.generation = young->attempt->generation,
					.why = WHY_LAUNCH,
					.is_repeat = true };

	memcpy(again.day, young->attempt->day, sizeof(again.day));
	plan->launches =
		memory_grow(plan->launches, plan->launch_count + 1, sizeof(*plan->launches));
	plan->launches[plan->launch_count++] = again;
}

static void repeat_or_hold(struct planner *planner, const struct young_attempt *young,
			   struct repeater *repeater)
{
	struct resource_plan *planned = &planner->plan->resources[young->resource];
	enum why why = obstacle(planner, young, repeater, planned->words);

	if (why != WHY_LAUNCH) {
		planned->held_back++;
		planned->held_back_why = why;
		return;
	}
	repeater->has_asked = true;
	repeater->machines++;
	repeater->seats += planner->settings->resources[young->resource].ticket.seats;
	ask_again(planner->plan, young);
}

void plan_repeat(struct planner *planner)
{
	size_t count = planner->settings->resource_count;
	struct repeater *repeaters = memory_array(count, sizeof(*repeaters));

	for (size_t r = 0; r < count; r++)
		repeaters[r] = repeater_of(planner, r);
	for (size_t i = 0; i < planner->young_count; i++)
		repeat_or_hold(planner, &planner->young[i], &repeaters[planner->young[i].resource]);
	free(repeaters);
}
