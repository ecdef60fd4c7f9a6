/* import_key: names are found however they are spelt, and docs/migrating.md has the same table. */
#include "reaper/import/import_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/file.h"

static void test_labels_are_found_however_they_are_spelt(void **state)
{
	static const struct {
		const char *when, *panel, *name;
		enum import_section section;
		enum import_key want;
	} cases[] = {
		{ "it is the label", "", "Max Idle Time", IMPORT_HYPER_PARAMS, IMPORT_IDLE_TIME },
		{ "a unit is behind", "", "Max Idle Time (Minutes)", IMPORT_HYPER_PARAMS,
		  IMPORT_IDLE_TIME },
		{ "it is in snake case", "", "max_idle_time", IMPORT_HYPER_PARAMS,
		  IMPORT_IDLE_TIME },
		{ "it is the script's", "", "maxIdleTimeMin", IMPORT_HYPER_PARAMS,
		  IMPORT_IDLE_TIME },
		{ "a name is the app's", "", "Name", IMPORT_HYPER_PARAMS, IMPORT_APP_NAME },
		{ "a name is in a panel", "IAM Instance Profile", "Name", IMPORT_HYPER_PARAMS,
		  IMPORT_PROFILE_NAME },
		{ "a name is a resource's", "", "name", IMPORT_RESOURCE, IMPORT_NAME },
		{ "a resource's is elsewhere", "", "AMI ID", IMPORT_HYPER_PARAMS,
		  IMPORT_KEY_COUNT },
		{ "it has no letters", "", "(x)", IMPORT_RESOURCE, IMPORT_KEY_COUNT },
		{ "nobody knows it", "", "Wat", IMPORT_RESOURCE, IMPORT_KEY_COUNT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum import_key got =
			import_key_of_app(cases[i].section, cases[i].panel, cases[i].name);

		if (got != cases[i].want)
			fail_msg("when %s: got %d", cases[i].when, (int)got);
	}
}

/* No spelling is two fields', or one of them would be lost. */
static void test_each_spelling_is_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < IMPORT_KEY_COUNT; i++) {
		const struct import_words *words = &import_words[i];

		assert_true(words->script || words->labels[0]);
		assert_true(!words->ours == (words->why != NULL));
		if (words->script)
			assert_int_equal(import_key_of_script(words->section, words->script), i);
		for (size_t n = 0; n < IMPORT_LABELS && words->labels[n]; n++)
			assert_int_equal(import_key_of_app(words->section, "", words->labels[n]),
					 i);
	}
	assert_int_equal(import_key_of_script(IMPORT_RESOURCE, "Ami_Id"), IMPORT_KEY_COUNT);
}

static void add_cell(struct buf *out, const char *text, bool is_code)
{
	if (!text)
		buf_addf(out, " none |");
	else if (is_code)
		buf_addf(out, " `%s` |", text);
	else
		buf_addf(out, " %s |", text);
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
		count++;
	return count;
}

static void test_the_page_has_each_row_and_no_other(void **state)
{
	SCOPED(buf) struct buf page = BUF(1 << 18);
	struct error err;

	(void)state;
	assert_int_equal(file_read("docs/migrating.md", &page, &err), 0);
	for (size_t i = 0; i < IMPORT_KEY_COUNT; i++) {
		const struct import_words *words = &import_words[i];
		SCOPED(buf) struct buf row = BUF(1024);

		buf_addf(&row, "\n|");
		add_cell(&row, words->script, true);
		add_cell(&row, words->labels[0], false);
		add_cell(&row, words->ours, true);
		if (count_of(buf_text(&page), buf_text(&row)) != 1)
			fail_msg("docs/migrating.md must have this row once:%s", buf_text(&row));
	}
	/* Beside the rows each table has a heading and a line below it. */
	assert_int_equal(count_of(buf_text(&page), "\n|"),
			 IMPORT_KEY_COUNT + 2 * count_of(buf_text(&page), "\n| --- "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels_are_found_however_they_are_spelt),
		cmocka_unit_test(test_each_spelling_is_its_own),
		cmocka_unit_test(test_the_page_has_each_row_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
