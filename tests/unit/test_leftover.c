/* leftover: what becomes of volumes and spot requests that no machine has. */
#include "reaper/leftover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/money/money.h"
#include "tests/unit/support/plan_world.h"

#define REQUEST LEFTOVER_SPOT_REQUEST
#define VOLUME LEFTOVER_VOLUME

static struct plan_world *world_with(enum leftover_kind kind, const char *resource, int64_t age_s,
				     struct observed_leftover *left)
{
	struct plan_world *world = plan_world_new(0, 0);

	plan_world_resource(world, "fast", 4, "c");
	plan_world_resource(world, "slow", 4, "g");
	world->resources[0].ticket.limits.boot_deadline_s = 600;
	world->resources[1].ticket.limits.boot_deadline_s = 900;
	*left = (struct observed_leftover){
		.leftover = { .kind = kind, .slot = 3, .generation = 2, .made_s = NOW_S - age_s }
	};
	SET(left->leftover.resource, resource);
	world->seen.leftovers = left;
	world->seen.leftover_count = 1;
	return world;
}

static enum leftover_fate planned(struct plan_world *world)
{
	struct plan plan;

	plan_world_plan(world, &plan);
	enum leftover_fate fate = plan.leftovers[0];

	plan_release(&plan);
	return fate;
}

static void test_fates(void **state)
{
	static const struct {
		const char *when;
		enum leftover_kind kind;
		const char *resource;
		int64_t age_s;
		bool is_clock_unknown;
		enum leftover_fate want;
	} cases[] = {
		{ "a request is as old as a boot", REQUEST, "fast", 600, 0, LEFTOVER_WAITS },
		{ "a request is older", REQUEST, "fast", 601, 0, LEFTOVER_CANCELLED },
		{ "its resource boots for longer", REQUEST, "slow", 601, 0, LEFTOVER_WAITS },
		{ "it is older than that, too", REQUEST, "slow", 901, 0, LEFTOVER_CANCELLED },
		{ "its resource is configured no more", REQUEST, "gone", 900, 0, LEFTOVER_WAITS },
		{ "that is long over", REQUEST, "gone", 901, 0, LEFTOVER_CANCELLED },
		{ "it is of a time to come", REQUEST, "fast", -9000, 0, LEFTOVER_WAITS },
		{ "the time is not known", REQUEST, "fast", 9000, 1, LEFTOVER_WAITS },
		{ "a volume may be a launch's", VOLUME, "fast", 600, 0, LEFTOVER_WAITS },
		{ "a volume is a year old", VOLUME, "fast", 31536000, 0, LEFTOVER_KEPT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observed_leftover left;
		struct plan_world *world =
			world_with(cases[i].kind, cases[i].resource, cases[i].age_s, &left);

		world->seen.is_clock_known = !cases[i].is_clock_unknown;
		enum leftover_fate fate = planned(world);

		if (fate != cases[i].want)
			fail_msg("when %s: %s", cases[i].when, leftover_fate_text(fate));
		free(world);
	}
}

/* The same request may be repeated, and answered by what that one launches. */
static void test_an_open_attempt_needs_its_request(void **state)
{
	static const struct {
		const char *when, *resource;
		unsigned slot, generation;
		enum leftover_fate want;
	} cases[] = {
		{ "it is the attempt's", "fast", 3, 2, LEFTOVER_WAITS },
		{ "the attempt is another resource's", "slow", 3, 2, LEFTOVER_CANCELLED },
		{ "the attempt is another slot's", "fast", 2, 2, LEFTOVER_CANCELLED },
		{ "the attempt is the next generation's", "fast", 3, 3, LEFTOVER_CANCELLED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observed_leftover left;
		struct plan_world *world = world_with(REQUEST, "fast", 9000, &left);
		struct open_attempt *attempt = &world->attempts[0];

		*attempt = (struct open_attempt){ .slot = cases[i].slot,
						  .generation = cases[i].generation,
						  .asked_s = NOW_S };
		SET(attempt->resource, cases[i].resource);
		SET(attempt->day, "2027-01-14");
		world->seen.attempt_count = 1;
		enum leftover_fate fate = planned(world);

		if (fate != cases[i].want)
			fail_msg("when %s: %s", cases[i].when, leftover_fate_text(fate));
		free(world);
	}
}

static void test_only_what_there_is_counts(void **state)
{
	struct observed_leftover left;
	struct plan_world *world = world_with(REQUEST, "gone", 601, &left);
	struct open_attempt *attempt = &world->attempts[0];

	(void)state;
	*attempt = (struct open_attempt){ .slot = 3, .generation = 2 };
	SET(attempt->resource, "gone");
	world->settings.resource_count = 1;
	assert_int_equal(leftover_fate(&world->seen, &world->settings, &left.leftover),
			 LEFTOVER_CANCELLED);
	free(world);
}

static void test_what_a_month_costs(void **state)
{
	static const struct {
		const char *when;
		struct leftover left;
		int64_t want;
	} cases[] = {
		{ "it is a volume", { .kind = VOLUME, .type = "gp3", .gigabytes = 100 }, 8 * USD },
		{ "it is magnetic",
		  { .kind = VOLUME, .type = "standard", .gigabytes = 20 },
		  1 * USD },
		{ "it is the largest there is",
		  { .kind = VOLUME, .type = "io2", .gigabytes = 65536 },
		  (int64_t)8192 * USD },
		{ "its type is new",
		  { .kind = VOLUME, .type = "gp9", .gigabytes = 1 },
		  MONEY_UNKNOWN },
		{ "it is a request", { .kind = REQUEST, .type = "g5.xlarge" }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (leftover_month(&cases[i].left) != cases[i].want)
			fail_msg("when %s", cases[i].when);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fates),
		cmocka_unit_test(test_an_open_attempt_needs_its_request),
		cmocka_unit_test(test_only_what_there_is_counts),
		cmocka_unit_test(test_what_a_month_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
