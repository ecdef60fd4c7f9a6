#include "reaper/doom.h"

#include <string.h>

enum { LIFE_GRACE_S = 600 }; /* its own clock ends it first; then comes the reaper */

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

static enum doom doom_of_unheard(const struct observed_machine *machine,
				 const struct observation *seen, const struct settings *settings,
				 const struct resource *resource)
{
	if (machine->was_seen) {
		int64_t limit_s =
			machine->was_busy ? settings->silent_busy_s : settings->silent_idle_s;
		int64_t heard_ms = machine->last_report_ms ? machine->last_report_ms :
							     machine->instance.launched_s * 1000;

		return seen->now_ms - heard_ms > limit_s * 1000 ? DOOM_SILENT : DOOM_NONE;
	}
	/* A ledger younger than the machine may have missed its reports. */
	if (is_past_boot(machine, seen, resource) &&
	    seen->ledger_since_s <= machine->instance.launched_s)
		return DOOM_NEVER_CAME_UP;
	return DOOM_NONE;
}

enum doom doom_of(const struct observed_machine *machine, const struct observation *seen,
		  const struct settings *settings, bool are_records_known)
{
	const struct resource *resource = resource_of(machine, settings);

	if (!resource || !machine->is_listed || machine->instance.state >= INSTANCE_STOPPING)
		return DOOM_NONE;
	if (machine->instance.state == INSTANCE_STOPPED)
		return DOOM_STOPPED;
	if (age_s(machine, seen) > resource->ticket.limits.max_life_s + LIFE_GRACE_S)
		return DOOM_PAST_LIFE;
	if (!are_records_known || machine->has_record)
		return DOOM_NONE;
	return doom_of_unheard(machine, seen, settings, resource);
}

static bool is_before_serve(const char *phase)
{
	return !strcmp(phase, "identify") || !strcmp(phase, "admit") || !strcmp(phase, "prove");
}

struct machine_seats doom_seats(const struct observed_machine *machine,
				const struct observation *seen, const struct settings *settings)
{
	const struct resource *resource = resource_of(machine, settings);
	const struct machine_record *record = &machine->record;
	struct machine_seats seats = { 0 };

	if (!resource || machine->instance.state > INSTANCE_RUNNING)
		return seats;
	if (!machine->has_record) {
		seats.is_booting = !machine->was_seen && !is_past_boot(machine, seen, resource);
	} else if (is_before_serve(record->phase)) {
		seats.is_booting = !record->is_draining && !is_past_boot(machine, seen, resource);
	} else {
		seats.busy =
			record->seats > record->free_seats ? record->seats - record->free_seats : 0;
		if (!strcmp(record->phase, "serve") && !record->is_draining)
			seats.free = record->free_seats;
	}
	/* Its ticket may be older than the configuration: its own word goes before ours. */
	if (seats.is_booting)
		seats.booting = machine->has_record ? record->seats : resource->ticket.seats;
	return seats;
}
