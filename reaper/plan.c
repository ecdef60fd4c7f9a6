#include "reaper/plan.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/demand.h"
#include "reaper/doom.h"
#include "reaper/slots.h"

/* What plan_make() works on; the parts below read it from top to bottom. */
struct planner {
	const struct observation *seen;
	const struct settings *settings;
	struct plan *plan;
	struct demand demand;
	bool are_records_known, is_memory_lost;
	unsigned alive, booting; /* over all resources, the planned launches included */
	struct slots slots;
};

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
		[WHY_BUDGET] = "its budget is spent",
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
		[DOOM_DUPLICATE] = "duplicate slot",
		[DOOM_RESOURCE_GONE] = "resource gone",
	};
	return texts[doom];
}

/* ---- marks: a destructive decision must be seen twice ---- */

static void mark_name(char out[static sizeof(((struct mark *)0)->what)], const char *verb,
		      const char *id)
{
	size_t room = sizeof(((struct mark *)0)->what), verb_len = strlen(verb);
	size_t id_len = strnlen(id, room - verb_len - 2);

	memcpy(out, verb, verb_len);
	out[verb_len] = ' ';
	memcpy(out + verb_len + 1, id, id_len);
	out[verb_len + 1 + id_len] = '\0';
}

/* Remember the decision for the next pass; true when it is old enough to be carried out. */
static bool mark_is_due(struct planner *planner, const char *verb, const char *id)
{
	const struct observation *seen = planner->seen;
	struct plan *plan = planner->plan;
	struct mark mark = { .first_s = seen->now_ms / 1000 };

	mark_name(mark.what, verb, id);
	for (size_t i = 0; i < seen->mark_count; i++)
		if (!strcmp(seen->marks[i].what, mark.what) &&
		    seen->marks[i].first_s < mark.first_s)
			mark.first_s = seen->marks[i].first_s;
	plan->marks = memory_grow(plan->marks, plan->mark_count + 1, sizeof(mark));
	plan->marks[plan->mark_count++] = mark;
	return seen->now_ms / 1000 - mark.first_s >= planner->settings->two_looks_s;
}

/* ---- who is there: instances, their seats, and those that must go ---- */

static void count_machine(struct planner *planner, size_t i)
{
	const struct observed_machine *machine = &planner->seen->machines[i];

	if (machine->instance.state == INSTANCE_TERMINATED)
		return;
	planner->alive++;
	if (machine->resource == RESOURCE_NONE)
		return;

	struct resource_plan *resource = &planner->plan->resources[machine->resource];
	struct machine_seats seats = doom_seats(machine, planner->seen, planner->settings);

	resource->alive++;
	resource->free_seats += seats.free;
	resource->booting_seats += seats.booting;
	resource->busy_seats += seats.busy;
	resource->booting += seats.is_booting;
	planner->booting += seats.is_booting;
}

static void plan_termination(struct planner *planner, size_t i)
{
	struct plan *plan = planner->plan;
	enum doom doom = doom_of(&planner->seen->machines[i], planner->seen, planner->settings,
				 planner->are_records_known && !planner->is_memory_lost);

	if (doom == DOOM_NONE)
		return;
	plan->terminations = memory_grow(plan->terminations, plan->termination_count + 1,
					 sizeof(*plan->terminations));
	plan->terminations[plan->termination_count++] = (struct planned_termination){
		.machine = i,
		.doom = doom,
		.is_due = mark_is_due(planner, doom_text(doom),
				      planner->seen->machines[i].instance.id),
	};
}

static void add_launch(struct planner *planner, const struct planned_launch *launch)
{
	struct plan *plan = planner->plan;

	plan->launches =
		memory_grow(plan->launches, plan->launch_count + 1, sizeof(*plan->launches));
	plan->launches[plan->launch_count++] = *launch;
}

static bool is_resource_known(const struct planner *planner, size_t resource)
{
	return planner->are_records_known && planner->seen->queues_known &&
	       planner->seen->resources[resource].is_listed;
}

/* A launch that was asked for and never answered costs money until it is known
 * not to exist: it counts, and the very same request is repeated. */
static void count_attempt(struct planner *planner, const struct open_attempt *attempt)
{
	const struct settings *settings = planner->settings;

	planner->alive++;
	for (size_t r = 0; r < settings->resource_count; r++) {
		struct resource_plan *resource = &planner->plan->resources[r];

		if (strcmp(settings->resources[r].name, attempt->resource))
			continue;
		if (slots_has(&planner->slots,
			      &(struct slot_occupant){ r, attempt->slot, attempt->generation })) {
			planner->alive--;
			return;
		}
		resource->alive++;
		resource->booting++;
		resource->booting_seats += settings->resources[r].ticket.seats;
		planner->booting++;
		if (!is_resource_known(planner, r))
			return;

		struct planned_launch again = { .resource = r,
						.slot = attempt->slot,
						.generation = attempt->generation,
						.why = WHY_LAUNCH,
						.is_repeat = true };
		memcpy(again.day, attempt->day, sizeof(again.day));
		add_launch(planner, &again);
		return;
	}
}

static void take_stock(struct planner *planner)
{
	const struct observation *seen = planner->seen;

	slots_open(&planner->slots, seen, planner->settings);
	for (size_t i = 0; i < seen->machine_count; i++) {
		count_machine(planner, i);
		plan_termination(planner, i);
	}
	for (size_t i = 0; i < seen->attempt_count; i++)
		count_attempt(planner, &seen->attempts[i]);
	for (size_t r = 0; r < planner->settings->resource_count; r++) {
		const struct resource *resource = &planner->settings->resources[r];

		/* Behind a list that failed may be as many as it is allowed to have. */
		if (!seen->resources[r].is_listed &&
		    planner->plan->resources[r].alive < resource->max_instances)
			planner->alive +=
				resource->max_instances - planner->plan->resources[r].alive;
	}
}

/* ---- demand against supply ---- */

static bool is_served(const struct resource *resource, size_t queue)
{
	for (size_t i = 0; i < resource->queue_count; i++)
		if (resource->queues[i] == queue)
			return true;
	return false;
}

static void match_supply(struct planner *planner)
{
	const struct settings *settings = planner->settings;
	struct demand *demand = &planner->demand;

	for (size_t r = 0; r < settings->resource_count; r++) {
		demand->seats[r] = planner->plan->resources[r].free_seats +
				   planner->plan->resources[r].booting_seats;
		for (size_t q = 0; q < settings->queue_count; q++)
			demand->serves[q * settings->resource_count + r] =
				is_served(&settings->resources[r], q);
	}
	demand_sort(demand);
	for (size_t q = 0; q < settings->queue_count; q++) {
		const struct observed_queue *queue = &planner->seen->queues[q];

		if (planner->seen->queues_known && queue->exists && !queue->is_forced_off)
			demand->waiting[q] = queue->waiting;
		planner->plan->queues[q].covered = demand_match(demand, q);
	}
}

/* ---- launches ---- */

/* Why this resource may not launch now; WHY_LAUNCH when it may. */
static enum why obstacle(struct planner *planner, size_t resource)
{
	const struct settings *settings = planner->settings;
	unsigned slot;

	if (!is_resource_known(planner, resource))
		return WHY_UNKNOWN;
	if (planner->is_memory_lost)
		return WHY_MEMORY_LOST;
	/* Instances beyond the slots (a limit that was lowered) count too. */
	if (!slots_lowest(&planner->slots, resource, &slot) ||
	    planner->plan->resources[resource].alive >= settings->resources[resource].max_instances)
		return WHY_AT_LIMIT;
	if (settings->max_instances && planner->alive >= settings->max_instances)
		return WHY_TOTAL_LIMIT;
	if (settings->max_booting && planner->booting >= settings->max_booting)
		return WHY_BOOTING_LIMIT;
	return WHY_LAUNCH;
}

static void launch_one(struct planner *planner, size_t r, enum why why)
{
	const struct resource *resource = &planner->settings->resources[r];
	struct resource_plan *planned = &planner->plan->resources[r];
	struct planned_launch launch = { .resource = r, .why = why };

	if (!slots_lowest(&planner->slots, r, &launch.slot))
		return;
	launch.generation = slots_take(&planner->slots, r, launch.slot);
	memcpy(launch.day, planner->seen->today, sizeof(launch.day));
	planner->demand.seats[r] += resource->ticket.seats;
	planner->alive++;
	planner->booting++;
	planned->alive++;
	planned->launches++;
	planned->why = why;
	add_launch(planner, &launch);
}

/* The first resource of the file that serves the queue and may launch. */
static bool find_launcher(struct planner *planner, size_t queue, size_t *resource)
{
	for (size_t r = 0; r < planner->settings->resource_count; r++) {
		if (is_served(&planner->settings->resources[r], queue) &&
		    obstacle(planner, r) == WHY_LAUNCH) {
			*resource = r;
			return true;
		}
	}
	return false;
}

static void launch_for_queue(struct planner *planner, size_t queue)
{
	struct queue_plan *planned = &planner->plan->queues[queue];
	size_t resource;

	/* A machine with several seats, launched for an earlier queue, may have some left. */
	planned->launched_for += demand_match(&planner->demand, queue);
	while (planner->demand.waiting[queue] && find_launcher(planner, queue, &resource)) {
		launch_one(planner, resource, WHY_LAUNCH);
		planned->launched_for += demand_match(&planner->demand, queue);
	}
	planned->unserved = planner->demand.waiting[queue];
}

static void launch_minimums(struct planner *planner)
{
	for (size_t r = 0; r < planner->settings->resource_count; r++)
		while (planner->plan->resources[r].alive <
			       planner->settings->resources[r].min_instances &&
		       obstacle(planner, r) == WHY_LAUNCH)
			launch_one(planner, r, WHY_MINIMUM);
}

/* ---- and why: each resource says it, also when nothing happens ---- */

static enum why explain(struct planner *planner, size_t r)
{
	const struct resource *resource = &planner->settings->resources[r];
	bool has_queue = false, has_open_queue = false, is_asked = false, is_short = false,
	     is_launched_for = false;

	if (planner->plan->resources[r].launches)
		return planner->plan->resources[r].why;
	if (!is_resource_known(planner, r) || planner->is_memory_lost)
		return obstacle(planner, r);
	for (size_t i = 0; i < resource->queue_count; i++) {
		const struct observed_queue *queue = &planner->seen->queues[resource->queues[i]];
		const struct queue_plan *planned = &planner->plan->queues[resource->queues[i]];

		has_queue |= queue->exists;
		has_open_queue |= queue->exists && !queue->is_forced_off;
		is_asked |= queue->exists && !queue->is_forced_off && queue->waiting;
		is_short |= planned->unserved > 0;
		is_launched_for |= planned->launched_for > 0;
	}
	if (!has_queue)
		return WHY_NO_QUEUE;
	if (!has_open_queue)
		return WHY_PAUSED;
	if (!is_asked)
		return WHY_NO_DEMAND;
	if (is_short)
		return obstacle(planner, r);
	if (!is_launched_for)
		return WHY_COVERED;
	/* Another resource launches: because this one comes later, or because it is full. */
	return obstacle(planner, r) == WHY_AT_LIMIT ? WHY_AT_LIMIT : WHY_LATER_RESOURCE;
}

/* ---- repairs: tasks whose machine is seen terminated ---- */

static void plan_repair(struct planner *planner, size_t i)
{
	const struct observed_task *lost = &planner->seen->lost[i];
	struct plan *plan = planner->plan;
	enum verdict verdict = verdict_of(&(struct verdict_facts){
		.status = lost->task.status,
		.is_owner_us = true, /* we act for the dead owner */
		.is_in_queue = lost->is_in_queue,
		.status_reason = lost->task.status_reason,
		.status_message = lost->task.status_message,
		.worker = lost->task.last_worker,
		.attempt = lost->attempt,
		.max_attempts = lost->max_attempts,
	});

	if (verdict != VERDICT_RETURN && verdict != VERDICT_FAIL)
		return;
	plan->repairs = memory_grow(plan->repairs, plan->repair_count + 1, sizeof(*plan->repairs));
	plan->repairs[plan->repair_count++] = (struct planned_repair){
		.lost = i,
		.verdict = verdict,
		.is_due = mark_is_due(planner, "task", lost->task.id),
	};
}

void plan_make(const struct observation *seen, const struct settings *settings, struct plan *out)
{
	struct planner planner = { .seen = seen, .settings = settings, .plan = out };

	*out = (struct plan){ 0 };
	planner.are_records_known = seen->workers_known;
	planner.is_memory_lost = seen->workers_known && doom_is_memory_lost(seen, settings);
	demand_open(&planner.demand, settings->queue_count, settings->resource_count);
	take_stock(&planner);
	match_supply(&planner);
	for (size_t queue = 0; queue < settings->queue_count; queue++)
		launch_for_queue(&planner, queue);
	launch_minimums(&planner);
	for (size_t r = 0; r < settings->resource_count; r++)
		out->resources[r].why = explain(&planner, r);
	for (size_t i = 0; seen->tasks_known && i < seen->lost_count; i++)
		plan_repair(&planner, i);

	demand_release(&planner.demand);
	slots_release(&planner.slots);
}

void plan_release(struct plan *plan)
{
	free(plan->launches);
	free(plan->terminations);
	free(plan->repairs);
	free(plan->marks);
	*plan = (struct plan){ 0 };
}
