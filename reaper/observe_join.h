#ifndef REAPER_OBSERVE_JOIN_H
#define REAPER_OBSERVE_JOIN_H

#include "common/verdict.h"
#include "reaper/observe.h"

/*
 * observe_join: what was read, put together by instance and by task. Pure, and
 * linear in what is joined (I10). What a pass calls, in this order; who could not read something
 * leaves that call out, and lets the observation say that it is unknown:
 *
 *   join_fleet()     for each list that succeeded
 *   join_attempts()
 *   join_records()   now_ms is set from here on
 *   join_ledger()
 *   join_lists()     is a list suddenly empty?
 *   join_workers()   ghosts and double executions
 *   join_queues()
 *   join_tasks()     lost tasks
 *   join_prices()
 */

/* The list of settings.resources[place]'s provider: it shows machines of every resource of our
 * prefix, so one may be in several lists. */
void join_fleet(struct observation *seen, const struct settings *settings, size_t place,
		const struct fleet *fleet);

/* The launches in the ledger that the lists have not answered yet. */
void join_attempts(struct observation *seen, const struct ledger *ledger);

void join_records(struct observation *seen, const struct settings *settings,
		  const struct record_list *records);

/* What earlier passes saw, of resources and offerings too, the marks, and the operator's orders. */
void join_ledger(struct observation *seen, const struct settings *settings,
		 const struct ledger *ledger);

/*
 * A list that shows less than half of what the lists showed alive a moment
 * ago, and nothing says that these have ended, is not believed (I7): its
 * resource is marked as not listed. What it does show stays. An instance that
 * its cloud forgets as soon as it ends costs so a few minutes' wait. What was listed alive before
 * and may be behind a list that failed, or is not believed, is counted as hidden.
 */
void join_lists(struct observation *seen, const struct settings *settings,
		const struct ledger *ledger, const struct record_list *records);

/* workers: everybody's. */
void join_workers(struct observation *seen, const struct settings *settings,
		  const struct clearml_workers *workers);

/* So many entries of a queue are read; 0: all. More than all machines together could take make no
 * difference to any decision, except where the first of them may all be of users past their budget.
 */
unsigned join_entry_cap(const struct settings *settings);

void join_queues(struct observation *seen, const struct settings *settings,
		 const struct clearml_queues *queues, unsigned cap);

/* What each machine costs an hour, by the offering that it came from. */
void join_prices(struct observation *seen, const struct settings *settings);

/* Has it reported within its time-out, and not left? */
bool join_is_live(const struct machine_record *record, int64_t now_ms);

/*
 * How many records are missing that cannot have ended: reported less than the
 * record's timeout ago, and a record only ends by that timeout. Then
 * ClearML has lost its memory, or its answer is not the whole truth (I7).
 */
size_t join_missing(const struct ledger *ledger, const struct record_list *records, int64_t now_ms);

/* Does something look lost, so that the tasks must be read? */
bool join_is_sweep_due(const struct observation *seen, const struct settings *settings,
		       const struct ledger *ledger);

/* ---- observe_lost.c: tasks ---- */

/*
 * Whose tasks a sweep asks for. ids (room for all->count) gets all queues, ours first: a machine
 * may still have a task of a queue that is configured no more. Of the first *whole the queued tasks
 * are asked for too, of the rest only those in progress: thousands may wait in others' queues.
 * all: read with JOIN_MOST_FOREIGN + 1 as the cap, or a higher one.
 */
enum { JOIN_MOST_FOREIGN = 1000 /* queued tasks in others' queues */ };
void join_sweep_queues(const struct clearml_queues *ours, const struct clearml_queues *all,
		       const char **ids, size_t *whole);

/* What ClearML's watchdog stopped longer ago stays as it is: by then people have seen it. */
enum { JOIN_FORCED_STOP_MS = 24 * 3600000 };

struct join_sweep { /* what a sweep read; all borrowed */
	/* Queued, in progress, or stopped by the watchdog, of anybody's queues. */
	const struct clearml_tasks *tasks;
	const struct clearml_queues *queues; /* all there are, every entry */
	const struct clearml_workers *workers; /* everybody's */
};

/* Tasks that are lost (enum loss) go to seen->lost; a machine that a task names was seen. Of
 * others' queues only what a machine of ours had can be lost. */
void join_tasks(struct observation *seen, const struct settings *settings,
		const struct join_sweep *sweep);

/*
 * Whose the task is: by mayfly_owner ("instance/attempt"), or, running without
 * an owner, by its last worker; stopped, by both. False: nobody's of this prefix; or it runs on
 * another worker than its owner's; or it was put back into its queue by us, and
 * whoever popped it since has not written its name yet.
 */
bool join_holder(const struct clearml_task *task, const char *prefix,
		 char instance[static TICKET_FIELD_ROOM], unsigned *attempt);

/* The reason that a task is put back with; it names the owner, so that it is not put back twice. */
void join_reason(const struct observed_task *lost, char out[static CLEARML_REASON_ROOM]);

/* Is the task in any of these queues? */
bool join_is_queued(const struct clearml_queues *queues, const char *task);

/*
 * What is to become of a lost task after everything was read again:
 * VERDICT_HANDS_OFF when it is not lost in that way any more.
 */
struct join_again { /* all borrowed */
	const char *prefix;
	int64_t now_ms;
	const struct record_list *records;
	bool is_in_queue;
	bool is_run_by_other; /* some worker reports it; of one that is seen terminated: another */
};
enum verdict join_judge(const struct observed_task *lost, const struct clearml_task *task,
			const struct join_again *again);

#endif
