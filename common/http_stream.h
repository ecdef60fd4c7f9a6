#ifndef COMMON_HTTP_STREAM_H
#define COMMON_HTTP_STREAM_H

#include "common/http.h"

/*
 * http_stream: an answer that is read while it comes, over the same libcurl
 * room and by the same rules (TLS, headers, wiping) as http.h, and without ever
 * waiting: for a pull that takes minutes, or events that have no end, beside
 * a loop that must go on. One try, no retry. The caller turns it; each turn
 * takes in what has arrived and hands it on, in pieces cut anywhere.
 *
 * Of the request: timeout_ms is the time from the first turn until the answer's status
 * line (0: no limit), attempt_timeout_ms the longest silence after it (0: no limit),
 * max_answer_bytes the most that the body may have in all (0: no limit);
 * max_attempts, may_repeat and note_header mean nothing here. The request, its headers and
 * body, is copied: it may go when http_stream_open() returns. The http must
 * outlive its streams.
 */

struct http_stream; /* opaque */

/* The bytes are borrowed for the call. Called by http_stream_turn() alone; it may ask for the
 * status, and must neither turn nor close the stream. Not NULL. */
typedef void http_stream_sink(void *context, struct slice bytes);

CHECKED int http_stream_open(struct http *http, const struct http_request *request,
			     http_stream_sink *sink, void *context, struct http_stream **out,
			     struct error *err);

/*
 * Never blocks. *has_ended: the answer is whole (its status is in
 * http_stream_status(), its body was handed to the sink). -1: it broke, with
 * the classes of http_exchange(); the stream stays broken.
 */
CHECKED int http_stream_turn(struct http_stream *stream, bool *has_ended, struct error *err);

long http_stream_status(const struct http_stream *stream); /* 0: no status line yet */
void http_stream_close(struct http_stream *stream); /* at any time; NULL is fine */

#endif
