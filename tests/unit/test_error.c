#include "common/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fill(char *text, size_t len, char with)
{
	memset(text, with, len);
	text[len] = '\0';
}

static void test_set_fills_class_and_message(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(error_set(&err, ERROR_QUOTA, "%s: %d of %d", "cpu", 8, 8), -1);
	assert_int_equal(err.class, ERROR_QUOTA);
	assert_string_equal(err.message, "cpu: 8 of 8");
}

static void test_set_may_quote_the_old_message(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, ERROR_SYSTEM, "inner");
	error_set(&err, ERROR_REFUSED, "outer (%s)", err.message);
	assert_string_equal(err.message, "outer (inner)");
}

static void test_errno_appends_the_reason_and_keeps_errno(void **state)
{
	struct error err;

	(void)state;
	errno = ENOENT;
	assert_int_equal(error_errno(&err, "open %s", "here"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(err.class, ERROR_SYSTEM);
	assert_string_equal(err.message, "open here: No such file or directory");
}

static void test_wrap_puts_words_in_front_and_keeps_the_class(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, ERROR_DENIED, "401");
	assert_int_equal(error_wrap(&err, "queue %s", "cpu"), -1);
	assert_int_equal(error_wrap(&err, "observe"), -1);
	assert_int_equal(err.class, ERROR_DENIED);
	assert_string_equal(err.message, "observe: queue cpu: 401");
}

static void test_long_texts_are_cut_and_terminated(void **state)
{
	static const size_t lens[] = { 505, 506, 507, 508, 509, 510, 511, 512, 600, 2000 };
	const size_t room = sizeof(((struct error *)0)->message);
	char text[2001];

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct error err;
		size_t kept = lens[i] < room - 1 ? lens[i] : room - 1;

		fill(text, lens[i], 'a');
		error_set(&err, ERROR_SYSTEM, "%s", text);
		assert_int_equal(strlen(err.message), kept);

		error_set(&err, ERROR_SYSTEM, "bb");
		error_wrap(&err, "%s", text);
		kept = lens[i] + 4 < room - 1 ? lens[i] + 4 : room - 1;
		assert_true(strlen(err.message) <= kept);
		assert_memory_equal(err.message, text, 505);

		error_set(&err, ERROR_SYSTEM, "%s", text);
		error_wrap(&err, "context");
		assert_memory_equal(err.message, "context: aaa", 12);
		assert_true(strlen(err.message) < room);
	}
}

static void test_the_reason_outlives_a_long_path(void **state)
{
	char text[1001];
	struct error err;

	(void)state;
	fill(text, 1000, 'p');
	errno = EACCES;
	error_errno(&err, "open %s", text);
	assert_non_null(strstr(err.message, "ppp: Permission denied"));
}

static void test_each_class_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a < ERROR_CLASS_COUNT; a++) {
		const char *name = error_class_name((enum error_class)a);

		assert_non_null(name);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(name, error_class_name((enum error_class)b));
	}
	assert_string_equal(error_class_name(ERROR_NOT_FOUND), "not_found");
	assert_string_equal(error_class_name(ERROR_CLASS_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_fills_class_and_message),
		cmocka_unit_test(test_set_may_quote_the_old_message),
		cmocka_unit_test(test_errno_appends_the_reason_and_keeps_errno),
		cmocka_unit_test(test_wrap_puts_words_in_front_and_keeps_the_class),
		cmocka_unit_test(test_long_texts_are_cut_and_terminated),
		cmocka_unit_test(test_the_reason_outlives_a_long_path),
		cmocka_unit_test(test_each_class_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
