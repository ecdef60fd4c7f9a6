/* plan: a row is a sentence. What launches, what is terminated, what is given back, and why
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/plan.h"
#include "tests/unit/support/plan_world.h"

static void test_launches_what_waits_and_no_more(void **state)
{
	static const struct {
		const char *when;
		unsigned cpu, gpu; /* waiting */
		const char *machines; /* of the first resource */
		const char *second; /* of the second */
		unsigned max, total, booting; /* limits */
		unsigned launches, second_launches;
		enum why why;
	} cases[] = {
		{ "nothing waits", 0, 0, "w", "", 4, 0, 0, 0, 0, WHY_NO_DEMAND },
		{ "the first task finds nobody", 1, 0, "", "", 4, 0, 0, 1, 0, WHY_LAUNCH },
		{ "a booting one is spoken for", 1, 0, "b", "", 4, 0, 0, 0, 0, WHY_COVERED },
		{ "one before its gates is spoken for", 2, 0, "p", "", 4, 0, 0, 1, 0, WHY_LAUNCH },
		{ "an idle one takes one task", 3, 0, "i", "", 4, 0, 0, 2, 0, WHY_LAUNCH },
		{ "a draining one takes none", 1, 0, "d", "", 4, 0, 0, 1, 0, WHY_LAUNCH },
		{ "a silent one takes none but holds its slot", 4, 0, "s", "", 2, 0, 0, 1, 0,
		  WHY_LAUNCH },
		{ "a terminated one holds no slot", 9, 0, "t", "", 2, 0, 0, 2, 0, WHY_LAUNCH },
		{ "the limit counts every state", 9, 0, "biwds", "", 6, 0, 0, 1, 0, WHY_LAUNCH },
		{ "the fleet is at its limit", 9, 0, "wwww", "", 4, 0, 0, 0, 0, WHY_AT_LIMIT },
		{ "the fleet is over a lowered limit", 9, 0, "wwwww", "", 4, 0, 0, 0, 0,
		  WHY_AT_LIMIT },
		{ "the total is reached", 9, 0, "w", "w", 4, 2, 0, 0, 0, WHY_TOTAL_LIMIT },
		{ "the total leaves one", 9, 0, "w", "w", 4, 3, 0, 1, 0, WHY_LAUNCH },
		{ "two boot already", 9, 0, "bb", "", 6, 0, 2, 0, 0, WHY_BOOTING_LIMIT },
		{ "the booting limit leaves one", 9, 0, "b", "", 6, 0, 2, 1, 0, WHY_LAUNCH },
		{ "each queue gets its own", 2, 1, "", "", 4, 0, 0, 2, 1, WHY_LAUNCH },
		{ "the other queue's idle one is no help", 2, 0, "", "ii", 4, 0, 0, 2, 0,
		  WHY_LAUNCH },
		{ "the other queue's task is no demand", 0, 2, "", "", 4, 0, 0, 0, 2,
		  WHY_NO_DEMAND },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(cases[i].cpu, cases[i].gpu);
		struct plan plan;

		plan_world_resource(world, "first", cases[i].max, "c");
		plan_world_resource(world, "second", cases[i].max, "g");
		world->settings.max_instances = cases[i].total;
		world->settings.max_booting = cases[i].booting;
		for (const char *kind = cases[i].machines; *kind; kind++)
			plan_world_machine(world, 0, *kind);
		for (const char *kind = cases[i].second; *kind; kind++)
			plan_world_machine(world, 1, *kind);
		plan_world_plan(world, &plan);
		if (plan.resources[0].launches != cases[i].launches ||
		    plan.resources[1].launches != cases[i].second_launches)
			fail_msg("when %s: %u and %u launches", cases[i].when,
				 plan.resources[0].launches, plan.resources[1].launches);
		if (plan.resources[0].why != cases[i].why)
			fail_msg("when %s: %s", cases[i].when, why_text(plan.resources[0].why));
		assert_int_equal(plan.launch_count, cases[i].launches + cases[i].second_launches);
		plan_release(&plan);
		free(world);
	}
}

static void test_says_why_nothing(void **state)
{
	enum {
		QUEUES_UNKNOWN,
		WORKERS_UNKNOWN,
		LIST_FAILED,
		NO_QUEUE,
		PAUSED,
		MEMORY_LOST,
		LATER,
		FULL
	};
	static const struct {
		const char *when;
		int trouble;
		enum why first, second;
	} cases[] = {
		{ "the queues could not be read", QUEUES_UNKNOWN, WHY_UNKNOWN, WHY_UNKNOWN },
		{ "the workers could not be read", WORKERS_UNKNOWN, WHY_UNKNOWN, WHY_UNKNOWN },
		{ "one list failed, the other resource goes on", LIST_FAILED, WHY_UNKNOWN,
		  WHY_LAUNCH },
		{ "its queue does not exist", NO_QUEUE, WHY_NO_QUEUE, WHY_NO_QUEUE },
		{ "its queue is paused by a tag", PAUSED, WHY_PAUSED, WHY_PAUSED },
		{ "most machines have no record", MEMORY_LOST, WHY_MEMORY_LOST, WHY_MEMORY_LOST },
		{ "an earlier resource takes it", LATER, WHY_LAUNCH, WHY_LATER_RESOURCE },
		{ "the earlier one is full", FULL, WHY_AT_LIMIT, WHY_LAUNCH },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(3, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		plan_world_resource(world, "second", 4, "c");
		world->seen.queues_known = cases[i].trouble != QUEUES_UNKNOWN;
		world->seen.workers_known = cases[i].trouble != WORKERS_UNKNOWN;
		world->seen.resources[0].is_listed = cases[i].trouble != LIST_FAILED;
		world->seen.queues[0].exists = cases[i].trouble != NO_QUEUE;
		world->seen.queues[0].is_forced_off = cases[i].trouble == PAUSED;
		if (cases[i].trouble == MEMORY_LOST)
			for (const char *kind = "ssi"; *kind; kind++)
				plan_world_machine(world, 0, *kind);
		for (unsigned n = 0; cases[i].trouble == FULL && n < 4; n++)
			plan_world_machine(world, 0, 'w');
		plan_world_plan(world, &plan);
		if (plan.resources[0].why != cases[i].first ||
		    plan.resources[1].why != cases[i].second)
			fail_msg("when %s: \"%s\" and \"%s\"", cases[i].when,
				 why_text(plan.resources[0].why), why_text(plan.resources[1].why));
		assert_true(cases[i].trouble < NO_QUEUE || cases[i].trouble >= LATER ||
			    !plan.launch_count);
		assert_true(cases[i].trouble != MEMORY_LOST || !plan.termination_count);
		plan_release(&plan);
		free(world);
	}
}

static void test_terminates_on_proof_seen_twice(void **state)
{
	static const struct {
		const char *when;
		bool has_record, was_seen, was_busy, is_listed, is_old_ledger;
		int age_s, quiet_s, marked_s; /* marked_s: when the first look was, 0 never */
		enum instance_state instance_state;
		enum doom doom;
		bool is_due;
	} cases[] = {
		{ "fresh", 0, 0, 0, 1, 1, 600, 0, 0, INSTANCE_RUNNING, DOOM_NONE, 0 },
		{ "late, first look", 0, 0, 0, 1, 1, 601, 0, 0, INSTANCE_RUNNING,
		  DOOM_NEVER_CAME_UP, 0 },
		{ "late, second look too soon", 0, 0, 0, 1, 1, 700, 0, 59, INSTANCE_RUNNING,
		  DOOM_NEVER_CAME_UP, 0 },
		{ "late, second look", 0, 0, 0, 1, 1, 700, 0, 60, INSTANCE_RUNNING,
		  DOOM_NEVER_CAME_UP, 1 },
		{ "late, but the ledger is younger", 0, 0, 0, 1, 0, 700, 0, 60, INSTANCE_RUNNING,
		  DOOM_NONE, 0 },
		{ "it reports, however late", 1, 1, 0, 1, 1, 90000, 0, 60, INSTANCE_RUNNING,
		  DOOM_NONE, 0 },
		{ "idle and quiet for ten minutes", 0, 1, 0, 1, 1, 9000, 600, 60, INSTANCE_RUNNING,
		  DOOM_NONE, 0 },
		{ "idle and quiet for longer", 0, 1, 0, 1, 1, 9000, 601, 60, INSTANCE_RUNNING,
		  DOOM_SILENT, 1 },
		{ "busy and quiet for an hour", 0, 1, 1, 1, 1, 9000, 3600, 60, INSTANCE_RUNNING,
		  DOOM_NONE, 0 },
		{ "busy and quiet past 90 min", 0, 1, 1, 1, 1, 9000, 5401, 60, INSTANCE_RUNNING,
		  DOOM_SILENT, 1 },
		{ "stopped", 1, 1, 0, 1, 1, 900, 0, 60, INSTANCE_STOPPED, DOOM_STOPPED, 1 },
		{ "stopping", 0, 1, 0, 1, 1, 9000, 9000, 60, INSTANCE_STOPPING, DOOM_NONE, 0 },
		{ "terminated", 0, 1, 0, 1, 1, 9000, 9000, 60, INSTANCE_TERMINATED, DOOM_NONE, 0 },
		{ "a week and its grace", 1, 1, 1, 1, 1, 605400, 0, 60, INSTANCE_RUNNING, DOOM_NONE,
		  0 },
		{ "past its life, though it reports", 1, 1, 1, 1, 1, 605401, 0, 60,
		  INSTANCE_RUNNING, DOOM_PAST_LIFE, 1 },
		{ "known only by its record", 0, 1, 0, 0, 1, 9000, 9000, 60, INSTANCE_RUNNING,
		  DOOM_NONE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		world->seen.ledger_since_s = NOW_S - (cases[i].is_old_ledger ? 1000000 : 100);
		struct observed_machine *machine = plan_world_machine(world, 0, 'i');
		machine->has_record = cases[i].has_record;
		machine->was_seen = cases[i].was_seen;
		machine->was_busy = cases[i].was_busy;
		machine->is_listed = cases[i].is_listed;
		machine->instance.state = cases[i].instance_state;
		machine->instance.launched_s = NOW_S - cases[i].age_s;
		machine->last_report_ms = world->seen.now_ms - cases[i].quiet_s * 1000;
		for (int doom = DOOM_NEVER_CAME_UP; cases[i].marked_s && doom < DOOM_COUNT;
		     doom++) {
			struct mark *mark = &world->marks[world->seen.mark_count++];

			(void)snprintf(mark->what, sizeof(mark->what), "%s local-a",
				       doom_text((enum doom)doom));
			mark->first_s = NOW_S - cases[i].marked_s;
		}
		plan_world_plan(world, &plan);
		enum doom doom = plan.termination_count ? plan.terminations[0].doom : DOOM_NONE;
		if (doom != cases[i].doom)
			fail_msg("when %s: %s", cases[i].when, doom_text(doom));
		if (doom != DOOM_NONE && plan.terminations[0].is_due != cases[i].is_due)
			fail_msg("when %s: due is %d", cases[i].when, plan.terminations[0].is_due);
		assert_int_equal(plan.mark_count, plan.termination_count);
		plan_release(&plan);
		free(world);
	}
}

static void test_keeps_minimums_and_fills_the_lowest_slot(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 4, "c");
	world->seen.resources[0].minimum = 3;
	plan_world_machine(world, 0, 't')->instance.generation = 7;
	plan_world_machine(world, 0, 'i');
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 2);
	assert_int_equal(plan.launches[0].slot, 0);
	assert_int_equal(plan.launches[0].generation, 8); /* past the one seen terminated */
	assert_int_equal(plan.launches[1].slot, 2);
	assert_int_equal(plan.launches[1].generation, 0);
	assert_int_equal(plan.launches[1].why, WHY_MINIMUM);
	assert_string_equal(plan.launches[1].day, "2027-01-15");
	plan_release(&plan);
	free(world);
}

static void test_rounds_seats_up_to_whole_machines(void **state)
{
	struct plan_world *world = plan_world_new(5, 3);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "big", 9, "cg");
	world->resources[0].ticket.seats = 4;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count,
			 2); /* 8 tasks on 2 x 4 seats: none launched for gpu alone */
	assert_int_equal(plan.queues[0].launched_for, 5);
	assert_int_equal(plan.queues[1].launched_for, 3);
	plan_release(&plan);
	free(world);
}

static void test_a_failed_list_fills_the_total(void **state)
{
	static const struct {
		const char *when;
		bool has_record;
		unsigned hidden, gone; /* of the resource; of none that is configured */
		int64_t budget;
		unsigned launches; /* of the other resource; 5 machines in all */
	} cases[] = {
		{ "the unseen may be 3", false, 0, 0, 0, 2 },
		{ "one of those 3 is known by its record", true, 0, 0, 0, 2 },
		{ "2 were seen a moment ago", false, 2, 0, 0, 2 },
		{ "its limit was lowered: 4 were", false, 4, 0, 0, 1 },
		{ "2 more were, and one is known by its record", true, 3, 0, 0, 1 },
		{ "one of another name was", false, 0, 1, 0, 1 },
		{ "nobody knows what one of another name costs", false, 0, 1, 99 * USD, 0 },
		{ "all are known", false, 0, 0, 99 * USD, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(9, 9);
		struct plan plan;

		plan_world_resource(world, "first", 3, "c");
		plan_world_resource(world, "second", 9, "g");
		world->settings.max_instances = 5;
		world->settings.budget.hour = cases[i].budget;
		world->seen.resources[0].is_listed = false;
		world->seen.resources[0].hidden = cases[i].hidden;
		world->seen.hidden = cases[i].gone;
		if (cases[i].has_record)
			plan_world_machine(world, 0, 'w')->is_listed = false;
		plan_world_plan(world, &plan);
		assert_int_equal(plan.resources[0].launches, 0);
		if (plan.resources[1].launches != cases[i].launches)
			fail_msg("when %s: %u", cases[i].when, plan.resources[1].launches);
		plan_release(&plan);
		free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_launches_what_waits_and_no_more),
		cmocka_unit_test(test_says_why_nothing),
		cmocka_unit_test(test_terminates_on_proof_seen_twice),
		cmocka_unit_test(test_keeps_minimums_and_fills_the_lowest_slot),
		cmocka_unit_test(test_rounds_seats_up_to_whole_machines),
		cmocka_unit_test(test_a_failed_list_fills_the_total),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
