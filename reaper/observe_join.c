#include "reaper/observe_join.h"

#include <stdio.h>
#include <string.h>

#include "common/verdict.h"

/* A report takes its time to us, and Date headers count whole seconds. */
enum { RECORD_MARGIN_MS = 15000, RECORD_TIMEOUT_MS = MACHINE_RECORD_TIMEOUT_S * 1000 };

void join_queues(struct observation *seen, const struct settings *settings,
		 const struct clearml_queues *queues, unsigned cap)
{
	for (size_t i = 0; i < settings->queue_count; i++) {
		const struct clearml_queue *queue =
			clearml_queue_named(queues, settings->queues[i]);

		if (!queue)
			continue;
		seen->queues[i] = (struct observed_queue){
			.exists = true,
			.is_forced_off = queue->is_forced_off,
			.waiting = (unsigned)queue->entry_count,
			.is_capped = cap && queue->entry_count >= cap,
			.oldest_ms = queue->entry_count ? queue->entries[0].added_ms : 0,
		};
		memcpy(seen->queues[i].id, queue->id, sizeof(queue->id));
	}
}

static struct observed_machine *add_machine(struct observation *seen)
{
	seen->machines =
		memory_grow(seen->machines, seen->machine_count + 1, sizeof(*seen->machines));
	struct observed_machine *machine = &seen->machines[seen->machine_count++];
	*machine = (struct observed_machine){ .resource = RESOURCE_NONE };
	return machine;
}

static struct observed_machine *find_machine(struct observation *seen, const char *instance)
{
	for (size_t i = 0; i < seen->machine_count; i++)
		if (!strcmp(seen->machines[i].instance.id, instance))
			return &seen->machines[i];
	return NULL;
}

void join_fleet(struct observation *seen, size_t resource, const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++) {
		struct observed_machine *machine = add_machine(seen);

		machine->instance = fleet->list[i];
		machine->resource = resource;
		machine->is_listed = true;
	}
}

/* The slot has moved on, or somebody is in it: then our request is answered. */
static bool is_answered(const struct observation *seen, const struct open_attempt *attempt)
{
	for (size_t i = 0; i < seen->machine_count; i++) {
		const struct instance *instance = &seen->machines[i].instance;

		if (instance->slot == attempt->slot &&
		    !strcmp(instance->resource, attempt->resource) &&
		    (instance->state != INSTANCE_TERMINATED ||
		     instance->generation >= attempt->generation))
			return true;
	}
	return false;
}

void join_attempts(struct observation *seen, const struct ledger *ledger)
{
	seen->attempts = memory_array(ledger->attempt_count + 1, sizeof(*seen->attempts));
	for (size_t i = 0; i < ledger->attempt_count; i++)
		if (!is_answered(seen, &ledger->attempts[i]))
			seen->attempts[seen->attempt_count++] = ledger->attempts[i];
}

void join_ledger(struct observation *seen, const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->machine_count; i++) {
		const struct remembered *remembered = &ledger->machines[i];
		struct observed_machine *machine = find_machine(seen, remembered->instance);

		if (!machine || machine->last_report_ms >= remembered->last_report_ms)
			continue;
		machine->was_seen = true;
		machine->was_busy = remembered->was_busy;
		machine->last_report_ms = remembered->last_report_ms;
	}
}

static int64_t reported_ms(const struct machine_record *record)
{
	return record->last_report_ms > record->registered_ms ? record->last_report_ms :
								record->registered_ms;
}

bool join_is_live(const struct machine_record *record, int64_t now_ms)
{
	return now_ms - reported_ms(record) < RECORD_TIMEOUT_MS &&
	       strcmp(record->phase, "left") != 0;
}

/* A live machine that no list shows: of another host, or its list failed, or is late. */
static struct observed_machine *add_unlisted(struct observation *seen,
					     const struct settings *settings,
					     const struct machine_record *record)
{
	struct observed_machine *machine = add_machine(seen);
	struct instance *instance = &machine->instance;

	memcpy(instance->id, record->instance, sizeof(instance->id));
	memcpy(instance->resource, record->resource, sizeof(instance->resource));
	instance->state = INSTANCE_RUNNING;
	instance->launched_s = record->launched_s;
	/* Tags that made no sense name no slot: it counts, but holds no place of its own. */
	instance->slot = *record->phase ? record->slot : UINT32_MAX;
	instance->generation = record->generation;
	for (size_t r = 0; r < settings->resource_count; r++)
		if (!strcmp(settings->resources[r].name, record->resource))
			machine->resource = r;
	return machine;
}

void join_records(struct observation *seen, const struct settings *settings,
		  const struct record_list *records)
{
	for (size_t i = 0; i < records->count; i++) {
		const struct machine_record *record = &records->list[i];
		struct observed_machine *machine = find_machine(seen, record->instance);
		bool lives = join_is_live(record, seen->now_ms);

		if (!machine && !lives)
			continue;
		if (!machine)
			machine = add_unlisted(seen, settings, record);
		/* Two users may have left a record of one name: the newer one counts. */
		if (machine->was_seen && machine->last_report_ms > reported_ms(record))
			continue;
		machine->was_seen = true;
		machine->was_busy = record->task_count > 0;
		machine->last_report_ms = reported_ms(record);
		machine->has_record = lives;
		machine->record = *record;
	}
}

static bool has_record_of(const struct record_list *records, const char *instance)
{
	for (size_t i = 0; i < records->count; i++)
		if (!strcmp(records->list[i].instance, instance))
			return true;
	return false;
}

size_t join_missing(const struct ledger *ledger, const struct record_list *records, int64_t now_ms)
{
	size_t missing = 0;

	for (size_t i = 0; i < ledger->machine_count; i++) {
		const struct remembered *machine = &ledger->machines[i];

		if (now_ms - machine->last_report_ms < RECORD_TIMEOUT_MS - RECORD_MARGIN_MS &&
		    !has_record_of(records, machine->instance))
			missing++;
	}
	return missing;
}

static bool is_suspicious(const struct observation *seen, const struct settings *settings,
			  const struct observed_machine *machine)
{
	if (machine->instance.state == INSTANCE_TERMINATED)
		return machine->was_busy;
	if (machine->was_seen || machine->resource == RESOURCE_NONE)
		return false;

	/* It may have served while nobody looked: then a task names it. */
	const struct ticket_limits *limits = &settings->resources[machine->resource].ticket.limits;
	return seen->now_ms / 1000 - machine->instance.launched_s > limits->boot_deadline_s;
}

bool join_is_sweep_due(const struct observation *seen, const struct settings *settings,
		       const struct ledger *ledger)
{
	if (ledger->passes % OBSERVE_SWEEP_EVERY == 0)
		return true;
	for (size_t i = 0; i < ledger->mark_count; i++)
		if (!strncmp(ledger->marks[i].what, "task ", 5))
			return true;
	for (size_t i = 0; i < seen->machine_count; i++)
		if (is_suspicious(seen, settings, &seen->machines[i]))
			return true;
	return false;
}

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

void join_reason(const char *instance, unsigned attempt, char out[static CLEARML_REASON_ROOM])
{
	snprintf(out, CLEARML_REASON_ROOM, "infra:terminated (%s/%u)", instance, attempt);
}

/* Whoever put it back, its machine or we, wrote the owner's name behind the cause. */
static bool is_put_back(const struct clearml_task *task, const char *instance, unsigned attempt)
{
	char mark[TICKET_FIELD_ROOM + 24];
	size_t reason_len = strlen(task->status_reason), mark_len;

	snprintf(mark, sizeof(mark), " (%s/%u)", instance, attempt);
	mark_len = strlen(mark);
	return !strncmp(task->status_reason, "infra:", 6) && reason_len >= mark_len &&
	       !strcmp(task->status_reason + reason_len - mark_len, mark);
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
	/* A plain agent that popped it writes no owner, but is its last worker: hands off. Another
	 * machine of ours there is an earlier one than the owner, who signs before any agent of
	 * its own starts and may have died before its first report. */
	if (is_running)
		return !*task->last_worker || has_worker;
	return !is_put_back(task, instance, *attempt);
}

bool join_is_queued(const struct clearml_queues *queues, const char *task)
{
	for (size_t q = 0; q < queues->count; q++)
		for (size_t i = 0; i < queues->list[q].entry_count; i++)
			if (!strcmp(queues->list[q].entries[i].task, task))
				return true;
	return false;
}

/* Where the task waited last, by place in the settings; the first queue when that is unknown. */
static size_t queue_of(const struct settings *settings, const struct clearml_queues *queues,
		       const char *id)
{
	for (size_t q = 0; q < queues->count; q++)
		for (size_t i = 0; !strcmp(queues->list[q].id, id) && i < settings->queue_count;
		     i++)
			if (!strcmp(settings->queues[i], queues->list[q].name))
				return i;
	return 0;
}

static void join_task(struct observation *seen, const struct settings *settings,
		      const struct clearml_task *task, const struct clearml_queues *queues)
{
	struct observed_task lost = { .task = *task, .max_attempts = 3 };

	if (!join_holder(task, settings->prefix, lost.instance, &lost.attempt))
		return;
	struct observed_machine *machine = find_machine(seen, lost.instance);
	if (!machine)
		return;
	if (!machine->was_seen) {
		machine->was_seen = true;
		machine->was_busy = true;
		machine->last_report_ms = task->last_update_ms;
	}
	if (!machine->is_listed || machine->instance.state != INSTANCE_TERMINATED)
		return;
	if (machine->resource != RESOURCE_NONE)
		lost.max_attempts =
			settings->resources[machine->resource].ticket.limits.max_attempts;
	lost.queue = queue_of(settings, queues, task->queue);
	lost.is_in_queue = join_is_queued(queues, task->id);
	seen->lost = memory_grow(seen->lost, seen->lost_count + 1, sizeof(lost));
	seen->lost[seen->lost_count++] = lost;
}

void join_tasks(struct observation *seen, const struct settings *settings,
		const struct clearml_tasks *tasks, const struct clearml_queues *queues)
{
	for (size_t i = 0; i < tasks->count; i++)
		join_task(seen, settings, &tasks->list[i], queues);
}
