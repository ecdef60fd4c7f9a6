#include "bootstrap/clearml_conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/docker_policy.h"
#include "common/json.h"

enum { CONF_MAX_BYTES = 1 << 20 };

struct input {
	const char *git_user, *git_pass, *extra;
	const char *name, *value; /* one variable; name NULL: none */
};

static struct secret secret_of(const char *text)
{
	struct secret secret = { 0 };
	struct error err = { 0 };

	if (text && text[0] && secret_copy(&secret, slice_of(text), &err) < 0)
		fail_msg("%s", err.message);
	return secret;
}

static void fill_machine(struct machine *machine, const struct input *input)
{
	struct ticket *ticket = &machine->ticket;
	struct bundle *bundle = &machine->bundle;

	text_cut(machine->folder, sizeof(machine->folder), "/m/local-1");
	text_cut(ticket->api_server, sizeof(ticket->api_server), "http://127.0.0.1:8008");
	text_cut(ticket->web_server, sizeof(ticket->web_server), "http://127.0.0.1:8080");
	text_cut(bundle->access_key, sizeof(bundle->access_key), "ACCESS");
	bundle->secret_key = secret_of("SECRET");
	text_cut(bundle->git_user, sizeof(bundle->git_user),
		 input->git_user ? input->git_user : "");
	text_cut(bundle->git_host, sizeof(bundle->git_host), "git.example.org");
	bundle->git_token = secret_of(input->git_pass);
	bundle->extra_conf = secret_of(input->extra);
	if (!input->name)
		return;
	bundle->environment = memory_array(1, sizeof(bundle->environment[0]));
	bundle->environment_count = 1;
	text_cut(bundle->environment[0].name, sizeof(bundle->environment[0].name), input->name);
	bundle->environment[0].value = secret_of(input->value);
}

static int print_conf(const struct input *input, struct buf *out, struct error *err)
{
	struct machine machine = { 0 };

	fill_machine(&machine, input);
	int result = clearml_conf_print(&machine, 3, out, err);
	bundle_release(&machine.bundle);
	return result;
}

static const struct {
	const char *when;
	struct input input;
	const char *path, *want; /* what is read there by a JSON parser; NULL: refused */
	const char *complaint;
} cases[] = {
	{ "nothing is given", { 0 }, "api.api_server", "http://127.0.0.1:8008", NULL },
	{ "it is asked for the key", { 0 }, "api.credentials.access_key", "ACCESS", NULL },
	{ "it is asked for the secret", { 0 }, "api.credentials.secret_key", "SECRET", NULL },
	{ "it is asked for a cache",
	  { 0 },
	  "agent.vcs_cache.path",
	  "/m/local-1/agent/3/home/.clearml/vcs-cache",
	  NULL },
	{ "git is given",
	  { .git_user = "u", .git_pass = "t0k.en-_~" },
	  "agent.git_pass",
	  "t0k.en-_~",
	  NULL },
	{ "a variable is given",
	  { .name = "K", .value = "a\"\\\n\r\tb ${HOME} ~" },
	  "environment.K",
	  "a\"\\\n\r\tb ${HOME} ~",
	  NULL },
	{ "a value is empty", { .name = "K", .value = "" }, "environment.K", "", NULL },
	{ "more is given", { .extra = "{\"agent\":{\"x\":\"y\"}} // why" }, "agent.x", "y", NULL },
	{ "more leaves the rest",
	  { .extra = "{\"agent\":{\"vcs_cache\":{\"enabled\":false}}}" },
	  "agent.vcs_cache.path",
	  "/m/local-1/agent/3/home/.clearml/vcs-cache",
	  NULL },
	{ "more wins",
	  { .extra = "{\"agent\":{\"venvs_dir\":\"/v\"}}" },
	  "agent.venvs_dir",
	  "/v",
	  NULL },
	{ "more replaces an object",
	  { .extra = "{\"agent\":{\"vcs_cache\":\"none\"}}" },
	  "agent.vcs_cache",
	  "none",
	  NULL },
	{ "ask-pass is off",
	  { .git_user = "u",
	    .git_pass = "a$b",
	    .extra = "{\"agent\":{\"enable_git_ask_pass\":false}}" },
	  "agent.git_pass",
	  "a$b",
	  NULL },

	{ "a variable holds a bell",
	  { .name = "K", .value = "a\ab" },
	  NULL,
	  NULL,
	  "environment.K" },
	{ "a variable is not ASCII",
	  { .name = "K", .value = "caf\xc3\xa9" },
	  NULL,
	  NULL,
	  "environment.K" },
	{ "more is not ASCII", { .extra = "{\"a\":{\"b\":\"\\u00e9\"}}" }, NULL, NULL, "a.b" },
	{ "a name is not ASCII", { .extra = "{\"a\":{\"\\u00e9\":1}}" }, NULL, NULL, "a." },
	{ "a variable is no UTF-8", { .name = "K", .value = "a\xff" }, NULL, NULL, "K" },
	{ "a variable's name holds quotes", { .name = "K\"", .value = "a" }, NULL, NULL, "K" },
	{ "a token runs a command",
	  { .git_user = "u", .git_pass = "$(id)" },
	  NULL,
	  NULL,
	  "agent.git_pass" },
	{ "a token holds a backtick",
	  { .git_user = "u", .git_pass = "a`b" },
	  NULL,
	  NULL,
	  "agent.git_pass" },
	{ "a token holds a backslash",
	  { .git_user = "u", .git_pass = "a\\b" },
	  NULL,
	  NULL,
	  "agent.git_pass" },
	{ "a token holds a quote",
	  { .git_user = "u", .git_pass = "a\"b" },
	  NULL,
	  NULL,
	  "agent.git_pass" },
	{ "a token is not ASCII",
	  { .git_user = "u", .git_pass = "\xc3\xa9" },
	  NULL,
	  NULL,
	  "agent.git_pass" },
	{ "a git user runs a command",
	  { .git_user = "`id`", .git_pass = "a" },
	  NULL,
	  NULL,
	  "agent.git_user" },
	{ "more brings such a token",
	  { .extra = "{\"agent\":{\"git_pass\":\"$a\"}}" },
	  NULL,
	  NULL,
	  "agent.git_pass" },
	{ "more is HOCON", { .extra = "agent.x = 5" }, NULL, NULL, "extra" },
	{ "more is a list", { .extra = "[1]" }, NULL, NULL, "extra" },
	{ "more drops a text of a list",
	  { .extra = "{\"a\":{\"b\":[\"x\",\"\"]}}" },
	  NULL,
	  NULL,
	  "a.b" },
	{ "more has an empty name", { .extra = "{\"a\":{\"\":1}}" }, NULL, NULL, "a" },
	{ "more has a name with a tab", { .extra = "{\"a\":{\"x\\ty\":1}}" }, NULL, NULL, "a" },
	{ "more has a control code",
	  { .extra = "{\"a\":[{\"x\":\"\\u0001\"}]}" },
	  NULL,
	  NULL,
	  "a.[].x" },
};

static void check_text(size_t i, struct slice text)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct error err = { 0 };

	if (json_parse(text, &document, &err) < 0)
		fail_msg("when %s: %s", cases[i].when, err.message);
	const char *got = json_text_or(document.root, cases[i].path, "(absent)");
	if (strcmp(got, cases[i].want) != 0)
		fail_msg("when %s: %s is %s", cases[i].when, cases[i].path, got);
}

static void test_print(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(CONF_MAX_BYTES);
		struct error err = { 0 };
		int got = print_conf(&cases[i].input, &text, &err);

		if ((got == 0) != (cases[i].want != NULL))
			fail_msg("when %s: %d %s", cases[i].when, got, err.message);
		if (got == 0) {
			check_text(i, buf_slice(&text));
			continue;
		}
		if (err.class != ERROR_CONFIGURATION || !strstr(err.message, cases[i].complaint))
			fail_msg("when %s: it says %s", cases[i].when, err.message);
		if (text.len)
			fail_msg("when %s: half a file is handed out", cases[i].when);
	}
}

/* An error goes to logs: it must not hold what it complains about. */
static void test_no_secret_in_errors(void **state)
{
	static const struct input inputs[] = {
		{ .git_user = "u", .git_pass = "hunter2$" },
		{ .name = "K", .value = "hunter2\a" },
		{ .extra = "{\"a\": hunter2}" },
		{ .extra = "{\"a\": {\"b\": \"hunter2\\u0001\"}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		SCOPED(buf) struct buf text = BUF(CONF_MAX_BYTES);
		struct error err = { 0 };

		assert_int_equal(print_conf(&inputs[i], &text, &err), -1);
		if (strstr(err.message, "hunter2"))
			fail_msg("it says %s", err.message);
	}
}

static void test_depth(void **state)
{
	SCOPED(buf) struct buf extra = BUF(4096), text = BUF(CONF_MAX_BYTES);
	struct error err = { 0 };

	(void)state;
	for (int i = 0; i < 40; i++)
		buf_add(&extra, slice_of("{\"a\":"));
	buf_add(&extra, slice_of("1"));
	for (int i = 0; i < 40; i++)
		buf_add(&extra, slice_of("}"));
	const struct input input = { .extra = buf_text(&extra) };
	assert_int_equal(print_conf(&input, &text, &err), -1);
	assert_non_null(strstr(err.message, "deep"));
}

/* ---- docker mode ---- */

/* A list's texts with bars between, or any other value as JSON has it; "-": there is none. */
static void describe(const struct json *value, struct buf *out)
{
	if (!value) {
		buf_addf(out, "-");
	} else if (json_kind(value) != JSON_LIST) {
		json_print(value, false, out);
	} else {
		for (const struct json *item = json_first(value); item; item = json_next(item))
			buf_addf(out, "%s%s", item == json_first(value) ? "" : "|",
				 json_text_value(item));
	}
}

/* As the agent's container sees it: below the host mount, and with what tasks may bring. */
static void test_docker_mode(void **state)
{
	static const struct {
		const char *when;
		bool is_docker, is_fixed;
		const char *path, *want;
	} rows[] = {
		{ "in docker mode the environments lie in the host mount", true, false,
		  "agent.venvs_dir", "\"/root/.clearml/caches/venvs-builds\"" },
		{ "so do repositories", true, false, "agent.vcs_cache.path",
		  "\"/root/.clearml/caches/vcs-cache\"" },
		{ "and pip's downloads", true, false, "agent.pip_download_cache.path",
		  "\"/root/.clearml/caches/pip-download-cache\"" },
		{ "and the tasks' pip", true, false, "agent.docker_pip_cache",
		  "\"/root/.clearml/caches/pip-cache\"" },
		{ "and their apt", true, false, "agent.docker_apt_cache",
		  "\"/root/.clearml/caches/apt-cache\"" },
		{ "and datasets", true, false, "sdk.storage.cache.default_base_dir",
		  "\"/root/.clearml/caches/cache\"" },
		{ "tasks that name no image get the default one", true, false,
		  "agent.default_docker.image", "\"task:1\"" },
		{ "tasks may name an image", true, false, "agent.disable_task_docker_override",
		  "-" },
		{ "tasks may not name an image", true, true, "agent.disable_task_docker_override",
		  "true" },
		{ "the keys are in it", true, false, "api.credentials.secret_key", "\"SECRET\"" },
		{ "host mode has no default image", false, true, "agent.default_docker", "-" },
		{ "host mode has no filters", false, false, "agent.docker_args_filters", "-" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(json_document) struct json_document document = { 0 };
		SCOPED(buf) struct buf text = BUF(CONF_MAX_BYTES), got = BUF(CONF_MAX_BYTES);
		const struct input input = { 0 };
		struct machine machine = { 0 };
		struct error err = { 0 };

		fill_machine(&machine, &input);
		machine.ticket.agent.mode = rows[i].is_docker ? AGENT_DOCKER : AGENT_HOST;
		machine.ticket.agent.docker.is_image_fixed = rows[i].is_fixed;
		text_cut(machine.ticket.agent.docker.image, TICKET_PATH_ROOM, "task:1");
		if (clearml_conf_print(&machine, 3, &text, &err) < 0 ||
		    json_parse(buf_slice(&text), &document, &err) < 0)
			fail_msg("when %s: %s", rows[i].when, err.message);
		describe(json_find(document.root, rows[i].path), &got);
		if (strcmp(buf_text(&got), rows[i].want) != 0)
			fail_msg("when %s: %s is %s", rows[i].when, rows[i].path, buf_text(&got));
		bundle_release(&machine.bundle);
	}
}

/* The patterns of the policy, one for one, by what the ticket allows and gives itself. */
static void test_docker_filters(void **state)
{
	static char ipc[] = "--ipc", all[] = "*", memory[] = "--memory=8g";
	static const struct {
		const char *when;
		char *allow[2], *arguments[2];
	} rows[] = {
		{ "nothing more is allowed", { NULL }, { NULL } },
		{ "an option is allowed", { ipc }, { NULL } },
		{ "all are allowed", { all }, { NULL } },
		{ "the operator sets one", { NULL }, { memory } },
	};
	char before[4096] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(json_document) struct json_document document = { 0 };
		SCOPED(docker_words) struct docker_words patterns = { 0 };
		SCOPED(buf)
		struct buf text = BUF(CONF_MAX_BYTES), got = BUF(CONF_MAX_BYTES),
			   want = BUF(CONF_MAX_BYTES);
		const struct input input = { 0 };
		struct machine machine = { 0 };
		struct error err = { 0 };
		char *allow[] = { rows[i].allow[0], NULL };
		char *arguments[] = { rows[i].arguments[0], NULL };
		const struct docker_policy policy = { allow, arguments };

		fill_machine(&machine, &input);
		machine.ticket.agent.mode = AGENT_DOCKER;
		machine.ticket.agent.docker.allow = allow;
		machine.ticket.agent.docker.arguments = arguments;
		assert_int_equal(clearml_conf_print(&machine, 3, &text, &err), 0);
		assert_int_equal(json_parse(buf_slice(&text), &document, &err), 0);
		describe(json_find(document.root, "agent.docker_args_filters"), &got);
		docker_policy_patterns(&policy, &patterns);
		for (size_t j = 0; j < patterns.count; j++)
			buf_addf(&want, "%s%s", j ? "|" : "", patterns.list[j]);
		if (!patterns.count || strcmp(buf_text(&got), buf_text(&want)) != 0)
			fail_msg("when %s: %s", rows[i].when, buf_text(&got));
		if (!strcmp(before, buf_text(&got)))
			fail_msg("when %s: it changes nothing", rows[i].when);
		text_cut(before, sizeof(before), buf_text(&got));
		bundle_release(&machine.bundle);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),	       cmocka_unit_test(test_no_secret_in_errors),
		cmocka_unit_test(test_depth),	       cmocka_unit_test(test_docker_mode),
		cmocka_unit_test(test_docker_filters),
	};
	struct error err = { 0 };
	bool is_locked = false;

	if (secret_prepare_process(&is_locked, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
