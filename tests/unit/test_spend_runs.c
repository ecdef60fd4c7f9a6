/* spend_runs: when a call is worth it; what it asks, and what comes of that, is in test_spend.c. */
#include "reaper/money/spend_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
		struct plan_world *world = plan_world_new(cases[i].waiting, 0);
		struct user_budget budget = { .budget = cases[i].budget };
		struct observed_user user = { .spent = { cases[i].spent, cases[i].spent } };

		world->settings.user_budgets = &budget;
		world->settings.user_budget_count = 1;
		world->seen.users = &user;
		world->seen.is_spend_known = !cases[i].is_unknown;
		plan_world_poison(world);
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
		bool is_hidden; /* from a list that is whole */
		int64_t age_s;
		unsigned barred;
		int64_t rate;
	} cases[] = {
		{ "boots", INSTANCE_PENDING, false, 60, 0, USD },
		{ "runs", INSTANCE_RUNNING, false, 3600, 0, USD },
		{ "is stopped", INSTANCE_STOPPED, false, 3600, 1, 0 },
		{ "powers off", INSTANCE_STOPPING, false, 3600, 1, 0 },
		{ "is gone", INSTANCE_TERMINATED, false, 3600, 1, 0 },
		{ "is in no list", INSTANCE_RUNNING, true, 601, 1, 0 },
		{ "is too young for the lists", INSTANCE_RUNNING, true, 600, 0, USD },
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
		machine->instance.launched_s = NOW_S - cases[i].age_s;
		machine->is_listed = !cases[i].is_hidden;
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

/* ---- what runs, and what it costs an hour ---- */

/* Lists that end where they end: under ASan one step past them is noticed. */
struct lists {
	struct plan_world *world;
	struct observed_machine *machines;
	struct user_budget *budget; /* ann's */
};

/* Each machine runs one task. */
static void lists_open(struct lists *lists, size_t machine_count)
{
	*lists = (struct lists){ .world = plan_world_new(1, 1),
				 .machines = memory_array(machine_count, sizeof(*lists->machines)),
				 .budget = memory_array(1, sizeof(*lists->budget)) };
	struct observation *seen = &lists->world->seen;

	plan_world_resource(lists->world, "first", 9, "cg");
	for (size_t m = 0; m < machine_count; m++) {
		lists->machines[m] = *plan_world_machine(lists->world, 0, 'w');
		lists->machines[m].record.task_count = 1;
		SET(lists->machines[m].record.tasks[0], m ? "t1" : "t0");
	}
	plan_world_poison(lists->world);
	SET(lists->budget->user, "ann");
	lists->world->settings.user_budgets = lists->budget;
	lists->world->settings.user_budget_count = 1;
	SET(seen->queues[0].id, "id of cpu");
	seen->machines = lists->machines;
	seen->users = memory_array(1, sizeof(*seen->users));
	seen->runs = NULL; /* made, and freed */
}

static void lists_close(struct lists *lists)
{
	free(lists->world->seen.users);
	free(lists->world->seen.runs);
	free(lists->machines);
	free(lists->budget);
	free(lists->world);
}

static void test_lists_what_runs_by_machine(void **state)
{
	struct lists lists;

	(void)state;
	lists_open(&lists, 3);
	SET(lists.machines[0].instance.id, "z");
	lists.machines[1].has_record = false;
	lists.machines[2].record.task_count = 2;
	SET(lists.machines[2].record.tasks[1], "t0");
	for (int twice = 0; twice < 2; twice++) {
		const struct observation *seen = &lists.world->seen;

		spend_runs_collect(&lists.world->seen);
		assert_int_equal(seen->run_count, 3);
		assert_string_equal(seen->runs[0].task, "t0");
		assert_string_equal(seen->runs[1].task, "t1");
		assert_int_equal(seen->runs[1].machine, 2);
		assert_string_equal(seen->runs[2].instance, "z");
	}
	lists_close(&lists);
}

/* ann's two tasks run, on a machine each. */
static void test_what_a_users_tasks_cost_an_hour(void **state)
{
	static const struct {
		const char *when;
		int64_t prices[2];
		unsigned seats; /* of the first machine */
		const char *user, *queue; /* of the first machine's task; the other is of "gpu" */
		int64_t rate, queue_rates[3];
	} cases[] = {
		{ "both are of one queue", { 3, 4 }, 1, "ann", "gpu", 7, { 0, 7, 0 } },
		{ "they are of two", { 3, 4 }, 1, "ann", "cpu", 7, { 3, 4, 0 } },
		{ "one is of a queue of others", { 3, 4 }, 1, "ann", "else", 7, { 0, 4, 0 } },
		{ "one is of another user", { 3, 4 }, 1, "bob", "gpu", 4, { 0, 7, 0 } },
		{ "one has half a machine", { 3, 4 }, 2, "ann", "gpu", 5, { 0, 5, 0 } },
		{ "the first price is not known",
		  { MONEY_UNKNOWN, 4 },
		  1,
		  "ann",
		  "gpu",
		  MONEY_UNKNOWN,
		  { 0, MONEY_UNKNOWN, 0 } },
		{ "the second price is not known",
		  { 3, MONEY_UNKNOWN },
		  1,
		  "ann",
		  "gpu",
		  MONEY_UNKNOWN,
		  { 0, MONEY_UNKNOWN, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct lists lists;

		lists_open(&lists, 2);
		struct observation *seen = &lists.world->seen;

		lists.machines[0].record.seats = cases[i].seats;
		spend_runs_collect(seen);
		for (size_t m = 0; m < 2; m++) {
			lists.machines[m].price = cases[i].prices[m];
			SET(seen->runs[m].user, m ? "ann" : cases[i].user);
			SET(seen->runs[m].queue, m ? "gpu" : cases[i].queue);
		}
		spend_runs_rate(&lists.world->settings, seen);
		if (seen->users[0].rate != cases[i].rate)
			fail_msg("when %s: %lld", cases[i].when, (long long)seen->users[0].rate);
		for (size_t q = 0; q < 3; q++)
			if (seen->queue_rate[q] != cases[i].queue_rates[q])
				fail_msg("when %s: %lld of queue %zu", cases[i].when,
					 (long long)seen->queue_rate[q], q);
		lists_close(&lists);
	}
}

/* Nothing more may be launched for ann today. */
static void test_what_waits_is_barred(void **state)
{
	static const struct {
		const char *when;
		const char *tasks[2], *queue, *user;
		unsigned barred; /* of the one that waits */
	} cases[] = {
		{ "it waits", { "t8" }, "id of cpu", "ann", 1 },
		{ "another one came since it was counted", { "t8", "t9" }, "id of cpu", "ann", 1 },
		{ "it is of another user", { "t8" }, "id of cpu", "bob", 0 },
		{ "it is of another queue", { "t8" }, "id of another", "ann", 0 },
		{ "it runs already", { "t1" }, "id of cpu", "ann", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct clearml_purposes queued = { 0 };
		struct lists lists;

		lists_open(&lists, 2);
		struct observation *seen = &lists.world->seen;

		lists.budget->budget.day = 5;
		seen->users[0].spent.day = 5;
		spend_runs_collect(seen);
		for (; queued.count < 2 && cases[i].tasks[queued.count]; queued.count++) {
			queued.list =
				memory_grow(queued.list, queued.count + 1, sizeof(*queued.list));
			struct clearml_purpose *task = &queued.list[queued.count];

			*task = (struct clearml_purpose){ .status = TASK_QUEUED };
			SET(task->task, cases[i].tasks[queued.count]);
			SET(task->queue, cases[i].queue);
			SET(task->user, cases[i].user);
		}
		spend_runs_bar_tasks(&lists.world->settings, seen, &queued);
		for (size_t q = 0; q < 4; q++)
			if (seen->queues[q].barred != (q ? 0 : cases[i].barred))
				fail_msg("when %s: %u of queue %zu", cases[i].when,
					 seen->queues[q].barred, q);
		clearml_purposes_release(&queued);
		lists_close(&lists);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when_it_is_asked_whose_tasks_wait),
		cmocka_unit_test(test_a_record_of_a_machine_that_has_ended),
		cmocka_unit_test(test_lists_what_runs_by_machine),
		cmocka_unit_test(test_what_a_users_tasks_cost_an_hour),
		cmocka_unit_test(test_what_waits_is_barred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
