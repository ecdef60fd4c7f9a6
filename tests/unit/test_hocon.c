#include "common/hocon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What passes, and what of it are the members. */
static void test_taken(void **state)
{
	static const struct {
		const char *when, *text, *members;
	} rows[] = {
		{ "it is empty", "", "" },
		{ "it is a comment alone", "# nothing yet", "# nothing yet" },
		{ "a member is JSON's", "\"a\": 1", "\"a\": 1" },
		{ "a path is assigned", "agent.a = 1\nagent.b: x", "agent.a = 1\nagent.b: x" },
		{ "an object follows its name", "agent { a = 1 }", "agent { a = 1 }" },
		{ "it opens on the next line", "agent\n{\na = 1\n}", "agent\n{\na = 1\n}" },
		{ "two follow each other", "a { } b { }", "a { } b { }" },
		{ "a list is added to", "a += [1]", "a += [1]" },
		{ "it is braced", "{ a = 1 }", " a = 1 " },
		{ "comments stand around the braces", "# x {\n{a = 1 # }\n}\n// y\n",
		  "a = 1 # }\n" },
		{ "the braces hold nothing", "{}", "" },
		{ "values have no quotes", "a = b c, d = http://x/y", "a = b c, d = http://x/y" },
		{ "values are of parts", "a = \"b\" c ${?d} \"e\"", "a = \"b\" c ${?d} \"e\"" },
		{ "objects are joined", "a = {b: 1} {c: 2}", "a = {b: 1} {c: 2}" },
		{ "a list is joined to another's", "a = ${b} [1]", "a = ${b} [1]" },
		{ "three quotes hold anything", "a = \"\"\"x \" \\ { [\n\"\"\"\"",
		  "a = \"\"\"x \" \\ { [\n\"\"\"\"" },
		{ "quotes hold marks", "a = \"}{][#//,=\\\"\"", "a = \"}{][#//,=\\\"\"" },
		{ "a comment is in another language", "a = 1 # caf\xc3\xa9\n",
		  "a = 1 # caf\xc3\xa9\n" },
		{ "a number has a plus", "a = +1.5e+10\nb = [1e+3]", "a = +1.5e+10\nb = [1e+3]" },
		{ "tabs are around it", "\ta\t=\tb\tc\t", "\ta\t=\tb\tc\t" },
		{ "a line goes on", "a = b \\\n c", "a = b \\\n c" },
		{ "a value is left out", "a =", "a =" },
		{ "lines end as in Windows", "a = 1\r\nb = 2\r\n", "a = 1\r\nb = 2\r\n" },
		{ "a list has lines", "a = [\n 1\n 2, # two\n [3], {b: 4}\n]",
		  "a = [\n 1\n 2, # two\n [3], {b: 4}\n]" },
		{ "commas abound", "{,a: [,1,],}", ",a: [,1,]," },
		{ "a name begins like include", "includes = 1", "includes = 1" },
		{ "include is a name", "include = 1\ninclude.x = 2", "include = 1\ninclude.x = 2" },
		{ "include is a text", "a = include", "a = include" },
		{ "include is quoted", "a = \"include\" \"x\"", "a = \"include\" \"x\"" },
		{ "a name has blanks and quotes", "\"a b\" = 1\na b = 2", "\"a b\" = 1\na b = 2" },
		{ "a regular expression is escaped", "a = \"\\\\d+\\b\"", "a = \"\\\\d+\\b\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice members = { NULL, 0 };
		struct error err = { 0 };

		if (hocon_check(slice_of(rows[i].text), &members, &err) < 0)
			fail_msg("when %s: %s", rows[i].when, err.message);
		if (!slice_equals(members, rows[i].members))
			fail_msg("when %s: the members are \"%.*s\"", rows[i].when,
				 (int)members.len, members.ptr);
	}
}

#define CANARY "hunter2"

static void test_refused(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} rows[] = {
		{ "a { is not closed", "a = 1\nb {\n c = " CANARY, "line 2: a { is not closed" },
		{ "a [ is not closed", "a = [1, " CANARY, "line 1: a [ is not closed" },
		{ "a } is too many", "a { }\n}", "line 2: a } or ] closes nothing" },
		{ "a ] is too many", "a = 1 ]", "line 1: a } or ] closes nothing" },
		{ "they cross", "a = [ { b = 1 ] }", "line 1: a } or ] closes nothing" },
		{ "quotes are not closed", "a = \"" CANARY "\nb = \"x\"",
		  "line 1: a text in quotes" },
		{ "quotes end in a backslash", "a = \"" CANARY "\\", "line 1: a text in quotes" },
		{ "three quotes are not closed", "\na = \"\"\"" CANARY "\"\"\n",
		  "line 2: a text in three quotes" },
		{ "a substitution is not closed", "a = ${" CANARY "\n}", "line 1: a ${" },
		{ "a substitution is empty", "a = ${}", "line 1: a ${" },
		{ "a file is included", "a = 1\ninclude \"" CANARY "\"", "line 2: include" },
		{ "it is included as a value", "a = INCLUDE file(\"" CANARY "\")",
		  "line 1: include" },
		{ "it is included into a list", "a = [\ninclude url(\"x\")]", "line 2: include" },
		{ "it is included behind a text", "a = \"1\"include \"x\"", "line 1: include" },
		{ "it must be there", "Include required(file(\"x\"))", "line 1: include" },
		{ "a value is not ASCII", "a = 1\nb = caf\xc3\xa9", "line 2: holds what is not" },
		{ "a quoted one is not", "b = \"" CANARY "\xc3\xa9\"",
		  "line 1: holds what is not" },
		{ "a name is not ASCII", "\"\xc3\xa9\" = 1", "line 1: holds what is not" },
		{ "a bare name is not", "\xc3\xa9 = 1", "line 1: expected a name" },
		{ "it begins with a byte order mark",
		  "\xef\xbb\xbf"
		  "a = 1",
		  "line 1: expected" },
		{ "a value has a bell", "a = \"\a\"", "line 1: holds a control" },
		{ "a value has DEL", "a = \"\x7f\"", "line 1: holds what is not ASCII" },
		{ "quotes hold a tab", "a = \"" CANARY "\t\"", "line 1: holds a tab" },
		{ "three quotes do", "a = \"\"\"\n\t" CANARY "\"\"\"", "line 2: holds a tab" },
		{ "a bell stands alone", "a = 1\n\a", "line 2: expected a name" },
		{ "a comment is of C", "a = 1\n/* x */", "line 2: " },
		{ "a name is followed by nothing", "a", "line 1: after a name" },
		{ "a name is followed by a name", "a b\nc = 1", "line 1: after a name" },
		{ "a value has no name", "= 1", "line 1: expected a name" },
		{ "a name is joined by dots", "a.\"b\" = 1", "line 1: after a name" },
		{ "a name is only dots", ".. = 1", "line 1: expected a name" },
		{ "a name in quotes is empty", "\"\" = 1", "line 1: a name is empty" },
		{ "a name in quotes is only marks", "\"=\" = 1", "line 1: a name is empty" },
		{ "a name in quotes has a backslash", "\"a\\n\" = 1", "line 1: a name in quotes" },
		{ "two members share a line", "a = 1 b = 2", "line 1: a value with this" },
		{ "a text and an object are joined", "a = {} x", "line 1: a value is of two" },
		{ "a list and an object are", "a = ${x} [1] {b: 1}", "line 1: a value is of two" },
		{ "a value needs quotes", "a = x@" CANARY, "line 1: a value with this" },
		{ "a dollar stands alone", "a = $x", "line 1: a value with this" },
		{ "a plus is in a text", "a = 1 + 2", "line 1: a value with this" },
		{ "a code point is written out", "a = \"\\u00e9\"", "line 1: a \\u in quotes" },
		{ "it is a list", "[1]", "line 1: expected a name" },
		{ "more follows the braces", "{a = 1}\nb = " CANARY, "line 2: more follows" },
		{ "two are joined", "{a = 1} {b = 2}", "line 1: more follows" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice members = slice_of("as it was");
		struct error err = { 0 };

		if (hocon_check(slice_of(rows[i].text), &members, &err) == 0)
			fail_msg("when %s: accepted", rows[i].when);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_true(slice_equals(members, "as it was"));
		if (strncmp(err.message, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("when %s: \"%s\" is not \"%s\"", rows[i].when, err.message,
				 rows[i].want);
		if (strstr(err.message, CANARY))
			fail_msg("when %s: the message quotes the text", rows[i].when);
	}
}

static void test_depth(void **state)
{
	static const struct {
		const char *open, *close;
		int levels;
		bool is_taken;
	} rows[] = { { "a {", "}", 32, true },
		     { "a {", "}", 33, false },
		     { "[", "]", 32, true },
		     { "[", "]", 33, false },
		     { "[", "", 100000, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(buf) struct buf text = BUF(1 << 20);
		struct slice members;
		struct error err = { 0 };

		buf_add(&text, slice_of(*rows[i].open == '[' ? "a = " : ""));
		for (int level = 0; level < rows[i].levels; level++)
			buf_add(&text, slice_of(rows[i].open));
		for (int level = 0; level < rows[i].levels; level++)
			buf_add(&text, slice_of(rows[i].close));
		int got = hocon_check(buf_slice(&text), &members, &err);

		if ((got == 0) != rows[i].is_taken)
			fail_msg("%d of %s: %d %s", rows[i].levels, rows[i].open, got, err.message);
		if (got < 0)
			assert_non_null(strstr(err.message, "line 1: nested too deep"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
