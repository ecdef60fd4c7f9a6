#ifndef REAPER_CHANNEL_H
#define REAPER_CHANNEL_H

#include "common/clearml_board.h"
#include "common/orders.h"
#include "reaper/ledger/ledger.h"
#include "reaper/money/spend_mirror.h"
#include "reaper/plan.h"

/*
 * channel: the reaper's own ClearML task, "mayfly-reaper PREFIX" in a project of its own
 * ("mayfly/PREFIX"). Its user property mayfly_orders holds the signed orders
 * that machines read with each heartbeat (common/orders.h); mayfly_spend
 * mirrors the totals, so that a new ledger knows them (I6); its console is the
 * decision log. Made when it is missing, found by name in each pass, kept
 * in_progress; it is on no queue and runs nowhere. Of several of that name the
 * oldest counts, to every reaper and every machine.
 *
 * The task is read once in a pass. Numbers of orders go on from the highest
 * that the ledger, or orders of our own key in the task, know, and are never
 * below ClearML's clock in seconds: they rise also when both were lost.
 *
 * Both properties are signed and name the ledger that wrote them. What another
 * key or nobody signed, or is older than what was seen, is told (a warning) and
 * written over. What another ledger signed after this one's first look shows a second reaper of
 * this prefix with a state folder of its own: told in the log, journal and report for
 * CHANNEL_RIVAL_S; its orders are carried with ours (orders_merge.h).
 */

enum { CHANNEL_RIVAL_S = 24 * 3600 };

enum channel_property { CHANNEL_ORDERS, CHANNEL_SPEND };

#define CHANNEL_SPEND_PROPERTY "mayfly_spend"

struct channel {
	const struct settings *settings;
	struct clearml *clearml;
	struct ledger *ledger; /* ->task, ->channel, ->orders */
	/* filled by channel_look(), owned: */
	bool is_found; /* there is such a task */
	struct clearml_board board; /* values by enum channel_property */
	struct orders pinned; /* what our own key signed of it; number 0: nothing */
	struct spend_mirror mirrored; /* the same; number 0: nothing */
	char mirror_refused[256]; /* why what stands there is not believed; "": it is, or nothing
				     stands there */
};
void channel_release(struct channel *channel);

/* Read the task; none is no failure. A ledger that did not know it learns from it: the number, and
 * the orders that operators gave through an earlier one. */
CHECKED int channel_look(struct channel *channel, struct error *err);
/* A part of it, channel_mirror.c: what stands there of the mirror. */
void channel_look_mirror(struct channel *channel);
/* What another ledger signed: is it a second reaper's? */
void channel_meet(struct channel *channel, const char *issuer, int64_t signed_s);

/* After a look: make it if there is none, and see to it that it is in_progress. */
CHECKED int channel_find(struct channel *channel, struct error *err);

/* Sign and write the plan's orders, if they are others than those in the task, or those are half
 * as old as they may become. More than ORDERS_MAX: operators' words, and what ends machines, first;
 * the rest when these have left. */
CHECKED int channel_send(struct channel *channel, const struct observation *seen,
			 const struct plan *plan, struct error *err);

/* Lines of the decision log; none is no call. Past CLEARML_BOARD_LINES the rest is only counted. */
CHECKED int channel_log(struct channel *channel, const struct slice *lines, size_t count,
			struct error *err);

/* channel_mirror.c: what was spent this month, as counted up to until_s. rows are sums
 * (ledger_spend_sums()); the days before today go into one. Signed, and written only when it
 * changed. */
CHECKED int channel_mirror(struct channel *channel, const struct spend_list *rows, int64_t until_s,
			   struct error *err);

#endif
