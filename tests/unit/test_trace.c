/* trace: CSV files of what came when. */
#include "reaper/forecast/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "arrival,queue,duration,user\n"
#define DAY "2026-01-05T"

static void test_traces_that_are_taken(void **state)
{
	static const struct {
		const char *when, *text, *want; /* printed again */
	} cases[] = {
		{ "when it is plain", HEAD "0,gpu,90,ann\n", HEAD DAY "00:00:00Z,gpu,90,ann\n" },
		{ "when the last line has no end", HEAD "0,gpu,90,ann",
		  HEAD DAY "00:00:00Z,gpu,90,ann\n" },
		{ "when it is from a spreadsheet",
		  "\xef\xbb\xbf"
		  "arrival,queue,duration\r\n5,gpu,90\r\n",
		  HEAD DAY "00:00:05Z,gpu,90,\n" },
		{ "when columns stand in another order, beside others",
		  "name,duration,queue,arrival\nx,1h 30m,gpu,10\n",
		  HEAD DAY "00:00:10Z,gpu,5400,\n" },
		{ "when there are comments and empty lines",
		  "# made by hand\n\n" HEAD "\r\n# more\n0,a,1,\n\n", HEAD DAY "00:00:00Z,a,1,\n" },
		{ "when a quoted name has a comma and quotes", HEAD "0,\"a \"\"b\"\", c\",1,\n",
		  HEAD DAY "00:00:00Z,\"a \"\"b\"\", c\",1,\n" },
		{ "when rows are out of order", HEAD "9,b,1,\n3,a,2,\n9,a,3,\n",
		  HEAD DAY "00:00:03Z,a,2,\n" DAY "00:00:09Z,b,1,\n" DAY "00:00:09Z,a,3,\n" },
		{ "when times have an offset", HEAD DAY "02:00:00.7+02:00,a,1.5,\n",
		  HEAD DAY "00:00:00Z,a,2,\n" },
		{ "when seconds have decimals", HEAD "1.999,a,0.001,\n",
		  HEAD DAY "00:00:01Z,a,1,\n" },
		{ "when the user's field is missing in a row", HEAD "0,a,1\n",
		  HEAD DAY "00:00:00Z,a,1,\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(trace) struct trace trace = { 0 };
		SCOPED(buf) struct buf out = BUF(4096);
		struct error err = { 0 };

		if (trace_parse(slice_of(cases[i].text), &trace, &err) < 0) {
			if (cases[i].want)
				fail_msg("%s: %s", cases[i].when, err.message);
			continue;
		}
		trace_print(&trace, &out);
		if (!cases[i].want || strcmp(buf_text(&out), cases[i].want) != 0)
			fail_msg("%s: got\n%s", cases[i].when, buf_text(&out));
	}
}

static void test_traces_that_are_refused(void **state)
{
	static const struct {
		const char *when, *text, *want; /* in the message */
	} cases[] = {
		{ "when it is empty", "", "line 1: the first row must name" },
		{ "when there is no task", HEAD, "there is no task in it" },
		{ "when a column is missing", "arrival,queue\n0,a\n", "duration is missing" },
		{ "when a column is there twice", "queue,arrival,queue,duration\n",
		  "line 1: two columns are named queue" },
		{ "when a name with a comma has no quotes",
		  "arrival,queue,duration\n0,gpu,1,Doe,\n",
		  "line 2: it has 5 fields, and the first row names 3" },
		{ "when a field is missing", HEAD "0,a\n", "line 2: duration is missing" },
		{ "when the time is none", HEAD "\n0,a,1,\nmorning,a,1,\n",
		  "line 4: arrival: expected seconds, or a time such as 2026-01-05T08:00:00Z, got "
		  "\"morning\"" },
		{ "when the time has no offset", HEAD DAY "00:00:00,a,1,\n", "line 2: arrival" },
		{ "when the time is negative", HEAD "-1,a,1,\n", "line 2: arrival" },
		{ "when the time is past the year 9999", HEAD "999999999999,a,1,\n",
		  "line 2: arrival" },
		{ "when both forms are mixed", HEAD "0,a,1,\n" DAY "00:00:00Z,a,1,\n",
		  "line 3: arrival: expected seconds, as in the lines before" },
		{ "when they are mixed the other way", HEAD DAY "00:00:00Z,a,1,\n0,a,1,\n",
		  "line 3: arrival: expected a date and time, as in the lines before" },
		{ "when the duration is none", HEAD "0,a,long,\n", "line 2: duration: expected" },
		{ "when the queue has no name", HEAD "0,,1,\n", "line 2: queue: expected a name" },
		{ "when a name would drive a terminal", HEAD "0,a\x1b[2J,1,\n", "got \"?\"" },
		{ "when a name is no UTF-8", HEAD "0,a\xff,1,\n", "line 2: queue" },
		{ "when a quote is left open", HEAD "0,\"a,1,\n5,b,1,\n",
		  "line 2: a quoted field does not end" },
		{ "when a quote stands inside", HEAD "0,a\"b,1,\n", "line 2: a quote inside" },
		{ "when something follows a quoted field", HEAD "0,\"a\"b,1,\n",
		  "line 2: expected a comma" },
		{ "when a quoted line break came before", HEAD "0,\"a\nb\",1,\n", "line 2: queue" },
		{ "when it spans more than ten years",
		  HEAD DAY "00:00:00Z,a,1,\n2037-01-05T00:00:00Z,a,1,\n",
		  "are more than 3660 days" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trace trace = { .count = 7 };
		struct error err = { 0 };

		if (trace_parse(slice_of(cases[i].text), &trace, &err) == 0)
			fail_msg("%s: it was taken", cases[i].when);
		assert_int_equal(err.class, ERROR_MALFORMED);
		if (!strstr(err.message, cases[i].want))
			fail_msg("%s: %s", cases[i].when, err.message);
		assert_int_equal(trace.count, 7);
	}
}

static void test_a_field_that_is_too_long_and_a_row_that_is_too_wide(void **state)
{
	SCOPED(buf) struct buf text = BUF(1 << 16);
	struct trace trace = { 0 };
	struct error err = { 0 };

	(void)state;
	buf_addf(&text, HEAD "0,%0512d,1,\n", 1);
	assert_int_equal(trace_parse(buf_slice(&text), &trace, &err), -1);
	assert_string_equal(err.message, "line 2: a field is longer than 511 bytes");
	buf_clear(&text);
	buf_addf(&text, HEAD "0,a,1,");
	for (size_t i = 0; i < 29; i++)
		buf_addf(&text, ",");
	assert_int_equal(trace_parse(buf_slice(&text), &trace, &err), -1);
	assert_string_equal(err.message, "line 2: more than 32 columns");
	assert_int_equal(
		trace_parse((struct slice){ HEAD "0,a\0b,1,\n", sizeof(HEAD) + 8 }, &trace, &err),
		-1);
	assert_string_equal(err.message, "line 2: a NUL byte: this is no text");
}

static void test_names_are_kept_once(void **state)
{
	SCOPED(trace) struct trace trace = { 0 };
	struct error err = { 0 };

	(void)state;
	if (trace_parse(slice_of(HEAD "0,a,1,ann\n1,b,1,\n2,a,1,bob\n3,b,1,ann\n"), &trace, &err) <
	    0)
		fail_msg("%s", err.message);
	assert_int_equal(trace.queue_count, 2);
	assert_int_equal(trace.user_count, 3); /* nobody, ann, bob */
	assert_string_equal(trace.users[trace.arrivals[1].user], "");
	assert_int_equal(trace.arrivals[0].user, trace.arrivals[3].user);
	assert_int_equal(trace.arrivals[0].queue, trace.arrivals[2].queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_traces_that_are_taken),
		cmocka_unit_test(test_traces_that_are_refused),
		cmocka_unit_test(test_a_field_that_is_too_long_and_a_row_that_is_too_wide),
		cmocka_unit_test(test_names_are_kept_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
