#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/docker_call.h"

static void a_login_is_written_as_the_engine_reads_it(void **state)
{
	static const struct {
		const char *when, *server, *user, *password, *json, *header;
	} cases[] = {
		{ "it is plain", "r.example:5000", "u", "p",
		  "{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"r.example:5000\"}",
		  "X-Registry-Auth: "
		  "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAiLCJzZXJ2ZXJhZGRyZXNzIjoici5leGFtcGxlOjUw"
		  "MDAifQ==" },
		{ "it is Docker Hub's", "docker.io", "u", "p",
		  "{\"username\":\"u\",\"password\":\"p\","
		  "\"serveraddress\":\"https://index.docker.io/v1/\"}",
		  "X-Registry-Auth: "
		  "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAiLCJzZXJ2ZXJhZGRyZXNzIjoiaHR0cHM6Ly9pbmRl"
		  "eC5kb2NrZXIuaW8vdjEvIn0=" },
		{ "the password is odd", "r", "u\"", "a\\b\x01\n\xc3\xbf?",
		  "{\"username\":\"u\\\"\",\"password\":\"a\\\\b\\u0001\\u000a\xc3\xbf?\","
		  "\"serveraddress\":\"r\"}",
		  "X-Registry-Auth: "
		  "eyJ1c2VybmFtZSI6InVcIiIsInBhc3N3b3JkIjoiYVxcYlx1MDAwMVx1MDAwYcO_PyIsInNlcnZlcmFk"
		  "ZHJlc3MiOiJyIn0=" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(secret) struct secret password = { 0 };
		SCOPED(secret) struct secret json = { 0 };
		SCOPED(secret) struct secret header = { 0 };
		struct error err = { 0 };
		const struct docker_login login = { cases[i].server, cases[i].user, &password };

		assert_int_equal(secret_copy(&password, slice_of(cases[i].password), &err), 0);
		assert_int_equal(docker_login_json(&login, &json, &err), 0);
		if (strcmp(secret_text(&json), cases[i].json) != 0)
			fail_msg("when %s: %s", cases[i].when, secret_text(&json));
		assert_int_equal(docker_login_header(&login, &header, &err), 0);
		if (strcmp(secret_text(&header), cases[i].header) != 0)
			fail_msg("when %s: %s", cases[i].when, secret_text(&header));
	}
}

static void a_login_fits_its_own_registry_alone(void **state)
{
	static const struct {
		const char *when, *server, *image;
		bool fits;
	} cases[] = {
		{ "it is the same", "r.example:5000", "r.example:5000/a:1", true },
		{ "it is written in another case", "R.Example", "r.example/a", true },
		{ "the port is another", "r.example:5000", "r.example/a", false },
		{ "it begins alike", "r.example", "r.example.evil/a", false },
		{ "the image is of Docker Hub", "r.example", "a", false },
		{ "both are Docker Hub's", "docker.io", "team/a", true },
		{ "both are Docker Hub's, by its address", "https://index.docker.io/v1/", "a",
		  true },
		{ "nothing is said of the server", "", "a", true },
		{ "nothing is said of the server, and it is another", "", "ghcr.io/a", false },
		{ "Docker Hub's is for another", "docker.io", "ghcr.io/a", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct docker_login login = { cases[i].server, "u", NULL };

		if (docker_login_fits(&login, cases[i].image) != cases[i].fits)
			fail_msg("when %s", cases[i].when);
	}
}

static int prepare(void **state)
{
	struct error err;
	bool is_locked;

	(void)state;
	return secret_prepare_process(&is_locked, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_is_written_as_the_engine_reads_it),
		cmocka_unit_test(a_login_fits_its_own_registry_alone),
	};

	return cmocka_run_group_tests(tests, prepare, NULL);
}
