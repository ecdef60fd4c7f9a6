#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "bootstrap/agent.h"
#include "bootstrap/agent_room.h"
#include "tests/unit/support/engine_bench.h"
#include "tests/unit/support/own_mounts.h"

/* agent_docker.c: what is asked for when an agent starts. Its end is test_agent_docker_end.c. */

#define TASK "0123456789abcdef0123456789abcdef"
#define CREATE "POST /containers/create"
#define START "POST /containers/c0ffee/start"

static const struct engine_route all_well[] = {
	{ .request = CREATE, .answer = ENGINE_CREATED },
	{ .request = START, .answer = ENGINE_DONE },
	{ 0 },
};

static struct agent_run run_of(unsigned seat)
{
	struct agent_run run = { .seat = seat, .attempt = 3 };

	text_cut(run.task, sizeof(run.task), TASK);
	text_cut(run.worker, sizeof(run.worker), "p:r:t:i:2");
	return run;
}

static void begin(struct engine_bench *bench, const struct engine_route *routes)
{
	engine_bench_begin(bench, routes);
	engine_bench_meet(bench);
}

static void end(struct engine_bench *bench)
{
	struct error err = { 0 };

	if (agent_room_remove_all(bench->machine.identity.instance, false, &err) < 0)
		fail_msg("%s", err.message);
	engine_bench_end(bench);
}

static void start(struct engine_bench *bench, unsigned seat)
{
	const struct agent_run run = run_of(seat);
	struct error err = { 0 };
	pid_t pid = 77;

	if (agent_start(&bench->machine, &run, &pid, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(pid, 0); /* no child of ours */
}

/* ---- the request ---- */

static void read_request(struct engine_bench *bench, struct json_document *out)
{
	const char *body = strstr(engine_peer_last(bench->peer, CREATE), "\r\n\r\n");
	struct error err = { 0 };

	if (!body || json_parse(slice_of(body + 4), out, &err) < 0)
		fail_msg("the request is no JSON: %s", err.message);
}

/* A text, or a list of them with bars between; an object's names. "-": there is none. */
static void describe(const struct json *value, struct buf *out)
{
	if (!value) {
		buf_addf(out, "-");
		return;
	}
	if (json_kind(value) != JSON_LIST && json_kind(value) != JSON_OBJECT) {
		json_print(value, false, out);
		return;
	}
	for (const struct json *item = json_first(value); item; item = json_next(item))
		buf_addf(out, "%s%s", item == json_first(value) ? "" : "|",
			 json_kind(value) == JSON_OBJECT ? json_name(item) : json_text_value(item));
}

static void check_field(const struct json *root, const char *path, const char *want,
			const char *when)
{
	SCOPED(buf) struct buf got = BUF(4096);

	describe(*path ? json_find(root, path) : root, &got);
	if (strcmp(buf_text(&got), want) != 0)
		fail_msg("when %s: %s is %s, wanted %s", when, path, buf_text(&got), want);
}

static void the_container_is_what_it_must_be(void **state)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf binds = BUF(4096), label = BUF(256);
	struct engine_bench bench;
	struct agent_room room;
	struct error err = { 0 };

	(void)state;
	begin(&bench, all_well);
	const char *instance = bench.machine.identity.instance;

	assert_int_equal(agent_room_name(&bench.machine, 0, &room, &err), 0);
	buf_addf(&binds, "%s:/var/run/docker.sock|%s:/root/.clearml|%s:/root/clearml.conf:ro",
		 bench.socket, room.host, room.conf);
	buf_addf(&label, "\"%s\"", instance);
	start(&bench, 0);
	read_request(&bench, &document);
	const struct {
		const char *path, *want;
	} fields[] = {
		{ "", "HostConfig|Image|Entrypoint|Cmd|Env|Labels" },
		{ "Image", "\"agent:1\"" },
		{ "Entrypoint", "clearml-agent" },
		{ "Labels", "mayfly.instance|mayfly.run|mayfly.role" },
		{ "Labels[\"mayfly.instance\"]", buf_text(&label) },
		{ "Labels[\"mayfly.run\"]", "\"0/" TASK "/3\"" },
		{ "Labels[\"mayfly.role\"]", "\"agent\"" },
		/* No Privileged, no CapAdd, no PidMode: nothing more than this. */
		{ "HostConfig", "Binds|NetworkMode|Init|LogConfig" },
		{ "HostConfig.Binds", buf_text(&binds) },
		{ "HostConfig.NetworkMode", "\"bridge\"" },
		{ "HostConfig.Init", "true" },
		{ "HostConfig.LogConfig.Config[\"max-size\"]", "\"20m\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		check_field(document.root, fields[i].path, fields[i].want, "it is looked at");
	char name[300];

	snprintf(name, sizeof(name), CREATE "?name=mayfly-%s-0-" TASK "-3", instance);
	assert_int_equal(engine_peer_count(bench.peer, name, NULL), 1);
	assert_int_equal(engine_peer_count(bench.peer, START, NULL), 1);
	end(&bench);
}

static void words_and_devices_follow_from_seats(void **state)
{
	static const struct {
		const char *when;
		unsigned seats, seat, gpus;
		bool has_queue;
		const char *command, *devices; /* "-": none; else DeviceIDs, or their count */
	} cases[] = {
		{ "there are no GPUs", 1, 0, 0, true,
		  "execute|--id|" TASK "|--require-queue|--cpu-only|--docker|task:1", "-" },
		{ "the agent does not know --require-queue", 1, 0, 0, false,
		  "execute|--id|" TASK "|--cpu-only|--docker|task:1", "-" },
		{ "one seat has all GPUs", 1, 0, 4, true,
		  "execute|--id|" TASK "|--require-queue|--gpus|all|--docker|task:1", "all" },
		{ "two seats share four GPUs, the first one's", 2, 0, 4, true,
		  "execute|--id|" TASK "|--require-queue|--gpus|0,1|--docker|task:1", "0|1" },
		{ "two seats share four GPUs, the second one's", 2, 1, 4, true,
		  "execute|--id|" TASK "|--require-queue|--gpus|2,3|--docker|task:1", "2|3" },
		{ "four seats have a GPU each", 4, 3, 4, false,
		  "execute|--id|" TASK "|--gpus|3|--docker|task:1", "3" },
		{ "three seats cannot share four evenly", 3, 2, 4, true,
		  "execute|--id|" TASK "|--require-queue|--gpus|2|--docker|task:1", "2" },
		{ "there are more seats than GPUs", 3, 0, 2, true,
		  "execute|--id|" TASK "|--require-queue|--cpu-only|--docker|task:1", "-" },
		{ "the last of 16 seats has its four of 64", 16, 15, 64, true,
		  "execute|--id|" TASK "|--require-queue|--gpus|60,61,62,63|--docker|task:1",
		  "60|61|62|63" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(json_document) struct json_document document = { 0 };
		struct engine_bench bench;

		begin(&bench, all_well);
		bench.machine.ticket.seats = cases[i].seats;
		bench.machine.ticket.agent.docker.gpus = cases[i].gpus;
		engine_note_agent(bench.machine.engine, "3.0.3", cases[i].has_queue);
		start(&bench, cases[i].seat);
		read_request(&bench, &document);
		check_field(document.root, "Cmd", cases[i].command, cases[i].when);
		const struct json *devices = json_find(document.root, "HostConfig.DeviceRequests");
		bool is_all = !strcmp(cases[i].devices, "all");

		check_field(devices ? json_first(devices) : document.root,
			    is_all ? "Count" : "DeviceIDs", is_all ? "-1" : cases[i].devices,
			    cases[i].when);
		end(&bench);
	}
}

static struct secret secret_of(const char *text)
{
	struct secret secret = { 0 };
	struct error err = { 0 };

	assert_int_equal(secret_copy(&secret, slice_of(text), &err), 0);
	return secret;
}

/* They are in a file of ours on tmpfs, and in nothing that the engine is told. */
static void secrets_stay_in_the_file(void **state)
{
	static const char *const secrets[] = { ENGINE_BENCH_SECRET, "token-of-git", "value-of-env",
					       "login-of-registry", "key-of-ssh" };
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf conf = BUF(1 << 20), binds = BUF(4096), key = BUF(4096);
	struct engine_bench bench;
	struct agent_room room;
	struct error err = { 0 };
	struct stat found;

	(void)state;
	begin(&bench, all_well);
	struct bundle *bundle = &bench.machine.bundle;

	bundle->git = memory_array(1, sizeof(bundle->git[0]));
	bundle->git_count = 1;
	text_cut(bundle->git[0].user, sizeof(bundle->git[0].user), "u");
	bundle->git[0].token = secret_of(secrets[1]);
	bundle->environment = memory_array(1, sizeof(bundle->environment[0]));
	bundle->environment_count = 1;
	text_cut(bundle->environment[0].name, sizeof(bundle->environment[0].name), "K");
	bundle->environment[0].value = secret_of(secrets[2]);
	bundle->registries = memory_array(1, sizeof(bundle->registries[0]));
	bundle->registry_count = 1;
	bundle->registries[0].password = secret_of(secrets[3]);
	bundle->ssh.key = secret_of(secrets[4]);
	start(&bench, 0);
	read_request(&bench, &document);
	assert_int_equal(agent_room_name(&bench.machine, 0, &room, &err), 0);
	assert_int_equal(lstat(room.conf, &found), 0);
	assert_int_equal(found.st_mode, S_IFREG | 0600);
	assert_int_equal(file_read(room.conf, &conf, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		if (engine_peer_count(bench.peer, "", secrets[i]))
			fail_msg("the engine was told %s", secrets[i]);
		if (i < 3 && !strstr(buf_text(&conf), secrets[i]))
			fail_msg("clearml.conf has not %s", secrets[i]);
	}
	buf_addf(&binds,
		 "%s:/var/run/docker.sock|%s:/root/.clearml|%s:/root/clearml.conf:ro"
		 "|%s:/root/.ssh:ro",
		 bench.socket, room.host, room.conf, room.ssh);
	check_field(document.root, "HostConfig.Binds", buf_text(&binds), "there is a key");
	assert_null(strstr(engine_peer_last(bench.peer, CREATE), "DISABLE_SSH_MOUNT"));
	assert_int_equal(lstat(scratch_path(room.ssh, "id"), &found), 0);
	assert_int_equal(found.st_mode, S_IFREG | 0600);
	assert_int_equal(file_read(scratch_path(room.ssh, "id"), &key, &err), 0);
	assert_string_equal(buf_text(&key), secrets[4]);
	const struct agent_run run = run_of(0);

	agent_tidy(&bench.machine, &run);
	assert_int_not_equal(lstat(room.folder, &found), 0);
	assert_int_equal(own_mounts_count("/run/mayfly"), 0);
	agent_tidy(&bench.machine, &run);
	end(&bench);
}

/* What an engine would not take in a name becomes a dash. */
static void odd_instances_have_names(void **state)
{
	struct engine_bench bench;

	(void)state;
	begin(&bench, all_well);
	text_cut(bench.machine.identity.instance, sizeof(bench.machine.identity.instance),
		 "vast:12+3 4");
	start(&bench, 0);
	assert_int_equal(
		engine_peer_count(bench.peer, CREATE "?name=mayfly-vast-12-3-4-0-" TASK "-3", NULL),
		1);
	end(&bench);
}

static void a_start_that_fails_says_why(void **state)
{
	static const struct {
		const char *when;
		struct engine_route routes[3];
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "a leftover of the same run has the name",
		  { { .request = CREATE,
		      .answer = ENGINE_REFUSES("409 Conflict", "the name is in use") } },
		  ERROR_CONFLICT,
		  "the name is in use" },
		{ "the agent's image is gone",
		  { { .request = CREATE, .answer = ENGINE_NO_IMAGE } },
		  ERROR_NOT_FOUND,
		  "No such image" },
		{ "it is made and does not start",
		  { { .request = CREATE, .answer = ENGINE_CREATED },
		    { .request = START,
		      .answer = ENGINE_REFUSES("500 Internal Server Error", "OCI failed") } },
		  ERROR_REFUSED,
		  "OCI failed" },
		{ "the engine goes before it says whether it is made",
		  { { .request = CREATE, .answer = NULL } },
		  ERROR_UNREACHABLE,
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct agent_run run = run_of(0);
		struct engine_bench bench;
		struct error err = { 0 };
		pid_t pid = 77;

		begin(&bench, cases[i].routes);
		int result = agent_start(&bench.machine, &run, &pid, &err);

		if (result == 0 || err.class != cases[i].class || pid != 77)
			fail_msg("when %s: %d %s", cases[i].when, result, err.message);
		if (strncmp(err.message, "start clearml-agent for task " TASK,
			    strlen("start clearml-agent for task " TASK)) != 0 ||
		    (cases[i].words && !strstr(err.message, cases[i].words)))
			fail_msg("when %s: it says %s", cases[i].when, err.message);
		end(&bench);
	}
}

/* From its start on: what happens to the engine then has happened to it. */
static void a_run_begins_with_its_start(void **state)
{
	const struct agent_run run = run_of(0);
	struct engine_bench bench;
	struct engine_run seen;

	(void)state;
	begin(&bench, all_well);
	start(&bench, 0);
	agent_look(&bench.machine, &run, &seen);
	assert_false(seen.is_engine_lost);
	engine_peer_drop(bench.peer);
	engine_bench_until(&bench, false, "the engine restarts");
	agent_look(&bench.machine, &run, &seen);
	assert_true(seen.is_engine_lost);
	end(&bench);
}

/* ---- before any task ---- */

static void a_ticket_is_checked_first(void **state)
{
	static char reserved[] = "CLEARML_AGENT_EXTRA_DOCKER_ARGS=--privileged";
	static const struct {
		const char *when, *instance, *key;
		char *variable;
		const char *words; /* NULL: it is fine */
	} cases[] = {
		{ "all is well", "i-1", "ACCESS", NULL, NULL },
		{ "the instance's name climbs", "..", "ACCESS", NULL, "instance" },
		{ "clearml.conf cannot carry the key", "i-1", "caf\xc3\xa9", NULL,
		  "api.credentials.access_key" },
		{ "a variable of ours is named", "i-1", "ACCESS", reserved,
		  "CLEARML_AGENT_EXTRA_DOCKER_ARGS" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *environment[] = { cases[i].variable, NULL };
		struct engine_bench bench;
		struct error err = { 0 };

		engine_bench_begin(&bench, NULL);
		struct machine *machine = &bench.machine;

		machine->ticket.agent.environment = environment;
		text_cut(machine->identity.instance, sizeof(machine->identity.instance),
			 cases[i].instance);
		text_cut(machine->bundle.access_key, sizeof(machine->bundle.access_key),
			 cases[i].key);
		int result = agent_check(machine, &err);

		if ((result == 0) != !cases[i].words ||
		    (result < 0 &&
		     (err.class != ERROR_CONFIGURATION || !strstr(err.message, cases[i].words))))
			fail_msg("when %s: %d %s", cases[i].when, result, err.message);
		assert_int_equal(engine_peer_count(bench.peer, "", NULL), 0);
		engine_bench_end(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_container_is_what_it_must_be),
		cmocka_unit_test(words_and_devices_follow_from_seats),
		cmocka_unit_test(secrets_stay_in_the_file),
		cmocka_unit_test(odd_instances_have_names),
		cmocka_unit_test(a_start_that_fails_says_why),
		cmocka_unit_test(a_run_begins_with_its_start),
		cmocka_unit_test(a_ticket_is_checked_first),
	};

	if (!own_mounts_begin())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
