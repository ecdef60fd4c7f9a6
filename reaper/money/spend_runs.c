#include "reaper/money/spend_runs.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/money/money.h"
#include "reaper/money/user_names.h"

enum { MOST_ASKED = 500 /* tasks in a pass: one call */ };

/* ---- which tasks run ---- */

static int by_instance(const void *left, const void *right)
{
	const struct observed_run *a = left, *b = right;
	int order = strcmp(a->instance, b->instance);

	return order ? order : strcmp(a->task, b->task);
}

void spend_runs_collect(struct observation *seen)
{
	size_t count = 0;

	for (size_t i = 0; i < seen->machine_count; i++)
		count += seen->machines[i].has_record ? seen->machines[i].record.task_count : 0;
	free(seen->runs);
	seen->runs = memory_array(count, sizeof(*seen->runs));
	seen->run_count = 0;
	for (size_t i = 0; i < seen->machine_count; i++) {
		const struct observed_machine *machine = &seen->machines[i];

		for (size_t t = 0; machine->has_record && t < machine->record.task_count; t++) {
			struct observed_run *run = &seen->runs[seen->run_count++];

			memcpy(run->task, machine->record.tasks[t], sizeof(run->task));
			memcpy(run->instance, machine->instance.id, sizeof(run->instance));
			run->machine = i;
		}
	}
	qsort(seen->runs, seen->run_count, sizeof(*seen->runs), by_instance);
}

/* ---- for whom ---- */

static size_t queue_of(const struct settings *settings, const struct observation *seen,
		       const char *id)
{
	size_t q = 0;

	while (q < settings->queue_count &&
	       (!seen->queues[q].exists || strcmp(seen->queues[q].id, id) != 0))
		q++;
	return q;
}

static const char *queue_name(const struct settings *settings, const struct observation *seen,
			      const char *id)
{
	size_t q = queue_of(settings, seen, id);

	return q < settings->queue_count ? settings->queues[q] : "";
}

static int by_task(const void *left, const void *right)
{
	const struct observed_run *const *a = left, *const *b = right;

	return strcmp((*a)->task, (*b)->task);
}

static int compare_task(const void *key, const void *item)
{
	const struct observed_run *const *run = item;

	return strcmp(key, (*run)->task);
}

struct unknown { /* runs that were never counted, in order of task */
	struct observed_run **runs;
	size_t count;
};

static void unknown_release(struct unknown *unknown)
{
	free(unknown->runs);
}

static int find_in_ledger(struct ledger_file *file, struct observation *seen, struct unknown *out,
			  struct error *err)
{
	out->runs = memory_array(seen->run_count + 1, sizeof(struct observed_run *));
	for (size_t i = 0; i < seen->run_count; i++) {
		struct observed_run *run = &seen->runs[i];
		struct spend_row row = { 0 };
		bool is_found;

		if (ledger_spend_task(file, run->task, run->instance, &row, &is_found, err) < 0)
			return -1;
		if (!is_found && out->count < MOST_ASKED)
			out->runs[out->count++] = run;
		else if (!is_found)
			run->since_s = RUN_NOT_ASKED;
		memcpy(run->queue, row.queue, sizeof(run->queue));
		memcpy(run->user, row.user, sizeof(run->user));
	}
	qsort(out->runs, out->count, sizeof(struct observed_run *), by_task);
	return 0;
}

static int ask(struct clearml *clearml, const struct settings *settings,
	       const struct observation *seen, const struct unknown *unknown, struct error *err)
{
	SCOPED(clearml_purposes) struct clearml_purposes found = { 0 };
	const char *tasks[MOST_ASKED];

	for (size_t i = 0; i < unknown->count; i++)
		tasks[i] = unknown->runs[i]->task;
	if (clearml_purposes_of(clearml, tasks, unknown->count, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const struct clearml_purpose *purpose = &found.list[i];
		struct observed_run **run = bsearch(purpose->task, unknown->runs, unknown->count,
						    sizeof(struct observed_run *), compare_task);

		if (!run)
			continue;
		text_cut((*run)->queue, sizeof((*run)->queue),
			 queue_name(settings, seen, purpose->queue));
		text_cut((*run)->user, sizeof((*run)->user), purpose->user);
		(*run)->since_s = purpose->started_ms / 1000;
	}
	return 0;
}

int spend_runs_look(struct clearml *clearml, struct ledger_file *file,
		    const struct settings *settings, struct observation *seen, struct error *err)
{
	SCOPED(unknown) struct unknown unknown = { 0 };

	spend_runs_collect(seen);
	if (find_in_ledger(file, seen, &unknown, err) < 0)
		return -1;
	return unknown.count ? ask(clearml, settings, seen, &unknown, err) : 0;
}

/* ---- users ---- */

static int64_t share_of(const struct observed_machine *machine)
{
	unsigned tasks = (unsigned)machine->record.task_count, seats = machine->record.seats;

	if (machine->price == MONEY_UNKNOWN)
		return MONEY_UNKNOWN;
	return machine->price / (seats > tasks ? seats : tasks);
}

static void add_share(int64_t *rate, int64_t share)
{
	if (share == MONEY_UNKNOWN || *rate == MONEY_UNKNOWN)
		*rate = MONEY_UNKNOWN;
	else
		*rate += share;
}

/* A record outlives its machine by two minutes, and the tasks in it wait again by then. What a
 * whole list does not show is gone; but lists are late, and a young machine may report before. */
static bool is_over(const struct settings *settings, const struct observation *seen,
		    const struct observed_run *run)
{
	const struct observed_machine *machine = &seen->machines[run->machine];
	size_t r = machine->resource;

	if (machine->instance.state >= INSTANCE_STOPPED)
		return true;
	return !machine->is_listed && r != RESOURCE_NONE && seen->resources[r].is_listed &&
	       seen->now_ms / 1000 - machine->instance.launched_s >
		       settings->resources[r].ticket.limits.boot_deadline_s;
}

void spend_runs_rate(const struct settings *settings, struct observation *seen)
{
	for (size_t i = 0; i < seen->run_count; i++) {
		const struct observed_run *run = &seen->runs[i];
		int64_t share = share_of(&seen->machines[run->machine]);

		if (is_over(settings, seen, run))
			continue;
		for (size_t u = 0; *run->user && u < settings->user_budget_count; u++)
			if (!strcmp(user_names_id(settings, seen, u), run->user))
				add_share(&seen->users[u].rate, share);
		for (size_t q = 0; *run->queue && q < settings->queue_count; q++)
			if (!strcmp(settings->queues[q], run->queue))
				add_share(&seen->queue_rate[q], share);
	}
}

/* What cannot be counted may be past a limit of a day or a month. */
static bool is_past(const struct settings *settings, const struct observation *seen, size_t user)
{
	const struct budget *budget = &settings->user_budgets[user].budget;

	if (!seen->is_spend_known && (budget->day || budget->month))
		return true;
	return money_is_past(&(struct money_gate){ .budget = budget,
						   .spent = seen->users[user].spent,
						   .rate = seen->users[user].rate });
}

/* What is launched for a user in an hour's limit must fit in: so whose tasks wait matters before it
 * is reached. */
bool spend_runs_is_watched(const struct settings *settings, const struct observation *seen,
			   size_t user)
{
	return settings->user_budgets[user].budget.hour || is_past(settings, seen, user);
}

bool spend_runs_is_anyone_watched(const struct settings *settings, const struct observation *seen)
{
	bool is_any_waiting = false;

	for (size_t q = 0; q < settings->queue_count; q++)
		is_any_waiting |= seen->queues[q].waiting > 0;
	for (size_t u = 0; is_any_waiting && u < settings->user_budget_count; u++)
		if (spend_runs_is_watched(settings, seen, u))
			return true;
	return false;
}

/* What a task of the queue may cost an hour; MONEY_UNKNOWN when of any offering. */
static int64_t dearest_seat(const struct settings *settings, size_t queue)
{
	int64_t dearest = 0;

	for (size_t r = 0; r < settings->resource_count; r++) {
		const struct resource *resource = &settings->resources[r];

		if (!resource_serves(resource, queue))
			continue;
		int64_t price = resource_dearest(resource);

		if (price < 0)
			return MONEY_UNKNOWN;
		price /= resource->ticket.seats ? resource->ticket.seats : 1;
		dearest = price > dearest ? price : dearest;
	}
	return dearest;
}

enum { NOTHING_LEFT = -1 }; /* not even for what costs nothing */

/* By user: what may be launched for still, $/h. */
static int64_t *allowances(const struct settings *settings, const struct observation *seen)
{
	int64_t *left = memory_array(settings->user_budget_count, sizeof(*left));

	for (size_t u = 0; u < settings->user_budget_count; u++) {
		const struct budget *budget = &settings->user_budgets[u].budget;

		if (is_past(settings, seen, u))
			left[u] = NOTHING_LEFT;
		else
			left[u] = budget->hour ? budget->hour - seen->users[u].rate : INT64_MAX;
	}
	return left;
}

/* False: the user's limit leaves nothing for one more task at that price. */
static bool take_allowance(const struct settings *settings, const struct observation *seen,
			   const struct clearml_purpose *task, int64_t price, int64_t *left)
{
	for (size_t u = 0; u < settings->user_budget_count; u++) {
		if (strcmp(user_names_id(settings, seen, u), task->user) != 0 ||
		    left[u] == INT64_MAX)
			continue;
		if (price == MONEY_UNKNOWN || price > left[u])
			return false;
		left[u] -= price;
	}
	return true;
}

static int compare_texts(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static const char **list_running(const struct settings *settings, const struct observation *seen,
				 size_t *count)
{
	const char **running = memory_array(seen->run_count, sizeof(*running));

	*count = 0;
	for (size_t i = 0; i < seen->run_count; i++)
		if (!is_over(settings, seen, &seen->runs[i]))
			running[(*count)++] = seen->runs[i].task;
	qsort(running, *count, sizeof(*running), compare_texts);
	return running;
}

/* A task that was popped may be queued still, and is a machine's already. */
void spend_runs_bar_tasks(const struct settings *settings, struct observation *seen,
			  const struct clearml_purposes *queued)
{
	size_t running_count;
	const char **running = list_running(settings, seen, &running_count);
	int64_t *left = allowances(settings, seen);

	for (size_t i = 0; i < queued->count; i++) {
		const struct clearml_purpose *task = &queued->list[i];
		const char *id = task->task;
		size_t q = queue_of(settings, seen, task->queue);

		if (q == settings->queue_count ||
		    bsearch(&id, running, running_count, sizeof(*running), compare_texts) ||
		    take_allowance(settings, seen, task, dearest_seat(settings, q), left))
			continue;
		if (seen->queues[q].barred < seen->queues[q].waiting)
			seen->queues[q].barred++;
	}
	free(running);
	free(left);
}

int spend_runs_bar(struct clearml *clearml, const struct settings *settings,
		   struct observation *seen, struct error *err)
{
	SCOPED(clearml_purposes) struct clearml_purposes queued = { 0 };
	const char **users = memory_array(settings->user_budget_count, sizeof(*users));
	size_t count = 0;

	for (size_t u = 0; u < settings->user_budget_count; u++)
		if (spend_runs_is_watched(settings, seen, u))
			users[count++] = user_names_id(settings, seen, u);
	int result = clearml_purposes_queued(clearml, users, count, &queued, err);

	free(users);
	if (result < 0)
		return -1;
	spend_runs_bar_tasks(settings, seen, &queued);
	return 0;
}
