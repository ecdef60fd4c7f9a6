/* ours: mayfly in the engine on small traces, and never below the bound. */
#include "reaper/forecast/ours.h"

#include "common/file.h"
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

/* It is begun on three machines, and each one's life is too short for it. */
static void test_a_task_that_is_longer_than_any_machine_lives(void **state)
{
	static const struct bench_resource resource = { "r", { 0 }, 1, 2, 1, 0 };
	static const struct bench_task tasks[] = { { 0, 4 * 3600, "a" }, { 0, 1800, "a" } };
	static struct settings settings;
	SCOPED(trace) struct trace trace = { 0 };
	SCOPED(outcome) struct outcome outcome = { 0 };
	struct outcome_sum sum;

	(void)state;
	make_settings(&resource, 1, &settings);
	settings.resources[0].ticket.limits.max_life_s = 3600;
	bench_trace(tasks, ARRAY_LEN(tasks), &trace);
	run(&settings, &trace, &outcome);
	outcome_sum(&outcome, OUTCOME_ALL, &sum);
	assert_int_equal(sum.started, 2);
	assert_int_equal(sum.unstarted, 0);
	assert_int_equal(sum.failed, 1);
	assert_true(outcome.tasks[0].is_failed && !outcome.tasks[1].is_failed);
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

enum { HOUR = 3600, DAY = 24 * HOUR, DOLLAR = 1000000, SOON = 300 };

/* The first day's task costs a bit more than a dollar, and the next comes three hours later. */
static void make_two_tasks(struct trace *out)
{
	static const struct trace_row rows[] = { { TRACE_EPOCH_S, HOUR, "a", "ann" },
						 { TRACE_EPOCH_S + 3 * HOUR, 60, "a", "ann" } };
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(trace_add(out, &rows[i], &err), 0);
	trace_sort(out);
}

static void test_budgets_stop_launches_until_the_clock_turns(void **state)
{
	static const struct bench_resource resource = { "r", { 0 }, 1, 2, 1, DOLLAR };
	static const struct {
		const char *when;
		struct budget total, resource, queue, user;
		const char *name; /* of the user with the budget */
		int64_t start_s; /* of the second task, at the earliest */
	} cases[] = {
		{ "when there is none", { 0 }, { 0 }, { 0 }, { 0 }, "ann", 3 * HOUR },
		{ "when the day's is spent", { .day = DOLLAR }, { 0 }, { 0 }, { 0 }, "ann", DAY },
		{ "when the day's is not spent",
		  { .day = 3 * DOLLAR },
		  { 0 },
		  { 0 },
		  { 0 },
		  "ann",
		  3 * HOUR },
		{ "when the hour's is enough for one",
		  { .hour = DOLLAR },
		  { 0 },
		  { 0 },
		  { 0 },
		  "ann",
		  3 * HOUR },
		{ "when the month's is spent",
		  { .month = DOLLAR },
		  { 0 },
		  { 0 },
		  { 0 },
		  "ann",
		  27 * DAY },
		{ "when the resource's is spent",
		  { 0 },
		  { .day = DOLLAR },
		  { 0 },
		  { 0 },
		  "ann",
		  DAY },
		{ "when the queue's is spent", { 0 }, { 0 }, { .day = DOLLAR }, { 0 }, "ann", DAY },
		{ "when the user's is spent",
		  { 0 },
		  { 0 },
		  { 0 },
		  { .day = DOLLAR / 2 },
		  "ann",
		  DAY },
		{ "when another user's would be",
		  { 0 },
		  { 0 },
		  { 0 },
		  { .day = DOLLAR / 2 },
		  "bob",
		  3 * HOUR },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct settings settings;
		SCOPED(trace) struct trace trace = { 0 };
		SCOPED(outcome) struct outcome outcome = { 0 };
		struct budget queues[3] = { cases[i].queue };
		struct user_budget user = { .budget = cases[i].user };

		make_settings(&resource, 1, &settings);
		make_two_tasks(&trace);
		text_cut(user.user, sizeof(user.user), cases[i].name);
		settings.budget = cases[i].total;
		settings.resources[0].budget = cases[i].resource;
		settings.queue_budgets = queues;
		settings.user_budgets = &user;
		settings.user_budget_count = 1;
		run(&settings, &trace, &outcome);
		int64_t started_s = outcome.tasks[1].started_s - TRACE_EPOCH_S;

		if (started_s < cases[i].start_s || started_s > cases[i].start_s + SOON)
			fail_msg("%s: the task starts after %lld s", cases[i].when,
				 (long long)started_s);
		bench_release(&settings);
	}
}

static void test_what_people_are_told_of_budgets(void **state)
{
	static const struct bench_resource resource = { "r", { 0 }, 1, 2, 1, DOLLAR };
	static const struct {
		const char *when;
		struct budget total;
		struct user_budget users[3];
		size_t user_count;
		const char *want;
	} cases[] = {
		{ "when there is none", { 0 }, { { { 0 }, { 0 } } }, 0, "" },
		{ "when there is one",
		  { .day = 1 },
		  { { { 0 }, { 0 } } },
		  0,
		  "budgets begin unspent" },
		{ "when it is of a user with tasks",
		  { 0 },
		  { { "ann", { .day = 1 } } },
		  1,
		  "budgets begin unspent" },
		{ "when some users have no task",
		  { 0 },
		  { { "bob", { .day = 1 } }, { "ann", { .day = 1 } }, { "eve", { .day = 1 } } },
		  3,
		  "budgets begin unspent; the trace has no task of these users with a budget: "
		  "bob, eve" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct settings settings;
		SCOPED(trace) struct trace trace = { 0 };
		SCOPED(outcome) struct outcome outcome = { 0 };
		struct user_budget users[3];

		make_settings(&resource, 1, &settings);
		make_two_tasks(&trace);
		memcpy(users, cases[i].users, sizeof(users));
		settings.budget = cases[i].total;
		settings.user_budgets = users;
		settings.user_budget_count = cases[i].user_count;
		run(&settings, &trace, &outcome);
		if (strcmp(outcome.remark, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].when, outcome.remark);
		bench_release(&settings);
	}
}

static void test_the_example_runs_all_tasks_within_its_budgets(void **state)
{
	static const char *const environment[] = { NULL };
	static struct settings settings;
	SCOPED(buf) struct buf text = BUF(TRACE_MAX_BYTES);
	SCOPED(trace) struct trace trace = { 0 };
	SCOPED(outcome) struct outcome outcome = { 0 };
	struct outcome_sum sum;
	struct error err;

	(void)state;
	if (settings_load_shape("templates/mayfly-reaper.example.json", environment, &settings,
				&err) < 0 ||
	    file_read("templates/traces/office.csv", &text, &err) < 0 ||
	    trace_parse(buf_slice(&text), &trace, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(settings.budget.month > 0);
	run(&settings, &trace, &outcome);
	outcome_sum(&outcome, OUTCOME_ALL, &sum);
	assert_int_equal(sum.started, trace.count);
	assert_true(sum.launches > 0);
	settings_release(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_task),
		cmocka_unit_test(test_a_queue_that_nothing_serves),
		cmocka_unit_test(test_a_task_that_is_longer_than_any_machine_lives),
		cmocka_unit_test(test_a_minimum_counts_until_the_last_task_has_ended),
		cmocka_unit_test(test_budgets_stop_launches_until_the_clock_turns),
		cmocka_unit_test(test_what_people_are_told_of_budgets),
		cmocka_unit_test(test_the_example_runs_all_tasks_within_its_budgets),
		cmocka_unit_test(test_more_seats_than_the_engine_has),
		cmocka_unit_test(test_random_traces_are_run_whole_and_above_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
