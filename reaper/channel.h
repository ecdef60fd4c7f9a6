#ifndef REAPER_CHANNEL_H
#define REAPER_CHANNEL_H

#include "common/orders.h"
#include "reaper/ledger.h"
#include "reaper/plan.h"

/*
 * channel: the reaper's own ClearML task, in a project of its own
 * ("mayfly/PREFIX"). Its user property mayfly_orders holds the signed orders
 * that machines read with each heartbeat (common/orders.h); mayfly_spend
 * mirrors the totals, so that a new ledger knows them (I6); its console is the
 * decision log. Made when it is missing, found by name when the ledger is new,
 * kept in_progress; it is on no queue and runs nowhere.
 */

struct channel {
	const struct settings *settings;
	struct clearml *clearml;
	struct ledger *ledger; /* ->task, ->channel */
};

CHECKED int channel_find(struct channel *channel, struct error *err); /* or make */
CHECKED int channel_send(struct channel *channel, const struct observation *seen,
			 const struct plan *plan, struct error *err);
CHECKED int channel_log(struct channel *channel, const struct slice *lines, size_t count,
			struct error *err);

/* channel_mirror.c: what was spent this month, as counted up to until_s. rows are sums
 * (ledger_spend_sums()); the days before today go into one. Written only when it changed.
 * Reading: *is_there false when there is no such task or property: nothing was spent. The rows are
 * those of a new ledger, owned by the caller. Works without channel_find(). */
CHECKED int channel_mirror(struct channel *channel, const struct spend_row *rows, size_t count,
			   int64_t until_s, struct error *err);
CHECKED int channel_read_mirror(struct channel *channel, struct spend_row **rows, size_t *count,
				int64_t *until_s, bool *is_there, struct error *err);

#endif
