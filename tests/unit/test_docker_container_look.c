#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/docker.h"
#include "tests/unit/support/docker_bench.h"

#define ID "4f2b3e0cd1f9e0f8a7c6b5d4e3f201234f2b3e0cd1f9e0f8a7c6b5d4e3f20123"

#define INSPECTED(state)                                                                   \
	"{\"Id\":\"" ID "\",\"Name\":\"/x\",\"Config\":{\"Image\":\"a:1\",\"Tty\":false}," \
	"\"State\":{" state "}}"

static void one_is_looked_at(void **state)
{
	static const struct {
		const char *when, *answer;
		struct docker_container want;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "it runs",
		  SAYS(INSPECTED("\"Status\":\"running\",\"ExitCode\":0,\"Pid\":42,"
				 "\"OOMKilled\":false")),
		  { ID, "x", "a:1", "running", true, false, 0, 42, { NULL } },
		  ERROR_NONE,
		  NULL },
		{ "it is paused: its processes live",
		  SAYS(INSPECTED("\"Status\":\"paused\",\"ExitCode\":0,\"Pid\":42")),
		  { ID, "x", "a:1", "paused", true, false, 0, 42, { NULL } },
		  ERROR_NONE,
		  NULL },
		{ "it ran out of memory",
		  SAYS(INSPECTED("\"Status\":\"exited\",\"ExitCode\":137,\"Pid\":0,"
				 "\"OOMKilled\":true")),
		  { ID, "x", "a:1", "exited", false, true, 137, 0, { NULL } },
		  ERROR_NONE,
		  NULL },
		{ "it is dead",
		  SAYS(INSPECTED("\"Status\":\"dead\",\"ExitCode\":1,\"Pid\":0")),
		  { ID, "x", "a:1", "dead", false, false, 1, 0, { NULL } },
		  ERROR_NONE,
		  NULL },
		{ "there is none",
		  REFUSES("404 Not Found", "No such container: x"),
		  { .pid = -7 },
		  ERROR_NOT_FOUND,
		  "docker: look at x: No such container: x" },
		{ "it has no state",
		  SAYS("{\"Id\":\"" ID "\",\"Name\":\"/x\",\"Config\":"
		       "{\"Image\":\"a\"}}"),
		  { .pid = -7 },
		  ERROR_MALFORMED,
		  "State" },
		{ "its pid is none",
		  SAYS(INSPECTED("\"Status\":\"running\",\"ExitCode\":0,\"Pid\":-1")),
		  { .pid = -7 },
		  ERROR_MALFORMED,
		  "out of range" },
		{ "its state is a novel",
		  SAYS(INSPECTED("\"Status\":\"running very fast\",\"ExitCode\":0,\"Pid\":1")),
		  { .pid = -7 },
		  ERROR_MALFORMED,
		  "State.Status" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_step step = {
			.expect = { "GET /v1.41/containers/x/json HTTP/1.1\r\n" },
			.answer = cases[i].answer
		};
		struct docker_bench bench = docker_bench_begin("1.41", &step, 1);
		const struct docker_container *want = &cases[i].want;
		struct docker_container got = { .pid = -7 };
		struct error err = { 0 };
		int result = docker_inspect(bench.docker, "x", &got, &err);

		docker_bench_check(cases[i].when, result, &err, cases[i].class, cases[i].words);
		if (strcmp(got.id, want->id) != 0 || strcmp(got.name, want->name) != 0 ||
		    strcmp(got.image, want->image) != 0 || strcmp(got.state, want->state) != 0 ||
		    got.is_running != want->is_running || got.exit_code != want->exit_code ||
		    got.is_out_of_memory != want->is_out_of_memory || got.pid != want->pid)
			fail_msg("when %s: %s %s %d", cases[i].when, got.name, got.state, got.pid);
		if (result == 0)
			assert_string_equal(json_text_or(got.all.root, "Name", ""), "/x");
		docker_container_release(&got);
		docker_bench_end(&bench, cases[i].when);
	}
}

#define LISTED(id, names, state)                                                      \
	"{\"Id\":\"" id "\",\"Names\":" names ",\"Image\":\"a:1\",\"State\":\"" state \
	"\",\"Status\":\"Up\"}"

static void all_with_labels_are_listed(void **state)
{
	static const char *const two[] = { "a=b c", "d", NULL };
	static const char *const none[] = { NULL };
	static const struct {
		const char *when;
		const char *const *labels;
		const char *query, *answer;
		size_t count;
		struct {
			const char *name, *state;
			bool is_running;
		} want[2];
		enum error_class class;
		const char *words;
	} cases[] = {
		{ .when = "there are none",
		  .labels = two,
		  .query = "?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%20c%22%2C%22d%22%5D%7D ",
		  .answer = SAYS("[]") },
		{ .when = "no label is asked for",
		  .labels = none,
		  .query = "?all=1&filters=%7B%7D ",
		  .answer = SAYS("[]") },
		{ .when = "nothing is said of labels",
		  .query = "?all=1&filters=%7B%7D ",
		  .answer = SAYS("[]") },
		{ .when = "there are two",
		  .labels = two,
		  .query = "?all=1&",
		  .answer = SAYS("[" LISTED(ID, "[\"/x\"]", "running") "," LISTED(
			  "aa", "[\"/y/link\",\"/z\"]", "created") "]"),
		  .count = 2,
		  .want = { { "x", "running", true }, { "z", "created", false } } },
		{ .when = "one has no name any more",
		  .labels = two,
		  .query = "?all=1&",
		  .answer = SAYS("[" LISTED(ID, "null", "dead") "]"),
		  .count = 1,
		  .want = { { "", "dead", false } } },
		{ .when = "one has no id",
		  .labels = two,
		  .query = "?all=1&",
		  .answer = SAYS("[" LISTED(ID, "[\"/x\"]", "running") ",{}]"),
		  .class = ERROR_MALFORMED,
		  .words = "[1]: " },
		{ .when = "it is no list",
		  .labels = two,
		  .query = "?all=1&",
		  .answer = SAYS("{}"),
		  .class = ERROR_MALFORMED,
		  .words = "expected a list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_step step = { .expect = { "GET /v1.41/containers/json",
							    cases[i].query },
						.answer = cases[i].answer };
		struct docker_bench bench = docker_bench_begin("1.41", &step, 1);
		SCOPED(docker_containers) struct docker_containers got = { 0 };
		struct error err = { 0 };

		docker_bench_check(cases[i].when,
				   docker_list(bench.docker, cases[i].labels, &got, &err), &err,
				   cases[i].class, cases[i].words);
		assert_int_equal(got.count, cases[i].count);
		for (size_t j = 0; j < got.count; j++)
			if (strcmp(got.list[j].name, cases[i].want[j].name) != 0 ||
			    strcmp(got.list[j].state, cases[i].want[j].state) != 0 ||
			    got.list[j].is_running != cases[i].want[j].is_running)
				fail_msg("when %s: [%zu] %s %s", cases[i].when, j, got.list[j].name,
					 got.list[j].state);
		docker_bench_end(&bench, cases[i].when);
	}
}

static void output_is_read(void **state)
{
	static const struct {
		const char *when;
		bool is_tty;
		const char *answer; /* NULL: the container is gone */
		size_t limit;
		const char *want;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "it is raw", true, "a\nb\n", 64, "before:a\nb\n", ERROR_NONE, NULL },
		{ "it is raw and longer than the room", true, "line 1\nline 2\nline 3\n", 24,
		  "before:line 2\nline 3\n", ERROR_NONE, NULL },
		{ "a line is longer than the room", true, "0123456789", 12, "before:56789",
		  ERROR_NONE, NULL },
		{ "there is no room", true, "0123456789", 7, "before:", ERROR_NONE, NULL },
		{ "there is none", false, "", 64, "before:", ERROR_NONE, NULL },
		{ "it should be framed and is not", false, "hello, world", 64,
		  "before:", ERROR_MALFORMED, "not in frames" },
		{ "it is cut in a frame", false, "\1", 64, "before:", ERROR_MALFORMED,
		  "cut short" },
		{ "the container is gone", false, NULL, 64, "before:", ERROR_NOT_FOUND, "No such" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char about[128], output[256];

		snprintf(about, sizeof(about), SAYS("{\"Config\":{\"Tty\":%s}}"),
			 cases[i].is_tty ? "true" : "false");
		snprintf(output, sizeof(output), SAYS("%s"),
			 cases[i].answer ? cases[i].answer : "");
		const struct http_step steps[] = {
			{ .expect = { "GET /v1.41/containers/x/json " },
			  .answer = cases[i].answer ? about : REFUSES("404 Not Found", "No such") },
			{ .expect = { "GET /v1.41/containers/x/logs?stdout=1&stderr=1&tail=1000 " },
			  .answer = output },
		};
		struct docker_bench bench =
			docker_bench_begin("1.41", steps, cases[i].answer ? 2 : 1);
		SCOPED(buf) struct buf out = BUF(cases[i].limit);
		struct error err = { 0 };

		buf_addf(&out, "before:");
		docker_bench_check(cases[i].when, docker_logs(bench.docker, "x", 5000, &out, &err),
				   &err, cases[i].class, cases[i].words);
		if (strcmp(buf_text(&out), cases[i].want) != 0 || out.overflowed)
			fail_msg("when %s: \"%s\"", cases[i].when, buf_text(&out));
		docker_bench_end(&bench, cases[i].when);
	}
}

static void its_processes_are_told(void **state)
{
	static const struct {
		const char *when, *answer;
		size_t count;
		int want[2];
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "there are two",
		  SAYS("{\"Titles\":[\"PID\"],\"Processes\":[[\"7\"],[\"4194304\"]]}"),
		  2,
		  { 7, 4194304 },
		  ERROR_NONE,
		  NULL },
		{ "other columns are before it",
		  SAYS("{\"Titles\":[\"UID\",\"PID\",\"CMD\"],\"Processes\":[[\"root\",\"7\",\"x\"]"
		       "]}"),
		  1,
		  { 7, 0 },
		  ERROR_NONE,
		  NULL },
		{ "there is none",
		  SAYS("{\"Titles\":[\"PID\"],\"Processes\":null}"),
		  0,
		  { 0, 0 },
		  ERROR_NONE,
		  NULL },
		{ "it does not run",
		  REFUSES("409 Conflict", "Container x is not running"),
		  0,
		  { 0, 0 },
		  ERROR_CONFLICT,
		  "is not running" },
		{ "there is no such column",
		  SAYS("{\"Titles\":[\"UID\"],\"Processes\":[[\"7\"]]}"),
		  0,
		  { 0, 0 },
		  ERROR_MALFORMED,
		  "column" },
		{ "a row is too short",
		  SAYS("{\"Titles\":[\"UID\",\"PID\"],\"Processes\":[[\"7\"]]}"),
		  0,
		  { 0, 0 },
		  ERROR_MALFORMED,
		  "no number" },
		{ "a pid is zero",
		  SAYS("{\"Titles\":[\"PID\"],\"Processes\":[[\"0\"]]}"),
		  0,
		  { 0, 0 },
		  ERROR_MALFORMED,
		  "no number" },
		{ "a pid is a word",
		  SAYS("{\"Titles\":[\"PID\"],\"Processes\":[[\"7x\"]]}"),
		  0,
		  { 0, 0 },
		  ERROR_MALFORMED,
		  "no number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_step step = {
			.expect = { "GET /v1.41/containers/x/top?ps_args=-eo%20pid HTTP/1.1\r\n" },
			.answer = cases[i].answer
		};
		struct docker_bench bench = docker_bench_begin("1.41", &step, 1);
		struct error err = { 0 };
		int *pids = NULL;
		size_t count = 0;

		docker_bench_check(cases[i].when,
				   docker_top(bench.docker, "x", &pids, &count, &err), &err,
				   cases[i].class, cases[i].words);
		if (count != cases[i].count || (cases[i].class && pids))
			fail_msg("when %s: %zu", cases[i].when, count);
		for (size_t j = 0; j < count; j++)
			assert_int_equal(pids[j], cases[i].want[j]);
		free(pids);
		docker_bench_end(&bench, cases[i].when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_looked_at),
		cmocka_unit_test(all_with_labels_are_listed),
		cmocka_unit_test(output_is_read),
		cmocka_unit_test(its_processes_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
