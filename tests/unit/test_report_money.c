/* report_money: what is spent, beside what may be. */
#include "reaper/money/report_money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/plan_world.h"

enum { DOLLAR = 1000000 };

struct sight {
	struct plan_world *world;
	struct budget queue_budgets[2];
	struct user_budget user;
	struct observed_user spent;
	struct plan plan;
	struct report report;
};

static void open_sight(struct sight *sight)
{
	*sight = (struct sight){ .world = plan_world_new(0, 0) };
	struct settings *settings = &sight->world->settings;
	struct observation *seen = &sight->world->seen;

	plan_world_resource(sight->world, "first", 4, "c");
	plan_world_resource(sight->world, "second", 4, "g");
	settings->budget = (struct budget){ .month = 300 * DOLLAR };
	settings->queue_budgets = sight->queue_budgets;
	sight->queue_budgets[1].day = 7 * DOLLAR;
	SET(sight->user.user, "ann");
	sight->user.budget.hour = 2 * DOLLAR;
	settings->user_budgets = &sight->user;
	settings->user_budget_count = 1;
	seen->users = &sight->spent;
	sight->spent =
		(struct observed_user){ .spent = { DOLLAR, 2 * DOLLAR }, .rate = DOLLAR / 2 };
	seen->is_spend_known = true;
	seen->spent = (struct spent){ 12 * DOLLAR, 34 * DOLLAR };
	seen->resources[0].spent = (struct spent){ 5 * DOLLAR, 6 * DOLLAR };
	seen->queue_spent[1] = (struct spent){ 3 * DOLLAR, 4 * DOLLAR };
	sight->plan.resources[0] = (struct resource_plan){ .rate = DOLLAR, .is_rate_known = true };
	sight->plan.resources[1] =
		(struct resource_plan){ .rate = DOLLAR / 4, .is_rate_known = true };
	sight->report = (struct report){ settings, seen, &sight->plan };
}

/* Blanks as one, so that columns may move. */
static void check_line(const struct report *report, const char *wanted)
{
	SCOPED(buf) struct buf out = BUF(8192), plain = BUF(8192);
	char last = 0;

	report_money(report, &out);
	for (const char *at = buf_text(&out); *at; last = *at++)
		if (*at != ' ' || last != ' ')
			buf_add(&plain, (struct slice){ at, 1 });
	if (!strstr(buf_text(&plain), wanted))
		fail_msg("not in it: \"%s\"\n%s", wanted, buf_text(&plain));
}

static void test_shows_what_is_spent_beside_what_may_be(void **state)
{
	struct sight sight;

	(void)state;
	open_sight(&sight);
	check_line(&sight.report, "\ntotal 1.25 12.00 34.00 of 300.00\n");
	check_line(&sight.report, "\nresource first 1.00 5.00 6.00\n");
	check_line(&sight.report, "\nresource second 0.25 0.00 0.00\nqueue gpu ");
	check_line(&sight.report, "\nqueue gpu 0.00 3.00 of 7.00 4.00\n");
	check_line(&sight.report, "\nuser ann 0.50 of 2.00 1.00 2.00\n");
	SET(sight.spent.id, "7f");
	SET(sight.spent.name, "Ann");
	check_line(&sight.report, "\nuser Ann (7f) 0.50 of 2.00 1.00 2.00\n");
	sight.plan.resources[1].is_rate_known = false;
	check_line(&sight.report, "\ntotal unknown 12.00 ");
	check_line(&sight.report, "\nresource second unknown 0.00 ");
	sight.world->seen.is_spend_known = false;
	check_line(&sight.report, "\ntotal unknown unknown unknown of 300.00\n");
	free(sight.world);
}

static void test_says_the_same_in_json(void **state)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct sight sight;

	(void)state;
	open_sight(&sight);
	SET(sight.spent.id, "7f");
	json_new_object(&document);
	report_money_json(&sight.report, document.root);
	assert_int_equal(json_count(json_find(document.root, "money")), 5);
	assert_string_equal(json_text_or(document.root, "money[0].kind", ""), "total");
	assert_int_equal(json_integer_or(document.root, "money[0].day_microdollars", 0),
			 12 * DOLLAR);
	assert_int_equal(json_integer_or(document.root, "money[0].budget.month_microdollars", 0),
			 300 * DOLLAR);
	assert_int_equal(json_kind(json_find(document.root, "money[0].budget.day_microdollars")),
			 JSON_NULL);
	assert_null(json_find(document.root, "money[1].budget"));
	assert_string_equal(json_text_or(document.root, "money[3].name", ""), "gpu");
	assert_string_equal(json_text_or(document.root, "money[4].name", ""), "ann");
	assert_string_equal(json_text_or(document.root, "money[4].user_id", ""), "7f");
	assert_int_equal(json_kind(json_find(document.root, "money[4].user_name")), JSON_NULL);
	assert_null(json_find(document.root, "money[3].user_id"));
	assert_int_equal(json_integer_or(document.root, "money[4].hour_microdollars", 0),
			 DOLLAR / 2);
	free(sight.world);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shows_what_is_spent_beside_what_may_be),
		cmocka_unit_test(test_says_the_same_in_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
