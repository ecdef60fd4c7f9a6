#include "reaper/told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_last_word_counts(void **state)
{
	static const struct {
		const char *when, *instance;
		enum order order;
		bool is_new;
		size_t count;
	} steps[] = {
		{ "nothing was told", "a", ORDER_NONE, false, 0 },
		{ "it is told something", "a", ORDER_DRAIN, true, 1 },
		{ "it is told the same", "a", ORDER_DRAIN, false, 1 },
		{ "it is told something else", "a", ORDER_KEEP, true, 1 },
		{ "another one is told something", "b", ORDER_LEAVE, true, 2 },
		{ "the first one is forgotten", "a", ORDER_NONE, true, 1 },
		{ "it is forgotten again", "a", ORDER_NONE, false, 1 },
	};
	SCOPED(ledger) struct ledger ledger = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (told_set(&ledger, steps[i].instance, steps[i].order, (int64_t)i) !=
			    steps[i].is_new ||
		    ledger.order_count != steps[i].count)
			fail_msg("when %s: %zu", steps[i].when, ledger.order_count);
	assert_string_equal(ledger.orders[0].instance, "b");
	assert_int_equal(ledger.orders[0].order, ORDER_LEAVE);
	assert_int_equal(ledger.orders[0].since_s, 4);
}

/* A new ledger takes over what another had told, and gives it back when that one is alive. */
static void what_was_taken_over_is_given_back(void **state)
{
	static const struct {
		const char *when, *issuer;
		int64_t time_s;
		bool is_said_here;
		size_t count;
	} cases[] = {
		{ "it has signed anew", "other", 101, false, 1 },
		{ "it has not", "other", 100, false, 2 },
		{ "a third one has", "third", 101, false, 2 },
		{ "an earlier version's text stands there", "", 101, false, 2 },
		{ "the same was said here since", "other", 101, true, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct orders_line lines[] = { { "a", ORDER_KEEP }, { "b", ORDER_DRAIN } };
		struct orders_part part = { "other", 100, lines, 2 };
		SCOPED(ledger) struct ledger ledger = { 0 };

		assert_true(told_set(&ledger, "b", ORDER_LEAVE, 5));
		told_adopt(&ledger, &part);
		assert_int_equal(ledger.order_count, 2);
		assert_int_equal(ledger.orders[0].order, ORDER_LEAVE);
		assert_true(told_is_adopted(&ledger, "other"));
		assert_false(told_is_adopted(&ledger, ""));
		if (cases[i].is_said_here)
			assert_false(told_set(&ledger, "a", ORDER_KEEP, 6));
		text_cut(part.issuer, sizeof(part.issuer), cases[i].issuer);
		part.time_s = cases[i].time_s;
		told_give_back(&ledger, &part);
		if (ledger.order_count != cases[i].count)
			fail_msg("when %s: %zu", cases[i].when, ledger.order_count);
		assert_string_equal(ledger.orders[0].instance, "b");
	}
}

/* An order to "a", and what is seen of it. */
static void what_is_gone_is_told_nothing(void **state)
{
	static const struct {
		const char *when;
		bool is_seen;
		enum instance_state instance_state;
		bool is_listed, are_workers_known, is_kept;
	} cases[] = {
		{ "it runs", true, INSTANCE_RUNNING, true, true, true },
		{ "it is stopped", true, INSTANCE_STOPPED, true, true, true },
		{ "it has ended", true, INSTANCE_TERMINATED, true, true, false },
		{ "it has ended, and another list failed", true, INSTANCE_TERMINATED, false, true,
		  false },
		{ "no list has it", false, INSTANCE_RUNNING, true, true, false },
		{ "no list has it, but one failed", false, INSTANCE_RUNNING, false, true, true },
		{ "no list has it, but records are unknown", false, INSTANCE_RUNNING, true, false,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(ledger) struct ledger ledger = { 0 };
		struct observed_machine machines[] = {
			{ .instance = { .id = "b", .state = INSTANCE_RUNNING } },
			{ .instance = { .id = "a", .state = cases[i].instance_state } },
		};
		struct observation *seen = memory_array(1, sizeof(*seen));
		struct settings *settings = memory_array(1, sizeof(*settings));

		settings->resource_count = 2;
		seen->resources[0].is_listed = true;
		seen->resources[1].is_listed = cases[i].is_listed;
		seen->workers_known = cases[i].are_workers_known;
		seen->machines = machines;
		seen->machine_count = cases[i].is_seen ? 2 : 1;
		(void)told_set(&ledger, "a", ORDER_DRAIN, 1);
		(void)told_set(&ledger, "b", ORDER_KEEP, 1);
		told_prune(&ledger, seen, settings);
		if (ledger.order_count != (cases[i].is_kept ? 2 : 1) ||
		    strcmp(ledger.orders[ledger.order_count - 1].instance, "b") != 0)
			fail_msg("when %s", cases[i].when);
		free(seen);
		free(settings);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_word_counts),
		cmocka_unit_test(what_was_taken_over_is_given_back),
		cmocka_unit_test(what_is_gone_is_told_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
