/* bound: what no policy beats, against trying every schedule. */
#include "reaper/forecast/bound.h"

#include "tests/unit/support/forecast_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { BOOT = 60, MOST = 7 };

static void test_cases_by_hand(void **state)
{
	static const struct {
		const char *when;
		struct bench_resource resources[2];
		struct bench_task tasks[3];
		int64_t work_s, prompt_s;
		size_t unserved;
	} cases[] = {
		{ "when one task comes: its boot and itself",
		  { { "r", { 0 }, 1, 9, 1, 0 } },
		  { { 0, 100, "a" } },
		  160,
		  160,
		  0 },
		{ "when two follow each other at once: one machine",
		  { { "r", { 0 }, 1, 9, 1, 0 } },
		  { { 0, 100, "a" }, { 100, 50, "a" } },
		  210,
		  210,
		  0 },
		{ "when a gap is shorter than a boot: it is kept",
		  { { "r", { 0 }, 1, 9, 1, 0 } },
		  { { 0, 100, "a" }, { 140, 50, "a" } },
		  210,
		  250,
		  0 },
		{ "when a gap is longer than a boot: it boots again",
		  { { "r", { 0 }, 1, 9, 1, 0 } },
		  { { 0, 100, "a" }, { 500, 50, "a" } },
		  210,
		  270,
		  0 },
		{ "when two come at once: two machines, or one after the other",
		  { { "r", { 0 }, 1, 9, 1, 0 } },
		  { { 0, 100, "a" }, { 0, 50, "a" } },
		  210,
		  270,
		  0 },
		{ "when a machine has two seats: half the time, and one machine",
		  { { "r", { 0 }, 1, 9, 2, 0 } },
		  { { 0, 100, "a" }, { 0, 100, "a" } },
		  160,
		  160,
		  0 },
		{ "when queues share nothing: a boot each",
		  { { "r", { 0 }, 1, 9, 1, 0 }, { "s", { 1 }, 1, 9, 1, 0 } },
		  { { 0, 100, "a" }, { 100, 100, "b" } },
		  320,
		  320,
		  0 },
		{ "when one resource serves both queues: one machine",
		  { { "r", { 0, 1 }, 2, 9, 1, 0 } },
		  { { 0, 100, "a" }, { 100, 100, "b" } },
		  260,
		  260,
		  0 },
		{ "when queues are joined by a third",
		  { { "r", { 0, 2 }, 2, 9, 1, 0 }, { "s", { 2, 1 }, 2, 9, 1, 0 } },
		  { { 0, 100, "a" }, { 100, 100, "b" } },
		  260,
		  260,
		  0 },
		{ "when nothing serves the queue: nothing",
		  { { "r", { 0 }, 1, 9, 1, 0 } },
		  { { 0, 100, "b" } },
		  0,
		  0,
		  1 },
		{ "when no machine is allowed: nothing",
		  { { "r", { 0 }, 1, 0, 1, 0 } },
		  { { 0, 100, "a" } },
		  0,
		  0,
		  1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct settings settings;
		SCOPED(trace) struct trace trace = { 0 };
		struct bound bound;
		size_t tasks = 0;

		while (tasks < ARRAY_LEN(cases[i].tasks) && cases[i].tasks[tasks].duration_s)
			tasks++;
		bench_trace(cases[i].tasks, tasks, &trace);
		bench_settings(cases[i].resources, cases[i].resources[1].name ? 2 : 1, &settings);
		bound_find(&trace, &settings, BOOT, &bound);
		if (bound.work_s != cases[i].work_s || bound.prompt_s != cases[i].prompt_s ||
		    bound.unserved != cases[i].unserved)
			fail_msg("%s: work %lld, prompt %lld, unserved %zu", cases[i].when,
				 (long long)bound.work_s, (long long)bound.prompt_s,
				 bound.unserved);
		bench_release(&settings);
	}
}

/* What the tasks from place on cost at least, each on a new machine or on one that has ended its
 * last: every way is tried. ends[] is until when each machine runs. */
static int64_t try_all(const struct trace *trace, size_t place, int64_t ends[], size_t machines)
{
	if (place == trace->count)
		return 0;
	const struct arrival *task = &trace->arrivals[place];
	ends[machines] = task->at_s + task->duration_s;
	int64_t best = BOOT + task->duration_s + try_all(trace, place + 1, ends, machines + 1);

	for (size_t m = 0; m < machines; m++) {
		int64_t gap = task->at_s - ends[m], end = ends[m];

		if (gap < 0)
			continue;
		ends[m] = task->at_s + task->duration_s;
		int64_t cost = gap + task->duration_s + try_all(trace, place + 1, ends, machines);
		ends[m] = end;
		if (cost < best)
			best = cost;
	}
	return best;
}

static void test_prompt_is_what_trying_all_finds(void **state)
{
	static const struct bench_resource resource = { "r", { 0 }, 1, 9, 1, 0 };
	static struct settings settings;
	uint64_t seed = 2;

	(void)state;
	bench_settings(&resource, 1, &settings);
	for (size_t round = 0; round < 2000; round++) {
		SCOPED(trace) struct trace trace = { 0 };
		struct bench_task tasks[MOST];
		int64_t ends[MOST];
		struct bound bound;
		size_t count = 1 + bench_chance(&seed, MOST);

		for (size_t i = 0; i < count; i++)
			tasks[i] = (struct bench_task){ bench_chance(&seed, 400),
							1 + bench_chance(&seed, 120), "a" };
		bench_trace(tasks, count, &trace);
		bound_find(&trace, &settings, BOOT, &bound);
		int64_t best = try_all(&trace, 0, ends, 0);
		if (bound.prompt_s != best || bound.work_s > best)
			fail_msg("round %zu: prompt %lld, work %lld, best %lld", round,
				 (long long)bound.prompt_s, (long long)bound.work_s,
				 (long long)best);
	}
	bench_release(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases_by_hand),
		cmocka_unit_test(test_prompt_is_what_trying_all_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
