#include "common/http_stream.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/http_policy.h"
#include "common/http_wire.h"

enum state { STATE_RUNS, STATE_ENDED, STATE_BROKEN };

struct http_stream {
	struct http_wire wire;
	CURLM *multi; /* its own: turning it turns nothing else */
	char *body; /* of the request */
	size_t body_len;
	http_stream_sink *sink;
	void *context;
	enum state state;
	struct error err; /* STATE_BROKEN: what it broke of */
	long status; /* 0: only interim answers (1xx) yet, or none */
	size_t taken; /* bytes of the answer's body */
	int64_t start_timeout_ms, silence_ms;
	int64_t heard_ms; /* monotonic: of the first turn, then when something came last; 0: none
			     yet */
	size_t heard; /* bytes of headers and body until then */
};

/* ---- what libcurl calls ---- */

static void read_status(struct http_stream *stream)
{
	long status = 0;

	curl_easy_getinfo(stream->wire.easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200)
		stream->status = status;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct http_stream *stream = context;
	size_t len = size * count, most = stream->wire.answer_max;

	if (most && len > most - stream->taken) {
		stream->wire.is_too_long = true;
		return 0;
	}
	stream->taken += len;
	read_status(stream);
	if (len)
		stream->sink(stream->context, (struct slice){ bytes, len });
	return len;
}

/* ---- opening ---- */

static int begin(struct http *http, const struct http_request *request, struct http_stream *stream,
		 struct error *err)
{
	struct http_request own = *request;
	const struct http_wire_plan plan = { .http = http,
					     .request = &own,
					     .answer_max = request->max_answer_bytes,
					     .take = take_body,
					     .context = stream };

	own.body.ptr = stream->body;
	if (http_wire_prepare(&stream->wire, &plan, err) < 0)
		return -1;
	stream->multi = curl_multi_init();
	if (!stream->multi)
		return error_set(err, ERROR_SYSTEM, "libcurl has no memory");
	if (curl_multi_add_handle(stream->multi, stream->wire.easy) != CURLM_OK)
		return error_set(err, ERROR_SYSTEM, "libcurl does not take the request");
	return 0;
}

int http_stream_open(struct http *http, const struct http_request *request, http_stream_sink *sink,
		     void *context, struct http_stream **out, struct error *err)
{
	struct http_stream *stream = memory_array(1, sizeof(*stream));

	stream->body = memory_text(request->body);
	stream->body_len = request->body.len;
	stream->sink = sink;
	stream->context = context;
	stream->start_timeout_ms = request->timeout_ms;
	stream->silence_ms = request->attempt_timeout_ms;
	if (begin(http, request, stream, err) < 0) {
		http_stream_close(stream);
		return -1;
	}
	*out = stream;
	return 0;
}

void http_stream_close(struct http_stream *stream)
{
	sigset_t before;

	if (!stream)
		return;
	bool is_ours = http_policy_hold_pipe(&before);

	if (stream->multi && stream->wire.easy)
		curl_multi_remove_handle(stream->multi, stream->wire.easy);
	http_wire_release(&stream->wire);
	curl_multi_cleanup(stream->multi);
	http_policy_let_pipe(&before, is_ours);
	secret_wipe(stream->body, stream->body_len);
	free(stream->body);
	free(stream);
}

/* ---- turning ---- */

/* *is_over: libcurl has done with it, *code says how. */
static void look_for_end(struct http_stream *stream, bool *is_over, CURLcode *code)
{
	int left;

	for (CURLMsg *message = curl_multi_info_read(stream->multi, &left); message;
	     message = curl_multi_info_read(stream->multi, &left)) {
		*is_over = true;
		*code = message->data.result;
	}
}

static int break_off(struct http_stream *stream, struct error *err)
{
	stream->state = STATE_BROKEN;
	*err = stream->err;
	return -1;
}

/* Only what is silent after it was looked at counts: a caller may have been away for long, and
 * the bytes have waited for it. */
static int check_silence(struct http_stream *stream, struct error *err)
{
	int64_t limit_ms = stream->status ? stream->silence_ms : stream->start_timeout_ms;
	int64_t now_ms = clock_monotonic_ms();
	size_t heard = stream->wire.header_bytes + stream->taken;

	/* An interim answer is no status line, and buys no time. */
	if (stream->status && heard != stream->heard) {
		stream->heard = heard;
		stream->heard_ms = now_ms;
	}
	if (limit_ms <= 0 || now_ms - stream->heard_ms < limit_ms)
		return 0;
	error_set(&stream->err, ERROR_UNREACHABLE, "%s: no answer in time: %s for %lld ms",
		  stream->wire.target, stream->status ? "silent" : "no status line",
		  (long long)limit_ms);
	return break_off(stream, err);
}

static int turn(struct http_stream *stream, bool *has_ended, struct error *err)
{
	CURLcode result = CURLE_OK;
	bool is_over = false;
	int running;

	if (!stream->heard_ms)
		stream->heard_ms = clock_monotonic_ms();
	CURLMcode code = curl_multi_perform(stream->multi, &running);

	read_status(stream);
	look_for_end(stream, &is_over, &result);
	if (code != CURLM_OK) {
		error_set(&stream->err, ERROR_SYSTEM, "%s: %s", stream->wire.target,
			  curl_multi_strerror(code));
		return break_off(stream, err);
	}
	if (is_over && result != CURLE_OK) {
		http_wire_tell(&stream->wire, result, 1, &stream->err);
		return break_off(stream, err);
	}
	if (is_over)
		stream->state = STATE_ENDED;
	else if (check_silence(stream, err) < 0)
		return -1;
	*has_ended = is_over;
	return 0;
}

int http_stream_turn(struct http_stream *stream, bool *has_ended, struct error *err)
{
	sigset_t before;

	if (stream->state == STATE_BROKEN)
		return break_off(stream, err);
	if (stream->state == STATE_ENDED) {
		*has_ended = true;
		return 0;
	}
	bool is_ours = http_policy_hold_pipe(&before);
	int result = turn(stream, has_ended, err);

	http_policy_let_pipe(&before, is_ours);
	return result;
}

long http_stream_status(const struct http_stream *stream)
{
	return stream->status;
}
