#include "common/worker_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SIXTEEN "abcdefghijklmnop"
#define LONGEST SIXTEEN SIXTEEN SIXTEEN SIXTEEN

static const struct {
	const char *when, *text;
	const char *fields[5]; /* fields[0] NULL: refused */
	const char *complaint;
} parse_cases[] = {
	{ "there are four fields",
	  "mayfly:cpu:n2-standard-4:i-0a1b",
	  { "mayfly", "cpu", "n2-standard-4", "i-0a1b", "" },
	  NULL },
	{ "it is a machine record",
	  "a:b:c:d:bootstrap",
	  { "a", "b", "c", "d", "bootstrap" },
	  NULL },
	{ "it is a seat", "a:b:c:d:3", { "a", "b", "c", "d", "3" }, NULL },
	{ "all marks are used", "A_z:0.9:-:_:.", { "A_z", "0.9", "-", "_", "." }, NULL },
	{ "all fields are as long as can be",
	  LONGEST ":" LONGEST ":" LONGEST ":" LONGEST ":" LONGEST,
	  { LONGEST, LONGEST, LONGEST, LONGEST, LONGEST },
	  NULL },

	{ "it is empty", "", { 0 }, "field 1 (prefix)" },
	{ "it is a worker of another kind", "vm:cpu:0", { 0 }, "fewer than 4 fields" },
	{ "there are six fields", "a:b:c:d:e:f", { 0 }, "more than 5 fields" },
	{ "a fifth is announced only", "a:b:c:d:", { 0 }, "field 5 (suffix)" },
	{ "a field is empty", "a::c:d", { 0 }, "field 2 (resource)" },
	{ "the first is empty", ":b:c:d", { 0 }, "field 1 (prefix)" },
	{ "the server would glob it", "a:b*:c:d", { 0 }, "field 2 (resource)" },
	{ "it has a blank", "a:b:c c:d", { 0 }, "field 3 (type)" },
	{ "it has a slash", "a:b:c:d/e", { 0 }, "field 4 (instance)" },
	{ "a line follows", "a:b:c:d\n", { 0 }, "field 4 (instance)" },
	{ "it is not ASCII", "a:b:c:\xc3\xa9", { 0 }, "field 4 (instance)" },
	{ "a field is one too long", "a:b:c:" LONGEST "x", { 0 }, "field 4 (instance)" },
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parse_cases); i++) {
		struct worker_id id = { .prefix = { "before", 6 } };
		struct error err = { 0 };
		int got = worker_id_parse(slice_of(parse_cases[i].text), &id, &err);
		const struct slice fields[] = { id.prefix, id.resource, id.type, id.instance,
						id.suffix };
		const bool is_wanted = parse_cases[i].fields[0] != NULL;

		if ((got == 0) != is_wanted)
			fail_msg("when %s: %s", parse_cases[i].when, err.message);
		for (size_t j = 0; j < ARRAY_LEN(fields) && is_wanted; j++)
			if (!slice_equals(fields[j], parse_cases[i].fields[j]))
				fail_msg("when %s: field %zu", parse_cases[i].when, j);
		if (is_wanted)
			continue;
		assert_int_equal(err.class, ERROR_MALFORMED);
		assert_true(slice_equals(id.prefix, "before"));
		if (!strstr(err.message, parse_cases[i].complaint))
			fail_msg("when %s: %s", parse_cases[i].when, err.message);
	}
}

static void test_a_nul_inside_is_refused(void **state)
{
	struct worker_id id;
	struct error err;

	(void)state;
	assert_int_equal(worker_id_parse((struct slice){ "a:b:c:d\0e", 9 }, &id, &err), -1);
	assert_int_equal(worker_id_parse((struct slice){ NULL, 0 }, &id, &err), -1);
}

static void test_format_is_parse_backwards(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parse_cases); i++) {
		const char *const *fields = parse_cases[i].fields;
		const struct worker_id id = { slice_of(fields[0]), slice_of(fields[1]),
					      slice_of(fields[2]), slice_of(fields[3]),
					      slice_of(fields[4]) };
		char text[WORKER_ID_ROOM] = "before";
		struct error err = { 0 };
		int got = worker_id_format(&id, text, &err);

		if ((got == 0) != (fields[0] != NULL))
			fail_msg("when %s: %s", parse_cases[i].when, err.message);
		if (strcmp(text, fields[0] ? parse_cases[i].text : "before") != 0)
			fail_msg("when %s: %s", parse_cases[i].when, text);
	}
}

static void test_format_refuses_what_parse_would(void **state)
{
	static const char *const bad[] = { "", "a:b", "a*", "a b", LONGEST "x" };
	char text[WORKER_ID_ROOM];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		for (size_t field = 0; field < 5; field++) {
			const struct slice good = slice_of("good");
			struct worker_id id = { good, good, good, good, good };
			struct slice *fields[] = { &id.prefix, &id.resource, &id.type, &id.instance,
						   &id.suffix };
			struct error err = { 0 };
			bool is_left_out = field == 4 && !*bad[i];

			*fields[field] = slice_of(bad[i]);
			assert_int_equal(worker_id_format(&id, text, &err), is_left_out ? 0 : -1);
			assert_int_equal(err.class, is_left_out ? ERROR_NONE : ERROR_MALFORMED);
		}
}

static void test_each_byte_is_in_the_set_or_not(void **state)
{
	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		char text = (char)byte;
		bool want = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
			    (byte >= '0' && byte <= '9') || byte == '_' || byte == '.' ||
			    byte == '-';

		assert_int_equal(worker_id_is_field((struct slice){ &text, 1 }), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_a_nul_inside_is_refused),
		cmocka_unit_test(test_format_is_parse_backwards),
		cmocka_unit_test(test_format_refuses_what_parse_would),
		cmocka_unit_test(test_each_byte_is_in_the_set_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
