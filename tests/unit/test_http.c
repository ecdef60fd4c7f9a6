#include "common/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/http_call.h"
#include "tests/unit/support/http_peer.h"

struct scene {
	const char *when;
	struct http_step steps[4]; /* up to the first one without an expectation */
	bool may_repeat;
	unsigned max_attempts;
	size_t max_answer_bytes;
	/* wanted: */
	enum error_class class;
	long status;
	const char *text; /* the body, or a part of the message */
	unsigned attempts;
};

static void play(const struct scene *scene)
{
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct error err = { 0 };
	size_t count = 0;

	while (count < ARRAY_LEN(scene->steps) && scene->steps[count].expect[0])
		count++;
	struct http_peer peer = http_peer_start(scene->steps, count, NULL);
	struct http_request request = http_call_post(peer.url);

	request.may_repeat = scene->may_repeat;
	request.max_attempts = scene->max_attempts;
	request.max_answer_bytes = scene->max_answer_bytes;
	int result = http_exchange(http_call, &request, &answer, &err);

	http_peer_finish(&peer, scene->when);
	if (err.class != scene->class || (result < 0) != (scene->class != ERROR_NONE))
		fail_msg("when %s: %s: %s", scene->when, error_class_name(err.class), err.message);
	if (answer.status != scene->status || answer.attempts != scene->attempts)
		fail_msg("when %s: status %ld after %u tries, wanted %ld after %u", scene->when,
			 answer.status, answer.attempts, scene->status, scene->attempts);
	if (result < 0 ? !strstr(err.message, scene->text) || answer.body.len :
			 strcmp(buf_text(&answer.body), scene->text) != 0)
		fail_msg("when %s: body \"%s\", message \"%s\"", scene->when,
			 buf_text(&answer.body), err.message);
}

static void an_answer_is_taken(void **state)
{
	static const struct scene scenes[] = {
		{ .when = "plain",
		  .steps = { { .expect = { "POST /x HTTP/1.1\r\n", "\r\n\r\n{\"n\":1}",
					   "\r\nContent-Type: application/json\r\n",
					   "\r\nUser-Agent: mayfly-test/1\r\n" },
			       .refuse = "Expect",
			       .answer = OK("{}") } },
		  .status = 200,
		  .text = "{}",
		  .attempts = 1 },
		{ .when = "two interim answers are before it",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n"
					 "HTTP/1.1 100 Continue\r\n\r\n" OK("yes") } },
		  .status = 200,
		  .text = "yes",
		  .attempts = 1 },
		{ .when = "it is chunked",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
					 "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n" } },
		  .status = 200,
		  .text = "abcde",
		  .attempts = 1 },
		{ .when = "it is a page of HTML",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
					 "Content-Length: 6\r\n\r\n<html>" } },
		  .status = 200,
		  .text = "<html>",
		  .attempts = 1 },
		{ .when = "it is a refusal",
		  .steps = { { .expect = { "POST" }, .answer = STATUS("401 Unauthorized") } },
		  .may_repeat = true,
		  .status = 401,
		  .text = "",
		  .attempts = 1 },
		{ .when = "it is a redirect: not followed",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /y\r\n"
					 "Content-Length: 0\r\n\r\n" } },
		  .may_repeat = true,
		  .status = 307,
		  .text = "",
		  .attempts = 1 },
		{ .when = "its body has just the size allowed",
		  .steps = { { .expect = { "POST" }, .answer = OK("12345678") } },
		  .max_answer_bytes = 8,
		  .status = 200,
		  .text = "12345678",
		  .attempts = 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		play(&scenes[i]);
}

static void a_passing_trouble_is_tried_again(void **state)
{
	static const struct scene scenes[] = {
		{ .when = "throttled, with a time to wait",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 429 Slow down\r\nRetry-After: 1\r\n"
					 "Content-Length: 4\r\n\r\nlate" },
			     { .expect = { "{\"n\":1}" }, .answer = OK("2") } },
		  .may_repeat = true,
		  .status = 200,
		  .text = "2",
		  .attempts = 2 },
		{ .when = "unavailable three times",
		  .steps = { { .expect = { "POST" }, .answer = STATUS("503 No") },
			     { .expect = { "POST" }, .answer = STATUS("502 No") },
			     { .expect = { "POST" }, .answer = STATUS("504 No") },
			     { .expect = { "POST" }, .answer = OK("4") } },
		  .may_repeat = true,
		  .status = 200,
		  .text = "4",
		  .attempts = 4 },
		{ .when = "unavailable, and no more tries allowed",
		  .steps = { { .expect = { "POST" }, .answer = STATUS("503 No") },
			     { .expect = { "POST" }, .answer = STATUS("509 No") } },
		  .may_repeat = true,
		  .max_attempts = 2,
		  .status = 509,
		  .text = "",
		  .attempts = 2 },
		{ .when = "the wait is longer than the time",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 429 Slow down\r\nRetry-After: 3600\r\n"
					 "Content-Length: 5\r\n\r\nlater" } },
		  .may_repeat = true,
		  .status = 429,
		  .text = "later",
		  .attempts = 1 },
		{ .when = "unavailable, and it must not be repeated",
		  .steps = { { .expect = { "POST" }, .answer = STATUS("503 No") } },
		  .status = 503,
		  .text = "",
		  .attempts = 1 },
		{ .when = "a 500: that does not pass",
		  .steps = { { .expect = { "POST" }, .answer = STATUS("500 No") } },
		  .may_repeat = true,
		  .status = 500,
		  .text = "",
		  .attempts = 1 },
		{ .when = "reset after the request, and it must not be repeated",
		  .steps = { { .expect = { "POST" }, .after = HTTP_RESETS } },
		  .class = ERROR_UNREACHABLE,
		  .text = "no answer (1 try): ",
		  .attempts = 1 },
		{ .when = "reset after the request",
		  .steps = { { .expect = { "POST" }, .after = HTTP_RESETS },
			     { .expect = { "{\"n\":1}" }, .answer = OK("again") } },
		  .may_repeat = true,
		  .status = 200,
		  .text = "again",
		  .attempts = 2 },
		{ .when = "closed without an answer",
		  .steps = { { .expect = { "POST" } } },
		  .class = ERROR_UNREACHABLE,
		  .text = "POST http://127.0.0.1:",
		  .attempts = 1 },
		{ .when = "closed without an answer, twice",
		  .steps = { { .expect = { "POST" } }, { .expect = { "POST" } } },
		  .may_repeat = true,
		  .max_attempts = 2,
		  .class = ERROR_UNREACHABLE,
		  .text = "(2 tries)",
		  .attempts = 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		play(&scenes[i]);
}

static void an_answer_that_makes_no_sense_is_refused(void **state)
{
	static const struct scene scenes[] = {
		{ .when = "no HTTP",
		  .steps = { { .expect = { "POST" }, .answer = "SSH-2.0-OpenSSH_9.2\r\n" } },
		  .class = ERROR_MALFORMED,
		  .text = "no HTTP" },
		{ .when = "a status that is none",
		  .steps = { { .expect = { "POST" }, .answer = "HTTP/1.1 abc\r\n\r\n" } },
		  .class = ERROR_MALFORMED,
		  .text = "no HTTP" },
		{ .when = "cut short",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\":" } },
		  .class = ERROR_MALFORMED,
		  .text = "cut short" },
		{ .when = "a chunk is cut short",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
					 "9\r\nabc" } },
		  .class = ERROR_MALFORMED,
		  .text = "cut short" },
		{ .when = "a chunk without a size",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
					 "zz\r\nabc" } },
		  .class = ERROR_MALFORMED,
		  .text = "makes no sense" },
		{ .when = "a length that is none",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nabcd" } },
		  .class = ERROR_MALFORMED,
		  .text = "no HTTP" },
		{ .when = "the body is too long",
		  .steps = { { .expect = { "POST" }, .answer = OK("123456789") } },
		  .max_answer_bytes = 8,
		  .class = ERROR_MALFORMED,
		  .text = "longer than 8 bytes" },
		{ .when = "the body says that it is too long",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 200 OK\r\nContent-Length: "
					 "99999999999\r\n\r\na" } },
		  .class = ERROR_MALFORMED,
		  .text = "longer than 16777216 bytes" },
		{ .when = "the body has no end",
		  .steps = { { .expect = { "POST" }, .answer = OK("x"), .after = HTTP_FLOODS } },
		  .max_answer_bytes = 1000000,
		  .class = ERROR_MALFORMED,
		  .text = "longer than 1000000 bytes" },
		{ .when = "the interim answers have no end",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 102 Processing\r\n\r\n",
			       .after = HTTP_FLOODS } },
		  .class = ERROR_MALFORMED,
		  .text = "its headers than 262144" },
		{ .when = "a header has no end",
		  .steps = { { .expect = { "POST" },
			       .answer = "HTTP/1.1 200 OK X:",
			       .after = HTTP_FLOODS } },
		  .class = ERROR_MALFORMED,
		  .text = "too long" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
		struct scene scene = scenes[i];

		scene.attempts = 1;
		scene.may_repeat = true; /* decides nothing: it would be the same again */
		play(&scene);
	}
}

static void what_the_peer_says_of_itself_is_read(void **state)
{
	static const struct http_step steps[] = {
		{ .expect = { "GET /x HTTP/1.1\r\n" },
		  .refuse = "Content-",
		  .answer = "HTTP/1.1 503 Later\r\ncontent-type:text/html; charset=utf-8\r\n"
			    "DATE: Tue, 24 Nov 2026 03:00:00 GMT\r\n"
			    "api-version: 1.41\x01\r\n"
			    "Retry-After: Tue, 24 Nov 2026 03:00:07 GMT\r\n"
			    "Content-Length: 0\r\n\r\n" },
		{ .expect = { "GET /x HTTP/1.1\r\n" },
		  .answer = "HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n" },
	};
	struct http_peer peer = http_peer_start(steps, ARRAY_LEN(steps), NULL);
	struct http_request request = http_call_post(peer.url);
	struct http_answer answer;
	struct error err = { 0 };

	(void)state;
	request.method = "GET";
	request.body = (struct slice){ 0 };
	request.note_header = "Api-Version";
	assert_int_equal(http_exchange(http_call, &request, &answer, &err), 0);
	assert_int_equal(answer.status, 503);
	assert_string_equal(answer.noted, "1.41?");
	assert_string_equal(answer.content_type, "text/html; charset=utf-8");
	assert_int_equal(answer.date_ms, 1795489200000);
	assert_int_equal(answer.retry_after_ms, 7000);
	http_answer_release(&answer);
	assert_int_equal(http_exchange(http_call, &request, &answer, &err), 0);
	assert_string_equal(answer.content_type, "");
	assert_string_equal(answer.noted, "");
	assert_int_equal(answer.date_ms, 0);
	assert_int_equal(answer.retry_after_ms, 0);
	http_answer_release(&answer);
	http_peer_finish(&peer, "headers are read");
}

static void a_silent_peer_is_given_up(void **state)
{
	static const struct scene {
		const char *when;
		struct http_step steps[2];
		size_t count;
		int64_t timeout_ms, attempt_ms;
		bool is_answered;
	} scenes[] = {
		{ "it says nothing",
		  { { .expect = { "POST" }, .after = HTTP_HANGS } },
		  1,
		  200,
		  0,
		  false },
		{ "it stops midway",
		  { { .expect = { "POST" },
		      .answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
		      .after = HTTP_HANGS } },
		  1,
		  200,
		  0,
		  false },
		{ "it drips without end",
		  { { .expect = { "POST" },
		      .answer = "HTTP/1.1 102 Processing\r\n\r\n",
		      .after = HTTP_DRIPS } },
		  1,
		  300,
		  0,
		  false },
		{ "the next try is answered",
		  { { .expect = { "POST" }, .after = HTTP_HANGS },
		    { .expect = { "POST" }, .answer = OK("2") } },
		  2,
		  HTTP_CALL_MS,
		  100,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
		SCOPED(http_answer) struct http_answer answer = { 0 };
		struct http_peer peer = http_peer_start(scenes[i].steps, scenes[i].count, NULL);
		struct http_request request = http_call_post(peer.url);
		struct error err = { 0 };

		request.timeout_ms = scenes[i].timeout_ms;
		request.attempt_timeout_ms = scenes[i].attempt_ms;
		request.may_repeat = true;
		int result = http_exchange(http_call, &request, &answer, &err);

		http_peer_finish(&peer, scenes[i].when);
		if ((result == 0) != scenes[i].is_answered || answer.attempts != scenes[i].count)
			fail_msg("when %s: %u tries: %s", scenes[i].when, answer.attempts,
				 err.message);
		if (result < 0) {
			assert_int_equal(err.class, ERROR_UNREACHABLE);
			assert_non_null(strstr(err.message, "no answer in time"));
		}
	}
}

/* Both start together; the port is refused until the other request has arrived. */
static void a_refused_connection_is_tried_until_somebody_listens(void **state)
{
	static const struct http_step steps[] = {
		{ .expect = { "first" }, .answer = OK("1"), .after = HTTP_OPENS_LATER },
		{ .expect = { "POST /late" }, .answer = OK("2") },
	};
	struct http_peer peer = http_peer_start(steps, ARRAY_LEN(steps), NULL);
	char late[64];
	struct http_answer answers[2];
	struct error errors[2];
	struct http_request requests[2] = { http_call_post(""), http_call_post(peer.url) };

	(void)state;
	snprintf(late, sizeof(late), "http://127.0.0.1:%d/late", peer.later_port);
	requests[0].url = late;
	requests[1].body = slice_of("first");
	http_exchange_all(http_call, requests, answers, errors, 2);
	http_peer_finish(&peer, "refused at first");
	assert_int_equal(errors[0].class, ERROR_NONE);
	assert_int_equal(errors[1].class, ERROR_NONE);
	assert_string_equal(buf_text(&answers[0].body), "2");
	assert_true(answers[0].attempts >= 2);
	http_answer_release(&answers[0]);
	http_answer_release(&answers[1]);
}

static void nobody_there_is_unreachable(void **state)
{
	struct http_peer peer = http_peer_start(NULL, 0, NULL);
	struct http_request request = http_call_post("");
	struct http_answer answer;
	struct error err = { 0 };
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/secret?key=hunter2", peer.later_port);
	request.url = url;
	request.timeout_ms = 600;
	request.max_attempts = 2;
	assert_int_equal(http_exchange(http_call, &request, &answer, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	assert_non_null(strstr(err.message, "connect"));
	assert_null(strstr(err.message, "secret"));
	assert_null(strstr(err.message, "hunter2"));
	http_answer_release(&answer);
	http_peer_finish(&peer, "nobody asks");
}

static void a_kept_connection_that_died_is_opened_again(void **state)
{
	static const struct http_step steps[] = {
		{ .expect = { "POST" }, .answer = STATUS("200 OK"), .after = HTTP_KEEPS },
		{ .expect = { "POST" }, .after = HTTP_RESETS },
		{ .expect = { "{\"n\":1}" }, .answer = STATUS("201 OK"), .after = HTTP_KEEPS },
		/* What must not be sent twice is sent on a connection of its own. */
		{ .expect = { "POST" }, .after = HTTP_RESETS },
		{ .expect = { "POST" }, .answer = STATUS("202 OK"), .after = HTTP_KEEPS },
	};
	static const struct {
		bool may_repeat;
		long status; /* 0: unreachable */
	} calls[] = { { true, 200 }, { true, 201 }, { false, 0 }, { true, 202 } };
	struct http_peer peer = http_peer_start(steps, ARRAY_LEN(steps), NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		SCOPED(http_answer) struct http_answer answer = { 0 };
		struct http_request request = http_call_post(peer.url);
		struct error err = { 0 };

		request.may_repeat = calls[i].may_repeat;
		int result = http_exchange(http_call, &request, &answer, &err);

		assert_int_equal(result, calls[i].status ? 0 : -1);
		assert_int_equal(answer.status, calls[i].status);
		assert_int_equal(err.class, calls[i].status ? ERROR_NONE : ERROR_UNREACHABLE);
	}
	http_peer_finish(&peer, "a kept connection dies");
}

static void many_at_once_have_each_their_outcome(void **state)
{
	enum { COUNT = 9, BROKEN = 4 };
	static const struct http_step good = { .expect = { "POST /x" }, .answer = OK("ok") };
	static const struct http_step bad = { .expect = { "POST /x" }, .after = HTTP_RESETS };
	struct http_peer peers[COUNT];
	struct http_request requests[COUNT];
	struct http_answer answers[COUNT];
	struct error errors[COUNT];
	char urls[COUNT][128];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		peers[i] = http_peer_start(i == BROKEN ? &bad : &good, i == 7 ? 0 : 1, NULL);
		requests[i] = http_call_post(peers[i].url);
		snprintf(urls[i], sizeof(urls[i]), "%s/x", peers[i].url);
		requests[i].url = i == 7 ? "nonsense" : urls[i];
	}
	http_exchange_all(http_call, requests, answers, errors, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		enum error_class want = i == BROKEN ? ERROR_UNREACHABLE :
					i == 7	    ? ERROR_CONFIGURATION :
						      ERROR_NONE;

		http_peer_finish(&peers[i], "many at once");
		assert_int_equal(errors[i].class, want);
		assert_string_equal(buf_text(&answers[i].body), want ? "" : "ok");
		http_answer_release(&answers[i]);
	}
	http_exchange_all(http_call, NULL, NULL, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_taken),
		cmocka_unit_test(a_passing_trouble_is_tried_again),
		cmocka_unit_test(an_answer_that_makes_no_sense_is_refused),
		cmocka_unit_test(what_the_peer_says_of_itself_is_read),
		cmocka_unit_test(a_silent_peer_is_given_up),
		cmocka_unit_test(a_refused_connection_is_tried_until_somebody_listens),
		cmocka_unit_test(nobody_there_is_unreachable),
		cmocka_unit_test(a_kept_connection_that_died_is_opened_again),
		cmocka_unit_test(many_at_once_have_each_their_outcome),
	};

	return cmocka_run_group_tests(tests, http_call_open, http_call_close);
}
