#include "reaper/doom.h"

#include <string.h>

enum {
	LIFE_GRACE_S = 600, /* its own clock ends it first; then comes the reaper */
	UNKNOWN_LIFE_S = 7 * 86400, /* of a machine whose resource is configured no more */
};

static const struct resource *resource_of(const struct observed_machine *machine,
					  const struct settings *settings)
{
	return machine->resource == RESOURCE_NONE ? NULL : &settings->resources[machine->resource];
}

static int64_t age_s(const struct observed_machine *machine, const struct observation *seen)
{
	return seen->now_ms / 1000 - machine->instance.launched_s;
}

static bool is_past_boot(const struct observed_machine *machine, const struct observation *seen,
			 const struct resource *resource)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the callers have one */
	return age_s(machine, seen) > resource->ticket.limits.boot_deadline_s;
}

bool doom_is_memory_lost(const struct observation *seen, const struct settings *settings)
{
	size_t old = 0, unheard = 0;

	for (size_t i = 0; i < seen->machine_count; i++) {
		const struct observed_machine *machine = &seen->machines[i];
		const struct resource *resource = resource_of(machine, settings);

		if (!resource || machine->instance.state > INSTANCE_RUNNING ||
		    !is_past_boot(machine, seen, resource))
			continue;
		old++;
		unheard += !machine->has_record;
	}
	return unheard >= 2 && 2 * unheard > old;
}

/* Nobody knows what its ticket allowed: as long as the longest here, and no less than by default.
 */
static int64_t life_of_gone(const struct settings *settings)
{
	int64_t life_s = UNKNOWN_LIFE_S;

	for (size_t r = 0; r < settings->resource_count; r++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): resource_count of them */
		if (settings->resources[r].ticket.limits.max_life_s > life_s)
			life_s = settings->resources[r].ticket.limits.max_life_s;
	return life_s;
}

static enum doom doom_of_unheard(const struct observed_machine *machine,
				 const struct observation *seen, const struct settings *settings)
{
	const struct resource *resource = resource_of(machine, settings);

	if (machine->was_seen) {
		/* Without the tasks nobody knows whether it took one after it was heard last. */
		bool may_work = machine->was_busy || !seen->tasks_known;
		int64_t limit_s = may_work ? settings->silent_busy_s : settings->silent_idle_s;
		int64_t heard_ms = machine->last_report_ms ? machine->last_report_ms :
							     machine->instance.launched_s * 1000;

		return seen->now_ms - heard_ms > limit_s * 1000 ? DOOM_SILENT : DOOM_NONE;
	}
	if (!is_past_boot(machine, seen,
			  resource ? resource : &settings->resources[machine->place]))
		return DOOM_NONE;
	/* A task may name it: then it did come up, and nobody has looked. */
	if (seen->ledger_since_s <= machine->instance.launched_s)
		return seen->tasks_known ? DOOM_NEVER_CAME_UP : DOOM_NONE;
	/* A ledger younger than the machine may have missed its reports, but not for longer than
	 * one that works may be silent. */
	return seen->now_ms / 1000 - seen->ledger_since_s > settings->silent_busy_s ? DOOM_SILENT :
										      DOOM_NONE;
}

bool doom_is_held(const struct observed_machine *machine, const struct observation *seen)
{
	return machine->instance.slot < seen->resources[machine->resource].minimum;
}

static bool is_overdue(const struct observed_machine *machine, const struct observation *seen,
		       const struct settings *settings, const struct resource *resource)
{
	const struct machine_record *record = &machine->record;

	return !record->task_count && !*record->kept_by && !doom_is_held(machine, seen) &&
	       record->idle_s > resource->ticket.limits.idle_timeout_s + settings->idle_grace_s;
}

static enum doom doom_of_heard(const struct observed_machine *machine,
			       const struct observation *seen, const struct settings *settings,
			       const struct resource *resource)
{
	if (machine->order == ORDER_KEEP)
		return DOOM_NONE;
	if (!resource)
		return DOOM_RESOURCE_GONE;
	return is_overdue(machine, seen, settings, resource) ? DOOM_OVERDUE : DOOM_NONE;
}

enum doom doom_of(const struct observed_machine *machine, const struct observation *seen,
		  const struct settings *settings, bool are_records_known)
{
	const struct resource *resource = resource_of(machine, settings);

	/* place is by whose verbs it is terminated. */
	if (!machine->is_listed || machine->place == RESOURCE_NONE ||
	    machine->instance.state >= INSTANCE_STOPPING)
		return DOOM_NONE;
	if (machine->instance.state == INSTANCE_STOPPED)
		return DOOM_STOPPED;
	int64_t life_s = resource ? resource->ticket.limits.max_life_s : life_of_gone(settings);
	if (age_s(machine, seen) > life_s + LIFE_GRACE_S)
		return DOOM_PAST_LIFE;
	if (machine->order == ORDER_LEAVE)
		return DOOM_ORDERED;
	if (!are_records_known)
		return DOOM_NONE;
	return machine->has_record ? doom_of_heard(machine, seen, settings, resource) :
				     doom_of_unheard(machine, seen, settings);
}

bool doom_drains_first(enum doom doom)
{
	return doom >= DOOM_OVERDUE;
}

static bool is_leaving(const struct machine_record *record)
{
	return record->is_draining || !strcmp(record->phase, "drain") ||
	       !strcmp(record->phase, "leave") || !strcmp(record->phase, "left");
}

bool doom_is_drained(const struct observed_machine *machine)
{
	const struct machine_record *record = &machine->record;

	return machine->has_record && is_leaving(record) && !record->task_count;
}

static bool is_before_serve(const char *phase)
{
	return !strcmp(phase, "identify") || !strcmp(phase, "admit") || !strcmp(phase, "prove");
}

/* Will it take a task, as far as anybody but itself can say? */
static bool is_welcome(const struct observed_machine *machine, const struct observation *seen,
		       const struct resource *resource)
{
	if (machine->order == ORDER_DRAIN || machine->order == ORDER_LEAVE)
		return false;
	/* A record outlives its machine by two minutes: what a whole list does not show is gone.
	 * But lists are late: a young machine may report before it is shown. */
	return machine->is_listed || !seen->resources[machine->resource].is_listed ||
	       !is_past_boot(machine, seen, resource);
}

struct machine_seats doom_seats(const struct observed_machine *machine,
				const struct observation *seen, const struct settings *settings)
{
	const struct resource *resource = resource_of(machine, settings);
	const struct machine_record *record = &machine->record;
	struct machine_seats seats = { 0 };

	if (!resource || machine->instance.state > INSTANCE_RUNNING)
		return seats;

	bool may_boot =
		is_welcome(machine, seen, resource) && !is_past_boot(machine, seen, resource);
	if (!machine->has_record) {
		seats.is_booting = may_boot && !machine->was_seen;
	} else if (is_before_serve(record->phase)) {
		seats.is_booting = may_boot && !record->is_draining;
	} else {
		seats.busy =
			record->seats > record->free_seats ? record->seats - record->free_seats : 0;
		if (!strcmp(record->phase, "serve") && !record->is_draining &&
		    is_welcome(machine, seen, resource))
			seats.free = record->free_seats;
	}
	/* Its ticket may be older than the configuration: its own word goes before ours. */
	if (seats.is_booting)
		seats.booting = machine->has_record ? record->seats : resource->ticket.seats;
	return seats;
}
