#include "bootstrap/aws_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/http_call.h"
#include "tests/unit/support/http_peer.h"

#define ANSWER(status, headers, body) \
	"HTTP/1.1 " status "\r\n" headers "Connection: close\r\n\r\n" body
#define GETS(region)                                                                    \
	{                                                                               \
		"GET /mayfly/sealed/bundle%20%2B.age HTTP/1.1\r\n", "Credential=AKID/", \
			"/" region "/s3/aws4_request", "\r\nX-Amz-Content-Sha256: "     \
	}
#define ASKS(region, id)                                                                      \
	{                                                                                     \
		"POST / HTTP/1.1\r\n", "\r\nX-Amz-Target: secretsmanager.GetSecretValue\r\n", \
			"/" region "/secretsmanager/aws4_request",                            \
			"\r\n\r\n{\"SecretId\":\"" id "\"}"                                   \
	}
#define XML(code)                                                        \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" code \
	"</Code><Message>words</Message><RequestId>1</RequestId></Error>"
#define HERE "eu-central-1"
#define ARN "arn:aws:secretsmanager:us-west-2:123456789012:secret:mayfly/bundle-AbCdEf"

struct scene {
	const char *when, *name;
	struct http_step steps[3]; /* up to the first one without an expectation */
	/* wanted: */
	enum error_class class;
	const char *text; /* what is read, or a part of the message */
	const char *too; /* another part of it; NULL: none */
};

typedef int (*reader)(const char *name, struct buf *out, struct error *err);

static void play(const struct scene *scene, reader read)
{
	SCOPED(buf) struct buf out = BUF(64);
	struct error err = { 0 };
	size_t count = 0;

	while (count < ARRAY_LEN(scene->steps) && scene->steps[count].expect[0])
		count++;
	struct http_peer peer = http_peer_start(scene->steps, count, NULL);

	setenv("AWS_ENDPOINT_URL", peer.url, 1);
	int result = read(scene->name, &out, &err);

	http_peer_finish(&peer, scene->when);
	if (err.class != scene->class || (result < 0) != (scene->class != ERROR_NONE))
		fail_msg("when %s: %s: %s", scene->when, error_class_name(err.class), err.message);
	if (result < 0 ? !strstr(err.message, scene->text) || out.len :
			 strcmp(buf_text(&out), scene->text) != 0)
		fail_msg("when %s: \"%s\", message \"%s\"", scene->when, buf_text(&out),
			 err.message);
	if (scene->too && !strstr(err.message, scene->too))
		fail_msg("when %s: %s", scene->when, err.message);
}

#define OBJECT "mayfly/sealed/bundle +.age"

static const struct scene objects[] = {
	{ .when = "it is there",
	  .name = OBJECT,
	  .steps = { { .expect = GETS(HERE), .answer = OK("sealed") } },
	  .text = "sealed" },
	{ .when = "its bucket is elsewhere",
	  .name = OBJECT,
	  .steps = { { .expect = GETS(HERE),
		       .answer =
			       ANSWER("301 Moved Permanently", "x-amz-bucket-region: us-west-2\r\n",
				      XML("PermanentRedirect")) },
		     { .expect = GETS("us-west-2"), .answer = OK("sealed") } },
	  .text = "sealed" },
	{ .when = "its bucket is elsewhere, which is said with 400",
	  .name = OBJECT,
	  .steps = { { .expect = GETS(HERE),
		       .answer = ANSWER("400 Bad Request", "x-amz-bucket-region: us-west-2\r\n",
					XML("AuthorizationHeaderMalformed")) },
		     { .expect = GETS("us-west-2"), .answer = OK("sealed") } },
	  .text = "sealed" },
	{ .when = "the role may not read it",
	  .name = OBJECT,
	  .steps = { { .expect = GETS(HERE),
		       .answer = ANSWER("403 Forbidden", "x-amz-bucket-region: " HERE "\r\n",
					XML("AccessDenied")) } },
	  .class = ERROR_DENIED,
	  .text = "s3:GetObject on arn:aws:s3:::" OBJECT,
	  .too = "kms:Decrypt" },
	{ .when = "it is not there",
	  .name = OBJECT,
	  .steps = { { .expect = GETS(HERE),
		       .answer = ANSWER("404 Not Found", "", XML("NoSuchKey")) } },
	  .class = ERROR_NOT_FOUND,
	  .text = "no such object" },
	{ .when = "its bucket is not there",
	  .name = OBJECT,
	  .steps = { { .expect = GETS(HERE),
		       .answer = ANSWER("404 Not Found", "", XML("NoSuchBucket")) } },
	  .class = ERROR_NOT_FOUND,
	  .text = "no such bucket" },
	{ .when = "it is archived",
	  .name = OBJECT,
	  .steps = { { .expect = GETS(HERE),
		       .answer = ANSWER("403 Forbidden", "", XML("InvalidObjectState")) } },
	  .class = ERROR_REFUSED,
	  .text = "restore it first" },
	{ .when = "a page for people refuses",
	  .name = OBJECT,
	  .steps = { { .expect = GETS(HERE),
		       .answer = ANSWER("403 Forbidden", "", "<!DOCTYPE html><p>no") } },
	  .class = ERROR_DENIED,
	  .text = "no code, status 403" },
	{ .when = "it is larger than a bundle may be",
	  .name = OBJECT,
	  .steps = { { .expect = GETS(HERE),
		       .answer = OK("0123456789012345678901234567890123456789"
				    "0123456789012345678901234567890123456789") } },
	  .class = ERROR_MALFORMED,
	  .text = "than 64" },
	{ .when = "a bucket alone is named",
	  .name = "mayfly",
	  .class = ERROR_CONFIGURATION,
	  .text = "s3://BUCKET/KEY" },
	{ .when = "a key alone is named",
	  .name = "/bundle.age",
	  .class = ERROR_CONFIGURATION,
	  .text = "s3://BUCKET/KEY" },
	{ .when = "a folder is named",
	  .name = "mayfly/",
	  .class = ERROR_CONFIGURATION,
	  .text = "s3://BUCKET/KEY" },
};

static void when_an_object_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		play(&objects[i], aws_store_object);
}

static const struct scene secrets[] = {
	{ .when = "it is a text",
	  .name = "mayfly/bundle",
	  .steps = { { .expect = ASKS(HERE, "mayfly/bundle"),
		       .answer = OK("{\"Name\":\"x\",\"SecretString\":\"a\\nb\"}") } },
	  .text = "a\nb" },
	{ .when = "it is bytes",
	  .name = "mayfly/bundle",
	  .steps = { { .expect = ASKS(HERE, "mayfly/bundle"),
		       .answer = OK("{\"SecretBinary\":\"c2VhbGVk\"}") } },
	  .text = "sealed" },
	{ .when = "it is named by its ARN, which says where it is",
	  .name = ARN,
	  .steps = { { .expect = ASKS("us-west-2", ARN),
		       .answer = OK("{\"SecretString\":\"there\"}") } },
	  .text = "there" },
	{ .when = "the role may not read it",
	  .name = "mayfly/bundle",
	  .steps = { { .expect = ASKS(HERE, "mayfly/bundle"),
		       .answer = ANSWER("400 Bad Request", "",
					"{\"__type\":\"AccessDeniedException\","
					"\"Message\":\"User: x is not authorized\"}") } },
	  .class = ERROR_DENIED,
	  .text = "secretsmanager:GetSecretValue on "
		  "arn:aws:secretsmanager:" HERE ":*:secret:mayfly/bundle-??????",
	  .too = "AccessDeniedException" },
	{ .when = "the role may not read that ARN",
	  .name = ARN,
	  .steps = { { .expect = ASKS("us-west-2", ARN),
		       .answer = ANSWER("400 Bad Request", "",
					"{\"__type\":\"com.amazon.coral.service#"
					"AccessDeniedException\"}") } },
	  .class = ERROR_DENIED,
	  .text = "GetSecretValue on " ARN "," },
	{ .when = "it is not there",
	  .name = "mayfly/bundle",
	  .steps = { { .expect = ASKS(HERE, "mayfly/bundle"),
		       .answer = ANSWER("400 Bad Request", "",
					"{\"__type\":\"ResourceNotFoundException\"}") } },
	  .class = ERROR_NOT_FOUND,
	  .text = "no such secret" },
	{ .when = "it is to be deleted",
	  .name = "mayfly/bundle",
	  .steps = { { .expect = ASKS(HERE, "mayfly/bundle"),
		       .answer = ANSWER("400 Bad Request", "",
					"{\"__type\":\"InvalidRequestException\"}") } },
	  .class = ERROR_NOT_FOUND,
	  .text = "marked for deletion" },
	{ .when = "its key is of no use",
	  .name = "mayfly/bundle",
	  .steps = { { .expect = ASKS(HERE, "mayfly/bundle"),
		       .answer = ANSWER("400 Bad Request", "",
					"{\"__type\":\"DecryptionFailure\"}") } },
	  .class = ERROR_DENIED,
	  .text = "kms:Decrypt" },
	{ .when = "the answer has no value",
	  .name = "mayfly/bundle",
	  .steps = { { .expect = ASKS(HERE, "mayfly/bundle"), .answer = OK("{}") } },
	  .class = ERROR_MALFORMED,
	  .text = "SecretBinary" },
	{ .when = "the bytes are no base64",
	  .name = "mayfly/bundle",
	  .steps = { { .expect = ASKS(HERE, "mayfly/bundle"),
		       .answer = OK("{\"SecretBinary\":\"hunter2!\"}") } },
	  .class = ERROR_MALFORMED,
	  .text = "aws-secretsmanager:mayfly/bundle" },
	{ .when = "the answer is a page",
	  .name = "mayfly/bundle",
	  .steps = { { .expect = ASKS(HERE, "mayfly/bundle"), .answer = OK("<html>") } },
	  .class = ERROR_MALFORMED,
	  .text = "Secrets Manager's answer" },
	{ .when = "no name is given",
	  .name = "",
	  .class = ERROR_CONFIGURATION,
	  .text = "aws-secretsmanager:NAME" },
};

static void when_a_secret_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		play(&secrets[i], aws_store_secret);
}

static int open_environment(void **state)
{
	static const char *const variables[][2] = {
		{ "AWS_ACCESS_KEY_ID", "AKID" },
		{ "AWS_SECRET_ACCESS_KEY", "not-for-anybodys-eyes" },
		{ "AWS_REGION", HERE },
		{ "AWS_CONFIG_FILE", "/dev/null" },
		{ "AWS_SHARED_CREDENTIALS_FILE", "/dev/null" },
		{ "AWS_EC2_METADATA_DISABLED", "true" },
	};

	unsetenv("AWS_SESSION_TOKEN");
	unsetenv("AWS_PROFILE");
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		setenv(variables[i][0], variables[i][1], 1);
	return http_call_open(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_an_object_is_read),
		cmocka_unit_test(when_a_secret_is_read),
	};

	return cmocka_run_group_tests(tests, open_environment, http_call_close);
}
