#include "tests/unit/support/bundle_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define S3(more) "{" more "\"key\": \"K\", \"secret\": \"" CANARY "\"}"
#define ACCOUNT                                                                               \
	"{\"type\": \"service_account\", \"client_email\": \"e\", \"private_key\": \"" CANARY \
	"\", \"token_uri\": \"u\"}"
#define ACCOUNT_TEXT                                                              \
	"\"{\\\"type\\\":\\\"service_account\\\",\\\"client_email\\\":\\\"e\\\"," \
	"\\\"private_key\\\":\\\"" CANARY "\\\",\\\"token_uri\\\":\\\"u\\\"}\""
#define GCS(more, account) "{" more "\"project\": \"j\", \"credentials\": " account "}"
#define AZURE(more) "{" more "\"account\": \"a\", \"key\": \"" CANARY "\"}"

#define ENDPOINT                                                                         \
	"\"bucket\": \"b\", \"host\": \"h:9000\", \"token\": \"t\", \"secure\": false, " \
	"\"verify\": false,"
#define ALL_OF_S3 "\"s3\": [" S3("\"region\": \"r\",") ", " S3(ENDPOINT) "]"
#define ALL_OF_GCS "\"gcs\": " GCS("\"bucket\": \"g\", \"subdir\": \"x/y\",", ACCOUNT)
#define ALL_OF_AZURE "\"azure\": [" AZURE("\"container\": \"c\",") "]"

static void test_all_of_it(void **state)
{
	SCOPED(bundle) struct bundle bundle = { 0 };

	(void)state;
	bundle_take(BUNDLE(ALL_OF_S3 ", " ALL_OF_GCS ", " ALL_OF_AZURE), &bundle);
	assert_int_equal(bundle.s3_count, 2);
	assert_string_equal(bundle.s3[0].bucket, "");
	assert_string_equal(bundle.s3[0].region, "r");
	assert_string_equal(bundle.s3[0].key, "K");
	assert_string_equal(secret_text(&bundle.s3[0].secret_key), CANARY);
	assert_int_equal(bundle.s3[0].token.len, 0);
	assert_false(bundle.s3[0].is_plain || bundle.s3[0].is_unverified);
	assert_string_equal(bundle.s3[1].bucket, "b");
	assert_string_equal(bundle.s3[1].host, "h:9000");
	assert_string_equal(secret_text(&bundle.s3[1].token), "t");
	assert_true(bundle.s3[1].is_plain && bundle.s3[1].is_unverified);
	assert_int_equal(bundle.gcs_count, 1);
	assert_string_equal(bundle.gcs[0].bucket, "g");
	assert_string_equal(bundle.gcs[0].subdir, "x/y");
	assert_string_equal(bundle.gcs[0].project, "j");
	assert_int_equal(bundle.azure_count, 1);
	assert_string_equal(bundle.azure[0].account, "a");
	assert_string_equal(bundle.azure[0].container, "c");
	assert_string_equal(secret_text(&bundle.azure[0].key), CANARY);
	bundle_release(&bundle);
	assert_null(bundle.s3);
	assert_null(bundle.gcs);
	assert_null(bundle.azure);
}

/* An object, or the text of one: what tasks get is that text. */
static void test_an_account_is_carried_as_text(void **state)
{
	static const char wanted[] = "{\"type\":\"service_account\",\"client_email\":\"e\","
				     "\"private_key\":\"" CANARY "\",\"token_uri\":\"u\"}";
	static const char *const texts[] = { BUNDLE("\"gcs\": " GCS("", ACCOUNT)),
					     BUNDLE("\"gcs\": [" GCS("", ACCOUNT_TEXT) "]") };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		SCOPED(bundle) struct bundle bundle = { 0 };

		bundle_take(texts[i], &bundle);
		assert_string_equal(secret_text(&bundle.gcs[0].credentials), wanted);
	}
}

#define E2 "\xc3\xa9"

static void test_rows(void **state)
{
	static const struct bundle_row rows[] = {
		{ "there is nothing", BUNDLE("\"s3\": [], \"gcs\": [], \"azure\": []"), NULL },
		{ "there is one each", BUNDLE("\"s3\": " S3("") ", \"azure\": " AZURE("")), NULL },
		{ "a bucket is verified by nobody",
		  BUNDLE("\"s3\": " S3("\"bucket\": \"b\", \"verify\": false,")), NULL },
		{ "an endpoint is of IPv6", BUNDLE("\"s3\": " S3("\"host\": \"[::1]:9000\",")),
		  NULL },

		{ "S3 has no secret", BUNDLE("\"s3\": [{\"key\": \"K\"}]"),
		  "b.json:2: s3[0].secret: missing" },
		{ "a name of S3 is misspelt", BUNDLE("\"s3\": " S3("\"buckt\": \"b\",")),
		  "s3.buckt: unknown, did you mean bucket?" },
		{ "two are the default", BUNDLE("\"s3\": [" S3("") ",\n" S3("") "]"),
		  "b.json:3: s3[1]: has bucket and host of s3[0]" },
		{ "two are for one bucket",
		  BUNDLE("\"s3\": [" S3("\"bucket\": \"b\",") ", " S3("\"bucket\": \"B\",") "]"),
		  "s3[1]: has bucket and host of s3[0]" },
		{ "an endpoint is a URL", BUNDLE("\"s3\": " S3("\"host\": \"http://h:9000\",")),
		  "s3.host: expected an endpoint" },
		{ "an endpoint has a path", BUNDLE("\"s3\": " S3("\"host\": \"h/b\",")),
		  "s3.host: expected an endpoint" },
		{ "AWS is to be asked in the clear",
		  BUNDLE("\"s3\": " S3("\"bucket\": \"b\", \"secure\": false,")),
		  "s3.secure: false is for an endpoint" },
		{ "the default is verified by nobody", BUNDLE("\"s3\": " S3("\"verify\": false,")),
		  "s3.verify: false is for" },
		{ "a bucket is a URL", BUNDLE("\"s3\": " S3("\"bucket\": \"s3://b\",")),
		  "s3.bucket" },
		{ "S3's secret ends in a line end",
		  BUNDLE("\"s3\": {\"key\": \"K\", \"secret\": \"" CANARY "\\n\"}"),
		  "s3.secret: holds a line end" },
		{ "S3's session token is not ASCII",
		  BUNDLE("\"s3\": " S3("\"token\": \"" E2 "\",")), "s3.token: is not ASCII" },

		{ "a service account has no project",
		  BUNDLE("\"gcs\": {\"credentials\": " ACCOUNT "}"), "gcs.project: missing" },
		{ "an account is a path", BUNDLE("\"gcs\": " GCS("", "\"/root/" CANARY ".json\"")),
		  "gcs.credentials: is no JSON" },
		{ "an account is a list", BUNDLE("\"gcs\": " GCS("", "[]")), "gcs.credentials" },
		{ "an account is JSON of something else",
		  BUNDLE("\"gcs\": " GCS("", "{\"type\": \"authorized_user\"}")),
		  "gcs.credentials: is no key of a service account" },
		{ "an account is a text of a list", BUNDLE("\"gcs\": " GCS("", "\"[]\"")),
		  "gcs.credentials: is no key" },
		{ "an account has no key",
		  BUNDLE("\"gcs\": " GCS("", "{\"type\": \"service_account\", \"client_email\": "
					     "\"e\", \"token_uri\": \"" CANARY "\"}")),
		  "gcs.credentials: lacks" },
		{ "an account is not ASCII",
		  BUNDLE("\"gcs\": " GCS("", "{\"type\": \"service_account" E2 "\"}")),
		  "gcs.credentials: is not ASCII" },
		{ "a folder is of no bucket",
		  BUNDLE("\"gcs\": " GCS("\"subdir\": \"x\",", ACCOUNT)), "gcs.subdir" },
		{ "a folder is never looked for",
		  BUNDLE("\"gcs\": " GCS("\"bucket\": \"b\", \"subdir\": \"X\",", ACCOUNT)),
		  "gcs.subdir" },
		{ "two accounts are the default",
		  BUNDLE("\"gcs\": [" GCS("", ACCOUNT) ", " GCS("", ACCOUNT) "]"),
		  "gcs[1]: has bucket and subdir of gcs[0]" },

		{ "Azure has no key", BUNDLE("\"azure\": {\"account\": \"a\"}"),
		  "azure.key: missing" },
		{ "an account of Azure is a host",
		  BUNDLE("\"azure\": {\"account\": \"a.blob.core\", \"key\": \"" CANARY "\"}"),
		  "azure.account" },
		{ "two keys are for one account",
		  BUNDLE("\"azure\": [" AZURE("") ", " AZURE("") "]"),
		  "azure[1]: has account and container of azure[0]" },
		{ "one is for a container of it",
		  BUNDLE("\"azure\": [" AZURE("") ", " AZURE("\"container\": \"$root\",") "]"),
		  NULL },
	};

	(void)state;
	bundle_check_rows(rows, ARRAY_LEN(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_an_account_is_carried_as_text),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
