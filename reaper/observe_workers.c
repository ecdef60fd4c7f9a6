#include "reaper/observe_join.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/text_index.h"

enum { FRESH_S = 60 }; /* agents report every 30 s */

static const char machine_record[] = "bootstrap";

/* The machine whose worker record, and not machine record, this is. False: another kind. */
static bool worker_of(const struct clearml_worker *worker, const char *prefix,
		      char instance[static TICKET_FIELD_ROOM])
{
	struct worker_id id;
	struct error ignored;

	return worker_id_parse(slice_of(worker->id), &id, &ignored) == 0 &&
	       slice_equals(id.prefix, prefix) && !slice_equals(id.suffix, machine_record) &&
	       text_copy(instance, TICKET_FIELD_ROOM, id.instance, &ignored) == 0;
}

static void index_machines(const struct observation *seen, struct text_index *index)
{
	text_index_open(index, seen->machine_count);
	for (size_t i = 0; i < seen->machine_count; i++)
		(void)text_index_add(index, seen->machines[i].instance.id, i);
}

static bool is_seen_terminated(const struct observed_machine *machine)
{
	return machine && machine->is_listed && machine->instance.state == INSTANCE_TERMINATED;
}

static bool is_fresh(const struct observation *seen, const struct clearml_worker *worker)
{
	return seen->now_ms - worker->last_report_ms <= FRESH_S * 1000;
}

/* ---- ghosts ---- */

static void add_ghost(struct observation *seen, const struct clearml_worker *worker,
		      const char *instance)
{
	seen->ghosts = memory_grow(seen->ghosts, seen->ghost_count + 1, sizeof(*seen->ghosts));
	struct observed_ghost *ghost = &seen->ghosts[seen->ghost_count++];

	text_cut(ghost->worker, sizeof(ghost->worker), worker->id);
	text_cut(ghost->instance, sizeof(ghost->instance), instance);
}

/* ---- double executions ---- */

/* Somebody says that it runs a task. */
struct runner {
	const char *task;
	char worker[CLEARML_WORKER_ROOM];
	bool is_ours, is_told;
};

struct runners {
	struct runner *list;
	size_t count;
	struct text_index by_task;
};

static void runners_release(struct runners *runners)
{
	free(runners->list);
	text_index_release(&runners->by_task);
}

static void add_double(struct observation *seen, const struct runner *one,
		       const struct runner *other)
{
	seen->doubles = memory_grow(seen->doubles, seen->double_count + 1, sizeof(*seen->doubles));
	struct observed_double *found = &seen->doubles[seen->double_count++];

	*found = (struct observed_double){ 0 };
	text_cut(found->task, sizeof(found->task), one->task);
	text_cut(found->workers[0], sizeof(found->workers[0]), one->worker);
	text_cut(found->workers[1], sizeof(found->workers[1]), other->worker);
}

/* What two foreign workers do is not ours to judge. A task that three run is told once. */
static void add_runner(struct observation *seen, struct runners *runners,
		       const struct runner *runner)
{
	struct runner *added = &runners->list[runners->count];

	*added = *runner;
	struct runner *first =
		&runners->list[text_index_add(&runners->by_task, added->task, runners->count)];
	runners->count++;
	if (first == added || first->is_told || !strcmp(first->worker, added->worker) ||
	    (!first->is_ours && !added->is_ours))
		return;
	first->is_told = true;
	add_double(seen, first, added);
}

/* A machine's own record says at once what it runs, and no more. */
static void add_machine(struct observation *seen, const struct settings *settings,
			struct runners *runners, const struct observed_machine *machine)
{
	const struct machine_record *record = &machine->record;
	struct runner runner = { .is_ours = true };
	SCOPED(buf) struct buf name = BUF(CLEARML_WORKER_ROOM);

	if (!machine->has_record || machine->instance.state >= INSTANCE_STOPPING)
		return;
	buf_addf(&name, "%s:%s:%s:%s", settings->prefix, record->resource, record->type,
		 record->instance);
	text_cut(runner.worker, sizeof(runner.worker), buf_text(&name));
	for (size_t t = 0; t < record->task_count; t++) {
		runner.task = record->tasks[t];
		add_runner(seen, runners, &runner);
	}
}

/* An agent's record outlives its task, and the agent itself, by minutes: only fresh ones count. */
static void add_worker(struct observation *seen, struct runners *runners,
		       const struct clearml_worker *worker, bool is_ours)
{
	struct runner runner = { .task = worker->task, .is_ours = is_ours };

	if (!*worker->task || !is_fresh(seen, worker))
		return;
	text_cut(runner.worker, sizeof(runner.worker), worker->id);
	add_runner(seen, runners, &runner);
}

void join_workers(struct observation *seen, const struct settings *settings,
		  const struct clearml_workers *workers)
{
	SCOPED(text_index) struct text_index index = { 0 };
	SCOPED(runners) struct runners runners = { 0 };
	size_t most = workers->count;
	char instance[TICKET_FIELD_ROOM];

	for (size_t i = 0; i < seen->machine_count; i++)
		most += seen->machines[i].record.task_count;
	index_machines(seen, &index);
	runners.list = memory_array(most + 1, sizeof(*runners.list));
	text_index_open(&runners.by_task, most);
	for (size_t i = 0; i < seen->machine_count; i++)
		add_machine(seen, settings, &runners, &seen->machines[i]);
	for (size_t i = 0; i < workers->count; i++) {
		const struct clearml_worker *worker = &workers->list[i];
		bool is_ours = worker_of(worker, settings->prefix, instance);
		size_t place = is_ours ? text_index_find(&index, instance) : TEXT_INDEX_NONE;
		const struct observed_machine *machine =
			place == TEXT_INDEX_NONE ? NULL : &seen->machines[place];

		/* One that reports is no ghost, whatever the list says. */
		if (is_seen_terminated(machine) && !is_fresh(seen, worker))
			add_ghost(seen, worker, instance);
		else if (!machine || (!machine->has_record && !is_seen_terminated(machine)))
			add_worker(seen, &runners, worker, is_ours);
	}
}
