#include "bootstrap/agent_home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"

/* A seat's home, a room's folder for files, and a folder that is nobody's business. */
struct bench {
	char folder[SCRATCH_ROOM];
	char home[SCRATCH_ROOM + 16], files[SCRATCH_ROOM + 16], precious[SCRATCH_ROOM + 16];
	struct bundle_file file;
	struct bundle bundle;
};

static void make_folder(char *out, size_t room, const struct bench *bench, const char *name)
{
	struct error err = { 0 };

	(void)snprintf(out, room, "%s/%s", bench->folder, name);
	assert_int_equal(file_make_folder(out, 0700, &err), 0);
}

static void bench_begin(struct bench *bench, const char *path)
{
	*bench = (struct bench){ 0 };
	scratch_make(bench->folder);
	make_folder(bench->home, sizeof(bench->home), bench, "home");
	make_folder(bench->files, sizeof(bench->files), bench, "files");
	make_folder(bench->precious, sizeof(bench->precious), bench, "precious");
	text_cut(bench->file.name, sizeof(bench->file.name), "pem");
	text_cut(bench->file.path, sizeof(bench->file.path), path);
}

static int link_all(struct bench *bench, uid_t owner, struct error *err)
{
	bench->bundle.files = &bench->file;
	bench->bundle.file_count = 1;
	return agent_home_link(bench->home, bench->files, &bench->bundle, owner, owner, err);
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static bool is_link_to(const char *path, const char *target)
{
	char found[256] = "";

	return readlink(path, found, sizeof(found) - 1) > 0 && !strcmp(found, target);
}

static void a_file_lies_below_the_home(void **state)
{
	static const struct {
		const char *when, *path;
		bool is_fine;
	} cases[] = {
		{ "it lies in it", "~/key.pem", true },
		{ "it lies deeper", "~/.config/tool/key.pem", true },
		{ "a name has dots", "~/..key", true },
		{ "it lies elsewhere", "/etc/key.pem", false },
		{ "it is the home of another one", "~root/key.pem", false },
		{ "it is the home itself", "~/", false },
		{ "it is a folder", "~/keys/", false },
		{ "it climbs", "~/../key.pem", false },
		{ "it climbs later", "~/a/../../key.pem", false },
		{ "a step is empty", "~/a//key.pem", false },
		{ "a step stays", "~/./key.pem", false },
		{ "it begins at the root after all", "~//etc/key.pem", false },
		{ "it has a variable", "~/$DIR/key.pem", false },
		{ "it has a variable alone", "$HOME/key.pem", false },
		{ "it is relative", "key.pem", false },
		{ "it is empty", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };
		struct bench bench;

		bench_begin(&bench, cases[i].path);
		int result = link_all(&bench, geteuid(), &err);

		if ((result == 0) != cases[i].is_fine)
			fail_msg("when %s: %d %s", cases[i].when, result, err.message);
		if (result < 0 &&
		    (err.class != ERROR_CONFIGURATION || !strstr(err.message, "files.pem.path") ||
		     file_exists(scratch_path(bench.home, ".netrc"))))
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(agent_home_check(&bench.bundle, &err), result);
		scratch_remove(bench.folder);
	}
}

static void what_is_written_there_lies_in_the_room(void **state)
{
	struct bench bench;
	struct error err = { 0 };

	(void)state;
	bench_begin(&bench, "~/a/b/key.pem");
	for (unsigned life = 0; life < 2; life++) {
		assert_int_equal(link_all(&bench, geteuid(), &err), 0);
		write_text(scratch_path(bench.home, ".netrc"), "login");
		write_text(scratch_path(bench.home, "a/b/key.pem"), "key");
		assert_true(file_exists(scratch_path(bench.files, "netrc")));
		assert_true(file_exists(scratch_path(bench.files, "0")));
	}
	scratch_remove(bench.folder);
}

/* An earlier task may have left anything in its home. */
static void what_a_task_left_is_replaced_not_followed(void **state)
{
	static const struct {
		const char *when, *name; /* what is there */
		bool is_link; /* to the precious folder, else a plain file */
	} cases[] = {
		{ "the file is there", "a/b/key.pem", false },
		{ "the file is a link", "a/b/key.pem", true },
		{ "a folder on the way is a link", "a/b", true },
		{ "a folder on the way is a file", "a/b", false },
		{ "the first folder is a link", "a", true },
		{ "the netrc is a file", ".netrc", false },
		{ "the netrc is a link", ".netrc", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;
		struct error err = { 0 };

		bench_begin(&bench, "~/a/b/key.pem");
		if (strchr(cases[i].name, '/'))
			assert_int_equal(
				file_make_folder(
					scratch_path(bench.home,
						     strlen(cases[i].name) > 3 ? "a/b" : "a"),
					0700, &err),
				0);
		const char *path = scratch_path(bench.home, cases[i].name);

		if (cases[i].is_link)
			assert_int_equal(symlink(bench.precious, path), 0);
		else
			write_text(path, "of a task");
		if (link_all(&bench, geteuid(), &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (!is_link_to(scratch_path(bench.home, "a/b/key.pem"),
				scratch_path(bench.files, "0")) ||
		    !is_link_to(scratch_path(bench.home, ".netrc"),
				scratch_path(bench.files, "netrc")))
			fail_msg("when %s: there is no link", cases[i].when);
		if (rmdir(bench.precious) < 0) /* nothing has been made in it */
			fail_msg("when %s: it was followed", cases[i].when);
		scratch_remove(bench.folder);
	}
}

/* A full folder in a file's place is not thrown away. */
static void a_folder_in_the_place_of_a_file_is_told(void **state)
{
	struct bench bench;
	struct error err = { 0 };

	(void)state;
	bench_begin(&bench, "~/key.pem");
	assert_int_equal(file_make_folder(scratch_path(bench.home, "key.pem/x"), 0700, &err), 0);
	assert_int_equal(link_all(&bench, geteuid(), &err), -1);
	assert_non_null(strstr(err.message, "files.pem"));
	assert_true(file_exists(scratch_path(bench.home, "key.pem/x")));
	scratch_remove(bench.folder);
}

static void links_are_the_agents_users(void **state)
{
	static const char *const names[] = { ".netrc", "a", "a/b", "a/b/key.pem" };
	struct bench bench;
	struct error err = { 0 };
	struct stat found;

	(void)state;
	if (geteuid() != 0)
		skip();
	bench_begin(&bench, "~/a/b/key.pem");
	assert_int_equal(link_all(&bench, 12345, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(lstat(scratch_path(bench.home, names[i]), &found), 0);
		if (found.st_uid != 12345 || found.st_gid != 12345)
			fail_msg("%s is of user %u", names[i], found.st_uid);
	}
	scratch_remove(bench.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_lies_below_the_home),
		cmocka_unit_test(what_is_written_there_lies_in_the_room),
		cmocka_unit_test(what_a_task_left_is_replaced_not_followed),
		cmocka_unit_test(a_folder_in_the_place_of_a_file_is_told),
		cmocka_unit_test(links_are_the_agents_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
