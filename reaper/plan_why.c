#include <string.h>

#include "reaper/plan_part.h"

struct asked { /* what a resource's queues say, taken together */
	bool is_any_there, is_any_open, is_any_waiting, is_launched_for, is_barred;
	size_t short_queue; /* one for which something should be launched; QUEUE_NONE */
	bool is_unripe;
	int64_t ripe_at_s; /* when the first of the unripe tasks is ripe; 0: not known */
};

static void ask_queue(const struct planner *planner, size_t q, struct asked *asked)
{
	const struct observed_queue *queue = &planner->seen->queues[q];
	const struct queue_plan *planned = &planner->plan->queues[q];

	if (!queue->exists)
		return;
	asked->is_any_there = true;
	if (queue->is_forced_off)
		return;
	asked->is_any_open = true;
	asked->is_any_waiting |= queue->waiting > 0;
	asked->is_launched_for |= planned->launched_for > 0;
	if (!planned->unserved)
		return;
	if (planner->demand.waiting[q]) {
		asked->short_queue = asked->short_queue == QUEUE_NONE ? q : asked->short_queue;
		return;
	}
	asked->is_barred |= queue->barred > 0;
	if (!planner->settings->launch_after_s || queue->ripe >= queue->waiting)
		return;
	int64_t ripe_at_s = queue->oldest_ms / 1000 + planner->settings->launch_after_s;

	asked->is_unripe = true;
	/* When the head is ripe already, nobody knows about those behind it. */
	if (ripe_at_s > planner->now_s && (!asked->ripe_at_s || ripe_at_s < asked->ripe_at_s))
		asked->ripe_at_s = ripe_at_s;
}

static struct asked ask_queues(const struct planner *planner, size_t r)
{
	const struct resource *resource = &planner->settings->resources[r];
	struct asked asked = { .short_queue = QUEUE_NONE };

	for (size_t i = 0; i < resource->queue_count; i++)
		ask_queue(planner, resource->queues[i], &asked);
	return asked;
}

/* Is it the resource's own, and not what others have left of a common limit? */
static bool is_own(enum why why)
{
	return why == WHY_AT_LIMIT || why == WHY_COOLING_DOWN || why == WHY_BREAKER ||
	       why == WHY_BUDGET;
}

static int64_t until_of(const struct planner *planner, size_t r, size_t queue, enum why why)
{
	switch (why) {
	case WHY_COOLING_DOWN:
		return planner->launchers[r].until_s;
	case WHY_BREAKER:
		return planner->launchers[r].breaker_until_s;
	case WHY_BUDGET:
		return plan_budget_until(planner, r, queue);
	default:
		return 0;
	}
}

/* WHY_LAUNCH: none. */
static enum why tell_obstacle(struct planner *planner, size_t r, size_t queue)
{
	struct resource_plan *planned = &planner->plan->resources[r];
	char words[PLAN_WORDS_ROOM] = "";
	size_t offering;
	enum why why = plan_obstacle(planner, r, queue, &offering, words);

	if (why == WHY_BUDGET)
		memcpy(planned->words, words, sizeof(planned->words));
	planned->until_s = until_of(planner, r, queue, why);
	return why;
}

static void set_obstacle(struct planner *planner, size_t r, size_t queue, enum why otherwise)
{
	enum why why = tell_obstacle(planner, r, queue);

	planner->plan->resources[r].why = why == WHY_LAUNCH ? otherwise : why;
}

/* Nothing is launched for these tasks, whatever the resource could do. */
static enum why tell_unripe(struct planner *planner, size_t r, const struct asked *asked)
{
	struct resource_plan *planned = &planner->plan->resources[r];

	if (asked->is_unripe) {
		planned->until_s = asked->ripe_at_s;
		return WHY_WAITING;
	}
	plan_tell_users(planner, planned->words);
	return WHY_BUDGET;
}

/* Another resource launches: because this one comes later, or because it cannot. */
static void set_later(struct planner *planner, size_t r)
{
	struct resource_plan *planned = &planner->plan->resources[r];

	set_obstacle(planner, r, QUEUE_NONE, WHY_LATER_RESOURCE);
	if (is_own(planned->why))
		return;
	planned->why = WHY_LATER_RESOURCE;
	planned->until_s = 0;
}

static void set_rest(struct planner *planner, size_t r)
{
	struct asked asked = ask_queues(planner, r);
	enum why rest = WHY_LAUNCH;

	if (asked.short_queue != QUEUE_NONE)
		rest = tell_obstacle(planner, r, asked.short_queue);
	else if (asked.is_unripe || asked.is_barred)
		rest = tell_unripe(planner, r, &asked);
	if (rest != WHY_LAUNCH)
		planner->plan->resources[r].rest = rest;
}

static void explain(struct planner *planner, size_t r)
{
	struct resource_plan *planned = &planner->plan->resources[r];
	bool is_below = planned->alive < planner->seen->resources[r].minimum;

	if (planned->launches) {
		set_rest(planner, r);
		return;
	}
	if (!plan_is_known(planner, r) || planner->is_memory_lost || is_below) {
		set_obstacle(planner, r, QUEUE_NONE, WHY_MINIMUM);
		return;
	}

	struct asked asked = ask_queues(planner, r);
	if (!asked.is_any_there)
		planned->why = WHY_NO_QUEUE;
	else if (!asked.is_any_open)
		planned->why = WHY_PAUSED;
	else if (!asked.is_any_waiting)
		planned->why = WHY_NO_DEMAND;
	else if (asked.short_queue != QUEUE_NONE)
		set_obstacle(planner, r, asked.short_queue, WHY_COVERED);
	else if (asked.is_unripe || asked.is_barred)
		planned->why = tell_unripe(planner, r, &asked);
	else if (asked.is_launched_for)
		set_later(planner, r);
	else
		planned->why = WHY_COVERED;
}

void plan_why(struct planner *planner)
{
	for (size_t r = 0; r < planner->settings->resource_count; r++)
		explain(planner, r);
}
