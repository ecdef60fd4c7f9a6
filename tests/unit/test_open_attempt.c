/* open_attempt: a row is an attempt's age, and what is known of its resource. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reaper/open_attempt.h"
#include "tests/unit/support/plan_world.h"

enum { DAY_S = 86400 };

static void test_who_is_young(void **state)
{
	static const struct {
		const char *when;
		int64_t age_s;
		bool is_young;
	} cases[] = {
		{ "it was asked for just now", 0, true },
		{ "the clock went backwards", -60, true },
		{ "its boot deadline is reached", 600, true },
		{ "its boot deadline is past", 601, false },
		{ "it is five days old", 5 * DAY_S, false },
	};
	struct resource resource = { .ticket.limits.boot_deadline_s = 600 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct open_attempt attempt = { .asked_s = NOW_S - cases[i].age_s };

		if (open_attempt_is_young(&attempt, &resource, NOW_S) != cases[i].is_young)
			fail_msg("when %s", cases[i].when);
	}
}

static void test_who_is_kept(void **state)
{
	enum trouble { NOTHING, LIST_FAILED, NO_CLOCK };
	static const struct {
		const char *when, *resource, *offering;
		int64_t age_s;
		enum trouble trouble;
		bool is_kept;
	} cases[] = {
		{ "its offering is there", "second", "small", 0, NOTHING, true },
		{ "the last repeat's machine may come up yet", "second", "small", 1199, NOTHING,
		  true },
		{ "the last repeat's machine would be there", "second", "small", 1200, NOTHING,
		  false },
		{ "nobody knows what is there", "second", "small", DAY_S, LIST_FAILED, true },
		{ "nobody knows how late it is", "second", "small", DAY_S, NO_CLOCK, true },
		{ "its offering is gone, and it may come up yet", "second", "gone", 599, NOTHING,
		  true },
		{ "its offering is gone, and it did not come up", "second", "gone", 600, NOTHING,
		  false },
		{ "its offering is gone, and nobody knows what is there", "second", "gone", DAY_S,
		  LIST_FAILED, true },
		{ "it is of the first release", "second", "", 1199, NOTHING, true },
		{ "it is of the first release, and old", "second", "", 1200, NOTHING, false },
		{ "its resource is configured no more", "gone", "small", 0, LIST_FAILED, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct open_attempt attempt = { .asked_s = NOW_S - cases[i].age_s };

		plan_world_resource(world, "first", 4, "c");
		plan_world_resource(world, "second", 4, "c");
		SET(attempt.resource, cases[i].resource);
		SET(attempt.offering, cases[i].offering);
		SET(world->offerings[1][1].type, "gone"); /* past the last one */
		world->seen.resources[0].is_listed = cases[i].trouble != LIST_FAILED;
		world->seen.resources[1].is_listed = cases[i].trouble != LIST_FAILED;
		world->seen.is_clock_known = cases[i].trouble != NO_CLOCK;
		if (open_attempt_is_kept(&attempt, &world->settings, &world->seen) !=
		    cases[i].is_kept)
			fail_msg("when %s", cases[i].when);
		free(world);
	}
}

static void test_what_a_failure_settles(void **state)
{
	static const struct {
		const char *when;
		bool is_repeat;
		enum error_class failure;
		bool is_settled;
	} cases[] = {
		{ "the first request is throttled", false, ERROR_THROTTLED, true },
		{ "the first request fails on this host", false, ERROR_SYSTEM, true },
		{ "the first request finds no capacity", false, ERROR_CAPACITY, true },
		{ "a repeat finds no capacity", true, ERROR_CAPACITY, true },
		{ "a repeat is past the quota", true, ERROR_QUOTA, true },
		{ "a repeat is throttled", true, ERROR_THROTTLED, false },
		{ "a repeat is denied", true, ERROR_DENIED, false },
		{ "a repeat is refused", true, ERROR_REFUSED, false },
		{ "a repeat fails on this host", true, ERROR_SYSTEM, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (open_attempt_is_settled(cases[i].is_repeat, cases[i].failure) !=
		    cases[i].is_settled)
			fail_msg("when %s", cases[i].when);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_young),
		cmocka_unit_test(test_who_is_kept),
		cmocka_unit_test(test_what_a_failure_settles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
