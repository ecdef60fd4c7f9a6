#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/simulation/invariants.h"

/* Weekly windows, told anew by the clock on the wall there: the C library's own, and not ours. */

enum {
	MINUTE_S = 60,
	QUIET_S = 7200, /* so long after the last fault everything is as it should be */
	BOOT_S = 600, /* some passes, beside the boot itself */
	REPLACED_MS = 180000, /* one that has just ended is replaced by the next pass */
	SLOW_S = 60 /* between two looks */
};

void invariants_schedule_open(const struct drawn *drawn)
{
	if (!drawn->zone)
		return;
	if (setenv("TZ", drawn->zone, 1) < 0)
		abort();
	tzset();
}

static bool is_open(const struct schedule *schedule, int64_t now_s)
{
	time_t now = now_s;
	struct tm wall;

	localtime_r(&now, &wall);
	unsigned minute = (unsigned)(wall.tm_hour * 60 + wall.tm_min);
	unsigned today = 1u << wall.tm_wday, yesterday = 1u << (wall.tm_wday + 6) % 7;

	if (schedule->until_minute > schedule->from_minute)
		return schedule->days & today && minute >= schedule->from_minute &&
		       minute < schedule->until_minute;
	return (schedule->days & today && minute >= schedule->from_minute) ||
	       (schedule->days & yesterday && minute < schedule->until_minute);
}

unsigned invariants_minimum(const struct resource *resource, int64_t now_s)
{
	unsigned minimum = resource->min_instances;

	for (size_t i = 0; i < resource->schedule_count; i++)
		if (resource->schedules[i].min_instances > minimum &&
		    is_open(&resource->schedules[i], now_s))
			minimum = resource->schedules[i].min_instances;
	return minimum;
}

/* All along: looked at every minute. */
static unsigned least_minimum(const struct resource *resource, int64_t from_s, int64_t until_s)
{
	unsigned least = invariants_minimum(resource, until_s);

	for (int64_t at_s = from_s; at_s < until_s; at_s += MINUTE_S) {
		unsigned minimum = invariants_minimum(resource, at_s);

		least = minimum < least ? minimum : least;
	}
	return least;
}

unsigned invariants_most_minimum(const struct resource *resource, int64_t from_s, int64_t until_s)
{
	unsigned most = invariants_minimum(resource, until_s);

	for (int64_t at_s = from_s; at_s < until_s && resource->schedule_count; at_s += MINUTE_S) {
		unsigned minimum = invariants_minimum(resource, at_s);

		most = minimum > most ? minimum : most;
	}
	return most;
}

/* ---- plans ---- */

void invariants_schedule_planned(struct invariants *invariants, const struct world *world,
				 const struct observation *seen, const struct plan *plan)
{
	for (size_t r = 0; r < world->settings->resource_count; r++) {
		const struct resource *resource = &world->settings->resources[r];
		const struct resource_plan *planned = &plan->resources[r];
		unsigned minimum = invariants_minimum(resource, seen->now_ms / 1000);
		bool is_calm = planned->why == WHY_NO_DEMAND || planned->why == WHY_COVERED ||
			       planned->why == WHY_WAITING || planned->why == WHY_LATER_RESOURCE;

		if (is_calm && planned->alive < minimum)
			invariants_fail(invariants, world, resource->name,
					"schedule: %u alive, %u are to be kept now, and it says "
					"\"%s\"",
					planned->alive, minimum, why_text(planned->why));
		for (size_t i = 0; i < plan->launch_count; i++)
			if (plan->launches[i].resource == r &&
			    plan->launches[i].why == WHY_MINIMUM && planned->alive > minimum)
				invariants_fail(invariants, world, resource->name,
						"schedule: launches for a minimum, which is %u "
						"now: then %u are alive",
						minimum, planned->alive);
	}
}

/* ---- what is true ---- */

static unsigned alive_of(const struct world *world, size_t resource)
{
	unsigned alive = 0;

	for (size_t m = world->first_shown; m < world->machine_count; m++)
		alive += world->machines[m]->resource == resource &&
			 (world->machines[m]->instance.state != INSTANCE_TERMINATED ||
			  world->now_ms - world->machines[m]->ended_ms < REPLACED_MS);
	return alive;
}

static bool has_capacity(const struct invariants *invariants, const struct world *world)
{
	return !invariants->drawn->has_budgets && !world->settings->max_instances &&
	       !world->settings->max_booting &&
	       world_now_s(world) > world->faults->until_s + QUIET_S;
}

static void check_holds(struct invariants *invariants, const struct world *world)
{
	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];
		const struct resource *resource = &world->settings->resources[machine->resource];
		int64_t left_s = machine->phase_since_ms / 1000;

		if (machine->phase == PHASE_LEAVE && machine->reason == REASON_IDLE &&
		    world->now_ms / 1000 - left_s <= SLOW_S &&
		    machine->instance.slot < least_minimum(resource, left_s - 1, left_s))
			invariants_fail(invariants, world, machine->instance.id,
					"schedule: leaves for being idle, and slot %u is to be "
					"kept",
					machine->instance.slot);
	}
}

void invariants_schedule_look(struct invariants *invariants, const struct world *world)
{
	int64_t now_s = world->now_ms / 1000;

	check_holds(invariants, world);
	for (size_t r = 0; has_capacity(invariants, world) && r < world->settings->resource_count;
	     r++) {
		const struct resource *resource = &world->settings->resources[r];
		/* What idles when its slot's window opens is not launched anew. */
		unsigned minimum =
			least_minimum(resource, now_s - BOOT_S - world->options.boot_most_s, now_s);

		if (alive_of(world, r) < minimum)
			invariants_fail(invariants, world, resource->name,
					"schedule: %u alive, and %u were to be kept for minutes",
					alive_of(world, r), minimum);
	}
}
