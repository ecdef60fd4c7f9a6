#include <stdio.h>
#include <string.h>

#include "reaper/simulation/world_state.h"

/* A machine's seats: pop, claim, run, and what becomes of the task at the end. */

enum { LOOK_MS = 2000, KILL_MS = 1000, AGENT_RETRY_MS = 10000, STEP_MS = 100 };

unsigned world_seats_busy(const struct world_machine *machine)
{
	unsigned busy = 0;

	for (unsigned s = 0; s < machine->seat_count; s++)
		busy += machine->seats[s].state != WORLD_SEAT_FREE;
	return busy;
}

bool world_seats_are_running(const struct world_machine *machine)
{
	for (unsigned s = 0; s < machine->seat_count; s++)
		if (machine->seats[s].state == WORLD_SEAT_RUNNING)
			return true;
	return false;
}

static int64_t soon_ms(struct world *world)
{
	return world->now_ms +
	       (world->faults->latency_ms ?
			chance_between(&world->chance, 1, world->faults->latency_ms) :
			STEP_MS);
}

static void write_owner(const struct world_machine *machine, const struct world_seat *seat,
			char out[static TICKET_FIELD_ROOM + 8])
{
	(void)snprintf(out, TICKET_FIELD_ROOM + 8, "%.64s/%u", machine->instance.id,
		       seat->attempt % 1000000);
}

void world_worker_name(const struct world *world, const struct world_machine *machine,
		       unsigned seat, char out[static CLEARML_WORKER_ROOM])
{
	const struct instance *instance = &machine->instance;
	int len = snprintf(out, CLEARML_WORKER_ROOM, "%s:%s:%s:%s", world->settings->prefix,
			   instance->resource, instance->type, instance->id);

	if (machine->seat_count > 1)
		(void)snprintf(out + len, CLEARML_WORKER_ROOM - (size_t)len, ":%u", seat);
}

static void set_free(struct world *world, struct world_machine *machine, struct world_seat *seat)
{
	machine->busy_ms += world->now_ms - seat->taken_ms;
	*seat = (struct world_seat){ .state = WORLD_SEAT_FREE };
	machine->idle_since_ms = machine->next_poll_ms = world->now_ms;
	machine->is_waiting_for_queue = false;
	machine->wants_report = true;
}

/* ---- the pop ---- */

static void take(struct world *world, struct world_machine *machine, struct world_seat *seat,
		 size_t task, enum world_seat_state state)
{
	*seat = (struct world_seat){
		.state = state,
		.task = task,
		.queue = world->tasks[task].queue,
		.attempt =
			verdict_attempts_before(world->tasks[task].attempt, world->tasks[task].id) +
			1,
		.is_sure = state == WORLD_SEAT_POPPED,
		.taken_ms = world->now_ms,
		.unsure_ms = world->now_ms,
		.look_ms = soon_ms(world),
	};
	text_cut(seat->owner_before, sizeof(seat->owner_before), world->tasks[task].owner);
	world->changes++;
	machine->wants_report = true;
	machine->next_poll_ms = world->now_ms;
	machine->idle_since_ms = world->now_ms;
	world_note(world, world->tasks[task].id, "%s by %s, attempt %u",
		   state == WORLD_SEAT_POPPED ? "popped" : "perhaps popped", machine->instance.id,
		   seat->attempt);
}

static void pop(struct world *world, struct world_machine *machine, struct world_seat *seat,
		size_t queue, size_t task)
{
	enum world_call call = world_call(world, machine);

	if (call != CALL_NOT_DONE && !world_pop(world, queue, task))
		return;
	if (call == CALL_DONE)
		machine->tasks++;
	if (call != CALL_DONE)
		world_note(world, machine->instance.id, "its pop got no answer");
	take(world, machine, seat, task, call == CALL_DONE ? WORLD_SEAT_POPPED : WORLD_SEAT_UNSURE);
}

static bool is_held(const struct world_machine *machine, size_t task)
{
	for (unsigned s = 0; s < machine->seat_count; s++)
		if (machine->seats[s].state != WORLD_SEAT_FREE && machine->seats[s].task == task)
			return true;
	return false;
}

static bool is_fit(struct world *world, struct world_machine *machine, bool is_record_taken)
{
	/* What ClearML does not have yet, a rival cannot see. */
	if (!is_record_taken)
		return false;
	enum settle_answer answer = world_settle(world, machine);

	machine->is_slot_lost = answer == SETTLE_LEAVE;
	return answer == SETTLE_HOLD;
}

/* True: something waited, whatever came of it. */
static bool try_queues(struct world *world, struct world_machine *machine, struct world_seat *seat,
		       bool is_record_taken)
{
	const struct resource *resource = &world->settings->resources[machine->resource];

	for (size_t i = 0; i < resource->queue_count; i++) {
		size_t queue = resource->queues[i], task = world_peek(world, queue);

		if (task == NOBODY || is_held(machine, task))
			continue;
		if (is_fit(world, machine, is_record_taken))
			pop(world, machine, seat, queue, task);
		return true;
	}
	return false;
}

void world_seats_poll(struct world *world, struct world_machine *machine, bool is_record_taken)
{
	const struct resource *resource = &world->settings->resources[machine->resource];
	const struct ticket_limits *limits = &resource->ticket.limits;
	struct world_seat *seat = NULL;

	for (unsigned s = 0; s < machine->seat_count && !seat; s++)
		if (machine->seats[s].state == WORLD_SEAT_FREE)
			seat = &machine->seats[s];
	if (!seat || machine->is_slot_lost || (resource->ticket.one_task && machine->tasks)) {
		machine->is_waiting_for_queue = true;
		return;
	}
	if (machine->is_waiting_for_queue || world->now_ms < machine->next_poll_ms)
		return;
	bool is_eager = world->now_ms - machine->idle_since_ms < 60000;

	machine->next_poll_ms =
		world->now_ms + (is_eager ? limits->poll_min_ms : limits->poll_max_ms);
	if (world_call(world, machine) == CALL_DONE &&
	    !try_queues(world, machine, seat, is_record_taken))
		machine->is_waiting_for_queue = true;
}

/* ---- steps ---- */

static bool is_ours(const struct world_task *task, const struct world_machine *machine,
		    const struct world_seat *seat)
{
	char owner[TICKET_FIELD_ROOM + 8];

	write_owner(machine, seat, owner);
	return !strcmp(task->owner, owner);
}

/* Does any record of the instance stand? */
static bool is_alive(const struct world *world, const char *owner)
{
	size_t len = strcspn(owner, "/");

	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];
		const char *id = machine->instance.id;

		if (strlen(id) == len && !strncmp(id, owner, len) &&
		    (world_record_is_shown(world, machine) ||
		     world_workers_are_shown(world, machine)))
			return true;
	}
	return false;
}

/* No name on it, or the stale one of an earlier attempt: as seat_look_at_owner() tells it. */
static bool has_no_owner(const struct world *world, const struct world_machine *machine,
			 const struct world_seat *seat)
{
	const struct world_task *task = &world->tasks[seat->task];
	bool is_before = seat->owner_before[0] && !strcmp(task->owner, seat->owner_before);
	size_t len = strcspn(task->owner, "/");

	if (!task->owner[0] || task->status != TASK_QUEUED)
		return !task->owner[0];
	if (seat->is_sure)
		return is_before;
	if (verdict_is_put_back(task->reason, task->owner))
		return true;
	return is_before && ((strlen(machine->instance.id) == len &&
			      !strncmp(task->owner, machine->instance.id, len)) ||
			     !is_alive(world, task->owner));
}

static void look_unsure(struct world *world, struct world_machine *machine, struct world_seat *seat)
{
	const struct world_task *task = &world->tasks[seat->task];

	seat->look_ms = world->now_ms + LOOK_MS;
	if (world_call(world, machine) != CALL_DONE)
		return;
	bool is_nobodys = has_no_owner(world, machine, seat);

	if (task->is_in_queue || !is_nobodys)
		seat->nowhere_ms = 0;
	else if (!seat->nowhere_ms)
		seat->nowhere_ms = world->now_ms;
	switch (verdict_of_pop(&(struct pop_facts){
		.status = task->status,
		.is_in_queue = task->is_in_queue,
		.has_owner = task->owner[0],
		.is_owner_stale = task->owner[0] && is_nobodys,
		.sent_ms = world->now_ms - seat->unsure_ms,
		.nowhere_ms = seat->nowhere_ms ? world->now_ms - seat->nowhere_ms : 0,
	})) {
	case POP_OURS:
		machine->tasks++;
		seat->state = WORLD_SEAT_POPPED;
		seat->look_ms = world->now_ms;
		break;
	case POP_NOT_DONE:
	case POP_OTHERS:
		set_free(world, machine, seat);
		break;
	case POP_WAIT:
		break;
	}
}

static void claim(struct world *world, struct world_machine *machine, struct world_seat *seat)
{
	struct world_task *task = &world->tasks[seat->task];
	enum world_call call = world_call(world, machine);

	seat->look_ms = world->now_ms + LOOK_MS;
	if (call == CALL_NOT_DONE)
		return;
	write_owner(machine, seat, task->owner);
	(void)snprintf(task->attempt, sizeof(task->attempt), "%s/%u", task->id,
		       seat->attempt % 1000000);
	if (call == CALL_LOST)
		return;
	seat->state = WORLD_SEAT_CLAIMED;
	seat->look_ms = seat->is_sure ? soon_ms(world) : world->now_ms + VERDICT_SURE_MS;
	machine->wants_report = true;
}

static void end_run(struct world *world, struct world_machine *machine, struct world_seat *seat,
		    const char *cause)
{
	struct world_task *task = &world->tasks[seat->task];

	if (seat->state == WORLD_SEAT_RUNNING)
		task->runners--;
	seat->state = WORLD_SEAT_ENDED;
	seat->cause = cause;
	seat->look_ms = world->now_ms + KILL_MS;
	machine->wants_report = true;
}

static void start(struct world *world, struct world_machine *machine, struct world_seat *seat)
{
	struct world_task *task = &world->tasks[seat->task];

	seat->look_ms = world->now_ms + LOOK_MS;
	if (world_call(world, machine) != CALL_DONE)
		return;
	if (task->status != TASK_QUEUED || !is_ours(task, machine, seat)) {
		if (is_ours(task, machine, seat))
			task->owner[0] = task->attempt[0] = '\0';
		set_free(world, machine, seat);
		return;
	}
	if (machine->phase == PHASE_DRAIN) {
		end_run(world, machine, seat, "drain");
		return;
	}
	task->status = TASK_IN_PROGRESS;
	task->runners++;
	task->runs++;
	world->changes++;
	task->update_ms = task->changed_ms = world->now_ms;
	if (task->started_ms < 0)
		task->started_ms = world->now_ms;
	world_worker_name(world, machine, (unsigned)(seat - machine->seats), task->worker);
	seat->state = WORLD_SEAT_RUNNING;
	seat->was_in_progress = true;
	seat->run_end_ms = seat->look_ms = world->now_ms + task->duration_ms;
	world_note(world, task->id, "runs on %s", machine->instance.id);
}

static void run_over(struct world *world, struct world_machine *machine, struct world_seat *seat)
{
	struct world_task *task = &world->tasks[seat->task];

	if (task->status == TASK_IN_PROGRESS && is_ours(task, machine, seat)) {
		enum world_call call = world_call(world, machine);

		if (call != CALL_NOT_DONE)
			world_task_ends(world, seat->task, TASK_COMPLETED, "", "");
		if (call != CALL_DONE) {
			seat->look_ms = world->now_ms + AGENT_RETRY_MS;
			return;
		}
	}
	end_run(world, machine, seat, "agent");
}

/* The agent ends by itself, whether anybody watches it or not. */
void world_seats_run_on(struct world *world, struct world_machine *machine)
{
	for (unsigned s = 0; s < machine->seat_count; s++) {
		struct world_seat *seat = &machine->seats[s];

		if (seat->state == WORLD_SEAT_RUNNING && world->now_ms >= seat->look_ms)
			run_over(world, machine, seat);
	}
}

/* From the journal, which only says which task it is: what runs is watched on, of the rest nothing
 * runs. */
void world_seats_adopt(struct world *world, struct world_machine *machine)
{
	for (unsigned s = 0; s < machine->seat_count; s++) {
		struct world_seat *seat = &machine->seats[s];

		if (seat->state == WORLD_SEAT_FREE)
			continue;
		seat->is_sure = seat->has_signalled = seat->is_lost = false;
		seat->was_in_progress = false;
		seat->unsure_ms = seat->nowhere_ms = 0;
		if (seat->state == WORLD_SEAT_RUNNING)
			continue;
		seat->state = WORLD_SEAT_ENDED;
		seat->cause = "crash";
		seat->look_ms = machine->down_until_ms + KILL_MS;
		world_note(world, world->tasks[seat->task].id, "%s finds it in its journal",
			   machine->instance.id);
	}
}

/* What the agent and its watcher see of the task while it runs. */
void world_seats_watch(struct world *world, struct world_machine *machine)
{
	for (unsigned s = 0; s < machine->seat_count; s++) {
		struct world_seat *seat = &machine->seats[s];

		if (seat->state != WORLD_SEAT_RUNNING)
			continue;
		struct world_task *task = &world->tasks[seat->task];

		if ((task->owner[0] && !is_ours(task, machine, seat)) ||
		    task->status == TASK_QUEUED) {
			seat->is_lost = true;
			seat->has_signalled = true;
			end_run(world, machine, seat, "lost");
		} else if (task->status != TASK_IN_PROGRESS) {
			end_run(world, machine, seat, "aborted");
		} else {
			task->update_ms = world->now_ms;
			seat->was_in_progress = true;
		}
	}
}

/* ---- the end ---- */

static enum verdict judge(const struct world *world, const struct world_machine *machine,
			  const struct world_seat *seat)
{
	const struct resource *resource = &world->settings->resources[machine->resource];
	const struct world_task *task = &world->tasks[seat->task];
	char worker[CLEARML_WORKER_ROOM];
	bool is_nobodys = has_no_owner(world, machine, seat);
	bool is_ours_now = is_ours(task, machine, seat) || (is_nobodys && seat->is_sure);
	bool is_requeued = seat->was_in_progress && task->status == TASK_QUEUED;

	world_worker_name(world, machine, (unsigned)(seat - machine->seats), worker);
	return verdict_of(&(struct verdict_facts){
		.status = task->status,
		.is_owner_us = is_ours_now,
		.is_owner_other = (!is_nobodys && !is_ours_now) || seat->is_lost || is_requeued,
		.is_last_worker_us = !strcmp(task->worker, worker),
		.is_in_queue = task->is_in_queue,
		.has_signalled = seat->has_signalled,
		.status_reason = task->reason,
		.status_message = task->message,
		.worker = worker,
		.attempt = seat->attempt,
		.max_attempts = !strcmp(seat->cause, "drain") ?
					UINT32_MAX :
					resource->ticket.limits.max_attempts,
	});
}

static void drop(struct world *world, struct world_machine *machine, struct world_seat *seat)
{
	struct world_task *task = &world->tasks[seat->task];
	enum world_call call = world_call(world, machine);

	seat->look_ms = world->now_ms + LOOK_MS;
	if (call == CALL_NOT_DONE)
		return;
	if (is_ours(task, machine, seat))
		task->attempt[0] = task->owner[0] = '\0';
	if (call == CALL_DONE)
		set_free(world, machine, seat);
}

static void fail(struct world *world, struct world_machine *machine, struct world_seat *seat)
{
	char reason[WORLD_REASON_ROOM];
	enum world_call call = world_call(world, machine);

	seat->look_ms = world->now_ms + LOOK_MS;
	if (call == CALL_NOT_DONE)
		return;
	(void)snprintf(reason, sizeof(reason), "infra:%s", seat->cause);
	world_task_ends(world, seat->task, TASK_FAILED, reason, "not tried again");
	if (call == CALL_DONE)
		seat->state = WORLD_SEAT_DROPPING;
}

/* The name goes first: then no plain agent can run it under ours. */
static void give_up_name(struct world *world, struct world_machine *machine,
			 struct world_seat *seat)
{
	struct world_task *task = &world->tasks[seat->task];
	enum world_call call = world_call(world, machine);

	seat->look_ms = world->now_ms + LOOK_MS;
	if (call == CALL_NOT_DONE)
		return;
	(void)snprintf(task->attempt, sizeof(task->attempt), "%s/%u", task->id,
		       seat->attempt % 1000000);
	task->owner[0] = '\0';
	if (call == CALL_LOST)
		return;
	seat->status = task->status;
	seat->state = WORLD_SEAT_GIVING_BACK;
	seat->look_ms = soon_ms(world);
}

static void settle_end(struct world *world, struct world_machine *machine, struct world_seat *seat)
{
	seat->look_ms = world->now_ms + LOOK_MS;
	if (world_call(world, machine) != CALL_DONE)
		return;
	const struct world_task *task = &world->tasks[seat->task];

	if (task->status == TASK_QUEUED && has_no_owner(world, machine, seat) && !seat->is_sure) {
		seat->state = WORLD_SEAT_UNSURE;
		seat->unsure_ms = world->now_ms;
		seat->nowhere_ms = 0;
		return;
	}
	enum verdict verdict = judge(world, machine, seat);

	world_note(world, task->id, "verdict of %s (%s): %s", machine->instance.id, seat->cause,
		   verdict_name(verdict));
	switch (verdict) {
	case VERDICT_WAIT:
		break;
	case VERDICT_HANDS_OFF:
	case VERDICT_STANDS:
		seat->state = WORLD_SEAT_DROPPING;
		drop(world, machine, seat);
		break;
	case VERDICT_RETURN:
		give_up_name(world, machine, seat);
		break;
	case VERDICT_FAIL:
		fail(world, machine, seat);
		break;
	}
}

static void give_back(struct world *world, struct world_machine *machine, struct world_seat *seat)
{
	struct world_task *task = &world->tasks[seat->task];
	char reason[WORLD_REASON_ROOM], owner[TICKET_FIELD_ROOM + 8];

	/* A person, or the server, was here in between: everything is read anew. */
	if (task->status != seat->status || task->is_in_queue || task->owner[0]) {
		seat->state = WORLD_SEAT_ENDED;
		return;
	}
	enum world_call call = world_call(world, machine);

	seat->look_ms = world->now_ms + LOOK_MS;
	if (call == CALL_NOT_DONE)
		return;
	write_owner(machine, seat, owner);
	(void)snprintf(reason, sizeof(reason), "infra:%s (%s)", seat->cause, owner);
	world_enqueue(world, seat->task, seat->queue, reason);
	world_move_to_front(world, seat->task);
	set_free(world, machine, seat);
}

static void step(struct world *world, struct world_machine *machine, struct world_seat *seat)
{
	static void (*const steps[])(struct world *, struct world_machine *,
				     struct world_seat *) = {
		[WORLD_SEAT_UNSURE] = look_unsure, [WORLD_SEAT_POPPED] = claim,
		[WORLD_SEAT_CLAIMED] = start,	   [WORLD_SEAT_RUNNING] = run_over,
		[WORLD_SEAT_ENDED] = settle_end,   [WORLD_SEAT_GIVING_BACK] = give_back,
		[WORLD_SEAT_DROPPING] = drop,
	};

	if (steps[seat->state] && world->now_ms >= seat->look_ms)
		steps[seat->state](world, machine, seat);
}

void world_seats_step(struct world *world, struct world_machine *machine)
{
	for (unsigned s = 0; s < machine->seat_count; s++)
		step(world, machine, &machine->seats[s]);
}

void world_seats_end(struct world *world, struct world_machine *machine)
{
	for (unsigned s = 0; s < machine->seat_count; s++) {
		struct world_seat *seat = &machine->seats[s];

		if (seat->state != WORLD_SEAT_POPPED && seat->state != WORLD_SEAT_CLAIMED &&
		    seat->state != WORLD_SEAT_RUNNING)
			continue;
		seat->has_signalled = seat->state == WORLD_SEAT_RUNNING;
		end_run(world, machine, seat, reason_cause(machine->reason));
	}
}

int64_t world_seats_next_ms(const struct world_machine *machine)
{
	int64_t next_ms = INT64_MAX;

	for (unsigned s = 0; s < machine->seat_count; s++)
		if (machine->seats[s].state != WORLD_SEAT_FREE &&
		    machine->seats[s].look_ms < next_ms)
			next_ms = machine->seats[s].look_ms;
	return next_ms;
}
