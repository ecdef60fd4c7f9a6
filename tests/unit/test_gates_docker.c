#include "bootstrap/gates_docker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/agent_room.h"
#include "bootstrap/gates.h"
#include "common/clock.h"
#include "common/file.h"
#include "tests/unit/support/engine_bench.h"
#include "tests/unit/support/own_mounts.h"

#define LOOK "GET /images/"
#define PULL "POST /images/create?"
#define CREATE "POST /containers/create"
#define START                                                                     \
	{                                                                         \
		.request = "POST /containers/c0ffee/start", .answer = ENGINE_DONE \
	}
#define ENDS(code)                                                 \
	{                                                          \
		.request = "POST /containers/c0ffee/wait",         \
		.answer = ENGINE_SAYS("{\"StatusCode\":" code "}") \
	}
#define RAW                                                          \
	{                                                            \
		.request = "GET /containers/c0ffee/json",            \
		.answer = ENGINE_SAYS("{\"Config\":{\"Tty\":true}}") \
	}
#define PRINTS(text)                                                                  \
	{                                                                             \
		.request = "GET /containers/c0ffee/logs", .answer = ENGINE_SAYS(text) \
	}
#define MADE                                                \
	{                                                   \
		.request = CREATE, .answer = ENGINE_CREATED \
	}
#define REMOVES                                                         \
	{                                                               \
		.request = "DELETE /containers/", .answer = ENGINE_DONE \
	}
#define VERSION(v) "CLEARML-AGENT version " v "\r\n"

enum { DEADLINE_MS = 60000, FOUND_MAX = 512, ROUTES = 8 };

static void end(struct engine_bench *bench)
{
	struct error err = { 0 };

	if (agent_room_remove_all(bench->machine.identity.instance, false, &err) < 0)
		fail_msg("%s", err.message);
	engine_bench_end(bench);
}

/* ---- the engine ---- */

static void an_engine_is_proved(void **state)
{
	static const struct {
		const char *when;
		struct engine_route routes[2];
		uint64_t free_bytes;
		enum error_class class;
		const char *words; /* in what was found, or in the error */
	} cases[] = {
		{ "it answers and has room",
		  { { 0 } },
		  1,
		  ERROR_NONE,
		  "engine 24.0.7, API 1.43, amd64; " },
		{ "the disk where it keeps images is too small",
		  { { 0 } },
		  UINT64_MAX,
		  ERROR_REFUSED,
		  "/tmp: " },
		{ "that folder is not on this machine",
		  { { .request = "GET /info",
		      .answer = ENGINE_SAYS("{\"DockerRootDir\":\"/no/such/folder\"}") } },
		  1,
		  ERROR_NOT_FOUND,
		  "/no/such/folder" },
		{ "it does not answer",
		  { { .request = "GET /_ping" } },
		  1,
		  ERROR_UNREACHABLE,
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf found = BUF(FOUND_MAX);
		struct engine_bench bench;
		struct error err = { 0 };

		engine_bench_begin(&bench, cases[i].routes);
		bench.machine.ticket.gates.free_bytes = cases[i].free_bytes;
		bench.machine.ticket.gates.free_inode_percent = 0;
		int result = gate_docker(&bench.machine, &found, &err);
		const char *said = result < 0 ? err.message : buf_text(&found);

		if ((result < 0) != (cases[i].class != ERROR_NONE) || err.class != cases[i].class)
			fail_msg("when %s: %d %s %s", cases[i].when, result,
				 error_class_name(err.class), err.message);
		if (cases[i].words && !strstr(said, cases[i].words))
			fail_msg("when %s: it says %s", cases[i].when, said);
		engine_bench_end(&bench);
	}
}

/* The gate is asked again until there is one; then before each task. */
static void an_engine_that_comes_late_is_met(void **state)
{
	SCOPED(buf) struct buf found = BUF(FOUND_MAX);
	struct engine_bench bench;
	struct error err = { 0 };

	(void)state;
	engine_bench_begin(&bench, NULL);
	bench.machine.ticket.gates = (struct ticket_gates){ .free_bytes = 1 };
	engine_peer_go_away(bench.peer);
	assert_int_equal(gate_docker(&bench.machine, &found, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	assert_int_equal(found.len, 0);
	engine_peer_come_back(bench.peer);
	assert_int_equal(gate_docker(&bench.machine, &found, &err), 0);
	assert_true(engine_answers(bench.machine.engine));
	assert_int_equal(gate_docker_again(&bench.machine, &err), 0);
	bench.machine.ticket.gates.free_bytes = UINT64_MAX;
	assert_int_equal(gate_docker_again(&bench.machine, &err), -1);
	assert_int_equal(err.class, ERROR_REFUSED);
	engine_peer_go_away(bench.peer);
	assert_int_equal(gate_docker_again(&bench.machine, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	engine_bench_end(&bench);
}

/* ---- the image ---- */

static int prove_image(struct engine_bench *bench, struct buf *found, struct error *err)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	/* The gate asks the real clock, and so must be what turns beside it. */
	while (gate_image(&bench->machine, found, err) < 0) {
		if (err->class != ERROR_UNREACHABLE)
			return -1;
		if (clock_monotonic_ms() > end_ms)
			fail_msg("it is always on its way: %s", err->message);
		images_turn(bench->machine.images, clock_monotonic_ms());
		clock_sleep_ms(1);
	}
	return 0;
}

static void the_agents_image_is_proved(void **state)
{
	static const struct {
		const char *when;
		struct engine_route routes[4];
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "it is here, and so is the default one",
		  { { .request = LOOK, .answer = ENGINE_IMAGE("amd64") } },
		  ERROR_NONE,
		  "agent:1 is here" },
		{ "it comes",
		  { { .request = LOOK, .answer = ENGINE_NO_IMAGE, .times = 1 },
		    { .request = PULL, .answer = ENGINE_SAYS("{\"status\":\"done\"}\n") },
		    { .request = LOOK, .answer = ENGINE_IMAGE("amd64") } },
		  ERROR_NONE,
		  "agent:1 is here" },
		{ "it does not exist",
		  { { .request = LOOK, .answer = ENGINE_NO_IMAGE },
		    { .request = PULL, .answer = ENGINE_REFUSES("404 Not Found", "unknown") } },
		  ERROR_NOT_FOUND,
		  "agent.docker.agent_image: " },
		{ "it is for another processor",
		  { { .request = LOOK, .answer = ENGINE_IMAGE("mips64le") } },
		  ERROR_REFUSED,
		  "agent.docker.agent_image: " },
		{ "the registry is away until the time is over: that is final",
		  { { .request = LOOK, .answer = ENGINE_NO_IMAGE },
		    { .request = PULL,
		      .answer = ENGINE_REFUSES("500 Internal Server Error", "no route") } },
		  ERROR_REFUSED,
		  "no route" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf found = BUF(FOUND_MAX);
		struct engine_bench bench;
		struct error err = { 0 };

		engine_bench_begin(&bench, cases[i].routes);
		/* No second try of a registry that is away would be within it. */
		bench.machine.ticket.agent.docker.pull_timeout_s =
			strstr(cases[i].words, "no route") ? 1 : 1800;
		engine_bench_meet(&bench);
		int result = prove_image(&bench, &found, &err);
		const char *said = result < 0 ? err.message : buf_text(&found);

		if ((result < 0) != (cases[i].class != ERROR_NONE) ||
		    (result < 0 && err.class != cases[i].class) || !strstr(said, cases[i].words))
			fail_msg("when %s: %d, %s", cases[i].when, result, said);
		engine_bench_end(&bench);
	}
}

/* How far it is; and what tasks will want comes already, which the gate does not wait for. */
static void the_default_image_begins_to_come(void **state)
{
	static const struct engine_route first[] = {
		{ .request = LOOK, .answer = ENGINE_NO_IMAGE },
		{ .request = PULL, .answer = ENGINE_SAYS(""), .stays = true },
		{ 0 },
	};
	static const struct engine_route second[] = {
		{ .request = LOOK "agent:1/", .answer = ENGINE_IMAGE("amd64") },
		{ .request = LOOK "task:1/", .answer = ENGINE_NO_IMAGE },
		{ .request = PULL, .answer = ENGINE_SAYS(""), .stays = true },
		{ 0 },
	};
	SCOPED(buf) struct buf found = BUF(FOUND_MAX);
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
	struct engine_bench bench;
	struct error err = { 0 };

	(void)state;
	engine_bench_begin(&bench, first);
	engine_bench_meet(&bench);
	assert_int_equal(gate_image(&bench.machine, &found, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	assert_string_equal(err.message, "agent:1 is on its way: 0 of 0 layers");
	assert_int_equal(engine_peer_count(bench.peer, LOOK "task:1", NULL), 0);
	engine_bench_end(&bench);

	engine_bench_begin(&bench, second);
	engine_bench_meet(&bench);
	assert_int_equal(gate_image(&bench.machine, &found, &err), 0);
	while (!engine_peer_count(bench.peer, PULL "fromImage=task&tag=1", NULL)) {
		assert_true(clock_monotonic_ms() < end_ms);
		images_turn(bench.machine.images, clock_monotonic_ms());
		clock_sleep_ms(1);
	}
	engine_bench_end(&bench);
}

/* ---- the probe ---- */

static const struct {
	const char *when;
	unsigned gpus;
	struct engine_route routes[ROUTES];
	enum error_class class;
	const char *words; /* in what was found, or in the error */
	const char *version; /* noted of the engine, after success */
	bool has_queue;
} probes[] = {
	{ "the agent is there and all is well",
	  0,
	  { REMOVES, MADE, START, ENDS("0"), RAW, PRINTS(VERSION("3.0.3") "queue\r\ncaches\r\n") },
	  ERROR_NONE,
	  "clearml-agent 3.0.3 in agent:1",
	  "3.0.3",
	  true },
	{ "the agent is of a time before --require-queue",
	  0,
	  { REMOVES, MADE, START, ENDS("0"), RAW, PRINTS(VERSION("1.9.3") "caches\r\n") },
	  ERROR_NONE,
	  "clearml-agent 1.9.3",
	  "1.9.3",
	  false },
	{ "warnings stand before and between what is asked for",
	  0,
	  { REMOVES, MADE, START, ENDS("0"), RAW,
	    PRINTS("/usr/lib/x.py:1: Warning: queue\n" VERSION(
		    "3.0.3") "a queue of warnings\nqueue\ncaches\n") },
	  ERROR_NONE,
	  "clearml-agent 3.0.3",
	  "3.0.3",
	  true },
	{ "the last line has no end",
	  0,
	  { REMOVES, MADE, START, ENDS("0"), RAW, PRINTS(VERSION("3.0.3") "caches") },
	  ERROR_NONE,
	  "clearml-agent 3.0.3",
	  "3.0.3",
	  false },
	{ "all GPUs are seen",
	  2,
	  { REMOVES, MADE, START, ENDS("0"), RAW,
	    PRINTS(VERSION("3.0.3") "queue\ncaches\ngpu\ngpu\n") },
	  ERROR_NONE,
	  ", 2 GPUs",
	  "3.0.3",
	  true },
	{ "more GPUs are seen than promised",
	  1,
	  { REMOVES, MADE, START, ENDS("0"), RAW, PRINTS(VERSION("3.0.3") "caches\ngpu\ngpu\n") },
	  ERROR_NONE,
	  ", 2 GPUs",
	  "3.0.3",
	  false },

	{ "there is no clearml-agent",
	  0,
	  { REMOVES, MADE, START, ENDS("0"), RAW,
	    PRINTS("/bin/sh: clearml-agent: not found\r\ncaches\r\n") },
	  ERROR_REFUSED,
	  "agent:1 has no clearml-agent that says its version",
	  NULL,
	  false },
	{ "it says its version in other words",
	  0,
	  { REMOVES, MADE, START, ENDS("0"), RAW, PRINTS("clearml-agent 9.9\r\ncaches\r\n") },
	  ERROR_REFUSED,
	  "has no clearml-agent that says its version",
	  NULL,
	  false },
	{ "the version is longer than any",
	  0,
	  { REMOVES, MADE, START, ENDS("0"), RAW,
	    PRINTS(VERSION("3.0.3.dev00000000000000000000000000000000") "caches\r\n") },
	  ERROR_REFUSED,
	  "has no clearml-agent that says its version",
	  NULL,
	  false },
	{ "the probe prints nothing",
	  0,
	  { REMOVES, MADE, START, ENDS("0"), RAW, PRINTS("") },
	  ERROR_REFUSED,
	  "has no clearml-agent that says its version",
	  NULL,
	  false },
	{ "the caches are not seen",
	  0,
	  { REMOVES, MADE, START, ENDS("0"), RAW, PRINTS(VERSION("3.0.3") "queue\r\n") },
	  ERROR_REFUSED,
	  "does not see what this machine mounts",
	  NULL,
	  false },
	{ "fewer GPUs are seen than promised",
	  4,
	  { REMOVES, MADE, START, ENDS("0"), RAW,
	    PRINTS(VERSION("3.0.3") "queue\ncaches\ngpu\ngpu\ngpu\n") },
	  ERROR_REFUSED,
	  "4 GPUs are promised, containers see 3",
	  NULL,
	  false },
	{ "the probe fails",
	  0,
	  { REMOVES, MADE, START, ENDS("127"), RAW, PRINTS("") },
	  ERROR_REFUSED,
	  "the probe ended with 127",
	  NULL,
	  false },
	{ "it does not start: no such driver",
	  1,
	  { REMOVES,
	    MADE,
	    { .request = "POST /containers/c0ffee/start",
	      .answer = ENGINE_REFUSES("500 Internal Server Error",
				       "could not select device driver") } },
	  ERROR_REFUSED,
	  "could not select device driver",
	  NULL,
	  false },
	{ "the engine goes while it runs",
	  0,
	  { REMOVES, MADE, START, { .request = "POST /containers/c0ffee/wait" } },
	  ERROR_UNREACHABLE,
	  NULL,
	  NULL,
	  false },
	{ "one of an earlier life cannot be removed",
	  0,
	  { { .request = "DELETE /containers/mayfly-",
	      .answer = ENGINE_REFUSES("500 Internal Server Error", "device busy") } },
	  ERROR_REFUSED,
	  "device busy",
	  NULL,
	  false },
	{ "the image has gone meanwhile",
	  0,
	  { REMOVES, { .request = CREATE, .answer = ENGINE_NO_IMAGE } },
	  ERROR_NOT_FOUND,
	  "No such image",
	  NULL,
	  false },
};

static void check_removed(struct engine_bench *bench, const char *when)
{
	bool was_made = engine_peer_count(bench->peer, "POST /containers/c0ffee/start", NULL);
	unsigned removed = engine_peer_count(bench->peer, "DELETE /containers/c0ffee?", NULL);

	if (removed != was_made)
		fail_msg("when %s: the probe's container was removed %u times", when, removed);
}

static void the_agent_is_probed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		SCOPED(buf) struct buf found = BUF(FOUND_MAX);
		struct engine_bench bench;
		struct error err = { 0 };

		engine_bench_begin(&bench, probes[i].routes);
		bench.machine.ticket.agent.docker.gpus = probes[i].gpus;
		engine_bench_meet(&bench);
		int result = gate_contained_agent(&bench.machine, &found, &err);
		const char *said = result < 0 ? err.message : buf_text(&found);

		if ((result < 0) != (probes[i].class != ERROR_NONE) ||
		    (result < 0 && err.class != probes[i].class))
			fail_msg("when %s: %d %s %s", probes[i].when, result,
				 error_class_name(err.class), said);
		if (probes[i].words && !strstr(said, probes[i].words))
			fail_msg("when %s: it says %s", probes[i].when, said);
		assert_string_equal(engine_agent_version(bench.machine.engine),
				    probes[i].version ? probes[i].version : "");
		assert_int_equal(engine_has_require_queue(bench.machine.engine),
				 probes[i].has_queue);
		check_removed(&bench, probes[i].when);
		end(&bench);
	}
}

/* It sees what an agent will see, has no network, and is found by its labels. */
static void the_probe_is_like_an_agent(void **state)
{
	SCOPED(buf) struct buf found = BUF(FOUND_MAX), bind = BUF(FOUND_MAX);
	struct engine_bench bench;
	struct agent_room room;
	struct error err = { 0 };
	char label[200];

	(void)state;
	engine_bench_begin(&bench, probes[0].routes);
	bench.machine.ticket.agent.docker.gpus = 0;
	engine_bench_meet(&bench);
	assert_int_equal(gate_contained_agent(&bench.machine, &found, &err), 0);
	assert_int_equal(agent_room_name(&bench.machine, 0, &room, &err), 0);
	buf_addf(&bind, "\"Binds\":[\"%s:/root/.clearml\"]", room.host);
	snprintf(label, sizeof(label), "\"mayfly.instance\":\"%s\",\"mayfly.role\":\"probe\"",
		 bench.machine.identity.instance);
	const char *const parts[] = { buf_text(&bind),	       label,
				      "\"Image\":\"agent:1\"", "\"NetworkMode\":\"none\"",
				      bench.machine.marker,    "--require-queue" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!engine_peer_count(bench.peer, CREATE, parts[i]))
			fail_msg("the probe lacks %s", parts[i]);
	assert_int_equal(engine_peer_count(bench.peer, CREATE, "DeviceRequests"), 0);
	assert_int_equal(engine_peer_count(bench.peer, "", ENGINE_BENCH_SECRET), 0);
	assert_true(file_exists(scratch_path(room.host, "caches/.mayfly")));
	end(&bench);
}

/* ---- which gates there are ---- */

static void gates_of_docker_concern_docker_mode(void **state)
{
	struct ticket ticket = { 0 };

	(void)state;
	ticket.agent.mode = AGENT_DOCKER;
	for (int gate = 0; gate < GATE_COUNT; gate++)
		assert_true(gate_applies(gate, &ticket));
	ticket.agent.mode = AGENT_HOST;
	for (int gate = 0; gate < GATE_COUNT; gate++)
		assert_int_equal(gate_applies(gate, &ticket),
				 gate != GATE_DOCKER && gate != GATE_IMAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_engine_is_proved),
		cmocka_unit_test(an_engine_that_comes_late_is_met),
		cmocka_unit_test(the_agents_image_is_proved),
		cmocka_unit_test(the_default_image_begins_to_come),
		cmocka_unit_test(the_agent_is_probed),
		cmocka_unit_test(the_probe_is_like_an_agent),
		cmocka_unit_test(gates_of_docker_concern_docker_mode),
	};

	if (!own_mounts_begin())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
