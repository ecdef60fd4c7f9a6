#include "common/http.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <curl/mprintf.h>

#include "common/file.h"
#include "tests/unit/support/http_call.h"
#include "tests/unit/support/http_peer.h"
#include "tests/unit/support/scratch.h"

static void methods_and_headers_are_sent(void **state)
{
	static const char *const headers[] = { "X-One: 1", "x-two: a b", NULL };
	static const char *const typed[] = { "content-type: text/plain", NULL };
	static const struct http_step steps[] = {
		{ .expect = { "PUT /x HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n",
			      "\r\nX-One: 1\r\n", "\r\nx-two: a b\r\n" },
		  .refuse = "Content-Type",
		  .answer = OK("") },
		{ .expect = { "DELETE /x HTTP/1.1\r\n" }, .refuse = "Content-", .answer = OK("") },
		{ .expect = { "GET /x HTTP/1.1\r\n", "\r\n\r\n{\"n\":1}" }, .answer = OK("") },
		{ .expect = { "HEAD /x HTTP/1.1\r\n" },
		  .answer = "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n" },
		{ .expect = { "\r\nContent-Type: text/csv\r\n" },
		  .refuse = "application",
		  .answer = OK("") },
		{ .expect = { "\r\ncontent-type: text/plain\r\n" },
		  .refuse = "application",
		  .answer = OK("") },
		{ .expect = { "POST /x HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n" },
		  .refuse = "Content-Type",
		  .answer = OK("") },
	};
	static const struct {
		const char *method;
		bool has_body;
		const char *const *headers;
		const char *content_type;
	} calls[] = {
		{ "PUT", false, headers, NULL },    { "DELETE", false, NULL, NULL },
		{ "GET", true, NULL, NULL },	    { "HEAD", false, NULL, NULL },
		{ "POST", true, NULL, "text/csv" }, { "POST", true, typed, NULL },
		{ "POST", false, NULL, NULL },
	};
	struct http_peer peer = http_peer_start(steps, ARRAY_LEN(steps), NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		SCOPED(http_answer) struct http_answer answer = { 0 };
		struct http_request request = http_call_post(peer.url);
		struct error err = { 0 };

		request.method = calls[i].method;
		request.headers = calls[i].headers;
		request.content_type = calls[i].content_type;
		if (!calls[i].has_body)
			request.body = (struct slice){ 0 };
		if (http_exchange(http_call, &request, &answer, &err) < 0)
			fail_msg("%s: %s", calls[i].method, err.message);
		assert_int_equal(answer.status, 200);
	}
	http_peer_finish(&peer, "methods differ");
}

static void credentials_are_sent(void **state)
{
	static const struct {
		const char *when, *user, *secret, *token;
		struct http_step step;
	} cases[] = {
		{ "Basic",
		  "Aladdin",
		  "open sesame",
		  NULL,
		  { .expect = { "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" } } },
		{ "Basic of 3n bytes",
		  "ab",
		  "cde",
		  NULL,
		  { .expect = { "\r\nAuthorization: Basic YWI6Y2Rl\r\n" } } },
		{ "Basic of 3n + 2 bytes, beyond ASCII",
		  "u",
		  "\xff\xfe?",
		  NULL,
		  { .expect = { "\r\nAuthorization: Basic dTr//j8=\r\n" } } },
		{ "Basic, empty",
		  "",
		  "",
		  NULL,
		  { .expect = { "\r\nAuthorization: Basic Og==\r\n" } } },
		{ "a token",
		  NULL,
		  NULL,
		  "abc.def",
		  { .expect = { "\r\nAuthorization: Bearer abc.def\r\n" } } },
		{ "a token wins",
		  "u",
		  "p",
		  "tok",
		  { .expect = { "\r\nAuthorization: Bearer tok\r\n" }, .refuse = "Basic" } },
		{ "a user alone",
		  "u",
		  NULL,
		  NULL,
		  { .expect = { "POST" }, .refuse = "Authorization" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(http_answer) struct http_answer answer = { 0 };
		SCOPED(secret) struct secret secret = { 0 };
		SCOPED(secret) struct secret token = { 0 };
		struct http_step step = cases[i].step;
		struct error err = { 0 };

		step.answer = OK("");
		struct http_peer peer = http_peer_start(&step, 1, NULL);
		struct http_request request = http_call_post(peer.url);

		assert_int_equal(secret_copy(&secret, slice_of(cases[i].secret), &err), 0);
		assert_int_equal(secret_copy(&token, slice_of(cases[i].token), &err), 0);
		request.basic_user = cases[i].user;
		request.basic_secret = cases[i].secret ? &secret : NULL;
		request.bearer = cases[i].token ? &token : NULL;
		if (http_exchange(http_call, &request, &answer, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		http_peer_finish(&peer, cases[i].when);
	}
}

/* Nothing of these reaches a peer; nothing secret reaches the message. */
/* Where the heap lies; malloc's free chunks belong to it. Empty where it is kept elsewhere. */
static struct slice find_heap(void)
{
	SCOPED(buf) struct buf maps = BUF(1 << 20);
	struct error err = { 0 };
	unsigned long start, end;

	assert_int_equal(file_read("/proc/self/maps", &maps, &err), 0);
	const char *line = strstr(buf_text(&maps), "[heap]");
	while (line && line > buf_text(&maps) && line[-1] != '\n')
		line--;
	if (!line || sscanf(line, "%lx-%lx", &start, &end) != 2)
		return (struct slice){ "", 0 };
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): that is what the kernel tells */
	return (struct slice){ (const char *)start, end - start };
}

/* Whatever libcurl copied a credential into: its own allocator stands for all of it. */
static void what_libcurl_frees_is_wiped(void **state)
{
	const char *plain = "0123456789abcdef4be37f9c553dc01a5f7e9930";
	const char *tail =
		plain + 16; /* malloc itself writes over the first bytes of a free chunk */
	char *copy = curl_maprintf("%s", plain);
	struct slice heap = find_heap();
	bool can_see = memmem(heap.ptr, heap.len, tail, strlen(tail));

	(void)state;
	curl_free(copy);
	if (!can_see)
		skip(); /* under valgrind and the sanitizers */
	assert_null(memmem(heap.ptr, heap.len, tail, strlen(tail)));
}

static void a_request_that_makes_no_sense_is_not_sent(void **state)
{
	static const char *const split[] = { "X-Key: hunter2\r\nX-Evil: 1", NULL };
	static const char *const nameless[] = { ": hunter2", NULL };
	static const char *const colonless[] = { "hunter2", NULL };
	static const char *const empty[] = { "X-Empty: ", NULL };
	static const struct {
		const char *when, *url, *method, *content_type, *user, *token, *want;
		const char *const *headers;
	} cases[] = {
		{ .when = "no URL", .url = "", .want = "URL makes no sense" },
		{ .when = "a path", .url = "/etc/passwd", .want = "URL makes no sense" },
		{ .when = "a file", .url = "file:///etc/passwd", .want = "neither http" },
		{ .when = "another scheme", .url = "ftp://127.0.0.1/x", .want = "neither http" },
		{ .when = "a blank", .url = "http://127.0.0.1/ x", .want = "URL makes no sense" },
		{ .when = "a line end",
		  .url = "http://127.0.0.1/\r\nX: y",
		  .want = "URL makes no" },
		{ .when = "no host", .url = "http:///", .want = "URL makes no sense" },
		{ .when = "a password in the URL",
		  .url = "http://user:hunter2@127.0.0.1:1/",
		  .want = "user or a password" },
		{ .when = "a header is two", .headers = split, .want = "X-Key holds a line end" },
		{ .when = "a header has no name", .headers = nameless, .want = "Name: value" },
		{ .when = "a header has no colon", .headers = colonless, .want = "Name: value" },
		{ .when = "a header has no value",
		  .headers = empty,
		  .want = "X-Empty has no value" },
		{ .when = "a type has a line end",
		  .content_type = "a/b\nX: y",
		  .want = "Content-Type holds a line end" },
		{ .when = "a token has a line end", .token = "hunter2\n", .want = "Authorization" },
		{ .when = "a user has a colon", .user = "a:b", .want = "has a ':'" },
		{ .when = "a method has a blank", .method = "GET /y", .want = "no HTTP method" },
		{ .when = "a method is empty", .method = "", .want = "no HTTP method" },
	};
	struct http_peer peer = http_peer_start(NULL, 0, NULL);
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(http_answer) struct http_answer answer = { 0 };
		SCOPED(secret) struct secret token = { 0 };
		struct http_request request = http_call_post(peer.url);

		assert_int_equal(secret_copy(&token, slice_of(cases[i].token), &err), 0);
		request.url = cases[i].url ? cases[i].url : request.url;
		request.method = cases[i].method ? cases[i].method : request.method;
		request.content_type = cases[i].content_type;
		request.headers = cases[i].headers;
		request.bearer = cases[i].token ? &token : NULL;
		request.basic_user = cases[i].user;
		request.basic_secret = cases[i].user ? &token : NULL;
		if (http_exchange(http_call, &request, &answer, &err) == 0)
			fail_msg("when %s: sent", cases[i].when);
		if (err.class != ERROR_CONFIGURATION || !strstr(err.message, cases[i].want) ||
		    strstr(err.message, "hunter2") || answer.attempts)
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
	http_peer_finish(&peer, "nothing is sent");
}

static void a_unix_socket_is_used_without_a_proxy(void **state)
{
	static const struct http_step step = { .expect = { "GET /_ping HTTP/1.1\r\n",
							   "\r\nHost: docker\r\n" },
					       .answer = OK("pong") };
	SCOPED(http_answer) struct http_answer answer = { 0 };
	char folder[SCRATCH_ROOM];
	struct error err = { 0 };

	(void)state;
	scratch_make(folder);
	const char *path = scratch_path(folder, "socket");
	struct http_peer peer = http_peer_start(&step, 1, path);
	struct http_request request = { .method = "GET",
					.url = "http://docker/_ping",
					.unix_socket = path,
					.timeout_ms = HTTP_CALL_MS };

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	int result = http_exchange(http_call, &request, &answer, &err);

	unsetenv("http_proxy");
	http_peer_finish(&peer, "a Unix socket");
	scratch_remove(folder);
	if (result < 0)
		fail_msg("%s", err.message);
	assert_string_equal(buf_text(&answer.body), "pong");
}

static void proxies_are_taken_from_the_environment(void **state)
{
	static const struct http_step proxy_steps[] = {
		{ .expect = { "POST http://far.invalid/x HTTP/1.1\r\n" },
		  .answer = OK("by proxy") },
		{ .expect = { "CONNECT far.invalid:443 HTTP/1.1\r\n" },
		  .refuse = "hunter2",
		  .answer = STATUS("403 No") },
	};
	static const struct http_step direct_step = { .expect = { "POST /x HTTP/1.1\r\n" },
						      .answer = OK("direct") };
	struct http_peer proxy = http_peer_start(proxy_steps, ARRAY_LEN(proxy_steps), NULL);
	struct http_peer peer = http_peer_start(&direct_step, 1, NULL);
	struct http_request requests[] = { http_call_post("http://far.invalid"),
					   http_call_post(peer.url),
					   http_call_post("https://far.invalid") };
	struct http_answer answers[3];
	struct error errors[3];
	SCOPED(secret) struct secret token = { 0 };

	(void)state;
	assert_int_equal(secret_copy(&token, slice_of("hunter2"), &errors[0]), 0);
	requests[2].bearer = &token;
	setenv("http_proxy", proxy.url, 1);
	setenv("HTTPS_PROXY", proxy.url, 1);
	setenv("NO_PROXY", "127.0.0.1", 1);
	for (size_t i = 0; i < 3; i++)
		http_exchange_all(http_call, &requests[i], &answers[i], &errors[i], 1);
	unsetenv("http_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("NO_PROXY");
	http_peer_finish(&proxy, "a proxy");
	http_peer_finish(&peer, "past the proxy");
	assert_string_equal(buf_text(&answers[0].body), "by proxy");
	assert_string_equal(buf_text(&answers[1].body), "direct");
	assert_int_equal(errors[2].class, ERROR_UNREACHABLE);
	for (size_t i = 0; i < 3; i++)
		http_answer_release(&answers[i]);
}

static void the_programs_signals_are_left_alone(void **state)
{
	static const struct http_step step = { .expect = { "POST" }, .answer = OK("") };
	struct http_peer peer = http_peer_start(&step, 1, NULL);
	struct http_request request = http_call_post(peer.url);
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct error err = { 0 };
	sigset_t blocked, pending;

	(void)state;
	assert_int_equal(http_exchange(http_call, &request, &answer, &err), 0);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	sigpending(&pending);
	assert_false(sigismember(&blocked, SIGPIPE));
	assert_false(sigismember(&pending, SIGPIPE));
	http_peer_finish(&peer, "signals");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_and_headers_are_sent),
		cmocka_unit_test(credentials_are_sent),
		cmocka_unit_test(what_libcurl_frees_is_wiped),
		cmocka_unit_test(a_request_that_makes_no_sense_is_not_sent),
		cmocka_unit_test(a_unix_socket_is_used_without_a_proxy),
		cmocka_unit_test(proxies_are_taken_from_the_environment),
		cmocka_unit_test(the_programs_signals_are_left_alone),
	};

	return cmocka_run_group_tests(tests, http_call_open, http_call_close);
}
