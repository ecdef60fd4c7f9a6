/* observe_lost: whose a task is, and whether it is lost. */
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

static void test_whose_a_task_is(void **state)
{
	static const struct {
		const char *when;
		enum task_status status;
		const char *owner, *worker, *reason;
		const char *instance; /* "": nobody's */
		unsigned attempt;
	} cases[] = {
		{ "popped and not started", TASK_QUEUED, "m1/1", "", "", "m1", 1 },
		{ "started", TASK_IN_PROGRESS, "m1/2", "p:cpu:small:m1", "", "m1", 2 },
		{ "started on the second seat", TASK_IN_PROGRESS, "m1/2", "p:cpu:small:m1:1", "",
		  "m1", 2 },
		{ "started, and its agent has not reported", TASK_IN_PROGRESS, "m1/2", "", "", "m1",
		  2 },
		{ "a plain agent runs it since", TASK_IN_PROGRESS, "m1/2", "host:cpu:0", "", "",
		  0 },
		{ "started, and an earlier machine's was the last report", TASK_IN_PROGRESS, "m1/2",
		  "p:cpu:small:m2", "", "m1", 2 },
		{ "started, and another prefix's was the last report", TASK_IN_PROGRESS, "m1/2",
		  "q:cpu:small:m2", "", "", 0 },
		{ "put back by us, and popped by somebody", TASK_QUEUED, "m1/2", "",
		  "infra:terminated (m1/2)", "", 0 },
		{ "put back by its machine, and popped by somebody", TASK_QUEUED, "m1/2", "",
		  "infra:crash (m1/2)", "", 0 },
		{ "put back by us in an earlier attempt", TASK_QUEUED, "m1/2", "",
		  "infra:terminated (m0/1)", "m1", 2 },
		{ "nobody signed it, but it runs on us", TASK_IN_PROGRESS, "", "p:cpu:small:m1", "",
		  "m1", 2 },
		{ "nobody signed it, and it waits", TASK_QUEUED, "", "p:cpu:small:m1", "", "", 0 },
		{ "another prefix runs it", TASK_IN_PROGRESS, "", "q:cpu:small:m1", "", "", 0 },
		{ "stopped on its owner", TASK_STOPPED, "m1/2", "p:cpu:small:m1",
		  VERDICT_FORCED_STOP, "m1", 2 },
		{ "stopped on an earlier machine, its owner never reported", TASK_STOPPED, "m1/2",
		  "p:cpu:small:m2", VERDICT_FORCED_STOP, "m1", 2 },
		{ "stopped on a plain agent", TASK_STOPPED, "m1/2", "host:cpu:0",
		  VERDICT_FORCED_STOP, "", 0 },
		{ "stopped, and nobody ever reported it", TASK_STOPPED, "m1/2", "",
		  VERDICT_FORCED_STOP, "", 0 },
		{ "stopped, and nobody signed it", TASK_STOPPED, "", "p:cpu:small:m1",
		  VERDICT_FORCED_STOP, "", 0 },
		{ "the owner has no attempt", TASK_QUEUED, "m1", "", "", "", 0 },
		{ "the attempt has both ends of the digits", TASK_QUEUED, "m1/90", "", "", "m1",
		  90 },
		{ "the attempt has six digits", TASK_QUEUED, "m1/999999", "", "", "m1", 999999 },
		{ "the attempt is no number", TASK_QUEUED, "m1/x", "", "", "", 0 },
		{ "the attempt is empty", TASK_QUEUED, "m1/", "", "", "", 0 },
		{ "the attempt is huge", TASK_QUEUED, "m1/99999999999", "", "", "", 0 },
		{ "the owner is nobody", TASK_QUEUED, "/1", "", "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct clearml_task task = { .status = cases[i].status };
		char instance[TICKET_FIELD_ROOM] = "";
		unsigned attempt = 0;

		SET(task.id, TASK);
		SET(task.owner, cases[i].owner);
		SET(task.last_worker, cases[i].worker);
		SET(task.attempt, TASK "/2");
		SET(task.status_reason, cases[i].reason);
		bool is_held = join_holder(&task, "p", instance, &attempt);
		if (is_held != (*cases[i].instance != '\0'))
			fail_msg("when %s: %d", cases[i].when, is_held);
		if (is_held &&
		    (strcmp(instance, cases[i].instance) != 0 || attempt != cases[i].attempt))
			fail_msg("when %s: %s/%u", cases[i].when, instance, attempt);
	}
}

static const char *const one[] = { "m1", NULL };

static void test_a_task_is_lost_with_its_machine(void **state)
{
	static const struct {
		const char *when;
		enum instance_state state;
		const char *owner;
		bool is_queued;
		const char *stopped; /* why; "": it was popped and not started */
		size_t lost;
	} cases[] = {
		{ "its machine is terminated", INSTANCE_TERMINATED, "m1/1", false, "", 1 },
		{ "and it is back in a queue", INSTANCE_TERMINATED, "m1/1", true, "", 1 },
		{ "its machine runs", INSTANCE_RUNNING, "m1/1", false, "", 0 },
		{ "its machine is on its way out", INSTANCE_STOPPING, "m1/1", false, "", 0 },
		{ "its machine is unknown", INSTANCE_TERMINATED, "m2/1", false, "", 0 },
		{ "ClearML's watchdog stopped it then", INSTANCE_TERMINATED, "m1/1", false,
		  VERDICT_FORCED_STOP, 1 },
		{ "it was stopped by its user", INSTANCE_TERMINATED, "m1/1", false, "by me", 0 },
		{ "the watchdog stopped it, and its machine runs", INSTANCE_RUNNING, "m1/1", false,
		  VERDICT_FORCED_STOP, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, &cases[i].state);
		SET(bench.task.owner, cases[i].owner);
		SET(bench.entry.task, cases[i].is_queued ? TASK : OTHER);
		if (*cases[i].stopped) {
			bench.task.status = TASK_STOPPED;
			SET(bench.task.status_reason, cases[i].stopped);
			SET(bench.task.last_worker, "p:cpu:small:m1");
		}
		observe_bench_sweep(&bench);
		if (bench.seen.lost_count != cases[i].lost)
			fail_msg("when %s: %zu", cases[i].when, bench.seen.lost_count);
		if (cases[i].lost) {
			const struct observed_task *lost = bench.seen.lost;

			assert_int_equal(lost->loss, LOSS_TERMINATED);
			assert_int_equal(lost->is_in_queue, cases[i].is_queued);
			assert_int_equal(lost->queue, 1);
			assert_int_equal(lost->attempt, 1);
			assert_int_equal(lost->max_attempts, 7);
			assert_string_equal(lost->instance, "m1");
		}
		observe_bench_close(&bench);
	}
}

/* Two resources: the first lets a task of its begin 7 times, the second 5 times. */
static void test_how_often_a_lost_task_may_begin(void **state)
{
	static const struct {
		const char *when, *queue;
		const char *first, *second; /* the queues that they serve: c of "cpu", g of "gpu" */
		const char *owner; /* m1 is of the second resource; "": nobody has the task */
		unsigned attempts;
	} cases[] = {
		{ "its machine is known", "gpu", "g", "c", "m1/1", 5 },
		{ "the second resource serves its queue", "cpu", "g", "c", "", 5 },
		{ "both do", "cpu", "gc", "c", "", 7 },
		{ "none does", "cpu", "g", "", "", 3 },
	};
	static const enum instance_state states[] = { INSTANCE_TERMINATED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, states);
		bench.settings->resource_count = 0;
		plan_world_resource(bench.world, "first", 8, cases[i].first);
		plan_world_resource(bench.world, "second", 8, cases[i].second);
		bench.world->resources[0].ticket.limits.max_attempts = 7;
		bench.world->resources[1].ticket.limits.max_attempts = 5;
		plan_world_poison(bench.world);
		bench.seen.machines[0].resource = 1;
		SET(bench.queue.name, cases[i].queue);
		SET(bench.task.owner, cases[i].owner);
		observe_bench_sweep(&bench);
		assert_int_equal(bench.seen.lost_count, 1);
		if (bench.seen.lost[0].max_attempts != cases[i].attempts)
			fail_msg("when %s: %u", cases[i].when, bench.seen.lost[0].max_attempts);
		observe_bench_close(&bench);
	}
}

/* m1 owns the task, runs, and reports; m2 may be there too. */
static void test_a_task_that_its_machine_does_not_list(void **state)
{
	static const struct {
		const char *when, *phase;
		enum task_status status;
		int64_t age_s; /* of m1's report */
		const char *listed; /* by m1 */
		const char *listed_by_m2;
		const char *worker; /* who reports the task; "": nobody */
		bool is_queued, is_lost;
	} cases[] = {
		{ "it serves", "serve", TASK_IN_PROGRESS, 2, "", "", "", false, true },
		{ "it drains", "drain", TASK_IN_PROGRESS, 2, "", "", "", false, true },
		{ "it was popped only", "serve", TASK_QUEUED, 2, "", "", "", false, true },
		{ "it lists another one", "serve", TASK_QUEUED, 2, OTHER, "", "", false, true },
		{ "it lists it", "serve", TASK_IN_PROGRESS, 2, TASK, "", "", false, false },
		{ "it has just restarted, and adopts", "prove", TASK_IN_PROGRESS, 2, "", "", "",
		  false, false },
		{ "its tags make no sense", "", TASK_IN_PROGRESS, 2, "", "", "", false, false },
		{ "it fell silent", "serve", TASK_IN_PROGRESS, 130, "", "", "", false, false },
		{ "its agent still reports it", "serve", TASK_IN_PROGRESS, 2, "", "",
		  "p:cpu:small:m1", false, false },
		{ "another worker reports it", "serve", TASK_IN_PROGRESS, 2, "", "", "box:0", false,
		  false },
		{ "another machine lists it", "serve", TASK_QUEUED, 2, "", TASK, "", false, false },
		{ "it is in a queue", "serve", TASK_QUEUED, 2, "", "", "", true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, NULL);
		struct machine_record *record =
			observe_bench_record(&bench, "m1", cases[i].phase, cases[i].age_s);
		SET(record->tasks[0], cases[i].listed);
		record->task_count = *cases[i].listed != '\0';
		SET(record->tasks[record->task_count], TASK); /* past its list: says nothing */
		record = observe_bench_record(&bench, "m2", "serve", 2);
		SET(record->tasks[0], cases[i].listed_by_m2);
		record->task_count = *cases[i].listed_by_m2 != '\0';
		if (*cases[i].worker)
			observe_bench_worker(&bench, cases[i].worker, TASK, 5);
		SET(bench.task.owner, "m1/2");
		bench.task.status = cases[i].status;
		SET(bench.entry.task, cases[i].is_queued ? TASK : OTHER);
		(void)observe_bench_join(&bench);
		observe_bench_sweep(&bench);
		if (bench.seen.lost_count != cases[i].is_lost)
			fail_msg("when %s: %zu", cases[i].when, bench.seen.lost_count);
		if (cases[i].is_lost) {
			assert_int_equal(bench.seen.lost[0].loss, LOSS_UNLISTED);
			assert_string_equal(bench.seen.lost[0].instance, "m1");
			assert_int_equal(bench.seen.lost[0].attempt, 2);
		}
		observe_bench_close(&bench);
	}
}

static void test_a_task_that_nobody_has(void **state)
{
	static const struct {
		const char *when;
		enum task_status status;
		const char *owner, *reason, *worker; /* who reports the task */
		bool is_queued, is_told, is_lost; /* told: a machine's record lists it */
	} cases[] = {
		{ "it was popped, and the popper died", TASK_QUEUED, "", "", "", false, false,
		  true },
		{ "it waits in a queue", TASK_QUEUED, "", "", "", true, false, false },
		{ "a plain agent pulls its image", TASK_QUEUED, "", "", "box:0", false, false,
		  false },
		{ "a machine lists it, and has not signed it yet", TASK_QUEUED, "", "", "", false,
		  true, false },
		{ "it runs, and nobody signed it", TASK_IN_PROGRESS, "", "", "", false, false,
		  false },
		{ "it was put back, popped, and the popper died", TASK_QUEUED, "m1/1",
		  "infra:crash (m1/1)", "", false, false, true },
		{ "it was put back, and waits", TASK_QUEUED, "m1/1", "infra:crash (m1/1)", "", true,
		  false, false },
		{ "what a person wrote names no owner", TASK_QUEUED, "me", "", "", false, false,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, NULL);
		struct machine_record *record = observe_bench_record(&bench, "m1", "serve", 2);
		SET(record->tasks[0], TASK);
		record->task_count = cases[i].is_told;
		if (*cases[i].worker)
			observe_bench_worker(&bench, cases[i].worker, TASK, 5);
		bench.task.status = cases[i].status;
		SET(bench.task.owner, cases[i].owner);
		SET(bench.task.status_reason, cases[i].reason);
		SET(bench.task.attempt, TASK "/2");
		SET(bench.entry.task, cases[i].is_queued ? TASK : OTHER);
		(void)observe_bench_join(&bench);
		observe_bench_sweep(&bench);
		if (bench.seen.lost_count != cases[i].is_lost)
			fail_msg("when %s: %zu", cases[i].when, bench.seen.lost_count);
		if (cases[i].is_lost) {
			assert_int_equal(bench.seen.lost[0].loss, LOSS_NOBODY);
			assert_string_equal(bench.seen.lost[0].instance, "");
			assert_int_equal(bench.seen.lost[0].attempt, 2);
			assert_int_equal(bench.seen.lost[0].queue, 1);
			assert_int_equal(bench.seen.lost[0].max_attempts, 7);
		}
		observe_bench_close(&bench);
	}
}

/* Its cloud shows ended machines for an hour; the reaper may have been off for longer. */
static void test_an_owner_that_no_list_shows_any_more(void **state)
{
	static const struct {
		const char *when;
		int64_t age_s; /* since anything happened to the task */
		const char *worker;
		bool is_listed, is_queued, is_lost;
	} cases[] = {
		{ "it was heard of as long ago as a silent machine may live", 5400, "", true, false,
		  false },
		{ "it was heard of longer ago", 5401, "", true, false, true },
		{ "the list could not be read", 5401, "", false, false, false },
		{ "another prefix's machine reports itself", 5401, "q:cpu:small:m9:bootstrap", true,
		  false, false },
		{ "it is in a queue", 5401, "", true, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, NULL);
		SET(bench.task.owner, "m9/1");
		bench.task.status = cases[i].is_queued ? TASK_QUEUED : TASK_IN_PROGRESS;
		bench.task.last_update_ms = NOW_MS - cases[i].age_s * 1000;
		SET(bench.entry.task, cases[i].is_queued ? TASK : OTHER);
		if (*cases[i].worker)
			observe_bench_worker(&bench, cases[i].worker, "", 5);
		(void)observe_bench_join(&bench);
		bench.seen.resources[0].is_listed = cases[i].is_listed;
		observe_bench_sweep(&bench);
		if (bench.seen.lost_count != cases[i].is_lost)
			fail_msg("when %s: %zu", cases[i].when, bench.seen.lost_count);
		if (cases[i].is_lost)
			assert_int_equal(bench.seen.lost[0].loss, LOSS_NOBODY);
		observe_bench_close(&bench);
	}
}

/* The bench's queue is configured no more. */
static void test_a_task_of_a_queue_that_is_not_ours(void **state)
{
	static const struct {
		const char *when;
		enum instance_state state; /* of m1 */
		enum task_status status;
		const char *owner, *worker;
		bool is_lost;
		enum loss loss;
	} cases[] = {
		{ "our machine had it, and is terminated", INSTANCE_TERMINATED, TASK_IN_PROGRESS,
		  "m1/1", "p:cpu:small:m1", true, LOSS_TERMINATED },
		{ "our machine had popped it, and is terminated", INSTANCE_TERMINATED, TASK_QUEUED,
		  "m1/1", "", true, LOSS_TERMINATED },
		{ "our machine does not list it", INSTANCE_RUNNING, TASK_IN_PROGRESS, "m1/1",
		  "p:cpu:small:m1", true, LOSS_UNLISTED },
		{ "somebody popped it", INSTANCE_RUNNING, TASK_QUEUED, "", "", false, LOSS_NOBODY },
		{ "a plain agent runs it", INSTANCE_RUNNING, TASK_IN_PROGRESS, "", "box:0", false,
		  LOSS_NOBODY },
		{ "a machine that we never saw has it", INSTANCE_RUNNING, TASK_IN_PROGRESS, "m9/1",
		  "", false, LOSS_NOBODY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, &cases[i].state);
		SET(bench.queue.name, "theirs");
		if (cases[i].state == INSTANCE_RUNNING)
			(void)observe_bench_record(&bench, "m1", "serve", 2);
		bench.task.status = cases[i].status;
		bench.task.last_update_ms = NOW_MS - 6000000;
		SET(bench.task.owner, cases[i].owner);
		SET(bench.task.last_worker, cases[i].worker);
		(void)observe_bench_join(&bench);
		observe_bench_sweep(&bench);
		if (bench.seen.lost_count != cases[i].is_lost)
			fail_msg("when %s: %zu", cases[i].when, bench.seen.lost_count);
		if (cases[i].is_lost)
			assert_int_equal(bench.seen.lost[0].loss, cases[i].loss);
		observe_bench_close(&bench);
	}
}

static void test_whose_tasks_are_asked_for(void **state)
{
	static const struct {
		const char *when;
		const char *ours, *all; /* names of one letter, which are their ids too */
		size_t waiting; /* in each of them */
		const char *ids;
		size_t whole;
	} cases[] = {
		{ "there are no queues", "", "", 0, "", 0 },
		{ "all are ours", "ab", "ab", 900, "ab", 2 },
		{ "none is ours", "", "ab", 500, "ab", 2 },
		{ "one of ours was removed just now", "ab", "b", 9, "b", 1 },
		{ "few wait in others", "bd", "abcd", 500, "bdac", 4 },
		{ "many wait in others", "bd", "abcd", 501, "bdac", 2 },
		{ "many wait in others, and none is ours", "", "ab", 501, "ab", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct clearml_queue ours[4] = { 0 }, all[4] = { 0 };
		struct clearml_queues ours_list = { ours, strlen(cases[i].ours) };
		struct clearml_queues all_list = { all, strlen(cases[i].all) };
		const char *ids[4];
		size_t whole;

		for (size_t q = 0; q < ours_list.count; q++)
			ours[q].id[0] = cases[i].ours[q];
		for (size_t q = 0; q < all_list.count; q++)
			all[q].id[0] = cases[i].all[q];
		for (size_t q = 0; q < ARRAY_LEN(all); q++) /* also past the list */
			all[q].entry_count = cases[i].waiting;
		join_sweep_queues(&ours_list, &all_list, ids, &whole);
		if (whole != cases[i].whole)
			fail_msg("when %s: %zu", cases[i].when, whole);
		for (size_t q = 0; q < all_list.count; q++)
			if (*ids[q] != cases[i].ids[q])
				fail_msg("when %s: %zu is %s", cases[i].when, q, ids[q]);
	}
}

/* A new ledger, a machine that never reported since: but a task says that it worked. */
static void test_a_task_proves_that_its_machine_came_up(void **state)
{
	struct observe_bench bench;

	(void)state;
	observe_bench_open(&bench, one, NULL);
	SET(bench.task.owner, "m1/1");
	SET(bench.task.last_worker, "p:cpu:small:m1");
	bench.task.status = TASK_IN_PROGRESS;
	observe_bench_sweep(&bench);
	assert_true(bench.seen.machines[0].was_seen);
	assert_true(bench.seen.machines[0].was_busy);
	assert_true(bench.seen.machines[0].has_served);
	assert_int_equal(bench.seen.machines[0].last_report_ms, NOW_MS - 4000);
	observe_bench_close(&bench);
}

/* Found by the simulator: one that took a task after the last pass that saw it was taken for idle.
 */
static void test_a_task_says_that_a_silent_machine_may_work(void **state)
{
	static const struct {
		const char *when;
		enum task_status status;
		bool has_record, is_told_busy, is_queued;
		bool was_busy;
	} cases[] = {
		{ "it runs a task", TASK_IN_PROGRESS, false, false, false, true },
		{ "it has popped a task", TASK_QUEUED, false, false, false, true },
		{ "its task is in a queue", TASK_QUEUED, false, false, true, false },
		{ "it reports that it does nothing", TASK_IN_PROGRESS, true, false, false, false },
		{ "it reports that it works", TASK_IN_PROGRESS, true, true, false, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observe_bench bench;

		observe_bench_open(&bench, one, NULL);
		bench.seen.machines[0].was_seen = true;
		bench.seen.machines[0].last_report_ms = NOW_MS - 700000;
		bench.seen.machines[0].has_record = cases[i].has_record;
		bench.seen.machines[0].was_busy = cases[i].is_told_busy;
		SET(bench.task.owner, "m1/1");
		SET(bench.entry.task, cases[i].is_queued ? TASK : OTHER);
		bench.task.status = cases[i].status;
		observe_bench_sweep(&bench);
		if (bench.seen.machines[0].was_busy != cases[i].was_busy)
			fail_msg("when %s: busy %d", cases[i].when,
				 bench.seen.machines[0].was_busy);
		assert_int_equal(bench.seen.machines[0].last_report_ms, NOW_MS - 700000);
		observe_bench_close(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose_a_task_is),
		cmocka_unit_test(test_a_task_is_lost_with_its_machine),
		cmocka_unit_test(test_how_often_a_lost_task_may_begin),
		cmocka_unit_test(test_a_task_that_its_machine_does_not_list),
		cmocka_unit_test(test_a_task_that_nobody_has),
		cmocka_unit_test(test_an_owner_that_no_list_shows_any_more),
		cmocka_unit_test(test_a_task_of_a_queue_that_is_not_ours),
		cmocka_unit_test(test_whose_tasks_are_asked_for),
		cmocka_unit_test(test_a_task_proves_that_its_machine_came_up),
		cmocka_unit_test(test_a_task_says_that_a_silent_machine_may_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
