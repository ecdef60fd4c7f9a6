#include "common/orders.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/worker_id.h"

enum { COMMENT_ROOM = 96 };

static const char comment_start[] = "mayfly orders for ";

static const char *const words[ORDER_COUNT] = {
	[ORDER_NONE] = "none",
	[ORDER_DRAIN] = "drain",
	[ORDER_KEEP] = "keep",
	[ORDER_LEAVE] = "leave",
};

const char *order_word(enum order order)
{
	return words[order];
}

void orders_release(struct orders *orders)
{
	free(orders->list);
	*orders = (struct orders){ 0 };
}

static int by_instance(const void *a, const void *b)
{
	const struct orders_line *one = a, *other = b;

	return strcmp(one->instance, other->instance);
}

enum order orders_for(const struct orders *orders, const char *instance)
{
	for (size_t i = 0; i < orders->count; i++)
		if (!strcmp(orders->list[i].instance, instance))
			return orders->list[i].order;
	return ORDER_NONE;
}

/* ---- the line ---- */

void orders_print(const struct orders *orders, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	json_add_text(document.root, "prefix", orders->prefix);
	json_add_integer(document.root, "number", orders->number);
	json_add_integer(document.root, "time", orders->time_s);
	struct json *list = json_add_object(document.root, "orders");

	for (size_t i = 0; i < orders->count; i++)
		json_add_text(list, orders->list[i].instance, order_word(orders->list[i].order));
	json_print(document.root, false, out);
	buf_addf(out, "\n");
}

static int read_line(const struct json *item, struct orders_line *out, struct error *err)
{
	const char *name = json_name(item), *word = json_text_value(item);

	if (!worker_id_is_field(slice_of(name)))
		return error_set(err, ERROR_MALFORMED, "orders: a name that no instance has");
	for (int order = ORDER_NONE + 1; word && order < ORDER_COUNT; order++)
		if (!strcmp(words[order], word)) {
			text_cut(out->instance, sizeof(out->instance), name);
			out->order = (enum order)order;
			return 0;
		}
	return error_set(err, ERROR_MALFORMED, "orders.%s: expected drain, keep or leave", name);
}

static int read_lines(const struct json *root, struct orders *out, struct error *err)
{
	const struct json *list;

	if (json_object(root, "orders", &list, err) < 0)
		return -1;
	if (json_count(list) > ORDERS_MAX)
		return error_set(err, ERROR_MALFORMED, "orders: more than %d", ORDERS_MAX);
	out->list = memory_array(json_count(list) + 1, sizeof(*out->list));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		if (read_line(item, &out->list[out->count], err) < 0)
			return -1;
		out->count++;
	}
	return 0;
}

static int read_head(const struct json *root, struct orders *out, struct error *err)
{
	const char *prefix;

	if (json_text(root, "prefix", &prefix, err) < 0 ||
	    json_integer(root, "number", &out->number, err) < 0 ||
	    json_integer(root, "time", &out->time_s, err) < 0)
		return -1;
	if (!worker_id_is_field(slice_of(prefix)) || out->number < 1 || out->time_s < 1)
		return error_set(err, ERROR_MALFORMED,
				 "expected a prefix, and number and time above 0");
	text_cut(out->prefix, sizeof(out->prefix), prefix);
	return 0;
}

/* There is one way to write an order: what reads otherwise has something in it that we would not
 * see. */
static int check_form(const struct orders *orders, struct slice line, struct error *err)
{
	SCOPED(buf) struct buf again = BUF(ORDERS_BYTES);

	for (size_t i = 1; i < orders->count; i++)
		if (by_instance(&orders->list[i - 1], &orders->list[i]) >= 0)
			return error_set(err, ERROR_MALFORMED, "orders: not in order of instance");
	orders_print(orders, &again);
	if (buf_finish(&again, err) < 0 || again.len != line.len ||
	    memcmp(buf_text(&again), line.ptr, line.len) != 0)
		return error_set(err, ERROR_MALFORMED, "not as mayfly-reaper writes them");
	return 0;
}

int orders_parse(struct slice line, struct orders *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(orders) struct orders orders = { 0 };

	if (json_parse(line, &document, err) < 0 || read_head(document.root, &orders, err) < 0 ||
	    read_lines(document.root, &orders, err) < 0 || check_form(&orders, line, err) < 0)
		return -1;
	*out = orders;
	orders = (struct orders){ 0 };
	return 0;
}

/* ---- the signed text ---- */

static void comment_for(const char *prefix, struct buf *out)
{
	buf_addf(out, "%s%s", comment_start, prefix);
}

static int check_names(const struct orders *orders, struct error *err)
{
	if (orders->count > ORDERS_MAX)
		return error_set(err, ERROR_CONFIGURATION, "orders: %zu at once, at most %d",
				 orders->count, ORDERS_MAX);
	for (size_t i = 0; i < orders->count; i++)
		if (!worker_id_is_field(slice_of(orders->list[i].instance)))
			return error_set(err, ERROR_CONFIGURATION,
					 "orders: no instance has the name \"%s\"",
					 orders->list[i].instance);
	return 0;
}

int orders_sign(const struct orders *orders, const struct minisign_key *key, struct buf *out,
		struct error *err)
{
	SCOPED(buf) struct buf line = BUF(ORDERS_BYTES), comment = BUF(COMMENT_ROOM);

	if (check_names(orders, err) < 0)
		return -1;
	qsort(orders->list, orders->count, sizeof(*orders->list), by_instance);
	orders_print(orders, &line);
	comment_for(orders->prefix, &comment);
	if (buf_finish(&line, err) < 0 || buf_finish(&comment, err) < 0)
		return error_wrap(err, "orders");
	buf_add(out, buf_slice(&line));
	return minisign_sign(buf_slice(&line), key, buf_text(&comment), out, err);
}

static int check_signature(struct slice line, struct slice signature,
			   const struct minisign_trusted *trusted, const char *prefix,
			   struct error *err)
{
	SCOPED(buf) struct buf comment = BUF(COMMENT_ROOM);
	struct minisign_verdict verdict;

	if (minisign_verify(line, signature, trusted, &verdict, err) < 0)
		return -1;
	if (verdict.is_legacy)
		return error_set(err, ERROR_DENIED, "signed in the legacy form");
	comment_for(prefix, &comment);
	if (buf_finish(&comment, err) < 0 ||
	    strcmp(verdict.trusted_comment, buf_text(&comment)) != 0)
		return error_set(err, ERROR_DENIED,
				 "signed as \"%s\", where \"%s\" is expected: the signature is for "
				 "something else",
				 verdict.trusted_comment, buf_text(&comment));
	return 0;
}

int orders_open(struct slice text, const struct minisign_trusted *trusted, const char *prefix,
		struct orders *out, struct error *err)
{
	SCOPED(orders) struct orders orders = { 0 };
	const char *end = text.len ? memchr(text.ptr, '\n', text.len) : NULL;

	if (!end || text.len > ORDERS_BYTES)
		return error_set(err, ERROR_MALFORMED,
				 "orders: expected a line and its signature in at most %d bytes",
				 ORDERS_BYTES);
	const struct slice line = { text.ptr, (size_t)(end - text.ptr) + 1 };
	const struct slice signature = { text.ptr + line.len, text.len - line.len };

	/* Nothing is parsed before somebody whom we trust has signed it. */
	if (check_signature(line, signature, trusted, prefix, err) < 0 ||
	    orders_parse(line, &orders, err) < 0)
		return error_wrap(err, "orders");
	if (strcmp(orders.prefix, prefix) != 0)
		return error_set(err, ERROR_DENIED, "orders: for the prefix %s, not for %s",
				 orders.prefix, prefix);
	*out = orders;
	orders = (struct orders){ 0 };
	return 0;
}

int orders_check(const struct orders *orders, int64_t last_number, int64_t now_s, struct error *err)
{
	if (orders->number < last_number)
		return error_set(err, ERROR_CONFLICT,
				 "orders: number %lld, after number %lld was obeyed: an old one "
				 "was put back",
				 (long long)orders->number, (long long)last_number);
	if (orders->time_s < now_s - ORDERS_LIFE_S || orders->time_s > now_s + ORDERS_LIFE_S) {
		char signed_at[CLOCK_TEXT_LEN];

		clock_format(orders->time_s * 1000, false, signed_at);
		return error_set(err, ERROR_REFUSED,
				 "orders: number %lld was signed at %s: more than %d s off, by "
				 "ClearML's clock",
				 (long long)orders->number, signed_at, ORDERS_LIFE_S);
	}
	return 0;
}
