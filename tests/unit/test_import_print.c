/* import_print: JSON with comments, each before what it is about. */
#include "reaper/import/import_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_notes_stand_before_what_they_are_about(void **state)
{
	SCOPED(import_notes) struct import_notes notes = { 0 };
	SCOPED(buf) struct buf out = BUF(4096);
	struct json_document config = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(json_parse(slice_of("{\"a\": 1, \"o d\": {\"file\": \"f\"}, "
					     "\"deep\": {\"x\": {\"y\": [1, \"b\"]}}, "
					     "\"list\": [{\"n\": \"a\"}, {\"n\": \"b\"}], "
					     "\"none\": {}, \"empty\": []}"),
				    &config, &err),
			 0);
	import_note(&notes, IMPORT_HINT, "list[1].n", "of the second");
	import_note(&notes, IMPORT_WARNING, "", "of the %s", "whole");
	import_note(&notes, IMPORT_WARNING, "", "of the %s", "whole");
	import_note(&notes, IMPORT_HINT, "gone", "of nothing\nmore");
	import_note(&notes, IMPORT_HINT, "deep.x", "of x");
	import_print(config.root, "the head", &notes, &out);
	assert_string_equal(buf_text(&out), "// the head\n"
					    "// of the whole\n"
					    "// of nothing?more\n"
					    "{\n"
					    "  \"a\": 1,\n"
					    "  \"o d\": { \"file\": \"f\" },\n"
					    "  \"deep\": {\n"
					    "    // of x\n"
					    "    \"x\": {\n"
					    "      \"y\": [1, \"b\"]\n"
					    "    }\n"
					    "  },\n"
					    "  \"list\": [\n"
					    "    { \"n\": \"a\" },\n"
					    "    {\n"
					    "      // of the second\n"
					    "      \"n\": \"b\"\n"
					    "    }\n"
					    "  ],\n"
					    "  \"none\": {},\n"
					    "  \"empty\": []\n"
					    "}\n");
	json_document_wipe(&config);
}

static void test_a_long_note_is_broken_between_words(void **state)
{
	SCOPED(import_notes) struct import_notes notes = { 0 };
	SCOPED(buf) struct buf out = BUF(4096);
	struct json_document config;
	const char *at;

	(void)state;
	json_new_object(&config);
	import_note(&notes, IMPORT_HINT, "", "%0120d %060d %060d %030d", 1, 2, 3, 4);
	import_print(config.root, "h", &notes, &out);
	at = buf_text(&out);
	for (unsigned i = 0; i < 4; i++, at = strchr(at, '\n') + 1)
		assert_int_equal(strncmp(at, "// ", 3), 0);
	assert_string_equal(at, "{}\n");
	json_document_wipe(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes_stand_before_what_they_are_about),
		cmocka_unit_test(test_a_long_note_is_broken_between_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
