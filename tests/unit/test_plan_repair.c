/* plan repairs: lost tasks are given back on proof, ghosts are unregistered; both seen twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/plan.h"
#include "tests/unit/support/plan_world.h"

#define TASK "0123456789abcdef0123456789abcdef"

static void lose(struct plan_world *world, enum loss loss, enum task_status status)
{
	struct observed_task *lost = &world->lost[world->seen.lost_count++];

	*lost = (struct observed_task){ .loss = loss, .attempt = 1, .max_attempts = 3 };
	lost->task.status = status;
	SET(lost->task.id, TASK);
	if (loss != LOSS_NOBODY)
		SET(lost->instance, "local-a");
}

static void add_mark(struct plan_world *world, const char *what, int ago_s)
{
	struct mark *mark = &world->marks[world->seen.mark_count++];

	SET(mark->what, what);
	mark->first_s = NOW_S - ago_s;
}

static void test_gives_back_what_a_dead_machine_had(void **state)
{
	static const struct {
		const char *when;
		enum task_status status;
		bool is_in_queue;
		unsigned attempt;
		size_t repairs;
		enum verdict verdict;
	} cases[] = {
		{ "it was running", TASK_IN_PROGRESS, false, 1, 1, VERDICT_RETURN },
		{ "it was popped and never started", TASK_QUEUED, false, 1, 1, VERDICT_RETURN },
		{ "it waits in its queue again", TASK_QUEUED, true, 1, 0, VERDICT_WAIT },
		{ "it was the last attempt", TASK_IN_PROGRESS, false, 3, 1, VERDICT_FAIL },
		{ "it is completed", TASK_COMPLETED, false, 1, 1, VERDICT_STANDS },
		{ "a person reset it", TASK_CREATED, false, 1, 0, VERDICT_WAIT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;
		char mark[64] = "task orphaned by local-a/1 " TASK;

		plan_world_resource(world, "first", 3, "c");
		lose(world, LOSS_TERMINATED, cases[i].status);
		world->lost[0].is_in_queue = cases[i].is_in_queue;
		world->lost[0].attempt = cases[i].attempt;
		mark[strlen("task orphaned by local-a/")] = (char)('0' + cases[i].attempt);
		plan_world_plan(world, &plan);
		if (plan.repair_count != cases[i].repairs ||
		    (plan.repair_count && plan.repairs[0].verdict != cases[i].verdict))
			fail_msg("when %s: %zu repairs", cases[i].when, plan.repair_count);
		assert_true(!plan.repair_count || !plan.repairs[0].is_due);
		assert_int_equal(plan.mark_count, plan.repair_count);
		if (plan.mark_count)
			assert_string_equal(plan.marks[0].what, mark);
		plan_release(&plan);

		add_mark(world, mark, 60);
		plan_world_plan(world, &plan);
		assert_true(!plan.repair_count || plan.repairs[0].is_due);
		plan_release(&plan);
		world->seen.tasks_known = false;
		plan_world_plan(world, &plan);
		assert_int_equal(plan.repair_count, 0);
		plan_release(&plan);
		free(world);
	}
}

static void test_the_second_look_is_at_the_same_loss(void **state)
{
	static const struct {
		const char *when, *mark;
		int ago_s;
		bool is_due;
	} cases[] = {
		{ "it was seen", "task orphaned by local-a/1 " TASK, 60, true },
		{ "it was seen just now", "task orphaned by local-a/1 " TASK, 59, false },
		{ "it was lost by another", "task orphaned by local-b/1 " TASK, 60, false },
		{ "it was lost in an earlier attempt", "task orphaned by local-a/0 " TASK, 60,
		  false },
		{ "it was lost in another way", "task unlisted by local-a/1 " TASK, 60, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 3, "c");
		lose(world, LOSS_TERMINATED, TASK_IN_PROGRESS);
		add_mark(world, cases[i].mark, cases[i].ago_s);
		plan_world_plan(world, &plan);
		if (plan.repair_count != 1 || plan.repairs[0].is_due != cases[i].is_due)
			fail_msg("when %s", cases[i].when);
		plan_release(&plan);
		free(world);
	}
}

static void test_a_task_that_its_living_owner_does_not_list(void **state)
{
	static const struct {
		const char *when;
		char kind;
		int marked_s, report_s; /* how long ago */
		bool is_owner_another, is_memory_lost, are_workers_known;
		size_t repairs;
		bool is_due;
	} cases[] = {
		{ "the first look", 'i', -1, 5, 0, 0, 1, 1, false },
		{ "a second look too soon", 'i', 59, 5, 0, 0, 1, 1, false },
		{ "it has reported since", 'i', 60, 5, 0, 0, 1, 1, true },
		{ "it has reported right after", 'i', 60, 59, 0, 0, 1, 1, true },
		{ "it has not reported since", 'i', 60, 60, 0, 0, 1, 1, false },
		{ "its record has gone", 's', 60, 5, 0, 0, 1, 1, false },
		{ "nobody knows its owner", 'i', 60, 5, 1, 0, 1, 1, false },
		{ "ClearML has lost its memory", 'i', 60, 5, 0, 1, 1, 0, false },
		{ "the records could not be read", 'i', 60, 5, 0, 0, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		struct observed_machine *machine = plan_world_machine(world, 0, cases[i].kind);
		machine->last_report_ms = (int64_t)(NOW_S - cases[i].report_s) * 1000;
		if (cases[i].is_memory_lost) {
			plan_world_machine(world, 0, 's');
			plan_world_machine(world, 0, 's');
		}
		lose(world, LOSS_UNLISTED, TASK_IN_PROGRESS);
		if (cases[i].is_owner_another)
			SET(world->lost[0].instance, "poison");
		world->seen.workers_known = cases[i].are_workers_known;
		if (cases[i].marked_s >= 0)
			add_mark(world,
				 cases[i].is_owner_another ? "task unlisted by poison/1 " TASK :
							     "task unlisted by local-a/1 " TASK,
				 cases[i].marked_s);
		plan_world_plan(world, &plan);
		if (plan.repair_count != cases[i].repairs ||
		    (plan.repair_count && plan.repairs[0].is_due != cases[i].is_due))
			fail_msg("when %s", cases[i].when);
		plan_release(&plan);
		free(world);
	}
}

static void test_a_task_of_nobody_waits_for_everybody_to_speak(void **state)
{
	static const struct {
		const char *when;
		const char *machines; /* of the first resource, which serves its queue */
		const char *others; /* of one that does not */
		int marked_s, report_s, launched_s;
		size_t queue;
		bool is_gone; /* its resource is configured no more */
		bool is_listed; /* the other resource's list */
		bool is_due;
	} cases[] = {
		{ "the first look", "", "", -1, 0, 3600, 0, 0, 1, false },
		{ "a look too soon", "", "", 119, 0, 3600, 0, 0, 1, false },
		{ "nobody is there", "", "", 120, 0, 3600, 0, 0, 1, true },
		{ "all have spoken", "iwd", "", 120, 119, 3600, 0, 0, 1, true },
		{ "one has not spoken since", "i", "", 120, 120, 3600, 0, 0, 1, false },
		{ "one has no record", "is", "", 120, 5, 3600, 0, 0, 1, false },
		{ "one boots since before", "b", "", 120, 5, 120, 0, 0, 1, false },
		{ "one boots since after", "b", "", 120, 5, 119, 0, 0, 1, true },
		{ "a terminated one says nothing", "t", "", 120, 5, 3600, 0, 0, 1, true },
		{ "a silent one serves other queues", "", "s", 120, 5, 3600, 0, 0, 1, true },
		{ "nobody knows its queue", "", "s", 120, 5, 3600, 2, 0, 1, false },
		{ "a silent one's queues are not known", "s", "", 120, 5, 3600, 1, 1, 1, false },
		{ "a list could not be read", "", "", 120, 0, 3600, 0, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		plan_world_resource(world, "second", 9, "g");
		world->seen.resources[1].is_listed = cases[i].is_listed;
		for (int n = 0; n < 2; n++)
			for (const char *kind = n ? cases[i].others : cases[i].machines; *kind;
			     kind++) {
				struct observed_machine *machine =
					plan_world_machine(world, (size_t)n, *kind);

				machine->last_report_ms =
					(int64_t)(NOW_S - cases[i].report_s) * 1000;
				machine->instance.launched_s = NOW_S - cases[i].launched_s;
				machine->resource = cases[i].is_gone ? RESOURCE_NONE : (size_t)n;
			}
		lose(world, LOSS_NOBODY, TASK_QUEUED);
		world->lost[0].queue = cases[i].queue;
		if (cases[i].marked_s >= 0)
			add_mark(world, "task of nobody /1 " TASK, cases[i].marked_s);
		plan_world_plan(world, &plan);
		if (plan.repair_count != 1 || plan.repairs[0].is_due != cases[i].is_due)
			fail_msg("when %s: %zu repairs", cases[i].when, plan.repair_count);
		assert_int_equal(plan.repairs[0].verdict, VERDICT_RETURN);
		plan_release(&plan);
		free(world);
	}
}

static void test_ghosts_are_unregistered_at_the_second_look(void **state)
{
	static const struct {
		const char *when;
		int marked_s;
		bool are_workers_known;
		size_t unregisters;
		bool is_due;
	} cases[] = {
		{ "the first look", -1, true, 1, false },
		{ "a second look too soon", 59, true, 1, false },
		{ "the second look", 60, true, 1, true },
		{ "the workers could not be read", 60, false, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		world->seen.ghost_count = 1;
		SET(world->ghosts[0].worker, "prod:first:small:local-a");
		world->seen.workers_known = cases[i].are_workers_known;
		if (cases[i].marked_s >= 0)
			add_mark(world, "ghost prod:first:small:local-a", cases[i].marked_s);
		plan_world_plan(world, &plan);
		if (plan.unregister_count != cases[i].unregisters ||
		    (plan.unregister_count && plan.unregisters[0].is_due != cases[i].is_due))
			fail_msg("when %s", cases[i].when);
		plan_release(&plan);
		free(world);
	}
}

/* Of a name that a mark has no room for, the end tells machines apart. */
static void test_a_long_worker_is_marked_by_its_end(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct plan plan;
	size_t room = sizeof(((struct mark *)0)->what);

	(void)state;
	plan_world_resource(world, "first", 9, "c");
	world->seen.ghost_count = 2;
	for (int i = 0; i < 2; i++) {
		memset(world->ghosts[i].worker, 'x', 300);
		world->ghosts[i].worker[299] = i ? 'b' : 'a';
	}
	plan_world_plan(world, &plan);
	assert_int_equal(plan.mark_count, 2);
	assert_int_equal(strlen(plan.marks[0].what), room - 1);
	assert_int_equal(plan.marks[0].what[room - 2], 'a');
	assert_int_equal(plan.marks[1].what[room - 2], 'b');
	plan_release(&plan);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gives_back_what_a_dead_machine_had),
		cmocka_unit_test(test_the_second_look_is_at_the_same_loss),
		cmocka_unit_test(test_a_task_that_its_living_owner_does_not_list),
		cmocka_unit_test(test_a_task_of_nobody_waits_for_everybody_to_speak),
		cmocka_unit_test(test_ghosts_are_unregistered_at_the_second_look),
		cmocka_unit_test(test_a_long_worker_is_marked_by_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
