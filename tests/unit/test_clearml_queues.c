#include "common/clearml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/talk.h"

static void test_queues(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "queues.get_all",
		  .data = "{\"queues\":["
			  "{\"id\":\"" QUEUE_B "\",\"name\":\"b\\n\",\"tags\":[],\"entries\":[]},"
			  "{\"id\":\"" QUEUE_A "\",\"name\":\"a.b (x)\","
			  "\"tags\":[\"x\",\"force_workers:off\"],\"entries\":["
			  "{\"task\":\"" TASK_A
			  "\",\"added\":\"2026-11-23T22:18:20.281000+00:00\"},"
			  "{\"task\":\"" TASK_B "\"}]}]}" },
	};
	static const char *const names[] = { "a.b (x)", "b", "a.b (x)", "none" };
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };
	struct error err = { 0 };

	(void)state;
	succeed(clearml_queues(talk.clearml, names, ARRAY_LEN(names), 64, &queues, &err), &err);
	check_sent(&talk, FIRST, "POST /base/v2.23/queues.get_all ");
	check_sent(&talk, FIRST, "\"name\":\"^(a\\\\.b \\\\(x\\\\)|b|none)$\"");
	check_sent(&talk, FIRST, "\"max_task_entries\":64");
	check_sent(&talk, FIRST, "\"page\":0");
	check_sent(&talk, FIRST, "\"page_size\":500");
	check_not_sent(&talk, FIRST, "search_hidden"); /* a name finds hidden ones too */
	assert_int_equal(queues.count, 1); /* not the one with a line feed */
	const struct clearml_queue *queue = clearml_queue_named(&queues, "a.b (x)");

	assert_ptr_equal(queue, &queues.list[0]);
	assert_null(clearml_queue_named(&queues, "b"));
	assert_string_equal(queue->id, QUEUE_A);
	assert_true(queue->is_forced_off);
	assert_int_equal(queue->entry_count, 2);
	assert_string_equal(queue->entries[0].task, TASK_A);
	assert_int_equal(queue->entries[0].added_ms, (int64_t)1795472300281);
	assert_int_equal(queue->entries[1].added_ms, 0);
	talk_end(&talk);
}

/* A page of n queues whose ids count from start. */
static char *queues_page(unsigned start, unsigned count)
{
	struct buf page = BUF(1 << 20);

	buf_addf(&page, "{\"queues\":[");
	for (unsigned i = start; i < start + count; i++)
		buf_addf(&page, "%s{\"id\":\"%032x\",\"name\":\"q%u\",\"entries\":[]}",
			 i == start ? "" : ",", i, i);
	buf_addf(&page, "]}");
	return page.bytes;
}

static void test_all_queues_come_in_pages(void **state)
{
	char *first = queues_page(0, 500), *second = queues_page(499, 3);
	struct api_step steps[] = { HELLO,
				    { .endpoint = "queues.get_all", .data = first },
				    { .endpoint = "queues.get_all", .data = second } };
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };
	struct error err = { 0 };

	(void)state;
	succeed(clearml_queues(talk.clearml, NULL, 0, 0, &queues, &err), &err);
	check_sent(&talk, FIRST, "\"search_hidden\":true");
	check_not_sent(&talk, FIRST, "max_task_entries");
	check_not_sent(&talk, FIRST, "\"name\":");
	check_sent(&talk, FIRST + 1, "\"page\":1");
	assert_int_equal(queues.count, 502); /* one stood on both pages */
	for (size_t i = 1; i < queues.count; i++)
		assert_true(strcmp(queues.list[i - 1].id, queues.list[i].id) < 0);
	talk_end(&talk);
	free(first);
	free(second);
}

/* Tags that say nothing of ours, no tags at all, and a name that no configuration can hold. */
static void test_odd_queues(void **state)
{
	static char name[CLEARML_NAME_ROOM + 1], data[1024];
	struct api_step steps[] = { HELLO, { .endpoint = "queues.get_all", .data = data } };
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };
	struct error err = { 0 };

	(void)state;
	memset(name, 'n', CLEARML_NAME_ROOM);
	snprintf(data, sizeof(data),
		 "{\"queues\":[{\"id\":\"%s\",\"name\":\"%s\",\"tags\":[5,\"off\"],\"entries\":[]},"
		 "{\"id\":\"%s\",\"name\":\"b\",\"tags\":null,\"entries\":[]}]}",
		 QUEUE_A, name, QUEUE_B);
	struct talk talk = BEGIN(steps);

	succeed(clearml_queues(talk.clearml, NULL, 0, 0, &queues, &err), &err);
	assert_int_equal(queues.count, 2);
	assert_string_equal(queues.list[0].name, "");
	assert_false(queues.list[0].is_forced_off);
	assert_string_equal(queues.list[1].name, "b");
	assert_false(queues.list[1].is_forced_off);
	talk_end(&talk);
}

/* 120 names of 255 signs that all need a backslash: more than one pattern can hold. */
static void test_many_long_names_go_in_batches(void **state)
{
	enum { NAMES = 120 };
	static const struct api_step none = { .endpoint = "queues.get_all",
					      .data = "{\"queues\":[]}" };
	static char names[NAMES][256];
	const char *list[NAMES];
	struct api_step steps[] = { HELLO, none, none, none, none };
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		memset(names[i], '.', 255);
		snprintf(names[i] + 250, 6, "%05zu", i);
		list[i] = names[i];
	}
	succeed(clearml_queues(talk.clearml, list, NAMES, 0, &queues, &err), &err);
	check_sent(&talk, FIRST, "\\\\.00000|");
	check_sent(&talk, FIRST + 3, "\\\\.00119)$");
	assert_int_equal(queues.count, 0);
	talk_end(&talk);
}

static void test_no_names_need_no_call(void **state)
{
	static const struct api_step steps[] = { HELLO };
	static const char *const names[] = { "x" };
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };
	struct error err = { 0 };

	(void)state;
	succeed(clearml_queues(talk.clearml, names, 0, 0, &queues, &err), &err);
	assert_int_equal(queues.count, 0);
	talk_end(&talk);
}

static void test_queue_lists_that_lie(void **state)
{
	static const struct {
		const char *when, *data, *want;
	} rows[] = {
		{ "the list is missing", "{}", "data: queues" },
		{ "the list is null", "{\"queues\":null}", "data: queues" },
		{ "an id is missing", "{\"queues\":[{\"name\":\"n\",\"entries\":[]}]}",
		  "queues[0]: id" },
		{ "an id is upper case",
		  "{\"queues\":[{\"id\":\"714244096A4A4B8B84F58C22B2A543EB\",\"name\":\"n\","
		  "\"entries\":[]}]}",
		  "queues[0]: id" },
		{ "a name is missing", "{\"queues\":[{\"id\":\"" QUEUE_A "\",\"entries\":[]}]}",
		  "queues[0]: name" },
		{ "the entries are missing",
		  "{\"queues\":[{\"id\":\"" QUEUE_A "\",\"name\":\"n\"}]}", "queues[0]: entries" },
		{ "an id is too long",
		  "{\"queues\":[{\"id\":\"" QUEUE_A "0\",\"name\":\"n\",\"entries\":[]}]}",
		  "queues[0]: id" },
		{ "an id has another letter",
		  "{\"queues\":[{\"id\":\"g14244096a4a4b8b84f58c22b2a543eb\",\"name\":\"n\","
		  "\"entries\":[]}]}",
		  "queues[0]: id" },
		{ "an entry has no task",
		  "{\"queues\":[{\"id\":\"" QUEUE_A "\",\"name\":\"n\",\"entries\":[{}]}]}",
		  "queues[0]: entries[0]: task" },
		{ "an entry's time is none",
		  "{\"queues\":[{\"id\":\"" QUEUE_A
		  "\",\"name\":\"n\",\"entries\":[{\"task\":\"" TASK_A "\",\"added\":\"soon\"}]}]}",
		  "entries[0]: added" },
		{ "tags are a text",
		  "{\"queues\":[{\"id\":\"" QUEUE_A "\",\"name\":\"n\",\"tags\":\"x\","
		  "\"entries\":[]}]}",
		  "queues[0]: tags" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct api_step steps[] = {
			HELLO, { .endpoint = "queues.get_all", .data = rows[i].data }
		};
		struct talk talk = BEGIN(steps);
		struct clearml_queues queues = { .count = 7 };
		struct error err = { 0 };

		if (clearml_queues(talk.clearml, NULL, 0, 0, &queues, &err) == 0)
			fail_msg("when %s: success", rows[i].when);
		if (err.class != ERROR_MALFORMED || !strstr(err.message, rows[i].want))
			fail_msg("when %s: %s", rows[i].when, err.message);
		assert_int_equal(queues.count, 7); /* untouched */
		talk_end(&talk);
	}
}

static void test_a_server_without_peek_and_conditional_pop(void **state)
{
	static const struct api_step steps[] = {
		INFO("2.13"),
		LOGIN,
		{ .endpoint = "queues.get_by_id",
		  .data = "{\"queue\":{\"entries\":[{\"task\":\"" TASK_A "\"}]}}" },
		{ .endpoint = "queues.get_by_id", .data = "{\"queue\":{\"entries\":[]}}" },
		{ .endpoint = "queues.get_by_id", .data = "{\"queue\":{}}" },
		{ .endpoint = "queues.get_next_task",
		  .data = "{\"entry\":{\"task\":\"" TASK_B "\"}}" },
		{ .endpoint = "queues.get_all", .data = "{\"queues\":[]}" },
	};
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };
	struct error err = { 0 };
	char task[CLEARML_ID_ROOM];

	(void)state;
	succeed(clearml_peek(talk.clearml, QUEUE_A, task, &err), &err);
	assert_string_equal(task, TASK_A);
	check_sent(&talk, FIRST, "POST /base/v2.13/queues.get_by_id ");
	succeed(clearml_peek(talk.clearml, QUEUE_A, task, &err), &err);
	assert_string_equal(task, "");
	assert_int_equal(clearml_peek(talk.clearml, QUEUE_A, task, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	succeed(clearml_pop(talk.clearml, QUEUE_A, TASK_A, task, &err), &err);
	assert_string_equal(task, TASK_B); /* whatever was expected */
	check_not_sent(&talk, FIRST + 3, "\"task\"");
	succeed(clearml_queues(talk.clearml, NULL, 0, 5, &queues, &err), &err);
	check_not_sent(&talk, FIRST + 4, "max_task_entries");
	check_not_sent(&talk, FIRST + 4, "search_hidden");
	talk_end(&talk);
}

static void test_pop(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "queues.get_next_task",
		  .data = "{\"entry\":{\"task\":\"" TASK_A
			  "\",\"added\":\"2026-11-23T22:18:20+00:00\"}}" },
		{ .endpoint = "queues.get_next_task", .data = "{}" },
		{ .endpoint = "queues.get_next_task", .data = "{\"entry\":null}" },
		{ .endpoint = "queues.get_next_task", .status = 401, .subcode = 30 },
		AGAIN,
		{ .endpoint = "queues.get_next_task",
		  .data = "{\"entry\":{\"task\":\"" TASK_B "\"}}" },
	};
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };
	char task[CLEARML_ID_ROOM] = "x";

	(void)state;
	succeed(clearml_pop(talk.clearml, QUEUE_A, TASK_A, task, &err), &err);
	assert_string_equal(task, TASK_A);
	check_sent(&talk, FIRST, "{\"queue\":\"" QUEUE_A "\",\"task\":\"" TASK_A "\"}");
	succeed(clearml_pop(talk.clearml, QUEUE_A, NULL, task, &err), &err);
	assert_string_equal(task, "");
	check_sent(&talk, FIRST + 1, "{\"queue\":\"" QUEUE_A "\"}");
	succeed(clearml_pop(talk.clearml, QUEUE_A, NULL, task, &err), &err);
	assert_string_equal(task, "");
	/* A 401 proves that nothing was popped: so this one may be sent again. */
	succeed(clearml_pop(talk.clearml, QUEUE_A, TASK_B, task, &err), &err);
	assert_string_equal(task, TASK_B);
	talk_end(&talk);
}

static void test_a_pop_in_doubt_is_said_to_be_so(void **state)
{
	static const struct {
		const char *when;
		struct api_step step;
		enum error_class class;
	} rows[] = {
		{ "a proxy answers", { .body = PAGE }, ERROR_UNREACHABLE },
		{ "a proxy answers 404", { .status = 404, .body = PAGE }, ERROR_UNREACHABLE },
		{ "the answer is cut",
		  { .data = "{\"entry\":{\"task\":\"" TASK_A "\"}}", .cut = 60 },
		  ERROR_UNREACHABLE },
		{ "the task is no id",
		  { .data = "{\"entry\":{\"task\":\"x\"}}" },
		  ERROR_UNREACHABLE },
		{ "the entry is a list", { .data = "{\"entry\":[]}" }, ERROR_UNREACHABLE },
		{ "there are no data", { .data = "null" }, ERROR_UNREACHABLE },
		{ "the server fails", { .status = 500 }, ERROR_UNREACHABLE },
		{ "the store is gone", { .status = 500, .subcode = 102 }, ERROR_UNREACHABLE },
		{ "a gateway times out", { .status = 504, .body = PAGE }, ERROR_UNREACHABLE },
		{ "a gateway is away", { .status = 503, .body = PAGE }, ERROR_UNREACHABLE },
		{ "the queue is unknown", { .status = 400, .subcode = 701 }, ERROR_NOT_FOUND },
		{ "a field is refused", { .status = 400, .subcode = 12 }, ERROR_REFUSED },
		{ "we are too fast", { .status = 429 }, ERROR_THROTTLED },
		{ "we may not", { .status = 403, .subcode = 20 }, ERROR_DENIED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct api_step steps[] = { HELLO, rows[i].step };
		char task[CLEARML_ID_ROOM] = "x";
		struct error err = { 0 };

		steps[FIRST].endpoint = "queues.get_next_task";
		struct talk talk = BEGIN(steps);

		if (clearml_pop(talk.clearml, QUEUE_A, TASK_A, task, &err) == 0)
			fail_msg("when %s: success", rows[i].when);
		if (err.class != rows[i].class)
			fail_msg("when %s: %s: %s", rows[i].when, error_class_name(err.class),
				 err.message);
		talk_end(&talk); /* and it was asked once */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_all_queues_come_in_pages),
		cmocka_unit_test(test_odd_queues),
		cmocka_unit_test(test_many_long_names_go_in_batches),
		cmocka_unit_test(test_no_names_need_no_call),
		cmocka_unit_test(test_queue_lists_that_lie),
		cmocka_unit_test(test_a_server_without_peek_and_conditional_pop),
		cmocka_unit_test(test_pop),
		cmocka_unit_test(test_a_pop_in_doubt_is_said_to_be_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
