#include "common/aws_imds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/support/http_call.h"
#include "tests/unit/support/http_peer.h"

#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define MODE ENDPOINT "_MODE"
#define ASKS_TOKEN                                                                      \
	{                                                                               \
		"PUT /latest/api/token HTTP/1.1\r\n",                                   \
			"\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n", "Host: " \
	}
#define TOKEN(text)                                      \
	{                                                \
		.expect = ASKS_TOKEN, .answer = OK(text) \
	}
#define ASKS(token)                                                                         \
	{                                                                                   \
		"GET /latest/x HTTP/1.1\r\n", "\r\nX-aws-ec2-metadata-token: " token "\r\n" \
	}

struct scene {
	const char *when;
	struct http_step steps[5]; /* up to the first one without an expectation */
	unsigned gets; /* 0: 1 */
	size_t limit; /* of the answer; 0: 64 */
	/* wanted, of the last get: */
	enum error_class class;
	const char *text; /* the answer, or a part of the message */
};

static void play(const struct scene *scene)
{
	SCOPED(buf) struct buf out = BUF(0);
	struct aws_imds *imds = NULL;
	struct error err = { 0 };
	size_t count = 0;
	int result = 0;

	while (count < ARRAY_LEN(scene->steps) && scene->steps[count].expect[0])
		count++;
	struct http_peer peer = http_peer_start(scene->steps, count, NULL);

	setenv(ENDPOINT, peer.url, 1);
	assert_int_equal(aws_imds_open(http_call, &imds, &err), 0);
	for (unsigned i = 0; i < (scene->gets ? scene->gets : 1); i++) {
		err = (struct error){ 0 };
		buf_release(&out);
		out = BUF(scene->limit ? scene->limit : 64);
		result = aws_imds_get(imds, "/latest/x", HTTP_CALL_MS, &out, &err);
	}
	aws_imds_close(imds);
	http_peer_finish(&peer, scene->when);
	if (err.class != scene->class || (result < 0) != (scene->class != ERROR_NONE))
		fail_msg("when %s: %s: %s", scene->when, error_class_name(err.class), err.message);
	if (result < 0 ? !strstr(err.message, scene->text) || out.len :
			 strcmp(buf_text(&out), scene->text) != 0)
		fail_msg("when %s: \"%s\", message \"%s\"", scene->when, buf_text(&out),
			 err.message);
}

static void a_session_is_kept(void **state)
{
	static const struct scene scenes[] = {
		{ .when = "asked once",
		  .steps = { TOKEN("TOK=="), { .expect = ASKS("TOK=="), .answer = OK("i-1") } },
		  .text = "i-1" },
		{ .when = "asked three times: one token",
		  .steps = { TOKEN("A"),
			     { .expect = ASKS("A"), .answer = OK("1") },
			     { .expect = ASKS("A"), .answer = OK("2") },
			     { .expect = ASKS("A"), .answer = OK("3") } },
		  .gets = 3,
		  .text = "3" },
		{ .when = "the token has run out: another one",
		  .steps = { TOKEN("OLD"),
			     { .expect = ASKS("OLD"), .answer = STATUS("401 Unauthorized") },
			     TOKEN("NEW"),
			     { .expect = ASKS("NEW"), .answer = OK("yes") } },
		  .text = "yes" },
		{ .when = "the service stumbles: asked again",
		  .steps = { { .expect = ASKS_TOKEN, .answer = STATUS("503 Busy") },
			     TOKEN("T"),
			     { .expect = ASKS("T"), .after = HTTP_RESETS },
			     { .expect = ASKS("T"), .answer = OK("up") } },
		  .text = "up" },
		{ .when = "the answer is empty",
		  .steps = { TOKEN("T"), { .expect = ASKS("T"), .answer = OK("") } },
		  .text = "" },
		{ .when = "no token is had the first time: asked for the second time",
		  .steps = { { .expect = ASKS_TOKEN, .answer = STATUS("500 Oops") },
			     TOKEN("T"),
			     { .expect = ASKS("T"), .answer = OK("late") } },
		  .gets = 2,
		  .text = "late" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		play(&scenes[i]);
}

static void a_refusal_says_why(void **state)
{
	static const struct scene scenes[] = {
		{ .when = "there is no such thing",
		  .steps = { TOKEN("T"),
			     { .expect = ASKS("T"), .answer = STATUS("404 Not Found") } },
		  .class = ERROR_NOT_FOUND,
		  .text = "no /latest/x" },
		{ .when = "the service is switched off",
		  .steps = { { .expect = ASKS_TOKEN, .answer = STATUS("403 Forbidden") } },
		  .class = ERROR_DENIED,
		  .text = "HttpEndpoint" },
		{ .when = "a fresh token is refused as well: not a third time",
		  .steps = { TOKEN("A"),
			     { .expect = ASKS("A"), .answer = STATUS("401 No") },
			     TOKEN("B"),
			     { .expect = ASKS("B"), .answer = STATUS("401 No") } },
		  .class = ERROR_DENIED,
		  .text = "status 401" },
		{ .when = "another service answers the PUT",
		  .steps = { { .expect = ASKS_TOKEN, .answer = STATUS("404 Not Found") } },
		  .class = ERROR_MALFORMED,
		  .text = "no IMDSv2 session token" },
		{ .when = "another service answers the PUT with 405",
		  .steps = { { .expect = ASKS_TOKEN, .answer = STATUS("405 Not Allowed") } },
		  .class = ERROR_MALFORMED,
		  .text = "status 405" },
		{ .when = "the token is a page",
		  .steps = { TOKEN("<html> </html>") },
		  .class = ERROR_MALFORMED,
		  .text = "gave no session token" },
		{ .when = "the token would be two headers",
		  .steps = { TOKEN("A\r\nX: y") },
		  .class = ERROR_MALFORMED,
		  .text = "gave no session token" },
		{ .when = "the token is empty",
		  .steps = { TOKEN("") },
		  .class = ERROR_MALFORMED,
		  .text = "gave no session token" },
		{ .when = "the answer is longer than there is room",
		  .steps = { TOKEN("T"), { .expect = ASKS("T"), .answer = OK("123456789") } },
		  .limit = 8,
		  .class = ERROR_MALFORMED,
		  .text = "longer than 8 bytes" },
		{ .when = "the service has a fault of its own",
		  .steps = { TOKEN("T"), { .expect = ASKS("T"), .answer = STATUS("500 Oops") } },
		  .class = ERROR_UNREACHABLE,
		  .text = "status 500" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		play(&scenes[i]);
}

static void silence_is_no_answer(void **state)
{
	static const struct http_step steps[] = { { .expect = ASKS_TOKEN, .after = HTTP_HANGS },
						  { .expect = ASKS_TOKEN, .after = HTTP_HANGS } };
	SCOPED(buf) struct buf out = BUF(64);
	struct aws_imds *imds = NULL;
	struct error err = { 0 };
	struct http_peer peer = http_peer_start(steps, ARRAY_LEN(steps), NULL);

	(void)state;
	setenv(ENDPOINT, peer.url, 1);
	assert_int_equal(aws_imds_open(http_call, &imds, &err), 0);
	assert_int_equal(aws_imds_get(imds, "/latest/x", 300, &out, &err), -1);
	aws_imds_close(imds);
	http_peer_kill(&peer); /* how many tries fit in does not matter */
	if (err.class != ERROR_UNREACHABLE)
		fail_msg("%s: %s", error_class_name(err.class), err.message);
}

static void the_environment_says_where(void **state)
{
	static const struct {
		const char *when, *endpoint, *mode;
		enum error_class class;
		const char *text;
	} cases[] = {
		{ "nothing is said", NULL, NULL, ERROR_NONE, "" },
		{ "empty is nothing", "", "", ERROR_NONE, "" },
		{ "IPv6 is wanted", NULL, "ipv6", ERROR_NONE, "" },
		{ "the mode is none", NULL, "IPv5", ERROR_CONFIGURATION, "neither IPv4 nor IPv6" },
		{ "an endpoint wins over the mode", "http://127.0.0.1:1/", "IPv5", ERROR_NONE, "" },
		{ "the endpoint is no URL", "nonsense", NULL, ERROR_NONE, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct aws_imds *imds = NULL;
		struct error err = { 0 };

		unsetenv(ENDPOINT);
		unsetenv(MODE);
		if (cases[i].endpoint)
			setenv(ENDPOINT, cases[i].endpoint, 1);
		if (cases[i].mode)
			setenv(MODE, cases[i].mode, 1);
		int result = aws_imds_open(http_call, &imds, &err);

		aws_imds_close(imds);
		if (err.class != cases[i].class || (result < 0) != (err.class != ERROR_NONE) ||
		    !strstr(err.message, cases[i].text))
			fail_msg("when %s: %s: %s", cases[i].when, error_class_name(err.class),
				 err.message);
	}
	unsetenv(MODE);
}

static void a_slash_at_its_end_does_not_matter(void **state)
{
	static const struct http_step steps[] = { TOKEN("T"),
						  { .expect = ASKS("T"), .answer = OK("i-1") } };
	SCOPED(buf) struct buf out = BUF(64);
	struct aws_imds *imds = NULL;
	struct error err = { 0 };
	char url[80];
	struct http_peer peer = http_peer_start(steps, ARRAY_LEN(steps), NULL);

	(void)state;
	(void)snprintf(url, sizeof(url), "%s/", peer.url);
	setenv(ENDPOINT, url, 1);
	assert_int_equal(aws_imds_open(http_call, &imds, &err), 0);
	if (aws_imds_get(imds, "/latest/x", HTTP_CALL_MS, &out, &err) < 0)
		fail_msg("%s", err.message);
	aws_imds_close(imds);
	http_peer_finish(&peer, "a slash ends the endpoint");
	assert_string_equal(buf_text(&out), "i-1");
}

#define DATED(date, body) \
	"HTTP/1.1 200 OK\r\nDate: " date "\r\nContent-Length: 1\r\nConnection: close\r\n\r\n" body

static void the_time_is_its_own(void **state)
{
	static const struct http_step steps[] = {
		{ .expect = ASKS_TOKEN, .answer = DATED("Mon, 23 Nov 2026 22:19:00 GMT", "T") },
		{ .expect = ASKS("T"), .answer = DATED("Mon, 23 Nov 2026 22:20:00 GMT", "x") },
		{ .expect = ASKS("T"), .answer = OK("x") },
	};
	const int64_t told_ms = 1795472400000;
	SCOPED(buf) struct buf out = BUF(64);
	struct aws_imds *imds = NULL;
	struct error err = { 0 };
	struct http_peer peer = http_peer_start(steps, ARRAY_LEN(steps), NULL);

	(void)state;
	setenv(ENDPOINT, peer.url, 1);
	assert_int_equal(aws_imds_open(http_call, &imds, &err), 0);
	assert_int_equal(aws_imds_now_ms(imds), 0);
	for (unsigned i = 0; i < 2; i++) {
		int64_t before_ms = clock_monotonic_ms();

		if (aws_imds_get(imds, "/latest/x", HTTP_CALL_MS, &out, &err) < 0)
			fail_msg("%s", err.message);
		/* The second answer is without a date: the first one's goes on. */
		int64_t now_ms = aws_imds_now_ms(imds), most_ms = clock_monotonic_ms() - before_ms;

		if (now_ms < told_ms || (i == 0 && now_ms > told_ms + most_ms))
			fail_msg("answer %u: %lld", i, (long long)now_ms);
	}
	aws_imds_close(imds);
	http_peer_finish(&peer, "the answers are dated");
}

static void it_can_be_disabled(void **state)
{
	(void)state;
	unsetenv("AWS_EC2_METADATA_DISABLED");
	assert_false(aws_imds_is_disabled());
	setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
	assert_false(aws_imds_is_disabled());
	setenv("AWS_EC2_METADATA_DISABLED", "True", 1);
	assert_true(aws_imds_is_disabled());
	unsetenv("AWS_EC2_METADATA_DISABLED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_kept),
		cmocka_unit_test(a_refusal_says_why),
		cmocka_unit_test(silence_is_no_answer),
		cmocka_unit_test(the_environment_says_where),
		cmocka_unit_test(a_slash_at_its_end_does_not_matter),
		cmocka_unit_test(the_time_is_its_own),
		cmocka_unit_test(it_can_be_disabled),
	};

	return cmocka_run_group_tests(tests, http_call_open, http_call_close);
}
