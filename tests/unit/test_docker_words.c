#include "bootstrap/docker_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The words are what python's shlex.split(text.strip()) gives. */
static void test_split(void **state)
{
	static const struct {
		const char *when, *text, *words;
	} cases[] = {
		{ "there is nothing", "", "" },
		{ "there are blanks", " \t\r\n ", "" },
		{ "words stand apart", "-e A=1  --init\t-m\r\n4g", "[-e][A=1][--init][-m][4g]" },
		{ "quotes hold a blank", "-e 'A=x y' \"B=x y\"", "[-e][A=x y][B=x y]" },
		{ "quotes are inside a word", "A='x y'z\"w v\"", "[A=x yzw v]" },
		{ "quotes hold nothing", "a '' b \"\"", "[a][][b][]" },
		{ "a blank is escaped", "a\\ b c", "[a b][c]" },
		{ "double quotes escape two things", "\"a\\\"b\\\\c\\d\"", "[a\"b\\c\\d]" },
		{ "single quotes escape nothing", "'a\\b'", "[a\\b]" },
		{ "a line end is escaped", "a\\\nb", "[a\nb]" },
		{ "a line end is escaped in quotes", "\"a\\\nb\"", "[a\\\nb]" },
		{ "other blanks are around", "\u00a0-e\u3000", "[-e]" },
		{ "other blanks are inside", "a\u00a0b\vc", "[a\u00a0b\vc]" },
		{ "it looks like shell", "$X `y` a;b|c # d", "[$X][`y`][a;b|c][#][d]" },
		{ "an option is escaped", "\\-e", "[-e]" },
		{ "an option is quoted", "\" --privileged\"", "[ --privileged]" },
		{ "quotes stand alone at the end", "a''", "[a]" },
		{ "it is not ASCII", "\u00e9\\\u00fc", "[\u00e9\u00fc]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker_words words = { 0 };
		SCOPED(buf) struct buf joined = BUF(1024);
		struct error err = { 0 };

		if (docker_words_split(slice_of(cases[i].text), &words, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		for (size_t j = 0; j < words.count; j++)
			buf_addf(&joined, "[%s]", words.list[j]);
		if (strcmp(buf_text(&joined), cases[i].words) != 0)
			fail_msg("when %s: %s", cases[i].when, buf_text(&joined));
		docker_words_release(&words);
	}
}

static void test_split_refuses(void **state)
{
	static const struct {
		const char *when, *text, *message;
		size_t len; /* 0: of the text */
	} cases[] = {
		{ "a quote is open", "-e 'A=1", "a quote (') is not closed", 0 },
		{ "a double quote is open", "-e \"A='1'", "a quote (\") is not closed", 0 },
		{ "a closing quote is escaped", "\"a\\\"", "a quote (\") is not closed", 0 },
		{ "a backslash is last", "-e A=1\\", "a backslash ends the text", 0 },
		{ "a blank is escaped at the end, where it is cut off", "-e A=1\\ ",
		  "a backslash ends the text", 0 },
		{ "a NUL is in it", "a\0b", "a NUL", 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker_words words = { .count = 7 };
		size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);
		struct error err = { 0 };

		int result = docker_words_split((struct slice){ cases[i].text, len }, &words, &err);
		if (result == 0 || err.class != ERROR_REFUSED ||
		    !strstr(err.message, cases[i].message) || words.count != 7)
			fail_msg("when %s: %d, %s", cases[i].when, result, err.message);
	}
}

static void test_split_many(void **state)
{
	SCOPED(buf) struct buf text = BUF(8192);
	struct docker_words words = { 0 };
	struct error err = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_addf(&text, "w ");
	assert_int_equal(docker_words_split(buf_slice(&text), &words, &err), 0);
	assert_int_equal(words.count, 1000);
	docker_words_release(&words);
	buf_addf(&text, "w");
	assert_int_equal(docker_words_split(buf_slice(&text), &words, &err), -1);
	assert_non_null(strstr(err.message, "more than 1000"));
}

static void test_fault(void **state)
{
	static const struct {
		const char *when, *word, *fault; /* fault NULL: none */
	} cases[] = {
		{ "it is a word", "--env", NULL },
		{ "it has a blank inside", "A=x y", NULL },
		{ "it has a line end inside", "A=x\n--privileged", NULL },
		{ "it is empty", "", "is empty" },
		{ "it is a blank", " ", "blank" },
		{ "a blank is before an option", " --privileged", "blank" },
		{ "a line end is before an option", "\n--privileged", "blank" },
		{ "a blank is behind", "A= ", "blank" },
		{ "a no-break space is before", "\u00a0--privileged", "blank" },
		{ "an ideographic space is before", "\u3000--privileged", "blank" },
		{ "a next-line mark is behind", "A=\xc2\x85", "blank" },
		{ "a separator of files is before", "\x1c--privileged", "blank" },
		{ "a zero-width space is before, which python keeps", "\u200b-v", NULL },
		{ "it is no UTF-8", "A=\xff", "UTF-8" },
		{ "a template is all of it", "${CLEARML_TASK.name}", "template" },
		{ "a template without braces is all of it", "$CLEARML_TASK", "template" },
		{ "a template is the option's name", "--${CLEARML_X:env}=a", "template" },
		{ "a template is escaped for the second reading", "$${CLEARML_X}", "template" },
		{ "a template is the value", "A=${CLEARML_TASK.id}", NULL },
		{ "it has a dollar", "$HOME", NULL },
		{ "it has the word and no dollar", "CLEARML_X", NULL },
		{ "a template is in an attached value", "--env=${CLEARML_X}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *fault = docker_word_fault(cases[i].word);

		if (!fault != !cases[i].fault || (fault && !strstr(fault, cases[i].fault)))
			fail_msg("when %s: %s", cases[i].when, fault ? fault : "no fault");
	}
}

/* Each character that python's strip() cuts off, and those beside them that it does not. */
static void test_blanks(void **state)
{
	static const char *const blanks[] = {
		"\t",	  "\n",	    "\v",	"\f",	  "\r",	    "\x1c",   "\x1d",	"\x1e",
		"\x1f",	  " ",	    "\xc2\x85", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
		"\u2003", "\u2004", "\u2005",	"\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
		"\u2028", "\u2029", "\u202f",	"\u205f", "\u3000",
	};
	static const char *const others[] = {
		"\b",	  "\x0e",   "\x1b",   "!",	"\xc2\x84", "\xc2\x86", "\u00a1",
		"\u167f", "\u1681", "\u1fff", "\u200b", "\u2027",   "\u202a",	"\u202e",
		"\u2030", "\u205e", "\u2060", "\u2fff", "\u3001",   "\ufeff",
	};
	char word[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blanks); i++) {
		snprintf(word, sizeof(word), "%sx", blanks[i]);
		if (!docker_word_fault(word) || !docker_word_fault(blanks[i]))
			fail_msg("blank %zu is none", i);
		snprintf(word, sizeof(word), "x%s", blanks[i]);
		if (!docker_word_fault(word))
			fail_msg("blank %zu is none", i);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		snprintf(word, sizeof(word), "%sx", others[i]);
		if (docker_word_fault(word))
			fail_msg("character %zu is a blank", i);
	}
}

/* The text ends inside a character, and what lies behind it in memory would end it as a blank. */
static void test_split_within_bounds(void **state)
{
	struct docker_words words = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(docker_words_split((struct slice){ "a\xc2\xa0", 2 }, &words, &err), 0);
	assert_int_equal(words.count, 1);
	assert_string_equal(words.list[0], "a\xc2");
	docker_words_release(&words);
	assert_int_equal(docker_words_split((struct slice){ NULL, 0 }, &words, &err), 0);
	assert_int_equal(words.count, 0);
	docker_words_release(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),	   cmocka_unit_test(test_split_refuses),
		cmocka_unit_test(test_split_many), cmocka_unit_test(test_fault),
		cmocka_unit_test(test_blanks),	   cmocka_unit_test(test_split_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
