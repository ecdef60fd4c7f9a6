#ifndef REAPER_MONEY_SPOT_PRICES_H
#define REAPER_MONEY_SPOT_PRICES_H

#include "reaper/ledger/ledger.h"

/*
 * spot_prices: what spot costs now, as the cloud itself says: learned once an
 * hour, kept in the ledger, and put into the price books and the offerings of
 * the settings at the begin of a pass, before anything is decided. What the
 * operator has set is not asked for. A price of more than a day ago counts no
 * more. Where the cloud does not say, the pass goes on with what is known; it
 * is told once, until an answer comes.
 */

enum {
	SPOT_PRICES_EVERY_S = 3600,
	SPOT_PRICES_AGAIN_S = 300, /* while an offering has none */
	SPOT_PRICES_GOOD_S = 86400,
};

struct spot_prices_look {
	struct settings *settings; /* their price books and offerings change */
	struct ledger *ledger;
	int64_t now_ms; /* wall */
	int64_t deadline_ms; /* monotonic: nothing is asked past it */
};

/* Asks what is due; then what the ledger holds, as far as it is fresh, is in the settings. Never
 * fails. */
void spot_prices_look(const struct spot_prices_look *look);

/* Is any of its prices the cloud's to say? */
bool spot_prices_are_wanted(const struct resource *resource);

#endif
