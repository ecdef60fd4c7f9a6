#include "common/file.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/scratch.h"

static char folder[SCRATCH_ROOM];

static const char *at(const char *name)
{
	return scratch_path(folder, name);
}

static int set_up(void **state)
{
	(void)state;
	scratch_make(folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static void put(const char *name, const char *text, mode_t mode)
{
	struct error err;

	if (file_write(at(name), slice_of(text), mode, &err) < 0)
		fail_msg("%s", err.message);
}

static void test_remove_tree_does_not_follow_links(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(file_make_folder(at("kept/inside"), 0700, &err), 0);
	put("kept/file", "x", 0600);
	assert_int_equal(file_make_folder(at("tree/a/b"), 0700, &err), 0);
	put("tree/a/f", "x", 0400);
	put("tree/.hidden", "x", 0600);
	assert_int_equal(symlink(at("kept"), at("tree/a/link")), 0);
	assert_int_equal(symlink("/nowhere", at("tree/dangling")), 0);
	assert_int_equal(mkfifo(at("tree/pipe"), 0600), 0);
	assert_int_equal(file_remove_tree(at("tree"), &err), 0);
	assert_false(file_exists(at("tree")));
	assert_true(file_exists(at("kept/file")) && file_exists(at("kept/inside")));

	assert_int_equal(symlink(at("kept"), at("link")), 0);
	assert_int_equal(file_remove_tree(at("link"), &err), 0);
	assert_int_equal(access(at("link"), F_OK), -1);
	assert_true(file_exists(at("kept/file")));
}

static void test_remove_tree_of_what_is_no_tree(void **state)
{
	struct error err;

	(void)state;
	put("f", "x", 0600);
	assert_int_equal(file_remove_tree(at("f"), &err), 0);
	assert_false(file_exists(at("f")));
	assert_int_equal(file_remove_tree(at("f"), &err), 0);
	assert_int_equal(file_remove_tree(at("absent/f"), &err), 0);
}

/* Deeper than paths may be long, and than descriptors there are: made from the inside. */
static void test_remove_tree_of_any_depth(void **state)
{
	int here = open(".", O_RDONLY | O_DIRECTORY);
	struct error err = { 0 };
	struct rlimit before, few;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)here + 100;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(mkdir(at("deep"), 0700), 0);
	assert_int_equal(chdir(at("deep")), 0);
	for (unsigned i = 0; i < 3000; i++) {
		assert_int_equal(mkdir("d", 0700), 0);
		int fd = open("f", O_CREAT | O_WRONLY, 0600);

		assert_true(fd >= 0);
		close(fd);
		assert_int_equal(chdir("d"), 0);
	}
	assert_int_equal(fchdir(here), 0);
	close(here);
	if (file_remove_tree(at("deep"), &err) < 0)
		fail_msg("%s", err.message);
	assert_false(file_exists(at("deep")));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void test_remove_tree_with_read_only_folders(void **state)
{
	struct error err = { 0 };
	pid_t pid;
	int status = 0;

	(void)state;
	assert_int_equal(chmod(folder, 0777), 0);
	pid = fork();
	if (pid == 0) {
		/* To root nothing is read-only. */
		if (geteuid() == 0 && (setgid(12345) < 0 || setuid(12345) < 0))
			_exit(9);
		if (file_make_folder(at("tree/a/b"), 0700, &err) < 0 ||
		    chmod(at("tree/a"), 0500) < 0 || chmod(at("tree"), 0500) < 0)
			_exit(8);
		_exit(file_remove_tree(at("tree"), &err) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(file_exists(at("tree")));
}

static void test_remove_tree_tells_what_stays(void **state)
{
	struct error err = { 0 };
	pid_t pid;
	int status = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	/* A folder of another user inside ours: we may not empty it, the rest goes. */
	assert_int_equal(file_make_folder(at("tree/theirs/x"), 0755, &err), 0);
	put("tree/ours", "x", 0600);
	assert_int_equal(chown(at("tree"), 12345, 12345), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	pid = fork();
	if (pid == 0) {
		if (setgid(12345) < 0 || setuid(12345) < 0)
			_exit(9);
		if (file_remove_tree(at("tree"), &err) == 0)
			_exit(1);
		_exit(err.class == ERROR_SYSTEM && strstr(err.message, at("tree")) ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(file_exists(at("tree/theirs/x")));
	assert_false(file_exists(at("tree/ours")));
}

/* In a mount namespace of its own, so that nothing stays mounted. 77: we may not. */
static int remove_around_a_mount(void)
{
	struct error err = { 0 };

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", at("tree/mounted"), "tmpfs", 0, NULL) < 0)
		return 77;
	if (file_write(at("tree/mounted/theirs"), slice_of("x"), 0600, &err) < 0)
		return 1;
	if (file_remove_tree(at("tree"), &err) == 0 || !strstr(err.message, "mounted"))
		return 2;
	return file_exists(at("tree/mounted/theirs")) && !file_exists(at("tree/ours")) ? 0 : 3;
}

static void test_remove_tree_stays_on_its_file_system(void **state)
{
	struct error err;
	int status = 0;

	(void)state;
	assert_int_equal(file_make_folder(at("tree/mounted"), 0700, &err), 0);
	put("tree/ours", "x", 0600);
	pid_t pid = fork();

	if (pid == 0)
		_exit(remove_around_a_mount());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(test_remove_tree_does_not_follow_links),
		IN_A_FOLDER(test_remove_tree_of_what_is_no_tree),
		IN_A_FOLDER(test_remove_tree_of_any_depth),
		IN_A_FOLDER(test_remove_tree_with_read_only_folders),
		IN_A_FOLDER(test_remove_tree_tells_what_stays),
		IN_A_FOLDER(test_remove_tree_stays_on_its_file_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
