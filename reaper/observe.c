#include "reaper/observe.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/observe_join.h"

enum { CALL_LIMIT_MS = 10000, LEAST_ENTRIES = 1000 };

struct look {
	const struct observer *observer;
	struct observation *seen;
	struct clearml_queues queues; /* ours, as read */
};

static void look_release(struct look *look)
{
	clearml_queues_release(&look->queues);
}

/* The first problem stands for all in the report; each one is in the log. */
static void note_problem(struct look *look, const char *what, const struct error *why)
{
	struct error told = *why;

	(void)error_wrap(&told, "%s", what);
	log_failure("unknown", &told);
	if (!*look->seen->problem)
		text_cut(look->seen->problem, sizeof(look->seen->problem), told.message);
}

/* A call may take its usual time, but not past the pass's deadline. */
static int give_time(const struct observer *observer, struct error *err)
{
	int64_t left_ms = observer->deadline_ms - clock_monotonic_ms();

	if (left_ms <= 0)
		return error_set(err, ERROR_UNREACHABLE, "the pass's deadline is over");
	clearml_set_timeout(observer->clearml, left_ms < CALL_LIMIT_MS ? left_ms : CALL_LIMIT_MS);
	return 0;
}

/* More than all machines together could take makes no difference to any decision. */
static unsigned entry_cap(const struct settings *settings)
{
	uint64_t seats = 1;

	for (size_t r = 0; r < settings->resource_count; r++)
		seats += (uint64_t)settings->resources[r].max_instances *
			 settings->resources[r].ticket.seats;
	return (unsigned)(seats > LEAST_ENTRIES ? seats : LEAST_ENTRIES);
}

static void look_at_queues(struct look *look)
{
	const struct settings *settings = look->observer->settings;
	const char **names = memory_array(settings->queue_count + 1, sizeof(*names));
	unsigned cap = entry_cap(settings);
	struct error err;

	for (size_t i = 0; i < settings->queue_count; i++)
		names[i] = settings->queues[i];
	if (give_time(look->observer, &err) < 0 ||
	    clearml_queues(look->observer->clearml, names, settings->queue_count, cap,
			   &look->queues, &err) < 0) {
		note_problem(look, "queues", &err);
	} else {
		look->seen->queues_known = true;
		join_queues(look->seen, settings, &look->queues, cap);
	}
	free(names);
}

static void look_at_fleets(struct look *look)
{
	const struct settings *settings = look->observer->settings;

	for (size_t r = 0; r < settings->resource_count; r++) {
		const struct resource *resource = &settings->resources[r];
		struct observed_resource *seen = &look->seen->resources[r];
		SCOPED(fleet) struct fleet fleet = { 0 };
		struct error err;

		if (provider_named(resource->provider)->list(settings, resource, &fleet, &err) <
		    0) {
			text_cut(seen->problem, sizeof(seen->problem), err.message);
			note_problem(look, resource->name, &err);
			continue;
		}
		seen->is_listed = true;
		join_fleet(look->seen, r, &fleet);
	}
}

int observe_records(struct clearml *clearml, const struct settings *settings,
		    struct record_list *out, struct error *err)
{
	SCOPED(clearml_workers) struct clearml_workers workers = { 0 };
	struct record_list records = { 0 };
	char prefix[TICKET_FIELD_ROOM + 2];
	struct error why;

	text_cut(prefix, sizeof(prefix), settings->prefix);
	memcpy(prefix + strlen(prefix), ":", 2);
	if (clearml_workers(clearml, prefix, &workers, err) < 0)
		return -1;
	records.list = memory_array(workers.count + 1, sizeof(*records.list));
	for (size_t i = 0; i < workers.count; i++) {
		struct machine_record *record = &records.list[records.count];

		if (machine_record_read(&workers.list[i], settings->prefix, record, &why) < 0) {
			if (why.class == ERROR_NOT_FOUND)
				continue;
			log_failure("odd-machine-record", &why);
		}
		records.count++;
	}
	*out = records;
	return 0;
}

void record_list_release(struct record_list *records)
{
	free(records->list);
	*records = (struct record_list){ 0 };
}

static void look_at_records(struct look *look)
{
	const struct observer *observer = look->observer;
	SCOPED(record_list) struct record_list records = { 0 };
	struct error err;

	if (give_time(observer, &err) < 0 ||
	    observe_records(observer->clearml, observer->settings, &records, &err) < 0) {
		note_problem(look, "workers", &err);
		return;
	}
	look->seen->now_ms = clearml_now_ms(observer->clearml);
	join_records(look->seen, observer->settings, &records);

	size_t missing = join_missing(observer->ledger, &records, look->seen->now_ms);
	if (missing) {
		(void)error_set(&err, ERROR_MALFORMED,
				"%zu machine records are missing that cannot have ended yet: the "
				"list is not believed",
				missing);
		note_problem(look, "workers", &err);
		return;
	}
	look->seen->workers_known = true;
}

static int read_tasks(struct look *look, struct clearml_tasks *tasks, struct clearml_queues *queues,
		      struct error *err)
{
	static const enum task_status statuses[] = { TASK_QUEUED, TASK_IN_PROGRESS };
	const struct observer *observer = look->observer;
	const char **ids = memory_array(look->queues.count + 1, sizeof(*ids));
	int result = give_time(observer, err);

	for (size_t i = 0; i < look->queues.count; i++)
		ids[i] = look->queues.list[i].id;
	struct clearml_filter filter = { statuses, ARRAY_LEN(statuses), ids, look->queues.count };
	if (result == 0 && look->queues.count)
		result = clearml_tasks_in(observer->clearml, &filter, tasks, err);
	if (result == 0 && tasks->count)
		result = give_time(observer, err);
	/* Every queue there is, and each entry: a person may have moved the task anywhere. */
	if (result == 0 && tasks->count)
		result = clearml_queues(observer->clearml, NULL, 0, 0, queues, err);
	free(ids);
	return result;
}

static void look_at_tasks(struct look *look)
{
	SCOPED(clearml_tasks) struct clearml_tasks tasks = { 0 };
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };
	struct error err;

	if (read_tasks(look, &tasks, &queues, &err) < 0) {
		note_problem(look, "tasks", &err);
		return;
	}
	join_tasks(look->seen, look->observer->settings, &tasks, &queues);
	look->seen->tasks_known = true;
}

static void copy_marks(const struct ledger *ledger, struct observation *out)
{
	out->ledger_since_s = ledger->since_s;
	out->marks = memory_array(ledger->mark_count + 1, sizeof(*out->marks));
	out->mark_count = ledger->mark_count;
	if (ledger->mark_count)
		memcpy(out->marks, ledger->marks, ledger->mark_count * sizeof(*out->marks));
}

void observe(const struct observer *observer, struct observation *out)
{
	SCOPED(look) struct look look = { .observer = observer, .seen = out };
	unsigned calls_before = clearml_calls(observer->clearml);
	char now[CLOCK_TEXT_LEN];

	*out = (struct observation){ .now_ms = observer->wall_ms };
	copy_marks(observer->ledger, out);
	look_at_queues(&look);
	if (clearml_now_ms(observer->clearml))
		out->now_ms = clearml_now_ms(observer->clearml);
	look_at_fleets(&look);
	join_attempts(out, observer->ledger);
	join_ledger(out, observer->ledger);
	/* Who does not answer one question will not answer the next; the pass has a deadline. */
	if (out->queues_known)
		look_at_records(&look);
	if (out->workers_known && (observer->is_sweep_wanted ||
				   join_is_sweep_due(out, observer->settings, observer->ledger)))
		look_at_tasks(&look);
	clock_format(out->now_ms, false, now);
	text_cut(out->today, sizeof(out->today), now);
	out->clearml_calls = clearml_calls(observer->clearml) - calls_before;
}

void observation_release(struct observation *seen)
{
	free(seen->machines);
	free(seen->lost);
	free(seen->attempts);
	free(seen->marks);
	free(seen->runs);
	free(seen->users);
	*seen = (struct observation){ 0 };
}

/* ---- for the next pass ---- */

static const struct observed_machine *machine_of(const struct observation *seen,
						 const char *instance)
{
	for (size_t i = 0; i < seen->machine_count; i++)
		if (!strcmp(seen->machines[i].instance.id, instance))
			return &seen->machines[i];
	return NULL;
}

static bool has_lost(const struct observation *seen, const char *instance)
{
	for (size_t i = 0; i < seen->lost_count; i++)
		if (!strcmp(seen->lost[i].instance, instance))
			return true;
	return false;
}

/* What is terminated, and left no task behind, needs no memory any more; nor
 * does what no list and no record has shown for as long as a record can last. */
static bool is_forgotten(const struct observation *seen, const struct remembered *remembered)
{
	const struct observed_machine *machine = machine_of(seen, remembered->instance);

	if (machine)
		return machine->instance.state == INSTANCE_TERMINATED && seen->tasks_known &&
		       !machine->has_record && !has_lost(seen, remembered->instance);
	for (size_t r = 0; r < SETTINGS_MAX_RESOURCES; r++)
		if (*seen->resources[r].problem)
			return false;
	return seen->workers_known &&
	       seen->now_ms - remembered->last_report_ms > 5 * MACHINE_RECORD_TIMEOUT_S * 1000;
}

static void remember(const struct observed_machine *machine, struct ledger *ledger)
{
	struct remembered *remembered = NULL;

	for (size_t i = 0; i < ledger->machine_count && !remembered; i++)
		if (!strcmp(ledger->machines[i].instance, machine->instance.id))
			remembered = &ledger->machines[i];
	if (!remembered) {
		ledger->machines = memory_grow(ledger->machines, ledger->machine_count + 1,
					       sizeof(*ledger->machines));
		remembered = &ledger->machines[ledger->machine_count++];
	}
	*remembered = (struct remembered){ .last_report_ms = machine->last_report_ms,
					   .was_busy = machine->was_busy };
	memcpy(remembered->instance, machine->instance.id, sizeof(remembered->instance));
}

void observe_remember(const struct observation *seen, struct ledger *ledger)
{
	size_t kept = 0;

	for (size_t i = 0; i < seen->machine_count; i++)
		if (*seen->machines[i].record.instance)
			remember(&seen->machines[i], ledger);
	for (size_t i = 0; i < ledger->machine_count; i++)
		if (!is_forgotten(seen, &ledger->machines[i]))
			ledger->machines[kept++] = ledger->machines[i];
	ledger->machine_count = kept;
}
