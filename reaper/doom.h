#ifndef REAPER_DOOM_H
#define REAPER_DOOM_H

#include "reaper/plan.h"

/*
 * doom: which machines must go, and what the others are good for. Nobody kills
 * work (I3): a machine that reports is doomed only past its max_life, stopped, or by an operator's
 * word; any other is told to drain, and is terminated only when it has. Pure.
 */

/* Has ClearML lost its memory? Two or more, and over half, of the machines past
 * their boot deadline have no record: then their silence proves nothing. */
bool doom_is_memory_lost(const struct observation *seen, const struct settings *settings);

/* Why it must go, or DOOM_NONE. What depends on records is asked only where these are known.
 * DOOM_DUPLICATE (slots_holder()) and DOOM_SPARE (plan_spare()) are the caller's: they take more
 * than one machine. */
enum doom doom_of(const struct observed_machine *machine, const struct observation *seen,
		  const struct settings *settings, bool are_records_known);

/* Is it told to drain first? */
bool doom_drains_first(enum doom doom);

/* Does a minimum keep it? By the configuration of today: a hold in its ticket may be one that was
 * taken back since. It has a resource. */
bool doom_is_held(const struct observed_machine *machine, const struct observation *seen);

/* Has it drained: it reports, takes no more, and nothing runs on it? */
bool doom_is_drained(const struct observed_machine *machine);

struct machine_seats {
	unsigned free, booting, busy;
	bool is_booting;
};

/* The seats that a machine offers now or soon. One that drains or is ordered to, is doomed by its
 * age, fell silent, or is in no list although that was read, offers none. */
struct machine_seats doom_seats(const struct observed_machine *machine,
				const struct observation *seen, const struct settings *settings);

#endif
