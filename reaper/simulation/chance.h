#ifndef REAPER_SIMULATION_CHANCE_H
#define REAPER_SIMULATION_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * chance: a small generator of pseudo-random numbers (splitmix64), so that a
 * seed is a world: the same on every machine, today and in ten years. No use
 * for secrets.
 */

struct chance {
	uint64_t state;
};

bool chance_of(struct chance *chance, double probability); /* 0: never, and draws nothing */
int64_t chance_between(struct chance *chance, int64_t least, int64_t most); /* both included */
/* The time until the next of events that come so often an hour; INT64_MAX for 0. */
int64_t chance_wait_ms(struct chance *chance, double per_hour);

#endif
