#include <stdio.h>
#include <string.h>

#include "bootstrap/gates.h"
#include "bootstrap/keep.h"
#include "bootstrap/supervisor.h"
#include "common/clock.h"
#include "common/log.h"

enum {
	BUSY_LOOK_MS = 1000,
	PULL_LOOK_MS = 200,
	KEEP_LOOK_MS = 10000,
	MAX_GATE_FAILURES = 2,
	MAX_INFRA_FAILURES = 2
};

static int fit_slot(struct supervisor *supervisor, struct error *err)
{
	if (slot_look(&supervisor->slot, &supervisor->machine, supervisor->life.claim,
		      clock_monotonic_ms(), err) < 0)
		return -1;
	if (!supervisor->slot.is_listed) {
		supervisor_register_again(supervisor);
		return error_set(err, ERROR_UNREACHABLE, "ClearML has lost our record");
	}
	if (supervisor->slot.answer == SETTLE_HOLD)
		return 0;
	if (supervisor->slot.answer == SETTLE_LEAVE)
		supervisor->is_slot_lost = true;
	return error_set(err, ERROR_CONFLICT, "slot %u: %s has a claim on it too",
			 supervisor->machine.ticket.slot, supervisor->slot.rival);
}

/* Asked by seats.c right before a pop. */
static int is_fit(void *context, struct error *err)
{
	struct supervisor *supervisor = context;

	if (gates_again(&supervisor->machine, err) < 0) {
		/* An engine that is away, for an upgrade perhaps, has its own time: watch_engine().
		 */
		supervisor->gate_failures += err->class != ERROR_UNREACHABLE;
		text_cut(supervisor->gate_message, sizeof(supervisor->gate_message), err->message);
		return -1;
	}
	supervisor->gate_failures = 0;
	/* What ClearML does not have yet, a rival cannot see. */
	if (supervisor->wants_report)
		return error_set(err, ERROR_UNREACHABLE, "ClearML has not taken our record yet");
	return fit_slot(supervisor, err);
}

static bool has_done_its_task(const struct supervisor *supervisor)
{
	return supervisor->machine.ticket.one_task && supervisor->life.tasks_taken > 0;
}

static void step_seats(struct supervisor *supervisor, int64_t now_ms)
{
	bool is_taken = interruption_look(supervisor->interruption)->taken_ms > 0;
	const struct seats_orders orders = {
		.may_take = supervisor->phase == PHASE_SERVE && !supervisor->is_slot_lost &&
			    !has_done_its_task(supervisor),
		.must_not_start = supervisor->phase == PHASE_DRAIN,
		.must_save = is_taken,
		.must_end = supervisor->phase == PHASE_LEAVE,
		.end_cause = reason_cause(is_taken ? REASON_INTERRUPTED : supervisor->reason),
		.is_fit = is_fit,
		.context = supervisor,
	};

	seats_step(supervisor->seats, &orders, now_ms);
	seats_look(supervisor->seats, &supervisor->seen);
	if (supervisor->seen.has_changed)
		supervisor->wants_report = true;
	unsigned taken = supervisor->tasks_before + supervisor->seen.tasks_taken;

	if (taken != supervisor->life.tasks_taken) {
		supervisor->life.tasks_taken = taken;
		supervisor_save_life(supervisor);
	}
}

static void look_at_keep_file(struct supervisor *supervisor, int64_t now_ms)
{
	int64_t until_s = 0;
	struct error err;

	supervisor->keep_look_ms = now_ms + KEEP_LOOK_MS;
	bool is_failing = keep_read_file(supervisor->machine.folder, &until_s, &err) < 0;

	if (is_failing && !supervisor->is_keep_failing)
		log_failure("keep", &err);
	supervisor->is_keep_failing = is_failing;
	supervisor->keep_file_ms =
		until_s ? now_ms + until_s * 1000 - supervisor_wall_ms(supervisor) : 0;
}

static struct idle look_at_idle(const struct supervisor *supervisor, int64_t now_ms)
{
	const struct ticket *ticket = &supervisor->machine.ticket;
	int64_t last_busy_ms = supervisor->seen.last_busy_ms;
	const struct idle_facts facts = {
		.now_ms = now_ms,
		.since_ms = last_busy_ms > supervisor->serve_since_ms ? last_busy_ms :
									supervisor->serve_since_ms,
		.timeout_ms = ticket->limits.idle_timeout_s * 1000,
		.keep_command_ms = supervisor->keep_command_ms,
		.keep_file_ms = supervisor->keep_file_ms,
		.keep_order_ms = supervisor->keep_order_ms,
		.end_ms = supervisor->machine.identity.launched_monotonic_ms +
			  ticket->limits.max_life_s * 1000,
		.now_wall_s = supervisor_wall_ms(supervisor) / 1000,
		.hold = ticket->hold,
		.hold_count = ticket->hold_count,
		.is_busy = supervisor->seen.busy > 0,
	};

	return idle_look(&facts);
}

static void watch_idle(struct supervisor *supervisor, int64_t now_ms)
{
	struct idle idle = look_at_idle(supervisor, now_ms);

	/* A file that came since the last look may still keep it. */
	if (idle.is_over || now_ms >= supervisor->keep_look_ms) {
		look_at_keep_file(supervisor, now_ms);
		idle = look_at_idle(supervisor, now_ms);
	}
	const char *before = supervisor->idle.kept_by ? supervisor->idle.kept_by : "";

	if (strcmp(before, idle.kept_by) != 0 || supervisor->idle.is_held != idle.is_held) {
		log_info("keep", "kept by %s%s", idle.kept_by[0] ? idle.kept_by : "nothing",
			 idle.is_held ? ", held by the ticket" : "");
		supervisor->wants_report = true;
	}
	supervisor->idle = idle;
	if (idle.is_over)
		supervisor_go(supervisor, EVENT_DONE, REASON_IDLE, "nothing to do for %lld s",
			      (long long)(idle.idle_ms / 1000));
}

/* Nothing can be run, and nothing seen to have ended: only the end of the machine helps. */
static void watch_engine(struct supervisor *supervisor, int64_t now_ms)
{
	const struct machine *machine = &supervisor->machine;

	if (machine->engine && engine_is_gone(machine->engine, now_ms))
		supervisor_go(supervisor, EVENT_END, REASON_INFRASTRUCTURE,
			      "the container engine at %.200s has not answered for %lld s: see to "
			      "docker.service",
			      machine->ticket.agent.docker.socket,
			      (long long)machine->ticket.agent.docker.wait_s);
}

static void watch_work(struct supervisor *supervisor, int64_t now_ms)
{
	const struct seats_state *seen = &supervisor->seen;

	if (supervisor->is_slot_lost)
		supervisor_go(supervisor, EVENT_FAILED, REASON_SLOT_HELD, "slot %u is held by %s",
			      supervisor->machine.ticket.slot, supervisor->slot.rival);
	else if (supervisor->gate_failures >= MAX_GATE_FAILURES)
		supervisor_go(supervisor, EVENT_FAILED, REASON_GATE, "%s",
			      supervisor->gate_message);
	else if (seen->infra_failures >= MAX_INFRA_FAILURES)
		supervisor_go(supervisor, EVENT_FAILED, REASON_INFRASTRUCTURE,
			      "%u tasks in a row failed by this machine's fault",
			      seen->infra_failures);
	else if (has_done_its_task(supervisor) && !seen->busy)
		supervisor_go(supervisor, EVENT_DONE, REASON_ONE_TASK, "the one task is over");
	else
		watch_idle(supervisor, now_ms);
}

void serve_turn(struct supervisor *supervisor, int64_t now_ms)
{
	engine_turn(supervisor->machine.engine, now_ms);
	images_turn(supervisor->machine.images, now_ms);
	step_seats(supervisor, now_ms);
	watch_engine(supervisor, clock_monotonic_ms());
	/* The step may have taken seconds: what is judged by time is judged by the time after it.
	 */
	if (supervisor->phase == PHASE_SERVE)
		watch_work(supervisor, clock_monotonic_ms());
	else if (supervisor->phase == PHASE_DRAIN && !supervisor->seen.busy)
		supervisor_enter(supervisor, phase_next(PHASE_DRAIN, EVENT_DONE, false),
				 clock_monotonic_ms());
	if (supervisor->phase != PHASE_SERVE)
		supervisor->idle.idle_ms = 0;
}

int64_t serve_next_ms(const struct supervisor *supervisor, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;

	if (supervisor->seen.has_changed)
		return now_ms;
	if (supervisor->seen.busy)
		next_ms = now_ms + BUSY_LOOK_MS;
	if (images_is_busy(supervisor->machine.images))
		next_ms = now_ms + PULL_LOOK_MS;
	if (supervisor->phase != PHASE_SERVE)
		return next_ms;
	const int64_t candidates[] = {
		supervisor->seen.free ? supervisor->seen.next_poll_ms : INT64_MAX,
		supervisor->keep_look_ms,
		now_ms + supervisor->idle.leaves_in_ms,
	};

	for (size_t i = 0; i < ARRAY_LEN(candidates); i++)
		if (candidates[i] < next_ms)
			next_ms = candidates[i];
	return next_ms;
}
