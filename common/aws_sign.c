#include "common/aws_sign.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/hash.h"

enum {
	TEXT_MAX = 1 << 20,
	PARTS_MAX = 1 << 10, /* of a path; parameters and headers are counted */
	MAC_LEN = crypto_auth_hmacsha256_BYTES,
	DAY_LEN = 8, /* "20150830" */
};

#define ALGORITHM "AWS4-HMAC-SHA256"

void aws_keys_release(struct aws_keys *keys)
{
	secret_release(&keys->secret_access_key);
	secret_release(&keys->session_token);
	*keys = (struct aws_keys){ 0 };
}

void aws_sign_time(int64_t now_ms, char out[static AWS_TIME_ROOM])
{
	char text[CLOCK_TEXT_LEN];
	size_t len = 0;

	clock_format(now_ms, false, text);
	for (const char *at = text; *at && len + 1 < AWS_TIME_ROOM; at++) {
		if (*at != '-' && *at != ':')
			out[len++] = *at;
	}
	out[len] = '\0';
}

/* --- Encoding. */

/* Not isalnum(): it asks the locale. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~", c));
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static void encode_byte(char c, struct buf *out)
{
	buf_addf(out, "%%%02X", (unsigned char)c);
}

void aws_sign_encode(struct slice text, const char *keep, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_plain(text.ptr[i]) || (text.ptr[i] && strchr(keep, text.ptr[i])))
			buf_add(out, (struct slice){ &text.ptr[i], 1 });
		else
			encode_byte(text.ptr[i], out);
	}
}

/* What is encoded already stays: a query is sent with its names and values encoded. */
static void encode_rest(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		bool is_encoded = text.ptr[i] == '%' && i + 2 < text.len &&
				  is_hex(text.ptr[i + 1]) && is_hex(text.ptr[i + 2]);

		if (is_plain(text.ptr[i]) || is_encoded)
			buf_add(out, (struct slice){ &text.ptr[i], 1 });
		else
			encode_byte(text.ptr[i], out);
	}
}

/* --- The path. */

/* RFC 3986, 5.2.4: without empty segments, "." and "..". */
static void normalise(const char *path, struct buf *out)
{
	struct slice parts[PARTS_MAX];
	size_t count = 0, len = strlen(path);
	bool ends_open = len && path[len - 1] != '/';

	for (const char *at = path; *at;) {
		size_t part_len = strcspn(at, "/");
		struct slice part = { at, part_len };

		if (slice_equals(part, ".."))
			count -= count ? 1 : 0;
		else if (part_len && !slice_equals(part, ".") && count < PARTS_MAX)
			parts[count++] = part;
		at += part_len + (at[part_len] ? 1 : 0);
	}
	for (size_t i = 0; i < count; i++) {
		buf_add(out, slice_of("/"));
		buf_add(out, parts[i]);
	}
	if (!count || !ends_open)
		buf_add(out, slice_of("/"));
}

static void add_path(const struct aws_sign_request *request, struct buf *out)
{
	SCOPED(buf) struct buf plain = BUF(TEXT_MAX);

	if (!strcmp(request->service, "s3")) {
		buf_add(out, slice_of(*request->path ? request->path : "/"));
		return;
	}
	normalise(request->path, &plain);
	aws_sign_encode(buf_slice(&plain), "/", out);
}

/* --- The query. */

struct parameter {
	struct buf name, value;
};

static int order_bytes(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.ptr, b.ptr, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int order_parameters(const void *one, const void *other)
{
	const struct parameter *a = one, *b = other;
	int order = order_bytes(buf_slice(&a->name), buf_slice(&b->name));

	return order ? order : order_bytes(buf_slice(&a->value), buf_slice(&b->value));
}

static size_t count_of(const char *text, char mark)
{
	size_t count = 1;

	for (; *text; text++)
		count += *text == mark;
	return count;
}

static size_t split_query(const char *query, struct parameter *list)
{
	size_t count = 0;

	for (const char *at = query; *at;) {
		size_t len = strcspn(at, "&");
		const char *equals = memchr(at, '=', len);
		size_t name_len = equals ? (size_t)(equals - at) : len;
		struct parameter *parameter = &list[count];

		*parameter = (struct parameter){ BUF(TEXT_MAX), BUF(TEXT_MAX) };
		encode_rest((struct slice){ at, name_len }, &parameter->name);
		if (equals)
			encode_rest((struct slice){ equals + 1, len - name_len - 1 },
				    &parameter->value);
		count += len > 0;
		at += len + (at[len] ? 1 : 0);
	}
	return count;
}

static void add_query(const char *query, struct buf *out)
{
	if (!query || !*query)
		return;
	struct parameter *list = memory_array(count_of(query, '&'), sizeof(*list));
	size_t count = split_query(query, list);

	if (count)
		qsort(list, count, sizeof(*list), order_parameters);
	for (size_t i = 0; i < count; i++) {
		buf_add(out, slice_of(i ? "&" : ""));
		buf_add(out, buf_slice(&list[i].name));
		buf_add(out, slice_of("="));
		buf_add(out, buf_slice(&list[i].value));
		buf_release(&list[i].name);
		buf_release(&list[i].value);
	}
	free(list);
}

/* --- The headers. */

struct header {
	struct slice name;
	const char *value;
	size_t place; /* qsort() keeps no order among equals */
};

/* A name's end sorts before any letter of a longer one. */
static int order_names(const struct header *a, const struct header *b)
{
	size_t len = a->name.len < b->name.len ? a->name.len : b->name.len;
	int order = strncasecmp(a->name.ptr, b->name.ptr, len);

	return order ? order : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

static int order_headers(const void *one, const void *other)
{
	const struct header *a = one, *b = other;
	int order = order_names(a, b);

	return order ? order : (a->place > b->place) - (a->place < b->place);
}

static struct header *sorted_headers(const char *const *headers, size_t *count)
{
	size_t all = 0;

	while (headers[all])
		all++;
	struct header *list = memory_array(all ? all : 1, sizeof(*list));

	for (size_t i = 0; i < all; i++) {
		size_t len = strcspn(headers[i], ":");

		list[i] = (struct header){ { headers[i], len },
					   headers[i] + len + (headers[i][len] ? 1 : 0),
					   i };
	}
	qsort(list, all, sizeof(*list), order_headers);
	*count = all;
	return list;
}

static void add_lower(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		buf_add(out, (struct slice){ &c, 1 });
	}
}

/* Without blanks at its ends; those inside, as many as there are, are one. */
static void add_value(const char *value, struct buf *out)
{
	bool is_first = true;

	for (const char *at = value + strspn(value, " \t\r\n"); *at;) {
		size_t len = strcspn(at, " \t\r\n");

		buf_add(out, slice_of(is_first ? "" : " "));
		buf_add(out, (struct slice){ at, len });
		at += len + strspn(at + len, " \t\r\n");
		is_first = false;
	}
}

static void add_headers(const struct header *list, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		bool is_again = i && !order_names(&list[i - 1], &list[i]);

		if (i && !is_again)
			buf_add(out, slice_of("\n"));
		if (!is_again)
			add_lower(list[i].name, out);
		buf_add(out, slice_of(is_again ? "," : ":"));
		add_value(list[i].value, out);
	}
	buf_add(out, slice_of("\n"));
}

static void add_names(const struct header *list, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		if (i && !order_names(&list[i - 1], &list[i]))
			continue;
		buf_add(out, slice_of(i ? ";" : ""));
		add_lower(list[i].name, out);
	}
}

/* --- The three texts. */

void aws_sign_canonical(const struct aws_sign_request *request, struct buf *out)
{
	char digest[HASH_SHA256_ROOM];
	size_t count;
	struct header *headers = sorted_headers(request->headers, &count);

	buf_addf(out, "%s\n", request->method);
	add_path(request, out);
	buf_add(out, slice_of("\n"));
	add_query(request->query, out);
	buf_add(out, slice_of("\n"));
	add_headers(headers, count, out);
	buf_add(out, slice_of("\n"));
	add_names(headers, count, out);
	hash_sha256(request->body, digest);
	buf_addf(out, "\n%s", digest);
	free(headers);
}

static void add_scope(const struct aws_sign_request *request, struct buf *out)
{
	char time[AWS_TIME_ROOM];

	aws_sign_time(request->now_ms, time);
	buf_addf(out, "%.*s/%s/%s/aws4_request", DAY_LEN, time, request->region, request->service);
}

void aws_sign_string(const struct aws_sign_request *request, struct slice canonical,
		     struct buf *out)
{
	char digest[HASH_SHA256_ROOM], time[AWS_TIME_ROOM];

	aws_sign_time(request->now_ms, time);
	buf_addf(out, ALGORITHM "\n%s\n", time);
	add_scope(request, out);
	hash_sha256(canonical, digest);
	buf_addf(out, "\n%s", digest);
}

static void mac(struct slice key, struct slice text, unsigned char out[static MAC_LEN])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.ptr, key.len);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)text.ptr, text.len);
	crypto_auth_hmacsha256_final(&state, out);
	secret_wipe(&state, sizeof(state));
}

/* The key of the day, the region and the service, each made by the one before. */
static int derive_key(const struct aws_sign_request *request, const struct aws_keys *keys,
		      struct secret *out, struct error *err)
{
	SCOPED(secret) struct secret first = { 0 };
	struct slice plain = secret_expose(&keys->secret_access_key);
	struct secret key = { 0 };
	char time[AWS_TIME_ROOM];

	if (secret_alloc(&first, plain.len + 4, err) < 0 || secret_alloc(&key, MAC_LEN, err) < 0)
		return -1;
	memcpy(secret_fill(&first), "AWS4", 4);
	memcpy(secret_fill(&first) + 4, plain.ptr, plain.len);
	aws_sign_time(request->now_ms, time);
	mac(secret_expose(&first), (struct slice){ time, DAY_LEN }, secret_fill(&key));
	mac(secret_expose(&key), slice_of(request->region), secret_fill(&key));
	mac(secret_expose(&key), slice_of(request->service), secret_fill(&key));
	mac(secret_expose(&key), slice_of("aws4_request"), secret_fill(&key));
	*out = secret_take(&key);
	return 0;
}

static void add_authorization(const struct aws_sign_request *request, const struct aws_keys *keys,
			      const unsigned char signature[static MAC_LEN], struct buf *out)
{
	char hex[2 * MAC_LEN + 1];
	size_t count;
	struct header *headers = sorted_headers(request->headers, &count);

	sodium_bin2hex(hex, sizeof(hex), signature, MAC_LEN);
	buf_addf(out, ALGORITHM " Credential=%s/", keys->access_key_id);
	add_scope(request, out);
	buf_add(out, slice_of(", SignedHeaders="));
	add_names(headers, count, out);
	buf_addf(out, ", Signature=%s", hex);
	free(headers);
}

int aws_sign(const struct aws_sign_request *request, const struct aws_keys *keys, struct buf *out,
	     struct error *err)
{
	SCOPED(buf) struct buf canonical = BUF(TEXT_MAX);
	SCOPED(buf) struct buf to_sign = BUF(TEXT_MAX);
	SCOPED(secret) struct secret key = { 0 };
	unsigned char signature[MAC_LEN];

	aws_sign_canonical(request, &canonical);
	if (buf_finish(&canonical, err) < 0)
		return error_wrap(err, "sign the request");
	aws_sign_string(request, buf_slice(&canonical), &to_sign);
	if (buf_finish(&to_sign, err) < 0 || derive_key(request, keys, &key, err) < 0)
		return error_wrap(err, "sign the request");
	mac(secret_expose(&key), buf_slice(&to_sign), signature);
	add_authorization(request, keys, signature, out);
	return buf_finish(out, err);
}
