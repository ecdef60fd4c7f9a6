#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bootstrap/control.h"
#include "bootstrap/keep.h"
#include "common/clock.h"

static void when_a_line_is_read(void **state)
{
	static const struct {
		const char *line;
		enum control_verb verb;
		int64_t seconds; /* -1: refused */
	} cases[] = {
		{ "status", CONTROL_STATUS, 0 },
		{ "drain", CONTROL_DRAIN, 0 },
		{ "leave", CONTROL_LEAVE, 0 },
		{ "keep for 90", CONTROL_KEEP_FOR, 90 },
		{ "keep for 90s", CONTROL_KEEP_FOR, 90 },
		{ "keep for 15m", CONTROL_KEEP_FOR, 900 },
		{ "keep for 2h", CONTROL_KEEP_FOR, 7200 },
		{ "keep for 366d", CONTROL_KEEP_FOR, KEEP_MAX_S },
		{ "keep until 1795472471", CONTROL_KEEP_UNTIL, 1795472471 },
		{ "keep until 2026-11-24T03:41:11Z", CONTROL_KEEP_UNTIL, 1795491671 },
		{ "keep until 2026-11-24T04:41:11+01:00", CONTROL_KEEP_UNTIL, 1795491671 },
		{ "keep off", CONTROL_KEEP_OFF, 0 },
		{ "", 0, -1 },
		{ "stat", 0, -1 },
		{ "status ", 0, -1 },
		{ "Status", 0, -1 },
		{ "drain now", 0, -1 },
		{ "keep", 0, -1 },
		{ "keep for", 0, -1 },
		{ "keep for ", 0, -1 },
		{ "keep for 0", 0, -1 },
		{ "keep for -5", 0, -1 },
		{ "keep for 5w", 0, -1 },
		{ "keep for h", 0, -1 },
		{ "keep for 367d", 0, -1 },
		{ "keep for 9999999999999", 0, -1 },
		{ "keep for99", 0, -1 },
		{ "keep until 3600", 0, -1 }, /* a span where a moment is expected */
		{ "keep until tomorrow", 0, -1 },
		{ "keep off now", 0, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct control_command command = { .seconds = -2 };
		struct error err = { 0 };
		int status = control_parse(slice_of(cases[i].line), &command, &err);

		if (cases[i].seconds < 0) {
			if (status == 0)
				fail_msg("\"%s\" was taken", cases[i].line);
			assert_int_equal(err.class, ERROR_MALFORMED);
			assert_int_equal(command.seconds, -2);
			continue;
		}
		if (status < 0)
			fail_msg("\"%s\": %s", cases[i].line, err.message);
		assert_int_equal(command.verb, cases[i].verb);
		assert_int_equal(command.seconds, cases[i].seconds);
	}
}

/* ---- over the socket: the machine's end in this process, the operator's in a child ---- */

static void obey(void *context, const struct control_command *command, struct buf *answer)
{
	*(int *)context += 1;
	buf_addf(answer, "{\"verb\": %d, \"seconds\": %lld}", command->verb,
		 (long long)command->seconds);
}

static void make_folder(char path[64])
{
	(void)snprintf(path, 64, "/tmp/mayfly-control-XXXXXX");
	assert_non_null(mkdtemp(path));
}

static int connect_to(const char *folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", folder);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void turn(struct control *control, int *obeyed, int64_t now_ms)
{
	const struct control_server server = { obey, obeyed };

	control_turn(control, &server, now_ms);
}

/* Runs the server until pid has ended; its exit status. */
static int serve_until(struct control *control, int *obeyed, pid_t pid)
{
	int64_t until_ms = clock_monotonic_ms() + 20000;
	int status = -1;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct pollfd polls[CONTROL_POLLS];
		size_t count = control_polls(control, polls);

		assert_true(clock_monotonic_ms() < until_ms);
		(void)poll(polls, count, 20);
		turn(control, obeyed, clock_monotonic_ms());
	}
	return status;
}

static void when_it_is_asked(void **state)
{
	const struct control_command command = { CONTROL_KEEP_FOR, 7200 };
	struct control *control;
	char folder[64];
	int obeyed = 0;
	struct error err;

	(void)state;
	make_folder(folder);
	assert_int_equal(control_open(folder, &control, &err), 0);
	pid_t pid = fork();

	if (pid == 0) {
		SCOPED(buf) struct buf answer = BUF(CONTROL_ANSWER_MAX);

		if (control_ask(folder, &command, 20000, &answer, &err) < 0)
			_exit(1);
		_exit(strcmp(buf_text(&answer), "{\"verb\": 3, \"seconds\": 7200}\n") ? 2 : 0);
	}
	assert_int_equal(serve_until(control, &obeyed, pid), 0);
	assert_int_equal(obeyed, 1);
	control_close(control);
	assert_int_equal(rmdir(folder), 0); /* the socket is gone too */
}

static void when_nobody_is_there(void **state)
{
	const struct control_command command = { CONTROL_STATUS, 0 };
	SCOPED(buf) struct buf answer = BUF(CONTROL_ANSWER_MAX);
	char folder[64], path[96];
	struct error err;

	(void)state;
	make_folder(folder);
	assert_int_equal(control_ask(folder, &command, 1000, &answer, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	/* ... and when one was killed and its socket lies there still. */
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(path, sizeof(path), "%s/control.sock", folder);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	(void)close(fd);
	assert_int_equal(control_ask(folder, &command, 1000, &answer, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	struct control *control;

	assert_int_equal(control_open(folder, &control, &err), 0);
	control_close(control);
	assert_int_equal(rmdir(folder), 0);
}

static void when_clients_dawdle_or_babble(void **state)
{
	struct control *control;
	char folder[64], noise[512], answer[512] = "";
	int clients[CONTROL_CLIENTS + 1], obeyed = 0;
	struct pollfd polls[CONTROL_POLLS];
	struct stat at;
	struct error err;

	(void)state;
	make_folder(folder);
	assert_int_equal(control_open(folder, &control, &err), 0);
	(void)snprintf(noise, sizeof(noise), "%s/control.sock", folder);
	assert_int_equal(stat(noise, &at), 0);
	assert_int_equal(at.st_mode & 0777, 0600);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i] = connect_to(folder);
	turn(control, &obeyed, 1000);
	assert_int_equal(control_polls(control, polls), CONTROL_CLIENTS);
	assert_int_equal(control_next_ms(control), 6000);
	/* A line in two parts, nonsense, too much, and one that says nothing. */
	assert_int_equal(write(clients[0], "sta", 3), 3);
	turn(control, &obeyed, 2000);
	assert_int_equal(write(clients[0], "tus\n", 4), 4);
	assert_int_equal(write(clients[1], "\"\\\n", 3), 3);
	memset(noise, 'x', sizeof(noise));
	assert_int_equal(write(clients[2], noise, sizeof(noise)), sizeof(noise));
	turn(control, &obeyed, 3000);
	assert_int_equal(obeyed, 1);
	assert_int_equal(read(clients[0], answer, sizeof(answer)), 26);
	assert_int_equal(read(clients[0], answer, sizeof(answer)), 0);
	ssize_t len = read(clients[1], answer, sizeof(answer) - 1);

	assert_true(len > 0);
	answer[len] = '\0';
	assert_non_null(strstr(answer, "\"error\""));
	assert_true(recv(clients[2], answer, sizeof(answer), 0) <= 0);
	/* The fifth has its turn now; the fourth's time is over, the fifth's is not. */
	turn(control, &obeyed, 6000);
	assert_int_equal(recv(clients[3], answer, sizeof(answer), 0), 0);
	assert_int_equal(control_polls(control, polls), 2);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		(void)close(clients[i]);
	turn(control, &obeyed, 6001);
	assert_int_equal(control_polls(control, polls), 1);
	assert_int_equal(control_next_ms(control), INT64_MAX);
	control_close(control);
	assert_int_equal(rmdir(folder), 0);
}

/* ---- the file keep-until ---- */

static void when_a_file_keeps_it(void **state)
{
	static const struct {
		const char *text;
		int64_t until_s; /* -1: refused */
	} cases[] = {
		{ "1795491671\n", 1795491671 },
		{ "  2026-11-24T03:41:11Z \r\n", 1795491671 },
		{ "", -1 },
		{ "2h\n", -1 },
		{ "\x01\xff", -1 },
	};
	char folder[64], path[96];
	int64_t until_s = 7;
	struct error err;

	(void)state;
	make_folder(folder);
	assert_int_equal(keep_read_file(folder, &until_s, &err), 0);
	assert_int_equal(until_s, 0);
	(void)snprintf(path, sizeof(path), "%s/keep-until", folder);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		(void)fputs(cases[i].text, file);
		(void)fclose(file);
		int status = keep_read_file(folder, &until_s, &err);

		assert_int_equal(status, cases[i].until_s < 0 ? -1 : 0);
		if (status == 0)
			assert_int_equal(until_s, cases[i].until_s);
		else
			assert_non_null(strstr(err.message, "keep-until"));
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_a_line_is_read),
		cmocka_unit_test(when_it_is_asked),
		cmocka_unit_test(when_nobody_is_there),
		cmocka_unit_test(when_clients_dawdle_or_babble),
		cmocka_unit_test(when_a_file_keeps_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
