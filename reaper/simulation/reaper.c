#include <stdlib.h>
#include <string.h>

#include "reaper/observe_join.h"
#include "reaper/simulation/world_state.h"

/* The passes of reapers, step by step; each step may be the last one. */

enum { CRASH_AT_MOST = 3 };

/* ---- ledgers ---- */

static void *copy_of(const void *items, size_t count, size_t item_len)
{
	void *copy = memory_array(count + 1, item_len);

	if (count)
		memcpy(copy, items, count * item_len);
	return copy;
}

void world_ledger_copy(const struct ledger *from, struct ledger *out)
{
	struct ledger copy = *from;

	copy.attempts = copy_of(from->attempts, from->attempt_count, sizeof(*from->attempts));
	copy.marks = copy_of(from->marks, from->mark_count, sizeof(*from->marks));
	copy.machines = copy_of(from->machines, from->machine_count, sizeof(*from->machines));
	copy.resources = copy_of(from->resources, from->resource_count, sizeof(*from->resources));
	copy.offerings = copy_of(from->offerings, from->offering_count, sizeof(*from->offerings));
	copy.orders = copy_of(from->orders, from->order_count, sizeof(*from->orders));
	ledger_release(out);
	*out = copy;
}

static void write_ledger(struct world *world, struct world_pass *pass)
{
	world_ledger_copy(&pass->ledger, &world->hosts[pass->host].ledger);
}

/* ---- the beginning ---- */

static struct world_pass *free_pass(struct world *world, size_t host)
{
	struct world_pass *found = NULL;

	for (size_t p = 0; p < WORLD_MAX_PASSES; p++) {
		struct world_pass *pass = &world->passes[p];

		if (pass->is_running && pass->host == host && !world->faults->has_overlaps)
			return NULL;
		if (!pass->is_running && !found)
			found = pass;
	}
	return found;
}

static void lose_ledger(struct world *world, size_t number)
{
	struct world_host *host = &world->hosts[number];

	ledger_release(&host->ledger);
	host->ledger.since_s = (world->now_ms + host->skew_ms) / 1000;
	host->ledgers_lost++;
	world_note(world, "reaper", "host %zu has lost its ledger", number);
}

void world_pass_begins(struct world *world, size_t host)
{
	struct world_pass *pass = free_pass(world, host);

	if (!pass)
		return;
	if (world_fails(world, world->faults->ledger_lost))
		lose_ledger(world, host);
	*pass = (struct world_pass){ .host = host, .is_running = true, .crash = STEP_OVER };
	if (world_fails(world, world->faults->pass_crashes)) {
		pass->crash = (enum step)chance_between(&world->chance, STEP_READ, STEP_WRITE);
		pass->crash_at = (size_t)chance_between(&world->chance, 0, CRASH_AT_MOST);
	}
	world_pass_step(world, (size_t)(pass - world->passes));
}

static void end_pass(struct world_pass *pass)
{
	plan_release(&pass->plan);
	observation_release(&pass->seen);
	ledger_release(&pass->ledger);
	clearml_queues_release(&pass->queues);
	*pass = (struct world_pass){ 0 };
}

/* ---- launches, as act does them ---- */

static size_t find_attempt(const struct world *world, const struct ledger *ledger,
			   const struct planned_launch *launch)
{
	const char *resource = world->settings->resources[launch->resource].name;
	size_t at = 0;

	for (; at < ledger->attempt_count; at++)
		if (ledger->attempts[at].slot == launch->slot &&
		    ledger->attempts[at].generation == launch->generation &&
		    !strcmp(ledger->attempts[at].resource, resource))
			break;
	return at;
}

static void add_attempt(struct world *world, struct world_pass *pass,
			const struct planned_launch *launch)
{
	struct ledger *ledger = &pass->ledger;
	struct open_attempt attempt = { .slot = launch->slot,
					.generation = launch->generation,
					.asked_s = pass->seen.now_ms / 1000 };

	if (find_attempt(world, ledger, launch) < ledger->attempt_count)
		return;
	memcpy(attempt.resource, world->settings->resources[launch->resource].name,
	       sizeof(attempt.resource));
	memcpy(attempt.day, launch->day, sizeof(attempt.day));
	ledger->attempts =
		memory_grow(ledger->attempts, ledger->attempt_count + 1, sizeof(attempt));
	ledger->attempts[ledger->attempt_count++] = attempt;
}

static void store(struct world *world, struct world_pass *pass)
{
	struct ledger *ledger = &pass->ledger;

	free(ledger->attempts);
	ledger->attempts =
		copy_of(pass->seen.attempts, pass->seen.attempt_count, sizeof(*ledger->attempts));
	ledger->attempt_count = pass->seen.attempt_count;
	for (size_t i = 0; i < pass->plan.launch_count; i++)
		add_attempt(world, pass, &pass->plan.launches[i]);
	free(ledger->marks);
	ledger->marks = copy_of(pass->plan.marks, pass->plan.mark_count, sizeof(*ledger->marks));
	ledger->mark_count = pass->plan.mark_count;
	write_ledger(world, pass);
}

static void drop_attempt(struct world *world, struct world_pass *pass,
			 const struct planned_launch *launch)
{
	struct ledger *ledger = &pass->ledger;
	size_t at = find_attempt(world, ledger, launch);

	if (at < ledger->attempt_count)
		ledger->attempts[at] = ledger->attempts[--ledger->attempt_count];
}

static void request(struct world *world, struct world_pass *pass,
		    const struct planned_launch *launch)
{
	bool is_lost = world_fails(world, world->faults->launch_lost);

	pass->is_request_done = true;
	pass->answer = ERROR_UNREACHABLE;
	if (is_lost && chance_of(&world->chance, 0.5))
		return;
	enum error_class answer =
		world_launch(world, &(struct world_request){ .host = pass->host,
							     .resource = launch->resource,
							     .offering = launch->offering,
							     .slot = launch->slot,
							     .generation = launch->generation });
	if (!is_lost)
		pass->answer = answer;
}

/* The answer is here. */
static void judge_answer(struct world *world, struct world_pass *pass,
			 const struct planned_launch *launch)
{
	pass->is_request_done = false;
	pass->at++;
	if (pass->answer != ERROR_NONE)
		world_note(world, world->settings->resources[launch->resource].name,
			   "host %zu, slot %u generation %u: %s", pass->host, launch->slot,
			   launch->generation, error_class_name(pass->answer));
	switch (pass->answer) {
	case ERROR_NONE:
	case ERROR_CONFLICT:
	case ERROR_UNREACHABLE:
	case ERROR_MALFORMED:
		return;
	default: /* these prove that nothing was launched */
		drop_attempt(world, pass, launch);
	}
}

/* ---- terminations ---- */

static bool is_still_doomed(struct world *world, const struct planned_termination *termination,
			    const struct world_pass *pass, size_t number)
{
	const struct observed_machine *machine = &pass->seen.machines[termination->machine];
	SCOPED(fleet) struct fleet fleet = { 0 };
	enum instance_state state = INSTANCE_TERMINATED;

	if (!world_list(world, machine->resource, &fleet))
		return false;
	for (size_t i = 0; i < fleet.count; i++)
		if (!strcmp(fleet.list[i].id, machine->instance.id))
			state = fleet.list[i].state;
	if (state >= INSTANCE_STOPPING)
		return false;
	if (termination->doom != DOOM_NEVER_CAME_UP && termination->doom != DOOM_SILENT)
		return true;
	if (world_call(world, NULL) != CALL_DONE)
		return false;
	return !world_record_is_shown(world, world->machines[number]) ||
	       !join_is_live(&world->machines[number]->record, world->now_ms);
}

static void terminate(struct world *world, struct world_pass *pass)
{
	const struct world_watcher *watcher = &world->options.watcher;
	const struct planned_termination *termination = &pass->plan.terminations[pass->at++];
	const struct observed_machine *machine = &pass->seen.machines[termination->machine];

	if (!termination->is_due)
		return;
	size_t number = world_machine_named(world, machine->instance.id);

	if (number == NOBODY ||
	    (!world->options.is_central && !is_still_doomed(world, termination, pass, number)))
		return;
	world_note(world, machine->instance.id, "host %zu terminates it: %s", pass->host,
		   doom_text(termination->doom));
	if (watcher->terminates)
		watcher->terminates(watcher->context, world, pass->host, number, termination->doom);
	world_terminate(world, number);
}

/* ---- repairs ---- */

static size_t task_named(const struct world *world, const char *id)
{
	size_t number = (size_t)strtoull(id, NULL, 16);

	return number < world->task_count ? number : NOBODY;
}

static bool is_run_elsewhere(const struct world *world, const char *task, const char *instance)
{
	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];

		if (!strcmp(machine->instance.id, instance) ||
		    !world_record_is_shown(world, machine))
			continue;
		for (size_t i = 0; i < machine->record.task_count; i++)
			if (!strcmp(machine->record.tasks[i], task))
				return true;
	}
	return false;
}

static enum verdict judge_again(const struct world *world, const struct observed_task *lost,
				size_t number)
{
	struct verdict_facts facts = { .max_attempts = lost->max_attempts };
	char instance[TICKET_FIELD_ROOM];
	struct clearml_task task;

	world_fill_task(world, number, &task);
	if (!join_holder(&task, world->settings->prefix, instance, &facts.attempt) ||
	    strcmp(instance, lost->instance) != 0)
		return VERDICT_HANDS_OFF;
	facts.status = task.status;
	facts.is_owner_us = true;
	facts.is_run_by_other = is_run_elsewhere(world, task.id, instance);
	facts.is_in_queue = world->tasks[number].is_in_queue;
	facts.status_reason = task.status_reason;
	facts.status_message = task.status_message;
	facts.worker = task.last_worker;
	return verdict_of(&facts);
}

static void repair(struct world *world, struct world_pass *pass)
{
	const struct planned_repair *repair = &pass->plan.repairs[pass->at++];
	const struct observed_task *lost = &pass->seen.lost[repair->lost];
	size_t number = task_named(world, lost->task.id);
	char reason[CLEARML_REASON_ROOM];

	if (!repair->is_due || number == NOBODY || world_call(world, NULL) != CALL_DONE)
		return;
	enum verdict verdict = judge_again(world, lost, number);

	if (verdict != VERDICT_RETURN && verdict != VERDICT_FAIL)
		return;
	if (world_call(world, NULL) == CALL_NOT_DONE)
		return;
	struct world_task *task = &world->tasks[number];

	world_note(world, task->id, "host %zu repairs it, it was %s's: %s", pass->host,
		   lost->instance, verdict_name(verdict));
	if (verdict == VERDICT_FAIL) {
		world_task_ends(world, number, TASK_FAILED, "infra:terminated", "not tried again");
		task->owner[0] = task->attempt[0] = '\0';
		return;
	}
	join_reason(lost->instance, lost->attempt, reason);
	world_enqueue(world, number, task->queue, reason);
	world_move_to_front(world, number);
}

/* ---- orders ---- */

static void give_order(struct world *world, struct world_pass *pass)
{
	const struct planned_order *order = &pass->plan.orders[pass->at++];
	const char *instance = pass->seen.machines[order->machine].instance.id;
	size_t number = world_machine_named(world, instance);

	if (number == NOBODY || world_call(world, NULL) == CALL_NOT_DONE)
		return;
	if (world->machines[number]->told != order->order)
		world_note(world, instance, "host %zu orders %d: %s", pass->host, (int)order->order,
			   doom_text(order->doom));
	world->machines[number]->told = order->order;
}

/* ---- one step ---- */

static void decide(struct world *world, struct world_pass *pass)
{
	const struct world_options *options = &world->options;

	if (options->plan)
		options->plan(options->plan_context, &pass->seen, world->settings, &pass->plan);
	else
		plan_make(&pass->seen, world->settings, &pass->plan);
	if (options->watcher.planned)
		options->watcher.planned(options->watcher.context, world, pass->host, &pass->seen,
					 &pass->plan);
}

/* True when there is more to do in this step. */
static bool launch(struct world *world, struct world_pass *pass)
{
	if (pass->at >= pass->plan.launch_count)
		return false;
	if (pass->is_request_done)
		judge_answer(world, pass, &pass->plan.launches[pass->at]);
	else
		request(world, pass, &pass->plan.launches[pass->at]);
	return true;
}

static bool one_of(struct world *world, struct world_pass *pass, size_t count,
		   void (*carry_out)(struct world *, struct world_pass *))
{
	if (pass->at >= count)
		return false;
	carry_out(world, pass);
	return true;
}

static bool take_step(struct world *world, struct world_pass *pass)
{
	switch (pass->step) {
	case STEP_PLAN:
		decide(world, pass);
		return false;
	case STEP_STORE:
		store(world, pass);
		return false;
	case STEP_LAUNCH:
		return launch(world, pass);
	case STEP_TERMINATE:
		return one_of(world, pass, pass->plan.termination_count, terminate);
	case STEP_REPAIR:
		return one_of(world, pass, pass->plan.repair_count, repair);
	case STEP_ORDERS:
		return one_of(world, pass, pass->plan.order_count, give_order);
	case STEP_WRITE:
		observe_remember(&pass->seen, &pass->ledger);
		pass->ledger.passes++;
		write_ledger(world, pass);
		return false;
	default:
		world_look(world, pass);
		return false;
	}
}

static bool is_killed(struct world *world, struct world_pass *pass)
{
	bool is_now = pass->step == pass->crash &&
		      (pass->step < STEP_LAUNCH || pass->step == STEP_WRITE ||
		       pass->at + pass->is_request_done >= pass->crash_at);

	if (is_now)
		world_note(world, "reaper", "the pass of host %zu is killed at step %d/%zu",
			   pass->host, (int)pass->step, pass->at);
	return is_now;
}

void world_pass_step(struct world *world, size_t number)
{
	struct world_pass *pass = &world->passes[number];

	while (pass->step != STEP_OVER) {
		if (is_killed(world, pass)) {
			end_pass(pass);
			return;
		}
		if (!take_step(world, pass)) {
			pass->step++;
			pass->at = 0;
			if (pass->step == STEP_OVER)
				break;
		}
		if (world->faults->latency_ms && world_is_faulty(world)) {
			world_plan(world,
				   world->now_ms + chance_between(&world->chance, 1,
								  world->faults->latency_ms),
				   OCCASION_PASS, number, 0);
			return;
		}
	}
	end_pass(pass);
}
