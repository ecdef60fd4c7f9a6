/* rival: ClearML's published algorithm, against cases that were worked out by hand. */
#include "reaper/forecast/rival.h"

#include "reaper/forecast/bound.h"
#include "tests/unit/support/forecast_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ONE(max)                                                                          \
	{                                                                                 \
		{                                                                         \
			.name = "r", .queue_count = 1, .max_instances = (max), .seats = 1 \
		}                                                                         \
	}
#define NEVER ((int64_t)-1)

struct life {
	int64_t from_s, until_s;
};

/* Polls are at 0, 300, 600, ... */
static const struct {
	const char *when;
	struct bench_resource resources[2];
	struct bench_task tasks[4];
	int64_t boot_s; /* 0: 120 */
	int64_t starts[4]; /* by place in the trace */
	struct life lives[6]; /* in order of launch; until 0: the end of the list */
} cases[] = {
	{ "when one task comes: its machine ends at the first poll at which the first idle sight "
	  "(300, reported at 280) is older than 900 s",
	  ONE(3),
	  { { 0, 100, "a" } },
	  0,
	  { 120 },
	  { { 0, 1200 } } },
	{ "when it comes right after a poll: it waits for the next",
	  ONE(3),
	  { { 1, 100, "a" } },
	  0,
	  { 420 },
	  { { 300, 1500 } } },
	{ "when the queue is at its limit: one after the other",
	  ONE(1),
	  { { 0, 100, "a" }, { 0, 100, "a" } },
	  0,
	  { 120, 220 },
	  { { 0, 1500 } } },
	{ "when three tasks wait and resources may have 2 and 5: five machines, not three",
	  { { .name = "small", .queue_count = 1, .max_instances = 2, .seats = 1 },
	    { .name = "large", .queue_count = 1, .max_instances = 5, .seats = 1 } },
	  { { 0, 900, "a" }, { 0, 900, "a" }, { 0, 900, "a" } },
	  0,
	  { 120, 120, 120 },
	  { { 0, 2100 }, { 0, 2100 }, { 0, 2100 }, { 0, 1200 }, { 0, 1200 } } },
	{ "when a machine was busy between two polls: it still counts as idle since before",
	  ONE(3),
	  { { 0, 100, "a" }, { 310, 200, "a" } },
	  0,
	  { 120, 310 },
	  { { 0, 1200 } } },
	{ "when a task waits for an idle machine's next look: no launch, and it is spared",
	  ONE(3),
	  { { 0, 101, "a" }, { 1199, 10, "a" } },
	  0,
	  { 120, 1201 },
	  { { 0, 1500 } } },
	{ "when its machine is busy at the poll: another one",
	  ONE(3),
	  { { 0, 500, "a" }, { 299, 10, "a" } },
	  0,
	  { 120, 420 },
	  { { 0, 1800 }, { 300, 1500 } } },
	{ "when a machine that boots will take it: none more",
	  ONE(3),
	  { { 0, 10, "a" } },
	  400,
	  { 400 },
	  { { 0, 1500 } } },
	{ "when nothing serves the queue: never",
	  ONE(3),
	  { { 0, 100, "c" } },
	  0,
	  { NEVER },
	  { { 0, 0 } } },
	{ "when no machine is allowed: never",
	  ONE(0),
	  { { 0, 100, "a" } },
	  0,
	  { NEVER },
	  { { 0, 0 } } },
};

static void run_case(size_t i, const struct trace *trace, const struct settings *settings)
{
	struct rival_times times = RIVAL_DEFAULTS;
	SCOPED(outcome) struct outcome outcome = { 0 };
	struct error err;
	size_t lives = 0;

	if (cases[i].boot_s)
		times.boot = cases[i].boot_s;
	if (rival_run(trace, settings, &times, TRACE_EPOCH_S, &outcome, &err) < 0)
		fail_msg("%s: %s", cases[i].when, err.message);
	for (size_t t = 0; t < trace->count; t++) {
		int64_t start = outcome.tasks[t].started_s;
		int64_t got = start == NEVER ? NEVER : start - TRACE_EPOCH_S;

		if (got != cases[i].starts[t])
			fail_msg("%s: task %zu starts at %lld", cases[i].when, t, (long long)got);
	}
	while (lives < ARRAY_LEN(cases[i].lives) && cases[i].lives[lives].until_s)
		lives++;
	if (outcome.machine_count != lives)
		fail_msg("%s: %zu machines", cases[i].when, outcome.machine_count);
	for (size_t m = 0; m < lives; m++) {
		const struct machine_life *life = &outcome.machines[m];
		int64_t from = life->from_s - TRACE_EPOCH_S;
		int64_t until = life->until_s - TRACE_EPOCH_S;

		if (from != cases[i].lives[m].from_s || until != cases[i].lives[m].until_s)
			fail_msg("%s: machine %zu lives from %lld until %lld", cases[i].when, m,
				 (long long)from, (long long)until);
	}
}

static void test_cases_by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct settings settings;
		SCOPED(trace) struct trace trace = { 0 };
		size_t tasks = 0;

		while (tasks < ARRAY_LEN(cases[i].tasks) && cases[i].tasks[tasks].duration_s)
			tasks++;
		bench_trace(cases[i].tasks, tasks, &trace);
		bench_settings(cases[i].resources, cases[i].resources[1].name ? 2 : 1, &settings);
		run_case(i, &trace, &settings);
		bench_release(&settings);
	}
}

static void test_what_it_cannot_express(void **state)
{
	static const struct {
		struct bench_resource resource;
		const char *want;
	} refused[] = {
		{ { "r", { 0, 1 }, 2, 3, 1, 0 }, "resource r serves 2 queues" },
		{ { "r", { 0 }, 1, 3, 4, 0 }, "resource r has 4 seats" },
	};
	static const struct bench_task task = { 0, 1, "a" };
	struct rival_times times = RIVAL_DEFAULTS;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		static struct settings settings;
		SCOPED(trace) struct trace trace = { 0 };
		struct outcome outcome = { 0 };
		struct error err = { 0 };

		bench_trace(&task, 1, &trace);
		bench_settings(&refused[i].resource, 1, &settings);
		assert_int_equal(rival_run(&trace, &settings, &times, 0, &outcome, &err), -1);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		if (!strstr(err.message, refused[i].want))
			fail_msg("%s", err.message);
		bench_release(&settings);
	}
}

/* Every task starts once, on a machine that is up, and no machine runs two at once. */
static void require_sound(const struct outcome *outcome, const struct trace *trace)
{
	struct outcome_sum sum;
	int64_t work_s = 0;

	outcome_sum(outcome, OUTCOME_ALL, &sum);
	assert_int_equal(sum.unstarted, 0);
	for (size_t i = 0; i < trace->count; i++) {
		assert_true(outcome->tasks[i].started_s >= trace->arrivals[i].at_s);
		work_s += trace->arrivals[i].duration_s;
	}
	assert_int_equal(sum.busy_s, work_s);
	for (size_t m = 0; m < outcome->machine_count; m++) {
		const struct machine_life *life = &outcome->machines[m];

		assert_true(life->from_s < life->ready_s && life->ready_s <= life->until_s);
		assert_true(life->busy_s <= life->until_s - life->ready_s);
	}
}

static void test_random_traces_are_run_whole_and_above_the_bound(void **state)
{
	static const struct bench_resource resources[] = { { "r", { 0 }, 1, 2, 1, 0 },
							   { "s", { 0 }, 1, 1, 1, 0 },
							   { "t", { 1 }, 1, 3, 1, 0 } };
	static struct settings settings;
	struct rival_times times = RIVAL_DEFAULTS;
	uint64_t seed = 1;

	(void)state;
	bench_settings(resources, ARRAY_LEN(resources), &settings);
	for (size_t round = 0; round < 300; round++) {
		SCOPED(trace) struct trace trace = { 0 };
		SCOPED(outcome) struct outcome outcome = { 0 };
		struct outcome_sum sum;
		struct bound bound;
		struct error err;

		bench_random_trace(&seed, 40, 2, &trace);
		times.boot = 1 + bench_chance(&seed, 400);
		if (rival_run(&trace, &settings, &times, TRACE_EPOCH_S, &outcome, &err) < 0)
			fail_msg("round %zu: %s", round, err.message);
		require_sound(&outcome, &trace);
		outcome_sum(&outcome, OUTCOME_ALL, &sum);
		bound_find(&trace, &settings, times.boot, &bound);
		if (sum.instance_s < bound.work_s)
			fail_msg("round %zu: %lld s, below the bound %lld", round,
				 (long long)sum.instance_s, (long long)bound.work_s);
	}
	bench_release(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases_by_hand),
		cmocka_unit_test(test_what_it_cannot_express),
		cmocka_unit_test(test_random_traces_are_run_whole_and_above_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
