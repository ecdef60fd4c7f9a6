#ifndef TESTS_UNIT_SUPPORT_PLAN_WORLD_H
#define TESTS_UNIT_SUPPORT_PLAN_WORLD_H

#include "reaper/plan.h"

/*
 * plan_world: two queues ("cpu", "gpu"), as many resources and machines as a
 * test adds, at one moment; everything past the counts is poisoned, so that a
 * planner that reads too far decides otherwise, or under ASan ends.
 */

enum { NOW_S = 1800000000, MAX_MACHINES = 40, USD = 1000000 };

#define SET(field, text) text_cut(field, sizeof(field), text)

struct plan_world {
	struct settings settings;
	struct resource resources[3];
	struct offering offerings[3][4]; /* of each resource: one, "small", at 1 $/h */
	struct observation seen;
	struct observed_machine machines[MAX_MACHINES];
	struct observed_task lost[2];
	struct mark marks[16];
	struct open_attempt attempts[2];
	struct offering_state states[4];
	struct observed_ghost ghosts[2];
	struct observed_run runs[4];
	struct budget queue_budgets[3];
};

struct plan_world *plan_world_new(unsigned cpu_waiting, unsigned gpu_waiting); /* free() it */

/* serves: "c", "g" or both: the queues it serves. */
void plan_world_resource(struct plan_world *world, const char *name, unsigned max,
			 const char *serves);

/* One more that the resource may ask for. */
struct offering *plan_world_offering(struct plan_world *world, size_t resource, const char *type,
				     int64_t price);

/*
 * In the resource's next slot. kind: b booting without a record, p in prove, i idle, w working,
 * d draining, s silent, t terminated; x, l, q, o: with a record, as the test says.
 */
struct observed_machine *plan_world_machine(struct plan_world *world, size_t resource, char kind);
void plan_world_poison(struct plan_world *world);
void plan_world_plan(struct plan_world *world, struct plan *plan); /* poison, then plan_make() */

#endif
