#include "reaper/forecast/bound.h"

#include <stdlib.h>
#include <string.h>

struct edge { /* of a task: it begins, or ends */
	int64_t at_s;
	int by;
};

struct bounding {
	const struct trace *trace;
	const struct settings *settings;
	int64_t boot_s;
	size_t group[SETTINGS_MAX_QUEUES]; /* by place in settings.queues: the least of those that
					      share machines with it, directly or through others */
	unsigned seats[SETTINGS_MAX_QUEUES]; /* by queue: the most of a machine that serves it; 0:
						none does */
	size_t *queue_of; /* by place in trace.queues: in settings.queues, or queue_count */
};

static void join(struct bounding *bounding, size_t a, size_t b)
{
	size_t from =
		bounding->group[a] > bounding->group[b] ? bounding->group[a] : bounding->group[b];
	size_t into =
		bounding->group[a] < bounding->group[b] ? bounding->group[a] : bounding->group[b];

	for (size_t q = 0; q < bounding->settings->queue_count; q++)
		if (bounding->group[q] == from)
			bounding->group[q] = into;
}

static void find_groups(struct bounding *bounding)
{
	const struct settings *settings = bounding->settings;

	for (size_t q = 0; q < settings->queue_count; q++)
		bounding->group[q] = q;
	for (size_t r = 0; r < settings->resource_count; r++) {
		const struct resource *resource = &settings->resources[r];

		if (!resource->max_instances)
			continue;
		for (size_t i = 0; i < resource->queue_count; i++) {
			unsigned *seats = &bounding->seats[resource->queues[i]];

			join(bounding, resource->queues[0], resource->queues[i]);
			if (*seats < resource->ticket.seats)
				*seats = resource->ticket.seats;
			if (!*seats)
				*seats = 1;
		}
	}
}

static void find_queues(struct bounding *bounding)
{
	const struct trace *trace = bounding->trace;

	bounding->queue_of = memory_array(trace->queue_count, sizeof(*bounding->queue_of));
	for (size_t i = 0; i < trace->queue_count; i++) {
		size_t q = 0;

		while (q < bounding->settings->queue_count &&
		       strcmp(bounding->settings->queues[q], trace->queues[i]) != 0)
			q++;
		bounding->queue_of[i] = q;
	}
}

static bool is_served(const struct bounding *bounding, const struct arrival *arrival)
{
	size_t queue = bounding->queue_of[arrival->queue];

	return queue < bounding->settings->queue_count && bounding->seats[queue];
}

static int compare_edges(const void *left, const void *right)
{
	const struct edge *a = left, *b = right;

	return (a->at_s > b->at_s) - (a->at_s < b->at_s);
}

static size_t edges_of(const struct bounding *bounding, size_t group, struct edge **out)
{
	const struct trace *trace = bounding->trace;
	size_t count = 0;

	*out = memory_array(2 * trace->count, sizeof(**out));
	for (size_t i = 0; i < trace->count; i++) {
		const struct arrival *arrival = &trace->arrivals[i];

		if (!is_served(bounding, arrival) ||
		    bounding->group[bounding->queue_of[arrival->queue]] != group)
			continue;
		(*out)[count++] = (struct edge){ arrival->at_s, 1 };
		(*out)[count++] = (struct edge){ arrival->at_s + arrival->duration_s, -1 };
	}
	if (count)
		qsort(*out, count, sizeof(**out), compare_edges);
	return count;
}

/*
 * Machine k is the one that is needed while at least k are: of all ways to
 * share the tasks out this one has the longest gaps in the highest numbers, and
 * each gap costs the lesser of staying and booting again.
 */
static int64_t prompt_of(const struct edge *edges, size_t count, unsigned seats, int64_t boot_s)
{
	int64_t *last_s = memory_array(count / 2, sizeof(*last_s)); /* by machine: needed until */
	size_t needed = 0, ever = 0;
	int64_t running = 0, sum = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t now_s = edges[i].at_s;

		running += edges[i].by;
		if (i + 1 < count && edges[i + 1].at_s == now_s)
			continue;
		size_t needs = ((size_t)running + seats - 1) / seats;
		for (; needed > needs; needed--)
			last_s[needed - 1] = now_s;
		for (; needed < needs; needed++) {
			int64_t gap = needed < ever ? now_s - last_s[needed] : boot_s;

			sum += gap < boot_s ? gap : boot_s;
			if (needed == ever)
				ever++;
		}
		if (i + 1 < count)
			sum += (int64_t)needed * (edges[i + 1].at_s - now_s);
	}
	free(last_s);
	return sum;
}

static void bound_group(const struct bounding *bounding, size_t group, struct bound *out)
{
	struct edge *edges;
	size_t count = edges_of(bounding, group, &edges);
	unsigned seats = 1;

	for (size_t q = 0; q < bounding->settings->queue_count; q++)
		if (bounding->group[q] == group && bounding->seats[q] > seats)
			seats = bounding->seats[q];
	if (count) {
		out->work_s += bounding->boot_s;
		out->prompt_s += prompt_of(edges, count, seats, bounding->boot_s);
	}
	free(edges);
}

static void add_work(const struct bounding *bounding, struct bound *out)
{
	int64_t work_s[SETTINGS_MAX_QUEUES] = { 0 };

	for (size_t i = 0; i < bounding->trace->count; i++) {
		const struct arrival *arrival = &bounding->trace->arrivals[i];

		if (is_served(bounding, arrival))
			work_s[bounding->queue_of[arrival->queue]] += arrival->duration_s;
		else
			out->unserved++;
	}
	for (size_t q = 0; q < bounding->settings->queue_count; q++)
		if (bounding->seats[q])
			out->work_s += work_s[q] / bounding->seats[q];
}

void bound_find(const struct trace *trace, const struct settings *settings, int64_t boot_s,
		struct bound *out)
{
	struct bounding bounding = { .trace = trace, .settings = settings, .boot_s = boot_s };

	memset(out, 0, sizeof(*out));
	find_groups(&bounding);
	find_queues(&bounding);
	add_work(&bounding, out);
	for (size_t q = 0; q < settings->queue_count; q++)
		if (bounding.group[q] == q)
			bound_group(&bounding, q, out);
	free(bounding.queue_of);
}
