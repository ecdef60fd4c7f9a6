/* bundle_summary: each kind is one line of names, no secret is in it, and nothing drives a
 * terminal. */
#include "reaper/bundle_summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct secret hidden; /* the one secret of every bundle here */

static int prepare(void **state)
{
	bool is_locked;
	struct error err;

	(void)state;
	return secret_prepare_process(&is_locked, &err) < 0 ||
			       secret_copy(&hidden, slice_of("hidden"), &err) < 0 ?
		       -1 :
		       0;
}

static int release(void **state)
{
	(void)state;
	secret_release(&hidden);
	return 0;
}

static struct bundle_git git[] = {
	{ .host = "git.example.org:8443", .user = "robot" },
	{ .host = "github.com", .user = "x" },
};
static struct bundle_git any_git[] = { { .host = "", .user = "robot" } };
static struct bundle_s3 s3[] = {
	{ .key = "AKIA" },
	{ .bucket = "data" },
	{ .host = "minio:9000" },
	{ .host = "minio:9000", .bucket = "models" },
};
static struct bundle_gcs gcs[] = { { .project = "p" }, { .bucket = "b", .subdir = "a/b" } };
static struct bundle_azure azure[] = { { .account = "acc" },
				       { .account = "acc", .container = "box" } };
static struct bundle_variable variables[] = { { .name = "A" }, { .name = "B" } };
static struct bundle_file kept_files[] = { { .name = "netrc", .path = "~/.netrc" } };
static struct bundle_registry registries[] = { { .server = "docker.io", .user = "me" } };
static struct bundle_registry wild[] = { { .server = "docker.io", .user = "\x1b[2J\nme" } };

#define HEAD "prefix       lab\nclearml      access key KEY\n"
static const struct {
	const char *when;
	struct bundle bundle;
	bool has_ssh_key, has_extra;
	const char *want; /* after the head */
} rows[] = {
	{ "it holds the least", { .prefix = "lab" }, false, false, "" },
	{ "it holds two git logins",
	  { .git = git, .git_count = 2 },
	  false,
	  false,
	  "git          2: robot at git.example.org:8443, x at github.com\n" },
	{ "it holds one git login for all",
	  { .git = any_git, .git_count = 1 },
	  false,
	  false,
	  "git          1: robot at any host\n" },
	{ "it holds buckets of all kinds",
	  { .s3 = s3, .s3_count = 4, .gcs = gcs, .gcs_count = 2, .azure = azure, .azure_count = 2 },
	  false,
	  false,
	  "s3           4: default, data, minio:9000, minio:9000/models\n"
	  "gcs          2: default, b/a/b\n"
	  "azure        2: acc, acc/box\n" },
	{ "it holds what tasks are given",
	  { .environment = variables,
	    .environment_count = 2,
	    .files = kept_files,
	    .file_count = 1,
	    .registries = registries,
	    .registry_count = 1 },
	  false,
	  true,
	  "environment  2: A, B\nfiles        1: ~/.netrc\nregistries   1: me at docker.io\n"
	  "extra_conf   6 bytes\n" },
	{ "it holds an ssh key", { .prefix = "lab" }, true, false, "ssh          a key\n" },
	{ "it holds an ssh key and hosts",
	  { .ssh = { .known_hosts = (char[]){ "h ssh-rsa A" } } },
	  true,
	  false,
	  "ssh          a key, known hosts\n" },
	{ "a name would drive the terminal",
	  { .registries = wild, .registry_count = 1 },
	  false,
	  false,
	  "registries   1: ?[2J?me at docker.io\n" },
};

/* Borrows the secrets: is not released. */
static struct bundle bundle_of(size_t row)
{
	struct bundle bundle = rows[row].bundle;

	text_cut(bundle.prefix, sizeof(bundle.prefix), "lab");
	text_cut(bundle.access_key, sizeof(bundle.access_key), "KEY");
	bundle.secret_key = hidden;
	if (rows[row].has_ssh_key)
		bundle.ssh.key = hidden;
	if (rows[row].has_extra)
		bundle.extra_conf = hidden;
	return bundle;
}

static void test_one_line_a_kind(void **state)
{
	(void)state;
	git[0].token = git[1].token = any_git[0].token = hidden;
	variables[0].value = variables[1].value = kept_files[0].contents = hidden;
	registries[0].password = s3[0].secret_key = gcs[0].credentials = azure[0].key = hidden;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bundle bundle = bundle_of(i);
		SCOPED(buf) struct buf got = BUF(4096), want = BUF(4096);

		buf_addf(&want, HEAD "%s", rows[i].want);
		bundle_summary(&bundle, &got);
		if (strcmp(buf_text(&got), buf_text(&want)) != 0)
			fail_msg("when %s:\n%s", rows[i].when, buf_text(&got));
		assert_null(strstr(buf_text(&got), "hidden"));
	}
}

static void test_many_names_are_cut(void **state)
{
	enum { MANY = 200 };
	struct bundle bundle = { .environment_count = MANY };
	SCOPED(buf) struct buf got = BUF(4096);
	struct error err;

	(void)state;
	bundle.environment = memory_array(MANY, sizeof(*bundle.environment));
	for (size_t i = 0; i < MANY; i++)
		text_cut(bundle.environment[i].name, sizeof(bundle.environment[i].name),
			 "A_LONG_NAME");
	bundle_summary(&bundle, &got);
	assert_int_equal(buf_finish(&got, &err), 0);
	assert_non_null(strstr(buf_text(&got), "environment  200: A_LONG_NAME, A_LONG_NAME"));
	assert_string_equal(buf_text(&got) + got.len - 5, " ...\n");
	assert_true(got.len < 1200);
	bundle.environment_count = 0;
	free(bundle.environment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_line_a_kind),
		cmocka_unit_test(test_many_names_are_cut),
	};

	return cmocka_run_group_tests(tests, prepare, release);
}
