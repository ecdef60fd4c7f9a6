#include <stdlib.h>
#include <string.h>

#include "reaper/simulation/world_state.h"

/* ClearML, as far as mayfly can tell: queues, tasks, workers. */

enum {
	WATCHDOG_EVERY_MS = 15 * 60000, /* the server's own, of tasks that nobody reports */
	WATCHDOG_LIMIT_MS = 2 * 3600000,
	AGENTS_TIMEOUT_MS = 600000, /* of a worker that an agent registers */
	OUTAGE_LEAST_MS = 20000,
	OUTAGE_MOST_MS = 900000
};

enum trouble { TROUBLE_OUTAGE, TROUBLE_MEMORY, TROUBLE_GHOST };

enum world_call world_call(struct world *world, const struct world_machine *caller)
{
	if (caller &&
	    (world->now_ms < caller->cut_until_ms || world->now_ms < caller->frozen_until_ms))
		return CALL_NOT_DONE;
	if (world->now_ms < world->server_down_until_ms)
		return CALL_NOT_DONE;
	if (world_fails(world, world->faults->calls_fail))
		return CALL_NOT_DONE;
	return world_fails(world, world->faults->calls_lost) ? CALL_LOST : CALL_DONE;
}

static void plan_trouble(struct world *world, enum trouble trouble, double per_hour)
{
	int64_t wait_ms = chance_wait_ms(&world->chance, per_hour);

	if (wait_ms != INT64_MAX)
		world_plan(world, world->now_ms + wait_ms, OCCASION_SERVER, trouble, 0);
}

void world_server_begin(struct world *world)
{
	plan_trouble(world, TROUBLE_OUTAGE, world->faults->outages);
	plan_trouble(world, TROUBLE_MEMORY, world->faults->memory_losses);
	plan_trouble(world, TROUBLE_GHOST, world->faults->ghosts);
	world_plan(world, world->now_ms + WATCHDOG_EVERY_MS, OCCASION_WATCHDOG, 0, 0);
}

static void forget_workers(struct world *world)
{
	world_note(world, "clearml", "forgets all workers");
	for (size_t m = 0; m < world->machine_count; m++)
		world->machines[m]->has_record = false;
}

static void show_ghost(struct world *world)
{
	size_t resource = (size_t)chance_between(&world->chance, 0,
						 (int64_t)world->settings->resource_count - 1);
	unsigned most = world->settings->resources[resource].max_instances;

	world_add_ghost(world, resource, (unsigned)chance_between(&world->chance, 0, most),
			chance_between(&world->chance, 10000, AGENTS_TIMEOUT_MS));
	plan_trouble(world, TROUBLE_GHOST, world->faults->ghosts);
}

void world_server_befalls(struct world *world, size_t what)
{
	if (!world_is_faulty(world))
		return;
	if (what == TROUBLE_GHOST) {
		show_ghost(world);
		return;
	}
	if (what == TROUBLE_MEMORY) {
		forget_workers(world);
		plan_trouble(world, TROUBLE_MEMORY, world->faults->memory_losses);
		return;
	}
	int64_t span_ms = chance_between(&world->chance, OUTAGE_LEAST_MS, OUTAGE_MOST_MS);

	world->server_down_until_ms = world->now_ms + span_ms;
	world_note(world, "clearml", "answers nothing for %lld s", (long long)(span_ms / 1000));
	/* What starts again may have lost what was in memory alone: its workers (in redis). */
	if (chance_of(&world->chance, 0.2))
		forget_workers(world);
	plan_trouble(world, TROUBLE_OUTAGE, world->faults->outages);
}

bool world_record_is_shown(const struct world *world, const struct world_machine *machine)
{
	return machine->has_record &&
	       world->now_ms - machine->record.last_report_ms < machine->record_timeout_ms;
}

bool world_workers_are_shown(const struct world *world, const struct world_machine *machine)
{
	return machine->has_record && strcmp(machine->record.phase, "left") != 0 &&
	       world->now_ms - machine->record.last_report_ms < AGENTS_TIMEOUT_MS;
}

/* ---- queues ---- */

static void make_room(struct world_queue *queue)
{
	size_t count = queue->end - queue->begin;

	/* Some room in front too, for what is put back. */
	if (queue->begin && queue->end < queue->room)
		return;
	size_t room = 2 * count + 16, begin = room / 4;
	size_t *tasks = memory_array(room, sizeof(*tasks));

	if (count)
		memcpy(tasks + begin, queue->tasks + queue->begin, count * sizeof(*tasks));
	free(queue->tasks);
	*queue = (struct world_queue){ tasks, begin, begin + count, room };
}

static void take_out(struct world_queue *queue, size_t task)
{
	for (size_t i = queue->begin; i < queue->end; i++) {
		if (queue->tasks[i] != task)
			continue;
		if (i == queue->begin) {
			queue->begin++;
			return;
		}
		memmove(queue->tasks + i, queue->tasks + i + 1,
			(queue->end - i - 1) * sizeof(*queue->tasks));
		queue->end--;
		return;
	}
}

/* The server's own stop of a task that nobody reported: the one end that does not stand. */
static bool is_forced_stop(const struct world_task *task)
{
	return !strcmp(task->reason, VERDICT_FORCED_STOP);
}

void world_enqueue(struct world *world, size_t number, size_t q, const char *reason)
{
	struct world_task *task = &world->tasks[number];
	struct world_queue *queue = &world->queues[q];

	if (task->ended_ms >= 0) {
		task->revived += !is_forced_stop(task);
		task->finals--;
		task->ended_ms = -1;
		world->tasks_open++;
	}
	make_room(queue);
	queue->tasks[queue->end++] = number;
	task->queue = q;
	task->is_in_queue = true;
	task->status = TASK_QUEUED;
	task->queued_ms = task->update_ms = task->changed_ms = world->now_ms;
	text_cut(task->reason, sizeof(task->reason), reason);
	task->message[0] = '\0';
	world_note(world, task->id, "queued in %s: %s", world->settings->queues[q], reason);
	world_machines_wake_for(world, q);
}

void world_move_to_front(struct world *world, size_t number)
{
	struct world_task *task = &world->tasks[number];
	struct world_queue *queue = &world->queues[task->queue];

	if (!task->is_in_queue)
		return;
	take_out(queue, number);
	make_room(queue);
	queue->tasks[--queue->begin] = number;
}

size_t world_peek(const struct world *world, size_t q)
{
	const struct world_queue *queue = &world->queues[q];

	return queue->begin < queue->end ? queue->tasks[queue->begin] : NOBODY;
}

bool world_pop(struct world *world, size_t q, size_t number)
{
	if (world_peek(world, q) != number)
		return false;
	world->queues[q].begin++;
	world->tasks[number].is_in_queue = false;
	world->tasks[number].update_ms = world->now_ms;
	return true;
}

/* ---- tasks ---- */

void world_task_arrives(struct world *world, size_t number)
{
	world->tasks[number].is_here = true;
	world_enqueue(world, number, world->tasks[number].queue, "");
	if (world_fails(world, world->faults->aborts))
		world_plan(world,
			   world->now_ms +
				   chance_between(&world->chance, 1000,
						  2 * world->tasks[number].duration_ms + 600000),
			   OCCASION_PERSON, number, 0);
}

void world_task_ends(struct world *world, size_t number, enum task_status status,
		     const char *reason, const char *message)
{
	struct world_task *task = &world->tasks[number];

	/* Whoever repairs a task of the watchdog's writes another end over that one. */
	if (!(task->ended_ms >= 0 && is_forced_stop(task)))
		task->finals++;
	task->status = status;
	text_cut(task->reason, sizeof(task->reason), reason);
	text_cut(task->message, sizeof(task->message), message);
	task->update_ms = task->changed_ms = world->now_ms;
	if (task->ended_ms < 0)
		world->tasks_open--;
	task->ended_ms = world->now_ms;
	world_note(world, task->id, "%s: %s %s", task_status_name(status), reason, message);
}

/* A person who stops it: out of its queue, and stopped, whatever it did. */
void world_task_aborted(struct world *world, size_t number)
{
	struct world_task *task = &world->tasks[number];

	if (task->status != TASK_QUEUED && task->status != TASK_IN_PROGRESS)
		return;
	if (task->is_in_queue)
		take_out(&world->queues[task->queue], number);
	task->is_in_queue = false;
	world_task_ends(world, number, TASK_STOPPED, "user abort", "stopped by a person");
}

/* In progress, and nobody has reported it for two hours: the server itself stops it. */
void world_server_watchdog(struct world *world)
{
	for (size_t i = 0; i < world->task_count; i++) {
		struct world_task *task = &world->tasks[i];

		if (task->status == TASK_IN_PROGRESS &&
		    world->now_ms - task->update_ms > WATCHDOG_LIMIT_MS)
			world_task_ends(world, i, TASK_STOPPED, VERDICT_FORCED_STOP,
					VERDICT_FORCED_STOP);
	}
	world_plan(world, world->now_ms + WATCHDOG_EVERY_MS, OCCASION_WATCHDOG, 0, 0);
}
