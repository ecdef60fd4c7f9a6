/* observe_join: instances, records, queues and the ledger's memory, put together. */
#include "reaper/observe_join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/observe_bench.h"

static const char *const one[] = { "m1", NULL };
static const enum instance_state gone[] = { INSTANCE_TERMINATED, INSTANCE_TERMINATED };

static void test_a_record_meets_its_instance(void **state)
{
	static const struct {
		const char *when, *instance, *phase;
		int64_t age_s, remembered_age_s; /* the latter 0: the ledger knows nothing */
		bool has_record, was_seen, is_listed;
		size_t machines;
		int64_t last_s;
	} cases[] = {
		{ "it reported just now", "m1", "serve", 2, 0, true, true, true, 1, 2 },
		{ "it reported before its time-out", "m1", "serve", 119, 0, true, true, true, 1,
		  119 },
		{ "its time-out is over", "m1", "serve", 120, 0, false, true, true, 1, 120 },
		{ "it left", "m1", "left", 2, 0, false, true, true, 1, 2 },
		{ "nobody lists it", "m9", "serve", 2, 0, true, true, false, 2, 2 },
		{ "nobody lists it and it left", "m9", "left", 2, 0, false, false, true, 1, 0 },
		{ "nobody lists it and it is old", "m9", "serve", 400, 0, false, false, true, 1,
		  0 },
		{ "the ledger knows an older report", "m1", "serve", 2, 30, true, true, true, 1,
		  2 },
		{ "the ledger knows this report", "m1", "serve", 2, 2, true, true, true, 1, 2 },
		{ "its tags make no sense", "m1", "", 2, 0, true, true, true, 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, NULL);
		(void)observe_bench_record(&bench, cases[i].instance, cases[i].phase,
					   cases[i].age_s);
		if (cases[i].remembered_age_s)
			(void)observe_bench_remember(&bench, "m1", cases[i].remembered_age_s, true);
		join_records(&bench.seen, bench.settings, &bench.records);
		join_ledger(&bench.seen, bench.settings, &bench.ledger);

		const struct observed_machine *machine =
			&bench.seen.machines[bench.seen.machine_count - 1];
		if (bench.seen.machine_count != cases[i].machines ||
		    machine->has_record != cases[i].has_record ||
		    machine->was_seen != cases[i].was_seen ||
		    machine->is_listed != cases[i].is_listed || machine->was_busy ||
		    machine->last_report_ms !=
			    (cases[i].last_s ? NOW_MS - cases[i].last_s * 1000 : 0))
			fail_msg("when %s: %zu machines, record %d, seen %d, listed %d, busy %d",
				 cases[i].when, bench.seen.machine_count, machine->has_record,
				 machine->was_seen, machine->is_listed, machine->was_busy);
		assert_int_equal(machine->resource, 0);
		observe_bench_close(&bench);
	}
}

static void test_one_that_only_its_record_shows(void **state)
{
	struct observe_bench bench;

	(void)state;
	observe_bench_open(&bench, one, NULL);
	(void)observe_bench_record(&bench, "m9", "serve", 2);
	SET(observe_bench_record(&bench, "m8", "serve", 2)->resource, "no-more");
	(void)observe_bench_record(&bench, "m7", "", 2);
	join_records(&bench.seen, bench.settings, &bench.records);
	assert_int_equal(bench.seen.machine_count, 4);
	assert_int_equal(bench.seen.machines[1].instance.slot, 5);
	assert_int_equal(bench.seen.machines[1].instance.generation, 9);
	assert_int_equal(bench.seen.machines[1].instance.state, INSTANCE_RUNNING);
	assert_int_equal(bench.seen.machines[2].resource, RESOURCE_NONE);
	/* It counts, but what it says of its slot is not believed. */
	assert_int_equal(bench.seen.machines[3].instance.slot, UINT32_MAX);
	observe_bench_close(&bench);
}

static void test_of_two_records_the_newer_counts(void **state)
{
	static const struct {
		const char *when;
		int64_t served_s, drained_s; /* ages of the record that serves, and of the other */
		bool is_served_first, is_drained; /* in the list; at the end */
	} cases[] = {
		{ "the newer one is the first", 9, 3, false, true },
		{ "the newer one is the last", 9, 3, true, true },
		{ "they are of one moment", 3, 3, true, true },
		{ "the one that serves is newer", 3, 9, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* The second machine is in no list. */
		for (int m = 0; m < 2; m++) {
			const char *name = m ? "m2" : "m1";
			struct observe_bench bench;

			observe_bench_open(&bench, one, NULL);
			if (cases[i].is_served_first)
				(void)observe_bench_record(&bench, name, "serve",
							   cases[i].served_s);
			(void)observe_bench_record(&bench, name, "drain", cases[i].drained_s);
			if (!cases[i].is_served_first)
				(void)observe_bench_record(&bench, name, "serve",
							   cases[i].served_s);
			join_records(&bench.seen, bench.settings, &bench.records);
			assert_int_equal(bench.seen.machine_count, m + 1);
			if (!strcmp(bench.seen.machines[m].record.phase, "drain") !=
			    cases[i].is_drained)
				fail_msg("when %s: %s", cases[i].when,
					 bench.seen.machines[m].record.phase);
			assert_int_equal(bench.seen.machines[m].last_report_ms, NOW_MS - 3000);
			assert_true(bench.seen.machines[m].has_served);
			observe_bench_close(&bench);
		}
	}
}

static void test_records_that_cannot_have_ended(void **state)
{
	static const struct {
		const char *when;
		int64_t age_s; /* of the report that the ledger remembers */
		bool is_there;
		size_t missing;
	} cases[] = {
		{ "it is there", 5, true, 0 },
		{ "it vanished before its time", 5, false, 1 },
		{ "it vanished as late as can be told", 104, false, 1 },
		{ "it may just have ended", 105, false, 0 },
		{ "it has ended", 500, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, NULL);
		(void)observe_bench_remember(&bench, "m1", cases[i].age_s, false);
		(void)observe_bench_record(&bench, cases[i].is_there ? "m1" : "m2", "serve", 1);
		(void)observe_bench_remember(&bench, "past the end", 5, false);
		bench.ledger.machine_count = 1;
		if (join_missing(&bench.ledger, &bench.records, NOW_MS) != cases[i].missing)
			fail_msg("when %s", cases[i].when);
		observe_bench_close(&bench);
	}
}

static void test_attempts_that_a_list_answers(void **state)
{
	static const struct {
		const char *when;
		unsigned slot, generation; /* of the attempt; m1 is in slot 0, generation 3 */
		enum instance_state state;
		bool is_open;
	} cases[] = {
		{ "it runs", 0, 3, INSTANCE_RUNNING, false },
		{ "it ran and ended", 0, 3, INSTANCE_TERMINATED, false },
		{ "the slot has moved on", 0, 2, INSTANCE_TERMINATED, false },
		{ "somebody else is in the slot", 0, 4, INSTANCE_RUNNING, false },
		{ "its predecessor ended", 0, 4, INSTANCE_TERMINATED, true },
		{ "nobody is in its slot", 1, 0, INSTANCE_RUNNING, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, &cases[i].state);
		bench.attempts[0] = (struct open_attempt){ .slot = cases[i].slot,
							   .generation = cases[i].generation };
		SET(bench.attempts[0].resource, "cpu");
		bench.ledger.attempt_count = 1;
		join_attempts(&bench.seen, &bench.ledger);
		if (bench.seen.attempt_count != cases[i].is_open)
			fail_msg("when %s", cases[i].when);
		observe_bench_close(&bench);
	}
}

/* Two in the slot of the attempt, which is what joins them: a long name, and a number. */
static void test_attempts_of_a_slot_that_two_were_in(void **state)
{
	static const char *const two[] = { "m1", "m2", NULL };
	static const char resource[] =
		"a-name-of-a-resource-that-is-as-long-as-the-longest-one-there-be";
	static const struct {
		const char *when;
		unsigned first, second, slot, generation; /* the last two: of the attempt */
		bool is_open;
	} cases[] = {
		{ "the second one is the attempt's", 3, 4, 4294967295, 4, false },
		{ "the first one is", 4, 3, 4294967295, 4, false },
		{ "both are before it", 4, 3, 4294967295, 5, true },
		{ "they were in another slot", 4, 3, 429496729, 4, true },
	};

	(void)state;
	assert_int_equal(strlen(resource), TICKET_FIELD_ROOM - 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, two, gone);
		for (int m = 0; m < 2; m++) {
			struct instance *instance = &bench.seen.machines[m].instance;

			SET(instance->resource, resource);
			instance->slot = 4294967295;
			instance->generation = m ? cases[i].second : cases[i].first;
		}
		bench.attempts[0] = (struct open_attempt){ .slot = cases[i].slot,
							   .generation = cases[i].generation };
		SET(bench.attempts[0].resource, resource);
		bench.ledger.attempt_count = 1;
		join_attempts(&bench.seen, &bench.ledger);
		if (bench.seen.attempt_count != cases[i].is_open)
			fail_msg("when %s", cases[i].when);
		observe_bench_close(&bench);
	}
}

static void test_when_the_tasks_are_read(void **state)
{
	enum {
		NOTHING,
		TENTH,
		BUSY_GONE,
		IDLE_GONE,
		DUE_NOW,
		OVERDUE,
		OVERDUE_GONE,
		OVERDUE_NOWHERE,
		OVERDUE_KNOWN,
		OVERDUE_BUSY,
		MARK,
		OTHER_MARK
	};
	static const struct {
		const char *when;
		int what;
		bool is_due;
	} cases[] = {
		{ "all is well", NOTHING, false },
		{ "it is the tenth pass", TENTH, true },
		{ "a machine ended busy", BUSY_GONE, true },
		{ "a machine ended idle", IDLE_GONE, false },
		{ "a machine may still come up", DUE_NOW, false },
		{ "a machine never came up", OVERDUE, true },
		{ "one of a resource that is configured no more did not, either", OVERDUE_GONE,
		  true },
		{ "nor did one that no list shows, either", OVERDUE_NOWHERE, false },
		{ "an idle machine fell silent: it may have taken a task", OVERDUE_KNOWN, true },
		{ "a busy machine fell silent", OVERDUE_BUSY, false },
		{ "a task waits for its second look", MARK, true },
		{ "a machine waits for its second look", OTHER_MARK, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;
		int what = cases[i].what;

		observe_bench_open(&bench, one,
				   what == BUSY_GONE || what == IDLE_GONE ? gone : NULL);
		if (what == TENTH)
			bench.ledger.passes = 20;
		if (what == BUSY_GONE || what == IDLE_GONE || what == OVERDUE_KNOWN ||
		    what == OVERDUE_BUSY)
			(void)observe_bench_remember(&bench, "m1", 300,
						     what == BUSY_GONE || what == OVERDUE_BUSY);
		if (what >= OVERDUE && what <= OVERDUE_BUSY)
			bench.seen.machines[0].instance.launched_s = NOW_S - 601;
		if (what == DUE_NOW)
			bench.seen.machines[0].instance.launched_s = NOW_S - 600;
		if (what == OVERDUE_GONE || what == OVERDUE_NOWHERE)
			bench.seen.machines[0].resource = RESOURCE_NONE;
		if (what == OVERDUE_NOWHERE)
			bench.seen.machines[0].place = RESOURCE_NONE;
		SET(bench.marks[0].what, what == OTHER_MARK ? "silent m1" : "task " TASK);
		bench.ledger.mark_count = what == MARK || what == OTHER_MARK;
		join_ledger(&bench.seen, bench.settings, &bench.ledger);
		if (join_is_sweep_due(&bench.seen, bench.settings, &bench.ledger) !=
		    cases[i].is_due)
			fail_msg("when %s", cases[i].when);
		observe_bench_close(&bench);
	}
}

static void test_how_many_entries_are_read(void **state)
{
	static const struct {
		const char *when;
		unsigned instances, seats;
		size_t user_budgets;
		unsigned cap;
	} cases[] = {
		{ "few machines may be", 9, 4, 0, 1000 },
		{ "many may be", 500, 4, 0, 2001 },
		{ "the first may be of a user past a budget", 500, 4, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);

		plan_world_resource(world, "first", cases[i].instances, "c");
		world->resources[0].ticket.seats = cases[i].seats;
		world->settings.user_budget_count = cases[i].user_budgets;
		plan_world_poison(world);
		if (join_entry_cap(&world->settings) != cases[i].cap)
			fail_msg("when %s: %u", cases[i].when, join_entry_cap(&world->settings));
		free(world);
	}
}

static void test_queues_by_name(void **state)
{
	struct observe_bench bench;
	struct clearml_entry entries[] = { { TASK, 5000 }, { OTHER, 6000 } };
	struct clearml_queue list[] = {
		{ .name = "cpu", .entries = entries, .entry_count = 2, .is_forced_off = true },
		{ .name = "CPU" },
		{ .name = "else" },
	};
	struct clearml_queues queues = { list, 3 };

	(void)state;
	observe_bench_open(&bench, one, NULL);
	plan_world_poison(bench.world);
	join_queues(&bench.seen, bench.settings, &queues, 2);
	assert_true(bench.seen.queues[0].exists);
	assert_true(bench.seen.queues[0].is_forced_off);
	assert_true(bench.seen.queues[0].is_capped);
	assert_int_equal(bench.seen.queues[0].waiting, 2);
	assert_int_equal(bench.seen.queues[0].oldest_ms, 5000);
	assert_false(bench.seen.queues[1].exists);
	assert_false(bench.seen.queues[2].exists); /* nor "else": that is past the settings' */
	join_queues(&bench.seen, bench.settings, &queues, 0);
	assert_false(bench.seen.queues[0].is_capped);
	observe_bench_close(&bench);
}

/* "gone" is no resource of the configuration any more; "gpu" lists the same place as "cpu". */
static void test_a_list_shows_machines_of_every_resource(void **state)
{
	struct observe_bench bench;
	struct instance list[] = {
		{ .id = "m1", .resource = "cpu", .state = INSTANCE_TERMINATED },
		{ .id = "m8", .resource = "gpu" },
		{ .id = "m9", .resource = "gone" },
		{ .id = "m9", .resource = "gone", .state = INSTANCE_RUNNING },
	};
	struct fleet fleet = { list, ARRAY_LEN(list) };

	(void)state;
	observe_bench_open(&bench, one, NULL);
	plan_world_resource(bench.world, "gpu", 1, "g");
	join_fleet(&bench.seen, bench.settings, 1, &fleet);
	assert_int_equal(bench.seen.machine_count, 3);
	/* The later list knows more, but its own resource's is where it is. */
	assert_int_equal(bench.seen.machines[0].instance.state, INSTANCE_TERMINATED);
	assert_int_equal(bench.seen.machines[0].resource, 0);
	assert_int_equal(bench.seen.machines[0].place, 0);
	assert_int_equal(bench.seen.machines[1].resource, 1);
	assert_int_equal(bench.seen.machines[1].place, 1);
	assert_int_equal(bench.seen.machines[2].resource, RESOURCE_NONE);
	assert_int_equal(bench.seen.machines[2].place, 1);
	assert_int_equal(bench.seen.machines[2].instance.state, INSTANCE_RUNNING); /* told twice */
	/* The first list again: what is "gpu"'s stays there. */
	join_fleet(&bench.seen, bench.settings, 0, &fleet);
	assert_int_equal(bench.seen.machine_count, 3);
	assert_int_equal(bench.seen.machines[1].place, 1);
	observe_bench_close(&bench);
}

static void test_a_machine_in_another_resources_list_finds_its_place_later(void **state)
{
	struct observe_bench bench;
	struct instance instance = { .id = "m8", .resource = "gpu" };
	struct fleet fleet = { &instance, 1 };

	(void)state;
	observe_bench_open(&bench, one + 1, NULL);
	plan_world_resource(bench.world, "gpu", 1, "g");
	join_fleet(&bench.seen, bench.settings, 0, &fleet);
	assert_int_equal(bench.seen.machines[0].place, 0);
	join_fleet(&bench.seen, bench.settings, 1, &fleet);
	assert_int_equal(bench.seen.machines[0].place, 1);
	observe_bench_close(&bench);
}

static void test_tasks_that_have_waited_long_enough(void **state)
{
	static const struct {
		const char *when;
		int64_t launch_after_s;
		unsigned ripe;
	} cases[] = {
		{ "nobody needs to wait, also not for clocks", 0, 3 },
		{ "one has waited just as long", 30, 1 },
		{ "none has", 31, 0 },
	};
	struct clearml_entry entries[] = { { TASK, NOW_MS - 30000 },
					   { OTHER, NOW_MS - 29000 },
					   { QUEUE, NOW_MS + 1000 } };
	struct clearml_queue queue = { .name = "cpu", .entries = entries, .entry_count = 3 };
	struct clearml_queues queues = { &queue, 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, NULL);
		bench.settings->launch_after_s = cases[i].launch_after_s;
		join_queues(&bench.seen, bench.settings, &queues, 0);
		if (bench.seen.queues[0].ripe != cases[i].ripe)
			fail_msg("when %s: %u", cases[i].when, bench.seen.queues[0].ripe);
		observe_bench_close(&bench);
	}
}

static void test_who_is_known_to_have_served(void **state)
{
	static const struct {
		const char *when, *phase, *reason;
		enum claim claim;
		size_t tasks;
		bool is_remembered, has_served;
	} cases[] = {
		{ "it proves itself", "prove", "", CLAIM_INTENT, 0, false, false },
		{ "it serves", "serve", "", CLAIM_NONE, 0, false, true },
		{ "it has the slot", "drain", "", CLAIM_SERVES, 0, false, true },
		{ "it drains and never had the slot", "drain", "", CLAIM_NONE, 0, false, false },
		{ "it has a task", "drain", "", CLAIM_NONE, 1, false, true },
		{ "it left idle", "left", "idle", CLAIM_NONE, 0, false, true },
		{ "it left after its one task", "left", "one-task", CLAIM_NONE, 0, false, true },
		{ "it left at a gate", "left", "gate", CLAIM_NONE, 0, false, false },
		{ "it left at a later gate", "left", "gate", CLAIM_NONE, 0, true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, NULL);
		struct machine_record *record =
			observe_bench_record(&bench, "m1", cases[i].phase, 2);
		SET(record->reason, cases[i].reason);
		record->claim = cases[i].claim;
		record->task_count = cases[i].tasks;
		observe_bench_remember(&bench, "m1", 60, false)->has_served =
			cases[i].is_remembered;
		if (observe_bench_join(&bench)->has_served != cases[i].has_served)
			fail_msg("when %s", cases[i].when);
		observe_bench_close(&bench);
	}
}

static void test_what_the_ledger_says_of_resources_and_orders(void **state)
{
	struct observe_bench bench;
	struct remembered_resource resources[] = {
		{ .resource = "gone", .boot_failures = 9 },
		{ "cpu", 2, 11, 12, 13, 0, false },
	};
	struct offering_state offering = { .resource = "cpu", .failures = 4 };

	(void)state;
	observe_bench_open(&bench, one, NULL);
	bench.ledger.resources = resources;
	bench.ledger.resource_count = 2;
	bench.ledger.offerings = &offering;
	bench.ledger.offering_count = 1;
	SET(bench.orders[0].instance, "m2");
	bench.orders[0].order = ORDER_KEEP;
	bench.ledger.order_count = 1;
	(void)observe_bench_record(&bench, "m2", "serve", 2); /* only its record shows it */
	(void)observe_bench_join(&bench);
	assert_int_equal(bench.seen.resources[0].boot_failures, 2);
	assert_int_equal(bench.seen.resources[0].last_boot_failure_s, 11);
	assert_int_equal(bench.seen.resources[0].spot_failing_since_s, 12);
	assert_int_equal(bench.seen.resources[0].spot_blackout_until_s, 13);
	assert_int_equal(bench.seen.offering_count, 1);
	assert_int_equal(bench.seen.offerings[0].failures, 4);
	assert_int_equal(bench.seen.ledger_since_s, NOW_S - 86400);
	assert_int_equal(bench.seen.machines[0].order, ORDER_NONE);
	assert_int_equal(bench.seen.machines[1].order, ORDER_KEEP);
	observe_bench_close(&bench);
}

/* The ledger remembers m1 to m4; a list shows the first of them. */
static void test_what_a_machine_costs(void **state)
{
	static const struct {
		const char *when, *type, *zone;
		enum market market;
		bool is_listed;
		int64_t price;
	} cases[] = {
		{ "type, zone and market are an offering's", "big", "a", MARKET_SPOT, true, 30 },
		{ "the market is another", "big", "a", MARKET_ON_DEMAND, true, 90 },
		{ "the zone says nothing, and prices are one", "big", "", MARKET_ON_DEMAND, true,
		  90 },
		{ "the zone says nothing, and prices differ", "big", "", MARKET_SPOT, true,
		  MONEY_UNKNOWN },
		{ "the type is no offering's", "huge", "a", MARKET_SPOT, true, MONEY_UNKNOWN },
		{ "only its record shows it, and prices differ", "big", "", MARKET_ON_DEMAND, false,
		  MONEY_UNKNOWN },
		{ "only its record shows it, and there is one price", "small", "", MARKET_ON_DEMAND,
		  false, 7 },
		{ "its offering's price is not known", "odd", "", MARKET_ON_DEMAND, true,
		  MONEY_UNKNOWN },
	};
	struct offering offerings[] = {
		{ "big", "", "a", MARKET_SPOT, 30, PRICE_LISTED },
		{ "big", "", "b", MARKET_SPOT, 40, PRICE_LISTED },
		{ "big", "", "a", MARKET_ON_DEMAND, 90, PRICE_LISTED },
		{ "big", "", "b", MARKET_ON_DEMAND, 90, PRICE_LISTED },
		{ "small", "", "", MARKET_SPOT, 7, PRICE_LISTED },
		{ "odd", "", "", MARKET_ON_DEMAND, MONEY_UNKNOWN, PRICE_LISTED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, NULL);
		bench.world->resources[0].offerings = offerings;
		bench.world->resources[0].offering_count = ARRAY_LEN(offerings);
		struct observed_machine *machine = bench.seen.machines;
		SET(machine->instance.type, cases[i].type);
		SET(machine->instance.zone, cases[i].zone);
		machine->instance.market = cases[i].market;
		machine->is_listed = cases[i].is_listed;
		join_prices(&bench.seen, bench.settings);
		if (machine->price != cases[i].price)
			fail_msg("when %s: %lld", cases[i].when, (long long)machine->price);
		observe_bench_close(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_meets_its_instance),
		cmocka_unit_test(test_one_that_only_its_record_shows),
		cmocka_unit_test(test_of_two_records_the_newer_counts),
		cmocka_unit_test(test_records_that_cannot_have_ended),
		cmocka_unit_test(test_attempts_that_a_list_answers),
		cmocka_unit_test(test_attempts_of_a_slot_that_two_were_in),
		cmocka_unit_test(test_when_the_tasks_are_read),
		cmocka_unit_test(test_how_many_entries_are_read),
		cmocka_unit_test(test_queues_by_name),
		cmocka_unit_test(test_a_list_shows_machines_of_every_resource),
		cmocka_unit_test(test_a_machine_in_another_resources_list_finds_its_place_later),
		cmocka_unit_test(test_tasks_that_have_waited_long_enough),
		cmocka_unit_test(test_who_is_known_to_have_served),
		cmocka_unit_test(test_what_the_ledger_says_of_resources_and_orders),
		cmocka_unit_test(test_what_a_machine_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
