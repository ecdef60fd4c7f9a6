#ifndef REAPER_OFFERINGS_H
#define REAPER_OFFERINGS_H

#include "common/error.h"
#include "reaper/ledger/ledger.h"

/*
 * offerings: which offering of a resource may be asked for now, and what its
 * answer means for the next time (DESIGN section 7, fallback). Pure.
 *
 *   capacity, quota    the offering cools down: cooldown, doubling to cooldown_max; the next one
 *                      is tried in the same pass (nothing was launched: that is proven)
 *   ... of spot        spot has begun to fail: once it has failed for spot_rollback, on-demand
 *                      offerings are asked too, and spot is left alone for spot_blackout
 *   throttled          says nothing about capacity: nothing is remembered, the pass goes on
 *   denied, refused, configuration
 *                      another offering would fail alike: not tried; no cooldown
 *   unreachable, malformed
 *                      it may have been launched: the attempt stays open, no other is tried
 *
 * A resource with offerings of both markets asks spot alone until the roll-back;
 * one with a single market has no roll-back. A zone that the cloud named as having capacity goes
 * first among the offerings of the same market, then the resource's own order.
 */

struct offerings_view { /* what the decision rests on; all borrowed */
	const struct resource *resource;
	const struct offering_state *states;
	size_t state_count;
	int64_t spot_failing_since_s, spot_blackout_until_s;
	int64_t now_s;
};

/* The best offering that may be asked now and is not in tried (flags by place; NULL: none is).
 * False: none; *until_s says when the first cooldown or blackout ends, 0 when there is none. */
bool offerings_next(const struct offerings_view *view, const bool *tried, size_t *offering,
		    int64_t *until_s);

/* How a resource's spot offerings do. SPOT_ASKED also where it has not offerings of both markets.
 */
enum spot {
	SPOT_ASKED,
	SPOT_ROLLED_BACK, /* it has failed for spot_rollback: on-demand is asked too */
	SPOT_BLACKED_OUT, /* it failed after that: on-demand alone, until spot_blackout_until_s */
};
enum spot offerings_spot(const struct offerings_view *view);

struct offering_failure {
	enum error_class class;
	const char (*zones)[TICKET_FIELD_ROOM]; /* hints of the cloud, "" ended; may be NULL */
	int64_t now_s;
};

/* What the ledger remembers of a resource; made where that is nothing yet. Borrowed, until the next
 * one is made. */
struct remembered_resource *offerings_memory(struct ledger *ledger, const char *name);

/* The answers, into the ledger. */
void offerings_failed(struct ledger *ledger, const struct settings *settings,
		      const struct resource *resource, size_t offering,
		      const struct offering_failure *failure);
void offerings_worked(struct ledger *ledger, const struct resource *resource, size_t offering);

#endif
