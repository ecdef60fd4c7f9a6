/* settings: docker mode, GPUs, seats and the init script, by resource and in defaults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "common/schemas.h"
#include "reaper/settings/settings.h"
#include "tests/unit/support/scratch.h"

static char folder[SCRATCH_ROOM];
static const char *const environment[] = { "PATH=/usr/bin:/bin", "S=secret", NULL };

/* Line 2 is what the defaults add, line 4 what the resource does. */
static const char form[] =
	"{\"prefix\": \"p\", \"clearml\": {\"api_server\": \"http://h:1\", \"access_key\": \"A\", "
	"\"secret_key\": {\"env\": \"S\"}}, \"signing_key\": {\"file\": \"k\"}, \"defaults\": "
	"{\"bundle\": {\"file\": \"b\"}, "
	"\"local\": {\"bootstrap\": \"/bin/true\"}, \"queues\": [\"cpu\"], \"max_instances\": 2\n"
	"%s},\n\"resources\": [{\"name\": \"cpu\"\n%s}]}\n";

#define DOCKER(more) ", \"agent\": {\"docker\": {\"image\": \"python:3.11-slim\"" more "}}"
#define HOST ", \"agent\": {\"command\": [\"true\"]}"
#define INIT(members) ", \"init\": {" members "}"

static void write_bytes(const char *name, struct slice bytes)
{
	struct error err;

	assert_int_equal(file_write(scratch_path(folder, name), bytes, 0600, &err), 0);
}

static int make_folder(void **state)
{
	(void)state;
	scratch_make(folder);
	if (chdir(folder) < 0)
		return -1;
	write_bytes("init.sh", slice_of("apt-get install -y git\n"));
	write_bytes("empty.sh", slice_of(""));
	write_bytes("nul.sh", (struct slice){ "a\0b", 3 });
	write_bytes("latin.sh", slice_of("echo \xe4\n"));
	return mkfifo(scratch_path(folder, "pipe"), 0600);
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static int load(const char *defaults, const char *resource, struct settings *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(1 << 20);

	buf_addf(&text, form, defaults, resource);
	return settings_parse(buf_slice(&text), "c.json", environment, out, err);
}

static void must_load(const char *defaults, const char *resource, struct settings *out)
{
	struct error err = { 0 };

	if (load(defaults, resource, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void check_list(char *const *got, const char *const *want)
{
	for (; *want; got++, want++) {
		assert_non_null(*got);
		assert_string_equal(*got, *want);
	}
	assert_null(*got);
}

static void test_the_least_that_docker_mode_needs(void **state)
{
	SCOPED(settings) struct settings settings = { 0 };

	(void)state;
	must_load("", DOCKER(""), &settings);
	const struct ticket *ticket = &settings.resources[0].ticket;
	const struct ticket_docker *docker = &ticket->agent.docker;

	assert_int_equal(ticket->agent.mode, AGENT_DOCKER);
	assert_null(ticket->agent.command);
	assert_string_equal(docker->agent_image, "mayfly/clearml-agent:3.0.3");
	assert_string_equal(docker->image, "python:3.11-slim");
	assert_string_equal(docker->socket, "/var/run/docker.sock");
	assert_string_equal(docker->network, "bridge");
	assert_int_equal(docker->pull, PULL_MISSING);
	assert_false(docker->is_image_fixed);
	assert_int_equal(docker->gpus, 0);
	assert_int_equal(docker->pull_timeout_s, 1800);
	assert_int_equal(docker->wait_s, 120);
	assert_null(docker->arguments[0]);
	assert_null(docker->allow[0]);
	assert_null(ticket->init.script);
}

/* Field by field, lists whole; variables come from both. */
static void test_a_resource_inherits_what_it_does_not_say(void **state)
{
	static const char defaults[] =
		", \"gpus\": 4, \"seats\": 2, \"agent\": {\"environment\": {\"A\": \"1\"}, "
		"\"docker\": {\"socket\": \"/run/d.sock\", \"agent_image\": \"a:1\", \"image\": "
		"\"d:1\", \"image_fixed\": true, \"pull\": \"always\", \"network\": \"lab\", "
		"\"arguments\": [\"--shm-size\", \"8g\"], \"allow\": [\"--ipc\"], "
		"\"pull_timeout\": \"24h\", \"wait\": 5}}";
	static const char more[] =
		", \"agent\": {\"environment\": {\"B\": \"2\"}, \"docker\": {\"image\": \"r:1\", "
		"\"image_fixed\": false, \"arguments\": [\"-v\", \"/d:/d\"], \"allow\": [], "
		"\"pull\": \"never\", \"wait\": 0}}}, {\"name\": \"plain\"";
	static const char *const inherited[] = { "--shm-size", "8g", NULL };
	static const char *const own[] = { "-v", "/d:/d", NULL };
	static const char *const allowed[] = { "--ipc", NULL }, *const none[] = { NULL };
	static const char *const variables[] = { "A=1", "B=2", NULL };
	SCOPED(settings) struct settings settings = { 0 };

	(void)state;
	must_load(defaults, more, &settings);
	const struct ticket *first = &settings.resources[0].ticket;
	const struct ticket *plain = &settings.resources[1].ticket;

	assert_string_equal(first->agent.docker.image, "r:1");
	assert_string_equal(first->agent.docker.agent_image, "a:1");
	assert_string_equal(first->agent.docker.socket, "/run/d.sock");
	assert_string_equal(first->agent.docker.network, "lab");
	assert_false(first->agent.docker.is_image_fixed);
	assert_int_equal(first->agent.docker.pull, PULL_NEVER);
	assert_int_equal(first->agent.docker.pull_timeout_s, 86400);
	assert_int_equal(first->agent.docker.wait_s, 0);
	assert_int_equal(first->agent.docker.gpus, 4);
	check_list(first->agent.docker.arguments, own);
	check_list(first->agent.docker.allow, none);
	check_list(first->agent.environment, variables);

	assert_string_equal(plain->agent.docker.image, "d:1");
	assert_true(plain->agent.docker.is_image_fixed);
	assert_int_equal(plain->agent.docker.pull, PULL_ALWAYS);
	assert_int_equal(plain->agent.docker.wait_s, 5);
	check_list(plain->agent.docker.arguments, inherited);
	check_list(plain->agent.docker.allow, allowed);
}

static void test_the_mode_is_said_or_implied(void **state)
{
	static const struct {
		const char *when, *defaults, *resource;
		enum agent_mode want;
	} rows[] = {
		{ "the resource has a command", "", HOST, AGENT_HOST },
		{ "the resource has a docker part", "", DOCKER(""), AGENT_DOCKER },
		{ "the defaults have a docker part", DOCKER(""), "", AGENT_DOCKER },
		{ "the defaults have both",
		  ", \"agent\": {\"command\": [\"true\"], \"docker\": {\"image\": \"x\"}}", "",
		  AGENT_DOCKER },
		{ "the defaults have both and say host",
		  ", \"agent\": {\"mode\": \"host\", \"command\": [\"true\"], \"docker\": "
		  "{\"image\": \"x\"}}",
		  "", AGENT_HOST },
		{ "the defaults have both and the resource says docker",
		  ", \"agent\": {\"mode\": \"host\", \"command\": [\"true\"], \"docker\": "
		  "{\"image\": \"x\"}}",
		  ", \"agent\": {\"mode\": \"docker\"}", AGENT_DOCKER },
		{ "the defaults have a docker part and the resource a command", DOCKER(""), HOST,
		  AGENT_HOST },
		{ "the defaults have a command and the resource a docker part", HOST, DOCKER(""),
		  AGENT_DOCKER },
		{ "the defaults say docker and the resource host",
		  ", \"agent\": {\"mode\": \"docker\", \"command\": [\"true\"], \"docker\": "
		  "{\"image\": \"x\"}}",
		  ", \"agent\": {\"mode\": \"host\"}", AGENT_HOST },
		{ "the resource only adds a variable", DOCKER(""),
		  ", \"agent\": {\"environment\": {\"A\": \"1\"}}", AGENT_DOCKER },
		{ "an inherited user is taken back",
		  ", \"agent\": {\"user\": \"u\", \"docker\": {\"image\": \"x\"}}",
		  ", \"agent\": {\"user\": \"\"}", AGENT_DOCKER },
		{ "inherited GPUs are taken back", ", \"gpus\": 2" DOCKER(""),
		  ", \"gpus\": 0, \"agent\": {\"mode\": \"host\", \"command\": [\"true\"]}",
		  AGENT_HOST },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		struct error err = { 0 };

		if (load(rows[i].defaults, rows[i].resource, &settings, &err) < 0)
			fail_msg("when %s: %s", rows[i].when, err.message);
		if (settings.resources[0].ticket.agent.mode != rows[i].want)
			fail_msg("when %s: mode %d", rows[i].when,
				 settings.resources[0].ticket.agent.mode);
	}
}

static const struct {
	const char *when, *defaults, *resource, *want;
} bad_documents[] = {
	{ "docker mode has no image", "", ", \"agent\": {\"mode\": \"docker\"}",
	  "c.json:3: resources[0]: agent.docker.image is missing: the container image of tasks "
	  "that "
	  "name none, such as \"python:3.11-slim\"" },
	{ "the mode is unknown", "", ", \"agent\": {\"mode\": \"dockr\"}",
	  "c.json:4: resources[0].agent.mode: unknown value \"dockr\", did you mean \"docker\"?, "
	  "expected "
	  "one of \"host\", \"docker\"" },
	{ "a field is misspelt", "", DOCKER(", \"networks\": \"x\""),
	  "c.json:4: resources[0].agent.docker.networks: unknown, did you mean network?" },
	{ "an image is an option", "", ", \"agent\": {\"docker\": {\"image\": \"--rm\"}}",
	  "c.json:4: resources[0].agent.docker.image: begins with a -, so docker would take it for "
	  "an option: expected the name of an image, such as python:3.11-slim" },
	{ "an inherited agent image is two words",
	  ", \"agent\": {\"docker\": {\"agent_image\": \"a b\"}}", DOCKER(""),
	  "c.json:2: defaults.agent.docker.agent_image: holds a blank: expected the name of one "
	  "image, such as python:3.11-slim (options go into arguments)" },
	{ "an image is empty", "", ", \"agent\": {\"docker\": {\"image\": \"\"}}",
	  "c.json:4: resources[0].agent.docker.image: must have at least 1 character, has 0" },
	{ "an argument has a field of its own", "", DOCKER(",\n\"arguments\": [\n\"--network=x\"]"),
	  "c.json:6: resources[0].agent.docker.arguments[0]: use the field network instead" },
	{ "an inherited argument has a field of its own",
	  ", \"agent\": {\"docker\": {\"arguments\": [\"-i\", \"--gpus\", \"all\"]}}", DOCKER(""),
	  "c.json:2: defaults.agent.docker.arguments[1]: use the field gpus instead, which is "
	  "shared out among the seats" },
	{ "an allowed option has a value", "", DOCKER(", \"allow\": [\"--ipc=host\"]"),
	  "c.json:4: resources[0].agent.docker.allow[0]: expected a long option without its value, "
	  "such as --ipc, or * for all" },
	{ "the socket is relative", "", DOCKER(", \"socket\": \"d.sock\""),
	  "c.json:4: resources[0].agent.docker.socket: expected an absolute path, got \"d.sock\"" },
	{ "a pull is never waited for", "", DOCKER(", \"pull_timeout\": 0"),
	  "c.json:4: resources[0].agent.docker.pull_timeout: expected at least 1s, got 0s" },
	{ "an engine is waited for longer than a day", DOCKER(", \"wait\": \"25h\""), "",
	  "c.json:2: defaults.agent.docker.wait: expected at most 86400s, got 90000s" },
	{ "docker mode has a command", "",
	  ", \"agent\": {\"command\": [\"true\"], \"docker\": {\"image\": \"x\"}}",
	  "c.json:4: resources[0].agent.command: is for agent.mode host: in docker mode "
	  "clearml-agent is in agent.docker.agent_image" },
	{ "docker mode has a user", "",
	  ", \"agent\": {\"user\": \"u\", \"docker\": {\"image\": \"x\"}}",
	  "c.json:4: resources[0].agent.user: is for agent.mode host, and resource cpu has docker, "
	  "where the images say who runs: leave it out, or \"\"" },
	{ "docker mode inherits a user", ", \"agent\": {\"user\": \"u\"}", DOCKER(""),
	  "c.json:2: defaults.agent.user: is for agent.mode host, and resource cpu has docker, "
	  "where "
	  "the images say who runs: leave it out, or \"\"" },
	{ "host mode has a docker part", "",
	  ", \"agent\": {\"mode\": \"host\", \"command\": [\"true\"], \"docker\": {\"image\": "
	  "\"x\"}}",
	  "c.json:4: resources[0].agent.docker: is for agent.mode docker, and this is host" },
	{ "host mode has GPUs", "", ", \"gpus\": 1" HOST,
	  "c.json:4: resources[0].gpus: is for agent.mode docker, and resource cpu has host, where "
	  "every task sees every GPU" },
	{ "the GPUs do not go round", ", \"gpus\": 3", ", \"seats\": 2" DOCKER(""),
	  "c.json:2: defaults.gpus: expected 0 or a multiple of seats (2 in resource cpu), so that "
	  "each seat gets as many, got 3" },
	{ "a machine of one task has two seats", "", ", \"seats\": 2,\n\"one_task\": true" HOST,
	  "c.json:5: resources[0].one_task: a machine that leaves after its first task has one "
	  "seat, and resource cpu has 2" },
	{ "there are too many seats", "", ", \"seats\": 17" HOST,
	  "c.json:4: resources[0].seats: must be at most 16, got 17" },
	{ "init says nothing", "", HOST INIT("\"login\": true"),
	  "c.json:4: resources[0].init: script or file is missing: what shall run on its "
	  "machines?" },
	{ "init has a script and a file", "",
	  HOST INIT("\"script\": \"true\", \"file\": \"init.sh\""),
	  "c.json:4: resources[0].init.file: init.script is there too: give one of them" },
	{ "the defaults have a script and a file",
	  HOST INIT("\"script\": \"true\", \"file\": \"init.sh\""), "",
	  "c.json:2: defaults.init.file: init.script is there too: give one of them" },
	{ "the failure of init is misspelt", "",
	  HOST INIT("\"script\": \"true\", \"on_failure\": \"go\""),
	  "c.json:4: resources[0].init.on_failure: unknown value \"go\", expected one of "
	  "\"leave\", \"continue\"" },
	{ "init may take longer than the machine may boot", "",
	  HOST INIT("\"script\": \"true\", \"timeout\": \"11m\""),
	  "c.json:4: resources[0].init.timeout: is longer than boot_deadline (600 s) in resource "
	  "cpu, within which it must end" },
	{ "init has no time", "", HOST INIT("\"script\": \"true\", \"timeout\": 0"),
	  "c.json:4: resources[0].init.timeout: expected at least 1s, got 0s" },
};

static void test_a_bad_document_gets_one_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_documents); i++) {
		struct settings settings = { 0 };
		struct error err = { 0 };

		if (load(bad_documents[i].defaults, bad_documents[i].resource, &settings, &err) ==
		    0)
			fail_msg("when %s: it was taken", bad_documents[i].when);
		if (err.class != ERROR_CONFIGURATION ||
		    strcmp(err.message, bad_documents[i].want) != 0)
			fail_msg("when %s: %s", bad_documents[i].when, err.message);
		assert_null(settings.resources);
	}
}

/* What is said of a file is said with its whole path. */
static void test_a_file_of_init_that_is_no_script(void **state)
{
	static const struct {
		const char *when, *file, *before, *after; /* of the path, in the message */
	} rows[] = {
		{ "it is not there", "none.sh", "cannot open ", ": No such file or directory" },
		{ "it is empty", "empty.sh", "", " is empty" },
		{ "it holds a NUL", "nul.sh", "", " is no script: expected text (UTF-8)" },
		{ "it is not UTF-8", "latin.sh", "", " is no script: expected text (UTF-8)" },
		{ "it is a pipe", "pipe", "", ": expected a regular file" },
		{ "it is a folder", ".", "", ": expected a regular file" },
		{ "it is too long", "long.sh", "", ": more than 65536 bytes" },
	};
	SCOPED(buf) struct buf text = BUF(1 << 20);

	(void)state;
	while (text.len <= TICKET_SCRIPT_BYTES)
		buf_addf(&text, "true\n");
	write_bytes("long.sh", buf_slice(&text));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(buf) struct buf want = BUF(1024), resource = BUF(1024);
		struct settings settings = { 0 };
		struct error err = { 0 };

		buf_addf(&resource, HOST ", \"init\": {\"file\": \"%s\"}", rows[i].file);
		buf_addf(&want, "c.json:4: resources[0].init.file: %s%s/%s%s", rows[i].before,
			 folder, rows[i].file, rows[i].after);
		assert_int_equal(load("", buf_text(&resource), &settings, &err), -1);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		if (strncmp(err.message, buf_text(&want), want.len) != 0)
			fail_msg("when %s: %s", rows[i].when, err.message);
	}
}

static void test_init(void **state)
{
	static const char fetched[] = "apt-get install -y git\n";
	static const struct {
		const char *when, *defaults, *resource;
		const char *script; /* NULL: none */
		bool is_login, is_optional;
		int64_t timeout_s;
	} rows[] = {
		{ "nobody says anything", "", HOST, NULL, false, false, 600 },
		{ "the resource has a script", "", HOST INIT("\"script\": \"true\""), "true", false,
		  false, 600 },
		{ "the resource has a file", "", HOST INIT("\"file\": \"init.sh\""), fetched, false,
		  false, 600 },
		{ "the defaults have a file", INIT("\"file\": \"init.sh\", \"login\": true"), HOST,
		  fetched, true, false, 600 },
		{ "the resource has a script of its own", INIT("\"file\": \"init.sh\""),
		  HOST INIT("\"script\": \"x\""), "x", false, false, 600 },
		{ "the resource has a file of its own", INIT("\"script\": \"x\""),
		  HOST INIT("\"file\": \"init.sh\""), fetched, false, false, 600 },
		{ "the resource wants none", INIT("\"script\": \"x\""),
		  HOST INIT("\"script\": \"\""), NULL, false, false, 600 },
		{ "the defaults only say how",
		  INIT("\"on_failure\": \"continue\", \"timeout\": \"11m\""), HOST, NULL, false,
		  true, 660 },
		{ "the resource says how, the defaults what", INIT("\"script\": \"x\""),
		  HOST INIT("\"on_failure\": \"continue\", \"timeout\": 9"), "x", false, true, 9 },
		{ "the resource takes it back",
		  INIT("\"script\": \"x\", \"on_failure\": \"continue\", \"login\": true"),
		  HOST INIT("\"on_failure\": \"leave\", \"login\": false"), "x", false, false,
		  600 },
		{ "a machine must boot sooner", "",
		  HOST INIT("\"script\": \"x\"") ", \"boot_deadline\": \"5m\"", "x", false, false,
		  300 },
		{ "a machine may boot later", "",
		  HOST INIT("\"script\": \"x\", \"timeout\": \"1h\"") ", \"boot_deadline\": \"1h\"",
		  "x", false, false, 3600 },
		{ "tasks run in containers", "", DOCKER("") INIT("\"script\": \"x\""), "x", false,
		  false, 600 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		struct error err = { 0 };

		if (load(rows[i].defaults, rows[i].resource, &settings, &err) < 0)
			fail_msg("when %s: %s", rows[i].when, err.message);
		const struct ticket_init *init = &settings.resources[0].ticket.init;

		if (!init->script != !rows[i].script ||
		    (init->script && strcmp(init->script, rows[i].script) != 0))
			fail_msg("when %s: %s", rows[i].when, init->script ? init->script : "none");
		if (init->is_login != rows[i].is_login ||
		    init->is_optional != rows[i].is_optional ||
		    init->timeout_s != rows[i].timeout_s)
			fail_msg("when %s: login %d, optional %d, %lld s", rows[i].when,
				 init->is_login, init->is_optional, (long long)init->timeout_s);
	}
}

/* What the schema counts are characters. */
static void test_a_script_has_a_limit_in_bytes(void **state)
{
	(void)state;
	for (size_t over = 0; over < 2; over++) {
		SCOPED(buf) struct buf resource = BUF(1 << 20);
		SCOPED(settings) struct settings settings = { 0 };
		struct error err = { 0 };

		buf_addf(&resource, HOST ", \"init\": {\"script\": \"");
		for (size_t i = 0; i < TICKET_SCRIPT_BYTES - 2 + over; i++)
			buf_addf(&resource, "x");
		buf_addf(&resource, "\xc3\xa9\"}");
		int result = load("", buf_text(&resource), &settings, &err);

		if ((result < 0) != over)
			fail_msg("%zu bytes over: %d %s", over, result, err.message);
		if (over)
			assert_string_equal(err.message,
					    "c.json:4: resources[0].init.script: expected at most "
					    "65536 bytes, got 65537");
	}
}

/* A machine reads no longer ticket, so none is made: not on the machine does it come to light. */
static void test_a_ticket_that_no_machine_would_read(void **state)
{
	SCOPED(buf) struct buf resource = BUF(1 << 20);
	SCOPED(settings) struct settings settings = { 0 };
	struct error err = { 0 };

	(void)state;
	buf_addf(&resource, ", \"agent\": {\"command\": [\"true\"], \"environment\": {");
	for (int i = 0; i < 100; i++) {
		buf_addf(&resource, "%s\"A%d\": \"", i ? ", " : "", i);
		for (int n = 0; n < 3000; n++)
			buf_addf(&resource, "x");
		buf_addf(&resource, "\"");
	}
	buf_addf(&resource, "}}");
	assert_int_equal(load("", buf_text(&resource), &settings, &err), -1);
	assert_non_null(strstr(err.message, "c.json: ticket of cpu: more than 262144 bytes"));
}

static void check_default(const struct json *schema, const char *path, const char *want)
{
	const char *got = json_text_or(schema, path, "");

	if (strcmp(got, want) != 0)
		fail_msg("%s: %s", path, got);
}

/* The schema tells operators what holds when they say nothing: it must be true. */
static void test_defaults_are_those_of_the_schema(void **state)
{
	SCOPED(json_document) struct json_document schema = { 0 };
	const struct json *docker, *init;
	struct ticket ticket;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		json_parse((struct slice){ schema_reaper_config, schema_reaper_config_len },
			   &schema, &err),
		0);
	ticket_defaults(&ticket);
	docker = json_find(schema.root, "[\"$defs\"].field_docker.properties");
	init = json_find(schema.root, "[\"$defs\"].field_init.properties");
	check_default(docker, "agent_image.default", SETTINGS_AGENT_IMAGE);
	check_default(docker, "socket.default", ticket.agent.docker.socket);
	check_default(docker, "network.default", ticket.agent.docker.network);
	check_default(docker, "pull.default", "missing");
	assert_int_equal(ticket.agent.docker.pull, PULL_MISSING);
	check_default(docker, "pull_timeout.default", "30m");
	assert_int_equal(ticket.agent.docker.pull_timeout_s, 1800);
	check_default(docker, "wait.default", "2m");
	assert_int_equal(ticket.agent.docker.wait_s, 120);
	assert_int_equal(json_bool_or(docker, "image_fixed.default", true),
			 ticket.agent.docker.is_image_fixed);
	check_default(json_find(schema.root, "[\"$defs\"].field_bundle.properties"),
		      "source.default", "inline");
	check_default(init, "timeout.default", "10m");
	assert_int_equal(ticket.init.timeout_s, 600);
	check_default(init, "on_failure.default", "leave");
	assert_false(ticket.init.is_optional);
	assert_int_equal(json_bool_or(init, "login.default", true), ticket.init.is_login);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_least_that_docker_mode_needs),
		cmocka_unit_test(test_a_resource_inherits_what_it_does_not_say),
		cmocka_unit_test(test_the_mode_is_said_or_implied),
		cmocka_unit_test(test_a_bad_document_gets_one_line),
		cmocka_unit_test(test_a_file_of_init_that_is_no_script),
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_a_script_has_a_limit_in_bytes),
		cmocka_unit_test(test_a_ticket_that_no_machine_would_read),
		cmocka_unit_test(test_defaults_are_those_of_the_schema),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
