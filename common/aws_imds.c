#include "common/aws_imds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"

enum {
	ATTEMPT_TIMEOUT_MS = 5000, /* a service that is there answers within milliseconds */
	TOKEN_MAX = 1024,
	URL_ROOM = 768,
};

#define TOKEN_PATH "/latest/api/token"
#define TOKEN_HEADER "X-aws-ec2-metadata-token: "

struct aws_imds {
	struct http *http; /* borrowed */
	char endpoint[AWS_IMDS_ENDPOINT_ROOM]; /* without a slash at its end */
	struct secret token_header; /* "Name: token"; empty: none yet */
	int64_t date_ms, dated_ms; /* the last Date header, and our monotonic clock then; 0: none */
};

/* What the environment says; unset and empty are the same. NOLINTs: one thread. */
static const char *variable(const char *name)
{
	const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe) */

	return value && *value ? value : NULL;
}

bool aws_imds_is_disabled(void)
{
	const char *value = variable("AWS_EC2_METADATA_DISABLED");

	return value && !strcasecmp(value, "true");
}

int aws_imds_endpoint(char out[static AWS_IMDS_ENDPOINT_ROOM], struct error *err)
{
	const char *given = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");

	if (!given && mode && strcasecmp(mode, "IPv4") != 0 && strcasecmp(mode, "IPv6") != 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither IPv4 nor IPv6");
	if (!given)
		given = mode && !strcasecmp(mode, "IPv6") ? "http://[fd00:ec2::254]" :
							    "http://169.254.169.254";
	size_t len = strlen(given);

	while (len && given[len - 1] == '/')
		len--;
	if (text_copy(out, AWS_IMDS_ENDPOINT_ROOM, (struct slice){ given, len }, err) < 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "AWS_EC2_METADATA_SERVICE_ENDPOINT is longer than %d bytes",
				 AWS_IMDS_ENDPOINT_ROOM - 1);
	return 0;
}

int aws_imds_open(struct http *http, struct aws_imds **out, struct error *err)
{
	char endpoint[AWS_IMDS_ENDPOINT_ROOM];

	if (aws_imds_endpoint(endpoint, err) < 0)
		return -1;
	struct aws_imds *imds = memory_array(1, sizeof(*imds));

	imds->http = http;
	memcpy(imds->endpoint, endpoint, sizeof(endpoint));
	*out = imds;
	return 0;
}

void aws_imds_close(struct aws_imds *imds)
{
	if (!imds)
		return;
	secret_release(&imds->token_header);
	free(imds);
}

struct question {
	const char *method, *path;
	const char *header; /* "Name: value" */
	size_t max_answer_bytes;
	int64_t deadline_ms; /* monotonic */
};

static int ask(struct aws_imds *imds, const struct question *question, struct http_answer *answer,
	       struct error *err)
{
	const char *const headers[] = { question->header, NULL };
	int64_t left_ms = question->deadline_ms - clock_monotonic_ms();
	char url[URL_ROOM];
	const struct http_request request = {
		.method = question->method,
		.url = url,
		.headers = headers,
		.timeout_ms = left_ms > 1 ? left_ms : 1,
		.attempt_timeout_ms =
			left_ms > 2 * ATTEMPT_TIMEOUT_MS ? ATTEMPT_TIMEOUT_MS : left_ms / 2 + 1,
		.max_answer_bytes = question->max_answer_bytes,
		.may_repeat = true,
		.is_direct = true,
	};

	if ((size_t)snprintf(url, sizeof(url), "%s%s", imds->endpoint, question->path) >=
	    sizeof(url))
		return error_set(err, ERROR_CONFIGURATION, "%s is too long a path", question->path);
	if (http_exchange(imds->http, &request, answer, err) < 0)
		return -1;
	if (answer->date_ms) {
		imds->date_ms = answer->date_ms;
		imds->dated_ms = clock_monotonic_ms();
	}
	return 0;
}

int64_t aws_imds_now_ms(const struct aws_imds *imds)
{
	return imds->date_ms ? imds->date_ms + clock_monotonic_ms() - imds->dated_ms : 0;
}

static int judge(const struct http_answer *answer, const char *what, struct error *err)
{
	switch (answer->status) {
	case 200:
		return 0;
	case 404:
		return error_set(err, ERROR_NOT_FOUND, "the metadata service has no %s (404)",
				 what);
	case 401:
	case 403:
		return error_set(
			err, ERROR_DENIED, "the metadata service refused to tell %s: status %ld%s",
			what, answer->status,
			answer->status == 403 ? " (is HttpEndpoint disabled for this instance?)" :
						"");
	default:
		return error_set(err, answer->status >= 500 ? ERROR_UNREACHABLE : ERROR_MALFORMED,
				 "the metadata service answered with status %ld when asked for %s",
				 answer->status, what);
	}
}

/* What would make two headers of it is no token. */
int aws_imds_token_header(struct slice answer, struct secret *out, struct error *err)
{
	SCOPED(buf) struct buf header = BUF(TOKEN_MAX + sizeof(TOKEN_HEADER));
	bool is_token = answer.len && answer.len <= TOKEN_MAX;

	for (size_t i = 0; i < answer.len; i++)
		is_token = is_token && answer.ptr[i] && !strchr("\r\n\t ", answer.ptr[i]);
	if (!is_token)
		return error_set(err, ERROR_MALFORMED,
				 "the metadata service gave no session token");
	buf_addf(&header, TOKEN_HEADER);
	buf_add(&header, answer);
	secret_release(out);
	return secret_copy(out, buf_slice(&header), err);
}

static int take_token(struct aws_imds *imds, const struct http_answer *answer, struct error *err)
{
	/* A 404 here says that this is no such service, not that there is nothing to be had. */
	if (answer->status == 404)
		return error_set(err, ERROR_MALFORMED,
				 "what answers at %s gives no IMDSv2 session token (404)",
				 imds->endpoint);
	if (judge(answer, "a session token", err) < 0)
		return -1;
	return aws_imds_token_header(buf_slice(&answer->body), &imds->token_header, err);
}

static int fetch_token(struct aws_imds *imds, int64_t deadline_ms, struct error *err)
{
	const struct question question = { .method = "PUT",
					   .path = TOKEN_PATH,
					   .header = AWS_IMDS_LIFETIME_HEADER,
					   .max_answer_bytes = TOKEN_MAX,
					   .deadline_ms = deadline_ms };
	SCOPED(http_answer) struct http_answer answer = { 0 };

	secret_release(&imds->token_header);
	if (ask(imds, &question, &answer, err) < 0)
		return error_wrap(err, "metadata service");
	return take_token(imds, &answer, err);
}

static int get(struct aws_imds *imds, const struct question *plain, struct http_answer *answer,
	       struct error *err)
{
	struct question question = *plain;

	if (!imds->token_header.len && fetch_token(imds, question.deadline_ms, err) < 0)
		return -1;
	question.header = secret_text(&imds->token_header);
	if (ask(imds, &question, answer, err) < 0)
		return error_wrap(err, "metadata service");
	return 0;
}

int aws_imds_get(struct aws_imds *imds, const char *path, int64_t timeout_ms, struct buf *out,
		 struct error *err)
{
	SCOPED(http_answer) struct http_answer answer = { 0 };
	const struct question question = { .method = "GET",
					   .path = path,
					   .max_answer_bytes = out->limit - out->len,
					   .deadline_ms = clock_monotonic_ms() + timeout_ms };

	if (get(imds, &question, &answer, err) < 0)
		return -1;
	if (answer.status == 401) {
		http_answer_release(&answer);
		secret_release(&imds->token_header);
		if (get(imds, &question, &answer, err) < 0)
			return -1;
	}
	if (judge(&answer, path, err) < 0)
		return -1;
	buf_add(out, buf_slice(&answer.body));
	return buf_finish(out, err);
}
