#include "tests/simulation/invariants.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOW_LOOK_MS = 60000,
	HEALTHY_MS = 300000, /* so long without a fault, and it should have told everybody */
	LIFE_SLACK_S = 3600,
	TIMELY_PASSES = 15, /* the grace, two looks, and what lists that fail take away */
	IDLE_SLACK_MS = 120000,
	LEAVING_S = 3600,
	MISSED_MS = 1800000 /* of its last reports a host may have seen none */
};

void invariants_fail(struct invariants *invariants, const struct world *world, const char *subject,
		     const char *fmt, ...)
{
	va_list arguments;
	int len;

	if (invariants->has_failed)
		return;
	invariants->has_failed = true;
	(void)snprintf(invariants->subject, sizeof(invariants->subject), "%s", subject);
	len = snprintf(invariants->text, sizeof(invariants->text),
		       "%lld s: %s: ", (long long)world_now_s(world), subject);
	va_start(arguments, fmt);
	(void)vsnprintf(invariants->text + len, sizeof(invariants->text) - (size_t)len, fmt,
			arguments);
	va_end(arguments);
	world_note(world, subject, "VIOLATION: %s", invariants->text);
}

static bool is_alive(const struct world_machine *machine)
{
	return machine->instance.state != INSTANCE_TERMINATED;
}

/* How many memories there have been that may not have known of each other. */
static unsigned memories(const struct world *world)
{
	unsigned count = (unsigned)world->host_count * (world->faults->has_overlaps ? 3 : 1);

	for (size_t h = 0; h < world->host_count; h++)
		count += world->hosts[h].ledgers_lost;
	return count;
}

/* ---- I1 ---- */

/* Where records come and go late, rivals may miss each other for a while. */
static bool do_rivals_see_each_other(const struct world_faults *faults)
{
	return !faults->memory_losses && !faults->outages && !faults->cuts && !faults->freezes &&
	       faults->calls_fail < 0.02 && faults->calls_lost < 0.02;
}

static void check_rivals(struct invariants *invariants, const struct world *world,
			 const struct world_machine *machine)
{
	unsigned same = 0;

	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *other = world->machines[m];

		if (!is_alive(other) ||
		    strcmp(other->instance.resource, machine->instance.resource) != 0 ||
		    other->instance.slot != machine->instance.slot)
			continue;
		same++;
		if (other != machine && world_seats_busy(other) && world_seats_busy(machine) &&
		    do_rivals_see_each_other(world->faults))
			invariants_fail(invariants, world, machine->instance.id,
					"I1: works, and so does its rival %s for slot %u",
					other->instance.id, machine->instance.slot);
	}
	if (same > memories(world))
		invariants_fail(invariants, world, machine->instance.id,
				"I1: %u instances in slot %u of %s", same, machine->instance.slot,
				machine->instance.resource);
}

static void check_limits(struct invariants *invariants, const struct world *world)
{
	const struct settings *settings = world->settings;
	unsigned alive = 0;

	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];

		if (!is_alive(machine))
			continue;
		alive++;
		if (world_is_configured(world, machine) &&
		    machine->instance.slot >= settings->resources[machine->resource].max_instances)
			invariants_fail(invariants, world, machine->instance.id,
					"I1: its slot %u is past max_instances",
					machine->instance.slot);
		check_rivals(invariants, world, machine);
	}
	if (settings->max_instances && memories(world) == 1 && alive > settings->max_instances)
		invariants_fail(invariants, world, "reaper",
				"I1: %u instances, max_instances is %u", alive,
				settings->max_instances);
}

/* ---- I4 ---- */

static void check_tasks(struct invariants *invariants, const struct world *world)
{
	for (size_t i = 0; i < world->task_count; i++) {
		const struct world_task *task = &world->tasks[i];

		if (task->runners > 1)
			invariants_fail(invariants, world, task->id, "I4: has %zu runners",
					task->runners);
		/* Three attempts, and each one starts it once at most. */
		if (task->runs > 3)
			invariants_fail(invariants, world, task->id, "I4: has run %u times",
					task->runs);
		if (task->finals > 1 || task->revived)
			invariants_fail(invariants, world, task->id,
					"I4: %u final ends, queued again %u times after one",
					task->finals, task->revived);
	}
}

/* ---- I5 ---- */

static bool is_healthy(const struct world *world, const struct world_machine *machine)
{
	return !machine->is_dead && !machine->is_hung &&
	       world->now_ms >= machine->frozen_until_ms + HEALTHY_MS &&
	       world->now_ms >= machine->cut_until_ms + HEALTHY_MS;
}

/* It does not power off, and hardly a pass was over before its own deadline since its time was
 * over: calls take too long there. */
static bool is_out_of_reach(struct invariants *invariants, const struct world *world, size_t m)
{
	size_t old = invariants->timely_room;

	if (m >= old) {
		invariants->timely_room = 2 * m + 1;
		invariants->timely_before =
			memory_grow(invariants->timely_before, invariants->timely_room,
				    sizeof(*invariants->timely_before));
		memset(invariants->timely_before + old, 0,
		       (invariants->timely_room - old) * sizeof(*invariants->timely_before));
	}
	if (!invariants->timely_before[m])
		invariants->timely_before[m] = invariants->timely_passes + 1;
	return world->machines[m]->is_stuck_on &&
	       invariants->timely_passes + 1 - invariants->timely_before[m] <
		       TIMELY_PASSES * world->host_count;
}

static void check_ages(struct invariants *invariants, const struct world *world)
{
	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];
		const struct resource *resource = &world->settings->resources[machine->resource];
		const struct ticket_limits *limits = &resource->ticket.limits;

		if (!is_alive(machine))
			continue;
		if (world->now_ms - machine->launched_ms > limits->max_life_s * 1000 &&
		    !is_out_of_reach(invariants, world, m) &&
		    world->now_ms - machine->launched_ms >
			    (limits->max_life_s + LIFE_SLACK_S) * 1000)
			invariants_fail(invariants, world, machine->instance.id,
					"I5: lives past its max_life and the grace");
		/* What its ticket held is another configuration's. */
		if (is_healthy(world, machine) && machine->phase == PHASE_SERVE &&
		    world_is_configured(world, machine) && !world_seats_busy(machine) &&
		    !machine->keep_ms &&
		    machine->instance.slot >=
			    invariants_most_minimum(resource,
						    (world->now_ms - IDLE_SLACK_MS) / 1000,
						    world->now_ms / 1000) &&
		    world->now_ms - machine->idle_since_ms >
			    limits->idle_timeout_s * 1000 + IDLE_SLACK_MS)
			invariants_fail(invariants, world, machine->instance.id,
					"I5: idles past its time-out");
	}
}

static void on_event(void *context, const struct world *world)
{
	struct invariants *invariants = context;

	if (world->changes != invariants->changes) {
		invariants->changes = world->changes;
		if (world->machines_alive > invariants->peak)
			invariants->peak = world->machines_alive;
		check_limits(invariants, world);
		check_tasks(invariants, world);
		if (invariants->drawn->has_budgets && memories(world) == 1)
			invariants_money_rates(invariants, world);
	}
	if (world->now_ms >= invariants->next_slow_ms) {
		invariants->next_slow_ms = world->now_ms + SLOW_LOOK_MS;
		check_ages(invariants, world);
		if (invariants->drawn->zone)
			invariants_schedule_look(invariants, world);
	}
}

/* ---- I3 ---- */

static void check_looks(struct invariants *invariants, const struct world *world, size_t host,
			size_t number)
{
	const char *id = world->machines[number]->instance.id;

	if (number >= invariants->look_count ||
	    invariants->looks[number][host].pass != invariants->passes[host])
		invariants_fail(invariants, world, id, "I3: terminated, but not by a plan");
	/* A pass looks, then decides: the looks are so far apart, give or take what calls take. */
	else if (world->now_ms - invariants->looks[number][host].first_ms <
		 world->settings->two_looks_s * 1000 - 1000 - 2 * world->faults->latency_ms)
		invariants_fail(
			invariants, world, id, "I3: terminated %lld s after the first look",
			(long long)(world->now_ms - invariants->looks[number][host].first_ms) /
				1000);
}

/* A seat whose task a person has stopped has no more work to lose. */
static bool has_work(const struct world *world, const struct world_machine *machine)
{
	for (unsigned s = 0; s < machine->seat_count; s++)
		if (machine->seats[s].state == WORLD_SEAT_RUNNING &&
		    world->tasks[machine->seats[s].task].status == TASK_IN_PROGRESS)
			return true;
	return false;
}

static void on_termination(void *context, const struct world *world, size_t host, size_t number,
			   enum doom doom)
{
	struct invariants *invariants = context;
	const struct world_machine *machine = world->machines[number];
	const char *id = machine->instance.id;

	if (world->options.is_central)
		return;
	if (!world->faults->has_overlaps)
		check_looks(invariants, world, host, number);
	if (doom == DOOM_PAST_LIFE || doom == DOOM_ORDERED || doom == DOOM_STOPPED)
		return;
	if (world_record_is_shown(world, machine) && strcmp(machine->record.phase, "left") != 0 &&
	    world->now_ms - machine->record.last_report_ms < 60000)
		invariants_fail(invariants, world, id, "I3: reports, and is terminated: %s",
				doom_text(doom));
	if (machine->record.task_count && has_work(world, machine) &&
	    world->now_ms - machine->record.last_report_ms <
		    world->settings->silent_busy_s * 1000 - MISSED_MS)
		invariants_fail(invariants, world, id,
				"I3: said that it works, may still, and is terminated: %s",
				doom_text(doom));
	if (is_healthy(world, machine) && world_seats_busy(machine))
		invariants_fail(invariants, world, id, "I3: works, and is terminated: %s",
				doom_text(doom));
}

/* ---- the end ---- */

static bool says_budget(const struct world *world, size_t resource)
{
	for (size_t h = 0; h < world->host_count; h++)
		if (world->hosts[h].why[resource] == WHY_BUDGET)
			return true;
	return false;
}

/* Is a budget the last word on what this queue could be launched for? That one is spent then has
 * been judged at each plan (invariants_money.c). */
static bool is_held_back(const struct world *world, size_t queue)
{
	const struct settings *settings = world->settings;

	for (size_t r = 0; r < settings->resource_count; r++)
		if (resource_serves(&settings->resources[r], queue) && says_budget(world, r))
			return true;
	return false;
}

/* Where the machines that min_instances keep are all that the total allows, what those do not serve
 * waits: `check` warns of it (check_limits.h). */
static bool is_never_served(const struct world *world, size_t queue)
{
	const struct settings *settings = world->settings;
	unsigned minimums = 0;

	for (size_t r = 0; r < settings->resource_count; r++) {
		minimums += settings->resources[r].min_instances;
		if (settings->resources[r].min_instances &&
		    resource_serves(&settings->resources[r], queue))
			return false;
	}
	return settings->max_instances && minimums >= settings->max_instances;
}

/* What a month's budget holds back goes on next month, if not the one after. A task that was given
 * back bears the name of who had it until the next one takes it. */
static bool may_wait_for_ever(const struct invariants *invariants, const struct world *world,
			      const struct world_task *task)
{
	if (!task->is_in_queue || task->finals)
		return false;
	return is_never_served(world, task->queue) ||
	       (invariants->drawn->has_month_budgets && is_held_back(world, task->queue));
}

static void check_end_of_tasks(struct invariants *invariants, const struct world *world)
{
	for (size_t i = 0; i < world->task_count; i++) {
		const struct world_task *task = &world->tasks[i];

		if (task->finals != 1 && !may_wait_for_ever(invariants, world, task))
			invariants_fail(invariants, world, task->id,
					"in the end it is %s, in a queue: %d, owner \"%s\", final "
					"ends: %u",
					task_status_name(task->status), task->is_in_queue,
					task->owner, task->finals);
	}
}

void invariants_finish(struct invariants *invariants, const struct world *world)
{
	check_end_of_tasks(invariants, world);
	for (size_t m = 0; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];
		const struct resource *resource = &world->settings->resources[machine->resource];

		/* After a window, some need their time. */
		if (is_alive(machine) &&
		    machine->instance.slot >=
			    invariants_most_minimum(resource, world->now_ms / 1000 - LEAVING_S,
						    world->now_ms / 1000))
			invariants_fail(invariants, world, machine->instance.id,
					"I5: in the end it is still there (phase %s)",
					phase_name(machine->phase));
	}
	for (size_t h = 0; h < world->host_count; h++)
		for (size_t i = 0; i < world->hosts[h].ledger.attempt_count; i++)
			if (world->hosts[h].ledger.attempts[i].asked_s <
			    world->now_ms / 1000 - 7200)
				invariants_fail(invariants, world,
						world->hosts[h].ledger.attempts[i].resource,
						"in the end host %zu has an open attempt for slot "
						"%u generation %u",
						h, world->hosts[h].ledger.attempts[i].slot,
						world->hosts[h].ledger.attempts[i].generation);
}

void invariants_open(struct invariants *invariants, const struct drawn *drawn,
		     struct world_watcher *watcher)
{
	*invariants = (struct invariants){ .drawn = drawn };
	invariants_schedule_open(drawn);
	*watcher = (struct world_watcher){ .context = invariants,
					   .event = on_event,
					   .planned = invariants_planned,
					   .stored = invariants_stored,
					   .ended = invariants_ended,
					   .terminates = on_termination };
}

void invariants_release(struct invariants *invariants)
{
	free(invariants->looks);
	free(invariants->timely_before);
	invariants_money_release(invariants->money);
	invariants->looks = NULL;
	invariants->timely_before = NULL;
	invariants->money = NULL;
}
