#include "common/child.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool has_oom_score(bool is_expendable, uid_t uid, const char *want)
{
	const char *argv[] = { "cat", "/proc/self/oom_score_adj", NULL };
	const struct child_spec spec = {
		.argv = argv, .is_expendable = is_expendable, .uid = uid, .gid = uid
	};
	SCOPED(buf) struct buf said = BUF(100);
	struct error err;
	int status;

	return child_run(&spec, 10000, &said, &status, &err) == 0 && status == 0 &&
	       !strcmp(buf_text(&said), want);
}

/* Ours is raised here, which anyone may; systemd gives bootstrap -1000. */
static bool only_the_expendable_are_offered(void)
{
	int file = open("/proc/self/oom_score_adj", O_WRONLY);
	bool is_set = file >= 0 && write(file, "300", 3) == 3 && close(file) == 0;

	return is_set && has_oom_score(false, 0, "300\n") && has_oom_score(true, 0, "0\n") &&
	       (geteuid() != 0 || has_oom_score(true, 23456, "0\n"));
}

static void test_the_kernel_may_kill_tasks_though_not_us(void **state)
{
	int status;

	(void)state;
	pid_t pid = fork();

	if (pid == 0)
		_exit(only_the_expendable_are_offered() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_kernel_may_kill_tasks_though_not_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
