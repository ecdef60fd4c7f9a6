#include "common/aws_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/aws_bench.h"

static void lines_are_checked(void **state)
{
	static const struct {
		const char *when, *text, *problem; /* NULL: none */
	} cases[] = {
		{ "it is empty", "", NULL },
		{ "there are comments", "# a\n; b\n\n  # c\n[default] # d\n", NULL },
		{ "lines end as Windows has it", "[default]\r\na = b\r\n", NULL },
		{ "a byte order mark is first", "\xef\xbb\xbf[default]\na=b", NULL },
		{ "a value goes on", "[default]\na = b\n  c\n", NULL },
		{ "values are nested", "[services s]\nec2 =\n  endpoint_url = u\n", NULL },
		{ "a value is empty", "[default]\na =\n", NULL },
		{ "a key is before any section", "a = b\n", "line 1: it stands before any" },
		{ "an indented one is", "  a = b\n", "line 1: it stands before any" },
		{ "a section does not end", "\n[default\n", "line 2: a [ is not closed" },
		{ "a section has no name", "[ ]\n", "line 1: a section without a name" },
		{ "something follows a section", "[a] b\n", "line 1: something stands behind" },
		{ "there is no equals sign", "[a]\nb\n", "line 2: expected name = value" },
		{ "there is no name", "[a]\n= b\n", "line 2: a value without a name" },
		{ "an indented line follows a section", "[a]\n  b = c\n",
		  "line 2: it is indented" },
		{ "a nested line has no equals sign", "[a]\nb =\n  c\n", "line 3: expected" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };
		int result = aws_profile_check(slice_of(cases[i].text), &err);

		if (result != (cases[i].problem ? -1 : 0) ||
		    (result < 0 &&
		     (err.class != ERROR_CONFIGURATION || !strstr(err.message, cases[i].problem))))
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

#define BOTH(config_, credentials_) .config = (config_), .credentials = (credentials_)

static void values_are_found(void **state)
{
	static const struct {
		const char *when, *config, *credentials, *profile;
		const char *want; /* of "region"; NULL: none */
	} cases[] = {
		{ "it is the default one", BOTH("[default]\nregion = a\n", ""), "default", "a" },
		{ "it is another one", BOTH("[default]\nregion=a\n[profile p]\nregion=b\n", ""),
		  "p", "b" },
		{ "its name has blanks", BOTH("[profile \"p q\"]\nregion=b\n", ""), "p q", "b" },
		{ "there are more blanks", BOTH("[ profile   p ]\n Region=x\nREGION =  b  \n", ""),
		  "p", "b" },
		{ "without the word it is none", BOTH("[p]\nregion=b\n", ""), "p", NULL },
		{ "with the word the credentials have none", BOTH("", "[profile p]\nregion=b\n"),
		  "p", NULL },
		{ "the default one has the word", BOTH("[profile default]\nregion=b\n", ""),
		  "default", "b" },
		{ "both files say it", BOTH("[default]\nregion=a\n", "[default]\nregion=b\n"),
		  "default", "b" },
		{ "one file is silent", BOTH("[default]\nregion=a\n", "[default]\nx=b\n"),
		  "default", "a" },
		{ "it is said twice", BOTH("[default]\nregion=a\nregion=b\n", ""), "default", "b" },
		{ "its section comes twice",
		  BOTH("[default]\nregion=a\n[profile x]\n[default]\ny=b\n", ""), "default", "a" },
		{ "a comment follows", BOTH("[default]\nregion = a # b\n", ""), "default", "a" },
		{ "the mark is a part of it", BOTH("[default]\nregion = a#b\n", ""), "default",
		  "a#b" },
		{ "it goes on", BOTH("[default]\nregion = a\n  b\nx=y\n", ""), "default",
		  "a\n  b" },
		{ "it is nested in another one", BOTH("[default]\ns3 =\n  region = a\n", ""),
		  "default", NULL },
		{ "it is empty", BOTH("[default]\nregion =\n", ""), "default", NULL },
		{ "the name is a part of another one", BOTH("[default]\nregions = a\n", ""),
		  "default", NULL },
		{ "it is of a service", BOTH("[services default]\nregion = a\n", ""), "default",
		  NULL },
		{ "the last line does not end", BOTH("[default]\nregion = a", ""), "default", "a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(aws_profiles)
		struct aws_profiles profiles = { .config = BUF(4096), .credentials = BUF(4096) };
		struct slice got = { "", 0 };

		buf_add(&profiles.config, slice_of(cases[i].config));
		buf_add(&profiles.credentials, slice_of(cases[i].credentials));
		bool is_found = aws_profile_find(&profiles, cases[i].profile, "region", &got);

		if (is_found != (cases[i].want != NULL) ||
		    (is_found && !slice_equals(got, cases[i].want)))
			fail_msg("when %s: %.*s", cases[i].when, (int)got.len, got.ptr);
	}
}

static void sections_exist_or_not(void **state)
{
	SCOPED(aws_profiles)
	struct aws_profiles profiles = { .config = BUF(4096), .credentials = BUF(4096) };

	(void)state;
	buf_add(&profiles.config, slice_of("[profile a]\n[services s]\n[sso-session t]\n"));
	buf_add(&profiles.credentials, slice_of("[b]\nx = y\n"));
	assert_true(aws_profile_exists(&profiles, "a"));
	assert_true(aws_profile_exists(&profiles, "b"));
	assert_false(aws_profile_exists(&profiles, "s"));
	assert_false(aws_profile_exists(&profiles, "t"));
	assert_false(aws_profile_exists(&profiles, "A"));
	assert_false(aws_profile_exists(&profiles, "default"));
}

static void services_have_endpoints(void **state)
{
	SCOPED(aws_profiles)
	struct aws_profiles profiles = { .config = BUF(4096), .credentials = BUF(4096) };
	struct slice got = { 0 };

	(void)state;
	buf_add(&profiles.config,
		slice_of("[services s]\nec2 = \n  endpoint_url = http://e\n  other = x\n"
			 "s3 =\n  other = y\n[services u]\nec2 =\n  endpoint_url = http://u\n"
			 "endpoint_url = http://outer\n"));
	assert_true(
		aws_profile_find_service(&profiles, slice_of("s"), "ec2", "endpoint_url", &got));
	assert_true(slice_equals(got, "http://e"));
	assert_true(
		aws_profile_find_service(&profiles, slice_of("u"), "ec2", "endpoint_url", &got));
	assert_true(slice_equals(got, "http://u"));
	assert_false(
		aws_profile_find_service(&profiles, slice_of("s"), "s3", "endpoint_url", &got));
	assert_false(
		aws_profile_find_service(&profiles, slice_of("t"), "ec2", "endpoint_url", &got));
}

static void files_are_where_variables_say(void **state)
{
	static const struct {
		struct aws_surroundings around;
		enum error_class class;
		const char *text;
	} cases[] = {
		{ { "they are at home", .config = "[default]\nregion=a\n" }, ERROR_NONE, "a" },
		{ { "a variable says where",
		    { "AWS_CONFIG_FILE=HOME/token" },
		    .config = "[default]\nregion=a\n",
		    .token = "[default]\nregion=b\n" },
		  ERROR_NONE,
		  "b" },
		{ { "from home on",
		    { "AWS_SHARED_CREDENTIALS_FILE=~/token" },
		    .config = "[default]\nregion=a\n",
		    .token = "[default]\nregion=c\n" },
		  ERROR_NONE,
		  "c" },
		{ { "there is none", { "AWS_CONFIG_FILE=HOME/none" }, .config = NULL },
		  ERROR_NONE,
		  "" },
		{ { "it is a folder", { "AWS_CONFIG_FILE=HOME" }, .config = NULL },
		  ERROR_CONFIGURATION,
		  "" },
		{ { "it makes no sense", .credentials = "[default]\nsecret\n" },
		  ERROR_CONFIGURATION,
		  "/.aws/credentials: line 2: expected" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(aws_profiles) struct aws_profiles profiles = { 0 };
		struct slice got = { "", 0 };
		struct aws_bench bench;
		struct error err = { 0 };

		aws_bench_begin(&bench, &cases[i].around);
		int result = aws_profiles_load(&profiles, &err);

		if (!result)
			(void)aws_profile_find(&profiles, "default", "region", &got);
		aws_bench_end(&bench);
		if (err.class != cases[i].class || (result < 0) != (err.class != ERROR_NONE) ||
		    !strstr(result < 0 ? err.message : cases[i].text, cases[i].text) ||
		    (!result && !slice_equals(got, cases[i].text)))
			fail_msg("when %s: \"%.*s\" %s", cases[i].around.when, (int)got.len,
				 got.ptr, err.message);
	}
}

static void without_a_home_there_are_no_files(void **state)
{
	SCOPED(aws_profiles) struct aws_profiles profiles = { 0 };
	const char *home = getenv("HOME");
	char *kept = home ? memory_text(slice_of(home)) : NULL;
	struct error err = { 0 };

	(void)state;
	unsetenv("HOME");
	if (aws_profiles_load(&profiles, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(profiles.config_path, "");
	assert_false(aws_profile_exists(&profiles, "default"));
	if (kept)
		setenv("HOME", kept, 1);
	free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_checked),
		cmocka_unit_test(values_are_found),
		cmocka_unit_test(sections_exist_or_not),
		cmocka_unit_test(services_have_endpoints),
		cmocka_unit_test(files_are_where_variables_say),
		cmocka_unit_test(without_a_home_there_are_no_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
