#ifndef TESTS_SIMULATION_STAGE_H
#define TESTS_SIMULATION_STAGE_H

#include "reaper/simulation/world_state.h"
#include "tests/simulation/draw.h"
#include "tests/simulation/invariants.h"

/*
 * stage: one small world that a case plays, and what it wants of it. The first
 * thing that is not so is kept in text.
 */

struct stage { /* a world of a case, with everything that watches it */
	struct drawn drawn;
	struct invariants invariants;
	struct world *world;
	char text[300]; /* what went wrong first; "": nothing */
};

void stage_fault(struct stage *stage, const char *fmt, ...) PRINTF(2, 3);

/* The world begins: what is drawn by then is in it. */
void stage_begin(struct stage *stage);
/* Everything must end well, in every case; then the world is released. */
void stage_finish(struct stage *stage);

/* In the first queue, at_s after the beginning. */
void stage_add_tasks(struct stage *stage, unsigned count, int64_t at_s, int64_t duration_s);

void stage_expect_wait(struct stage *stage, size_t task, int64_t most_s);
void stage_expect_machines(struct stage *stage, size_t count);
void stage_expect_runs(struct stage *stage, size_t task, unsigned count);

#endif
