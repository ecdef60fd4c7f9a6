#include "common/orders.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/signed_line.h"
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
	free(orders->own.list);
	for (size_t i = 0; i < orders->other_count; i++)
		free(orders->others[i].list);
	*orders = (struct orders){ 0 };
}

static int by_instance(const void *a, const void *b)
{
	const struct orders_line *one = a, *other = b;

	return strcmp(one->instance, other->instance);
}

static int by_issuer(const void *a, const void *b)
{
	const struct orders_part *one = a, *other = b;

	return strcmp(one->issuer, other->issuer);
}

enum order orders_part_for(const struct orders_part *part, const char *instance)
{
	for (size_t i = 0; i < part->count; i++)
		if (!strcmp(part->list[i].instance, instance))
			return part->list[i].order;
	return ORDER_NONE;
}

enum order orders_for(const struct orders *orders, const char *instance)
{
	static const unsigned strength[ORDER_COUNT] = {
		[ORDER_KEEP] = 1,
		[ORDER_DRAIN] = 2,
		[ORDER_LEAVE] = 3,
	};
	enum order result = orders_part_for(&orders->own, instance);

	for (size_t i = 0; i < orders->other_count; i++) {
		enum order order = orders_part_for(&orders->others[i], instance);

		if (strength[order] > strength[result])
			result = order;
	}
	return result;
}

/* ---- the line ---- */

static void print_list(const struct orders_part *part, struct json *to)
{
	struct json *list = json_add_object(to, "orders");

	for (size_t i = 0; i < part->count; i++)
		json_add_text(list, part->list[i].instance, order_word(part->list[i].order));
}

void orders_print(const struct orders *orders, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	json_add_text(document.root, "prefix", orders->prefix);
	json_add_integer(document.root, "number", orders->number);
	json_add_integer(document.root, "time", orders->own.time_s);
	if (*orders->own.issuer)
		json_add_text(document.root, "issuer", orders->own.issuer);
	print_list(&orders->own, document.root);
	struct json *others = orders->other_count ? json_add_list(document.root, "others") : NULL;

	for (size_t i = 0; i < orders->other_count; i++) {
		struct json *part = json_add_object(others, NULL);

		json_add_text(part, "issuer", orders->others[i].issuer);
		json_add_integer(part, "time", orders->others[i].time_s);
		print_list(&orders->others[i], part);
	}
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

static int read_list(const struct json *from, struct orders_part *out, struct error *err)
{
	const struct json *list;

	if (json_object(from, "orders", &list, err) < 0)
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

static int read_part(const struct json *from, struct orders_part *out, struct error *err)
{
	const char *issuer = json_text_or(from, "issuer", "");

	if (json_integer(from, "time", &out->time_s, err) < 0)
		return -1;
	if (out->time_s < 1)
		return error_set(err, ERROR_MALFORMED, "time: expected one above 0");
	if (*issuer && !worker_id_is_field(slice_of(issuer)))
		return error_set(err, ERROR_MALFORMED, "issuer: no name of a ledger");
	if (text_copy(out->issuer, sizeof(out->issuer), slice_of(issuer), err) < 0)
		return error_wrap(err, "issuer");
	return read_list(from, out, err);
}

static int read_others(const struct json *root, struct orders *out, struct error *err)
{
	const struct json *others;

	if (!json_find(root, "others"))
		return 0;
	if (json_list(root, "others", &others, err) < 0)
		return -1;
	if (json_count(others) > ORDERS_OTHERS)
		return error_set(err, ERROR_MALFORMED, "others: more than %d", ORDERS_OTHERS);
	for (const struct json *item = json_first(others); item; item = json_next(item))
		/* Counted first: what was read of it is released too. */
		if (read_part(item, &out->others[out->other_count++], err) < 0)
			return error_wrap(err, "others[%zu]", out->other_count - 1);
	return 0;
}

static int read_head(const struct json *root, struct orders *out, struct error *err)
{
	const char *prefix;

	if (json_text(root, "prefix", &prefix, err) < 0 ||
	    json_integer(root, "number", &out->number, err) < 0)
		return -1;
	if (!worker_id_is_field(slice_of(prefix)) || out->number < 1)
		return error_set(err, ERROR_MALFORMED, "expected a prefix, and a number above 0");
	text_cut(out->prefix, sizeof(out->prefix), prefix);
	return 0;
}

static size_t count_all(const struct orders *orders)
{
	size_t count = orders->own.count;

	for (size_t i = 0; i < orders->other_count; i++)
		count += orders->others[i].count;
	return count;
}

static bool is_sorted(const struct orders_part *part)
{
	for (size_t i = 1; i < part->count; i++)
		if (by_instance(&part->list[i - 1], &part->list[i]) >= 0)
			return false;
	return true;
}

static int check_order(const struct orders *orders, struct error *err)
{
	if (!is_sorted(&orders->own))
		return error_set(err, ERROR_MALFORMED, "orders: not in order of instance");
	for (size_t i = 0; i < orders->other_count; i++) {
		const struct orders_part *part = &orders->others[i];

		if (!is_sorted(part))
			return error_set(err, ERROR_MALFORMED,
					 "others[%zu].orders: not in order of instance", i);
		if (!*part->issuer || !by_issuer(part, &orders->own) ||
		    (i && by_issuer(part - 1, part) >= 0))
			return error_set(err, ERROR_MALFORMED,
					 "others: not each issuer once, in order");
	}
	return 0;
}

/* There is one way to write an order: what reads otherwise has something in it that we would not
 * see. */
static int check_form(const struct orders *orders, struct slice line, struct error *err)
{
	SCOPED(buf) struct buf again = BUF(ORDERS_BYTES);

	if (check_order(orders, err) < 0)
		return -1;
	if (count_all(orders) > ORDERS_MAX)
		return error_set(err, ERROR_MALFORMED, "orders: more than %d", ORDERS_MAX);
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
	    read_part(document.root, &orders.own, err) < 0 ||
	    read_others(document.root, &orders, err) < 0 || check_form(&orders, line, err) < 0)
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

static int check_names(const struct orders_part *part, struct error *err)
{
	for (size_t i = 0; i < part->count; i++)
		if (!worker_id_is_field(slice_of(part->list[i].instance)))
			return error_set(err, ERROR_CONFIGURATION,
					 "orders: no instance has the name \"%s\"",
					 part->list[i].instance);
	return 0;
}

static void sort(struct orders_part *part)
{
	if (part->count)
		qsort(part->list, part->count, sizeof(*part->list), by_instance);
}

int orders_sign(struct orders *orders, const struct minisign_key *key, struct buf *out,
		struct error *err)
{
	SCOPED(buf) struct buf line = BUF(ORDERS_BYTES), comment = BUF(COMMENT_ROOM);

	if (count_all(orders) > ORDERS_MAX)
		return error_set(err, ERROR_CONFIGURATION, "orders: %zu at once, at most %d",
				 count_all(orders), ORDERS_MAX);
	if (check_names(&orders->own, err) < 0)
		return -1;
	sort(&orders->own);
	for (size_t i = 0; i < orders->other_count; i++)
		sort(&orders->others[i]);
	qsort(orders->others, orders->other_count, sizeof(*orders->others), by_issuer);
	orders_print(orders, &line);
	comment_for(orders->prefix, &comment);
	if (buf_finish(&line, err) < 0 || buf_finish(&comment, err) < 0)
		return error_wrap(err, "orders");
	return signed_line_make(buf_slice(&line), key, buf_text(&comment), out, err);
}

static int open_line(struct slice text, const struct minisign_trusted *trusted, const char *prefix,
		     struct slice *line, struct error *err)
{
	SCOPED(buf) struct buf comment = BUF(COMMENT_ROOM);

	comment_for(prefix, &comment);
	if (text.len > ORDERS_BYTES)
		return error_set(err, ERROR_MALFORMED,
				 "expected a line and its signature in at most %d bytes",
				 ORDERS_BYTES);
	return buf_finish(&comment, err) < 0 ?
		       -1 :
		       signed_line_open(text, trusted, buf_text(&comment), line, err);
}

int orders_open(struct slice text, const struct minisign_trusted *trusted, const char *prefix,
		struct orders *out, struct error *err)
{
	SCOPED(orders) struct orders orders = { 0 };
	struct slice line = slice_of("");

	/* Nothing is parsed before somebody whom we trust has signed it. */
	if (open_line(text, trusted, prefix, &line, err) < 0 ||
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
	if (orders->own.time_s < now_s - ORDERS_LIFE_S ||
	    orders->own.time_s > now_s + ORDERS_LIFE_S) {
		char signed_at[CLOCK_TEXT_LEN];

		clock_format(orders->own.time_s * 1000, false, signed_at);
		return error_set(err, ERROR_REFUSED,
				 "orders: number %lld was signed at %s: more than %d s off, by "
				 "ClearML's clock",
				 (long long)orders->number, signed_at, ORDERS_LIFE_S);
	}
	return 0;
}
