#ifndef TESTS_SIMULATION_DRAW_H
#define TESTS_SIMULATION_DRAW_H

#include "reaper/simulation/chance.h"
#include "reaper/simulation/world.h"

/*
 * draw: from a seed, a configuration, what people send, and what goes wrong.
 * Half of each kind of fault is absent from a world, so that a failure is
 * seldom about everything at once. One world in a hundred has 200 machines.
 * Tasks come in bursts, or, in one world of four, as in a stretch of one of templates/traces.
 */

enum {
	DRAW_MAX_RESOURCES = 4,
	DRAW_MAX_OFFERINGS = 4,
	DRAW_MAX_QUEUES = 4,
	DRAW_MAX_USERS = 4,
	DRAW_MAX_SCHEDULES = 2
};

struct drawn {
	struct settings *settings; /* owned */
	struct resource resources[DRAW_MAX_RESOURCES];
	struct offering offerings[DRAW_MAX_RESOURCES][DRAW_MAX_OFFERINGS];
	bool has_budgets, has_month_budgets;
	struct budget queue_budgets[DRAW_MAX_QUEUES];
	struct user_budget user_budgets[DRAW_MAX_USERS];
	const char *zone; /* of all schedules; NULL: there are none */
	struct schedule schedules[DRAW_MAX_RESOURCES][DRAW_MAX_SCHEDULES];
	int64_t month_end_s; /* UTC, of the month in which the world begins */
	struct settings *later; /* owned; NULL: the configuration stays */
	struct resource later_resources[DRAW_MAX_RESOURCES];
	struct world_options options;
	int64_t span_s; /* tasks arrive, and faults befall, for so long */
};

void draw(uint64_t seed, struct drawn *out);
void draw_policy(uint64_t seed, struct drawn *out); /* draw_policy.c: budgets, schedules */
void draw_tasks(const struct drawn *drawn, struct world *world); /* draw_tasks.c */
void drawn_release(struct drawn *drawn);

/* Log-uniform: as many short ones as long ones. */
int64_t draw_spread(struct chance *chance, int64_t least, int64_t most);

/* A plain configuration to begin a named case with: one queue, one resource, no faults. */
void draw_plain(struct drawn *out);
struct resource *draw_resource(struct drawn *drawn, const char *name, unsigned max);

#endif
