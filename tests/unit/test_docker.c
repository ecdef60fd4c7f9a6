#include "bootstrap/docker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/docker_bench.h"

static void a_socket_is_an_absolute_path(void **state)
{
	static const struct {
		const char *when, *socket;
	} cases[] = {
		{ "it is empty", "" },
		{ "it is relative", "docker.sock" },
		{ "it is a URL", "unix:///var/run/docker.sock" },
		{ "it is longer than a socket's can be",
		  "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
		  "0123456789/0123456789/docker.sock" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker *docker = NULL;
		struct error err = { 0 };

		docker_bench_check(cases[i].when, docker_open(cases[i].socket, &docker, &err), &err,
				   ERROR_CONFIGURATION, "absolute path");
		assert_null(docker);
	}
	docker_close(NULL);
}

static void a_ping_agrees_on_a_version(void **state)
{
	static const struct {
		const char *when;
		struct http_step step;
		const char *version;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "the engine is older than we are", PING("1.41"), "1.41", ERROR_NONE, NULL },
		{ "the engine is newer than we are", PING("1.52"), "1.47", ERROR_NONE, NULL },
		{ "the engine is just as old as one may be", PING("1.24"), "1.24", ERROR_NONE,
		  NULL },
		{ "the engine is of another age", PING("2.0"), "1.47", ERROR_NONE, NULL },
		{ "the engine is too old", PING("1.23"), "", ERROR_REFUSED, "update docker" },
		{ "the version is none", PING("one"), "", ERROR_MALFORMED, "no docker" },
		{ "the version has a third part", PING("1.2.3"), "", ERROR_MALFORMED, "no docker" },
		{ "the version is beyond all", PING("1.99999999999"), "", ERROR_MALFORMED,
		  "no docker" },
		{ "it does not say its version",
		  { .expect = { "GET /_ping" },
		    .answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
		  "",
		  ERROR_MALFORMED,
		  "no docker" },
		{ "the engine is not well",
		  { .expect = { "GET /_ping" },
		    .answer = REFUSES("500 Internal Server Error", "containerd is gone") },
		  "",
		  ERROR_UNREACHABLE,
		  "containerd is gone (status 500)" },
		{ "something before the engine says no",
		  { .expect = { "GET /_ping" }, .answer = REFUSES("403 Forbidden", "not you") },
		  "",
		  ERROR_DENIED,
		  "not you" },
		{ "it is another server",
		  { .expect = { "GET /_ping" }, .answer = "HTTP/2.0 preface\r\n\r\n" },
		  "",
		  ERROR_MALFORMED,
		  "no HTTP" },
		{ "it closes without a word",
		  { .expect = { "GET /_ping" } },
		  "",
		  ERROR_UNREACHABLE,
		  "no answer" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char folder[SCRATCH_ROOM];
		struct docker *docker = NULL;
		struct error err = { 0 };

		scratch_make(folder);
		struct http_peer peer =
			http_peer_start(&cases[i].step, 1, scratch_path(folder, "s"));

		assert_int_equal(docker_open(scratch_path(folder, "s"), &docker, &err), 0);
		assert_string_equal(docker_api_version(docker), "");
		docker_bench_check(cases[i].when, docker_ping(docker, &err), &err, cases[i].class,
				   cases[i].words);
		if (strcmp(docker_api_version(docker), cases[i].version) != 0)
			fail_msg("when %s: version %s", cases[i].when, docker_api_version(docker));
		docker_close(docker);
		http_peer_finish(&peer, cases[i].when);
		scratch_remove(folder);
	}
}

static void each_ping_agrees_anew(void **state)
{
	static const struct http_step steps[] = { PING("1.47"), PING("1.44") };
	struct docker_bench bench = docker_bench_begin("1.41", steps, ARRAY_LEN(steps));
	static const char *const versions[] = { "1.41", "1.47", "1.44" };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		assert_int_equal(docker_ping(bench.docker, &err), 0);
		assert_string_equal(docker_api_version(bench.docker), versions[i]);
	}
	docker_bench_end(&bench, "each ping agrees anew");
}

static void why_the_socket_does_not_answer_is_told(void **state)
{
	char folder[SCRATCH_ROOM];
	struct docker *docker = NULL;
	struct error err = { 0 };
	const uid_t uid = geteuid();

	(void)state;
	scratch_make(folder);
	assert_int_equal(docker_open(scratch_path(folder, "s"), &docker, &err), 0);
	docker_bench_check("there is no socket", docker_ping(docker, &err), &err, ERROR_UNREACHABLE,
			   "is docker installed");
	struct http_peer peer = http_peer_start(NULL, 0, scratch_path(folder, "s"));

	assert_int_equal(chmod(scratch_path(folder, "s"), 0), 0);
	/* Whom nothing is forbidden becomes somebody else meanwhile. */
	assert_int_equal(chmod(folder, 0755), 0);
	if (!uid)
		assert_int_equal(seteuid(65534), 0);
	int result = docker_ping(docker, &err);

	if (!uid)
		assert_int_equal(seteuid(0), 0);
	docker_bench_check("the socket is not for us", result, &err, ERROR_DENIED, "run as root");
	http_peer_kill(&peer);
	assert_int_equal(chmod(scratch_path(folder, "s"), 0700), 0);
	docker_bench_check("nobody listens at the socket", docker_ping(docker, &err), &err,
			   ERROR_UNREACHABLE, "no answer");
	docker_close(docker);
	scratch_remove(folder);
}

#define VERSION "{\"Version\":\"20.10.24\",\"Os\":\"linux\",\"Arch\":\"amd64\"}"

static void the_engine_says_what_it_is(void **state)
{
	static const struct {
		const char *when, *version, *info;
		struct docker_facts want;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "it says all",
		  VERSION,
		  "{\"DockerRootDir\":\"/var/lib/docker\",\"CgroupVersion\":\"2\","
		  "\"LiveRestoreEnabled\":true,\"DefaultRuntime\":\"nvidia\"}",
		  { "20.10.24", "linux", "amd64", "/var/lib/docker", 2, true, "nvidia" },
		  ERROR_NONE,
		  NULL },
		{ "it is an old one",
		  VERSION,
		  "{\"DockerRootDir\":\"/d\"}",
		  { "20.10.24", "linux", "amd64", "/d", 0, false, "" },
		  ERROR_NONE,
		  NULL },
		{ "its cgroups are the first ones",
		  VERSION,
		  "{\"DockerRootDir\":\"/d\",\"CgroupVersion\":\"1\",\"LiveRestoreEnabled\":false}",
		  { "20.10.24", "linux", "amd64", "/d", 1, false, "" },
		  ERROR_NONE,
		  NULL },
		{ "it does not say where its images are",
		  VERSION,
		  "{}",
		  { .os = "" },
		  ERROR_MALFORMED,
		  "DockerRootDir" },
		{ "it says nothing of itself",
		  "{}",
		  "{\"DockerRootDir\":\"/d\"}",
		  { .os = "" },
		  ERROR_MALFORMED,
		  "Version" },
		{ "it answers with a list",
		  VERSION,
		  "[]",
		  { .os = "" },
		  ERROR_MALFORMED,
		  "expected an object" },
		{ "it answers with a page",
		  VERSION,
		  "<html>",
		  { .os = "" },
		  ERROR_MALFORMED,
		  "the answer" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker_facts got = { .version = "" };
		struct error err = { 0 };
		char answers[2][512];

		snprintf(answers[0], sizeof(answers[0]), SAYS("%s"), cases[i].version);
		snprintf(answers[1], sizeof(answers[1]), SAYS("%s"), cases[i].info);
		const struct http_step steps[] = {
			{ .expect = { "GET /v1.41/version HTTP/1.1\r\n" }, .answer = answers[0] },
			{ .expect = { "GET /v1.41/info HTTP/1.1\r\n" }, .answer = answers[1] },
		};
		struct docker_bench bench = docker_bench_begin("1.41", steps, 2);

		docker_bench_check(cases[i].when, docker_look(bench.docker, &got, &err), &err,
				   cases[i].class, cases[i].words);
		if (memcmp(&got, &cases[i].want, sizeof(got)) != 0)
			fail_msg("when %s: %s %s %s %s %u %d", cases[i].when, got.version, got.os,
				 got.architecture, got.root_folder, got.cgroup_version,
				 got.has_live_restore);
		docker_bench_end(&bench, cases[i].when);
	}
}

static void a_refusal_has_the_class_of_its_status(void **state)
{
	static const struct {
		const char *when, *answer;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "400", REFUSES("400 Bad Request", "bad"), ERROR_REFUSED,
		  "docker: ask /info: bad (status 400)" },
		{ "401", REFUSES("401 Unauthorized", "no"), ERROR_DENIED, "no (status 401)" },
		{ "403", REFUSES("403 Forbidden", "no"), ERROR_DENIED, "no" },
		{ "404", REFUSES("404 Not Found", "page not found"), ERROR_NOT_FOUND, "page" },
		{ "409", REFUSES("409 Conflict", "in use"), ERROR_CONFLICT, "in use" },
		{ "429", REFUSES("429 Too Many Requests", "slow"), ERROR_THROTTLED, "slow" },
		{ "500", REFUSES("500 Internal Server Error", "runc"), ERROR_REFUSED, "runc" },
		{ "503", REFUSES("503 Service Unavailable", "proxy"), ERROR_UNREACHABLE, "proxy" },
		{ "a redirect", "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", ERROR_MALFORMED,
		  "the answer" },
		{ "a silence", NULL, ERROR_UNREACHABLE, "no answer" },
		{ "half an answer", CHUNKS "5\r\n{\"a\"", ERROR_UNREACHABLE, "cut short" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_step steps[] = {
			{ .expect = { "/version" }, .answer = SAYS(VERSION) },
			{ .expect = { "/info" }, .answer = cases[i].answer },
		};
		struct docker_bench bench = docker_bench_begin("1.41", steps, 2);
		struct docker_facts facts;
		struct error err = { 0 };

		docker_bench_check(cases[i].when, docker_look(bench.docker, &facts, &err), &err,
				   cases[i].class, cases[i].words);
		docker_bench_end(&bench, cases[i].when);
	}
}

static void the_disk_is_added_up(void **state)
{
	static const struct {
		const char *when, *answer;
		struct docker_usage want;
		enum error_class class;
	} cases[] = {
		{ "there is some of all",
		  SAYS("{\"LayersSize\":1000,\"Images\":[{\"Size\":900},{\"Size\":800}],"
		       "\"Containers\":[{\"SizeRw\":10},{},{\"SizeRw\":5}],"
		       "\"Volumes\":[{\"UsageData\":{\"Size\":7}},{\"UsageData\":{\"Size\":-1}},"
		       "{\"UsageData\":null}],\"BuildCache\":[{\"Size\":3},{\"Size\":4}]}"),
		  { 1000, 15, 7, 7, 2, 3 },
		  ERROR_NONE },
		{ "there is nothing",
		  SAYS("{\"LayersSize\":0,\"Images\":null,\"Containers\":null,\"Volumes\":[],"
		       "\"BuildCache\":null}"),
		  { 0, 0, 0, 0, 0, 0 },
		  ERROR_NONE },
		{ "the main figure is missing", SAYS("{}"), { .images = 0 }, ERROR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_step step = { .expect = { "GET /v1.47/system/df HTTP/1.1\r\n" },
						.answer = cases[i].answer };
		struct docker_bench bench = docker_bench_begin("1.47", &step, 1);
		struct docker_usage got = { .images = 0 };
		struct error err = { 0 };

		docker_bench_check(cases[i].when, docker_disk_usage(bench.docker, &got, &err), &err,
				   cases[i].class, "LayersSize");
		if (memcmp(&got, &cases[i].want, sizeof(got)) != 0)
			fail_msg("when %s: %lld %lld %lld %lld %u %u", cases[i].when,
				 (long long)got.image_bytes, (long long)got.container_bytes,
				 (long long)got.volume_bytes, (long long)got.cache_bytes,
				 got.images, got.containers);
		docker_bench_end(&bench, cases[i].when);
	}
}

static void a_prune_removes_what_has_ended(void **state)
{
	static const struct {
		const char *when;
		struct http_step steps[5];
		unsigned removed;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "there is nothing",
		  { { .expect = { "GET /v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22"
				  "a%3Db%22%5D%2C%22status%22%3A%5B%22exited%22%2C%22dead%22%5D%7D "
				  "HTTP/1.1\r\n" },
		      .answer = SAYS("[]") } },
		  0,
		  ERROR_NONE,
		  NULL },
		{ "there are two, and none is forced",
		  { { .expect = { "GET " }, .answer = SAYS("[{\"Id\":\"aa\"},{\"Id\":\"bb\"}]") },
		    { .expect = { "DELETE /v1.41/containers/aa?v=1 " }, .answer = DONE },
		    { .expect = { "DELETE /v1.41/containers/bb?v=1 " }, .answer = DONE } },
		  2,
		  ERROR_NONE,
		  NULL },
		{ "one is gone and one runs again: that is not ours to remove",
		  { { .expect = { "GET " },
		      .answer = SAYS("[{\"Id\":\"aa\"},{\"Id\":\"bb\"},{\"Id\":\"cc\"}]") },
		    { .expect = { "/aa?" }, .answer = REFUSES("404 Not Found", "no such") },
		    { .expect = { "/bb?" }, .answer = REFUSES("409 Conflict", "running") },
		    { .expect = { "/cc?" }, .answer = DONE } },
		  1,
		  ERROR_NONE,
		  NULL },
		{ "the first fails, the second is removed all the same",
		  { { .expect = { "GET " }, .answer = SAYS("[{\"Id\":\"aa\"},{\"Id\":\"bb\"}]") },
		    { .expect = { "/aa?" },
		      .answer = REFUSES("500 Internal Server Error", "device busy") },
		    { .expect = { "/bb?" }, .answer = DONE } },
		  7,
		  ERROR_REFUSED,
		  "docker: remove aa: device busy" },
		{ "an id is none",
		  { { .expect = { "GET " }, .answer = SAYS("[{\"Id\":\"../images\"}]") } },
		  7,
		  ERROR_CONFIGURATION,
		  "name or id" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker_bench bench =
			docker_bench_begin("1.41", cases[i].steps, ARRAY_LEN(cases[i].steps));
		struct error err = { 0 };
		unsigned removed = 7;

		docker_bench_check(cases[i].when, docker_prune(bench.docker, "a=b", &removed, &err),
				   &err, cases[i].class, cases[i].words);
		if (removed != cases[i].removed)
			fail_msg("when %s: %u removed", cases[i].when, removed);
		docker_bench_end(&bench, cases[i].when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_is_an_absolute_path),
		cmocka_unit_test(a_ping_agrees_on_a_version),
		cmocka_unit_test(each_ping_agrees_anew),
		cmocka_unit_test(why_the_socket_does_not_answer_is_told),
		cmocka_unit_test(the_engine_says_what_it_is),
		cmocka_unit_test(a_refusal_has_the_class_of_its_status),
		cmocka_unit_test(the_disk_is_added_up),
		cmocka_unit_test(a_prune_removes_what_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
