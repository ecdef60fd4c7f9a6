/* plan with several seats a machine: seats are counted, machines are launched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/plan.h"
#include "tests/unit/support/plan_world.h"

enum { SEATS = 4 }; /* of each machine, by the configuration */

/* A digit: a machine that serves with so many seats free of four. Else plan_world's kinds, with
 * four seats; "o": before its gates, of an older ticket with one seat. */
static void add_machine(struct plan_world *world, char kind)
{
	bool is_serving = kind >= '0' && kind <= '9';
	struct observed_machine *machine = plan_world_machine(world, 0,
							      is_serving  ? 'x' :
							      kind == 'o' ? 'p' :
									    kind);

	machine->record.seats = kind == 'o' ? 1 : SEATS;
	machine->record.free_seats = 0;
	if (is_serving)
		machine->record.free_seats = (unsigned)(kind - '0');
	if (strchr("id", kind))
		machine->record.free_seats = SEATS;
}

static void test_launches_machines_for_tasks_without_a_seat(void **state)
{
	static const struct {
		const char *when;
		unsigned waiting;
		const char *machines;
		unsigned max, total, booting; /* limits, in machines */
		unsigned launches, covered, launched_for, unserved; /* tasks, but for the first */
		enum why why;
	} cases[] = {
		{ "one task asks for one machine", 1, "", 9, 0, 0, 1, 0, 1, 0, WHY_LAUNCH },
		{ "as many tasks as seats", 4, "", 9, 0, 0, 1, 0, 4, 0, WHY_LAUNCH },
		{ "one task more than seats", 5, "", 9, 0, 0, 2, 0, 5, 0, WHY_LAUNCH },
		{ "a booting machine brings all its seats", 4, "b", 9, 0, 0, 0, 4, 0, 0,
		  WHY_COVERED },
		{ "a booting machine is one seat short", 5, "b", 9, 0, 0, 1, 4, 1, 0, WHY_LAUNCH },
		{ "a machine before its gates brings all its seats", 5, "p", 9, 0, 0, 1, 4, 1, 0,
		  WHY_LAUNCH },
		{ "a machine before its gates has an older ticket", 4, "o", 9, 0, 0, 1, 1, 3, 0,
		  WHY_LAUNCH },
		{ "an idle machine brings all its seats", 9, "i", 9, 0, 0, 2, 4, 5, 0, WHY_LAUNCH },
		{ "a half busy machine brings the other half", 3, "2", 9, 0, 0, 1, 2, 1, 0,
		  WHY_LAUNCH },
		{ "free seats of several machines add up", 6, "123", 9, 0, 0, 0, 6, 0, 0,
		  WHY_COVERED },
		{ "a full machine brings none", 1, "0", 9, 0, 0, 1, 0, 1, 0, WHY_LAUNCH },
		{ "a draining machine brings none", 1, "d", 9, 0, 0, 1, 0, 1, 0, WHY_LAUNCH },
		{ "a silent machine brings none", 1, "s", 9, 0, 0, 1, 0, 1, 0, WHY_LAUNCH },
		{ "booting and serving seats add up", 8, "b31", 9, 0, 0, 0, 8, 0, 0, WHY_COVERED },
		{ "the limit counts machines, not seats", 9, "0", 2, 0, 0, 1, 0, 4, 5, WHY_LAUNCH },
		{ "all slots are taken", 9, "00", 2, 0, 0, 0, 0, 0, 9, WHY_AT_LIMIT },
		{ "the total counts machines", 9, "1", 9, 2, 0, 1, 1, 4, 4, WHY_LAUNCH },
		{ "the booting limit counts machines", 9, "b", 9, 0, 2, 1, 4, 4, 1, WHY_LAUNCH },
		{ "the booting limit is reached", 9, "b", 9, 0, 1, 0, 4, 0, 5, WHY_BOOTING_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(cases[i].waiting, 0);
		struct plan plan;

		plan_world_resource(world, "many", cases[i].max, "c");
		world->resources[0].ticket.seats = SEATS;
		world->settings.max_instances = cases[i].total;
		world->settings.max_booting = cases[i].booting;
		for (const char *kind = cases[i].machines; *kind; kind++)
			add_machine(world, *kind);
		plan_world_plan(world, &plan);
		const struct queue_plan *queue = &plan.queues[0];

		if (plan.resources[0].launches != cases[i].launches ||
		    plan.launch_count != cases[i].launches)
			fail_msg("when %s: %u launches", cases[i].when, plan.resources[0].launches);
		if (queue->covered != cases[i].covered ||
		    queue->launched_for != cases[i].launched_for ||
		    queue->unserved != cases[i].unserved)
			fail_msg("when %s: %u covered, %u launched for, %u unserved", cases[i].when,
				 queue->covered, queue->launched_for, queue->unserved);
		if (plan.resources[0].why != cases[i].why)
			fail_msg("when %s: %s", cases[i].when, why_text(plan.resources[0].why));
		plan_release(&plan);
		free(world);
	}
}

/* Both have a machine with free seats: the tasks are for the one whose price is known. */
static void test_a_seat_of_unknown_price_is_the_dearest(void **state)
{
	struct plan_world *world = plan_world_new(2, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "unknown", 9, "c");
	plan_world_resource(world, "known", 9, "c");
	world->offerings[0][0].price = MONEY_UNKNOWN;
	world->queue_budgets[0].hour = USD;
	for (size_t r = 0; r < 2; r++) {
		struct observed_machine *machine = plan_world_machine(world, r, 'i');

		world->resources[r].ticket.seats = 2;
		machine->record.seats = machine->record.free_seats = 2;
	}
	plan_world_plan(world, &plan);
	assert_int_equal(plan.queues[0].covered, 2);
	assert_int_equal(plan.warning_count, 1); /* they cost all that the queue may */
	plan_release(&plan);
	free(world);
}

static void test_an_open_attempt_brings_all_its_seats(void **state)
{
	struct plan_world *world = plan_world_new(5, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "many", 9, "c");
	world->resources[0].ticket.seats = SEATS;
	world->seen.attempt_count = 1;
	SET(world->attempts[0].resource, "many");
	plan_world_plan(world, &plan);
	assert_int_equal(plan.resources[0].booting, 1);
	assert_int_equal(plan.resources[0].booting_seats, SEATS);
	assert_int_equal(plan.resources[0].launches, 1);
	assert_int_equal(plan.queues[0].covered, 4);
	plan_release(&plan);
	free(world);
}

static void test_a_minimum_is_of_machines(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "many", 9, "c");
	world->resources[0].ticket.seats = SEATS;
	world->seen.resources[0].minimum = 3;
	add_machine(world, '4');
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 2);
	assert_int_equal(plan.resources[0].why, WHY_MINIMUM);
	assert_int_equal(plan.resources[0].free_seats, 4);
	plan_release(&plan);
	free(world);
}

/* The small resource serves one queue, the large one both: what is left on the large one's
 * machines after the first queue takes the second queue's tasks. */
static void test_two_queues_share_the_seats_of_a_machine(void **state)
{
	static const struct {
		const char *when;
		unsigned cpu, gpu; /* waiting */
		unsigned small, large; /* launches */
	} cases[] = {
		{ "one machine has a seat for each", 3, 1, 0, 1 },
		{ "the second queue fills up and goes on", 3, 3, 0, 2 },
		{ "the first queue leaves no seat", 4, 1, 0, 2 },
		{ "only the second queue asks", 0, 2, 0, 1 },
		{ "the large one is full, the small one helps", 8, 2, 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(cases[i].cpu, cases[i].gpu);
		struct plan plan;

		plan_world_resource(world, "large", 2, "cg");
		plan_world_resource(world, "small", 9, "g");
		world->resources[0].ticket.seats = SEATS;
		world->resources[1].ticket.seats = 2;
		plan_world_plan(world, &plan);
		if (plan.resources[0].launches != cases[i].large ||
		    plan.resources[1].launches != cases[i].small)
			fail_msg("when %s: %u large and %u small", cases[i].when,
				 plan.resources[0].launches, plan.resources[1].launches);
		assert_int_equal(plan.queues[0].unserved + plan.queues[1].unserved, 0);
		plan_release(&plan);
		free(world);
	}
}

/* Two free seats of a machine for both queues are not counted for each queue anew. */
static void test_a_free_seat_is_counted_once(void **state)
{
	struct plan_world *world = plan_world_new(2, 2);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "many", 9, "cg");
	world->resources[0].ticket.seats = SEATS;
	add_machine(world, '2');
	plan_world_plan(world, &plan);
	assert_int_equal(plan.queues[0].covered, 2);
	assert_int_equal(plan.queues[1].covered, 0);
	assert_int_equal(plan.queues[1].launched_for, 2);
	assert_int_equal(plan.resources[0].launches, 1);
	plan_release(&plan);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_launches_machines_for_tasks_without_a_seat),
		cmocka_unit_test(test_a_seat_of_unknown_price_is_the_dearest),
		cmocka_unit_test(test_an_open_attempt_brings_all_its_seats),
		cmocka_unit_test(test_a_minimum_is_of_machines),
		cmocka_unit_test(test_two_queues_share_the_seats_of_a_machine),
		cmocka_unit_test(test_a_free_seat_is_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
