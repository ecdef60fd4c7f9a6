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

/* A task that is queued, and that a record names still: popped just now, or its machine is gone. */
static void test_a_record_of_a_machine_that_has_ended(void **state)
{
	static const struct {
		const char *machine;
		enum instance_state state;
		unsigned barred;
		int64_t rate;
	} cases[] = {
		{ "boots", INSTANCE_PENDING, 0, USD },	  { "runs", INSTANCE_RUNNING, 0, USD },
		{ "is stopped", INSTANCE_STOPPED, 1, 0 }, { "powers off", INSTANCE_STOPPING, 1, 0 },
		{ "is gone", INSTANCE_TERMINATED, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct user_budget budget = { .user = "u1", .budget = { .day = 5 } };
		struct observed_user user = { .spent = { 5, 5 }, .id = "u1" };
		struct clearml_purpose task = { .task = "t1", .user = "u1", .queue = "q1" };

		world->settings.user_budgets = &budget;
		world->settings.user_budget_count = 1;
		world->seen.users = &user;
		SET(world->seen.queues[0].id, "q1");
		plan_world_resource(world, "small", 3, "c");
		struct observed_machine *machine = plan_world_machine(world, 0, 'w');

		machine->instance.state = cases[i].state;
		machine->price = USD;
		world->runs[0] = (struct observed_run){ .task = "t1", .user = "u1" };
		world->seen.run_count = 1;
		spend_runs_rate(&world->settings, &world->seen);
		spend_runs_bar_tasks(&world->settings, &world->seen,
				     &(struct clearml_purposes){ &task, 1 });
		if (world->seen.queues[0].barred != cases[i].barred || user.rate != cases[i].rate)
			fail_msg("it %s: %u barred, %lld an hour", cases[i].machine,
				 world->seen.queues[0].barred, (long long)user.rate);
		free(world);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when_it_is_asked_whose_tasks_wait),
		cmocka_unit_test(test_a_record_of_a_machine_that_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
