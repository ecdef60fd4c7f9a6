#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "bootstrap/agent.h"
#include "common/child.h"
#include "common/clock.h"
#include "common/file.h"
#include "tests/unit/support/engine_bench.h"

/* agent_docker.c: is a run alive, does it keep the rules, and its end. */

#define TASK "0123456789abcdef0123456789abcdef"
#define LIST "GET /containers/json"
#define AGENTS "mayfly.role%3Dagent"
#define TASKS "mayfly.role%3Dtask"
#define NONE ENGINE_SAYS("[]")
#define ONE(id, state) \
	"{\"Id\":\"" id "\",\"Names\":[\"/n-" id "\"],\"Image\":\"i\",\"State\":\"" state "\"}"
#define LISTED(containers) ENGINE_SAYS("[" containers "]")
#define INSPECTED(more)                                                                   \
	ENGINE_SAYS("{\"Id\":\"t1\",\"Name\":\"/t\",\"Config\":{\"Image\":\"i\",\"Tty\":" \
		    "true},\"State\":{\"Status\":\"running\",\"ExitCode\":0,\"Pid\":7}" more "}")
#define LOOKED LIST "?all=1|"
#define KILLED(id) "POST /containers/" id "/kill?signal=SIGKILL|POST /containers/" id "/wait|"
#define LOGGED(id) \
	"GET /containers/" id "/json|GET /containers/" id "/logs?stdout=1&stderr=1&tail=400|"
#define REMOVED(id) "DELETE /containers/" id "?force=1&v=1|"

enum { KILL_MS = 5000, DEADLINE_MS = 60000, ROUTES = 14 };

static const struct agent_run run = {
	.seat = 2, .attempt = 3, .task = TASK, .worker = "p:r:t:i:2"
};

static void begin(struct engine_bench *bench, const struct engine_route *routes)
{
	engine_bench_begin(bench, routes);
	engine_bench_meet(bench);
}

/* ---- alive ---- */

static void a_run_lives_as_long_as_its_agent(void **state)
{
	static const struct {
		const char *when, *answer;
		bool is_alive;
		enum error_class class;
	} cases[] = {
		{ "its agent runs", LISTED(ONE("a1", "running")), true, ERROR_NONE },
		{ "its agent is paused", LISTED(ONE("a1", "paused")), true, ERROR_NONE },
		{ "its agent has ended", LISTED(ONE("a1", "exited")), false, ERROR_NONE },
		{ "its agent never started", LISTED(ONE("a1", "created")), false, ERROR_NONE },
		{ "there is none", NONE, false, ERROR_NONE },
		{ "one of two runs", LISTED(ONE("a1", "exited") "," ONE("a2", "running")), true,
		  ERROR_NONE },
		{ "the engine refuses to say", ENGINE_REFUSES("500 Internal Server Error", "no"),
		  true, ERROR_REFUSED },
		{ "the engine hangs up", NULL, true, ERROR_UNREACHABLE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct engine_route routes[] = {
			{ .request = LIST, .with = AGENTS, .answer = cases[i].answer },
			{ 0 },
		};
		bool is_alive = !cases[i].is_alive;
		struct engine_bench bench;
		struct error err = { 0 };
		char label[200];

		begin(&bench, routes);
		int result = agent_is_alive(&bench.machine, &run, &is_alive, &err);

		if ((result < 0) != (cases[i].class != ERROR_NONE) || err.class != cases[i].class)
			fail_msg("when %s: %d %s", cases[i].when, result, err.message);
		if (is_alive != (result < 0 ? !cases[i].is_alive : cases[i].is_alive))
			fail_msg("when %s: alive is %d", cases[i].when, is_alive);
		snprintf(label, sizeof(label), "mayfly.instance%%3D%s",
			 bench.machine.identity.instance);
		assert_int_equal(engine_peer_count(bench.peer, LIST, label), 1);
		assert_int_equal(
			engine_peer_count(bench.peer, LIST, "mayfly.run%3D2%2F" TASK "%2F3"), 1);
		engine_bench_end(&bench);
	}
}

/* ---- rules ---- */

static void a_container_beyond_the_rules_is_seen(void **state)
{
	static const struct {
		const char *when, *list, *inspected;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "no container of the task is there yet", NONE, NULL, ERROR_NONE, NULL },
		{ "it has ended meanwhile", LISTED(ONE("t1", "running")),
		  ENGINE_REFUSES("404 Not Found", "No such container"), ERROR_NONE, NULL },
		{ "it has not the labels of its machine", LISTED(ONE("t1", "running")),
		  INSPECTED(",\"HostConfig\":{\"Privileged\":true,\"NetworkMode\":\"bridge\","
			    "\"Runtime\":\"runc\"}"),
		  ERROR_REFUSED, "lacks the label mayfly.instance=" },
		{ "the engine does not say", LISTED(ONE("t1", "running")), INSPECTED(""),
		  ERROR_MALFORMED, NULL },
		{ "the engine refuses to list", ENGINE_REFUSES("503 Service Unavailable", "busy"),
		  NULL, ERROR_UNREACHABLE, "busy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct engine_route routes[] = {
			{ .request = LIST, .with = TASKS, .answer = cases[i].list },
			{ .request = "GET /containers/t1/json", .answer = cases[i].inspected },
			{ 0 },
		};
		struct engine_bench bench;
		struct error err = { 0 };

		begin(&bench, routes);
		int result = agent_examine(&bench.machine, &run, &err);

		if ((result < 0) != (cases[i].class != ERROR_NONE) ||
		    (result < 0 && err.class != cases[i].class))
			fail_msg("when %s: %d %s %s", cases[i].when, result,
				 error_class_name(err.class), err.message);
		if (cases[i].words && !strstr(err.message, cases[i].words))
			fail_msg("when %s: it says %s", cases[i].when, err.message);
		engine_bench_end(&bench);
	}
}

/* ---- the end ---- */

#define AGENT_RUNS                                                                       \
	{                                                                                \
		.request = LIST, .with = AGENTS, .answer = LISTED(ONE("a1", "running")), \
		.times = 1                                                               \
	}
#define AGENT_HAS(state)                                                                        \
	{                                                                                       \
		.request = LIST, .with = AGENTS, .answer = LISTED(ONE("a1", state)), .times = 1 \
	}
#define NO_AGENT                                                            \
	{                                                                   \
		.request = LIST, .with = AGENTS, .answer = NONE, .times = 1 \
	}
#define LOGS                                                                             \
	{ .request = "GET /containers/a1/json", .answer = INSPECTED("") },               \
	{                                                                                \
		.request = "GET /containers/a1/logs", .answer = ENGINE_SAYS("the end\n") \
	}
#define KILLS                                                                \
	{                                                                    \
		.request = "POST /containers/a1/kill", .answer = ENGINE_DONE \
	}
#define WAITS                                                 \
	{                                                     \
		.request = "POST /containers/a1/wait",        \
		.answer = ENGINE_SAYS("{\"StatusCode\":137}") \
	}
#define FOUND(containers)                                                 \
	{                                                                 \
		.request = LIST, .answer = LISTED(containers), .times = 1 \
	}
#define CLEAN                                   \
	{                                       \
		.request = LIST, .answer = NONE \
	}
#define REMOVES                                                         \
	{                                                               \
		.request = "DELETE /containers/", .answer = ENGINE_DONE \
	}

static const struct {
	const char *when;
	struct engine_route routes[ROUTES];
	int64_t timeout_ms;
	enum error_class class;
	const char *story;
} kills[] = {
	{ "agent and task run: the agent is dead before anything else is touched",
	  { AGENT_RUNS, LOGS, KILLS, WAITS, FOUND(ONE("t1", "running") "," ONE("a1", "exited")),
	    REMOVES, CLEAN },
	  KILL_MS,
	  ERROR_NONE,
	  LOOKED KILLED("a1") LOGGED("a1") LOOKED REMOVED("t1") REMOVED("a1") LOOKED LOOKED },
	{ "the agent has ended by itself",
	  { AGENT_HAS("exited"), LOGS, FOUND(ONE("a1", "exited")), REMOVES, CLEAN },
	  KILL_MS,
	  ERROR_NONE,
	  LOOKED LOGGED("a1") LOOKED REMOVED("a1") LOOKED LOOKED },
	{ "nothing of it is there",
	  { NO_AGENT, CLEAN },
	  KILL_MS,
	  ERROR_NONE,
	  LOOKED LOOKED LOOKED },
	{ "a container comes late: it is removed, and looked for twice more",
	  { AGENT_RUNS, LOGS, KILLS, WAITS, FOUND(ONE("a1", "exited")), FOUND(""),
	    FOUND(ONE("t9", "created")), REMOVES, CLEAN },
	  KILL_MS,
	  ERROR_NONE,
	  LOOKED KILLED("a1") LOGGED("a1") LOOKED REMOVED("a1") LOOKED LOOKED REMOVED("t9")
		  LOOKED LOOKED },
	{ "a leftover of a start that failed is there",
	  { AGENT_HAS("created"), LOGS, FOUND(ONE("a1", "created")), REMOVES, CLEAN },
	  KILL_MS,
	  ERROR_NONE,
	  LOOKED LOGGED("a1") LOOKED REMOVED("a1") LOOKED LOOKED },
	{ "the agent ends between two calls",
	  { AGENT_RUNS,
	    LOGS,
	    { .request = "POST /containers/a1/kill",
	      .answer = ENGINE_REFUSES("409 Conflict", "is not running") },
	    WAITS,
	    FOUND(ONE("a1", "exited")),
	    REMOVES,
	    CLEAN },
	  KILL_MS,
	  ERROR_NONE,
	  LOOKED KILLED("a1") LOGGED("a1") LOOKED REMOVED("a1") LOOKED LOOKED },
	{ "somebody removes the task's container at the same time",
	  { NO_AGENT,
	    FOUND(ONE("t1", "removing")),
	    { .request = "DELETE /containers/t1",
	      .answer = ENGINE_REFUSES("409 Conflict", "removal is already in progress") },
	    { .request = "POST /containers/t1/wait?condition=removed",
	      .answer = ENGINE_REFUSES("404 Not Found", "No such container") },
	    CLEAN },
	  KILL_MS,
	  ERROR_NONE,
	  LOOKED LOOKED REMOVED("t1") "POST /containers/t1/wait?condition=removed|" LOOKED LOOKED },
	{ "its output cannot be read, which keeps nothing",
	  { AGENT_RUNS,
	    KILLS,
	    WAITS,
	    { .request = "GET /containers/a1/json",
	      .answer = ENGINE_REFUSES("500 Internal Server Error", "no logs") },
	    FOUND(ONE("a1", "exited")),
	    REMOVES,
	    CLEAN },
	  KILL_MS,
	  ERROR_NONE,
	  LOOKED KILLED("a1") "GET /containers/a1/json|" LOOKED REMOVED("a1") LOOKED LOOKED },

	{ "the agent does not die: nothing else is touched",
	  { AGENT_RUNS,
	    KILLS,
	    { .request = "POST /containers/a1/wait", .answer = NULL, .stays = true } },
	  50,
	  ERROR_SYSTEM,
	  LOOKED KILLED("a1") },
	{ "the engine refuses to kill it: nothing else is touched",
	  { AGENT_RUNS,
	    { .request = "POST /containers/a1/kill",
	      .answer = ENGINE_REFUSES("500 Internal Server Error", "cannot kill") } },
	  KILL_MS,
	  ERROR_REFUSED,
	  LOOKED "POST /containers/a1/kill?signal=SIGKILL|" },
	{ "a container that has ended cannot be removed: it does no harm",
	  { NO_AGENT,
	    { .request = LIST, .answer = LISTED(ONE("t1", "exited")) },
	    { .request = "DELETE /containers/t1",
	      .answer = ENGINE_REFUSES("500 Internal Server Error", "device busy") } },
	  KILL_MS,
	  ERROR_NONE,
	  LOOKED LOOKED REMOVED("t1") LOOKED REMOVED("t1") },
	{ "containers come again and again until the time is over",
	  { NO_AGENT, { .request = LIST, .answer = LISTED(ONE("t1", "running")) }, REMOVES },
	  0,
	  ERROR_SYSTEM,
	  LOOKED LOOKED REMOVED("t1") },
};

static void the_agent_dies_first_and_all_is_gone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kills); i++) {
		SCOPED(buf) struct buf story = BUF(8192);
		struct engine_bench bench;
		struct error err = { 0 };

		begin(&bench, kills[i].routes);
		int result = agent_kill(&bench.machine, &run, kills[i].timeout_ms, &err);

		if ((result < 0) != (kills[i].class != ERROR_NONE) ||
		    (result < 0 && err.class != kills[i].class))
			fail_msg("when %s: %d %s %s", kills[i].when, result,
				 error_class_name(err.class), err.message);
		if (result < 0 && !strstr(err.message, "end the run of task " TASK))
			fail_msg("when %s: it says %s", kills[i].when, err.message);
		engine_peer_story(bench.peer, &story);
		if (strcmp(buf_text(&story), kills[i].story) != 0)
			fail_msg("when %s: %s", kills[i].when, buf_text(&story));
		engine_bench_end(&bench);
	}
}

/* What the agent said last is in the story that people are told. */
static void its_last_words_are_kept(void **state)
{
	static const struct engine_route routes[] = { AGENT_RUNS, LOGS,	   KILLS, WAITS,
						      CLEAN,	  REMOVES, { 0 } };
	SCOPED(buf) struct buf tail = BUF(100);
	struct engine_bench bench;
	struct error err = { 0 };

	(void)state;
	begin(&bench, routes);
	assert_int_equal(agent_kill(&bench.machine, &run, KILL_MS, &err), 0);
	agent_console_tail(&bench.machine, &run, &tail);
	assert_string_equal(buf_text(&tail), "the end\n");
	engine_bench_end(&bench);
}

/* ---- without an engine ---- */

/* Known not to answer: no call, and nothing is claimed of its containers. */
static void without_an_engine_nothing_is_known(void **state)
{
	struct engine_bench bench;
	bool is_alive = true;

	(void)state;
	begin(&bench, NULL);
	engine_peer_go_away(bench.peer);
	engine_bench_until(&bench, false, "the engine goes");
	unsigned asked = engine_peer_count(bench.peer, "", NULL);
	struct error err = { 0 };

	assert_int_equal(agent_is_alive(&bench.machine, &run, &is_alive, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	assert_true(is_alive);
	err = (struct error){ 0 };
	assert_int_equal(agent_examine(&bench.machine, &run, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	err = (struct error){ 0 };
	assert_int_equal(agent_kill(&bench.machine, &run, KILL_MS, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	assert_int_equal(engine_peer_count(bench.peer, "", NULL), asked);
	engine_bench_end(&bench);
}

static pid_t start_marked(const char *mark)
{
	const char *const argv[] = { "sleep", "600", NULL };
	const char *const environment[] = { mark, NULL };
	const struct child_spec spec = { .argv = argv,
					 .environment = environment,
					 .dies_with_us = true };
	struct error err = { 0 };
	pid_t pid = 0;

	if (child_start(&spec, &pid, &err) < 0)
		fail_msg("%s", err.message);
	return pid;
}

/* One that stays away is given up: what lives of its containers bears the run's mark. */
static void an_engine_that_is_gone_leaves_processes(void **state)
{
	char mark[200], other[200];
	struct engine_bench bench;
	struct error err = { 0 };
	int status = 0;

	(void)state;
	/* The verbs ask the real clock: by it the wait is over long ago. */
	engine_bench_begin(&bench, NULL);
	bench.now_ms -= 1000000;
	engine_bench_meet(&bench);
	engine_peer_go_away(bench.peer);
	engine_bench_until(&bench, false, "the engine goes for good");
	const char *instance = bench.machine.identity.instance;

	snprintf(mark, sizeof(mark), "MAYFLY_RUN=%s/2/" TASK "/3", instance);
	snprintf(other, sizeof(other), "MAYFLY_RUN=%s/2/" TASK "/31", instance);
	pid_t ours = start_marked(mark), others = start_marked(other);

	assert_int_equal(agent_kill(&bench.machine, &run, DEADLINE_MS, &err), 0);
	assert_int_equal(waitpid(ours, &status, 0), ours);
	assert_int_equal(status, SIGKILL);
	assert_int_equal(kill(others, 0), 0); /* another attempt's lives on */
	kill(others, SIGKILL);
	waitpid(others, &status, 0);
	engine_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_lives_as_long_as_its_agent),
		cmocka_unit_test(a_container_beyond_the_rules_is_seen),
		cmocka_unit_test(the_agent_dies_first_and_all_is_gone),
		cmocka_unit_test(its_last_words_are_kept),
		cmocka_unit_test(without_an_engine_nothing_is_known),
		cmocka_unit_test(an_engine_that_is_gone_leaves_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
