/* orders_merge: what one reaper carries of another's orders, and when it must write. */
#include "reaper/orders_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { NOW_S = 1795000000, LIFE = ORDERS_LIFE_S };

static struct orders_line drain = { "i-1", ORDER_DRAIN }, keep = { "i-1", ORDER_KEEP };

static struct orders_part part(const char *issuer, int64_t age_s, struct orders_line *line)
{
	struct orders_part result = { .time_s = NOW_S - age_s,
				      .list = line,
				      .count = line != NULL };

	text_cut(result.issuer, sizeof(result.issuer), issuer);
	return result;
}

static void what_is_carried(void **state)
{
	static const struct {
		const char *when, *own, *other, *adopted;
		int64_t age_s;
		bool is_empty;
		const char *carried; /* the issuer; "": none */
	} cases[] = {
		{ "another wrote all of it", "b", "", "", 60, false, "b" },
		{ "we wrote it, and carried another", "us", "b", "", 60, false, "b" },
		{ "another carried ours", "b", "us", "", 60, true, "" },
		{ "it is as old as may be", "b", "", "", LIFE, false, "b" },
		{ "it is too old", "b", "", "", LIFE + 1, false, "" },
		{ "it is of the future", "b", "", "", -LIFE - 1, false, "" },
		{ "it says nothing", "b", "", "", 60, true, "" },
		{ "it was taken over", "b", "", "b", 60, false, "" },
		{ "another one's was taken over", "b", "", "c", 60, false, "b" },
		{ "an earlier version wrote it", "", "", "", 60, false, "" },
		{ "it is ours", "us", "", "", 60, false, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct orders_line *line = cases[i].is_empty ? NULL : &drain;
		struct orders pinned = { .own = part(cases[i].own, cases[i].age_s, line) };
		struct ordered order = { .instance = "i-9", .order = ORDER_KEEP };
		struct ledger ledger = { .issuer = "us", .orders = &order, .order_count = 1 };
		SCOPED(orders) struct orders out = { 0 };

		text_cut(order.issuer, sizeof(order.issuer), cases[i].adopted);
		if (*cases[i].other)
			pinned.others[pinned.other_count++] =
				part(cases[i].other, cases[i].age_s, &drain);
		assert_int_equal(orders_merge_carry(&pinned, &ledger, NOW_S, &out), 0);
		const char *carried = out.other_count ? out.others[0].issuer : "";

		if (strcmp(carried, cases[i].carried) != 0 || out.other_count > 1)
			fail_msg("when %s: \"%s\"", cases[i].when, carried);
		if (out.other_count) {
			assert_int_equal(out.others[0].time_s, NOW_S - cases[i].age_s);
			assert_int_equal(orders_for(&out, "i-1"), ORDER_DRAIN);
		}
	}
}

static void what_does_not_fit_is_counted(void **state)
{
	static struct orders_line many[ORDERS_MAX];
	static const struct {
		const char *when;
		size_t own, others, left_out;
	} cases[] = {
		{ "all fit", ORDERS_MAX - 1, 0, 0 },
		{ "ours are the most that fit", ORDERS_MAX, 0, 1 },
		{ "all issuers fit", 0, ORDERS_OTHERS - 1, 0 },
		{ "there is one issuer too many", 0, ORDERS_OTHERS, 1 },
	};
	static const char *const names[] = { "c", "d", "e", "f", "g", "h", "i" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct orders pinned = { .own = part("b", 60, &drain) };
		struct ledger ledger = { .issuer = "us" };
		struct orders out = { .own = { .list = many, .count = cases[i].own } };

		for (size_t n = 0; n < cases[i].others; n++)
			pinned.others[pinned.other_count++] = part(names[n], 60, &keep);
		if (orders_merge_carry(&pinned, &ledger, NOW_S, &out) != cases[i].left_out)
			fail_msg("when %s", cases[i].when);
		out.own.list = NULL;
		orders_release(&out);
	}
}

static void when_it_must_be_written(void **state)
{
	static const struct {
		const char *when;
		const char *own; /* who wrote what stands */
		struct orders_line *own_line;
		int64_t age_s; /* of our part */
		const char *other;
		struct orders_line *other_line, *wanted;
		size_t carried;
		bool is_due;
	} cases[] = {
		{ "ours stands", "us", &drain, 60, "", NULL, &drain, 0, false },
		{ "ours says something else", "us", &drain, 60, "", NULL, &keep, 0, true },
		{ "ours is half as old as may be", "us", &drain, LIFE / 2, "", NULL, &drain, 0,
		  false },
		{ "ours is older than that", "us", &drain, LIFE / 2 + 1, "", NULL, &drain, 0,
		  true },
		{ "nothing is to be said, and nothing is", "us", NULL, LIFE, "", NULL, NULL, 0,
		  false },
		{ "another wrote over ours", "b", &keep, 60, "", NULL, &drain, 1, true },
		{ "another carries ours", "b", &keep, 60, "us", &drain, &drain, 1, false },
		{ "another carries what we took back", "b", &keep, 60, "us", &drain, NULL, 1,
		  true },
		{ "another says something, and we nothing", "b", &keep, 60, "", NULL, NULL, 1,
		  false },
		{ "we carry another's still", "us", &drain, 60, "b", &keep, &drain, 1, false },
		{ "what we carried is over", "us", &drain, 60, "b", &keep, &drain, 0, true },
		{ "an earlier version wrote the same", "", &drain, 60, "", NULL, &drain, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct orders pinned = {
			.number = 1, .own = part(cases[i].own, cases[i].age_s, cases[i].own_line)
		};
		struct orders wanted = { .own = part("us", 0, cases[i].wanted),
					 .other_count = cases[i].carried };

		if (*cases[i].other)
			pinned.others[pinned.other_count++] =
				part(cases[i].other, cases[i].age_s, cases[i].other_line);
		if (orders_merge_is_due(&pinned, &wanted) != cases[i].is_due)
			fail_msg("when %s", cases[i].when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_carried),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(when_it_must_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
