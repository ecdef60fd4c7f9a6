#include "bootstrap/agent_sweep.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "bootstrap/agent_room.h"
#include "common/child.h"
#include "common/file.h"
#include "tests/unit/support/engine_bench.h"
#include "tests/unit/support/own_mounts.h"

#define LIST "GET /containers/json"
#define BASE "/run/mayfly"
#define TWO                                                                                      \
	ENGINE_SAYS("[{\"Id\":\"c1\",\"Names\":[\"/a\"],\"Image\":\"i\",\"State\":\"running\"}," \
		    "{\"Id\":\"c2\",\"Names\":[\"/b\"],\"Image\":\"i\",\"State\":\"exited\"}]")
#define REMOVE(id) "DELETE /containers/" id "?force=1&v=1"

/* A room of an instance, with a secret in it. */
static void make_room(struct engine_bench *bench, const char *instance)
{
	char own[TICKET_FIELD_ROOM];
	struct agent_room room;
	struct error err = { 0 };

	text_cut(own, sizeof(own), bench->machine.identity.instance);
	text_cut(bench->machine.identity.instance, TICKET_FIELD_ROOM, instance);
	if (agent_room_make(&bench->machine, 0, &room, &err) < 0 ||
	    file_write(room.conf, slice_of("secret"), 0600, &err) < 0)
		fail_msg("%s", err.message);
	text_cut(bench->machine.identity.instance, TICKET_FIELD_ROOM, own);
}

static bool has_room(const char *instance)
{
	return file_exists(scratch_path(BASE, instance));
}

static void end(struct engine_bench *bench, const char *instance)
{
	struct error err = { 0 };

	if (agent_room_remove_all(instance, false, &err) < 0)
		fail_msg("%s", err.message);
	engine_bench_end(bench);
}

static void what_an_instance_left_goes(void **state)
{
	static const struct {
		const char *when;
		enum agent_mode mode;
		bool is_away;
		struct engine_route routes[4];
		unsigned first, second; /* how often each was removed */
		bool has_secret, has_name; /* after it: by its name it is found again */
		const char *log; /* NULL: nothing is complained of */
	} cases[] = {
		{ "it has containers and rooms",
		  AGENT_DOCKER,
		  false,
		  { { .request = LIST, .answer = TWO },
		    { .request = "DELETE /containers/", .answer = ENGINE_DONE } },
		  1,
		  1,
		  false,
		  false,
		  NULL },
		{ "it has rooms alone",
		  AGENT_DOCKER,
		  false,
		  { { .request = LIST, .answer = ENGINE_SAYS("[]") } },
		  0,
		  0,
		  false,
		  false,
		  NULL },
		{ "another one removes a container at the same time",
		  AGENT_DOCKER,
		  false,
		  { { .request = LIST, .answer = TWO },
		    { .request = "DELETE /containers/c1",
		      .answer = ENGINE_REFUSES("404 Not Found", "No such container") },
		    { .request = "DELETE /containers/c2", .answer = ENGINE_DONE } },
		  1,
		  1,
		  false,
		  false,
		  NULL },
		{ "one container cannot be removed: the other one and the secrets go",
		  AGENT_DOCKER,
		  false,
		  { { .request = LIST, .answer = TWO },
		    { .request = "DELETE /containers/c1",
		      .answer = ENGINE_REFUSES("500 Internal Server Error", "device busy") },
		    { .request = "DELETE /containers/c2", .answer = ENGINE_DONE } },
		  1,
		  1,
		  false,
		  true,
		  "device busy" },
		{ "there is no engine: the secrets go",
		  AGENT_DOCKER,
		  true,
		  { { 0 } },
		  0,
		  0,
		  false,
		  true,
		  "docker.sock" },
		{ "a machine in host mode finds it: the secrets go, the containers are another's",
		  AGENT_HOST,
		  false,
		  { { 0 } },
		  0,
		  0,
		  false,
		  true,
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct engine_bench bench;
		char log[4096];

		engine_bench_begin(&bench, cases[i].routes);
		make_room(&bench, "gone-1");
		if (cases[i].is_away)
			engine_peer_go_away(bench.peer);
		bench.machine.ticket.agent.mode = cases[i].mode;
		struct capture capture = capture_begin(2);

		agent_sweep(&bench.machine.ticket, "gone-1");
		capture_end(&capture, log, sizeof(log));
		unsigned first = engine_peer_count(bench.peer, REMOVE("c1"), NULL);
		unsigned second = engine_peer_count(bench.peer, REMOVE("c2"), NULL);

		if (first != cases[i].first || second != cases[i].second ||
		    has_room("gone-1") != cases[i].has_name ||
		    has_room("gone-1/0/clearml.conf") != cases[i].has_secret)
			fail_msg("when %s: %u and %u removed, name %d, secret %d", cases[i].when,
				 first, second, has_room("gone-1"),
				 has_room("gone-1/0/clearml.conf"));
		if (cases[i].log ? !strstr(log, cases[i].log) :
				   strstr(log, "level=warn") || strstr(log, "level=error"))
			fail_msg("when %s: it says %s", cases[i].when, log);
		if (engine_peer_count(bench.peer, LIST, NULL) !=
		    engine_peer_count(bench.peer, LIST, "mayfly.instance%3Dgone-1"))
			fail_msg("when %s: others' containers are listed", cases[i].when);
		end(&bench, "gone-1");
	}
}

/* ---- by the folder ---- */

static void what_a_folder_tells_of_goes(void **state)
{
	static const struct {
		const char *when, *ticket; /* NULL: a whole one; "": none */
		bool has_room; /* after it */
	} cases[] = {
		{ "there is a ticket", NULL, false },
		{ "there is none: no engine is known, the name stays", "", true },
		{ "it makes no sense", "{}", true },
	};
	static const struct engine_route routes[] = {
		{ .request = LIST, .answer = ENGINE_SAYS("[]") },
		{ 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(1 << 20);
		struct engine_bench bench;
		struct error err = { 0 };

		engine_bench_begin(&bench, routes);
		make_room(&bench, "gone-1");
		const char *path = scratch_path(bench.machine.folder, "ticket.json");

		if (cases[i].ticket)
			buf_addf(&text, "%s", cases[i].ticket);
		else
			ticket_print(&bench.machine.ticket, &text);
		if (text.len)
			assert_int_equal(file_write(path, buf_slice(&text), 0600, &err), 0);
		agent_sweep_folder(bench.machine.folder, "gone-1");
		if (has_room("gone-1") != cases[i].has_room)
			fail_msg("when %s: the room is %d", cases[i].when, has_room("gone-1"));
		if (has_room("gone-1/0/clearml.conf"))
			fail_msg("when %s: the secrets are there", cases[i].when);
		end(&bench, "gone-1");
	}
}

/* ---- at a start ---- */

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

/* Of those of which nothing lives; never of itself, whose seat may run on. */
static void the_dead_ones_are_swept_at_a_start(void **state)
{
	static const struct engine_route routes[] = {
		{ .request = LIST, .answer = ENGINE_SAYS("[]") },
		{ 0 },
	};
	struct engine_bench bench;
	int status;

	(void)state;
	engine_bench_begin(&bench, routes);
	const char *own = bench.machine.identity.instance;

	make_room(&bench, own);
	make_room(&bench, "dead-1");
	make_room(&bench, "living-1");
	pid_t pid = start_marked("MAYFLY_INSTANCE=living-1");

	agent_sweep_stale(&bench.machine);
	assert_false(has_room("dead-1"));
	assert_true(has_room("living-1"));
	assert_true(has_room(own));
	assert_int_equal(engine_peer_count(bench.peer, LIST, "mayfly.instance%3Ddead-1"), 1);
	assert_int_equal(engine_peer_count(bench.peer, LIST, NULL), 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	bench.machine.ticket.agent.mode = AGENT_HOST;
	agent_sweep_stale(&bench.machine);
	assert_true(has_room("living-1")); /* its containers are for the next one in docker mode */
	assert_false(has_room("living-1/0"));
	bench.machine.ticket.agent.mode = AGENT_DOCKER;
	agent_sweep_stale(&bench.machine);
	assert_false(has_room("living-1"));
	end(&bench, own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_instance_left_goes),
		cmocka_unit_test(what_a_folder_tells_of_goes),
		cmocka_unit_test(the_dead_ones_are_swept_at_a_start),
	};

	if (!own_mounts_begin())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
