#include "common/http.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/http_policy.h"
#include "common/http_wire.h"
#include "common/wiped.h"

enum {
	ANSWER_MAX_DEFAULT = 16 << 20,
	CONNECTIONS_MAX = 64,
	POLL_MAX_MS = 1000,
};

enum state { STATE_WAITS, STATE_RUNS, STATE_ENDED };

/* One request on its way through all its tries. */
struct exchange {
	struct http *http;
	const struct http_request *request;
	struct http_answer *answer;
	struct error *err;
	struct http_wire wire;
	enum state state;
	int64_t next_ms; /* of the next try */
	int64_t deadline_ms;
};

/* --- Opening. */

int http_open(const char *user_agent, struct http **out, struct error *err)
{
	/* libcurl copies credentials into its buffer of the request, which only its allocator can
	 * wipe. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiped_free, wiped_realloc, strdup,
				 calloc) != CURLE_OK)
		return error_set(err, ERROR_SYSTEM, "libcurl does not start");
	CURLM *multi = curl_multi_init();

	if (!multi) {
		curl_global_cleanup();
		return error_set(err, ERROR_SYSTEM, "libcurl has no memory");
	}
	curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS_MAX);
	struct http *http = memory_array(1, sizeof(*http));

	http->multi = multi;
	http->user_agent = memory_text(slice_of(user_agent));
	http->ca_file = http_policy_ca_file();
	*out = http;
	return 0;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	curl_multi_cleanup(http->multi);
	curl_global_cleanup();
	free(http->user_agent);
	free(http->ca_file);
	free(http);
}

void http_answer_release(struct http_answer *answer)
{
	buf_release(&answer->body);
	*answer = (struct http_answer){ 0 };
}

/* --- What libcurl calls. */

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;

	buf_add(&exchange->answer->body, (struct slice){ bytes, size * count });
	if (!exchange->answer->body.overflowed)
		return size * count;
	exchange->wire.is_too_long = true;
	return 0;
}

/* --- One try. */

static size_t answer_max(const struct http_request *request)
{
	return request->max_answer_bytes ? request->max_answer_bytes : ANSWER_MAX_DEFAULT;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void end(struct exchange *exchange)
{
	exchange->state = STATE_ENDED;
	if (exchange->err->class)
		buf_release(&exchange->answer->body);
}

static void begin_try(struct exchange *exchange, int64_t now_ms)
{
	const struct http_request *request = exchange->request;
	int64_t left_ms = exchange->deadline_ms - now_ms;

	if (request->attempt_timeout_ms > 0)
		left_ms = smaller(left_ms, request->attempt_timeout_ms);
	buf_release(&exchange->answer->body);
	exchange->answer->body = BUF(answer_max(request));
	exchange->answer->attempts++;
	http_wire_reset(&exchange->wire);
	*exchange->err = (struct error){ 0 };
	curl_easy_setopt(exchange->wire.easy, CURLOPT_TIMEOUT_MS,
			 (long)(left_ms > 1 ? left_ms : 1));
	exchange->state = STATE_RUNS;
	if (curl_multi_add_handle(exchange->http->multi, exchange->wire.easy) != CURLM_OK) {
		error_set(exchange->err, ERROR_SYSTEM, "libcurl does not take the request");
		end(exchange);
	}
}

static void take_answer(struct exchange *exchange)
{
	struct http_answer *answer = exchange->answer;

	curl_easy_getinfo(exchange->wire.easy, CURLINFO_RESPONSE_CODE, &answer->status);
	text_cut(answer->content_type, sizeof(answer->content_type),
		 exchange->wire.headers.content_type);
	text_cut(answer->noted, sizeof(answer->noted), exchange->wire.headers.noted);
	answer->date_ms = exchange->wire.headers.date_ms;
	answer->retry_after_ms = http_header_wait_ms(&exchange->wire.headers, clock_wall_ms());
}

/* --- Another try. */

static bool may_try_again(const struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	long sent = 1; /* bytes of requests, those of a proxy's CONNECT too */

	if (request->max_attempts && exchange->answer->attempts >= request->max_attempts)
		return false;
	if (!exchange->err->class)
		return http_policy_is_passing(exchange->answer->status) && request->may_repeat;
	if (exchange->err->class != ERROR_UNREACHABLE)
		return false;
	curl_easy_getinfo(exchange->wire.easy, CURLINFO_REQUEST_SIZE, &sent);
	return request->may_repeat || !sent;
}

static int64_t wait_ms(const struct exchange *exchange)
{
	if (!exchange->err->class && exchange->answer->retry_after_ms)
		return exchange->answer->retry_after_ms;
	return http_policy_backoff_ms(exchange->answer->attempts);
}

static void finish_try(struct exchange *exchange, CURLcode code)
{
	curl_multi_remove_handle(exchange->http->multi, exchange->wire.easy);
	if (code == CURLE_OK)
		take_answer(exchange);
	else
		http_wire_tell(&exchange->wire, code, exchange->answer->attempts, exchange->err);
	int64_t next_ms = clock_monotonic_ms() + wait_ms(exchange);

	if (!may_try_again(exchange) || next_ms >= exchange->deadline_ms) {
		end(exchange);
		return;
	}
	exchange->state = STATE_WAITS;
	exchange->next_ms = next_ms;
}

/* --- All of them. */

/* Starts what is due. The time until the next one is due; -1 when all have ended. */
static int64_t start_due(struct exchange *list, size_t count)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t next_ms = -1;

	for (size_t i = 0; i < count; i++) {
		if (list[i].state == STATE_WAITS && list[i].next_ms <= now_ms)
			begin_try(&list[i], now_ms);
		if (list[i].state == STATE_ENDED)
			continue;
		int64_t due_ms =
			list[i].state == STATE_WAITS ? list[i].next_ms - now_ms : POLL_MAX_MS;

		next_ms = next_ms < 0 ? due_ms : smaller(next_ms, due_ms);
	}
	return smaller(next_ms, POLL_MAX_MS);
}

static bool collect(CURLM *multi)
{
	bool has_finished = false;
	int left;

	for (CURLMsg *message = curl_multi_info_read(multi, &left); message;
	     message = curl_multi_info_read(multi, &left)) {
		struct exchange *exchange = NULL;
		CURLcode code = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
		finish_try(exchange, code);
		has_finished = true;
	}
	return has_finished;
}

static void run(struct http *http, struct exchange *list, size_t count)
{
	CURLMcode code = CURLM_OK;

	for (int64_t due_ms = start_due(list, count); due_ms >= 0 && code == CURLM_OK;
	     due_ms = start_due(list, count)) {
		int running;

		code = curl_multi_perform(http->multi, &running);
		if (!collect(http->multi) && code == CURLM_OK)
			code = curl_multi_poll(http->multi, NULL, 0, (int)due_ms, NULL);
	}
	for (size_t i = 0; i < count; i++) {
		if (list[i].state == STATE_ENDED)
			continue;
		curl_multi_remove_handle(http->multi, list[i].wire.easy);
		error_set(list[i].err, ERROR_SYSTEM, "%s: %s", list[i].wire.target,
			  curl_multi_strerror(code));
		end(&list[i]);
	}
}

void http_exchange_all(struct http *http, const struct http_request *requests,
		       struct http_answer *answers, struct error *errors, size_t count)
{
	struct exchange *list = count ? memory_array(count, sizeof(*list)) : NULL;
	int64_t now_ms = clock_monotonic_ms();
	sigset_t before;
	bool is_ours = http_policy_hold_pipe(&before);

	for (size_t i = 0; i < count; i++) {
		answers[i] = (struct http_answer){ 0 };
		errors[i] = (struct error){ 0 };
		list[i] = (struct exchange){
			.http = http,
			.request = &requests[i],
			.answer = &answers[i],
			.err = &errors[i],
			.next_ms = now_ms,
			.deadline_ms = now_ms + requests[i].timeout_ms,
		};
		const struct http_wire_plan plan = { .http = http,
						     .request = &requests[i],
						     .answer_max = answer_max(&requests[i]),
						     .take = take_body,
						     .context = &list[i] };

		if (http_wire_prepare(&list[i].wire, &plan, &errors[i]) < 0)
			end(&list[i]);
	}
	run(http, list, count);
	for (size_t i = 0; i < count; i++)
		http_wire_release(&list[i].wire);
	free(list);
	http_policy_let_pipe(&before, is_ours);
}

int http_exchange(struct http *http, const struct http_request *request, struct http_answer *answer,
		  struct error *err)
{
	struct error outcome;

	http_exchange_all(http, request, answer, &outcome, 1);
	if (!outcome.class)
		return 0;
	*err = outcome;
	return -1;
}
