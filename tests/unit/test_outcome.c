/* outcome: the figures that people compare. */
#include "tests/unit/support/forecast_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_percentiles_are_the_nearest_rank(void **state)
{
	static const struct {
		const char *when;
		int64_t values[5];
		size_t count;
		unsigned percent;
		int64_t want;
	} cases[] = {
		{ "when there are none", { 0 }, 0, 95, 0 },
		{ "when there is one", { 7 }, 1, 50, 7 },
		{ "when the middle is between two: the lower", { 4, 1, 3, 2 }, 4, 50, 2 },
		{ "when the middle is one", { 5, 1, 4, 2, 3 }, 5, 50, 3 },
		{ "when 95 % are all but none", { 5, 1, 4, 2, 3 }, 5, 95, 5 },
		{ "when 80 % are four of five", { 5, 1, 4, 2, 3 }, 5, 80, 4 },
		{ "when 81 % are more than four", { 5, 1, 4, 2, 3 }, 5, 81, 5 },
		{ "when the greatest is asked for", { 9, 1, 4 }, 3, 100, 9 },
		{ "when the least is asked for", { 9, 1, 4 }, 3, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t values[5] = { cases[i].values[0], cases[i].values[1], cases[i].values[2],
				      cases[i].values[3], cases[i].values[4] };
		int64_t got = outcome_percentile(values, cases[i].count, cases[i].percent);

		if (got != cases[i].want)
			fail_msg("%s: got %lld", cases[i].when, (long long)got);
	}
}

/* Two tasks: one waits 60 s on a machine of two seats, one never starts. */
static void make_outcome(struct outcome *out)
{
	static const struct bench_task tasks[] = { { 0, 100, "a" }, { 50, 10, "b" } };
	SCOPED(trace) struct trace trace = { 0 };

	bench_trace(tasks, ARRAY_LEN(tasks), &trace);
	outcome_open(out, "it", &trace);
	out->tasks[0].started_s = TRACE_EPOCH_S + 60;
	out->tasks[0].ended_s = TRACE_EPOCH_S + 160;
	*outcome_add_machine(out) = (struct machine_life){ .from_s = TRACE_EPOCH_S,
							   .ready_s = TRACE_EPOCH_S + 60,
							   .until_s = TRACE_EPOCH_S + 3600,
							   .busy_s = 100,
							   .seats = 2,
							   .price = 500000 };
	*outcome_add_machine(out) = (struct machine_life){ .resource = 1,
							   .from_s = TRACE_EPOCH_S + 60,
							   .until_s = TRACE_EPOCH_S + 1860,
							   .seats = 1,
							   .price = 1000000 };
}

static void test_sums(void **state)
{
	SCOPED(outcome) struct outcome outcome = { 0 };
	struct outcome_sum sum;

	(void)state;
	make_outcome(&outcome);
	outcome_sum(&outcome, OUTCOME_ALL, &sum);
	assert_int_equal(sum.started, 1);
	assert_int_equal(sum.unstarted, 1);
	assert_int_equal(sum.failed, 0);
	assert_int_equal(sum.wait_p50_s, 60);
	assert_int_equal(sum.wait_max_s, 60);
	assert_int_equal(sum.launches, 2);
	assert_int_equal(sum.instance_s, 3600 + 1800);
	assert_int_equal(sum.seat_s, 2 * 3600 + 1800);
	assert_int_equal(sum.busy_s, 100);
	assert_int_equal(sum.money, 500000 + 500000);
	outcome_sum(&outcome, 1, &sum);
	assert_int_equal(sum.instance_s, 1800);
	assert_int_equal(sum.launches, 1);
	outcome.tasks[0].is_failed = true;
	outcome.machines[1].price = MONEY_UNKNOWN;
	outcome_sum(&outcome, OUTCOME_ALL, &sum);
	assert_true(sum.money == MONEY_UNKNOWN);
	assert_int_equal(sum.started, 1);
	assert_int_equal(sum.failed, 1);
	outcome_sum(&outcome, 0, &sum);
	assert_int_equal(sum.money, 500000);
}

static void require_steps(const struct outcome_step *steps, size_t count,
			  const struct outcome_step *want, size_t want_count)
{
	assert_int_equal(count, want_count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(steps[i].at_s - TRACE_EPOCH_S, want[i].at_s);
		assert_int_equal(steps[i].value, want[i].value);
	}
}

static void test_steps_over_time(void **state)
{
	static const struct outcome_step machines[] = {
		{ 0, 1 }, { 60, 2 }, { 1860, 1 }, { 3600, 0 }
	};
	static const struct outcome_step waiting[] = { { 0, 1 }, { 50, 2 }, { 60, 1 } };
	SCOPED(outcome) struct outcome outcome = { 0 };
	struct outcome_step *steps;

	(void)state;
	make_outcome(&outcome);
	size_t count = outcome_machines_over_time(&outcome, &steps);
	require_steps(steps, count, machines, ARRAY_LEN(machines));
	free(steps);
	count = outcome_waiting_over_time(&outcome, &steps);
	require_steps(steps, count, waiting, ARRAY_LEN(waiting));
	free(steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles_are_the_nearest_rank),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_steps_over_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
