#include "common/http_wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/http_policy.h"

enum { HEADERS_MAX = 256 << 10 }; /* of all answers to one try: interim ones have no end */

/* --- What libcurl calls. */

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct http_wire *wire = context;

	wire->header_bytes += size * count;
	if (wire->header_bytes > HEADERS_MAX) {
		wire->is_too_long = true;
		return 0;
	}
	http_header_read(&wire->headers, (struct slice){ bytes, size * count });
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
static int read_url(struct http_wire *wire, CURLU *url, bool *is_tls, struct error *err)
{
	const struct http_request *request = wire->request;
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
		snprintf(wire->target, sizeof(wire->target), "%s unix:%s", request->method,
			 request->unix_socket);
	else
		snprintf(wire->target, sizeof(wire->target), "%s %.*s", request->method, origin_len,
			 base);
	return 0;
}

static int check_target(struct http_wire *wire, struct error *err)
{
	bool is_tls = false;
	CURLU *url = curl_url();

	if (!url)
		return error_set(err, ERROR_SYSTEM, "libcurl has no memory");
	int result = read_url(wire, url, &is_tls, err);

	curl_url_cleanup(url);
	if (result < 0 || !is_tls)
		return result;
	if (http_policy_check_trust(wire->http->ca_file, err) < 0)
		return error_wrap(err, "%s", wire->target);
	return 0;
}

static int add_line(struct http_wire *wire, const char *line, struct error *err)
{
	struct curl_slist *lines = curl_slist_append(wire->lines, line);

	if (!lines)
		return error_set(err, ERROR_SYSTEM, "libcurl has no memory");
	wire->lines = lines;
	return 0;
}

static int add_content_type(struct http_wire *wire, struct error *err)
{
	const struct http_request *request = wire->request;
	char line[160];

	if (request->content_type) {
		snprintf(line, sizeof(line), "Content-Type: %s", request->content_type);
		return http_header_check(line, err) < 0 ? -1 : add_line(wire, line, err);
	}
	if (http_header_is_given(request->headers, "Content-Type"))
		return 0;
	/* Without a value: libcurl's own default, that of an HTML form, is not sent. */
	return add_line(
		wire, request->body.len ? "Content-Type: application/json" : "Content-Type:", err);
}

static int add_lines(struct http_wire *wire, struct error *err)
{
	SCOPED(secret) struct secret authorization = { 0 };
	const char *const *header = wire->request->headers;

	/* Without a value: not sent, and so nothing waits for 100 Continue. */
	if (add_line(wire, "Expect:", err) < 0 || add_content_type(wire, err) < 0)
		return -1;
	for (; header && *header; header++) {
		if (http_header_check(*header, err) < 0 || add_line(wire, *header, err) < 0)
			return -1;
	}
	if (http_header_authorize(wire->request, &authorization, err) < 0)
		return -1;
	if (!authorization.len)
		return 0;
	/* libcurl copies it: into this list, and into its buffer of the request. Both are wiped
	 * when it frees them (http.c). */
	return add_line(wire, secret_text(&authorization), err);
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
	if (request->unix_socket)
		failed |= curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
	if (request->unix_socket || request->is_direct)
		failed |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	return failed;
}

static unsigned set_callbacks(struct http_wire *wire, const struct http_wire_plan *plan)
{
	CURL *easy = wire->easy;
	unsigned failed = 0;

	failed |= curl_easy_setopt(easy, CURLOPT_PRIVATE, plan->context);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, plan->take);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, plan->context);
	failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, wire);
	failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, wire->words);
	failed |= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)plan->answer_max);
	return failed;
}

static int prepare(struct http_wire *wire, const struct http_wire_plan *plan, struct error *err)
{
	const struct http_request *request = plan->request;
	unsigned failed = 0;

	if (http_header_check_method(request->method, err) < 0 || check_target(wire, err) < 0)
		return -1;
	wire->easy = curl_easy_init();
	if (!wire->easy)
		return error_set(err, ERROR_SYSTEM, "libcurl has no memory");
	if (add_lines(wire, err) < 0)
		return error_wrap(err, "%s", wire->target);
	CURL *easy = wire->easy;

	failed |= curl_easy_setopt(easy, CURLOPT_URL, request->url);
	failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, plan->http->user_agent);
	failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, wire->lines);
	/* Not to a proxy: they hold our credentials. */
	failed |= curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	failed |= set_method(easy, request);
	failed |= set_trust(easy, plan->http);
	failed |= set_connection(easy, request);
	failed |= set_callbacks(wire, plan);
	if (failed)
		return error_set(err, ERROR_SYSTEM, "libcurl %s lacks an option that is needed",
				 curl_version_info(CURLVERSION_NOW)->version);
	return 0;
}

int http_wire_prepare(struct http_wire *wire, const struct http_wire_plan *plan, struct error *err)
{
	*wire = (struct http_wire){ .http = plan->http,
				    .request = plan->request,
				    .answer_max = plan->answer_max };
	http_wire_reset(wire);
	wire->headers.noted_name = plan->request->note_header;
	int result = prepare(wire, plan, err);

	wire->http = NULL;
	wire->request = NULL;
	return result;
}

void http_wire_reset(struct http_wire *wire)
{
	wire->headers = (struct http_headers){ .noted_name = wire->headers.noted_name };
	wire->header_bytes = 0;
	wire->is_too_long = false;
	wire->words[0] = '\0';
}

void http_wire_release(struct http_wire *wire)
{
	for (struct curl_slist *line = wire->lines; line; line = line->next)
		secret_wipe(line->data, strlen(line->data));
	curl_slist_free_all(wire->lines);
	curl_easy_cleanup(wire->easy);
	*wire = (struct http_wire){ 0 };
}

/* --- What came of it. */

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

static struct failure judge(struct http_wire *wire, CURLcode code)
{
	long status = 0, error_number = 0;

	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		if (failures[i].code == code)
			return failures[i];
	}
	curl_easy_getinfo(wire->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(wire->easy, CURLINFO_OS_ERRNO, &error_number);
	/* The connection is fine, and so it is what came over it that libcurl cannot read. */
	if (code == CURLE_RECV_ERROR && status && !error_number)
		return (struct failure){ code, ERROR_MALFORMED, "the answer makes no sense" };
	return (struct failure){ code, ERROR_UNREACHABLE, "no answer" };
}

void http_wire_tell(struct http_wire *wire, CURLcode code, unsigned tries, struct error *err)
{
	struct failure failure = judge(wire, code);
	const char *words = *wire->words ? wire->words : curl_easy_strerror(code);

	if (!wire->is_too_long && code != CURLE_FILESIZE_EXCEEDED)
		error_set(err, failure.class, "%s: %s (%u tr%s): %s", wire->target, failure.words,
			  tries, tries == 1 ? "y" : "ies", words);
	else if (wire->answer_max)
		error_set(err, ERROR_MALFORMED,
			  "%s: the answer is longer than %zu bytes, or its headers than %d",
			  wire->target, wire->answer_max, HEADERS_MAX);
	else
		error_set(err, ERROR_MALFORMED,
			  "%s: the headers of the answer are longer than %d bytes", wire->target,
			  HEADERS_MAX);
}
