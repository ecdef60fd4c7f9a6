#ifndef COMMON_HTTP_WIRE_H
#define COMMON_HTTP_WIRE_H

#include <curl/curl.h>

#include "common/http_header.h"

/*
 * http_wire: one libcurl handle made ready for one request, and what libcurl
 * says of its failures. Private to http.c and http_stream.c, which take the
 * body and the time each in its own way.
 */

struct http {
	CURLM *multi; /* of http.c; a stream has one of its own */
	char *user_agent;
	char *ca_file; /* NULL: none was found */
};

struct http_wire {
	const struct http *http;
	const struct http_request *request; /* borrowed by http_wire_prepare() alone */
	CURL *easy;
	struct curl_slist *lines;
	struct http_headers headers; /* of the answer that arrives */
	size_t header_bytes;
	size_t answer_max; /* bytes of a body; 0: no limit */
	bool is_too_long; /* set by whoever takes the body, or here for the headers */
	char words[CURL_ERROR_SIZE]; /* libcurl's, of the last try */
	char target[160]; /* "POST https://host": a path or query may hold a secret */
};

/*
 * *wire is overwritten, and must stay where it is until it is released, after a
 * failure too. The body is borrowed, everything else is copied. The body is
 * given to take(context, ...), which is one of libcurl's. ERROR_CONFIGURATION,
 * ERROR_SYSTEM.
 */
struct http_wire_plan {
	const struct http *http;
	const struct http_request *request;
	size_t answer_max;
	curl_write_callback take;
	void *context;
};
CHECKED int http_wire_prepare(struct http_wire *wire, const struct http_wire_plan *plan,
			      struct error *err);
void http_wire_reset(struct http_wire *wire); /* before each try */

/* Fills *err with what came of the last try; code is not CURLE_OK. */
void http_wire_tell(struct http_wire *wire, CURLcode code, unsigned tries, struct error *err);
void http_wire_release(struct http_wire *wire); /* wipes what may be secret */

#endif
