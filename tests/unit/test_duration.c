/* duration: what people write for a length of time. */
#include "reaper/settings/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{ "0", 0 },
		{ "90", 90000 },
		{ "1.5", 1500 },
		{ "500ms", 500 },
		{ "15m", 900000 },
		{ "24h", 86400000 },
		{ "7d", 604800000 },
		{ "1h30m", 5400000 },
		{ "1h 30m", 5400000 },
		{ "1d 2h 3m 4s 5ms", 93784005 },
		{ "0.5h", 1800000 },
		{ "1.125s", 1125 },
		{ "3653d", 315619200000 },
		{ "", -1 },
		{ " ", -1 },
		{ "m", -1 },
		{ "15 m", -1 },
		{ "15min", -1 },
		{ "15M", -1 },
		{ "-5m", -1 },
		{ "1.m", -1 },
		{ ".5m", -1 },
		{ "1.1234s", -1 },
		{ "1..5s", -1 },
		{ "30m 1h", -1 },
		{ "1h 1h", -1 },
		{ "1h 5", -1 },
		{ "3654d", -1 },
		{ "3653d 1ms", -1 },
		{ "999999999999d", -1 },
		{ "9999999999999", -1 },
		{ "99999999999999999999s", -1 },
		{ "1e3", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;
		struct error err = { 0 };
		int result = duration_parse(slice_of(cases[i].text), &ms, &err);

		if ((result < 0) != (cases[i].ms < 0) || ms != cases[i].ms)
			fail_msg("\"%s\": %d, %lld ms", cases[i].text, result, (long long)ms);
		if (result < 0)
			assert_non_null(strstr(err.message, "expected a number of seconds"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_durations) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
