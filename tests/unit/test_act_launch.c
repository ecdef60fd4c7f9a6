/* act_launch: which offerings are asked, what is in the ledger by then, and what each answer leads
 * to. The provider answers by a script. */
#include "reaper/act_launch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "reaper/offerings.h"
#include "tests/unit/support/launch_bench.h"

#define THREE "{\"instance_types\": [\"a\", \"b\", \"c\"]}"
#define ZONES "{\"instance_types\": [\"a\"], \"zones\": [\"x\", \"y\", \"z\"]}"
#define BOTH "{\"instance_types\": [\"a\", \"b\"], \"markets\": [\"spot\", \"on-demand\"]}"

/* ---- what is asked ---- */

static void test_answers(void **state)
{
	static const struct {
		const char *when, *offerings, *answers;
		unsigned launches;
		const char *outcomes, *asked, *open;
	} cases[] = {
		{ "the first one has capacity", THREE, "", 1, "d", "cpu/0 a", "cpu/0 a" },
		{ "the first one has none", THREE, "c", 1, "d", "cpu/0 a; cpu/0 b", "cpu/0 b" },
		{ "a quota forbids the first", THREE, "q", 1, "d", "cpu/0 a; cpu/0 b", "cpu/0 b" },
		{ "none has capacity", THREE, "cqc", 1, "f", "cpu/0 a; cpu/0 b; cpu/0 c", "" },
		{ "the next launch leaves out what has none", THREE, "c", 2, "dd",
		  "cpu/0 a; cpu/0 b; cpu/1 b", "cpu/0 b; cpu/1 b" },
		{ "nothing is left for the next launch", THREE, "ccc", 2, "fn",
		  "cpu/0 a; cpu/0 b; cpu/0 c", "" },
		{ "an answer does not come", THREE, "u", 1, "o", "cpu/0 a", "cpu/0 a" },
		{ "an answer makes no sense", THREE, "m", 1, "o", "cpu/0 a", "cpu/0 a" },
		{ "the second answer does not come", THREE, "cu", 1, "o", "cpu/0 a; cpu/0 b",
		  "cpu/0 b" },
		{ "an answer does not come, the next launch goes on", THREE, "u", 2, "od",
		  "cpu/0 a; cpu/1 a", "cpu/0 a; cpu/1 a" },
		{ "somebody holds the slot", THREE, "x", 1, "h", "cpu/0 a", "cpu/0 a" },
		{ "our credentials are refused", THREE, "d", 3, "fnn", "cpu/0 a", "" },
		{ "the request is refused", THREE, "r", 2, "fn", "cpu/0 a", "" },
		{ "the image is not there", THREE, "n", 2, "fn", "cpu/0 a", "" },
		{ "it fails here", THREE, "s", 2, "fn", "cpu/0 a", "" },
		{ "we are throttled", THREE, "lt", 3, "dfn", "cpu/0 a; cpu/1 a", "cpu/0 a" },
		{ "spot has none: on-demand is not asked yet", BOTH, "cc", 1, "f",
		  "cpu/0 a//spot; cpu/0 b//spot", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		launch_bench_open(cases[i].offerings);
		for (unsigned slot = 0; slot < cases[i].launches; slot++)
			launch_bench_add(0, slot);
		launch_script.answers = cases[i].answers;

		const char *outcomes = launch_bench_launch();

		if (strcmp(outcomes, cases[i].outcomes) != 0)
			fail_msg("when %s: outcomes %s", cases[i].when, outcomes);
		if (strcmp(buf_text(&launch_script.asked), cases[i].asked) != 0)
			fail_msg("when %s: asked %s", cases[i].when,
				 buf_text(&launch_script.asked));
		if (strcmp(launch_bench_attempts(), cases[i].open) != 0)
			fail_msg("when %s: open %s", cases[i].when, launch_bench_attempts());
		launch_bench_close();
	}
}

/* One resource's error, or one's want, is not the other's. */
static void test_resources_are_apart(void **state)
{
	(void)state;
	launch_bench_open(THREE);
	launch_bench_add(0, 0);
	launch_bench_add(1, 0);
	launch_script.answers = "d";
	assert_string_equal(launch_bench_launch(), "fd");
	assert_string_equal(buf_text(&launch_script.asked), "cpu/0 a; gpu/0 a");
	launch_bench_close();

	launch_bench_open(THREE);
	launch_bench_add(0, 0);
	launch_bench_add(1, 0);
	launch_script.answers = "c";
	assert_string_equal(launch_bench_launch(), "dd");
	assert_string_equal(buf_text(&launch_script.asked), "cpu/0 a; cpu/0 b; gpu/0 a");
	launch_bench_close();
}

static void test_each_offering_has_its_own_key(void **state)
{
	(void)state;
	launch_bench_open(ZONES);
	launch_bench_add(0, 0);
	launch_bench_add(0, 1);
	launch_script.answers = "cc";
	assert_string_equal(launch_bench_launch(), "dd");
	assert_int_equal(launch_script.count, 4);
	for (unsigned i = 0; i < launch_script.count; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(launch_script.keys[i], launch_script.keys[j]);
	launch_bench_close();
}

/* ---- budgets ---- */

static void test_nothing_dearer_is_asked_where_a_budget_counts_on_the_price(void **state)
{
	static const struct {
		const char *when;
		bool is_limited;
		const char *outcomes, *asked;
	} cases[] = {
		{ "there is no such budget", false, "d", "cpu/0 b; cpu/0 a" },
		{ "there is", true, "d", "cpu/0 b; cpu/0 d" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		launch_bench_open("{\"instance_types\": [\"a\", \"b\", \"c\", \"d\"]}");
		struct offering *offerings = launch_bench.settings.resources[0].offerings;
		struct planned_launch *planned = launch_bench_add(0, 0);

		offerings[0].price = 3000000;
		offerings[1].price = 2000000;
		offerings[2].price = MONEY_UNKNOWN;
		offerings[3].price = 2000000;
		planned->offering = 1;
		planned->is_price_limited = cases[i].is_limited;
		planned->price_limit = cases[i].is_limited ? 2000000 : 0;
		launch_script.answers = "c";
		assert_string_equal(launch_bench_launch(), cases[i].outcomes);
		if (strcmp(buf_text(&launch_script.asked), cases[i].asked) != 0)
			fail_msg("when %s: %s", cases[i].when, buf_text(&launch_script.asked));
		launch_bench_close();
	}
}

/* ---- repeats ---- */

static void test_a_repeat_is_the_very_same_request(void **state)
{
	static const struct {
		const char *when, *answers, *outcomes, *open;
	} cases[] = {
		{ "it is launched now", "", "d", "cpu/7 b" },
		{ "the answer fails again", "u", "o", "cpu/7 b" },
		{ "there is no capacity, nor was there", "c", "f", "" },
		{ "the quota is reached, and was", "q", "f", "" },
		{ "the cloud throttles us now", "t", "f", "cpu/7 b" },
		{ "our credentials are denied now", "d", "f", "cpu/7 b" },
		{ "it is refused now", "r", "f", "cpu/7 b" },
		{ "it fails on this host", "s", "f", "cpu/7 b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		launch_bench_open(THREE);
		launch_bench_add_attempt(7, "b", NOW_S - 60);
		struct planned_launch *planned = launch_bench_add(0, 7);

		planned->is_repeat = true;
		planned->offering = 1;
		launch_script.answers = cases[i].answers;
		assert_string_equal(launch_bench_launch(), cases[i].outcomes);
		assert_string_equal(buf_text(&launch_script.asked), "cpu/7 b");
		assert_string_equal(launch_bench_attempts(), cases[i].open);
		/* When it was asked for first says how old it is. */
		if (launch_bench.ledger.attempt_count)
			assert_int_equal(launch_bench.ledger.attempts[0].asked_s, NOW_S - 60);
		launch_bench_close();
	}
}

/* Its own offering is asked even where another launch found no capacity in it. */
static void test_a_repeat_is_not_put_off_by_a_failure(void **state)
{
	(void)state;
	launch_bench_open(THREE);
	launch_bench_add_attempt(7, "a", NOW_S - 60);
	launch_bench_add(0, 0);
	launch_bench_add(0, 7)->is_repeat = true;
	launch_script.answers = "c";
	assert_string_equal(launch_bench_launch(), "dd");
	assert_string_equal(buf_text(&launch_script.asked), "cpu/0 a; cpu/0 b; cpu/7 a");
	launch_bench_close();
}

static void test_which_attempts_are_kept(void **state)
{
	static const struct {
		const char *when, *offering;
		int64_t age_s;
		bool is_listed, is_kept;
	} cases[] = {
		{ "it may come up yet", "c", 1199, true, true },
		{ "it did not come up", "c", 1200, true, false },
		{ "nobody knows what is there", "c", 86400, false, true },
		{ "its offering is gone, and it did not come up", "gone", 600, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		launch_bench_open(THREE);
		launch_bench_add_attempt(3, cases[i].offering, NOW_S - cases[i].age_s);
		launch_bench.seen->resources[0].is_listed = cases[i].is_listed;
		assert_string_equal(launch_bench_launch(), "");
		if (launch_bench.ledger.attempt_count != (cases[i].is_kept ? 1 : 0))
			fail_msg("when %s: %zu are kept", cases[i].when,
				 launch_bench.ledger.attempt_count);
		launch_bench_close();
	}
}

/* ---- keys that were used before ---- */

static void test_a_key_that_was_used(void **state)
{
	static const struct {
		const char *when;
		unsigned spent;
		const char *held_day, *answers, *outcomes;
		unsigned asked, generation; /* of the attempt that is kept */
		const char *day; /* likewise; NULL: none is kept */
	} cases[] = {
		{ "its machine has ended", 1, NULL, "", "d", 2, 1, "2026-11-24" },
		{ "so have those of the next ones", 5, NULL, "", "d", 6, 5, "2026-11-24" },
		{ "the next one's answer does not come", 1, NULL, "u", "o", 2, 1, "2026-11-24" },
		{ "the next one finds no capacity", 2, NULL, "ccc", "f", 9, 0, NULL },
		{ "it was yesterday's request", 0, "2026-11-23", "", "d", 2, 0, "2026-11-23" },
		{ "it was tomorrow's", 0, "2026-11-25", "", "d", 3, 0, "2026-11-25" },
		{ "it was today's", 0, "2026-11-24", "", "d", 1, 0, "2026-11-24" },
		{ "it was another request", 0, "2026-11-22", "", "h", 3, 0, "2026-11-24" },
		{ "yesterday's request is not answered", 0, "2026-11-23", "u", "o", 2, 0,
		  "2026-11-24" },
		{ "one has ended, the next was yesterday's", 2, "2026-11-23", "", "d", 4, 2,
		  "2026-11-23" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		launch_bench_open(THREE);
		launch_bench_add(0, 0);
		launch_script.spent = cases[i].spent;
		launch_script.held_day = cases[i].held_day;
		launch_script.answers = cases[i].answers;

		const char *outcomes = launch_bench_launch();
		const struct open_attempt *kept =
			launch_bench.ledger.attempt_count ? &launch_bench.ledger.attempts[0] : NULL;

		if (strcmp(outcomes, cases[i].outcomes) || launch_script.count != cases[i].asked)
			fail_msg("when %s: %s after %u", cases[i].when, outcomes,
				 launch_script.count);
		if (!kept != !cases[i].day)
			fail_msg("when %s: attempts: %s", cases[i].when, launch_bench_attempts());
		if (kept && (kept->generation != cases[i].generation ||
			     strcmp(kept->day, cases[i].day) != 0))
			fail_msg("when %s: kept with generation %u, %s", cases[i].when,
				 kept->generation, kept->day);
		launch_bench_close();
	}
}

static void test_a_repeat_whose_machine_has_ended_goes_on(void **state)
{
	(void)state;
	launch_bench_open(THREE);
	launch_bench_add_attempt(7, "a", NOW_S - 60);
	launch_bench_add(0, 7)->is_repeat = true;
	launch_script.spent = 3;
	assert_string_equal(launch_bench_launch(), "d");
	assert_int_equal(launch_bench.ledger.attempt_count, 1);
	assert_int_equal(launch_bench.ledger.attempts[0].generation, 3);
	launch_bench_close();
}

/* A list shows any machine after a while; what none shows then is gone, and forgotten. */
static void test_a_key_that_nobody_holds(void **state)
{
	static const struct {
		const char *when;
		int64_t age_s;
		const char *outcomes;
		unsigned generation;
	} cases[] = {
		{ "it may be that no list shows its machine yet", 299, "h", 0 },
		{ "no list shows its machine", 300, "d", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		launch_bench_open(THREE);
		launch_bench_add_attempt(7, "a", NOW_S - cases[i].age_s);
		launch_bench_add(0, 7)->is_repeat = true;
		launch_script.held_day = "2026-11-20";
		if (strcmp(launch_bench_launch(), cases[i].outcomes) != 0)
			fail_msg("when %s", cases[i].when);
		assert_int_equal(launch_bench.ledger.attempts[0].generation, cases[i].generation);
		launch_bench_close();
	}
}

static void test_spent_keys_are_not_tried_faster_than_the_api_may_be_called(void **state)
{
	(void)state;
	launch_bench_open(THREE);
	launch_bench.provider.launch_limit = (struct call_limit){ .burst = 3, .per_second = 1 };
	launch_bench.time_ms = 900;
	launch_bench_add(0, 0);
	launch_script.spent = 10;
	assert_string_equal(launch_bench_launch(), "h");
	assert_int_equal(launch_script.count, 3);
	/* The next pass goes on from there. */
	assert_int_equal(launch_bench.ledger.attempts[0].generation, 2);
	launch_bench_close();
}

/* ---- what is remembered ---- */

static void test_what_the_next_pass_knows(void **state)
{
	(void)state;
	launch_bench_open(ZONES);
	launch_bench_add(0, 0);
	launch_script.answers = "c";
	launch_script.zone = "z";
	assert_string_equal(launch_bench_launch(), "d");
	/* The zone that the cloud named goes before the one that comes next. */
	assert_string_equal(buf_text(&launch_script.asked),
			    "cpu/0 a/x/on-demand; cpu/0 a/z/on-demand");
	const struct ledger *ledger = &launch_bench.ledger;
	unsigned found = 0;

	for (size_t i = 0; i < ledger->offering_count; i++)
		found += !strcmp(ledger->offerings[i].offering, "a/x/on-demand") &&
			 ledger->offerings[i].failures == 1 &&
			 ledger->offerings[i].until_s == NOW_S + 180;
	assert_int_equal(found, 1);
	launch_bench_close();
}

static void test_what_works_again_has_not_failed(void **state)
{
	(void)state;
	launch_bench_open(THREE);
	offerings_failed(&launch_bench.ledger, &launch_bench.settings,
			 &launch_bench.settings.resources[0], 0,
			 &(struct offering_failure){ ERROR_CAPACITY, NULL, NOW_S - 1000 });
	assert_int_equal(launch_bench.ledger.offerings[0].failures, 1);
	launch_bench_add(0, 0);
	assert_string_equal(launch_bench_launch(), "d");
	assert_int_equal(launch_bench.ledger.offerings[0].failures, 0);
	launch_bench_close();
}

/* ---- limits of a pass ---- */

static void test_past_the_deadline_nothing_is_asked(void **state)
{
	(void)state;
	launch_bench_open(THREE);
	launch_bench.time_ms = 0;
	launch_bench_add_attempt(7, "a", NOW_S);
	launch_bench_add(0, 0);
	launch_bench_add(0, 7)->is_repeat = true;
	assert_string_equal(launch_bench_launch(), "nn");
	assert_string_equal(buf_text(&launch_script.asked), "");
	assert_string_equal(launch_bench_attempts(), "cpu/7 a");
	assert_int_equal(launch_bench.result.failed, 2);
	launch_bench_close();
}

static void test_too_many_failures_end_it(void **state)
{
	static char unreachable[MOST_ASKED];

	(void)state;
	memset(unreachable, 'u', sizeof(unreachable) - 1);
	launch_bench_open(THREE);
	for (unsigned slot = 0; slot < ACT_LAUNCH_FAILURES + 5; slot++)
		launch_bench_add(0, slot);
	launch_script.answers = unreachable;
	assert_string_equal(launch_bench_launch() + ACT_LAUNCH_FAILURES - 1, "onnnnn");
	assert_int_equal(launch_script.count, ACT_LAUNCH_FAILURES);
	assert_int_equal(launch_bench.ledger.attempt_count, ACT_LAUNCH_FAILURES);
	launch_bench_close();
}

static void test_the_api_is_not_called_faster_than_it_may(void **state)
{
	(void)state;
	/* The fourth one would have to wait for a second, which is not there. */
	launch_bench_open(THREE);
	launch_bench.provider.launch_limit = (struct call_limit){ .burst = 3, .per_second = 1 };
	launch_bench.time_ms = 900;
	for (unsigned slot = 0; slot < 4; slot++)
		launch_bench_add(slot % 2, slot);
	assert_string_equal(launch_bench_launch(), "dddn");
	launch_bench_close();
	/* Nor may it wait past the half of the pass: terminations and repairs come behind. */
	launch_bench_open(THREE);
	launch_bench.provider.launch_limit = (struct call_limit){ .burst = 3, .per_second = 1 };
	launch_bench.time_ms = 1800;
	for (unsigned slot = 0; slot < 4; slot++)
		launch_bench_add(slot % 2, slot);
	assert_string_equal(launch_bench_launch(), "dddn");
	launch_bench_close();
	/* Waiting is worth it where there is time. */
	launch_bench_open(THREE);
	launch_bench.provider.launch_limit = (struct call_limit){ .burst = 1, .per_second = 200 };
	for (unsigned slot = 0; slot < 6; slot++)
		launch_bench_add(0, slot);
	assert_string_equal(launch_bench_launch(), "dddddd");
	launch_bench_close();
}

static void test_without_a_ledger_nothing_is_asked(void **state)
{
	struct error err;

	(void)state;
	launch_bench_open(THREE);
	launch_bench_add(0, 0);
	ledger_close(launch_bench.file);
	/* One for looking on takes no writes. */
	assert_int_equal(ledger_open_view(launch_bench_folder(), NOW_S, &launch_bench.file, &err),
			 0);
	assert_string_equal(launch_bench_launch(), "f");
	assert_string_equal(buf_text(&launch_script.asked), "");
	assert_int_equal(launch_bench.result.failed, 1);
	launch_bench_close();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_resources_are_apart),
		cmocka_unit_test(test_each_offering_has_its_own_key),
		cmocka_unit_test(test_nothing_dearer_is_asked_where_a_budget_counts_on_the_price),
		cmocka_unit_test(test_a_repeat_is_the_very_same_request),
		cmocka_unit_test(test_a_repeat_is_not_put_off_by_a_failure),
		cmocka_unit_test(test_which_attempts_are_kept),
		cmocka_unit_test(test_a_key_that_was_used),
		cmocka_unit_test(test_a_repeat_whose_machine_has_ended_goes_on),
		cmocka_unit_test(test_a_key_that_nobody_holds),
		cmocka_unit_test(test_spent_keys_are_not_tried_faster_than_the_api_may_be_called),
		cmocka_unit_test(test_what_the_next_pass_knows),
		cmocka_unit_test(test_what_works_again_has_not_failed),
		cmocka_unit_test(test_past_the_deadline_nothing_is_asked),
		cmocka_unit_test(test_too_many_failures_end_it),
		cmocka_unit_test(test_the_api_is_not_called_faster_than_it_may),
		cmocka_unit_test(test_without_a_ledger_nothing_is_asked),
	};

	return cmocka_run_group_tests(tests, launch_bench_make, launch_bench_remove);
}
