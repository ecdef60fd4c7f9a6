/* spend_mirror: whose sums are believed. */
#include "reaper/money/spend_mirror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct minisign_key ours, strangers;
static struct minisign_trusted trusted = { .count = 1 };

static int make_keys(void **state)
{
	struct error err;

	(void)state;
	if (minisign_key_new(&ours, &err) < 0 || minisign_key_new(&strangers, &err) < 0)
		return -1;
	minisign_key_public(&ours, &trusted.list[0]);
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	minisign_key_release(&ours);
	minisign_key_release(&strangers);
	return 0;
}

static void sign(const struct minisign_key *key, const char *prefix, struct buf *out)
{
	struct spend_row row = {
		.day = "2026-11-24", .resource = "gpu", .queue = "train", .seconds = 60, .money = 9
	};
	struct spend_mirror mirror = {
		.issuer = "0f3a", .number = 17, .until_s = 1795472471, .rows = { &row, 1 }
	};
	struct error err = { 0 };

	if (spend_mirror_sign(&mirror, prefix, key, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void what_we_signed_is_read(void **state)
{
	static const char line[] = "{\"issuer\":\"0f3a\",\"number\":17,\"until\":1795472471,"
				   "\"rows\":[[\"2026-11-24\",\"gpu\",\"train\",\"\",60,9,0]]}\n";
	SCOPED(buf) struct buf text = BUF(SPEND_MIRROR_BYTES);
	SCOPED(spend_mirror) struct spend_mirror opened = { 0 };
	struct error err = { 0 };

	(void)state;
	sign(&ours, "lab", &text);
	assert_memory_equal(buf_text(&text), line, strlen(line));
	if (spend_mirror_open(buf_slice(&text), &trusted, "lab", &opened, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(opened.issuer, "0f3a");
	assert_int_equal(opened.number, 17);
	assert_int_equal(opened.until_s, 1795472471);
	assert_int_equal(opened.rows.count, 1);
	assert_int_equal(opened.rows.rows[0].money, 9);
}

enum trick { BY_STRANGER, OTHER_PREFIX, AS_ORDERS, CHEAPER, UNSIGNED, CUT, NONSENSE };

static void add_signed(const char *line, const char *purpose, struct buf *out)
{
	struct error err = { 0 };

	buf_add(out, slice_of(line));
	if (minisign_sign(slice_of(line), &ours, purpose, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void forge(enum trick trick, struct buf *out)
{
	static const char line[] = "{\"issuer\":\"a\",\"number\":1,\"until\":1,\"rows\":[]}\n";

	switch (trick) {
	case BY_STRANGER:
		sign(&strangers, "lab", out);
		return;
	case OTHER_PREFIX:
		sign(&ours, "la", out);
		return;
	case AS_ORDERS:
		add_signed(line, "mayfly orders for lab", out);
		return;
	case NONSENSE:
		add_signed("{\"issuer\":\"a\",\"number\":1,\"until\":1,\"rows\":[[]]}\n",
			   "mayfly spend for lab", out);
		return;
	case UNSIGNED: /* as an earlier version wrote it */
		buf_addf(out, "{\"until\":1795472471,\"rows\":[]}");
		return;
	case CHEAPER:
		sign(&ours, "lab", out);
		*strstr(out->bytes, "9,0]") = '1';
		return;
	case CUT:
		sign(&ours, "lab", out);
		out->len /= 2;
		return;
	}
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *when;
		enum trick trick;
		enum error_class class;
	} cases[] = {
		{ "a stranger has signed it", BY_STRANGER, ERROR_DENIED },
		{ "it is another prefix's", OTHER_PREFIX, ERROR_DENIED },
		{ "it was signed as orders", AS_ORDERS, ERROR_DENIED },
		{ "a sum was changed", CHEAPER, ERROR_DENIED },
		{ "nobody has signed it", UNSIGNED, ERROR_MALFORMED },
		{ "it was cut", CUT, ERROR_MALFORMED },
		{ "a row makes no sense", NONSENSE, ERROR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(SPEND_MIRROR_BYTES);
		struct spend_mirror untouched = { .number = -1 };
		struct error err = { 0 };

		forge(cases[i].trick, &text);
		if (spend_mirror_open(buf_slice(&text), &trusted, "lab", &untouched, &err) == 0)
			fail_msg("taken, when %s", cases[i].when);
		if (err.class != cases[i].class)
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(untouched.number, -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_signed_is_read),
		cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
