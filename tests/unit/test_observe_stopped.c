/* observe_lost: what ClearML's watchdog stopped. */
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

static const char *const one[] = { "m1", NULL };

/* ClearML's watchdog stopped it, hours after its machine had died. */
static void test_a_task_that_the_watchdog_stopped(void **state)
{
	static const struct {
		const char *when, *reason;
		enum instance_state state;
		const char *owner, *worker;
		int64_t age_s; /* of the stop */
		size_t lost;
		enum loss loss;
		enum verdict verdict; /* of a lost one, read again */
	} cases[] = {
		{ "its machine is terminated", VERDICT_FORCED_STOP, INSTANCE_TERMINATED, "m1/1",
		  "p:cpu:small:m1", 60, 1, LOSS_TERMINATED, VERDICT_RETURN },
		{ "and it had all its attempts", VERDICT_FORCED_STOP, INSTANCE_TERMINATED, "m1/7",
		  "p:cpu:small:m1", 60, 1, LOSS_TERMINATED, VERDICT_FAIL },
		{ "its machine runs, and sees to it", VERDICT_FORCED_STOP, INSTANCE_RUNNING, "m1/1",
		  "p:cpu:small:m1", 60, 0, LOSS_NOBODY, VERDICT_WAIT },
		{ "its cloud has just forgotten the machine", VERDICT_FORCED_STOP,
		  INSTANCE_TERMINATED, "m2/1", "p:cpu:small:m2", 5400, 0, LOSS_NOBODY,
		  VERDICT_WAIT },
		{ "its cloud has forgotten the machine for long", VERDICT_FORCED_STOP,
		  INSTANCE_TERMINATED, "m2/1", "p:cpu:small:m2", 5401, 1, LOSS_NOBODY,
		  VERDICT_RETURN },
		{ "it was another prefix's", VERDICT_FORCED_STOP, INSTANCE_TERMINATED, "m1/1",
		  "q:cpu:small:m1", 60, 0, LOSS_NOBODY, VERDICT_WAIT },
		{ "a person stopped it", "task was stopped by tasks.stop", INSTANCE_TERMINATED,
		  "m1/1", "p:cpu:small:m1", 60, 0, LOSS_NOBODY, VERDICT_WAIT },
		{ "nobody says why it stopped", "", INSTANCE_TERMINATED, "m1/1", "p:cpu:small:m1",
		  60, 0, LOSS_NOBODY, VERDICT_WAIT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, &cases[i].state);
		bench.task.status = TASK_STOPPED;
		SET(bench.task.owner, cases[i].owner);
		SET(bench.task.last_worker, cases[i].worker);
		SET(bench.task.status_reason, cases[i].reason);
		SET(bench.entry.task, OTHER);
		bench.task.last_update_ms = bench.seen.now_ms - cases[i].age_s * 1000;
		bench.task.status_changed_ms = bench.task.last_update_ms;
		observe_bench_sweep(&bench);
		if (bench.seen.lost_count != cases[i].lost)
			fail_msg("when %s: %zu", cases[i].when, bench.seen.lost_count);
		if (cases[i].lost) {
			const struct join_again again = { .prefix = "p",
							  .records = &bench.records };

			assert_int_equal(bench.seen.lost->loss, cases[i].loss);
			assert_int_equal(join_judge(bench.seen.lost, &bench.task, &again),
					 cases[i].verdict);
		}
		observe_bench_close(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_task_that_the_watchdog_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
