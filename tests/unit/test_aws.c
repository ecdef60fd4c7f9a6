#include "common/aws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/support/aws_bench.h"
#include "tests/unit/support/http_call.h"

#define KEYS "AWS_ACCESS_KEY_ID=AKENV", "AWS_SECRET_ACCESS_KEY=senv"
#define SESSION KEYS, "AWS_SESSION_TOKEN=tenv"
#define CONTAINER "AWS_CONTAINER_CREDENTIALS_FULL_URI=URL/creds"
#define ASKS_KEYS(answer_)                                                 \
	{                                                                  \
		.expect = { "GET /creds HTTP/1.1\r\n" }, .answer = answer_ \
	}
#define REFUSES(code)                                                                  \
	"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n<Response><Errors><Error>" \
	"<Code>" code "</Code></Error></Errors></Response>"
#define FOREVER "2090-01-02T03:04:05Z"
#define LONG_AGO "2020-01-02T03:04:05Z"

static struct aws *open_aws(void)
{
	const struct aws_options options = { .user_agent = "mayfly-test/1" };
	struct aws *aws = NULL;
	struct error err;

	if (aws_open(&options, &aws, &err) < 0)
		fail_msg("%s", err.message);
	return aws;
}

static struct aws_request request_of(const char *service, const char *body)
{
	return (struct aws_request){ .service = service,
				     .region = "eu-central-1",
				     .method = *body ? "POST" : "GET",
				     .path = "/",
				     .body = slice_of(body),
				     .timeout_ms = HTTP_CALL_MS };
}

/* --- What is sent. */

struct scene {
	struct aws_surroundings around;
	unsigned calls; /* 0: 1 */
	/* wanted, of the last call: */
	enum error_class class;
	long status;
	const char *text; /* the body, or a part of the message */
};

static void play(const struct scene *scene)
{
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct aws_bench bench;
	struct error err = { 0 };
	const char *when = scene->around.when;
	const struct aws_request request = request_of("ec2", "Action=A");

	aws_bench_begin(&bench, &scene->around);
	struct aws *aws = open_aws();

	for (unsigned i = 0; i < (scene->calls ? scene->calls : 1); i++) {
		http_answer_release(&answer);
		err = (struct error){ 0 };
		(void)!aws_call(aws, &request, &answer, &err);
	}
	aws_close(aws);
	aws_bench_end(&bench);
	if (err.class != scene->class || answer.status != scene->status)
		fail_msg("when %s: status %ld, %s: %s", when, answer.status,
			 error_class_name(err.class), err.message);
	if (!strstr(err.class ? err.message : buf_text(&answer.body), scene->text))
		fail_msg("when %s: \"%s\" %s", when, buf_text(&answer.body), err.message);
}

static void calls_are_signed(void **state)
{
	static const struct scene scenes[] = {
		{ .around = { "keys are for ever",
			      { KEYS },
			      .steps = { { .expect = { "POST / HTTP/1.1\r\n",
						       "Authorization: AWS4-HMAC-SHA256 "
						       "Credential=AKENV/",
						       "/eu-central-1/ec2/aws4_request, "
						       "SignedHeaders=content-type;host;x-amz-date"
						       ", Signature=",
						       "\r\n\r\nAction=A" },
					   .refuse = "Security-Token",
					   .answer = OK("<a/>") } } },
		  .status = 200,
		  .text = "<a/>" },
		{ .around = { "keys are of a session",
			      { SESSION },
			      .steps = { { .expect = { "\r\nX-Amz-Security-Token: tenv\r\n",
						       "content-type;host;x-amz-date;"
						       "x-amz-security-token, " },
					   .answer = OK("<a/>") } } },
		  .status = 200,
		  .text = "<a/>" },
		{ .around = { "the answer is a refusal: it is one",
			      { KEYS },
			      .steps = { { .expect = { "POST" },
					   .answer = REFUSES("UnauthorizedOperation") } } },
		  .status = 403,
		  .text = "UnauthorizedOperation" },
		{ .around = { "there are no keys", { "AWS_EC2_METADATA_DISABLED=true" } },
		  .class = ERROR_CONFIGURATION,
		  .text = "no AWS credentials (environment" },
		{ .around = { "the endpoint is no URL", { KEYS, "AWS_ENDPOINT_URL_EC2=there" } },
		  .class = ERROR_CONFIGURATION,
		  .text = "the endpoint of ec2 begins with neither" },
		{ .around = { "a shared file makes no sense", { KEYS }, .config = "x" },
		  .class = ERROR_CONFIGURATION,
		  .text = "/.aws/config: line 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		play(&scenes[i]);
}

static void keys_are_kept_and_renewed(void **state)
{
	static const struct scene scenes[] = {
		{ .around = { "they are good for long: looked for once",
			      { CONTAINER },
			      .steps = { ASKS_KEYS(ROLE_ANSWER("AK1", FOREVER)),
					 { .expect = { "AK1/" }, .answer = OK("1") },
					 { .expect = { "AK1/" }, .answer = OK("2") } } },
		  .calls = 2,
		  .status = 200,
		  .text = "2" },
		{ .around = { "they have ended when they come: used, and not asked for each time",
			      { CONTAINER },
			      .steps = { ASKS_KEYS(ROLE_ANSWER("AK1", LONG_AGO)),
					 { .expect = { "AK1/" }, .answer = OK("1") },
					 { .expect = { "AK1/" }, .answer = OK("2") } } },
		  .calls = 2,
		  .status = 200,
		  .text = "2" },
		{ .around = { "AWS says that they have ended: once more with others",
			      { CONTAINER },
			      .steps = { ASKS_KEYS(ROLE_ANSWER("AK1", FOREVER)),
					 { .expect = { "AK1/" },
					   .answer = REFUSES("ExpiredToken") },
					 ASKS_KEYS(ROLE_ANSWER("AK2", FOREVER)),
					 { .expect = { "AK2/", "Action=A" },
					   .answer = OK("yes") } } },
		  .status = 200,
		  .text = "yes" },
		{ .around = { "the others are refused too: that is the answer",
			      { CONTAINER },
			      .steps = { ASKS_KEYS(ROLE_ANSWER("AK1", FOREVER)),
					 { .expect = { "AK1/" },
					   .answer = REFUSES("RequestExpired") },
					 ASKS_KEYS(ROLE_ANSWER("AK2", FOREVER)),
					 { .expect = { "AK2/" },
					   .answer = REFUSES("RequestExpired") } } },
		  .status = 403,
		  .text = "RequestExpired" },
		{ .around = { "there are no others: that is the answer",
			      { SESSION },
			      .steps = { { .expect = { "AKENV/" },
					   .answer = REFUSES("ExpiredToken") } } },
		  .status = 403,
		  .text = "ExpiredToken" },
		{ .around = { "the service has nothing at first",
			      { CONTAINER },
			      .steps = { ASKS_KEYS(STATUS("500 Oops")),
					 ASKS_KEYS(ROLE_ANSWER("AK1", FOREVER)),
					 { .expect = { "AK1/" }, .answer = OK("late") } } },
		  .calls = 2,
		  .status = 200,
		  .text = "late" },
		{ .around = { "the service has nothing",
			      { CONTAINER },
			      .steps = { ASKS_KEYS(STATUS("500 Oops")) } },
		  .class = ERROR_UNREACHABLE,
		  .text = "AWS credentials of the container" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		play(&scenes[i]);
}

/* As an operator does it: new keys are put in place of the old ones, which then are disabled. */
static void keys_for_ever_are_changed(void **state)
{
	static const char *const codes[] = { "AuthFailure", "InvalidClientTokenId",
					     "InvalidAccessKeyId", "UnrecognizedClientException" };
	char refusal[200];
	struct aws_surroundings around = {
		"keys without an end are changed",
		{ KEYS },
		.steps = { { .expect = { "AKENV/" }, .answer = OK("old") },
			   { .expect = { "AKENV/" }, .answer = refusal },
			   { .expect = { "AKNEW/", "Action=A" }, .answer = OK("new") } },
	};
	const struct aws_request request = request_of("ec2", "Action=A");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		SCOPED(http_answer) struct http_answer before = { 0 }, after = { 0 };
		struct aws_bench bench;
		struct error err = { 0 };

		(void)snprintf(refusal, sizeof(refusal), REFUSES("%s"), codes[i]);
		aws_bench_begin(&bench, &around);
		struct aws *aws = open_aws();

		if (aws_call(aws, &request, &before, &err) < 0)
			fail_msg("%s", err.message);
		setenv("AWS_ACCESS_KEY_ID", "AKNEW", 1);
		if (aws_call(aws, &request, &after, &err) < 0)
			fail_msg("when told %s: %s", codes[i], err.message);
		aws_close(aws);
		aws_bench_end(&bench);
		assert_string_equal(buf_text(&after.body), "new");
	}
}

/* --- The clock. */

/* An answer with a Date so far from now. */
static const char *dated(char text[static 256], const char *status, int64_t away_ms)
{
	time_t then = (time_t)((clock_wall_ms() + away_ms) / 1000);
	struct tm parts;
	char date[64];

	gmtime_r(&then, &parts);
	(void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
	(void)snprintf(text, 256,
		       "HTTP/1.1 %s\r\nDate: %s\r\nConnection: close\r\n\r\n<Code>c</Code>", status,
		       date);
	return text;
}

/* The day is what shows in the credential's scope. */
static void day_of(char out[static 16], int64_t away_ms)
{
	time_t then = (time_t)((clock_wall_ms() + away_ms) / 1000);
	struct tm parts;

	gmtime_r(&then, &parts);
	(void)strftime(out, 16, "/%Y%m%d/", &parts);
}

enum { DAY_MS = 86400000, MINUTE_MS = 60000 };

static void a_wrong_clock_is_corrected_once(void **state)
{
	static const struct {
		const char *when, *status;
		int64_t away_ms;
		bool is_repeated;
	} cases[] = {
		{ "we are three days late", "403 Forbidden", 3LL * DAY_MS, true },
		{ "we are three days early", "401 Unauthorized", -3LL * DAY_MS, true },
		{ "a bad request, and late", "400 Bad Request", 3LL * DAY_MS, true },
		{ "only a little late", "403 Forbidden", 2 * MINUTE_MS, false },
		{ "late, but well", "200 OK", 3LL * DAY_MS, false },
		{ "late, and not found", "404 Not Found", 3LL * DAY_MS, false },
		{ "late, and a fault of theirs", "500 Oops", 3LL * DAY_MS, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(http_answer) struct http_answer answer = { 0 };
		char first[256], day[16];
		struct aws_surroundings around = { .when = cases[i].when, .variables = { KEYS } };
		struct aws_bench bench;
		struct error err = { 0 };
		const struct aws_request request = request_of("ec2", "Action=A");

		day_of(day, cases[i].away_ms);
		around.steps[0] = (struct http_step){ .expect = { "POST" },
						      .answer = dated(first, cases[i].status,
								      cases[i].away_ms) };
		if (cases[i].is_repeated) { /* the clock stays right: one more call is one more */
			around.steps[1] = (struct http_step){ .expect = { day, "Action=A" },
							      .answer = first };
			around.steps[2] = around.steps[1];
		}
		aws_bench_begin(&bench, &around);
		struct aws *aws = open_aws();

		if (aws_call(aws, &request, &answer, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (cases[i].is_repeated) {
			http_answer_release(&answer);
			(void)!aws_call(aws, &request, &answer, &err);
		}
		aws_close(aws);
		aws_bench_end(&bench);
		assert_int_equal(answer.status, strtol(cases[i].status, NULL, 10));
	}
}

/* --- Many. */

static void many_go_at_once(void **state)
{
	static const struct aws_surroundings around = {
		"three services are called",
		{ CONTAINER, "AWS_ENDPOINT_URL_SSM=nowhere" },
		.steps = { ASKS_KEYS(ROLE_ANSWER("AK1", FOREVER)),
			   { .expect = { "AK1/" }, .answer = REFUSES("ExpiredToken") },
			   { .expect = { "AK1/" }, .answer = REFUSES("ExpiredToken") },
			   ASKS_KEYS(ROLE_ANSWER("AK2", FOREVER)),
			   { .expect = { "AK2/" }, .answer = OK("yes") },
			   { .expect = { "AK2/" }, .answer = OK("yes") } },
	};
	const struct aws_request requests[] = { request_of("ec2", "A"), request_of("ssm", "B"),
						request_of("s3", "") };
	struct http_answer answers[ARRAY_LEN(requests)];
	struct error errors[ARRAY_LEN(requests)];
	struct aws_bench bench;

	(void)state;
	aws_bench_begin(&bench, &around);
	struct aws *aws = open_aws();

	aws_call_all(aws, requests, answers, errors, 0);
	aws_call_all(aws, requests, answers, errors, ARRAY_LEN(requests));
	aws_close(aws);
	aws_bench_end(&bench);
	assert_int_equal(errors[0].class, ERROR_NONE);
	assert_int_equal(errors[1].class, ERROR_CONFIGURATION);
	assert_int_equal(errors[2].class, ERROR_NONE);
	assert_string_equal(buf_text(&answers[0].body), "yes");
	assert_string_equal(buf_text(&answers[2].body), "yes");
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		http_answer_release(&answers[i]);
}

static void an_object_is_asked_for(void **state)
{
	static const struct aws_surroundings around = {
		"the key is odd and the endpoint has a path",
		{ KEYS, "AWS_ENDPOINT_URL_S3=URL/base/" },
		.steps = { { .expect = { "GET /base/bucket/a%20b/%C3%BC%2B HTTP/1.1\r\n",
					 "host;x-amz-content-sha256;x-amz-date, ",
					 "X-Amz-Content-Sha256: "
					 "e3b0c44298fc1c149afbf4c8996fb92427ae"
					 "41e4649b934ca495991b7852b855\r\n" },
			     .refuse = "Content-Type",
			     .answer = "HTTP/1.1 301 Moved\r\nX-Amz-Bucket-Region: us-west-2\r\n"
				       "Content-Length: 0\r\n\r\n" } },
	};
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct aws_request request = request_of("s3", "");
	struct aws_bench bench;
	struct error err = { 0 };

	(void)state;
	request.path = "/bucket/a b/\xc3\xbc+";
	request.note_header = "x-amz-bucket-region";
	aws_bench_begin(&bench, &around);
	struct aws *aws = open_aws();

	if (aws_call(aws, &request, &answer, &err) < 0)
		fail_msg("%s", err.message);
	aws_close(aws);
	aws_bench_end(&bench);
	assert_int_equal(answer.status, 301);
	assert_string_equal(answer.noted, "us-west-2");
}

/* --- The region. */

static void the_region_is_found(void **state)
{
	static const struct {
		struct aws_surroundings around;
		enum error_class class;
		const char *text;
	} cases[] = {
		{ { "variables say so",
		    { "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-2" },
		    .config = "[default]\nregion=eu-west-3\n" },
		  ERROR_NONE,
		  "eu-west-1" },
		{ { "the older variable says so",
		    { "AWS_DEFAULT_REGION=eu-west-2" },
		    .config = "[default]\nregion=eu-west-3\n" },
		  ERROR_NONE,
		  "eu-west-2" },
		{ { "the profile says so",
		    { "AWS_PROFILE=p" },
		    .config = "[default]\nregion=eu-west-3\n[profile p]\nregion = eu-west-4\n" },
		  ERROR_NONE,
		  "eu-west-4" },
		{ { "the instance says so",
		    .steps = { { .expect = { "PUT /latest/api/token" }, .answer = OK("T") },
			       { .expect = { "GET /latest/meta-data/placement/region" },
				 .answer = OK("eu-west-5") } } },
		  ERROR_NONE,
		  "eu-west-5" },
		{ { "it is no region", { "AWS_REGION=evil.example/" }, .config = NULL },
		  ERROR_CONFIGURATION,
		  "AWS_REGION" },
		{ { "nobody says", { "AWS_EC2_METADATA_DISABLED=true" }, .config = NULL },
		  ERROR_CONFIGURATION,
		  "no AWS region: looked at AWS_REGION" },
		{ { "the instance answers with a page",
		    .steps = { { .expect = { "PUT" }, .answer = OK("T") },
			       { .expect = { "GET" }, .answer = OK("<html>") } } },
		  ERROR_CONFIGURATION,
		  "no region's name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char region[AWS_REGION_ROOM] = "";
		struct aws_bench bench;
		struct error err = { 0 };

		aws_bench_begin(&bench, &cases[i].around);
		struct aws *aws = open_aws();

		int result = aws_region(aws, region, &err);

		if (!result && aws_region(aws, region, &err) < 0) /* it is remembered */
			fail_msg("%s", err.message);
		aws_close(aws);
		aws_bench_end(&bench);
		if ((result < 0) != (cases[i].class != ERROR_NONE) ||
		    (result < 0 && err.class != cases[i].class) ||
		    !strstr(result < 0 ? err.message : region, cases[i].text))
			fail_msg("when %s: \"%s\" %s: %s", cases[i].around.when, region,
				 error_class_name(err.class), err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_signed),
		cmocka_unit_test(keys_are_kept_and_renewed),
		cmocka_unit_test(keys_for_ever_are_changed),
		cmocka_unit_test(a_wrong_clock_is_corrected_once),
		cmocka_unit_test(many_go_at_once),
		cmocka_unit_test(an_object_is_asked_for),
		cmocka_unit_test(the_region_is_found),
	};

	return cmocka_run_group_tests(tests, http_call_open, http_call_close);
}
