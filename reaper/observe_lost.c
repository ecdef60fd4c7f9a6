#include "reaper/observe_join.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/text_index.h"

enum { DEFAULT_ATTEMPTS = 3 };

/* ---- whose a task is ---- */

static bool parse_owner(const char *owner, char instance[static TICKET_FIELD_ROOM],
			unsigned *attempt)
{
	const char *slash = strrchr(owner, '/');
	unsigned number = 0, digits = 0;
	struct error ignored;

	if (!slash || slash == owner)
		return false;
	for (const char *at = slash + 1; *at; at++) {
		if (*at < '0' || *at > '9' || ++digits > 6)
			return false;
		number = number * 10 + (unsigned)(*at - '0');
	}
	if (!digits || text_copy(instance, TICKET_FIELD_ROOM,
				 (struct slice){ owner, (size_t)(slash - owner) }, &ignored) < 0)
		return false;
	*attempt = number;
	return true;
}

/* The instance of the task's last worker, when that was a machine of ours. */
static bool parse_worker(const char *worker, const char *prefix,
			 char instance[static TICKET_FIELD_ROOM])
{
	struct worker_id id;
	struct error ignored;

	return worker_id_parse(slice_of(worker), &id, &ignored) == 0 &&
	       slice_equals(id.prefix, prefix) &&
	       text_copy(instance, TICKET_FIELD_ROOM, id.instance, &ignored) == 0;
}

bool join_holder(const struct clearml_task *task, const char *prefix,
		 char instance[static TICKET_FIELD_ROOM], unsigned *attempt)
{
	char worker[TICKET_FIELD_ROOM] = "";
	bool is_running = task->status == TASK_IN_PROGRESS;
	bool has_worker = parse_worker(task->last_worker, prefix, worker);

	if (!parse_owner(task->owner, instance, attempt)) {
		if (!is_running || !has_worker)
			return false;
		memcpy(instance, worker, TICKET_FIELD_ROOM);
		*attempt = verdict_attempts_before(task->attempt, task->id);
		return true;
	}
	/* Only one that ran on a machine of ours: the watchdog stops everybody's. */
	if (task->status == TASK_STOPPED)
		return has_worker;
	/* A plain agent that popped it writes no owner, but is its last worker: hands off. Another
	 * machine of ours there is an earlier one than the owner, who signs before any agent of
	 * its own starts and may have died before its first report. */
	if (is_running)
		return !*task->last_worker || has_worker;
	return !verdict_is_put_back(task->status_reason, task->owner);
}

void join_reason(const struct observed_task *lost, char out[static CLEARML_REASON_ROOM])
{
	SCOPED(buf) struct buf reason = BUF(CLEARML_REASON_ROOM);

	if (lost->loss == LOSS_NOBODY && *lost->task.owner)
		buf_addf(&reason, "infra:lost (%s)", lost->task.owner);
	else if (lost->loss == LOSS_NOBODY)
		buf_addf(&reason, "infra:lost");
	else
		buf_addf(&reason, "infra:%s (%s/%u)",
			 lost->loss == LOSS_TERMINATED ? "terminated" : "unlisted", lost->instance,
			 lost->attempt);
	text_cut(out, CLEARML_REASON_ROOM, buf_text(&reason));
}

bool join_is_queued(const struct clearml_queues *queues, const char *task)
{
	for (size_t q = 0; q < queues->count; q++)
		for (size_t i = 0; i < queues->list[q].entry_count; i++)
			if (!strcmp(queues->list[q].entries[i].task, task))
				return true;
	return false;
}

/* Does the machine say that it has the task? */
static bool has_task(const struct machine_record *record, const char *task)
{
	for (size_t i = 0; i < record->task_count; i++)
		if (!strcmp(record->tasks[i], task))
			return true;
	return false;
}

/* Says the machine of itself what it runs, and not this task? It does not say so before it
 * serves: a restarted one adopts its tasks on the way there. */
static bool lacks_task(const struct machine_record *record, const char *task)
{
	return (!strcmp(record->phase, "serve") || !strcmp(record->phase, "drain")) &&
	       !has_task(record, task);
}

/* ---- of which queues tasks are read ---- */

static size_t add_ids(const struct clearml_queues *queues, const struct text_index *ours,
		      bool is_ours, const char **ids)
{
	size_t count = 0;

	for (size_t q = 0; q < queues->count; q++)
		if ((text_index_find(ours, queues->list[q].id) != TEXT_INDEX_NONE) == is_ours)
			ids[count++] = queues->list[q].id;
	return count;
}

static size_t count_foreign(const struct clearml_queues *queues, const struct text_index *ours)
{
	size_t waiting = 0;

	for (size_t q = 0; q < queues->count; q++)
		if (text_index_find(ours, queues->list[q].id) == TEXT_INDEX_NONE)
			waiting += queues->list[q].entry_count;
	return waiting;
}

void join_sweep_queues(const struct clearml_queues *ours, const struct clearml_queues *all,
		       const char **ids, size_t *whole)
{
	SCOPED(text_index) struct text_index index = { 0 };

	text_index_open(&index, ours->count);
	for (size_t q = 0; q < ours->count; q++)
		(void)text_index_add(&index, ours->list[q].id, q);
	size_t count = add_ids(all, &index, true, ids);

	(void)add_ids(all, &index, false, ids + count);
	*whole = count_foreign(all, &index) > JOIN_MOST_FOREIGN ? count : all->count;
}

/* ---- which are lost ---- */

/* What a sweep read, by text. */
struct sweep_index {
	const struct join_sweep *sweep;
	struct observation *seen;
	const struct settings *settings;
	struct text_index machines; /* by instance */
	struct text_index queued; /* tasks that stand in a queue */
	struct text_index queues; /* by id: their place in the settings */
	struct text_index reported; /* tasks that a worker or a machine says it has */
	struct text_index workers; /* instances of all workers, of any prefix */
	char (*instances)[TICKET_FIELD_ROOM]; /* what workers borrows */
};

static void sweep_index_release(struct sweep_index *index)
{
	text_index_release(&index->machines);
	text_index_release(&index->queued);
	text_index_release(&index->queues);
	text_index_release(&index->reported);
	text_index_release(&index->workers);
	free(index->instances);
}

static void index_queues(struct sweep_index *index)
{
	const struct clearml_queues *queues = index->sweep->queues;
	const struct settings *settings = index->settings;
	SCOPED(text_index) struct text_index names = { 0 };
	size_t entries = 0;

	text_index_open(&names, settings->queue_count);
	for (size_t i = 0; i < settings->queue_count; i++)
		(void)text_index_add(&names, settings->queues[i], i);
	for (size_t q = 0; q < queues->count; q++)
		entries += queues->list[q].entry_count;
	text_index_open(&index->queues, queues->count);
	text_index_open(&index->queued, entries);
	for (size_t q = 0; q < queues->count; q++) {
		const struct clearml_queue *queue = &queues->list[q];
		size_t place = text_index_find(&names, queue->name);

		if (place != TEXT_INDEX_NONE)
			(void)text_index_add(&index->queues, queue->id, place);
		for (size_t i = 0; i < queue->entry_count; i++)
			(void)text_index_add(&index->queued, queue->entries[i].task, q);
	}
}

static void index_workers(struct sweep_index *index)
{
	const struct clearml_workers *workers = index->sweep->workers;
	const struct observation *seen = index->seen;
	size_t tasks = workers->count;
	struct worker_id id;
	struct error ignored;

	for (size_t i = 0; i < seen->machine_count; i++)
		tasks += seen->machines[i].record.task_count;
	index->instances = memory_array(workers->count + 1, sizeof(*index->instances));
	text_index_open(&index->workers, workers->count);
	text_index_open(&index->reported, tasks);
	for (size_t i = 0; i < workers->count; i++) {
		const struct clearml_worker *worker = &workers->list[i];

		if (*worker->task)
			(void)text_index_add(&index->reported, worker->task, i);
		if (worker_id_parse(slice_of(worker->id), &id, &ignored) == 0 &&
		    text_copy(index->instances[i], sizeof(index->instances[i]), id.instance,
			      &ignored) == 0)
			(void)text_index_add(&index->workers, index->instances[i], i);
	}
}

static void index_machines(struct sweep_index *index)
{
	const struct observation *seen = index->seen;

	text_index_open(&index->machines, seen->machine_count);
	for (size_t i = 0; i < seen->machine_count; i++) {
		const struct observed_machine *machine = &seen->machines[i];

		(void)text_index_add(&index->machines, machine->instance.id, i);
		for (size_t t = 0; machine->has_record && t < machine->record.task_count; t++)
			(void)text_index_add(&index->reported, machine->record.tasks[t], i);
	}
}

static bool has(const struct text_index *index, const char *text)
{
	return text_index_find(index, text) != TEXT_INDEX_NONE;
}

/* A task proves that its machine came up, also to a ledger that is new. */
static void note_sign_of_life(struct observed_machine *machine, const struct clearml_task *task)
{
	machine->has_served = true;
	/* Its record may have ended before any pass saw it busy. */
	machine->was_busy |= !machine->has_record;
	if (machine->was_seen)
		return;
	machine->was_seen = true;
	machine->last_report_ms = task->last_update_ms;
}

/* No list, record or worker shows the owner, for as long as a silent machine may stay: its cloud
 * has forgotten it. Without this, what it had popped would stay lost (I4). */
static bool is_owner_forgotten(const struct sweep_index *index, const struct clearml_task *task,
			       const char *instance)
{
	const struct observation *seen = index->seen;

	for (size_t r = 0; r < index->settings->resource_count; r++)
		if (!seen->resources[r].is_listed)
			return false;
	return !has(&index->workers, instance) &&
	       seen->now_ms - task->last_update_ms > index->settings->silent_busy_s * 1000;
}

/* The task's owner, or whoever runs it, is known: did it lose the task? */
static bool is_lost_by_holder(const struct sweep_index *index, const struct clearml_task *task,
			      struct observed_task *lost)
{
	size_t place = text_index_find(&index->machines, lost->instance);

	if (place == TEXT_INDEX_NONE) {
		lost->loss = LOSS_NOBODY;
		bool is_forgotten = is_owner_forgotten(index, task, lost->instance);

		lost->instance[0] = '\0';
		return is_forgotten && !has(&index->queued, task->id) &&
		       !has(&index->reported, task->id);
	}
	struct observed_machine *machine = &index->seen->machines[place];

	if (!has(&index->queued, task->id) && task->status != TASK_STOPPED)
		note_sign_of_life(machine, task);
	if (machine->resource != RESOURCE_NONE)
		lost->max_attempts =
			index->settings->resources[machine->resource].ticket.limits.max_attempts;
	if (machine->is_listed && machine->instance.state == INSTANCE_TERMINATED) {
		lost->loss = LOSS_TERMINATED;
		return true;
	}
	/* What the watchdog stopped under a machine that lives, that machine sees to. */
	if (task->status == TASK_STOPPED)
		return false;
	/* Its worker may still report what its record lists no more: then it runs. */
	lost->loss = LOSS_UNLISTED;
	return machine->has_record && lacks_task(&machine->record, task->id) &&
	       !has(&index->reported, task->id) && !has(&index->queued, task->id);
}

/* Popped, and the popper died before it wrote its name anywhere. Or it lives, and is about to
 * write it: so this takes two looks, and every machine's word in between. */
static bool is_lost_by_nobody(const struct sweep_index *index, const struct clearml_task *task)
{
	char instance[TICKET_FIELD_ROOM];
	unsigned attempt;

	if (task->status != TASK_QUEUED || has(&index->queued, task->id) ||
	    has(&index->reported, task->id))
		return false;
	return !parse_owner(task->owner, instance, &attempt) ||
	       verdict_is_put_back(task->status_reason, task->owner);
}

static unsigned max_attempts_of(const struct settings *settings, size_t queue)
{
	for (size_t r = 0; r < settings->resource_count; r++)
		for (size_t i = 0; i < settings->resources[r].queue_count; i++)
			if (settings->resources[r].queues[i] == queue)
				return settings->resources[r].ticket.limits.max_attempts;
	return DEFAULT_ATTEMPTS;
}

/* Other ends stand, whoever's it was. */
static bool has_ended(const struct clearml_task *task)
{
	return task->status == TASK_STOPPED &&
	       strcmp(task->status_reason, VERDICT_FORCED_STOP) != 0;
}

static void join_task(struct sweep_index *index, const struct clearml_task *task)
{
	struct observation *seen = index->seen;
	struct observed_task lost = { .task = *task, .loss = LOSS_NOBODY };
	size_t queue = text_index_find(&index->queues, task->queue);

	if (has_ended(task))
		return;
	if (join_holder(task, index->settings->prefix, lost.instance, &lost.attempt)) {
		if (!is_lost_by_holder(index, task, &lost))
			return;
	} else {
		lost.instance[0] = '\0';
		lost.attempt = verdict_attempts_before(task->attempt, task->id);
		if (!is_lost_by_nobody(index, task))
			return;
	}
	/* Others pop from their queues too, and owe us no word of it. */
	if (lost.loss == LOSS_NOBODY && queue == TEXT_INDEX_NONE)
		return;
	/* Where it waited last; the first queue when that is none of ours. */
	lost.queue = queue == TEXT_INDEX_NONE ? 0 : queue;
	lost.is_in_queue = has(&index->queued, task->id);
	if (!lost.max_attempts)
		lost.max_attempts = max_attempts_of(index->settings, lost.queue);
	seen->lost = memory_grow(seen->lost, seen->lost_count + 1, sizeof(lost));
	seen->lost[seen->lost_count++] = lost;
}

void join_tasks(struct observation *seen, const struct settings *settings,
		const struct join_sweep *sweep)
{
	SCOPED(sweep_index)
	struct sweep_index index = { .sweep = sweep, .seen = seen, .settings = settings };

	index_queues(&index);
	index_workers(&index);
	index_machines(&index);
	for (size_t i = 0; i < sweep->tasks->count; i++)
		join_task(&index, &sweep->tasks->list[i]);
}

/* ---- once more, before anything is done ---- */

static bool is_still_lost(const struct observed_task *lost, const struct join_again *again)
{
	bool is_lacked = false;

	if (lost->loss == LOSS_TERMINATED)
		return true;
	for (size_t i = 0; i < again->records->count; i++) {
		const struct machine_record *record = &again->records->list[i];

		if (!join_is_live(record, again->now_ms))
			continue;
		if (has_task(record, lost->task.id))
			return false;
		is_lacked |= !strcmp(record->instance, lost->instance) &&
			     lacks_task(record, lost->task.id);
	}
	return lost->loss == LOSS_NOBODY || is_lacked;
}

/* Is the task still its who lost it? */
static bool is_same(const struct observed_task *lost, const struct clearml_task *task,
		    const char *prefix, unsigned *attempt)
{
	char instance[TICKET_FIELD_ROOM];

	*attempt = lost->attempt;
	if (lost->loss == LOSS_NOBODY)
		return task->status == lost->task.status &&
		       task->status_changed_ms == lost->task.status_changed_ms &&
		       !strcmp(task->owner, lost->task.owner);
	return join_holder(task, prefix, instance, attempt) && !strcmp(instance, lost->instance);
}

enum verdict join_judge(const struct observed_task *lost, const struct clearml_task *task,
			const struct join_again *again)
{
	struct verdict_facts facts = { .max_attempts = lost->max_attempts };

	if (!is_still_lost(lost, again) || !is_same(lost, task, again->prefix, &facts.attempt))
		return VERDICT_HANDS_OFF;
	facts.status = task->status;
	facts.is_owner_us = true; /* we act for the one that lost it */
	facts.is_run_by_other = again->is_run_by_other;
	facts.is_in_queue = again->is_in_queue;
	facts.status_reason = task->status_reason;
	facts.status_message = task->status_message;
	facts.worker = task->last_worker;
	return verdict_of(&facts);
}
