#include "common/http_header.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base64.h"
#include "common/clock.h"

/* Longer than any time-out here, and its milliseconds still fit. */
static const int64_t span_max_s = 365LL * 24 * 3600;

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct slice trim(struct slice text)
{
	while (text.len && is_blank(text.ptr[0]))
		text = (struct slice){ text.ptr + 1, text.len - 1 };
	while (text.len && is_blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

static bool is_named(struct slice name, const char *wanted)
{
	return name.len == strlen(wanted) && strncasecmp(name.ptr, wanted, name.len) == 0;
}

static void keep_printable(char *field, size_t room, struct slice value)
{
	size_t len = 0;

	for (; len < value.len && len + 1 < room; len++) {
		char byte = value.ptr[len];

		field[len] = byte >= 0x20 && byte < 0x7f ? byte : '?';
	}
	field[len] = '\0';
}

static void read_retry(struct http_headers *headers, struct slice value)
{
	struct error ignored;
	int64_t seconds = 0;
	size_t i = 0;

	for (; i < value.len && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++)
		seconds = seconds > span_max_s ? seconds : seconds * 10 + value.ptr[i] - '0';
	headers->retry_after_ms = 0;
	headers->retry_at_ms = 0;
	if (i < value.len && clock_parse_http(value, &headers->retry_at_ms, &ignored) < 0)
		headers->retry_at_ms = 0;
	if (i == value.len)
		headers->retry_after_ms = (seconds < span_max_s ? seconds : span_max_s) * 1000;
}

void http_header_read(struct http_headers *headers, struct slice line)
{
	const char *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
	struct error ignored;

	if (line.len >= 5 && memcmp(line.ptr, "HTTP/", 5) == 0) {
		*headers = (struct http_headers){ .noted_name = headers->noted_name };
		return;
	}
	if (!colon)
		return;
	size_t len = (size_t)(colon - line.ptr);
	struct slice name = { line.ptr, len };
	struct slice value = trim((struct slice){ colon + 1, line.len - len - 1 });

	if (headers->noted_name && is_named(name, headers->noted_name))
		keep_printable(headers->noted, sizeof(headers->noted), value);
	if (is_named(name, "Content-Type"))
		keep_printable(headers->content_type, sizeof(headers->content_type), value);
	else if (is_named(name, "Retry-After"))
		read_retry(headers, value);
	else if (is_named(name, "Date") && clock_parse_http(value, &headers->date_ms, &ignored) < 0)
		headers->date_ms = 0;
}

int64_t http_header_wait_ms(const struct http_headers *headers, int64_t wall_ms)
{
	if (!headers->retry_at_ms)
		return headers->retry_after_ms;
	int64_t wait_ms = headers->retry_at_ms - (headers->date_ms ? headers->date_ms : wall_ms);

	if (wait_ms > span_max_s * 1000)
		return span_max_s * 1000;
	return wait_ms > 0 ? wait_ms : 0;
}

int http_header_check_method(const char *method, struct error *err)
{
	if (!*method || method[strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		return error_set(err, ERROR_CONFIGURATION, "\"%s\" is no HTTP method", method);
	return 0;
}

int http_header_check(const char *header, struct error *err)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.!#$%&'*+^`|~";
	size_t name_len = strspn(header, token);
	const char *value = header + name_len + (header[name_len] == ':');

	if (!name_len || header[name_len] != ':')
		return error_set(err, ERROR_CONFIGURATION,
				 "a header is to be sent that is no \"Name: value\"");
	if (!value[strspn(value, " \t")])
		return error_set(err, ERROR_CONFIGURATION, "the header %.*s has no value",
				 (int)name_len, header);
	for (const char *at = value; *at; at++) {
		unsigned char byte = (unsigned char)*at;

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return error_set(err, ERROR_CONFIGURATION,
					 "the header %.*s holds a line end or another control code",
					 (int)name_len, header);
	}
	return 0;
}

bool http_header_is_given(const char *const *headers, const char *name)
{
	for (; headers && *headers; headers++) {
		struct slice given = { *headers, strcspn(*headers, ":") };

		if (is_named(given, name))
			return true;
	}
	return false;
}

/* prefix and then room bytes to be written at *rest. */
static int begin_line(const char *prefix, size_t room, struct secret *out, unsigned char **rest,
		      struct error *err)
{
	size_t len = strlen(prefix);

	if (secret_alloc(out, len + room, err) < 0)
		return -1;
	memcpy(secret_fill(out), prefix, len);
	*rest = secret_fill(out) + len;
	return 0;
}

static int authorize_basic(const struct http_request *request, struct secret *out,
			   struct error *err)
{
	SCOPED(secret) struct secret pair = { 0 };
	struct slice password = secret_expose(request->basic_secret);
	size_t user_len = strlen(request->basic_user);
	unsigned char *rest;

	if (strchr(request->basic_user, ':'))
		return error_set(err, ERROR_CONFIGURATION,
				 "the user name (access key) has a ':' in it");
	if (secret_alloc(&pair, user_len + 1 + password.len, err) < 0)
		return -1;
	unsigned char *plain = secret_fill(&pair);

	memcpy(plain, request->basic_user, user_len);
	plain[user_len] = ':';
	if (password.len)
		memcpy(plain + user_len + 1, password.ptr, password.len);
	if (begin_line("Authorization: Basic ", base64_len(pair.len), out, &rest, err) < 0)
		return -1;
	base64_write(secret_expose(&pair), BASE64_PLAIN, rest);
	return 0;
}

static int authorize_bearer(const struct secret *token, struct secret *out, struct error *err)
{
	unsigned char *rest;

	if (begin_line("Authorization: Bearer ", token->len, out, &rest, err) < 0)
		return -1;
	if (token->len)
		memcpy(rest, secret_expose(token).ptr, token->len);
	if (strlen(secret_text(out)) != out->len)
		return error_set(err, ERROR_CONFIGURATION, "the bearer token has a NUL in it");
	return http_header_check(secret_text(out), err);
}

int http_header_authorize(const struct http_request *request, struct secret *out, struct error *err)
{
	if (request->bearer)
		return authorize_bearer(request->bearer, out, err);
	if (request->basic_user && request->basic_secret)
		return authorize_basic(request, out, err);
	return 0;
}
