#include "reaper/plan.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/doom.h"
#include "reaper/plan_part.h"

const char *why_text(enum why why)
{
	static const char *const texts[WHY_COUNT] = {
		[WHY_NO_DEMAND] = "nothing waits in its queues",
		[WHY_COVERED] = "free and booting seats suffice",
		[WHY_LAUNCH] = "tasks wait and no seat is free",
		[WHY_MINIMUM] = "below its min_instances",
		[WHY_AT_LIMIT] = "all its max_instances slots are taken",
		[WHY_TOTAL_LIMIT] = "the total max_instances is reached",
		[WHY_BOOTING_LIMIT] = "max_booting machines boot already",
		[WHY_LATER_RESOURCE] = "an earlier resource takes the demand",
		[WHY_UNKNOWN] = "what it depends on could not be read",
		[WHY_NO_QUEUE] = "none of its queues exists in ClearML",
		[WHY_PAUSED] = "its queues are tagged force_workers:off",
		[WHY_WAITING] = "no task has waited long enough yet (launch_after)",
		[WHY_COOLING_DOWN] = "no offering has capacity: they cool down",
		[WHY_BREAKER] = "its machines failed to boot: paused",
		[WHY_BUDGET] = "a budget does not allow it",
		[WHY_MEMORY_LOST] =
			"most machines have no record: ClearML may have lost its memory",
	};
	return texts[why];
}

const char *doom_text(enum doom doom)
{
	static const char *const texts[DOOM_COUNT] = {
		[DOOM_NONE] = "stays",
		[DOOM_NEVER_CAME_UP] = "never came up",
		[DOOM_SILENT] = "silent",
		[DOOM_STOPPED] = "stopped",
		[DOOM_PAST_LIFE] = "past max_life",
		[DOOM_ORDERED] = "ordered to leave",
		[DOOM_OVERDUE] = "overdue idle",
		[DOOM_SPARE] = "more are idle than needed",
		[DOOM_DUPLICATE] = "duplicate slot",
		[DOOM_RESOURCE_GONE] = "resource gone",
	};
	return texts[doom];
}

const char *order_text(enum order order)
{
	static const char *const texts[ORDER_COUNT] = {
		[ORDER_NONE] = "nothing",
		[ORDER_DRAIN] = "drain",
		[ORDER_KEEP] = "keep",
		[ORDER_LEAVE] = "leave",
	};
	return texts[order];
}

static bool is_all_listed(const struct observation *seen, const struct settings *settings)
{
	for (size_t r = 0; r < settings->resource_count; r++)
		if (!seen->resources[r].is_listed)
			return false;
	return true;
}

/* A machine that lives reports twice a minute, so what ClearML has lost it soon has again: whoever
 * is missing for as long as an idle machine may be silent is not forgotten, but gone. While it
 * cannot be read no machine can report either: then that time begins anew. */
static void judge_memory(struct planner *planner)
{
	if (!planner->seen->workers_known) {
		mark_settle(planner, "lost");
		return;
	}
	planner->is_memory_lost =
		doom_is_memory_lost(planner->seen, planner->settings) &&
		mark_again(planner, "memory", "lost") <= planner->settings->silent_idle_s;
}

static void planner_open(struct planner *planner)
{
	const struct observation *seen = planner->seen;
	const struct settings *settings = planner->settings;

	planner->now_s = seen->now_ms / 1000;
	planner->is_all_listed = is_all_listed(seen, settings);
	planner->is_leaving = memory_array(seen->machine_count, sizeof(*planner->is_leaving));
	planner->is_spare = memory_array(seen->machine_count, sizeof(*planner->is_spare));
	demand_open(&planner->demand, settings->queue_count, settings->resource_count);
	slots_open(&planner->slots, seen, settings);
	marks_open(planner);
	judge_memory(planner);
	planner->are_records_known = seen->workers_known && !planner->is_memory_lost;
}

static void planner_release(struct planner *planner)
{
	marks_end(planner);
	slots_release(&planner->slots);
	demand_release(&planner->demand);
	free(planner->is_leaving);
	free(planner->is_spare);
	free(planner->queue_rates);
	free(planner->unripe);
	free(planner->young);
}

static void judge_leftovers(const struct planner *planner)
{
	const struct observation *seen = planner->seen;
	struct plan *plan = planner->plan;

	plan->leftovers = memory_array(seen->leftover_count + 1, sizeof(*plan->leftovers));
	for (size_t i = 0; i < seen->leftover_count; i++)
		plan->leftovers[i] =
			leftover_fate(seen, planner->settings, &seen->leftovers[i].leftover);
}

void plan_make(const struct observation *seen, const struct settings *settings, struct plan *out)
{
	struct planner planner = { .seen = seen, .settings = settings, .plan = out };

	*out = (struct plan){ 0 };
	planner_open(&planner);
	plan_spare(&planner);
	plan_end(&planner);
	plan_stock(&planner);
	plan_supply(&planner);
	plan_launch(&planner);
	plan_warnings(&planner);
	plan_why(&planner);
	plan_repair(&planner);
	judge_leftovers(&planner);
	planner_release(&planner);
}

void plan_release(struct plan *plan)
{
	free(plan->launches);
	free(plan->terminations);
	free(plan->orders);
	free(plan->unregisters);
	free(plan->repairs);
	free(plan->leftovers);
	free(plan->warnings);
	free(plan->calm_budgets);
	free(plan->marks);
	*plan = (struct plan){ 0 };
}
