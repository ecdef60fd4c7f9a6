#include "common/http_stream.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/support/http_call.h"
#include "tests/unit/support/http_peer.h"
#include "tests/unit/support/scratch.h"

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Byte by byte, 2 ms each, more than a second. */
#define LINE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG LINE LINE LINE LINE LINE LINE LINE LINE

/* What the sink has got, and whether the status was known by then. */
struct heard {
	struct http_stream *stream;
	struct buf text;
	unsigned calls;
	long status_then;
};

static void hear(void *context, struct slice bytes)
{
	struct heard *heard = context;

	assert_true(bytes.len > 0);
	buf_add(&heard->text, bytes);
	heard->calls++;
	heard->status_then = http_stream_status(heard->stream);
}

static struct http_stream *open_stream(const struct http_request *request, struct heard *heard)
{
	struct error err = { 0 };

	*heard = (struct heard){ .text = BUF(1 << 20) };
	if (http_stream_open(http_call, request, hear, heard, &heard->stream, &err) < 0)
		fail_msg("%s", err.message);
	return heard->stream;
}

/* Turns until the end, or until so much was heard; the deadline fails the test. */
static int turn_until(struct heard *heard, size_t enough, bool *has_ended, struct error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + HTTP_CALL_MS;

	*has_ended = false;
	while (clock_monotonic_ms() < deadline_ms) {
		if (http_stream_turn(heard->stream, has_ended, err) < 0)
			return -1;
		if (*has_ended || heard->text.len >= enough)
			return 0;
		clock_sleep_ms(1);
	}
	fail_msg("%s", "nothing comes to an end");
	return -1;
}

struct scene {
	const char *when;
	struct http_step step;
	size_t max_answer_bytes;
	int64_t timeout_ms, silence_ms;
	/* wanted: */
	enum error_class class;
	long status;
	const char *text; /* all that the sink got */
	const char *message; /* in the error's; NULL: no error */
};

static void play_at(const struct scene *scene, const char *socket)
{
	struct http_step step = scene->step;
	struct error err = { 0 }, again = { 0 };
	struct heard heard;
	bool has_ended;

	if (!step.expect[0])
		step.expect[0] = "POST /x HTTP/1.1\r\n";
	struct http_peer peer = http_peer_start(&step, 1, socket);
	struct http_request request = http_call_post(socket ? "http://localhost" : peer.url);

	request.unix_socket = socket;
	request.max_answer_bytes = scene->max_answer_bytes;
	request.timeout_ms = scene->timeout_ms;
	request.attempt_timeout_ms = scene->silence_ms;
	struct http_stream *stream = open_stream(&request, &heard);
	int result = turn_until(&heard, SIZE_MAX, &has_ended, &err);

	if (err.class != scene->class || (result < 0) != (scene->class != ERROR_NONE))
		fail_msg("when %s: %s: %s", scene->when, error_class_name(err.class), err.message);
	if (result < 0 && !strstr(err.message, scene->message))
		fail_msg("when %s: %s", scene->when, err.message);
	if (http_stream_status(stream) != scene->status)
		fail_msg("when %s: status %ld", scene->when, http_stream_status(stream));
	if (strcmp(buf_text(&heard.text), scene->text) != 0)
		fail_msg("when %s: \"%s\"", scene->when, buf_text(&heard.text));
	assert_int_equal(heard.status_then, heard.calls ? scene->status : 0);
	/* It stays as it ended. */
	has_ended = false;
	assert_int_equal(http_stream_turn(stream, &has_ended, &again), result);
	assert_int_equal(has_ended, result == 0);
	assert_string_equal(again.message, err.message);
	http_stream_close(stream);
	http_peer_finish(&peer, scene->when);
	buf_release(&heard.text);
}

static void play(const struct scene *scenes, size_t count)
{
	char folder[SCRATCH_ROOM];

	scratch_make(folder);
	for (size_t i = 0; i < count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%zu.sock", i);
		play_at(&scenes[i], NULL);
		play_at(&scenes[i], scratch_path(folder, name));
	}
	scratch_remove(folder);
}

static void an_answer_is_handed_on_whole(void **state)
{
	static const struct scene scenes[] = {
		{ .when = "it has a length",
		  .step = { .expect = { "\r\n\r\n{\"n\":1}", "Content-Type: application/json\r\n",
					"User-Agent: mayfly-test/1\r\n" },
			    .refuse = "Expect",
			    .answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde" },
		  .status = 200,
		  .text = "abcde" },
		{ .when = "its end is that the peer closes",
		  .step = { .answer = OK("abc") },
		  .status = 200,
		  .text = "abc" },
		{ .when = "it comes in chunks, and byte by byte",
		  .step = { .answer = CHUNKED "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n",
			    .piece = 1 },
		  .status = 200,
		  .text = "abcde" },
		{ .when = "it comes in chunks that are cut elsewhere",
		  .step = { .answer = CHUNKED "6\r\nabcdef\r\n6\r\nghijkl\r\n0\r\n\r\n",
			    .piece = 7 },
		  .status = 200,
		  .text = "abcdefghijkl" },
		{ .when = "it has no body",
		  .step = { .answer = STATUS("204 No Content") },
		  .status = 204,
		  .text = "" },
		{ .when = "it is an error with words",
		  .step = { .answer = "HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad" },
		  .status = 500,
		  .text = "bad" },
		{ .when = "it is a 503: one try, no retry",
		  .step = { .answer = STATUS("503 Later") },
		  .status = 503,
		  .text = "" },
		{ .when = "it is a redirect: not followed",
		  .step = { .answer = "HTTP/1.1 307 Go\r\nLocation: /y\r\nContent-Length: "
				      "0\r\n\r\n" },
		  .status = 307,
		  .text = "" },
		{ .when = "interim answers are before it",
		  .step = { .answer = "HTTP/1.1 102 Processing\r\n\r\n"
				      "HTTP/1.1 100 Continue\r\n\r\n" OK("yes"),
			    .piece = 3 },
		  .status = 200,
		  .text = "yes" },
		{ .when = "the body has just the size allowed",
		  .step = { .answer = OK("12345678"), .piece = 5 },
		  .max_answer_bytes = 8,
		  .status = 200,
		  .text = "12345678" },
		{ .when = "it takes longer than the silence allowed, but is never so long silent",
		  .step = { .answer = OK(LONG), .piece = 1 },
		  .timeout_ms = HTTP_CALL_MS,
		  .silence_ms = 800,
		  .status = 200,
		  .text = LONG },
	};

	(void)state;
	play(scenes, ARRAY_LEN(scenes));
}

static void an_answer_that_breaks_stays_broken(void **state)
{
	static const struct scene scenes[] = {
		{ .when = "it is cut short of its length",
		  .step = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" },
		  .class = ERROR_MALFORMED,
		  .status = 200,
		  .text = "abc",
		  .message = "cut short" },
		{ .when = "it is cut inside a chunk",
		  .step = { .answer = CHUNKED "9\r\nabc", .piece = 4 },
		  .class = ERROR_MALFORMED,
		  .status = 200,
		  .text = "abc",
		  .message = "cut short" },
		{ .when = "it is cut before the last chunk",
		  .step = { .answer = CHUNKED "3\r\nabc\r\n" },
		  .class = ERROR_MALFORMED,
		  .status = 200,
		  .text = "abc",
		  .message = "cut short" },
		{ .when = "a chunk has no size",
		  .step = { .answer = CHUNKED "3\r\nabc\r\nzz\r\n" },
		  .class = ERROR_MALFORMED,
		  .status = 200,
		  .text = "abc",
		  .message = "makes no sense" },
		{ .when = "it is no HTTP",
		  .step = { .answer = "SSH-2.0-OpenSSH_9.2\r\n" },
		  .class = ERROR_MALFORMED,
		  .text = "",
		  .message = "no HTTP" },
		{ .when = "the peer closes without a word",
		  .class = ERROR_UNREACHABLE,
		  .text = "",
		  .message = "no answer (1 try)" },
		{ .when = "it is longer than allowed",
		  .step = { .answer = CHUNKED "8\r\n12345678\r\n1\r\n9\r\n0\r\n\r\n", .piece = 9 },
		  .max_answer_bytes = 8,
		  .class = ERROR_MALFORMED,
		  .status = 200,
		  .text = "12345678",
		  .message = "longer than 8 bytes" },
		{ .when = "it says that it is longer than allowed",
		  .step = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
			    .after = HTTP_HANGS },
		  .max_answer_bytes = 8,
		  .class = ERROR_MALFORMED,
		  .status = 200,
		  .text = "",
		  .message = "longer than 8 bytes" },
		{ .when = "its headers have no end",
		  .step = { .answer = "HTTP/1.1 102 Processing\r\n\r\n", .after = HTTP_FLOODS },
		  .class = ERROR_MALFORMED,
		  .text = "",
		  .message = "headers of the answer are longer than 262144 bytes" },
		{ .when = "the peer says nothing",
		  .step = { .after = HTTP_HANGS },
		  .timeout_ms = 50,
		  .class = ERROR_UNREACHABLE,
		  .text = "",
		  .message = "no status line for 50 ms" },
		{ .when = "the peer says only that it is about to say something",
		  .step = { .answer = "HTTP/1.1 102 Processing\r\n\r\n", .after = HTTP_DRIPS },
		  .timeout_ms = 50,
		  .class = ERROR_UNREACHABLE,
		  .text = "",
		  .message = "no status line for 50 ms" },
		{ .when = "the peer falls silent midway",
		  .step = { .answer = CHUNKED "3\r\nabc\r\n", .after = HTTP_HANGS },
		  .timeout_ms = HTTP_CALL_MS,
		  .silence_ms = 50,
		  .class = ERROR_UNREACHABLE,
		  .status = 200,
		  .text = "abc",
		  .message = "silent for 50 ms" },
	};

	(void)state;
	play(scenes, ARRAY_LEN(scenes));
}

static void a_peer_that_resets_or_dies_is_unreachable_or_cut(void **state)
{
	const struct http_step step = { .expect = { "POST" },
					.answer = CHUNKED "3\r\nabc\r\n",
					.after = HTTP_HANGS };
	struct heard heard;
	struct error err = { 0 };
	bool has_ended;

	(void)state;
	struct http_peer peer = http_peer_start(&step, 1, NULL);
	struct http_request request = http_call_post(peer.url);
	struct http_stream *stream = open_stream(&request, &heard);

	assert_int_equal(turn_until(&heard, 3, &has_ended, &err), 0);
	assert_false(has_ended);
	http_peer_kill(&peer);
	assert_int_equal(turn_until(&heard, SIZE_MAX, &has_ended, &err), -1);
	assert_true(err.class == ERROR_MALFORMED || err.class == ERROR_UNREACHABLE);
	http_stream_close(stream);
	/* Nobody listens there now. */
	buf_release(&heard.text);
	stream = open_stream(&request, &heard);
	assert_int_equal(turn_until(&heard, SIZE_MAX, &has_ended, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	assert_int_equal(http_stream_status(stream), 0);
	http_stream_close(stream);
	buf_release(&heard.text);
}

/* The peer sees the connection go while it still has much to say. */
static void a_stream_is_closed_at_any_time(void **state)
{
	static const struct http_step steps[] = {
		{ .expect = { "POST" }, .answer = OK("x"), .after = HTTP_FLOODS },
		{ .expect = { "POST" }, .answer = OK("y"), .after = HTTP_HANGS },
	};
	struct http_peer peer = http_peer_start(steps, ARRAY_LEN(steps), NULL);
	struct heard heard;
	struct error err = { 0 };
	bool has_ended;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct http_request request = http_call_post(peer.url);
		struct http_stream *stream = open_stream(&request, &heard);

		assert_int_equal(turn_until(&heard, 1, &has_ended, &err), 0);
		http_stream_close(stream);
		buf_release(&heard.text);
	}
	struct http_request request = http_call_post(peer.url);

	http_stream_close(open_stream(&request, &heard)); /* before the first turn */
	http_stream_close(NULL);
	http_peer_finish(&peer, "streams are closed midway");
}

/* Nothing is sent before the first turn, and so no time runs. */
static void a_stream_may_be_turned_later(void **state)
{
	static const struct http_step step = { .expect = { "POST" }, .answer = OK("late") };
	struct http_peer peer = http_peer_start(&step, 1, NULL);
	struct http_request request = http_call_post(peer.url);
	struct heard heard;
	struct error err = { 0 };
	bool has_ended;

	(void)state;
	request.timeout_ms = 1500;
	struct http_stream *stream = open_stream(&request, &heard);

	clock_sleep_ms(1600);
	if (turn_until(&heard, SIZE_MAX, &has_ended, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(buf_text(&heard.text), "late");
	http_stream_close(stream);
	buf_release(&heard.text);
	http_peer_finish(&peer, "a stream is turned later");
}

/* Nothing of the request is looked at after the opening; each stream moves on its own, and an
 * exchange of the same http moves none. */
static void streams_and_exchanges_are_apart(void **state)
{
	static const struct http_step slow[] = { { .expect = { "\r\n\r\n{\"n\":2}",
							       "X-Of: us\r\n" },
						   .answer = OK("slow"),
						   .piece = 1 } };
	static const struct http_step other[] = { { .expect = { "POST" }, .answer = OK("a") },
						  { .expect = { "POST" }, .answer = OK("b") } };
	struct http_peer peers[] = { http_peer_start(slow, 1, NULL),
				     http_peer_start(other, 2, NULL) };
	char body[] = "{\"n\":2}", header[] = "X-Of: us", url[128];
	const char *headers[] = { header, NULL };
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct heard heard[2];
	struct error err = { 0 };
	bool has_ended;

	(void)state;
	snprintf(url, sizeof(url), "%s/x", peers[0].url);
	struct http_request request = {
		.method = "POST", .url = url, .headers = headers, .body = slice_of(body)
	};

	(void)open_stream(&request, &heard[0]);
	memset(body, 'X', sizeof(body));
	memset(header, 'X', sizeof(header));
	memset(url, 'X', sizeof(url));
	struct http_request next = http_call_post(peers[1].url);

	(void)open_stream(&next, &heard[1]);
	assert_int_equal(turn_until(&heard[1], SIZE_MAX, &has_ended, &err), 0);
	assert_string_equal(buf_text(&heard[1].text), "a");
	assert_int_equal(http_exchange(http_call, &next, &answer, &err), 0);
	assert_string_equal(buf_text(&answer.body), "b");
	assert_int_equal(heard[0].calls, 0);
	assert_int_equal(turn_until(&heard[0], SIZE_MAX, &has_ended, &err), 0);
	assert_string_equal(buf_text(&heard[0].text), "slow");
	for (size_t i = 0; i < 2; i++) {
		http_stream_close(heard[i].stream);
		buf_release(&heard[i].text);
		http_peer_finish(&peers[i], "two streams and an exchange");
	}
}

static void a_request_that_makes_no_sense_is_not_sent(void **state)
{
	static const struct {
		const char *when, *method, *url, *header, *message;
	} cases[] = {
		{ "there is no URL", "GET", "", "A: b", "URL" },
		{ "the URL holds a password", "GET", "http://a:b@c/", "A: b", "password" },
		{ "a header has a line end", "GET", "http://c/", "A: b\r\nC: d", "line end" },
		{ "the method is none", "get it", "http://c/", "A: b", "no HTTP method" },
		{ "the scheme is another", "GET", "ftp://c/", "A: b", "http" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *const headers[] = { cases[i].header, NULL };
		const struct http_request request = { .method = cases[i].method,
						      .url = cases[i].url,
						      .headers = headers };
		struct http_stream *stream = NULL;
		struct error err = { 0 };
		struct heard heard;

		if (http_stream_open(http_call, &request, hear, &heard, &stream, &err) == 0 ||
		    stream || err.class != ERROR_CONFIGURATION ||
		    !strstr(err.message, cases[i].message))
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_handed_on_whole),
		cmocka_unit_test(an_answer_that_breaks_stays_broken),
		cmocka_unit_test(a_peer_that_resets_or_dies_is_unreachable_or_cut),
		cmocka_unit_test(a_stream_is_closed_at_any_time),
		cmocka_unit_test(a_stream_may_be_turned_later),
		cmocka_unit_test(streams_and_exchanges_are_apart),
		cmocka_unit_test(a_request_that_makes_no_sense_is_not_sent),
	};

	return cmocka_run_group_tests(tests, http_call_open, http_call_close);
}
