/* plan launches: offerings, breaker, tasks that must wait, minimums; and why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/plan.h"
#include "tests/unit/support/plan_world.h"

static void add_state(struct plan_world *world, const char *resource, const char *offering,
		      int cooling_s)
{
	struct offering_state *state = &world->states[world->seen.offering_count++];

	SET(state->resource, resource);
	SET(state->offering, offering);
	state->until_s = NOW_S + cooling_s;
}

static void test_chooses_the_first_offering_that_may_be_asked(void **state)
{
	static const struct {
		const char *when;
		const char *cooling; /* the types of "first" that cool down, "sl" */
		unsigned first, second; /* launches */
		size_t offering;
		enum why why, why_second;
		int until_s;
	} cases[] = {
		{ "all may be asked", "", 3, 0, 0, WHY_LAUNCH, WHY_LATER_RESOURCE, 0 },
		{ "the first cools down", "s", 3, 0, 1, WHY_LAUNCH, WHY_LATER_RESOURCE, 0 },
		/* FIELD: capacity shortage on the first resource, the second takes over */
		{ "all cool down", "sl", 0, 3, 0, WHY_COOLING_DOWN, WHY_LAUNCH, 60 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(3, 0);
		struct plan plan;

		plan_world_resource(world, "first", 5, "c");
		plan_world_offering(world, 0, "large", 2 * USD);
		plan_world_resource(world, "second", 5, "c");
		for (const char *at = cases[i].cooling; *at; at++)
			add_state(world, "first", *at == 's' ? "small" : "large",
				  *at == 's' ? 90 : 60);
		plan_world_plan(world, &plan);
		if (plan.resources[0].launches != cases[i].first ||
		    plan.resources[1].launches != cases[i].second ||
		    plan.resources[0].why != cases[i].why ||
		    plan.resources[1].why != cases[i].why_second)
			fail_msg("when %s: %u and %u, %s, %s", cases[i].when,
				 plan.resources[0].launches, plan.resources[1].launches,
				 why_text(plan.resources[0].why), why_text(plan.resources[1].why));
		assert_int_equal(plan.launches[0].offering, cases[i].offering);
		assert_int_equal(plan.resources[0].until_s,
				 cases[i].until_s ? NOW_S + cases[i].until_s : 0);
		assert_int_equal(plan.resources[0].rate,
				 cases[i].first * (cases[i].offering + 1) * USD);
		assert_false(plan.launches[0].is_price_limited);
		plan_release(&plan);
		free(world);
	}
}

/* What cools down is not asked for, though the budget has room for it alone. */
static void test_a_budget_is_for_what_may_be_asked(void **state)
{
	struct plan_world *world = plan_world_new(1, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 5, "c");
	plan_world_offering(world, 0, "large", 5 * USD);
	world->settings.budget.hour = 2 * USD;
	add_state(world, "first", "small", 60);
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 0);
	assert_int_equal(plan.resources[0].why, WHY_BUDGET);
	plan_release(&plan);
	free(world);
}

static void test_spot_is_left_alone_as_the_ledger_says(void **state)
{
	struct plan_world *world = plan_world_new(1, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 5, "c");
	plan_world_offering(world, 0, "small", USD / 4)->market = MARKET_SPOT;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launches[0].offering, 1);
	plan_release(&plan);
	world->seen.resources[0].spot_failing_since_s = NOW_S - 900;
	world->seen.resources[0].spot_blackout_until_s = NOW_S + 60;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launches[0].offering, 0);
	plan_release(&plan);
	world->seen.resources[0].spot_blackout_until_s = 0;
	add_state(world, "first", "small//spot", 30);
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launches[0].offering, 0); /* rolled back: spot failed for 15 min */
	plan_release(&plan);
	free(world);
}

static void test_a_breaker_lets_one_machine_through(void **state)
{
	static const struct {
		const char *when;
		unsigned failures;
		int ago_s;
		const char *machines;
		bool is_attempt_open;
		unsigned launches;
		enum why why;
		int until_s;
	} cases[] = {
		{ "two boots failed", 2, 10, "", false, 4, WHY_LAUNCH, 0 },
		{ "three boots failed", 3, 10, "", false, 0, WHY_BREAKER, 590 },
		{ "it is time for a probe", 3, 600, "", false, 1, WHY_LAUNCH, 0 },
		{ "the probe boots", 3, 600, "b", false, 0, WHY_BREAKER, 0 },
		{ "the probe is asked for", 3, 600, "", true, 0, WHY_BREAKER, 0 },
		{ "others boot, and one is asked for", 3, 600, "b", true, 0, WHY_BREAKER, 0 },
		{ "others work meanwhile", 3, 600, "w", false, 1, WHY_LAUNCH, 0 },
		{ "the probe is late", 3, 600, "l", false, 0, WHY_BREAKER, 0 },
		{ "the probe is stopped", 3, 600, "o", false, 1, WHY_LAUNCH, 0 },
		{ "one that served is silent", 3, 600, "x", false, 1, WHY_LAUNCH, 0 },
		{ "the breaker is closed, and one is late", 2, 600, "l", false, 4, WHY_LAUNCH, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(4, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		world->settings.breaker_failures = 3;
		world->settings.breaker_probe_s = 600;
		world->seen.resources[0].boot_failures = cases[i].failures;
		world->seen.resources[0].last_boot_failure_s = NOW_S - cases[i].ago_s;
		for (const char *kind = cases[i].machines; *kind; kind++) {
			struct observed_machine *machine =
				plan_world_machine(world, 0, strchr("lox", *kind) ? 's' : *kind);

			if (*kind == 'o')
				machine->instance.state = INSTANCE_STOPPED;
			machine->has_served = *kind == 'x';
			machine->was_seen &= *kind != 'l';
		}
		if (cases[i].is_attempt_open) {
			world->seen.attempt_count = 1;
			SET(world->attempts[0].resource, "first");
		}
		plan_world_plan(world, &plan);
		if (plan.resources[0].launches != cases[i].launches ||
		    plan.resources[0].why != cases[i].why ||
		    plan.resources[0].until_s != (cases[i].until_s ? NOW_S + cases[i].until_s : 0))
			fail_msg("when %s: %u, %s until %lld", cases[i].when,
				 plan.resources[0].launches, why_text(plan.resources[0].why),
				 (long long)plan.resources[0].until_s);
		plan_release(&plan);
		free(world);
	}
}

static void test_nothing_is_launched_for_who_must_wait(void **state)
{
	static const struct {
		const char *when;
		unsigned waiting, ripe, barred;
		int launch_after_s, oldest_s;
		const char *machines;
		unsigned launches, covered, unserved;
		enum why why;
		int until_s;
	} cases[] = {
		{ "there is no launch_after", 3, 0, 0, 0, 5, "", 3, 0, 0, WHY_LAUNCH, 0 },
		{ "none has waited", 3, 0, 0, 30, 5, "", 0, 0, 3, WHY_WAITING, 25 },
		{ "two of three have waited", 3, 2, 0, 30, 40, "", 2, 0, 1, WHY_LAUNCH, 0 },
		{ "a booting machine takes the one that has", 3, 1, 0, 30, 40, "b", 0, 1, 2,
		  WHY_WAITING, 0 },
		{ "an idle machine takes who has not", 1, 0, 0, 30, 5, "i", 0, 1, 0, WHY_COVERED,
		  0 },
		{ "more have waited than wait", 3, 9, 0, 30, 90, "", 3, 0, 0, WHY_LAUNCH, 0 },
		{ "all are of users past their budget", 2, 0, 2, 0, 5, "", 0, 0, 2, WHY_BUDGET, 0 },
		{ "one is of such a user, the others must wait", 3, 0, 1, 30, 30, "", 0, 0, 3,
		  WHY_WAITING, 0 },
		{ "all have waited, and all are barred", 2, 2, 2, 30, 40, "", 0, 0, 2, WHY_BUDGET,
		  0 },
		{ "one is of such a user", 3, 0, 1, 0, 5, "", 2, 0, 1, WHY_LAUNCH, 0 },
		{ "more are barred than wait", 2, 0, 9, 0, 5, "", 0, 0, 2, WHY_BUDGET, 0 },
		{ "an idle machine takes barred ones too", 2, 0, 2, 0, 5, "ii", 0, 2, 0,
		  WHY_COVERED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(cases[i].waiting, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "cg");
		world->settings.launch_after_s = cases[i].launch_after_s;
		world->seen.queues[0].ripe = cases[i].ripe;
		world->seen.queues[0].barred = cases[i].barred;
		world->seen.queues[0].oldest_ms = (int64_t)(NOW_S - cases[i].oldest_s) * 1000;
		for (const char *kind = cases[i].machines; *kind; kind++)
			plan_world_machine(world, 0, *kind);
		plan_world_plan(world, &plan);
		const struct resource_plan *got = &plan.resources[0];
		if (got->launches != cases[i].launches ||
		    plan.queues[0].covered != cases[i].covered ||
		    plan.queues[0].unserved != cases[i].unserved || got->why != cases[i].why ||
		    got->until_s != (cases[i].until_s ? NOW_S + cases[i].until_s : 0))
			fail_msg("when %s: %u, %u covered, %u unserved, %s until %lld",
				 cases[i].when, got->launches, plan.queues[0].covered,
				 plan.queues[0].unserved, why_text(got->why),
				 (long long)got->until_s);
		assert_int_equal(plan.queues[0].launched_for, cases[i].launches);
		assert_int_equal(*got->words != '\0',
				 got->why == WHY_BUDGET || got->rest == WHY_BUDGET);
		plan_release(&plan);
		free(world);
	}
}

static void test_the_first_ripe_task_of_all_queues_says_when(void **state)
{
	struct plan_world *world = plan_world_new(1, 1);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 9, "cg");
	world->settings.launch_after_s = 60;
	for (int later = 0; later < 2; later++) {
		world->seen.queues[later].oldest_ms = (int64_t)(NOW_S - 10) * 1000;
		world->seen.queues[!later].oldest_ms = (int64_t)(NOW_S - 50) * 1000;
		plan_world_plan(world, &plan);
		assert_int_equal(plan.resources[0].why, WHY_WAITING);
		assert_int_equal(plan.resources[0].until_s, NOW_S + 10);
		plan_release(&plan);
	}
	free(world);
}

static void test_minimums_follow_the_schedule(void **state)
{
	static const struct {
		const char *when;
		unsigned now, launches;
		bool is_cooling;
		enum why why;
	} cases[] = {
		{ "there is none", 0, 0, false, WHY_NO_DEMAND },
		{ "it is above what is there", 3, 2, false, WHY_MINIMUM },
		{ "it is kept", 1, 0, false, WHY_NO_DEMAND },
		{ "it cannot be kept now", 3, 0, true, WHY_COOLING_DOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		world->seen.resources[0].minimum = cases[i].now;
		plan_world_machine(world, 0, 'i');
		if (cases[i].is_cooling)
			add_state(world, "first", "small", 60);
		plan_world_plan(world, &plan);
		if (plan.launch_count != cases[i].launches || plan.resources[0].why != cases[i].why)
			fail_msg("when %s: %zu, %s", cases[i].when, plan.launch_count,
				 why_text(plan.resources[0].why));
		plan_release(&plan);
		free(world);
	}
}

/* FIELD 2.1: ClearML's autoscaler extends each resource of a queue by the whole deficit. */
static void test_three_tasks_on_two_resources_are_three_machines(void **state)
{
	struct plan_world *world = plan_world_new(3, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 2, "c");
	plan_world_resource(world, "second", 5, "c");
	plan_world_plan(world, &plan);
	assert_int_equal(plan.resources[0].launches, 2);
	assert_int_equal(plan.resources[1].launches, 1);
	assert_int_equal(plan.launch_count, 3);
	plan_release(&plan);
	free(world);
}

/* FIELD 2.1: there, an idle worker that died counts as free for ever, and nothing launches. */
static void test_a_dead_idle_worker_hides_no_demand(void **state)
{
	static const struct {
		const char *when;
		bool has_record, is_listed, is_list_known;
		unsigned launches;
	} cases[] = {
		{ "it lives", true, true, true, 0 },
		{ "its record has gone", false, true, true, 1 },
		{ "its instance has gone, the record lingers", true, false, true, 1 },
		{ "nobody knows whether its instance has gone", true, false, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		plan_world_resource(world, "second", 4, "c");
		struct observed_machine *machine = plan_world_machine(world, 0, 'i');
		machine->has_record = cases[i].has_record;
		machine->is_listed = cases[i].is_listed;
		world->seen.resources[0].is_listed = cases[i].is_list_known;
		plan_world_plan(world, &plan);
		if (plan.launch_count != cases[i].launches)
			fail_msg("when %s: %zu", cases[i].when, plan.launch_count);
		plan_release(&plan);
		free(world);
	}
}

static void test_a_resource_that_launches_says_what_stops_the_rest(void **state)
{
	static const struct {
		const char *when;
		unsigned waiting, barred, ripe, max, total_max, booting_max;
		int64_t hour; /* budget, $ */
		unsigned launches;
		enum why rest;
	} cases[] = {
		{ "nothing remains", 2, 0, 2, 9, 0, 0, 0, 2, WHY_NO_DEMAND },
		{ "its slots are taken", 3, 0, 3, 2, 0, 0, 0, 2, WHY_AT_LIMIT },
		{ "all slots together are taken", 3, 0, 3, 9, 2, 0, 0, 2, WHY_TOTAL_LIMIT },
		{ "too many boot", 3, 0, 3, 9, 0, 1, 0, 1, WHY_BOOTING_LIMIT },
		{ "a budget is used up", 3, 0, 3, 9, 0, 0, 2, 2, WHY_BUDGET },
		{ "a user's budget is spent", 3, 1, 3, 9, 0, 0, 0, 2, WHY_BUDGET },
		{ "a task has not waited", 3, 0, 2, 9, 0, 0, 0, 2, WHY_WAITING },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(cases[i].waiting, 0);
		struct plan plan;

		plan_world_resource(world, "first", cases[i].max, "c");
		world->settings.launch_after_s = 30;
		world->settings.max_instances = cases[i].total_max;
		world->settings.max_booting = cases[i].booting_max;
		world->settings.budget.hour = cases[i].hour * USD;
		world->seen.queues[0].ripe = cases[i].ripe;
		world->seen.queues[0].barred = cases[i].barred;
		world->seen.queues[0].oldest_ms = (int64_t)(NOW_S - 90) * 1000;
		plan_world_plan(world, &plan);
		const struct resource_plan *got = &plan.resources[0];
		if (got->launches != cases[i].launches || got->rest != cases[i].rest ||
		    got->why != WHY_LAUNCH)
			fail_msg("when %s: %u, %s, then %s", cases[i].when, got->launches,
				 why_text(got->why), why_text(got->rest));
		assert_int_equal(*got->words != '\0', cases[i].rest == WHY_BUDGET);
		plan_release(&plan);
		free(world);
	}
}

/* Two slots are left: they go to the queue that the resource prefers, whatever the file says first.
 */
static void test_the_preferred_queue_goes_first(void **state)
{
	struct plan_world *world = plan_world_new(2, 2);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 2, "");
	world->resources[0].queue_count = 2;
	world->resources[0].queues[0] = 1;
	world->resources[0].queues[1] = 0;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.queues[1].launched_for, 2);
	assert_int_equal(plan.queues[0].launched_for, 0);
	assert_int_equal(plan.queues[0].unserved, 2);
	plan_release(&plan);
	free(world);
}

/* A queue's place is that in the lists it stands in, not what happens to follow another list. */
static void test_a_queue_s_place_is_its_best_one(void **state)
{
	struct plan_world *world = plan_world_new(2, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 2, "");
	plan_world_resource(world, "second", 2, "g"); /* 0 follows */
	world->settings.queue_count = 3;
	SET(world->settings.queues[2], "third");
	world->seen.queues[2] = (struct observed_queue){ .exists = true, .waiting = 2 };
	world->resources[0].queue_count = 3;
	memcpy(world->resources[0].queues, (size_t[]){ 1, 2, 0 }, 3 * sizeof(size_t));
	plan_world_plan(world, &plan);
	assert_int_equal(plan.queues[2].launched_for, 2);
	assert_int_equal(plan.queues[0].launched_for, 0);
	plan_release(&plan);
	free(world);
}

/* The later resource could launch, too, but for a limit that the first one has used up. */
static void test_a_later_resource_is_not_to_blame_for_a_common_limit(void **state)
{
	struct plan_world *world = plan_world_new(2, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 9, "c");
	plan_world_resource(world, "second", 9, "c");
	world->settings.max_booting = 2;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.resources[0].launches, 2);
	assert_int_equal(plan.resources[1].why, WHY_LATER_RESOURCE);
	plan_release(&plan);
	add_state(world, "second", "small", 60);
	world->settings.max_booting = 0;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.resources[1].why, WHY_COOLING_DOWN);
	assert_int_equal(plan.resources[1].until_s, NOW_S + 60);
	plan_release(&plan);
	free(world);
}

static void test_a_barred_queue_says_so_in_any_order(void **state)
{
	(void)state;
	for (int barred = 0; barred < 2; barred++) {
		struct plan_world *world = plan_world_new(1, 1);
		struct plan plan;

		plan_world_resource(world, "first", 9, "cg");
		plan_world_resource(world, "second", 1, "g");
		world->seen.queues[barred].barred = 1;
		world->seen.queues[!barred].waiting = 0;
		plan_world_plan(world, &plan);
		assert_int_equal(plan.resources[0].why, WHY_BUDGET);
		plan_release(&plan);
		free(world);
	}
}

static void test_a_stopped_machine_has_no_seat(void **state)
{
	struct plan_world *world = plan_world_new(1, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 9, "c");
	plan_world_machine(world, 0, 'i')->instance.state = INSTANCE_STOPPED;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.queues[0].covered, 0);
	assert_int_equal(plan.resources[0].free_seats, 0);
	plan_release(&plan);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chooses_the_first_offering_that_may_be_asked),
		cmocka_unit_test(test_a_budget_is_for_what_may_be_asked),
		cmocka_unit_test(test_spot_is_left_alone_as_the_ledger_says),
		cmocka_unit_test(test_a_breaker_lets_one_machine_through),
		cmocka_unit_test(test_nothing_is_launched_for_who_must_wait),
		cmocka_unit_test(test_a_resource_that_launches_says_what_stops_the_rest),
		cmocka_unit_test(test_the_first_ripe_task_of_all_queues_says_when),
		cmocka_unit_test(test_minimums_follow_the_schedule),
		cmocka_unit_test(test_three_tasks_on_two_resources_are_three_machines),
		cmocka_unit_test(test_a_dead_idle_worker_hides_no_demand),
		cmocka_unit_test(test_the_preferred_queue_goes_first),
		cmocka_unit_test(test_a_queue_s_place_is_its_best_one),
		cmocka_unit_test(test_a_later_resource_is_not_to_blame_for_a_common_limit),
		cmocka_unit_test(test_a_barred_queue_says_so_in_any_order),
		cmocka_unit_test(test_a_stopped_machine_has_no_seat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
