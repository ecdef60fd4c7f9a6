#include "tests/unit/support/http_call.h"

#include <stdio.h>
#include <stdlib.h>

struct http *http_call;

int http_call_open(void **state)
{
	static const char *const variables[] = { "http_proxy", "https_proxy",  "HTTPS_PROXY",
						 "all_proxy",  "ALL_PROXY",    "no_proxy",
						 "NO_PROXY",   "SSL_CERT_FILE" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		unsetenv(variables[i]);
	if (http_open("mayfly-test/1", &http_call, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.message);
	return -1;
}

int http_call_close(void **state)
{
	(void)state;
	http_close(http_call);
	http_close(NULL);
	return 0;
}

struct http_request http_call_post(const char *base)
{
	static char urls[8][128];
	static unsigned next;
	char *url = urls[next++ % 8];

	snprintf(url, sizeof(urls[0]), "%s/x", base);
	return (struct http_request){ .method = "POST",
				      .url = url,
				      .body = slice_of("{\"n\":1}"),
				      .timeout_ms = HTTP_CALL_MS };
}
