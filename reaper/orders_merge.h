#ifndef REAPER_ORDERS_MERGE_H
#define REAPER_ORDERS_MERGE_H

#include "reaper/ledger/ledger.h"

/*
 * orders_merge: pure: the orders of several reapers of one prefix, in one signed
 * text. Each changes its own part only, and carries the others' parts as they
 * were; a part whose own issuer has not signed it for ORDERS_LIFE_S is dropped, as machines drop a
 * text of that age.
 */

/* The others' parts of pinned into out, copied: those that say something, are of now, and were not
 * taken over (told.h); as many as fit beside out's own. Returns how many orders did not. */
size_t orders_merge_carry(const struct orders *pinned, const struct ledger *ledger, int64_t now_s,
			  struct orders *out);

/* Must wanted be written, where pinned stands (number 0: nothing of ours does)? It says something
 * else, or our part is half as old as it may become. */
bool orders_merge_is_due(const struct orders *pinned, const struct orders *wanted);

#endif
