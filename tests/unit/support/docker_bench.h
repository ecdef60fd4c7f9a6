#ifndef TESTS_UNIT_SUPPORT_DOCKER_BENCH_H
#define TESTS_UNIT_SUPPORT_DOCKER_BENCH_H

#include "bootstrap/docker.h"
#include "tests/unit/support/http_peer.h"
#include "tests/unit/support/scratch.h"

/* docker_bench: an engine by script at a socket of its own, and our client of it. */

#define CLOSE "Connection: close\r\n\r\n"
#define SAYS(body) "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" CLOSE body
#define DONE "HTTP/1.1 204 No Content\r\n\r\n"
#define REFUSES(line, words) "HTTP/1.1 " line "\r\n" CLOSE "{\"message\":\"" words "\"}\n"
#define CHUNKS "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define PING(version)                                                       \
	{                                                                   \
		.expect = { "GET /_ping HTTP/1.1\r\n" },                    \
		.answer = "HTTP/1.1 200 OK\r\nApi-Version: " version "\r\n" \
			  "Content-Length: 2\r\n\r\nOK"                     \
	}

struct docker_bench {
	char folder[SCRATCH_ROOM], socket[2 * SCRATCH_ROOM];
	struct http_peer peer;
	struct docker *docker;
};

/* The script begins with a ping of API version; the steps follow, up to the first one without an
 * expectation (or to count). */
struct docker_bench docker_bench_begin(const char *version, const struct http_step *steps,
				       size_t count);
void docker_bench_end(struct docker_bench *bench, const char *when); /* all was played */

/* Fails the test unless the error is of this class and its message holds words (NULL: none). */
void docker_bench_check(const char *when, int result, const struct error *err,
			enum error_class class, const char *words);

#endif
