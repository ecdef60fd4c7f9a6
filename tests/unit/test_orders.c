#include "common/orders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_BYTES = 2 * ORDERS_BYTES, KEYS = 3 };

/* Two that the machine trusts, as while a key is rotated, and a stranger's. */
static struct minisign_key keys[KEYS];
static struct minisign_trusted trusted;

static int make_keys(void **state)
{
	struct error err;

	(void)state;
	for (size_t i = 0; i < KEYS; i++)
		if (minisign_key_new(&keys[i], &err) < 0)
			return -1;
	for (size_t i = 0; i < 2; i++)
		minisign_key_public(&keys[i], &trusted.list[trusted.count++]);
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEYS; i++)
		minisign_key_release(&keys[i]);
	return 0;
}

static struct orders_line lines[] = {
	{ "local-2", ORDER_LEAVE },
	{ "i-0abc", ORDER_DRAIN },
	{ "i-0def", ORDER_KEEP },
};

static struct orders sample(void)
{
	return (struct orders){
		.prefix = "lab",
		.number = 17,
		.own = { .time_s = 1795000000, .list = lines, .count = ARRAY_LEN(lines) }
	};
}

static void sign(const struct minisign_key *key, struct buf *out)
{
	struct orders orders = sample();
	struct error err = { 0 };

	if (orders_sign(&orders, key, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void both_ways(void **state)
{
	static const char line[] = "{\"prefix\":\"lab\",\"number\":17,\"time\":1795000000,"
				   "\"orders\":{\"i-0abc\":\"drain\",\"i-0def\":\"keep\","
				   "\"local-2\":\"leave\"}}\n";

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SCOPED(buf) struct buf text = BUF(TEXT_BYTES);
		SCOPED(orders) struct orders opened = { 0 };
		struct error err = { 0 };

		sign(&keys[i], &text);
		assert_memory_equal(buf_text(&text), line, strlen(line));
		assert_non_null(strstr(buf_text(&text), "\ntrusted comment: mayfly orders for "
							"lab\n"));
		if (orders_open(buf_slice(&text), &trusted, "lab", &opened, &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(opened.number, 17);
		assert_int_equal(opened.own.time_s, 1795000000);
		assert_string_equal(opened.prefix, "lab");
		assert_int_equal(orders_for(&opened, "i-0abc"), ORDER_DRAIN);
		assert_int_equal(orders_for(&opened, "i-0def"), ORDER_KEEP);
		assert_int_equal(orders_for(&opened, "local-2"), ORDER_LEAVE);
		assert_int_equal(orders_for(&opened, "i-0ab"), ORDER_NONE);
		/* A server that strips the last line end does no harm. */
		orders_release(&opened);
		struct slice stripped = buf_slice(&text);

		stripped.len--;
		assert_int_equal(orders_open(stripped, &trusted, "lab", &opened, &err), 0);
	}
}

enum trick {
	BY_STRANGER,
	FOR_ANOTHER,
	OTHER_LINE,
	OTHER_COMMENT,
	CUT,
	EMPTY,
	NO_LINE,
	LEGACY_WORD
};

static void forge(enum trick trick, struct buf *out)
{
	struct orders orders = sample();
	SCOPED(buf) struct buf line = BUF(TEXT_BYTES), good = BUF(TEXT_BYTES);
	struct error err = { 0 };
	char *found;

	sign(&keys[trick == BY_STRANGER ? 2 : 0], &good);
	orders_print(&orders, &line);
	switch (trick) {
	case FOR_ANOTHER: /* what was signed for another prefix, under our comment */
		buf_clear(&line);
		text_cut(orders.prefix, sizeof(orders.prefix), "lib");
		orders_print(&orders, &line);
		buf_add(out, buf_slice(&line));
		assert_int_equal(minisign_sign(buf_slice(&line), &keys[0], "mayfly orders for lab",
					       out, &err),
				 0);
		return;
	case OTHER_COMMENT: /* a signature that a ticket got */
		buf_add(out, buf_slice(&line));
		assert_int_equal(minisign_sign(buf_slice(&line), &keys[0], "mayfly ticket for lab",
					       out, &err),
				 0);
		return;
	case OTHER_LINE:
		found = strstr(good.bytes, "keep");
		memcpy(found, "drai", 4);
		break;
	case LEGACY_WORD: /* signed, but a word that we do not have */
		buf_clear(&line);
		buf_addf(&line, "{\"prefix\":\"lab\",\"number\":17,\"time\":1,\"orders\":{\"a\":"
				"\"none\"}}\n");
		buf_add(out, buf_slice(&line));
		assert_int_equal(minisign_sign(buf_slice(&line), &keys[0], "mayfly orders for lab",
					       out, &err),
				 0);
		return;
	case CUT:
		good.len /= 2;
		break;
	case EMPTY:
		return;
	case NO_LINE:
		buf_add(out, slice_of("drain"));
		return;
	case BY_STRANGER:
		break;
	}
	buf_add(out, buf_slice(&good));
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *when;
		enum trick trick;
		enum error_class class;
	} cases[] = {
		{ "a stranger has signed it", BY_STRANGER, ERROR_DENIED },
		{ "it is for another prefix", FOR_ANOTHER, ERROR_DENIED },
		{ "a word was changed", OTHER_LINE, ERROR_DENIED },
		{ "the signature is for a ticket", OTHER_COMMENT, ERROR_DENIED },
		{ "it was cut", CUT, ERROR_MALFORMED },
		{ "it is empty", EMPTY, ERROR_MALFORMED },
		{ "it has no line end", NO_LINE, ERROR_MALFORMED },
		{ "its word is none of ours", LEGACY_WORD, ERROR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(TEXT_BYTES);
		struct orders untouched = { .number = -1 };
		struct error err = { 0 };

		forge(cases[i].trick, &text);
		if (orders_open(buf_slice(&text), &trusted, "lab", &untouched, &err) == 0)
			fail_msg("taken, when %s", cases[i].when);
		if (err.class != cases[i].class)
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(untouched.number, -1);
	}
}

static void other_prefix_is_another_installation(void **state)
{
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES);
	struct orders none = { 0 };
	struct error err = { 0 };

	(void)state;
	sign(&keys[0], &text);
	assert_int_equal(orders_open(buf_slice(&text), &trusted, "la", &none, &err), -1);
	assert_int_equal(err.class, ERROR_DENIED);
}

static void only_our_own_writing_is_read(void **state)
{
	static const struct {
		const char *when, *line;
	} cases[] = {
		{ "there are blanks",
		  "{\"prefix\": \"a\",\"number\":1,\"time\":1,\"orders\":{}}\n" },
		{ "the line has no end",
		  "{\"prefix\":\"a\",\"number\":1,\"time\":1,\"orders\":{}}" },
		{ "there is one member more",
		  "{\"prefix\":\"a\",\"number\":1,\"time\":1,\"orders\":{},\"x\":1}\n" },
		{ "names are out of order", "{\"prefix\":\"a\",\"number\":1,\"time\":1,\"orders\":{"
					    "\"b\":\"keep\",\"a\":\"keep\"}}\n" },
		{ "the number is 0", "{\"prefix\":\"a\",\"number\":0,\"time\":1,\"orders\":{}}\n" },
		{ "the number is no integer",
		  "{\"prefix\":\"a\",\"number\":1.5,\"time\":1,\"orders\":{}}\n" },
		{ "the time is missing", "{\"prefix\":\"a\",\"number\":1,\"orders\":{}}\n" },
		{ "a name has a blank", "{\"prefix\":\"a\",\"number\":1,\"time\":1,\"orders\":{"
					"\"a b\":\"keep\"}}\n" },
		{ "another issuer has no name",
		  "{\"prefix\":\"a\",\"number\":1,\"time\":1,\"issuer\":\"b\",\"orders\":{},"
		  "\"others\":[{\"time\":1,\"orders\":{}}]}\n" },
		{ "another issuer is the same",
		  "{\"prefix\":\"a\",\"number\":1,\"time\":1,\"issuer\":\"b\",\"orders\":{},"
		  "\"others\":[{\"issuer\":\"b\",\"time\":1,\"orders\":{}}]}\n" },
		{ "other issuers are out of order",
		  "{\"prefix\":\"a\",\"number\":1,\"time\":1,\"issuer\":\"b\",\"orders\":{},"
		  "\"others\":[{\"issuer\":\"d\",\"time\":1,\"orders\":{}},"
		  "{\"issuer\":\"c\",\"time\":1,\"orders\":{}}]}\n" },
		{ "another issuer's time is 0",
		  "{\"prefix\":\"a\",\"number\":1,\"time\":1,\"issuer\":\"b\",\"orders\":{},"
		  "\"others\":[{\"issuer\":\"c\",\"time\":0,\"orders\":{}}]}\n" },
		{ "orders are a list",
		  "{\"prefix\":\"a\",\"number\":1,\"time\":1,\"orders\":[]}\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct orders none = { 0 };
		struct error err = { 0 };

		if (orders_parse(slice_of(cases[i].line), &none, &err) == 0)
			fail_msg("taken, when %s", cases[i].when);
		assert_int_equal(err.class, ERROR_MALFORMED);
	}
}

/* Two ledgers of one prefix; a machine hears both, and the stronger word where they differ. */
static void issuers_are_heard_together(void **state)
{
	static const char line[] =
		"{\"prefix\":\"a\",\"number\":1,\"time\":5,\"issuer\":\"b\",\"orders\":{"
		"\"both\":\"drain\",\"kept\":\"drain\",\"ours\":\"keep\"},"
		"\"others\":[{\"issuer\":\"c\",\"time\":4,\"orders\":{\"both\":\"leave\","
		"\"kept\":\"keep\",\"theirs\":\"keep\"}}]}\n";
	static const struct {
		const char *when, *instance;
		enum order order;
	} cases[] = {
		{ "we alone say something", "ours", ORDER_KEEP },
		{ "the other alone does", "theirs", ORDER_KEEP },
		{ "the other says to leave", "both", ORDER_LEAVE },
		{ "the other would keep it", "kept", ORDER_DRAIN },
		{ "nobody does", "none", ORDER_NONE },
	};
	SCOPED(orders) struct orders orders = { 0 };
	SCOPED(buf) struct buf again = BUF(TEXT_BYTES);
	struct error err = { 0 };

	(void)state;
	if (orders_parse(slice_of(line), &orders, &err) < 0)
		fail_msg("%s", err.message);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (orders_for(&orders, cases[i].instance) != cases[i].order)
			fail_msg("when %s", cases[i].when);
	orders_print(&orders, &again);
	assert_string_equal(buf_text(&again), line);
}

static void when_they_are_of_now(void **state)
{
	static const struct {
		const char *when;
		int64_t number, time_s, last;
		enum error_class class;
	} cases[] = {
		{ "they are the first", 5, 10000, 0, ERROR_NONE },
		{ "they are newer", 5, 10000, 4, ERROR_NONE },
		{ "they are the same again", 5, 10000, 5, ERROR_NONE },
		{ "an old one was put back", 5, 10000, 6, ERROR_CONFLICT },
		{ "they are as old as may be", 5, 10000 - ORDERS_LIFE_S, 4, ERROR_NONE },
		{ "they are too old", 5, 9999 - ORDERS_LIFE_S, 4, ERROR_REFUSED },
		{ "they are as far ahead as may be", 5, 10000 + ORDERS_LIFE_S, 4, ERROR_NONE },
		{ "they are of the future", 5, 10001 + ORDERS_LIFE_S, 4, ERROR_REFUSED },
		{ "they are old and put back", 5, 1, 6, ERROR_CONFLICT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct orders orders = { .number = cases[i].number,
					 .own = { .time_s = cases[i].time_s } };
		struct error err = { .class = ERROR_NONE };
		int result = orders_check(&orders, cases[i].last, 10000, &err);

		if ((result < 0) != (cases[i].class != ERROR_NONE) || err.class != cases[i].class)
			fail_msg("when %s: %s", cases[i].when, error_class_name(err.class));
	}
}

/* However long the names are, as many as are allowed fit into the property. */
static void the_most_of_them_fit(void **state)
{
	static struct orders_line many[ORDERS_MAX + 1];
	struct orders orders = { .number = INT64_C(9007199254740992),
				 .own = { .time_s = INT64_C(9007199254740992),
					  .list = many,
					  .count = ORDERS_MAX - ORDERS_OTHERS },
				 .other_count = ORDERS_OTHERS };
	SCOPED(buf) struct buf text = BUF(ORDERS_BYTES);
	SCOPED(orders) struct orders opened = { 0 };
	struct error err = { 0 };

	(void)state;
	memset(orders.prefix, 'p', sizeof(orders.prefix) - 1);
	memset(orders.own.issuer, 'i', sizeof(orders.own.issuer) - 1);
	for (size_t i = 0; i < ORDERS_OTHERS; i++) {
		struct orders_part *part = &orders.others[i];

		memset(part->issuer, 'a' + (int)i, sizeof(part->issuer) - 1);
		part->time_s = INT64_C(9007199254740992);
		part->list = &many[ORDERS_MAX - ORDERS_OTHERS + i];
		part->count = 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		(void)snprintf(many[i].instance, sizeof(many[i].instance), "%064zu", i);
		many[i].order = ORDER_DRAIN;
	}
	if (orders_sign(&orders, &keys[0], &text, &err) < 0 || buf_finish(&text, &err) < 0 ||
	    orders_open(buf_slice(&text), &trusted, orders.prefix, &opened, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(opened.own.count, ORDERS_MAX - ORDERS_OTHERS);
	assert_int_equal(opened.other_count, ORDERS_OTHERS);
	orders.own.count++;
	assert_int_equal(orders_sign(&orders, &keys[0], &text, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(other_prefix_is_another_installation),
		cmocka_unit_test(only_our_own_writing_is_read),
		cmocka_unit_test(issuers_are_heard_together),
		cmocka_unit_test(when_they_are_of_now),
		cmocka_unit_test(the_most_of_them_fit),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
