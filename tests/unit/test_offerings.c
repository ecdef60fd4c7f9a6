/* offerings: which one may be asked for, and what each answer means for the next time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/offerings.h"

enum { NOW_S = 1800000000, ROLLBACK_S = 600, BLACKOUT_S = 1800, NOTHING = 99 };

static void test_keys_tell_offerings_apart(void **state)
{
	static const struct {
		struct offering offering;
		const char *key;
	} cases[] = {
		{ { .type = "m5.large" }, "m5.large" },
		{ { .type = "m5.large", .zone = "eu-1a" }, "m5.large/eu-1a/on-demand" },
		{ { .type = "m5.large", .market = MARKET_SPOT }, "m5.large//spot" },
		{ { .type = "m5.large", .zone = "eu-1a", .market = MARKET_SPOT },
		  "m5.large/eu-1a/spot" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char key[OFFERING_KEY_ROOM];

		offering_key(&cases[i].offering, key);
		assert_string_equal(key, cases[i].key);
	}
}

/* "a": zone a on-demand; "A": zone a spot; ... */
static void make_resource(struct resource *resource, struct offering *offerings, const char *kinds)
{
	*resource = (struct resource){ .name = "gpu",
				       .offerings = offerings,
				       .offering_count = strlen(kinds),
				       .spot_rollback_s = ROLLBACK_S,
				       .spot_blackout_s = BLACKOUT_S };
	for (size_t i = 0; kinds[i]; i++) {
		bool is_spot = kinds[i] < 'a';

		offerings[i] =
			(struct offering){ .type = "g5",
					   .market = is_spot ? MARKET_SPOT : MARKET_ON_DEMAND };
		offerings[i].zone[0] = is_spot ? (char)(kinds[i] + 'a' - 'A') : kinds[i];
	}
}

static void test_the_next_offering(void **state)
{
	static const struct {
		const char *when;
		const char *offerings;
		const char *tried; /* places, "02" */
		const char *cooling; /* an offering and for how long, "a60 B90" */
		const char *hinted; /* zones' offerings, with seconds left */
		int failing_s; /* ago; 0: not */
		int blackout_s; /* left */
		size_t next;
		int until_s; /* from now; 0: none */
	} cases[] = {
		{ "all are free", "abc", "", "", "", 0, 0, 0, 0 },
		{ "the first was tried", "abc", "0", "", "", 0, 0, 1, 0 },
		{ "all were tried", "ab", "01", "", "", 0, 0, NOTHING, 0 },
		{ "the first cools down", "abc", "", "a60", "", 0, 0, 1, 60 },
		{ "the first has cooled down to the second", "ab", "", "a0", "", 0, 0, 0, 0 },
		{ "all cool down", "ab", "", "a60 b40", "", 0, 0, NOTHING, 40 },
		{ "all cool down, the later first", "ab", "", "a40 b60", "", 0, 0, NOTHING, 40 },
		{ "another resource's cooldown", "ab", "", "!a60", "", 0, 0, 0, 0 },
		{ "a hinted zone goes first", "abc", "", "", "c9", 0, 0, 2, 0 },
		{ "of two hinted the first", "abc", "", "", "b9 c9", 0, 0, 1, 0 },
		{ "a hint is over", "abc", "", "", "c0", 0, 0, 0, 0 },
		{ "the hinted one was tried", "abc", "2", "", "c9", 0, 0, 0, 0 },
		{ "the hinted one cools down", "abc", "", "c60", "c9", 0, 0, 0, 60 },
		{ "the first one is hinted itself", "abc", "", "", "a9 b9", 0, 0, 0, 0 },
		{ "a hint of another market waits", "Aab", "", "", "b9", 700, 0, 0, 0 },
		{ "spot goes alone", "Aa", "", "", "", 0, 0, 0, 0 },
		{ "spot goes alone, though it is named last", "aA", "", "", "", 0, 0, 1, 0 },
		{ "spot was tried and has not failed for long", "Aa", "0", "", "", 0, 0, NOTHING,
		  0 },
		{ "spot fails for less than the roll-back", "Aa", "0", "", "", 599, 0, NOTHING, 1 },
		{ "spot fails for the roll-back", "Aa", "0", "", "", 600, 0, 1, 0 },
		{ "spot cools down, the roll-back comes first", "Aa", "", "A300", "", 400, 0,
		  NOTHING, 200 },
		{ "spot cools down past the roll-back", "Aa", "", "A300", "", 600, 0, 1, 300 },
		{ "then the resource has its own order again", "aA", "", "", "", 600, 0, 0, 0 },
		{ "spot is left alone", "Aa", "", "", "", 900, 60, 1, 60 },
		{ "spot is left alone, the other cools down", "Aa", "", "a30", "", 900, 60, NOTHING,
		  30 },
		{ "spot is left alone until now", "aA", "", "", "", 0, -1, 1, 0 },
		{ "spot was left alone long enough", "Aa", "", "", "", 2400, 0, 0, 0 },
		{ "spot failed in another season", "Aa", "0", "", "", 2400, 0, NOTHING, 0 },
		{ "spot failed just not in another season", "Aa", "0", "", "", 2399, 0, 1, 0 },
		{ "spot is all there is: no roll-back", "AB", "", "", "", 900, 60, 0, 0 },
		{ "on-demand is all there is", "ab", "", "", "", 10, 60, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct offering offerings[4];
		struct offering_state states[8] = { 0 };
		struct resource resource;
		bool tried[4] = { false };
		size_t state_count = 0, next = NOTHING;
		int64_t until_s = -1;

		make_resource(&resource, offerings, cases[i].offerings);
		for (const char *at = cases[i].tried; *at; at++)
			tried[*at - '0'] = true;
		for (int is_hint = 0; is_hint < 2; is_hint++) {
			const char *at = is_hint ? cases[i].hinted : cases[i].cooling;

			for (; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
				struct offering_state *told = &states[state_count++];
				bool is_other = *at == '!';
				struct offering one[1];
				struct resource named;
				char kind[2] = { at[is_other] };
				int64_t then_s = NOW_S + strtol(at + is_other + 1, NULL, 10);

				make_resource(&named, one, kind);
				offering_key(one, told->offering);
				text_cut(told->resource, sizeof(told->resource),
					 is_other ? "cpu" : "gpu");
				told->until_s = is_hint ? 0 : then_s;
				told->hinted_until_s = is_hint ? then_s : 0;
			}
		}
		for (size_t n = state_count; n < ARRAY_LEN(states); n++) {
			text_cut(states[n].resource, sizeof(states[n].resource), "gpu");
			offering_key(&offerings[0], states[n].offering);
			states[n].until_s = NOW_S + 5;
		}
		struct offerings_view view = {
			.resource = &resource,
			.states = states,
			.state_count = state_count,
			.spot_failing_since_s = cases[i].failing_s ? NOW_S - cases[i].failing_s : 0,
			.spot_blackout_until_s = cases[i].blackout_s < 0 ? NOW_S :
						 cases[i].blackout_s ? NOW_S + cases[i].blackout_s :
								       0, /* -1: it ends now */
			.now_s = NOW_S,
		};
		bool is_found =
			offerings_next(&view, *cases[i].tried ? tried : NULL, &next, &until_s);

		if (is_found != (cases[i].next != NOTHING) || next != cases[i].next)
			fail_msg("when %s: %zu", cases[i].when, next);
		if (until_s != (cases[i].until_s ? NOW_S + cases[i].until_s : 0))
			fail_msg("when %s: until %lld", cases[i].when,
				 (long long)(until_s - NOW_S));
	}
}

struct bench {
	struct offering offerings[5];
	struct resource resource;
	struct settings settings;
	struct ledger ledger;
};

static void bench_open(struct bench *bench, const char *kinds)
{
	memset(bench, 0, sizeof(*bench));
	make_resource(&bench->resource, bench->offerings, kinds);
	bench->offerings[4] = (struct offering){ .zone = "b" }; /* of nobody */
	bench->settings.cooldown_s = 180;
	bench->settings.cooldown_max_s = 1800;
}

static void bench_close(struct bench *bench)
{
	free(bench->ledger.offerings);
	free(bench->ledger.resources);
}

static void refuse(struct bench *bench, size_t offering, int64_t at_s)
{
	offerings_failed(&bench->ledger, &bench->settings, &bench->resource, offering,
			 &(struct offering_failure){ ERROR_CAPACITY, NULL, at_s });
}

static void test_what_a_failure_says(void **state)
{
	static const struct {
		enum error_class class;
		bool is_cooled;
	} cases[] = {
		{ ERROR_CAPACITY, true },     { ERROR_QUOTA, true },
		{ ERROR_THROTTLED, false },   { ERROR_DENIED, false },
		{ ERROR_REFUSED, false },     { ERROR_CONFIGURATION, false },
		{ ERROR_UNREACHABLE, false }, { ERROR_MALFORMED, false },
		{ ERROR_CONFLICT, false },    { ERROR_SYSTEM, false },
		{ ERROR_NOT_FOUND, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;

		bench_open(&bench, "Ab");
		offerings_failed(&bench.ledger, &bench.settings, &bench.resource, 0,
				 &(struct offering_failure){ cases[i].class, NULL, NOW_S });
		assert_int_equal(bench.ledger.offering_count, cases[i].is_cooled);
		assert_int_equal(bench.ledger.resource_count, cases[i].is_cooled);
		bench_close(&bench);
	}
}

static void test_cooldowns_double_and_age(void **state)
{
	static const int64_t expected[] = { 180, 360, 720, 1440, 1800, 1800 };
	struct bench bench;

	(void)state;
	bench_open(&bench, "ab");
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		refuse(&bench, 1, NOW_S);
		assert_int_equal(bench.ledger.offering_count, 1);
		assert_string_equal(bench.ledger.offerings[0].offering, "g5/b/on-demand");
		assert_string_equal(bench.ledger.offerings[0].resource, "gpu");
		assert_int_equal(bench.ledger.offerings[0].until_s, NOW_S + expected[i]);
	}
	/* The last cooldown ended so long ago that the next failure is a first one. */
	refuse(&bench, 1, NOW_S + 1800 + 1799);
	assert_int_equal(bench.ledger.offerings[0].failures, 7);
	refuse(&bench, 1, bench.ledger.offerings[0].until_s + 1800);
	assert_int_equal(bench.ledger.offerings[0].failures, 1);
	assert_int_equal(bench.ledger.offerings[0].until_s, NOW_S + 3599 + 3600 + 180);
	offerings_worked(&bench.ledger, &bench.resource, 1);
	assert_int_equal(bench.ledger.offerings[0].until_s, 0);
	assert_int_equal(bench.ledger.offerings[0].failures, 0);
	bench_close(&bench);
}

static void test_a_cooldown_that_is_the_maximum(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, "a");
	bench.settings.cooldown_s = 9999;
	refuse(&bench, 0, NOW_S);
	assert_int_equal(bench.ledger.offerings[0].until_s, NOW_S + 1800);
	bench_close(&bench);
}

static void test_each_offering_cools_by_itself(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, "abc");
	refuse(&bench, 0, NOW_S);
	refuse(&bench, 1, NOW_S);
	refuse(&bench, 1, NOW_S);
	text_cut(bench.resource.name, sizeof(bench.resource.name), "other");
	refuse(&bench, 1, NOW_S);
	assert_int_equal(bench.ledger.offering_count, 3);
	assert_int_equal(bench.ledger.offerings[0].until_s, NOW_S + 180);
	assert_int_equal(bench.ledger.offerings[1].until_s, NOW_S + 360);
	assert_int_equal(bench.ledger.offerings[2].until_s, NOW_S + 180);
	offerings_worked(&bench.ledger, &bench.resource, 0); /* nothing was remembered of it */
	assert_int_equal(bench.ledger.offering_count, 3);
	offerings_worked(&bench.ledger, &bench.resource, 1);
	assert_int_equal(bench.ledger.offerings[1].until_s, NOW_S + 360);
	assert_int_equal(bench.ledger.offerings[2].until_s, 0);
	assert_int_equal(bench.ledger.resource_count, 0); /* spot has no part in this */
	bench_close(&bench);
}

static void test_hints_name_zones(void **state)
{
	static const char zones[][TICKET_FIELD_ROOM] = { "b", "c", "" };
	struct bench bench;

	(void)state;
	bench_open(&bench, "abBc");
	offerings_failed(&bench.ledger, &bench.settings, &bench.resource, 0,
			 &(struct offering_failure){ ERROR_CAPACITY, zones, NOW_S });
	assert_int_equal(bench.ledger.offering_count, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct offering_state *told = &bench.ledger.offerings[i];
		bool is_failed = !strcmp(told->offering, "g5/a/on-demand");

		assert_int_equal(told->hinted_until_s, is_failed ? 0 : NOW_S + 600);
		assert_int_equal(told->until_s, is_failed ? NOW_S + 180 : 0);
	}
	/* It was said to have room, and had none: no hint any more. */
	offerings_failed(&bench.ledger, &bench.settings, &bench.resource, 1,
			 &(struct offering_failure){ ERROR_CAPACITY, zones, NOW_S });
	assert_int_equal(bench.ledger.offerings[0].hinted_until_s, 0);
	/* Hints that ended and offerings that never failed need no room. */
	refuse(&bench, 0, NOW_S + 600);
	assert_int_equal(bench.ledger.offering_count, 2);
	bench_close(&bench);
}

static void test_spot_rolls_back_and_is_left_alone(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, "Aa");
	refuse(&bench, 1, NOW_S); /* on-demand says nothing about spot */
	assert_int_equal(bench.ledger.resource_count, 0);
	refuse(&bench, 0, NOW_S);
	const struct remembered_resource *memory = bench.ledger.resources;
	assert_string_equal(memory->resource, "gpu");
	assert_int_equal(memory->spot_failing_since_s, NOW_S);
	assert_int_equal(memory->spot_blackout_until_s, 0);
	refuse(&bench, 0, NOW_S + 599);
	assert_int_equal(memory->spot_failing_since_s, NOW_S);
	assert_int_equal(memory->spot_blackout_until_s, 0);
	refuse(&bench, 0, NOW_S + 600);
	assert_int_equal(memory->spot_blackout_until_s, NOW_S + 600 + BLACKOUT_S);
	/* After the blackout one more failure is enough. */
	refuse(&bench, 0, NOW_S + 2401);
	assert_int_equal(memory->spot_failing_since_s, NOW_S);
	assert_int_equal(memory->spot_blackout_until_s, NOW_S + 2401 + BLACKOUT_S);
	/* In another season it begins anew. */
	refuse(&bench, 0, NOW_S + 90000);
	assert_int_equal(memory->spot_failing_since_s, NOW_S + 90000);
	assert_int_equal(memory->spot_blackout_until_s, NOW_S + 2401 + BLACKOUT_S);
	offerings_worked(&bench.ledger, &bench.resource, 1);
	assert_int_equal(memory->spot_failing_since_s, NOW_S + 90000);
	offerings_worked(&bench.ledger, &bench.resource, 0);
	assert_int_equal(memory->spot_failing_since_s, 0);
	assert_int_equal(memory->spot_blackout_until_s, 0);
	assert_int_equal(bench.ledger.resource_count, 1);
	text_cut(bench.resource.name, sizeof(bench.resource.name), "other");
	refuse(&bench, 0, NOW_S);
	assert_int_equal(bench.ledger.resource_count, 2);
	assert_int_equal(bench.ledger.resources[0].spot_failing_since_s, 0);
	bench_close(&bench);
}

static void test_how_spot_does(void **state)
{
	enum { NEVER = -1 };
	static const struct {
		const char *when, *offerings;
		int64_t failing_for_s; /* 0: not */
		int64_t blackout_for_s;
		enum spot spot;
	} cases[] = {
		{ "it was never tried", "Aa", 0, NEVER, SPOT_ASKED },
		{ "it begins to fail", "Aa", ROLLBACK_S - 1, NEVER, SPOT_ASKED },
		{ "it has failed for spot_rollback", "Aa", ROLLBACK_S, NEVER, SPOT_ROLLED_BACK },
		{ "it failed again", "Aa", ROLLBACK_S, 1, SPOT_BLACKED_OUT },
		{ "it may be asked for again just now", "Aa", ROLLBACK_S, 0, SPOT_ROLLED_BACK },
		{ "it failed in another season", "Aa", 90 * 86400, NEVER, SPOT_ASKED },
		{ "there is spot alone", "A", ROLLBACK_S, 1, SPOT_ASKED },
		{ "there is on-demand alone", "a", ROLLBACK_S, 1, SPOT_ASKED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct offering offerings[2];
		struct resource resource;

		make_resource(&resource, offerings, cases[i].offerings);
		const struct offerings_view view = {
			.resource = &resource,
			.spot_failing_since_s =
				cases[i].failing_for_s ? NOW_S - cases[i].failing_for_s : 0,
			.spot_blackout_until_s = cases[i].blackout_for_s == NEVER ?
							 0 :
							 NOW_S + cases[i].blackout_for_s,
			.now_s = NOW_S,
		};

		if (offerings_spot(&view) != cases[i].spot)
			fail_msg("when %s: %d", cases[i].when, (int)offerings_spot(&view));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_tell_offerings_apart),
		cmocka_unit_test(test_the_next_offering),
		cmocka_unit_test(test_what_a_failure_says),
		cmocka_unit_test(test_cooldowns_double_and_age),
		cmocka_unit_test(test_a_cooldown_that_is_the_maximum),
		cmocka_unit_test(test_each_offering_cools_by_itself),
		cmocka_unit_test(test_hints_name_zones),
		cmocka_unit_test(test_spot_rolls_back_and_is_left_alone),
		cmocka_unit_test(test_how_spot_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
