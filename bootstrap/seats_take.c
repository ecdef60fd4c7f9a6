#include "bootstrap/seat.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/verdict.h"

enum {
	RESOLVE_MS = 60000, /* queues come and go, and their tags change */
	EAGER_MS = 60000, /* of idleness, while the queues are polled often */
};

/* ---- the queues ---- */

static void note_queues(struct seats *seats, const struct clearml_queues *found)
{
	const struct ticket *ticket = &seats->machine->ticket;

	for (size_t i = 0; i < ticket->queue_count; i++) {
		const struct clearml_queue *queue = clearml_queue_named(found, ticket->queues[i]);
		struct seat_queue *ours = &seats->queues[i];

		if (!queue && ours->id[0])
			log_warn("queue", "%s is gone", ticket->queues[i]);
		*ours = (struct seat_queue){ 0 };
		if (!queue)
			continue;
		text_cut(ours->id, sizeof(ours->id), queue->id);
		ours->is_forced_off = queue->is_forced_off;
	}
}

static int resolve(struct seats *seats, int64_t now_ms, struct error *err)
{
	SCOPED(clearml_queues) struct clearml_queues found = { 0 };
	const struct ticket *ticket = &seats->machine->ticket;
	const char *names[TICKET_MAX_QUEUES];

	if (seats->resolved_ms && now_ms - seats->resolved_ms < RESOLVE_MS)
		return 0;
	for (size_t i = 0; i < ticket->queue_count; i++)
		names[i] = ticket->queues[i];
	if (clearml_queues(seats->machine->clearml, names, ticket->queue_count, 1, &found, err) < 0)
		return -1;
	note_queues(seats, &found);
	seats->resolved_ms = now_ms;
	return 0;
}

/* ---- the pop ---- */

static int write_entry(struct seats *seats, struct seat *seat, const char *queue,
		       const struct clearml_task *task)
{
	*seat->entry = (struct journal_entry){
		.seat = seat->number,
		.attempt = verdict_attempts_before(task->attempt, task->id) + 1,
		.taken_s = clock_wall_ms() / 1000,
	};
	text_cut(seat->entry->queue, sizeof(seat->entry->queue), queue);
	text_cut(seat->entry->task, sizeof(seat->entry->task), task->id);
	text_cut(seat->owner_before, sizeof(seat->owner_before), task->owner);
	if (seats_save(seats) == 0)
		return 0;
	*seat->entry = (struct journal_entry){ .seat = seat->number };
	return -1;
}

/* Servers before 2.21 pop whatever is the head by then. */
static void note_other(struct seats *seats, struct seat *seat, const char *popped)
{
	struct clearml_task task = { 0 };
	struct error err = { 0 };
	char queue[CLEARML_ID_ROOM];

	text_cut(queue, sizeof(queue), seat->entry->queue);
	if (clearml_task(seats->machine->clearml, popped, &task, &err) < 0) {
		log_failure("popped", &err);
		text_cut(task.id, sizeof(task.id), popped);
	}
	/* Should the disk refuse: it runs all the same, or it would be lost for sure. */
	if (write_entry(seats, seat, queue, &task) < 0) {
		seat->entry->attempt = 1;
		text_cut(seat->entry->task, sizeof(seat->entry->task), popped);
		text_cut(seat->entry->queue, sizeof(seat->entry->queue), queue);
	}
}

static void begin(struct seats *seats, struct seat *seat, enum seat_state state, int64_t now_ms)
{
	seat->state = state;
	seat->started_ms = now_ms;
	seats->has_changed = true;
	seats->idle_since_ms = now_ms;
	seats->next_poll_ms = now_ms;
}

static void pop(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	char popped[CLEARML_ID_ROOM] = "";
	struct error err = { 0 };

	if (clearml_pop(seats->machine->clearml, seat->entry->queue, seat->entry->task, popped,
			&err) < 0) {
		log_failure("pop", &err);
		if (err.class == ERROR_UNREACHABLE) { /* it may have been done */
			begin(seats, seat, SEAT_UNSURE, now_ms);
			return;
		}
		if (err.class == ERROR_NOT_FOUND)
			seats->resolved_ms = 0;
		seat_forget(seats, seat);
		return;
	}
	if (!popped[0]) {
		seat_forget(seats, seat);
		return;
	}
	if (strcmp(popped, seat->entry->task) != 0)
		note_other(seats, seat, popped);
	seat->is_sure = true;
	seats->tasks_taken++;
	log_info("popped", "seat %u: task %s, attempt %u", seat->number, seat->entry->task,
		 seat->entry->attempt);
	begin(seats, seat, SEAT_POPPED, now_ms);
	seat_claim(seats, seat, now_ms);
}

/* ---- looking for a task ---- */

static bool is_fit(struct seats *seats, const struct seats_orders *orders)
{
	struct error err = { 0 };

	if (orders->is_fit && orders->is_fit(orders->context, &err) < 0) {
		if (strncmp(seats->unfit, err.message, sizeof(seats->unfit) - 1) != 0)
			log_failure("not-fit", &err);
		text_cut(seats->unfit, sizeof(seats->unfit), err.message);
		return false;
	}
	seats->unfit[0] = '\0';
	return true;
}

static bool is_held(const struct seats *seats, const char *task)
{
	for (unsigned i = 0; i < seats->count; i++)
		if (!strcmp(seats->list[i].entry->task, task))
			return true;
	return false;
}

/* Try one queue. 1: the seat is busy now, or must not look further; 0: on to the next; -1. */
static int try_queue(struct seats *seats, struct seat *seat, const struct seats_orders *orders,
		     const char *queue, int64_t now_ms, struct error *err)
{
	struct clearml *clearml = seats->machine->clearml;
	struct clearml_task task = { 0 };
	char head[CLEARML_ID_ROOM] = "";

	if (clearml_peek(clearml, queue, head, err) < 0) {
		if (err->class != ERROR_NOT_FOUND)
			return -1;
		seats->resolved_ms = 0; /* gone: its name may be another queue by now */
		return 0;
	}
	if (!head[0] || is_held(seats, head))
		return 0;
	if (clearml_task(clearml, head, &task, err) < 0)
		return err->class == ERROR_NOT_FOUND ? 0 : -1;
	if (!is_fit(seats, orders) || write_entry(seats, seat, queue, &task) < 0)
		return 1;
	pop(seats, seat, now_ms);
	return seat->state != SEAT_FREE;
}

static int try_queues(struct seats *seats, struct seat *seat, const struct seats_orders *orders,
		      int64_t now_ms, struct error *err)
{
	if (resolve(seats, now_ms, err) < 0)
		return -1;
	for (size_t i = 0; i < seats->machine->ticket.queue_count; i++) {
		const struct seat_queue *queue = &seats->queues[i];
		char id[CLEARML_ID_ROOM];

		if (!queue->id[0] || queue->is_forced_off)
			continue;
		text_cut(id, sizeof(id), queue->id);
		int result = try_queue(seats, seat, orders, id, now_ms, err);
		if (result)
			return result < 0 ? -1 : 0;
	}
	return 0;
}

static struct seat *free_seat(struct seats *seats)
{
	for (unsigned i = 0; i < seats->count; i++)
		if (seats->list[i].state == SEAT_FREE)
			return &seats->list[i];
	return NULL;
}

void seats_poll(struct seats *seats, const struct seats_orders *orders, int64_t now_ms)
{
	const struct ticket_limits *limits = &seats->machine->ticket.limits;
	struct seat *seat = free_seat(seats);
	struct error err = { 0 };

	if (!seat || now_ms < seats->next_poll_ms)
		return;
	bool is_eager = now_ms - seats->idle_since_ms < EAGER_MS;
	seats->next_poll_ms = now_ms + (is_eager ? limits->poll_min_ms : limits->poll_max_ms);
	if (try_queues(seats, seat, orders, now_ms, &err) == 0) {
		if (seats->is_poll_failing)
			log_info("poll", "ClearML answers again");
		seats->is_poll_failing = false;
		return;
	}
	if (!seats->is_poll_failing)
		log_failure("poll", &err);
	seats->is_poll_failing = true;
	seats->resolved_ms = 0;
}

/* ---- ours: say so, look again, start ---- */

void seat_claim(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	struct clearml *clearml = seats->machine->clearml;
	const char *task = seat->entry->task;
	char owner[CLEARML_NAME_ROOM], attempt[64];
	struct error err = { 0 };

	seat_owner(seats, seat, owner);
	snprintf(attempt, sizeof(attempt), "%s/%u", task, seat->entry->attempt);
	if (clearml_property_set(clearml, task, "mayfly_owner", owner, &err) == 0 &&
	    clearml_property_set(clearml, task, "mayfly_attempt", attempt, &err) == 0) {
		seat->state = SEAT_CLAIMED;
		seat->troubles = 0;
		seats->has_changed = true;
		/* Not sure: another one that popped it has by then started it, or named itself. */
		seat->look_ms = now_ms + (seat->is_sure ? 0 : VERDICT_SURE_MS);
		return;
	}
	if (err.class == ERROR_NOT_FOUND)
		seat_finish(seats, seat, now_ms);
	else if (!seat_must_retry(seats, seat, &err, now_ms)) {
		text_cut(seat->fault, sizeof(seat->fault), err.message);
		seat_end_run(seats, seat, "owner-refused");
	}
}

/* Not to be started: take back what we wrote, and nothing else. */
static void let_go(struct seats *seats, struct seat *seat, const struct clearml_task *task,
		   bool is_owner_us, int64_t now_ms)
{
	struct clearml *clearml = seats->machine->clearml;
	struct error err = { 0 };

	log_info("let-go", "seat %u: task %s is %s, owner \"%s\"", seat->number, task->id,
		 task_status_name(task->status), task->owner);
	/* In progress: somebody runs it without asking the queue, its attempts are counted on. */
	if (is_owner_us && task->status != TASK_IN_PROGRESS &&
	    clearml_property_delete(clearml, task->id, "mayfly_attempt", &err) < 0 &&
	    seat_must_retry(seats, seat, &err, now_ms))
		return;
	if (is_owner_us && clearml_property_delete(clearml, task->id, "mayfly_owner", &err) < 0 &&
	    seat_must_retry(seats, seat, &err, now_ms))
		return;
	seat_finish(seats, seat, now_ms);
}

static void tell_start(struct seats *seats, const struct seat *seat)
{
	struct error err = { 0 };
	char story[256];

	snprintf(story, sizeof(story), "mayfly: machine %s runs this task, attempt %u of %u",
		 seats->machine->identity.instance, seat->entry->attempt,
		 seats->machine->ticket.limits.max_attempts);
	struct clearml_line line = { .task = seat->entry->task,
				     .worker = seat->worker,
				     .level = "info",
				     .text = story,
				     .wall_ms = clock_wall_ms() };

	if (clearml_console(seats->machine->clearml, &line, &err) < 0)
		log_failure("console", &err);
}

static void start_agent(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	struct error err = { 0 };
	struct agent_run run;

	seat_run(seat, &run);
	seat->is_registered = false; /* from here on the agent reports on that id, until its end */
	seat->report_ms = 0;
	/* Its time limit is counted from here on, in a later life too. */
	seat->entry->taken_s = clock_wall_ms() / 1000;
	if (seats_save(seats) < 0)
		log_warn("journal", "seat %u: its time is counted from the pop", seat->number);
	if (agent_start(seats->machine, &run, &seat->pid, &err) < 0) {
		log_failure("agent", &err);
		text_cut(seat->fault, sizeof(seat->fault), err.message);
		seat_end_run(seats, seat,
			     err.class == ERROR_UNREACHABLE ? "docker-lost" : "agent-failed");
		return;
	}
	seat->state = SEAT_RUNNING;
	seat->has_started = true;
	seat->started_ms = now_ms;
	seat->look_ms = now_ms + SEAT_FIRST_WATCH_MS;
	seats->has_changed = true;
	log_info("started", "seat %u: task %s", seat->number, run.task);
	tell_start(seats, seat);
}

static void tell_news(struct seats *seats, struct seat *seat, const char *news, int64_t now_ms)
{
	struct error err = { 0 };
	char text[sizeof(seat->news) + 16];

	/* Progress is told now and then, anything else at once. */
	bool is_due = !seat->news_ms || now_ms - seat->news_ms >= SEAT_NEWS_MS;
	bool is_other = strncmp(seat->news, news, 24) != 0;

	if (!news[0] || !strcmp(seat->news, news) || (!is_due && !is_other))
		return;
	text_cut(seat->news, sizeof(seat->news), news);
	seat->news_ms = now_ms;
	(void)snprintf(text, sizeof(text), "mayfly: %s", news);
	struct clearml_line line = { .task = seat->entry->task,
				     .worker = seat->worker,
				     .level = "info",
				     .text = text,
				     .wall_ms = clock_wall_ms() };

	if (clearml_console(seats->machine->clearml, &line, &err) < 0)
		log_failure("console", &err);
}

/* Its image and arguments, then the agent. While an image comes, the task is read again each
 * time: it may have been aborted, or be another's by now. */
static void prepare(struct seats *seats, struct seat *seat, const struct clearml_task *task,
		    int64_t now_ms)
{
	struct error err = { 0 };
	struct agent_news news;
	const struct agent_wish wish = { seat->started_ms, now_ms };

	if (agent_prepare(seats->machine, task, &wish, &news, &err) == 0) {
		tell_news(seats, seat, news.text, now_ms);
		text_cut(seat->image, sizeof(seat->image), news.image);
		if (news.is_ready)
			start_agent(seats, seat, now_ms);
		else
			seat->look_ms = now_ms + SEAT_PREPARE_MS;
		return;
	}
	if (!news.cause[0]) {
		seat_has_trouble(seats, seat, &err, now_ms);
		return;
	}
	log_failure("prepare", &err);
	text_cut(seat->fault, sizeof(seat->fault), err.message);
	seat->is_hopeless = news.is_tasks_fault;
	seat->is_fault_known = news.is_known;
	seat_end_run(seats, seat, news.cause);
}

void seat_start(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	struct clearml_task task = { 0 };
	struct error err = { 0 };
	char owner[CLEARML_NAME_ROOM];

	if (clearml_task(seats->machine->clearml, seat->entry->task, &task, &err) < 0) {
		if (err.class == ERROR_NOT_FOUND)
			seat_finish(seats, seat, now_ms);
		else
			seat_has_trouble(seats, seat, &err, now_ms);
		return;
	}
	seat->troubles = 0;
	seat_owner(seats, seat, owner);
	bool is_owner_us = !strcmp(task.owner, owner);
	if (task.status == TASK_QUEUED && is_owner_us)
		prepare(seats, seat, &task, now_ms);
	else if (task.status == TASK_QUEUED && !task.owner[0])
		seat->state =
			SEAT_POPPED; /* an earlier owner took its name away, and ours with it */
	else if (task.status == TASK_UNKNOWN)
		seat->look_ms = now_ms + SEAT_LOOK_MS;
	else
		let_go(seats, seat, &task, is_owner_us, now_ms);
}
