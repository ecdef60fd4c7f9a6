#ifndef REAPER_ACT_LAUNCH_H
#define REAPER_ACT_LAUNCH_H

#include "reaper/act.h"

/*
 * act_launch: the launches of a plan, one after the other. Each attempt is in
 * the ledger, with its slot, generation, day and offering, before anything is
 * asked for. An answer that proves that nothing was launched for want of
 * capacity or quota lets the next offering be asked in the same pass; one that
 * proves nothing never does: the very same request is repeated in the next
 * pass. No offering is asked that is dearer than what the plan counted on,
 * where a $/h budget forbids it.
 *
 * A launch key that was used before is followed to its machine: where the
 * request of the day before or after is the one that used it, that one is
 * repeated; where its machine is terminated, the next generation is asked for.
 * Where neither is so the slot counts as held, and once half a boot deadline
 * after the first request the lists show no holder its generation is spent, too.
 *
 * What the plan has left undone waits for the next pass: past the deadline,
 * past the API's own limit of calls, where the provider throttles us or
 * refuses us (another offering would fail alike), and when too much failed.
 * Half of the pass's time is for launches: the rest of the plan has its turn.
 * Private to act.c.
 */

enum { ACT_LAUNCH_FAILURES = 20 /* of a pass: then something is wrong that haste makes worse */ };

struct act_launch {
	const struct act *act;
	const struct provider *(*find)(const char *name); /* provider_named() */
};

void act_launch(const struct act_launch *launch, struct act_result *out);

#endif
