#include "common/clearml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clearml_call.h"
#include "tests/unit/support/talk.h"

#define STORY                                                                               \
	"{\"id\":\"" TASK_A "\",\"name\":\"hello\",\"status\":\"in_progress\","             \
	"\"status_reason\":\"r\",\"status_message\":\"m\",\"last_worker\":\"w:1\","         \
	"\"started\":\"2026-11-23T22:18:20+00:00\",\"status_changed\":null,"                \
	"\"execution\":{\"queue\":\"" QUEUE_A "\"},\"container\":{\"image\":\"python:3\"}," \
	"\"hyperparams\":{\"properties\":{"                                                 \
	"\"mayfly_owner\":{\"section\":\"properties\",\"value\":\"i-1/1\"},"                \
	"\"mayfly_attempt\":{\"value\":\"" TASK_A "/2\"}}}}"

static void test_a_task(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[" STORY "]}" },
	};
	struct talk talk = BEGIN(steps);
	struct clearml_task task;
	struct error err = { 0 };

	(void)state;
	succeed(clearml_task(talk.clearml, TASK_A, &task, &err), &err);
	check_sent(&talk, FIRST, "\"id\":[\"" TASK_A "\"]");
	check_sent(&talk, FIRST, "\"hyperparams.properties\"");
	assert_string_equal(task.id, TASK_A);
	assert_string_equal(task.name, "hello");
	assert_int_equal(task.status, TASK_IN_PROGRESS);
	assert_string_equal(task.status_reason, "r");
	assert_string_equal(task.status_message, "m");
	assert_string_equal(task.last_worker, "w:1");
	assert_string_equal(task.queue, QUEUE_A);
	assert_string_equal(task.owner, "i-1/1");
	assert_string_equal(task.attempt, TASK_A "/2");
	assert_string_equal(task.image, "python:3");
	assert_int_equal(task.started_ms, (int64_t)1795472300000);
	assert_int_equal(task.status_changed_ms, 0);
	assert_int_equal(task.completed_ms, 0);
	talk_end(&talk);
}

/* An empty list alone does not prove that a task was deleted. */
static void test_a_task_is_gone_by_the_servers_word(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
		{ .endpoint = "tasks.get_by_id",
		  .status = 400,
		  .subcode = 101,
		  .message = "Invalid task id" },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
		{ .endpoint = "tasks.get_by_id", .data = "{\"task\":" STORY "}" },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
		{ .endpoint = "tasks.get_by_id", .data = "{}" },
		{ .endpoint = "tasks.get_all", .data = "{}" },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[" STORY "]}" },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
		{ .endpoint = "tasks.get_by_id", .data = "{\"task\":" STORY "}" },
	};
	static const struct {
		const char *id;
		enum error_class class;
	} rows[] = {
		{ TASK_A, ERROR_NOT_FOUND }, { TASK_A, ERROR_NONE },
		{ TASK_A, ERROR_MALFORMED }, { TASK_A, ERROR_MALFORMED },
		{ TASK_B, ERROR_MALFORMED }, /* answered with another one */
		{ TASK_B, ERROR_MALFORMED },
	};
	struct talk talk = BEGIN(steps);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clearml_task task;
		struct error err = { 0 };
		int result = clearml_task(talk.clearml, rows[i].id, &task, &err);

		if ((result == 0) != (rows[i].class == ERROR_NONE) || err.class != rows[i].class)
			fail_msg("row %zu: %s", i, err.message);
	}
	talk_end(&talk);
}

static void test_status_words(void **state)
{
	static const struct {
		const char *word;
		enum task_status want;
	} rows[] = {
		{ "created", TASK_CREATED },	     { "queued", TASK_QUEUED },
		{ "in_progress", TASK_IN_PROGRESS }, { "stopped", TASK_STOPPED },
		{ "closed", TASK_CLOSED },	     { "failed", TASK_FAILED },
		{ "completed", TASK_COMPLETED },     { "published", TASK_PUBLISHED },
		{ "publishing", TASK_PUBLISHED },    { "unknown", TASK_UNKNOWN },
		{ "Queued", TASK_UNKNOWN },	     { "", TASK_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char data[256];
		struct api_step steps[] = { HELLO, { .endpoint = "tasks.get_all", .data = data } };
		struct clearml_task task;
		struct error err = { 0 };

		snprintf(data, sizeof(data), "{\"tasks\":[{\"id\":\"%s\",\"status\":\"%s\"}]}",
			 TASK_A, rows[i].word);
		struct talk talk = BEGIN(steps);

		succeed(clearml_task(talk.clearml, TASK_A, &task, &err), &err);
		if (task.status != rows[i].want)
			fail_msg("%s: %s", rows[i].word, task_status_name(task.status));
		assert_string_equal(task.owner, "");
		talk_end(&talk);
	}
	assert_string_equal(task_status_name(TASK_PUBLISHED), "published");
	assert_string_equal(task_status_name(TASK_UNKNOWN), "unknown");
}

static void test_tasks_that_lie(void **state)
{
	static const struct {
		const char *when, *members, *want;
	} rows[] = {
		{ "the status is missing", "\"name\":\"n\"", "status" },
		{ "the status is null", "\"status\":null", "status" },
		{ "the owner is a text",
		  "\"status\":\"queued\",\"hyperparams\":{\"properties\":{\"mayfly_owner\":\"i\"}}",
		  "mayfly_owner" },
		{ "the owner is a number",
		  "\"status\":\"queued\",\"hyperparams\":{\"properties\":{\"mayfly_owner\":"
		  "{\"value\":5}}}",
		  "mayfly_owner.value" },
		{ "hyperparams are a list", "\"status\":\"queued\",\"hyperparams\":[]",
		  "hyperparams" },
		{ "the queue is no id", "\"status\":\"queued\",\"execution\":{\"queue\":\"x\"}",
		  "execution.queue" },
		{ "the queue is a number", "\"status\":\"queued\",\"execution\":{\"queue\":5}",
		  "execution.queue" },
		{ "a time is a number", "\"status\":\"queued\",\"completed\":5", "completed" },
		{ "another time is none", "\"status\":\"queued\",\"last_update\":\"x\"",
		  "last_update" },
		{ "the worker is a number", "\"status\":\"queued\",\"last_worker\":1",
		  "last_worker" },
		{ "a time is none", "\"status\":\"queued\",\"started\":\"now\"", "started" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char data[512];
		struct api_step steps[] = { HELLO, { .endpoint = "tasks.get_all", .data = data } };
		struct clearml_task task;
		struct error err = { 0 };

		snprintf(data, sizeof(data), "{\"tasks\":[{\"id\":\"%s\",%s}]}", TASK_A,
			 rows[i].members);
		struct talk talk = BEGIN(steps);

		if (clearml_task(talk.clearml, TASK_A, &task, &err) == 0)
			fail_msg("when %s: success", rows[i].when);
		if (err.class != ERROR_MALFORMED || !strstr(err.message, rows[i].want))
			fail_msg("when %s: %s", rows[i].when, err.message);
		talk_end(&talk);
	}
}

/* 501 queues need two calls. */
static void test_long_lists_go_in_batches(void **state)
{
	enum { COUNT = CLEARML_PAGE + 1 };
	static char ids[COUNT][CLEARML_ID_ROOM];
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[" STORY "]}" },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
	};
	static const enum task_status wanted[] = { TASK_IN_PROGRESS };
	const char *list[COUNT];
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_tasks) struct clearml_tasks found = { 0 };
	struct error err = { 0 };

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%032x", i);
		list[i] = ids[i];
	}
	list[0] = QUEUE_A;
	succeed(clearml_tasks_in(talk.clearml,
				 &(struct clearml_filter){ .statuses = wanted,
							   .status_count = 1,
							   .queues = list,
							   .queue_count = COUNT },
				 &found, &err),
		&err);
	assert_int_equal(found.count, 1);
	check_sent(&talk, FIRST, "\"execution.queue\":[\"" QUEUE_A "\",");
	check_not_sent(&talk, FIRST, ids[COUNT - 1]);
	check_sent(&talk, FIRST + 1, "\"execution.queue\":[\"000000000000000000000000000001f4\"]");
	talk_end(&talk);
}

/* By the reason of their end, and since when; a server that ignores either is no harm. */
static void test_stopped_tasks(void **state)
{
#define STOPPED(id, reason, changed)                                                  \
	"{\"id\":\"" id "\",\"status\":\"stopped\",\"status_reason\":\"" reason "\"," \
	"\"status_changed\":\"" changed "\",\"execution\":{\"queue\":\"" QUEUE_A "\"}}"
#define IN_TIME STOPPED(TASK_A, "Gone (a.b)", "2026-11-24T03:00:00Z")
#define TOO_OLD STOPPED(TASK_B, "Gone (a.b)", "2026-11-24T02:59:59Z")
#define OTHER_REASON STOPPED(QUEUE_B, "Gone (a.b) or not", "2026-11-24T04:00:00Z")
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all",
		  .data = "{\"tasks\":[" IN_TIME "," TOO_OLD "," OTHER_REASON "]}" },
	};
	static const enum task_status wanted[] = { TASK_STOPPED };
	static const char *const queues[] = { QUEUE_A };
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_tasks) struct clearml_tasks tasks = { 0 };
	struct error err = { 0 };

	(void)state;
	const struct clearml_filter filter = { wanted, 1, queues, 1, "Gone (a.b)", 1795489200000 };

	succeed(clearml_tasks_in(talk.clearml, &filter, &tasks, &err), &err);
	check_sent(&talk, FIRST,
		   "\"_all_\":{\"fields\":[\"status_reason\"],"
		   "\"pattern\":\"^Gone \\\\(a\\\\.b\\\\)$\"}");
	check_sent(&talk, FIRST, "\"status_changed\":[\">=2026-11-24T03:00:00Z\"]");
	assert_int_equal(tasks.count, 1);
	assert_string_equal(tasks.list[0].id, TASK_A);
	talk_end(&talk);
}

static void test_tasks_in(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all",
		  .data = "{\"tasks\":[" STORY ",{\"id\":\"" TASK_B "\",\"status\":\"in_progress\","
			  "\"execution\":{\"queue\":\"" QUEUE_B "\"}}]}" },
	};
	static const enum task_status wanted[] = { TASK_IN_PROGRESS, TASK_PUBLISHED };
	static const char *const queues[] = { QUEUE_A };
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_tasks) struct clearml_tasks tasks = { 0 };
	struct error err = { 0 };

	(void)state;
	struct clearml_filter filter = {
		.statuses = wanted, .status_count = 2, .queues = queues, .queue_count = 0
	};
	succeed(clearml_tasks_in(talk.clearml, &filter, &tasks, &err), &err);
	filter = (struct clearml_filter){
		.statuses = wanted, .status_count = 0, .queues = queues, .queue_count = 1
	};
	succeed(clearml_tasks_in(talk.clearml, &filter, &tasks, &err), &err);
	assert_int_equal(api_peer_calls(talk.peer), FIRST);
	filter.status_count = 2;
	succeed(clearml_tasks_in(talk.clearml, &filter, &tasks, &err), &err);
	check_sent(&talk, FIRST, "\"status\":[\"in_progress\",\"published\",\"publishing\"]");
	check_sent(&talk, FIRST, "\"execution.queue\":[\"" QUEUE_A "\"]");
	check_sent(&talk, FIRST, "\"order_by\":[\"id\"]");
	check_sent(&talk, FIRST, "\"search_hidden\":true");
	assert_int_equal(tasks.count, 1); /* a server that ignores the filter is no harm */
	assert_string_equal(tasks.list[0].id, TASK_A);
	talk_end(&talk);
}

static void test_changes(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.edit_hyper_params", .data = "{\"updated\":1}" },
		{ .endpoint = "tasks.delete_hyper_params", .data = "{\"deleted\":0}" },
		{ .endpoint = "tasks.enqueue", .data = "{\"queued\":1,\"updated\":1}" },
		{ .endpoint = "tasks.failed", .data = "{\"updated\":1}" },
		{ .endpoint = "tasks.failed", .data = "{\"updated\":1}" },
		{ .endpoint = "queues.move_task_to_front", .data = "{\"position\":0}" },
	};
	struct talk talk = BEGIN(steps);
	struct clearml *clearml = talk.clearml;
	struct error err = { 0 };

	(void)state;
	succeed(clearml_property_set(clearml, TASK_A, "mayfly_owner", "i-1/1", &err), &err);
	check_sent(&talk, 2,
		   "{\"task\":\"" TASK_A "\",\"hyperparams\":[{\"section\":\"properties\","
		   "\"name\":\"mayfly_owner\",\"value\":\"i-1/1\"}]}");
	succeed(clearml_property_delete(clearml, TASK_A, "mayfly_owner", &err), &err);
	check_sent(&talk, 3,
		   "{\"task\":\"" TASK_A "\",\"hyperparams\":[{\"section\":\"properties\","
		   "\"name\":\"mayfly_owner\"}]}");
	succeed(clearml_enqueue(clearml, TASK_A, QUEUE_A, "infra:spot", &err), &err);
	check_sent(&talk, 4,
		   "{\"task\":\"" TASK_A "\",\"status_reason\":\"infra:spot\","
		   "\"force\":true,\"queue\":\"" QUEUE_A "\"}");
	succeed(clearml_fail(clearml, TASK_A, "infra:spot", "three times", &err), &err);
	check_sent(&talk, 5, "\"force\":true,\"status_message\":\"three times\"}");
	succeed(clearml_fail(clearml, TASK_A, "infra:spot", NULL, &err), &err);
	check_not_sent(&talk, 6, "status_message");
	succeed(clearml_move_to_front(clearml, QUEUE_A, TASK_A, &err), &err);
	check_sent(&talk, 7, "{\"queue\":\"" QUEUE_A "\",\"task\":\"" TASK_A "\"}");
	talk_end(&talk);
}

static void test_console(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "events.add_batch", .data = "{\"added\":1,\"errors\":0}" },
		{ .endpoint = "events.add_batch", .data = "{\"added\":0,\"errors\":1}" },
	};
	static const struct clearml_line line = { .task = TASK_A,
						  .worker = "w",
						  .level = "warning",
						  .text = "a\nb",
						  .wall_ms = 1795472300649 };
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };

	(void)state;
	succeed(clearml_console(talk.clearml, &line, &err), &err);
	check_sent(&talk, FIRST, "Content-Type: application/json-lines\r\n");
	check_sent(&talk, FIRST,
		   "\r\n\r\n{\"type\":\"log\",\"task\":\"" TASK_A "\",\"level\":\"warning\","
		   "\"worker\":\"w\",\"timestamp\":1795472300649,\"msg\":\"a\\nb\"}");
	assert_int_equal(clearml_console(talk.clearml, &line, &err), -1);
	assert_int_equal(err.class, ERROR_REFUSED);
	talk_end(&talk);
}

static const struct {
	const char *when, *container, *want; /* want: what is added; NULL: ERROR_MALFORMED */
	const char *said; /* in the message then */
} argument_rows[] = {
	{ "there is no container", "null", "", NULL },
	{ "the container is empty", "{}", "", NULL },
	{ "they are null", "{\"arguments\":null}", "", NULL },
	{ "they are empty", "{\"arguments\":\"\"}", "", NULL },
	{ "they are a text", "{\"image\":\"x\",\"arguments\":\" -e 'A=b c'  --ipc=host\\n\"}",
	  " -e 'A=b c'  --ipc=host\n", NULL },
	{ "they are a list", "{\"arguments\":[\"-e\",\"A=b\",\"--ipc=host\",\"/a:/b,c@d%e+f_g\"]}",
	  "-e A=b --ipc=host /a:/b,c@d%e+f_g", NULL },
	{ "they are an empty list", "{\"arguments\":[]}", "", NULL },
	{ "a word of a list has a blank", "{\"arguments\":[\"-e\",\"A=b c\"]}", "-e 'A=b c'",
	  NULL },
	{ "a word of a list is empty", "{\"arguments\":[\"a\",\"\",\"b\"]}", "a '' b", NULL },
	{ "a word of a list has quotes", "{\"arguments\":[\"it's\",\"'\",\"\\\"$HOME\\\"\"]}",
	  "'it'\"'\"'s' ''\"'\"'' '\"$HOME\"'", NULL },
	{ "a word of a list is beyond ASCII", "{\"arguments\":[\"n\u00e4\"]}", "'n\xc3\xa4'",
	  NULL },
	{ "they are a number", "{\"arguments\":5}", NULL, "container.arguments: expected a text" },
	{ "they are an object", "{\"arguments\":{}}", NULL, "got an object" },
	{ "a word of a list is a number", "{\"arguments\":[\"a\",5]}", NULL,
	  "container.arguments[1]: expected a text, got a number" },
	{ "the container is a text", "\"x\"", NULL, "container: expected an object" },
};

static void test_arguments_of_the_container(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(argument_rows); i++) {
		char data[512];
		struct api_step steps[] = { HELLO, { .endpoint = "tasks.get_all", .data = data } };
		SCOPED(buf) struct buf got = BUF(1024);
		struct error err = { 0 };

		snprintf(data, sizeof(data), "{\"tasks\":[{\"id\":\"%s\",\"container\":%s}]}",
			 TASK_A, argument_rows[i].container);
		buf_addf(&got, "before:");
		struct talk talk = BEGIN(steps);
		int result = clearml_task_arguments(talk.clearml, TASK_A, &got, &err);

		if ((result == 0) != (argument_rows[i].want != NULL))
			fail_msg("when %s: %d %s", argument_rows[i].when, result, err.message);
		check_sent(&talk, FIRST, "\"id\":[\"" TASK_A "\"]");
		check_sent(&talk, FIRST, "\"container\"");
		talk_end(&talk);
		assert_memory_equal(buf_text(&got), "before:", 7);
		if (strcmp(buf_text(&got) + 7, result == 0 ? argument_rows[i].want : "") != 0)
			fail_msg("when %s: \"%s\"", argument_rows[i].when, buf_text(&got));
		if (result == 0)
			continue;
		assert_int_equal(err.class, ERROR_MALFORMED);
		if (!strstr(err.message, argument_rows[i].said) ||
		    strncmp(err.message, "tasks.get_all: ", 15) != 0)
			fail_msg("when %s: %s", argument_rows[i].when, err.message);
	}
}

static void test_arguments_of_a_task_that_the_list_has_not(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
		{ .endpoint = "tasks.get_by_id",
		  .data = "{\"task\":{\"id\":\"" TASK_A
			  "\",\"container\":{\"arguments\":\"--ipc=host\"}}}" },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
		{ .endpoint = "tasks.get_by_id",
		  .status = 400,
		  .subcode = 101,
		  .message = "Invalid task id" },
		{ .endpoint = "tasks.get_all",
		  .data = "{\"tasks\":[{\"id\":\"" TASK_B
			  "\",\"container\":{\"arguments\":\"--privileged\"}}]}" },
		{ .endpoint = "tasks.get_all", .data = "{}" },
	};
	static const enum error_class classes[] = { ERROR_NONE, ERROR_NOT_FOUND, ERROR_MALFORMED,
						    ERROR_MALFORMED };
	struct talk talk = BEGIN(steps);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		SCOPED(buf) struct buf got = BUF(1024);
		struct error err = { 0 };
		int result = clearml_task_arguments(talk.clearml, TASK_A, &got, &err);

		if (err.class != classes[i] || (result == 0) != (classes[i] == ERROR_NONE))
			fail_msg("row %zu: %s", i, err.message);
		assert_string_equal(buf_text(&got), result == 0 ? "--ipc=host" : "");
	}
	talk_end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_task),
		cmocka_unit_test(test_a_task_is_gone_by_the_servers_word),
		cmocka_unit_test(test_status_words),
		cmocka_unit_test(test_tasks_that_lie),
		cmocka_unit_test(test_long_lists_go_in_batches),
		cmocka_unit_test(test_tasks_in),
		cmocka_unit_test(test_stopped_tasks),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_arguments_of_the_container),
		cmocka_unit_test(test_arguments_of_a_task_that_the_list_has_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
