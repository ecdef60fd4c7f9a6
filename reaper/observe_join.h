#ifndef REAPER_OBSERVE_JOIN_H
#define REAPER_OBSERVE_JOIN_H

#include "reaper/observe.h"

/* observe_join: what was read, put together by instance. No call is made here. */

void join_queues(struct observation *seen, const struct settings *settings,
		 const struct clearml_queues *queues, unsigned cap);
void join_fleet(struct observation *seen, size_t resource, const struct fleet *fleet);
void join_ledger(struct observation *seen, const struct ledger *ledger);
void join_records(struct observation *seen, const struct settings *settings,
		  const struct record_list *records);

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

/* Tasks whose holder is seen terminated go to seen->lost; a machine that a task names was seen. */
void join_tasks(struct observation *seen, const struct settings *settings,
		const struct clearml_tasks *tasks, const struct clearml_queues *queues);

/*
 * Whose the task is: by mayfly_owner ("instance/attempt"), or, running without
 * an owner, by its last worker. False: nobody's of this prefix; or it runs on
 * another worker than its owner's; or it was put back into its queue by us, and
 * whoever popped it since has not written its name yet.
 */
bool join_holder(const struct clearml_task *task, const char *prefix,
		 char instance[static TICKET_FIELD_ROOM], unsigned *attempt);

/* The reason that a task is put back with; it names the owner, so that it is not put back twice. */
void join_reason(const char *instance, unsigned attempt, char out[static CLEARML_REASON_ROOM]);

/* The launches in the ledger that the list has not answered yet. */
void join_attempts(struct observation *seen, const struct ledger *ledger);

/* Is the task in any of these queues? */
bool join_is_queued(const struct clearml_queues *queues, const char *task);

#endif
