/* zone: files of the zone database, and the rules at their ends; tests/vectors/test_zones.py holds
 * every zone of the system to Python's zoneinfo. */
#include "reaper/settings/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/settings/zone_rule.h"

enum { HOUR_S = 3600, DAY_S = 86400 };

/* ---- rules ---- */

static int64_t at(int year, int month, int day, int hour)
{
	return zone_days(year, month, day) * DAY_S + hour * HOUR_S;
}

static void test_days(void **state)
{
	static const struct {
		int64_t year;
		int month, day;
		int64_t days;
	} cases[] = {
		{ 1970, 1, 1, 0 },	{ 1970, 12, 31, 364 },	 { 1972, 3, 1, 790 },
		{ 2000, 2, 29, 11016 }, { 2000, 3, 1, 11017 },	 { 2100, 3, 1, 47541 },
		{ 1969, 12, 31, -1 },	{ 1900, 1, 1, -25567 },	 { 2026, 11, 29, 20786 },
		{ 1, 1, 1, -719162 },	{ 0, 12, 31, -719163 },	 { 0, 2, 29, -719469 },
		{ -1, 1, 1, -719893 },	{ -400, 3, 1, -865565 }, { 2026, 1, 366, 20819 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(zone_days(cases[i].year, cases[i].month, cases[i].day),
				 cases[i].days);
}

/* Of a text that ends where it ends, without the 0 of a string. */
static int parse_rule(const char *text, struct zone_rule *out, struct error *err)
{
	size_t len = strlen(text);
	char *copy = memory_array(len, 1);

	memcpy(copy, text, len);

	int result = zone_rule_parse((struct slice){ copy, len }, out, err);

	free(copy);
	return result;
}

static void test_rules(void **state)
{
	static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";
	static const char santiago[] = "<-04>4<-03>,M9.1.6/24,M4.1.6/24";
	static const char dublin[] = "IST-1GMT0,M10.5.0,M3.5.0/1";
	const struct {
		const char *when, *rule;
		int64_t at_s, offset, until_s;
	} cases[] = {
		{ "there is no summer time", "EST5", 0, -5 * HOUR_S, INT64_MAX },
		{ "an offset has a sign that says nothing", "EST+5", 0, -5 * HOUR_S, INT64_MAX },
		{ "a name has the first letters and the last", "azAZ3", 0, -3 * HOUR_S, INT64_MAX },
		{ "it is as far west as any", "X26", 0, -26 * HOUR_S, INT64_MAX },
		{ "it is as far east as any", "X-26", 0, 26 * HOUR_S, INT64_MAX },
		{ "an offset has minutes", "<+0545>-5:45", 0, 20700, INT64_MAX },
		{ "it is winter", berlin, at(2026, 1, 15, 0), HOUR_S, at(2026, 3, 29, 1) },
		{ "summer begins", berlin, at(2026, 3, 29, 1), 2 * HOUR_S, at(2026, 10, 25, 1) },
		{ "summer is about to begin", berlin, at(2026, 3, 29, 1) - 1, HOUR_S,
		  at(2026, 3, 29, 1) },
		{ "summer ends", berlin, at(2026, 10, 25, 1), HOUR_S, at(2027, 3, 28, 1) },
		{ "a year ends", berlin, at(2026, 12, 31, 23), HOUR_S, at(2027, 3, 28, 1) },
		{ "summer is over the turn of the year", santiago, at(2026, 12, 31, 23),
		  -3 * HOUR_S, at(2027, 4, 4, 3) },
		{ "summer has lasted since the year before", santiago, at(2027, 1, 15, 0),
		  -3 * HOUR_S, at(2027, 4, 4, 3) },
		{ "winter is in the middle of the year", santiago, at(2026, 6, 1, 0), -4 * HOUR_S,
		  at(2026, 9, 6, 4) },
		{ "summer time is behind the standard time", dublin, at(2026, 12, 1, 0), 0,
		  at(2027, 3, 28, 1) },
		{ "the standard time is in summer", dublin, at(2026, 7, 1, 0), HOUR_S,
		  at(2026, 10, 25, 1) },
		{ "summer time never ends", "XXX3EDT4,0/0,J365/23", at(2026, 1, 1, 3), -4 * HOUR_S,
		  at(2026, 1, 1, 3) + 365 * DAY_S },
		{ "days are counted with February 29", "A0B,59/0,100/0", at(2028, 2, 29, 0), HOUR_S,
		  at(2028, 4, 9, 23) },
		{ "days are counted without February 29", "A0B,J60/0,J100/0", at(2028, 2, 29, 5), 0,
		  at(2028, 3, 1, 0) },
		{ "days are counted without it in a year that has none", "A0B,J59/0,J60/0",
		  at(2027, 2, 28, 5), HOUR_S, at(2027, 2, 28, 23) },
		{ "a change is two days after its day", "A0B,M3.5.0/50,M10.5.0", at(2026, 3, 31, 1),
		  0, at(2026, 3, 31, 2) },
		{ "a change is before its day", "A0B,M3.5.0/-1,M10.5.0", at(2026, 3, 28, 23),
		  HOUR_S, at(2026, 10, 25, 1) },
		{ "a change is on the first day of the year", "A0B,J1/0,J10/0", at(2026, 1, 1, 0),
		  HOUR_S, at(2026, 1, 9, 23) },
		{ "a change is in the first month", "A0B,M1.1.0/0,M11.1.0", at(2026, 1, 4, 0),
		  HOUR_S, at(2026, 11, 1, 1) },
		{ "a change is at a second", "A0B,M1.1.0/0:00:30,M11.1.0", at(2026, 1, 4, 0) + 30,
		  HOUR_S, at(2026, 11, 1, 1) },
		{ "a change was in the year before its own", "A0B,J1/-2,J1/0", at(2026, 1, 1, 0), 0,
		  at(2026, 12, 31, 22) },
		{ "two were, and it is still that year", "A0B,J1/-3,J1/-1", at(2025, 12, 31, 23), 0,
		  at(2026, 12, 31, 21) },
		{ "a change is in the year after its own", "A0B,J365/47,J365/30", at(2026, 1, 1, 3),
		  HOUR_S, at(2026, 1, 1, 5) },
		{ "summer time ends as it begins, and so never", "A0B,J1/0,J1/1", at(2026, 6, 1, 0),
		  HOUR_S, at(2027, 1, 1, 0) },
		{ "summer time ends after it has begun again", "A0B,J1/0,J365/48",
		  at(2027, 1, 5, 0), 0, at(2028, 1, 1, 0) },
		{ "it is before 1970", berlin, at(1969, 7, 1, 0), 2 * HOUR_S, at(1969, 10, 26, 1) },
		{ "a month's first weekday is its first day", "A0B,M3.1.0/0,M11.1.0",
		  at(2026, 3, 1, 0), HOUR_S, at(2026, 11, 1, 1) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zone_rule rule;
		struct error err = { 0 };
		int64_t until_s = 0;

		if (parse_rule(cases[i].rule, &rule, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);

		int64_t offset = zone_rule_offset(&rule, cases[i].at_s, &until_s);

		if (offset != cases[i].offset || until_s != cases[i].until_s)
			fail_msg("when %s: %lld until %lld, not until %lld", cases[i].when,
				 (long long)offset, (long long)until_s,
				 (long long)cases[i].until_s);
	}
}

static void test_bad_rules(void **state)
{
	static const char *const cases[] = {
		"",
		"CET",
		"-1",
		"<+01-1",
		"CET-1CEST",
		"CET-27",
		"CET27",
		"CET-1x",
		"CET-1CEST,M3.5.0",
		"CET-1CEST,M3.5.0,",
		"CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.0.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,M3.5,M10.5.0",
		"CET-1CEST,J0,J1",
		"CET-1CEST,J366,J1",
		"CET-1CEST,366,1",
		"CET-1CEST,M3.5.0/168,M10.5.0",
		"CET-1CEST,M3.5.0/1:60,M10.5.0",
		"CET-1CEST,M3.5.0/1:00:60,M10.5.0",
		"CET-1,M3.5.0,M10.5.0",
		"CET-1CEST-27,M3.5.0,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0/3x",
		"CET-1CEST,M3.5.0,M10.5.0,",
		"CET-99999999999CEST,M3.5.0,M10.5.0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zone_rule rule;
		struct error err = { 0 };

		if (parse_rule(cases[i], &rule, &err) == 0)
			fail_msg("%s was taken", cases[i]);
		assert_int_equal(err.class, ERROR_MALFORMED);
	}
}

/* ---- files ---- */

#define ZEROS_15 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define COUNT(n) "\0\0\0" n
#define HEADER(version, leaps, times, kinds, letters)                                          \
	"TZif" version ZEROS_15 COUNT("\0") COUNT("\0") COUNT(leaps) COUNT(times) COUNT(kinds) \
		COUNT(letters)
#define EMPTY_BLOCK HEADER("2", "\0", "\0", "\1", "\1") "\0\0\0\0\0\0\0"
#define TIME(last) "\0\0\0\0\0\0" last
#define KIND(offset) "\0\0" offset "\0\0"
/* Two changes, at 256 and 512 seconds, to kinds 1 and 0: 4096 and 0 seconds east. */
#define CHANGES TIME("\1\0") TIME("\2\0") "\1\0"
#define KINDS KIND("\0\0") KIND("\x10\0") "\0"
#define LISTS HEADER("2", "\0", "\2", "\2", "\1") CHANGES KINDS

#define TEXT(literal)                        \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static void test_a_file_is_read(void **state)
{
	static const struct slice file = TEXT(EMPTY_BLOCK LISTS "\nX-3\n");
	static const struct slice no_rule = TEXT(EMPTY_BLOCK LISTS "\n\n");
	static const struct {
		int64_t at_s, offset, until_s;
	} cases[] = {
		{ INT64_MIN, 0, 256 },
		{ 255, 0, 256 },
		{ 256, 4096, 512 },
		{ 511, 4096, 512 },
		{ 512, 3 * HOUR_S, INT64_MAX },
	};
	SCOPED(zone) struct zone zone = { 0 }, plain = { 0 };
	struct error err;
	int64_t until_s;

	(void)state;
	assert_int_equal(zone_parse(file, &zone, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(zone_offset(&zone, cases[i].at_s, &until_s), cases[i].offset);
		assert_int_equal(until_s, cases[i].until_s);
	}
	/* Without a rule the last change holds for ever. */
	assert_int_equal(zone_parse(no_rule, &plain, &err), 0);
	assert_int_equal(zone_offset(&plain, 512, &until_s), 0);
	assert_int_equal(until_s, INT64_MAX);
}

static void test_bad_files(void **state)
{
	static const struct {
		const char *when;
		struct slice file;
	} cases[] = {
		{ "it is empty", TEXT("") },
		{ "it is a text", TEXT("UTC\n") },
		{ "it has the first version", TEXT(HEADER("\0", "\0", "\0", "\1", "\1")) },
		{ "it ends after the first block", TEXT(EMPTY_BLOCK) },
		{ "its lists are cut",
		  TEXT(EMPTY_BLOCK HEADER("2", "\0", "\2", "\2", "\1") CHANGES) },
		{ "its end is cut", TEXT(EMPTY_BLOCK LISTS) },
		{ "its rule does not end", TEXT(EMPTY_BLOCK LISTS "\nX-3") },
		{ "its rule does not begin", TEXT(EMPTY_BLOCK LISTS "X-3\n") },
		{ "its rule is none", TEXT(EMPTY_BLOCK LISTS "\nX\n") },
		{ "it counts leap seconds",
		  TEXT(EMPTY_BLOCK HEADER("2", "\1", "\0", "\1", "\1")
			       KIND("\0\0") "\0" TIME("\1\0") "\0\0\0\1\n\n") },
		{ "it has no kind of time",
		  TEXT(EMPTY_BLOCK HEADER("2", "\0", "\0", "\0", "\0") "\n\n") },
		{ "a change is to a kind that is not there",
		  TEXT(EMPTY_BLOCK HEADER("2", "\0", "\1", "\1", "\1")
			       TIME("\1\0") "\1" KIND("\0\0") "\0\n\n") },
		{ "changes are not in order",
		  TEXT(EMPTY_BLOCK HEADER("2", "\0", "\2", "\1", "\1") TIME("\2\0")
			       TIME("\2\0") "\0\0" KIND("\0\0") "\0\n\n") },
		{ "an offset is more than a day",
		  TEXT(EMPTY_BLOCK HEADER("2", "\0", "\0", "\1", "\1") "\1\0\0\0\0\0\0\n\n") },
		{ "a list is longer than any",
		  TEXT("TZif2" ZEROS_15 COUNT("\0") COUNT("\0") COUNT("\0") "\xff\0\0\0" COUNT("\1")
			       COUNT("\1")) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zone zone = { 0 };
		struct error err = { 0 };

		if (zone_parse(cases[i].file, &zone, &err) == 0)
			fail_msg("when %s: it was taken", cases[i].when);
		assert_int_equal(err.class, ERROR_MALFORMED);
		assert_null(zone.bytes.bytes);
	}
}

/* ---- names ---- */

static void test_names(void **state)
{
	static const struct {
		const char *name;
		enum error_class class;
	} cases[] = {
		{ "UTC", ERROR_NONE },
		{ "Europe/Berlin", ERROR_NONE },
		{ "Etc/GMT+8", ERROR_NONE },
		{ "Europe/Berln", ERROR_CONFIGURATION },
		{ "Europe", ERROR_CONFIGURATION },
		{ "", ERROR_CONFIGURATION },
		{ "../../../etc/passwd", ERROR_CONFIGURATION },
		{ "/usr/share/zoneinfo/UTC", ERROR_CONFIGURATION },
		{ "right/Europe/Berlin", ERROR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(zone) struct zone zone = { 0 };
		struct error err = { 0 };
		int result = zone_read(cases[i].name, &zone, &err);

		if ((result < 0) != (cases[i].class != ERROR_NONE) || err.class != cases[i].class)
			fail_msg("%s: %d %s", cases[i].name, result, err.message);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),	  cmocka_unit_test(test_rules),
		cmocka_unit_test(test_bad_rules), cmocka_unit_test(test_a_file_is_read),
		cmocka_unit_test(test_bad_files), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
