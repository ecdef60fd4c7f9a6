/* observe_lost: a lost task once more, before anything is done, and with which reason. */
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

static void test_the_reason_of_a_return(void **state)
{
	static const struct {
		const char *when;
		enum loss loss;
		const char *owner, *reason;
	} cases[] = {
		{ "its machine is gone", LOSS_TERMINATED, "m1/2", "infra:terminated (m1/2)" },
		{ "its machine has it no more", LOSS_UNLISTED, "m1/2", "infra:unlisted (m1/2)" },
		{ "nobody ever had it", LOSS_NOBODY, "", "infra:lost" },
		{ "an earlier owner's name is on it", LOSS_NOBODY, "m1/2", "infra:lost (m1/2)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observed_task lost = { .loss = cases[i].loss, .attempt = 2 };
		char reason[CLEARML_REASON_ROOM], instance[TICKET_FIELD_ROOM];
		unsigned attempt;

		SET(lost.instance, "m1");
		SET(lost.task.owner, cases[i].owner);
		join_reason(&lost, reason);
		if (strcmp(reason, cases[i].reason) != 0)
			fail_msg("when %s: %s", cases[i].when, reason);
		/* Popped again, it is not taken for the one who had it before. */
		lost.task.status = TASK_QUEUED;
		SET(lost.task.status_reason, reason);
		assert_false(join_holder(&lost.task, "p", instance, &attempt));
	}
}

/* m1 lost the task, popped and never started, of attempt 2. */
static void test_it_is_judged_by_what_is_read_again(void **state)
{
	static const struct {
		const char *when;
		enum loss loss;
		const char *owner; /* now */
		const char *phase, *listed; /* of m1's record now; "": none */
		int64_t age_s; /* of that record */
		bool is_in_queue, is_run_by_other, has_changed;
		enum verdict verdict;
	} cases[] = {
		{ "its machine is gone", LOSS_TERMINATED, "m1/2", "", "", 0, false, false, false,
		  VERDICT_RETURN },
		{ "another owner signed it", LOSS_TERMINATED, "m2/3", "", "", 0, false, false,
		  false, VERDICT_HANDS_OFF },
		{ "it is in a queue", LOSS_TERMINATED, "m1/2", "", "", 0, true, false, false,
		  VERDICT_HANDS_OFF },
		{ "another worker runs it", LOSS_TERMINATED, "m1/2", "", "", 0, false, true, false,
		  VERDICT_HANDS_OFF },
		{ "it had all its attempts", LOSS_TERMINATED, "m1/7", "", "", 0, false, false,
		  false, VERDICT_FAIL },
		{ "its machine still does not list it", LOSS_UNLISTED, "m1/2", "serve", "", 2,
		  false, false, false, VERDICT_RETURN },
		{ "its machine lists it after all", LOSS_UNLISTED, "m1/2", "serve", TASK, 2, false,
		  false, false, VERDICT_HANDS_OFF },
		{ "its machine restarts", LOSS_UNLISTED, "m1/2", "prove", "", 2, false, false,
		  false, VERDICT_HANDS_OFF },
		{ "its machine fell silent", LOSS_UNLISTED, "m1/2", "serve", "", 120, false, false,
		  false, VERDICT_HANDS_OFF },
		{ "nobody has it", LOSS_NOBODY, "", "serve", "", 2, false, false, false,
		  VERDICT_RETURN },
		{ "somebody has just signed it", LOSS_NOBODY, "m1/1", "serve", "", 2, false, false,
		  false, VERDICT_HANDS_OFF },
		{ "somebody lists it, and has not signed it", LOSS_NOBODY, "", "serve", TASK, 2,
		  false, false, false, VERDICT_HANDS_OFF },
		{ "it was put back and popped again", LOSS_NOBODY, "", "", "", 0, false, false,
		  true, VERDICT_HANDS_OFF },
		{ "a plain agent reports it", LOSS_NOBODY, "", "", "", 0, false, true, false,
		  VERDICT_HANDS_OFF },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;
		struct join_again again = { "p", NOW_MS, NULL, cases[i].is_in_queue,
					    cases[i].is_run_by_other };
		struct observed_task lost = { .loss = cases[i].loss,
					      .attempt = 2,
					      .max_attempts = 7 };

		observe_bench_open(&bench, one, NULL);
		lost.task = bench.task;
		SET(lost.instance, cases[i].loss == LOSS_NOBODY ? "" : "m1");
		SET(lost.task.owner, cases[i].loss == LOSS_NOBODY ? "" : "m1/2");
		SET(bench.task.owner, cases[i].owner);
		bench.task.status_changed_ms = cases[i].has_changed;
		if (*cases[i].phase) {
			struct machine_record *record =
				observe_bench_record(&bench, "m1", cases[i].phase, cases[i].age_s);

			SET(record->tasks[0], cases[i].listed);
			record->task_count = *cases[i].listed != '\0';
		}
		(void)observe_bench_record(&bench, "m2", "serve", 2);
		/* Past the list: it says nothing. */
		SET(observe_bench_record(&bench, "m1", "serve", 2)->tasks[0], TASK);
		bench.list[--bench.records.count].task_count = 1;
		again.records = &bench.records;
		if (join_judge(&lost, &bench.task, &again) != cases[i].verdict)
			fail_msg("when %s: %s", cases[i].when,
				 verdict_name(join_judge(&lost, &bench.task, &again)));
		observe_bench_close(&bench);
	}
}

static void test_whether_a_task_stands_in_a_queue(void **state)
{
	struct clearml_entry entries[] = { { .task = TASK }, { .task = OTHER } };
	struct clearml_queue list[] = { { .entry_count = 0 },
					{ .entries = entries, .entry_count = 2 } };
	struct clearml_queues queues = { .list = list, .count = 2 };

	(void)state;
	assert_true(join_is_queued(&queues, TASK));
	assert_true(join_is_queued(&queues, OTHER));
	assert_false(join_is_queued(&queues, QUEUE));
	list[1].entry_count = 1;
	assert_false(join_is_queued(&queues, OTHER));
	queues.count = 1;
	assert_false(join_is_queued(&queues, TASK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_reason_of_a_return),
		cmocka_unit_test(test_it_is_judged_by_what_is_read_again),
		cmocka_unit_test(test_whether_a_task_stands_in_a_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
