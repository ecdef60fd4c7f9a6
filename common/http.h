#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include <stdint.h>

#include "common/secret.h"

/*
 * http: one exchange, or many at once, over libcurl (the only room that knows
 * it). HTTP/1.1; TLS (1.2 or newer) with verification against SSL_CERT_FILE, or
 * the CA bundle where Debian, RHEL, SUSE or Alpine keep it; proxies by the usual
 * variables (http_proxy, HTTPS_PROXY, NO_PROXY), not for Unix sockets;
 * no redirects (a redirected POST of credentials is a leak); no compression.
 * Any number of 1xx answers (all headers of a try: at most 256 KiB); a
 * connection closed after each answer is fine.
 *
 * Retries: connection failures, 429, 502, 503, 504, 509, with full-jitter
 * backoff from 250 ms to 10 s, or what Retry-After says, as long as the
 * request's time lasts; then the last answer, or the last failure, stands. Only
 * requests with may_repeat are tried again after bytes may have reached the
 * peer, and only they use a kept connection; without it the first status
 * stands, 429 too. A refused connection is always tried again.
 *
 * Secrets are wiped here after use; libcurl's own buffer of the request is a
 * copy that we do not reach. Messages name the method and the host: a path or
 * a query may hold a secret, and so may a header's value.
 * At most 64 connections are open at once; the rest waits, in its own time.
 * A name server that does not answer may hold an exchange past its time, by as
 * much as the resolver's own time-out.
 */

struct http_request {
	const char *method; /* "POST" */
	const char *url;
	const char *const *headers; /* NULL-terminated "Name: value", no line ends; may be NULL */
	struct slice body; /* empty: none (POST sends Content-Length: 0) */
	const char *content_type; /* NULL: application/json when there is a body */
	const char *basic_user; /* with basic_secret: Authorization: Basic */
	const struct secret *basic_secret;
	const struct secret *bearer; /* Authorization: Bearer; wins over Basic */
	bool is_direct; /* through no proxy, whatever the variables say */
	const char *unix_socket; /* path: connect there instead; NULL: by url */
	int64_t timeout_ms; /* for everything, retries included; > 0 */
	int64_t attempt_timeout_ms; /* for one try; 0: as timeout_ms */
	size_t max_answer_bytes; /* a longer body is ERROR_MALFORMED; 0: 16 MiB */
	unsigned max_attempts; /* 0: as many as the time allows; 1: no retry */
	bool may_repeat;
	const char
		*note_header; /* "Api-Version": its value goes to the answer's noted; NULL: none */
};

struct http_answer {
	long status; /* 200, 404, ...: any status is an answer, not an error */
	struct buf body;
	char content_type[96]; /* "" when absent */
	int64_t date_ms; /* the peer's Date header, wall ms; 0 when absent or odd */
	int64_t retry_after_ms; /* 0 when absent; a date is turned into a span */
	char noted[64]; /* of note_header, printable and cut; "" when absent */
	unsigned attempts; /* how many tries it took */
};

struct http; /* opaque: handles and the CA bundle's place */

CHECKED int http_open(const char *user_agent, struct http **out, struct error *err);
void http_close(struct http *http); /* NULL is fine */

/*
 * ERROR_UNREACHABLE (no answer in time; the message ends with libcurl's words),
 * ERROR_MALFORMED (no HTTP, cut short, too long), ERROR_DENIED (TLS:
 * certificate refused), ERROR_CONFIGURATION (the URL is none, or holds a
 * password; a header with a line end; no CA certificates). *answer is
 * overwritten, and released by the caller; after a failure its body is empty.
 */
CHECKED int http_exchange(struct http *http, const struct http_request *request,
			  struct http_answer *answer, struct error *err);

/* All at once, each with its own outcome: errors[i].class is ERROR_NONE on success. */
void http_exchange_all(struct http *http, const struct http_request *requests,
		       struct http_answer *answers, struct error *errors, size_t count);
void http_answer_release(struct http_answer *answer);

#endif
