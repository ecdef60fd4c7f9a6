#include "reaper/forecast/rival.h"

#include <stdlib.h>
#include <string.h>

enum { NO_TASK = -1 };

struct worker {
	size_t life; /* into outcome.machines */
	size_t resource;
	bool is_spun; /* in its memory: launched, not yet seen registered */
	bool is_idle_known; /* in its memory: seen without a task */
	int64_t idle_report_s; /* ... whose last report was then */
	int64_t ready_s;
	int64_t idle_from_s; /* without a task since; when ready */
	int64_t task; /* into trace.arrivals, or NO_TASK */
	int64_t ends_s; /* of the task */
};

struct line { /* a queue: its tasks in order; those before head have started */
	size_t *tasks;
	size_t count, head;
};

struct rival {
	const struct trace *trace;
	const struct settings *settings;
	const struct rival_times *times;
	struct outcome *out;
	struct worker *workers;
	size_t worker_count;
	struct line lines[SETTINGS_MAX_QUEUES]; /* by place in settings.queues */
	bool is_kept[SETTINGS_MAX_RESOURCES]; /* of the poll that is going on */
	size_t arrived; /* tasks of the trace */
	int64_t now_s;
};

static int check_resources(const struct settings *settings, struct error *err)
{
	for (size_t i = 0; i < settings->resource_count; i++) {
		const struct resource *resource = &settings->resources[i];

		if (resource->queue_count > 1)
			return error_set(err, ERROR_CONFIGURATION,
					 "resource %s serves %zu queues, ClearML's autoscaler has "
					 "one queue a resource",
					 resource->name, resource->queue_count);
		if (resource->ticket.seats > 1)
			return error_set(err, ERROR_CONFIGURATION,
					 "resource %s has %u seats, ClearML's autoscaler runs one "
					 "task a machine",
					 resource->name, resource->ticket.seats);
	}
	return 0;
}

static bool is_ready(const struct rival *rival, const struct worker *worker)
{
	return worker->ready_s <= rival->now_s;
}

static size_t waiting(const struct rival *rival, size_t queue)
{
	return rival->lines[queue].count - rival->lines[queue].head;
}

static size_t queue_of(const struct rival *rival, const struct worker *worker)
{
	return rival->settings->resources[worker->resource].queues[0];
}

/* ---- what happens between two polls ---- */

static void arrive(struct rival *rival)
{
	const struct trace *trace = rival->trace;

	for (; rival->arrived < trace->count; rival->arrived++) {
		const struct arrival *arrival = &trace->arrivals[rival->arrived];

		if (arrival->at_s > rival->now_s)
			return;
		for (size_t q = 0; q < rival->settings->queue_count; q++) {
			struct line *line = &rival->lines[q];

			if (strcmp(rival->settings->queues[q], trace->queues[arrival->queue]) == 0)
				line->tasks[line->count++] = rival->arrived;
		}
	}
}

static void end_tasks(struct rival *rival)
{
	for (size_t i = 0; i < rival->worker_count; i++) {
		struct worker *worker = &rival->workers[i];

		if (worker->task == NO_TASK || worker->ends_s > rival->now_s)
			continue;
		worker->task = NO_TASK;
		worker->idle_from_s = worker->ends_s;
	}
}

/* When an idle agent looks next, from now on. */
static int64_t next_look(const struct rival *rival, const struct worker *worker)
{
	int64_t every = rival->times->agent_poll;
	int64_t since = rival->now_s - worker->idle_from_s;

	return since <= 0 ? worker->idle_from_s :
			    worker->idle_from_s + (since + every - 1) / every * every;
}

static void take_tasks(struct rival *rival)
{
	for (size_t i = 0; i < rival->worker_count; i++) {
		struct worker *worker = &rival->workers[i];
		struct line *line = &rival->lines[queue_of(rival, worker)];

		if (!is_ready(rival, worker) || worker->task != NO_TASK ||
		    line->head == line->count || next_look(rival, worker) != rival->now_s)
			continue;
		size_t task = line->tasks[line->head++];
		int64_t duration = rival->trace->arrivals[task].duration_s;

		worker->task = (int64_t)task;
		worker->ends_s = rival->now_s + duration;
		rival->out->machines[worker->life].busy_s += duration;
		rival->out->tasks[task].started_s = rival->now_s;
		rival->out->tasks[task].ended_s = worker->ends_s;
	}
}

/* ---- a poll ---- */

static void look_at_workers(struct rival *rival)
{
	for (size_t i = 0; i < rival->worker_count; i++) {
		struct worker *worker = &rival->workers[i];

		if (!is_ready(rival, worker))
			continue;
		worker->is_spun = false;
		if (worker->task != NO_TASK) {
			worker->is_idle_known = false;
		} else if (!worker->is_idle_known) {
			int64_t every = rival->times->agent_report;

			worker->is_idle_known = true;
			worker->idle_report_s =
				rival->now_s - (rival->now_s - worker->idle_from_s) % every;
		}
	}
}

static size_t count_free(struct rival *rival, size_t queue)
{
	size_t count = 0;

	for (size_t i = 0; i < rival->worker_count; i++) {
		const struct worker *worker = &rival->workers[i];

		if (queue_of(rival, worker) != queue)
			continue;
		if (worker->is_idle_known || worker->is_spun) {
			rival->is_kept[worker->resource] = true;
			count++;
		}
	}
	return count;
}

static unsigned count_of(const struct rival *rival, size_t resource)
{
	unsigned count = 0;

	for (size_t i = 0; i < rival->worker_count; i++)
		count += rival->workers[i].resource == resource;
	return count;
}

static void spin_up(struct rival *rival, size_t resource)
{
	const struct resource *from = &rival->settings->resources[resource];
	struct machine_life *life = outcome_add_machine(rival->out);

	life->resource = resource;
	life->from_s = rival->now_s;
	life->ready_s = rival->now_s + rival->times->boot;
	life->price = from->offering_count ? from->offerings[0].price : MONEY_UNKNOWN;
	rival->workers =
		memory_grow(rival->workers, rival->worker_count + 1, sizeof(*rival->workers));
	rival->workers[rival->worker_count++] =
		(struct worker){ .life = rival->out->machine_count - 1,
				 .resource = resource,
				 .is_spun = true,
				 .ready_s = life->ready_s,
				 .idle_from_s = life->ready_s,
				 .task = NO_TASK };
}

/* Its weakness 5 is kept: what one resource of the queue got is not taken off what the next may
 * get. */
static void scale_up(struct rival *rival, size_t queue, size_t launches[])
{
	size_t waits = waiting(rival, queue);
	size_t picked = 0;

	if (!waits)
		return;
	size_t is_free = count_free(rival, queue);
	size_t need = waits > is_free ? waits - is_free : 0;
	for (size_t r = 0; r < rival->settings->resource_count && picked < need; r++) {
		const struct resource *resource = &rival->settings->resources[r];
		unsigned running = count_of(rival, r);

		if (resource->queues[0] != queue || running >= resource->max_instances)
			continue;
		size_t room = resource->max_instances - running;

		launches[r] = need < room ? need : room;
		picked += launches[r];
	}
}

/* Not "greater": by the time that it compares, some moments have passed since it looked. */
static void scale_down(struct rival *rival)
{
	size_t kept = 0;

	for (size_t i = 0; i < rival->worker_count; i++) {
		const struct worker *worker = &rival->workers[i];
		bool is_over = worker->is_idle_known && worker->task == NO_TASK &&
			       !rival->is_kept[worker->resource] &&
			       rival->now_s - worker->idle_report_s >= rival->times->max_idle;

		if (is_over)
			rival->out->machines[worker->life].until_s = rival->now_s;
		else
			rival->workers[kept++] = *worker;
	}
	rival->worker_count = kept;
}

static void poll(struct rival *rival)
{
	size_t launches[SETTINGS_MAX_RESOURCES] = { 0 };

	look_at_workers(rival);
	memset(rival->is_kept, 0, sizeof(rival->is_kept));
	for (size_t q = 0; q < rival->settings->queue_count; q++)
		scale_up(rival, q, launches);
	for (size_t r = 0; r < rival->settings->resource_count; r++)
		for (size_t i = 0; i < launches[r]; i++)
			spin_up(rival, r);
	scale_down(rival);
}

/* ---- time ---- */

static void earlier(int64_t *next, int64_t at_s)
{
	if (at_s < *next)
		*next = at_s;
}

static int64_t next_event(const struct rival *rival, int64_t poll_s)
{
	int64_t next = poll_s;

	if (rival->arrived < rival->trace->count)
		earlier(&next, rival->trace->arrivals[rival->arrived].at_s);
	for (size_t i = 0; i < rival->worker_count; i++) {
		const struct worker *worker = &rival->workers[i];

		if (worker->task != NO_TASK)
			earlier(&next, worker->ends_s);
		else if (waiting(rival, queue_of(rival, worker)))
			earlier(&next, next_look(rival, worker));
	}
	return next > rival->now_s ? next : rival->now_s + 1;
}

/* Tasks of queues that a resource with room for a machine serves are worth waiting for. */
static bool is_over(const struct rival *rival)
{
	if (rival->worker_count || rival->arrived < rival->trace->count)
		return false;
	for (size_t r = 0; r < rival->settings->resource_count; r++)
		if (rival->settings->resources[r].max_instances &&
		    waiting(rival, rival->settings->resources[r].queues[0]))
			return false;
	return true;
}

static void live(struct rival *rival)
{
	int64_t poll_s = rival->now_s;

	while (!is_over(rival)) {
		arrive(rival);
		end_tasks(rival);
		take_tasks(rival);
		if (rival->now_s >= poll_s) {
			poll(rival);
			poll_s = rival->now_s + rival->times->polling;
		}
		rival->now_s = next_event(rival, poll_s);
	}
}

int rival_run(const struct trace *trace, const struct settings *settings,
	      const struct rival_times *times, int64_t start_s, struct outcome *out,
	      struct error *err)
{
	if (check_resources(settings, err) < 0)
		return -1;
	struct rival *rival = memory_array(1, sizeof(*rival));
	*rival = (struct rival){
		.trace = trace, .settings = settings, .times = times, .out = out, .now_s = start_s
	};
	outcome_open(out, "ClearML's autoscaler", trace);
	outcome_name_resources(out, settings);
	for (size_t q = 0; q < settings->queue_count; q++)
		rival->lines[q].tasks = memory_array(trace->count, sizeof(*rival->lines[q].tasks));
	live(rival);
	for (size_t q = 0; q < settings->queue_count; q++)
		free(rival->lines[q].tasks);
	free(rival->workers);
	free(rival);
	return 0;
}
