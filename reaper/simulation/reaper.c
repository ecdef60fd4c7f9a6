#include <stdlib.h>
#include <string.h>

#include "reaper/doom.h"
#include "reaper/observe_join.h"
#include "reaper/simulation/world_state.h"

/* The passes of reapers, step by step; each step may be the last one. */

enum { CRASH_AT_MOST = 3, LOOKS_AGAIN = 3 /* records, queues, workers */ };

/* ---- ledgers ---- */

void *world_copy_of(const void *items, size_t count, size_t item_len)
{
	void *copy = memory_array(count + 1, item_len);

	if (count)
		memcpy(copy, items, count * item_len);
	return copy;
}

void world_ledger_copy(const struct ledger *from, struct ledger *out)
{
	struct ledger copy = *from;

	copy.attempts = world_copy_of(from->attempts, from->attempt_count, sizeof(*from->attempts));
	copy.marks = world_copy_of(from->marks, from->mark_count, sizeof(*from->marks));
	copy.machines = world_copy_of(from->machines, from->machine_count, sizeof(*from->machines));
	copy.resources =
		world_copy_of(from->resources, from->resource_count, sizeof(*from->resources));
	copy.offerings =
		world_copy_of(from->offerings, from->offering_count, sizeof(*from->offerings));
	copy.orders = world_copy_of(from->orders, from->order_count, sizeof(*from->orders));
	ledger_release(out);
	*out = copy;
}

void world_write_ledger(struct world *world, struct world_pass *pass)
{
	world_ledger_copy(&pass->ledger, &world->hosts[pass->host].ledger);
	world_spend_copy(world->settings, &pass->spend, &world->hosts[pass->host].spend);
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
	/* The sums come back from ClearML, and what is in them is not counted again. */
	host->ledger.counted_until_s = host->spend.until_s;
	host->ledgers_lost++;
	world_note(world, "reaper", "host %zu has lost its ledger", number);
}

/* `mayfly-reaper drain`, `keep`, `leave`: the operator marks a machine in this host's ledger. */
static void order_one(struct world *world, size_t host)
{
	struct ledger *ledger = &world->hosts[host].ledger;
	double per_pass = world->faults->drains * (double)world->options.pass_every_s / 3600 /
			  (double)world->host_count;
	enum order orders[] = { ORDER_DRAIN, ORDER_DRAIN, ORDER_KEEP, ORDER_LEAVE };

	if (world->machine_count == world->first_shown || !world_fails(world, per_pass))
		return;
	size_t number = (size_t)chance_between(&world->chance, (int64_t)world->first_shown,
					       (int64_t)world->machine_count - 1);
	struct ordered order = { .order = orders[chance_between(&world->chance, 0, 3)],
				 .since_s = world->now_ms / 1000 };

	memcpy(order.instance, world->machines[number]->instance.id, sizeof(order.instance));
	ledger->orders = memory_grow(ledger->orders, ledger->order_count + 1, sizeof(order));
	ledger->orders[ledger->order_count++] = order;
	world_note(world, order.instance, "a person orders it to %s", order_text(order.order));
}

void world_pass_begins(struct world *world, size_t host)
{
	struct world_pass *pass = free_pass(world, host);

	if (!pass)
		return;
	if (world_fails(world, world->faults->ledger_lost))
		lose_ledger(world, host);
	order_one(world, host);
	*pass = (struct world_pass){
		.host = host, .is_running = true, .begin_ms = world->now_ms, .crash = STEP_OVER
	};
	if (world_fails(world, world->faults->pass_crashes)) {
		pass->crash = (enum step)chance_between(&world->chance, STEP_READ, STEP_WRITE);
		pass->crash_at = (size_t)chance_between(&world->chance, 0, CRASH_AT_MOST);
	}
	world_pass_step(world, (size_t)(pass - world->passes));
}

void world_pass_release(struct world_pass *pass)
{
	plan_release(&pass->plan);
	observation_release(&pass->seen);
	ledger_release(&pass->ledger);
	free(pass->spend.sums);
	clearml_queues_release(&pass->queues);
	for (size_t r = 0; r < SETTINGS_MAX_RESOURCES; r++)
		fleet_release(&pass->fleets[r]);
	record_list_release(&pass->records);
	*pass = (struct world_pass){ 0 };
}

static void end_pass(const struct world *world, struct world_pass *pass)
{
	const struct world_watcher *watcher = &world->options.watcher;

	if (watcher->ended)
		watcher->ended(watcher->context, world, (size_t)(pass - world->passes));
	world_pass_release(pass);
}

/* ---- what it asks ---- */

static bool has_time(const struct world *world, const struct world_pass *pass)
{
	int64_t deadline_s = world->settings->pass_deadline_s;

	return !deadline_s || world->now_ms < pass->begin_ms + deadline_s * 1000;
}

enum world_call world_pass_call(struct world *world, struct world_pass *pass)
{
	if (!has_time(world, pass))
		return CALL_NOT_DONE;
	pass->calls++;
	pass->asked_ms = world->now_ms;
	return world_call(world, NULL);
}

bool world_pass_list(struct world *world, struct world_pass *pass, size_t resource,
		     struct fleet *out)
{
	pass->lists++;
	return world_list(world, resource, out);
}

/* ---- terminations ---- */

/* What is looked at again is read once a pass, as act_look does it. */
static bool has_again(enum world_look *look, bool is_read)
{
	if (*look == WORLD_LOOK_NONE)
		*look = is_read ? WORLD_LOOK_DONE : WORLD_LOOK_FAILED;
	return *look == WORLD_LOOK_DONE;
}

static bool look_at_fleet_again(struct world *world, struct world_pass *pass, size_t resource)
{
	enum world_look *look = &pass->fleets_again[resource];

	return has_again(look,
			 *look == WORLD_LOOK_NONE && has_time(world, pass) &&
				 world_pass_list(world, pass, resource, &pass->fleets[resource]));
}

static bool look_at_records_again(struct world *world, struct world_pass *pass)
{
	bool is_first = pass->records_again == WORLD_LOOK_NONE;
	bool is_read = is_first && world_pass_call(world, pass) == CALL_DONE;

	if (is_read)
		world_fill_records(world, &pass->records);
	return has_again(&pass->records_again, is_read);
}

static const struct machine_record *record_again(const struct world_pass *pass,
						 const char *instance)
{
	for (size_t i = 0; i < pass->records.count; i++)
		if (!strcmp(pass->records.list[i].instance, instance))
			return &pass->records.list[i];
	return NULL;
}

static bool is_still_doomed(struct world *world, const struct planned_termination *termination,
			    struct world_pass *pass)
{
	const struct observed_machine *machine = &pass->seen.machines[termination->machine];
	enum instance_state state = INSTANCE_TERMINATED;
	bool is_silence =
		termination->doom == DOOM_NEVER_CAME_UP || termination->doom == DOOM_SILENT;
	bool is_drain = doom_drains_first(termination->doom);

	if (!look_at_fleet_again(world, pass, machine->place))
		return false;
	const struct fleet *fleet = &pass->fleets[machine->place];

	for (size_t i = 0; i < fleet->count; i++)
		if (!strcmp(fleet->list[i].id, machine->instance.id))
			state = fleet->list[i].state;
	if (state >= INSTANCE_STOPPING)
		return false;
	if (!is_silence && !is_drain)
		return true;
	if (!look_at_records_again(world, pass))
		return false;
	const struct machine_record *record = record_again(pass, machine->instance.id);

	if (is_drain)
		return record && doom_is_drained(&(struct observed_machine){ .has_record = true,
									     .record = *record });
	return !record || !join_is_live(record, world->now_ms);
}

static void terminate(struct world *world, struct world_pass *pass)
{
	const struct world_watcher *watcher = &world->options.watcher;
	const struct planned_termination *termination = &pass->plan.terminations[pass->at++];
	const struct observed_machine *machine = &pass->seen.machines[termination->machine];

	if (!termination->is_due)
		return;
	size_t number = world_machine_named(world, machine->instance.id);

	if (number == NOBODY || !has_time(world, pass) ||
	    (!world->options.is_central && !is_still_doomed(world, termination, pass)))
		return;
	pass->asked_ms = world->now_ms;
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

/* Does any worker but those of this instance report the task? */
static bool is_run_elsewhere(const struct world *world, const char *task, const char *instance)
{
	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];

		if (!strcmp(machine->instance.id, instance) ||
		    !world_workers_are_shown(world, machine))
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
	SCOPED(record_list) struct record_list records = { 0 };
	struct join_again again = { .prefix = world->settings->prefix,
				    .now_ms = world->now_ms,
				    .records = &records };
	struct clearml_task task;

	world_fill_task(world, number, &task);
	world_fill_records(world, &records);
	again.is_in_queue = world->tasks[number].is_in_queue;
	again.is_run_by_other = is_run_elsewhere(
		world, task.id, lost->loss == LOSS_TERMINATED ? lost->instance : "");
	return join_judge(lost, &task, &again);
}

static void repair(struct world *world, struct world_pass *pass)
{
	const struct planned_repair *repair = &pass->plan.repairs[pass->at++];
	const struct observed_task *lost = &pass->seen.lost[repair->lost];
	size_t number = task_named(world, lost->task.id);
	char reason[CLEARML_REASON_ROOM];

	if (!repair->is_due || number == NOBODY)
		return;
	pass->repairs++;
	if (world_pass_call(world, pass) != CALL_DONE)
		return;
	if (pass->tasks_again == WORLD_LOOK_NONE) {
		pass->tasks_again = WORLD_LOOK_DONE;
		pass->calls += LOOKS_AGAIN; /* they succeed with the task's own */
	}
	enum verdict verdict = judge_again(world, lost, number);

	if (verdict != VERDICT_RETURN && verdict != VERDICT_FAIL)
		return;
	if (world_pass_call(world, pass) == CALL_NOT_DONE)
		return;
	struct world_task *task = &world->tasks[number];

	/* The server does not queue what is queued. */
	if (verdict == VERDICT_RETURN && task->is_in_queue)
		return;
	world_note(world, task->id, "host %zu repairs it, it was %s's: %s", pass->host,
		   lost->instance, verdict_name(verdict));
	if (verdict == VERDICT_FAIL) {
		world_task_ends(world, number, TASK_FAILED, "infra:terminated", "not tried again");
		task->owner[0] = task->attempt[0] = '\0';
		return;
	}
	join_reason(lost, reason);
	world_enqueue(world, number, task->queue, reason);
	world_move_to_front(world, number);
}

/* ---- orders ---- */

/* All of them are one property of the reaper's task: one call, whatever their number. */
static void give_orders(struct world *world, struct world_pass *pass)
{
	pass->at = pass->plan.order_count;
	if (world_pass_call(world, pass) == CALL_NOT_DONE)
		return;
	for (size_t i = 0; i < pass->plan.order_count; i++) {
		const struct planned_order *order = &pass->plan.orders[i];
		const char *instance = pass->seen.machines[order->machine].instance.id;
		size_t number = world_machine_named(world, instance);

		if (number == NOBODY)
			continue;
		if (world->machines[number]->told != order->order)
			world_note(world, instance, "host %zu orders it to %s: %s", pass->host,
				   order_text(order->order), doom_text(order->doom));
		world->machines[number]->told = order->order;
	}
}

/* ---- one step ---- */

static void note_reasons(struct world *world, const struct world_pass *pass)
{
	struct world_host *host = &world->hosts[pass->host];

	for (size_t r = 0; r < world->settings->resource_count; r++) {
		const struct resource_plan *planned = &pass->plan.resources[r];

		if (host->why[r] != planned->why)
			world_note(world, world->settings->resources[r].name,
				   "host %zu: %s%s%s (alive %u, free %u, booting %u, busy %u)",
				   pass->host, why_text(planned->why), *planned->words ? ": " : "",
				   planned->words, planned->alive, planned->free_seats,
				   planned->booting_seats, planned->busy_seats);
		host->why[r] = planned->why;
	}
}

static void decide(struct world *world, struct world_pass *pass)
{
	const struct world_options *options = &world->options;

	if (options->plan)
		options->plan(options->plan_context, &pass->seen, world->settings, &pass->plan);
	else
		plan_make(&pass->seen, world->settings, &pass->plan);
	note_reasons(world, pass);
	if (options->watcher.planned)
		options->watcher.planned(options->watcher.context, world, pass->host, &pass->seen,
					 &pass->plan);
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
		world_store(world, pass);
		if (world->options.watcher.stored)
			world->options.watcher.stored(world->options.watcher.context, world,
						      pass->host, &pass->seen, &pass->plan);
		return false;
	case STEP_LAUNCH:
		return world_pass_launches(world, pass);
	case STEP_TERMINATE:
		return one_of(world, pass, pass->plan.termination_count, terminate);
	case STEP_REPAIR:
		return one_of(world, pass, pass->plan.repair_count, repair);
	case STEP_ORDERS:
		return one_of(world, pass, pass->plan.order_count, give_orders);
	case STEP_WRITE:
		observe_remember(&pass->seen, &pass->ledger);
		pass->ledger.passes++;
		world_write_ledger(world, pass);
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
			end_pass(world, pass);
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
	end_pass(world, pass);
}
