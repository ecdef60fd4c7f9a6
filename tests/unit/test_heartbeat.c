#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bootstrap/heartbeat.h"

/* The record lasts 120 s on the server. A report after that would bring it back with the
 * server's time-out of 600 s, so it is registered again well before. */
static void when_it_reports_again(void **state)
{
	static const struct {
		const char *when;
		bool is_registered;
		int64_t silence_ms;
		bool is_gap;
	} cases[] = {
		{ "never before", false, 0, true },
		{ "the server has refused the last registration", false, 25000, true },
		{ "in time", true, 25000, false },
		{ "after two that failed", true, 75000, false },
		{ "nearly too late", true, 89999, false },
		{ "so late that it may be forgotten on the way", true, 90000, true },
		{ "forgotten for sure", true, 120000, true },
		{ "after the machine slept", true, 86400000, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct heartbeat heartbeat = { .is_registered = cases[i].is_registered,
						     .ok_ms = 1000 };

		if (heartbeat_is_gap(&heartbeat, 1000 + cases[i].silence_ms) != cases[i].is_gap)
			fail_msg("when %s", cases[i].when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(when_it_reports_again) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
