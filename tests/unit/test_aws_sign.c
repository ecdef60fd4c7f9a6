#include "common/aws_sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_BYTES = 4096 };

#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NOW 1440938160000 /* 2015-08-30T12:36:00Z */
#define HOST_AND_DATE "host:h\nx-amz-date:d\n"

static const char *const plain_headers[] = { "X-Amz-Date: d", "Host: h", NULL };

/* The published vectors go through tests/vectors; this is what they leave out. */
static void the_canonical_request_follows_the_rules(void **state)
{
	static const struct {
		const char *when, *service, *path, *query;
		const char *want_path, *want_query;
	} cases[] = {
		{ "the path is the root", "ec2", "/", NULL, "/", "" },
		{ "the path is empty", "ec2", "", NULL, "/", "" },
		{ "S3's path is empty", "s3", "", NULL, "/", "" },
		{ "the path is encoded: once more", "ec2", "/a%20b", NULL, "/a%2520b", "" },
		{ "S3's path is encoded: as it is", "s3", "/a%20b", NULL, "/a%20b", "" },
		{ "the path has dots and slashes", "ec2", "//a/./b/../c//", NULL, "/a/c/", "" },
		{ "S3's has: it is a key", "s3", "//a/./b/../c//", NULL, "//a/./b/../c//", "" },
		{ "the path climbs out", "ec2", "/../../a", NULL, "/a", "" },
		{ "a name is a part of another one", "ec2", "/", "ab=1&a=2&a-=3", "/",
		  "a=2&a-=3&ab=1" },
		{ "values order equal names", "ec2", "/", "a=2&a=1&a=", "/", "a=&a=1&a=2" },
		{ "a name has no value", "ec2", "/", "b&a", "/", "a=&b=" },
		{ "a value has a mark of its own", "ec2", "/", "a=b=c", "/", "a=b%3Dc" },
		{ "there are empty parameters", "ec2", "/", "&&a=1&", "/", "a=1" },
		{ "capitals come first", "ec2", "/", "a=1&B=2", "/", "B=2&a=1" },
		{ "a percent sign begins no code", "ec2", "/", "a=%2&b=%zz", "/",
		  "a=%252&b=%25zz" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf got = BUF(TEXT_BYTES), want = BUF(TEXT_BYTES);
		const struct aws_sign_request request = { .method = "GET",
							  .path = cases[i].path,
							  .query = cases[i].query,
							  .headers = plain_headers,
							  .service = cases[i].service,
							  .region = "us-east-1",
							  .now_ms = NOW };

		aws_sign_canonical(&request, &got);
		buf_addf(&want, "GET\n%s\n%s\n" HOST_AND_DATE "\nhost;x-amz-date\n" NOTHING,
			 cases[i].want_path, cases[i].want_query);
		if (strcmp(buf_text(&got), buf_text(&want)) != 0)
			fail_msg("when %s:\n%s\nwanted:\n%s", cases[i].when, buf_text(&got),
				 buf_text(&want));
	}
}

static void headers_are_sorted_and_trimmed(void **state)
{
	static const char *const headers[] = {
		"x-b:  two   words ", "X-A:1", "Host: h", "x-a: 0", "X-Ab: c", "x-empty:", NULL
	};
	const struct aws_sign_request request = { .method = "PUT",
						  .path = "/",
						  .headers = headers,
						  .service = "ec2",
						  .region = "us-east-1",
						  .now_ms = NOW };
	SCOPED(buf) struct buf got = BUF(TEXT_BYTES);

	(void)state;
	aws_sign_canonical(&request, &got);
	assert_string_equal(buf_text(&got),
			    "PUT\n/\n\nhost:h\nx-a:1,0\nx-ab:c\nx-b:two words\nx-empty:\n\n"
			    "host;x-a;x-ab;x-b;x-empty\n" NOTHING);
}

/* IAM User Guide, "Elements of an AWS API request signature": the suite's get-vanilla. */
static void the_header_is_that_of_the_suite(void **state)
{
	static const char *const headers[] = { "Host:example.amazonaws.com",
					       "X-Amz-Date:20150830T123600Z", NULL };
	const struct aws_sign_request request = { .method = "GET",
						  .path = "/",
						  .headers = headers,
						  .service = "service",
						  .region = "us-east-1",
						  .now_ms = NOW };
	SCOPED(aws_keys) struct aws_keys keys = { .access_key_id = "AKIDEXAMPLE" };
	SCOPED(buf) struct buf got = BUF(TEXT_BYTES), narrow = BUF(64);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(secret_copy(&keys.secret_access_key,
				     slice_of("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), &err),
			 0);
	assert_int_equal(aws_sign(&request, &keys, &got, &err), 0);
	assert_string_equal(
		buf_text(&got),
		"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
		"SignedHeaders=host;x-amz-date, Signature="
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	assert_int_equal(aws_sign(&request, &keys, &narrow, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
}

static void the_time_is_short(void **state)
{
	char text[AWS_TIME_ROOM];

	(void)state;
	aws_sign_time(NOW, text);
	assert_string_equal(text, "20150830T123600Z");
	aws_sign_time(NOW + 999, text);
	assert_string_equal(text, "20150830T123600Z");
}

static void what_is_no_letter_is_encoded(void **state)
{
	static const struct {
		const char *when, *text, *keep, *want;
	} cases[] = {
		{ "all is plain", "azAZ09-._~", "", "azAZ09-._~" },
		{ "there is a blank and a plus", "a b+c", "", "a%20b%2Bc" },
		{ "slashes stay", "/a/b c", "/", "/a/b%20c" },
		{ "slashes do not", "/a", "", "%2Fa" },
		{ "bytes are beyond ASCII", "\xc3\xa4\xff", "", "%C3%A4%FF" },
		{ "a percent sign", "%41", "", "%2541" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf got = BUF(TEXT_BYTES);

		aws_sign_encode(slice_of(cases[i].text), cases[i].keep, &got);
		if (strcmp(buf_text(&got), cases[i].want) != 0)
			fail_msg("when %s: %s", cases[i].when, buf_text(&got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_canonical_request_follows_the_rules),
		cmocka_unit_test(headers_are_sorted_and_trimmed),
		cmocka_unit_test(the_header_is_that_of_the_suite),
		cmocka_unit_test(the_time_is_short),
		cmocka_unit_test(what_is_no_letter_is_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
