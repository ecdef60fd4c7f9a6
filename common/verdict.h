#ifndef COMMON_VERDICT_H
#define COMMON_VERDICT_H

#include "common/clearml.h"

/*
 * verdict: what becomes of a task once its runner is dead and seen gone
 * (DESIGN section 6, I4). Pure, and one for all: the agent's end, adoption after a
 * crash, interruption, and the reaper's repairs. The agent's exit status is
 * no input: it says little. What ClearML says of the task decides.
 *
 *   deleted, or not ours (below)                              HANDS_OFF
 *   queued, its id in a queue: somebody put it back already   HANDS_OFF
 *   queued, in no queue                                       RETURN
 *   in_progress                                               RETURN
 *   stopped by the agent, because we signalled it, or the
 *   container engine did as it ended                          RETURN
 *   stopped, "Forced stop (non-responsive)" (the watchdog)    RETURN
 *   stopped otherwise: by a person                            STANDS
 *   failed, after the container engine went away under it     RETURN
 *   completed, failed otherwise, closed, published            STANDS
 *   created: a person reset it                                HANDS_OFF
 *   a status that we do not know                              WAIT
 * RETURN becomes FAIL on the last attempt, over the time limit, and for a task
 * that no later attempt could help (its image does not exist).
 *
 * Ours is a task whose mayfly_owner names this instance and attempt. Without
 * an owner, one whose last_worker we are is ours too, but not while it is
 * queued: last_worker outlives a requeue, so a queued task in no queue may just
 * have been popped by another machine that has not written its name yet (the
 * reaper's sweep for tasks without owner finds it, should that one have died).
 * Somebody else's name, or somebody else's living worker that reports the
 * task, makes it theirs whatever else is said.
 *
 * "failed, worker execution exit code 137 (or 143, -9)" stands although we
 * signalled. The agent is always killed first and seen gone before the task's
 * own processes are signalled: so an agent that still wrote the status saw
 * its task die of something else, and a failed task is at its final end. But for one case: the
 * docker program that the agent waits for fails when its engine goes away, whatever the task was
 * doing.
 */

/* What ClearML's watchdog writes as status_reason and status_message (server's source,
 * non_responsive_tasks_watchdog.py): nobody had reported the task for two hours. */
#define VERDICT_FORCED_STOP "Forced stop (non-responsive)"

enum verdict {
	VERDICT_WAIT, /* zero: we do not know enough; read again */
	VERDICT_HANDS_OFF, /* not ours: touch nothing */
	VERDICT_STANDS, /* a final end, ClearML has it: only our properties go */
	VERDICT_RETURN, /* front of its queue, attempt + 1 */
	VERDICT_FAIL, /* the last attempt or its time limit: failed, with the story */
};

struct verdict_facts {
	enum task_status status; /* read after the runner was seen gone */
	bool is_deleted; /* ClearML does not know it any more */
	bool is_owner_us; /* mayfly_owner names this instance and attempt */
	bool is_owner_other; /* mayfly_owner names another instance */
	bool is_last_worker_us;
	bool is_run_by_other; /* a living worker that is not ours reports it as its task */
	bool is_in_queue; /* its id stands in some queue's entries */
	bool has_signalled; /* we killed or signalled the runner, or it ended while we did not live
			       and nobody else would have */
	bool is_over_time; /* ... because its time limit was over */
	bool is_hopeless; /* its own wishes cannot be met: not on this machine, not on another */
	bool is_engine_lost; /* the container engine went away, or restarted, while it ran */
	const char *status_reason, *status_message; /* as read; not NULL */
	const char *worker; /* the worker id that the agent ran under */
	unsigned attempt; /* this one, from 1 */
	unsigned max_attempts;
};

enum verdict verdict_of(const struct verdict_facts *facts);
const char *verdict_name(enum verdict verdict); /* "wait", "hands off", "stands", ... */

/*
 * Of a pop that got no answer: did it take the task? Told from the task, read
 * after it, and from all queues, read after that.
 *
 *   deleted, or not queued any more                           OTHERS
 *   in a queue                                NOT_DONE, once the pop cannot be under way any more
 *   in no queue, somebody's name on it that is not stale      OTHERS
 *   in no queue, no name on it, or a stale one                OURS, once it is so for long enough:
 *                          another machine that popped it would have written its name by then, and
 *                          a plain agent would have started it
 *   a status that we do not know                              WAIT
 * A stale name is one that it bore while it stood in its queue: that of an earlier attempt.
 */
enum pop_verdict {
	POP_WAIT, /* zero: read again */
	POP_OURS,
	POP_NOT_DONE,
	POP_OTHERS,
};

enum { VERDICT_SURE_MS = 10000 };

struct pop_facts {
	enum task_status status;
	bool is_deleted, is_in_queue;
	bool has_owner, is_owner_stale;
	int64_t sent_ms; /* so long ago at least: its answer had been given up by then */
	int64_t nowhere_ms; /* for so long it is seen in no queue and without an owner's name */
};

enum pop_verdict verdict_of_pop(const struct pop_facts *facts);

/* Was the task put back by us, in that owner's name, when its status changed last? Whoever put it
 * back, its machine or the reaper, wrote "infra:<cause> (<owner>)"; so that name is stale. */
bool verdict_is_put_back(const char *status_reason, const char *owner);

enum { VERDICT_OWNER_MAX = 96 }; /* of the owner's name in a reason; a longer one is cut */

/* The attempt number in a mayfly_attempt property for this task: "ID/n" gives
 * n, anything else (none, another task's: a clone copies properties) 0. */
unsigned verdict_attempts_before(const char *property, const char *task);

#endif
