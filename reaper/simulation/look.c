#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "reaper/observe_join.h"
#include "reaper/settings/schedule.h"
#include "reaper/simulation/world_state.h"

/* What a pass sees: the world as ClearML and the cloud show it, put together by the joins. */

enum { SWEEP_CALLS = 4 }; /* all queues, tasks twice, and all queues again */

static void fill_queues(const struct world *world, unsigned cap, struct clearml_queues *out)
{
	const struct settings *settings = world->settings;

	*out = (struct clearml_queues){ memory_array(settings->queue_count + 1, sizeof(*out->list)),
					settings->queue_count };
	for (size_t q = 0; q < settings->queue_count; q++) {
		const struct world_queue *queue = &world->queues[q];
		size_t count = queue->end - queue->begin;
		struct clearml_queue *shown = &out->list[q];

		(void)snprintf(shown->id, sizeof(shown->id), "%032zx", q + 1);
		memcpy(shown->name, settings->queues[q], sizeof(shown->name));
		shown->entry_count = cap && count > cap ? cap : count;
		shown->entries = memory_array(shown->entry_count + 1, sizeof(*shown->entries));
		for (size_t i = 0; i < shown->entry_count; i++) {
			const struct world_task *task =
				&world->tasks[queue->tasks[queue->begin + i]];

			memcpy(shown->entries[i].task, task->id, CLEARML_ID_ROOM);
			shown->entries[i].added_ms = task->queued_ms;
		}
	}
}

void world_fill_records(const struct world *world, struct record_list *out)
{
	*out = (struct record_list){
		memory_array(world->machine_count - world->first_shown + 1, sizeof(*out->list)), 0
	};
	for (size_t m = world->first_shown; m < world->machine_count; m++)
		if (world_record_is_shown(world, world->machines[m]))
			out->list[out->count++] = world->machines[m]->record;
}

void world_fill_task(const struct world *world, size_t number, struct clearml_task *out)
{
	const struct world_task *task = &world->tasks[number];

	*out = (struct clearml_task){
		.status = task->status,
		.last_update_ms = task->update_ms,
		.status_changed_ms = task->changed_ms,
		.started_ms = task->started_ms < 0 ? 0 : task->started_ms,
	};
	memcpy(out->id, task->id, sizeof(out->id));
	memcpy(out->status_reason, task->reason, sizeof(task->reason));
	memcpy(out->status_message, task->message, sizeof(task->message));
	memcpy(out->last_worker, task->worker, sizeof(task->worker));
	memcpy(out->owner, task->owner, sizeof(task->owner));
	memcpy(out->attempt, task->attempt,
	       sizeof(task->attempt) < sizeof(out->attempt) ? sizeof(task->attempt) :
							      sizeof(out->attempt));
	(void)snprintf(out->queue, sizeof(out->queue), "%032zx", task->queue + 1);
}

/* ---- step by step ---- */

static void look_at_memory(struct world *world, struct world_pass *pass)
{
	const struct world_host *host = &world->hosts[pass->host];
	struct observation *seen = &pass->seen;
	struct ledger *ledger = &pass->ledger;

	world_ledger_copy(&host->ledger, ledger);
	world_spend_copy(world->settings, &host->spend, &pass->spend);
	*seen = (struct observation){ .now_ms = world->now_ms + host->skew_ms };
}

static void look_at_queues(struct world *world, struct world_pass *pass)
{
	unsigned cap = join_entry_cap(world->settings);

	if (world_pass_call(world, pass) != CALL_DONE)
		return;
	pass->seen.queues_known = true;
	pass->seen.now_ms = world->now_ms;
	pass->seen.is_clock_known = true;
	fill_queues(world, cap, &pass->queues);
	join_queues(&pass->seen, world->settings, &pass->queues, cap);
}

static void look_at_fleets(struct world *world, struct world_pass *pass)
{
	for (size_t r = 0; r < world->settings->resource_count; r++) {
		SCOPED(fleet) struct fleet fleet = { 0 };

		if (!world_pass_list(world, pass, r, &fleet)) {
			text_cut(pass->seen.resources[r].problem,
				 sizeof(pass->seen.resources[r].problem), "no answer");
			continue;
		}
		pass->seen.resources[r].is_listed = true;
		join_fleet(&pass->seen, world->settings, r, &fleet);
	}
	join_attempts(&pass->seen, &pass->ledger);
}

/* Of everybody, those that report a task: what else there is decides nothing. */
static void fill_workers(const struct world *world, struct clearml_workers *out)
{
	size_t count = 0;

	for (size_t m = world->first_shown; m < world->machine_count; m++)
		if (world_workers_are_shown(world, world->machines[m]))
			count += world->machines[m]->record.task_count;
	*out = (struct clearml_workers){ memory_array(count + 1, sizeof(*out->list)), 0 };
	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];
		const struct machine_record *record = &machine->record;

		if (!world_workers_are_shown(world, machine))
			continue;
		for (unsigned i = 0; i < record->task_count; i++) {
			struct clearml_worker *worker = &out->list[out->count++];

			world_worker_name(world, machine, i, worker->id);
			memcpy(worker->key, worker->id, sizeof(worker->id));
			memcpy(worker->task, record->tasks[i], sizeof(worker->task));
			worker->registered_ms = record->registered_ms;
			worker->last_report_ms = worker->last_activity_ms = record->last_report_ms;
		}
	}
}

static void look_at_records(struct world *world, struct world_pass *pass)
{
	SCOPED(record_list) struct record_list records = { 0 };
	struct observation *seen = &pass->seen;

	if (world_pass_call(world, pass) == CALL_DONE) {
		seen->now_ms = world->now_ms;
		seen->is_clock_known = true;
		world_fill_records(world, &records);
		join_records(seen, world->settings, &records);
		seen->workers_known = !join_missing(&pass->ledger, &records, seen->now_ms);
	}
	join_ledger(seen, world->settings, &pass->ledger);
	join_lists(seen, world->settings, &pass->ledger, &records);
	if (!seen->workers_known)
		return;
	SCOPED(clearml_workers) struct clearml_workers workers = { 0 };

	fill_workers(world, &workers);
	join_workers(seen, world->settings, &workers);
}

/* What stands in a queue without an owner is not lost, whoever looks. */
static bool may_be_lost(const struct world *world, const struct world_task *task)
{
	if (!task->is_here)
		return false;
	if (task->status == TASK_STOPPED)
		return !strcmp(task->reason, VERDICT_FORCED_STOP) &&
		       world->now_ms - task->changed_ms <= JOIN_FORCED_STOP_MS;
	return task->status == TASK_IN_PROGRESS ||
	       (task->status == TASK_QUEUED && (!task->is_in_queue || task->owner[0]));
}

static void look_at_tasks(struct world *world, struct world_pass *pass)
{
	SCOPED(clearml_tasks) struct clearml_tasks tasks = { 0 };
	SCOPED(clearml_queues) struct clearml_queues all = { 0 };
	SCOPED(clearml_workers) struct clearml_workers workers = { 0 };
	size_t count = 0;

	if (!pass->seen.workers_known || !pass->seen.queues_known ||
	    !join_is_sweep_due(&pass->seen, world->settings, &pass->ledger) ||
	    world_pass_call(world, pass) != CALL_DONE)
		return;
	pass->calls += SWEEP_CALLS - 1; /* together they succeed, or do not */
	for (size_t i = 0; i < world->task_count; i++)
		count += may_be_lost(world, &world->tasks[i]);
	tasks.list = memory_array(count + 1, sizeof(*tasks.list));
	for (size_t i = 0; i < world->task_count; i++)
		if (may_be_lost(world, &world->tasks[i]))
			world_fill_task(world, i, &tasks.list[tasks.count++]);
	fill_queues(world, 0, &all);
	fill_workers(world, &workers);
	join_tasks(&pass->seen, world->settings, &(struct join_sweep){ &tasks, &all, &workers });
	pass->seen.tasks_known = true;
}

static void look_at_minimums(struct world *world, struct world_pass *pass)
{
	for (size_t r = 0; r < world->settings->resource_count; r++)
		pass->seen.resources[r].minimum =
			schedule_minimum(&world->settings->resources[r], pass->seen.now_ms / 1000);
}

void world_look(struct world *world, struct world_pass *pass)
{
	char now[CLOCK_TEXT_LEN];

	switch (pass->step) {
	case STEP_READ:
		look_at_memory(world, pass);
		break;
	case STEP_FLEETS:
		look_at_fleets(world, pass);
		break;
	case STEP_RECORDS:
		look_at_records(world, pass);
		break;
	case STEP_QUEUES:
		look_at_queues(world, pass);
		break;
	case STEP_TASKS:
		look_at_tasks(world, pass);
		join_prices(&pass->seen, world->settings);
		look_at_minimums(world, pass);
		clock_format(pass->seen.now_ms, false, now);
		text_cut(pass->seen.today, sizeof(pass->seen.today), now);
		world_count(world, pass);
		break;
	default:
		break;
	}
}
