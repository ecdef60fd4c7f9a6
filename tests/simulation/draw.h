#ifndef TESTS_SIMULATION_DRAW_H
#define TESTS_SIMULATION_DRAW_H

#include "reaper/simulation/world.h"

/*
 * draw: from a seed, a configuration, what people send, and what goes wrong.
 * Half of each kind of fault is absent from a world, so that a failure is
 * seldom about everything at once. One world in a hundred has 200 machines.
 */

enum { DRAW_MAX_RESOURCES = 4, DRAW_MAX_OFFERINGS = 4 };

struct drawn {
	struct settings *settings; /* owned */
	struct resource resources[DRAW_MAX_RESOURCES];
	struct offering offerings[DRAW_MAX_RESOURCES][DRAW_MAX_OFFERINGS];
	struct world_options options;
	int64_t span_s; /* tasks arrive, and faults befall, for so long */
};

void draw(uint64_t seed, struct drawn *out);
void draw_tasks(const struct drawn *drawn, struct world *world);
void drawn_release(struct drawn *drawn);

/* A plain configuration to begin a named case with: one queue, one resource, no faults. */
void draw_plain(struct drawn *out);
struct resource *draw_resource(struct drawn *drawn, const char *name, unsigned max);

#endif
