/* spend_runs: when a call is worth it; what it asks, and what comes of that, is in test_spend.c. */
#include "reaper/money/spend_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/support/plan_world.h"

static void test_when_it_is_asked_whose_tasks_wait(void **state)
{
	static const struct {
		const char *when;
		struct budget budget; /* of an hour, a day, a month */
		int64_t spent;
		unsigned waiting;
		bool is_unknown; /* what was spent */
		bool is_asked;
	} cases[] = {
		{ "there is no limit", { 0 }, 5, 1, false, false },
		{ "an hour has a limit", { .hour = 9 }, 5, 1, false, true },
		{ "an hour has a limit, and nothing waits", { .hour = 9 }, 5, 0, false, false },
		{ "a day's limit is not reached", { .day = 9 }, 5, 1, false, false },
		{ "a day's limit is reached", { .day = 5 }, 5, 1, false, true },
		{ "a day's limit is reached, and nothing waits", { .day = 5 }, 5, 0, false, false },
		{ "a month's limit is reached", { .month = 5 }, 5, 1, false, true },
		{ "a day has a limit, and nothing is counted", { .day = 9 }, 5, 1, true, true },
		{ "a month has a limit, and nothing is counted", { .month = 9 }, 5, 1, true, true },
		{ "there is no limit, and nothing is counted", { 0 }, 5, 1, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, cases[i].waiting);
		struct user_budget budget = { .budget = cases[i].budget };
		struct observed_user user = { .spent = { cases[i].spent, cases[i].spent } };

		world->settings.user_budgets = &budget;
		world->settings.user_budget_count = 1;
		world->seen.users = &user;
		world->seen.is_spend_known = !cases[i].is_unknown;
		if (spend_runs_is_anyone_watched(&world->settings, &world->seen) !=
		    cases[i].is_asked)
			fail_msg("when %s", cases[i].when);
		free(world);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when_it_is_asked_whose_tasks_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
