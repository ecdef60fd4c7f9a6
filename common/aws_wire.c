#include "common/aws_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/hash.h"

enum {
	/* AWS allows five minutes, S3 fifteen (IAM User Guide, "Troubleshoot SigV4"). */
	SKEW_MAX_MS = 4 * 60 * 1000,
	URL_MAX = 16 << 10,
	HEADER_MAX = 16 << 10,
	LINES_MAX = 8,
	LINE_ROOM = 256,
};

#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"

/* One request made ready. What http_request borrows lives here. */
struct letter {
	struct buf url, path; /* path: as it is sent, the endpoint's own before ours */
	char host[LINE_ROOM], date[LINE_ROOM], hash[LINE_ROOM], target[LINE_ROOM], type[LINE_ROOM];
	struct buf token, authorization; /* header lines; a buf is wiped when released */
	const char *lines[LINES_MAX];
	size_t count;
	int64_t now_ms; /* it was signed at */
	struct http_request request;
};

static int64_t now_ms(const struct aws_wire *wire)
{
	return clock_wall_ms() + *wire->offset_ms;
}

static void letter_release(struct letter *letter)
{
	buf_release(&letter->url);
	buf_release(&letter->path);
	buf_release(&letter->token);
	buf_release(&letter->authorization);
}

/* --- Where to. */

/* The host as libcurl would name it: without the scheme's own port. */
static struct slice authority_of(const char *endpoint, struct slice *base)
{
	const char *scheme_end = strstr(endpoint, "://");
	const char *host = scheme_end ? scheme_end + 3 : endpoint;
	size_t len = strcspn(host, "/?#");
	const char *port = !strncmp(endpoint, "https:", 6) ? ":443" : ":80";
	size_t port_len = strlen(port);

	*base = slice_of(host + len);
	if (len > port_len && !memcmp(host + len - port_len, port, port_len))
		len -= port_len;
	return (struct slice){ host, len };
}

static int address(struct letter *letter, const struct aws_wire_call *call, struct error *err)
{
	const char *endpoint = call->endpoint, *query = call->request->query;
	struct slice base, authority = authority_of(endpoint, &base);

	if (strncmp(endpoint, "http://", 7) != 0 && strncmp(endpoint, "https://", 8) != 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "the endpoint of %s begins with neither http:// nor https://: see "
				 "AWS_ENDPOINT_URL, and endpoint_url of the profile",
				 call->request->service);
	letter->path = BUF(URL_MAX);
	letter->url = BUF(URL_MAX);
	buf_add(&letter->path, base);
	aws_sign_encode(slice_of(call->request->path), "/", &letter->path);
	buf_add(&letter->url, (struct slice){ endpoint, strlen(endpoint) - base.len });
	buf_add(&letter->url, buf_slice(&letter->path));
	if (query && *query)
		buf_addf(&letter->url, "?%s", query);
	if (snprintf(letter->host, LINE_ROOM, "Host: %.*s", (int)authority.len, authority.ptr) >=
	    LINE_ROOM)
		return error_set(err, ERROR_CONFIGURATION, "the endpoint of %s is too long",
				 call->request->service);
	return buf_finish(&letter->url, err);
}

/* --- Lines. */

static void add_line(struct letter *letter, const char *line)
{
	letter->lines[letter->count++] = line;
}

static const char *type_of(const struct aws_request *request)
{
	if (request->content_type || !request->body.len)
		return request->content_type;
	return FORM_TYPE;
}

/* Every line that is signed. */
static int add_lines(struct letter *letter, const struct aws_wire *wire,
		     const struct aws_request *request, struct error *err)
{
	char time[AWS_TIME_ROOM], digest[HASH_SHA256_ROOM];
	int target_len = 0;

	add_line(letter, letter->host);
	if (request->target) {
		target_len =
			snprintf(letter->target, LINE_ROOM, "X-Amz-Target: %s", request->target);
		add_line(letter, letter->target);
	}
	if (target_len >= LINE_ROOM)
		return error_set(err, ERROR_CONFIGURATION, "the target of a request is too long");
	if (!wire->keys)
		return 0;
	aws_sign_time(letter->now_ms, time);
	(void)snprintf(letter->date, LINE_ROOM, "X-Amz-Date: %s", time);
	add_line(letter, letter->date);
	if (!strcmp(request->service, "s3")) {
		hash_sha256(request->body, digest);
		(void)snprintf(letter->hash, LINE_ROOM, "X-Amz-Content-Sha256: %s", digest);
		add_line(letter, letter->hash);
	}
	if (!wire->keys->session_token.len)
		return 0;
	letter->token = BUF(HEADER_MAX);
	buf_add(&letter->token, slice_of("X-Amz-Security-Token: "));
	buf_add(&letter->token, secret_expose(&wire->keys->session_token));
	add_line(letter, buf_text(&letter->token));
	return buf_finish(&letter->token, err);
}

static int sign(struct letter *letter, const struct aws_wire *wire,
		const struct aws_request *request, struct error *err)
{
	const struct aws_sign_request to_sign = { .method = request->method,
						  .path = buf_text(&letter->path),
						  .query = request->query,
						  .headers = letter->lines,
						  .body = request->body,
						  .service = request->service,
						  .region = request->region,
						  .now_ms = letter->now_ms };
	const char *type = type_of(request);

	bool is_typed =
		type && snprintf(letter->type, LINE_ROOM, "Content-Type: %s", type) < LINE_ROOM;

	/* http.c adds this one by itself: it is signed, and then taken off the list. */
	if (is_typed)
		add_line(letter, letter->type);
	letter->authorization = BUF(HEADER_MAX);
	buf_add(&letter->authorization, slice_of("Authorization: "));
	int result = aws_sign(&to_sign, wire->keys, &letter->authorization, err);

	if (is_typed)
		letter->lines[--letter->count] = NULL;
	add_line(letter, buf_text(&letter->authorization));
	return result;
}

static int write_letter(struct letter *letter, const struct aws_wire *wire,
			const struct aws_wire_call *call, struct error *err)
{
	const struct aws_request *request = call->request;

	letter->now_ms = now_ms(wire);
	if (address(letter, call, err) < 0 || add_lines(letter, wire, request, err) < 0)
		return -1;
	if (wire->keys && sign(letter, wire, request, err) < 0)
		return -1;
	letter->request = (struct http_request){
		.method = request->method,
		.url = buf_text(&letter->url),
		.headers = letter->lines,
		.body = request->body,
		.content_type = type_of(request),
		.timeout_ms = request->timeout_ms,
		.attempt_timeout_ms = request->attempt_timeout_ms,
		.max_answer_bytes = request->max_answer_bytes,
		.may_repeat = request->may_repeat,
		.note_header = request->note_header,
	};
	return 0;
}

/* --- Sending. */

struct batch {
	struct letter *letters;
	struct http_request *requests;
	struct http_answer *answers;
	struct error *errors;
	size_t *places; /* of each in the caller's list */
	size_t count;
};

static void batch_release(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		letter_release(&batch->letters[i]);
	free(batch->letters);
	free(batch->requests);
	free(batch->answers);
	free(batch->errors);
	free(batch->places);
}

/* Those that can be written; of the others *err says why not. */
static struct batch write_batch(const struct aws_wire *wire, const struct aws_wire_call *calls,
				const bool *is_wanted, size_t count)
{
	struct batch batch = { .letters = memory_array(count, sizeof(*batch.letters)),
			       .requests = memory_array(count, sizeof(*batch.requests)),
			       .answers = memory_array(count, sizeof(*batch.answers)),
			       .errors = memory_array(count, sizeof(*batch.errors)),
			       .places = memory_array(count, sizeof(*batch.places)) };

	for (size_t i = 0; i < count; i++) {
		if (!is_wanted[i])
			continue;
		struct letter *letter = &batch.letters[batch.count];

		http_answer_release(calls[i].answer);
		*calls[i].err = (struct error){ 0 };
		if (write_letter(letter, wire, &calls[i], calls[i].err) < 0) {
			letter_release(letter);
			*letter = (struct letter){ 0 };
			continue;
		}
		batch.requests[batch.count] = letter->request;
		batch.places[batch.count++] = i;
	}
	return batch;
}

/* A refusal, and a Date far from the time that was signed. */
static bool is_skewed(const struct letter *letter, const struct http_answer *answer)
{
	int64_t away_ms = answer->date_ms - letter->now_ms;

	if (answer->status != 400 && answer->status != 401 && answer->status != 403)
		return false;
	return answer->date_ms && (away_ms > SKEW_MAX_MS || away_ms < -SKEW_MAX_MS);
}

/* How many of them are worth another try with the clock that is right now. */
static size_t send_batch(const struct aws_wire *wire, const struct aws_wire_call *calls,
			 bool *is_wanted, size_t count)
{
	SCOPED(batch) struct batch batch = write_batch(wire, calls, is_wanted, count);
	size_t skewed = 0;

	http_exchange_all(wire->http, batch.requests, batch.answers, batch.errors, batch.count);
	memset(is_wanted, 0, count * sizeof(*is_wanted));
	for (size_t i = 0; i < batch.count; i++) {
		const struct letter *letter = &batch.letters[i];
		const struct aws_wire_call *call = &calls[batch.places[i]];

		*call->answer = batch.answers[i];
		*call->err = batch.errors[i];
		if (call->err->class || !wire->keys || !is_skewed(letter, call->answer))
			continue;
		*wire->offset_ms += call->answer->date_ms - now_ms(wire);
		is_wanted[batch.places[i]] = true;
		skewed++;
	}
	return skewed;
}

void aws_wire_call_all(const struct aws_wire *wire, const struct aws_wire_call *calls, size_t count)
{
	if (!count)
		return;
	bool *is_wanted = memory_array(count, sizeof(*is_wanted));

	for (size_t i = 0; i < count; i++) {
		is_wanted[i] = true;
		*calls[i].answer = (struct http_answer){ 0 };
	}
	if (send_batch(wire, calls, is_wanted, count))
		(void)send_batch(wire, calls, is_wanted, count);
	free(is_wanted);
}
