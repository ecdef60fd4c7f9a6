#ifndef TESTS_UNIT_SUPPORT_ENGINE_PEER_H
#define TESTS_UNIT_SUPPORT_ENGINE_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

/*
 * engine_peer: a container engine by routes, in a thread of the test program: for what asks it
 * many things in an order that is none of the test's business (docker_bench.h is the one by
 * script). A request gets the first route that fits it and is not used up. Ping, version, info and
 * events are answered where no route says otherwise; whatever else has none is answered with 500
 * and fails the test at the close. Leaves out: keep-alive, chunked requests.
 */

#define ENGINE_CLOSES "Connection: close\r\n\r\n"
#define ENGINE_SAYS(body) "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" ENGINE_CLOSES body
#define ENGINE_CREATED \
	"HTTP/1.1 201 Created\r\n" ENGINE_CLOSES "{\"Id\":\"c0ffee\",\"Warnings\":[]}"
#define ENGINE_DONE "HTTP/1.1 204 No Content\r\n" ENGINE_CLOSES
#define ENGINE_REFUSES(line, words) \
	"HTTP/1.1 " line "\r\n" ENGINE_CLOSES "{\"message\":\"" words "\"}\n"
#define ENGINE_NO_IMAGE ENGINE_REFUSES("404 Not Found", "No such image")
#define ENGINE_IMAGE(architecture)                                                       \
	ENGINE_SAYS("{\"Id\":\"sha256:1\",\"Architecture\":\"" architecture "\",\"Os\":" \
		    "\"linux\",\"Size\":1}")

struct engine_route {
	const char *request; /* how it begins, without the API version: "GET /images/a/json" */
	const char *with; /* occurs in it, head or body; NULL: whatever */
	const char *answer; /* all of it; NULL: it hangs up without one */
	unsigned times; /* then the next route that fits; 0: always */
	bool stays; /* the connection remains, for engine_peer_tell() */
};

struct engine_peer;

/* routes: up to one without a request; borrowed until others come, or the close. */
struct engine_peer *engine_peer_open(const char *socket, const struct engine_route *routes);
void engine_peer_route(struct engine_peer *peer, const struct engine_route *routes);

bool engine_peer_is_heard(struct engine_peer *peer); /* a connection remains */
/* To all whose connections remain; waits until there is one. */
void engine_peer_tell(struct engine_peer *peer, const char *bytes);
void engine_peer_drop(struct engine_peer *peer); /* these end, as by a restart */
void engine_peer_go_away(struct engine_peer *peer); /* the socket, too */
void engine_peer_come_back(struct engine_peer *peer);

/* How many requests so far began so and had this in them (NULL: whatever). */
unsigned engine_peer_count(struct engine_peer *peer, const char *request, const char *with);
/* Head and body of the last one that began so; "" when there was none. Good until the close. */
const char *engine_peer_last(struct engine_peer *peer, const char *request);
/* "GET /x|POST /y?z|": all since the last time, without queries that filter, and without the calls
 * that every meeting makes. */
void engine_peer_story(struct engine_peer *peer, struct buf *out);

void engine_peer_close(struct engine_peer *peer);

#endif
