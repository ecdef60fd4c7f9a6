/* clearml_purpose: for whom tasks run and wait, as ClearML tells it. */
#include "common/clearml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clearml_call.h"
#include "tests/unit/support/talk.h"

/* Longer than any id of a user that we hold; none of ours, then. */
#define LONG_USER                                                       \
	"0123456789012345678901234567890123456789012345678901234567890" \
	"0123456789012345678901234567890123456789012345678901234567890123456789"

static void test_reads_what_is_there(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all",
		  .data = "{\"tasks\":["
			  "{\"id\":\"" TASK_A
			  "\",\"status\":\"in_progress\",\"user\":\"__tests__\","
			  "\"execution\":{\"queue\":\"" QUEUE_A "\"},"
			  "\"started\":\"2026-11-23T22:18:20+00:00\"},"
			  "{\"id\":\"" TASK_B "\",\"status\":\"queued\",\"user\":\"" LONG_USER
			  "\"},"
			  "{\"id\":\"" QUEUE_B "\",\"status\":\"completed\",\"user\":null,"
			  "\"started\":null}]}" },
	};
	static const char *const tasks[] = { TASK_A, TASK_B, QUEUE_B };
	SCOPED(clearml_purposes) struct clearml_purposes found = { 0 };
	struct talk talk = BEGIN(steps);
	struct error err;

	(void)state;
	succeed(clearml_purposes_of(talk.clearml, tasks, ARRAY_LEN(tasks), &found, &err), &err);
	check_sent(&talk, FIRST, "\"id\":[\"" TASK_A "\",\"" TASK_B "\",\"" QUEUE_B "\"]");
	check_sent(&talk, FIRST, "\"user\"");
	assert_int_equal(found.count, 3);
	assert_string_equal(found.list[0].task, TASK_A);
	assert_int_equal(found.list[0].status, TASK_IN_PROGRESS);
	assert_string_equal(found.list[0].user, "__tests__");
	assert_string_equal(found.list[0].queue, QUEUE_A);
	assert_int_equal(found.list[0].started_ms, (int64_t)1795472300000);
	assert_int_equal(found.list[1].status, TASK_QUEUED);
	assert_string_equal(found.list[1].user, "");
	assert_string_equal(found.list[1].queue, "");
	assert_int_equal(found.list[2].status, TASK_UNKNOWN);
	assert_string_equal(found.list[2].user, "");
	talk_end(&talk);
}

static void test_refuses_what_makes_no_sense(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = "{}" },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[{\"id\":\"no\"}]}" },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[{\"id\":\"" TASK_A "\"}]}" },
		{ .endpoint = "tasks.get_all",
		  .data = "{\"tasks\":[{\"id\":\"" TASK_A "\",\"status\":\"queued\","
			  "\"started\":\"yesterday\"}]}" },
	};
	static const char *const tasks[] = { TASK_A };
	struct talk talk = BEGIN(steps);

	(void)state;
	for (size_t i = FIRST; i < ARRAY_LEN(steps); i++) {
		struct clearml_purposes found = { 0 };
		struct error err = { 0 };

		assert_int_equal(clearml_purposes_of(talk.clearml, tasks, 1, &found, &err), -1);
		if (err.class != ERROR_MALFORMED)
			fail_msg("step %zu: %s", i, err.message);
		assert_null(found.list);
	}
	talk_end(&talk);
}

static void test_asks_in_parts_of_a_page(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
	};
	const char *tasks[CLEARML_PAGE + 1];
	SCOPED(clearml_purposes) struct clearml_purposes found = { 0 };
	struct talk talk = BEGIN(steps);
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		tasks[i] = i == CLEARML_PAGE ? TASK_B : TASK_A;
	succeed(clearml_purposes_of(talk.clearml, tasks, ARRAY_LEN(tasks), &found, &err), &err);
	check_not_sent(&talk, FIRST, TASK_B);
	check_sent(&talk, FIRST + 1, "\"id\":[\"" TASK_B "\"]");
	talk_end(&talk);
}

static char *full_page(void)
{
	struct buf text = BUF(1 << 20);

	for (unsigned i = 0; i < CLEARML_PAGE; i++)
		buf_addf(&text, "%s{\"id\":\"%032x\",\"status\":\"queued\",\"user\":\"ann\"}",
			 i ? "," : "{\"tasks\":[", i);
	buf_addf(&text, "]}");
	return text.bytes;
}

static void test_reads_every_page_of_what_waits(void **state)
{
	char *page = full_page();
	const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = page },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
	};
	static const char *const users[] = { "ann" };
	SCOPED(clearml_purposes) struct clearml_purposes found = { 0 }, none = { 0 };
	struct talk talk = BEGIN(steps);
	struct error err;

	(void)state;
	succeed(clearml_purposes_queued(talk.clearml, users, 1, &found, &err), &err);
	assert_int_equal(found.count, CLEARML_PAGE);
	check_sent(&talk, FIRST, "\"status\":[\"queued\"]");
	check_sent(&talk, FIRST + 1, "\"page\":1");
	succeed(clearml_purposes_queued(talk.clearml, users, 0, &none, &err), &err);
	assert_int_equal(none.count, 0);
	talk_end(&talk);
	free(page);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_is_there),
		cmocka_unit_test(test_refuses_what_makes_no_sense),
		cmocka_unit_test(test_asks_in_parts_of_a_page),
		cmocka_unit_test(test_reads_every_page_of_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
