#include "tests/unit/support/engine_peer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"

enum {
	ROUTES_MAX = 64,
	REQUESTS_MAX = 1024,
	STAYING_MAX = 32,
	REQUEST_MAX = 1 << 20,
	TURN_MS = 5,
	DEADLINE_MS = 60000,
};

static const struct engine_route own_routes[] = {
	{ .request = "GET /_ping",
	  .answer = "HTTP/1.1 200 OK\r\nApi-Version: 1.43\r\nContent-Length: 2\r\n" ENGINE_CLOSES
		    "OK" },
	{ .request = "GET /version",
	  .answer = ENGINE_SAYS("{\"Version\":\"24.0.7\",\"Os\":\"linux\",\"Arch\":\"amd64\"}") },
	{ .request = "GET /info",
	  .answer = ENGINE_SAYS("{\"DockerRootDir\":\"/tmp\",\"CgroupVersion\":\"2\","
				"\"LiveRestoreEnabled\":false}") },
	{ .request = "GET /events", .answer = ENGINE_SAYS(""), .stays = true },
};

struct engine_peer {
	struct sockaddr_un address;
	pthread_t thread;
	pthread_mutex_t lock; /* over all that follows */
	const struct engine_route *routes;
	unsigned used[ROUTES_MAX];
	char *requests[REQUESTS_MAX];
	size_t count, told; /* told: of the story */
	int listener; /* -1: away */
	int staying[STAYING_MAX]; /* -1: free */
	char problem[256];
	bool is_over;
};

static void require(bool is_so, const char *what)
{
	if (is_so)
		return;
	perror(what);
	abort();
}

/* ---- requests ---- */

static size_t body_len(const char *head)
{
	const char *found = strcasestr(head, "\r\nContent-Length:");

	return found ? strtoul(found + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* Head and body, the version taken out of the first line; NULL: the other side hung up. */
static char *receive(int fd)
{
	struct buf request = BUF(REQUEST_MAX);
	char part[65536];
	const char *end = NULL;

	while (!end || request.len < (size_t)(end - buf_text(&request)) + 4 +
					     body_len(buf_text(&request))) {
		ssize_t got = recv(fd, part, sizeof(part), 0);

		if (got <= 0)
			break;
		buf_add(&request, (struct slice){ part, (size_t)got });
		end = strstr(buf_text(&request), "\r\n\r\n");
	}
	char *text = end ? memory_text(buf_slice(&request)) : NULL;
	char *version = text ? strstr(text, " /v1.") : NULL;

	if (version && version < strchr(text, '\r')) {
		char *rest = version + strlen(" /v1.");

		rest += strspn(rest, "0123456789");
		memmove(version + 1, rest, strlen(rest) + 1);
	}
	buf_release(&request);
	return text;
}

static bool fits(const char *text, const char *request, const char *with)
{
	return !strncmp(text, request, strlen(request)) && (!with || strstr(text, with));
}

/* Under the lock. */
static const struct engine_route *find_route(struct engine_peer *peer, const char *text)
{
	for (size_t i = 0; i < ROUTES_MAX && peer->routes && peer->routes[i].request; i++) {
		const struct engine_route *route = &peer->routes[i];

		if (!fits(text, route->request, route->with) ||
		    (route->times && peer->used[i] >= route->times))
			continue;
		peer->used[i]++;
		return route;
	}
	for (size_t i = 0; i < ARRAY_LEN(own_routes); i++)
		if (fits(text, own_routes[i].request, NULL))
			return &own_routes[i];
	return NULL;
}

static void send_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		text += sent;
		len -= (size_t)sent;
	}
}

/* Under the lock. */
static void keep(struct engine_peer *peer, int fd)
{
	for (size_t i = 0; i < STAYING_MAX; i++)
		if (peer->staying[i] < 0) {
			peer->staying[i] = fd;
			return;
		}
	require(false, "too many connections remain");
}

static void answer(struct engine_peer *peer, int fd)
{
	static const struct engine_route none = {
		.answer = ENGINE_REFUSES("500 Internal Server Error", "the test has no route"),
	};
	char *text = receive(fd);

	if (!text) {
		close(fd);
		return;
	}
	pthread_mutex_lock(&peer->lock);
	const struct engine_route *route = find_route(peer, text);

	require(peer->count < REQUESTS_MAX, "too many requests");
	peer->requests[peer->count++] = text;
	if (!route && !peer->problem[0])
		snprintf(peer->problem, sizeof(peer->problem), "%.*s", (int)strcspn(text, "\r\n"),
			 text);
	route = route ? route : &none;
	if (route->answer)
		send_all(fd, route->answer);
	if (route->stays)
		keep(peer, fd);
	else
		close(fd);
	pthread_mutex_unlock(&peer->lock);
}

/* ---- the thread ---- */

/* Under the lock. */
static void close_gone(struct engine_peer *peer)
{
	for (size_t i = 0; i < STAYING_MAX; i++) {
		struct pollfd place = { .fd = peer->staying[i], .events = POLLRDHUP };

		if (peer->staying[i] >= 0 && poll(&place, 1, 0) > 0) {
			close(peer->staying[i]);
			peer->staying[i] = -1;
		}
	}
}

static void *run(void *context)
{
	struct engine_peer *peer = context;

	for (;;) {
		int fd = -1;

		pthread_mutex_lock(&peer->lock);
		bool is_over = peer->is_over;

		close_gone(peer);
		if (peer->listener >= 0)
			fd = accept(peer->listener, NULL, NULL);
		struct pollfd place = { .fd = peer->listener, .events = POLLIN };

		pthread_mutex_unlock(&peer->lock);
		if (is_over && fd < 0)
			return NULL;
		if (fd >= 0)
			answer(peer, fd);
		else
			(void)poll(&place, 1, TURN_MS);
	}
}

/* Under the lock, or before there is a thread. */
static void begin_to_listen(struct engine_peer *peer)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	unlink(peer->address.sun_path);
	require(fd >= 0 && bind(fd, (struct sockaddr *)&peer->address, sizeof(peer->address)) == 0,
		"bind");
	require(listen(fd, 64) == 0, "listen");
	peer->listener = fd;
}

struct engine_peer *engine_peer_open(const char *socket, const struct engine_route *routes)
{
	struct engine_peer *peer = memory_array(1, sizeof(*peer));

	peer->address.sun_family = AF_UNIX;
	require(strlen(socket) < sizeof(peer->address.sun_path), "socket path");
	memcpy(peer->address.sun_path, socket, strlen(socket));
	for (size_t i = 0; i < STAYING_MAX; i++)
		peer->staying[i] = -1;
	peer->routes = routes;
	begin_to_listen(peer);
	pthread_mutex_init(&peer->lock, NULL);
	require(pthread_create(&peer->thread, NULL, run, peer) == 0, "thread");
	return peer;
}

/* ---- what the test does ---- */

void engine_peer_route(struct engine_peer *peer, const struct engine_route *routes)
{
	pthread_mutex_lock(&peer->lock);
	peer->routes = routes;
	memset(peer->used, 0, sizeof(peer->used));
	pthread_mutex_unlock(&peer->lock);
}

bool engine_peer_is_heard(struct engine_peer *peer)
{
	bool is_heard = false;

	pthread_mutex_lock(&peer->lock);
	for (size_t i = 0; i < STAYING_MAX; i++)
		is_heard |= peer->staying[i] >= 0;
	pthread_mutex_unlock(&peer->lock);
	return is_heard;
}

void engine_peer_tell(struct engine_peer *peer, const char *bytes)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
	unsigned told = 0;

	while (!told && clock_monotonic_ms() < end_ms) {
		pthread_mutex_lock(&peer->lock);
		for (size_t i = 0; i < STAYING_MAX; i++)
			if (peer->staying[i] >= 0) {
				send_all(peer->staying[i], bytes);
				told++;
			}
		pthread_mutex_unlock(&peer->lock);
		if (!told)
			clock_sleep_ms(1);
	}
	if (!told)
		fail_msg("nobody listens to %s", bytes);
}

/* Under the lock. */
static void end_staying(struct engine_peer *peer)
{
	for (size_t i = 0; i < STAYING_MAX; i++) {
		if (peer->staying[i] >= 0)
			close(peer->staying[i]);
		peer->staying[i] = -1;
	}
}

void engine_peer_drop(struct engine_peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	end_staying(peer);
	pthread_mutex_unlock(&peer->lock);
}

void engine_peer_go_away(struct engine_peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	end_staying(peer);
	close(peer->listener);
	peer->listener = -1;
	unlink(peer->address.sun_path);
	pthread_mutex_unlock(&peer->lock);
}

void engine_peer_come_back(struct engine_peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	begin_to_listen(peer);
	pthread_mutex_unlock(&peer->lock);
}

unsigned engine_peer_count(struct engine_peer *peer, const char *request, const char *with)
{
	unsigned count = 0;

	pthread_mutex_lock(&peer->lock);
	for (size_t i = 0; i < peer->count; i++)
		count += fits(peer->requests[i], request, with);
	pthread_mutex_unlock(&peer->lock);
	return count;
}

const char *engine_peer_last(struct engine_peer *peer, const char *request)
{
	const char *found = "";

	pthread_mutex_lock(&peer->lock);
	for (size_t i = 0; i < peer->count; i++)
		if (fits(peer->requests[i], request, NULL))
			found = peer->requests[i];
	pthread_mutex_unlock(&peer->lock);
	return found;
}

static bool is_of_story(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(own_routes); i++)
		if (fits(text, own_routes[i].request, NULL))
			return false;
	return true;
}

void engine_peer_story(struct engine_peer *peer, struct buf *out)
{
	pthread_mutex_lock(&peer->lock);
	for (; peer->told < peer->count; peer->told++) {
		const char *text = peer->requests[peer->told];
		const char *end = strstr(text, " HTTP/1.1\r\n");
		const char *filters = strstr(text, "filters=");
		size_t len = end ? (size_t)(end - text) : 0;

		if (filters && filters < end)
			len = (size_t)(filters - 1 - text);
		if (is_of_story(text))
			buf_addf(out, "%.*s|", (int)len, text);
	}
	pthread_mutex_unlock(&peer->lock);
}

void engine_peer_close(struct engine_peer *peer)
{
	char problem[sizeof(peer->problem)];

	pthread_mutex_lock(&peer->lock);
	peer->is_over = true;
	pthread_mutex_unlock(&peer->lock);
	require(pthread_join(peer->thread, NULL) == 0, "join");
	end_staying(peer);
	if (peer->listener >= 0)
		close(peer->listener);
	for (size_t i = 0; i < peer->count; i++)
		free(peer->requests[i]);
	text_cut(problem, sizeof(problem), peer->problem);
	pthread_mutex_destroy(&peer->lock);
	free(peer);
	if (problem[0])
		fail_msg("the engine was asked what the test has no route for: %s", problem);
}
