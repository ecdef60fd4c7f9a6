#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/docker.h"
#include "common/clock.h"
#include "tests/unit/support/docker_bench.h"

enum { DEADLINE_MS = 60000 };

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* {"username":"u","password":"p w","serveraddress":"r.example:5000"} */
#define AUTH                                                                                \
	"X-Registry-Auth: eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAgdyIsInNlcnZlcmFkZHJlc3Mi" \
	"OiJyLmV4YW1wbGU6NTAwMCJ9\r\n"

static struct secret password;

static void an_image_is_looked_at(void **state)
{
	static const struct {
		const char *when, *image, *path, *answer;
		struct docker_image want;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "it is here",
		  "r.example:5000/a/b:1",
		  "/images/r.example:5000/a/b:1/json ",
		  SAYS("{\"Id\":\"sha256:" HEX64 "\",\"Architecture\":\"amd64\",\"Os\":\"linux\","
		       "\"Size\":123456789012}"),
		  { "sha256:" HEX64, "amd64", "linux", 123456789012 },
		  ERROR_NONE,
		  NULL },
		{ "it is an id",
		  HEX64,
		  "/images/" HEX64 "/json ",
		  SAYS("{\"Id\":\"sha256:" HEX64 "\",\"Architecture\":\"arm64\",\"Os\":\"linux\","
		       "\"Size\":0}"),
		  { "sha256:" HEX64, "arm64", "linux", 0 },
		  ERROR_NONE,
		  NULL },
		{ "it is not here",
		  "a",
		  "/images/a/json ",
		  REFUSES("404 Not Found", "No such image: a:latest"),
		  { .bytes = 0 },
		  ERROR_NOT_FOUND,
		  "docker: look at the image a: No such image: a:latest" },
		{ "it has no size",
		  "a",
		  "/images/a/json ",
		  SAYS("{\"Id\":\"sha256:a\",\"Architecture\":\"arm64\",\"Os\":\"linux\"}"),
		  { .bytes = 0 },
		  ERROR_MALFORMED,
		  "Size" },
		{ "the name is another path",
		  "../containers/x",
		  NULL,
		  NULL,
		  { .bytes = 0 },
		  ERROR_REFUSED,
		  "the image's" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_step step = { .expect = { "GET /v1.41/images/", cases[i].path },
						.answer = cases[i].answer };
		struct docker_image got = { .bytes = 0 };
		struct docker_bench bench =
			docker_bench_begin("1.41", &step, cases[i].answer ? 1 : 0);
		struct error err = { 0 };

		if (!cases[i].answer)
			assert_int_equal(docker_ping(bench.docker, &err), 0);
		docker_bench_check(cases[i].when,
				   docker_image_look(bench.docker, cases[i].image, &got, &err),
				   &err, cases[i].class, cases[i].words);
		if (memcmp(&got, &cases[i].want, sizeof(got)) != 0)
			fail_msg("when %s: %s %s %s", cases[i].when, got.id, got.architecture,
				 got.os);
		docker_bench_end(&bench, cases[i].when);
	}
}

static void a_login_is_checked(void **state)
{
	static const struct {
		const char *when, *answer;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "it is good", SAYS("{\"Status\":\"Login Succeeded\",\"IdentityToken\":\"\"}"),
		  ERROR_NONE, NULL },
		{ "it is good, and no more is said", DONE, ERROR_NONE, NULL },
		{ "it is wrong",
		  REFUSES("401 Unauthorized",
			  "Get https://r/v2/: unauthorized: authentication required"),
		  ERROR_DENIED, "docker: log in at r.example:5000: Get" },
		{ "it is wrong, as old engines say it",
		  REFUSES("500 Internal Server Error",
			  "login attempt to http://r/v2/ failed with status: 401 Unauthorized"),
		  ERROR_DENIED, "401" },
		{ "the registry is not there",
		  REFUSES("500 Internal Server Error",
			  "Get http://r/v2/: dial tcp 127.0.0.1:5000: connect: connection refused"),
		  ERROR_UNREACHABLE, "connection refused" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_step step = {
			.expect = { "POST /v1.41/auth HTTP/1.1\r\n",
				    "Content-Type: application/json\r\n",
				    "\r\n\r\n{\"username\":\"u\",\"password\":\"p w\","
				    "\"serveraddress\":\"r.example:5000\"}" },
			.answer = cases[i].answer
		};
		const struct docker_login login = { "r.example:5000", "u", &password };
		struct docker_bench bench = docker_bench_begin("1.41", &step, 1);
		struct error err = { 0 };

		docker_bench_check(cases[i].when, docker_login_check(bench.docker, &login, &err),
				   &err, cases[i].class, cases[i].words);
		assert_null(strstr(err.message, "p w"));
		docker_bench_end(&bench, cases[i].when);
	}
}

/* ---- pulls ---- */

static int pull_to_the_end(struct docker_pull *pull, struct error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
	bool has_ended = false;

	while (!has_ended && clock_monotonic_ms() < deadline_ms) {
		if (docker_pull_turn(pull, &has_ended, err) < 0)
			return -1;
		clock_sleep_ms(1);
	}
	assert_true(has_ended);
	return 0;
}

#define LAYER "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"0a1b2c\"}\r\n"
#define LOADS                                                                          \
	"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,\"total\":20}," \
	"\"progress\":\"[==> ]\",\"id\":\"0a1b2c\"}\r\n"
#define LOADED "{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"0a1b2c\"}\r\n"
#define CORRUPT                                                                               \
	"{\"errorDetail\":{\"message\":\"filesystem layer verification failed for digest\"}," \
	"\"error\":\"filesystem layer verification failed for digest\"}\r\n"

static void a_pull_comes_to_its_end(void **state)
{
	static const struct {
		const char *when;
		struct http_step step;
		struct docker_progress want;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "all goes well",
		  { .answer = SAYS(LAYER LOADS LOADED), .piece = 7 },
		  { 20, 20, 1, 1 },
		  ERROR_NONE,
		  NULL },
		{ "the last line has no end",
		  { .answer = SAYS("{\"status\":\"Already exists\",\"id\":\"0a1b2c\"}") },
		  { 0, 0, 1, 1 },
		  ERROR_NONE,
		  NULL },
		{ "it fails before the stream",
		  { .answer = REFUSES("404 Not Found",
				      "manifest for a:1 not found: manifest unknown"),
		    .piece = 3 },
		  { 0, 0, 0, 0 },
		  ERROR_NOT_FOUND,
		  "manifest unknown (status 404)" },
		{ "it fails inside the stream",
		  { .answer = SAYS(LAYER LOADS CORRUPT), .piece = 5 },
		  { 5, 20, 1, 0 },
		  ERROR_MALFORMED,
		  "verification failed" },
		{ "it fails in the last line, which has no end",
		  { .answer = SAYS(LAYER "{\"error\":\"no space left on device\"}") },
		  { 0, 0, 1, 0 },
		  ERROR_CAPACITY,
		  "no space left" },
		{ "the engine says why, and goes",
		  { .answer = CHUNKS
		    "ff\r\n{\"error\":\"toomanyrequests: You have reached a limit\"}\r\n" },
		  { 0, 0, 0, 0 },
		  ERROR_THROTTLED,
		  "toomanyrequests" },
		{ "the engine goes in the middle",
		  { .answer = CHUNKS "ff\r\n" LAYER },
		  { 0, 0, 1, 0 },
		  ERROR_UNREACHABLE,
		  "cut short" },
		{ "the engine goes before it answers",
		  { .answer = NULL },
		  { 0, 0, 0, 0 },
		  ERROR_UNREACHABLE,
		  "no answer" },
		{ "the last line is half a line",
		  { .answer = SAYS(LAYER "{\"status\":") },
		  { 0, 0, 1, 0 },
		  ERROR_MALFORMED,
		  "docker: pull r.example:5000/a:1" },
		{ "a line is no JSON",
		  { .answer = SAYS(LAYER "<html>\n" LOADED) },
		  { 0, 0, 1, 0 },
		  ERROR_MALFORMED,
		  "docker: pull r.example:5000/a:1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_step step = cases[i].step;
		struct docker_pull *pull = NULL;
		struct error err = { 0 }, again = { 0 };
		bool has_ended = false;

		step.expect[0] = "POST /v1.41/images/create?fromImage=r.example%3A5000%2Fa&tag=1 "
				 "HTTP/1.1\r\n";
		step.expect[1] = AUTH;
		step.expect[2] = "Content-Length: 0\r\n";
		struct docker_bench bench = docker_bench_begin("1.41", &step, 1);
		const struct docker_login login = { "r.example:5000", "u", &password };

		assert_int_equal(
			docker_pull_begin(bench.docker, "r.example:5000/a:1", &login, &pull, &err),
			0);
		int result = pull_to_the_end(pull, &err);

		docker_bench_check(cases[i].when, result, &err, cases[i].class, cases[i].words);
		struct docker_progress got = docker_pull_progress(pull);

		if (memcmp(&got, &cases[i].want, sizeof(got)) != 0)
			fail_msg("when %s: %lld of %lld, %u of %u", cases[i].when,
				 (long long)got.done_bytes, (long long)got.total_bytes,
				 got.layers_done, got.layers);
		/* It stays as it ended. */
		assert_int_equal(docker_pull_turn(pull, &has_ended, &again), result);
		assert_string_equal(again.message, err.message);
		assert_int_equal(has_ended, result == 0);
		docker_pull_close(pull);
		docker_bench_end(&bench, cases[i].when);
	}
	docker_pull_close(NULL);
}

static void a_pull_asks_for_just_one_image(void **state)
{
	static const struct {
		const char *when, *image, *query;
	} cases[] = {
		{ "no tag is named: not for all of them", "a", "?fromImage=a&tag=latest " },
		{ "a tag is named", "a/b:1.2", "?fromImage=a%2Fb&tag=1.2 " },
		{ "a port is no tag", "r:5000/a", "?fromImage=r%3A5000%2Fa&tag=latest " },
		{ "a digest is named", "a@sha256:" HEX64,
		  "?fromImage=a%40sha256%3A" HEX64 " HTTP" },
		{ "a tag and a digest are named", "a:1@sha256:" HEX64,
		  "?fromImage=a%3A1%40sha256%3A" HEX64 " HTTP" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_step step = { .expect = { "POST /v1.41/images/create",
							    cases[i].query },
						.refuse = "X-Registry-Auth",
						.answer = SAYS("") };
		struct docker_bench bench = docker_bench_begin("1.41", &step, 1);
		struct docker_pull *pull = NULL;
		struct error err = { 0 };

		assert_int_equal(docker_pull_begin(bench.docker, cases[i].image, NULL, &pull, &err),
				 0);
		docker_bench_check(cases[i].when, pull_to_the_end(pull, &err), &err, ERROR_NONE,
				   NULL);
		docker_pull_close(pull);
		docker_bench_end(&bench, cases[i].when);
	}
}

static void a_pull_that_must_not_be_is_not_begun(void **state)
{
	static const struct {
		const char *when, *image, *server;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "the name is none", "A b", NULL, ERROR_REFUSED, "docker: pull" },
		{ "the login is for another registry", "r.example/a", "r.example:5000",
		  ERROR_CONFIGURATION, "another registry" },
		{ "the login is for a registry, and the image Docker Hub's", "a", "r.example",
		  ERROR_CONFIGURATION, "another registry" },
		{ "there is no engine", "a", NULL, ERROR_UNREACHABLE, "no socket" },
	};
	struct docker *docker;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(docker_open("/nowhere/docker.sock", &docker, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct docker_login login = { cases[i].server, "u", &password };
		struct docker_pull *pull = NULL;

		docker_bench_check(cases[i].when,
				   docker_pull_begin(docker, cases[i].image,
						     cases[i].server ? &login : NULL, &pull, &err),
				   &err, cases[i].class, cases[i].words);
		assert_null(pull);
	}
	docker_close(docker);
}

/* Its connection is closed, by which the engine knows. */
static void a_pull_is_cancelled(void **state)
{
	static const struct http_step step = { .expect = { "/images/create" },
					       .answer = CHUNKS "ff\r\n" LAYER,
					       .after = HTTP_HANGS };
	struct docker_bench bench = docker_bench_begin("1.41", &step, 1);
	int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
	struct docker_pull *pull = NULL;
	struct error err = { 0 };
	bool has_ended = false;

	(void)state;
	assert_int_equal(docker_pull_begin(bench.docker, "a", NULL, &pull, &err), 0);
	while (!docker_pull_progress(pull).layers && clock_monotonic_ms() < deadline_ms) {
		assert_int_equal(docker_pull_turn(pull, &has_ended, &err), 0);
		assert_false(has_ended);
		clock_sleep_ms(1);
	}
	assert_int_equal(docker_pull_progress(pull).layers, 1);
	docker_pull_close(pull);
	docker_bench_end(&bench, "a pull is cancelled");
}

static int prepare(void **state)
{
	struct error err;
	bool is_locked;

	(void)state;
	if (secret_prepare_process(&is_locked, &err) < 0)
		return -1;
	return secret_copy(&password, slice_of("p w"), &err);
}

static int tidy(void **state)
{
	(void)state;
	secret_release(&password);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_looked_at),
		cmocka_unit_test(a_login_is_checked),
		cmocka_unit_test(a_pull_comes_to_its_end),
		cmocka_unit_test(a_pull_asks_for_just_one_image),
		cmocka_unit_test(a_pull_that_must_not_be_is_not_begun),
		cmocka_unit_test(a_pull_is_cancelled),
	};

	return cmocka_run_group_tests(tests, prepare, tidy);
}
