#include "common/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/secret.h"

static void parse(const char *text, struct json_document *out)
{
	struct error err = { 0 };

	if (json_parse_commented(slice_of(text), out, &err) < 0)
		fail_msg("%s: %s", text, err.message);
}

static void prints_as(const char *when, const struct json *value, bool is_pretty, const char *want)
{
	SCOPED(buf) struct buf out = BUF(SIZE_MAX);

	json_print(value, is_pretty, &out);
	if (strcmp(buf_text(&out), want) != 0)
		fail_msg("when %s: printed %s, wanted %s", when, buf_text(&out), want);
}

static void a_valid_text_prints_compactly(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "blanks are around", " \t\r\n[ 1 , 2 ]\n", "[1,2]" },
		{ "a byte order mark is first", "\xef\xbb\xbf{\"a\":null}", "{\"a\":null}" },
		{ "empty", "[{},[],\"\"]", "[{},[],\"\"]" },
		{ "words", "[true,false,null]", "[true,false,null]" },
		{ "the root is no container", "\"x\"", "\"x\"" },
		{ "2^53", "[9007199254740992,-9007199254740991]",
		  "[9007199254740992,-9007199254740991]" },
		{ "an integer has an exponent", "1e15", "1000000000000000" },
		{ "minus zero", "-0", "0" },
		{ "a fraction", "[0.1,1.5,-2.25e-7]", "[0.1,1.5,-2.25e-07]" },
		{ "16 digits are needed", "0.12345678901234566", "0.12345678901234566" },
		{ "a number is huge", "1e300", "1e+300" },
		{ "a number is too small to be held", "1e-999", "0" },
		{ "escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\"",
		  "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\"" },
		{ "a surrogate pair", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
		{ "UTF-8 of all lengths", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "beside the surrogates", "\"\\ud7ff\\ue000\\uD800\\uDC00\\uDBFF\\uDFFF\"",
		  "\"\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" },
		{ "the ends of the control codes", "\"\xc2\x80\xc2\x9f\xc2\xa0\"",
		  "\"\\u0080\\u009f\xc2\xa0\"" },
		{ "a terminal's control code", "\"\x7f\xc2\x9b\"", "\"\\u007f\\u009b\"" },
		{ "a line end of JavaScript", "\"\xe2\x80\xa8\"", "\"\\u2028\"" },
		{ "names differ in case only", "{\"a\":1,\"A\":2}", "{\"a\":1,\"A\":2}" },
		{ "the same name in two objects", "{\"a\":{\"a\":1},\"b\":[{\"a\":2}]}",
		  "{\"a\":{\"a\":1},\"b\":[{\"a\":2}]}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(json_document) struct json_document document = { 0 };
		struct error err = { 0 };

		if (json_parse(slice_of(cases[i].text), &document, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		prints_as(cases[i].when, document.root, false, cases[i].want);
	}
}

static void an_invalid_text_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "empty", "", "line 1, column 1: expected a value, but the text ends" },
		{ "a page of HTML", "<html>", "line 1, column 1: expected a value, got '<'" },
		{ "a secret has no quotes", "{\"key\": hunter2}",
		  "line 1, column 9: expected a value, got something else" },
		{ "two values", "{} {}", "line 1, column 4: something follows the value" },
		{ "a comma is last", "[1,\n 2,\n]", "line 3, column 1: expected a value, got ']'" },
		{ "a comma is last in an object", "{\"a\":1,}",
		  "line 1, column 8: expected a name in quotes, got '}'" },
		{ "a comma is missing", "{\"a\":1\n \"b\":2}",
		  "line 2, column 2: expected ',' or '}', got '\"'" },
		{ "the wrong bracket", "[1}", "line 1, column 3: expected ',' or ']', got '}'" },
		{ "no colon", "{\"a\" 1}",
		  "line 1, column 6: expected ':' after the name, got something else" },
		{ "cut in a list", "[1",
		  "line 1, column 3: expected ',' or ']', but the text ends" },
		{ "cut in an object",
		  "{\"a\":", "line 1, column 6: expected a value, but the text ends" },
		{ "cut in a text", "[\"abc", "line 1, column 2: a text without its closing quote" },
		{ "cut in an escape", "\"\\u00",
		  "line 1, column 2: expected four hexadecimal digits "
		  "after \\u" },
		{ "cut in a word", "[tru",
		  "line 1, column 2: expected a value, got something else" },
		{ "a comment where none may be", "// x\n1",
		  "line 1, column 1: expected a value, got '/'" },
		{ "a leading zero", "[01]",
		  "line 1, column 3: expected ',' or ']', got something else" },
		{ "a plus", "+1", "line 1, column 1: expected a value, got something else" },
		{ "no digit before the point", ".5",
		  "line 1, column 1: expected a value, got something else" },
		{ "no digit after the point", "[1.]",
		  "line 1, column 4: expected a digit, got ']'" },
		{ "no digit after the e", "[1e+]", "line 1, column 5: expected a digit, got ']'" },
		{ "only a minus", "-", "line 1, column 2: expected a digit, but the text ends" },
		{ "NaN", "NaN", "line 1, column 1: expected a value, got something else" },
		{ "Infinity", "-Infinity",
		  "line 1, column 2: expected a digit, got something else" },
		{ "1e999", "[1e999]", "line 1, column 2: a number too large to be held" },
		{ "64 digits", "1000000000000000000000000000000000000000000000000000000000000000",
		  "line 1, column 1: a number of more than 63 characters" },
		{ "an unknown escape", "\"\\x\"",
		  "line 1, column 2: unknown escape in a text: \\\" "
		  "\\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX exist" },
		{ "a NUL is written", "\"a\\u0000\"",
		  "line 1, column 3: \\u0000 is not allowed in a text" },
		{ "a digit is none", "\"\\u00g0\"",
		  "line 1, column 2: expected four hexadecimal digits after \\u" },
		{ "a digit is a sign", "\"\\u00-1\"",
		  "line 1, column 2: expected four hexadecimal digits after \\u" },
		{ "only a byte order mark", "\xef\xbb\xbf",
		  "line 1, column 1: expected a value, but the text ends" },
		{ "the last low half alone", "\"\\udfff\"",
		  "line 1, column 2: half of a surrogate pair in a text" },
		{ "the first high half alone", "\"\\ud800x\"",
		  "line 1, column 2: half of a surrogate pair in a text" },
		{ "a high half alone", "\"\\ud83d\"",
		  "line 1, column 2: half of a surrogate pair in a text" },
		{ "a low half alone", "\"\\ude00\"",
		  "line 1, column 2: half of a surrogate pair in a text" },
		{ "two high halves", "\"\\ud83d\\ud83d\"",
		  "line 1, column 2: half of a surrogate pair in a text" },
		{ "a line end in a text", "[\"\xc3\xa9\n\"]",
		  "line 1, column 4: a control character in a text: write \\n, \\t or \\uXXXX" },
		{ "Latin-1", "[\"caf\xe9\"]", "line 1, column 6: bytes that are not UTF-8" },
		{ "overlong", "\"\xc0\xaf\"", "line 1, column 2: bytes that are not UTF-8" },
		{ "overlong by three", "\"\xe0\x80\xaf\"",
		  "line 1, column 2: bytes that are not UTF-8" },
		{ "a surrogate in UTF-8", "\"\xed\xa0\x80\"",
		  "line 1, column 2: bytes that are not UTF-8" },
		{ "beyond Unicode", "\"\xf4\x90\x80\x80\"",
		  "line 1, column 2: bytes that are not UTF-8" },
		{ "a character is cut", "\"\xe2\x82\"",
		  "line 1, column 2: bytes that are not UTF-8" },
		{ "a name twice", "{\"a\":1,\n\"b\":{},\n  \"a\":2}",
		  "line 3, column 3: the name a is there twice" },
		{ "a name twice, deep, written otherwise",
		  "{\"x\":[0,{\"n\":[{\"n\":2}],\"\\u006e\":1}]}",
		  "line 1, column 24: the name n is there twice" },
		{ "an odd name twice", "{\"a b\\n\":1,\"a b\\n\":1}",
		  "line 1, column 12: the name [\"a b\\n\"] is there twice" },
		{ "an empty name twice", "[{\"\":1,\"\":1}]",
		  "line 1, column 8: the name [\"\"] is there twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_document document = { 0 };
		struct error err = { 0 };

		if (json_parse(slice_of(cases[i].text), &document, &err) == 0)
			fail_msg("when %s: was taken", cases[i].when);
		if (err.class != ERROR_MALFORMED || strcmp(err.message, cases[i].want) != 0)
			fail_msg("when %s: \"%s\", wanted \"%s\"", cases[i].when, err.message,
				 cases[i].want);
		assert_null(document.root);
	}
}

static void a_raw_nul_is_refused(void **state)
{
	static const char inside[] = "\"a\0b\"", after[] = "1\0", escaped[] = "\"\\\0\"";
	struct json_document document = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(json_parse((struct slice){ inside, 5 }, &document, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_int_equal(json_parse((struct slice){ after, 2 }, &document, &err), -1);
	assert_string_equal(err.message, "line 1, column 2: something follows the value");
	assert_int_equal(json_parse((struct slice){ escaped, 4 }, &document, &err), -1);
	assert_non_null(strstr(err.message, "column 2: unknown escape"));
	assert_int_equal(json_parse((struct slice){ after + 1, 1 }, &document, &err), -1);
	assert_string_equal(err.message, "line 1, column 1: expected a value, got something else");
}

/* count brackets on each side */
static void nest(struct buf *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_add(out, slice_of(i % 2 ? "{\"a\":" : "["));
	buf_add(out, slice_of("1"));
	for (size_t i = count; i--;)
		buf_add(out, slice_of(i % 2 ? "}" : "]"));
}

static void depth_ends_at_64(void **state)
{
	static const struct {
		size_t depth;
		bool is_taken;
	} cases[] = { { 63, true }, { 64, true }, { 65, false }, { 100000, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(SIZE_MAX);
		SCOPED(json_document) struct json_document document = { 0 };
		struct error err = { 0 };

		nest(&text, cases[i].depth);
		bool is_taken = json_parse(buf_slice(&text), &document, &err) == 0;

		if (is_taken != cases[i].is_taken)
			fail_msg("%zu deep: %s", cases[i].depth, err.message);
		if (!is_taken)
			assert_non_null(strstr(err.message, "nested more than 64 deep"));
	}
}

/* By comparing each name with each other this would be 2 * 10^10 comparisons. */
static void a_name_twice_among_200000_is_found(void **state)
{
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	struct json_document document = { 0 };
	struct error err = { 0 };

	(void)state;
	buf_add(&text, slice_of("{"));
	for (unsigned i = 0; i < 200000; i++)
		buf_addf(&text, "\"name%u\":%u,\n", i, i);
	buf_add(&text, slice_of("\"last\":0"));
	size_t len = text.len;

	buf_add(&text, slice_of("}"));
	assert_int_equal(json_parse(buf_slice(&text), &document, &err), 0);
	assert_int_equal(json_count(document.root), 200001);
	json_document_release(&document);
	text.len = len;
	buf_add(&text, slice_of(",\n\"name777\":0}"));
	assert_int_equal(json_parse(buf_slice(&text), &document, &err), -1);
	assert_string_equal(err.message, "line 200002, column 1: the name name777 is there twice");
}

static void comments_are_blanks(void **state)
{
	static const struct {
		const char *when, *text, *want; /* want: the print, or the message */
		bool is_taken;
	} cases[] = {
		{ "both kinds", "// one\n{ /* two\n three */ \"a\": 1 // four\n}", "{\"a\":1}",
		  true },
		{ "a comment is last", "1 // end", "1", true },
		{ "a comment is empty and last", "1//", "1", true },
		{ "a comment is empty", "1 /**/", "1", true },
		{ "stars", "/***/ 1 /* ** / */", "1", true },
		{ "an address is no comment", "\"http://x/*y*/\"", "\"http://x/*y*/\"", true },
		{ "a quote is escaped", "\"\\\"//\" // \"", "\"\\\"//\"", true },
		{ "a comment divides a number", "1/**/2",
		  "line 1, column 6: something follows the value", false },
		{ "a comment is open", "{\n  /* \"a\": 1 }",
		  "line 2, column 3: a comment without its closing */", false },
		{ "half an opening", "/*/", "line 1, column 1: a comment without its closing */",
		  false },
		{ "a single slash", "[1, / 2]", "line 1, column 5: expected a value, got '/'",
		  false },
		{ "a slash is last", "1 /", "line 1, column 3: something follows the value",
		  false },
		{ "characters before count once", "/* \xc3\xa9\xc3\xa9 */ x",
		  "line 1, column 10: expected a value, got something else", false },
		{ "a text is open", "\"a // \\",
		  "line 1, column 7: unknown escape in a text: \\\" "
		  "\\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX exist",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(json_document) struct json_document document = { 0 };
		struct error err = { 0 };

		if (json_parse_commented(slice_of(cases[i].text), &document, &err) == 0)
			prints_as(cases[i].when, document.root, false, cases[i].want);
		else if (cases[i].is_taken || strcmp(err.message, cases[i].want) != 0)
			fail_msg("when %s: \"%s\"", cases[i].when, err.message);
		assert_int_equal(document.root != NULL, cases[i].is_taken);
	}
}

static const char sample[] = "{\n"
			     "  \"data\": { \"queues\": [ { \"id\": \"q0\", \"n\": 3 },\n"
			     "    { \"id\": null, \"n\": 1.5 } ],\n"
			     "    \"none\": null, \"yes\": true, \"big\": 1e16 },\n"
			     "  // a note\n"
			     "  \"a.b\": {\"\": [7]}, \"A\": 1,\n"
			     "  \"x[0]\":\n"
			     "    \"odd\"\n"
			     "}\n";

static void paths_are_found(void **state)
{
	static const struct {
		const char *path, *want; /* NULL: not found */
		unsigned line, name_line;
	} cases[] = {
		{ "data.queues[0].id", "\"q0\"", 2, 2 },
		{ "data.queues[1].n", "1.5", 3, 3 },
		{ "data.queues[1]", "{\"id\":null,\"n\":1.5}", 3, 3 },
		{ "data.none", "null", 4, 4 },
		{ "[\"a.b\"][\"\"][0]", "7", 6, 6 },
		{ "A", "1", 6, 6 },
		{ "[\"A\"]", "1", 6, 6 },
		{ "[\"x[0]\"]", "\"odd\"", 8, 7 },
		{ "data.queues[2]", NULL, 0, 0 },
		{ "data.queues[99999999999999999999]", NULL, 0, 0 },
		{ "data.queues[-1]", NULL, 0, 0 },
		{ "data.queues[0", NULL, 0, 0 },
		{ "data.queues[]", NULL, 0, 0 },
		{ "data.queues.id", NULL, 0, 0 },
		{ "data[0]", NULL, 0, 0 },
		{ "data.", NULL, 0, 0 },
		{ ".data", NULL, 0, 0 },
		{ "dat", NULL, 0, 0 },
		{ "data2", NULL, 0, 0 },
		{ "a", NULL, 0, 0 },
		{ "A.b", NULL, 0, 0 },
		{ "A[\"b\"]", NULL, 0, 0 },
		{ "A[\"", NULL, 0, 0 },
	};
	SCOPED(json_document) struct json_document document = { 0 };

	(void)state;
	parse(sample, &document);
	assert_ptr_equal(json_find(document.root, ""), document.root);
	assert_int_equal(json_line_of(slice_of(sample), "", false), 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *path = cases[i].path;
		const struct json *found = json_find(document.root, path);

		if (found && cases[i].want)
			prints_as(path, found, false, cases[i].want);
		else if (found || cases[i].want)
			fail_msg("%s: %s", path, found ? "found" : "not found");
		assert_int_equal(json_line_of(slice_of(sample), path, false), cases[i].line);
		assert_int_equal(json_line_of(slice_of(sample), path, true), cases[i].name_line);
	}
	assert_int_equal(json_line_of(slice_of("{\"a\":"), "a", false), 0);
	assert_int_equal(json_line_of(slice_of("/*"), "", false), 0);
}

static void a_wrong_kind_is_named_with_its_path(void **state)
{
	SCOPED(json_document) struct json_document document = { 0 };
	const struct json *value = NULL;
	const char *text = NULL;
	int64_t number = 0;
	struct error err = { 0 };

	(void)state;
	parse(sample, &document);
	const struct json *root = document.root;

	assert_int_equal(json_list(root, "data.none", &value, &err), -1);
	assert_string_equal(err.message, "data.none: expected a list, got null");
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_int_equal(json_object(root, "data.gone.x", &value, &err), -1);
	assert_string_equal(err.message, "data.gone.x: expected an object, it is missing");
	assert_int_equal(json_text(root, "data.queues", &text, &err), -1);
	assert_string_equal(err.message, "data.queues: expected a text, got a list");
	assert_int_equal(json_text(root, "", &text, &err), -1);
	assert_string_equal(err.message, "expected a text, got an object");
	assert_int_equal(json_integer(root, "data.yes", &number, &err), -1);
	assert_string_equal(err.message, "data.yes: expected a whole number, got true or false");
	assert_int_equal(json_integer(root, "data.queues[1].n", &number, &err), -1);
	assert_string_equal(err.message,
			    "data.queues[1].n: expected a whole number of at most 2^53, got 1.5");
	assert_int_equal(json_integer(root, "data.big", &number, &err), -1);
	assert_int_equal(json_integer(root, "data", &number, &err), -1);
	assert_string_equal(err.message, "data: expected a whole number, got an object");
	assert_int_equal(json_integer(NULL, "data", &number, &err), -1);
	assert_string_equal(err.message, "data: expected a whole number, it is missing");
	assert_null(value);
	assert_null(text);
}

static void values_are_read(void **state)
{
	SCOPED(json_document) struct json_document document = { 0 };
	const struct json *list = NULL, *object = NULL;
	const char *text = NULL;
	int64_t number = 0;
	struct error err = { 0 };

	(void)state;
	parse(sample, &document);
	const struct json *root = document.root;

	assert_int_equal(json_list(root, "data.queues", &list, &err), 0);
	assert_int_equal(json_count(list), 2);
	assert_int_equal(json_object(list, "[0]", &object, &err), 0);
	assert_int_equal(json_text(object, "id", &text, &err), 0);
	assert_string_equal(text, "q0");
	assert_int_equal(json_integer(object, "n", &number, &err), 0);
	assert_int_equal(number, 3);
	assert_true(json_number_value(json_find(json_next(object), "n")) == 1.5);
	assert_string_equal(json_name(json_first(object)), "id");
	assert_null(json_name(object));
	assert_null(json_next(json_next(object)));
	assert_int_equal(json_kind(json_find(root, "data.yes")), JSON_BOOL);
	assert_true(json_bool_value(json_find(root, "data.yes")));
	assert_int_equal(json_count(json_find(root, "A")), 0);
	assert_null(json_first(json_find(root, "A")));
}

static void what_is_optional_falls_back(void **state)
{
	SCOPED(json_document) struct json_document document = { 0 };

	(void)state;
	parse(sample, &document);
	const struct json *root = document.root;

	assert_string_equal(json_text_or(root, "data.queues[0].id", "f"), "q0");
	assert_string_equal(json_text_or(root, "data.none", "f"), "f");
	assert_string_equal(json_text_or(root, "data.queues", "f"), "f");
	assert_null(json_text_or(NULL, "x", NULL));
	assert_int_equal(json_integer_or(root, "data.queues[0].n", 9), 3);
	assert_int_equal(json_integer_or(root, "data.queues[1].n", 9), 9);
	assert_int_equal(json_integer_or(root, "gone", -9), -9);
	assert_true(json_bool_or(root, "data.yes", false));
	assert_true(json_bool_or(root, "A", true));
	assert_false(json_bool_or(NULL, "A", false));
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_first(NULL));
	assert_null(json_next(NULL));
	assert_null(json_find(NULL, ""));
	assert_int_equal(json_kind(NULL), JSON_NULL);
}

static void a_document_is_built_and_printed(void **state)
{
	static const char compact[] =
		"{\"text\":\"a\\\"b\",\"bad\":\"x\xef\xbf\xbdy\xef\xbf\xbd\",\"null\":null,"
		"\"max\":9007199254740992,\"ms\":1764000000123,"
		"\"yes\":true,\"o\":{},\"l\":[1,\"two\",[]]}";
	static const char pretty[] = "{\n  \"o\": {},\n  \"l\": [\n    1,\n    {\n      \"a\": 2\n"
				     "    }\n  ]\n}";
	SCOPED(json_document) struct json_document built = { 0 };
	SCOPED(json_document) struct json_document document = { 0 };

	(void)state;
	json_new_object(&built);
	json_add_text(built.root, "text", "a\"b");
	json_add_text(built.root, "bad", "x\xffy\xe2");
	json_add_text(built.root, "null", NULL);
	json_add_integer(built.root, "max", 9007199254740992);
	json_add_integer(built.root, "ms", 1764000000123);
	json_add_bool(built.root, "yes", true);
	json_add_object(built.root, "o");
	struct json *list = json_add_list(built.root, "l");

	json_add_integer(list, NULL, 1);
	json_add_text(list, NULL, "two");
	json_add_list(list, NULL);
	prints_as("compact", built.root, false, compact);
	prints_as("there is none", NULL, false, "null");
	parse("{\"o\":{},\"l\":[1,{\"a\":2}]}", &document);
	prints_as("pretty", document.root, true, pretty);
}

static void a_wiped_document_is_empty(void **state)
{
	struct json_document document = { 0 };

	(void)state;
	parse("{\"key\":[\"secret\",{\"b\":null}]}", &document);
	json_document_wipe(&document);
	assert_null(document.root);
	json_document_wipe(&document);
	json_document_release(&document);
}

static void printing_past_the_limit_is_remembered(void **state)
{
	SCOPED(buf) struct buf out = BUF(4);
	SCOPED(json_document) struct json_document document = { 0 };
	struct error err = { 0 };

	(void)state;
	parse("[1,2,3]", &document);
	json_print(document.root, false, &out);
	assert_int_equal(buf_finish(&out, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_valid_text_prints_compactly),
		cmocka_unit_test(an_invalid_text_is_refused_with_its_place),
		cmocka_unit_test(a_raw_nul_is_refused),
		cmocka_unit_test(depth_ends_at_64),
		cmocka_unit_test(a_name_twice_among_200000_is_found),
		cmocka_unit_test(comments_are_blanks),
		cmocka_unit_test(paths_are_found),
		cmocka_unit_test(a_wrong_kind_is_named_with_its_path),
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(what_is_optional_falls_back),
		cmocka_unit_test(a_document_is_built_and_printed),
		cmocka_unit_test(a_wiped_document_is_empty),
		cmocka_unit_test(printing_past_the_limit_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
