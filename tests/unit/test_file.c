#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/deny.h"
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

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode & 07777;
}

static void test_write_then_read(void **state)
{
	static const struct {
		const char *when;
		struct slice bytes;
		mode_t mode;
		size_t limit;
		enum error_class want;
	} cases[] = {
		{ "it is empty", { "", 0 }, 0600, 8, ERROR_NONE },
		{ "it has a NUL", { "a\0b", 3 }, 0644, 8, ERROR_NONE },
		{ "it fits to the byte", { "12345678", 8 }, 0400, 8, ERROR_NONE },
		{ "it is one too long", { "123456789", 9 }, 0600, 8, ERROR_MALFORMED },
		{ "the umask would take bits", { "x", 1 }, 0666, 8, ERROR_NONE },
	};
	const mode_t before = umask(077);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf got = BUF(cases[i].limit);
		struct error err = { 0 };

		buf_addf(&got, "before");
		if (file_write(at("f"), cases[i].bytes, cases[i].mode, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(mode_of(at("f")), cases[i].mode);
		int read = file_read(at("f"), &got, &err);

		if (err.class != cases[i].want || (read < 0) != (err.class != ERROR_NONE))
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (read < 0) {
			assert_string_equal(buf_text(&got), "before");
			assert_non_null(strstr(err.message, at("f")));
			continue;
		}
		assert_int_equal(got.len, cases[i].bytes.len);
		assert_memory_equal(buf_text(&got), cases[i].bytes.ptr, got.len);
	}
	umask(before);
}

static void test_read_names_the_path_and_the_class(void **state)
{
	SCOPED(buf) struct buf got = BUF(8);
	struct error err;

	(void)state;
	put("f", "x", 0600);
	assert_int_equal(file_read(at("absent"), &got, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	assert_non_null(strstr(err.message, at("absent")));
	assert_int_equal(file_read(at("f/inside"), &got, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	assert_int_equal(file_read(folder, &got, &err), -1);
	assert_int_equal(err.class, ERROR_SYSTEM);
	assert_non_null(strstr(err.message, folder));
}

static void test_write_replaces_in_one_step_and_leaves_nothing_beside(void **state)
{
	struct folder_entry *entries;
	size_t count;
	struct error err;
	struct stat old, new;

	(void)state;
	put("f", "old", 0644);
	assert_int_equal(stat(at("f"), &old), 0);
	put("f", "new", 0600);
	assert_int_equal(stat(at("f"), &new), 0);
	assert_int_not_equal(old.st_ino, new.st_ino); /* renamed over, not written into */
	assert_int_equal(mkdir(at("sub"), 0700), 0);
	assert_int_equal(file_write(at("sub"), slice_of("x"), 0600, &err), -1);
	assert_int_equal(file_write(at("absent/f"), slice_of("x"), 0600, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	assert_int_equal(file_list(folder, &entries, &count, &err), 0);
	assert_int_equal(count, 2);
	free(entries);
	/* The temporary files begin with a dot: rmdir() would find them. */
	assert_int_equal(rmdir(at("sub")), 0);
	assert_int_equal(unlink(at("f")), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
}

static void test_write_replaces_a_link_and_not_its_target(void **state)
{
	SCOPED(buf) struct buf got = BUF(8);
	struct error err;

	(void)state;
	put("target", "kept", 0600);
	assert_int_equal(symlink(at("target"), at("link")), 0);
	put("link", "new", 0600);
	assert_int_equal(file_read(at("target"), &got, &err), 0);
	assert_string_equal(buf_text(&got), "kept");
	assert_int_equal(mode_of(at("link")), 0600);
}

static void test_a_new_file_replaces_nothing(void **state)
{
	struct folder_entry *entries;
	size_t count;
	struct error err;

	(void)state;
	assert_int_equal(file_write_new(at("f"), slice_of("first"), 0600, &err), 0);
	assert_int_equal(mode_of(at("f")), 0600);
	assert_int_equal(symlink("nowhere", at("link")), 0);
	for (size_t i = 0; i < 2; i++) {
		const char *taken = at(i ? "link" : "f");

		assert_int_equal(file_write_new(taken, slice_of("second"), 0600, &err), -1);
		assert_int_equal(err.class, ERROR_CONFLICT);
		assert_non_null(strstr(err.message, taken));
	}
	assert_int_equal(file_write_new(at("absent/f"), slice_of("x"), 0600, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);

	SCOPED(buf) struct buf got = BUF(8);
	assert_int_equal(file_read(at("f"), &got, &err), 0);
	assert_string_equal(buf_text(&got), "first");
	assert_int_equal(file_list(folder, &entries, &count, &err), 0);
	assert_int_equal(count, 2);
	free(entries);
	/* The temporary files begin with a dot: rmdir() would find them. */
	assert_int_equal(unlink(at("link")), 0);
	assert_int_equal(unlink(at("f")), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
}

/* A left-over of a crashed process that had our number is passed over. */
static void test_write_passes_over_old_temporary_files(void **state)
{
	char name[64];

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), ".new-%ld-%u", (long)getpid(), i);
		int fd = open(at(name), O_CREAT | O_WRONLY | O_EXCL, 0600);

		assert_true(fd >= 0);
		close(fd);
	}
	put("f", "x", 0600);
	assert_true(file_exists(at("f")));
}

/* call 0: files may not grow. 0: the write failed as it should, 1: it did not, 77: no seccomp. */
static int write_without(long call)
{
	const struct rlimit nothing = { 0, RLIM_INFINITY };
	struct error err = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	if (call ? deny_call(call, EIO) < 0 : setrlimit(RLIMIT_FSIZE, &nothing) < 0)
		return 77;
	if (file_write(at("f"), slice_of("new"), 0600, &err) == 0)
		return 1;
	return err.class == ERROR_SYSTEM && strstr(err.message, at("f")) ? 0 : 2;
}

static void test_a_write_that_fails_changes_nothing(void **state)
{
	static const struct {
		const char *when;
		long call;
	} cases[] = {
		{ "the disk is full", 0 },
		{ "the mode cannot be set", SYS_fchmod },
		{ "the disk cannot be synced", SYS_fsync },
		{ "it cannot be renamed", SYS_renameat },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf got = BUF(8);
		struct error err;
		int status = 0;

		put("f", "old", 0600);
		pid_t pid = fork();

		if (pid == 0)
			_exit(write_without(cases[i].call));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			skip();
		if (status != 0)
			fail_msg("when %s: 0x%x", cases[i].when, (unsigned)status);
		assert_int_equal(file_read(at("f"), &got, &err), 0);
		assert_string_equal(buf_text(&got), "old");
		/* rmdir() finds what begins with a dot. */
		assert_int_equal(unlink(at("f")), 0);
		assert_int_equal(rmdir(folder), 0);
		assert_int_equal(mkdir(folder, 0700), 0);
	}
}

static void test_a_relative_path(void **state)
{
	SCOPED(buf) struct buf got = BUF(8);
	int here = open(".", O_RDONLY | O_DIRECTORY);
	struct error err;

	(void)state;
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(file_write("plain", slice_of("x"), 0600, &err), 0);
	assert_int_equal(file_read("plain", &got, &err), 0);
	assert_int_equal(file_make_folder("a/b", 0700, &err), 0);
	assert_int_equal(file_remove_tree("a", &err), 0);
	assert_int_equal(fchdir(here), 0);
	close(here);
	assert_true(file_exists(at("plain")));
	assert_false(file_exists(at("a")));
}

static void test_private_files(void **state)
{
	static const struct {
		mode_t mode;
		bool is_accepted;
	} cases[] = { { 0600, true },  { 0400, true },	{ 0700, true },	 { 0640, false },
		      { 0604, false }, { 0610, false }, { 0602, false }, { 0644, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf got = BUF(8);
		struct error err = { 0 };

		put("key", "k", cases[i].mode);
		int read = file_read_private(at("key"), &got, &err);

		assert_int_equal(read, cases[i].is_accepted ? 0 : -1);
		if (read == 0)
			continue;
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_non_null(strstr(err.message, "chmod 600"));
		assert_non_null(strstr(err.message, at("key")));
		assert_int_equal(got.len, 0);
	}
}

static void test_trusted_files(void **state)
{
	static const struct {
		mode_t mode;
		uid_t owner; /* only root can give it away */
		const char *advice; /* NULL: it is taken */
	} cases[] = {
		{ 0644, 0, NULL },	  { 0444, 0, NULL },	     { 0664, 0, "chmod 644" },
		{ 0646, 0, "chmod 644" }, { 0644, 12345, "chown " }, { 0600, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf got = BUF(8);
		struct error err = { 0 };

		put("trusted", "k", cases[i].mode);
		if (cases[i].owner && geteuid() != 0)
			continue;
		if (cases[i].owner)
			assert_int_equal(chown(at("trusted"), cases[i].owner, 0), 0);
		int read = file_read_trusted(at("trusted"), &got, &err);

		assert_int_equal(read, cases[i].advice ? -1 : 0);
		assert_int_equal(got.len, cases[i].advice ? 0 : 1);
		if (!cases[i].advice)
			continue;
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_non_null(strstr(err.message, cases[i].advice));
	}
}

static void test_a_private_file_of_somebody_else(void **state)
{
	SCOPED(buf) struct buf got = BUF(8);
	struct error err = { 0 };

	(void)state;
	if (geteuid() != 0)
		skip();
	put("key", "k", 0600);
	assert_int_equal(chown(at("key"), 12345, 12345), 0);
	assert_int_equal(file_read_private(at("key"), &got, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_non_null(strstr(err.message, "12345"));
}

static void test_what_is_no_file_is_not_private(void **state)
{
	SCOPED(buf) struct buf got = BUF(8);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(mkfifo(at("pipe"), 0600), 0);
	assert_int_equal(file_read_private(at("pipe"), &got, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_int_equal(file_read_trusted(at("pipe"), &got, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_int_equal(file_read_private(at("absent"), &got, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
}

static void test_remove(void **state)
{
	struct error err;

	(void)state;
	put("f", "x", 0600);
	assert_int_equal(file_remove(at("f"), &err), 0);
	assert_false(file_exists(at("f")));
	assert_int_equal(file_remove(at("f"), &err), 0);
	assert_int_equal(file_remove(at("absent/f"), &err), 0);
	assert_int_equal(file_remove(folder, &err), -1);
	assert_int_equal(err.class, ERROR_SYSTEM);
}

static void test_make_folder(void **state)
{
	static const struct {
		const char *when, *name;
		bool is_made;
	} cases[] = {
		{ "it is one", "a", true },
		{ "it is there", "a", true },
		{ "its parents are not", "b/c/d", true },
		{ "slashes are doubled", "e//f/", true },
		{ "a file is in the way", "file/g", false },
		{ "a file is there", "file", false },
	};

	(void)state;
	put("file", "x", 0600);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };
		int made = file_make_folder(at(cases[i].name), 0750, &err);

		if ((made == 0) != cases[i].is_made)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (made == 0)
			assert_int_equal(mode_of(at(cases[i].name)), 0750);
	}
	struct error err;

	assert_int_equal(file_make_folder("", 0750, &err), -1);
	assert_int_equal(file_make_folder("/", 0750, &err), 0);
}

static void test_a_lock_is_held_once(void **state)
{
	struct error err = { 0 };
	int fd = -1, second = -7;

	(void)state;
	assert_int_equal(file_lock(at("lock"), &fd, &err), 0);
	assert_int_equal(mode_of(at("lock")), 0600);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(file_lock(at("lock"), &second, &err), -1);
	assert_int_equal(err.class, ERROR_CONFLICT);
	assert_non_null(strstr(err.message, at("lock")));
	assert_int_equal(second, -7);
	close(fd);
	assert_int_equal(file_lock(at("lock"), &second, &err), 0);
	close(second);
	assert_int_equal(file_lock(at("absent/lock"), &fd, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
}

/* The lock goes with the descriptor: a child that inherits it holds on. */
static void test_an_inherited_lock_is_still_held(void **state)
{
	struct error err = { 0 };
	int fd = -1, gate[2], status;
	char byte;

	(void)state;
	assert_int_equal(pipe(gate), 0);
	assert_int_equal(file_lock(at("lock"), &fd, &err), 0);
	pid_t pid = fork();

	if (pid == 0) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(fd);
	close(gate[0]);
	assert_int_equal(file_lock(at("lock"), &fd, &err), -1);
	assert_int_equal(err.class, ERROR_CONFLICT);
	close(gate[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(file_lock(at("lock"), &fd, &err), 0);
	close(fd);
}

/* As ext4 is after an error, where it is mounted with errors=remount-ro. 77: we may not. */
static int ask_a_read_only_disk(void)
{
	uint64_t bytes;
	unsigned percent;
	struct error err = { 0 };

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(folder, folder, "none", MS_BIND, NULL) < 0 ||
	    mount("none", folder, "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		return 77;
	if (file_space(folder, &bytes, &percent, &err) == 0)
		return 1;
	return err.class == ERROR_REFUSED && strstr(err.message, "read-only") ? 0 : 2;
}

static void test_a_read_only_disk_is_refused(void **state)
{
	int status = 0;

	(void)state;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ask_a_read_only_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_space(void **state)
{
	uint64_t bytes = 0;
	unsigned percent = 1000;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(file_space(folder, &bytes, &percent, &err), 0);
	assert_true(bytes > 0);
	assert_in_range(percent, 0, 100);
	assert_int_equal(file_space(at("absent"), &bytes, &percent, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
}

static void test_list_is_sorted_and_without_dot_files(void **state)
{
	struct folder_entry *entries = NULL;
	size_t count = 7;
	char name[16];
	struct error err = { 0 };

	(void)state;
	assert_int_equal(file_list(at("absent"), &entries, &count, &err), 0);
	assert_int_equal(count, 0);
	free(entries);
	put(".hidden", "x", 0600);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%02u", i * 37 % 100);
		put(name, "", 0600);
	}
	assert_int_equal(file_list(folder, &entries, &count, &err), 0);
	assert_int_equal(count, 100);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%02u", i);
		assert_string_equal(entries[i].name, name);
	}
	free(entries);
	assert_int_equal(file_list(at("n00"), &entries, &count, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(test_write_then_read),
		IN_A_FOLDER(test_read_names_the_path_and_the_class),
		IN_A_FOLDER(test_write_replaces_in_one_step_and_leaves_nothing_beside),
		IN_A_FOLDER(test_write_replaces_a_link_and_not_its_target),
		IN_A_FOLDER(test_a_new_file_replaces_nothing),
		IN_A_FOLDER(test_write_passes_over_old_temporary_files),
		IN_A_FOLDER(test_a_write_that_fails_changes_nothing),
		IN_A_FOLDER(test_a_relative_path),
		IN_A_FOLDER(test_private_files),
		IN_A_FOLDER(test_trusted_files),
		IN_A_FOLDER(test_a_private_file_of_somebody_else),
		IN_A_FOLDER(test_what_is_no_file_is_not_private),
		IN_A_FOLDER(test_remove),
		IN_A_FOLDER(test_make_folder),
		IN_A_FOLDER(test_a_lock_is_held_once),
		IN_A_FOLDER(test_an_inherited_lock_is_still_held),
		IN_A_FOLDER(test_space),
		IN_A_FOLDER(test_a_read_only_disk_is_refused),
		IN_A_FOLDER(test_list_is_sorted_and_without_dot_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
