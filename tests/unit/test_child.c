#include "common/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/file.h"
#include "tests/unit/support/deny.h"
#include "tests/unit/support/scratch.h"

/* So long that only a bug reaches it. */
enum { LONG_MS = 120000 };

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

/* Runs a script of the shell with the rest of the spec as given, and says how it ended. */
static void run_script(struct child_spec spec, const char *script, struct buf *out, char ended[64])
{
	const char *argv[] = { "sh", "-c", script, NULL };
	struct error err;
	int status;

	spec.argv = argv;
	if (child_run(&spec, LONG_MS, out, &status, &err) < 0)
		fail_msg("%s: %s", script, err.message);
	child_describe(status, ended, 64);
}

static void test_run_keeps_output_and_status(void **state)
{
	static const struct {
		const char *when, *script;
		size_t limit;
		const char *out, *ended;
	} cases[] = {
		{ "it says nothing", ":", 64, "", "exit status 0" },
		{ "it writes on both", "echo out; echo err >&2", 64, "out\nerr\n",
		  "exit status 0" },
		{ "it fails", "echo x; exit 3", 64, "x\n", "exit status 3" },
		{ "it is killed", "kill -TERM $$", 64, "", "killed by SIGTERM" },
		{ "it says more than is kept", "echo 123456789", 4, "1234", "exit status 0" },
		{ "nothing is kept", "echo 123456789", 0, "", "exit status 0" },
		{ "it closes its output first", "exec >&- 2>&-; exit 4", 64, "", "exit status 4" },
		{ "it asks", "read line; echo \"<$line>\"", 64, "<>\n", "exit status 0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf out = BUF(cases[i].limit);
		struct error err;
		char ended[64];

		run_script((struct child_spec){ 0 }, cases[i].script, &out, ended);
		if (strcmp(buf_text(&out), cases[i].out) != 0 ||
		    strcmp(ended, cases[i].ended) != 0 || buf_finish(&out, &err) < 0)
			fail_msg("when %s: %s, %s", cases[i].when, buf_text(&out), ended);
	}
}

/* More than a pipe holds: it must be read while the child runs. */
static void test_run_keeps_long_output_whole(void **state)
{
	SCOPED(buf) struct buf out = BUF(2 << 20);
	char ended[64];

	(void)state;
	run_script((struct child_spec){ 0 }, "head -c 1000000 /dev/zero | tr '\\0' x", &out, ended);
	assert_string_equal(ended, "exit status 0");
	assert_int_equal(out.len, 1000000);
	assert_int_equal(strspn(out.bytes, "x"), 1000000);
}

/* It ends itself where execve() comes back. */
static bool is_under_valgrind(void)
{
	const char *preloaded = getenv("LD_PRELOAD");

	return preloaded && strstr(preloaded, "vgpreload");
}

static void test_failures_to_start_are_seen_at_once(void **state)
{
	static const struct {
		const char *when, *program;
		const char *folder;
		int keep_fd;
		enum error_class want;
		const char *complaint;
	} cases[] = {
		{ "it is in no folder of PATH", "no-such-program", NULL, 0, ERROR_NOT_FOUND,
		  "no-such-program" },
		{ "its path leads nowhere", "/no/such/program", NULL, 0, ERROR_NOT_FOUND,
		  "/no/such/program" },
		{ "its interpreter is missing", "./script", folder, 0, ERROR_NOT_FOUND, "script" },
		{ "it is no program", "./text", folder, 0, ERROR_SYSTEM, "text" },
		{ "it is not executable", "./closed", folder, 0, ERROR_SYSTEM, "closed" },
		{ "its folder is missing", "true", "/no/such/folder", 0, ERROR_SYSTEM,
		  "/no/such/folder" },
		{ "the descriptor to keep is closed", "true", NULL, 777, ERROR_SYSTEM, "777" },
	};
	struct error err;

	(void)state;
	assert_int_equal(file_write(at("script"), slice_of("#!/no/such/sh\n"), 0755, &err), 0);
	assert_int_equal(file_write(at("text"), slice_of("echo ran by a shell\n"), 0755, &err), 0);
	assert_int_equal(file_write(at("closed"), slice_of("#!/bin/sh\n"), 0644, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *argv[] = { cases[i].program, NULL };
		const struct child_spec spec = { .argv = argv,
						 .folder = cases[i].folder,
						 .keep_fd = cases[i].keep_fd };
		pid_t pid = -7;

		if (!strcmp(cases[i].program, "./script") && is_under_valgrind())
			continue;
		if (child_start(&spec, &pid, &err) == 0)
			fail_msg("when %s: started", cases[i].when);
		if (err.class != cases[i].want || !strstr(err.message, cases[i].complaint))
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(pid, -7);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
	}
}

static void test_a_program_is_found_as_path_says(void **state)
{
	char *before = memory_text(slice_of(getenv("PATH")));
	char path[600];
	const char *argv[] = { "greet", NULL };
	const struct child_spec spec = { .argv = argv };
	SCOPED(buf) struct buf out = BUF(64);
	struct error err;
	int status;

	(void)state;
	assert_int_equal(file_make_folder(at("bin/greet"), 0755, &err), 0); /* no program */
	assert_int_equal(file_make_folder(at("bin2"), 0755, &err), 0);
	assert_int_equal(
		file_write(at("bin2/greet"), slice_of("#!/bin/sh\necho hello\n"), 0755, &err), 0);
	assert_int_equal(file_make_folder(at("here"), 0755, &err), 0);
	assert_int_equal(
		file_write(at("here/greet"), slice_of("#!/bin/sh\necho wrong\n"), 0755, &err), 0);
	snprintf(path, sizeof(path), ":here:%s/bin:%s/absent:%s/bin2:", folder, folder, folder);
	int before_folder = open(".", O_RDONLY | O_DIRECTORY);

	assert_int_equal(chdir(folder), 0);
	setenv("PATH", path, 1);
	int got = child_run(&spec, LONG_MS, &out, &status, &err);

	assert_int_equal(fchdir(before_folder), 0);
	close(before_folder);
	setenv("PATH", before, 1);
	free(before);
	assert_int_equal(got, 0);
	assert_string_equal(buf_text(&out), "hello\n");
}

static void test_the_child_starts_clean(void **state)
{
	static const char script[] =
		"read -r pid name state parent group session rest < /proc/$$/stat\n"
		"[ $group = $$ ] && [ $session = $$ ] && echo own session\n"
		"readlink /proc/$$/fd/0\n"
		/* Signals 32 and 33 are the C library's own: who started us may have left them
		 * ignored (make does), and no sigaction() of ours can change that. */
		"cat /proc/self/status | while read -r name value; do case $name in\n"
		"  SigBlk:|SigIgn:|SigCgt:) echo $name $((0x$value & 0x7fffffff));; esac; done\n";
	SCOPED(buf) struct buf out = BUF(1024);
	char ended[64];
	sigset_t blocked, before;

	(void)state;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN);
	void (*hup_before)(int) = signal(SIGHUP, SIG_IGN);

	run_script((struct child_spec){ 0 }, script, &out, ended);
	signal(SIGPIPE, pipe_before);
	signal(SIGHUP, hup_before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_string_equal(buf_text(&out), "own session\n/dev/null\n"
					    "SigBlk: 0\n"
					    "SigIgn: 0\n"
					    "SigCgt: 0\n");
}

/* Opens 5, 9, 10 and 100 and hands 9 down. True when the child has 0, 1, 2, 9 and no other. */
static bool only_the_kept_one_is_open(void)
{
	static const char script[] = "for fd in 3 4 5 6 7 8 9 10 99 100 101; do\n"
				     "  [ -e /proc/$$/fd/$fd ] && echo $fd\n"
				     "done; echo kept >&9";
	const char *argv[] = { "sh", "-c", script, NULL };
	const struct child_spec spec = { .argv = argv, .keep_fd = 9 };
	struct buf out = BUF(1024);
	int ends[2], status;
	struct error err;
	char kept[8] = "";

	/* A pipe for 9, so that what the child writes to it can be read. */
	if (pipe(ends) < 0 || dup2(ends[1], 9) < 0 || dup2(ends[1], 5) < 0 ||
	    dup2(ends[1], 10) < 0 || dup2(ends[1], 100) < 0 || fcntl(9, F_SETFD, FD_CLOEXEC) < 0 ||
	    child_run(&spec, LONG_MS, &out, &status, &err) < 0)
		return false;
	bool is_marked_still = fcntl(9, F_GETFD) == FD_CLOEXEC;
	bool is_right = !strcmp(buf_text(&out), "9\n") && read(ends[0], kept, 7) == 5 &&
			!strcmp(kept, "kept\n") && is_marked_still;

	buf_release(&out);
	return is_right;
}

static void expect_in_fork(bool (*is_so)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(is_so() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_no_descriptor_is_handed_down_but_one(void **state)
{
	(void)state;
	expect_in_fork(only_the_kept_one_is_open);
}

static bool only_the_kept_one_is_open_on_an_old_kernel(void)
{
	return deny_call(SYS_close_range, ENOSYS) == 0 && only_the_kept_one_is_open();
}

static void test_old_kernels_close_them_too(void **state)
{
	(void)state;
	expect_in_fork(only_the_kept_one_is_open_on_an_old_kernel);
}

static bool it_runs_without_standard_streams(void)
{
	const char *argv[] = { "sh", "-c", "echo out; readlink /proc/$$/fd/0", NULL };
	const struct child_spec spec = { .argv = argv };
	struct buf out = BUF(64);
	struct error err;
	int status = -1;

	close(0);
	close(1);
	close(2);
	bool is_right = child_run(&spec, LONG_MS, &out, &status, &err) == 0 && status == 0 &&
			!strcmp(buf_text(&out), "out\n/dev/null\n");

	buf_release(&out);
	return is_right;
}

static void test_our_own_streams_may_be_closed(void **state)
{
	(void)state;
	expect_in_fork(it_runs_without_standard_streams);
}

static void test_environment_and_folder(void **state)
{
	const char *environment[] = { "ONE=1", "PATH=/usr/bin:/bin", NULL };
	SCOPED(buf) struct buf ours = BUF(1024);
	SCOPED(buf) struct buf given = BUF(1024);
	char ended[64], want[256];

	(void)state;
	setenv("TWO", "2", 1);
	run_script((struct child_spec){ 0 }, "echo \"$ONE-$TWO\"", &ours, ended);
	assert_string_equal(buf_text(&ours), "-2\n");
	run_script((struct child_spec){ .environment = environment, .folder = folder },
		   "echo \"$ONE-$TWO\"; pwd -P", &given, ended);
	snprintf(want, sizeof(want), "1-\n%s\n", folder);
	assert_string_equal(buf_text(&given), want);
	unsetenv("TWO");
}

static int wait_for_end(pid_t pid)
{
	const int64_t deadline_ms = clock_monotonic_ms() + LONG_MS;
	bool has_ended = false;
	struct error err;
	int status = -1;

	while (!has_ended && clock_monotonic_ms() < deadline_ms) {
		if (child_reap(pid, &has_ended, &status, &err) < 0)
			fail_msg("%s", err.message);
		clock_sleep_ms(2);
	}
	assert_true(has_ended);
	return status;
}

static void test_output_is_appended_to_a_closed_file(void **state)
{
	const char *argv[] = { "sh", "-c", "echo out; echo err >&2", NULL };
	const struct child_spec spec = { .argv = argv, .output = at("log") };
	SCOPED(buf) struct buf got = BUF(64);
	struct stat status;
	struct error err;
	pid_t pid;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(child_start(&spec, &pid, &err), 0);
		assert_int_equal(wait_for_end(pid), 0);
	}
	assert_int_equal(stat(at("log"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(file_read(at("log"), &got, &err), 0);
	assert_string_equal(buf_text(&got), "out\nerr\nout\nerr\n");

	const struct child_spec lost = { .argv = argv, .output = at("absent/log") };

	assert_int_equal(child_start(&lost, &pid, &err), -1);
	assert_non_null(strstr(err.message, "absent/log"));
}

static void test_reap_does_not_wait(void **state)
{
	const char *argv[] = { "sleep", "1000", NULL };
	const struct child_spec spec = { .argv = argv };
	bool has_ended = true;
	int status = 4711;
	struct error err;
	char ended[64];
	pid_t pid;

	(void)state;
	assert_int_equal(child_start(&spec, &pid, &err), 0);
	assert_int_equal(child_reap(pid, &has_ended, &status, &err), 0);
	assert_false(has_ended);
	assert_int_equal(status, 4711);
	assert_int_equal(kill(pid, SIGKILL), 0);
	child_describe(wait_for_end(pid), ended, sizeof(ended));
	assert_string_equal(ended, "killed by SIGKILL");
	assert_int_equal(child_reap(pid, &has_ended, &status, &err), -1);
	assert_int_equal(err.class, ERROR_SYSTEM);
}

/* We inherit orphans (main() sees to it), so a grandchild's end is ours to see. */
static void expect_killed(pid_t orphan)
{
	char ended[64];

	child_describe(wait_for_end(orphan), ended, sizeof(ended));
	assert_string_equal(ended, "killed by SIGKILL");
}

static void test_past_its_time_the_whole_group_goes(void **state)
{
	const char *argv[] = { "sh", "-c", "sleep 1000 & echo $!; wait", NULL };
	const struct child_spec spec = { .argv = argv };
	SCOPED(buf) struct buf out = BUF(64);
	int status = 4711;
	struct error err;

	(void)state;
	/* Until the grandchild has been named: on a busy machine that takes its time. */
	for (int64_t timeout_ms = 200; !out.len && timeout_ms < LONG_MS; timeout_ms *= 2) {
		assert_int_equal(child_run(&spec, timeout_ms, &out, &status, &err), -1);
		assert_int_equal(err.class, ERROR_UNREACHABLE);
	}
	assert_int_equal(status, 4711);
	expect_killed((pid_t)strtol(buf_text(&out), NULL, 10));
}

static void test_what_it_left_in_its_group_goes_with_it(void **state)
{
	SCOPED(buf) struct buf out = BUF(64);
	char ended[64];

	(void)state;
	run_script((struct child_spec){ 0 }, "sleep 1000 & echo $!", &out, ended);
	assert_string_equal(ended, "exit status 0");
	expect_killed((pid_t)strtol(buf_text(&out), NULL, 10));
}

/* It holds the pipe open for ever: child_run() would hang if it read to the end. */
static void test_what_moved_away_is_not_waited_for(void **state)
{
	static const char script[] = "setsid sh -c 'echo $$ >pid; exec sleep 1000' &\n"
				     "while ! [ -s pid ]; do sleep 0.01; done; cat pid";
	SCOPED(buf) struct buf out = BUF(64);
	char ended[64];

	(void)state;
	run_script((struct child_spec){ .folder = folder }, script, &out, ended);
	assert_string_equal(ended, "exit status 0");
	pid_t pid = (pid_t)strtol(buf_text(&out), NULL, 10);

	assert_true(pid > 1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* lives */
	kill(pid, SIGKILL);
	expect_killed(pid);
}

static void test_who_writes_faster_than_we_read_is_stopped(void **state)
{
	const char *argv[] = { "yes", NULL };
	const struct child_spec spec = { .argv = argv };
	SCOPED(buf) struct buf out = BUF(10);
	struct error err;
	int status;

	(void)state;
	assert_int_equal(child_run(&spec, 300, &out, &status, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_another_user_has_no_way_back(void **state)
{
	static const char script[] = "grep -E '^(Uid|Gid|Groups|CapEff|CapPrm)' /proc/self/status";
	SCOPED(buf) struct buf out = BUF(1024);
	const gid_t group = 34567;
	char ended[64];

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(setgroups(1, &group), 0);
	run_script((struct child_spec){ .uid = 12345, .gid = 23456 }, script, &out, ended);
	assert_int_equal(setgroups(0, NULL), 0);
	assert_string_equal(buf_text(&out), "Uid:\t12345\t12345\t12345\t12345\n"
					    "Gid:\t23456\t23456\t23456\t23456\n"
					    "Groups:\t \n"
					    "CapPrm:\t0000000000000000\n"
					    "CapEff:\t0000000000000000\n");
}

static void test_another_user_needs_a_group_and_a_folder(void **state)
{
	const char *argv[] = { "true", NULL };
	const struct child_spec no_group = { .argv = argv, .uid = 12345 };
	const struct child_spec closed = { .argv = argv, .uid = 12345, .gid = 1, .folder = folder };
	struct error err;
	pid_t pid;

	(void)state;
	assert_int_equal(child_start(&no_group, &pid, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	if (geteuid() != 0)
		skip();
	assert_int_equal(child_start(&closed, &pid, &err), -1); /* 0700, and root's */
	assert_int_equal(err.class, ERROR_SYSTEM);
	assert_non_null(strstr(err.message, folder));
}

static bool an_unprivileged_user_cannot_become_another(void)
{
	const char *argv[] = { "true", NULL };
	const struct child_spec spec = { .argv = argv, .uid = 23456, .gid = 23456 };
	struct error err;
	pid_t pid;

	if (geteuid() == 0 && (setgid(12345) < 0 || setuid(12345) < 0))
		return false;
	return child_start(&spec, &pid, &err) < 0 && err.class == ERROR_SYSTEM &&
	       strstr(err.message, "23456");
}

static void test_who_may_not_change_user_starts_nothing(void **state)
{
	(void)state;
	expect_in_fork(an_unprivileged_user_cannot_become_another);
}

/* Between us and the child stands a process that ends. */
static void test_it_dies_with_its_parent(void **state)
{
	const char *argv[] = { "sleep", "1000", NULL };
	const struct child_spec spec = { .argv = argv, .dies_with_us = true };
	int ends[2], status;
	pid_t orphan = -1;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid_t middle = fork();

	if (middle == 0) {
		struct error err;
		pid_t pid = -1;
		int got = child_start(&spec, &pid, &err);

		_exit(got < 0 || write(ends[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	assert_int_equal(waitpid(middle, &status, 0), middle);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], &orphan, sizeof(orphan)), sizeof(orphan));
	expect_killed(orphan);
	close(ends[0]);
	close(ends[1]);
}

static void test_describe(void **state)
{
	static const struct {
		int status;
		const char *want;
	} cases[] = {
		{ 0, "exit status 0" },	       { 255 << 8, "exit status 255" },
		{ 9, "killed by SIGKILL" },    { 11 | 0x80, "killed by SIGSEGV" },
		{ 40, "killed by signal 40" }, { 0x137f, "wait status 0x137f" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[64];

		child_describe(cases[i].status, text, sizeof(text));
		assert_string_equal(text, cases[i].want);
	}
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_keeps_output_and_status),
		cmocka_unit_test(test_run_keeps_long_output_whole),
		IN_A_FOLDER(test_failures_to_start_are_seen_at_once),
		IN_A_FOLDER(test_a_program_is_found_as_path_says),
		cmocka_unit_test(test_the_child_starts_clean),
		cmocka_unit_test(test_no_descriptor_is_handed_down_but_one),
		cmocka_unit_test(test_old_kernels_close_them_too),
		cmocka_unit_test(test_our_own_streams_may_be_closed),
		IN_A_FOLDER(test_environment_and_folder),
		IN_A_FOLDER(test_output_is_appended_to_a_closed_file),
		cmocka_unit_test(test_reap_does_not_wait),
		cmocka_unit_test(test_past_its_time_the_whole_group_goes),
		cmocka_unit_test(test_what_it_left_in_its_group_goes_with_it),
		IN_A_FOLDER(test_what_moved_away_is_not_waited_for),
		cmocka_unit_test(test_who_writes_faster_than_we_read_is_stopped),
		cmocka_unit_test(test_another_user_has_no_way_back),
		IN_A_FOLDER(test_another_user_needs_a_group_and_a_folder),
		cmocka_unit_test(test_who_may_not_change_user_starts_nothing),
		cmocka_unit_test(test_it_dies_with_its_parent),
		cmocka_unit_test(test_describe),
	};

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
