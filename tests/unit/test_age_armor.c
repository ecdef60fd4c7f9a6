#include "common/age_armor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN_LINE "-----BEGIN AGE ENCRYPTED FILE-----"
#define END_LINE "-----END AGE ENCRYPTED FILE-----"
#define LINE "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB" /* 48 times A */
#define AS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct {
	const char *when, *text;
	const char *bytes; /* NULL: refused, and words of why: */
	const char *words;
} cases[] = {
	{ "there is one short line", BEGIN_LINE "\nQUI=\n" END_LINE "\n", "AB", NULL },
	{ "there is one full line", BEGIN_LINE "\n" LINE "\n" END_LINE "\n", AS, NULL },
	{ "a short line ends it", BEGIN_LINE "\n" LINE "\nQUJD\n" END_LINE "\n", AS "ABC", NULL },
	{ "lines end with CRLF", BEGIN_LINE "\r\nQUI=\r\n" END_LINE "\r\n", "AB", NULL },
	{ "the last line has no end", BEGIN_LINE "\nQUI=\n" END_LINE, "AB", NULL },
	{ "there are no bytes", BEGIN_LINE "\n" END_LINE "\n", "", NULL },
	{ "blank lines are around it", "\n \t\r\n" BEGIN_LINE "\nQUI=\n" END_LINE "\n\n \r\n\t",
	  "AB", NULL },
	{ "there is nothing", "", NULL, "first line" },
	{ "there is the first line alone", BEGIN_LINE "\n", NULL, "lacks its line" },
	{ "the END line is missing", BEGIN_LINE "\nQUI=\n", NULL, "lacks its line" },
	{ "the END line is cut", BEGIN_LINE "\nQUI=\n-----END AGE", NULL, "line 3 of" },
	{ "a CR alone is at the end", BEGIN_LINE "\nQUI=\n" END_LINE "\r", NULL, "line 3 of" },
	{ "a line ends with CR CR LF", BEGIN_LINE "\nQUI=\r\r\n" END_LINE, NULL, "line 2 of" },
	{ "it is another kind", "-----BEGIN AGE SOMETHING-----\nQUI=\n" END_LINE, NULL,
	  "first line" },
	{ "a blank is before it", " " BEGIN_LINE "\nQUI=\n" END_LINE, NULL, "first line" },
	{ "a blank is after the first line", BEGIN_LINE " \nQUI=\n" END_LINE, NULL, "first line" },
	{ "a blank is after the last line", BEGIN_LINE "\nQUI=\n" END_LINE " ", NULL, "line 3 of" },
	{ "a blank is after the letters", BEGIN_LINE "\nQUI= \n" END_LINE, NULL, "line 2 of" },
	{ "a text is after it", BEGIN_LINE "\nQUI=\n" END_LINE "\nmore\n", NULL, "after it" },
	{ "a second one is after it",
	  BEGIN_LINE "\nQUI=\n" END_LINE "\n" BEGIN_LINE "\nQUI=\n" END_LINE "\n", NULL,
	  "after it" },
	{ "it has headers", BEGIN_LINE "\nKey: value\n\nQUI=\n" END_LINE, NULL, "line 2 of" },
	{ "an empty line is inside", BEGIN_LINE "\n" LINE "\n\n" END_LINE, NULL, "line 3 of" },
	{ "a short line is not the last", BEGIN_LINE "\nQUJD\nQUI=\n" END_LINE, NULL, "line 3 of" },
	{ "a padded line is not the last",
	  BEGIN_LINE
	  "\nQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\nQUI=\n" END_LINE,
	  NULL, "line 3 of" },
	{ "a line is longer", BEGIN_LINE "\n" LINE "QUI=\n" END_LINE, NULL, "68 characters" },
	{ "padding is missing", BEGIN_LINE "\nQUI\n" END_LINE, NULL, "line 2 of" },
	{ "bits are over", BEGIN_LINE "\nQUJ=\n" END_LINE, NULL, "line 2 of" },
};

static void armor_is_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf bytes = BUF(256);
		struct error err = { 0 };

		buf_addf(&bytes, "<");
		int result = age_armor_read(slice_of(cases[i].text), &bytes, &err);

		if (cases[i].bytes) {
			if (result != 0 || strcmp(buf_text(&bytes) + 1, cases[i].bytes) != 0)
				fail_msg("when %s: %s", cases[i].when, err.message);
		} else if (result == 0 || err.class != ERROR_MALFORMED || bytes.len != 1 ||
			   !strstr(err.message, cases[i].words)) {
			fail_msg("when %s: %s", cases[i].when, err.message);
		}
	}
}

static void it_is_told_from_bytes(void **state)
{
	static const struct {
		const char *when, *text;
		bool is_begun;
	} table[] = {
		{ "it is armor", BEGIN_LINE "\n", true },
		{ "blank lines are before it", "\r\n\t\n" BEGIN_LINE "\n", true },
		{ "blanks are before it on its line", "  " BEGIN_LINE, true },
		{ "it is another kind of armor", "-----BEGIN PGP MESSAGE-----", true },
		{ "it is a file in bytes", "age-encryption.org/v1\n", false },
		{ "it is cut", "-----BEGI", false },
		{ "it is blank", " \n", false },
		{ "there is nothing", "", false },
		{ "a text is before it", "x\n" BEGIN_LINE, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (age_armor_is_begun(slice_of(table[i].text)) != table[i].is_begun)
			fail_msg("when %s", table[i].when);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	for (size_t len = 0; len < 200; len++) {
		SCOPED(buf) struct buf text = BUF(1024), back = BUF(256);
		char bytes[200];
		struct error err;

		for (size_t i = 0; i < len; i++)
			bytes[i] = (char)(i * 37 + len);
		age_armor_write((struct slice){ bytes, len }, &text);
		assert_int_equal(age_armor_read(buf_slice(&text), &back, &err), 0);
		assert_int_equal(back.len, len);
		assert_memory_equal(buf_text(&back), bytes, len);
	}
}

static void a_limit_is_kept(void **state)
{
	SCOPED(buf) struct buf bytes = BUF(47);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(age_armor_read(slice_of(BEGIN_LINE "\n" LINE "\n" END_LINE), &bytes, &err),
			 -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_int_equal(bytes.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(armor_is_strict),
		cmocka_unit_test(it_is_told_from_bytes),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_limit_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
