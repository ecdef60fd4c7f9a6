/*
 * Bootstrap is killed at every call that it makes to ClearML, once before the call reaches the
 * server and once after the server did what it says but before the answer is read; then it is
 * started again. However often, wherever: the task runs as often as it should, never twice at
 * once, and nothing of us stays on it.
 */
#include "bootstrap/seats.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bootstrap/journal.h"
#include "common/clock.h"
#include "common/marked.h"
#include "tests/unit/support/seat_bench.h"

enum {
	IDLE_TURNS = 12, /* two polls find nothing: the life is over */
	MESSAGE_MAX = 1 << 20,
	LIFE_MS = 60000,
	CALLS_MAX = 500,
	STRIDE_UNDER_VALGRIND = 9,
};

static struct bench bench;

/* ---- a life, in a process of its own ---- */

static _Noreturn void live(int port)
{
	int64_t end_ms = clock_monotonic_ms() + LIFE_MS;

	bench_connect(&bench, port);
	bench_open_seats(&bench);
	for (int idle = 0; idle < IDLE_TURNS; idle++) {
		bench_turn(&bench);
		struct seats_state seen = bench_look(&bench);
		/* Only a real process takes real time. */
		if (seen.is_running)
			clock_sleep_ms(BENCH_PAUSE_MS);
		if (seen.busy)
			idle = 0;
		if (clock_monotonic_ms() > end_ms)
			_exit(3);
	}
	_exit(0);
}

/* ---- the way to the server, with its kill points ---- */

static int listen_anywhere(int *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		fail_msg("no port to listen on");
	*port = ntohs(address.sin_port);
	return fd;
}

static int connect_to_server(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t)bench.port);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail_msg("the stand-in is gone");
	return fd;
}

static bool read_more(int fd, struct buf *message)
{
	char bytes[4096];
	ssize_t len = read(fd, bytes, sizeof(bytes));

	if (len <= 0)
		return false;
	buf_add(message, (struct slice){ bytes, (size_t)len });
	return true;
}

static bool is_whole(const struct buf *request)
{
	const char *head_end = strstr(buf_text(request), "\r\n\r\n");
	const char *length = strcasestr(buf_text(request), "\r\ncontent-length:");

	if (!head_end)
		return false;
	size_t head = (size_t)(head_end + 4 - buf_text(request));
	return request->len >= head + (length ? strtoul(length + 17, NULL, 10) : 0);
}

static void write_all(int fd, const struct buf *message)
{
	for (size_t done = 0; done < message->len;) {
		ssize_t len = write(fd, message->bytes + done, message->len - done);

		if (len <= 0)
			return; /* the reader is dead: it was to be */
		done += (size_t)len;
	}
}

static void ask_server(const struct buf *request, struct buf *answer)
{
	int server = connect_to_server();

	write_all(server, request);
	while (read_more(server, answer))
		;
	close(server);
}

struct kill_point {
	unsigned call; /* 0: never */
	bool is_after; /* the server has done it */
};

/* One call of the life's, and its death if this is the one. */
static void pass_on(int client, pid_t life, bool is_last, bool is_after)
{
	SCOPED(buf) struct buf request = BUF(MESSAGE_MAX), answer = BUF(MESSAGE_MAX);

	while (!is_whole(&request) && read_more(client, &request))
		;
	if (!is_last || is_after)
		ask_server(&request, &answer);
	if (is_last)
		kill(life, SIGKILL);
	else
		write_all(client, &answer);
}

/* True when the life was killed at the point, false when it ended by itself before. */
static bool run_life(struct kill_point at)
{
	int port, status, listener = listen_anywhere(&port);
	unsigned calls = 0;
	pid_t life = fork();

	if (life == 0) {
		close(listener);
		live(port);
	}
	while (waitpid(life, &status, WNOHANG) == 0) {
		struct pollfd fd = { .fd = listener, .events = POLLIN };

		if (poll(&fd, 1, 5) <= 0)
			continue;
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue;
		pass_on(client, life, ++calls == at.call, at.is_after);
		close(client);
		if (calls == at.call)
			waitpid(life, &status, 0);
		if (calls == at.call)
			break;
	}
	close(listener);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		fail_msg("a life did not come to its end: status %d", WEXITSTATUS(status));
	return WIFSIGNALED(status);
}

/* ---- what must hold afterwards ---- */

struct scenario {
	const char *when, *plan;
	unsigned max_attempts;
	unsigned least_runs, most_runs;
	enum task_status status;
	unsigned stride; /* of the calls, every which one is a kill point: for the machine's sake */
};

static void check_end(const struct scenario *scenario, const char *task, struct kill_point at)
{
	SCOPED(marked) struct marked left = { 0 };
	struct clearml_task found = bench_task(&bench, task);
	unsigned runs = bench_count(&bench, "start", task);
	struct journal journal;
	struct error err = { 0 };
	char where[128];

	snprintf(where, sizeof(where), "when %s, killed %s call %u", scenario->when,
		 at.is_after ? "after" : "before", at.call);
	if (found.status != scenario->status)
		fail_msg("%s: the task is %s (%s)", where, task_status_name(found.status),
			 found.status_reason);
	if (runs < scenario->least_runs || runs > scenario->most_runs)
		fail_msg("%s: it ran %u times", where, runs);
	if (found.owner[0] || found.attempt[0])
		fail_msg("%s: owner \"%s\", attempt \"%s\"", where, found.owner, found.attempt);
	assert_int_equal(marked_find(bench.machine.marker, &left, &err), 0);
	if (left.count)
		fail_msg("%s: process %d lives on", where, (int)left.pids[0]);
	assert_int_equal(
		journal_read(scratch_path(bench.machine.folder, "journal.json"), &journal, &err),
		0);
	if (journal.entries[0].task[0])
		fail_msg("%s: the journal still names it", where);
	bench_check_no_overlap(&bench);
}

static bool try_point(const struct scenario *scenario, struct kill_point at)
{
	char task[CLEARML_ID_ROOM];

	bench_begin(&bench, 1, scenario->plan);
	bench.machine.ticket.limits.max_attempts = scenario->max_attempts;
	bench_add_task(&bench, task);
	bool was_killed = run_life(at);
	if (was_killed)
		(void)run_life((struct kill_point){ 0 });
	check_end(scenario, task, at);
	bench_end(&bench);
	return was_killed;
}

static unsigned stride(const struct scenario *scenario)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload") ? STRIDE_UNDER_VALGRIND : scenario->stride;
}

static void kill_everywhere(const struct scenario *scenario)
{
	unsigned points = 0;

	for (unsigned call = 1; call < CALLS_MAX; call += stride(scenario)) {
		bool was_killed = try_point(scenario, (struct kill_point){ call, false });

		if (!was_killed)
			break;
		(void)try_point(scenario, (struct kill_point){ call, true });
		points += 2;
	}
	print_message("when %s: killed at %u points\n", scenario->when, points);
	assert_true(points > 4);
}

static void test_completes(void **state)
{
	static const struct scenario scenario = { "the task completes", "complete", 3, 1, 1,
						  TASK_COMPLETED,	1 };

	(void)state;
	kill_everywhere(&scenario);
}

/* Killed while it gives back what its agent left in progress. */
static void test_given_back(void **state)
{
	static const struct scenario scenario = {
		"the agent dies once", "leave complete", 9, 2, 2, TASK_COMPLETED, 1
	};

	(void)state;
	kill_everywhere(&scenario);
}

/* Killed while it gives back what its agent never started. */
static void test_never_started(void **state)
{
	static const struct scenario scenario = {
		"the agent does nothing once", "exit complete", 9, 2, 2, TASK_COMPLETED, 2
	};

	(void)state;
	kill_everywhere(&scenario);
}

/* A death of ours before the start takes an attempt too, so there may be one run less. */
static void test_fails_at_last(void **state)
{
	static const struct scenario scenario = {
		"the agent always dies", "leave", 2, 1, 2, TASK_FAILED, 3
	};

	(void)state;
	kill_everywhere(&scenario);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_completes),
		cmocka_unit_test(test_given_back),
		cmocka_unit_test(test_never_started),
		cmocka_unit_test(test_fails_at_last),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	bench_start_server(&bench, NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_stop_server(&bench);
	return failed;
}
