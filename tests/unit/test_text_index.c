#include "reaper/text_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_each_text_has_the_place_it_was_given_first(void **state)
{
	enum { MANY = 5000 };
	SCOPED(text_index) struct text_index index = { 0 };
	char(*texts)[12] = memory_array(MANY, sizeof(*texts));

	(void)state;
	text_index_open(&index, MANY);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "i-%zu", i);
		assert_int_equal(text_index_find(&index, texts[i]), TEXT_INDEX_NONE);
		assert_int_equal(text_index_add(&index, texts[i], i + 7), i + 7);
	}
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(text_index_find(&index, texts[i]), i + 7);
	assert_int_equal(text_index_add(&index, "i-4999", 1), 4999 + 7);
	assert_int_equal(text_index_find(&index, "i-5000"), TEXT_INDEX_NONE);
	assert_int_equal(text_index_find(&index, ""), TEXT_INDEX_NONE);
	free(texts);
}

static void test_an_index_of_nothing_finds_nothing(void **state)
{
	SCOPED(text_index) struct text_index index = { 0 };

	(void)state;
	assert_int_equal(text_index_find(&index, "x"), TEXT_INDEX_NONE);
	text_index_open(&index, 0);
	assert_int_equal(text_index_find(&index, "x"), TEXT_INDEX_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_text_has_the_place_it_was_given_first),
		cmocka_unit_test(test_an_index_of_nothing_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
