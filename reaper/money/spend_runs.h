#ifndef REAPER_MONEY_SPEND_RUNS_H
#define REAPER_MONEY_SPEND_RUNS_H

#include "reaper/ledger/ledger.h"

/*
 * spend_runs: for whom tasks run and wait: the half of spend_look() that asks
 * ClearML. Which tasks run is in the machines' records; each one's queue and
 * user are asked for once, and come from the ledger's spend ever after.
 */

/* seen->runs from the records, by instance; for whom is left empty. */
void spend_runs_collect(struct observation *seen);

/* Fills seen->runs. On failure they are there, but for whom is not known of all. */
CHECKED int spend_runs_look(struct clearml *clearml, struct ledger_file *file,
			    const struct settings *settings, struct observation *seen,
			    struct error *err);

/* seen->users[].rate and seen->queue_rate, from the runs and their machines' prices. */
void spend_runs_rate(const struct settings *settings, struct observation *seen);

/* Is this user (by place in settings.user_budgets) at or past a budget, or in a limit of an hour
 * that launches could pass? Then whose tasks wait matters. */
bool spend_runs_is_watched(const struct settings *settings, const struct observation *seen,
			   size_t user);

/* Is any user watched, and does a task wait, so that the next call has something to ask? */
bool spend_runs_is_anyone_watched(const struct settings *settings, const struct observation *seen);

/* seen->queues[].barred: what these users have waiting, beyond what the hour's limit leaves them:
 * of that each task takes the price of the dearest seat that may be launched for it. */
CHECKED int spend_runs_bar(struct clearml *clearml, const struct settings *settings,
			   struct observation *seen, struct error *err);

/* The same from what these users have queued. */
void spend_runs_bar_tasks(const struct settings *settings, struct observation *seen,
			  const struct clearml_purposes *queued);

#endif
