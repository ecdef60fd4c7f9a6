#include "common/http.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/http_header.h"
#include "common/http_policy.h"

enum {
	ANSWER_MAX_DEFAULT = 16 << 20,
	HEADERS_MAX = 256 << 10, /* of all answers to one try: interim ones have no end */
	CONNECTIONS_MAX = 64,
	POLL_MAX_MS = 1000,
};

struct http {
	CURLM *multi;
	char *user_agent;
	char *ca_file; /* NULL: none was found */
};

enum state { STATE_WAITS, STATE_RUNS, STATE_ENDED };

/* One request on its way through all its tries. */
struct exchange {
	struct http *http;
	const struct http_request *request;
	struct http_answer *answer;
	struct error *err;
	CURL *easy;
	struct curl_slist *lines;
	struct http_headers headers; /* of the answer that arrives */
	size_t header_bytes;
	bool is_too_long;
	char words[CURL_ERROR_SIZE]; /* libcurl's, of the last try */
	char target[160]; /* "POST https://host": a path or query may hold a secret */
	enum state state;
	int64_t next_ms; /* of the next try */
	int64_t deadline_ms;
};

/* --- Opening. */

int http_open(const char *user_agent, struct http **out, struct error *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
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
	exchange->is_too_long = true;
	return 0;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;

	exchange->header_bytes += size * count;
	if (exchange->header_bytes > HEADERS_MAX) {
		exchange->is_too_long = true;
		return 0;
	}
	http_header_read(&exchange->headers, (struct slice){ bytes, size * count });
	return size * count;
}

/* A child that is started meanwhile must not keep our connections open. */
static int close_on_exec(void *context, curl_socket_t fd, curlsocktype purpose)
{
	(void)context;
	(void)purpose;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

/* --- Preparing. */

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool is_there = curl_url_get(url, part, &text, 0) == CURLUE_OK && *text;

	curl_free(text);
	return is_there;
}

/* Sets *is_tls, and target for messages. */
static int read_url(struct exchange *exchange, CURLU *url, bool *is_tls, struct error *err)
{
	const struct http_request *request = exchange->request;
	const char *base = request->url;

	if (curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK)
		return error_set(err, ERROR_CONFIGURATION,
				 "the URL makes no sense, expected http:// or https://, a host, a "
				 "path");
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
		return error_set(
			err, ERROR_CONFIGURATION,
			"the URL holds a user or a password: configure them apart from it");
	*is_tls = strncasecmp(base, "https://", 8) == 0;
	if (!*is_tls && strncasecmp(base, "http://", 7) != 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "the URL begins with neither http:// nor https://");
	int origin_len = (int)(strcspn(base + 8, "/?#") + 8);

	if (request->unix_socket)
		snprintf(exchange->target, sizeof(exchange->target), "%s unix:%s", request->method,
			 request->unix_socket);
	else
		snprintf(exchange->target, sizeof(exchange->target), "%s %.*s", request->method,
			 origin_len, base);
	return 0;
}

static int check_target(struct exchange *exchange, struct error *err)
{
	bool is_tls = false;
	CURLU *url = curl_url();

	if (!url)
		return error_set(err, ERROR_SYSTEM, "libcurl has no memory");
	int result = read_url(exchange, url, &is_tls, err);

	curl_url_cleanup(url);
	if (result < 0 || !is_tls)
		return result;
	if (http_policy_check_trust(exchange->http->ca_file, err) < 0)
		return error_wrap(err, "%s", exchange->target);
	return 0;
}

static int add_line(struct exchange *exchange, const char *line, struct error *err)
{
	struct curl_slist *lines = curl_slist_append(exchange->lines, line);

	if (!lines)
		return error_set(err, ERROR_SYSTEM, "libcurl has no memory");
	exchange->lines = lines;
	return 0;
}

static int add_content_type(struct exchange *exchange, struct error *err)
{
	const struct http_request *request = exchange->request;
	char line[160];

	if (request->content_type) {
		snprintf(line, sizeof(line), "Content-Type: %s", request->content_type);
		return http_header_check(line, err) < 0 ? -1 : add_line(exchange, line, err);
	}
	if (http_header_is_given(request->headers, "Content-Type"))
		return 0;
	/* Without a value: libcurl's own default, that of an HTML form, is not sent. */
	return add_line(
		exchange,
		request->body.len ? "Content-Type: application/json" : "Content-Type:", err);
}

static int add_lines(struct exchange *exchange, struct error *err)
{
	SCOPED(secret) struct secret authorization = { 0 };
	const char *const *header = exchange->request->headers;

	/* Without a value: not sent, and so nothing waits for 100 Continue. */
	if (add_line(exchange, "Expect:", err) < 0 || add_content_type(exchange, err) < 0)
		return -1;
	for (; header && *header; header++) {
		if (http_header_check(*header, err) < 0 || add_line(exchange, *header, err) < 0)
			return -1;
	}
	if (http_header_authorize(exchange->request, &authorization, err) < 0)
		return -1;
	if (!authorization.len)
		return 0;
	/* libcurl copies it: into this list, wiped in release_exchange(), and into its buffer
	 * of the request, which is beyond us. */
	return add_line(exchange, secret_text(&authorization), err);
}

/* The options that carry the method and the body. */
static unsigned set_method(CURL *easy, const struct http_request *request)
{
	bool has_body = request->body.len || strcmp(request->method, "POST") == 0 ||
			strcmp(request->method, "PUT") == 0 ||
			strcmp(request->method, "PATCH") == 0;
	unsigned failed = 0;

	if (strcmp(request->method, "HEAD") == 0)
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (has_body) {
		failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
					   request->body.len ? request->body.ptr : "");
		failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
					   (curl_off_t)request->body.len);
	}
	return failed | curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static unsigned set_trust(CURL *easy, const struct http *http)
{
	unsigned failed = 0;

	failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	failed |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* Only that file: libcurl may have been built with a folder that it would trust, too. */
	failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
	failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	failed |= curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, http->ca_file);
	failed |= curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
	return failed;
}

static unsigned set_connection(CURL *easy, const struct http_request *request)
{
	unsigned failed = 0;

#if LIBCURL_VERSION_NUM >= 0x075500
	failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	failed |=
		curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	failed |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	failed |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, close_on_exec);
	/* On a kept connection that breaks libcurl sends again by itself, a POST too. */
	failed |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->may_repeat ? 0L : 1L);
	if (request->unix_socket) {
		failed |= curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
		failed |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	}
	return failed;
}

static size_t answer_max(const struct http_request *request)
{
	return request->max_answer_bytes ? request->max_answer_bytes : ANSWER_MAX_DEFAULT;
}

static unsigned set_callbacks(struct exchange *exchange)
{
	CURL *easy = exchange->easy;
	unsigned failed = 0;

	failed |= curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->words);
	failed |= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
				   (curl_off_t)answer_max(exchange->request));
	return failed;
}

static int prepare(struct exchange *exchange, struct error *err)
{
	const struct http_request *request = exchange->request;
	unsigned failed = 0;

	if (http_header_check_method(request->method, err) < 0 || check_target(exchange, err) < 0)
		return -1;
	exchange->easy = curl_easy_init();
	if (!exchange->easy)
		return error_set(err, ERROR_SYSTEM, "libcurl has no memory");
	if (add_lines(exchange, err) < 0)
		return error_wrap(err, "%s", exchange->target);
	CURL *easy = exchange->easy;

	failed |= curl_easy_setopt(easy, CURLOPT_URL, request->url);
	failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, exchange->http->user_agent);
	failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->lines);
	/* Not to a proxy: they hold our credentials. */
	failed |= curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	failed |= set_method(easy, request);
	failed |= set_trust(easy, exchange->http);
	failed |= set_connection(easy, request);
	failed |= set_callbacks(exchange);
	if (failed)
		return error_set(err, ERROR_SYSTEM, "libcurl %s lacks an option that is needed",
				 curl_version_info(CURLVERSION_NOW)->version);
	return 0;
}

static void release_exchange(struct exchange *exchange)
{
	for (struct curl_slist *line = exchange->lines; line; line = line->next)
		secret_wipe(line->data, strlen(line->data));
	curl_slist_free_all(exchange->lines);
	curl_easy_cleanup(exchange->easy);
}

/* --- One try. */

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
	exchange->headers = (struct http_headers){ 0 };
	exchange->header_bytes = 0;
	exchange->is_too_long = false;
	exchange->words[0] = '\0';
	*exchange->err = (struct error){ 0 };
	curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms > 1 ? left_ms : 1));
	exchange->state = STATE_RUNS;
	if (curl_multi_add_handle(exchange->http->multi, exchange->easy) != CURLM_OK) {
		error_set(exchange->err, ERROR_SYSTEM, "libcurl does not take the request");
		end(exchange);
	}
}

static const struct failure {
	CURLcode code;
	enum error_class class;
	const char *words;
} failures[] = {
	{ CURLE_UNSUPPORTED_PROTOCOL, ERROR_MALFORMED, "the answer is no HTTP/1" },
	{ CURLE_WEIRD_SERVER_REPLY, ERROR_MALFORMED, "the answer is no HTTP/1" },
	{ CURLE_PARTIAL_FILE, ERROR_MALFORMED, "the answer is cut short" },
	{ CURLE_WRITE_ERROR, ERROR_MALFORMED, "the answer makes no sense" },
	{ CURLE_BAD_CONTENT_ENCODING, ERROR_MALFORMED, "the answer makes no sense" },
	{ CURLE_OUT_OF_MEMORY, ERROR_MALFORMED, "a header of the answer is too long" },
	{ (CURLcode)100, ERROR_MALFORMED, "a header of the answer is too long" }, /* since 8.6 */
	{ CURLE_PEER_FAILED_VERIFICATION, ERROR_DENIED, "its certificate is refused" },
	{ CURLE_SSL_INVALIDCERTSTATUS, ERROR_DENIED, "its certificate is refused" },
	{ CURLE_SSL_ISSUER_ERROR, ERROR_DENIED, "its certificate is refused" },
	{ CURLE_SSL_CACERT_BADFILE, ERROR_CONFIGURATION, "the CA certificates are unreadable" },
	{ CURLE_URL_MALFORMAT, ERROR_CONFIGURATION, "the URL makes no sense" },
	{ CURLE_OPERATION_TIMEDOUT, ERROR_UNREACHABLE, "no answer in time" },
};

static struct failure judge(struct exchange *exchange, CURLcode code)
{
	long status = 0, error_number = 0;

	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		if (failures[i].code == code)
			return failures[i];
	}
	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &error_number);
	/* The connection is fine, and so it is what came over it that libcurl cannot read. */
	if (code == CURLE_RECV_ERROR && status && !error_number)
		return (struct failure){ code, ERROR_MALFORMED, "the answer makes no sense" };
	return (struct failure){ code, ERROR_UNREACHABLE, "no answer" };
}

static void tell_failure(struct exchange *exchange, CURLcode code)
{
	struct failure failure = judge(exchange, code);
	const char *words = *exchange->words ? exchange->words : curl_easy_strerror(code);
	unsigned tries = exchange->answer->attempts;

	if (exchange->is_too_long || code == CURLE_FILESIZE_EXCEEDED)
		error_set(exchange->err, ERROR_MALFORMED,
			  "%s: the answer is longer than %zu bytes, or its headers than %d",
			  exchange->target, answer_max(exchange->request), HEADERS_MAX);
	else
		error_set(exchange->err, failure.class, "%s: %s (%u tr%s): %s", exchange->target,
			  failure.words, tries, tries == 1 ? "y" : "ies", words);
}

static void take_answer(struct exchange *exchange)
{
	struct http_answer *answer = exchange->answer;

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &answer->status);
	text_cut(answer->content_type, sizeof(answer->content_type),
		 exchange->headers.content_type);
	answer->date_ms = exchange->headers.date_ms;
	answer->retry_after_ms = http_header_wait_ms(&exchange->headers, clock_wall_ms());
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
	curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &sent);
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
	curl_multi_remove_handle(exchange->http->multi, exchange->easy);
	if (code == CURLE_OK)
		take_answer(exchange);
	else
		tell_failure(exchange, code);
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
		curl_multi_remove_handle(http->multi, list[i].easy);
		error_set(list[i].err, ERROR_SYSTEM, "%s: %s", list[i].target,
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
		if (prepare(&list[i], &errors[i]) < 0)
			end(&list[i]);
	}
	run(http, list, count);
	for (size_t i = 0; i < count; i++)
		release_exchange(&list[i]);
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
