#include "tests/unit/support/http_peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	CONNECTIONS_MAX = 16,
	PLACE_CONTROL = 0,
	PLACE_LISTENER = 1,
	PLACE_LATER = 2,
	PLACE_CONNECTIONS = 3,
	REQUEST_MAX = 1 << 16,
	DRIP_MS = 2,
};

struct server {
	const struct http_step *steps;
	size_t count, next;
	int report;
	int later; /* not polled before it listens: it would never be quiet */
	struct pollfd places[PLACE_CONNECTIONS + CONNECTIONS_MAX]; /* fd -1: free */
};

static void require(bool is_so, const char *what)
{
	if (is_so)
		return;
	perror(what);
	abort();
}

/* --- In the peer's process. */

static void complain(const struct server *server, const char *what, const char *request)
{
	dprintf(server->report, "step %zu: %s%.*s\n", server->next, what,
		(int)strcspn(request, "\r\n"), request);
}

static void drop(struct pollfd *place, bool is_reset)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (is_reset)
		setsockopt(place->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(place->fd);
	place->fd = -1;
}

/* Head and body, NUL-terminated; 0 when the client went instead. */
static size_t read_request(int fd, char request[static REQUEST_MAX])
{
	size_t len = 0, want = SIZE_MAX;

	while (len < want && len + 1 < REQUEST_MAX) {
		ssize_t got = recv(fd, request + len, REQUEST_MAX - 1 - len, 0);

		if (got <= 0)
			return 0;
		len += (size_t)got;
		request[len] = '\0';
		const char *end = strstr(request, "\r\n\r\n");
		const char *length = strcasestr(request, "\r\nContent-Length:");

		if (end)
			want = (size_t)(end - request) + 4 +
			       (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
	}
	return len;
}

static void check_request(const struct server *server, const char *request)
{
	const struct http_step *step = &server->steps[server->next];

	for (size_t i = 0; i < sizeof(step->expect) / sizeof(step->expect[0]); i++) {
		if (!step->expect[i] || strstr(request, step->expect[i]))
			continue;
		dprintf(server->report, "expected \"%s\"\n", step->expect[i]);
		complain(server, "got ", request);
	}
	if (step->refuse && strstr(request, step->refuse)) {
		dprintf(server->report, "refused \"%s\"\n", step->refuse);
		complain(server, "got ", request);
	}
}

/* False when the client has gone. */
static bool send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

static void send_forever(int fd, const char *bytes, bool is_slow)
{
	size_t len = strlen(bytes);
	size_t at = 0;
	struct pollfd gone = { .fd = fd, .events = POLLRDHUP };

	while (is_slow ? send_all(fd, bytes + at, 1) : send_all(fd, bytes, len)) {
		at = (at + 1) % len;
		if (is_slow && poll(&gone, 1, DRIP_MS) > 0)
			return;
	}
}

static void send_pieces(int fd, const char *bytes, size_t piece)
{
	struct pollfd gone = { .fd = fd, .events = POLLRDHUP };

	for (size_t left = strlen(bytes); left; left = strlen(bytes)) {
		size_t len = left < piece ? left : piece;

		if (!send_all(fd, bytes, len) || poll(&gone, 1, DRIP_MS) > 0)
			return;
		bytes += len;
	}
}

static void answer(struct server *server, struct pollfd *place)
{
	static char request[REQUEST_MAX];

	if (!read_request(place->fd, request)) {
		drop(place, false);
		return;
	}
	if (server->next >= server->count) {
		complain(server, "unexpected request: ", request);
		drop(place, false);
		return;
	}
	check_request(server, request);
	const struct http_step *step = &server->steps[server->next++];
	const char *bytes = step->answer ? step->answer : "";

	if (step->after == HTTP_DRIPS || step->after == HTTP_FLOODS)
		send_forever(place->fd, bytes, step->after == HTTP_DRIPS);
	else
		send_pieces(place->fd, bytes, step->piece ? step->piece : SIZE_MAX);
	if (step->after == HTTP_OPENS_LATER) {
		require(listen(server->later, 16) == 0, "listen");
		server->places[PLACE_LATER].fd = server->later;
	}
	if (step->after != HTTP_KEEPS && step->after != HTTP_HANGS)
		drop(place, step->after == HTTP_RESETS);
}

static void take_connection(struct server *server, int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return;
	for (size_t i = PLACE_CONNECTIONS; i < PLACE_CONNECTIONS + CONNECTIONS_MAX; i++) {
		if (server->places[i].fd < 0) {
			server->places[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
			return;
		}
	}
	complain(server, "more than 16 connections", "");
	close(fd);
}

/* One round; false when nothing is there to be done within the time. */
static bool serve(struct server *server, int timeout_ms)
{
	struct pollfd *places = server->places;
	const size_t count = PLACE_CONNECTIONS + CONNECTIONS_MAX;
	bool has_work = false;

	require(poll(places, count, timeout_ms) >= 0, "poll");
	for (size_t i = PLACE_LISTENER; i < count; i++) {
		/* A socket that does not listen yet says POLLHUP: only what can be read counts. */
		bool is_ready =
			places[i].revents & POLLIN || (i >= PLACE_CONNECTIONS && places[i].revents);

		if (places[i].fd < 0 || !is_ready)
			continue;
		has_work = true;
		if (i < PLACE_CONNECTIONS)
			take_connection(server, places[i].fd);
		else
			answer(server, &places[i]);
	}
	return has_work;
}

static _Noreturn void serve_to_the_end(struct server *server)
{
	while (!(server->places[PLACE_CONTROL].revents & (POLLIN | POLLHUP)))
		(void)serve(server, -1);
	/* The client has what it asked for: what is left on the way to us is too much. */
	while (serve(server, 0))
		;
	if (server->next < server->count)
		dprintf(server->report, "%zu of %zu steps were left over\n",
			server->count - server->next, server->count);
	_exit(0);
}

/* --- In the test's process. */

static int bind_tcp(int *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	require(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0, "bind");
	require(getsockname(fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
	*port = ntohs(address.sin_port);
	return fd;
}

static int bind_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	require(strlen(path) < sizeof(address.sun_path), "socket path");
	memcpy(address.sun_path, path, strlen(path));
	require(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
	return fd;
}

static _Noreturn void run_peer(const struct http_step *steps, size_t count, const int fds[4])
{
	struct server server = {
		.steps = steps, .count = count, .report = fds[1], .later = fds[3]
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < PLACE_CONNECTIONS + CONNECTIONS_MAX; i++)
		server.places[i].fd = -1;
	server.places[PLACE_CONTROL] = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	server.places[PLACE_LISTENER] = (struct pollfd){ .fd = fds[2], .events = POLLIN };
	server.places[PLACE_LATER] = (struct pollfd){ .fd = -1, .events = POLLIN };
	serve_to_the_end(&server);
}

struct http_peer http_peer_start(const struct http_step *steps, size_t count,
				 const char *unix_socket)
{
	struct http_peer peer = { 0 };
	int control[2], report[2], port = 0;
	int listener = unix_socket ? bind_unix(unix_socket) : bind_tcp(&port);
	int later = bind_tcp(&peer.later_port);

	require(listen(listener, 64) == 0, "listen");
	require(pipe(control) == 0 && pipe(report) == 0, "pipe");
	fflush(NULL);
	peer.pid = fork();
	require(peer.pid >= 0, "fork");
	if (peer.pid == 0)
		run_peer(steps, count, (const int[]){ control[0], report[1], listener, later });
	close(control[0]);
	close(report[1]);
	close(listener);
	close(later);
	peer.control = control[1];
	peer.report = report[0];
	snprintf(peer.url, sizeof(peer.url), "http://127.0.0.1:%d", port);
	return peer;
}

void http_peer_finish(struct http_peer *peer, const char *when)
{
	char text[2048];
	size_t len = 0;
	int status;

	require(write(peer->control, "", 1) == 1, "write to the peer");
	for (ssize_t got = 1; got > 0 && len<sizeof(text) - 1; len += got> 0 ? (size_t)got : 0)
		got = read(peer->report, text + len, sizeof(text) - 1 - len);
	text[len] = '\0';
	require(waitpid(peer->pid, &status, 0) == peer->pid, "waitpid");
	close(peer->control);
	close(peer->report);
	if (len || status)
		fail_msg("when %s: the peer ended with %d: %s", when, status, text);
}

void http_peer_kill(struct http_peer *peer)
{
	int status;

	require(kill(peer->pid, SIGKILL) == 0, "kill");
	require(waitpid(peer->pid, &status, 0) == peer->pid, "waitpid");
	close(peer->control);
	close(peer->report);
}
