#include "common/aws_endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROFILE "[default]\nservices = s\nendpoint_url = http://profile/\n"
#define SERVICES "[services s]\nsecrets_manager =\n  endpoint_url = http://service\n"

static void an_endpoint_is_found(void **state)
{
	static const struct {
		const char *when;
		const char *of_service, *of_all, *ignored; /* variables */
		const char *config, *service, *region, *want;
	} cases[] = {
		{ "nothing is said", "", "", "", "", "ec2", "eu-central-1",
		  "https://ec2.eu-central-1.amazonaws.com" },
		{ "it is in China", "", "", "", "", "ec2", "cn-north-1",
		  "https://ec2.cn-north-1.amazonaws.com.cn" },
		{ "a variable says it of the service", "http://one/", "http://all", "",
		  PROFILE SERVICES, "secretsmanager", "r", "http://one" },
		{ "it says it of another service", "http://one", "", "", "", "ec2", "us-east-1",
		  "https://ec2.us-east-1.amazonaws.com" },
		{ "a variable says it of all", "", "http://all//", "", PROFILE SERVICES,
		  "secretsmanager", "r", "http://all" },
		{ "the services' section says it", "", "", "", PROFILE SERVICES, "secretsmanager",
		  "r", "http://service" },
		{ "that section is silent", "", "", "", PROFILE SERVICES, "ec2", "r",
		  "http://profile" },
		{ "they are to be ignored", "http://one", "http://all", "TRUE", PROFILE SERVICES,
		  "secretsmanager", "r", "https://secretsmanager.r.amazonaws.com" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(aws_profiles)
		struct aws_profiles profiles = { .config = BUF(4096), .credentials = BUF(4096) };
		SCOPED(buf) struct buf got = BUF(256);

		setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", cases[i].of_service, 1);
		setenv("AWS_ENDPOINT_URL", cases[i].of_all, 1);
		setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", cases[i].ignored, 1);
		buf_add(&profiles.config, slice_of(cases[i].config));
		aws_endpoint_find(&profiles, "default", cases[i].service, cases[i].region, &got);
		if (strcmp(buf_text(&got), cases[i].want) != 0)
			fail_msg("when %s: %s", cases[i].when, buf_text(&got));
	}
}

static void a_profile_is_named(void **state)
{
	(void)state;
	unsetenv("AWS_PROFILE");
	unsetenv("AWS_DEFAULT_PROFILE");
	assert_string_equal(aws_profile_name(NULL), "default");
	setenv("AWS_DEFAULT_PROFILE", "old", 1);
	assert_string_equal(aws_profile_name(NULL), "old");
	setenv("AWS_PROFILE", "new", 1);
	assert_string_equal(aws_profile_name(NULL), "new");
	assert_string_equal(aws_profile_name("given"), "given");
}

static void a_region_has_a_plain_name(void **state)
{
	static const struct {
		const char *when, *text;
		bool is_taken;
	} cases[] = {
		{ "it is one", "ap-southeast-2", true },
		{ "it is one to come", "moon-1", true },
		{ "it is empty", "", false },
		{ "it would be another host", "x.example/", false },
		{ "it has capitals", "EU-West-1", false },
		{ "it has a line end", "eu-west-1\n", false },
		{ "it has 63 letters",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
		{ "it has 64 letters",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char region[AWS_REGION_ROOM];
		struct error err = { 0 };
		int result = aws_endpoint_take_region(slice_of(cases[i].text), region, &err);

		if ((result == 0) != cases[i].is_taken)
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_endpoint_is_found),
		cmocka_unit_test(a_profile_is_named),
		cmocka_unit_test(a_region_has_a_plain_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
