/* user_names: whom a budget means, when ClearML is asked, and what people read. */
#include "reaper/money/user_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/plan_world.h"

#define HEX_ID "0123456789abcdef0123456789abcdef"
#define NOBODY_ID "ffffffffffffffffffffffffffffffff"

/* In order of id. "Zoe" is the name of two, "bob" the id of one and the name of another. */
static struct clearml_user users[] = {
	{ HEX_ID, "Ann Bee" }, { "bob", "Robert" }, { "eve", "" },
	{ "x1", "Zoe" },       { "x2", "bob" },	    { "x3", "Zoe" },
};
static const struct clearml_users everyone = { users, ARRAY_LEN(users) }, nobody = { 0 };

static void test_whom_a_budget_means(void **state)
{
	static const struct {
		const char *when, *word;
		const struct clearml_users *known;
		const char *id, *label, *problem; /* "" for no problem */
	} cases[] = {
		{ "it has the id", HEX_ID, &everyone, HEX_ID, "Ann Bee (" HEX_ID ")", "" },
		{ "it has the name", "Ann Bee", &everyone, HEX_ID, "Ann Bee (" HEX_ID ")", "" },
		{ "the name differs in a capital", "Ann bee", &everyone, "Ann bee", "Ann bee",
		  "no user of ClearML has this id or name" },
		{ "an id goes before a name", "bob", &everyone, "bob", "Robert (bob)", "" },
		{ "the user has no name", "eve", &everyone, "eve", "eve", "" },
		{ "two have the name", "Zoe", &everyone, "Zoe", "Zoe", "(x1 and x3)" },
		{ "an id of ClearML's form is nobody's yet", NOBODY_ID, &everyone, NOBODY_ID,
		  NOBODY_ID, "" },
		{ "nobody is known", "Ann Bee", &nobody, "Ann Bee", "Ann Bee",
		  "ClearML did not say who its users are" },
		{ "nobody is known, and it is an id", HEX_ID, &nobody, HEX_ID, HEX_ID, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct user_budget budget = { 0 };
		struct observed_user seen = { .problem = "of the pass before" };
		char label[USER_LABEL_ROOM];

		text_cut(budget.user, sizeof(budget.user), cases[i].word);
		world->settings.user_budgets = &budget;
		world->settings.user_budget_count = 1;
		world->seen.users = &seen;
		user_names_resolve(&world->settings, cases[i].known, &world->seen);
		user_names_label(&world->settings, &world->seen, 0, label);
		if (strcmp(user_names_id(&world->settings, &world->seen, 0), cases[i].id) != 0 ||
		    strcmp(label, cases[i].label) != 0)
			fail_msg("when %s: %s, \"%s\"", cases[i].when,
				 user_names_id(&world->settings, &world->seen, 0), label);
		if (*cases[i].problem ? !strstr(seen.problem, cases[i].problem) ||
						!strstr(seen.problem, "limits nobody") :
					*seen.problem)
			fail_msg("when %s: problem \"%s\"", cases[i].when, seen.problem);
		free(world);
	}
}

static void test_when_clearml_is_asked(void **state)
{
	static const struct {
		const char *when, *word, *runs_for; /* "": no budget, no run */
		int64_t asked_ago_s;
		const struct clearml_users *known;
		bool is_due;
	} cases[] = {
		{ "nobody is named", "", "", NOW_S, &nobody, false },
		{ "ids are named alone", HEX_ID, "", NOW_S, &nobody, false },
		{ "an id of another form is known", "bob", "", NOW_S, &everyone, false },
		{ "a name is not known yet", "Ann Bee", "", NOW_S, &nobody, true },
		{ "a name is nobody's", "Carl", "", 0, &everyone, true },
		{ "a name was looked up a while ago", "Ann Bee", "", USER_HOUR_S - 1, &everyone,
		  false },
		{ "a name was looked up an hour ago", "Ann Bee", "", USER_HOUR_S, &everyone, true },
		{ "a name was looked up in the future", "Ann Bee", "", -1, &everyone, true },
		{ "a name of two was looked up a while ago", "Zoe", "", 1, &everyone, false },
		{ "a task runs for somebody who is known", "", "x1", NOW_S, &everyone, false },
		{ "a task runs for somebody unknown", "", "x9", NOW_S, &everyone, true },
		{ "it was asked in vain for whom a task runs", "", "x9", 1, &everyone, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct user_budget budget = { 0 };
		struct observed_run run = { 0 };
		struct ledger ledger = { .users = cases[i].known->list,
					 .user_count = cases[i].known->count };

		text_cut(budget.user, sizeof(budget.user), cases[i].word);
		text_cut(run.user, sizeof(run.user), cases[i].runs_for);
		world->settings.user_budgets = &budget;
		world->settings.user_budget_count = *cases[i].word != 0;
		world->seen.runs = &run;
		world->seen.run_count = 1;
		world->seen.now_ms = (int64_t)NOW_S * 1000;
		ledger.users_asked_s = NOW_S - cases[i].asked_ago_s;
		if (user_names_are_due(&world->settings, &world->seen, &ledger) != cases[i].is_due)
			fail_msg("when %s", cases[i].when);
		free(world);
	}
}

static void test_what_users_are_called(void **state)
{
	(void)state;
	assert_string_equal(user_names_of(&everyone, "x3"), "Zoe");
	assert_string_equal(user_names_of(&everyone, HEX_ID), "Ann Bee");
	assert_null(user_names_of(&everyone, "eve"));
	assert_null(user_names_of(&everyone, "x4"));
	assert_null(user_names_of(&nobody, ""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whom_a_budget_means),
		cmocka_unit_test(test_when_clearml_is_asked),
		cmocka_unit_test(test_what_users_are_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
