/* observe_remember: the memory of machines, and whether their boots were good. */
#include "reaper/observe_remember.h"

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

/* The bench's lists are not owned: observe_remember() grows its own. */
static void own_memory(struct observe_bench *bench)
{
	size_t count = bench->ledger.machine_count;
	struct remembered *list = memory_array(count, sizeof(*list));

	memcpy(list, bench->remembered, count * sizeof(*list));
	bench->ledger.machines = list;
}

static void disown_memory(struct observe_bench *bench)
{
	free(bench->ledger.machines);
	free(bench->ledger.resources);
}

static void test_what_is_remembered(void **state)
{
	static const struct {
		const char *when;
		enum instance_state state;
		bool has_record, is_swept, is_lost, is_listed;
		int64_t age_s; /* of the report that the ledger remembers */
		size_t remembered;
		bool was_busy;
	} cases[] = {
		{ "it reports", INSTANCE_RUNNING, true, false, false, true, 30, 1, false },
		{ "it is silent", INSTANCE_RUNNING, false, true, false, true, 5000, 1, true },
		{ "it ended, and nobody looked for its task", INSTANCE_TERMINATED, false, false,
		  false, true, 300, 1, true },
		{ "it ended, and its task is lost", INSTANCE_TERMINATED, false, true, true, true,
		  300, 1, true },
		{ "it ended, and left nothing behind", INSTANCE_TERMINATED, false, true, false,
		  true, 5000, 1, false },
		{ "it is not listed, but not for long", INSTANCE_RUNNING, false, true, false, false,
		  600, 1, true },
		{ "it is not listed any more", INSTANCE_RUNNING, false, true, false, false, 601, 0,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, cases[i].is_listed ? one : one + 1, &cases[i].state);
		observe_bench_remember(&bench, "m1", cases[i].age_s, true)->spent_until_s =
			NOW_S - 5000;
		own_memory(&bench);
		if (cases[i].has_record)
			(void)observe_bench_record(&bench, "m1", "serve", 2);
		(void)observe_bench_join(&bench);
		SET(bench.task.owner, cases[i].is_lost ? "m1/1" : "");
		SET(bench.entry.task, TASK);
		if (cases[i].is_swept)
			observe_bench_sweep(&bench);
		observe_remember(&bench.seen, &bench.ledger);
		if (bench.ledger.machine_count != cases[i].remembered)
			fail_msg("when %s: %zu", cases[i].when, bench.ledger.machine_count);
		const struct remembered *remembered = bench.ledger.machines;
		if (cases[i].remembered && remembered->was_busy != cases[i].was_busy)
			fail_msg("when %s: busy %d", cases[i].when, remembered->was_busy);
		if (cases[i].remembered)
			assert_int_equal(remembered->spent_until_s, NOW_S - 5000);
		if (cases[i].has_record)
			assert_int_equal(remembered->last_report_ms, NOW_MS - 2000);
		disown_memory(&bench);
		observe_bench_close(&bench);
	}
}

/* The ledger began a day ago and has not seen it yet. */
static void test_who_is_worth_remembering(void **state)
{
	static const struct {
		const char *when;
		enum instance_state state;
		int64_t age_s; /* since its launch */
		bool has_record;
		size_t remembered;
	} cases[] = {
		{ "it is older than the ledger, and runs", INSTANCE_RUNNING, 86401, false, 1 },
		{ "it is older and ended, but has a record", INSTANCE_TERMINATED, 86401, true, 1 },
		{ "it is older and ended", INSTANCE_TERMINATED, 86401, false, 0 },
		{ "it was launched as the ledger began, and ended", INSTANCE_TERMINATED, 86400,
		  false, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, &cases[i].state);
		bench.seen.machines[0].instance.launched_s = NOW_S - cases[i].age_s;
		own_memory(&bench);
		if (cases[i].has_record)
			(void)observe_bench_record(&bench, "m1", "left", 2);
		(void)observe_bench_join(&bench);
		observe_remember(&bench.seen, &bench.ledger);
		if (bench.ledger.machine_count != cases[i].remembered)
			fail_msg("when %s: %zu", cases[i].when, bench.ledger.machine_count);
		disown_memory(&bench);
		observe_bench_close(&bench);
	}
}

static void test_a_list_that_failed_makes_nothing_forgotten(void **state)
{
	(void)state;
	for (int is_known = 0; is_known < 2; is_known++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one + 1, NULL);
		(void)observe_bench_remember(&bench, "m1", 5000, false);
		own_memory(&bench);
		(void)observe_bench_join(&bench);
		bench.seen.workers_known = is_known;
		SET(bench.seen.resources[0].problem, is_known ? "no answer" : "");
		observe_remember(&bench.seen, &bench.ledger);
		assert_int_equal(bench.ledger.machine_count, 1);
		assert_int_equal(bench.ledger.looked_s, is_known ? NOW_S : NOW_S - 60);
		disown_memory(&bench);
		observe_bench_close(&bench);
	}
}

static void test_when_a_list_showed_a_machine_alive(void **state)
{
	static const struct {
		const char *when;
		enum instance_state state;
		bool is_listed;
		int64_t listed_s;
	} cases[] = {
		{ "it starts", INSTANCE_PENDING, true, NOW_S },
		{ "it runs", INSTANCE_RUNNING, true, NOW_S },
		{ "it is stopped, and may start again", INSTANCE_STOPPED, true, NOW_S },
		{ "it is on its way out", INSTANCE_STOPPING, true, 0 },
		{ "it has ended", INSTANCE_TERMINATED, true, 0 },
		{ "only its record shows it", INSTANCE_RUNNING, false, NOW_S - 60 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, cases[i].is_listed ? one : one + 1, &cases[i].state);
		struct remembered *remembered = observe_bench_remember(&bench, "m1", 60, false);

		remembered->listed_s = NOW_S - 60;
		remembered->is_judged = true; /* and so it stays, whatever comes */
		own_memory(&bench);
		if (!cases[i].is_listed)
			(void)observe_bench_record(&bench, "m1", "serve", 2);
		(void)observe_bench_join(&bench);
		observe_remember(&bench.seen, &bench.ledger);
		if (bench.ledger.machines[0].listed_s != cases[i].listed_s)
			fail_msg("when %s: %lld", cases[i].when,
				 (long long)bench.ledger.machines[0].listed_s);
		assert_true(bench.ledger.machines[0].is_judged);
		disown_memory(&bench);
		observe_bench_close(&bench);
	}
}

/* One boot had failed before. */
enum { BEFORE = 1, GOOD = 0, FAILED = 2, NEITHER = BEFORE };

static void test_boots_are_judged(void **state)
{
	static const struct {
		const char *when;
		enum instance_state state;
		const char *phase, *reason; /* of its record; "": none */
		bool is_remembered, has_served;
		enum order order;
		int64_t looked_age_s, age_s; /* since a pass looked; since it was launched */
		unsigned failures;
	} cases[] = {
		{ "it boots", INSTANCE_RUNNING, "", "", false, false, 0, 60, 100, NEITHER },
		{ "it proves itself", INSTANCE_RUNNING, "prove", "", false, false, 0, 60, 100,
		  NEITHER },
		{ "it serves", INSTANCE_RUNNING, "serve", "", false, false, 0, 60, 100, GOOD },
		{ "it has served for long", INSTANCE_RUNNING, "serve", "", true, true, 0, 60, 100,
		  NEITHER },
		{ "it ended and nothing was heard of it", INSTANCE_TERMINATED, "", "", false, false,
		  0, 60, 100, FAILED },
		{ "it was seen to boot, and ended", INSTANCE_TERMINATED, "", "", true, false, 0, 60,
		  100, FAILED },
		{ "it is on its way out", INSTANCE_STOPPING, "", "", true, false, 0, 60, 100,
		  FAILED },
		{ "it stopped", INSTANCE_STOPPED, "", "", true, false, 0, 60, 100, FAILED },
		{ "it ended while it proved itself", INSTANCE_TERMINATED, "prove", "", true, false,
		  0, 60, 100, FAILED },
		{ "it left at a gate", INSTANCE_RUNNING, "left", "gate", true, false, 0, 60, 100,
		  FAILED },
		{ "it is leaving at a gate", INSTANCE_RUNNING, "leave", "gate", true, false, 0, 60,
		  100, FAILED },
		{ "it left at a gate, long after the last look", INSTANCE_RUNNING, "left", "gate",
		  true, false, 0, 9000, 100, FAILED },
		{ "it left at a gate after it had served", INSTANCE_TERMINATED, "left", "gate",
		  true, true, 0, 60, 100, NEITHER },
		{ "it left because its slot was held", INSTANCE_TERMINATED, "left", "slot-held",
		  true, false, 0, 60, 100, NEITHER },
		{ "it left because it was told to", INSTANCE_TERMINATED, "left", "told-to-leave",
		  true, false, 0, 60, 100, NEITHER },
		{ "it left idle between two looks", INSTANCE_TERMINATED, "left", "idle", false,
		  false, 0, 60, 100, GOOD },
		{ "its operator had drained it", INSTANCE_TERMINATED, "", "", true, false,
		  ORDER_DRAIN, 60, 100, NEITHER },
		{ "its operator had kept it", INSTANCE_TERMINATED, "", "", true, false, ORDER_KEEP,
		  60, 100, FAILED },
		{ "it ended, and its record may have, too", INSTANCE_TERMINATED, "", "", true,
		  false, 0, 121, 100, NEITHER },
		{ "it ended just when its record may not have", INSTANCE_TERMINATED, "", "", true,
		  false, 0, 120, 100, FAILED },
		{ "it ended, and is older than the ledger", INSTANCE_TERMINATED, "", "", false,
		  false, 0, 60, 90000, NEITHER },
		{ "it ended, and is just as old as the ledger", INSTANCE_TERMINATED, "", "", false,
		  false, 0, 60, 86400, FAILED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, &cases[i].state);
		bench.seen.machines[0].instance.launched_s = NOW_S - cases[i].age_s;
		bench.ledger.looked_s = NOW_S - cases[i].looked_age_s;
		if (cases[i].is_remembered) {
			struct remembered *remembered =
				observe_bench_remember(&bench, "m1", 90, false);

			remembered->has_served = remembered->is_judged = cases[i].has_served;
			remembered->listed_s = NOW_S - 60;
		}
		own_memory(&bench);
		bench.ledger.resources = memory_array(1, sizeof(*bench.ledger.resources));
		bench.ledger.resource_count = 1;
		SET(bench.ledger.resources[0].resource, "cpu");
		bench.ledger.resources[0].boot_failures = BEFORE;
		SET(bench.orders[0].instance, "m1");
		bench.orders[0].order = cases[i].order;
		bench.ledger.order_count = 1;
		if (*cases[i].phase)
			SET(observe_bench_record(&bench, "m1", cases[i].phase, 2)->reason,
			    cases[i].reason);
		(void)observe_bench_join(&bench);
		for (int twice = 0; twice < 2; twice++) {
			observe_remember(&bench.seen, &bench.ledger);
			if (bench.ledger.resources[0].boot_failures != cases[i].failures)
				fail_msg("when %s (%d): %u", cases[i].when, twice,
					 bench.ledger.resources[0].boot_failures);
		}
		assert_int_equal(bench.ledger.resources[0].last_boot_failure_s,
				 cases[i].failures == FAILED ? NOW_S : 0);
		disown_memory(&bench);
		observe_bench_close(&bench);
	}
}

static void test_a_machine_that_its_cloud_forgot(void **state)
{
	static const struct {
		const char *when;
		int64_t listed_age_s, looked_age_s;
		bool has_served, is_judged;
		unsigned failures;
	} cases[] = {
		{ "its list may be late", 120, 60, false, false, 0 },
		{ "it is gone, and never served", 121, 60, false, false, 1 },
		{ "it is gone, and had served", 121, 60, true, true, 0 },
		{ "it is gone, and was judged before", 121, 60, false, true, 0 },
		{ "it may have served while nobody looked", 121, 121, false, false, 0 },
		{ "its record could still have been seen", 121, 120, false, false, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one + 1, NULL);
		bench.ledger.looked_s = NOW_S - cases[i].looked_age_s;
		struct remembered *remembered = observe_bench_remember(&bench, "m1", 5000, false);
		remembered->listed_s = NOW_S - cases[i].listed_age_s;
		remembered->has_served = cases[i].has_served;
		remembered->is_judged = cases[i].is_judged;
		own_memory(&bench);
		(void)observe_bench_join(&bench);
		for (int twice = 0; twice < 2; twice++) {
			unsigned failures;

			observe_remember(&bench.seen, &bench.ledger);
			failures = bench.ledger.resource_count ?
					   bench.ledger.resources[0].boot_failures :
					   0;
			if (failures != cases[i].failures)
				fail_msg("when %s (%d): %u", cases[i].when, twice, failures);
		}
		disown_memory(&bench);
		observe_bench_close(&bench);
	}
}

static void pass_with(struct observe_bench *bench, int64_t now_s)
{
	bench->seen.now_ms = now_s * 1000;
	(void)observe_bench_join(bench);
	observe_remember(&bench->seen, &bench->ledger);
}

/* Two looks: the first shows two machines, the second, when they are long gone from it, none. */
static void test_who_has_no_id_yet_is_not_missed(void **state)
{
	static const struct {
		const char *when;
		bool is_unnamed;
		size_t remembered;
		bool is_listed; /* in the second look: is the list believed? */
	} cases[] = {
		{ "the ids are theirs", false, 2, false },
		{ "the ids stand in for them", true, 0, true },
	};
	static const char *const two[] = { "m1", "m2", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, two, NULL);
		own_memory(&bench);
		for (size_t m = 0; m < 2; m++)
			bench.seen.machines[m].instance.is_unnamed = cases[i].is_unnamed;
		pass_with(&bench, NOW_S);
		assert_int_equal(bench.ledger.machine_count, cases[i].remembered);
		observation_release(&bench.seen);
		bench.seen.resources[0].is_listed = true;
		bench.ledger.looked_s = NOW_S + 90;
		pass_with(&bench, NOW_S + 150);
		if (bench.seen.resources[0].is_listed != cases[i].is_listed)
			fail_msg("when %s: listed %d", cases[i].when, !cases[i].is_listed);
		assert_int_equal(bench.ledger.resource_count, 0);
		disown_memory(&bench);
		observe_bench_close(&bench);
	}
}

/* A list was late, the boot counted as failed: then it comes back and serves. */
static void test_one_that_was_wrongly_judged_makes_it_good(void **state)
{
	struct observe_bench bench;

	(void)state;
	observe_bench_open(&bench, one, NULL);
	observe_bench_remember(&bench, "m1", 5000, false)->is_judged = true;
	own_memory(&bench);
	bench.ledger.resources = memory_array(1, sizeof(*bench.ledger.resources));
	bench.ledger.resource_count = 1;
	SET(bench.ledger.resources[0].resource, "cpu");
	bench.ledger.resources[0].boot_failures = 3;
	(void)observe_bench_record(&bench, "m1", "serve", 2);
	(void)observe_bench_join(&bench);
	observe_remember(&bench.seen, &bench.ledger);
	assert_int_equal(bench.ledger.resources[0].boot_failures, 0);
	assert_true(bench.ledger.machines[0].has_served);
	disown_memory(&bench);
	observe_bench_close(&bench);
}

/* What a task alone says of a machine is no report that could be missed in the next pass. */
static void test_only_records_can_be_missed(void **state)
{
	struct observe_bench bench;

	(void)state;
	observe_bench_open(&bench, one, NULL);
	own_memory(&bench);
	(void)observe_bench_join(&bench);
	SET(bench.task.owner, "m1/1");
	bench.task.status = TASK_IN_PROGRESS;
	observe_bench_sweep(&bench);
	observe_remember(&bench.seen, &bench.ledger);
	assert_int_equal(bench.ledger.machine_count, 1);
	assert_int_equal(bench.ledger.machines[0].last_report_ms, 0);
	assert_true(bench.ledger.machines[0].has_served);
	assert_int_equal(join_missing(&bench.ledger, &bench.records, NOW_MS), 0);
	disown_memory(&bench);
	observe_bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_remembered),
		cmocka_unit_test(test_who_is_worth_remembering),
		cmocka_unit_test(test_a_list_that_failed_makes_nothing_forgotten),
		cmocka_unit_test(test_when_a_list_showed_a_machine_alive),
		cmocka_unit_test(test_boots_are_judged),
		cmocka_unit_test(test_a_machine_that_its_cloud_forgot),
		cmocka_unit_test(test_who_has_no_id_yet_is_not_missed),
		cmocka_unit_test(test_one_that_was_wrongly_judged_makes_it_good),
		cmocka_unit_test(test_only_records_can_be_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
