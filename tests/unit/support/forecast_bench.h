#ifndef TESTS_UNIT_SUPPORT_FORECAST_BENCH_H
#define TESTS_UNIT_SUPPORT_FORECAST_BENCH_H

#include "reaper/forecast/outcome.h"

/* forecast_bench: small configurations and traces, made by hand. */

struct bench_resource {
	const char *name;
	size_t queues[3], queue_count;
	unsigned max_instances, seats;
	int64_t price;
};

/* Queues are named "a", "b", "c". Released with bench_release(). */
void bench_settings(const struct bench_resource *resources, size_t count, struct settings *out);
/* What a configuration that says nothing more says; machines idle out after so long. */
void bench_defaults(struct settings *settings, int64_t idle_s);
void bench_release(struct settings *settings);

struct bench_task {
	int64_t at_s, duration_s; /* from TRACE_EPOCH_S */
	const char *queue;
};
void bench_trace(const struct bench_task *tasks, size_t count, struct trace *out);

/* The same seed, the same numbers: from 0 to below. */
unsigned bench_chance(uint64_t *seed, unsigned below);

/* A random trace of at most count tasks in these queues within so many seconds. */
void bench_random_trace(uint64_t *seed, size_t count, size_t queues, struct trace *out);

#endif
