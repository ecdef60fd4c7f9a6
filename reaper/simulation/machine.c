#include <stdio.h>
#include <string.h>

#include "common/idle.h"
#include "reaper/settings/schedule.h"
#include "reaper/simulation/world_state.h"

/* A machine's bootstrap: phases, reports, settlement, idleness. Its tasks are seat.c's. */

enum {
	RETRY_MS = 5000,
	MOST_RESTARTS = 3,
	GATES_MS = 5000, /* after a restart */
	LOOK_AGAIN_MS = 5000,
	FORGOTTEN_MS = 90000, /* after such a gap it registers again */
	TIMEOUT_MS = MACHINE_RECORD_TIMEOUT_S * 1000,
	HOLD_DAYS_S = 2 * 86400, /* of its ticket, and max_age ahead */
	SERVERS_TIMEOUT_MS = 600000, /* of a record that came back by a report alone */
};

static const struct ticket *ticket_of(const struct world *world,
				      const struct world_machine *machine)
{
	return &world->settings->resources[machine->resource].ticket;
}

static void wake(struct world *world, struct world_machine *machine, int64_t at_ms)
{
	if (at_ms >= machine->turn_ms)
		return;
	machine->turn_ms = at_ms;
	world_plan(world, at_ms, OCCASION_MACHINE, world_machine_named(world, machine->instance.id),
		   ++machine->turn);
}

void world_machine_starts(struct world *world, size_t number)
{
	struct world_machine *machine = world->machines[number];
	const struct resource *resource = &world->settings->resources[machine->resource];
	const struct ticket *ticket = &resource->ticket;
	int64_t day_s = world->now_ms / 1000 / 86400 * 86400;
	int64_t boot_ms = 1000 * chance_between(&world->chance, world->options.boot_least_s,
						world->options.boot_most_s);

	machine->seat_count = ticket->seats < WORLD_MAX_SEATS ? ticket->seats : WORLD_MAX_SEATS;
	machine->is_hung = world_fails(world, world->faults->boot_hangs);
	machine->is_unfit = world_fails(world, world->faults->boot_fails);
	machine->phase = PHASE_PROVE;
	machine->started_ms = machine->contact_ms = machine->phase_since_ms =
		world->now_ms + boot_ms * 2 / 3;
	machine->gates_ms = world->now_ms + boot_ms;
	machine->wants_report = true;
	machine->hold_count =
		schedule_hold(resource, machine->instance.slot, day_s,
			      day_s + HOLD_DAYS_S + ticket->limits.max_age_s, &machine->hold);
	machine->settle.patience_ms = ticket->limits.report_every_s * 2000 + 5000;
	machine->turn_ms = INT64_MAX;
	if (!machine->is_hung)
		wake(world, machine, machine->started_ms);
}

/* An idle machine polls again and again; while its queues are empty, nothing comes of it. */
void world_machines_wake_for(struct world *world, size_t queue)
{
	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		struct world_machine *machine = world->machines[m];
		const struct ticket_limits *limits = &ticket_of(world, machine)->limits;

		if (!machine->is_waiting_for_queue || machine->is_dead ||
		    !resource_serves(&world->settings->resources[machine->resource], queue))
			continue;
		bool is_eager = world->now_ms - machine->idle_since_ms < 60000;
		int64_t every_ms = is_eager ? limits->poll_min_ms : limits->poll_max_ms;

		machine->is_waiting_for_queue = false;
		machine->next_poll_ms = world->now_ms + chance_between(&world->chance, 0, every_ms);
		wake(world, machine, machine->next_poll_ms);
	}
}

/* ---- phases ---- */

static void enter(struct world *world, struct world_machine *machine, enum phase phase)
{
	if (machine->phase == phase)
		return;
	machine->phase = phase;
	machine->phase_since_ms = world->now_ms;
	machine->wants_report = true;
	if (phase == PHASE_SERVE) {
		machine->serve_since_ms = machine->idle_since_ms = world->now_ms;
		machine->next_poll_ms = world->now_ms;
		if (machine->served_ms < 0)
			machine->served_ms = world->now_ms;
	}
	world_note(world, machine->instance.id, "phase %s%s%s", phase_name(phase),
		   phase == PHASE_LEAVE || phase == PHASE_DRAIN ? ": " : "",
		   phase == PHASE_LEAVE || phase == PHASE_DRAIN ? reason_word(machine->reason) :
								  "");
}

static void go(struct world *world, struct world_machine *machine, enum phase_event event,
	       enum reason reason)
{
	if (machine->phase == PHASE_LEAVE)
		return;
	if (!machine->is_draining || event == EVENT_END || event == EVENT_DEADLINE)
		machine->reason = reason;
	machine->is_draining = true;
	enter(world, machine, phase_next(machine->phase, event, world_seats_busy(machine) > 0));
}

static struct phase_due look_at_limits(const struct world *world,
				       const struct world_machine *machine)
{
	return phase_look(&(struct phase_facts){
		.phase = machine->phase,
		.now_ms = world->now_ms,
		.since_ms = machine->phase_since_ms,
		.launched_ms = machine->launched_ms,
		.started_ms = machine->started_ms,
		.contact_ms = machine->contact_ms,
		.is_restart = machine->restarts > 0,
		.is_busy = world_seats_busy(machine) > 0,
		.is_running = world_seats_are_running(machine),
		.limits = ticket_of(world, machine)->limits,
	});
}

/* ---- who holds the slot ---- */

static size_t find_rivals(const struct world *world, const struct world_machine *machine,
			  struct settle_rival rivals[static SETTLE_MAX_RIVALS])
{
	size_t count = 0;

	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *other = world->machines[m];
		const struct machine_record *record = &other->record;

		if (other == machine ||
		    strcmp(other->instance.resource, machine->instance.resource) != 0 ||
		    other->instance.slot != machine->instance.slot ||
		    !world_record_is_shown(world, other) || !strcmp(record->phase, "left"))
			continue;
		if (count < SETTLE_MAX_RIVALS) {
			struct settle_rival *rival = &rivals[count];

			*rival = (struct settle_rival){
				.launched_s = record->launched_s,
				.claim = record->claim,
				.last_report_ms = record->last_report_ms,
				.silent_ms = world->now_ms - record->last_report_ms,
			};
			memcpy(rival->instance, record->instance, sizeof(rival->instance));
		}
		count++;
	}
	return count;
}

enum settle_answer world_settle(struct world *world, struct world_machine *machine)
{
	struct settle_rival rivals[SETTLE_MAX_RIVALS];
	const struct settle_self self = { machine->instance.id, machine->instance.launched_s,
					  machine->claim };

	if (world_call(world, machine) != CALL_DONE)
		return SETTLE_WAIT;
	if (!world_record_is_shown(world, machine)) {
		machine->has_record = false;
		machine->contact_ms -= FORGOTTEN_MS; /* so it registers again */
		machine->wants_report = true;
		return SETTLE_WAIT;
	}
	size_t count = find_rivals(world, machine, rivals);

	return settle_look(&machine->settle, &self, rivals, count, world->now_ms);
}

static void claim(struct world_machine *machine, enum claim claimed, int64_t now_ms)
{
	machine->claim = claimed;
	machine->wants_report = true;
	machine->look_ms = now_ms;
}

static void prove(struct world *world, struct world_machine *machine)
{
	if (machine->is_unfit && world->now_ms >= machine->gates_ms) {
		go(world, machine, EVENT_FAILED, REASON_GATE);
		return;
	}
	if (world->now_ms < machine->gates_ms || world->now_ms < machine->look_ms)
		return;
	if (machine->claim == CLAIM_NONE) {
		claim(machine, CLAIM_INTENT, world->now_ms);
		return;
	}
	/* The claim counts only once ClearML has it. */
	machine->look_ms = world->now_ms + LOOK_AGAIN_MS;
	if (machine->wants_report)
		return;
	switch (world_settle(world, machine)) {
	case SETTLE_LEAVE:
		go(world, machine, EVENT_FAILED, REASON_SLOT_HELD);
		break;
	case SETTLE_WAIT:
		break;
	case SETTLE_CLAIM:
		claim(machine, CLAIM_SERVES, world->now_ms);
		break;
	case SETTLE_HOLD:
		enter(world, machine, phase_next(machine->phase, EVENT_DONE, false));
		break;
	}
}

/* ---- reports, and what comes back with them ---- */

static void obey(struct world *world, struct world_machine *machine)
{
	if (machine->order == machine->told)
		return;
	machine->order = machine->told;
	machine->keep_ms = machine->told == ORDER_KEEP ? world->now_ms + 3600000 : 0;
	if (machine->told == ORDER_DRAIN)
		go(world, machine, EVENT_DRAIN, REASON_DRAINED);
	else if (machine->told == ORDER_LEAVE)
		go(world, machine, EVENT_END, REASON_TOLD_TO_LEAVE);
}

static void write_record(const struct world *world, struct world_machine *machine)
{
	struct machine_record *record = &machine->record;
	const char *phase = machine->is_dead ? "left" : phase_name(machine->phase);
	int64_t registered_ms = record->registered_ms;

	*record = (struct machine_record){
		.seats = machine->seat_count,
		.slot = machine->instance.slot,
		.generation = machine->instance.generation,
		.launched_s = machine->instance.launched_s,
		.claim = machine->claim,
		.is_draining = machine->is_draining,
		.registered_ms = machine->has_record ? registered_ms : world->now_ms,
		.last_report_ms = world->now_ms,
	};
	if (machine->is_garbled) /* whose it is, and when, is all that can be read */
		*record = (struct machine_record){ .registered_ms = record->registered_ms,
						   .last_report_ms = world->now_ms };
	memcpy(record->resource, machine->instance.resource, sizeof(record->resource));
	memcpy(record->type, machine->instance.type, sizeof(record->type));
	memcpy(record->instance, machine->instance.id, sizeof(record->instance));
	if (machine->is_garbled)
		return;
	text_cut(record->phase, sizeof(record->phase), phase);
	if (machine->is_draining)
		text_cut(record->reason, sizeof(record->reason), reason_word(machine->reason));
	for (unsigned s = 0; s < machine->seat_count; s++)
		if (machine->seats[s].state != WORLD_SEAT_FREE)
			memcpy(record->tasks[record->task_count++],
			       world->tasks[machine->seats[s].task].id, CLEARML_ID_ROOM);
	if (machine->phase == PHASE_SERVE) {
		record->free_seats = machine->seat_count - (unsigned)record->task_count;
		if (!record->task_count)
			record->idle_s = (world->now_ms - machine->idle_since_ms) / 1000;
	}
}

static void report(struct world *world, struct world_machine *machine)
{
	bool is_failing = machine->report_ms > world->now_ms && machine->wants_report &&
			  world->now_ms < machine->cut_until_ms;

	if (world->now_ms < machine->report_ms && (!machine->wants_report || is_failing))
		return;
	enum world_call call = world_call(world, machine);

	machine->report_ms = world->now_ms + RETRY_MS;
	if (call == CALL_NOT_DONE)
		return;
	if (!machine->has_record)
		machine->record_timeout_ms =
			!machine->record.registered_ms ||
					world->now_ms - machine->contact_ms >= FORGOTTEN_MS ?
				TIMEOUT_MS :
				SERVERS_TIMEOUT_MS;
	else if (world->now_ms - machine->contact_ms >= FORGOTTEN_MS)
		machine->record_timeout_ms = TIMEOUT_MS;
	write_record(world, machine);
	machine->has_record = true;
	if (call == CALL_LOST)
		return;
	machine->contact_ms = world->now_ms;
	machine->wants_report = false;
	machine->report_ms =
		world->now_ms + ticket_of(world, machine)->limits.report_every_s * 1000;
	world_seats_watch(world, machine);
	obey(world, machine);
}

/* ---- its turn ---- */

static struct idle look_at_idle(const struct world *world, const struct world_machine *machine)
{
	const struct resource *resource = &world->settings->resources[machine->resource];
	const struct ticket_span always = { 0, INT64_MAX / 2000 };
	bool is_central = world->options.is_central;

	return idle_look(&(struct idle_facts){
		.now_ms = world->now_ms,
		.since_ms = machine->idle_since_ms,
		.timeout_ms = resource->ticket.limits.idle_timeout_s * 1000,
		.keep_command_ms = machine->keep_ms,
		.end_ms = machine->launched_ms + resource->ticket.limits.max_life_s * 1000,
		.now_wall_s = world->now_ms / 1000,
		.hold = is_central ? &always : machine->hold,
		.hold_count = is_central ? 1 : machine->hold_count,
		.is_busy = world_seats_busy(machine) > 0,
	});
}

static void watch(struct world *world, struct world_machine *machine)
{
	if (machine->phase == PHASE_SERVE) {
		if (machine->is_slot_lost)
			go(world, machine, EVENT_FAILED, REASON_SLOT_HELD);
		else if (ticket_of(world, machine)->one_task && machine->tasks &&
			 !world_seats_busy(machine))
			go(world, machine, EVENT_DONE, REASON_ONE_TASK);
		else if (look_at_idle(world, machine).is_over)
			go(world, machine, EVENT_DONE, REASON_IDLE);
	} else if (machine->phase == PHASE_DRAIN && !world_seats_busy(machine)) {
		enter(world, machine, phase_next(PHASE_DRAIN, EVENT_DONE, false));
	}
	struct phase_due due = look_at_limits(world, machine);

	if (due.is_due && machine->phase != PHASE_LEAVE)
		go(world, machine, due.event, due.reason);
	if (machine->phase == PHASE_LEAVE)
		world_seats_end(world, machine);
}

/* Everything that ends: the last report, then the power. */
static bool has_left(struct world *world, struct world_machine *machine)
{
	if (machine->phase != PHASE_LEAVE)
		return false;
	if (world_seats_busy(machine) && !look_at_limits(world, machine).is_due)
		return false;
	machine->claim = CLAIM_NONE;
	machine->is_dead = true; /* what the record says from here on */
	machine->wants_report = true;
	machine->report_ms = 0;
	report(world, machine);
	machine->is_dead = false;
	return true;
}

static int64_t next_moment(const struct world *world, const struct world_machine *machine)
{
	struct phase_due due = look_at_limits(world, machine);
	int64_t next_ms = due.is_due ? world->now_ms : due.next_ms;
	const int64_t candidates[] = {
		machine->report_ms,
		world_seats_next_ms(machine),
		machine->phase == PHASE_PROVE ?
			(machine->look_ms > machine->gates_ms ? machine->look_ms :
								machine->gates_ms) :
			INT64_MAX,
		machine->phase == PHASE_SERVE && !machine->is_waiting_for_queue ?
			machine->next_poll_ms :
			INT64_MAX,
		machine->phase == PHASE_SERVE ?
			world->now_ms + look_at_idle(world, machine).leaves_in_ms :
			INT64_MAX,
	};

	for (size_t i = 0; i < ARRAY_LEN(candidates); i++)
		if (candidates[i] < next_ms)
			next_ms = candidates[i];
	return next_ms > world->now_ms ? next_ms : world->now_ms + 1;
}

void world_machine_turn(struct world *world, size_t number, uint64_t stamp)
{
	struct world_machine *machine = world->machines[number];

	if (stamp != machine->turn || machine->is_dead)
		return;
	machine->turn_ms = INT64_MAX;
	if (world->now_ms < machine->frozen_until_ms) {
		wake(world, machine, machine->frozen_until_ms);
		return;
	}
	if (world->now_ms < machine->down_until_ms) {
		world_seats_run_on(world, machine);
		int64_t next_ms = world_seats_next_ms(machine);

		wake(world, machine,
		     next_ms > world->now_ms && next_ms < machine->down_until_ms ?
			     next_ms :
			     machine->down_until_ms);
		return;
	}

	/* As the supervisor sees it: what this step changes is reported after it. */
	bool is_record_taken = !machine->wants_report;
	world_seats_step(world, machine);
	if (machine->phase == PHASE_SERVE)
		world_seats_poll(world, machine, is_record_taken);
	if (machine->phase == PHASE_PROVE)
		prove(world, machine);
	watch(world, machine);
	if (has_left(world, machine)) {
		world_power_off(world, number);
		return;
	}
	report(world, machine);
	wake(world, machine, next_moment(world, machine));
}

static bool is_up(const struct world *world, const struct world_machine *machine)
{
	return !machine->is_dead && !machine->is_hung && world->now_ms >= machine->started_ms;
}

/* What is told by signals and by orders holds on; everything else begins anew. Restarted too often,
 * it powers off. */
void world_machine_restarts(struct world *world, size_t number)
{
	struct world_machine *machine = world->machines[number];

	if (!is_up(world, machine) || machine->phase == PHASE_LEAVE)
		return;
	world_note(world, machine->instance.id, "its bootstrap is killed");
	if (++machine->restarts > MOST_RESTARTS) {
		world_power_off(world, number);
		return;
	}
	machine->down_until_ms = world->now_ms + chance_between(&world->chance, 1000, 30000);
	machine->started_ms = machine->contact_ms = machine->phase_since_ms =
		machine->down_until_ms;
	machine->gates_ms = machine->down_until_ms + GATES_MS;
	machine->phase = machine->is_draining ? PHASE_DRAIN : PHASE_PROVE;
	machine->claim = CLAIM_NONE;
	machine->settle = (struct settle){ .patience_ms = machine->settle.patience_ms };
	machine->is_slot_lost = machine->is_waiting_for_queue = false;
	machine->look_ms = machine->report_ms = 0;
	machine->wants_report = true;
	world_seats_adopt(world, machine);
	wake(world, machine, machine->down_until_ms);
}

void world_machine_interrupted(struct world *world, size_t number)
{
	struct world_machine *machine = world->machines[number];

	if (!is_up(world, machine))
		return;
	go(world, machine, EVENT_END, REASON_TERMINATED);
	wake(world, machine, world->now_ms);
}

void world_machine_dies(struct world *world, size_t number)
{
	struct world_machine *machine = world->machines[number];

	if (machine->is_dead)
		return;
	machine->is_dead = true;
	for (unsigned s = 0; s < machine->seat_count; s++) {
		struct world_seat *seat = &machine->seats[s];

		if (seat->state == WORLD_SEAT_FREE)
			continue;
		if (seat->state == WORLD_SEAT_RUNNING)
			world->tasks[seat->task].runners--;
		machine->busy_ms += world->now_ms - seat->taken_ms;
		world_note(world, world->tasks[seat->task].id, "was on %s when that ended",
			   machine->instance.id);
		seat->state = WORLD_SEAT_FREE;
	}
}
