#include "tests/unit/support/bundle_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FILES(files) BUNDLE("\"files\": {" files "}")
#define AT(path) "\"path\": \"" path "\", \"contents\": \"" CANARY "\""
#define PATH(path) FILES("\"f\": {" AT(path) "}")
#define LOGINS                                                               \
	", \"git\": [{\"user\": \"u\", \"token\": \"t\", \"host\": \"a\"}, " \
	"{\"user\": \"u\", \"token\": \"t\", \"host\": \"b\"}]"

static void test_files(void **state)
{
	SCOPED(bundle) struct bundle bundle = { 0 };

	(void)state;
	bundle_take(FILES("\"a\": {\"path\": \"/a\", \"contents\": \"caf\\u00e9\\u0001\"},"
			  "\"b-2_\": {\"path\": \"~/b\", \"base64\": \"AAH/\", \"mode\": \"0644\"},"
			  "\"c\": {\"path\": \"/c\", \"contents\": \"\"},"
			  "\"d\": {\"path\": \"/d\", \"base64\": \"\"}"),
		    &bundle);
	assert_int_equal(bundle.file_count, 4);
	assert_string_equal(bundle.files[0].name, "a");
	assert_string_equal(bundle.files[0].path, "/a");
	assert_string_equal(bundle.files[0].mode, "0600");
	assert_string_equal(secret_text(&bundle.files[0].contents), "caf\xc3\xa9\x01");
	assert_string_equal(bundle.files[1].name, "b-2_");
	assert_string_equal(bundle.files[1].mode, "0644");
	assert_int_equal(bundle.files[1].contents.len, 3);
	assert_memory_equal(secret_expose(&bundle.files[1].contents).ptr, "\0\1\xff", 3);
	assert_int_equal(bundle.files[2].contents.len, 0);
	assert_int_equal(bundle.files[3].contents.len, 0);
	bundle_release(&bundle);
	assert_null(bundle.files);
}

static void test_files_rows(void **state)
{
	static const struct bundle_row rows[] = {
		{ "there is none", FILES(""), NULL },
		{ "two have one name below other folders",
		  FILES("\"a\": {" AT("/a/x") "}, \"b\": {" AT("/b/x") "}"), NULL },
		{ "it has no path", FILES("\"f\": {\"contents\": \"" CANARY "\"}"),
		  "b.json:2: files.f.path: missing" },
		{ "it has nothing in it", FILES("\"f\": {\"path\": \"/x\"}"),
		  "files.f: expected either contents" },
		{ "it has both", FILES("\"f\": {" AT("/x") ", \"base64\": \"AAAA\"}"),
		  "files.f: expected either contents" },
		{ "its base64 is none",
		  FILES("\"f\": {\"path\": \"/x\", \"base64\": \"" CANARY "\"}"),
		  "files.f.base64: is no base64" },
		{ "its base64 has lines",
		  FILES("\"f\": {\"path\": \"/x\", \"base64\": \"AAAA\\nAAA\"}"),
		  "files.f.base64: is no base64" },
		{ "its owner cannot write it", FILES("\"f\": {" AT("/x") ", \"mode\": \"0400\"}"),
		  "files.f.mode" },
		{ "it is to be set-user-id", FILES("\"f\": {" AT("/x") ", \"mode\": \"4755\"}"),
		  "files.f.mode" },
		{ "its path is relative", PATH("x"), "files.f.path" },
		{ "its path is another's home", PATH("~root/x"), "files.f.path" },
		{ "its path is a folder", PATH("/x/"), "files.f.path: is a folder's" },
		{ "its path is the folder above", PATH("/x/.."), "files.f.path: is a folder's" },
		{ "its path has a variable", PATH("/$HOME/x"), "files.f.path: holds a $" },
		{ "its path is not ASCII", PATH("/\xc3\xa9"), "files.f.path: is not ASCII" },
		{ "its path has a line end", PATH("/a\\nb"), "files.f.path: holds a line end" },
		{ "it is git's configuration", PATH("~/.gitconfig"),
		  "files.f.path: in docker mode" },
		{ "it is git's store", PATH("/root/.git-credentials"),
		  "files.f.path: in docker mode" },
		{ "it is netrc", PATH("~/.netrc"), NULL },
		{ "netrc has logins of git",
		  BUNDLE("\"files\": {\"f\": {" AT("~/.netrc") "}}" LOGINS),
		  "files.f.path: is where git's further logins are" },
		{ "two are one", FILES("\"a\": {" AT("/x") "}, \"b\": {" AT("/x") "}"),
		  "files.b.path: is that of files.a already" },
		{ "a name has a blank", FILES("\"a b\": {" AT("/x") "}"),
		  "files[\"a b\"]: expected a name" },
		{ "a name begins with a digit", FILES("\"1a\": {" AT("/x") "}"),
		  "files.1a: expected a name" },
		{ "a name is empty", FILES("\"\": {" AT("/x") "}"), "files[\"\"]: expected" },
		{ "a name is one of ours", FILES("\"mayfly_x\": {" AT("/x") "}"),
		  "files.mayfly_x: names that begin with mayfly_" },
	};

	(void)state;
	bundle_check_rows(rows, ARRAY_LEN(rows));
}

static void test_environment_rows(void **state)
{
	static const struct bundle_row rows[] = {
		{ "a value has lines and tabs", BUNDLE("\"environment\": {\"A\": \"a\\n\\tb\\r\"}"),
		  NULL },
		{ "a value is not ASCII",
		  BUNDLE("\"environment\": {\"A\": \"x\",\n\"B\": \"" CANARY "\xc3\xa9\"}"),
		  "b.json:3: environment.B: is not ASCII" },
		{ "a value has a control character",
		  BUNDLE("\"environment\": {\"A\": \"" CANARY "\\u0001\"}"),
		  "environment.A: holds a control character" },
		{ "a value could go into a file", BUNDLE("\"environment\": {\"A\": \"\xc3\xa9\"}"),
		  "a file (files) carries any bytes" },
	};

	(void)state;
	bundle_check_rows(rows, ARRAY_LEN(rows));
}

#define EXTRA(extra) BUNDLE("\"extra_conf\": " extra)

static void test_extra_conf(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ EXTRA("\"agent.x = 1 # \xc3\xa9\""), "agent.x = 1 # \xc3\xa9" },
		{ EXTRA("\"{\\\"a\\\": 1} // why\""), "{\"a\": 1} // why" },
		{ EXTRA("{\"a\": {\"b\": [1, \"//\"]}}"), "{\"a\":{\"b\":[1,\"//\"]}}" },
		{ EXTRA("{}"), "{}" },
		{ EXTRA("\"\""), "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(bundle) struct bundle bundle = { 0 };

		bundle_take(rows[i].text, &bundle);
		assert_string_equal(secret_text(&bundle.extra_conf), rows[i].wanted);
	}
}

static void test_extra_conf_rows(void **state)
{
	static const struct bundle_row rows[] = {
		{ "it is HOCON", EXTRA("\"a { b = c }\\n d: [1\\n2]\""), NULL },
		{ "a { is not closed", EXTRA("\"a = 1\\nb { c = " CANARY "\""),
		  "b.json:2: extra_conf: in its line 2: a { is not closed" },
		{ "it includes a file", EXTRA("\"include \\\"" CANARY "\\\"\""),
		  "extra_conf: in its line 1: include is not taken" },
		{ "it is a list", EXTRA("[1]"), "extra_conf" },
		{ "it is a text of a list", EXTRA("\"[1]\""), "extra_conf: in its line 1" },
		{ "it is a bare secret", EXTRA("\"" CANARY "\""), "extra_conf: in its line 1" },
		{ "a value is not ASCII", EXTRA("{\"a\": {\"b\": \"" CANARY "\xc3\xa9\"}}"),
		  "extra_conf: a.b: is not ASCII" },
		{ "a value of JSON's text is not", EXTRA("\"{\\\"a\\\": \\\"\xc3\xa9\\\"}\""),
		  "extra_conf: a: is not ASCII" },
		{ "a name is not ASCII", EXTRA("{\"a\": {\"\xc3\xa9\": 1}}"),
		  "extra_conf: a: a name in it" },
		{ "a name is a mark", EXTRA("{\"=\": 1}"), "extra_conf: top level: a name in it" },
		{ "a value has a control character", EXTRA("{\"a\": [{\"b\": \"\\u0001\"}]}"),
		  "extra_conf: a.[].b: holds a control character" },
		{ "a list has an empty text", EXTRA("{\"a\": {\"b\": [\"x\", \"\"]}}"),
		  "extra_conf: a.b: an empty text in a list" },
		{ "a list of lists has a null", EXTRA("{\"a\": [[null]]}"),
		  "extra_conf: a.[]: a null in a list of lists" },
		{ "a list has a null", EXTRA("{\"a\": [null]}"), NULL },
	};

	(void)state;
	bundle_check_rows(rows, ARRAY_LEN(rows));
}

/* JSON, and what its reader takes at most; and HOCON, of the same depth. */
static void test_extra_conf_is_nested(void **state)
{
	static const struct {
		const char *head, *open, *leaf, *close, *tail;
		int levels;
		const char *want;
	} rows[] = {
		{ "", "{\"a\":", "1", "}", "", 31, NULL },
		{ "", "{\"a\":", "1", "}", "", 32, "extra_conf: nested too deep" },
		{ "\"", "a {", "b = 1", "}", "\"", 32, NULL },
		{ "\"", "a {", "b = 1", "}", "\"", 33, "line 1: nested too deep" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(buf) struct buf text = BUF(4096);

		buf_addf(&text, "{" KEYS ",\n\"extra_conf\": %s", rows[i].head);
		for (int level = 0; level < rows[i].levels; level++)
			buf_add(&text, slice_of(rows[i].open));
		buf_add(&text, slice_of(rows[i].leaf));
		for (int level = 0; level < rows[i].levels; level++)
			buf_add(&text, slice_of(rows[i].close));
		buf_addf(&text, "%s}", rows[i].tail);
		const struct bundle_row row = { "it is deep", buf_text(&text), rows[i].want };
		bundle_check_rows(&row, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_files_rows),
		cmocka_unit_test(test_environment_rows),
		cmocka_unit_test(test_extra_conf),
		cmocka_unit_test(test_extra_conf_rows),
		cmocka_unit_test(test_extra_conf_is_nested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
