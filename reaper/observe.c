#include "reaper/observe.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/observe_join.h"
#include "reaper/observe_leftovers.h"
#include "reaper/settings/schedule.h"

enum { CALL_LIMIT_MS = 10000 };

struct look {
	const struct observer *observer;
	struct observation *seen;
	struct clearml_queues queues; /* ours, as read */
	struct clearml_workers workers; /* everybody's */
	struct record_list records; /* of our machines among them */
};

static void look_release(struct look *look)
{
	clearml_queues_release(&look->queues);
	clearml_workers_release(&look->workers);
	record_list_release(&look->records);
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

static void look_at_queues(struct look *look)
{
	const struct settings *settings = look->observer->settings;
	const char **names = memory_array(settings->queue_count + 1, sizeof(*names));
	unsigned cap = join_entry_cap(settings);
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

static void list_fleet(struct look *look, size_t resource, struct fleet *out)
{
	const struct settings *settings = look->observer->settings;
	const struct resource *of = &settings->resources[resource];
	struct observed_resource *seen = &look->seen->resources[resource];
	struct error err;

	seen->is_listed = provider_named(of->provider)->list(settings, of, out, &err) == 0;
	if (seen->is_listed)
		return;
	text_cut(seen->problem, sizeof(seen->problem), err.message);
	note_problem(look, of->name, &err);
}

static void look_at_fleets(struct look *look)
{
	const struct settings *settings = look->observer->settings;
	struct observed_resource *seen = look->seen->resources;
	struct fleet *fleets = memory_array(settings->resource_count + 1, sizeof(*fleets));

	for (size_t r = 0; r < settings->resource_count; r++) {
		size_t list = provider_list_of(settings, r);

		if (list == r)
			list_fleet(look, r, &fleets[r]);
		seen[r].is_listed = seen[list].is_listed;
		if (seen[r].is_listed)
			join_fleet(look->seen, settings, r, &fleets[list]);
		else if (list != r)
			memcpy(seen[r].problem, seen[list].problem, sizeof(seen[r].problem));
	}
	for (size_t r = 0; r < settings->resource_count; r++)
		fleet_release(&fleets[r]);
	free(fleets);
}

/* Those among everybody's workers that are machine records of our prefix. */
static void pick_records(const struct clearml_workers *workers, const struct settings *settings,
			 struct record_list *out)
{
	struct error why;

	*out = (struct record_list){ .list = memory_array(workers->count + 1, sizeof(*out->list)) };
	for (size_t i = 0; i < workers->count; i++) {
		struct machine_record *record = &out->list[out->count];

		if (machine_record_read(&workers->list[i], settings->prefix, record, &why) < 0) {
			if (why.class == ERROR_NOT_FOUND)
				continue;
			log_failure("odd-machine-record", &why);
		}
		out->count++;
	}
}

int observe_records(struct clearml *clearml, const struct settings *settings,
		    struct record_list *out, struct error *err)
{
	SCOPED(clearml_workers) struct clearml_workers workers = { 0 };
	char prefix[TICKET_FIELD_ROOM + 2];

	text_cut(prefix, sizeof(prefix), settings->prefix);
	memcpy(prefix + strlen(prefix), ":", 2);
	if (clearml_workers(clearml, prefix, &workers, err) < 0)
		return -1;
	pick_records(&workers, settings, out);
	return 0;
}

void record_list_release(struct record_list *records)
{
	free(records->list);
	*records = (struct record_list){ 0 };
}

static void look_at_workers(struct look *look)
{
	const struct observer *observer = look->observer;
	struct error err;

	if (give_time(observer, &err) < 0 ||
	    clearml_workers(observer->clearml, NULL, &look->workers, &err) < 0) {
		note_problem(look, "workers", &err);
		return;
	}
	look->seen->now_ms = clearml_now_ms(observer->clearml);
	pick_records(&look->workers, observer->settings, &look->records);
	join_records(look->seen, observer->settings, &look->records);

	size_t missing = join_missing(observer->ledger, &look->records, look->seen->now_ms);
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

/* What the lists show against what the ledger and the records say. */
static void compare(struct look *look)
{
	const struct settings *settings = look->observer->settings;
	struct observation *seen = look->seen;
	bool was_listed[SETTINGS_MAX_RESOURCES] = { false };
	struct error err;

	for (size_t r = 0; r < settings->resource_count; r++)
		was_listed[r] = seen->resources[r].is_listed;
	join_ledger(seen, settings, look->observer->ledger);
	join_lists(seen, settings, look->observer->ledger, &look->records);
	for (size_t r = 0; r < settings->resource_count; r++) {
		if (!was_listed[r] || seen->resources[r].is_listed)
			continue;
		(void)error_set(&err, ERROR_MALFORMED, "%s", seen->resources[r].problem);
		note_problem(look, settings->resources[r].name, &err);
	}
	if (seen->workers_known)
		join_workers(seen, settings, &look->workers);
}

static int add_tasks(const struct look *look, const struct clearml_filter *filter,
		     struct clearml_tasks *out, struct error *err)
{
	SCOPED(clearml_tasks) struct clearml_tasks more = { 0 };

	if (give_time(look->observer, err) < 0 ||
	    clearml_tasks_in(look->observer->clearml, filter, &more, err) < 0)
		return -1;
	out->list = memory_grow(out->list, out->count + more.count + 1, sizeof(*out->list));
	if (more.count)
		memcpy(out->list + out->count, more.list, more.count * sizeof(*more.list));
	out->count += more.count;
	return 0;
}

static int ask_tasks(const struct look *look, const struct clearml_queues *all,
		     struct clearml_tasks *out, struct error *err)
{
	static const enum task_status statuses[] = { TASK_IN_PROGRESS, TASK_QUEUED };
	static const enum task_status stopped[] = { TASK_STOPPED };
	int64_t since_ms = clearml_now_ms(look->observer->clearml) - JOIN_FORCED_STOP_MS;
	const char **ids = memory_array(all->count + 1, sizeof(*ids));
	size_t whole;

	join_sweep_queues(&look->queues, all, ids, &whole);
	struct clearml_filter of_some = { .statuses = statuses,
					  .status_count = ARRAY_LEN(statuses),
					  .queues = ids,
					  .queue_count = whole };
	struct clearml_filter of_rest = { .statuses = statuses,
					  .status_count = 1,
					  .queues = ids + whole,
					  .queue_count = all->count - whole };
	struct clearml_filter forced = { .statuses = stopped,
					 .status_count = 1,
					 .queues = ids,
					 .queue_count = all->count,
					 .status_reason = VERDICT_FORCED_STOP,
					 .changed_since_ms = since_ms };
	int result = add_tasks(look, &of_some, out, err);

	if (result == 0)
		result = add_tasks(look, &of_rest, out, err);
	if (result == 0)
		result = add_tasks(look, &forced, out, err);
	free(ids);
	return result;
}

/* *is_asked false: there is no queue whose tasks could be asked for. */
static int read_tasks(const struct look *look, struct clearml_tasks *tasks,
		      struct clearml_queues *queues, bool *is_asked, struct error *err)
{
	SCOPED(clearml_queues) struct clearml_queues all = { 0 };
	struct clearml *clearml = look->observer->clearml;

	if (give_time(look->observer, err) < 0 ||
	    clearml_queues(clearml, NULL, 0, JOIN_MOST_FOREIGN + 1, &all, err) < 0 ||
	    ask_tasks(look, &all, tasks, err) < 0)
		return -1;
	*is_asked = all.count > 0;
	if (!tasks->count)
		return 0;
	/* Once more, each entry: a person may have moved the task anywhere, and one that was put
	 * into its queue after the first reading must not look lost. */
	if (give_time(look->observer, err) < 0)
		return -1;
	return clearml_queues(clearml, NULL, 0, 0, queues, err);
}

static void look_at_tasks(struct look *look)
{
	SCOPED(clearml_tasks) struct clearml_tasks tasks = { 0 };
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };
	bool is_asked;
	struct error err;

	if (read_tasks(look, &tasks, &queues, &is_asked, &err) < 0) {
		note_problem(look, "tasks", &err);
		return;
	}
	join_tasks(look->seen, look->observer->settings,
		   &(struct join_sweep){ &tasks, &queues, &look->workers });
	look->seen->tasks_known = is_asked;
}

void observe(const struct observer *observer, struct observation *out)
{
	SCOPED(look) struct look look = { .observer = observer, .seen = out };
	unsigned calls_before = clearml_calls(observer->clearml);
	char now[CLOCK_TEXT_LEN];

	*out = (struct observation){ .now_ms = observer->wall_ms };
	look_at_fleets(&look);
	join_attempts(out, observer->ledger);
	look_at_workers(&look);
	compare(&look);
	/* Who does not answer one question will not answer the next; the pass has a deadline. */
	if (clearml_now_ms(observer->clearml))
		look_at_queues(&look);
	out->is_clock_known = clearml_now_ms(observer->clearml) != 0;
	if (out->is_clock_known)
		out->now_ms = clearml_now_ms(observer->clearml);
	if (out->queues_known && out->workers_known &&
	    (observer->is_sweep_wanted ||
	     join_is_sweep_due(out, observer->settings, observer->ledger)))
		look_at_tasks(&look);
	if (observer->are_leftovers_wanted ||
	    observer->ledger->passes % OBSERVE_LEFTOVERS_EVERY == 0)
		observe_leftovers(observer, out);
	join_prices(out, observer->settings);
	for (size_t r = 0; r < observer->settings->resource_count; r++)
		out->resources[r].minimum =
			schedule_minimum(&observer->settings->resources[r], out->now_ms / 1000);
	clock_format(out->now_ms, false, now);
	text_cut(out->today, sizeof(out->today), now);
	out->clearml_calls = clearml_calls(observer->clearml) - calls_before;
}

void observation_release(struct observation *seen)
{
	free(seen->machines);
	free(seen->lost);
	free(seen->attempts);
	free(seen->offerings);
	free(seen->marks);
	free(seen->ghosts);
	free(seen->doubles);
	free(seen->leftovers);
	free(seen->runs);
	free(seen->users);
	*seen = (struct observation){ 0 };
}
