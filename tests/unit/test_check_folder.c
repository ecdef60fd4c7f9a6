/* check_folder: what a pass could not write is told before a pass finds out. */
#include "reaper/settings/check_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"

static char folder[SCRATCH_ROOM];

static int make_folder(void **state)
{
	struct error err;

	(void)state;
	scratch_make(folder);
	return file_make_folder(scratch_path(folder, "there"), 0700, &err) < 0 ||
	       file_write(scratch_path(folder, "file"), slice_of("x"), 0600, &err) < 0;
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static const char *within(const char *name)
{
	return *name == '/' ? name : scratch_path(folder, name);
}

static void test_a_folder_is_tried(void **state)
{
	static const struct {
		const char *when, *path;
		bool is_there;
		const char *want; /* NULL: it will do */
	} cases[] = {
		{ "when it is there", "there", true, NULL },
		{ "when it is there, with a slash behind it", "there/", true, NULL },
		{ "when it can be made", "none", false, NULL },
		{ "when it can be made with its parents", "none/of/these", false, NULL },
		{ "when it is a file", "file", false, "file is no folder" },
		{ "when a file is in its way", "file/a/b", false, "file is no folder" },
		{ "when nothing can be made there, even by root", "/proc/nope", false,
		  "cannot make anything in /proc: " },
		{ "when it is there and takes nothing, even of root", "/proc", false,
		  "cannot make anything in /proc: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };
		bool is_there = false;
		int status = check_folder(within(cases[i].path), &is_there, &err);

		if ((status == 0) != !cases[i].want || is_there != cases[i].is_there)
			fail_msg("%s: %d, %s", cases[i].when, is_there, err.message);
		if (cases[i].want && !strstr(err.message, cases[i].want))
			fail_msg("%s: got \"%s\"", cases[i].when, err.message);
	}
}

static void test_nothing_is_left_behind(void **state)
{
	struct error err;
	bool is_there;

	(void)state;
	assert_int_equal(check_folder(scratch_path(folder, "there"), &is_there, &err), 0);
	assert_int_equal(rmdir(scratch_path(folder, "there")), 0);
}

static void test_a_file_is_tried(void **state)
{
	static const struct {
		const char *when, *folder, *name;
		bool is_fine;
	} cases[] = {
		{ "when it can be written", "", "file", true },
		{ "when there is none yet", "", "none", true },
		{ "when its folder is not there yet", "none", "lock", true },
		{ "when it is a folder", "", "there", false },
		{ "when its folder is none", "file", "lock", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };
		int status = check_folder_file(within(cases[i].folder), cases[i].name, &err);

		if ((status == 0) != cases[i].is_fine)
			fail_msg("%s: %s", cases[i].when, err.message);
	}
}

static void test_who_may_write_in_it(void **state)
{
	static const struct {
		mode_t mode;
		unsigned want;
	} cases[] = { { 0700, 0 },    { 0755, 0 },	{ 0720, 0720 },
		      { 0702, 0702 }, { 01777, 01777 }, { 0777, 0777 } };
	const char *path = scratch_path(folder, "there");

	(void)state;
	assert_int_equal(check_folder_open("/nowhere/at/all"), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(chmod(path, cases[i].mode), 0);
		assert_int_equal(check_folder_open(path), cases[i].want);
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_a_folder_is_tried),
		IN_FOLDER(test_nothing_is_left_behind),
		IN_FOLDER(test_a_file_is_tried),
		IN_FOLDER(test_who_may_write_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
