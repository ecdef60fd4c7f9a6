/* money: a row is a budget, what is spent of it, and a machine that asks for more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/money/money.h"

#define USD(dollars) ((int64_t)((dollars)*1000000))

static void test_text(void **state)
{
	static const struct {
		int64_t money;
		const char *text;
	} cases[] = {
		{ 0, "0.00" },
		{ 1, "0.000001" },
		{ 4200, "0.0042" },
		{ 11600, "0.0116" },
		{ 500000, "0.50" },
		{ 999999, "0.999999" },
		{ 1000000, "1.00" },
		{ 12340000, "12.34" },
		{ 12344999, "12.34" },
		{ 12345000, "12.35" },
		{ 1999999, "2.00" },
		{ INT64_MAX, "9223372036854.78" },
		{ MONEY_UNKNOWN, "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[MONEY_TEXT_ROOM];

		money_text(cases[i].money, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_allows_up_to_the_limit(void **state)
{
	static const struct {
		const char *when;
		struct budget budget;
		struct spent spent;
		int64_t rate, price;
		const char *words; /* NULL: allowed */
	} cases[] = {
		{ "there is no limit", { 0 }, { USD(9), USD(99) }, USD(5), USD(5), NULL },
		{ "nothing is known, and there is no limit",
		  { 0 },
		  { MONEY_UNKNOWN, MONEY_UNKNOWN },
		  MONEY_UNKNOWN,
		  MONEY_UNKNOWN,
		  NULL },
		{ "it fits to the cent", { .hour = USD(4) }, { 0 }, USD(3), USD(1), NULL },
		{ "it is a micro-dollar too dear",
		  { .hour = USD(4) },
		  { 0 },
		  USD(3),
		  USD(1) + 1,
		  "$/h of total: 3.00, and 1.00 more, of 4.00" },
		{ "the hour is overdrawn already, and it is free",
		  { .hour = USD(4) },
		  { 0 },
		  USD(5),
		  0,
		  "$/h of total: 5.00 of 4.00 in use" },
		{ "the day has a cent left",
		  { .day = USD(12) },
		  { USD(11.99), 0 },
		  USD(9),
		  USD(9),
		  NULL },
		{ "the day is spent",
		  { .day = USD(12) },
		  { USD(12), 0 },
		  0,
		  USD(1),
		  "$/day of total: 12.00 of 12.00 spent" },
		{ "the month is spent",
		  { .day = USD(12), .month = USD(100) },
		  { USD(1), USD(101) },
		  0,
		  USD(1),
		  "$/month of total: 101.00 of 100.00 spent" },
		{ "both are spent, the day more",
		  { .day = USD(10), .month = USD(100) },
		  { USD(15), USD(101) },
		  0,
		  USD(1),
		  "$/day of total: 15.00 of 10.00 spent" },
		{ "both are spent, the month more",
		  { .day = USD(10), .month = USD(100) },
		  { USD(10), USD(150) },
		  0,
		  USD(1),
		  "$/month of total: 150.00 of 100.00 spent" },
		{ "both are spent alike, the first is told",
		  { .day = USD(10), .month = USD(100) },
		  { USD(10), USD(100) },
		  0,
		  USD(1),
		  "$/day of total: 10.00 of 10.00 spent" },
		{ "shares that differ by one in fifteen digits",
		  { .day = 900000000000000, .month = 900000000000001 },
		  { 900000000000000, 900000000000002 },
		  0,
		  0,
		  "$/month of total: 900000000.00 of 900000000.00 spent" },
		{ "what is spent is not known",
		  { .day = USD(10), .month = USD(1) },
		  { MONEY_UNKNOWN, USD(5) },
		  0,
		  USD(1),
		  "$/day of total: what is spent is not known, of 10.00" },
		{ "what runs is not known",
		  { .hour = USD(10), .month = USD(1) },
		  { 0, USD(5) },
		  MONEY_UNKNOWN,
		  USD(1),
		  "$/h of total: what is spent is not known, of 10.00" },
		{ "two are not known, the first is told",
		  { .hour = USD(10), .day = USD(1) },
		  { MONEY_UNKNOWN, 0 },
		  MONEY_UNKNOWN,
		  USD(1),
		  "$/h of total: what is spent is not known, of 10.00" },
		{ "the day is not known, the spent month is known",
		  { .day = USD(10), .month = USD(1) },
		  { MONEY_UNKNOWN, USD(5) },
		  0,
		  0,
		  "$/day of total: what is spent is not known, of 10.00" },
		{ "the spent day is known, the month is not",
		  { .day = USD(10), .month = USD(1) },
		  { USD(15), MONEY_UNKNOWN },
		  0,
		  0,
		  "$/month of total: what is spent is not known, of 1.00" },
		{ "nothing is spent of the hour, and it is too dear",
		  { .hour = USD(1), .day = USD(1) },
		  { USD(1), 0 },
		  0,
		  USD(2),
		  "$/day of total: 1.00 of 1.00 spent" },
		{ "nothing is spent, and it is free",
		  { .hour = USD(1), .day = USD(1), .month = USD(1) },
		  { 0, 0 },
		  0,
		  0,
		  NULL },
		{ "its own price is not known, and the hour is half spent",
		  { .hour = USD(10), .day = USD(10) },
		  { 0 },
		  USD(5),
		  MONEY_UNKNOWN,
		  "$/h of total: what a machine costs is not known, of 10.00" },
		{ "its own price is not known, and nothing is spent",
		  { .hour = USD(10), .day = USD(20) },
		  { 0 },
		  0,
		  MONEY_UNKNOWN,
		  "$/h of total: what a machine costs is not known, of 10.00" },
		{ "neither its price nor the day is known",
		  { .hour = USD(10), .day = USD(20) },
		  { MONEY_UNKNOWN, 0 },
		  0,
		  MONEY_UNKNOWN,
		  "$/day of total: what is spent is not known, of 20.00" },
		{ "its own price is not known",
		  { .day = USD(10) },
		  { 0 },
		  0,
		  MONEY_UNKNOWN,
		  "$/day of total: what a machine costs is not known, of 10.00" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct money_gate gate = { "total", &cases[i].budget, cases[i].spent,
					   cases[i].rate };
		char words[200] = "untouched";
		bool is_allowed = money_allows(&gate, cases[i].price, words, sizeof(words));

		if (is_allowed != !cases[i].words ||
		    strcmp(words, cases[i].words ? cases[i].words : "untouched") != 0)
			fail_msg("when %s: %d, %s", cases[i].when, is_allowed, words);
	}
}

static void test_warns_before_it_is_spent(void **state)
{
	static const struct {
		const char *when;
		struct budget budget;
		struct spent spent;
		int64_t rate;
		const char *words; /* NULL: no warning */
	} cases[] = {
		{ "there is no limit", { 0 }, { USD(9), USD(9) }, USD(9), NULL },
		{ "just below", { .day = USD(10) }, { USD(8) - 1, 0 }, 0, NULL },
		{ "exactly there",
		  { .day = USD(10) },
		  { USD(8), 0 },
		  0,
		  "$/day of queue train: 8.00 of 10.00 spent" },
		{ "the hour",
		  { .hour = USD(10) },
		  { 0 },
		  USD(9),
		  "$/h of queue train: 9.00 of 10.00 in use" },
		{ "the tighter one is told",
		  { .hour = USD(10), .month = USD(10) },
		  { 0, USD(9.5) },
		  USD(9),
		  "$/month of queue train: 9.50 of 10.00 spent" },
		{ "the first one is tighter",
		  { .hour = USD(10), .month = USD(10) },
		  { 0, USD(8.5) },
		  USD(9),
		  "$/h of queue train: 9.00 of 10.00 in use" },
		{ "what is not known is no warning", { .day = USD(10) }, { -1, 0 }, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct money_gate gate = { "queue train", &cases[i].budget, cases[i].spent,
					   cases[i].rate };
		char words[200] = "untouched";
		bool is_warned = money_warns(&gate, 80, words, sizeof(words));

		if (is_warned != (cases[i].words != NULL) ||
		    strcmp(words, cases[i].words ? cases[i].words : "untouched") != 0)
			fail_msg("when %s: %d, %s", cases[i].when, is_warned, words);
	}
}

static void test_is_past_at_the_limit(void **state)
{
	static const struct {
		const char *when;
		struct budget budget;
		struct spent spent; /* of the day, of the month */
		int64_t rate;
		bool is_past;
	} cases[] = {
		{ "there is no limit", { 0 }, { 9, 9 }, 9, false },
		{ "there is none, and nothing is known", { 0 }, { -1, -1 }, MONEY_UNKNOWN, false },
		{ "the hour's is not reached", { .hour = 9 }, { 9, 9 }, 8, false },
		{ "the hour's is reached", { .hour = 9 }, { 0, 0 }, 9, true },
		{ "nobody knows what an hour costs", { .hour = 9 }, { 0, 0 }, MONEY_UNKNOWN, true },
		{ "the day's is not reached", { .day = 9 }, { 8, 9 }, 9, false },
		{ "the day's is reached", { .day = 9 }, { 9, 0 }, 0, true },
		{ "the month's is not reached", { .month = 9 }, { 9, 8 }, 9, false },
		{ "the month's is reached", { .month = 9 }, { 0, 9 }, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct money_gate gate = { "total", &cases[i].budget, cases[i].spent,
						 cases[i].rate };

		if (money_is_past(&gate) != cases[i].is_past)
			fail_msg("when %s", cases[i].when);
	}
}

static void test_is_loosened_until_its_period_ends(void **state)
{
	enum { DAY_S = 86400, LOST_S = 1800000000 /* 2027-01-15 08:00 */ };
	enum { NOBODY, TOTAL, RESOURCE, QUEUE, USER };
	static const struct {
		const char *when;
		int whose;
		struct budget budget;
		int64_t lost_s, now_s;
		bool is_loosened;
	} cases[] = {
		{ "nothing was lost", TOTAL, { .day = 1, .month = 1 }, 0, LOST_S, false },
		{ "there is no budget", NOBODY, { 0 }, LOST_S, LOST_S, false },
		{ "an hour's needs no sums", TOTAL, { .hour = 1 }, LOST_S, LOST_S, false },
		{ "the day lasts", TOTAL, { .day = 1 }, LOST_S, LOST_S + 57599, true },
		{ "the day is over", TOTAL, { .day = 1 }, LOST_S, LOST_S + 57600, false },
		{ "the month lasts", TOTAL, { .month = 1 }, LOST_S, LOST_S + 16 * DAY_S, true },
		{ "the month is over", TOTAL, { .month = 1 }, LOST_S, LOST_S + 17 * DAY_S, false },
		{ "a year later", TOTAL, { .month = 1 }, LOST_S, LOST_S + 365 * DAY_S, false },
		{ "a resource's day", RESOURCE, { .day = 1 }, LOST_S, LOST_S, true },
		{ "a resource's month", RESOURCE, { .month = 1 }, LOST_S, LOST_S + DAY_S, true },
		{ "a queue's day", QUEUE, { .day = 1 }, LOST_S, LOST_S, true },
		{ "a queue's month", QUEUE, { .month = 1 }, LOST_S, LOST_S + DAY_S, true },
		{ "a user's day", USER, { .day = 1 }, LOST_S, LOST_S, true },
		{ "a user's month", USER, { .month = 1 }, LOST_S, LOST_S + DAY_S, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct resource resource = { 0 };
		struct budget queue = { 0 };
		struct user_budget user = { 0 };
		struct settings settings = { .resources = &resource,
					     .resource_count = 1,
					     .queue_count = 1,
					     .queue_budgets = &queue,
					     .user_budgets = &user,
					     .user_budget_count = 1 };
		struct budget unused;
		struct budget *const all[] = { &unused, &settings.budget, &resource.budget, &queue,
					       &user.budget };

		*all[cases[i].whose] = cases[i].budget;
		if (money_is_loosened(&settings, cases[i].lost_s, cases[i].now_s) !=
		    cases[i].is_loosened)
			fail_msg("when %s", cases[i].when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_allows_up_to_the_limit),
		cmocka_unit_test(test_warns_before_it_is_spent),
		cmocka_unit_test(test_is_past_at_the_limit),
		cmocka_unit_test(test_is_loosened_until_its_period_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
