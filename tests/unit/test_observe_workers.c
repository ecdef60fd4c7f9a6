/* observe_workers: records of machines that are gone, and tasks that two say they run. */
#include "reaper/observe_join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/observe_bench.h"

static const char *const two[] = { "m1", "m2", NULL };

static void test_ghosts(void **state)
{
	static const struct {
		const char *when, *worker;
		enum instance_state state;
		bool is_listed, is_ghost;
		int64_t age_s; /* of its report; 0: 61 */
	} cases[] = {
		{ "its machine is seen terminated", "p:cpu:small:m1", INSTANCE_TERMINATED, true,
		  true, 0 },
		{ "it is one seat of such a machine", "p:cpu:small:m1:3", INSTANCE_TERMINATED, true,
		  true, 0 },
		{ "it is a machine record, which ends by itself", "p:cpu:small:m1:bootstrap",
		  INSTANCE_TERMINATED, true, false, 0 },
		{ "its machine is on its way out", "p:cpu:small:m1", INSTANCE_STOPPING, true, false,
		  0 },
		{ "its machine runs", "p:cpu:small:m1", INSTANCE_RUNNING, true, false, 0 },
		{ "nobody lists its machine", "p:cpu:small:m1", INSTANCE_TERMINATED, false, false,
		  0 },
		{ "its machine is unknown", "p:cpu:small:m9", INSTANCE_TERMINATED, true, false, 0 },
		{ "it is another prefix's", "q:cpu:small:m1", INSTANCE_TERMINATED, true, false, 0 },
		{ "it is nobody's", "m1", INSTANCE_TERMINATED, true, false, 0 },
		{ "it still reports", "p:cpu:small:m1", INSTANCE_TERMINATED, true, false, 60 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum instance_state states[] = { cases[i].state, INSTANCE_RUNNING };
		struct observe_bench bench;

		observe_bench_open(&bench, two, states);
		bench.seen.machines[0].is_listed = cases[i].is_listed;
		observe_bench_worker(&bench, cases[i].worker, TASK,
				     cases[i].age_s ? cases[i].age_s : 61);
		(void)observe_bench_join(&bench);
		if (bench.seen.ghost_count != cases[i].is_ghost)
			fail_msg("when %s: %zu", cases[i].when, bench.seen.ghost_count);
		if (cases[i].is_ghost) {
			assert_string_equal(bench.seen.ghosts[0].worker, cases[i].worker);
			assert_string_equal(bench.seen.ghosts[0].instance, "m1");
		}
		observe_bench_close(&bench);
	}
}

/* m1's record lists the task. */
static void test_two_run_a_task(void **state)
{
	static const struct {
		const char *when;
		const char *listed_by_m2; /* "": m2 has no record */
		enum instance_state state; /* of m2 */
		const char *worker; /* "": nobody else */
		int64_t age_s; /* of the worker's report */
		const char *other; /* whose name is told beside m1's; "": none */
	} cases[] = {
		{ "two machines list it", TASK, INSTANCE_RUNNING, "", 0, "p:cpu:small:m2" },
		{ "they list different ones", OTHER, INSTANCE_RUNNING, "", 0, "" },
		{ "one of the two is on its way out", TASK, INSTANCE_STOPPING, "", 0, "" },
		{ "a plain agent runs it", "", INSTANCE_RUNNING, "box:0", 60, "box:0" },
		{ "a plain agent said so a while ago", "", INSTANCE_RUNNING, "box:0", 61, "" },
		{ "m1's own agent reports it", "", INSTANCE_RUNNING, "p:cpu:small:m1", 5, "" },
		{ "another machine's agent does, whose record has ended", "", INSTANCE_RUNNING,
		  "p:cpu:small:m2", 5, "p:cpu:small:m2" },
		{ "another machine's agent did, whose record lists another", OTHER,
		  INSTANCE_RUNNING, "p:cpu:small:m2", 5, "" },
		{ "a machine is gone, and its agent's record is not", "", INSTANCE_TERMINATED,
		  "p:cpu:small:m2", 5, "" },
		{ "another prefix's agent does", "", INSTANCE_RUNNING, "q:cpu:small:m2", 5,
		  "q:cpu:small:m2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum instance_state states[] = { INSTANCE_RUNNING, cases[i].state };
		struct observe_bench bench;

		observe_bench_open(&bench, two, states);
		struct machine_record *record = observe_bench_record(&bench, "m1", "serve", 2);
		SET(record->tasks[0], TASK);
		record->task_count = 1;
		if (*cases[i].listed_by_m2) {
			record = observe_bench_record(&bench, "m2", "serve", 2);
			SET(record->tasks[0], cases[i].listed_by_m2);
			record->task_count = 1;
		}
		if (*cases[i].worker)
			observe_bench_worker(&bench, cases[i].worker, TASK, cases[i].age_s);
		(void)observe_bench_join(&bench);
		if (bench.seen.double_count != (*cases[i].other != '\0'))
			fail_msg("when %s: %zu", cases[i].when, bench.seen.double_count);
		if (*cases[i].other) {
			assert_string_equal(bench.seen.doubles[0].task, TASK);
			assert_string_equal(bench.seen.doubles[0].workers[0], "p:cpu:small:m1");
			assert_string_equal(bench.seen.doubles[0].workers[1], cases[i].other);
		}
		observe_bench_close(&bench);
	}
}

static void test_what_strangers_run_is_theirs(void **state)
{
	struct observe_bench bench;

	(void)state;
	observe_bench_open(&bench, two, NULL);
	observe_bench_worker(&bench, "box:0", TASK, 5);
	observe_bench_worker(&bench, "box:1", TASK, 5);
	observe_bench_worker(&bench, "box:2", "", 5);
	observe_bench_worker(&bench, "box:3", "", 5);
	(void)observe_bench_join(&bench);
	assert_int_equal(bench.seen.double_count, 0);
	observe_bench_close(&bench);
}

static void test_a_task_of_three_is_told_once(void **state)
{
	struct observe_bench bench;

	(void)state;
	observe_bench_open(&bench, two, NULL);
	observe_bench_worker(&bench, "box:0", TASK, 5);
	observe_bench_worker(&bench, "p:cpu:small:m1", TASK, 5);
	observe_bench_worker(&bench, "p:cpu:small:m2", TASK, 5);
	(void)observe_bench_join(&bench);
	assert_int_equal(bench.seen.double_count, 1);
	assert_string_equal(bench.seen.doubles[0].workers[0], "box:0");
	assert_string_equal(bench.seen.doubles[0].workers[1], "p:cpu:small:m1");
	observe_bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ghosts),
		cmocka_unit_test(test_two_run_a_task),
		cmocka_unit_test(test_what_strangers_run_is_theirs),
		cmocka_unit_test(test_a_task_of_three_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
