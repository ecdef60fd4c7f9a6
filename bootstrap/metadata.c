#include "bootstrap/metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/aws_imds.h"
#include "common/envelope.h"
#include "common/http.h"

enum {
	ASK_TIMEOUT_MS = 60000,
	ATTEMPT_TIMEOUT_MS = 5000, /* a service that is there answers within milliseconds */
	URL_ROOM = 512,
};

struct question {
	const char *method, *path;
	const char *header; /* "Name: value" */
	const char *note_header; /* NULL: none */
	size_t max_answer_bytes;
};

static int ask(struct http *http, const char *endpoint, const struct question *question,
	       struct http_answer *answer, struct error *err)
{
	const char *const headers[] = { question->header, NULL };
	char url[URL_ROOM];
	const struct http_request request = {
		.method = question->method,
		.url = url,
		.headers = headers,
		.timeout_ms = ASK_TIMEOUT_MS,
		.attempt_timeout_ms = ATTEMPT_TIMEOUT_MS,
		.max_answer_bytes = question->max_answer_bytes,
		.note_header = question->note_header,
		.may_repeat = true,
		.is_direct = true,
	};

	if ((size_t)snprintf(url, sizeof(url), "%s%s", endpoint, question->path) >= sizeof(url))
		return error_set(err, ERROR_CONFIGURATION,
				 "the metadata service's address is too long");
	return http_exchange(http, &request, answer, err);
}

static int no_user_data(struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "this instance has no user data");
}

static int judge(const struct http_answer *answer, struct error *err)
{
	switch (answer->status) {
	case 200:
		return 0;
	case 404:
		return no_user_data(err);
	case 401:
	case 403:
		return error_set(err, ERROR_DENIED,
				 "the metadata service refused to tell the user data: status %ld",
				 answer->status);
	default:
		return error_set(err, answer->status >= 500 ? ERROR_UNREACHABLE : ERROR_MALFORMED,
				 "the metadata service answered with status %ld when asked for "
				 "the user data",
				 answer->status);
	}
}

static int take(const struct http_answer *answer, struct buf *out, struct error *err)
{
	if (judge(answer, err) < 0)
		return -1;
	buf_add(out, buf_slice(&answer->body));
	return buf_finish(out, err);
}

/* ---- aws ---- */

static int aws_user_data(struct http *http, struct buf *out, struct error *err)
{
	struct aws_imds *imds = NULL;

	if (aws_imds_open(http, &imds, err) < 0)
		return -1;
	int result = aws_imds_get(imds, "/latest/user-data", ASK_TIMEOUT_MS, out, err);

	aws_imds_close(imds);
	if (result < 0 && err->class == ERROR_NOT_FOUND)
		return no_user_data(err);
	return result;
}

/* ---- gcp ---- */

static int gcp_endpoint(char out[static URL_ROOM], struct error *err)
{
	const char *host = getenv("GCE_METADATA_HOST");

	if (!host || !*host)
		host = "metadata.google.internal";
	if ((size_t)snprintf(out, URL_ROOM, "http://%s", host) >= URL_ROOM)
		return error_set(err, ERROR_CONFIGURATION, "GCE_METADATA_HOST is too long");
	return 0;
}

static int gcp_user_data(struct http *http, struct buf *out, struct error *err)
{
	const struct question question = {
		.method = "GET",
		.path = "/computeMetadata/v1/instance/attributes/user-data",
		.header = "Metadata-Flavor: Google",
		.note_header = "Metadata-Flavor",
		.max_answer_bytes = ENVELOPE_FILE_BYTES,
	};
	struct http_answer answer = { 0 };
	char endpoint[URL_ROOM];

	if (gcp_endpoint(endpoint, err) < 0)
		return -1;
	int result = ask(http, endpoint, &question, &answer, err);

	if (!result && strcmp(answer.noted, "Google") != 0)
		result = error_set(err, ERROR_MALFORMED,
				   "what answers as %s is not Google's metadata service",
				   endpoint + strlen("http://"));
	if (!result)
		result = take(&answer, out, err);
	http_answer_release(&answer);
	return result;
}

/* ---- all ---- */

static const struct service {
	const char *provider;
	int (*user_data)(struct http *http, struct buf *out, struct error *err);
} services[] = {
	{ "aws", aws_user_data },
	{ "gcp", gcp_user_data },
};

static const struct service *service_of(const char *provider)
{
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		if (!strcmp(services[i].provider, provider))
			return &services[i];
	return NULL;
}

bool metadata_has(const char *provider)
{
	return service_of(provider) != NULL;
}

int metadata_user_data(const char *provider, struct buf *out, struct error *err)
{
	const struct service *service = service_of(provider);
	struct http *http = NULL;

	if (!service)
		return error_set(err, ERROR_NOT_FOUND, "provider %s has no metadata service",
				 provider);
	if (http_open("mayfly-bootstrap/" MAYFLY_VERSION, &http, err) < 0)
		return -1;
	int result = service->user_data(http, out, err);

	http_close(http);
	return result;
}
