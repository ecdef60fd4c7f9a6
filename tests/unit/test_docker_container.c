#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/docker.h"
#include "tests/unit/support/docker_bench.h"

#define ID "4f2b3e0cd1f9e0f8a7c6b5d4e3f201234f2b3e0cd1f9e0f8a7c6b5d4e3f20123"

static void a_container_is_made_as_told(void **state)
{
	static const char *const no_labels[] = { NULL };
	static const char *const entrypoint[] = { "/init", NULL };
	static const char *const command[] = { "sh", "-c", "echo \"hi\"", NULL };
	static const char *const environment[] = { "A=1", "B=", NULL };
	static const char *const labels[] = { "a=old", "b", "c=d=e", "a=new", NULL };
	static const char *const binds[] = { "/a:/b:ro", "/c:/d", NULL };
	static const struct {
		const char *when, *version;
		struct docker_spec spec;
		const char *body; /* what is sent, whole; NULL: nothing */
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "nothing but the image is said",
		  "1.41",
		  { .name = "x", .image = "a:1" },
		  "{\"HostConfig\":{},\"Image\":\"a:1\"}",
		  ERROR_NONE,
		  NULL },
		{ "all is said",
		  "1.41",
		  { .name = "x",
		    .image = "a:1",
		    .entrypoint = entrypoint,
		    .command = command,
		    .environment = environment,
		    .labels = labels,
		    .binds = binds,
		    .network = "host",
		    .log_max_megabytes = 10,
		    .has_init = true },
		  "{\"HostConfig\":{\"Binds\":[\"/a:/b:ro\",\"/c:/d\"],\"NetworkMode\":\"host\","
		  "\"Init\":true,\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{"
		  "\"max-size\":\"10m\",\"max-file\":\"2\"}}},\"Image\":\"a:1\","
		  "\"Entrypoint\":[\"/init\"],\"Cmd\":[\"sh\",\"-c\",\"echo \\\"hi\\\"\"],"
		  "\"Env\":[\"A=1\",\"B=\"],\"Labels\":{\"b\":\"\",\"c\":\"d=e\",\"a\":\"new\"}}",
		  ERROR_NONE,
		  NULL },
		{ "lists are there and empty",
		  "1.41",
		  { .name = "x", .image = "a:1", .command = no_labels, .labels = no_labels },
		  "{\"HostConfig\":{},\"Image\":\"a:1\",\"Cmd\":[],\"Labels\":{}}",
		  ERROR_NONE,
		  NULL },
		{ "all GPUs are asked for",
		  "1.40",
		  { .name = "x", .image = "a:1", .gpus = "all" },
		  "{\"HostConfig\":{\"DeviceRequests\":[{\"Capabilities\":[[\"gpu\"]],"
		  "\"Count\":-1}]},\"Image\":\"a:1\"}",
		  ERROR_NONE,
		  NULL },
		{ "some GPUs are asked for",
		  "1.41",
		  { .name = "x", .image = "a:1", .gpus = "0,GPU-8a2" },
		  "{\"HostConfig\":{\"DeviceRequests\":[{\"Capabilities\":[[\"gpu\"]],"
		  "\"DeviceIDs\":[\"0\",\"GPU-8a2\"]}]},\"Image\":\"a:1\"}",
		  ERROR_NONE,
		  NULL },
		{ "no GPU is asked for",
		  "1.39",
		  { .name = "x", .image = "a:1", .gpus = "" },
		  "{\"HostConfig\":{},\"Image\":\"a:1\"}",
		  ERROR_NONE,
		  NULL },
		{ "the engine is too old for GPUs",
		  "1.39",
		  { .name = "x", .image = "a:1", .gpus = "all" },
		  NULL,
		  ERROR_REFUSED,
		  "update docker" },
		{ "a GPU has no id",
		  "1.41",
		  { .name = "x", .image = "a:1", .gpus = "0,,1" },
		  NULL,
		  ERROR_CONFIGURATION,
		  "gpus" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char head[96], length[48], id[DOCKER_ID_ROOM] = "";
		const char *body = cases[i].body ? cases[i].body : "";

		snprintf(head, sizeof(head), "POST /v%s/containers/create?name=x HTTP/1.1\r\n",
			 cases[i].version);
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
		const struct http_step step = {
			.expect = { head, length, body, "Content-Type: application/json\r\n" },
			.answer = SAYS("{\"Id\":\"" ID "\",\"Warnings\":[]}")
		};
		struct docker_bench bench =
			docker_bench_begin(cases[i].version, &step, cases[i].body ? 1 : 0);
		struct error err = { 0 };

		docker_bench_check(cases[i].when,
				   docker_create(bench.docker, &cases[i].spec, id, &err), &err,
				   cases[i].class, cases[i].words);
		assert_string_equal(id, cases[i].body ? ID : "");
		docker_bench_end(&bench, cases[i].when);
	}
}

static void a_container_is_not_made(void **state)
{
	static const struct {
		const char *when, *name, *answer; /* NULL: nothing is asked */
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "the image is not here", "x", REFUSES("404 Not Found", "No such image: a:1"),
		  ERROR_NOT_FOUND, "docker: create x: No such image: a:1 (status 404)" },
		{ "the name is taken", "x", REFUSES("409 Conflict", "Conflict. The name is in use"),
		  ERROR_CONFLICT, "in use" },
		{ "there is no command", "x", REFUSES("400 Bad Request", "No command specified"),
		  ERROR_REFUSED, "No command" },
		{ "the answer has no id", "x", SAYS("{\"Warnings\":null}"), ERROR_MALFORMED, "Id" },
		{ "the id is too long", "x", SAYS("{\"Id\":\"" ID "0\"}"), ERROR_MALFORMED,
		  "docker: create x" },
		{ "the name is empty", "", NULL, ERROR_CONFIGURATION, "name or id" },
		{ "the name is another path", "../x", NULL, ERROR_CONFIGURATION, "name or id" },
		{ "the name has a query", "x?y", NULL, ERROR_CONFIGURATION, "name or id" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_step step = { .expect = { "POST" }, .answer = cases[i].answer };
		const struct docker_spec spec = { .name = cases[i].name, .image = "a:1" };
		char id[DOCKER_ID_ROOM] = "as before";
		struct error err = { 0 };

		if (!cases[i].answer) {
			struct docker *docker;

			assert_int_equal(docker_open("/nowhere/docker.sock", &docker, &err), 0);
			docker_bench_check(cases[i].when, docker_create(docker, &spec, id, &err),
					   &err, cases[i].class, cases[i].words);
			docker_close(docker);
			continue;
		}
		struct docker_bench bench = docker_bench_begin("1.41", &step, 1);

		docker_bench_check(cases[i].when, docker_create(bench.docker, &spec, id, &err),
				   &err, cases[i].class, cases[i].words);
		assert_string_equal(id, "as before");
		docker_bench_end(&bench, cases[i].when);
	}
}

/* ---- orders ---- */

static int start(struct docker *docker, struct error *err)
{
	return docker_start(docker, "x", err);
}

static int stop(struct docker *docker, struct error *err)
{
	return docker_stop(docker, "x", 3, err);
}

static int kill_softly(struct docker *docker, struct error *err)
{
	return docker_kill(docker, "x", "SIGUSR1", err);
}

static int pause_it(struct docker *docker, struct error *err)
{
	return docker_pause(docker, "x", err);
}

static int unpause(struct docker *docker, struct error *err)
{
	return docker_unpause(docker, "x", err);
}

static int remove_it(struct docker *docker, struct error *err)
{
	return docker_remove(docker, "x", err);
}

static void an_order_is_given_and_its_outcome_told(void **state)
{
	static const char so_already[] = "HTTP/1.1 304 Not Modified\r\n\r\n";
	static const struct {
		const char *when;
		int (*give)(struct docker *docker, struct error *err);
		struct http_step steps[3];
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "it is started",
		  start,
		  { { .expect = { "POST /v1.41/containers/x/start HTTP/1.1\r\n",
				  "Content-Length: 0\r\n" },
		      .answer = DONE } },
		  ERROR_NONE,
		  NULL },
		{ "it runs already",
		  start,
		  { { .expect = { "/start" }, .answer = so_already } },
		  ERROR_NONE,
		  NULL },
		{ "there is none to be started",
		  start,
		  { { .expect = { "/start" }, .answer = REFUSES("404 Not Found", "No such") } },
		  ERROR_NOT_FOUND,
		  "docker: start x: No such" },
		{ "it cannot be started",
		  start,
		  { { .expect = { "/start" },
		      .answer = REFUSES("500 Internal Server Error", "no device driver") } },
		  ERROR_REFUSED,
		  "no device driver" },
		{ "the engine goes before it answers",
		  start,
		  { { .expect = { "/start" } } },
		  ERROR_UNREACHABLE,
		  "docker: start x" },
		{ "it is stopped",
		  stop,
		  { { .expect = { "POST /v1.41/containers/x/stop?t=3 HTTP/1.1\r\n" },
		      .answer = DONE } },
		  ERROR_NONE,
		  NULL },
		{ "it has ended already",
		  stop,
		  { { .expect = { "/stop" }, .answer = so_already } },
		  ERROR_NONE,
		  NULL },
		{ "it gets a signal",
		  kill_softly,
		  { { .expect = { "POST /v1.41/containers/x/kill?signal=SIGUSR1 HTTP/1.1\r\n" },
		      .answer = DONE } },
		  ERROR_NONE,
		  NULL },
		{ "it does not run, and so gets no signal",
		  kill_softly,
		  { { .expect = { "/kill" }, .answer = REFUSES("409 Conflict", "not running") } },
		  ERROR_CONFLICT,
		  "not running" },
		{ "it is paused",
		  pause_it,
		  { { .expect = { "POST /v1.41/containers/x/pause HTTP/1.1\r\n" },
		      .answer = DONE } },
		  ERROR_NONE,
		  NULL },
		{ "it goes on",
		  unpause,
		  { { .expect = { "POST /v1.41/containers/x/unpause HTTP/1.1\r\n" },
		      .answer = DONE } },
		  ERROR_NONE,
		  NULL },
		{ "it is removed",
		  remove_it,
		  { { .expect = { "DELETE /v1.41/containers/x?force=1&v=1 HTTP/1.1\r\n" },
		      .answer = DONE } },
		  ERROR_NONE,
		  NULL },
		{ "it is gone already",
		  remove_it,
		  { { .expect = { "DELETE" }, .answer = REFUSES("404 Not Found", "No such") } },
		  ERROR_NONE,
		  NULL },
		{ "another removes it: until it is gone",
		  remove_it,
		  { { .expect = { "DELETE" },
		      .answer = REFUSES("409 Conflict", "removal is already in progress") },
		    { .expect = { "POST /v1.41/containers/x/wait?condition=removed " },
		      .answer = SAYS("{\"StatusCode\":0}") } },
		  ERROR_NONE,
		  NULL },
		{ "another has removed it meanwhile",
		  remove_it,
		  { { .expect = { "DELETE" }, .answer = REFUSES("409 Conflict", "in progress") },
		    { .expect = { "/wait" }, .answer = REFUSES("404 Not Found", "No such") } },
		  ERROR_NONE,
		  NULL },
		{ "it cannot be removed",
		  remove_it,
		  { { .expect = { "DELETE" },
		      .answer = REFUSES("500 Internal Server Error", "device busy") } },
		  ERROR_REFUSED,
		  "docker: remove x: device busy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker_bench bench =
			docker_bench_begin("1.41", cases[i].steps, ARRAY_LEN(cases[i].steps));
		struct error err = { 0 };

		docker_bench_check(cases[i].when, cases[i].give(bench.docker, &err), &err,
				   cases[i].class, cases[i].words);
		docker_bench_end(&bench, cases[i].when);
	}
}

static void its_end_is_waited_for(void **state)
{
	static const struct {
		const char *when;
		struct http_step step;
		int64_t timeout_ms;
		int code;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "it ends well",
		  { .expect = { "POST /v1.41/containers/x/wait HTTP/1.1\r\n" },
		    .answer = SAYS("{\"StatusCode\":0}") },
		  60000,
		  0,
		  ERROR_NONE,
		  NULL },
		{ "it is killed",
		  { .expect = { "/wait" }, .answer = SAYS("{\"Error\":null,\"StatusCode\":137}") },
		  60000,
		  137,
		  ERROR_NONE,
		  NULL },
		{ "a Windows one ends with a large number",
		  { .expect = { "/wait" }, .answer = SAYS("{\"StatusCode\":3221225786}") },
		  60000,
		  (int)3221225786u,
		  ERROR_NONE,
		  NULL },
		{ "waiting itself fails",
		  { .expect = { "/wait" },
		    .answer = SAYS("{\"Error\":{\"Message\":\"lost\"},\"StatusCode\":-1}") },
		  60000,
		  77,
		  ERROR_REFUSED,
		  "docker: wait for x: lost" },
		{ "it does not end in time",
		  { .expect = { "/wait" },
		    .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		    .after = HTTP_HANGS },
		  50,
		  77,
		  ERROR_UNREACHABLE,
		  "no answer in time" },
		{ "the engine goes meanwhile",
		  { .expect = { "/wait" }, .answer = CHUNKS "9\r\n{" },
		  60000,
		  77,
		  ERROR_UNREACHABLE,
		  "cut short" },
		{ "the answer has no code",
		  { .expect = { "/wait" }, .answer = SAYS("{}") },
		  60000,
		  77,
		  ERROR_MALFORMED,
		  "StatusCode" },
		{ "the code is beyond all",
		  { .expect = { "/wait" }, .answer = SAYS("{\"StatusCode\":9000000000000}") },
		  60000,
		  77,
		  ERROR_MALFORMED,
		  "no exit code" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker_bench bench = docker_bench_begin("1.41", &cases[i].step, 1);
		struct error err = { 0 };
		int code = 77;

		docker_bench_check(cases[i].when,
				   docker_wait(bench.docker, "x", cases[i].timeout_ms, &code, &err),
				   &err, cases[i].class, cases[i].words);
		if (code != cases[i].code)
			fail_msg("when %s: code %d", cases[i].when, code);
		docker_bench_end(&bench, cases[i].when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_is_made_as_told),
		cmocka_unit_test(a_container_is_not_made),
		cmocka_unit_test(an_order_is_given_and_its_outcome_told),
		cmocka_unit_test(its_end_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
