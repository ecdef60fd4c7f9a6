#include "bootstrap/interruption.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/aws_imds.h"
#include "common/clock.h"
#include "common/http_stream.h"
#include "common/json.h"
#include "common/log.h"

enum {
	POLL_MS = 5000, /* as AWS recommends */
	LOOK_MS = 50, /* while an answer is on its way */
	ANSWER_TIMEOUT_MS = 3000,
	ANSWER_MAX = 4096,
	LONGEST_NOTICE_MS = 120000,
	URL_ROOM = AWS_IMDS_ENDPOINT_ROOM + 64,
};

enum step { STEP_TOKEN, STEP_ACTION, STEP_REBALANCE, STEP_COUNT };

struct interruption {
	struct http *http;
	char endpoint[AWS_IMDS_ENDPOINT_ROOM];
	struct secret token_header; /* "Name: token"; empty: none */
	enum step step;
	struct http_stream *stream; /* of the present question; NULL: none is asked */
	struct buf answer;
	int64_t next_ms; /* when the next one is asked */
	bool is_failing; /* said once */
	struct interruption_notice notice;
};

static const struct {
	const char *method, *path;
} questions[STEP_COUNT] = {
	[STEP_TOKEN] = { "PUT", "/latest/api/token" },
	[STEP_ACTION] = { "GET", "/latest/meta-data/spot/instance-action" },
	[STEP_REBALANCE] = { "GET", "/latest/meta-data/events/recommendations/rebalance" },
};

/* ---- what an answer says ---- */

int interruption_parse(struct slice text, int64_t wall_ms, int64_t now_ms,
		       struct interruption_notice *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	const char *action, *time;
	int64_t taken_ms;

	if (json_parse(text, &document, err) < 0 ||
	    json_text(document.root, "action", &action, err) < 0 ||
	    json_text(document.root, "time", &time, err) < 0)
		return -1;
	if (strcmp(action, "terminate") != 0 && strcmp(action, "stop") != 0 &&
	    strcmp(action, "hibernate") != 0)
		return error_set(err, ERROR_MALFORMED,
				 "action: expected terminate, stop or hibernate, got %.40s",
				 action);
	if (clock_parse_iso(slice_of(time), &taken_ms, err) < 0)
		return error_wrap(err, "time");
	int64_t left_ms = taken_ms - wall_ms;

	if (left_ms > LONGEST_NOTICE_MS)
		left_ms = LONGEST_NOTICE_MS;
	out->taken_ms = now_ms + (left_ms > 0 ? left_ms : 0);
	text_cut(out->action, sizeof(out->action), action);
	return 0;
}

/* ---- asking ---- */

int interruption_open(struct interruption **out, struct error *err)
{
	struct interruption *interruption = memory_array(1, sizeof(*interruption));

	interruption->answer = BUF(ANSWER_MAX);
	if (aws_imds_endpoint(interruption->endpoint, err) < 0 ||
	    http_open("mayfly-bootstrap/" MAYFLY_VERSION, &interruption->http, err) < 0) {
		interruption_close(interruption);
		return -1;
	}
	*out = interruption;
	return 0;
}

static void hang_up(struct interruption *interruption)
{
	http_stream_close(interruption->stream);
	interruption->stream = NULL;
	buf_clear(&interruption->answer);
}

void interruption_close(struct interruption *interruption)
{
	if (!interruption)
		return;
	hang_up(interruption);
	http_close(interruption->http);
	buf_release(&interruption->answer);
	secret_release(&interruption->token_header);
	free(interruption);
}

static void keep_bytes(void *context, struct slice bytes)
{
	struct interruption *interruption = context;

	buf_add(&interruption->answer, bytes);
}

static int ask(struct interruption *interruption, struct error *err)
{
	bool is_token = interruption->step == STEP_TOKEN;
	const char *const headers[] = {
		is_token ? AWS_IMDS_LIFETIME_HEADER : secret_text(&interruption->token_header),
		NULL,
	};
	char url[URL_ROOM];
	const struct http_request request = {
		.method = questions[interruption->step].method,
		.url = url,
		.headers = headers,
		.is_direct = true,
		.timeout_ms = ANSWER_TIMEOUT_MS,
		.attempt_timeout_ms = ANSWER_TIMEOUT_MS,
		.max_answer_bytes = ANSWER_MAX,
	};

	(void)snprintf(url, sizeof(url), "%s%s", interruption->endpoint,
		       questions[interruption->step].path);
	return http_stream_open(interruption->http, &request, keep_bytes, interruption,
				&interruption->stream, err);
}

/* ---- an answer ---- */

static int unexpected(long status, const char *path, struct error *err)
{
	return error_set(err, status >= 500 ? ERROR_UNREACHABLE : ERROR_MALFORMED,
			 "the metadata service answered with status %ld when asked for %s", status,
			 path);
}

static int take_token(struct interruption *interruption, struct error *err)
{
	if (aws_imds_token_header(buf_slice(&interruption->answer), &interruption->token_header,
				  err) < 0)
		return -1;
	interruption->step = STEP_ACTION;
	return 0;
}

static int take_action(struct interruption *interruption, int64_t wall_ms, int64_t now_ms,
		       struct error *err)
{
	if (interruption_parse(buf_slice(&interruption->answer), wall_ms, now_ms,
			       &interruption->notice, err) < 0)
		return error_wrap(err, "the notice of an interruption");
	return 0;
}

/* Until the next time. */
static void rest(struct interruption *interruption, int64_t now_ms)
{
	interruption->step = interruption->token_header.len ? STEP_ACTION : STEP_TOKEN;
	interruption->next_ms = now_ms + POLL_MS;
}

static int take(struct interruption *interruption, int64_t wall_ms, int64_t now_ms,
		struct error *err)
{
	long status = http_stream_status(interruption->stream);
	enum step step = interruption->step;

	if (status == 401 && step != STEP_TOKEN) {
		secret_release(&interruption->token_header); /* it has run out */
		interruption->step = STEP_TOKEN;
		return 0;
	}
	if (status != 200 && (status != 404 || step == STEP_TOKEN))
		return unexpected(status, questions[step].path, err);
	if (step == STEP_TOKEN)
		return take_token(interruption, err);
	if (step == STEP_ACTION) {
		interruption->step = STEP_REBALANCE;
		return status == 200 ? take_action(interruption, wall_ms, now_ms, err) : 0;
	}
	interruption->notice.is_rebalance |= status == 200;
	rest(interruption, now_ms);
	return 0;
}

static void fail(struct interruption *interruption, const struct error *err, int64_t now_ms)
{
	if (!interruption->is_failing)
		log_failure("interruption", err);
	interruption->is_failing = true;
	rest(interruption, now_ms);
}

/* false: an answer is on its way. */
static bool listen_to(struct interruption *interruption, int64_t wall_ms, int64_t now_ms)
{
	bool has_ended = false;
	struct error err = { 0 };
	int result = http_stream_turn(interruption->stream, &has_ended, &err);

	if (!result && !has_ended)
		return false;
	if (!result)
		result = take(interruption, wall_ms, now_ms, &err);
	hang_up(interruption);
	if (result < 0)
		fail(interruption, &err, now_ms);
	else
		interruption->is_failing = false;
	return true;
}

void interruption_turn(struct interruption *interruption, int64_t wall_ms, int64_t now_ms)
{
	struct error err;

	while (interruption && !interruption->notice.taken_ms && now_ms >= interruption->next_ms) {
		if (!interruption->stream && ask(interruption, &err) < 0) {
			fail(interruption, &err, now_ms);
			return;
		}
		if (!listen_to(interruption, wall_ms, now_ms))
			return;
	}
}

int64_t interruption_next_ms(const struct interruption *interruption, int64_t now_ms)
{
	if (!interruption || interruption->notice.taken_ms)
		return INT64_MAX;
	return interruption->stream ? now_ms + LOOK_MS : interruption->next_ms;
}

const struct interruption_notice *interruption_look(const struct interruption *interruption)
{
	static const struct interruption_notice none;

	return interruption ? &interruption->notice : &none;
}
