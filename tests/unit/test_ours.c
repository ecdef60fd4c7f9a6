/* ours: mayfly in the engine on small traces, and never below the bound. */
#include "reaper/forecast/ours.h"

#include "reaper/forecast/bound.h"
#include "tests/unit/support/forecast_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { BOOT = 100, IDLE = 300 };

/* What the machines' tickets say by default. */
static void make_settings(const struct bench_resource *resources, size_t count,
			  struct settings *out)
{
	bench_settings(resources, count, out);
	bench_defaults(out, IDLE);
}

static void run(const struct settings *settings, const struct trace *trace, struct outcome *out)
{
	struct error err;

	if (ours_run(trace, settings, TRACE_EPOCH_S, BOOT, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void test_one_task(void **state)
{
	static const struct bench_resource resource = { "r", { 0 }, 1, 2, 1, 3600000000 };
	static const struct bench_task task = { 30, 200, "a" };
	static struct settings settings;
	SCOPED(trace) struct trace trace = { 0 };
	SCOPED(outcome) struct outcome outcome = { 0 };
	struct outcome_sum sum;

	(void)state;
	make_settings(&resource, 1, &settings);
	bench_trace(&task, 1, &trace);
	run(&settings, &trace, &outcome);
	assert_int_equal(outcome.machine_count, 1);
	const struct machine_life *life = &outcome.machines[0];
	const struct task_life *lived = &outcome.tasks[0];

	/* The pass at 60 launches, the machine boots; it ends when it has been idle for so long. */
	assert_int_equal(life->from_s - TRACE_EPOCH_S, 60);
	assert_true(life->ready_s >= life->from_s + BOOT &&
		    life->ready_s <= life->from_s + BOOT + 5);
	assert_true(lived->started_s >= life->ready_s && lived->started_s <= life->ready_s + 5);
	assert_true(lived->ended_s >= lived->started_s + 200 &&
		    lived->ended_s <= lived->started_s + 205);
	assert_true(life->until_s >= lived->ended_s + IDLE &&
		    life->until_s <= lived->ended_s + IDLE + 60);
	outcome_sum(&outcome, OUTCOME_ALL, &sum);
	assert_true(sum.busy_s >= 200 && sum.busy_s <= 206);
	assert_int_equal(sum.money, (life->until_s - life->from_s) * 1000000);
	bench_release(&settings);
}

static void test_a_queue_that_nothing_serves(void **state)
{
	static const struct bench_resource resource = { "r", { 0 }, 1, 2, 1, 0 };
	static const struct bench_task tasks[] = { { 0, 10, "a" }, { 0, 10, "nowhere" } };
	static struct settings settings;
	SCOPED(trace) struct trace trace = { 0 };
	SCOPED(outcome) struct outcome outcome = { 0 };
	struct outcome_sum sum;

	(void)state;
	make_settings(&resource, 1, &settings);
	bench_trace(tasks, ARRAY_LEN(tasks), &trace);
	run(&settings, &trace, &outcome);
	outcome_sum(&outcome, OUTCOME_ALL, &sum);
	assert_int_equal(sum.started, 1);
	assert_int_equal(sum.unstarted, 1);
	assert_int_equal(outcome.tasks[1].started_s, -1);
	bench_release(&settings);
}

static void test_a_minimum_counts_until_the_last_task_has_ended(void **state)
{
	static const struct bench_resource resource = { "r", { 0 }, 1, 2, 1, 0 };
	static const struct bench_task tasks[] = { { 600, 10, "a" }, { 5000, 10, "a" } };
	static struct settings settings;
	SCOPED(trace) struct trace trace = { 0 };
	SCOPED(outcome) struct outcome outcome = { 0 };
	struct outcome_sum sum;

	(void)state;
	make_settings(&resource, 1, &settings);
	settings.resources[0].min_instances = 1;
	bench_trace(tasks, ARRAY_LEN(tasks), &trace);
	run(&settings, &trace, &outcome);
	outcome_sum(&outcome, OUTCOME_ALL, &sum);
	assert_int_equal(sum.launches, 1);
	assert_int_equal(sum.started, 2);
	assert_true(sum.wait_max_s <= 15); /* it was there already */
	assert_int_equal(outcome.machines[0].until_s, outcome.tasks[1].ended_s);
	bench_release(&settings);
}

static void test_more_seats_than_the_engine_has(void **state)
{
	static const struct bench_resource resource = { "r", { 0 }, 1, 2, 9, 0 };
	static const struct bench_task task = { 0, 10, "a" };
	static struct settings settings;
	SCOPED(trace) struct trace trace = { 0 };
	struct outcome outcome = { 0 };
	struct error err = { 0 };

	(void)state;
	make_settings(&resource, 1, &settings);
	bench_trace(&task, 1, &trace);
	assert_int_equal(ours_run(&trace, &settings, TRACE_EPOCH_S, BOOT, &outcome, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_string_equal(err.message, "resource r has 9 seats, simulate takes 8 at most");
	bench_release(&settings);
}

static void test_random_traces_are_run_whole_and_above_the_bound(void **state)
{
	static const struct bench_resource worlds[][3] = {
		{ { "r", { 0 }, 1, 3, 1, 0 },
		  { "s", { 1 }, 1, 2, 1, 0 },
		  { "t", { 1 }, 1, 1, 1, 0 } },
		{ { "r", { 0, 1 }, 2, 2, 2, 0 },
		  { "s", { 1 }, 1, 2, 1, 0 },
		  { "t", { 0 }, 1, 1, 4, 0 } },
	};
	uint64_t seed = 3;

	(void)state;
	for (size_t round = 0; round < 120; round++) {
		static struct settings settings;
		SCOPED(trace) struct trace trace = { 0 };
		SCOPED(outcome) struct outcome outcome = { 0 };
		struct outcome_sum sum;
		struct bound bound;

		make_settings(worlds[round % ARRAY_LEN(worlds)], 3, &settings);
		bench_random_trace(&seed, 30, 2, &trace);
		run(&settings, &trace, &outcome);
		outcome_sum(&outcome, OUTCOME_ALL, &sum);
		assert_int_equal(sum.unstarted, 0);
		bound_find(&trace, &settings, BOOT, &bound);
		if (sum.instance_s < bound.work_s)
			fail_msg("round %zu: %lld s, below the bound %lld", round,
				 (long long)sum.instance_s, (long long)bound.work_s);
		for (size_t m = 0; m < outcome.machine_count; m++) {
			const struct machine_life *life = &outcome.machines[m];

			assert_true(life->busy_s <=
				    (life->until_s - life->ready_s + 1) * life->seats);
		}
		bench_release(&settings);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_task),
		cmocka_unit_test(test_a_queue_that_nothing_serves),
		cmocka_unit_test(test_a_minimum_counts_until_the_last_task_has_ended),
		cmocka_unit_test(test_more_seats_than_the_engine_has),
		cmocka_unit_test(test_random_traces_are_run_whole_and_above_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
