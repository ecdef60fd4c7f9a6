#include "tests/unit/support/api_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/buf.h"

enum { STEPS_MAX = 64, REQUEST_MAX = 1 << 20, ANSWER_MAX = 8 << 20 };

struct api_peer {
	const struct api_step *steps;
	size_t count;
	int listener;
	unsigned port;
	pthread_t thread;
	pthread_mutex_t lock; /* over what follows */
	struct buf requests[STEPS_MAX];
	size_t calls;
	char problem[256]; /* the first call that the script does not have */
};

static void die(const char *what)
{
	perror(what);
	abort();
}

static size_t body_len(const char *head)
{
	const char *found = strcasestr(head, "\r\nContent-Length:");

	return found ? strtoul(found + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* Head and body, or what came before the other side hung up. */
static void receive(int fd, struct buf *request)
{
	char part[65536];

	for (;;) {
		const char *end = strstr(buf_text(request), "\r\n\r\n");

		if (end) {
			size_t head = (size_t)(end - buf_text(request)) + 4;

			if (request->len >= head + body_len(buf_text(request)))
				return;
		}
		ssize_t got = recv(fd, part, sizeof(part), 0);

		if (got <= 0)
			return;
		buf_add(request, (struct slice){ part, (size_t)got });
	}
}

static void send_all(int fd, struct slice bytes)
{
	while (bytes.len) {
		ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		bytes = (struct slice){ bytes.ptr + sent, bytes.len - (size_t)sent };
	}
}

static void make_body(const struct api_step *step, struct buf *body)
{
	int status = step->status ? step->status : 200;

	if (step->body) {
		buf_add(body, slice_of(step->body));
		return;
	}
	buf_addf(body,
		 "{\"meta\":{\"id\":\"1\",\"trx\":\"1\",\"endpoint\":{\"name\":\"%s\"},"
		 "\"result_code\":%d,\"result_subcode\":%d,\"result_msg\":\"%s\","
		 "\"error_stack\":null,\"error_data\":{}},\"data\":%s}",
		 step->endpoint, status, step->subcode, step->message ? step->message : "OK",
		 step->data ? step->data : "{}");
}

static void answer(int fd, const struct api_step *step)
{
	struct buf body = BUF(ANSWER_MAX), all = BUF(ANSWER_MAX);

	make_body(step, &body);
	buf_addf(&all, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s%s",
		 step->status ? step->status : 200, step->type ? step->type : "application/json",
		 body.len, step->header ? step->header : "", step->header ? "\r\n" : "");
	buf_addf(&all, "Connection: close\r\n\r\n");
	buf_add(&all, (struct slice){ buf_text(&body), step->cut ? step->cut : body.len });
	send_all(fd, buf_slice(&all));
	buf_release(&body);
	buf_release(&all);
}

static bool is_for(const struct buf *request, const char *endpoint)
{
	const char *line_end = strstr(buf_text(request), " HTTP/1.1\r\n");
	size_t len = strlen(endpoint);

	return line_end && line_end - buf_text(request) > (ptrdiff_t)len &&
	       line_end[-(ptrdiff_t)len - 1] == '/' && memcmp(line_end - len, endpoint, len) == 0;
}

/* The step that this request is for; NULL: it is out of turn. */
static const struct api_step *take_step(struct api_peer *peer, struct buf *request)
{
	const struct api_step *step = NULL;

	pthread_mutex_lock(&peer->lock);
	if (peer->calls < peer->count && is_for(request, peer->steps[peer->calls].endpoint)) {
		step = &peer->steps[peer->calls];
		peer->requests[peer->calls] = *request;
		*request = BUF(REQUEST_MAX);
	} else if (!peer->problem[0]) {
		snprintf(peer->problem, sizeof(peer->problem), "call %zu, %s expected: %.100s",
			 peer->calls,
			 peer->calls < peer->count ? peer->steps[peer->calls].endpoint : "none",
			 buf_text(request));
	}
	peer->calls++;
	pthread_mutex_unlock(&peer->lock);
	return step;
}

static void serve(struct api_peer *peer, int fd)
{
	static const struct api_step out_of_turn = { .endpoint = "", .status = 500 };
	struct buf request = BUF(REQUEST_MAX);

	receive(fd, &request);
	if (request.len) {
		const struct api_step *step = take_step(peer, &request);

		answer(fd, step ? step : &out_of_turn);
	}
	buf_release(&request);
	close(fd);
}

static void *run(void *argument)
{
	struct api_peer *peer = argument;

	for (;;) {
		int fd = accept(peer->listener, NULL, NULL);

		if (fd < 0)
			return NULL; /* shut down by api_peer_close() */
		serve(peer, fd);
	}
}

struct api_peer *api_peer_open(const struct api_step *steps, size_t count)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	struct api_peer *peer = memory_array(1, sizeof(*peer));

	assert_true(count <= STEPS_MAX);
	peer->steps = steps;
	peer->count = count;
	pthread_mutex_init(&peer->lock, NULL);
	peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (peer->listener < 0 ||
	    bind(peer->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(peer->listener, 16) < 0 ||
	    getsockname(peer->listener, (struct sockaddr *)&address, &len) < 0)
		die("listen on loopback");
	peer->port = ntohs(address.sin_port);
	if (pthread_create(&peer->thread, NULL, run, peer) != 0)
		die("start a thread");
	return peer;
}

unsigned api_peer_port(const struct api_peer *peer)
{
	return peer->port;
}

const char *api_peer_request(struct api_peer *peer, size_t i)
{
	pthread_mutex_lock(&peer->lock);
	const char *text = i < peer->calls && i < STEPS_MAX ? buf_text(&peer->requests[i]) : "";

	pthread_mutex_unlock(&peer->lock);
	return text;
}

size_t api_peer_calls(struct api_peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	size_t calls = peer->calls;

	pthread_mutex_unlock(&peer->lock);
	return calls;
}

void api_peer_close(struct api_peer *peer)
{
	char problem[sizeof(peer->problem)];

	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
	memcpy(problem, peer->problem, sizeof(problem));
	size_t calls = peer->calls, count = peer->count;

	for (size_t i = 0; i < STEPS_MAX; i++)
		buf_release(&peer->requests[i]);
	pthread_mutex_destroy(&peer->lock);
	free(peer);
	if (problem[0])
		fail_msg("not in the script: %s", problem);
	if (calls != count)
		fail_msg("%zu calls were made, the script has %zu", calls, count);
}
