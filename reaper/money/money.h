#ifndef REAPER_MONEY_MONEY_H
#define REAPER_MONEY_MONEY_H

#include "reaper/ledger/ledger.h"
#include "reaper/plan.h"

/*
 * money: what machines have cost, from launch times and prices. Pure.
 * Micro-dollars throughout; a day is a UTC day.
 */

enum { MONEY_TEXT_ROOM = 32 };

/* What each machine has cost since it was last counted (remembered.spent_until_s; a new one since
 * its launch), shared out among its seats' tasks by queue and user, split at midnight. Marks it
 * counted in the ledger. rows is owned by the caller. */
struct spend_list {
	struct spend_row *rows;
	size_t count;
};
void money_accrue(const struct observation *seen, const struct settings *settings,
		  struct ledger *ledger, struct spend_list *out);
void spend_list_release(struct spend_list *list);

/* The most that a single failure can cost in this resource: a machine that nobody stops until the
 * layer that stops it whatever happens (max_life), at its dearest offering; MONEY_UNKNOWN. */
struct money_loss {
	int64_t machine; /* one machine, until its max_life */
	int64_t idle; /* one machine that hangs idle, until the reaper finds it silent */
	int64_t fleet; /* max_instances machines while the reaper does not run: until they idle out
			*/
};
struct money_loss money_worst(const struct settings *settings, const struct resource *resource);

/* May a machine at this price be launched? The tightest budget that forbids it, for people, into
 * words ("$/day of resource gpu: 12.40 of 12.00 spent"). rate: what all that it counts over costs
 * an hour already. */
struct money_gate {
	const char *name; /* "resource gpu", "queue train", "user 3f2a", "total" */
	const struct budget *budget;
	struct spent spent;
	int64_t rate; /* an hour, the planned launches included */
};
bool money_allows(const struct money_gate *gate, int64_t price, char *words, size_t room);
/* At or past any limit? One whose rate is not known is not let past an hour's. */
bool money_is_past(const struct money_gate *gate);
/* At or past percent of any limit? Words say which. */
bool money_warns(const struct money_gate *gate, unsigned percent, char *words, size_t room);

/* Does any budget of the day or month of now_s reach back before lost_s, where nothing is known?
 * Then it is looser than it says, until that day or month is over. */
bool money_is_loosened(const struct settings *settings, int64_t lost_s, int64_t now_s);

/* "12.34", "0.0042"; "unknown" */
void money_text(int64_t money, char out[static MONEY_TEXT_ROOM]);

#endif
