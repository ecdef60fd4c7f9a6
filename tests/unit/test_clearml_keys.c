/* clearml_keys: the configuration wins over the environment, and that over clearml.conf; what
 * cannot be read is said, and nobody's secret with it. */
#include "reaper/settings/clearml_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"

static char folder[SCRATCH_ROOM];

static void write_text(const char *name, const char *text, mode_t mode)
{
	struct error err;

	assert_int_equal(file_write(scratch_path(folder, name), slice_of(text), mode, &err), 0);
}

static int make_folder(void **state)
{
	(void)state;
	scratch_make(folder);
	write_text("key", "file-secret\r\n", 0600);
	write_text("open-key", "file-secret\n", 0644);
	write_text("empty-key", "\n", 0600);
	write_text("clearml.conf",
		   "api {\n api_server: http://conf:8008\n credentials { access_key: \"CONF\"\n"
		   " secret_key: \"conf-secret\" }\n}\n",
		   0600);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static void test_the_usual_forms_are_read(void **state)
{
	static const struct {
		const char *when, *text;
	} cases[] = {
		{ "clearml-init wrote it",
		  "# ClearML SDK configuration file\napi {\n"
		  "    # Notice: 'host' is the api server (default port 8008)\n"
		  "    web_server: http://w:8080\n    api_server: http://a:8008\n"
		  "    files_server: http://f:8081\n    credentials {\"access_key\": \"KEY\", "
		  "\"secret_key\": \"SECRET\"}\n}\nsdk {\n    # ClearML - default SDK\n\n"
		  "    storage {\n        cache {\n            default_base_dir: "
		  "\"~/.clearml/cache\"\n"
		  "        }\n    }\n    list: [ {a: 1}, \"]\" ]\n}\n" },
		{ "names have dots",
		  "api.web_server = \"http://w:8080/\"\napi.api_server=http://a:8008/\n"
		  "api.files_server: \"http://f:8081\"\napi.credentials.access_key = KEY\n"
		  "api.credentials.secret_key = SECRET # not this\n" },
		{ "it is JSON",
		  "{\"api\": {\"web_server\": \"http://w:8080\", \"api_server\": "
		  "\"http://a:8008\", "
		  "\"files_server\": \"http://f:8081\", \"credentials\": {\"access_key\": \"KEY\", "
		  "\"secret_key\": \"SECRET\"}}}" },
		{ "later ones replace earlier ones",
		  "api { api_server: x, api_server: \"http://a:8008\", web_server: http://w:8080\n"
		  "files_server: http://f:8081 // the files\n}\napi.credentials { access_key: OLD\n"
		  "secret_key: OLD\n}\napi { credentials: { access_key: KEY, secret_key: SECRET } "
		  "}" },
		{ "what we do not need is strange",
		  "a: ${HOME}/x\nb: \"\"\"three\n\"quoted\" lines\"\"\"\nc = one \"two\" three\n"
		  "api { api_server: http://a:8008, web_server: http://w:8080,\n"
		  "files_server: http://f:8081, credentials { access_key: KEY, secret_key: SECRET "
		  "}\n"
		  "d += 3\n \"q.e\" : [ [1], \"]\", # ]\n ] }\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(clearml_keys) struct clearml_keys keys = { 0 };
		struct error err = { 0 };

		if (clearml_keys_parse(slice_of(cases[i].text), "c.conf", &keys, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (strcmp(keys.api_server, "http://a:8008") != 0 ||
		    strcmp(keys.web_server, "http://w:8080") != 0 ||
		    strcmp(keys.files_server, "http://f:8081") != 0 ||
		    strcmp(keys.access_key, "KEY") != 0 ||
		    strcmp(secret_text(&keys.secret_key), "SECRET") != 0)
			fail_msg("when %s: %s %s %s %s", cases[i].when, keys.api_server,
				 keys.web_server, keys.files_server, keys.access_key);
	}
}

#define INSTEAD                                                                       \
	": give ClearML's servers and keys in the configuration's \"clearml\" or in " \
	"CLEARML_API_... instead"

static void test_other_forms_are_refused(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "a quote is open", "api {\n a: \"x\n}",
		  "c.conf:2: a quote is not closed" INSTEAD },
		{ "a brace is open", "api {\n a: x\n", "c.conf:3: a { is not closed" INSTEAD },
		{ "a list is open", "api [ 1", "c.conf:1: a [ is not closed" INSTEAD },
		{ "a brace is too many", "a: 1\n}", "c.conf:2: a } too many" INSTEAD },
		{ "a name is missing", "{ : 1 }", "c.conf:1: expected a name" INSTEAD },
		{ "a key comes from elsewhere", "api.api_server: ${HOST}\n",
		  "c.conf:1: an escape or a substitution, which is not read here" INSTEAD },
		{ "a key is in parts", "api.api_server: \"http://\" \"a\"\n",
		  "c.conf:1: a value put together from parts" INSTEAD },
		{ "a key is in other parts", "api.api_server: http:\"//a\"\n",
		  "c.conf:1: a value put together from parts" INSTEAD },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(clearml_keys) struct clearml_keys keys = { 0 };
		struct error err = { 0 };

		assert_int_equal(clearml_keys_parse(slice_of(cases[i].text), "c.conf", &keys, &err),
				 -1);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		if (strcmp(err.message, cases[i].want) != 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

#define KEYS "CLEARML_API_ACCESS_KEY=ENV", "CLEARML_API_SECRET_KEY=env-secret"
#define HOST "CLEARML_API_HOST=http://env:8008/"

static void test_who_wins(void **state)
{
	static const struct {
		const char *when, *section;
		const char *variables[6]; /* "@" stands for the test's folder at the end */
		const char *server, *access_key, *secret; /* or: */
		const char *refusal;
	} cases[] = {
		{ "the configuration says all",
		  "{\"api_server\": \"http://own:1\", \"access_key\": \"OWN\", "
		  "\"secret_key\": {\"file\": \"key\"}}",
		  { HOST, KEYS, "HOME=@" },
		  "http://own:1",
		  "OWN",
		  "file-secret",
		  NULL },
		{ "keys are referred to",
		  "{\"access_key\": {\"env\": \"K\"}, \"secret_key\": {\"env\": \"S\"}}",
		  { HOST, KEYS, "K=one", "S=two" },
		  "http://env:8008",
		  "one",
		  "two",
		  NULL },
		{ "it names the server only",
		  "{\"api_server\": \"http://own:1\"}",
		  { HOST, KEYS },
		  "http://own:1",
		  "ENV",
		  "env-secret",
		  NULL },
		{ "the environment has half a pair",
		  "{}",
		  { "CLEARML_API_ACCESS_KEY=ENV", "HOME=@" },
		  "http://conf:8008",
		  "CONF",
		  "conf-secret",
		  NULL },
		{ "a clearml.conf is named",
		  "{}",
		  { "CLEARML_CONFIG_FILE=@/clearml.conf" },
		  "http://conf:8008",
		  "CONF",
		  "conf-secret",
		  NULL },
		{ "there is nothing",
		  "{}",
		  { NULL },
		  NULL,
		  NULL,
		  NULL,
		  "no ClearML server: give clearml.api_server, or CLEARML_API_HOST, or a "
		  "clearml.conf" },
		{ "there are no keys",
		  "{\"api_server\": \"http://own:1\"}",
		  { NULL },
		  NULL,
		  NULL,
		  NULL,
		  "no ClearML keys: give clearml.access_key and clearml.secret_key, or "
		  "CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY, or a clearml.conf" },
		{ "half a pair is given",
		  "{\"api_server\": \"http://own:1\", \"access_key\": \"OWN\"}",
		  { KEYS },
		  NULL,
		  NULL,
		  NULL,
		  "secret_key is missing: the two keys are given together" },
		{ "the key's file is open to others",
		  "{\"access_key\": \"A\", \"secret_key\": {\"file\": \"open-key\"}}",
		  { HOST },
		  NULL,
		  NULL,
		  NULL,
		  "chmod 600" },
		{ "the key's file is empty",
		  "{\"access_key\": \"A\", \"secret_key\": {\"file\": \"empty-key\"}}",
		  { HOST },
		  NULL,
		  NULL,
		  NULL,
		  "is empty" },
		{ "the key's variable is not set",
		  "{\"access_key\": \"A\", \"secret_key\": {\"env\": \"NONE\"}}",
		  { HOST },
		  NULL,
		  NULL,
		  NULL,
		  "the environment has no variable NONE" },
		{ "a reference refers to both",
		  "{\"access_key\": \"A\", \"secret_key\": {\"env\": \"S\", \"file\": \"key\"}}",
		  { HOST, "S=1" },
		  NULL,
		  NULL,
		  NULL,
		  "expected {\"env\": NAME} or {\"file\": PATH}" },
		{ "a server is no address",
		  "{}",
		  { "CLEARML_API_HOST=host:8008", KEYS },
		  NULL,
		  NULL,
		  NULL,
		  "ClearML's api_server: expected http://... or https://..., got host:8008" },
		{ "the named clearml.conf is not there",
		  "{}",
		  { "CLEARML_CONFIG_FILE=@/none" },
		  NULL,
		  NULL,
		  NULL,
		  "ClearML's own configuration: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(clearml_keys) struct clearml_keys keys = { 0 };
		SCOPED(json_document) struct json_document document = { 0 };
		SCOPED(buf) struct buf text = BUF(4096);
		char room[6][200];
		const char *environment[7] = { NULL };
		struct settings_text source = { .path = "c.json", .environment = environment };
		struct error err = { 0 };

		for (size_t v = 0; cases[i].variables[v]; v++) {
			const char *at = strchr(cases[i].variables[v], '@');

			snprintf(room[v], sizeof(room[v]), "%.*s%s%s",
				 at ? (int)(at - cases[i].variables[v]) : 200,
				 cases[i].variables[v], at ? folder : "", at ? at + 1 : "");
			environment[v] = room[v];
		}
		buf_addf(&text, "{\"clearml\": %s}", cases[i].section);
		text_cut(source.folder, sizeof(source.folder), folder);
		source.text = buf_slice(&text);
		assert_int_equal(json_parse(source.text, &document, &err), 0);
		int result = clearml_keys_find(&source, document.root, &keys, &err);

		if (cases[i].refusal) {
			if (result == 0 || err.class != ERROR_CONFIGURATION ||
			    !strstr(err.message, cases[i].refusal))
				fail_msg("when %s: %d %s", cases[i].when, result, err.message);
			assert_null(strstr(err.message, "secret\""));
			continue;
		}
		if (result < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (strcmp(keys.api_server, cases[i].server) != 0 ||
		    strcmp(keys.access_key, cases[i].access_key) != 0 ||
		    strcmp(secret_text(&keys.secret_key), cases[i].secret) != 0)
			fail_msg("when %s: %s %s", cases[i].when, keys.api_server, keys.access_key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_usual_forms_are_read),
		cmocka_unit_test(test_other_forms_are_refused),
		cmocka_unit_test(test_who_wins),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
