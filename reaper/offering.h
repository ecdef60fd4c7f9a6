#ifndef REAPER_OFFERING_H
#define REAPER_OFFERING_H

#include "common/ticket.h"

/*
 * offering: what a launch asks a cloud for: instance type, zone and market.
 * A resource has one or several, in the order in which it prefers them
 * (settings_offerings.h makes the list); which of them may be asked now is
 * offerings.h's. Money is in micro-dollars (1,000,000 = 1 USD), so that sums
 * are exact.
 */

enum market { MARKET_ON_DEMAND, MARKET_SPOT, MARKET_COUNT };

#define MONEY_UNKNOWN ((int64_t)-1)

enum { OFFERING_KEY_ROOM = 2 * TICKET_FIELD_ROOM + 16 };

/* Where a price comes from; MONEY_UNKNOWN comes from nowhere, and so does the 0 of a computer of
 * one's own. */
enum price_source {
	PRICE_NOWHERE,
	PRICE_CONFIGURED, /* prices.overrides */
	PRICE_LISTED, /* the table that ships with the program */
	PRICE_LEARNED, /* of spot: the cloud's own word */
	PRICE_SHARE, /* prices.spot_share of on-demand */
};

struct offering {
	char type[TICKET_FIELD_ROOM];
	char region[TICKET_FIELD_ROOM], zone[TICKET_FIELD_ROOM]; /* "" where there are none */
	enum market market;
	int64_t price; /* micro-dollars an hour, or MONEY_UNKNOWN */
	enum price_source price_source;
};

/* What spot costs in one zone, as the cloud said when a resource's account asked it. */
struct spot_price {
	char resource[TICKET_FIELD_ROOM];
	char type[TICKET_FIELD_ROOM], region[TICKET_FIELD_ROOM], zone[TICKET_FIELD_ROOM];
	int64_t price; /* micro-dollars an hour */
	int64_t learned_s;
};

const char *market_name(enum market market); /* "on-demand", "spot" */

/* "type/zone/market": part of the launch key, and what the ledger remembers it by. With neither
 * a zone nor spot it is the type alone. */
void offering_key(const struct offering *offering, char out[static OFFERING_KEY_ROOM]);

#endif
