/* plan sends idle machines away that nobody will need: who stays, who goes, and when nobody does.
 */
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

/* The machines that the plan tells to drain because they are spare, "ac" for the first and third.
 */
static void tell_spare(const struct plan *plan, char out[static MAX_MACHINES + 1])
{
	size_t len = 0;

	for (size_t m = 0; m < MAX_MACHINES; m++)
		for (size_t i = 0; i < plan->order_count; i++)
			if (plan->orders[i].machine == m && plan->orders[i].doom == DOOM_SPARE &&
			    plan->orders[i].order == ORDER_DRAIN)
				out[len++] = (char)('a' + m);
	out[len] = '\0';
}

static struct plan_world *new_world(unsigned cpu_waiting)
{
	struct plan_world *world = plan_world_new(cpu_waiting, 0);

	world->settings.pass_deadline_s = 50;
	plan_world_resource(world, "first", MAX_MACHINES, "c");
	return world;
}

static void expect_spare(struct plan_world *world, const char *when, const char *expected)
{
	char spare[MAX_MACHINES + 1];
	struct plan plan;

	plan_world_plan(world, &plan);
	tell_spare(&plan, spare);
	if (strcmp(spare, expected) != 0)
		fail_msg("when %s: \"%s\" go, expected \"%s\"", when, spare, expected);
	for (size_t i = 0; i < plan.termination_count; i++) /* nobody is ended for it */
		assert_int_not_equal(plan.terminations[i].doom, DOOM_SPARE);
	plan_release(&plan);
	free(world);
}

/* Each machine: a kind of plan_world_machine(), and its idle minutes. */
static void test_one_idle_machine_is_enough(void **state)
{
	static const struct {
		const char *when, *kinds;
		int idle_s[4];
		const char *spare;
	} cases[] = {
		{ "one is idle", "i", { 800 }, "" },
		{ "two are, long enough", "ii", { 90, 90 }, "b" },
		{ "two are, not long enough", "ii", { 89, 89 }, "" },
		{ "one of two is, long enough", "ii", { 89, 90 }, "b" },
		{ "the one that worked last stays", "iii", { 300, 100, 200 }, "ac" },
		{ "others work", "wiw", { 0, 800, 0 }, "" },
		{ "others work, and two are idle", "iwi", { 800, 0, 90 }, "a" },
		{ "another one boots", "bi", { 0, 100 }, "b" },
		{ "another one drains", "di", { 0, 100 }, "" },
		{ "another one is silent", "si", { 0, 100 }, "" },
		{ "another one is gone", "ti", { 0, 100 }, "" },
		{ "another one is of a resource that is configured no more", "ni", { 0, 100 }, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = new_world(0);

		for (size_t m = 0; cases[i].kinds[m]; m++) {
			struct observed_machine *machine =
				plan_world_machine(world, 0, cases[i].kinds[m]);

			machine->record.idle_s = cases[i].idle_s[m];
			if (cases[i].kinds[m] == 'n')
				machine->resource = RESOURCE_NONE;
		}
		expect_spare(world, cases[i].when, cases[i].spare);
	}
}

/* Each row changes one thing of a world in which the second of two idle machines goes. */
static void test_when_nobody_goes(void **state)
{
	enum change {
		NOTHING,
		WAITING,
		FORCED_OFF,
		OTHER_QUEUE,
		NO_QUEUES,
		NO_WORKERS,
		NO_CLOCK,
		NOT_LISTED,
		LIST_FAILED,
		TASK,
		KEPT,
		KEEP,
		BY_ORDER,
		HELD,
		MINIMUM,
		MEMORY_LOST
	};
	static const struct {
		const char *when;
		enum change change;
		const char *spare;
	} cases[] = {
		{ "all is quiet", NOTHING, "b" },
		{ "a task waits", WAITING, "" },
		{ "a task waits where nobody may pull", FORCED_OFF, "b" },
		{ "a task waits in another queue", OTHER_QUEUE, "b" },
		{ "the queues could not be read", NO_QUEUES, "" },
		{ "the records could not be read", NO_WORKERS, "" },
		{ "nobody knows what time it is", NO_CLOCK, "" },
		{ "no list shows it", NOT_LISTED, "" },
		{ "the list failed", LIST_FAILED, "" },
		{ "it runs a task beside its free seat", TASK, "" },
		{ "a file keeps it", KEPT, "" },
		{ "an operator keeps it", KEEP, "" },
		{ "an operator sends it away already", BY_ORDER, "" },
		{ "a minimum holds its slot", HELD, "" },
		{ "the minimum is two, and they are in later slots", MINIMUM, "" },
		{ "ClearML has lost its memory", MEMORY_LOST, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum change change = cases[i].change;
		struct plan_world *world = new_world(change == WAITING || change == FORCED_OFF);

		if (change == OTHER_QUEUE)
			world->seen.queues[1].waiting = 1;
		plan_world_machine(world, 0, 'i')->record.idle_s = 20;
		struct observed_machine *machine = plan_world_machine(world, 0, 'i');

		machine->record.idle_s = 100;
		world->seen.queues[0].is_forced_off = change == FORCED_OFF;
		world->seen.queues_known = change != NO_QUEUES;
		world->seen.workers_known = change != NO_WORKERS;
		world->seen.is_clock_known = change != NO_CLOCK;
		machine->is_listed = change != NOT_LISTED;
		world->seen.resources[0].is_listed = change != LIST_FAILED;
		machine->record.task_count = change == TASK;
		SET(machine->record.kept_by, change == KEPT ? "file" : "");
		machine->order = change == KEEP	    ? ORDER_KEEP :
				 change == BY_ORDER ? ORDER_DRAIN :
						      ORDER_NONE;
		world->seen.resources[0].minimum = change == HELD || change == MINIMUM ? 2 : 0;
		if (change == MINIMUM) {
			world->machines[0].instance.slot = 7;
			machine->instance.slot = 8;
		}
		for (int m = 0; m < 3 && change == MEMORY_LOST; m++)
			plan_world_machine(world, 0, 's');
		expect_spare(world, cases[i].when, cases[i].spare);
	}
}

static void test_the_limit(void **state)
{
	static const struct {
		const char *when;
		int64_t idle_timeout_s, spare_idle_s;
		int idle_s;
		const char *spare;
	} cases[] = {
		{ "a tenth of the time-out is over", 900, 0, 90, "b" },
		{ "a tenth is not over", 900, 0, 89, "" },
		{ "a tenth of a long one", 7200, 0, 720, "b" },
		{ "a tenth of a long one is not over", 7200, 0, 719, "" },
		{ "a tenth is less than a minute", 300, 0, 60, "b" },
		{ "a tenth is less than a minute, which is not over", 300, 0, 59, "" },
		{ "its own time-out is a minute", 60, 0, 60, "" },
		{ "its own time-out is a little more", 61, 0, 60, "b" },
		{ "it is configured", 900, 400, 400, "b" },
		{ "it is configured, and not over", 900, 400, 399, "" },
		{ "a second is configured", 900, 1, 1, "b" },
		{ "all are to stay", 900, 900, 900, "" },
		{ "more than all are to stay", 900, 1000, 1000, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = new_world(0);

		world->resources[0].ticket.limits.idle_timeout_s = cases[i].idle_timeout_s;
		world->resources[0].spare_idle_s = cases[i].spare_idle_s;
		plan_world_machine(world, 0, 'i')->record.idle_s = 0;
		plan_world_machine(world, 0, 'i')->record.idle_s = cases[i].idle_s;
		for (size_t m = 0; m < 2; m++) /* no batch that is remembered */
			world->machines[m].instance.launched_s = NOW_S - 90000;
		expect_spare(world, cases[i].when, cases[i].spare);
	}
}

/* Six machines that are idle, launched so many seconds ago; those in slots below held are no sign
 * of demand. */
static void test_a_batch_is_remembered(void **state)
{
	static const struct {
		const char *when;
		int ago_s[6];
		unsigned held;
		const char *spare;
	} cases[] = {
		{ "all are old", { 9000, 9000, 9000, 9000, 9000, 9000 }, 0, "bcdef" },
		{ "three came in one pass", { 600, 610, 650, 9000, 9000, 9000 }, 0, "def" },
		{ "they came in two passes", { 600, 610, 661, 9000, 9000, 9000 }, 0, "cdef" },
		{ "the first and the last are a pass apart",
		  { 600, 630, 651, 680, 9000, 9000 },
		  0,
		  "def" },
		{ "two batches are mixed", { 600, 1200, 610, 1210, 9000, 9000 }, 0, "cdef" },
		{ "the larger of two batches", { 600, 600, 1200, 1200, 1200, 9000 }, 0, "def" },
		{ "all came in one pass", { 600, 600, 600, 600, 600, 600 }, 0, "" },
		{ "just in time", { 1799, 1799, 1799, 9000, 9000, 9000 }, 0, "def" },
		{ "too long ago", { 1800, 1800, 1800, 9000, 9000, 9000 }, 0, "bcdef" },
		{ "one of them too long ago", { 1799, 1799, 1800, 9000, 9000, 9000 }, 0, "cdef" },
		{ "a minimum had two of them launched",
		  { 600, 600, 600, 9000, 9000, 9000 },
		  2,
		  "cdef" },
		{ "the clock says that they are of tomorrow",
		  { -60, -60, -60, 9000, 9000, 9000 },
		  0,
		  "def" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = new_world(0);

		world->seen.resources[0].minimum = cases[i].held;
		for (int m = 0; m < 6; m++) {
			struct observed_machine *machine = plan_world_machine(world, 0, 'i');

			machine->instance.launched_s = NOW_S - cases[i].ago_s[m];
			machine->record.idle_s = 100 + m;
		}
		expect_spare(world, cases[i].when, cases[i].spare);
	}
}

static void test_seats_of_each_resource(void **state)
{
	(void)state;
	struct plan_world *world = new_world(0);

	plan_world_resource(world, "second", 9, "g");
	world->resources[1].ticket.seats = 2;
	/* a: the only one of the first resource. b, c, d: of the second, launched together. */
	plan_world_machine(world, 0, 'i')->record.idle_s = 500;
	for (int m = 0; m < 3; m++) {
		struct observed_machine *machine = plan_world_machine(world, 1, 'i');

		machine->record.seats = machine->record.free_seats = 2;
		machine->record.idle_s = 500 + m;
		machine->instance.launched_s = NOW_S - (m < 2 ? 600 : 9000);
	}
	expect_spare(world, "two of three came together", "d");

	/* Batches of two resources, mixed: two at a time of the first, one of the second. */
	world = new_world(0);
	plan_world_resource(world, "second", 9, "g");
	for (size_t m = 0; m < 6; m++) {
		struct observed_machine *machine = plan_world_machine(world, m % 2, 'i');

		machine->record.idle_s = 500 + (int)m;
		machine->instance.launched_s = NOW_S - (m == 2 ? 600 : 300 * (int)(m + 2));
	}
	expect_spare(world, "two of three came together, and others between", "def");

	/* The first resource's queue matters to the first alone. */
	world = plan_world_new(1, 0);
	world->settings.pass_deadline_s = 50;
	plan_world_resource(world, "first", MAX_MACHINES, "c");
	plan_world_resource(world, "second", MAX_MACHINES, "g");
	for (size_t m = 0; m < 4; m++)
		plan_world_machine(world, m / 2, 'i')->record.idle_s = 100 + (int)m;
	expect_spare(world, "a task waits for the first resource", "d");

	/* One that boots is worth one that is idle. */
	world = new_world(0);
	world->seen.resources[0].minimum = 2;
	for (unsigned m = 0; m < 3; m++) {
		struct observed_machine *machine = plan_world_machine(world, 0, m ? 'i' : 'b');

		machine->instance.slot = 5 + m;
		machine->record.idle_s = 100 + (int)m;
	}
	expect_spare(world, "one of the two that are wanted boots", "c");

	/* A free seat beside a task is as warm as any. */
	world = new_world(0);
	world->resources[0].ticket.seats = 2;
	struct observed_machine *machine = plan_world_machine(world, 0, 'i');

	machine->record.seats = 2;
	machine->record.task_count = 1;
	machine = plan_world_machine(world, 0, 'i');
	machine->record.seats = machine->record.free_seats = 2;
	machine->record.idle_s = 500;
	expect_spare(world, "another one has a seat free", "b");

	/* The minimum counts machines. */
	world = new_world(0);
	world->resources[0].ticket.seats = 2;
	world->seen.resources[0].minimum = 2;
	for (unsigned m = 0; m < 3; m++) {
		machine = plan_world_machine(world, 0, 'i');
		machine->record.seats = machine->record.free_seats = 2;
		machine->record.idle_s = 500;
		machine->instance.slot = 5 + m;
	}
	expect_spare(world, "two machines are the minimum", "c");
}

static void test_who_stays(void **state)
{
	static const struct {
		const char *when;
		int64_t prices[3]; /* dollars */
		int idle_s[3];
		const char *spare;
	} cases[] = {
		{ "they are alike", { 1, 1, 1 }, { 100, 100, 100 }, "bc" },
		{ "one is cheaper", { 3, 2, 1 }, { 100, 200, 300 }, "ab" },
		{ "one is dearer", { 1, 3, 1 }, { 300, 100, 200 }, "ab" },
		{ "the cheapest has worked long ago", { 1, 2, 3 }, { 800, 100, 100 }, "bc" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = new_world(0);

		for (int m = 0; m < 3; m++) {
			struct observed_machine *machine = plan_world_machine(world, 0, 'i');

			machine->price = cases[i].prices[m] * USD;
			machine->record.idle_s = cases[i].idle_s[m];
		}
		expect_spare(world, cases[i].when, cases[i].spare);
	}
}

/* Two in one slot: the later one is to go, so the other one is the last. */
static void test_who_must_go_is_no_reserve(void **state)
{
	(void)state;
	struct plan_world *world = new_world(0);

	for (int m = 0; m < 2; m++) {
		struct observed_machine *machine = plan_world_machine(world, 0, 'i');

		machine->instance.slot = 3;
		machine->record.idle_s = 100 - m;
	}
	expect_spare(world, "one of two is a duplicate", "");
}

/* It was told in this pass: it is no capacity in it. */
static void test_who_goes_is_no_capacity(void **state)
{
	(void)state;
	struct plan_world *world = new_world(0);
	struct plan plan;

	plan_world_machine(world, 0, 'i')->record.idle_s = 100;
	plan_world_machine(world, 0, 'i')->record.idle_s = 100;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.resources[0].free_seats, 1);
	assert_int_equal(plan.order_count, 1);
	assert_int_equal(plan.mark_count, 0);
	assert_string_equal(doom_text(plan.orders[0].doom), "more are idle than needed");
	plan_release(&plan);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_idle_machine_is_enough),
		cmocka_unit_test(test_when_nobody_goes),
		cmocka_unit_test(test_the_limit),
		cmocka_unit_test(test_a_batch_is_remembered),
		cmocka_unit_test(test_seats_of_each_resource),
		cmocka_unit_test(test_who_stays),
		cmocka_unit_test(test_who_must_go_is_no_reserve),
		cmocka_unit_test(test_who_goes_is_no_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
