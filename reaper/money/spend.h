#ifndef REAPER_MONEY_SPEND_H
#define REAPER_MONEY_SPEND_H

#include "reaper/channel.h"
#include "reaper/ledger/ledger.h"

/*
 * spend: what was spent, into the observation before the plan is made, and
 * what machines have cost since the last pass, into the ledger. Between
 * observe() and plan_make():
 *
 *   - each machine's price;
 *   - each machine's cost since it was last counted goes to ledger_spend_add(): it is
 *     written together with the machine's spent_until_s by the pass's next
 *     ledger_write(), or not at all;
 *   - seen->spent, the resources', queues' and users': of this UTC day and month,
 *     that included;
 *   - seen->runs: which task runs where, for whose queue and user (one call of
 *     ClearML, for at most 500 tasks that were never counted before; those beyond
 *     come in later passes, and are nobody's until then);
 *   - seen->queues[].barred, when tasks wait and a user is past a budget or has an
 *     hour's limit (one call, and one more for each 500 tasks that they have queued);
 *   - seen->users[]: whom the budgets mean, and the names of users in the ledger, when
 *     they are due (user_names.h: one call, and one more for each 500 users).
 *
 * While the machine records are unknown, or that call fails, nothing is counted:
 * a later pass does it, and no money is lost. What a task used between two looks
 * only is put down to whom the later look shows.
 *
 * A new ledger takes the sums that an earlier one left in the reaper's ClearML
 * task (channel.h). As long as that cannot be read, seen->is_spend_known is
 * false and nothing is counted either.
 */

struct spend_look {
	const struct settings *settings;
	struct clearml *clearml;
	struct channel *channel; /* after channel_look(); NULL: it could not be read */
	struct ledger_file *file;
	struct ledger *ledger;
	int64_t deadline_ms; /* monotonic: nothing is asked past it */
};

/* Never fails: what could not be read is said in seen->problem, and unknown. */
void spend_look(const struct spend_look *look, struct observation *seen);

/* When the ledger is written and channel_find() was: the sums of this month, for a ledger to come.
 */
CHECKED int spend_leave(const struct spend_look *look, const struct observation *seen,
			struct error *err);

#endif
