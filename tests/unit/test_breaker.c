/* breaker: a row is a resource's boots and the moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/buf.h"
#include "reaper/breaker.h"

static void test_pauses_then_probes(void **state)
{
	static const struct {
		const char *when;
		struct breaker_facts facts;
		enum breaker breaker;
		int64_t until_s;
	} cases[] = {
		{ "nothing failed", { 0, 3, 0, 600, 5000 }, BREAKER_CLOSED, 0 },
		{ "one less than the limit failed", { 2, 3, 4999, 600, 5000 }, BREAKER_CLOSED, 0 },
		{ "the limit failed just now", { 3, 3, 5000, 600, 5000 }, BREAKER_OPEN, 5600 },
		{ "more than the limit failed", { 9, 3, 4900, 600, 5000 }, BREAKER_OPEN, 5500 },
		{ "a second before the probe", { 3, 3, 5000, 600, 5599 }, BREAKER_OPEN, 5600 },
		{ "it is time for the probe", { 3, 3, 5000, 600, 5600 }, BREAKER_HALF_OPEN, 0 },
		{ "the probe is long due", { 3, 3, 5000, 600, 90000 }, BREAKER_HALF_OPEN, 0 },
		{ "no limit is set", { 99, 0, 5000, 600, 5000 }, BREAKER_CLOSED, 0 },
		{ "one failure is the limit", { 1, 1, 5000, 600, 5001 }, BREAKER_OPEN, 5600 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t until_s = -1;
		enum breaker breaker = breaker_look(&cases[i].facts, &until_s);

		if (breaker != cases[i].breaker || until_s != cases[i].until_s)
			fail_msg("when %s: %s until %lld", cases[i].when, breaker_name(breaker),
				 (long long)until_s);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(breaker_name(BREAKER_CLOSED), "closed");
	assert_string_equal(breaker_name(BREAKER_OPEN), "open");
	assert_string_equal(breaker_name(BREAKER_HALF_OPEN), "half open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses_then_probes),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
