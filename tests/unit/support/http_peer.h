#ifndef TESTS_UNIT_SUPPORT_HTTP_PEER_H
#define TESTS_UNIT_SUPPORT_HTTP_PEER_H

#include <stddef.h>
#include <sys/types.h>

/*
 * http_peer: a scripted HTTP peer in a process of its own. It answers the n-th
 * request, on whatever connection it comes, by the n-th step. A request that
 * does not look as its step expects, one without a step, and a step without a
 * request each fail the test in http_peer_finish().
 * Leaves out: chunked requests, TLS, more than 16 connections at a time.
 */

enum http_after {
	HTTP_CLOSES,
	HTTP_KEEPS, /* the connection stays for the next request */
	HTTP_RESETS, /* TCP RST instead of an orderly end */
	HTTP_HANGS, /* nothing more is sent, until the client goes */
	HTTP_DRIPS, /* the answer in single bytes, again and again, until the client goes */
	HTTP_FLOODS, /* the same at full speed */
	HTTP_OPENS_LATER, /* closes, and from now on listens on later_port, too */
};

struct http_step {
	const char *expect[4]; /* each occurs in the request's head and body */
	const char *refuse; /* does not occur; NULL: nothing is refused */
	const char *answer; /* NULL: no bytes */
	size_t piece; /* the answer is sent so many bytes at a time; 0: at once */
	enum http_after after;
};

enum { HTTP_PEER_STEPS_MAX = 16 };

struct http_peer {
	pid_t pid;
	int control, report; /* pipes: a byte ends it, what it complains of */
	char url[64]; /* "http://127.0.0.1:PORT" */
	int later_port; /* refuses connections until HTTP_OPENS_LATER */
};

/* unix_socket: a path to listen at instead of TCP; NULL: TCP. */
struct http_peer http_peer_start(const struct http_step *steps, size_t count,
				 const char *unix_socket);

/* Ends the peer; fails the test unless all went by the script. */
void http_peer_finish(struct http_peer *peer, const char *when);

/* SIGKILL: what it was about to say, or to complain of, is lost. Instead of finishing it. */
void http_peer_kill(struct http_peer *peer);

#endif
