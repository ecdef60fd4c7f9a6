#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/buf.h"
#include "common/idle.h"

enum { SINCE = 1000000, TIMEOUT = 900000, WALL = 5000, END = 100000000 };

static const struct ticket_span holds[] = {
	{ WALL + 3000, WALL + 4000 }, /* follows on the next row's end */
	{ WALL - 100, WALL + 2000 },
	{ WALL + 2000, WALL + 3000 },
	{ WALL + 9000, WALL + 9999 }, /* after a gap */
};

static void when_it_has_nothing_to_do(void **state)
{
	static const struct {
		const char *when;
		int64_t idle_ms;
		int64_t command_in_ms, file_in_ms; /* kept until so long from now; 0: not */
		int64_t end_in_ms; /* max_life; 0: far away */
		size_t first_hold, hold_count;
		bool is_busy;
		int64_t leaves_in_ms;
		const char *kept_by;
		bool is_held, is_over;
	} cases[] = {
		{ "it begins", 0, 0, 0, 0, 0, 0, false, TIMEOUT, "", false, false },
		{ "a millisecond is left", TIMEOUT - 1, 0, 0, 0, 0, 0, false, 1, "", false, false },
		{ "the time is over", TIMEOUT, 0, 0, 0, 0, 0, false, 0, "", false, true },
		{ "the time is long over", TIMEOUT * 2, 0, 0, 0, 0, 0, false, 0, "", false, true },
		{ "a task runs", TIMEOUT * 2, 0, 0, 5000, 0, 0, true, 5000, "", false, false },
		{ "a command keeps it", TIMEOUT, 70000, 0, 0, 0, 0, false, 70000, "command", false,
		  false },
		{ "a file keeps it", TIMEOUT, 0, 70000, 0, 0, 0, false, 70000, "file", false,
		  false },
		{ "the later one is named", TIMEOUT, 10, 70000, 0, 0, 0, false, 70000, "file",
		  false, false },
		{ "the command is as late", TIMEOUT, 70000, 70000, 0, 0, 0, false, 70000, "command",
		  false, false },
		{ "the keep is shorter than the rest", TIMEOUT - 500, 100, 0, 0, 0, 0, false, 500,
		  "command", false, false },
		{ "the keep has passed", TIMEOUT, -1, -5, 0, 0, 0, false, 0, "", false, true },
		{ "max_life is before the keep", TIMEOUT, 70000, 0, 300, 0, 0, false, 300,
		  "command", false, false },
		{ "max_life has come", TIMEOUT, 70000, 0, -1, 0, 0, false, 0, "command", false,
		  true },
		{ "max_life is before the time-out", 0, 0, 0, 300, 0, 0, false, 300, "", false,
		  false },
		{ "holds cover it, one after the other", TIMEOUT, 0, 0, 0, 0, 4, false, 4000000, "",
		  true, false },
		{ "a hold is still to come", TIMEOUT, 0, 0, 0, 3, 1, false, 0, "", false, true },
		{ "a hold and max_life", TIMEOUT, 0, 0, 300, 1, 1, false, 300, "", true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t now_ms = SINCE + cases[i].idle_ms;
		const struct idle_facts facts = {
			.now_ms = now_ms,
			.since_ms = SINCE,
			.timeout_ms = TIMEOUT,
			.keep_command_ms =
				cases[i].command_in_ms ? now_ms + cases[i].command_in_ms : 0,
			.keep_file_ms = cases[i].file_in_ms ? now_ms + cases[i].file_in_ms : 0,
			.end_ms = cases[i].end_in_ms ? now_ms + cases[i].end_in_ms : END,
			.now_wall_s = WALL,
			.hold = holds + cases[i].first_hold,
			.hold_count = cases[i].hold_count,
			.is_busy = cases[i].is_busy,
		};
		struct idle idle = idle_look(&facts);

		if (idle.idle_ms != (cases[i].is_busy ? 0 : cases[i].idle_ms) ||
		    idle.leaves_in_ms != cases[i].leaves_in_ms ||
		    strcmp(idle.kept_by, cases[i].kept_by) != 0 ||
		    idle.is_held != cases[i].is_held || idle.is_over != cases[i].is_over)
			fail_msg("when %s: idle %lld, leaves in %lld, kept by \"%s\", held %d, "
				 "over %d",
				 cases[i].when, (long long)idle.idle_ms,
				 (long long)idle.leaves_in_ms, idle.kept_by, idle.is_held,
				 idle.is_over);
	}
}

static void when_the_clock_stands_before_the_last_task(void **state)
{
	const struct idle_facts facts = {
		.now_ms = SINCE - 5, .since_ms = SINCE, .timeout_ms = TIMEOUT, .end_ms = END
	};

	(void)state;
	assert_int_equal(idle_look(&facts).idle_ms, 0);
	assert_false(idle_look(&facts).is_over);
}

static void when_the_keep_ends_this_moment(void **state)
{
	const struct idle_facts facts = { .now_ms = SINCE + TIMEOUT,
					  .since_ms = SINCE,
					  .timeout_ms = TIMEOUT,
					  .keep_command_ms = SINCE + TIMEOUT,
					  .end_ms = END };

	(void)state;
	assert_string_equal(idle_look(&facts).kept_by, "");
	assert_true(idle_look(&facts).is_over);
}

static void what_an_order_keeps(void **state)
{
	static const struct {
		const char *when;
		int64_t command, file, order;
		const char *kept_by;
		int64_t leaves_in;
	} cases[] = {
		{ "the reaper's order keeps it", 0, 0, 500, "order", 500 },
		{ "the order is over", 0, 0, -1, "", 0 },
		{ "a command lasts longer than the order", 900, 0, 500, "command", 900 },
		{ "the order lasts longer than a file", 0, 100, 500, "order", 500 },
		{ "max_life is before the order's end", 0, 0, END, "order", END - SINCE - TIMEOUT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t now_ms = SINCE + TIMEOUT;
		const struct idle_facts facts = {
			.now_ms = now_ms,
			.since_ms = SINCE,
			.timeout_ms = TIMEOUT,
			.keep_command_ms = cases[i].command ? now_ms + cases[i].command : 0,
			.keep_file_ms = cases[i].file ? now_ms + cases[i].file : 0,
			.keep_order_ms = cases[i].order ? now_ms + cases[i].order : 0,
			.end_ms = END,
		};
		struct idle idle = idle_look(&facts);

		if (strcmp(idle.kept_by, cases[i].kept_by) != 0 ||
		    idle.leaves_in_ms != cases[i].leaves_in ||
		    idle.is_over != (cases[i].leaves_in == 0))
			fail_msg("when %s: kept by \"%s\", leaves in %lld", cases[i].when,
				 idle.kept_by, (long long)idle.leaves_in_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_it_has_nothing_to_do),
		cmocka_unit_test(when_the_clock_stands_before_the_last_task),
		cmocka_unit_test(when_the_keep_ends_this_moment),
		cmocka_unit_test(what_an_order_keeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
