/* import_bundle: what theirs keeps in the clear becomes a bundle that seal takes. */
#include "reaper/import/import_bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bundle.h"
#include "tests/unit/support/import_bench.h"

#define SCRIPT(hyper, conf)                                                             \
	"hyper_params: {" hyper "}\nconfigurations:\n" conf "  queues: {q: [[r, 1]]}\n" \
	"  resource_configurations: {r: {}}\n"

/* With keys, as the reaper would find them, or without; 0, or -1 and the bench's error. */
static int make(struct import_bench *bench, bool has_keys, struct buf *out)
{
	SCOPED(secret) struct secret secret = { 0 };
	struct import_clearml clearml = { has_keys ? "KEY" : NULL, &secret };

	assert_int_equal(secret_copy(&secret, slice_of("clearml-canary"), &bench->err), 0);
	return import_bundle(bench->source, "p", &clearml, out, &bench->notes, &bench->err);
}

static void test_all_of_it(void **state)
{
	SCOPED(buf) struct buf text = BUF(BUNDLE_TEXT_BYTES);
	SCOPED(bundle) struct bundle read = { 0 };
	struct import_bench bench;
	struct error err;

	(void)state;
	import_bench_text(SCRIPT("git_user: bot, git_pass: git-canary",
				 "  extra_clearml_conf: 'a.b: 1'\n  extra_trains_conf: 'a.c: 2'\n"),
			  &bench);
	assert_true(import_has_bundle(bench.source));
	assert_int_equal(make(&bench, true, &text), 0);
	assert_int_equal(bundle_parse(buf_slice(&text), "b", &read, &err), 0);
	assert_string_equal(read.prefix, "p");
	assert_string_equal(read.access_key, "KEY");
	assert_string_equal(secret_text(&read.secret_key), "clearml-canary");
	assert_string_equal(read.git[0].user, "bot");
	assert_string_equal(secret_text(&read.git[0].token), "git-canary");
	assert_string_equal(secret_text(&read.extra_conf), "a.c: 2\na.b: 1\n");
	assert_true(import_bench_says(&bench, IMPORT_WARNING, "add \"host\" to it"));
	assert_null(strstr(buf_text(&bench.text), "canary"));
	import_bench_release(&bench);
}

static void test_without_keys_it_is_checked_all_the_same(void **state)
{
	static const struct {
		const char *when, *text, *refused;
	} cases[] = {
		{ "all is well", SCRIPT("git_user: bot, git_pass: t", ""), NULL },
		{ "the token has a blank", SCRIPT("git_user: bot, git_pass: 'a b'", ""),
		  "git.token" },
		{ "the conf is none", SCRIPT("", "  extra_clearml_conf: 'a {'\n"), "extra_conf" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(BUNDLE_TEXT_BYTES);
		struct import_bench bench;

		import_bench_text(cases[i].text, &bench);
		int result = make(&bench, false, &text);

		if (result != (cases[i].refused ? -1 : 0) ||
		    (result && !strstr(bench.err.message, cases[i].refused)))
			fail_msg("when %s: got %d, %s", cases[i].when, result, bench.err.message);
		assert_null(strstr(buf_text(&text), "\"clearml\""));
		import_bench_release(&bench);
	}
}

static void test_half_a_login_is_none(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ SCRIPT("git_user: bot", ""), "git_user is given without" },
		{ SCRIPT("git_pass: t", ""), "git_pass is given without" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(BUNDLE_TEXT_BYTES);
		struct import_bench bench;

		import_bench_text(cases[i].text, &bench);
		assert_int_equal(make(&bench, true, &text), 0);
		assert_null(strstr(buf_text(&text), "git"));
		assert_true(import_bench_says(&bench, IMPORT_WARNING, cases[i].want));
		import_bench_release(&bench);
	}
}

static void test_there_may_be_nothing(void **state)
{
	struct import_bench bench;

	(void)state;
	import_bench_text(SCRIPT("git_user: null, git_pass: ''", ""), &bench);
	assert_false(import_has_bundle(bench.source));
	import_bench_release(&bench);
}

static int prepare(void **state)
{
	bool is_locked;
	struct error err;

	(void)state;
	return secret_prepare_process(&is_locked, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_without_keys_it_is_checked_all_the_same),
		cmocka_unit_test(test_half_a_login_is_none),
		cmocka_unit_test(test_there_may_be_nothing),
	};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
