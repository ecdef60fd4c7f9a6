#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REFUSED INT64_MIN

static const struct {
	const char *when, *text;
	int64_t want;
} iso_cases[] = {
	{ "ClearML answers", "2026-01-02T03:04:05.678901+00:00", 1767323045678 },
	{ "ClearML answers at a full second", "2026-01-02T03:04:05+00:00", 1767323045000 },
	{ "it is UTC by letter", "2026-11-24T03:00:00Z", 1795489200000 },
	{ "the letters are small", "2026-11-24t03:00:00z", 1795489200000 },
	{ "a blank stands for the T", "2026-11-24 03:00:00Z", 1795489200000 },
	{ "it is the beginning", "1970-01-01T00:00:00Z", 0 },
	{ "it is the end", "9999-12-31T23:59:59.999999999Z", 253402300799999 },
	{ "it is east", "2026-11-24T05:30:00+02:30", 1795489200000 },
	{ "it is west, without a colon", "2026-11-23T22:00:00-0500", 1795489200000 },
	{ "one digit follows the point", "1970-01-01T00:00:00.1Z", 100 },
	{ "two digits do", "1970-01-01T00:00:00.12Z", 120 },
	{ "nine do, and are cut", "1970-01-01T00:00:00.123999999Z", 123 },
	{ "the day is a leap day", "2024-02-29T00:00:00Z", 1709164800000 },
	{ "the century has one", "2000-02-29T00:00:00Z", 951782400000 },
	{ "a second leaps", "2016-12-31T23:59:60Z", 1483228800000 },
	{ "it leaps elsewhere on Earth", "2017-01-01T08:59:60+09:00", 1483228800000 },

	{ "a second leaps at noon", "2016-12-31T12:00:60Z", REFUSED },
	{ "it leaps by the local clock", "2016-12-31T23:59:60+09:00", REFUSED },
	{ "a second leaps twice", "2016-12-31T23:59:61Z", REFUSED },
	{ "the last second leaps", "9999-12-31T23:59:60Z", REFUSED },
	{ "the offset leads before the beginning", "1970-01-01T00:00:00+00:01", REFUSED },
	{ "the offset leads past the end", "9999-12-31T23:59:59-00:01", REFUSED },
	{ "the year is before all", "1969-12-31T23:59:59Z", REFUSED },
	{ "the century has no leap day", "2100-02-29T00:00:00Z", REFUSED },
	{ "the year has none", "2023-02-29T00:00:00Z", REFUSED },
	{ "June has 31 days", "2026-06-31T00:00:00Z", REFUSED },
	{ "the month is zero", "2026-00-01T00:00:00Z", REFUSED },
	{ "the month is 13", "2026-13-01T00:00:00Z", REFUSED },
	{ "the day is zero", "2026-01-00T00:00:00Z", REFUSED },
	{ "the hour is 24", "2026-01-01T24:00:00Z", REFUSED },
	{ "the minute is 60", "2026-01-01T00:60:00Z", REFUSED },
	{ "the offset is a day", "2026-01-01T00:00:00+24:00", REFUSED },
	{ "the offset has 60 minutes", "2026-01-01T00:00:00+00:60", REFUSED },
	{ "there is no offset", "2026-01-01T00:00:00", REFUSED },
	{ "the offset has hours only", "2026-01-01T00:00:00+00", REFUSED },
	{ "no digit follows the point", "2026-01-01T00:00:00.Z", REFUSED },
	{ "ten digits do", "2026-01-01T00:00:00.1234567890Z", REFUSED },
	{ "there is only a date", "2026-01-01", REFUSED },
	{ "a blank leads", " 2026-01-01T00:00:00Z", REFUSED },
	{ "something follows", "2026-01-01T00:00:00Z ", REFUSED },
	{ "a sign stands for a digit", "2026-+1-01T00:00:00Z", REFUSED },
	{ "it is empty", "", REFUSED },
	{ "it is a number", "1767323045678", REFUSED },
};

static const struct {
	const char *when, *text;
	int64_t want;
} http_cases[] = {
	{ "it is the usual form", "Tue, 24 Nov 2026 03:00:00 GMT", 1795489200000 },
	{ "it is RFC 9110's example", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777000 },
	{ "it is the old form", "Sunday, 06-Nov-94 08:49:37 GMT", 784111777000 },
	{ "the weekday makes it 2094", "Saturday, 06-Nov-94 08:49:37 GMT", 3939871777000 },
	{ "the old form is of this century", "Tuesday, 24-Nov-26 03:00:00 GMT", 1795489200000 },
	{ "C wrote it", "Sun Nov  6 08:49:37 1994", 784111777000 },
	{ "C wrote it late in the month", "Tue Nov 24 03:00:00 2026", 1795489200000 },
	{ "a second leaps", "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800000 },

	{ "the weekday is another", "Mon, 24 Nov 2026 03:00:00 GMT", REFUSED },
	{ "the weekday fits no century", "Friday, 06-Nov-94 08:49:37 GMT", REFUSED },
	{ "the zone is another", "Tue, 24 Nov 2026 03:00:00 UTC", REFUSED },
	{ "there is no zone", "Tue, 24 Nov 2026 03:00:00", REFUSED },
	{ "the month is spelt out", "Tue, 24 November 2026 03:00:00 GMT", REFUSED },
	{ "the letters are small", "tue, 24 nov 2026 03:00:00 gmt", REFUSED },
	{ "the day has one digit", "Sun, 6 Nov 1994 08:49:37 GMT", REFUSED },
	{ "it is a number of seconds", "120", REFUSED },
	{ "something follows", "Tue, 24 Nov 2026 03:00:00 GMT\r", REFUSED },
	{ "it is empty", "", REFUSED },
};

static void check(int outcome, int64_t got, int64_t want, const char *when, const struct error *err)
{
	if ((outcome < 0) != (want == REFUSED))
		fail_msg("when %s: %s", when, outcome < 0 ? err->message : "accepted");
	if (outcome < 0 && (err->class != ERROR_MALFORMED || !strstr(err->message, "2026-11-24")) &&
	    !strstr(err->message, "24 Nov 2026"))
		fail_msg("when %s: %s", when, err->message);
	/* What was refused leaves the old value alone. */
	if (got != (want == REFUSED ? -7 : want))
		fail_msg("when %s: got %lld", when, (long long)got);
}

static void test_iso(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(iso_cases); i++) {
		int64_t got = -7;
		struct error err = { 0 };
		int outcome = clock_parse_iso(slice_of(iso_cases[i].text), &got, &err);

		check(outcome, got, iso_cases[i].want, iso_cases[i].when, &err);
	}
}

static void test_http(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(http_cases); i++) {
		int64_t got = -7;
		struct error err = { 0 };
		int outcome = clock_parse_http(slice_of(http_cases[i].text), &got, &err);

		check(outcome, got, http_cases[i].want, http_cases[i].when, &err);
	}
}

static void test_every_part_of_a_time_is_needed(void **state)
{
	static const char whole[] = "2026-01-02T03:04:05.678901+00:00";
	int64_t ms;
	struct error err;

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++)
		assert_int_equal(clock_parse_iso((struct slice){ whole, len }, &ms, &err), -1);
}

static void test_format(void **state)
{
	static const struct {
		const char *when;
		int64_t ms;
		bool has_ms;
		const char *want;
	} cases[] = {
		{ "it is the beginning", 0, false, "1970-01-01T00:00:00Z" },
		{ "milliseconds are wanted", 7, true, "1970-01-01T00:00:00.007Z" },
		{ "they are not, and are cut", 999, false, "1970-01-01T00:00:00Z" },
		{ "it is a leap day", 1709251199999, true, "2024-02-29T23:59:59.999Z" },
		{ "it is before the beginning", -1, true, "1970-01-01T00:00:00.000Z" },
		{ "it is the end", 253402300799999, true, "9999-12-31T23:59:59.999Z" },
		{ "it is past the end", INT64_MAX, true, "9999-12-31T23:59:59.999Z" },
		{ "it is long ago", INT64_MIN, false, "1970-01-01T00:00:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[CLOCK_TEXT_LEN];

		clock_format(cases[i].ms, cases[i].has_ms, text);
		if (strcmp(text, cases[i].want) != 0)
			fail_msg("when %s: %s", cases[i].when, text);
	}
}

/* Against the C library: each day to the year 2110, then each 29th, so that every place in a
 * cycle of 400 years comes up; at a time that changes from day to day. */
static void test_dates_are_what_the_c_library_says(void **state)
{
	const int64_t last_day = 253402300799 / 86400, each_until = 51134;

	(void)state;
	for (int64_t day = 0; day <= last_day; day += day < each_until ? 1 : 29) {
		time_t seconds = (time_t)(day * 86400 + day * 7919 % 86400);
		char text[CLOCK_TEXT_LEN], want[CLOCK_TEXT_LEN];
		struct tm parts;

		assert_true(gmtime_r(&seconds, &parts) == &parts);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &parts);
		clock_format((int64_t)seconds * 1000, false, text);
		if (strcmp(text, want) != 0)
			fail_msg("%s is not %s", text, want);
	}
}

static void test_http_reads_what_the_c_library_writes(void **state)
{
	(void)state;
	for (int64_t seconds = 0; seconds < 4102444800; seconds += 7654321) {
		time_t moment = (time_t)seconds;
		struct tm parts;
		char texts[3][64];

		assert_non_null(gmtime_r(&moment, &parts));
		strftime(texts[0], sizeof(texts[0]), "%a, %d %b %Y %H:%M:%S GMT", &parts);
		strftime(texts[1], sizeof(texts[1]), "%A, %d-%b-YY %H:%M:%S GMT", &parts);
		strftime(texts[2], sizeof(texts[2]), "%a %b %e %H:%M:%S %Y", &parts);
		char *year = strstr(texts[1], "YY");

		year[0] = (char)('0' + parts.tm_year / 10 % 10);
		year[1] = (char)('0' + parts.tm_year % 10);
		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			int64_t got = 0;
			struct error err;

			if (clock_parse_http(slice_of(texts[i]), &got, &err) < 0)
				fail_msg("%s", err.message);
			if (got != seconds * 1000)
				fail_msg("%s: got %lld", texts[i], (long long)got);
		}
	}
}

static void test_format_span(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} cases[] = {
		{ -5000, "0s" },	 { 0, "0s" },
		{ 999, "0s" },		 { 8000, "8s" },
		{ 59999, "59s" },	 { 60000, "1m 00s" },
		{ 750000, "12m 30s" },	 { 3599999, "59m 59s" },
		{ 3720000, "1h 02m" },	 { 86399999, "23h 59m" },
		{ 273600000, "3d 04h" }, { INT64_MAX, "106751991167d 07h" },
		{ INT64_MIN, "0s" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[CLOCK_TEXT_LEN];

		clock_format_span(cases[i].ms, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void test_the_clocks_go_forward(void **state)
{
	int64_t wall = clock_wall_ms(), start = clock_monotonic_ms(), previous = start;

	(void)state;
	assert_true(wall > 1700000000000 && wall < 253402300799999);
	/* A sleep may end early, but it ends, and time goes on. */
	while (previous - start < 20) {
		clock_sleep_ms(5);
		int64_t now = clock_monotonic_ms();

		assert_true(now >= previous);
		previous = now;
	}
	clock_sleep_ms(0);
	clock_sleep_ms(-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iso),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_every_part_of_a_time_is_needed),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_dates_are_what_the_c_library_says),
		cmocka_unit_test(test_http_reads_what_the_c_library_writes),
		cmocka_unit_test(test_format_span),
		cmocka_unit_test(test_the_clocks_go_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
