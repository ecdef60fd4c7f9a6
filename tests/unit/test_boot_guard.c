#include "bootstrap/boot_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/file.h"
#include "tests/unit/support/scratch.h"

static const struct {
	const char *when;
	int64_t launched_ms, max_life_s;
	const char *note;
} cases[] = {
	{ "it was launched with this boot", 0, 3600, "4200\n" },
	{ "it was launched later", 90500, 3600, "4290\n" },
	{ "it was launched in an earlier boot", -3600000, 3600, "600\n" },
	{ "its time was over before this boot", -7200000, 3600, "0\n" },
	{ "it may live for ever", 0, INT64_MAX, "3162240600\n" },
};

static void test_the_note_says_until_when(void **state)
{
	char folder[SCRATCH_ROOM];
	const char *path;

	(void)state;
	scratch_make(folder);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(64);
		struct error err;
		struct stat at;

		path = scratch_path(folder, "note");
		assert_int_equal(boot_guard_write(path,
						  boot_guard_until_ms(cases[i].launched_ms,
								      cases[i].max_life_s),
						  &err),
				 0);
		assert_int_equal(file_read(path, &text, &err), 0);
		if (strcmp(buf_text(&text), cases[i].note) != 0)
			fail_msg("when %s: %s", cases[i].when, buf_text(&text));
		assert_int_equal(stat(path, &at), 0);
		assert_int_equal(at.st_mode & 0777, 0644);
	}
	scratch_remove(folder);
}

static void test_a_note_that_cannot_be_written_is_an_error(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(boot_guard_write("/nowhere/note", 1000, &err), -1);
	assert_non_null(strstr(err.message, "the boot guard's note"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_note_says_until_when),
		cmocka_unit_test(test_a_note_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
