#ifndef TESTS_SIMULATION_PLAY_H
#define TESTS_SIMULATION_PLAY_H

#include <stdio.h>

#include "tests/simulation/invariants.h"

/* play: a world from its beginning to its end, watched by the invariants. */

struct played {
	bool has_failed;
	char text[600]; /* the violation */
	int64_t seconds; /* simulated */
	uint64_t events;
	size_t tasks, machines;
	size_t peak; /* machines alive at once, at most */
};

/* log: what concerns the subject of a violation is printed there, or all; NULL: nothing. */
void play_seed(uint64_t seed, FILE *log, bool is_all_logged, struct played *out);

/* The world of a named case, drawn already; then is_over must hold within so long. */
void play_to_the_end(struct invariants *invariants, struct world *world, int64_t until_s);

#endif
