#ifndef REAPER_TOLD_H
#define REAPER_TOLD_H

#include "reaper/ledger/ledger.h"

/*
 * told: what operators have told machines (ledger.orders): one word for each,
 * the last one counts, until it is forgotten or the machine is gone. A new ledger takes over what
 * an earlier one had told; should that one be alive after all, it is its own again.
 */

/* ORDER_NONE forgets. true: that changed something. */
bool told_set(struct ledger *ledger, const char *instance, enum order order, int64_t now_s);

/* What another ledger said, where nothing is said to that machine yet. */
void told_adopt(struct ledger *ledger, const struct orders_part *part);
/* That ledger has signed anew since: what was taken over from it is its own to say. */
void told_give_back(struct ledger *ledger, const struct orders_part *part);
bool told_is_adopted(const struct ledger *ledger, const char *issuer);

/* Forget those to machines that are seen to be gone: ended, or in none of the lists, if all were
 * read whole (I7). */
void told_prune(struct ledger *ledger, const struct observation *seen,
		const struct settings *settings);

#endif
