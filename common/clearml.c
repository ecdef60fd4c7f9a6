#include "common/clearml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clearml_call.h"
#include "common/clock.h"
#include "common/log.h"

enum {
	DEFAULT_TIMEOUT_MS = 10000,
	TOKEN_LIFE_S = 12 * 3600, /* ours alone; a new one is a call away */
	BODY_MAX = 1 << 20,
	URL_MAX = 2048,
	HEADER_ROOM = 400,
	OLDEST_MAJOR = 2,
	OLDEST_MINOR = 9, /* tasks.edit_hyper_params: the owner property */
	/* How the server reads fields follows the requested version; newer
	 * optional fields work all the same (NOTES section 1). */
	PINNED_MINOR = 23,
	INFO_MINOR = 12, /* server.info tells api_version since then */
};

struct clearml {
	struct http *http;
	char *base; /* "https://host/base", without a slash at its end */
	char client_header[HEADER_ROOM], worker_header[HEADER_ROOM];
	char *access_key;
	struct secret secret_key, token; /* token.len 0: not logged in */
	unsigned major, minor; /* of the server's API; major 0: not asked yet */
	int64_t timeout_ms, deadline_ms; /* the deadline is monotonic */
	int64_t date_ms, date_at_ms, skew_ms; /* the last Date header, and when (monotonic) */
	long status; /* of the last answer; 0: there was none */
	int subcode;
	unsigned calls;
};

struct exchange {
	const char *endpoint;
	struct slice body;
	const char *content_type;
	enum clearml_repeat repeat;
	bool is_login; /* Basic instead of the token */
};

/* ---- opening ---- */

static int check_server(const char *api_server, struct error *err)
{
	bool has_scheme =
		strncmp(api_server, "http://", 7) == 0 || strncmp(api_server, "https://", 8) == 0;

	if (!has_scheme || strpbrk(api_server, " \t\r\n?#"))
		return error_set(err, ERROR_CONFIGURATION,
				 "api_server: expected http(s)://HOST[:PORT][/PATH], got \"%s\"",
				 api_server);
	return 0;
}

static int check_access_key(const char *access_key, struct error *err)
{
	if (!*access_key)
		return error_set(err, ERROR_CONFIGURATION, "ClearML's access key is empty");
	if (strpbrk(access_key, ": \t\r\n"))
		return error_set(err, ERROR_CONFIGURATION,
				 "ClearML's access key has a colon or a blank in it");
	return 0;
}

static int set_header(char *out, const char *name, const char *value, struct error *err)
{
	int len = snprintf(out, HEADER_ROOM, "%s: %s", name, value);

	if (len < 0 || len >= HEADER_ROOM || strpbrk(value, "\r\n"))
		return error_set(err, ERROR_CONFIGURATION, "\"%.60s\" does not fit in a header",
				 value);
	return 0;
}

static char *base_of(const char *api_server)
{
	struct slice base = slice_of(api_server);

	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	return memory_text(base);
}

int clearml_open(const struct clearml_settings *settings, const char *access_key,
		 struct secret *secret_key, struct clearml **out, struct error *err)
{
	if (check_server(settings->api_server, err) < 0 || check_access_key(access_key, err) < 0)
		return -1;
	struct clearml *clearml = memory_array(1, sizeof(*clearml));

	if (set_header(clearml->client_header, "X-Clearml-Client", settings->client_name, err) <
		    0 ||
	    (settings->worker &&
	     set_header(clearml->worker_header, "X-Clearml-Worker", settings->worker, err) < 0) ||
	    http_open(settings->client_name, &clearml->http, err) < 0) {
		clearml_close(clearml);
		return -1;
	}
	clearml->base = base_of(settings->api_server);
	clearml->access_key = memory_text(slice_of(access_key));
	clearml->secret_key = secret_take(secret_key);
	clearml_set_timeout(clearml, settings->timeout_ms);
	*out = clearml;
	return 0;
}

void clearml_close(struct clearml *clearml)
{
	if (!clearml)
		return;
	http_close(clearml->http);
	secret_release(&clearml->secret_key);
	secret_release(&clearml->token);
	free(clearml->base);
	free(clearml->access_key);
	free(clearml);
}

void clearml_set_timeout(struct clearml *clearml, int64_t timeout_ms)
{
	clearml->timeout_ms = timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS;
}

/* ---- what is known of the server ---- */

int64_t clearml_now_ms(const struct clearml *clearml)
{
	if (!clearml->date_ms)
		return 0;
	return clearml->date_ms + clock_monotonic_ms() - clearml->date_at_ms;
}

int64_t clearml_skew_ms(const struct clearml *clearml)
{
	return clearml->skew_ms;
}

bool clearml_has(const struct clearml *clearml, unsigned major, unsigned minor)
{
	return clearml->major > major || (clearml->major == major && clearml->minor >= minor);
}

int clearml_subcode(const struct clearml *clearml)
{
	return clearml->subcode;
}

long clearml_status(const struct clearml *clearml)
{
	return clearml->status;
}

unsigned clearml_calls(const struct clearml *clearml)
{
	return clearml->calls;
}

static void note_date(struct clearml *clearml, const struct http_answer *answer)
{
	if (!answer->date_ms)
		return;
	clearml->date_ms = answer->date_ms;
	clearml->date_at_ms = clock_monotonic_ms();
	clearml->skew_ms = answer->date_ms - clock_wall_ms();
}

/* ---- one exchange ---- */

void clearml_begin(struct clearml *clearml)
{
	clearml->deadline_ms = clock_monotonic_ms() + clearml->timeout_ms;
}

/* A server that is older than the pinned version is asked for its own. */
static unsigned requested_minor(const struct clearml *clearml)
{
	if (!clearml->major)
		return INFO_MINOR;
	return clearml_has(clearml, OLDEST_MAJOR, PINNED_MINOR) ? PINNED_MINOR : clearml->minor;
}

/* One line, however often the call was repeated inside. Nothing of what was sent or said: there
 * may be secrets in it. */
static void log_call(const char *endpoint, const char *outcome, int64_t began_ms, size_t bytes)
{
	log_debug("call", "%s: %s, %" PRId64 " ms, %zu bytes", endpoint, outcome,
		  clock_monotonic_ms() - began_ms, bytes);
}

static int converse(struct clearml *clearml, const char *endpoint,
		    const struct http_request *request, struct http_answer *got, struct error *err)
{
	int64_t began_ms = clock_monotonic_ms();
	char outcome[32];

	clearml->calls++;
	clearml->status = 0;
	clearml->subcode = 0;
	if (http_exchange(clearml->http, request, got, err) < 0) {
		log_call(endpoint, error_class_name(err->class), began_ms, 0);
		return error_wrap(err, "%s", endpoint);
	}
	snprintf(outcome, sizeof(outcome), "status %ld", got->status);
	log_call(endpoint, outcome, began_ms, got->body.len);
	return 0;
}

static int exchange_once(struct clearml *clearml, const struct exchange *exchange,
			 struct json_document *out, struct error *err)
{
	SCOPED(buf) struct buf url = BUF(URL_MAX);
	SCOPED(http_answer) struct http_answer got = { 0 };
	const char *headers[] = { clearml->client_header,
				  *clearml->worker_header ? clearml->worker_header : NULL, NULL };
	int64_t left_ms = clearml->deadline_ms - clock_monotonic_ms();

	if (left_ms <= 0)
		return error_set(err, ERROR_UNREACHABLE, "%s: the time for it is over",
				 exchange->endpoint);
	buf_addf(&url, "%s/v%d.%u/%s", clearml->base, OLDEST_MAJOR, requested_minor(clearml),
		 exchange->endpoint);
	if (buf_finish(&url, err) < 0)
		return error_wrap(err, "api_server");
	struct http_request request = {
		.method = "POST",
		.url = buf_text(&url),
		.headers = headers,
		.body = exchange->body,
		.content_type = exchange->content_type,
		.timeout_ms = left_ms,
		.may_repeat = exchange->repeat == CLEARML_MAY_REPEAT,
	};

	if (exchange->is_login) {
		request.basic_user = clearml->access_key;
		request.basic_secret = &clearml->secret_key;
	} else if (clearml->token.len) {
		request.bearer = &clearml->token;
	}
	if (converse(clearml, exchange->endpoint, &request, &got, err) < 0)
		return -1;
	struct clearml_answer answer = { .endpoint = exchange->endpoint,
					 .status = got.status,
					 .content_type = got.content_type,
					 .body = buf_slice(&got.body) };
	int result = clearml_answer_read(&answer, out, err);

	clearml->status = got.status;
	clearml->subcode = answer.subcode;
	if (answer.has_envelope)
		note_date(clearml, &got);
	return result;
}

/* ---- login ---- */

/* At most four digits, which end at the sign; -1 where there are none. */
static int read_digits(const char **text, char end)
{
	size_t digits = strspn(*text, "0123456789");
	int number = 0;

	if (!digits || digits > 4 || (*text)[digits] != end)
		return -1;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + ((*text)[i] - '0');
	*text += digits + (end != '\0');
	return number;
}

static int read_version(struct clearml *clearml, const char *text, struct error *err)
{
	const char *rest = text;
	int major = read_digits(&rest, '.');
	int minor = major < 0 ? -1 : read_digits(&rest, '\0');

	if (minor < 0)
		return error_set(
			err, ERROR_MALFORMED,
			"server.info: data.api_version: expected MAJOR.MINOR, got \"%.40s\"", text);
	if (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR))
		return error_set(
			err, ERROR_REFUSED,
			"server.info: the server's API is %d.%d, at least %d.%d is needed: "
			"update the ClearML server",
			major, minor, OLDEST_MAJOR, OLDEST_MINOR);
	clearml->major = (unsigned)major;
	clearml->minor = (unsigned)minor;
	return 0;
}

static int ask_version(struct clearml *clearml, struct error *err)
{
	SCOPED(json_document) struct json_document answer = { 0 };
	struct exchange exchange = { .endpoint = "server.info",
				     .body = slice_of("{}"),
				     .repeat = CLEARML_MAY_REPEAT };
	const char *version;

	if (exchange_once(clearml, &exchange, &answer, err) < 0)
		return -1;
	if (json_text(answer.root, "data.api_version", &version, err) < 0)
		return error_wrap(err, "server.info");
	return read_version(clearml, version, err);
}

static int keep_token(struct clearml *clearml, const struct json *answer, struct error *err)
{
	const char *token = json_text_or(answer, "data.token", "");

	if (!*token)
		return error_set(err, ERROR_MALFORMED,
				 "auth.login: answered without a token: is api_server the web "
				 "server's address instead of the API's?");
	secret_release(&clearml->token);
	return secret_copy(&clearml->token, slice_of(token), err);
}

static int log_in(struct clearml *clearml, struct error *err)
{
	struct json_document answer = { 0 };
	char body[64];

	snprintf(body, sizeof(body), "{\"expiration_sec\":%d}", TOKEN_LIFE_S);
	struct exchange exchange = { .endpoint = "auth.login",
				     .body = slice_of(body),
				     .repeat = CLEARML_MAY_REPEAT,
				     .is_login = true };
	int result = exchange_once(clearml, &exchange, &answer, err);

	if (result == 0)
		result = keep_token(clearml, answer.root, err);
	else if (err->class == ERROR_DENIED)
		error_wrap(err, "access key %.40s", clearml->access_key);
	json_document_wipe(&answer); /* it holds the token */
	return result;
}

static int become_ready(struct clearml *clearml, struct error *err)
{
	if (!clearml->major && ask_version(clearml, err) < 0)
		return -1;
	if (!clearml->token.len && log_in(clearml, err) < 0)
		return -1;
	return 0;
}

int clearml_begin_ready(struct clearml *clearml, struct error *err)
{
	clearml_begin(clearml);
	return become_ready(clearml, err);
}

int clearml_login_again(struct clearml *clearml, struct error *err)
{
	clearml_begin(clearml);
	if (ask_version(clearml, err) < 0)
		return -1;
	return log_in(clearml, err);
}

/* ---- calls ---- */

/* A 401 proves that nothing was done, so even what must not be repeated is sent again. */
static int call(struct clearml *clearml, const struct exchange *exchange, struct json_document *out,
		struct error *err)
{
	bool had_token = clearml->token.len > 0;

	if (become_ready(clearml, err) < 0)
		return -1;
	int result = exchange_once(clearml, exchange, out, err);

	if (result == 0 || clearml->status != 401)
		return result;
	secret_release(&clearml->token);
	if (!had_token)
		return -1;
	if (log_in(clearml, err) < 0)
		return -1;
	return exchange_once(clearml, exchange, out, err);
}

int clearml_call(struct clearml *clearml, const char *endpoint, enum clearml_repeat repeat,
		 const struct json_document *body, struct json_document *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(BODY_MAX);

	json_print(body->root, false, &text);
	if (buf_finish(&text, err) < 0)
		return error_wrap(err, "%s: the request", endpoint);
	struct exchange exchange = { .endpoint = endpoint,
				     .body = buf_slice(&text),
				     .repeat = repeat };

	return call(clearml, &exchange, out, err);
}

int clearml_call_lines(struct clearml *clearml, const char *endpoint, enum clearml_repeat repeat,
		       struct slice lines, struct json_document *out, struct error *err)
{
	struct exchange exchange = { .endpoint = endpoint,
				     .body = lines,
				     .content_type = "application/json-lines",
				     .repeat = repeat };

	return call(clearml, &exchange, out, err);
}

int clearml_tell(struct clearml *clearml, const char *endpoint, enum clearml_repeat repeat,
		 const struct json_document *body, struct error *err)
{
	SCOPED(json_document) struct json_document answer = { 0 };

	return clearml_call(clearml, endpoint, repeat, body, &answer, err);
}

void clearml_add_texts(struct json *body, const char *key, const char *const *texts, size_t count)
{
	struct json *list = json_add_list(body, key);

	for (size_t i = 0; i < count; i++)
		json_add_text(list, NULL, texts[i]);
}
