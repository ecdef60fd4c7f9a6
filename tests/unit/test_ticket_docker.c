/* ticket: the docker part and the init script; and what a host's ticket was, it stays. */
#include "common/ticket_docker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/file.h"
#include "common/schemas.h"

/* Lines 1 to 3; then what a row adds. */
#define HEAD "{\"version\": 1, \"prefix\": \"p\", \"resource\": \"cpu\", \"provider\": \"local\",\n"
#define BODY                                                                                   \
	"\"type\": \"small\", \"slot\": 0, \"generation\": 0, \"day\": \"2026-11-24\",\n"      \
	"\"queues\": [\"cpu\"], \"clearml\": {\"api_server\": \"http://localhost:8008\"},"     \
	" \"bundle\": {\"source\": \"inline\", \"digest\": \"e3b0c44298fc1c149afbf4c8996fb924" \
	"27ae41e4649b934ca495991b7852b855\"},\n"
#define IMAGES "\"agent_image\": \"mayfly/agent:1\", \"image\": \"python:3.11-slim\""
#define DOCKER(more) "\"agent\": {\"mode\": \"docker\",\n\"docker\": {" IMAGES more "}}"
#define HOST "\"agent\": {\"command\": [\"/a\"]}"

static void parse(const char *rest, struct ticket *out)
{
	SCOPED(buf) struct buf text = BUF(1 << 20);
	struct error err = { 0 };

	buf_addf(&text, "%s%s}", HEAD BODY, rest);
	if (ticket_parse(buf_slice(&text), "t", out, &err) < 0)
		fail_msg("%s", err.message);
}

static void print(const struct ticket *ticket, struct buf *out)
{
	struct error err = { 0 };

	ticket_print(ticket, out);
	if (buf_finish(out, &err) < 0)
		fail_msg("%s", err.message);
}

static void test_the_least_docker_ticket(void **state)
{
	SCOPED(ticket) struct ticket got = { 0 };
	const struct ticket_docker *docker = &got.agent.docker;

	(void)state;
	parse(DOCKER(""), &got);
	assert_int_equal(got.agent.mode, AGENT_DOCKER);
	assert_null(got.agent.command[0]);
	assert_null(got.agent.environment[0]);
	assert_string_equal(got.agent.user, "");
	assert_string_equal(docker->socket, "/var/run/docker.sock");
	assert_string_equal(docker->agent_image, "mayfly/agent:1");
	assert_string_equal(docker->image, "python:3.11-slim");
	assert_false(docker->is_image_fixed);
	assert_int_equal(docker->pull, PULL_MISSING);
	assert_string_equal(docker->network, "bridge");
	assert_null(docker->arguments[0]);
	assert_null(docker->allow[0]);
	assert_int_equal(docker->gpus, 0);
	assert_int_equal(docker->pull_timeout_s, 1800);
	assert_int_equal(docker->wait_s, 120);
	assert_null(got.init.script);
	assert_int_equal(got.init.timeout_s, 600);
}

static const char full_docker[] =
	"\"seats\": 2, \"agent\": {\"mode\": \"docker\", \"environment\": [\"A=b\"], \"docker\": "
	"{" IMAGES ", \"socket\": \"/run/d.sock\", \"image_fixed\": true, \"pull\": \"always\", "
	"\"network\": \"lab-net\", \"arguments\": [\"-v\", \"/data:/data:ro\", \"--shm-size=8g\", "
	"\"-l\", \"team=x y\"], \"allow\": [\"--ipc\", \"*\"], \"gpus\": 4, "
	"\"pull_timeout_s\": 60, \"wait_s\": 0}}, \"init\": {\"script\": \"#!/bin/bash\\necho "
	"\\\"$HOME\\\"\\n\", \"login\": true, \"optional\": true, \"timeout_s\": 7}";

static void test_a_full_docker_ticket(void **state)
{
	SCOPED(ticket) struct ticket got = { 0 };
	const struct ticket_docker *docker = &got.agent.docker;
	static const char *const arguments[] = { "-v", "/data:/data:ro", "--shm-size=8g", "-l",
						 "team=x y" };

	(void)state;
	parse(full_docker, &got);
	assert_string_equal(got.agent.environment[0], "A=b");
	assert_string_equal(docker->socket, "/run/d.sock");
	assert_true(docker->is_image_fixed);
	assert_int_equal(docker->pull, PULL_ALWAYS);
	assert_string_equal(docker->network, "lab-net");
	for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
		assert_string_equal(docker->arguments[i], arguments[i]);
	assert_null(docker->arguments[ARRAY_LEN(arguments)]);
	assert_string_equal(docker->allow[0], "--ipc");
	assert_string_equal(docker->allow[1], "*");
	assert_null(docker->allow[2]);
	assert_int_equal(docker->gpus, 4);
	assert_int_equal(docker->pull_timeout_s, 60);
	assert_int_equal(docker->wait_s, 0);
	assert_string_equal(got.init.script, "#!/bin/bash\necho \"$HOME\"\n");
	assert_true(got.init.is_login);
	assert_true(got.init.is_optional);
	assert_int_equal(got.init.timeout_s, 7);
}

static void test_what_is_printed_is_read(void **state)
{
	static const char *const texts[] = {
		DOCKER(""),  DOCKER(", \"pull\": \"never\", \"image_fixed\": true"),
		full_docker, HOST ", \"init\": {\"script\": \"true\"}",
		HOST,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		SCOPED(buf) struct buf once = BUF(1 << 20), twice = BUF(1 << 20);
		SCOPED(ticket) struct ticket first = { 0 }, second = { 0 };
		struct error err = { 0 };

		parse(texts[i], &first);
		print(&first, &once);
		if (ticket_parse(buf_slice(&once), "again", &second, &err) < 0)
			fail_msg("%s\n%s", err.message, buf_text(&once));
		print(&second, &twice);
		assert_string_equal(buf_text(&once), buf_text(&twice));
	}
}

/* Each field reaches the bytes: a ticket that differs in one differs there. */
static void test_every_field_is_printed(void **state)
{
	static const char *const texts[] = {
		DOCKER(""),
		DOCKER(", \"socket\": \"/s\""),
		DOCKER(", \"image_fixed\": true"),
		DOCKER(", \"pull\": \"always\""),
		DOCKER(", \"pull\": \"never\""),
		DOCKER(", \"network\": \"host\""),
		DOCKER(", \"arguments\": [\"-i\"]"),
		DOCKER(", \"allow\": [\"--ipc\"]"),
		DOCKER(", \"gpus\": 1"),
		DOCKER(", \"pull_timeout_s\": 5"),
		DOCKER(", \"wait_s\": 5"),
		DOCKER("") ", \"init\": {\"script\": \"true\"}",
		DOCKER("") ", \"init\": {\"script\": \"true\", \"login\": true}",
		DOCKER("") ", \"init\": {\"script\": \"true\", \"optional\": true}",
		DOCKER("") ", \"init\": {\"script\": \"true\", \"timeout_s\": 5}",
	};
	struct buf printed[ARRAY_LEN(texts)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		SCOPED(ticket) struct ticket ticket = { 0 };

		parse(texts[i], &ticket);
		printed[i] = BUF(1 << 20);
		print(&ticket, &printed[i]);
		for (size_t j = 0; j < i; j++)
			if (strcmp(buf_text(&printed[i]), buf_text(&printed[j])) == 0)
				fail_msg("%s prints as %s", texts[i], texts[j]);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		buf_release(&printed[i]);
}

/* These bytes are what release 0.1.0's first machines were launched with. */
static void test_a_hosts_ticket_keeps_its_bytes(void **state)
{
	SCOPED(buf) struct buf text = BUF(1 << 20), golden = BUF(1 << 20), printed = BUF(1 << 20);
	SCOPED(ticket) struct ticket ticket = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(file_read("tests/corpus/ticket/full", &text, &err), 0);
	assert_int_equal(file_read("tests/unit/golden/ticket.host.json", &golden, &err), 0);
	if (ticket_parse(buf_slice(&text), "full", &ticket, &err) < 0)
		fail_msg("%s", err.message);
	print(&ticket, &printed);
	assert_string_equal(buf_text(&printed), buf_text(&golden));
	/* What lies in a host's docker part is no part of its ticket. */
	text_cut(ticket.agent.docker.image, sizeof(ticket.agent.docker.image), "x");
	ticket.init.is_login = true;
	buf_clear(&printed);
	print(&ticket, &printed);
	assert_string_equal(buf_text(&printed), buf_text(&golden));
}

static void test_bad_documents(void **state)
{
	static const struct {
		const char *when, *rest;
		const char *want[3]; /* parts of the message */
	} rows[] = {
		{ "the mode is unknown",
		  "\"agent\": {\"mode\": \"podman\"}",
		  { "t.json:4: agent.mode", "docker" } },
		{ "docker mode has no docker part",
		  "\"agent\": {\"mode\": \"docker\"}",
		  { "t.json:4: agent: docker is missing", "image" } },
		{ "docker mode has no images",
		  "\"agent\": {\"mode\": \"docker\",\n\"docker\": {\"image\": \"x\"}}",
		  { "t.json:5: agent.docker.agent_image: missing" } },
		{ "docker mode has no image for tasks",
		  "\"agent\": {\"mode\": \"docker\",\n\"docker\": {\"agent_image\": \"x\"}}",
		  { "t.json:5: agent.docker.image: missing" } },
		{ "docker mode has a command",
		  "\"agent\": {\"mode\": \"docker\", \"docker\": {" IMAGES
		  "},\n\"command\": [\"/a\"]}",
		  { "t.json:5: agent.command: is for agent.mode host", "agent_image" } },
		{ "docker mode has a user",
		  "\"agent\": {\"mode\": \"docker\", \"docker\": {" IMAGES
		  "},\n\"user\": \"mayfly\"}",
		  { "t.json:5: agent.user: is for agent.mode host" } },
		{ "host mode has a docker part",
		  "\"agent\": {\"command\": [\"/a\"],\n\"docker\": {" IMAGES "}}",
		  { "t.json:5: agent.docker: is for agent.mode docker" } },
		{ "host mode has no command",
		  "\"agent\": {\"mode\": \"host\"}",
		  { "t.json:4: agent: command is missing" } },
		{ "the GPUs do not go round",
		  "\"seats\": 2, " DOCKER(", \"gpus\": 3"),
		  { "t.json:5: agent.docker.gpus: expected 0 or a multiple of seats (2), got 3" } },
		{ "there are fewer GPUs than seats",
		  "\"seats\": 4, " DOCKER(", \"gpus\": 2"),
		  { "agent.docker.gpus: expected 0 or a multiple of seats (4), got 2" } },
		{ "the socket is relative", DOCKER(", \"socket\": \"d.sock\""), { "socket" } },
		{ "the socket is longer than one can be",
		  DOCKER(", \"socket\": "
			 "\"/23456789012345678901234567890123456789012345678901234567890123456789"
			 "0123456789012345678901234567890123456789\""),
		  { "agent.docker.socket", "107" } },
		{ "the pull policy is none",
		  DOCKER(", \"pull\": \"sometimes\""),
		  { "agent.docker.pull", "always" } },
		{ "the network is an option", DOCKER(", \"network\": \"--host\""), { "network" } },
		{ "the default image is an option",
		  "\"agent\": {\"mode\": \"docker\",\n\"docker\": {\"agent_image\": \"x\",\n"
		  "\"image\": \"--privileged\"}}",
		  { "t.json:6: agent.docker.image: begins with a -", "python:3.11-slim" } },
		{ "the agent's image is two words",
		  "\"agent\": {\"mode\": \"docker\",\n\"docker\": {\"agent_image\": \"x --rm\",\n"
		  "\"image\": \"y\"}}",
		  { "t.json:5: agent.docker.agent_image: holds a blank" } },
		{ "an argument is refused",
		  DOCKER(",\n\"arguments\": [\"-i\",\n\"--rm\"]"),
		  { "t.json:7: agent.docker.arguments[1]: clearml-agent says it already" } },
		{ "an allowed option is none",
		  DOCKER(",\n\"allow\": [\"--ipc\", \"ipc\"]"),
		  { "t.json:6: agent.docker.allow[1]: expected a long option" } },
		{ "an image is never waited for",
		  DOCKER(", \"pull_timeout_s\": 0"),
		  { "at least 1" } },
		{ "a name is misspelt",
		  DOCKER(", \"netwerk\": \"x\""),
		  { "did you mean network?" } },
		{ "the script is empty", HOST ", \"init\": {\"script\": \"\"}", { "init.script" } },
		{ "there is no script", HOST ", \"init\": {\"login\": true}", { "init.script" } },
		{ "the script has no time",
		  HOST ", \"init\": {\"script\": \"true\", \"timeout_s\": 0}",
		  { "init.timeout_s" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(buf) struct buf text = BUF(4096);
		struct ticket got = { .slot = 77 };
		struct error err = { 0 };

		buf_addf(&text, "%s%s}", HEAD BODY, rows[i].rest);
		if (ticket_parse(buf_slice(&text), "t.json", &got, &err) == 0)
			fail_msg("when %s: accepted", rows[i].when);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_int_equal(got.slot, 77);
		assert_null(got.agent.docker.arguments);
		for (size_t j = 0; j < ARRAY_LEN(rows[i].want) && rows[i].want[j]; j++)
			if (!strstr(err.message, rows[i].want[j]))
				fail_msg("when %s: \"%s\" lacks \"%s\"", rows[i].when, err.message,
					 rows[i].want[j]);
	}
}

/* 65536 characters of two bytes pass the schema; a machine takes as many bytes. */
static void test_a_script_has_a_limit_in_bytes(void **state)
{
	static const struct {
		size_t ascii, wide;
		bool is_accepted;
	} rows[] = { { TICKET_SCRIPT_BYTES, 0, true },
		     { TICKET_SCRIPT_BYTES - 2, 1, true },
		     { TICKET_SCRIPT_BYTES - 1, 1, false },
		     { TICKET_SCRIPT_BYTES + 1, 0, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(buf) struct buf text = BUF(1 << 20);
		SCOPED(ticket) struct ticket got = { 0 };
		struct error err = { 0 };

		buf_addf(&text, "%s%s, \"init\": {\"script\": \"", HEAD BODY, HOST);
		for (size_t n = 0; n < rows[i].ascii; n++)
			buf_addf(&text, "x");
		for (size_t n = 0; n < rows[i].wide; n++)
			buf_addf(&text, "\xc3\xa9");
		buf_addf(&text, "\"}}");
		int result = ticket_parse(buf_slice(&text), "t.json", &got, &err);

		if ((result == 0) != rows[i].is_accepted)
			fail_msg("%zu and %zu: %d %s", rows[i].ascii, rows[i].wide, result,
				 err.message);
		if (result < 0)
			assert_non_null(strstr(err.message, "init.script"));
	}
}

static const struct {
	const char *when;
	const char *words[5];
	size_t place;
	const char *want; /* NULL: they are taken */
} argument_rows[] = {
	{ "there are none", { NULL }, 0, NULL },
	{ "a folder is mounted", { "-v", "/data:/data" }, 0, NULL },
	{ "privileges are given", { "--privileged" }, 0, NULL },
	{ "several letters are one word", { "-it" }, 0, NULL },
	{ "a value holds what is refused", { "-e", "A=--rm" }, 0, NULL },
	{ "an option only begins like a refused one",
	  { "--detach-keys=x", "--gpusx", "--rmi", "--named=x" },
	  0,
	  NULL },
	{ "a value is empty in its own word", { "--entrypoint=" }, 0, NULL },
	{ "a label is the operator's", { "-l", "team.mayfly.x=1", "--label=mayflyx=1" }, 0, NULL },
	{ "a value begins with our name, but is no label", { "-e", "mayfly.x=1" }, 0, NULL },
	{ "a word is empty", { "-i", "" }, 1, "is empty" },
	{ "the first word is no option", { "python:3" }, 0, "for the image" },
	{ "the options end", { "-i", "--", "x" }, 1, "for the image" },
	{ "--rm is said again", { "--rm" }, 0, "leave it out" },
	{ "--rm has a value", { "--rm=false" }, 0, "leave it out" },
	{ "all tasks get one name", { "--name", "x" }, 0, "use a label" },
	{ "all tasks get one name in one word", { "-i", "--name=x" }, 1, "use a label" },
	{ "the container is detached", { "-d" }, 0, "must see it" },
	{ "it is detached in a long word", { "--detach=true" }, 0, "must see it" },
	{ "it is detached among letters", { "-itd" }, 0, "must see it" },
	{ "it is detached before letters", { "-di" }, 0, "must see it" },
	{ "a network is given", { "--network", "x" }, 0, "field network" },
	{ "a network is given in one word", { "--network=x" }, 0, "field network" },
	{ "a network is given by the old name", { "--net=host" }, 0, "field network" },
	{ "a network gets an alias", { "--network-alias", "x" }, 0, "field network" },
	{ "GPUs are given", { "--gpus", "all" }, 0, "field gpus" },
	{ "GPUs are given in one word", { "--gpus=all" }, 0, "field gpus" },
	{ "a label is ours", { "--label", "mayfly.instance=x" }, 1, "mayfly's own" },
	{ "a label is ours in one word", { "--label=mayfly.x" }, 0, "mayfly's own" },
	{ "a label is ours by the letter", { "-l", "mayfly.x" }, 1, "mayfly's own" },
	{ "a label is ours behind the letter", { "-lmayfly.x" }, 0, "mayfly's own" },
	{ "a label is ours behind the letter and a sign", { "-l=mayfly.x" }, 0, "mayfly's own" },
	{ "a label is ours among letters", { "-til", "mayfly.x" }, 1, "mayfly's own" },
};

static void test_arguments(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(argument_rows); i++) {
		char *words[6] = { NULL };
		size_t place = 77;

		for (size_t j = 0; argument_rows[i].words[j]; j++)
			words[j] = memory_text(slice_of(argument_rows[i].words[j]));
		const char *fault = ticket_docker_arguments_fault(words, &place);

		if (!fault != !argument_rows[i].want ||
		    (fault && !strstr(fault, argument_rows[i].want)))
			fail_msg("when %s: %s", argument_rows[i].when, fault ? fault : "taken");
		if (place != (fault ? argument_rows[i].place : 77))
			fail_msg("when %s: word %zu", argument_rows[i].when, place);
		for (size_t j = 0; words[j]; j++)
			free(words[j]);
	}
	assert_null(ticket_docker_arguments_fault(NULL, &(size_t){ 0 }));
}

static void test_allowed_options(void **state)
{
	static const struct {
		const char *option;
		bool is_fine;
	} rows[] = {
		{ "--ipc", true },	 { "*", true },	      { "--cap-add", true },
		{ "--ipc=host", false }, { "-v", false },     { "ipc", false },
		{ "", false },		 { "--", false },     { "**", false },
		{ "-- ipc", false },	 { "--ipc ", false }, { "---", false },
		{ "--=x", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *fine = memory_text(slice_of("--pid"));
		char *option = memory_text(slice_of(rows[i].option));
		char *options[] = { fine, option, NULL };
		size_t place = 0;
		const char *fault = ticket_docker_allow_fault(options, &place);

		if (!fault != rows[i].is_fine || (fault && place != 1))
			fail_msg("\"%s\": %s (%zu)", option, fault ? fault : "taken", place);
		free(option);
		free(fine);
	}
	assert_null(ticket_docker_allow_fault(NULL, &(size_t){ 0 }));
}

static void test_images(void **state)
{
	static const struct {
		const char *image, *want;
	} rows[] = {
		{ "python:3.11-slim", NULL }, { "host:5000/a/b@sha256:00", NULL },
		{ "", "is empty" },	      { "-v", "begins with a -" },
		{ "a b", "holds a blank" },   { " a", "holds a blank" },
		{ "a\n", "holds a blank" },   { "a\tb", "holds a blank" },
		{ "a\x7f", "holds a blank" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *fault = ticket_docker_image_fault(rows[i].image);

		if (!fault != !rows[i].want || (fault && !strstr(fault, rows[i].want)))
			fail_msg("\"%s\": %s", rows[i].image, fault ? fault : "taken");
	}
}

/* The schema tells operators what holds when they say nothing: it must be true. */
static void test_defaults_are_those_of_the_schema(void **state)
{
	SCOPED(json_document) struct json_document schema = { 0 };
	struct ticket ticket;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		json_parse((struct slice){ schema_ticket, schema_ticket_len }, &schema, &err), 0);
	ticket_defaults(&ticket);
	const struct json *docker =
		json_find(schema.root, "properties.agent.properties.docker.properties");
	const struct json *init = json_find(schema.root, "properties.init.properties");

	assert_string_equal(json_text_or(docker, "socket.default", ""), ticket.agent.docker.socket);
	assert_string_equal(json_text_or(docker, "network.default", ""),
			    ticket.agent.docker.network);
	assert_string_equal(json_text_or(docker, "pull.default", ""),
			    ticket_docker_pull_name(ticket.agent.docker.pull));
	assert_int_equal(json_bool_or(docker, "image_fixed.default", true),
			 ticket.agent.docker.is_image_fixed);
	assert_int_equal(json_integer_or(docker, "gpus.default", -1), ticket.agent.docker.gpus);
	assert_int_equal(json_integer_or(docker, "pull_timeout_s.default", -1),
			 ticket.agent.docker.pull_timeout_s);
	assert_int_equal(json_integer_or(docker, "wait_s.default", -1), ticket.agent.docker.wait_s);
	assert_int_equal(json_bool_or(init, "login.default", true), ticket.init.is_login);
	assert_int_equal(json_bool_or(init, "optional.default", true), ticket.init.is_optional);
	assert_int_equal(json_integer_or(init, "timeout_s.default", -1), ticket.init.timeout_s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_least_docker_ticket),
		cmocka_unit_test(test_a_full_docker_ticket),
		cmocka_unit_test(test_what_is_printed_is_read),
		cmocka_unit_test(test_every_field_is_printed),
		cmocka_unit_test(test_a_hosts_ticket_keeps_its_bytes),
		cmocka_unit_test(test_bad_documents),
		cmocka_unit_test(test_a_script_has_a_limit_in_bytes),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_allowed_options),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_defaults_are_those_of_the_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
