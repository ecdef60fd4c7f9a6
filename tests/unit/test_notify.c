#include "bootstrap/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/scratch.h"

static const struct {
	const char *when;
	const char *socket, *usec, *pid; /* pid "own": this process's */
	int status;
	bool is_heard;
	int64_t every_ms;
	const char *message;
} openings[] = {
	{ "nobody listens", NULL, NULL, NULL, 0, false, 0, "" },
	{ "nobody listens to a watchdog", NULL, "1000000", NULL, 0, false, 0, "" },
	{ "there is no watchdog", "/run/x", NULL, NULL, 0, true, 0, "" },
	{ "the socket is abstract", "@x", NULL, NULL, 0, true, 0, "" },
	{ "a turn may take five sixths", "/run/x", "300000000", NULL, 0, true, 50001, "" },
	{ "it is for us", "/run/x", "6000000", "own", 0, true, 1001, "" },
	{ "it is for another", "/run/x", "2000000", "1", 0, true, 0, "" },
	{ "it is shorter than a millisecond", "/run/x", "1", NULL, 0, true, 1, "" },
	{ "the socket is relative", "run/x", NULL, NULL, -1, false, 0, "NOTIFY_SOCKET: expected" },
	{ "the socket is empty", "", NULL, NULL, -1, false, 0, "NOTIFY_SOCKET: expected" },
	{ "an abstract name is empty", "@", NULL, NULL, -1, false, 0, "NOTIFY_SOCKET: expected" },
	{ "the time is no number", "/run/x", "2s", NULL, -1, false, 0, "WATCHDOG_USEC: expected" },
	{ "the time is zero", "/run/x", "0", NULL, -1, false, 0, "WATCHDOG_USEC: expected" },
	{ "the time overflows", "/run/x", "99999999999999999999", NULL, -1, false, 0,
	  "WATCHDOG_USEC: expected" },
	{ "the process is no number", "/run/x", "1000", "me", -1, false, 0, "WATCHDOG_PID: exp" },
};

static void test_the_variables_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(openings); i++) {
		struct notify notify;
		struct error err = { 0 };
		char own[24];
		const char *pid = openings[i].pid;

		(void)snprintf(own, sizeof(own), "%d", (int)getpid());
		if (pid && !strcmp(pid, "own"))
			pid = own;
		int status = notify_open(openings[i].socket, openings[i].usec, pid, &notify, &err);
		bool is_right =
			status == openings[i].status && (notify.fd >= 0) == openings[i].is_heard &&
			(status < 0 || notify.every_ms == openings[i].every_ms) &&
			!strncmp(err.message, openings[i].message, strlen(openings[i].message));

		if (!is_right)
			fail_msg("when %s: %d, every %lld ms, \"%s\"", openings[i].when, status,
				 (long long)notify.every_ms, err.message);
		notify_close(&notify);
	}
}

static void test_a_socket_that_is_too_long_is_refused(void **state)
{
	char name[200];
	struct notify notify;
	struct error err;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(notify_open(name, NULL, NULL, &notify, &err), -1);
	assert_int_equal(notify.fd, -1);
}

/* A service manager's end; name begins with '/' or, for an abstract one, with '@'. */
static int listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(at.sun_path, name, strlen(name));
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	return fd;
}

static void assert_heard(int fd, const char *expected)
{
	char text[256] = "";
	ssize_t len = recv(fd, text, sizeof(text) - 1, 0);

	assert_string_equal(text, expected);
	assert_int_equal(len < 0 ? 0 : len, strlen(expected));
}

static void tell_and_hear(const char *name)
{
	int manager = listen_at(name);
	struct notify notify;
	struct error err;

	assert_int_equal(notify_open(name, "6000000", NULL, &notify, &err), 0);
	notify_tell(&notify, "STATUS=%s", "serve");
	assert_heard(manager, "STATUS=serve");
	notify_turn(&notify, 5000);
	assert_heard(manager, "WATCHDOG=1");
	assert_int_equal(notify_next_ms(&notify), 6001);
	notify_turn(&notify, 6000);
	assert_heard(manager, "");
	notify_turn(&notify, 6001);
	assert_heard(manager, "WATCHDOG=1");
	notify_close(&notify);
	notify_tell(&notify, "READY=1");
	assert_heard(manager, "");
	(void)close(manager);
}

static void test_a_manager_hears_what_is_told(void **state)
{
	char folder[SCRATCH_ROOM], name[64];

	(void)state;
	scratch_make(folder);
	tell_and_hear(scratch_path(folder, "notify"));
	(void)snprintf(name, sizeof(name), "@mayfly-test-%d", (int)getpid());
	tell_and_hear(name);
	scratch_remove(folder);
}

static void test_without_a_watchdog_there_is_no_sign_of_life(void **state)
{
	char folder[SCRATCH_ROOM];
	struct notify notify;
	struct error err;

	(void)state;
	scratch_make(folder);
	int manager = listen_at(scratch_path(folder, "notify"));

	assert_int_equal(notify_open(scratch_path(folder, "notify"), NULL, NULL, &notify, &err), 0);
	assert_true(notify_next_ms(&notify) == INT64_MAX);
	notify_turn(&notify, 5000);
	assert_heard(manager, "");
	notify_close(&notify);
	(void)close(manager);
	scratch_remove(folder);
}

static void test_a_manager_that_is_gone_is_logged_once(void **state)
{
	struct notify notify;
	struct capture capture = capture_begin(STDERR_FILENO);
	char text[2048];
	struct error err;
	int status = notify_open("/nowhere/notify", NULL, NULL, &notify, &err);

	(void)state;
	notify_tell(&notify, "READY=1");
	notify_tell(&notify, "STOPPING=1");
	capture_end(&capture, text, sizeof(text));
	notify_close(&notify);
	assert_int_equal(status, 0);
	const char *first = strstr(text, "cannot be told");

	assert_non_null(first);
	assert_null(strstr(first + 1, "cannot be told"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_variables_are_read),
		cmocka_unit_test(test_a_socket_that_is_too_long_is_refused),
		cmocka_unit_test(test_a_manager_hears_what_is_told),
		cmocka_unit_test(test_without_a_watchdog_there_is_no_sign_of_life),
		cmocka_unit_test(test_a_manager_that_is_gone_is_logged_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
