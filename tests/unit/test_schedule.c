/* schedule: which minimum holds when, and which slots are held; the zones themselves are tested in
 * test_zone.c and held to zoneinfo in tests/vectors/test_zones.py. */
#include "reaper/settings/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/settings/zone.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, WORKDAYS = 0x3e, EVERY_DAY = 0x7f };

/* Day 1 is Monday, November 23 of 2026 (winter in Berlin, an hour ahead of UTC). */
static int64_t on(int day, int hour, int minute)
{
	return (zone_days(2026, 11, 22) + day) * DAY_S + hour * HOUR_S + minute * MINUTE_S;
}

static struct schedule office = { WORKDAYS, 8 * 60, 18 * 60, "Europe/Berlin", 3 };
static struct schedule night = { 1 << 5, 22 * 60, 2 * 60, "UTC", 2 }; /* from Friday on */
static struct schedule whole_day = { 1 << 6, 0, 0, "UTC", 4 };
static struct schedule to_midnight = { 1 << 6, 12 * 60, 24 * 60, "UTC", 5 };

static void test_minimum(void **state)
{
	const struct {
		const char *when;
		const struct schedule *schedule;
		unsigned base, want;
		int64_t at_s;
	} cases[] = {
		{ "there is none", NULL, 1, 1, on(1, 12, 0) },
		{ "it is about to begin", &office, 1, 1, on(1, 7, 0) - 1 },
		{ "it begins, an hour ahead of UTC", &office, 1, 3, on(1, 7, 0) },
		{ "it is about to end", &office, 1, 3, on(1, 17, 0) - 1 },
		{ "it ends", &office, 1, 1, on(1, 17, 0) },
		{ "it is the weekend", &office, 1, 1, on(6, 12, 0) },
		{ "the base is above it", &office, 7, 7, on(1, 12, 0) },
		{ "it is summer there", &office, 0, 3, on(1, 6, 0) - 100 * DAY_S - 2 * DAY_S },
		{ "the evening is part of it", &night, 0, 2, on(5, 22, 0) },
		{ "the night after it is part of it", &night, 0, 2, on(6, 1, 59) },
		{ "the night ends", &night, 0, 0, on(6, 2, 0) },
		{ "the night before its day is not", &night, 0, 0, on(5, 1, 0) },
		{ "a day is whole", &whole_day, 0, 4, on(6, 0, 0) },
		{ "a whole day is about to end", &whole_day, 0, 4, on(7, 0, 0) - 1 },
		{ "a whole day ended", &whole_day, 0, 0, on(7, 0, 0) },
		{ "it goes to midnight", &to_midnight, 0, 5, on(7, 0, 0) - 1 },
		{ "midnight was", &to_midnight, 0, 0, on(7, 0, 0) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct schedule schedule = cases[i].schedule ? *cases[i].schedule : office;
		struct resource resource = { .min_instances = cases[i].base,
					     .schedules = &schedule,
					     .schedule_count = cases[i].schedule ? 1 : 0 };
		unsigned got = schedule_minimum(&resource, cases[i].at_s);

		if (got != cases[i].want)
			fail_msg("when %s: %u", cases[i].when, got);
	}
}

static void test_the_greatest_open_window_counts(void **state)
{
	struct schedule both[] = { office, whole_day, night };
	struct resource resource = { .schedules = both, .schedule_count = 3 };

	(void)state;
	assert_int_equal(schedule_minimum(&resource, on(5, 22, 30)), 2);
	assert_int_equal(schedule_minimum(&resource, on(6, 1, 0)), 4);
	assert_int_equal(schedule_minimum(&resource, on(5, 9, 0)), 3);
}

struct hold_case {
	const char *when;
	unsigned slot;
	int64_t from_s, until_s;
	size_t count;
	struct ticket_span want[4];
};

static void check_hold(const struct resource *resource, const struct hold_case *row)
{
	struct ticket_span *spans = NULL;
	size_t count = schedule_hold(resource, row->slot, row->from_s, row->until_s, &spans);

	if (count != row->count)
		fail_msg("when %s: %zu spans", row->when, count);
	for (size_t i = 0; i < count; i++)
		if (spans[i].from_s != row->want[i].from_s ||
		    spans[i].until_s != row->want[i].until_s)
			fail_msg("when %s: span %zu is %lld to %lld", row->when, i,
				 (long long)spans[i].from_s, (long long)spans[i].until_s);
	free(spans);
}

static void test_hold(void **state)
{
	const struct hold_case cases[] = {
		{ "it is below min_instances",
		  0,
		  on(1, 3, 0),
		  on(2, 3, 0),
		  1,
		  { { on(1, 3, 0), on(2, 3, 0) } } },
		{ "it is above every window", 4, on(1, 0, 0), on(8, 0, 0), 0, { { 0, 0 } } },
		{ "it is in one of two windows",
		  2,
		  on(5, 0, 0),
		  on(8, 0, 0),
		  2,
		  { { on(5, 7, 0), on(5, 17, 0) }, { on(6, 0, 0), on(7, 0, 0) } } },
		{ "windows overlap",
		  1,
		  on(5, 12, 0),
		  on(8, 0, 0),
		  2,
		  { { on(5, 12, 0), on(5, 17, 0) }, { on(5, 22, 0), on(7, 0, 0) } } },
		{ "it ends within a window",
		  3,
		  on(6, 1, 0),
		  on(6, 5, 0),
		  1,
		  { { on(6, 1, 0), on(6, 5, 0) } } },
		{ "nothing is asked for", 1, on(6, 5, 0), on(6, 5, 0), 0, { { 0, 0 } } },
	};
	struct schedule all[] = { office, whole_day, night,
				  to_midnight }; /* the last: past the end */
	struct resource resource = { .min_instances = 1, .schedules = all, .schedule_count = 3 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_hold(&resource, &cases[i]);
}

/* In Berlin the clock goes from 2:00 to 3:00 on March 29, and from 3:00 to 2:00 on October 25. */
static void test_hold_while_clocks_change(void **state)
{
	int64_t spring = zone_days(2026, 3, 29) * DAY_S, autumn = zone_days(2026, 10, 25) * DAY_S;
	const struct {
		unsigned from_minute, until_minute;
		struct hold_case hold;
	} cases[] = {
		{ 90,
		  210,
		  { "an hour is left out",
		    0,
		    spring,
		    spring + DAY_S / 2,
		    1,
		    { { spring + HOUR_S / 2, spring + HOUR_S * 3 / 2 } } } },
		{ 130,
		  140,
		  { "it is left out whole", 0, spring, spring + DAY_S / 2, 0, { { 0, 0 } } } },
		{ 130,
		  140,
		  { "it comes twice",
		    0,
		    autumn,
		    autumn + DAY_S / 2,
		    2,
		    { { autumn + 10 * MINUTE_S, autumn + 20 * MINUTE_S },
		      { autumn + 70 * MINUTE_S, autumn + 80 * MINUTE_S } } } },
		{ 90,
		  210,
		  { "an hour comes twice within it",
		    0,
		    autumn - DAY_S / 2,
		    autumn + DAY_S / 2,
		    1,
		    { { autumn - HOUR_S / 2, autumn + HOUR_S * 5 / 2 } } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct schedule schedule = { 1, cases[i].from_minute, cases[i].until_minute,
					     "Europe/Berlin", 1 };
		struct resource resource = { .schedules = &schedule, .schedule_count = 1 };

		check_hold(&resource, &cases[i].hold);
	}
}

static void test_a_zone_that_went_away_holds_nothing(void **state)
{
	struct schedule gone = { EVERY_DAY, 0, 0, "Europe/Atlantis", 2 };
	struct resource resource = { .min_instances = 1, .schedules = &gone, .schedule_count = 1 };
	struct ticket_span *spans = NULL;
	struct error err;

	(void)state;
	assert_int_equal(schedule_minimum(&resource, on(1, 0, 0)), 1);
	assert_int_equal(schedule_hold(&resource, 1, on(1, 0, 0), on(2, 0, 0), &spans), 0);
	free(spans);
	assert_int_equal(schedule_check_zone("Europe/Atlantis", &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_int_equal(schedule_check_zone("Europe/Berlin", &err), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimum),
		cmocka_unit_test(test_the_greatest_open_window_counts),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_hold_while_clocks_change),
		cmocka_unit_test(test_a_zone_that_went_away_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
