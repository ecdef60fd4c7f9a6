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
#include "tests/unit/support/bundle_rows.h"

enum { CONF_MAX_BYTES = 4 << 20 };

/* part: members of the bundle, as "x": ...; "": only what must be there. */
static void fill_machine(struct machine *machine, const char *part)
{
	SCOPED(buf) struct buf text = BUF(BUNDLE_TEXT_BYTES);
	struct ticket *ticket = &machine->ticket;

	text_cut(machine->folder, sizeof(machine->folder), "/m/local-1");
	text_cut(ticket->api_server, sizeof(ticket->api_server), "http://127.0.0.1:8008");
	text_cut(ticket->web_server, sizeof(ticket->web_server), "http://127.0.0.1:8080");
	buf_addf(&text,
		 "{\"prefix\": \"p\", \"clearml\": {\"access_key\": \"ACCESS\", "
		 "\"secret_key\": \"SECRET\"}%s%s}",
		 part[0] ? "," : "", part);
	bundle_take(buf_text(&text), &machine->bundle);
}

static int print_conf(const char *part, struct buf *out, struct error *err)
{
	struct machine machine = { 0 };

	fill_machine(&machine, part);
	int result = clearml_conf_print(&machine, 3, out, err);
	bundle_release(&machine.bundle);
	return result;
}

#define LOGIN(host, token) "{\"user\": \"u\", \"token\": \"" token "\", \"host\": \"" host "\"}"
#define EXTRA(extra) "\"extra_conf\": " extra
#define ACCOUNT(key)                                                                       \
	"{\"type\": \"service_account\", \"client_email\": \"e\", \"private_key\": \"" key \
	"\", \"token_uri\": \"u\"}"
#define CACHE "/m/local-1/agent/3/home/.clearml/vcs-cache"

static const struct {
	const char *when, *part;
	const char *path, *want; /* what is read there by a JSON parser; "-": nothing */
} cases[] = {
	{ "nothing is given", "", "api.api_server", "\"http://127.0.0.1:8008\"" },
	{ "it is asked for the key", "", "api.credentials.access_key", "\"ACCESS\"" },
	{ "it is asked for the secret", "", "api.credentials.secret_key", "\"SECRET\"" },
	{ "it is asked for a cache", "", "agent.vcs_cache.path", "\"" CACHE "\"" },
	{ "no git is given", "", "agent.git_user", "-" },
	{ "no S3 is given", "", "sdk.aws", "-" },
	{ "no files are given", "", "files", "-" },
	{ "a variable is given", "\"environment\": {\"K\": \"a\\\"\\\\\\n\\r\\tb ${HOME} ~\"}",
	  "environment.K", "\"a\\\"\\\\\\n\\r\\tb ${HOME} ~\"" },
	{ "a value is empty", "\"environment\": {\"K\": \"\"}", "environment.K", "\"\"" },

	{ "git is given", "\"git\": " LOGIN("H.x", "t0k.en-_~"), "agent.git_pass",
	  "\"t0k.en-_~\"" },
	{ "git has a host", "\"git\": " LOGIN("H.x", "t"), "agent.git_host", "\"h.x\"" },
	{ "git has any host", "\"git\": {\"user\": \"u\", \"token\": \"t\"}", "agent.git_host",
	  "-" },
	{ "git has one host", "\"git\": [" LOGIN("a", "t") "]", "files", "-" },
	{ "git has several, the first", "\"git\": [" LOGIN("a", "1") "," LOGIN("b", "2") "]",
	  "agent.git_pass", "\"1\"" },
	{ "git has several, the others",
	  "\"git\": [" LOGIN("a", "1") "," LOGIN("B", "2$x") "," LOGIN("c", "3") "]",
	  "files.mayfly_netrc",
	  "{\"path\":\"~/.netrc\",\"mode\":\"0o600\",\"contents\":\"machine b\\nlogin u\\n"
	  "password 2$x\\nmachine c\\nlogin u\\npassword 3\\n\"}" },

	{ "S3 has a default",
	  "\"s3\": {\"key\": \"k\", \"secret\": \"s\", \"token\": \"t\", \"region\": \"r\"}",
	  "sdk.aws.s3",
	  "{\"credentials\":[],\"key\":\"k\",\"region\":\"r\",\"token\":\"t\",\"secret\":\"s\"}" },
	{ "S3 has a bucket and an endpoint",
	  "\"s3\": [{\"bucket\": \"b\", \"key\": \"k\", \"secret\": \"s\"}, {\"host\": \"h:1\", "
	  "\"key\": \"l\", \"secret\": \"t\", \"secure\": false, \"verify\": false}]",
	  "sdk.aws.s3",
	  "{\"credentials\":[{\"bucket\":\"b\",\"key\":\"k\",\"secret\":\"s\"},{\"host\":\"h:1\","
	  "\"secure\":false,\"verify\":false,\"key\":\"l\",\"secret\":\"t\"}]}" },
	{ "GCS has a default",
	  "\"gcs\": {\"project\": \"p\", \"credentials\": " ACCOUNT("k\\n") "}",
	  "sdk.google.storage.credentials_json",
	  "\"{\\\"type\\\":\\\"service_account\\\",\\\"client_email\\\":\\\"e\\\","
	  "\\\"private_key\\\":\\\"k\\\\n\\\",\\\"token_uri\\\":\\\"u\\\"}\"" },
	{ "GCS has a bucket",
	  "\"gcs\": {\"bucket\": \"b\", \"subdir\": \"d\", \"project\": \"p\", "
	  "\"credentials\": " ACCOUNT("k") "}",
	  "sdk.google.storage.credentials[0].subdir", "\"d\"" },
	{ "GCS is given, the agent hides it",
	  "\"gcs\": {\"project\": \"p\", \"credentials\": " ACCOUNT("k") "}",
	  "agent.sanitize_config_printout.hide_secrets[6]", "\"credentials_json\"" },
	{ "Azure has keys, that of a container is first",
	  "\"azure\": [{\"account\": \"a\", \"key\": \"k\"}, {\"account\": \"a\", \"container\": "
	  "\"c\", \"key\": \"l\"}]",
	  "sdk.azure.storage.containers",
	  "[{\"account_name\":\"a\",\"container_name\":\"c\",\"account_key\":\"l\"},"
	  "{\"account_name\":\"a\",\"account_key\":\"k\"}]" },

	{ "a file is text", "\"files\": {\"f\": {\"path\": \"~/f\", \"contents\": \"a\\n\"}}",
	  "files.f", "{\"path\":\"~/f\",\"mode\":\"0o600\",\"contents\":\"a\\n\"}" },
	{ "a file is not ASCII",
	  "\"files\": {\"f\": {\"path\": \"/f\", \"contents\": \"\xc3\xa9\", \"mode\": \"0755\"}}",
	  "files.f",
	  "{\"path\":\"/f\",\"mode\":\"0o755\",\"format\":\"base64\",\"target_format\":\"bytes\","
	  "\"contents\":\"w6k=\"}" },
	{ "a file has a NUL", "\"files\": {\"f\": {\"path\": \"/f\", \"base64\": \"YQBi\"}}",
	  "files.f.contents", "\"YQBi\"" },
	{ "a file is empty", "\"files\": {\"f\": {\"path\": \"/f\", \"contents\": \"\"}}",
	  "files.f", "{\"path\":\"/f\",\"mode\":\"0o600\",\"contents\":\"\"}" },

	{ "more is given", EXTRA("\"{\\\"agent\\\":{\\\"x\\\":\\\"y\\\"}} // why\""), "agent.x",
	  "\"y\"" },
	{ "more leaves the rest", EXTRA("{\"agent\":{\"vcs_cache\":{\"enabled\":false}}}"),
	  "agent.vcs_cache.path", "\"" CACHE "\"" },
	{ "more wins", EXTRA("{\"agent\":{\"venvs_dir\":\"/v\"}}"), "agent.venvs_dir", "\"/v\"" },
	{ "more replaces an object", EXTRA("{\"agent\":{\"vcs_cache\":\"none\"}}"),
	  "agent.vcs_cache", "\"none\"" },
	{ "more replaces a list",
	  "\"azure\": {\"account\": \"a\", \"key\": \"k\"}, " EXTRA(
		  "{\"sdk\":{\"azure\":{\"storage\":{\"containers\":[]}}}}"),
	  "sdk.azure.storage.containers", "[]" },
	{ "ask-pass is off",
	  "\"git\": " LOGIN("h", "a$b") ", " EXTRA("{\"agent\":{\"enable_git_ask_pass\":false}}"),
	  "agent.git_pass", "\"a$b\"" },
	{ "more brings a token that a shell leaves", EXTRA("{\"agent\":{\"git_pass\":\"a\"}}"),
	  "agent.git_pass", "\"a\"" },
};

/* A value as JSON has it; "-": there is none. */
static void describe(const struct json *value, struct buf *out)
{
	if (!value)
		buf_addf(out, "-");
	else
		json_print(value, false, out);
}

static void test_print(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(json_document) struct json_document document = { 0 };
		SCOPED(buf) struct buf text = BUF(CONF_MAX_BYTES), got = BUF(CONF_MAX_BYTES);
		struct error err = { 0 };

		if (print_conf(cases[i].part, &text, &err) < 0 ||
		    json_parse(buf_slice(&text), &document, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		describe(json_find(document.root, cases[i].path), &got);
		if (strcmp(buf_text(&got), cases[i].want) != 0)
			fail_msg("when %s: %s is %s", cases[i].when, cases[i].path, buf_text(&got));
	}
}

/* HOCON follows our part as it is, but for its outer braces; its own rules merge the two. */
static void test_hocon(void **state)
{
	static const struct {
		const char *when, *extra, *end;
	} rows[] = {
		{ "it has no braces", "agent.x = 5 # why", "\nagent.x = 5 # why\n\n" },
		{ "it has braces", "# first\\n{ agent { x = 5 }\\n}\\n",
		  "\n agent { x = 5 }\n\n\n" },
		{ "a time is at its end", "agent.x = 5 s", "\nagent.x = 5 s\n\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(buf)
		struct buf text = BUF(CONF_MAX_BYTES), part = BUF(1024),
			   whole = BUF(CONF_MAX_BYTES);
		SCOPED(json_document) struct json_document document = { 0 };
		struct error err = { 0 };

		buf_addf(&part, EXTRA("\"%s\""), rows[i].extra);
		if (print_conf(buf_text(&part), &text, &err) < 0)
			fail_msg("when %s: %s", rows[i].when, err.message);
		size_t tail = strlen(rows[i].end);
		if (text.len < tail || strcmp(text.bytes + text.len - tail, rows[i].end) != 0)
			fail_msg("when %s: %s", rows[i].when, buf_text(&text));
		/* What is before it are members of an object. */
		buf_addf(&whole, "{%.*s}", (int)(text.len - tail), text.bytes);
		if (json_parse(buf_slice(&whole), &document, &err) < 0)
			fail_msg("when %s: %s", rows[i].when, err.message);
		assert_string_equal(json_text_or(document.root, "agent.vcs_cache.path", ""), CACHE);
	}
}

/* Of a bundle that was read nothing else fails; and of one made otherwise nothing goes wrong. */
static void test_refused(void **state)
{
	static const struct {
		const char *when, *part, *name, *value, *want; /* name: of a variable, or NULL */
	} rows[] = {
		{ "more brings a token that runs a command",
		  EXTRA("{\"agent\":{\"git_pass\":\"$hunter2\"}}"), NULL, NULL,
		  "clearml.conf: agent.git_pass: holds a blank" },
		{ "more brings such a user",
		  "\"git\": " LOGIN("h", "t") ", " EXTRA("{\"agent\":{\"git_user\":\"`hunter2\"}}"),
		  NULL, NULL, "clearml.conf: agent.git_user: holds a blank" },
		{ "a variable holds a bell", "", "K", "hunter2\a",
		  "environment.K: holds a control" },
		{ "a variable is not ASCII", "", "K", "hunter2\xc3\xa9", "environment.K: is not" },
		{ "a variable is no UTF-8", "", "K", "hunter2\xff", "environment.K: is not" },
		{ "a variable's name holds quotes", "", "K\"", "hunter2", "environment: a name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(buf) struct buf text = BUF(CONF_MAX_BYTES);
		struct bundle_variable variable = { 0 };
		struct machine machine = { 0 };
		struct error err = { 0 };

		fill_machine(&machine, rows[i].part);
		if (rows[i].name) {
			text_cut(variable.name, sizeof(variable.name), rows[i].name);
			assert_int_equal(
				secret_copy(&variable.value, slice_of(rows[i].value), &err), 0);
			machine.bundle.environment =
				memory_grow(machine.bundle.environment, 1, sizeof(variable));
			machine.bundle.environment[0] = variable;
			machine.bundle.environment_count = 1;
		}
		if (clearml_conf_print(&machine, 3, &text, &err) == 0)
			fail_msg("when %s: printed", rows[i].when);
		if (err.class != ERROR_CONFIGURATION || !strstr(err.message, rows[i].want))
			fail_msg("when %s: it says %s", rows[i].when, err.message);
		if (strstr(err.message, "hunter2"))
			fail_msg("when %s: it tells the secret", rows[i].when);
		if (text.len)
			fail_msg("when %s: half a file is handed out", rows[i].when);
		bundle_release(&machine.bundle);
	}
}

/* ---- docker mode ---- */

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
		struct machine machine = { 0 };
		struct error err = { 0 };

		fill_machine(&machine, "");
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
		SCOPED(json_document) struct json_document document = { 0 }, wanted = { 0 };
		SCOPED(docker_words) struct docker_words patterns = { 0 };
		SCOPED(buf)
		struct buf text = BUF(CONF_MAX_BYTES), got = BUF(CONF_MAX_BYTES),
			   want = BUF(CONF_MAX_BYTES);
		struct machine machine = { 0 };
		struct error err = { 0 };
		char *allow[] = { rows[i].allow[0], NULL };
		char *arguments[] = { rows[i].arguments[0], NULL };
		const struct docker_policy policy = { allow, arguments };

		fill_machine(&machine, "");
		machine.ticket.agent.mode = AGENT_DOCKER;
		machine.ticket.agent.docker.allow = allow;
		machine.ticket.agent.docker.arguments = arguments;
		assert_int_equal(clearml_conf_print(&machine, 3, &text, &err), 0);
		assert_int_equal(json_parse(buf_slice(&text), &document, &err), 0);
		describe(json_find(document.root, "agent.docker_args_filters"), &got);
		docker_policy_patterns(&policy, &patterns);
		json_new_object(&wanted);
		struct json *list = json_add_list(wanted.root, "x");
		for (size_t j = 0; j < patterns.count; j++)
			json_add_text(list, NULL, patterns.list[j]);
		json_print(list, false, &want);
		if (!patterns.count || strcmp(buf_text(&got), buf_text(&want)) != 0)
			fail_msg("when %s: %s", rows[i].when, buf_text(&got));
		if (!strcmp(before, buf_text(&got)))
			fail_msg("when %s: it changes nothing", rows[i].when);
		text_cut(before, sizeof(before), buf_text(&got));
		bundle_release(&machine.bundle);
	}
}

/* The operator may replace them, in JSON or in HOCON, and all else leaves them. */
static void test_docker_filters_are_the_operators(void **state)
{
	static const struct {
		const char *when, *part, *want;
	} rows[] = {
		{ "JSON replaces them", EXTRA("{\"agent\":{\"docker_args_filters\":[\"x\"]}}"),
		  "\"docker_args_filters\":[\"x\"]" },
		{ "JSON leaves them", EXTRA("{\"agent\":{\"x\":1}}"),
		  "\"docker_args_filters\":[\"^" },
		{ "HOCON is behind them", EXTRA("\"agent.docker_args_filters = [x]\""),
		  "\"docker_args_filters\":[\"^" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(buf) struct buf text = BUF(CONF_MAX_BYTES);
		struct machine machine = { 0 };
		struct error err = { 0 };

		fill_machine(&machine, rows[i].part);
		machine.ticket.agent.mode = AGENT_DOCKER;
		assert_int_equal(clearml_conf_print(&machine, 3, &text, &err), 0);
		if (!strstr(buf_text(&text), rows[i].want))
			fail_msg("when %s: %s", rows[i].when, buf_text(&text));
		bundle_release(&machine.bundle);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_hocon),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_docker_mode),
		cmocka_unit_test(test_docker_filters),
		cmocka_unit_test(test_docker_filters_are_the_operators),
	};
	struct error err = { 0 };
	bool is_locked = false;

	if (secret_prepare_process(&is_locked, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
