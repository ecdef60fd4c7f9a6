#ifndef TESTS_UNIT_SUPPORT_HTTP_CALL_H
#define TESTS_UNIT_SUPPORT_HTTP_CALL_H

#include "common/http.h"

/* http_call: what the tests of http share: a client, a request, answers for a peer to give. */

/* Answers with a status line; the first one says its end by closing. */
#define OK(body) \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" body
#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n\r\n"

enum { HTTP_CALL_MS = 60000 }; /* longer than any test that passes */

extern struct http *http_call;

/* For cmocka_run_group_tests(). The host's own proxy variables are taken away. */
int http_call_open(void **state);
int http_call_close(void **state);

/* A POST of {"n":1} to BASE/x; good until the eighth call from now. */
struct http_request http_call_post(const char *base);

#endif
