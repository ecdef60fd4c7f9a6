#include "common/marked.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/file.h"
#include "tests/unit/support/deny.h"
#include "tests/unit/support/scratch.h"

/* So long that only a bug reaches it. */
enum { LONG_MS = 120000 };

static char folder[SCRATCH_ROOM];
static char marker[64]; /* of this run of the test alone */
static const char *program; /* our own path, to be started again as another process */

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

/* Whatever a test left behind, and the zombies that we inherited. */
static int tear_down(void **state)
{
	struct error err;
	int outcome = marked_kill(marker, 0, 0, LONG_MS, &err);

	(void)state;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	scratch_remove(folder);
	return outcome;
}

static pid_t start(const char *const *argv, const char *const *environment)
{
	const struct child_spec spec = { .argv = argv,
					 .environment = environment,
					 .folder = folder };
	struct error err;
	pid_t pid = -1;

	if (child_start(&spec, &pid, &err) < 0)
		fail_msg("%s", err.message);
	return pid;
}

static pid_t start_marked(const char *script)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	const char *environment[] = { "PATH=/usr/bin:/bin", marker, NULL };

	return start(argv, environment);
}

static size_t count_marked(pid_t *first)
{
	struct marked found = { 0 };
	struct error err;

	if (marked_find(marker, &found, &err) < 0)
		fail_msg("%s", err.message);
	size_t count = found.count;

	if (count && first)
		*first = found.pids[0];
	marked_release(&found);
	return count;
}

static void wait_for_file(const char *path)
{
	const int64_t deadline_ms = clock_monotonic_ms() + LONG_MS;

	while (!file_exists(path) && clock_monotonic_ms() < deadline_ms)
		clock_sleep_ms(2);
	assert_true(file_exists(path));
}

static void test_an_entry_counts_only_whole(void **state)
{
	char longer[80], shorter[64], other_name[80], inside[80];
	static char large[120000];
	const char *const environments[][4] = {
		{ "A=1", marker, "B=2", NULL },
		{ marker, NULL },
		{ large, marker, NULL },
		{ "", marker, NULL },
		{ "A=1", NULL },
		{ longer, NULL },
		{ shorter, NULL },
		{ other_name, NULL },
		{ inside, NULL },
		{ large, NULL },
		{ NULL },
	};
	const size_t marked_ones = 4;

	(void)state;
	snprintf(longer, sizeof(longer), "%sx", marker);
	snprintf(shorter, sizeof(shorter), "%.*s", (int)strlen(marker) - 1, marker);
	snprintf(other_name, sizeof(other_name), "X%s", marker);
	snprintf(inside, sizeof(inside), "A=%s", marker);
	memset(large, 'x', sizeof(large) - 1);
	large[1] = '=';
	for (size_t i = 0; i < ARRAY_LEN(environments); i++) {
		const char *argv[] = { "sleep", "1000", NULL };
		pid_t pid = start(argv, environments[i]), found = -1;
		size_t count = count_marked(&found);

		if (count != (i < marked_ones) || (count && found != pid))
			fail_msg("environment %zu: %zu found", i, count);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
}

static void test_a_zombie_does_not_count(void **state)
{
	/* Not by a shell: while that becomes another program its environment cannot be read. */
	const char *argv[] = { "sleep", "1000", NULL }, *environment[] = { marker, NULL };
	pid_t pid = start(argv, environment);
	siginfo_t ended;

	(void)state;
	assert_int_equal(count_marked(NULL), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
	assert_int_equal(count_marked(NULL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_we_ourselves_do_not_count(void **state)
{
	const char *argv[] = { program, "count", marker, NULL };
	const char *environment[] = { marker, NULL };
	int status = -1;
	pid_t pid = start(argv, environment);

	(void)state;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* In a session of its own, its parent gone, its folder another: it keeps the mark. */
static const char daemon_script[] = "setsid sh -c 'cd /; : >\"$0/up\"; exec sleep 1000' \"$PWD\" & "
				    "while ! [ -e up ]; do sleep 0.01; done; : >started";

static void test_descendants_are_found_wherever_they_went(void **state)
{
	struct error err;
	pid_t daemon = -1, pid = start_marked(daemon_script);

	(void)state;
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(count_marked(&daemon), 1);
	assert_int_not_equal(daemon, pid);
	if (marked_kill(marker, 0, 0, LONG_MS, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(count_marked(NULL), 0);
}

static void test_grace_lets_the_willing_end_themselves(void **state)
{
	struct error err;
	int status = -1;
	pid_t pid = start_marked("trap ': >said_goodbye; exit 7' TERM; : >ready; "
				 "while :; do sleep 0.01; done");

	(void)state;
	wait_for_file(at("ready"));
	if (marked_kill(marker, 0, LONG_MS, 2 * LONG_MS, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_true(file_exists(at("said_goodbye")));
}

static void test_the_unwilling_are_killed(void **state)
{
	struct error err;
	int status = -1;
	SCOPED(buf) struct buf asked = BUF(64);
	pid_t pid = start_marked("trap 'echo asked >>asked' TERM; : >ready; "
				 "while :; do sleep 0.01; done");

	(void)state;
	wait_for_file(at("ready"));
	if (marked_kill(marker, 0, 300, LONG_MS, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Once, if it came to hear of it at all. */
	if (file_exists(at("asked"))) {
		assert_int_equal(file_read(at("asked"), &asked, &err), 0);
		assert_string_equal(buf_text(&asked), "asked\n");
	}
}

static void test_without_grace_nobody_is_asked(void **state)
{
	struct error err;
	pid_t pid = start_marked("trap ': >asked' TERM; : >ready; while :; do sleep 0.01; done");

	(void)state;
	wait_for_file(at("ready"));
	assert_int_equal(marked_kill(marker, 0, 0, LONG_MS, &err), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(file_exists(at("asked")));
}

static void test_the_spared_one_lives(void **state)
{
	struct error err;
	pid_t spared = start_marked("exec sleep 1000"), other = start_marked("exec sleep 1000");

	(void)state;
	assert_int_equal(marked_kill(marker, spared, 50, LONG_MS, &err), 0);
	assert_int_equal(waitpid(other, NULL, 0), other);
	assert_int_equal(waitpid(spared, NULL, WNOHANG), 0);
}

static void test_nothing_to_kill_is_success(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(marked_kill(marker, 0, 0, 0, &err), 0);
	assert_int_equal(marked_kill(marker, 0, LONG_MS, LONG_MS, &err), 0);
}

/* Each forks the next and ends: no number that was seen is there long enough for a second look.
 * The chain has an end, so that a failure leaves nothing running. */
static void test_a_chain_of_forks_is_caught(void **state)
{
	struct error err;
	pid_t pid =
		start_marked("f() { if [ $1 = 200000 ]; then : >end; else f $(($1 + 1)) & fi; }; "
			     "f 0");

	(void)state;
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (marked_kill(marker, 0, 0, LONG_MS, &err) < 0)
		fail_msg("%s", err.message);
	assert_false(file_exists(at("end")));
	assert_int_equal(count_marked(NULL), 0);
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

static bool kills_on_an_old_kernel(void)
{
	struct error err;

	return deny_call(SYS_pidfd_open, ENOSYS) == 0 &&
	       marked_kill(marker, 0, 0, LONG_MS, &err) == 0;
}

static void test_old_kernels_will_do(void **state)
{
	pid_t pid = start_marked("exec sleep 1000");

	(void)state;
	expect_in_fork(kills_on_an_old_kernel);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static bool signals_do_not_arrive(void)
{
	struct error err = { 0 };

	return deny_call(SYS_pidfd_open, ENOSYS) == 0 && deny_call(SYS_kill, EPERM) == 0 &&
	       marked_kill(marker, 0, 10, 100, &err) < 0 && err.class == ERROR_SYSTEM &&
	       strstr(err.message, marker);
}

static void test_a_survivor_is_named(void **state)
{
	pid_t pid = start_marked("exec sleep 1000");

	(void)state;
	expect_in_fork(signals_do_not_arrive);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
}

static bool looks_past_what_it_may_not_read(void)
{
	struct error err;
	struct marked found = { 0 };

	return setgid(12345) == 0 && setuid(12345) == 0 && marked_find(marker, &found, &err) == 0 &&
	       found.count == 0;
}

static void test_processes_of_others_are_passed_over(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	start_marked("exec sleep 1000");
	expect_in_fork(looks_past_what_it_may_not_read);
}

/* Room for the list of processes, and for nothing else: a look that sees nothing is no answer. */
static bool too_few_descriptors_are_an_error(void)
{
	struct error err = { 0 };
	struct marked found = { .count = 77 };
	int next = open("/dev/null", O_RDONLY);
	struct rlimit limit;

	close(next);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	limit.rlim_cur = (rlim_t)next + 1;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 && marked_find(marker, &found, &err) < 0 &&
	       err.class == ERROR_SYSTEM && found.count == 77;
}

static void test_a_failed_look_is_not_an_empty_one(void **state)
{
	(void)state;
	expect_in_fork(too_few_descriptors_are_an_error);
}

#define CLEANED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* As a program of its own: how many processes but itself bear the mark. */
static int count_as_program(const char *mark)
{
	struct marked found = { 0 };
	struct error err;

	if (marked_find(mark, &found, &err) < 0)
		return 99;
	int count = (int)found.count;

	marked_release(&found);
	return count;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CLEANED(test_an_entry_counts_only_whole),
		CLEANED(test_a_zombie_does_not_count),
		CLEANED(test_we_ourselves_do_not_count),
		CLEANED(test_descendants_are_found_wherever_they_went),
		CLEANED(test_grace_lets_the_willing_end_themselves),
		CLEANED(test_the_unwilling_are_killed),
		CLEANED(test_without_grace_nobody_is_asked),
		CLEANED(test_the_spared_one_lives),
		CLEANED(test_nothing_to_kill_is_success),
		CLEANED(test_a_chain_of_forks_is_caught),
		CLEANED(test_old_kernels_will_do),
		CLEANED(test_a_survivor_is_named),
		CLEANED(test_processes_of_others_are_passed_over),
		CLEANED(test_a_failed_look_is_not_an_empty_one),
	};

	if (argc == 3 && !strcmp(argv[1], "count"))
		return count_as_program(argv[2]);
	char *own_path = realpath(argv[0], NULL);

	if (!own_path || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	program = own_path;
	snprintf(marker, sizeof(marker), "MAYFLY_TEST=%ld-%lld", (long)getpid(),
		 (long long)clock_wall_ms());
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(own_path);
	return failed;
}
