/*
 * signed_calls: common/aws.h, driven line by line, for test_call.py and test_call_s3.py.
 * Credentials and endpoints come from the environment, as for both programs. Each line of standard
 * input is a call, its words set apart by tabs: call SERVICE REGION METHOD PATH QUERY TARGET BODY
 * BODY is base64; "": none, and no TARGET region
 */

#include <stdlib.h>
#include <string.h>

#include "common/aws.h"
#include "common/base64.h"
#include "tests/unit/support/driven.h"

enum { TIMEOUT_MS = 30000 };

static struct aws *aws;

static struct aws *door(struct error *err)
{
	const struct aws_options options = { .user_agent = "mayfly-test/1" };

	if (!aws && aws_open(&options, &aws, err) < 0)
		return NULL;
	return aws;
}

static const char *or_none(const char *word)
{
	return *word ? word : NULL;
}

static int send(const struct aws_request *request, struct json *out, struct error *err)
{
	SCOPED(http_answer) struct http_answer answer = { 0 };

	if (!door(err) || aws_call(aws, request, &answer, err) < 0)
		return -1;
	json_add_integer(out, "status", answer.status);
	json_add_text(out, "body", buf_text(&answer.body));
	json_add_text(out, "noted", answer.noted);
	return 0;
}

static int tell_answer(char *const *words, struct json *out, struct error *err)
{
	size_t len = strlen(words[7]);
	unsigned char *body = memory_array(1, len / 4 * 3 + 2);
	struct aws_request request = { .service = words[1],
				       .region = words[2],
				       .method = words[3],
				       .path = words[4],
				       .query = or_none(words[5]),
				       .target = or_none(words[6]),
				       .timeout_ms = TIMEOUT_MS,
				       .note_header = "x-amz-bucket-region" };
	int result = base64_read((struct slice){ words[7], len }, BASE64_PADDED, body, &len, err);

	request.body = (struct slice){ (const char *)body, len };
	if (request.target)
		request.content_type = "application/x-amz-json-1.1";
	if (!result)
		result = send(&request, out, err);
	free(body);
	return result;
}

static int tell_region(char *const *words, struct json *out, struct error *err)
{
	char region[AWS_REGION_ROOM];

	(void)words;
	if (!door(err) || aws_region(aws, region, err) < 0)
		return -1;
	json_add_text(out, "region", region);
	return 0;
}

static const struct driven_call calls[] = {
	{ "call", 8, tell_answer },
	{ "region", 1, tell_region },
};

int main(void)
{
	int status = driven_serve(calls, ARRAY_LEN(calls));

	aws_close(aws);
	return status;
}
