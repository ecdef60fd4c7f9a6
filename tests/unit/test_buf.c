#include "common/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *when;
	size_t limit;
	const char *adds[3];
	const char *want; /* what is in it */
	bool fits;
} add_cases[] = {
	{ "nothing is added", 8, { "", "", "" }, "", true },
	{ "it fits to the byte", 6, { "abc", "def", "" }, "abcdef", true },
	{ "one byte is too much", 5, { "abc", "def", "" }, "abc", false },
	{ "a short one follows a long one", 5, { "abc", "def", "g" }, "abc", false },
	{ "nothing is allowed", 0, { "a", "", "" }, "", false },
	{ "the limit is no limit", SIZE_MAX, { "a", "bb", "ccc" }, "abbccc", true },
};

static void test_add(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(add_cases); i++) {
		SCOPED(buf) struct buf plain = BUF(add_cases[i].limit);
		SCOPED(buf) struct buf printed = BUF(add_cases[i].limit);
		struct error err;

		for (size_t j = 0; j < 3; j++) {
			buf_add(&plain, slice_of(add_cases[i].adds[j]));
			buf_addf(&printed, "%s", add_cases[i].adds[j]);
		}
		if (strcmp(buf_text(&plain), add_cases[i].want) != 0 ||
		    !slice_equals(buf_slice(&printed), add_cases[i].want))
			fail_msg("when %s: got \"%s\" and \"%s\"", add_cases[i].when,
				 buf_text(&plain), buf_text(&printed));
		if ((buf_finish(&plain, &err) == 0) != add_cases[i].fits ||
		    (buf_finish(&printed, &err) == 0) != add_cases[i].fits)
			fail_msg("when %s: wrong verdict", add_cases[i].when);
	}
}

static void test_overflow_is_malformed_and_names_the_limit(void **state)
{
	SCOPED(buf) struct buf buf = BUF(5);
	struct error err;

	(void)state;
	buf_addf(&buf, "%d", 123456);
	assert_int_equal(buf_finish(&buf, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_string_equal(err.message, "more than 5 bytes");
	buf_clear(&buf);
	buf_addf(&buf, "%d", 12345);
	assert_int_equal(buf_finish(&buf, &err), 0);
	assert_string_equal(buf_text(&buf), "12345");
}

static void test_growing_keeps_all_bytes(void **state)
{
	SCOPED(buf) struct buf buf = BUF(100000);

	(void)state;
	for (unsigned i = 0; i < 20000; i++)
		buf_addf(&buf, "%05u", i);
	assert_int_equal(buf.len, 100000);
	for (unsigned i = 0; i < 20000; i++) {
		char want[16];

		snprintf(want, sizeof(want), "%05u", i);
		assert_memory_equal(buf.bytes + (size_t)5 * i, want, 5);
	}
}

static void test_released_is_empty_with_the_same_limit(void **state)
{
	struct buf buf = BUF(9);

	(void)state;
	buf_addf(&buf, "content");
	buf_release(&buf);
	assert_null(buf.bytes);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf.limit, 9);
	assert_string_equal(buf_text(&buf), "");
	buf_release(&buf);
}

static void test_cleared_bytes_are_overwritten(void **state)
{
	static const char zeros[6];
	SCOPED(buf) struct buf buf = BUF(9);

	(void)state;
	buf_addf(&buf, "secret");
	buf_clear(&buf);
	assert_memory_equal(buf.bytes, zeros, 6);
}

static void test_slices(void **state)
{
	static const struct {
		const char *when;
		struct slice slice;
		const char *text;
		bool want;
	} cases[] = {
		{ "both are empty", { "", 0 }, "", true },
		{ "it points nowhere", { NULL, 0 }, "", true },
		{ "they are the same", { "abc", 3 }, "abc", true },
		{ "it is a start", { "abc", 2 }, "abc", false },
		{ "it goes on", { "abcd", 4 }, "abc", false },
		{ "a NUL is inside", { "ab\0", 3 }, "ab", false },
		{ "one letter differs", { "abd", 3 }, "abc", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (slice_equals(cases[i].slice, cases[i].text) != cases[i].want)
			fail_msg("when %s", cases[i].when);
	assert_int_equal(slice_of(NULL).len, 0);
	assert_int_equal(slice_of("four").len, 4);
}

static void test_text_copy(void **state)
{
	static const struct {
		const char *when;
		struct slice text;
		size_t room;
		const char *want; /* NULL: refused */
	} cases[] = {
		{ "it is empty", { "", 0 }, 4, "" },
		{ "it points nowhere", { NULL, 0 }, 4, "" },
		{ "it fits with its NUL", { "abc", 3 }, 4, "abc" },
		{ "the NUL has no room", { "abcd", 4 }, 4, NULL },
		{ "there is no room at all", { "", 0 }, 0, NULL },
		{ "a NUL would cut it", { "a\0b", 3 }, 8, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char field[8] = "before";
		struct error err = { 0 };
		int got = text_copy(field, cases[i].room, cases[i].text, &err);

		if ((got == 0) != (cases[i].want != NULL) ||
		    strcmp(field, cases[i].want ? cases[i].want : "before") != 0)
			fail_msg("when %s: %d, \"%s\"", cases[i].when, got, field);
		if (got < 0)
			assert_int_equal(err.class, ERROR_MALFORMED);
	}
}

static void test_text_cut(void **state)
{
	static const struct {
		const char *when, *text;
		size_t room;
		const char *want;
	} cases[] = {
		{ "it fits", "abc", 4, "abc" },
		{ "it does not", "abcd", 4, "abc" },
		{ "there is room for nothing", "abcd", 1, "" },
		{ "a character would be split", "ab\xc3\xa9", 4, "ab" },
		{ "a character just fits", "a\xc3\xa9", 4, "a\xc3\xa9" },
		{ "a long character would be split", "\xf0\x9f\x90\x9c", 4, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char field[8];

		text_cut(field, cases[i].room, cases[i].text);
		if (strcmp(field, cases[i].want) != 0)
			fail_msg("when %s: \"%s\"", cases[i].when, field);
	}
}

static void test_text_character(void **state)
{
	static const struct {
		const char *when;
		struct slice text;
		size_t len;
		uint32_t code_point;
	} cases[] = {
		{ "nothing is there", { "", 0 }, 0, 0 },
		{ "it is ASCII", { "a\xff", 2 }, 1, 'a' },
		{ "it is NUL", { "\0", 1 }, 1, 0 },
		{ "it has two bytes", { "\xc3\xa9", 2 }, 2, 0xe9 },
		{ "it has three", { "\xe2\x82\xac", 3 }, 3, 0x20ac },
		{ "it has four", { "\xf0\x9f\x90\x9c", 4 }, 4, 0x1f41c },
		{ "it is the last of all", { "\xf4\x8f\xbf\xbf", 4 }, 4, 0x10ffff },
		{ "it is past the last", { "\xf4\x90\x80\x80", 4 }, 0, 0 },
		{ "it is cut off", { "\xe2\x82", 2 }, 0, 0 },
		{ "its second byte is another's first", { "\xc3\x41", 2 }, 0, 0 },
		{ "it begins in the middle", { "\x82\xac", 2 }, 0, 0 },
		{ "a slash is written long", { "\xc0\xaf", 2 }, 0, 0 },
		{ "it is long in three", { "\xe0\x9f\xbf", 3 }, 0, 0 },
		{ "it is long in four", { "\xf0\x8f\xbf\xbf", 4 }, 0, 0 },
		{ "it is half a surrogate pair", { "\xed\xa0\x80", 3 }, 0, 0 },
		{ "it is just below these", { "\xed\x9f\xbf", 3 }, 3, 0xd7ff },
		{ "no character begins so", { "\xff", 1 }, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t code_point = 0;
		size_t len = text_character(cases[i].text, &code_point);

		if (len != cases[i].len || code_point != cases[i].code_point)
			fail_msg("when %s: %zu bytes, U+%04x", cases[i].when, len, code_point);
	}
}

static void test_text_nearest(void **state)
{
	static const char *const words[] = { "run",    "plan",	  "watch",
					     "status", "version", "max_instances" };
	static const char letters[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const struct {
		const char *when, *word, *want;
	} cases[] = {
		{ "it is the word", "plan", "plan" },
		{ "a letter is missing", "max_instnces", "max_instances" },
		{ "a letter is too much", "sttatus", "status" },
		{ "a letter is wrong", "verzion", "version" },
		{ "two letters are swapped", "wacth", "watch" },
		{ "the short one is swapped", "rnu", "run" },
		{ "one is missing and one is wrong", "satuz", "status" },
		{ "one is missing and two are wrong", "zatuz", NULL },
		{ "only the case differs", "STATUS", "status" },
		{ "too much differs", "list", NULL },
		{ "it is empty", "", NULL },
		{ "it is far too long", letters, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = text_nearest(cases[i].word, words, ARRAY_LEN(words));

		if (got != cases[i].want &&
		    (!got || !cases[i].want || strcmp(got, cases[i].want) != 0))
			fail_msg("when %s: %s", cases[i].when, got ? got : "none");
	}
	assert_null(text_nearest("run", NULL, 0));
}

static void test_memory(void **state)
{
	char *text = memory_text((struct slice){ "abcdef", 3 });
	int *numbers = memory_array(4, sizeof(int));

	(void)state;
	assert_string_equal(text, "abc");
	for (int i = 0; i < 4; i++)
		assert_int_equal(numbers[i], 0);
	numbers[3] = 7;
	numbers = memory_grow(numbers, 4000, sizeof(int));
	assert_int_equal(numbers[3], 7);
	free(numbers);
	free(text);
	free(memory_array(0, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_overflow_is_malformed_and_names_the_limit),
		cmocka_unit_test(test_growing_keeps_all_bytes),
		cmocka_unit_test(test_released_is_empty_with_the_same_limit),
		cmocka_unit_test(test_cleared_bytes_are_overwritten),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_text_copy),
		cmocka_unit_test(test_text_cut),
		cmocka_unit_test(test_text_character),
		cmocka_unit_test(test_text_nearest),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
