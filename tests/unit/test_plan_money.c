/* plan and money: budgets stop launches, warn, and know what runs, boots and hides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/plan.h"
#include "tests/unit/support/plan_world.h"

static void test_budgets_stop_launches(void **state)
{
	enum { NOBODY, TOTAL, RESOURCE, QUEUE };
	static const struct {
		const char *when;
		int whose;
		struct budget budget;
		struct spent spent;
		const char *machines; /* at a dollar an hour each; U: at an unknown price */
		bool is_spend_unknown;
		unsigned launches;
		enum why why;
		int until_s; /* from the UTC day's begin; NOW_S is 2027-01-15 08:00 */
		const char *words;
	} cases[] = {
		{ "there is none", NOBODY, { 0 }, { 0 }, "ww", false, 3, WHY_LAUNCH, 0, "" },
		{ "nobody has one, and nothing is known",
		  NOBODY,
		  { 0 },
		  { 0 },
		  "U",
		  true,
		  3,
		  WHY_LAUNCH,
		  0,
		  "" },
		{ "the hour leaves two",
		  TOTAL,
		  { .hour = 4 * USD },
		  { 0 },
		  "ww",
		  false,
		  2,
		  WHY_LAUNCH,
		  0,
		  "$/h of total: 4.00, and 1.00 more, of 4.00" },
		{ "the hour leaves none",
		  TOTAL,
		  { .hour = 2 * USD },
		  { 0 },
		  "ww",
		  false,
		  0,
		  WHY_BUDGET,
		  0,
		  "$/h of total: 2.00, and 1.00 more, of 2.00" },
		{ "the resource's hour leaves one",
		  RESOURCE,
		  { .hour = 3 * USD },
		  { 0 },
		  "ww",
		  false,
		  1,
		  WHY_LAUNCH,
		  0,
		  "$/h of resource first: 3.00, and 1.00 more, of 3.00" },
		{ "the queue's hour counts what is launched for it",
		  QUEUE,
		  { .hour = 2 * USD },
		  { 0 },
		  "ww",
		  false,
		  2,
		  WHY_LAUNCH,
		  0,
		  "$/h of queue cpu: 2.00, and 1.00 more, of 2.00" },
		{ "the queue's hour counts the booting seats that its tasks take",
		  QUEUE,
		  { .hour = 2 * USD },
		  { 0 },
		  "wb",
		  false,
		  1,
		  WHY_LAUNCH,
		  0,
		  "$/h of queue cpu: 2.00, and 1.00 more, of 2.00" },
		{ "the day is spent",
		  TOTAL,
		  { .day = 9 * USD, .month = 99 * USD },
		  { 9 * USD, 98 * USD },
		  "",
		  false,
		  0,
		  WHY_BUDGET,
		  86400,
		  "$/day of total: 9.00 of 9.00 spent" },
		{ "the resource's month is spent",
		  RESOURCE,
		  { .day = 9 * USD, .month = 99 * USD },
		  { 1 * USD, 99 * USD },
		  "",
		  false,
		  0,
		  WHY_BUDGET,
		  17 * 86400,
		  "$/month of resource first: 99.00 of 99.00 spent" },
		{ "the queue's day is spent",
		  QUEUE,
		  { .day = USD },
		  { USD, USD },
		  "",
		  false,
		  0,
		  WHY_BUDGET,
		  86400,
		  "$/day of queue cpu: 1.00 of 1.00 spent" },
		{ "the price of a machine is not known",
		  RESOURCE,
		  { .hour = 9 * USD },
		  { 0 },
		  "wU",
		  false,
		  0,
		  WHY_BUDGET,
		  0,
		  "$/h of resource first: what is spent is not known, of 9.00" },
		{ "what the total costs is not known",
		  TOTAL,
		  { .hour = 9 * USD },
		  { 0 },
		  "Uw",
		  false,
		  0,
		  WHY_BUDGET,
		  0,
		  "$/h of total: what is spent is not known, of 9.00" },
		{ "the spend is not known",
		  QUEUE,
		  { .month = 9 * USD },
		  { 0 },
		  "",
		  true,
		  0,
		  WHY_BUDGET,
		  0,
		  "$/month of queue cpu: what is spent is not known, of 9.00" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world =
			plan_world_new(3 + (strchr(cases[i].machines, 'b') != NULL), 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		if (cases[i].whose == TOTAL) {
			world->settings.budget = cases[i].budget;
			world->seen.spent = cases[i].spent;
		} else if (cases[i].whose == RESOURCE) {
			world->resources[0].budget = cases[i].budget;
			world->seen.resources[0].spent = cases[i].spent;
		} else if (cases[i].whose == QUEUE) {
			world->queue_budgets[0] = cases[i].budget;
			world->seen.queue_spent[0] = cases[i].spent;
		}
		world->seen.is_spend_known = !cases[i].is_spend_unknown;
		for (const char *kind = cases[i].machines; *kind; kind++) {
			struct observed_machine *machine =
				plan_world_machine(world, 0, *kind == 'U' ? 'w' : *kind);

			machine->price = *kind == 'U' ? MONEY_UNKNOWN : USD;
		}
		plan_world_plan(world, &plan);
		const struct resource_plan *got = &plan.resources[0];
		int64_t day_s = NOW_S / 86400 * 86400;
		if (got->launches != cases[i].launches || got->why != cases[i].why ||
		    strcmp(got->words, cases[i].words) != 0 ||
		    got->until_s != (cases[i].until_s ? day_s + cases[i].until_s : 0))
			fail_msg("when %s: %u, %s, %s until %lld", cases[i].when, got->launches,
				 why_text(got->why), got->words, (long long)got->until_s);
		for (size_t n = 0; n < plan.launch_count; n++) {
			bool is_limited = cases[i].budget.hour != 0;

			assert_int_equal(plan.launches[n].is_price_limited, is_limited);
			assert_int_equal(plan.launches[n].price_limit, is_limited ? USD : 0);
		}
		plan_release(&plan);
		free(world);
	}
}

static void test_a_cheaper_offering_fits_the_hour(void **state)
{
	struct plan_world *world = plan_world_new(3, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 9, "c");
	plan_world_offering(world, 0, "tiny", USD / 4);
	world->resources[0].budget.hour = 3 * USD / 2;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 3);
	assert_int_equal(plan.launches[0].offering, 0);
	assert_int_equal(plan.launches[0].price_limit, USD);
	assert_int_equal(plan.launches[1].offering, 1);
	assert_int_equal(plan.launches[2].offering, 1);
	assert_int_equal(plan.launches[2].price_limit, USD / 4);
	assert_int_equal(plan.resources[0].rate, 3 * USD / 2);
	plan_release(&plan);
	free(world);
}

static void test_what_a_queue_costs_is_its_share(void **state)
{
	static const struct {
		const char *when;
		const char *queue; /* of the run on the machine's first seat; NULL: none */
		unsigned seats;
		int64_t price, hour;
		unsigned launches;
	} cases[] = {
		{ "nothing runs for it", NULL, 1, USD, USD, 1 },
		{ "its task has the machine", "cpu", 1, USD, USD, 0 },
		{ "its task has the machine, and there is more", "cpu", 1, USD, 2 * USD, 1 },
		{ "another queue's task", "gpu", 1, USD, USD, 1 },
		{ "a queue that we do not serve", "else", 1, USD, USD, 1 },
		{ "its task is on a machine that nobody sees", "cpu?", 1, USD, USD, 1 },
		{ "its task has half of the machine", "cpu", 2, USD, 3 * USD / 2, 1 },
		{ "nobody knows the seats", "cpu", 0, USD, USD, 0 },
		{ "nobody knows the price", "cpu", 1, MONEY_UNKNOWN, 9 * USD, 0 },
		{ "nobody knows the price of another's", "gpu", 1, MONEY_UNKNOWN, USD, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "cg");
		plan_world_machine(world, 0, 'd'); /* before it, in the list */
		struct observed_machine *machine = plan_world_machine(world, 0, 'w');
		machine->record.seats = cases[i].seats;
		machine->price = cases[i].price;
		world->queue_budgets[0].hour = cases[i].hour;
		if (cases[i].queue) {
			bool is_seen = !strchr(cases[i].queue, '?');

			world->seen.run_count = 1;
			SET(world->runs[0].queue, is_seen ? cases[i].queue : "cpu");
			SET(world->runs[0].instance, machine->instance.id);
			world->runs[0].machine = (size_t)(machine - world->machines);
			if (!is_seen)
				world->seen.machine_count = world->runs[0].machine = 0;
		}
		(void)plan_world_machine(world, 0, 'd'); /* and one behind it */
		if (world->seen.machine_count == 1)
			world->seen.machine_count = 0;
		plan_world_plan(world, &plan);
		if (plan.launch_count != cases[i].launches)
			fail_msg("when %s: %zu launches", cases[i].when, plan.launch_count);
		plan_release(&plan);
		free(world);
	}
}

static void test_the_end_of_the_month(void **state)
{
	static const struct {
		const char *today;
		int days; /* until the next month, today included */
	} cases[] = {
		{ "2027-01-15", 17 }, { "2027-12-31", 1 },  { "2027-02-28", 1 },
		{ "2028-02-28", 2 },  { "2100-02-28", 1 },  { "2000-02-01", 29 },
		{ "2027-04-30", 1 },  { "2027-11-01", 30 }, { "2024-01-31", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		world->settings.budget.month = USD;
		world->seen.spent.month = 2 * USD;
		SET(world->seen.today, cases[i].today);
		plan_world_plan(world, &plan);
		int64_t expected = (NOW_S / 86400 + cases[i].days) * 86400;
		if (plan.resources[0].until_s != expected)
			fail_msg("%s: %lld", cases[i].today,
				 (long long)(plan.resources[0].until_s - expected));
		plan_release(&plan);
		free(world);
	}
}

static void test_a_day_that_is_none_says_nothing(void **state)
{
	static const char *const days[] = { "", "2027-00-15", "2027-13-15" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		world->settings.budget.month = USD;
		world->seen.spent.month = 2 * USD;
		memset(world->seen.today, 0, sizeof(world->seen.today));
		SET(world->seen.today, days[i]);
		plan_world_plan(world, &plan);
		assert_int_equal(plan.resources[0].why, WHY_BUDGET);
		assert_int_equal(plan.resources[0].until_s, 0);
		plan_release(&plan);
		free(world);
	}
}

static void test_warns_of_what_is_nearly_spent(void **state)
{
	struct plan_world *world = plan_world_new(1, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 9, "c");
	world->settings.budget.day = 10 * USD;
	world->seen.spent.day = 8 * USD;
	world->resources[0].budget.hour = USD; /* reached by the launch itself */
	world->queue_budgets[0].month = 10 * USD;
	world->seen.queue_spent[0].month = 9 * USD;
	world->queue_budgets[1].month = 10 * USD;
	world->seen.queue_spent[1].month = 7 * USD;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 1);
	assert_int_equal(plan.warning_count, 3);
	assert_string_equal(plan.warnings[0], "$/day of total: 8.00 of 10.00 spent");
	assert_string_equal(plan.warnings[1], "$/h of resource first: 1.00 of 1.00 in use");
	assert_string_equal(plan.warnings[2], "$/month of queue cpu: 9.00 of 10.00 spent");
	assert_int_equal(plan.calm_budget_count, 1);
	assert_string_equal(plan.calm_budgets[0], "queue gpu");
	plan_release(&plan);
	/* Then no warning of what was spent has ended; what machines cost an hour is known. */
	world->seen.is_spend_known = false;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.calm_budget_count, 1);
	assert_string_equal(plan.calm_budgets[0], "resource first");
	plan_release(&plan);
	world->seen.is_spend_known = true;
	world->settings.budget_warn_percent = 0;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.warning_count, 0);
	plan_release(&plan);
	free(world);
}

/* Nothing waits, and nothing was spent: then no warning of it is open any more, if that is known.
 */
static void test_which_budgets_are_known_to_be_calm(void **state)
{
	static const struct {
		const char *when;
		struct budget budget; /* the total one */
		int64_t price; /* of the only machine */
		bool is_calm;
	} cases[] = {
		{ "it is an hour's", { .hour = 10 * USD }, USD, true },
		{ "it is an hour's, and machines are free", { .hour = 10 * USD }, 0, true },
		{ "it is an hour's, and nobody knows the price",
		  { .hour = 10 * USD },
		  MONEY_UNKNOWN,
		  false },
		{ "it is a day's", { .day = 10 * USD }, USD, true },
		{ "it is a day's, and nobody knows the price",
		  { .day = 10 * USD },
		  MONEY_UNKNOWN,
		  true },
		{ "it is a month's", { .month = 10 * USD }, USD, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		plan_world_machine(world, 0, 'w')->price = cases[i].price;
		world->settings.budget = cases[i].budget;
		plan_world_plan(world, &plan);
		if (plan.calm_budget_count != cases[i].is_calm || plan.warning_count)
			fail_msg("when %s: %zu, %zu warnings", cases[i].when,
				 plan.calm_budget_count, plan.warning_count);
		plan_release(&plan);
		free(world);
	}
}

static void test_users_past_their_budgets_are_named(void **state)
{
	static struct user_budget budgets[] = {
		{ "ada", { .day = 10 * USD } },
		{ "bob", { .day = 10 * USD } },
		{ "eve", { .hour = 2 * USD } },
		{ "joe", { .month = 0 } },
	};
	struct observed_user users[] = {
		{ .spent = { 10 * USD, 0 }, .id = "7f", .name = "ada" },
		{ .spent = { 8 * USD, 0 } },
		{ .rate = 2 * USD },
		{ .rate = 0 },
	};
	struct plan_world *world = plan_world_new(1, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 9, "c");
	world->settings.user_budgets = budgets;
	world->settings.user_budget_count = ARRAY_LEN(budgets);
	world->seen.users = users;
	world->seen.queues[0].barred = 1;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 0);
	assert_string_equal(plan.resources[0].words,
			    "the waiting tasks are of users past their budget: ada (7f), eve");
	assert_int_equal(plan.warning_count, 3);
	assert_string_equal(plan.warnings[0], "$/day of user ada (7f): 10.00 of 10.00 spent");
	assert_string_equal(plan.warnings[1], "$/day of user bob: 8.00 of 10.00 spent");
	assert_string_equal(plan.warnings[2], "$/h of user eve: 2.00 of 2.00 in use");
	plan_release(&plan);
	free(world);
}

static void test_a_hidden_machine_costs_its_dearest_offering(void **state)
{
	static const struct {
		const char *when;
		int64_t second; /* price of the hidden resource's dearer offering */
		bool has_record; /* one of them is known by its record */
		unsigned launches;
	} cases[] = {
		{ "two at three dollars", 3 * USD, false, 4 },
		{ "one of them is known, at one dollar", 3 * USD, true, 6 },
		{ "nobody knows", MONEY_UNKNOWN, false, 0 },
		{ "all of them are known", MONEY_UNKNOWN, true, 8 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(9, 0);
		struct plan plan;

		plan_world_resource(world, "hidden", 2, "g");
		plan_world_offering(world, 0, "large", cases[i].second);
		plan_world_resource(world, "first", 9, "c");
		world->seen.resources[0].is_listed = false;
		world->settings.budget.hour = 10 * USD;
		if (cases[i].has_record)
			plan_world_machine(world, 0, 'w')->is_listed = false;
		if (cases[i].has_record && cases[i].second < 0)
			plan_world_machine(world, 0, 'w')->is_listed = false;
		plan_world_plan(world, &plan);
		if (plan.resources[1].launches != cases[i].launches)
			fail_msg("when %s: %u", cases[i].when, plan.resources[1].launches);
		assert_false(plan.resources[0].is_rate_known);
		assert_true(plan.resources[1].is_rate_known);
		plan_release(&plan);
		free(world);
	}
}

static void test_an_open_attempt_costs_what_it_asked_for(void **state)
{
	static const struct {
		const char *when, *resource, *offering;
		unsigned launches; /* beside the repeat */
		bool is_repeated;
		size_t which;
	} cases[] = {
		{ "the dear one", "first", "large", 1, true, 1 },
		{ "the cheap one", "first", "small", 3, true, 0 },
		{ "of an older ledger: as the dearest", "first", "", 1, true, 0 },
		{ "one that is offered no more cannot be asked again", "first", "gone", 1, false,
		  0 },
		{ "of a resource that is configured no more", "gone", "small", 0, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(9, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		plan_world_offering(world, 0, "large", 3 * USD);
		world->settings.budget.hour = 4 * USD;
		world->seen.attempt_count = 1;
		SET(world->attempts[0].resource, cases[i].resource);
		SET(world->attempts[0].offering, cases[i].offering);
		plan_world_plan(world, &plan);
		if (plan.resources[0].launches != cases[i].launches ||
		    plan.launch_count != cases[i].launches + cases[i].is_repeated)
			fail_msg("when %s: %u of %zu", cases[i].when, plan.resources[0].launches,
				 plan.launch_count);
		if (cases[i].is_repeated)
			assert_int_equal(plan.launches[0].offering, cases[i].which);
		plan_release(&plan);
		free(world);
	}
}

/* What every limit counts: a launch that nobody answered, though its resource may be gone. */
static void test_an_open_attempt_counts_to_the_total(void **state)
{
	static const struct {
		const char *when, *resource;
		unsigned total, booting, launches;
	} cases[] = {
		{ "of its own resource", "first", 3, 0, 2 },
		{ "of a resource that is gone", "gone", 3, 0, 2 },
		{ "of its own, which boots", "first", 0, 3, 2 },
		{ "of one that is gone, which nobody waits for", "gone", 0, 3, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(9, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		world->settings.max_instances = cases[i].total;
		world->settings.max_booting = cases[i].booting;
		world->seen.attempt_count = 1;
		SET(world->attempts[0].resource, cases[i].resource);
		plan_world_plan(world, &plan);
		if (plan.resources[0].launches != cases[i].launches)
			fail_msg("when %s: %u", cases[i].when, plan.resources[0].launches);
		plan_release(&plan);
		free(world);
	}
}

static void test_a_free_machine_needs_no_budget(void **state)
{
	struct plan_world *world = plan_world_new(2, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 9, "c");
	plan_world_resource(world, "hidden", 2, "g");
	for (size_t r = 0; r < 2; r++)
		world->resources[r].offerings[0].price = 0;
	plan_world_machine(world, 0, 'b')->price = 0;
	world->machines[0].record.seats = 1;
	world->seen.run_count = 1;
	SET(world->runs[0].queue, "cpu");
	SET(world->runs[0].instance, "local-a");
	world->seen.resources[1].is_listed = false;
	world->settings.budget.hour = world->queue_budgets[0].hour = USD;
	world->resources[0].budget.hour = USD;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 1);
	assert_int_equal(plan.resources[0].rate, 0);
	assert_true(plan.resources[0].is_rate_known);
	plan_release(&plan);
	/* Without any budget a price that nobody knows is only told. */
	world->resources[0].offerings[0].price = MONEY_UNKNOWN;
	world->settings.budget = world->queue_budgets[0] = world->resources[0].budget =
		(struct budget){ 0 };
	world->settings.queue_budgets = NULL;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.launch_count, 1);
	assert_false(plan.resources[0].is_rate_known);
	plan_release(&plan);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budgets_stop_launches),
		cmocka_unit_test(test_a_cheaper_offering_fits_the_hour),
		cmocka_unit_test(test_what_a_queue_costs_is_its_share),
		cmocka_unit_test(test_the_end_of_the_month),
		cmocka_unit_test(test_a_day_that_is_none_says_nothing),
		cmocka_unit_test(test_warns_of_what_is_nearly_spent),
		cmocka_unit_test(test_which_budgets_are_known_to_be_calm),
		cmocka_unit_test(test_users_past_their_budgets_are_named),
		cmocka_unit_test(test_a_hidden_machine_costs_its_dearest_offering),
		cmocka_unit_test(test_an_open_attempt_costs_what_it_asked_for),
		cmocka_unit_test(test_an_open_attempt_counts_to_the_total),
		cmocka_unit_test(test_a_free_machine_needs_no_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
