#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/agent_room.h"
#include "common/clock.h"
#include "common/log.h"
#include "tests/unit/support/engine_peer.h"
#include "tests/unit/support/own_mounts.h"
#include "tests/unit/support/seat_bench.h"

/*
 * Seats in docker mode, against the ClearML stand-in and an engine of routes: the
 * test does what the agent in its container would.
 */

#define PULL "POST /images/create?"
#define CREATE "POST /containers/create"
#define LIST "GET /containers/json"
#define AGENTS "mayfly.role%3Dagent"
#define TASKS "mayfly.role%3Dtask"
#define ONE(id) "[{\"Id\":\"" id "\",\"Names\":[\"/n\"],\"Image\":\"i\",\"State\":\"running\"}]"
#define FAILS(words)                                                                     \
	{                                                                                \
		.request = PULL,                                                         \
		.answer = ENGINE_SAYS("{\"errorDetail\":{\"message\":\"" words "\"}}\n") \
	}
#define HERE                                                               \
	{                                                                  \
		.request = "GET /images/", .answer = ENGINE_IMAGE("amd64") \
	}
#define MISSING                                                      \
	{                                                            \
		.request = "GET /images/", .answer = ENGINE_NO_IMAGE \
	}
#define CREATES                                             \
	{                                                   \
		.request = CREATE, .answer = ENGINE_CREATED \
	}
#define STARTS                                                                    \
	{                                                                         \
		.request = "POST /containers/c0ffee/start", .answer = ENGINE_DONE \
	}
#define AGENT_LIVES                                                                   \
	{                                                                             \
		.request = LIST, .with = AGENTS, .answer = ENGINE_SAYS(ONE("c0ffee")) \
	}
#define NOTHING_LIVES                                        \
	{                                                    \
		.request = LIST, .answer = ENGINE_SAYS("[]") \
	}

enum { DEADLINE_MS = 60000, PAUSE_MS = 2, LOG_MAX = 1 << 20, ROUTES = 10 };

static const struct engine_route lives[] = { HERE,	  CREATES,	 STARTS,
					     AGENT_LIVES, NOTHING_LIVES, { 0 } };
static const struct engine_route has_ended[] = { HERE, NOTHING_LIVES, { 0 } };

static struct bench bench;

struct life {
	struct engine_peer *peer;
	char socket[2 * SCRATCH_ROOM];
	char task[CLEARML_ID_ROOM];
};

static void turn(void)
{
	engine_turn(bench.machine.engine, bench.now_ms);
	images_turn(bench.machine.images, bench.now_ms);
	bench_turn(&bench);
	clock_sleep_ms(PAUSE_MS);
}

/* A queued task, and a machine in docker mode that may take it. own: its image; "": none. */
static void begin(struct life *life, const struct engine_route *routes, const char *own)
{
	struct machine *machine = &bench.machine;
	struct ticket_docker *docker = &machine->ticket.agent.docker;
	struct error err = { 0 };
	char body[256];

	bench_begin(&bench, 1, "");
	snprintf(life->socket, sizeof(life->socket), "%s/docker.sock", bench.folder);
	life->peer = engine_peer_open(life->socket, routes);
	machine->ticket.agent.mode = AGENT_DOCKER;
	machine->ticket.limits.max_attempts = 3;
	text_cut(docker->socket, sizeof(docker->socket), life->socket);
	text_cut(docker->agent_image, sizeof(docker->agent_image), "agent:1");
	text_cut(docker->image, sizeof(docker->image), "task:1");
	text_cut(docker->network, sizeof(docker->network), "bridge");
	docker->wait_s = 120;
	docker->pull_timeout_s = 600;
	assert_int_equal(
		engine_open(&machine->ticket, machine->identity.instance, &machine->engine, &err),
		0);
	machine->images = images_new(&machine->ticket, &machine->bundle, machine->engine);
	if (engine_meet(machine->engine, bench.now_ms, &err) < 0)
		fail_msg("%s", err.message);
	bench_add_task(&bench, life->task);
	snprintf(body, sizeof(body),
		 "{\"task\":\"%s\",\"force\":true,\"container\":{\"image\":\"%s\"}}", life->task,
		 own);
	bench_call(&bench, "tasks.edit", body, NULL);
	bench_open_seats(&bench);
}

static void end(struct life *life)
{
	struct error err = { 0 };

	bench_crash(&bench);
	assert_int_equal(agent_room_remove_all(bench.machine.identity.instance, false, &err), 0);
	images_free(bench.machine.images);
	engine_close(bench.machine.engine);
	bench.machine.images = NULL;
	bench.machine.engine = NULL;
	bench_end(&bench);
	engine_peer_close(life->peer);
}

static void until_asked(struct life *life, const char *request, const char *when)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	while (!engine_peer_count(life->peer, request, NULL)) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("when %s: no %s", when, request);
		turn();
	}
}

static void until_idle(struct life *life, const char *when)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	bench.orders.may_take = false;
	while (bench_look(&bench).busy) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("when %s: the seat is never free again, task %s", when,
				 life->task);
		turn();
	}
}

/* Whether the task's console has a line with these words. */
static bool has_line(struct life *life, const char *words)
{
	SCOPED(buf) struct buf log = BUF(LOG_MAX);
	char body[128];

	snprintf(body, sizeof(body), "{\"task\":\"%s\",\"batch_size\":1000}", life->task);
	bench_call(&bench, "events.get_task_log", body, &log);
	return strstr(buf_text(&log), words);
}

/* ---- what the agent does ---- */

static void call_for(struct life *life, const char *endpoint, const char *more)
{
	char body[512];

	snprintf(body, sizeof(body), "{\"task\":\"%s\"%s}", life->task, more);
	bench_call(&bench, endpoint, body, NULL);
}

static void agent_starts(struct life *life)
{
	char more[400];

	call_for(life, "tasks.started", ",\"force\":true,\"status_reason\":\"launch by agent\"");
	snprintf(more, sizeof(more), ",\"worker\":\"%s\",\"timestamp\":%lld", bench_worker(&bench),
		 (long long)clock_wall_ms());
	call_for(life, "workers.status_report", more);
}

static void agent_fails_with_137(struct life *life)
{
	call_for(life, "tasks.failed",
		 ",\"force\":true,\"status_reason\":\"worker execution exit code 137\"");
}

static void completes(struct life *life)
{
	agent_starts(life);
	call_for(life, "tasks.completed", ",\"force\":true");
	engine_peer_route(life->peer, has_ended);
}

static void fails(struct life *life)
{
	agent_starts(life);
	agent_fails_with_137(life);
	engine_peer_route(life->peer, has_ended);
}

/* The event first, as the engine tells it; the agent knows of an exit status alone. */
static void runs_out_of_memory(struct life *life)
{
	char events[1024], run[300];
	struct engine_run seen = { 0 };
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	agent_starts(life);
	snprintf(run, sizeof(run), "0/%s/1", life->task);
	snprintf(events, sizeof(events),
		 "{\"Type\":\"container\",\"Action\":\"oom\",\"Actor\":{\"ID\":\"t1\","
		 "\"Attributes\":{\"mayfly.run\":\"%s\",\"mayfly.role\":\"task\"}},"
		 "\"timeNano\":1764061200123456789}\n",
		 run);
	engine_peer_tell(life->peer, events);
	while (!seen.is_out_of_memory) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("%s", "the event does not come");
		turn();
		engine_look_run(bench.machine.engine, run, &seen);
	}
	agent_fails_with_137(life);
	engine_peer_route(life->peer, has_ended);
}

static void restart_engine(struct life *life)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	engine_peer_route(life->peer, has_ended);
	engine_peer_drop(life->peer);
	while (engine_answers(bench.machine.engine)) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("%s", "the engine's end is not noticed");
		turn();
	}
}

static void loses_its_engine(struct life *life)
{
	agent_starts(life);
	restart_engine(life);
}

static void loses_its_engine_and_its_agent_says_failed(struct life *life)
{
	agent_starts(life);
	agent_fails_with_137(life);
	restart_engine(life);
}

static void ends_without_a_word(struct life *life)
{
	agent_starts(life);
	engine_peer_route(life->peer, has_ended);
}

/* A container of the task comes that lacks what ours have. */
static void goes_beyond_the_rules(struct life *life)
{
	static const struct engine_route routes[] = {
		{ .request = LIST, .with = AGENTS, .answer = ENGINE_SAYS(ONE("a1")), .times = 4 },
		{ .request = LIST, .with = TASKS, .answer = ENGINE_SAYS(ONE("t1")), .times = 1 },
		{ .request = "GET /containers/t1/json",
		  .answer = ENGINE_SAYS("{\"Id\":\"t1\",\"Name\":\"/t\",\"Config\":{\"Image\":"
					"\"i\",\"Tty\":true},\"State\":{\"Status\":\"running\","
					"\"ExitCode\":0,\"Pid\":7},\"HostConfig\":{}}") },
		{ .request = "POST /containers/a1/kill", .answer = ENGINE_DONE },
		{ .request = "POST /containers/a1/wait",
		  .answer = ENGINE_SAYS("{\"StatusCode\":137}") },
		{ .request = "GET /containers/a1/json",
		  .answer = ENGINE_REFUSES("404 Not Found", "gone") },
		NOTHING_LIVES,
		{ 0 },
	};

	agent_starts(life);
	engine_peer_route(life->peer, routes);
	until_asked(life, "GET /containers/t1/json", "it goes beyond the rules");
}

/* ---- lives ---- */

static const struct {
	const char *when;
	void (*happens)(struct life *life); /* once its agent has started */
	enum task_status status;
	const char *reason; /* the status's; "infra:x (": begins so */
	unsigned infra_failures;
	const char *line; /* on its console; NULL: whatever */
} ends[] = {
	{ "it completes", completes, TASK_COMPLETED, "", 0, NULL },
	{ "it fails", fails, TASK_FAILED, "worker execution exit code 137", 0, NULL },
	{ "it runs out of memory", runs_out_of_memory, TASK_FAILED, "task:out-of-memory", 0,
	  "the kernel killed in it (worker execution exit code 137)" },
	{ "the engine restarts under it", loses_its_engine, TASK_QUEUED, "infra:docker-lost (", 0,
	  "ended (docker-lost)" },
	{ "the engine restarts under it and its agent takes that for a failure",
	  loses_its_engine_and_its_agent_says_failed, TASK_QUEUED, "infra:docker-lost (", 0,
	  "ended (docker-lost)" },
	{ "its agent ends without a word", ends_without_a_word, TASK_QUEUED, "infra:agent-failed (",
	  1, "ended (agent-failed)" },
	{ "its container has got what tasks may not have", goes_beyond_the_rules, TASK_FAILED,
	  "task:arguments", 0, "lacks the label" },
};

static bool begins_so(const char *text, const char *want)
{
	size_t len = strlen(want);

	return len && want[len - 1] == '(' ? !strncmp(text, want, len) : !strcmp(text, want);
}

static void check_end(struct life *life, const char *when, enum task_status status,
		      const char *reason, unsigned infra_failures)
{
	struct clearml_task task = bench_task(&bench, life->task);

	if (task.status != status || (*reason && !begins_so(task.status_reason, reason)))
		fail_msg("when %s: %s, %s", when, task_status_name(task.status),
			 task.status_reason);
	if (task.owner[0])
		fail_msg("when %s: it is still owned by %s", when, task.owner);
	if (bench_look(&bench).infra_failures != infra_failures)
		fail_msg("when %s: %u infra failures", when, bench_look(&bench).infra_failures);
	if (own_mounts_count("/run/mayfly"))
		fail_msg("when %s: its secrets are still here", when);
}

static void each_life_has_its_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct life life = { 0 };

		begin(&life, lives, "");
		until_asked(&life, "POST /containers/c0ffee/start", ends[i].when);
		ends[i].happens(&life);
		until_idle(&life, ends[i].when);
		check_end(&life, ends[i].when, ends[i].status, ends[i].reason,
			  ends[i].infra_failures);
		if (ends[i].line && !has_line(&life, ends[i].line))
			fail_msg("when %s: nobody says: %s", ends[i].when, ends[i].line);
		end(&life);
	}
}

/* ---- before its agent starts ---- */

static void what_cannot_start_ends_as_it_should(void **state)
{
	static const struct {
		const char *when, *own;
		struct engine_route routes[ROUTES];
		enum task_status status;
		const char *reason;
		unsigned infra_failures;
	} rows[] = {
		{ "its own image does not exist: no other machine would have it",
		  "own:1",
		  { MISSING, FAILS("manifest unknown: no"), NOTHING_LIVES },
		  TASK_FAILED,
		  "task:image-missing",
		  0 },
		{ "its own image is denied",
		  "own:1",
		  { MISSING, FAILS("unauthorized: no"), NOTHING_LIVES },
		  TASK_FAILED,
		  "task:image-denied",
		  0 },
		{ "its own image's name is an option",
		  "--privileged",
		  { NOTHING_LIVES },
		  TASK_FAILED,
		  "task:image-unfit",
		  0 },
		{ "the default image does not exist",
		  "",
		  { MISSING, FAILS("manifest unknown: no"), NOTHING_LIVES },
		  TASK_QUEUED,
		  "infra:image-missing (",
		  1 },
		{ "the disk is full for its own image",
		  "own:1",
		  { MISSING, FAILS("write /x: no space left on device"), NOTHING_LIVES },
		  TASK_QUEUED,
		  "infra:disk-full (",
		  1 },
		{ "the registry is away until the time is over",
		  "own:1",
		  { MISSING, FAILS("dial tcp: connection refused"), NOTHING_LIVES },
		  TASK_QUEUED,
		  "infra:image-pull (",
		  1 },
		{ "its agent's container cannot be made",
		  "",
		  { HERE, { .request = CREATE, .answer = ENGINE_NO_IMAGE }, NOTHING_LIVES },
		  TASK_QUEUED,
		  "infra:agent-failed (",
		  1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
		struct life life = { 0 };

		begin(&life, rows[i].routes, rows[i].own);
		while (!bench_look(&bench).busy && !bench_look(&bench).tasks_taken) {
			if (clock_monotonic_ms() > end_ms)
				fail_msg("when %s: it is not taken", rows[i].when);
			turn();
		}
		until_idle(&life, rows[i].when);
		check_end(&life, rows[i].when, rows[i].status, rows[i].reason,
			  rows[i].infra_failures);
		assert_int_equal(
			engine_peer_count(life.peer, "POST /containers/c0ffee/start", NULL), 0);
		end(&life);
	}
}

/* People see why their task does not start, and an abort meanwhile is obeyed. */
static void people_are_told_while_an_image_comes(void **state)
{
	static const struct engine_route coming[] = {
		MISSING,
		{ .request = PULL, .answer = ENGINE_SAYS(""), .stays = true },
		NOTHING_LIVES,
		{ 0 },
	};
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
	struct life life = { 0 };

	(void)state;
	begin(&life, coming, "own:1");
	while (!has_line(&life, "mayfly: pulling image own:1: 0 of 0 layers")) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("%s", "nobody is told of the image");
		turn();
	}
	until_asked(&life, PULL, "the image comes");
	engine_peer_go_away(life.peer);
	while (!has_line(&life, "mayfly: waiting for the container engine")) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("%s", "nobody is told of the engine");
		turn();
	}
	assert_int_equal(bench_look(&bench).busy, 1);
	call_for(&life, "tasks.stopped", ",\"force\":true,\"status_reason\":\"user abort\"");
	engine_peer_come_back(life.peer);
	until_idle(&life, "it is aborted while its image comes");
	assert_int_equal(bench_task(&bench, life.task).status, TASK_STOPPED);
	assert_int_equal(engine_peer_count(life.peer, CREATE, NULL), 0);
	end(&life);
}

/* Unknown is alive: nothing is given back while the engine is away for a moment. */
static void a_run_outlives_an_engine_that_is_silent(void **state)
{
	static const struct engine_route silent[] = { { .request = "GET /" }, { 0 } };
	struct life life = { 0 };

	(void)state;
	begin(&life, lives, "");
	until_asked(&life, "POST /containers/c0ffee/start", "it starts");
	agent_starts(&life);
	engine_peer_route(life.peer, silent);
	for (int i = 0; i < 60; i++)
		turn();
	assert_false(engine_answers(bench.machine.engine));
	assert_int_equal(bench_look(&bench).busy, 1);
	assert_true(bench_look(&bench).is_running);
	engine_peer_route(life.peer, lives);
	for (int i = 0; i < 60; i++)
		turn();
	assert_true(engine_answers(bench.machine.engine));
	assert_int_equal(bench_look(&bench).busy, 1);
	completes(&life);
	until_idle(&life, "it completes in the end");
	check_end(&life, "it completes in the end", TASK_COMPLETED, "", 0);
	end(&life);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_life_has_its_end),
		cmocka_unit_test(what_cannot_start_ends_as_it_should),
		cmocka_unit_test(people_are_told_while_an_image_comes),
		cmocka_unit_test(a_run_outlives_an_engine_that_is_silent),
	};

	if (!own_mounts_begin())
		return 0;
	bench_start_server(&bench, NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	bench_stop_server(&bench);
	return failed;
}
