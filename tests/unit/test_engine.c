#include "bootstrap/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/support/engine_bench.h"

#define RUN "0/0123456789abcdef0123456789abcdef/1"
#define OTHER "1/0123456789abcdef0123456789abcdef/1"
#define EVENT(action, run, role, more)                                                       \
	"{\"Type\":\"container\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"c1\","        \
	"\"Attributes\":{\"mayfly.run\":\"" run "\",\"mayfly.role\":\"" role "\"" more "}}," \
	"\"timeNano\":1764061200123456789}\n"
#define DIED(code) ",\"exitCode\":\"" code "\""
/* Of another run: when it is seen, all before it is, too. */
#define LAST EVENT("die", "9/last/1", "task", DIED("7"))

enum { DEADLINE_MS = 60000 };

static struct engine_run look(const struct engine_bench *bench, const char *run)
{
	struct engine_run seen;

	engine_look_run(bench->machine.engine, run, &seen);
	return seen;
}

/* ---- meeting ---- */

static void an_engine_is_met(void **state)
{
	static const struct {
		const char *when;
		struct engine_route routes[2];
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "it answers", { { 0 } }, ERROR_NONE, NULL },
		{ "it refuses to say what it is",
		  { { .request = "GET /info", .answer = ENGINE_REFUSES("403 Forbidden", "no") } },
		  ERROR_DENIED,
		  "/info" },
		{ "what it says makes no sense",
		  { { .request = "GET /version", .answer = ENGINE_SAYS("{}") } },
		  ERROR_MALFORMED,
		  "Version" },
		{ "it hangs up", { { .request = "GET /_ping" } }, ERROR_UNREACHABLE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct engine_bench bench;
		struct error err = { 0 };

		engine_bench_begin(&bench, cases[i].routes);
		int result = engine_meet(bench.machine.engine, bench.now_ms, &err);

		if ((result < 0) != (cases[i].class != ERROR_NONE) || err.class != cases[i].class)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (cases[i].words && !strstr(err.message, cases[i].words))
			fail_msg("when %s: it says %s", cases[i].when, err.message);
		assert_int_equal(engine_answers(bench.machine.engine), result == 0);
		engine_bench_end(&bench);
	}
}

static void what_is_met_is_known(void **state)
{
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, NULL);
	assert_false(engine_answers(bench.machine.engine));
	assert_int_equal(engine_peer_count(bench.peer, "", NULL), 0); /* opening calls nothing */
	engine_bench_meet(&bench);
	const struct docker_facts *facts = engine_facts(bench.machine.engine);

	assert_string_equal(facts->version, "24.0.7");
	assert_string_equal(facts->architecture, "amd64");
	assert_int_equal(facts->cgroup_version, 2);
	assert_string_equal(docker_api_version(engine_docker(bench.machine.engine)), "1.43");
	engine_bench_meet(&bench); /* again is fine, and opens no second stream */
	engine_peer_tell(bench.peer, LAST);
	char filter[128];

	snprintf(filter, sizeof(filter), "mayfly.instance%%3D%s", bench.machine.identity.instance);
	assert_int_equal(engine_peer_count(bench.peer, "GET /events", filter), 1);
	assert_int_equal(engine_peer_count(bench.peer, "GET /events", NULL), 1);
	engine_bench_end(&bench);
}

/* It is looked for from the first turn on: an adopted run may wait for it. */
static void one_that_was_never_met(void **state)
{
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, NULL);
	assert_false(engine_is_gone(bench.machine.engine, bench.now_ms));
	engine_bench_turn(&bench);
	assert_true(engine_answers(bench.machine.engine));
	assert_false(engine_is_gone(bench.machine.engine, bench.now_ms));
	engine_turn(NULL, 1);
	engine_close(NULL);
	engine_bench_end(&bench);
}

/* ---- runs ---- */

static void events_tell_of_runs(void **state)
{
	static const struct {
		const char *when, *events;
		bool is_out_of_memory;
		int exit_code;
	} cases[] = {
		{ "nothing happens", "", false, -1 },
		{ "its task's container ends", EVENT("die", RUN, "task", DIED("3")), false, 3 },
		{ "its task's container ends well", EVENT("die", RUN, "task", DIED("0")), false,
		  0 },
		{ "the kernel kills in its task's container",
		  EVENT("oom", RUN, "task", "") EVENT("die", RUN, "task", DIED("137")), true, 137 },
		{ "the kernel kills there and the task lives on", EVENT("oom", RUN, "task", ""),
		  true, -1 },
		{ "the kernel kills in the agent's container",
		  EVENT("oom", RUN, "agent", "") EVENT("die", RUN, "agent", DIED("137")), false,
		  -1 },
		{ "the kernel kills in the probe's", EVENT("oom", RUN, "probe", ""), false, -1 },
		{ "the kernel kills in one without a role", EVENT("oom", RUN, "", ""), false, -1 },
		{ "it happens to another run",
		  EVENT("oom", OTHER, "task", "") EVENT("die", OTHER, "task", DIED("1")), false,
		  -1 },
		{ "it happens to another attempt",
		  EVENT("oom", "0/0123456789abcdef0123456789abcdef/2", "task", ""), false, -1 },
		{ "it happens to no run at all", EVENT("oom", "", "task", ""), false, -1 },
		{ "it starts and is attached to",
		  EVENT("start", RUN, "task", "") EVENT("attach", RUN, "task", ""), false, -1 },
		{ "it ends without a code", EVENT("die", RUN, "task", ""), false, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
		struct engine_bench bench;

		engine_bench_begin(&bench, NULL);
		engine_bench_meet(&bench);
		engine_begin_run(bench.machine.engine, RUN);
		engine_begin_run(bench.machine.engine, "9/last/1");
		engine_peer_tell(bench.peer, cases[i].events);
		engine_peer_tell(bench.peer, LAST);
		while (look(&bench, "9/last/1").exit_code != 7) {
			if (clock_monotonic_ms() > end_ms)
				fail_msg("when %s: the events do not come", cases[i].when);
			engine_turn(bench.machine.engine, bench.now_ms);
			clock_sleep_ms(1);
		}
		struct engine_run seen = look(&bench, RUN);

		if (seen.is_out_of_memory != cases[i].is_out_of_memory ||
		    seen.exit_code != cases[i].exit_code || seen.is_engine_lost)
			fail_msg("when %s: memory %d, code %d, lost %d", cases[i].when,
				 seen.is_out_of_memory, seen.exit_code, seen.is_engine_lost);
		engine_bench_end(&bench);
	}
}

/* What was seen of a run is kept when it is begun again, as an adopted one's is. */
static void a_run_begins_once(void **state)
{
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, NULL);
	engine_bench_meet(&bench);
	engine_begin_run(bench.machine.engine, RUN);
	engine_peer_drop(bench.peer);
	engine_bench_until(&bench, false, "the stream ends");
	assert_true(look(&bench, RUN).is_engine_lost);
	engine_begin_run(bench.machine.engine, RUN);
	assert_true(look(&bench, RUN).is_engine_lost);
	engine_bench_end(&bench);
}

/* Only those that were there then. */
static void a_loss_is_of_the_runs_before_it(void **state)
{
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, NULL);
	engine_bench_meet(&bench);
	engine_begin_run(bench.machine.engine, "0/before/1");
	assert_false(look(&bench, "0/before/1").is_engine_lost);
	engine_peer_drop(bench.peer); /* as short as a restart can be */
	engine_bench_until(&bench, false, "the stream ends");
	engine_begin_run(bench.machine.engine, "0/away/1");
	engine_bench_until(&bench, true, "it is there again");
	engine_begin_run(bench.machine.engine, "0/after/1");
	assert_true(look(&bench, "0/before/1").is_engine_lost);
	assert_false(look(&bench, "0/away/1").is_engine_lost);
	assert_false(look(&bench, "0/after/1").is_engine_lost);
	assert_false(look(&bench, "0/never-begun/1").is_engine_lost);
	assert_int_equal(look(&bench, "0/never-begun/1").exit_code, -1);
	engine_peer_drop(bench.peer);
	engine_bench_until(&bench, false, "the stream ends again");
	assert_true(look(&bench, "0/away/1").is_engine_lost);
	assert_true(look(&bench, "0/after/1").is_engine_lost);
	engine_bench_end(&bench);
}

/* 32 are known; the one after takes the oldest one's place, and no other. */
static void the_oldest_run_is_forgotten(void **state)
{
	struct engine_bench bench;
	char run[32];

	(void)state;
	engine_bench_begin(&bench, NULL);
	engine_bench_meet(&bench);
	for (int i = 0; i < 33; i++) {
		snprintf(run, sizeof(run), "0/run-%d/1", i);
		engine_begin_run(bench.machine.engine, run);
	}
	engine_peer_drop(bench.peer);
	engine_bench_until(&bench, false, "the stream ends");
	assert_false(look(&bench, "0/run-0/1").is_engine_lost);
	assert_true(look(&bench, "0/run-1/1").is_engine_lost);
	assert_true(look(&bench, "0/run-32/1").is_engine_lost);
	engine_bench_end(&bench);
}

/* ---- away ---- */

static void one_that_stays_away_is_gone(void **state)
{
	static const struct {
		const char *when;
		int64_t away_ms;
		bool is_gone;
	} cases[] = {
		{ "it just went", 0, false },
		{ "it is away for less than the wait", 119999, false },
		{ "it is away for as long as the wait", 120000, true },
	};
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, NULL);
	engine_bench_meet(&bench);
	int64_t met_ms = bench.now_ms;

	assert_false(engine_is_gone(bench.machine.engine, met_ms + 100000000));
	engine_peer_go_away(bench.peer);
	engine_bench_until(&bench, false, "it goes");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (engine_is_gone(bench.machine.engine, met_ms + cases[i].away_ms) !=
		    cases[i].is_gone)
			fail_msg("when %s: the wait counts from its last answer", cases[i].when);
	bench.now_ms = met_ms + 130000;
	engine_bench_turn(&bench);
	assert_true(engine_is_gone(bench.machine.engine, bench.now_ms));
	engine_peer_come_back(bench.peer);
	engine_bench_until(&bench, true, "it comes back late");
	assert_false(engine_is_gone(bench.machine.engine, bench.now_ms));
	assert_int_equal(engine_peer_count(bench.peer, "GET /events", NULL), 2);
	engine_bench_end(&bench);
}

/* It takes our connections and says nothing: that is no answer, but no end of its containers. */
static void one_that_hangs_does_not_answer(void **state)
{
	static const struct engine_route silent[] = {
		{ .request = "GET /_ping", .answer = NULL },
		{ 0 },
	};
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, NULL);
	engine_bench_meet(&bench);
	engine_begin_run(bench.machine.engine, RUN);
	engine_peer_route(bench.peer, silent);
	engine_bench_until(&bench, false, "it is silent");
	assert_false(look(&bench, RUN).is_engine_lost);
	bench.now_ms += 119000;
	assert_true(engine_is_gone(bench.machine.engine, bench.now_ms));
	engine_peer_route(bench.peer, NULL);
	engine_bench_until(&bench, true, "it speaks again");
	assert_false(look(&bench, RUN).is_engine_lost);
	assert_int_equal(engine_peer_count(bench.peer, "GET /events", NULL), 1);
	engine_bench_end(&bench);
}

static void it_is_not_asked_all_the_time(void **state)
{
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, NULL);
	engine_bench_meet(&bench);
	for (int i = 0; i < 1000; i++) {
		bench.now_ms += 100;
		engine_turn(bench.machine.engine, bench.now_ms);
	}
	unsigned asked = engine_peer_count(bench.peer, "GET /_ping", NULL);

	assert_in_range(asked, 1 + 4, 1 + 6); /* 100 seconds, each 20 */
	engine_bench_end(&bench);
}

static void the_agent_is_noted(void **state)
{
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, NULL);
	assert_string_equal(engine_agent_version(bench.machine.engine), "");
	assert_false(engine_has_require_queue(bench.machine.engine));
	engine_note_agent(bench.machine.engine, "3.0.3", true);
	assert_string_equal(engine_agent_version(bench.machine.engine), "3.0.3");
	assert_true(engine_has_require_queue(bench.machine.engine));
	engine_note_agent(bench.machine.engine, "1.9.3", false);
	assert_false(engine_has_require_queue(bench.machine.engine));
	engine_bench_end(&bench);
}

static void a_socket_without_a_path_is_refused(void **state)
{
	struct ticket ticket = { 0 };
	struct engine *engine = NULL;
	struct error err = { 0 };

	(void)state;
	text_cut(ticket.agent.docker.socket, sizeof(ticket.agent.docker.socket), "docker.sock");
	assert_int_equal(engine_open(&ticket, "i", &engine, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_null(engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_engine_is_met),
		cmocka_unit_test(what_is_met_is_known),
		cmocka_unit_test(one_that_was_never_met),
		cmocka_unit_test(events_tell_of_runs),
		cmocka_unit_test(a_run_begins_once),
		cmocka_unit_test(a_loss_is_of_the_runs_before_it),
		cmocka_unit_test(the_oldest_run_is_forgotten),
		cmocka_unit_test(one_that_stays_away_is_gone),
		cmocka_unit_test(one_that_hangs_does_not_answer),
		cmocka_unit_test(it_is_not_asked_all_the_time),
		cmocka_unit_test(the_agent_is_noted),
		cmocka_unit_test(a_socket_without_a_path_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
