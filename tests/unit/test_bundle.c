#include "common/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"

#define CANARY "canary-7f3a9c51"

static const char full[] =
	"{\"clearml\": {\"access_key\": \"AK\", \"secret_key\": \"" CANARY "-clearml\"},\n"
	" \"git\": {\"user\": \"bot\", \"token\": \"" CANARY
	"-git\", \"host\": \"git.example.org\"},\n"
	" \"environment\": {\"HF_TOKEN\": \"" CANARY "-hf\", \"EMPTY\": \"\"},\n"
	" \"registries\": [{\"server\": \"ghcr.io\", \"user\": \"bot\", \"password\": \"" CANARY
	"-registry\"}],\n"
	" \"extra_conf\": \"sdk.x: " CANARY "-conf\"}";

static void test_a_full_one(void **state)
{
	SCOPED(bundle) struct bundle bundle = { 0 };
	struct error err = { 0 };

	(void)state;
	if (bundle_parse(slice_of(full), "b.json", &bundle, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(bundle.access_key, "AK");
	assert_string_equal(secret_text(&bundle.secret_key), CANARY "-clearml");
	assert_string_equal(bundle.git_user, "bot");
	assert_string_equal(bundle.git_host, "git.example.org");
	assert_string_equal(secret_text(&bundle.git_token), CANARY "-git");
	assert_int_equal(bundle.environment_count, 2);
	assert_string_equal(bundle.environment[0].name, "HF_TOKEN");
	assert_string_equal(secret_text(&bundle.environment[0].value), CANARY "-hf");
	assert_string_equal(bundle.environment[1].name, "EMPTY");
	assert_int_equal(bundle.environment[1].value.len, 0);
	assert_string_equal(secret_text(&bundle.extra_conf), "sdk.x: " CANARY "-conf");
	bundle_release(&bundle);
	assert_null(bundle.secret_key.guarded);
	assert_null(bundle.environment);
}

static void test_the_least(void **state)
{
	static const char text[] = "{\"clearml\": {\"access_key\": \"AK\", \"secret_key\": \"s\"}}";
	SCOPED(bundle) struct bundle bundle = { 0 };
	struct error err = { 0 };

	(void)state;
	if (bundle_parse(slice_of(text), "b.json", &bundle, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(bundle.git_user, "");
	assert_string_equal(bundle.git_host, "");
	assert_int_equal(bundle.git_token.len, 0);
	assert_int_equal(bundle.extra_conf.len, 0);
	assert_int_equal(bundle.environment_count, 0);
}

#define E8 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
#define E32 E8 E8 E8 E8
#define KEYS "\"clearml\": {\"access_key\": \"AK\", \"secret_key\": \"" CANARY "\"}"

static void test_bad_documents(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} rows[] = {
		{ "it is empty", "", "b.json" },
		{ "it is cut in a secret", "{\"clearml\": {\"secret_key\": \"" CANARY, "b.json" },
		{ "it is a bare secret", CANARY, "b.json" },
		{ "it is only a text", "\"" CANARY "\"", "b.json" },
		{ "ClearML is missing", "{}", "clearml" },
		{ "the secret is missing", "{\"clearml\": {\"access_key\": \"AK\"}}",
		  "secret_key" },
		{ "a name is misspelt",
		  "{\"clearml\": {\"access_key\": \"AK\", \"secret_kay\": \"" CANARY "\"}}",
		  "did you mean secret_key?" },
		{ "the secret is a list",
		  "{\"clearml\": {\"access_key\": \"AK\", \"secret_key\": [\"" CANARY "\"]}}",
		  "clearml.secret_key" },
		{ "the secret is empty",
		  "{\"clearml\": {\"access_key\": \"AK\", \"secret_key\": \"\"}}",
		  "clearml.secret_key" },
		{ "the access key has a colon",
		  "{\"clearml\": {\"access_key\": \"A:K\", \"secret_key\": \"s\"}}",
		  "clearml.access_key" },
		{ "git has no user", "{" KEYS ", \"git\": {\"token\": \"" CANARY "\"}}", "git" },
		{ "a variable is no text",
		  "{" KEYS ",\n\"environment\": {\"A\": {\"b\": \"" CANARY "\"}}}",
		  "b.json:2: environment.A" },
		{ "a variable's name has a blank",
		  "{" KEYS ", \"environment\": {\"A B\": \"" CANARY "\"}}", "environment.A B" },
		{ "a variable's name begins with a digit",
		  "{" KEYS ", \"environment\": {\"1A\": \"" CANARY "\"}}", "environment.1A" },
		{ "a variable has no name", "{" KEYS ", \"environment\": {\"\": \"" CANARY "\"}}",
		  "environment." },
		{ "a name has more bytes than fit",
		  "{" KEYS ", \"git\": {\"token\": \"t\", \"user\": \"" E32 E32 E32 "\"}}",
		  "git.user: 192 bytes" },
		{ "a NUL is in a secret",
		  "{\"clearml\": {\"access_key\": \"AK\", \"secret_key\": \"" CANARY "\\u0000\"}}",
		  "b.json" },
		{ "a name stands twice", "{" KEYS ", " KEYS "}", "clearml" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bundle bundle = { 0 };
		struct error err = { 0 };

		if (bundle_parse(slice_of(rows[i].text), "b.json", &bundle, &err) == 0)
			fail_msg("when %s: accepted", rows[i].when);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_null(bundle.secret_key.guarded);
		if (!strstr(err.message, rows[i].want) || !strstr(err.message, "b.json"))
			fail_msg("when %s: \"%s\" lacks \"%s\"", rows[i].when, err.message,
				 rows[i].want);
		if (strstr(err.message, CANARY))
			fail_msg("when %s: the message tells the secret", rows[i].when);
	}
}

/* One registry a row, with a password that must not be told. */
#define REGISTRY(server) \
	"{\"server\": \"" server "\", \"user\": \"u\", \"password\": \"" CANARY "\"}"
#define REGISTRIES(list) "{" KEYS ",\n\"registries\": [" list "]}"

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

static void test_servers_of_registries(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* NULL: it is taken */
	} rows[] = {
		{ REGISTRIES(""), NULL },
		{ REGISTRIES(REGISTRY("ghcr.io")), NULL },
		{ REGISTRIES(REGISTRY("localhost")), NULL },
		{ REGISTRIES(REGISTRY("host:5000")), NULL },
		{ REGISTRIES(REGISTRY("host:1") ", " REGISTRY("host:2")), NULL },
		{ REGISTRIES(REGISTRY("10.0.0.1:65535")), NULL },
		{ REGISTRIES(REGISTRY("[::1]")), NULL },
		{ REGISTRIES(REGISTRY("[::]")), NULL },
		{ REGISTRIES(REGISTRY("[2001:db8::1]:5000")), NULL },
		{ REGISTRIES(REGISTRY("")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("https://ghcr.io")), "without https://" },
		{ REGISTRIES(REGISTRY("ghcr.io/")), "without a path" },
		{ REGISTRIES(REGISTRY("ghcr.io/me")), "without a path" },
		{ REGISTRIES(REGISTRY("ghcr.io") ", " REGISTRY("me@ghcr.io")),
		  "b.json: registries[1].server: expected a registry" },
		{ REGISTRIES(REGISTRY("ghcr.io:")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("ghcr.io:x")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("ghcr.io:123456")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("ghcr.io:1:2")), "registries[0].server" },
		{ REGISTRIES(REGISTRY(":5000")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("-ghcr.io")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("ghcr.")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("ghcr-:1")), NULL }, /* the engine's to say */
		{ REGISTRIES(REGISTRY("gh cr.io")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("ghcr.io\\n")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("[]")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("[::1")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("[g::1]")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("[::1]5000")), "registries[0].server" },
		{ REGISTRIES(REGISTRY(CANARY "/x")), "registries[0].server" },
		{ REGISTRIES(REGISTRY("index.docker.io")), "is written docker.io" },
		{ REGISTRIES(REGISTRY("Registry-1.docker.io")), "is written docker.io" },
		{ REGISTRIES(REGISTRY("a") ", " REGISTRY("ghcr.io") ", " REGISTRY("GHCR.io")),
		  "registries[2].server: GHCR.io is the server of registries[1] already" },
		{ REGISTRIES("{\"server\": \"a\", \"user\": \"u\"}"),
		  "b.json:2: registries[0].password: missing" },
		{ REGISTRIES("{\"server\": \"a\", \"user\": \"u\", \"password\": \"\"}"),
		  "registries[0].password" },
		{ REGISTRIES("{\"server\": \"a\", \"user\": \"\", \"password\": \"" CANARY "\"}"),
		  "registries[0].user" },
		{ REGISTRIES("\"" CANARY "\""), "b.json:2: registries[0]" },
		{ "{" KEYS ", \"registries\": " REGISTRY("a") "}", "registries" },
		{ "{" KEYS ", \"registries\": [{\"server\": \"" E32 E32 E32 E32
		  "\", \"user\": \"u\", \"password\": \"" CANARY "\"}]}",
		  "registries[0].server: 256 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(bundle) struct bundle bundle = { 0 };
		struct error err = { 0 };
		int result = bundle_parse(slice_of(rows[i].text), "b.json", &bundle, &err);

		if ((result == 0) != !rows[i].want)
			fail_msg("%s: %d %s", rows[i].text, result, err.message);
		if (result == 0)
			continue;
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_null(bundle.registries);
		if (!strstr(err.message, rows[i].want) || !strstr(err.message, "b.json"))
			fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].text, err.message,
				 rows[i].want);
		if (strstr(err.message, CANARY))
			fail_msg("%s: the message tells the secret", rows[i].text);
	}
}

static void write_bundle(const char *path, mode_t mode)
{
	struct error err = { 0 };

	if (file_write(path, slice_of(full), mode, &err) < 0)
		fail_msg("%s", err.message);
}

static void test_loading_asks_for_a_closed_file(void **state)
{
	static const struct {
		mode_t mode;
		bool is_accepted;
	} rows[] = { { 0600, true },  { 0400, true },  { 0640, false },
		     { 0604, false }, { 0620, false }, { 0666, false } };
	char folder[SCRATCH_ROOM];

	(void)state;
	scratch_make(folder);
	const char *path = scratch_path(folder, "bundle.json");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(bundle) struct bundle bundle = { 0 };
		struct error err = { 0 };

		write_bundle(path, rows[i].mode);
		int result = bundle_load(path, &bundle, &err);

		if ((result == 0) != rows[i].is_accepted)
			fail_msg("mode %o: %d %s", (unsigned)rows[i].mode, result, err.message);
		if (result == 0)
			continue;
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_non_null(strstr(err.message, path));
		assert_non_null(strstr(err.message, "chmod 600"));
	}
	scratch_remove(folder);
}

static void test_loading_what_is_not_there(void **state)
{
	struct bundle bundle = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(bundle_load("/nowhere/bundle.json", &bundle, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	assert_non_null(strstr(err.message, "/nowhere/bundle.json"));
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
	char needle[32], folder[SCRATCH_ROOM];
	char password[32];
	struct bundle bundle = { 0 };
	struct error err = { 0 };

	(void)state;
	snprintf(needle, sizeof(needle), "%s-%s-%s", "canary", "7f3a9c51", "clearml");
	snprintf(password, sizeof(password), "%s-%s-%s", "canary", "7f3a9c51", "registry");
	if (!can_search_heap(needle))
		skip();
	scratch_make(folder);
	const char *path = scratch_path(folder, "bundle.json");

	write_bundle(path, 0600);
	if (bundle_load(path, &bundle, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(secret_text(&bundle.secret_key), needle);
	bundle_release(&bundle);
	assert_int_equal(count_in_memory(needle), 0);
	assert_int_equal(count_in_memory(password), 0);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_full_one),
		cmocka_unit_test(test_the_least),
		cmocka_unit_test(test_bad_documents),
		cmocka_unit_test(test_registries),
		cmocka_unit_test(test_servers_of_registries),
		cmocka_unit_test(test_loading_asks_for_a_closed_file),
		cmocka_unit_test(test_loading_what_is_not_there),
		cmocka_unit_test(test_nothing_of_it_stays_in_the_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
