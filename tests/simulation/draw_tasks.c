#include <stdio.h>
#include <stdlib.h>

#include "reaper/forecast/trace.h"
#include "tests/simulation/draw.h"
#include "tests/simulation/traces.h"

/* What people send: so much that all seats together are busy for 10 to 120 % of the time. */

enum { TASKS_AT_MOST = 600, USERS = 3 };

struct load {
	struct chance chance;
	const struct drawn *drawn;
	struct world *world;
	double budget_s; /* seconds of work that are still to be given out */
	size_t count;
};

static void add(struct load *load, int64_t at_s, size_t queue, int64_t duration_s, unsigned user)
{
	load->budget_s -= (double)duration_s;
	load->count++;
	world_add_task(load->world, at_s, queue, duration_s, user);
}

static size_t any_queue(struct load *load)
{
	return (size_t)chance_between(&load->chance, 0,
				      (int64_t)load->drawn->settings->queue_count - 1);
}

/* In bursts: several at once, then nothing for a while. */
static void send_bursts(struct load *load)
{
	int64_t longest_s = draw_spread(&load->chance, 120, 3 * 3600);

	while (load->budget_s > 0 && load->count < TASKS_AT_MOST) {
		int64_t at_s = chance_between(&load->chance, 0, load->drawn->span_s);
		int64_t burst = draw_spread(&load->chance, 1, 12);
		size_t queue = any_queue(load);

		for (int64_t i = 0; i < burst; i++)
			add(load, at_s, queue, draw_spread(&load->chance, 10, longest_s),
			    (unsigned)(load->count % USERS));
	}
}

/* ---- as they came elsewhere ---- */

static void read_trace(struct load *load, struct trace *out)
{
	const struct slice texts[] = { { trace_office, trace_office_len },
				       { trace_steady, trace_steady_len },
				       { trace_sweep, trace_sweep_len } };
	size_t which = (size_t)chance_between(&load->chance, 0, ARRAY_LEN(texts) - 1);
	struct error err;

	if (trace_parse(texts[which], out, &err) == 0)
		return;
	(void)fprintf(stderr, "templates/traces: trace %zu: %s\n", which, err.message);
	exit(1);
}

/* How long after from_s it comes, if the trace begins anew where it ends. */
static int64_t after(const struct trace *trace, size_t i, int64_t from_s)
{
	int64_t length_s = trace->arrivals[trace->count - 1].at_s - trace->arrivals[0].at_s + 3600;
	int64_t at_s = trace->arrivals[i].at_s - from_s;

	return at_s < 0 ? at_s + length_s : at_s;
}

static double work_within(const struct trace *trace, int64_t from_s, int64_t span_s)
{
	double sum_s = 0;

	for (size_t i = 0; i < trace->count; i++)
		if (after(trace, i, from_s) <= span_s)
			sum_s += (double)trace->arrivals[i].duration_s;
	return sum_s;
}

/* A stretch that begins with a task; of each as many as there is to do in this world. */
static void send_trace(struct load *load)
{
	SCOPED(trace) struct trace trace = { 0 };
	size_t queues[TRACE_MAX_NAMES];

	read_trace(load, &trace);
	for (size_t q = 0; q < trace.queue_count; q++)
		queues[q] = any_queue(load);
	size_t first = (size_t)chance_between(&load->chance, 0, (int64_t)trace.count - 1);
	int64_t from_s = trace.arrivals[first].at_s, span_s = load->drawn->span_s;
	double share = load->budget_s / work_within(&trace, from_s, span_s);

	for (size_t i = 0; i < trace.count && load->count < TASKS_AT_MOST; i++) {
		const struct arrival *arrival = &trace.arrivals[(first + i) % trace.count];
		int64_t at_s = after(&trace, (first + i) % trace.count, from_s);
		unsigned copies =
			(unsigned)share + chance_of(&load->chance, share - (double)(unsigned)share);

		if (at_s > span_s)
			continue;
		while (copies--)
			add(load, at_s, queues[arrival->queue], arrival->duration_s,
			    (unsigned)(arrival->user % USERS));
	}
}

void draw_tasks(const struct drawn *drawn, struct world *world)
{
	struct load load = { .chance = { .state = drawn->options.seed + 17 },
			     .drawn = drawn,
			     .world = world };
	struct chance which = { .state = drawn->options.seed + 29 };
	unsigned seats = 0;

	for (size_t r = 0; r < drawn->settings->resource_count; r++)
		seats += drawn->resources[r].max_instances * drawn->resources[r].ticket.seats;
	load.budget_s =
		(double)chance_between(&load.chance, 10, 120) / 100 * seats * (double)drawn->span_s;
	if (chance_of(&which, 0.25))
		send_trace(&load);
	else
		send_bursts(&load);
}
