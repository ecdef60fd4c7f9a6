#ifndef REAPER_DOOM_H
#define REAPER_DOOM_H

#include "reaper/plan.h"

/*
 * doom: which machines must go, and what the others are good for. Nobody kills
 * work (I3): a machine that reports is never doomed, but for its max_life.
 * Pure.
 */

/* Has ClearML lost its memory? Two or more, and over half, of the machines past
 * their boot deadline have no record: then their silence proves nothing. */
bool doom_is_memory_lost(const struct observation *seen, const struct settings *settings);

/* Why it must go, or DOOM_NONE. What depends on records is asked only where these are known. */
enum doom doom_of(const struct observed_machine *machine, const struct observation *seen,
		  const struct settings *settings, bool are_records_known);

struct machine_seats {
	unsigned free, booting, busy;
	bool is_booting;
};

/* The seats that a machine offers now or soon. One that drains, is doomed by its
 * age, or fell silent offers none. */
struct machine_seats doom_seats(const struct observed_machine *machine,
				const struct observation *seen, const struct settings *settings);

#endif
