/* yaml_plain: scalars without quotes are what PyYAML takes them for (tests/aws/test_yaml.py
 * compares many more with it). */
#include "reaper/import/yaml_plain.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_words(void **state)
{
	static const struct {
		const char *when, *text;
		enum json_kind kind;
		bool flag;
	} cases[] = {
		{ "nothing is there", "", JSON_NULL, false },
		{ "it is a tilde", "~", JSON_NULL, false },
		{ "it is null", "null", JSON_NULL, false },
		{ "null has odd letters", "nULL", JSON_TEXT, false },
		{ "it is yes", "yes", JSON_BOOL, true },
		{ "it is ON", "ON", JSON_BOOL, true },
		{ "it is no", "no", JSON_BOOL, false },
		{ "it is Off", "Off", JSON_BOOL, false },
		{ "it is one letter", "y", JSON_TEXT, false },
		{ "it is a type of instance", "g4dn.xlarge", JSON_TEXT, false },
		{ "it is a date", "2026-11-30", JSON_TEXT, false },
		{ "an exponent has no dot", "1e3", JSON_TEXT, false },
		{ "an exponent has no sign", "1.5e3", JSON_TEXT, false },
		{ "an octal has an 8", "089", JSON_TEXT, false },
		{ "a _ stands first", "_1", JSON_TEXT, false },
		{ "a sign is alone", "-", JSON_TEXT, false },
		{ "a sign is before the dot", "+.5", JSON_TEXT, false },
		{ "a dot is alone", ".", JSON_TEXT, false },
		{ "a time has 60 seconds", "1:60", JSON_TEXT, false },
		{ "nan has a sign", "-.nan", JSON_TEXT, false },
		{ "0x has no digits", "0x", JSON_TEXT, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct yaml_plain plain = yaml_plain_read(cases[i].text);

		if (plain.kind != cases[i].kind || plain.flag != cases[i].flag)
			fail_msg("when %s: got %s, %d", cases[i].when, json_kind_name(plain.kind),
				 plain.flag);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *when, *text;
		double want;
	} cases[] = {
		{ "it is a number", "15", 15 },
		{ "it is nothing", "0", 0 },
		{ "it is negative", "-7", -7 },
		{ "it has a plus", "+7", 7 },
		{ "it has a _", "1_000", 1000 },
		{ "it is octal", "017", 15 },
		{ "it is hexadecimal", "0x1fF", 511 },
		{ "it is binary", "0b101", 5 },
		{ "it is a time", "1:30", 90 },
		{ "it is a longer time", "-1:00:01", -3601 },
		{ "it has a part", "0.5", 0.5 },
		{ "it ends with the dot", "2.", 2 },
		{ "it begins with the dot", ".25", 0.25 },
		{ "it has many digits", "3.14159265358979", 3.14159265358979 },
		{ "it has an exponent", "1.5e+3", 1500 },
		{ "it has a negative one", "25.0E-1", 2.5 },
		{ "a time has a part", "1:30.5", 90.5 },
		{ "it is infinite", "-.inf", -INFINITY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct yaml_plain plain = yaml_plain_read(cases[i].text);

		if (plain.kind != JSON_NUMBER || plain.number != cases[i].want)
			fail_msg("when %s: got %s, %.17g", cases[i].when,
				 json_kind_name(plain.kind), plain.number);
	}
	assert_true(isnan(yaml_plain_read(".NaN").number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
