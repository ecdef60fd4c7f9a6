#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/agent.h"
#include "common/clock.h"
#include "tests/unit/support/engine_bench.h"
#include "tests/unit/support/talk.h"

/* agent_docker.c: is all here that a task needs, and whose fault is it if not? */

#define PULL "POST /images/create?"
#define HERE(image)                                                                      \
	{                                                                                \
		.request = "GET /images/" image "/json", .answer = ENGINE_IMAGE("amd64") \
	}
#define MISSING(image)                                                             \
	{                                                                          \
		.request = "GET /images/" image "/json", .answer = ENGINE_NO_IMAGE \
	}
#define FAILS(words)                                                                     \
	{                                                                                \
		.request = PULL,                                                         \
		.answer = ENGINE_SAYS("{\"errorDetail\":{\"message\":\"" words "\"}}\n") \
	}

enum { DEADLINE_MS = 60000 };

struct answer {
	int result;
	struct agent_news news;
	struct error err;
};

static struct answer ask(struct engine_bench *bench, const char *image)
{
	struct clearml_task task = { .status = TASK_QUEUED };
	struct answer answer = { 0 };
	const struct agent_wish wish = { .since_ms = 1, .now_ms = bench->now_ms };

	text_cut(task.id, sizeof(task.id), TASK_A);
	text_cut(task.image, sizeof(task.image), image);
	answer.result = agent_prepare(&bench->machine, &task, &wish, &answer.news, &answer.err);
	return answer;
}

/* Until it is ready or fails. */
static struct answer ask_to_the_end(struct engine_bench *bench, const char *image, const char *when)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
	struct answer answer = ask(bench, image);

	while (!answer.result && !answer.news.is_ready) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("when %s: it never ends: %s", when, answer.news.text);
		engine_bench_turn(bench);
		if (images_is_busy(bench->machine.images))
			clock_sleep_ms(1);
		answer = ask(bench, image);
	}
	return answer;
}

/* ---- the image ---- */

static const struct {
	const char *when, *image; /* of the task; "": none */
	bool is_fixed;
	struct engine_route routes[3];
	const char *cause; /* NULL: it is ready */
	bool is_tasks_fault;
	enum error_class class;
} images[] = {
	{ "the task names none and the default one is here",
	  "",
	  false,
	  { HERE("task:1") },
	  NULL,
	  false,
	  ERROR_NONE },
	{ "the task names one and all run in the default one",
	  "own:1",
	  true,
	  { HERE("task:1") },
	  NULL,
	  false,
	  ERROR_NONE },
	{ "the name is nothing but blanks",
	  " \t\n",
	  false,
	  { HERE("task:1") },
	  NULL,
	  false,
	  ERROR_NONE },
	{ "the default one does not exist",
	  "",
	  false,
	  { MISSING("task:1"), FAILS("manifest unknown: no") },
	  "image-missing",
	  false,
	  ERROR_NOT_FOUND },
	{ "the task's own does not exist",
	  "own:1",
	  false,
	  { MISSING("own:1"), FAILS("manifest unknown: no") },
	  "image-missing",
	  true,
	  ERROR_NOT_FOUND },
	{ "the default one is denied",
	  "",
	  false,
	  { MISSING("task:1"), FAILS("unauthorized: no") },
	  "image-denied",
	  false,
	  ERROR_DENIED },
	{ "the task's own is denied",
	  "own:1",
	  false,
	  { MISSING("own:1"), FAILS("unauthorized: no") },
	  "image-denied",
	  true,
	  ERROR_DENIED },
	{ "the task's own is for another processor",
	  "own:1",
	  false,
	  { { .request = "GET /images/own:1/json", .answer = ENGINE_IMAGE("mips64le") } },
	  "image-unfit",
	  true,
	  ERROR_REFUSED },
	{ "the default one is for another processor",
	  "",
	  false,
	  { { .request = "GET /images/task:1/json", .answer = ENGINE_IMAGE("mips64le") } },
	  "image-unfit",
	  false,
	  ERROR_REFUSED },
	{ "the task's own has a name that is none",
	  "Own Image",
	  false,
	  { { 0 } },
	  "image-unfit",
	  true,
	  ERROR_REFUSED },
	{ "the task's own is an option",
	  "--privileged",
	  false,
	  { { 0 } },
	  "image-unfit",
	  true,
	  ERROR_REFUSED },
	{ "the disk is full for the task's own",
	  "own:1",
	  false,
	  { MISSING("own:1"), FAILS("write /x: no space left on device") },
	  "disk-full",
	  false,
	  ERROR_CAPACITY },
	{ "the registry of the task's own is away until the time is over",
	  "own:1",
	  false,
	  { MISSING("own:1"), FAILS("dial tcp: connection refused") },
	  "image-pull",
	  false,
	  ERROR_REFUSED },
	{ "the registry's limit lasts until the time is over",
	  "own:1",
	  false,
	  { MISSING("own:1"), FAILS("toomanyrequests: slow down") },
	  "image-pull",
	  false,
	  ERROR_REFUSED },
};

static void an_image_comes_or_it_is_said_whose_fault_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		const char *cause = images[i].cause ? images[i].cause : "";
		struct engine_bench bench;

		engine_bench_begin(&bench, images[i].routes);
		bench.machine.ticket.agent.docker.is_image_fixed = images[i].is_fixed;
		engine_bench_meet(&bench);
		struct answer got = ask_to_the_end(&bench, images[i].image, images[i].when);

		if ((got.result == 0) != !images[i].cause || strcmp(got.news.cause, cause) != 0 ||
		    got.news.is_tasks_fault != images[i].is_tasks_fault ||
		    got.err.class != images[i].class || got.news.is_ready != !images[i].cause)
			fail_msg("when %s: %d, cause %s, the task's fault %d, %s: %s",
				 images[i].when, got.result, got.news.cause,
				 got.news.is_tasks_fault, error_class_name(got.err.class),
				 got.err.message);
		assert_string_equal(got.news.image, images[i].cause ? "" : "task:1");
		engine_bench_end(&bench);
	}
}

static void what_is_on_its_way_is_told(void **state)
{
	static const struct engine_route routes[] = {
		MISSING("own:1"),
		{ .request = PULL, .answer = ENGINE_SAYS(""), .stays = true },
		{ 0 },
	};
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, routes);
	engine_bench_meet(&bench);
	struct answer got = ask(&bench, " own:1\n");

	assert_int_equal(got.result, 0);
	assert_false(got.news.is_ready);
	assert_string_equal(got.news.text, "pulling image own:1: 0 of 0 layers");
	engine_peer_go_away(bench.peer);
	engine_bench_until(&bench, false, "the engine goes");
	got = ask(&bench, "own:1");
	assert_int_equal(got.result, 0);
	assert_false(got.news.is_ready);
	assert_string_equal(got.news.text, "waiting for the container engine");
	assert_string_equal(got.news.cause, "");
	engine_bench_end(&bench);
}

/* ---- the arguments ---- */

static const struct {
	const char *when, *arguments; /* JSON */
	char allow[24]; /* of the ticket; "": nothing */
	bool is_ready;
	enum error_class class;
	const char *words; /* in the news when ready, in the error when not; NULL: none */
} arguments[] = {
	{ "there are none", "null", "", true, ERROR_NONE, NULL },
	{ "all are harmless", "\"-e A=b --shm-size 8g\"", "", true, ERROR_NONE, NULL },
	{ "one is left out", "\"-e A=b --privileged\"", "", true, ERROR_NONE, "--privileged" },
	{ "two are left out", "[\"--ipc=host\",\"--pid=host\"]", "", true, ERROR_NONE,
	  "--ipc, --pid" },
	{ "the ticket allows it", "\"--ipc=host\"", "--ipc", true, ERROR_NONE, NULL },
	{ "a quote is not closed", "\"-e 'A=b\"", "", false, ERROR_REFUSED, "not closed" },
	{ "a word stands alone: it would become the image", "\"ubuntu\"", "", false, ERROR_REFUSED,
	  "belongs to no option" },
};

static void arguments_are_looked_at(void **state)
{
	static const struct engine_route routes[] = { HERE("own:1"), { 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
		char data[512], option[sizeof(arguments[i].allow)];
		char *allow[] = { arguments[i].allow[0] ? option : NULL, NULL };
		struct api_step steps[] = { HELLO, { .endpoint = "tasks.get_all", .data = data } };
		struct engine_bench bench;

		text_cut(option, sizeof(option), arguments[i].allow);
		snprintf(data, sizeof(data),
			 "{\"tasks\":[{\"id\":\"" TASK_A "\",\"container\":{\"arguments\":%s}}]}",
			 arguments[i].arguments);
		engine_bench_begin(&bench, routes);
		bench.machine.ticket.agent.docker.allow = allow;
		engine_bench_meet(&bench);
		struct talk talk = BEGIN(steps);

		bench.machine.clearml = talk.clearml;
		struct answer got = ask(&bench, "own:1");
		const char *said = got.result ? got.err.message : got.news.text;

		if ((got.result == 0) != arguments[i].is_ready ||
		    got.news.is_ready != arguments[i].is_ready ||
		    got.err.class != arguments[i].class ||
		    got.news.is_tasks_fault != !arguments[i].is_ready ||
		    strcmp(got.news.cause, arguments[i].is_ready ? "" : "arguments") != 0)
			fail_msg("when %s: %d, cause %s: %s", arguments[i].when, got.result,
				 got.news.cause, said);
		if (arguments[i].words ? !strstr(said, arguments[i].words) : said[0] != '\0')
			fail_msg("when %s: it says %s", arguments[i].when, said);
		assert_string_equal(got.news.image, "own:1");
		talk_end(&talk);
		engine_bench_end(&bench);
	}
}

/* Nobody's fault: asked again. */
static void clearml_that_does_not_answer_is_nobodys_fault(void **state)
{
	static const struct engine_route routes[] = { HERE("own:1"), { 0 } };
	static const struct {
		const char *when;
		struct api_step step;
		enum error_class class;
	} cases[] = {
		{ "it is away",
		  { .endpoint = "tasks.get_all", .status = 403, .body = "no" },
		  ERROR_DENIED },
		{ "the answer makes no sense",
		  { .endpoint = "tasks.get_all",
		    .data = "{\"tasks\":[{\"id\":\"" TASK_A "\",\"container\":5}]}" },
		  ERROR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct api_step steps[] = { HELLO, cases[i].step };
		struct engine_bench bench;

		engine_bench_begin(&bench, routes);
		engine_bench_meet(&bench);
		struct talk talk = BEGIN(steps);

		bench.machine.clearml = talk.clearml;
		struct answer got = ask(&bench, "own:1");

		if (got.result == 0 || got.err.class != cases[i].class || got.news.cause[0] ||
		    got.news.is_tasks_fault)
			fail_msg("when %s: %d, %s, cause %s", cases[i].when, got.result,
				 got.err.message, got.news.cause);
		talk_end(&talk);
		engine_bench_end(&bench);
	}
}

static void host_mode_is_always_ready(void **state)
{
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, NULL);
	bench.machine.ticket.agent.mode = AGENT_HOST;
	struct answer got = ask(&bench, "own:1");

	assert_int_equal(got.result, 0);
	assert_true(got.news.is_ready);
	assert_string_equal(got.news.text, "");
	assert_int_equal(engine_peer_count(bench.peer, "", NULL), 0);
	engine_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_comes_or_it_is_said_whose_fault_it_is),
		cmocka_unit_test(what_is_on_its_way_is_told),
		cmocka_unit_test(arguments_are_looked_at),
		cmocka_unit_test(clearml_that_does_not_answer_is_nobodys_fault),
		cmocka_unit_test(host_mode_is_always_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
