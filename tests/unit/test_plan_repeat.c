/* plan repeats a launch that nobody answered, unless a launch is forbidden now: one row a reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/plan.h"
#include "tests/unit/support/plan_world.h"

struct queue_facts { /* in place of those that plan_world gives */
	unsigned waiting, ripe, barred;
	bool is_forced_off;
};

struct row {
	const char *when;
	struct queue_facts cpu;
	const char *machines; /* of plan_world_machine() */
	unsigned attempts; /* open and young, in slots 5 and 6 */
	unsigned minimum;
	unsigned max, total, booting; /* limits */
	struct budget budget, queue_budget;
	int64_t day_spent; /* over all, and by the queue */
	unsigned boot_failures; /* of three that open the breaker */
	int failed_ago_s;
	bool is_list_failed;
	size_t repeats;
	enum why why; /* of those that are held back */
};

static struct plan_world *world_of(const struct row *row)
{
	struct plan_world *world = plan_world_new(row->cpu.waiting, 0);

	plan_world_resource(world, "first", row->max ? row->max : 9, "c");
	for (const char *kind = row->machines ? row->machines : ""; *kind; kind++)
		plan_world_machine(world, 0, *kind);
	world->settings.launch_after_s = row->cpu.ripe ? 30 : 0;
	world->seen.queues[0].ripe = row->cpu.ripe;
	world->seen.queues[0].barred = row->cpu.barred;
	world->seen.queues[0].is_forced_off = row->cpu.is_forced_off;
	world->seen.resources[0].minimum = row->minimum;
	world->seen.resources[0].is_listed = !row->is_list_failed;
	world->seen.resources[0].boot_failures = row->boot_failures;
	world->seen.resources[0].last_boot_failure_s = NOW_S - row->failed_ago_s;
	world->settings.breaker_failures = 3;
	world->settings.breaker_probe_s = 600;
	world->settings.max_instances = row->total;
	world->settings.max_booting = row->booting;
	world->settings.budget = row->budget;
	world->queue_budgets[0] = row->queue_budget;
	world->settings.queue_budgets = world->queue_budgets;
	world->seen.spent.day = row->day_spent;
	world->seen.queue_spent[0].day = row->day_spent;
	for (unsigned i = 0; i < row->attempts; i++) {
		SET(world->attempts[i].resource, "first");
		world->attempts[i].slot = 5 + i;
		world->attempts[i].generation = 9; /* no machine of it is in a list */
		world->attempts[i].asked_s = NOW_S - 60;
	}
	world->seen.attempt_count = row->attempts;
	return world;
}

static void check(const struct row *row)
{
	struct plan_world *world = world_of(row);
	size_t repeats = 0;
	struct plan plan;

	plan_world_plan(world, &plan);
	for (size_t i = 0; i < plan.launch_count; i++)
		repeats += plan.launches[i].is_repeat;

	const struct resource_plan *planned = &plan.resources[0];

	if (repeats != row->repeats || planned->held_back != row->attempts - row->repeats ||
	    (planned->held_back && planned->held_back_why != row->why))
		fail_msg("when %s: %zu repeats, %u held back: %s", row->when, repeats,
			 planned->held_back, why_text(planned->held_back_why));
	/* Held back or not, it may exist. */
	if (planned->alive - planned->launches !=
	    row->attempts + (row->machines ? strlen(row->machines) : 0))
		fail_msg("when %s: %u alive", row->when, planned->alive);
	plan_release(&plan);
	free(world);
}

static void test_it_is_repeated_as_long_as_it_is_needed(void **state)
{
	static const struct row rows[] = {
		{ "a task waits", { .waiting = 1 }, .attempts = 1, .repeats = 1 },
		{ "its task is gone", { .waiting = 0 }, .attempts = 1, .why = WHY_NO_DEMAND },
		{ "one task of two is gone",
		  { .waiting = 1 },
		  .attempts = 2,
		  .repeats = 1,
		  .why = WHY_NO_DEMAND },
		{ "another machine is free for it",
		  { .waiting = 1 },
		  .machines = "i",
		  .attempts = 1,
		  .why = WHY_NO_DEMAND },
		{ "another machine is free for one of two",
		  { .waiting = 2 },
		  .machines = "i",
		  .attempts = 1,
		  .repeats = 1 },
		{ "the queue is paused",
		  { .waiting = 1, .is_forced_off = true },
		  .attempts = 1,
		  .why = WHY_NO_DEMAND },
		{ "what waits is younger than launch_after",
		  { .waiting = 3, .ripe = 1 },
		  .attempts = 2,
		  .repeats = 1,
		  .why = WHY_NO_DEMAND },
		{ "what waits is of users past their budget",
		  { .waiting = 1, .barred = 1 },
		  .attempts = 1,
		  .why = WHY_NO_DEMAND },
		{ "it is for a minimum", { 0 }, .attempts = 2, .minimum = 2, .repeats = 2 },
		{ "the minimum is lower now",
		  { 0 },
		  .attempts = 2,
		  .minimum = 1,
		  .repeats = 1,
		  .why = WHY_NO_DEMAND },
		{ "the minimum is there",
		  { 0 },
		  .machines = "i",
		  .attempts = 1,
		  .minimum = 1,
		  .why = WHY_NO_DEMAND },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i]);
}

static void test_what_forbids_a_launch_holds_it_back(void **state)
{
	static const struct row rows[] = {
		{ "the day's budget is not spent",
		  { .waiting = 1 },
		  .attempts = 1,
		  .budget = { .day = 2 * USD },
		  .day_spent = USD,
		  .repeats = 1 },
		{ "the day's budget is spent",
		  { .waiting = 1 },
		  .attempts = 1,
		  .budget = { .day = USD },
		  .day_spent = USD,
		  .why = WHY_BUDGET },
		{ "the day's budget is spent, and it is for a minimum",
		  { 0 },
		  .attempts = 1,
		  .minimum = 1,
		  .budget = { .day = USD },
		  .day_spent = USD,
		  .why = WHY_BUDGET },
		{ "the queue's budget is spent",
		  { .waiting = 1 },
		  .attempts = 1,
		  .queue_budget = { .day = USD },
		  .day_spent = USD,
		  .why = WHY_NO_DEMAND },
		{ "it fills the hour's budget itself",
		  { .waiting = 2 },
		  .attempts = 2,
		  .budget = { .hour = 2 * USD },
		  .repeats = 2 },
		{ "the hour's budget was lowered",
		  { .waiting = 2 },
		  .attempts = 2,
		  .budget = { .hour = USD },
		  .why = WHY_BUDGET },
		{ "it fills the total", { .waiting = 1 }, .attempts = 1, .total = 1, .repeats = 1 },
		{ "the total was lowered",
		  { .waiting = 2 },
		  .attempts = 2,
		  .total = 1,
		  .why = WHY_TOTAL_LIMIT },
		{ "it is all that may boot",
		  { .waiting = 1 },
		  .attempts = 1,
		  .booting = 1,
		  .repeats = 1 },
		{ "max_booting was lowered",
		  { .waiting = 2 },
		  .attempts = 2,
		  .booting = 1,
		  .why = WHY_BOOTING_LIMIT },
		{ "its slot is the last", { .waiting = 1 }, .attempts = 1, .max = 6, .repeats = 1 },
		{ "its slot is no more",
		  { .waiting = 1 },
		  .attempts = 1,
		  .max = 5,
		  .why = WHY_AT_LIMIT },
		{ "there are more than max_instances",
		  { .waiting = 8 },
		  .machines = "wwwwww",
		  .attempts = 1,
		  .max = 6,
		  .why = WHY_AT_LIMIT },
		{ "two boots failed",
		  { .waiting = 1 },
		  .attempts = 1,
		  .boot_failures = 2,
		  .repeats = 1 },
		{ "the breaker is open",
		  { .waiting = 1 },
		  .attempts = 1,
		  .boot_failures = 3,
		  .why = WHY_BREAKER },
		{ "the breaker is half open: it is the probe",
		  { .waiting = 2 },
		  .attempts = 2,
		  .boot_failures = 3,
		  .failed_ago_s = 600,
		  .repeats = 1,
		  .why = WHY_BREAKER },
		{ "the breaker is half open, and the probe boots",
		  { .waiting = 2 },
		  .machines = "b",
		  .attempts = 1,
		  .boot_failures = 3,
		  .failed_ago_s = 600,
		  .why = WHY_BREAKER },
		{ "nobody knows what is there",
		  { .waiting = 1 },
		  .attempts = 1,
		  .is_list_failed = true,
		  .why = WHY_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i]);
}

/* It may be the probe, and failed to come up in time: then no second one is tried beside it. */
static void test_an_old_attempt_is_the_probe_too(void **state)
{
	static const char *const machines[] = { "", "b" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		struct row row = { .cpu = { .waiting = 4 },
				   .attempts = 1,
				   .machines = machines[i],
				   .boot_failures = 3,
				   .failed_ago_s = 600 };
		struct plan_world *world = world_of(&row);
		struct plan plan;

		world->machines[0].instance.launched_s = NOW_S - 601; /* it is late, too */
		world->attempts[0].asked_s = NOW_S - 601;
		plan_world_plan(world, &plan);
		assert_int_equal(plan.launch_count, 0);
		assert_int_equal(plan.resources[0].why, WHY_BREAKER);
		plan_release(&plan);
		free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_repeated_as_long_as_it_is_needed),
		cmocka_unit_test(test_what_forbids_a_launch_holds_it_back),
		cmocka_unit_test(test_an_old_attempt_is_the_probe_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
