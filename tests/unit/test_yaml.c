/* yaml: what is read is JSON; what is not, is said with its line and column. */
#include "reaper/import/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_what_is_read(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "it is one member", "a: 1", "{\"a\":1}" },
		{ "members are nested", "a:\n  b: [x, 2, null]\n  c: {d: yes}\n",
		  "{\"a\":{\"b\":[\"x\",2,null],\"c\":{\"d\":true}}}" },
		{ "a text is quoted", "a: '15'\nb: \"x\\ty\"", "{\"a\":\"15\",\"b\":\"x\\ty\"}" },
		{ "a text has lines", "a: |\n  one\n  two\nb: >\n  one\n  two\n",
		  "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\\n\"}" },
		{ "there are comments", "# one\na: 1 # two\n", "{\"a\":1}" },
		{ "the document has its marks", "%YAML 1.1\n---\na: 1\n...\n", "{\"a\":1}" },
		{ "an alias stands for a list", "a: &x [1, 2]\nb: *x\n",
		  "{\"a\":[1,2],\"b\":[1,2]}" },
		{ "an anchor is given again", "a: &x 1\nb: &x 2\nc: *x\n",
		  "{\"a\":1,\"b\":2,\"c\":2}" },
		{ "an alias is in a list", "a: [&x {b: 1}, *x]", "{\"a\":[{\"b\":1},{\"b\":1}]}" },
		{ "names look like values", "12: a\non: b\n", "{\"12\":\"a\",\"on\":\"b\"}" },
		{ "a byte order mark is before",
		  "\xef\xbb\xbf"
		  "a: 1",
		  "{\"a\":1}" },
		{ "it is JSON", "{\"a\": [1, \"b\"]}", "{\"a\":[1,\"b\"]}" },
		{ "<< is quoted", "\"<<\": 1", "{\"<<\":1}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_document read = { 0 };
		SCOPED(buf) struct buf text = BUF(4096);
		struct error err;

		if (yaml_parse(slice_of(cases[i].text), &read, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		json_print(read.root, false, &text);
		if (strcmp(buf_text(&text), cases[i].want) != 0)
			fail_msg("when %s: got %s", cases[i].when, buf_text(&text));
		json_document_wipe(&read);
	}
}

static void test_what_is_refused(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "nothing is there", "", "line 1, column 1: nothing in it" },
		{ "it is a list", "- a\n", "line 1, column 1: expected a mapping (NAME: VALUE)" },
		{ "a name is there twice", "a: 1\nb: 2\na: 3\n",
		  "line 3, column 1: this name is there twice" },
		{ "a name is a list", "? [a]\n: 1\n", "line 1, column 3: a name that is no text" },
		{ "it wants Python", "a: !!python/object:os.system x\n",
		  "line 1, column 4: a tag (!): only plain values are read" },
		{ "a number is tagged a text", "a: !!str 1\n",
		  "line 1, column 4: a tag (!): only plain values are read" },
		{ "members are merged", "a: &x {b: 1}\nc:\n  <<: *x\n",
		  "line 3, column 3: merge keys (<<) are not read: write the members out here" },
		{ "an alias has no anchor", "a: *x\n",
		  "line 1, column 4: an alias (*) without an anchor (&) of that name before it" },
		{ "an alias is in itself", "a: &x [*x]\n",
		  "line 1, column 8: an alias (*) within the very value that it names" },
		{ "a number is infinite", "a: .inf\n",
		  "line 1, column 4: a number that is infinite or none" },
		{ "a number is too long", "a: 9007199254740993000\n",
		  "line 1, column 4: a whole number beyond 2^53: if it is a name, quote it" },
		{ "a text has a NUL", "a: \"x\\0y\"\n",
		  "line 1, column 4: a text with a NUL in it" },
		{ "there are two documents", "a: 1\n---\nb: 2\n",
		  "line 2, column 1: more than one document" },
		{ "there is a tab", "a:\n\t- 1\n",
		  "line 2, column 1: while scanning for the next token: found character that "
		  "cannot "
		  "start any token" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_document read = { 0 };
		struct error err = { 0 };

		assert_int_equal(yaml_parse(slice_of(cases[i].text), &read, &err), -1);
		assert_null(read.root);
		if (err.class != ERROR_MALFORMED || strcmp(err.message, cases[i].want) != 0)
			fail_msg("when %s: got \"%s\"", cases[i].when, err.message);
	}
}

/* Each line names the one before nine times. */
static void test_laughs_end(void **state)
{
	SCOPED(buf) struct buf text = BUF(65536);
	struct json_document read = { 0 };
	struct error err = { 0 };

	(void)state;
	buf_addf(&text, "a0: &a0 [x]\n");
	for (unsigned i = 1; i < 12; i++) {
		buf_addf(&text, "a%u: &a%u [*a%u", i, i, i - 1);
		for (unsigned n = 1; n < 9; n++)
			buf_addf(&text, ", *a%u", i - 1);
		buf_addf(&text, "]\n");
	}
	assert_int_equal(yaml_parse(buf_slice(&text), &read, &err), -1);
	assert_non_null(strstr(err.message, "too many values"));
}

static void test_depth_ends(void **state)
{
	struct json_document read = { 0 };
	struct error err = { 0 };

	(void)state;
	for (unsigned depth = 59; depth <= 5000; depth += depth < 60 ? 1 : 4940) {
		SCOPED(buf) struct buf text = BUF(65536);

		buf_addf(&text, "a: ");
		for (unsigned i = 0; i < depth; i++)
			buf_addf(&text, "[");
		for (unsigned i = 0; i < depth; i++)
			buf_addf(&text, "]");
		int result = yaml_parse(buf_slice(&text), &read, &err);

		assert_int_equal(result, depth <= 60 ? 0 : -1);
		if (!result)
			json_document_wipe(&read);
		else
			assert_non_null(strstr(err.message, "nested too deep"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_read),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_laughs_end),
		cmocka_unit_test(test_depth_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
