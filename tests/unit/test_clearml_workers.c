#include "common/clearml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/talk.h"

static void test_workers(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "workers.get_all",
		  .data = "{\"workers\":[{\"id\":\"vm:cpu:0\",\"key\":\"k0\",\"tags\":null},"
			  "{\"id\":\"p:cpu:small:i-1\",\"key\":\"k1\",\"tags\":[\"a\",\"b:c\"],"
			  "\"task\":{\"id\":\"" TASK_A "\"},"
			  "\"register_time\":\"2026-11-23T22:18:19.469392+00:00\","
			  "\"last_activity_time\":\"2026-11-23T22:18:20+00:00\"},"
			  "{\"id\":\"p:cpu:small:i-1\",\"tags\":null,\"task\":null}]}" },
		{ .endpoint = "workers.get_all", .data = "{\"workers\":[]}" },
	};
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_workers) struct clearml_workers workers = { 0 };
	struct clearml_workers none = { .count = 7 };
	struct error err = { 0 };

	(void)state;
	succeed(clearml_workers(talk.clearml, "p:", &workers, &err), &err);
	check_sent(&talk, FIRST, "{\"last_seen\":0}");
	assert_int_equal(workers.count, 2);
	const struct clearml_worker *worker = &workers.list[0];

	assert_string_equal(worker->id, "p:cpu:small:i-1");
	assert_string_equal(worker->key, "k1");
	assert_string_equal(worker->task, TASK_A);
	assert_int_equal(worker->tag_count, 2);
	assert_string_equal(worker->tags[1], "b:c");
	assert_int_equal(worker->registered_ms, (int64_t)1795472299469);
	assert_int_equal(worker->last_activity_ms, (int64_t)1795472300000);
	assert_int_equal(worker->last_report_ms, 0);
	assert_string_equal(workers.list[1].task, "");
	assert_string_equal(workers.list[1].key, "p:cpu:small:i-1");
	succeed(clearml_workers(talk.clearml, NULL, &none, &err), &err);
	assert_int_equal(none.count, 0);
	clearml_workers_release(&none);
	talk_end(&talk);
}

static void test_workers_that_lie(void **state)
{
	static const struct {
		const char *when, *data, *want;
	} rows[] = {
		{ "the list is missing", "{}", "data: workers" },
		{ "an id is missing", "{\"workers\":[{}]}", "workers[0]: id" },
		{ "a task has no id", "{\"workers\":[{\"id\":\"w\",\"task\":{}}]}",
		  "workers[0]: task.id" },
		{ "a task is a text", "{\"workers\":[{\"id\":\"w\",\"task\":\"x\"}]}",
		  "workers[0]: task" },
		{ "tags are a text", "{\"workers\":[{\"id\":\"w\",\"tags\":\"x\"}]}", "tags" },
		{ "another time is none",
		  "{\"workers\":[{\"id\":\"w\",\"last_activity_time\":\"x\"}]}",
		  "last_activity_time" },
		{ "a tag is a number", "{\"workers\":[{\"id\":\"w\",\"tags\":[5]}]}", "tags" },
		{ "a time is none", "{\"workers\":[{\"id\":\"w\",\"register_time\":\"x\"}]}",
		  "register_time" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct api_step steps[] = {
			HELLO, { .endpoint = "workers.get_all", .data = rows[i].data }
		};
		struct talk talk = BEGIN(steps);
		struct clearml_workers workers;
		struct error err = { 0 };

		if (clearml_workers(talk.clearml, NULL, &workers, &err) == 0)
			fail_msg("when %s: success", rows[i].when);
		if (err.class != ERROR_MALFORMED || !strstr(err.message, rows[i].want))
			fail_msg("when %s: %s", rows[i].when, err.message);
		talk_end(&talk);
	}
}

static void test_reports(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "workers.register" },
		{ .endpoint = "workers.status_report" },
		{ .endpoint = "workers.status_report" },
		{ .endpoint = "workers.status_report",
		  .status = 400,
		  .subcode = 1001,
		  .message = "Invalid worker id" },
		{ .endpoint = "workers.unregister" },
		{ .endpoint = "workers.unregister", .status = 400, .subcode = 1004 },
	};
	static const char *const queues[] = { QUEUE_A, QUEUE_B }, *const tags[] = { "a:b" };
	struct clearml_report record = { .worker = "p:c:s:i:bootstrap",
					 .tags = tags,
					 .tag_count = 1,
					 .timeout_s = 120,
					 .wall_ms = 1795472300649 };
	struct clearml_report worker = { .worker = "p:c:s:i",
					 .queues = queues,
					 .queue_count = 2,
					 .task = TASK_A,
					 .wall_ms = 1795472300649 };
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };

	(void)state;
	succeed(clearml_register(talk.clearml, &record, &err), &err);
	check_sent(&talk, 2,
		   "{\"worker\":\"p:c:s:i:bootstrap\",\"tags\":[\"a:b\"],\"timeout\":120}");
	succeed(clearml_report(talk.clearml, &record, &err), &err);
	check_sent(&talk, 3,
		   "{\"worker\":\"p:c:s:i:bootstrap\",\"tags\":[\"a:b\"],"
		   "\"timestamp\":1795472300649}");
	succeed(clearml_report(talk.clearml, &worker, &err), &err);
	check_sent(&talk, 4,
		   "{\"worker\":\"p:c:s:i\",\"tags\":[],\"queues\":[\"" QUEUE_A "\",\"" QUEUE_B
		   "\"],\"timestamp\":1795472300649,\"task\":\"" TASK_A "\"}");
	assert_int_equal(clearml_report(talk.clearml, &record, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	assert_int_equal(clearml_subcode(talk.clearml), 1001);
	err = (struct error){ 0 };
	succeed(clearml_unregister(talk.clearml, "w", &err), &err);
	succeed(clearml_unregister(talk.clearml, "w", &err), &err);
	talk_end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_workers_that_lie),
		cmocka_unit_test(test_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
