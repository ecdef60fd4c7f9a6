#include <stdlib.h>
#include <string.h>

#include "tests/simulation/invariants.h"

/* What every plan must be like, given what was seen: I2, I3, I7, I9. */

enum { MOST = INVARIANTS_MOST };

struct supply {
	unsigned waiting[MOST], seats[MOST]; /* by queue; by resource */
	unsigned taken[MOST][MOST]; /* [queue][resource] */
	bool serves[MOST][MOST];
	size_t queues, resources;
};

static bool is_same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* What the machine can take, now or soon, told anew. */
static unsigned seats_of(const struct observed_machine *machine, const struct observation *seen,
			 const struct settings *settings)
{
	const struct resource *resource = &settings->resources[machine->resource];
	const struct machine_record *record = &machine->record;
	int64_t age_s = seen->now_ms / 1000 - machine->instance.launched_s;
	bool may_boot = age_s <= resource->ticket.limits.boot_deadline_s;

	if (machine->instance.state > INSTANCE_RUNNING)
		return 0;
	/* No instance stands behind it; but lists are late. */
	if (!machine->is_listed && seen->resources[machine->resource].is_listed && !may_boot)
		return 0;
	if (!machine->has_record)
		return !machine->was_seen && may_boot ? resource->ticket.seats : 0;
	if (record->is_draining)
		return 0;
	if (is_same(record->phase, "serve"))
		return record->free_seats;
	return is_same(record->phase, "prove") && may_boot ? record->seats : 0;
}

static bool is_in_the_slot(const struct observation *seen, const struct open_attempt *attempt)
{
	for (size_t i = 0; i < seen->machine_count; i++) {
		const struct instance *instance = &seen->machines[i].instance;

		if (instance->slot == attempt->slot &&
		    instance->generation == attempt->generation &&
		    is_same(instance->resource, attempt->resource))
			return true;
	}
	return false;
}

/* Whom this plan sends away takes no more tasks. */
static bool is_sent_away(const struct plan *plan, size_t machine)
{
	for (size_t i = 0; i < plan->order_count; i++)
		if (plan->orders[i].machine == machine && plan->orders[i].order != ORDER_KEEP)
			return true;
	return false;
}

static void count_supply(const struct observation *seen, const struct settings *settings,
			 const struct plan *plan, struct supply *out)
{
	out->queues = settings->queue_count;
	out->resources = settings->resource_count;
	for (size_t q = 0; q < out->queues; q++)
		if (seen->queues[q].exists && !seen->queues[q].is_forced_off)
			out->waiting[q] = seen->queues[q].waiting;
	for (size_t i = 0; i < seen->machine_count; i++)
		if (seen->machines[i].resource != RESOURCE_NONE && !is_sent_away(plan, i))
			out->seats[seen->machines[i].resource] +=
				seats_of(&seen->machines[i], seen, settings);
	for (size_t i = 0; i < seen->attempt_count; i++)
		for (size_t r = 0; r < out->resources; r++)
			if (is_same(settings->resources[r].name, seen->attempts[i].resource) &&
			    seen->now_ms / 1000 - seen->attempts[i].asked_s <=
				    settings->resources[r].ticket.limits.boot_deadline_s &&
			    !is_in_the_slot(seen, &seen->attempts[i]))
				out->seats[r] += settings->resources[r].ticket.seats;
	for (size_t r = 0; r < out->resources; r++)
		for (size_t i = 0; i < settings->resources[r].queue_count; i++)
			out->serves[settings->resources[r].queues[i]][r] = true;
}

/* One more task of the queue to a seat, moving others along (a path of a matching). */
static bool place_one(struct supply *supply, size_t queue, bool *visited)
{
	for (size_t r = 0; r < supply->resources; r++) {
		if (!supply->serves[queue][r] || visited[r])
			continue;
		visited[r] = true;
		if (supply->seats[r]) {
			supply->seats[r]--;
			supply->taken[queue][r]++;
			return true;
		}
		for (size_t q = 0; q < supply->queues; q++) {
			if (!supply->taken[q][r] || !place_one(supply, q, visited))
				continue;
			supply->taken[q][r]--;
			supply->taken[queue][r]++;
			return true;
		}
	}
	return false;
}

static void match(struct supply *supply)
{
	for (size_t q = 0; q < supply->queues; q++)
		for (;;) {
			bool visited[MOST] = { false };

			if (!supply->waiting[q] || !place_one(supply, q, visited))
				break;
			supply->waiting[q]--;
		}
}

/* ---- I2 ---- */

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned total_of(const unsigned *list, size_t count)
{
	unsigned sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += list[i];
	return sum;
}

static void check_launches(struct invariants *invariants, const struct world *world,
			   const struct observation *seen, const struct plan *plan,
			   const struct supply *left)
{
	const struct settings *settings = world->settings;
	unsigned short_of = 0, launched = 0, last = 0;

	for (size_t q = 0; q < left->queues; q++)
		short_of += left->waiting[q];
	for (size_t i = 0; i < plan->launch_count; i++) {
		const struct planned_launch *launch = &plan->launches[i];

		if (launch->is_repeat || launch->why != WHY_LAUNCH)
			continue;
		launched += settings->resources[launch->resource].ticket.seats;
		if (settings->resources[launch->resource].ticket.seats > last)
			last = settings->resources[launch->resource].ticket.seats;
	}
	(void)seen;
	/* Each launch is for one task at least; only its other seats may be too many. */
	unsigned most = short_of + (last ? (last - 1) * smaller(short_of, launched) : 0);

	if (launched > most)
		invariants_fail(invariants, world, "reaper",
				"I2: launches %u seats, and %u tasks are without one; %u seats are "
				"free or boot, and the plan counts %u and %u",
				launched, short_of, total_of(invariants->supply, left->resources),
				plan->resources[0].free_seats + plan->resources[1].free_seats +
					plan->resources[2].free_seats,
				plan->resources[0].booting_seats +
					plan->resources[1].booting_seats +
					plan->resources[2].booting_seats);
}

static bool is_asked_by(const struct supply *left, size_t resource)
{
	for (size_t q = 0; q < left->queues; q++)
		if (left->serves[q][resource] && left->waiting[q])
			return true;
	return false;
}

static void check_reasons(struct invariants *invariants, const struct world *world,
			  const struct observation *seen, const struct plan *plan,
			  const struct supply *left)
{
	for (size_t r = 0; r < left->resources; r++) {
		const struct resource_plan *planned = &plan->resources[r];
		const char *name = world->settings->resources[r].name;
		bool is_known =
			seen->queues_known && seen->workers_known && seen->resources[r].is_listed;

		if (planned->why == WHY_UNKNOWN && is_known)
			invariants_fail(invariants, world, name,
					"I9: all of it was read, and it says unknown");
		if (is_known && (planned->why == WHY_COVERED || planned->why == WHY_NO_DEMAND) &&
		    is_asked_by(left, r))
			invariants_fail(invariants, world, name,
					"I2: tasks are without a seat, and it says \"%s\"",
					why_text(planned->why));
		if (planned->why == WHY_AT_LIMIT &&
		    planned->alive < world->settings->resources[r].max_instances)
			invariants_fail(invariants, world, name,
					"I2: at its limit with %u of %u instances", planned->alive,
					world->settings->resources[r].max_instances);
	}
}

/* ---- I1 and I7, in the plan ---- */

static void check_slots(struct invariants *invariants, const struct world *world,
			const struct observation *seen, const struct plan *plan)
{
	for (size_t i = 0; i < plan->launch_count; i++) {
		const struct planned_launch *launch = &plan->launches[i];
		const struct resource *resource = &world->settings->resources[launch->resource];

		if (!seen->resources[launch->resource].is_listed || !seen->workers_known ||
		    !seen->queues_known)
			invariants_fail(invariants, world, resource->name,
					"I7: launches by what could not be read");
		for (size_t a = 0; a < seen->attempt_count && !launch->is_repeat; a++)
			if (seen->attempts[a].slot == launch->slot &&
			    is_same(seen->attempts[a].resource, resource->name))
				invariants_fail(invariants, world, resource->name,
						"I1: slot %u is launched for twice: there is an "
						"open attempt",
						launch->slot);
		for (size_t m = 0; m < seen->machine_count; m++) {
			const struct instance *instance = &seen->machines[m].instance;

			if (instance->slot == launch->slot &&
			    instance->state != INSTANCE_TERMINATED && !launch->is_repeat &&
			    is_same(instance->resource, resource->name))
				invariants_fail(invariants, world, instance->id,
						"I1: slot %u is launched for, and it is in it",
						launch->slot);
		}
	}
}

static bool is_all_read(const struct observation *seen, const struct settings *settings,
			const struct plan *plan)
{
	for (size_t r = 0; r < settings->resource_count; r++)
		if (!seen->resources[r].is_listed || plan->resources[r].why == WHY_MEMORY_LOST)
			return false;
	return seen->queues_known && seen->workers_known;
}

static void make_room(struct invariants *invariants, const struct world *world)
{
	size_t before = invariants->look_count;

	if (before >= world->machine_count)
		return;
	invariants->look_count = world->machine_count * 2;
	invariants->looks =
		memory_grow(invariants->looks, invariants->look_count, sizeof(*invariants->looks));
	memset(invariants->looks + before, 0,
	       (invariants->look_count - before) * sizeof(*invariants->looks));
}

void invariants_stored(void *context, const struct world *world, size_t host,
		       const struct observation *seen, const struct plan *plan)
{
	struct invariants *invariants = context;
	uint64_t pass = ++invariants->passes[host];
	bool is_whole = is_all_read(seen, world->settings, plan);

	invariants_money_stored(invariants, world, host, seen, plan);

	if (!seen->is_clock_known) /* no look: by whose clock would it be? */
		return;
	make_room(invariants, world);
	for (size_t i = 0; i < plan->termination_count; i++) {
		size_t number = world_machine_named(
			world, seen->machines[plan->terminations[i].machine].instance.id);

		if (number == NOBODY)
			continue;
		struct look *look = &invariants->looks[number][host];

		/* Where all was read and it was not so, looking begins anew. */
		if (!look->pass || look->whole_passes < invariants->whole_passes[host])
			look->first_ms = seen->now_ms;
		look->pass = pass;
		look->whole_passes = invariants->whole_passes[host] + is_whole;
	}
	invariants->whole_passes[host] += is_whole;
}

/* One of no resource is held to the deadline of the one whose list shows it. */
static bool is_past_boot(const struct world *world, const struct observation *seen,
			 const struct observed_machine *machine)
{
	size_t r = machine->resource == RESOURCE_NONE ? machine->place : machine->resource;

	return seen->now_ms / 1000 - machine->instance.launched_s >
	       world->settings->resources[r].ticket.limits.boot_deadline_s;
}

static void check_terminations(struct invariants *invariants, const struct world *world,
			       const struct observation *seen, const struct plan *plan)
{
	for (size_t i = 0; i < plan->termination_count; i++) {
		const struct planned_termination *planned = &plan->terminations[i];
		const struct observed_machine *machine = &seen->machines[planned->machine];
		const char *id = machine->instance.id;

		if (planned->doom == DOOM_RESOURCE_GONE && machine->resource != RESOURCE_NONE)
			invariants_fail(invariants, world, id,
					"I3: its resource is configured, and it is to go");
		if (world_machine_named(world, id) == NOBODY)
			continue;
		if (!machine->is_listed)
			invariants_fail(invariants, world, id,
					"I7: to be terminated, and no list shows it");
		if (planned->is_due && !seen->is_clock_known)
			invariants_fail(invariants, world, id,
					"I7: due, and nobody knows what time it is");
		if ((planned->doom == DOOM_SILENT || planned->doom == DOOM_NEVER_CAME_UP) &&
		    !seen->workers_known)
			invariants_fail(invariants, world, id,
					"I7: %s, and the records could not be read",
					doom_text(planned->doom));
		if (planned->doom == DOOM_NEVER_CAME_UP && !is_past_boot(world, seen, machine))
			invariants_fail(invariants, world, id, "I3: %s, and may do so yet",
					doom_text(planned->doom));
	}
}

static bool is_waited_for(const struct observation *seen, const struct resource *resource)
{
	for (size_t i = 0; i < resource->queue_count; i++)
		if (seen->queues[resource->queues[i]].waiting &&
		    !seen->queues[resource->queues[i]].is_forced_off)
			return true;
	return false;
}

/* Of the idle ones: nobody who works, is kept or is waited for, and never the last one. */
static void check_spare(struct invariants *invariants, const struct world *world,
			const struct observation *seen, const struct plan *plan,
			const struct supply *supply)
{
	for (size_t i = 0; i < plan->order_count; i++) {
		const struct observed_machine *machine = &seen->machines[plan->orders[i].machine];
		const struct machine_record *record = &machine->record;

		if (plan->orders[i].doom != DOOM_SPARE)
			continue;
		if (plan->orders[i].order != ORDER_DRAIN || machine->order != ORDER_NONE ||
		    record->task_count || record->kept_by[0] || !is_same(record->phase, "serve"))
			invariants_fail(invariants, world, machine->instance.id,
					"I3: spare, and it works or is kept");
		if (is_waited_for(seen, &world->settings->resources[machine->resource]))
			invariants_fail(invariants, world, machine->instance.id,
					"I2: spare, and tasks wait for it");
		if (!supply->seats[machine->resource])
			invariants_fail(invariants, world, machine->instance.id,
					"I2: spare, and no seat of its resource stays");
	}
}

void invariants_planned(void *context, const struct world *world, size_t host,
			const struct observation *seen, const struct plan *plan)
{
	struct invariants *invariants = context;
	struct supply supply = { 0 };

	(void)host;
	check_slots(invariants, world, seen, plan);
	check_terminations(invariants, world, seen, plan);
	if (!seen->queues_known || !seen->workers_known) {
		invariants_blind(invariants, world, plan);
		return;
	}
	count_supply(seen, world->settings, plan, &supply);
	memcpy(invariants->supply, supply.seats, sizeof(supply.seats));
	check_spare(invariants, world, seen, plan, &supply);
	match(&supply);
	check_launches(invariants, world, seen, plan, &supply);
	check_reasons(invariants, world, seen, plan, &supply);
	if (invariants->drawn->zone)
		invariants_schedule_planned(invariants, world, seen, plan);
}
