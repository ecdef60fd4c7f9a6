#include "tests/unit/support/forecast_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const queue_names[] = { "a", "b", "c" };

void bench_settings(const struct bench_resource *resources, size_t count, struct settings *out)
{
	memset(out, 0, sizeof(*out));
	out->queue_count = ARRAY_LEN(queue_names);
	for (size_t q = 0; q < out->queue_count; q++)
		text_cut(out->queues[q], sizeof(out->queues[q]), queue_names[q]);
	out->resources = memory_array(count, sizeof(*out->resources));
	out->resource_count = count;
	for (size_t i = 0; i < count; i++) {
		struct resource *resource = &out->resources[i];

		text_cut(resource->name, sizeof(resource->name), resources[i].name);
		resource->queue_count = resources[i].queue_count;
		memcpy(resource->queues, resources[i].queues, sizeof(resources[i].queues));
		resource->max_instances = resources[i].max_instances;
		resource->ticket.seats = resources[i].seats;
		resource->offerings = memory_array(1, sizeof(*resource->offerings));
		resource->offering_count = 1;
		resource->offerings[0].price = resources[i].price;
	}
}

void bench_release(struct settings *settings)
{
	for (size_t i = 0; i < settings->resource_count; i++)
		free(settings->resources[i].offerings);
	free(settings->resources);
}

void bench_trace(const struct bench_task *tasks, size_t count, struct trace *out)
{
	struct error err;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < count; i++) {
		const struct trace_row row = { TRACE_EPOCH_S + tasks[i].at_s, tasks[i].duration_s,
					       tasks[i].queue, "" };

		if (trace_add(out, &row, &err) < 0)
			fail_msg("%s", err.message);
	}
	trace_sort(out);
}

unsigned bench_chance(uint64_t *seed, unsigned below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % below;
}

void bench_random_trace(uint64_t *seed, size_t count, size_t queues, struct trace *out)
{
	struct bench_task tasks[64];
	size_t made = 1 + bench_chance(seed, (unsigned)count);

	for (size_t i = 0; i < made; i++)
		tasks[i] =
			(struct bench_task){ bench_chance(seed, 3000), 1 + bench_chance(seed, 1200),
					     queue_names[bench_chance(seed, (unsigned)queues)] };
	bench_trace(tasks, made, out);
}

void bench_defaults(struct settings *settings, int64_t idle_s)
{
	text_cut(settings->prefix, sizeof(settings->prefix), "bench");
	settings->silent_idle_s = 600;
	settings->silent_busy_s = 5400;
	settings->two_looks_s = 60;
	settings->idle_grace_s = 600;
	settings->breaker_failures = 3;
	settings->breaker_probe_s = 600;
	settings->cooldown_s = 180;
	settings->cooldown_max_s = 1800;
	for (size_t i = 0; i < settings->resource_count; i++) {
		struct ticket *ticket = &settings->resources[i].ticket;
		unsigned seats = ticket->seats;

		ticket_defaults(ticket);
		ticket->seats = seats;
		ticket->limits.idle_timeout_s = idle_s;
	}
}
