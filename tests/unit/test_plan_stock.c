/* plan takes stock: instances, slots, open attempts, seats; and each resource says why. */
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

static void test_repeats_an_open_attempt_and_counts_it(void **state)
{
	struct plan_world *world = plan_world_new(2, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 2, "c");
	world->seen.attempt_count = 1;
	world->attempts[0] = (struct open_attempt){ .resource = "first",
						    .slot = 1,
						    .generation = 4,
						    .day = "2027-01-14",
						    .asked_s = NOW_S };
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 2); /* the repeat, and slot 0 for the second task */
	assert_true(plan.launches[0].is_repeat);
	assert_int_equal(plan.launches[0].slot, 1);
	assert_int_equal(plan.launches[0].generation, 4);
	assert_string_equal(plan.launches[0].day, "2027-01-14");
	assert_false(plan.launches[1].is_repeat);
	assert_int_equal(plan.launches[1].slot, 0);
	assert_int_equal(plan.resources[0].launches, 1);
	plan_release(&plan);

	/* Once a list shows the instance, the attempt is no second one. */
	struct observed_machine *machine = plan_world_machine(world, 0, 'b');
	machine->instance.slot = 1;
	machine->instance.generation = 4;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 1);
	assert_int_equal(plan.resources[0].alive, 2);
	plan_release(&plan);
	free(world);
}

static void test_repeats_an_attempt_while_it_is_young(void **state)
{
	static const struct {
		const char *when;
		int64_t age_s;
		size_t repeats;
	} cases[] = {
		{ "its machine may come up yet", 600, 1 },
		{ "its boot deadline is past", 601, 0 },
		{ "it is five days old", 5 * 86400, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(2, 0);
		struct plan plan;

		plan_world_resource(world, "first", 1, "c");
		world->seen.attempt_count = 1;
		SET(world->attempts[0].resource, "first");
		world->attempts[0].asked_s = NOW_S - cases[i].age_s;
		plan_world_plan(world, &plan);
		if (plan.launch_count != cases[i].repeats)
			fail_msg("when %s: %zu launches", cases[i].when, plan.launch_count);
		/* It may be there all the same, and so it is no reason to ask for another. */
		if (plan.resources[0].alive != 1)
			fail_msg("when %s: %u alive", cases[i].when, plan.resources[0].alive);
		plan_release(&plan);
		free(world);
	}
}

static void test_an_open_attempt_is_no_other_machine(void **state)
{
	static const struct {
		const char *when;
		unsigned slot, generation;
		const char *resource;
		unsigned alive; /* of the first resource: its machine, and the attempt if open */
	} cases[] = {
		{ "the list shows it", 0, 7, "first", 1 },
		{ "another slot", 1, 7, "first", 2 },
		{ "another generation", 0, 8, "first", 2 },
		{ "another resource", 0, 7, "second", 1 },
		{ "a resource that is configured no more", 0, 7, "gone", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		plan_world_resource(world, "second", 4, "g");
		plan_world_machine(world, 0, 'i')->instance.generation = 7;
		world->seen.attempt_count = 1;
		world->attempts[0].slot = cases[i].slot;
		world->attempts[0].generation = cases[i].generation;
		SET(world->attempts[0].resource, cases[i].resource);
		plan_world_plan(world, &plan);
		if (plan.resources[0].alive != cases[i].alive)
			fail_msg("when %s: %u alive", cases[i].when, plan.resources[0].alive);
		plan_release(&plan);
		free(world);
	}
}

static void test_an_open_attempt_fills_every_limit(void **state)
{
	enum { TOTAL, BOOTING, UNLISTED };

	(void)state;
	for (int limit = TOTAL; limit <= UNLISTED; limit++) {
		struct plan_world *world = plan_world_new(2, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		world->settings.max_instances = limit == TOTAL ? 1 : 0;
		world->settings.max_booting = limit == BOOTING ? 1 : 0;
		world->seen.resources[0].is_listed = limit != UNLISTED;
		world->seen.attempt_count = 1;
		SET(world->attempts[0].resource, "first");
		world->attempts[0].asked_s = NOW_S;
		plan_world_plan(world, &plan);
		assert_int_equal(plan.resources[0].launches, 0);
		assert_int_equal(plan.resources[0].booting, 1);
		assert_int_equal(plan.resources[0].booting_seats, 1);
		/* Asked again, but not past a list that failed. */
		assert_int_equal(plan.launch_count, limit != UNLISTED);
		plan_release(&plan);
		free(world);
	}
}

/* It may exist, and counts as a machine; but what waits does not wait for it for ever. */
static void test_an_old_attempt_is_no_capacity(void **state)
{
	static const struct {
		const char *when;
		int age_s;
		bool is_listed;
		unsigned max_booting;
		unsigned booting_seats, launches, others; /* others: of the second resource */
	} cases[] = {
		{ "it may come up in time", 600, true, 0, 1, 0, 0 },
		{ "it may come up in time, and the list fails", 600, false, 0, 1, 0, 0 },
		{ "it is past its boot deadline", 601, true, 0, 0, 1, 0 },
		{ "it is past its boot deadline, and the list fails", 601, false, 0, 0, 0, 1 },
		{ "it boots no more, and one may boot", 601, true, 1, 0, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		plan_world_resource(world, "second", 4, "c");
		world->settings.max_booting = cases[i].max_booting;
		world->seen.resources[0].is_listed = cases[i].is_listed;
		world->seen.attempt_count = 1;
		SET(world->attempts[0].resource, "first");
		world->attempts[0].asked_s = NOW_S - cases[i].age_s;
		plan_world_plan(world, &plan);
		if (plan.resources[0].booting_seats != cases[i].booting_seats ||
		    plan.resources[0].booting != cases[i].booting_seats ||
		    plan.resources[0].alive != 1 + cases[i].launches ||
		    plan.resources[0].launches != cases[i].launches ||
		    plan.resources[1].launches != cases[i].others)
			fail_msg("when %s: %u seats, %u booting, %u alive, %u of the second",
				 cases[i].when, plan.resources[0].booting_seats,
				 plan.resources[0].booting, plan.resources[0].alive,
				 plan.resources[1].launches);
		plan_release(&plan);
		free(world);
	}
}

static void test_counts_what_each_machine_is_good_for(void **state)
{
	static const struct {
		const char *machines;
		unsigned alive, free_seats, booting_seats, busy_seats, booting;
	} cases[] = {
		{ "bb", 2, 0, 6, 0, 2 }, { "p", 1, 0, 3, 0, 1 },  { "i", 1, 3, 0, 0, 0 },
		{ "ww", 2, 0, 0, 6, 0 }, { "d", 1, 0, 0, 0, 0 },  { "s", 1, 0, 0, 0, 0 },
		{ "t", 0, 0, 0, 0, 0 },	 { "xx", 2, 2, 0, 4, 0 }, { "l", 1, 0, 0, 0, 0 },
		{ "f", 1, 0, 0, 0, 0 },	 { "q", 1, 0, 0, 0, 0 },  { "o", 1, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		world->resources[0].ticket.seats = 3;
		for (const char *kind = cases[i].machines; *kind; kind++) {
			struct observed_machine *machine = plan_world_machine(world, 0, *kind);

			machine->record.seats = 3;
			if (strchr("id", *kind))
				machine->record.free_seats = 3;
			if (*kind == 'x') /* one seat of three is free */
				machine->record.free_seats = 1;
			if (*kind == 'l') { /* late: before its gates, past its boot deadline */
				SET(machine->record.phase, "prove");
				machine->instance.launched_s = NOW_S - 601;
			}
			if (*kind == 'f') { /* young, but its record has gone already */
				machine->has_record = false;
				machine->instance.launched_s = NOW_S - 60;
			}
			if (*kind == 'q') { /* draining before its gates */
				SET(machine->record.phase, "admit");
				machine->record.is_draining = true;
				machine->instance.launched_s = NOW_S - 60;
			}
			if (*kind == 'o') { /* more free seats than seats: nonsense is no work */
				machine->record.free_seats = 9;
				SET(machine->record.phase, "drain");
			}
		}
		plan_world_plan(world, &plan);
		const struct resource_plan *got = &plan.resources[0];
		if (got->alive != cases[i].alive || got->free_seats != cases[i].free_seats ||
		    got->booting_seats != cases[i].booting_seats ||
		    got->busy_seats != cases[i].busy_seats || got->booting != cases[i].booting)
			fail_msg("%s: alive %u free %u booting %u busy %u, %u boot",
				 cases[i].machines, got->alive, got->free_seats, got->booting_seats,
				 got->busy_seats, got->booting);
		plan_release(&plan);
		free(world);
	}
}

/* One resource for both queues: what the first queue says must not hide the second, nor reversed.
 */
static void test_explains_by_all_its_queues(void **state)
{
	static const struct {
		const char *when;
		struct observed_queue queues[2];
		const char *machines;
		unsigned max;
		enum why why;
	} cases[] = {
		{ "one queue is absent", { { .exists = true }, { 0 } }, "", 4, WHY_NO_DEMAND },
		{ "both are absent", { { 0 }, { 0 } }, "", 4, WHY_NO_QUEUE },
		{ "one is paused",
		  { { .exists = true }, { .exists = true, .is_forced_off = true } },
		  "",
		  4,
		  WHY_NO_DEMAND },
		{ "one waits, the other is empty",
		  { { .exists = true, .waiting = 1 }, { .exists = true } },
		  "i",
		  4,
		  WHY_COVERED },
		{ "one is short, the other is empty",
		  { { .exists = true, .waiting = 2 }, { .exists = true } },
		  "w",
		  1,
		  WHY_AT_LIMIT },
		{ "a paused one is no demand",
		  { { .exists = true, .is_forced_off = true, .waiting = 9 }, { .exists = true } },
		  "",
		  4,
		  WHY_NO_DEMAND },
		{ "an absent one is no demand",
		  { { .waiting = 9 }, { .exists = true } },
		  "",
		  4,
		  WHY_NO_DEMAND },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int is_turned = 0; is_turned < 2; is_turned++) {
			struct plan_world *world = plan_world_new(0, 0);
			struct plan plan;

			plan_world_resource(world, "first", cases[i].max, "cg");
			world->seen.queues[is_turned] = cases[i].queues[0];
			world->seen.queues[!is_turned] = cases[i].queues[1];
			for (const char *kind = cases[i].machines; *kind; kind++)
				plan_world_machine(world, 0, *kind);
			plan_world_plan(world, &plan);
			if (plan.resources[0].why != cases[i].why)
				fail_msg("when %s: %s", cases[i].when,
					 why_text(plan.resources[0].why));
			plan_release(&plan);
			free(world);
		}
	}
}

static void test_a_queue_of_others_is_no_demand(void **state)
{
	struct plan_world *world = plan_world_new(1, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 4, "g");
	plan_world_plan(world, &plan);
	assert_int_equal(plan.resources[0].why, WHY_NO_DEMAND);
	plan_release(&plan);
	free(world);
}

static void test_a_later_resource_says_so_for_any_of_its_queues(void **state)
{
	(void)state;
	for (int is_turned = 0; is_turned < 2; is_turned++) {
		struct plan_world *world = plan_world_new(is_turned ? 2 : 0, is_turned ? 0 : 2);
		struct plan plan;

		plan_world_resource(world, "first", 4, "cg");
		plan_world_resource(world, "second", 4, "cg");
		plan_world_plan(world, &plan);
		assert_int_equal(plan.resources[0].launches, 2);
		assert_int_equal(plan.resources[1].why, WHY_LATER_RESOURCE);
		plan_release(&plan);
		free(world);
	}
}

static void test_instances_past_the_slots_count(void **state)
{
	struct plan_world *world = plan_world_new(5, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 3, "c");
	for (unsigned i = 0; i < 3; i++) /* slots 3, 4, 5 of a limit that was lowered to 3 */
		plan_world_machine(world, 0, 'w')->instance.slot = 3 + i;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 0);
	assert_int_equal(plan.resources[0].why, WHY_AT_LIMIT);
	plan_release(&plan);
	free(world);
}

static void test_a_machine_of_no_resource_only_costs(void **state)
{
	struct plan_world *world = plan_world_new(3, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 4, "c");
	world->settings.max_instances = 2;
	struct observed_machine *machine = plan_world_machine(world, 0, 's');
	machine->resource = RESOURCE_NONE; /* its resource is configured no more */
	machine->place = RESOURCE_NONE; /* and nobody's verbs reach it */
	SET(machine->instance.resource, "gone");
	machine->instance.launched_s = 1;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 1); /* it counts towards the total */
	assert_int_equal(plan.termination_count, 0);
	plan_release(&plan);
	free(world);
}

static void test_half_without_a_record_is_no_lost_memory(void **state)
{
	static const struct {
		const char *machines;
		bool is_lost;
	} cases[] = {
		{ "s", false },	   { "ss", true },   { "ssii", false },
		{ "sssii", true }, { "ssbb", true }, /* those that boot prove nothing */
		{ "sstt", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(9, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		for (const char *kind = cases[i].machines; *kind; kind++)
			plan_world_machine(world, 0, *kind);
		plan_world_plan(world, &plan);
		if ((plan.resources[0].why == WHY_MEMORY_LOST) != cases[i].is_lost)
			fail_msg("%s: %s", cases[i].machines, why_text(plan.resources[0].why));
		assert_true(plan.termination_count == 0 || !cases[i].is_lost);
		plan_release(&plan);
		free(world);
	}
}

static void test_lost_memory_ends_nobody_by_its_records(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 9, "c");
	plan_world_machine(world, 0, 's');
	plan_world_machine(world, 0, 's');
	plan_world_machine(world, 0, 'i')->record.idle_s = 9999;
	plan_world_machine(world, 0, 'w')->instance.state = INSTANCE_STOPPED;
	world->seen.resources[0].minimum = 9;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.termination_count, 1);
	assert_int_equal(plan.terminations[0].doom, DOOM_STOPPED);
	assert_int_equal(plan.order_count, 0);
	assert_int_equal(plan.launch_count, 0);
	assert_int_equal(plan.resources[0].why, WHY_MEMORY_LOST);
	plan_release(&plan);
	free(world);
}

static void test_a_long_name_makes_a_cut_mark(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 4, "c");
	struct observed_machine *machine = plan_world_machine(world, 0, 'w');
	memset(machine->instance.id, 'x', sizeof(machine->instance.id) - 1);
	machine->instance.state = INSTANCE_STOPPED;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.mark_count, 1);
	assert_int_equal(strlen(plan.marks[0].what), strlen("stopped ") + 64);
	assert_int_equal(plan.marks[0].first_s, NOW_S);
	plan_release(&plan);
	free(world);
}

/* Found by the simulator: a list that is late made a second machine for the same task. */
static void test_a_young_machine_may_report_before_it_is_listed(void **state)
{
	static const struct {
		const char *when;
		char kind;
		int age_s;
		unsigned launches;
	} cases[] = {
		{ "it boots, and the list is late", 'p', 120, 0 },
		{ "it is idle, and the list is late", 'i', 120, 0 },
		{ "it is idle, and gone from the list", 'i', 3600, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		struct observed_machine *machine = plan_world_machine(world, 0, cases[i].kind);
		machine->is_listed = false;
		machine->instance.launched_s = NOW_S - cases[i].age_s;
		plan_world_plan(world, &plan);
		if (plan.resources[0].launches != cases[i].launches)
			fail_msg("when %s: %u launches", cases[i].when, plan.resources[0].launches);
		plan_release(&plan);
		free(world);
	}
}

/* Found by the simulator: one that hangs in its boot was never ended where the ledger was lost. */
static void test_a_young_ledger_ends_who_is_silent_under_its_eyes(void **state)
{
	static const struct {
		const char *when;
		int ledger_s, age_s; /* how old they are */
		enum doom doom;
	} cases[] = {
		{ "the ledger is older", 9000, 8000, DOOM_NEVER_CAME_UP },
		{ "the ledger is as old", 8000, 8000, DOOM_NEVER_CAME_UP },
		{ "it could be a busy one that is silent", 5400, 8000, DOOM_NONE },
		{ "no busy one may be silent for so long", 5401, 8000, DOOM_SILENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		plan_world_machine(world, 0, 'b')->instance.launched_s = NOW_S - cases[i].age_s;
		world->seen.ledger_since_s = NOW_S - cases[i].ledger_s;
		plan_world_plan(world, &plan);
		enum doom doom = plan.termination_count ? plan.terminations[0].doom : DOOM_NONE;

		if (doom != cases[i].doom)
			fail_msg("when %s: %s", cases[i].when, doom_text(doom));
		plan_release(&plan);
		free(world);
	}
}

static void test_without_the_tasks_nobody_is_known_to_be_idle(void **state)
{
	static const struct {
		const char *when;
		bool are_tasks_known;
		char kind;
		int quiet_s;
		enum doom doom;
	} cases[] = {
		{ "it was idle, and no task names it", true, 's', 601, DOOM_SILENT },
		{ "it was idle, and may have taken a task", false, 's', 601, DOOM_NONE },
		{ "no busy one may be silent for so long", false, 's', 5401, DOOM_SILENT },
		{ "it was never heard, and no task names it", true, 'b', 0, DOOM_NEVER_CAME_UP },
		{ "it was never heard, and a task may name it", false, 'b', 0, DOOM_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		struct observed_machine *machine = plan_world_machine(world, 0, cases[i].kind);
		machine->instance.launched_s = NOW_S - 9000;
		machine->last_report_ms = world->seen.now_ms - cases[i].quiet_s * 1000;
		world->seen.tasks_known = cases[i].are_tasks_known;
		plan_world_plan(world, &plan);
		enum doom doom = plan.termination_count ? plan.terminations[0].doom : DOOM_NONE;

		if (doom != cases[i].doom)
			fail_msg("when %s: %s", cases[i].when, doom_text(doom));
		plan_release(&plan);
		free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_the_tasks_nobody_is_known_to_be_idle),
		cmocka_unit_test(test_a_young_machine_may_report_before_it_is_listed),
		cmocka_unit_test(test_a_young_ledger_ends_who_is_silent_under_its_eyes),
		cmocka_unit_test(test_repeats_an_open_attempt_and_counts_it),
		cmocka_unit_test(test_repeats_an_attempt_while_it_is_young),
		cmocka_unit_test(test_an_open_attempt_is_no_other_machine),
		cmocka_unit_test(test_an_open_attempt_fills_every_limit),
		cmocka_unit_test(test_an_old_attempt_is_no_capacity),
		cmocka_unit_test(test_counts_what_each_machine_is_good_for),
		cmocka_unit_test(test_explains_by_all_its_queues),
		cmocka_unit_test(test_a_queue_of_others_is_no_demand),
		cmocka_unit_test(test_a_later_resource_says_so_for_any_of_its_queues),
		cmocka_unit_test(test_instances_past_the_slots_count),
		cmocka_unit_test(test_a_machine_of_no_resource_only_costs),
		cmocka_unit_test(test_half_without_a_record_is_no_lost_memory),
		cmocka_unit_test(test_lost_memory_ends_nobody_by_its_records),
		cmocka_unit_test(test_a_long_name_makes_a_cut_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
