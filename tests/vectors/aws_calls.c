/*
 * aws_calls: the signing of AWS requests, driven line by line, for test_aws_sign.py and
 * tests/aws/test_sign.py. Each line of standard input is a call, its words set apart by tabs:
 *     sign REQUEST
 *     time MILLISECONDS
 *     encode TEXT KEEP
 * REQUEST and TEXT are base64, of JSON with method, path, query, headers (a list of "Name: value"),
 * body, service, region, now_ms, id, secret, token; of any bytes.
 */

#include <stdlib.h>
#include <string.h>

#include "common/aws_sign.h"
#include "common/base64.h"
#include "tests/unit/support/driven.h"

enum { HEADERS_MAX = 64, TEXT_BYTES = 1 << 16 };

static int decode(const char *word, struct buf *out, struct error *err)
{
	size_t len = strlen(word);
	unsigned char *bytes = memory_array(1, len / 4 * 3 + 2);
	int result = base64_read((struct slice){ word, len }, BASE64_PADDED, bytes, &len, err);

	if (!result)
		buf_add(out, (struct slice){ (const char *)bytes, len });
	free(bytes);
	return result;
}

static int sign(const struct json *from, const char *const *headers, struct json *out,
		struct error *err)
{
	SCOPED(aws_keys) struct aws_keys keys = { 0 };
	SCOPED(buf) struct buf canonical = BUF(TEXT_BYTES), to_sign = BUF(TEXT_BYTES);
	SCOPED(buf) struct buf authorization = BUF(TEXT_BYTES);
	const struct aws_sign_request request = {
		.method = json_text_or(from, "method", ""),
		.path = json_text_or(from, "path", ""),
		.query = json_text_or(from, "query", NULL),
		.headers = headers,
		.body = slice_of(json_text_or(from, "body", "")),
		.service = json_text_or(from, "service", ""),
		.region = json_text_or(from, "region", ""),
		.now_ms = json_integer_or(from, "now_ms", 0),
	};

	if (text_copy(keys.access_key_id, sizeof(keys.access_key_id),
		      slice_of(json_text_or(from, "id", "")), err) < 0 ||
	    secret_copy(&keys.secret_access_key, slice_of(json_text_or(from, "secret", "")), err) <
		    0)
		return -1;
	aws_sign_canonical(&request, &canonical);
	aws_sign_string(&request, buf_slice(&canonical), &to_sign);
	if (aws_sign(&request, &keys, &authorization, err) < 0)
		return -1;
	json_add_text(out, "canonical", buf_text(&canonical));
	json_add_text(out, "to_sign", buf_text(&to_sign));
	json_add_text(out, "authorization", buf_text(&authorization));
	return 0;
}

static int tell_signature(char *const *words, struct json *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES);
	SCOPED(json_document) struct json_document from = { 0 };
	const char *headers[HEADERS_MAX + 1] = { NULL };
	const struct json *list = NULL;
	size_t count = 0;

	if (decode(words[1], &text, err) < 0 || json_parse(buf_slice(&text), &from, err) < 0 ||
	    json_list(from.root, "headers", &list, err) < 0)
		return -1;
	for (const struct json *one = json_first(list); one && count < HEADERS_MAX;
	     one = json_next(one))
		headers[count++] = json_text_value(one);
	return sign(from.root, headers, out, err);
}

static int tell_time(char *const *words, struct json *out, struct error *err)
{
	char time[AWS_TIME_ROOM];

	(void)err;
	aws_sign_time(strtoll(words[1], NULL, 10), time);
	json_add_text(out, "time", time);
	return 0;
}

static int tell_encoded(char *const *words, struct json *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES), encoded = BUF(4 * TEXT_BYTES);

	if (decode(words[1], &text, err) < 0)
		return -1;
	aws_sign_encode(buf_slice(&text), words[2], &encoded);
	json_add_text(out, "encoded", buf_text(&encoded));
	return 0;
}

static const struct driven_call calls[] = {
	{ "sign", 2, tell_signature },
	{ "time", 2, tell_time },
	{ "encode", 3, tell_encoded },
};

int main(void)
{
	return driven_serve(calls, ARRAY_LEN(calls));
}
