#include "bootstrap/seats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bootstrap/seat.h"
#include "common/child.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"

enum { TROUBLE_FIRST_MS = 1000, TROUBLE_MAX_MS = 15000, BOOT_MARGIN_MS = 10000 };

/* ---- what the other files share ---- */

int seats_save(struct seats *seats)
{
	struct error err = { 0 };

	if (journal_write(seats->journal_path, &seats->journal, &err) == 0) {
		if (seats->is_journal_old)
			log_info("journal", "it can be written again");
		seats->is_journal_old = false;
		return 0;
	}
	if (!seats->is_journal_old)
		log_failure("journal", &err);
	seats->is_journal_old = true;
	return -1;
}

/* A disk that is full, say: the task is told of all the same, the seat is free, and the machine may
 * end. */
static void save_again(struct seats *seats, int64_t now_ms)
{
	if (!seats->is_journal_old || now_ms < seats->journal_ms)
		return;
	seats->journal_ms = now_ms + SEAT_LOOK_MS;
	(void)seats_save(seats);
}

void seat_forget(struct seats *seats, struct seat *seat)
{
	*seat->entry = (struct journal_entry){ .seat = seat->number };
	(void)seats_save(seats);
}

void seat_run(const struct seat *seat, struct agent_run *out)
{
	*out = (struct agent_run){ .seat = seat->number, .attempt = seat->entry->attempt };
	text_cut(out->task, sizeof(out->task), seat->entry->task);
	text_cut(out->worker, sizeof(out->worker), seat->worker);
	text_cut(out->image, sizeof(out->image), seat->image);
	out->is_urgent = seat->is_urgent;
}

void seat_owner(const struct seats *seats, const struct seat *seat,
		char out[static CLEARML_NAME_ROOM])
{
	snprintf(out, CLEARML_NAME_ROOM, "%s/%u", seats->machine->identity.instance,
		 seat->entry->attempt);
}

void seat_has_trouble(struct seats *seats, struct seat *seat, const struct error *err,
		      int64_t now_ms)
{
	int64_t wait_ms = TROUBLE_FIRST_MS << (seat->troubles < 4 ? seat->troubles : 4);

	if (!seat->troubles++ || err->class != ERROR_UNREACHABLE)
		log_failure("seat", err);
	seat->look_ms = now_ms + (wait_ms < TROUBLE_MAX_MS ? wait_ms : TROUBLE_MAX_MS);
	if (err->class == ERROR_UNREACHABLE || err->class == ERROR_THROTTLED)
		seats->is_cut = true;
}

bool seat_must_retry(struct seats *seats, struct seat *seat, const struct error *err,
		     int64_t now_ms)
{
	switch (err->class) {
	case ERROR_NOT_FOUND:
	case ERROR_CONFLICT:
	case ERROR_REFUSED:
		log_failure("seat", err);
		return false;
	default:
		seat_has_trouble(seats, seat, err, now_ms);
		return true;
	}
}

static void empty_seat(struct seat *seat)
{
	struct seat empty = {
		.number = seat->number,
		.entry = seat->entry,
		.is_registered = seat->is_registered,
		.reported_ms = seat->reported_ms,
		.report_ms = seat->report_ms,
	};

	text_cut(empty.worker, sizeof(empty.worker), seat->worker);
	*seat = empty;
}

void seat_finish(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	struct agent_run run;

	seat_run(seat, &run);
	seat_forget(seats, seat);
	agent_tidy(seats->machine, &run);
	empty_seat(seat);
	seats->has_changed = true;
	seats->last_busy_ms = now_ms;
	seats->idle_since_ms = now_ms;
	seats->next_poll_ms = now_ms;
}

void seat_end_run(struct seats *seats, struct seat *seat, const char *cause)
{
	struct agent_run run;

	/* Now: what the engine does later is no part of it. */
	seat_run(seat, &run);
	agent_look(seats->machine, &run, &seat->engine);
	/* A machine that goes down tells all to end, as we would, and takes the engine with it. */
	seat->has_signalled |= seat->is_of_earlier_boot;
	/* It ended while none of our lives saw it: who signals an agent then is what ended us too
	 * (an upgrade that restarts the engine and us, the host's memory), and no person. */
	seat->has_signalled |= seat->is_adopted && !seat->has_started;
	seat->engine.is_engine_lost |= seat->is_of_earlier_boot;
	text_cut(seat->cause, sizeof(seat->cause), cause);
	seat->state = SEAT_ENDING;
	seat->look_ms = 0;
	seat->troubles = 0;
	seats->has_changed = true;
}

int seat_is_queued(struct seats *seats, const struct seat *seat, bool *is_queued, struct error *err)
{
	SCOPED(clearml_queues) struct clearml_queues all = { 0 };

	if (clearml_queues(seats->machine->clearml, NULL, 0, 0, &all, err) < 0)
		return -1;
	*is_queued = false;
	for (size_t i = 0; i < all.count; i++)
		for (size_t j = 0; j < all.list[i].entry_count; j++)
			if (!strcmp(all.list[i].entries[j].task, seat->entry->task))
				*is_queued = true;
	return 0;
}

/* ---- open and close ---- */

static int name_worker(const struct machine *machine, struct seat *seat, struct error *err)
{
	char suffix[12] = "";

	if (machine->ticket.seats > 1)
		snprintf(suffix, sizeof(suffix), "%u", seat->number);
	struct worker_id id = {
		.prefix = slice_of(machine->ticket.prefix),
		.resource = slice_of(machine->ticket.resource),
		.type = slice_of(machine->identity.type),
		.instance = slice_of(machine->identity.instance),
		.suffix = slice_of(suffix),
	};
	return worker_id_format(&id, seat->worker, err);
}

/* Whether its run lives is seen at the first step; either way its journalled time counts on. */
static void adopt(struct seats *seats, struct seat *seat)
{
	const struct journal_entry *entry = seat->entry;
	int64_t ran_ms = clock_wall_ms() - entry->taken_s * 1000;

	seat->state = SEAT_RUNNING;
	seat->is_adopted = true;
	seat->started_ms = clock_monotonic_ms() - (ran_ms > 0 ? ran_ms : 0);
	seat->is_of_earlier_boot = ran_ms > clock_monotonic_ms() + BOOT_MARGIN_MS;
	seats->has_changed = true;
	log_info("adopted", "seat %u: task %s, attempt %u, of an earlier life", seat->number,
		 entry->task, entry->attempt);
}

static int open_seat(struct seats *seats, unsigned number, struct error *err)
{
	struct seat *seat = &seats->list[number];

	seat->number = number;
	seat->entry = &seats->journal.entries[number];
	if (number >= seats->count && seat->entry->task[0])
		return error_set(
			err, ERROR_CONFIGURATION,
			"%s: names seat %u, but the ticket has %u: give it back its ticket",
			seats->journal_path, number, seats->count);
	if (number < seats->count && name_worker(seats->machine, seat, err) < 0)
		return error_wrap(err, "seat %u's worker record", number);
	if (seat->entry->task[0])
		adopt(seats, seat);
	return 0;
}

static int open_all(struct seats *seats, struct error *err)
{
	if (!seats->count || seats->count > SEAT_MAX)
		return error_set(err, ERROR_CONFIGURATION,
				 "ticket: seats: expected 1 to %d, got %u", SEAT_MAX, seats->count);
	if (agent_check(seats->machine, err) < 0)
		return -1;
	bool is_first_life = !file_exists(seats->journal_path);
	if (journal_read(seats->journal_path, &seats->journal, err) < 0)
		return -1;
	for (unsigned i = 0; i < SEAT_MAX; i++)
		if (open_seat(seats, i, err) < 0)
			return -1;
	seats->journal.restarts += !is_first_life;
	if (is_first_life)
		return journal_write(seats->journal_path, &seats->journal, err);
	/* All that matters was read: a disk that the task has filled does not part us from it. */
	(void)seats_save(seats);
	return 0;
}

int seats_open(const struct machine *machine, struct seats **out, struct error *err)
{
	struct seats *seats = memory_array(1, sizeof(*seats));

	seats->machine = machine;
	seats->count = machine->ticket.seats;
	snprintf(seats->journal_path, sizeof(seats->journal_path), "%s/journal.json",
		 machine->folder);
	if (open_all(seats, err) < 0) {
		seats_close(seats);
		return error_wrap(err, "seats");
	}
	*out = seats;
	return 0;
}

void seats_close(struct seats *seats)
{
	free(seats);
}

/* ---- one step ---- */

/* Unknown counts as no: it is asked again. */
static bool has_child_ended(struct seat *seat)
{
	struct error err = { 0 };
	bool has_ended = false;
	int status = 0;
	char how[64];

	if (child_reap(seat->pid, &has_ended, &status, &err) < 0) {
		log_failure("reap", &err);
		seat->pid = 0; /* no child of ours any more: found by its marker */
	}
	if (!has_ended)
		return false;
	seat->pid = 0;
	child_describe(status, how, sizeof(how));
	log_info("agent-ended", "seat %u: task %s: %s", seat->number, seat->entry->task, how);
	return true;
}

/* Of a run that an earlier life started, or of containers: a look costs, so not too often. */
static bool has_other_ended(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	struct error err = { 0 };
	struct agent_run run;
	bool is_alive = true;

	if (now_ms < seat->alive_ms)
		return false;
	seat->alive_ms = now_ms + SEAT_ALIVE_MS;
	seat_run(seat, &run);
	/* Unknown counts as alive; that the engine does not answer is said elsewhere, once. */
	if (agent_is_alive(seats->machine, &run, &is_alive, &err) < 0 &&
	    err.class != ERROR_UNREACHABLE)
		log_failure("alive", &err);
	seat->has_started |= is_alive;
	return !is_alive;
}

static bool is_over_time(const struct seats *seats, const struct seat *seat, int64_t now_ms)
{
	int64_t limit_s = seats->machine->ticket.limits.task_timeout_s;

	return limit_s > 0 && now_ms - seat->started_ms >= limit_s * 1000;
}

static const char *cause_of_end(const struct seats *seats, const struct seat *seat)
{
	struct engine_run seen;
	struct agent_run run;

	seat_run(seat, &run);
	agent_look(seats->machine, &run, &seen);
	if (seen.is_engine_lost)
		return "docker-lost";
	return seat->has_started ? "agent-failed" : "crash";
}

/* Was its container given what tasks may not have? */
static bool is_out_of_bounds(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	struct error err = { 0 };
	struct agent_run run;

	if (now_ms < seat->examine_ms)
		return false;
	seat->examine_ms = now_ms + SEAT_EXAMINE_MS;
	seat_run(seat, &run);
	if (agent_examine(seats->machine, &run, &err) == 0)
		return false;
	if (err.class != ERROR_UNREACHABLE)
		log_failure("bounds", &err);
	if (err.class != ERROR_REFUSED)
		return false;
	text_cut(seat->fault, sizeof(seat->fault), err.message);
	return true;
}

static const char *cause_of_orders(const struct seats_orders *orders)
{
	return orders->end_cause ? orders->end_cause : "terminated";
}

/* The agent first: it must write no status when it sees its task end. A run that cannot be told is
 * told again, and killed when the time is over. */
static void begin_saving(struct seats *seats, struct seat *seat)
{
	struct error err = { 0 };
	struct agent_run run;

	seat_run(seat, &run);
	if (agent_save(seats->machine, &run, SEAT_KILL_MS, &err) < 0) {
		log_failure("save", &err);
		return;
	}
	log_info("save", "seat %u: task %s was told to end, and may save what it has", seat->number,
		 seat->entry->task);
	seat->is_saving = true;
	seat->has_signalled = true;
}

/* Its agent does not tell how it ends any more. */
static void watch_saving(struct seats *seats, struct seat *seat, const struct seats_orders *orders)
{
	struct error err = { 0 };
	struct agent_run run;
	bool is_over = false;

	seat_run(seat, &run);
	if (agent_has_saved(seats->machine, &run, &is_over, &err) < 0)
		log_failure("save", &err);
	if (is_over || orders->must_end)
		seat_end_run(seats, seat, cause_of_orders(orders));
}

static void watch_run(struct seats *seats, struct seat *seat, const struct seats_orders *orders,
		      int64_t now_ms)
{
	if (seat->is_saving) {
		watch_saving(seats, seat, orders);
		return;
	}
	bool has_ended = seat->pid ? has_child_ended(seat) : has_other_ended(seats, seat, now_ms);

	if (has_ended) {
		seat_end_run(seats, seat, cause_of_end(seats, seat));
	} else if (orders->must_end) {
		seat->has_signalled = true;
		seat_end_run(seats, seat, cause_of_orders(orders));
	} else if (orders->must_save) {
		begin_saving(seats, seat);
	} else if (is_over_time(seats, seat, now_ms)) {
		seat->has_signalled = true;
		seat->is_over_time = true;
		seat_end_run(seats, seat, "time-limit");
	} else if (is_out_of_bounds(seats, seat, now_ms)) {
		seat->has_signalled = true;
		seat->is_hopeless = true;
		seat_end_run(seats, seat, "arguments");
	}
}

static void kill_run(struct seats *seats, struct seat *seat)
{
	struct error err = { 0 };
	struct agent_run run;
	bool has_ended = true;
	int status = 0;

	seat_run(seat, &run);
	if (agent_kill(seats->machine, &run, SEAT_KILL_MS, &err) < 0) {
		if (err.class != ERROR_UNREACHABLE)
			log_failure("kill", &err);
		return;
	}
	if (seat->pid && child_reap(seat->pid, &has_ended, &status, &err) < 0)
		log_failure("reap", &err);
	if (!has_ended)
		return; /* a zombie in the making: the next step collects it */
	seat->pid = 0;
	seat->state = SEAT_ENDED;
}

/* What needs no answer from ClearML: so that no outage keeps a run alive that must end. */
static void step_here(struct seats *seats, struct seat *seat, const struct seats_orders *orders,
		      int64_t now_ms)
{
	if (seat->state == SEAT_RUNNING)
		watch_run(seats, seat, orders, now_ms);
	bool is_waiting = seat->state == SEAT_POPPED || seat->state == SEAT_CLAIMED;

	seat->is_urgent = orders->must_end;
	if (orders->must_end && is_waiting)
		seat_end_run(seats, seat, cause_of_orders(orders));
	else if (orders->must_not_start && is_waiting)
		seat_end_run(seats, seat, "drain");
	if (seat->state == SEAT_ENDING)
		kill_run(seats, seat);
}

static void step_there(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	static void (*const moves[])(struct seats *, struct seat *, int64_t) = {
		[SEAT_UNSURE] = seat_look_unsure,
		[SEAT_POPPED] = seat_claim,
		[SEAT_CLAIMED] = seat_start,
		[SEAT_RUNNING] = seat_watch,
		[SEAT_ENDING] = NULL,
		[SEAT_ENDED] = seat_settle_end,
	};

	if (now_ms >= seat->look_ms && moves[seat->state])
		moves[seat->state](seats, seat, now_ms);
}

void seats_step(struct seats *seats, const struct seats_orders *orders, int64_t now_ms)
{
	seats->is_cut = false;
	if (!seats->idle_since_ms)
		seats->idle_since_ms = now_ms;
	save_again(seats, now_ms);
	for (unsigned i = 0; i < seats->count; i++)
		step_here(seats, &seats->list[i], orders, now_ms);
	for (unsigned i = 0; i < seats->count && !seats->is_cut; i++)
		step_there(seats, &seats->list[(seats->first + i) % seats->count], now_ms);
	/* Another one goes first next time: one whose calls fail must not starve the rest. */
	seats->first = seats->first + 1 < seats->count ? seats->first + 1 : 0;
	if (orders->may_take && !orders->must_end && !seats->is_cut)
		seats_poll(seats, orders, now_ms);
}

void seats_look(struct seats *seats, struct seats_state *out)
{
	*out = (struct seats_state){
		.has_changed = seats->has_changed,
		.last_busy_ms = seats->last_busy_ms,
		.tasks_taken = seats->tasks_taken,
		.tasks_given_back = seats->tasks_given_back,
		.infra_failures = seats->infra_failures,
		.next_poll_ms = seats->next_poll_ms,
	};
	for (unsigned i = 0; i < seats->count; i++) {
		const struct seat *seat = &seats->list[i];

		if (seat->state == SEAT_FREE) {
			out->free++;
			continue;
		}
		out->busy++;
		out->is_running |= seat->state == SEAT_RUNNING || seat->state == SEAT_ENDING;
		text_cut(out->tasks[out->task_count++], CLEARML_ID_ROOM, seat->entry->task);
	}
	seats->has_changed = false;
}
