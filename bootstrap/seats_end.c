#include "bootstrap/seat.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/verdict.h"

enum { STORY_MAX_BYTES = 6000, TAIL_MAX_BYTES = 3000, MESSAGE_MAX_BYTES = 1500, QUEUE_GONE = 701 };

/* What is read of a task once its run is gone, and what follows from it. */
struct end {
	struct clearml_task task;
	char owner[CLEARML_NAME_ROOM]; /* as it reads when the task is ours */
	bool is_deleted, is_owner_us, is_in_queue, is_run_by_other;
	bool has_no_owner; /* but for a stale name, of an earlier attempt */
	struct engine_run engine; /* what the container engine told of the run */
};

/* ---- while it runs ---- */

/*
 * The agent sees an abort by itself, but not that the task was reset and queued
 * anew (it finds it in progress again, by another): then this run must end
 * before there are two.
 */
void seat_watch(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	struct clearml_task task = { 0 };
	struct error err = { 0 };
	char owner[CLEARML_NAME_ROOM];
	int result = clearml_task(seats->machine->clearml, seat->entry->task, &task, &err);

	seat->look_ms = now_ms + SEAT_WATCH_MS;
	if (result < 0 && err.class != ERROR_NOT_FOUND) {
		seats->is_cut = err.class == ERROR_UNREACHABLE;
		return; /* nothing depends on this look: the run goes on through an outage */
	}
	seat_owner(seats, seat, owner);
	bool is_requeued = seat->was_in_progress && task.status == TASK_QUEUED;
	bool is_others = task.owner[0] && strcmp(task.owner, owner) != 0;
	seat->was_in_progress |= task.status == TASK_IN_PROGRESS;
	if (!result && !is_requeued && !is_others)
		return;
	log_warn("lost", "seat %u: task %s was %s: its run ends", seat->number, seat->entry->task,
		 result	   ? "deleted" :
		 is_others ? "taken by another machine" :
			     "queued anew");
	seat->is_lost = true;
	seat->has_signalled = true;
	seat_end_run(seats, seat, "lost");
}

/* ---- what is known at the end ---- */

/* Does a living worker that is not our seat's say that it runs the task? */
static int look_for_runner(struct seats *seats, const struct seat *seat, bool *is_run,
			   struct error *err)
{
	SCOPED(clearml_workers) struct clearml_workers workers = { 0 };

	if (clearml_workers(seats->machine->clearml, NULL, &workers, err) < 0)
		return -1;
	for (size_t i = 0; i < workers.count; i++)
		if (!strcmp(workers.list[i].task, seat->entry->task) &&
		    strcmp(workers.list[i].id, seat->worker) != 0)
			*is_run = true;
	return 0;
}

static int read_end(struct seats *seats, struct seat *seat, struct end *out, struct error *err)
{
	*out = (struct end){ .engine = seat->engine };
	seat_owner(seats, seat, out->owner);
	if (clearml_task(seats->machine->clearml, seat->entry->task, &out->task, err) < 0) {
		out->is_deleted = err->class == ERROR_NOT_FOUND;
		return out->is_deleted ? 0 : -1;
	}
	const struct clearml_task *task = &out->task;
	if (seat_look_at_owner(seats, seat, task, &out->has_no_owner, err) < 0)
		return -1;
	out->is_owner_us = !strcmp(task->owner, out->owner) || (out->has_no_owner && seat->is_sure);
	if (task->status == TASK_QUEUED)
		return seat_is_queued(seats, seat, &out->is_in_queue, err);
	if (task->status == TASK_IN_PROGRESS && !out->is_owner_us)
		return look_for_runner(seats, seat, &out->is_run_by_other, err);
	return 0;
}

static bool is_owner_other(const struct seats *seats, const struct end *end)
{
	const char *instance = seats->machine->identity.instance;
	size_t len = strcspn(end->task.owner, "/");

	return !end->has_no_owner &&
	       (len != strlen(instance) || strncmp(end->task.owner, instance, len) != 0);
}

static enum verdict judge(const struct seats *seats, const struct seat *seat, const struct end *end)
{
	const struct clearml_task *task = &end->task;
	bool is_requeued = seat->was_in_progress && task->status == TASK_QUEUED;
	struct verdict_facts facts = {
		.status = task->status,
		.is_deleted = end->is_deleted,
		.is_owner_us = end->is_owner_us,
		/* Our agent never queues a task: who did has other plans with it. */
		.is_owner_other = is_owner_other(seats, end) || seat->is_lost || is_requeued,
		.is_last_worker_us = !strcmp(task->last_worker, seat->worker),
		.is_run_by_other = end->is_run_by_other,
		.is_in_queue = end->is_in_queue,
		.has_signalled = seat->has_signalled,
		.is_over_time = seat->is_over_time,
		.is_hopeless = seat->is_hopeless,
		.is_engine_lost = end->engine.is_engine_lost,
		.status_reason = task->status_reason,
		.status_message = task->status_message,
		.worker = seat->worker,
		.attempt = seat->entry->attempt,
		/* What was never started has not failed. */
		.max_attempts = !strcmp(seat->cause, "drain") ?
					UINT_MAX :
					seats->machine->ticket.limits.max_attempts,
	};

	return verdict_of(&facts);
}

/* ---- the story ---- */

/* Two of these in a row say that it is the machine, and not the tasks. Not that the engine went
 * away: that ends all runs at once, and one that stays away ends the machine anyway. */
static bool is_infra_failure(const struct seat *seat)
{
	static const char *const causes[] = {
		"agent-failed", "owner-refused", "image-missing", "image-denied",
		"image-unfit",	"image-pull",	 "disk-full",
	};

	for (size_t i = 0; !seat->is_hopeless && i < ARRAY_LEN(causes); i++)
		if (!strcmp(seat->cause, causes[i]))
			return true;
	return false;
}

static void write_story(struct seats *seats, const struct seat *seat, const char *fate,
			struct buf *out)
{
	SCOPED(buf)
	struct buf tail = BUF(out->limit < STORY_MAX_BYTES ? out->limit / 2 : TAIL_MAX_BYTES);
	struct agent_run run;

	buf_addf(out, "mayfly: attempt %u of %u on machine %s ended (%s%s%s): %s",
		 seat->entry->attempt, seats->machine->ticket.limits.max_attempts,
		 seats->machine->identity.instance, seat->cause, seat->fault[0] ? ": " : "",
		 seat->fault, fate);
	if (!is_infra_failure(seat))
		return;
	seat_run(seat, &run);
	agent_console_tail(seats->machine, &run, &tail);
	if (tail.len)
		buf_addf(out, ". Its last lines:\n%s", buf_text(&tail));
}

/* Once, and before the status changes: then nobody reads a status without its reason. */
static void tell(struct seats *seats, struct seat *seat, const char *level, const char *fate)
{
	SCOPED(buf) struct buf story = BUF(STORY_MAX_BYTES);
	struct error err = { 0 };

	if (seat->has_told)
		return;
	write_story(seats, seat, fate, &story);
	struct clearml_line line = { .task = seat->entry->task,
				     .worker = seat->worker,
				     .level = level,
				     .text = buf_text(&story),
				     .wall_ms = clock_wall_ms() };

	if (clearml_console(seats->machine->clearml, &line, &err) < 0) {
		log_failure("console", &err);
		return;
	}
	seat->has_told = true;
}

/* ---- carrying out ---- */

/* -1: the seat waits, and everything is read anew. A task that is gone needs nothing. */
static int drop_property(struct seats *seats, struct seat *seat, const char *name, int64_t now_ms)
{
	struct error err = { 0 };

	if (clearml_property_delete(seats->machine->clearml, seat->entry->task, name, &err) == 0)
		return 0;
	return seat_must_retry(seats, seat, &err, now_ms) ? -1 : 0;
}

/* The attempt first: while the owner stands, a crash in between finds its way here again. */
static void drop_properties(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	if (drop_property(seats, seat, "mayfly_attempt", now_ms) == 0 &&
	    drop_property(seats, seat, "mayfly_owner", now_ms) == 0)
		seat_finish(seats, seat, now_ms);
}

/* The agent knows no more than an exit status: for 137 people would search in the wrong place. */
static int tell_memory(struct seats *seats, const struct seat *seat, const struct end *end,
		       struct error *err)
{
	static const char reason[] = "task:out-of-memory";
	char message[CLEARML_REASON_ROOM + 128];

	if (end->task.status != TASK_FAILED || !end->engine.is_out_of_memory ||
	    !strcmp(end->task.status_reason, reason))
		return 0;
	(void)snprintf(message, sizeof(message),
		       "the task's container ran out of memory, the kernel killed in it (%s)",
		       end->task.status_reason);
	struct clearml_line line = { .task = seat->entry->task,
				     .worker = seat->worker,
				     .level = "error",
				     .text = message,
				     .wall_ms = clock_wall_ms() };

	if (clearml_console(seats->machine->clearml, &line, err) < 0)
		log_failure("console", err);
	return clearml_fail(seats->machine->clearml, seat->entry->task, reason, message, err);
}

static void let_stand(struct seats *seats, struct seat *seat, const struct end *end, int64_t now_ms)
{
	struct error err = { 0 };

	seats->infra_failures = 0;
	if (tell_memory(seats, seat, end, &err) < 0 && seat_must_retry(seats, seat, &err, now_ms))
		return;
	drop_properties(seats, seat, now_ms);
}

/* Only our own name goes, should it still stand there: nobody shall count on us any more. */
static void keep_hands_off(struct seats *seats, struct seat *seat, const struct end *end,
			   int64_t now_ms)
{
	if (!end->is_deleted && !strcmp(end->task.owner, end->owner) &&
	    drop_property(seats, seat, "mayfly_owner", now_ms) < 0)
		return;
	seat_finish(seats, seat, now_ms);
}

static void carry_fail(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	SCOPED(buf) struct buf message = BUF(MESSAGE_MAX_BYTES);
	struct error err = { 0 };
	char reason[CLEARML_REASON_ROOM];

	tell(seats, seat, "error", "failed, it is not tried again");
	write_story(seats, seat, "not tried again", &message);
	snprintf(reason, sizeof(reason), "%s:%s", seat->is_hopeless ? "task" : "infra",
		 seat->cause);
	if (clearml_fail(seats->machine->clearml, seat->entry->task, reason, buf_text(&message),
			 &err) < 0 &&
	    err.class != ERROR_NOT_FOUND) {
		seat_has_trouble(seats, seat, &err, now_ms);
		return;
	}
	seats->infra_failures += is_infra_failure(seat) && !seat->is_fault_known;
	drop_properties(seats, seat, now_ms);
}

static void fail_task(struct seats *seats, struct seat *seat, const struct end *end, int64_t now_ms)
{
	(void)end;
	carry_fail(seats, seat, now_ms);
}

/*
 * The reason of our own enqueue names machine and attempt: a task that carries
 * it was put back by us, whoever popped it since, and is not put back again.
 */
static void format_reason(const struct seat *seat, const struct end *end,
			  char out[static CLEARML_REASON_ROOM])
{
	snprintf(out, CLEARML_REASON_ROOM, "infra:%s (%.*s)", seat->cause, VERDICT_OWNER_MAX,
		 end->owner);
}

static bool is_put_back(const struct end *end)
{
	return end->task.status == TASK_QUEUED &&
	       verdict_is_put_back(end->task.status_reason, end->owner);
}

/* It is in its queue: to the front, if nobody has it yet. */
static void finish_return(struct seats *seats, struct seat *seat, const char *queue, int64_t now_ms)
{
	struct error err = { 0 };

	if (clearml_move_to_front(seats->machine->clearml, queue, seat->entry->task, &err) < 0 &&
	    seat_must_retry(seats, seat, &err, now_ms))
		return;
	log_info("returned", "task %s: infra:%s, attempt %u", seat->entry->task, seat->cause,
		 seat->entry->attempt);
	seats->infra_failures += is_infra_failure(seat) && !seat->is_fault_known;
	seats->tasks_given_back++;
	seat_finish(seats, seat, now_ms);
}

/*
 * The owner's name must go before the task can be popped again, or a plain
 * agent would run it under our name. What still makes the task ours after a
 * crash right there: queued, in no queue and without owner it is looked at as
 * any unsure one; started, we are its last worker, for which we see to it here.
 */
static int give_up_name(struct seats *seats, struct seat *seat, const struct end *end,
			struct error *err)
{
	struct clearml *clearml = seats->machine->clearml;
	struct clearml_report report = {
		.worker = seat->worker,
		.task = seat->entry->task,
		.wall_ms = clock_wall_ms(),
	};

	if (end->task.status != TASK_QUEUED && strcmp(end->task.last_worker, seat->worker) != 0 &&
	    clearml_report(clearml, &report, err) < 0)
		return -1;
	if (clearml_property_delete(clearml, seat->entry->task, "mayfly_owner", err) < 0)
		return -1;
	seat->is_sure = false;
	return 0;
}

/* ERROR_NOT_FOUND: neither the queue it was in last nor the one we took it from exists. */
static int enqueue(struct seats *seats, struct seat *seat, const struct end *end,
		   const char **queue, struct error *err)
{
	struct clearml *clearml = seats->machine->clearml;
	const char *own = seat->entry->queue, *last = end->task.queue;
	char reason[CLEARML_REASON_ROOM];

	format_reason(seat, end, reason);
	*queue = last[0] ? last : own;
	if (clearml_enqueue(clearml, seat->entry->task, *queue, reason, err) == 0)
		return 0;
	if (err->class != ERROR_NOT_FOUND || clearml_subcode(clearml) != QUEUE_GONE ||
	    !strcmp(*queue, own))
		return -1;
	*queue = own;
	return clearml_enqueue(clearml, seat->entry->task, own, reason, err);
}

static int prepare_return(struct seats *seats, struct seat *seat, const struct end *end,
			  struct error *err)
{
	char attempt[64];

	snprintf(attempt, sizeof(attempt), "%s/%u", seat->entry->task, seat->entry->attempt);
	if (strcmp(end->task.attempt, attempt) != 0 &&
	    clearml_property_set(seats->machine->clearml, seat->entry->task, "mayfly_attempt",
				 attempt, err) < 0)
		return -1;
	return give_up_name(seats, seat, end, err);
}

static void return_task(struct seats *seats, struct seat *seat, const struct end *end,
			int64_t now_ms)
{
	struct error err = { 0 };
	const char *queue = NULL;

	tell(seats, seat, "warning", "back to the front of its queue");
	if (prepare_return(seats, seat, end, &err) < 0) {
		if (err.class == ERROR_NOT_FOUND)
			seat_finish(seats, seat, now_ms);
		else
			seat_has_trouble(seats, seat, &err, now_ms);
		return;
	}
	if (enqueue(seats, seat, end, &queue, &err) == 0) {
		finish_return(seats, seat, queue, now_ms);
		return;
	}
	if (err.class == ERROR_NOT_FOUND &&
	    clearml_subcode(seats->machine->clearml) == QUEUE_GONE) {
		text_cut(seat->cause, sizeof(seat->cause), "queue-gone");
		seat->has_told = false;
		carry_fail(seats, seat, now_ms);
	} else if (err.class == ERROR_NOT_FOUND) {
		seat_finish(seats, seat, now_ms);
	} else {
		/* Also queued already, or changed meanwhile: read again what is true now. */
		seat_has_trouble(seats, seat, &err, now_ms);
	}
}

void seat_settle_end(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	static void (*const carry_out[])(struct seats *, struct seat *, const struct end *,
					 int64_t) = {
		[VERDICT_WAIT] = NULL,	      [VERDICT_HANDS_OFF] = keep_hands_off,
		[VERDICT_STANDS] = let_stand, [VERDICT_RETURN] = return_task,
		[VERDICT_FAIL] = fail_task,
	};
	struct error err = { 0 };
	struct end end;

	if (read_end(seats, seat, &end, &err) < 0) {
		seat_has_trouble(seats, seat, &err, now_ms);
		return;
	}
	seat->troubles = 0;
	if (is_put_back(&end)) {
		finish_return(seats, seat, end.task.queue, now_ms);
		return;
	}
	/* Journalled and no more: the pop may not have been done, or be another's. */
	if (end.task.status == TASK_QUEUED && end.has_no_owner && !seat->is_sure) {
		seat->state = SEAT_UNSURE;
		seat->unsure_ms = 0;
		seat->nowhere_ms = 0;
		return;
	}
	enum verdict verdict = judge(seats, seat, &end);
	log_info("verdict", "seat %u: task %s is %s: %s", seat->number, seat->entry->task,
		 end.is_deleted ? "deleted" : task_status_name(end.task.status),
		 verdict_name(verdict));
	if (carry_out[verdict])
		carry_out[verdict](seats, seat, &end, now_ms);
	else
		seat->look_ms = now_ms + SEAT_LOOK_MS;
}
