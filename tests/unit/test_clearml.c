#include "common/clearml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/talk.h"

/* Client and worker go into headers, each of one line. */
static void test_opening_with_odd_names(void **state)
{
	static char long_name[500];
	static const struct {
		const char *when, *client, *worker;
	} rows[] = {
		{ "the client has a line feed", "mayfly\nX: y", NULL },
		{ "the worker has a return", "mayfly-test/1", "w\rX: y" },
		{ "the worker is too long", "mayfly-test/1", long_name },
	};

	(void)state;
	memset(long_name, 'w', sizeof(long_name) - 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clearml_settings settings = { .api_server = "https://a",
						     .client_name = rows[i].client,
						     .worker = rows[i].worker };
		struct clearml *clearml = NULL;
		SCOPED(secret) struct secret key = { 0 };
		struct error err = { 0 };

		assert_int_equal(secret_copy(&key, slice_of(TALK_SECRET), &err), 0);
		if (clearml_open(&settings, "AK", &key, &clearml, &err) == 0)
			fail_msg("when %s: accepted", rows[i].when);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_non_null(strstr(err.message, "header"));
	}
}

static void test_opening(void **state)
{
	static const struct {
		const char *when, *server, *key, *want;
	} rows[] = {
		{ "the server has no scheme", "api.example.org", "AK", "api_server" },
		{ "the server is a file", "file:///etc", "AK", "api_server" },
		{ "the server has a query", "https://a/?b", "AK", "api_server" },
		{ "the server has a line feed", "https://a\n", "AK", "api_server" },
		{ "the key is empty", "https://a", "", "empty" },
		{ "the key has a colon", "https://a", "A:K", "colon" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clearml_settings settings = { .api_server = rows[i].server,
						     .client_name = "mayfly-test/1" };
		struct clearml *clearml = NULL;
		SCOPED(secret) struct secret key = { 0 };
		struct error err = { 0 };

		assert_int_equal(secret_copy(&key, slice_of(TALK_SECRET), &err), 0);
		if (clearml_open(&settings, rows[i].key, &key, &clearml, &err) == 0)
			fail_msg("when %s: accepted", rows[i].when);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_non_null(strstr(err.message, rows[i].want));
		assert_null(clearml);
	}
	clearml_close(NULL);
}

static void test_login(void **state)
{
	static const struct api_step steps[] = {
		{ .endpoint = "server.info",
		  .data = "{\"api_version\":\"2.31\"}",
		  .header = "Date: Tue, 24 Nov 2026 03:00:00 GMT" },
		LOGIN,
		{ .endpoint = "queues.peek_task", .data = "{\"task\":null}" },
	};
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };
	char task[CLEARML_ID_ROOM];

	(void)state;
	assert_int_equal(clearml_now_ms(talk.clearml), 0);
	succeed(clearml_login_again(talk.clearml, &err), &err);
	succeed(clearml_peek(talk.clearml, QUEUE_A, task, &err), &err); /* is known: no login */
	assert_int_equal(clearml_calls(talk.clearml), 3);
	assert_true(clearml_has(talk.clearml, 2, 31) && !clearml_has(talk.clearml, 2, 32));
	assert_true(clearml_has(talk.clearml, 1, 99) && !clearml_has(talk.clearml, 3, 0));

	check_sent(&talk, 0, "POST /base/v2.12/server.info HTTP/1.1");
	check_not_sent(&talk, 0, "Authorization");
	check_sent(&talk, 1, "POST /base/v2.23/auth.login HTTP/1.1");
	check_sent(&talk, 1, "Authorization: Basic QUs6c2VjcmV0LTRmZDE="); /* AK:secret-4fd1 */
	check_sent(&talk, 1, "{\"expiration_sec\":43200}");
	check_sent(&talk, 2, "Authorization: Bearer TOKEN-1");
	check_sent(&talk, 2, "X-Clearml-Client: mayfly-test/1");
	check_sent(&talk, 2, "X-Clearml-Worker: p:cpu:small:i-1");
	check_sent(&talk, 2, "User-Agent: mayfly-test/1");

	/* 2026-11-24T03:00:00Z, and what the test has taken since; our clock is elsewhere. */
	int64_t date_ms = (int64_t)1795489200 * 1000;

	assert_in_range(clearml_now_ms(talk.clearml), date_ms, date_ms + 300000);
	assert_in_range(clearml_skew_ms(talk.clearml) + clock_wall_ms(), date_ms, date_ms + 300000);
	talk_end(&talk);
}

/* One line a call, with nothing in it of what was sent or came. */
static void test_calls_are_told_to_who_debugs(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "queues.peek_task", .status = 400, .subcode = 701 },
		{ .endpoint = "tasks.enqueue", .data = "{\"updated\":1}", .cut = 20 },
	};
	static const char *const wants[] = {
		"event=call msg=\"server.info: status 200, ",
		"event=call msg=\"auth.login: status 200, ",
		"event=call msg=\"queues.peek_task: status 400, ",
		"event=call msg=\"tasks.enqueue: ",
	};
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };
	char task[CLEARML_ID_ROOM], told[4096];
	struct capture capture = capture_begin(STDERR_FILENO);
	const char *at = told;

	(void)state;
	log_open("test", NULL, LOG_DEBUG);
	int peeked = clearml_peek(talk.clearml, QUEUE_A, task, &err);
	int put_back = clearml_enqueue(talk.clearml, TASK_A, QUEUE_A, "infra:test", &err);
	log_open("test", NULL, LOG_INFO);
	capture_end(&capture, told, sizeof(told));
	assert_int_equal(peeked, -1);
	assert_int_equal(put_back, -1);
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		at = strstr(at, wants[i]);
		if (!at)
			fail_msg("%s is not in its place in: %s", wants[i], told);
		assert_non_null(strstr(at, " ms, "));
	}
	assert_null(strstr(told, TALK_SECRET));
	assert_null(strstr(told, "TOKEN"));
	assert_null(strstr(told, "QUs6")); /* what Basic makes of the keys */
	talk_end(&talk);
}

static void test_logins_that_fail(void **state)
{
	static const struct {
		const char *when;
		struct api_step steps[2];
		size_t count;
		enum error_class class;
		const char *want;
	} rows[] = {
		{ "the secret is wrong",
		  { INFO("2.31"),
		    { .endpoint = "auth.login",
		      .status = 401,
		      .subcode = 22,
		      .message = "Unauthorized (invalid credentials)" } },
		  2,
		  ERROR_DENIED,
		  "access key AK: auth.login: Unauthorized (invalid credentials) (401/22)" },
		{ "there is no token",
		  { INFO("2.31"), { .endpoint = "auth.login", .data = "{}" } },
		  2,
		  ERROR_MALFORMED,
		  "web server's address" },
		{ "it is a web server",
		  { { .endpoint = "server.info", .body = PAGE, .type = "text/html" } },
		  1,
		  ERROR_MALFORMED,
		  "web page, not JSON (HTTP status 200), is api_server the address of the API?" },
		{ "it is a web server that takes no POST",
		  { { .endpoint = "server.info", .status = 405, .body = PAGE } },
		  1,
		  ERROR_MALFORMED,
		  "is api_server the address of the API?" },
		{ "it redirects",
		  { { .endpoint = "server.info",
		      .status = 301,
		      .body = "",
		      .header = "Location: https://elsewhere.example.org/" } },
		  1,
		  ERROR_MALFORMED,
		  "a redirect" },
		{ "the server is too old",
		  { INFO("2.8") },
		  1,
		  ERROR_REFUSED,
		  "the server's API is 2.8, at least 2.9 is needed" },
		{ "the server tells no version",
		  { { .endpoint = "server.info", .data = "{\"version\":\"2.0.0\"}" } },
		  1,
		  ERROR_MALFORMED,
		  "data.api_version" },
		{ "the version is none", { INFO("2.x") }, 1, ERROR_MALFORMED, "MAJOR.MINOR" },
		{ "the version has more", { INFO("2.31rc") }, 1, ERROR_MALFORMED, "MAJOR.MINOR" },
		{ "the version has a sign", { INFO("2.+31") }, 1, ERROR_MALFORMED, "MAJOR.MINOR" },
		{ "the version is longer than any",
		  { INFO("2.00031") },
		  1,
		  ERROR_MALFORMED,
		  "MAJOR.MINOR" },
		{ "the version is one number", { INFO("231") }, 1, ERROR_MALFORMED, "MAJOR.MINOR" },
		{ "the version is of the last age", { INFO("1.31") }, 1, ERROR_REFUSED, "1.31" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct talk talk = talk_begin(rows[i].steps, rows[i].count);
		struct error err = { 0 };

		if (clearml_login_again(talk.clearml, &err) == 0)
			fail_msg("when %s: success", rows[i].when);
		if (err.class != rows[i].class || !strstr(err.message, rows[i].want))
			fail_msg("when %s: %s: %s", rows[i].when, error_class_name(err.class),
				 err.message);
		assert_null(strstr(err.message, TALK_SECRET));
		talk_end(&talk);
	}
}

#define EXPIRED                                                                 \
	{                                                                       \
		.endpoint = "workers.unregister", .status = 401, .subcode = 30, \
		.message = "Invalid token"                                      \
	}

static void test_an_expired_token_is_renewed_once(void **state)
{
	static const struct api_step steps[] = { HELLO,
						 { .endpoint = "workers.unregister" },
						 EXPIRED,
						 AGAIN,
						 { .endpoint = "workers.unregister" },
						 EXPIRED,
						 AGAIN,
						 EXPIRED };
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };

	(void)state;
	succeed(clearml_unregister(talk.clearml, "w", &err), &err);
	succeed(clearml_unregister(talk.clearml, "w", &err), &err);
	check_sent(&talk, 5, "Authorization: Bearer TOKEN-2");
	assert_int_equal(clearml_unregister(talk.clearml, "w", &err), -1);
	assert_int_equal(err.class, ERROR_DENIED);
	assert_int_equal(clearml_subcode(talk.clearml), 30);
	talk_end(&talk);
}

static void test_the_oldest_and_a_far_newer_server(void **state)
{
	static const struct {
		struct api_step steps[2];
		const char *want;
	} rows[] = {
		{ { INFO("2.9"), LOGIN }, "/v2.9/auth.login" },
		{ { INFO("2.23"), LOGIN }, "/v2.23/auth.login" },
		{ { INFO("3.0"), LOGIN }, "/v2.23/auth.login" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct talk talk = BEGIN(rows[i].steps);
		struct error err = { 0 };

		succeed(clearml_login_again(talk.clearml, &err), &err);
		check_sent(&talk, 1, rows[i].want);
		talk_end(&talk);
	}
}

static void test_a_fresh_proof(void **state)
{
	static const struct api_step steps[] = { HELLO, INFO("2.20"), AGAIN };
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };

	(void)state;
	succeed(clearml_login_again(talk.clearml, &err), &err);
	succeed(clearml_login_again(talk.clearml, &err), &err);
	assert_false(clearml_has(talk.clearml, 2, 21)); /* the server went back a version */
	talk_end(&talk);
}

static void test_classes(void **state)
{
	static const struct {
		struct api_step step;
		enum error_class class;
		const char *want;
	} rows[] = {
		{ { .status = 400, .subcode = 101, .message = "Invalid task id" },
		  ERROR_NOT_FOUND,
		  "tasks.enqueue: Invalid task id (400/101)" },
		{ { .status = 400, .subcode = 701 }, ERROR_NOT_FOUND, "(400/701)" },
		{ { .status = 400, .subcode = 1001 }, ERROR_NOT_FOUND, "(400/1001)" },
		{ { .status = 400, .subcode = 1004 }, ERROR_NOT_FOUND, "(400/1004)" },
		{ { .status = 400, .subcode = 110 }, ERROR_CONFLICT, "(400/110)" },
		{ { .status = 400, .subcode = 121 }, ERROR_CONFLICT, "(400/121)" },
		{ { .status = 400, .subcode = 703 }, ERROR_CONFLICT, "(400/703)" },
		{ { .status = 400, .subcode = 706 }, ERROR_CONFLICT, "(400/706)" },
		{ { .status = 400, .subcode = 801 }, ERROR_CONFLICT, "(400/801)" },
		{ { .status = 400, .subcode = 12 }, ERROR_REFUSED, "(400/12)" },
		{ { .status = 403, .subcode = 20 }, ERROR_DENIED, "(403/20)" },
		{ { .status = 404 }, ERROR_REFUSED, "(404/0)" },
		{ { .status = 429 }, ERROR_THROTTLED, "(429/0)" },
		{ { .status = 429, .body = "slow down" }, ERROR_THROTTLED, "HTTP status 429" },
		{ { .status = 500 }, ERROR_REFUSED, "(500/0)" },
		{ { .status = 500, .subcode = 102 }, ERROR_UNREACHABLE, "(500/102)" },
		{ { .status = 502, .body = PAGE }, ERROR_UNREACHABLE, "HTTP status 502" },
		{ { .status = 503, .body = PAGE }, ERROR_UNREACHABLE, "HTTP status 503" },
		{ { .status = 504, .body = "" }, ERROR_UNREACHABLE, "HTTP status 504" },
		{ { .status = 403, .body = PAGE }, ERROR_DENIED, "HTTP status 403" },
		{ { .status = 404, .body = PAGE }, ERROR_MALFORMED, "a web page" },
		{ { .status = 400, .body = "{}" }, ERROR_MALFORMED, "meta.result_code" },
		{ { .status = 415, .body = "no" }, ERROR_MALFORMED, "HTTP status 415" },
		{ { .status = 500, .body = "Failed processing request" },
		  ERROR_REFUSED,
		  "HTTP status 500" },
		{ { .body = PAGE }, ERROR_MALFORMED, "a web page" },
		{ { .body = "\n <!doctype html>" }, ERROR_MALFORMED, "a web page" },
		{ { .body = "" }, ERROR_MALFORMED, "HTTP status 200" },
		{ { .body = "[]" }, ERROR_MALFORMED, "meta.result_code" },
		{ { .data = "null" }, ERROR_MALFORMED, "data" },
		{ { .data = "[]" }, ERROR_MALFORMED, "data" },
		{ { .data = "{\"updated\":1}", .cut = 20 }, ERROR_MALFORMED, "tasks.enqueue" },
		{ { .body = "{\"meta\":{\"endpoint\":{\"name\":\"tasks.enqueue\"},\"result_code\":"
			    "400,"
			    "\"result_subcode\":0,\"result_msg\":\"\"},\"data\":{}}" },
		  ERROR_MALFORMED,
		  "the envelope says 400" },
		{ { .body = "{\"meta\":{\"endpoint\":{\"name\":\"queues.get_all\"},"
			    "\"result_code\":200,\"result_subcode\":0,\"result_msg\":\"OK\"},"
			    "\"data\":{\"queues\":[]}}" },
		  ERROR_MALFORMED,
		  "this is the answer of queues.get_all" },
		{ { .data = "{\"updated\":0}" }, ERROR_CONFLICT, "changed nothing" },
		{ { .body = "{\"meta\":{\"result_code\":200,\"result_subcode\":-1,"
			    "\"result_msg\":\"\"},\"data\":{}}" },
		  ERROR_MALFORMED,
		  "meta.result_subcode" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct api_step steps[] = { HELLO, rows[i].step };
		struct error err = { 0 };

		steps[FIRST].endpoint = "tasks.enqueue";
		struct talk talk = BEGIN(steps);

		if (clearml_enqueue(talk.clearml, TASK_A, QUEUE_A, "infra:test", &err) == 0)
			fail_msg("row %zu: success", i);
		if (err.class != rows[i].class || !strstr(err.message, rows[i].want))
			fail_msg("row %zu: %s: %s", i, error_class_name(err.class), err.message);
		assert_int_equal(clearml_subcode(talk.clearml), rows[i].step.subcode);
		talk_end(&talk); /* one call: a change is never repeated */
	}
}

/* ---- every call passes a failure on ---- */

static int any_queues(struct clearml *clearml, struct error *err)
{
	struct clearml_queues out;

	return clearml_queues(clearml, NULL, 0, 0, &out, err);
}

static int named_queues(struct clearml *clearml, struct error *err)
{
	static const char *const names[] = { "cpu" };
	struct clearml_queues out;

	return clearml_queues(clearml, names, 1, 0, &out, err);
}

static int peek(struct clearml *clearml, struct error *err)
{
	char task[CLEARML_ID_ROOM];

	return clearml_peek(clearml, QUEUE_A, task, err);
}

static int pop(struct clearml *clearml, struct error *err)
{
	char task[CLEARML_ID_ROOM];

	return clearml_pop(clearml, QUEUE_A, TASK_A, task, err);
}

static int one_task(struct clearml *clearml, struct error *err)
{
	struct clearml_task out;

	return clearml_task(clearml, TASK_A, &out, err);
}

static int tasks_in(struct clearml *clearml, struct error *err)
{
	static const enum task_status statuses[] = { TASK_QUEUED };
	static const char *const queues[] = { QUEUE_A };
	struct clearml_tasks out;

	return clearml_tasks_in(clearml,
				&(struct clearml_filter){ .statuses = statuses,
							  .status_count = 1,
							  .queues = queues,
							  .queue_count = 1 },
				&out, err);
}

static int console(struct clearml *clearml, struct error *err)
{
	struct clearml_line line = { .task = TASK_A, .worker = "w", .level = "info", .text = "x" };

	return clearml_console(clearml, &line, err);
}

static int workers(struct clearml *clearml, struct error *err)
{
	struct clearml_workers out;

	return clearml_workers(clearml, NULL, &out, err);
}

static int unregister(struct clearml *clearml, struct error *err)
{
	return clearml_unregister(clearml, "w", err);
}

static const struct {
	const char *endpoint;
	int (*call)(struct clearml *clearml, struct error *err);
	enum error_class class; /* of a 500 */
} all_calls[] = {
	{ "queues.get_all", any_queues, ERROR_REFUSED },
	{ "queues.get_all", named_queues, ERROR_REFUSED },
	{ "queues.peek_task", peek, ERROR_REFUSED },
	{ "queues.get_next_task", pop, ERROR_UNREACHABLE },
	{ "tasks.get_all", one_task, ERROR_REFUSED },
	{ "tasks.get_all", tasks_in, ERROR_REFUSED },
	{ "events.add_batch", console, ERROR_REFUSED },
	{ "workers.get_all", workers, ERROR_REFUSED },
	{ "workers.unregister", unregister, ERROR_REFUSED },
};

static void test_every_call_passes_a_failure_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all_calls); i++) {
		struct api_step steps[] = { HELLO,
					    { .endpoint = all_calls[i].endpoint, .status = 500 } };
		struct talk talk = BEGIN(steps);
		struct error err = { 0 };

		assert_int_equal(all_calls[i].call(talk.clearml, &err), -1);
		if (err.class != all_calls[i].class || !strstr(err.message, "(500/0)"))
			fail_msg("%s: %s", all_calls[i].endpoint, err.message);
		talk_end(&talk);
	}
}

/* Then nothing was asked: also for the pop there is no doubt. */
static void test_every_call_needs_the_login(void **state)
{
	static const struct api_step steps[] = { INFO("2.31"),
						 { .endpoint = "auth.login", .body = PAGE } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all_calls); i++) {
		struct talk talk = BEGIN(steps);
		struct error err = { 0 };

		assert_int_equal(all_calls[i].call(talk.clearml, &err), -1);
		assert_int_equal(err.class, ERROR_MALFORMED);
		talk_end(&talk);
	}
}

static void test_reads_are_repeated(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "queues.peek_task", .status = 503, .body = PAGE },
		{ .endpoint = "queues.peek_task", .data = "{\"task\":\"" TASK_A "\"}" },
	};
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };
	char task[CLEARML_ID_ROOM];

	(void)state;
	succeed(clearml_peek(talk.clearml, QUEUE_A, task, &err), &err);
	assert_string_equal(task, TASK_A);
	talk_end(&talk);
}

static void test_nobody_listens(void **state)
{
	static const struct api_step steps[] = { HELLO };
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };
	char task[CLEARML_ID_ROOM];

	(void)state;
	succeed(clearml_login_again(talk.clearml, &err), &err);
	api_peer_close(talk.peer);
	clearml_set_timeout(talk.clearml, 50);
	assert_int_equal(clearml_peek(talk.clearml, QUEUE_A, task, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	assert_non_null(strstr(err.message, "queues.peek_task"));
	clearml_close(talk.clearml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opening),
		cmocka_unit_test(test_opening_with_odd_names),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_calls_are_told_to_who_debugs),
		cmocka_unit_test(test_logins_that_fail),
		cmocka_unit_test(test_an_expired_token_is_renewed_once),
		cmocka_unit_test(test_the_oldest_and_a_far_newer_server),
		cmocka_unit_test(test_a_fresh_proof),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_every_call_passes_a_failure_on),
		cmocka_unit_test(test_every_call_needs_the_login),
		cmocka_unit_test(test_reads_are_repeated),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
