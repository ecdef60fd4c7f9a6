#ifndef REAPER_TOLD_H
#define REAPER_TOLD_H

#include "reaper/ledger/ledger.h"

/*
 * told: what operators have told machines (ledger.orders): one word for each,
 * the last one counts, until it is forgotten or the machine is gone.
 */

/* ORDER_NONE forgets. true: that changed something. */
bool told_set(struct ledger *ledger, const char *instance, enum order order, int64_t now_s);

/* Forget those to machines that are seen to be gone: ended, or in none of the lists, if all were
 * read whole (I7). */
void told_prune(struct ledger *ledger, const struct observation *seen,
		const struct settings *settings);

#endif
