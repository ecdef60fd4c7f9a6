#include "bootstrap/bundle_source.h"

#include <string.h>

#include "bootstrap/aws_store.h"
#include "common/file.h"
#include "common/http.h"

enum { FETCH_TIMEOUT_MS = 120000, ATTEMPT_TIMEOUT_MS = 20000 };

struct request {
	const char *place; /* the source, behind the words of its kind */
	const char *source; /* the whole of it */
	const struct envelope *envelope;
};

static int read_inline(const struct request *request, struct buf *out, struct error *err)
{
	if (!request->envelope->bundle.len)
		return error_set(err, ERROR_NOT_FOUND,
				 "the ticket says that it brings its bundle, and brings none");
	buf_add(out, buf_slice(&request->envelope->bundle));
	return buf_finish(out, err);
}

static int read_local(const struct request *request, struct buf *out, struct error *err)
{
	return file_read(request->place, out, err);
}

/* (The path may hold a signature that lets its bearer in.) */
static int judge(const struct http_answer *answer, struct error *err)
{
	switch (answer->status) {
	case 200:
		return 0;
	case 401:
	case 403:
		return error_set(err, ERROR_DENIED, "its server refused it: status %ld",
				 answer->status);
	case 404:
	case 410:
		return error_set(err, ERROR_NOT_FOUND, "its server has no such file: status %ld",
				 answer->status);
	default:
		return error_set(err, answer->status >= 500 ? ERROR_UNREACHABLE : ERROR_REFUSED,
				 "its server answered with status %ld%s", answer->status,
				 answer->status / 100 == 3 ? " (redirects are not followed)" : "");
	}
}

static int fetch(struct http *http, const struct request *request, struct buf *out,
		 struct error *err)
{
	const struct http_request get = {
		.method = "GET",
		.url = request->source,
		.timeout_ms = FETCH_TIMEOUT_MS,
		.attempt_timeout_ms = ATTEMPT_TIMEOUT_MS,
		.max_answer_bytes = ENVELOPE_BUNDLE_BYTES,
		.may_repeat = true,
	};
	struct http_answer answer = { 0 };
	int result = http_exchange(http, &get, &answer, err);

	if (!result)
		result = judge(&answer, err);
	if (!result) {
		buf_add(out, buf_slice(&answer.body));
		result = buf_finish(out, err);
	}
	http_answer_release(&answer);
	return result;
}

static int read_https(const struct request *request, struct buf *out, struct error *err)
{
	struct http *http = NULL;

	if (http_open("mayfly-bootstrap/" MAYFLY_VERSION, &http, err) < 0)
		return -1;
	int result = fetch(http, request, out, err);

	http_close(http);
	return result;
}

static int read_object(const struct request *request, struct buf *out, struct error *err)
{
	return aws_store_object(request->place, out, err);
}

static int read_secret(const struct request *request, struct buf *out, struct error *err)
{
	return aws_store_secret(request->place, out, err);
}

static const struct {
	const char *kind;
	int (*read)(const struct request *request, struct buf *out, struct error *err);
} places[] = {
	{ "inline", read_inline },
	{ "file:", read_local },
	{ "https://", read_https },
	{ "s3://", read_object },
	{ "aws-secretsmanager:", read_secret },
};

int bundle_source_read(const struct ticket_bundle *bundle, const struct envelope *envelope,
		       struct buf *out, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		size_t len = strlen(places[i].kind);
		const struct request request = { bundle->source + len, bundle->source, envelope };

		if (!strncmp(bundle->source, places[i].kind, len))
			return places[i].read(&request, out, err);
	}
	return error_set(err, ERROR_CONFIGURATION,
			 "bundle.source: expected inline, file:/path, https://..., s3://bucket/key "
			 "or aws-secretsmanager:name, got %.60s",
			 bundle->source);
}
