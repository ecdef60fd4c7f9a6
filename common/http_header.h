#ifndef COMMON_HTTP_HEADER_H
#define COMMON_HTTP_HEADER_H

#include "common/http.h"

/* http_header: the header lines that http.c sends and receives. Private to http*.c. */

struct http_headers {
	const char
		*noted_name; /* of the header whose value is kept; NULL: none. Set by the caller */
	char noted[sizeof(((struct http_answer *)NULL)->noted)];
	char content_type[sizeof(((struct http_answer *)NULL)->content_type)];
	int64_t date_ms; /* 0: absent or odd */
	int64_t retry_after_ms; /* 0: absent, odd, or a date */
	int64_t retry_at_ms; /* 0: absent, odd, or a span */
};

/* Takes one line as it was received, line end and all. A status line begins another answer:
 * what an interim one (1xx) said is forgotten. */
void http_header_read(struct http_headers *headers, struct slice line);

/* What Retry-After asks for: 0 when absent. A date counts from the peer's own Date header, or
 * from wall_ms when there is none. */
int64_t http_header_wait_ms(const struct http_headers *headers, int64_t wall_ms);

/* Upper-case letters. ERROR_CONFIGURATION. */
CHECKED int http_header_check_method(const char *method, struct error *err);

/* "Name: value" with a value, without control codes: a line end in it would be another header.
 * ERROR_CONFIGURATION; the value, perhaps a secret, is not repeated. */
CHECKED int http_header_check(const char *header, struct error *err);

/* Whether a NULL-terminated list, or NULL, holds a header of that name. */
bool http_header_is_given(const char *const *headers, const char *name);

/* The Authorization line that the request asks for; empty when it asks for none. */
CHECKED int http_header_authorize(const struct http_request *request, struct secret *out,
				  struct error *err);

#endif
