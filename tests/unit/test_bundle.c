#include "common/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/bundle_rows.h"

static const char full[] =
	"{\"prefix\": \"prod\", \"clearml\": {\"access_key\": \"AK\", \"secret_key\": \"" CANARY
	"-clearml\"},\n"
	" \"git\": {\"user\": \"bot\", \"token\": \"" CANARY
	"-git\", \"host\": \"git.example.org\"},\n"
	" \"environment\": {\"HF_TOKEN\": \"" CANARY "-hf\", \"EMPTY\": \"\"},\n"
	" \"registries\": [{\"server\": \"ghcr.io\", \"user\": \"bot\", \"password\": \"" CANARY
	"-registry\"}],\n"
	" \"s3\": {\"key\": \"k\", \"secret\": \"" CANARY "-s3\", \"token\": \"" CANARY "-s3\"},\n"
	" \"gcs\": {\"project\": \"p\", \"credentials\": {\"type\": \"service_account\", "
	"\"client_email\": \"e\", \"token_uri\": \"u\", \"private_key\": \"" CANARY "-gcs\"}},\n"
	" \"azure\": {\"account\": \"a\", \"key\": \"" CANARY "-azure\"},\n"
	" \"ssh\": {\"key\": \"-----BEGIN RSA PRIVATE KEY-----\\n" CANARY
	"-ssh\\n-----END RSA PRIVATE KEY-----\"},\n"
	" \"files\": {\"f\": {\"path\": \"/f\", \"contents\": \"" CANARY "-file\"},\n"
	"  \"g\": {\"path\": \"/g\", \"base64\": \"Y2FuYXJ5LTdmM2E5YzUxLWI2NA==\"}},\n"
	" \"extra_conf\": {\"sdk\": {\"x\": \"" CANARY "-conf\"}}}";

static void test_a_full_one(void **state)
{
	SCOPED(bundle) struct bundle bundle = { 0 };

	(void)state;
	bundle_take(full, &bundle);
	assert_string_equal(bundle.prefix, "prod");
	assert_string_equal(bundle.access_key, "AK");
	assert_string_equal(secret_text(&bundle.secret_key), CANARY "-clearml");
	assert_int_equal(bundle.git_count, 1);
	assert_string_equal(secret_text(&bundle.git[0].token), CANARY "-git");
	assert_int_equal(bundle.environment_count, 2);
	assert_string_equal(bundle.environment[0].name, "HF_TOKEN");
	assert_string_equal(secret_text(&bundle.environment[0].value), CANARY "-hf");
	assert_string_equal(bundle.environment[1].name, "EMPTY");
	assert_int_equal(bundle.environment[1].value.len, 0);
	assert_string_equal(secret_text(&bundle.extra_conf),
			    "{\"sdk\":{\"x\":\"" CANARY "-conf\"}}");
	assert_string_equal(secret_text(&bundle.files[1].contents), CANARY "-b64");
	bundle_release(&bundle);
	assert_null(bundle.secret_key.guarded);
	assert_null(bundle.environment);
}

static void test_the_least(void **state)
{
	SCOPED(bundle) struct bundle bundle = { 0 };

	(void)state;
	bundle_take("{" KEYS "}", &bundle);
	assert_int_equal(bundle.git_count, 0);
	assert_int_equal(bundle.ssh.key.len, 0);
	assert_null(bundle.ssh.known_hosts);
	assert_int_equal(bundle.s3_count + bundle.gcs_count + bundle.azure_count, 0);
	assert_int_equal(bundle.extra_conf.len, 0);
	assert_int_equal(bundle.environment_count + bundle.file_count, 0);
}

#define E8 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
#define E32 E8 E8 E8 E8
#define CLEARML(keys) "{\"prefix\": \"p\",\n\"clearml\": {" keys "}}"

/* Shown to whoever begins: templates/bundle.example.json, and it has all that there is. */
static void test_the_example(void **state)
{
	SCOPED(bundle) struct bundle bundle = { 0 };
	SCOPED(buf) struct buf text = BUF(BUNDLE_TEXT_BYTES);
	struct error err = { 0 };

	(void)state;
	if (file_read("templates/bundle.example.json", &text, &err) < 0)
		fail_msg("%s", err.message);
	bundle_take(buf_text(&text), &bundle);
	assert_true(bundle.git_count > 1 && bundle.ssh.key.len && bundle.ssh.known_hosts);
	assert_true(bundle.s3_count > 1 && bundle.gcs_count > 1 && bundle.azure_count > 1);
	assert_true(bundle.environment_count && bundle.file_count && bundle.registry_count);
	assert_true(bundle.extra_conf.len);
}

static void test_bad_documents(void **state)
{
	static const struct bundle_row rows[] = {
		{ "it is empty", "", "b.json" },
		{ "it is cut in a secret", "{\"clearml\": {\"secret_key\": \"" CANARY, "b.json" },
		{ "it is a bare secret", CANARY, "b.json" },
		{ "it is only a text", "\"" CANARY "\"", "b.json" },
		{ "ClearML is missing", "{\"prefix\": \"p\"}", "clearml" },
		{ "the prefix is missing",
		  "{\"clearml\": {\"access_key\": \"A\", \"secret_key\": \"s\"}}",
		  "prefix: missing" },
		{ "the prefix has a colon",
		  "{\"prefix\": \"a:b\", \"clearml\": {\"access_key\": \"A\", \"secret_key\": "
		  "\"s\"}}",
		  "prefix: expected letters" },
		{ "the secret has a line end",
		  CLEARML("\"access_key\": \"AK\",\n\"secret_key\": \"" CANARY "\\n\""),
		  "b.json:3: clearml.secret_key: holds a line end" },
		{ "the access key is not ASCII",
		  CLEARML("\"access_key\": \"\xc3\xa9\", \"secret_key\": \"s\""),
		  "clearml.access_key: is not ASCII" },
		{ "the secret is missing", CLEARML("\"access_key\": \"AK\""), "secret_key" },
		{ "a name is misspelt",
		  CLEARML("\"access_key\": \"AK\", \"secret_kay\": \"" CANARY "\""),
		  "did you mean secret_key?" },
		{ "the secret is a list",
		  CLEARML("\"access_key\": \"AK\", \"secret_key\": [\"" CANARY "\"]"),
		  "clearml.secret_key" },
		{ "the secret is empty", CLEARML("\"access_key\": \"AK\", \"secret_key\": \"\""),
		  "clearml.secret_key" },
		{ "the access key is both, as other tools take them",
		  CLEARML("\"access_key\": \"AK:" CANARY "\", \"secret_key\": \"s\""),
		  "clearml.access_key: expected a name without spaces" },
		{ "the name of an S3 key is both",
		  "{" KEYS ", \"s3\": {\"key\": \"AK " CANARY "\", \"secret\": \"s\"}}",
		  "s3.key: expected printable" },
		{ "git has no user", "{" KEYS ", \"git\": {\"token\": \"" CANARY "\"}}", "git" },
		{ "a variable is no text",
		  "{" KEYS ",\n\"environment\": {\"A\": {\"b\": \"" CANARY "\"}}}",
		  "b.json:2: environment.A" },
		{ "a variable's name has a blank",
		  "{" KEYS ", \"environment\": {\"A B\": \"" CANARY "\"}}",
		  "environment[\"A B\"]" },
		{ "a variable's name begins with a digit",
		  "{" KEYS ", \"environment\": {\"1A\": \"" CANARY "\"}}", "environment.1A" },
		{ "a variable has no name", "{" KEYS ", \"environment\": {\"\": \"" CANARY "\"}}",
		  "environment[\"\"]" },
		{ "a NUL is in a secret",
		  CLEARML("\"access_key\": \"AK\", \"secret_key\": \"" CANARY "\\u0000\""),
		  "b.json" },
		{ "a name stands twice", "{" KEYS ", " KEYS "}", "clearml" },
	};

	(void)state;
	bundle_check_rows(rows, ARRAY_LEN(rows));
}

/* One registry a row, with a password that must not be told. */
#define REGISTRY(server) \
	"{\"server\": \"" server "\", \"user\": \"u\", \"password\": \"" CANARY "\"}"
#define REGISTRIES(list) BUNDLE("\"registries\": [" list "]")

static void test_registries(void **state)
{
	static const char text[] =
		REGISTRIES(REGISTRY("docker.io") ", " REGISTRY("registry.example.com:5000"));
	SCOPED(bundle) struct bundle bundle = { 0 };
	struct error err = { 0 };

	(void)state;
	if (bundle_parse(slice_of(text), "b.json", &bundle, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(bundle.registry_count, 2);
	assert_string_equal(bundle.registries[0].server, "docker.io");
	assert_string_equal(bundle.registries[0].user, "u");
	assert_string_equal(secret_text(&bundle.registries[0].password), CANARY);
	assert_string_equal(bundle.registries[1].server, "registry.example.com:5000");
	bundle_release(&bundle);
	assert_null(bundle.registries);
	assert_int_equal(bundle.registry_count, 0);
}

#define ROW(list, want)                                        \
	{                                                      \
		"registries are " list, REGISTRIES(list), want \
	}

static void test_servers_of_registries(void **state)
{
	static const struct bundle_row rows[] = {
		ROW("", NULL),
		ROW(REGISTRY("ghcr.io"), NULL),
		ROW(REGISTRY("localhost"), NULL),
		ROW(REGISTRY("host:5000"), NULL),
		ROW(REGISTRY("host:1") ", " REGISTRY("host:2"), NULL),
		ROW(REGISTRY("10.0.0.1:65535"), NULL),
		ROW(REGISTRY("[::1]"), NULL),
		ROW(REGISTRY("[::]"), NULL),
		ROW(REGISTRY("[2001:db8::1]:5000"), NULL),
		ROW(REGISTRY(""), "registries[0].server"),
		ROW(REGISTRY("https://ghcr.io"), "without https://"),
		ROW(REGISTRY("ghcr.io/"), "without a path"),
		ROW(REGISTRY("ghcr.io/me"), "without a path"),
		ROW(REGISTRY("ghcr.io") ", " REGISTRY("me@ghcr.io"),
		    "b.json:2: registries[1].server: expected a registry"),
		ROW(REGISTRY("ghcr.io:"), "registries[0].server"),
		ROW(REGISTRY("ghcr.io:x"), "registries[0].server"),
		ROW(REGISTRY("ghcr.io:123456"), "registries[0].server"),
		ROW(REGISTRY("ghcr.io:1:2"), "registries[0].server"),
		ROW(REGISTRY(":5000"), "registries[0].server"),
		ROW(REGISTRY("-ghcr.io"), "registries[0].server"),
		ROW(REGISTRY("ghcr."), "registries[0].server"),
		ROW(REGISTRY("ghcr-:1"), NULL), /* the engine's to say */
		ROW(REGISTRY("gh cr.io"), "registries[0].server"),
		ROW(REGISTRY("ghcr.io\\n"), "registries[0].server"),
		ROW(REGISTRY("[]"), "registries[0].server"),
		ROW(REGISTRY("[::1"), "registries[0].server"),
		ROW(REGISTRY("[g::1]"), "registries[0].server"),
		ROW(REGISTRY("[::1]5000"), "registries[0].server"),
		ROW(REGISTRY(CANARY "/x"), "registries[0].server"),
		ROW(REGISTRY("index.docker.io"), "is written docker.io"),
		ROW(REGISTRY("Registry-1.docker.io"), "is written docker.io"),
		ROW(REGISTRY("a") ", " REGISTRY("ghcr.io") ", " REGISTRY("GHCR.io"),
		    "registries[2].server: GHCR.io is the server of registries[1] already"),
		ROW("{\"server\": \"a\", \"user\": \"u\"}",
		    "b.json:2: registries[0].password: missing"),
		ROW("{\"server\": \"a\", \"user\": \"u\", \"password\": \"\"}",
		    "registries[0].password"),
		ROW("{\"server\": \"a\", \"user\": \"\", \"password\": \"" CANARY "\"}",
		    "registries[0].user"),
		ROW("\"" CANARY "\"", "b.json:2: registries[0]"),
		{ "registries are no list", "{" KEYS ", \"registries\": " REGISTRY("a") "}",
		  "registries" },
		{ "a server is longer than fits",
		  "{" KEYS ", \"registries\": [{\"server\": \"" E32 E32 E32 E32
		  "\", \"user\": \"u\", \"password\": \"" CANARY "\"}]}",
		  "registries[0].server: 256 bytes" },
	};

	(void)state;
	bundle_check_rows(rows, ARRAY_LEN(rows));
}

/* How often the text lies in the heap and on the stacks; guarded pages cannot be read at all. */
static unsigned count_in_memory(const char *needle)
{
	char line[512];
	unsigned found = 0;
	size_t len = strlen(needle);
	FILE *maps = fopen("/proc/self/maps", "r");

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end;
		char flags[5];

		if (sscanf(line, "%lx-%lx %4s", &start, &end, flags) != 3 ||
		    strncmp(flags, "rw", 2) != 0 || !strstr(line, "[heap]"))
			continue;
		for (const char *at = (const char *)start; at + len <= (const char *)end; at++)
			found += memcmp(at, needle, len) == 0;
	}
	fclose(maps);
	return found;
}

/* Sanitizers and valgrind bring an allocator whose memory lies elsewhere. */
static bool can_search_heap(const char *needle)
{
	char *kept = memory_text(slice_of(needle));
	bool is_found = count_in_memory(needle) > 0;

	explicit_bzero(kept, strlen(kept));
	free(kept);
	return is_found;
}

/* The needle is put together here, so that the search does not find itself. */
static void test_nothing_of_it_stays_in_the_heap(void **state)
{
	char needle[32];
	struct bundle bundle = { 0 };

	(void)state;
	snprintf(needle, sizeof(needle), "%s-%s", "canary", "7f3a9c51");
	if (!can_search_heap(needle))
		skip();
	bundle_take(full, &bundle);
	assert_int_equal(count_in_memory(needle), 0); /* all in guarded pages */
	bundle_release(&bundle);
	assert_int_equal(count_in_memory(needle), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_full_one),
		cmocka_unit_test(test_the_least),
		cmocka_unit_test(test_the_example),
		cmocka_unit_test(test_bad_documents),
		cmocka_unit_test(test_registries),
		cmocka_unit_test(test_servers_of_registries),
		cmocka_unit_test(test_nothing_of_it_stays_in_the_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
