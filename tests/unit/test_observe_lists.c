/* observe: lists that are suddenly empty, or that failed, against what the ledger remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/observe_bench.h"

static const char *const one[] = { "m1", NULL };

static void test_a_list_that_is_suddenly_empty(void **state)
{
	static const char *const names[] = { "m1", "m2", "m3", "m4" };
	static const struct {
		const char *when;
		size_t remembered, listed, left;
		int64_t age_s; /* since a list showed them alive */
		bool is_believed;
	} cases[] = {
		{ "all are there", 2, 2, 0, 60, true },
		{ "one machine vanished", 1, 0, 0, 60, true },
		{ "two machines vanished", 2, 0, 0, 60, false },
		{ "one of two vanished", 2, 1, 0, 60, true },
		{ "two of four vanished", 4, 2, 0, 60, true },
		{ "three of four vanished", 4, 1, 0, 60, false },
		{ "two vanished and one of them said that it left", 2, 0, 1, 60, true },
		{ "two are not there, and were there at the limit", 2, 0, 0, 300, false },
		{ "two have not been there for long", 2, 0, 0, 301, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;
		const char *listed[5] = { NULL };

		memcpy(listed, names, cases[i].listed * sizeof(*listed));
		observe_bench_open(&bench, listed, NULL);
		bench.seen.resources[1].is_listed = true; /* past the last one */
		for (size_t m = 0; m < cases[i].remembered; m++)
			observe_bench_remember(&bench, names[m], 5000, false)->listed_s =
				NOW_S - cases[i].age_s;
		for (size_t m = 0; m < cases[i].left; m++)
			(void)observe_bench_record(&bench, names[m], "left", 2);
		(void)observe_bench_join(&bench);
		if (bench.seen.resources[0].is_listed != cases[i].is_believed ||
		    !*bench.seen.resources[0].problem != cases[i].is_believed)
			fail_msg("when %s: %s", cases[i].when, bench.seen.resources[0].problem);
		observe_bench_close(&bench);
	}
}

static void test_what_is_forgotten_does_not_make_a_list_suspicious(void **state)
{
	struct observe_bench bench;

	(void)state;
	observe_bench_open(&bench, one + 1, NULL);
	for (size_t i = 0; i < 2; i++) /* seen to end, and of no resource of ours */
		observe_bench_remember(&bench, i ? "m2" : "m1", 60, false)->listed_s = 0;
	for (size_t i = 0; i < 2; i++) {
		struct remembered *other =
			observe_bench_remember(&bench, i ? "m4" : "m3", 60, false);

		other->listed_s = NOW_S - 60;
		SET(other->resource, "gone");
	}
	(void)observe_bench_join(&bench);
	assert_true(bench.seen.resources[0].is_listed);
	observe_bench_close(&bench);
}

static void test_what_a_failed_list_hides(void **state)
{
	static const struct {
		const char *when, *resource;
		bool is_listed, was_alive;
		const char *phase; /* of its record; NULL: none */
		unsigned hidden, gone;
	} cases[] = {
		{ "its list failed", "cpu", false, true, NULL, 1, 0 },
		{ "its list is whole: it is gone", "cpu", true, true, NULL, 0, 0 },
		{ "it was seen to end", "cpu", false, false, NULL, 0, 0 },
		{ "its record shows it", "cpu", false, true, "serve", 0, 0 },
		{ "it left, but may still be on", "cpu", false, true, "left", 1, 0 },
		{ "its resource is configured no more", "old", false, true, NULL, 0, 1 },
		{ "so it is, and all lists are whole", "old", true, true, NULL, 0, 0 },
		{ "so it is, and it was seen to end", "old", false, false, NULL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one + 1, NULL);
		plan_world_resource(bench.world, "gpu", 1, "g");
		bench.seen.resources[0].is_listed = cases[i].is_listed;
		bench.seen.resources[1].is_listed = true;
		struct remembered *remembered = observe_bench_remember(&bench, "m1", 60, false);

		SET(remembered->resource, cases[i].resource);
		remembered->listed_s = cases[i].was_alive ? NOW_S - 60 : 0;
		if (cases[i].phase)
			(void)observe_bench_record(&bench, "m1", cases[i].phase, 2);
		(void)observe_bench_join(&bench);
		if (bench.seen.resources[0].hidden != cases[i].hidden ||
		    bench.seen.hidden != cases[i].gone)
			fail_msg("when %s: %u, %u", cases[i].when, bench.seen.resources[0].hidden,
				 bench.seen.hidden);
		observe_bench_close(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_list_that_is_suddenly_empty),
		cmocka_unit_test(test_what_is_forgotten_does_not_make_a_list_suspicious),
		cmocka_unit_test(test_what_a_failed_list_hides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
