/* spend: whom budgets of users mean, by id and by name. */
#include "reaper/money/spend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/money/money.h"
#include "reaper/observe.h"
#include "tests/unit/support/plan_world.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/spend_stand.h"
#include "tests/unit/support/talk.h"

/* A budget has the name, the tasks have the id. Who was known stays known when nobody answers. */
static void test_a_budget_by_name_counts_for_the_id(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(PURPOSE(TASK_A, "u7", QUEUE_A, "in_progress")),
		{ .endpoint = "users.get_all",
		  .data = "{\"users\":[{\"id\":\"u7\",\"name\":\"Ann Bee\"}]}" },
		ANSWER(PURPOSE(TASK_B, "u7", QUEUE_A, "queued")),
		{ .endpoint = "users.get_all", .status = 403, .subcode = 12, .message = "no" },
		ANSWER(""),
	};
	struct spend_stand stand;

	(void)state;
	spend_stand_open(&stand, steps, ARRAY_LEN(steps));
	spend_stand_machine(&stand, 0, HOUR, TASK_A);
	SET(stand.budget->user, "Ann Bee");
	stand.budget->budget.month = PRICE;
	spend_stand_look(&stand, NOW_S);
	assert_string_equal(stand.seen->problem, "");
	assert_string_equal(stand.seen->users[0].problem, "");
	assert_string_equal(stand.seen->users[0].id, "u7");
	assert_int_equal(stand.seen->users[0].spent.day, PRICE);
	assert_int_equal(stand.seen->users[0].rate, PRICE);
	check_sent(&stand.talk, FIRST + 2, "\"user\":[\"u7\"]");
	assert_int_equal(stand.seen->queues[0].barred, 1);
	spend_stand_write(&stand);
	spend_stand_ledger(&stand);
	spend_stand_look(&stand, NOW_S + HOUR);
	assert_string_equal(stand.seen->users[0].id, "u7");
	assert_string_equal(stand.seen->users[0].problem, "");
	assert_int_equal(stand.seen->users[0].spent.day, 2 * PRICE);
	spend_stand_close(&stand);
}

/* Each pass asks once; the total's budget holds on. */
static void test_a_budget_of_nobody_is_told_and_harms_no_other(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(PURPOSE(TASK_A, "ann", QUEUE_A, "in_progress")),
		{ .endpoint = "users.get_all", .data = "{\"users\":[{\"id\":\"ann\"}]}" },
		{ .endpoint = "users.get_all", .status = 500, .subcode = 1, .message = "no" },
	};
	struct spend_stand stand;
	struct plan plan;

	(void)state;
	spend_stand_open(&stand, steps, ARRAY_LEN(steps));
	spend_stand_machine(&stand, 0, HOUR, TASK_A);
	SET(stand.budget->user, "Carl");
	stand.budget->budget.day = 1;
	stand.world->settings.budget.day = PRICE;
	for (unsigned pass = 0; pass < 2; pass++) {
		spend_stand_look(&stand, NOW_S);
		assert_true(stand.seen->is_spend_known);
		assert_non_null(strstr(stand.seen->users[0].problem, "limits nobody"));
		assert_int_equal(stand.seen->users[0].spent.day, 0);
		assert_int_equal(stand.seen->queues[0].barred, 0);
		plan_make(stand.seen, &stand.world->settings, &plan);
		assert_int_equal(plan.launch_count, 0);
		plan_release(&plan);
		spend_stand_write(&stand);
	}
	spend_stand_close(&stand);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_budget_by_name_counts_for_the_id),
		cmocka_unit_test(test_a_budget_of_nobody_is_told_and_harms_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
