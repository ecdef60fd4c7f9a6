/* import_parts: their texts as our names, durations, lists and tags. */
#include "reaper/import/import_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/import/gpu_count.h"

static void test_names(void **state)
{
	static const struct {
		const char *when, *text, *want;
		bool is_another;
	} cases[] = {
		{ "it is one of ours", "aws4gpu_2.x-y", "aws4gpu_2.x-y", false },
		{ "it has a blank", "a b", "a_b", true },
		{ "it is empty", "", "_", true },
		{ "it is in another script", "\xc3\xa4", "__", true },
		{ "it is too long",
		  "0123456789012345678901234567890123456789012345678901234567890123456789",
		  "0123456789012345678901234567890123456789012345678901234567890123", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[IMPORT_NAME_ROOM];
		bool is_another = import_clean_name(cases[i].text, name);

		if (strcmp(name, cases[i].want) != 0 || is_another != cases[i].is_another)
			fail_msg("when %s: got %s, %d", cases[i].when, name, is_another);
	}
}

static void test_minutes(void **state)
{
	static const struct {
		double minutes;
		const char *want;
	} cases[] = {
		{ 15, "15m" }, { 0.5, "30s" },	 { 1.5, "90s" },
		{ 0, "0m" },   { 0.0001, "1s" }, { 1e9, "1000000000m" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char duration[IMPORT_DURATION_ROOM];

		import_minutes(cases[i].minutes, duration);
		assert_string_equal(duration, cases[i].want);
	}
}

static void test_lists_and_tags(void **state)
{
	static const struct {
		const char *when, *text, *list, *tags;
		bool are_good;
	} cases[] = {
		{ "there is one", "a=1", "[\"a=1\"]", "{\"a\":\"1\"}", true },
		{ "blanks are around", " a = 1 ,b=2, ", "[\"a = 1\",\"b=2\"]",
		  "{\"a\":\"1\",\"b\":\"2\"}", true },
		{ "there is nothing", "", "[]", "{}", true },
		{ "a value has an =", "a=b=c", "[\"a=b=c\"]", "{\"a\":\"b=c\"}", true },
		{ "one has no =", "a=1,b", "[\"a=1\",\"b\"]", "{\"a\":\"1\"}", false },
		{ "one has no name", "=1", "[\"=1\"]", "{}", false },
		{ "one has no value", "a=", "[\"a=\"]", "{}", false },
		{ "one is there twice", "a=1,a=2", "[\"a=1\",\"a=2\"]", "{\"a\":\"1\"}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf list = BUF(256), tags = BUF(256);
		struct json_document made;

		json_new_object(&made);
		struct json *parts = json_add_list(made.root, "list");
		struct json *object = json_add_object(made.root, "tags");

		import_add_parts(cases[i].text, ",", parts);
		bool are_good = import_add_tags(cases[i].text, object);

		json_print(parts, false, &list);
		json_print(object, false, &tags);
		if (strcmp(buf_text(&list), cases[i].list) != 0 ||
		    strcmp(buf_text(&tags), cases[i].tags) != 0 || are_good != cases[i].are_good)
			fail_msg("when %s: got %s %s %d", cases[i].when, buf_text(&list),
				 buf_text(&tags), are_good);
		json_document_wipe(&made);
	}
}

/* tests/aws/test_import.py compares them all with AWS's list. */
static void test_gpus(void **state)
{
	static const struct {
		const char *type;
		int want;
	} cases[] = {
		{ "m5.xlarge", 0 },	{ "g4dn.xlarge", 1 },  { "g4dn.12xlarge", 4 },
		{ "p5.48xlarge", 8 },	{ "p3.8xlarge", 4 },   { "g6f.large", -1 },
		{ "g4ad.xlarge", -1 },	{ "p9.48xlarge", -1 }, { "g4dn", -1 },
		{ "p5.48xlarge.", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned gpus = 0;
		int got = gpu_count(cases[i].type, &gpus) ? (int)gpus : -1;

		if (got != cases[i].want)
			fail_msg("of %s: got %d", cases[i].type, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_minutes),
		cmocka_unit_test(test_lists_and_tags),
		cmocka_unit_test(test_gpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
