/* observe_join: instances, records, the ledger's memory and tasks, put together. */
#include "reaper/observe_join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/plan_world.h"

#define NOW_MS ((int64_t)NOW_S * 1000)
#define TASK "714244096a4a4b8b84f58c22b2a543eb"
#define OTHER "814244096a4a4b8b84f58c22b2a543eb"

/* One resource "cpu" with an instance of each name in its list, one a slot. */
struct bench {
	struct plan_world *world;
	struct observation seen;
	struct ledger ledger;
	struct remembered remembered[2];
	struct open_attempt attempts[1];
	struct machine_record list[4];
	struct record_list records;
};

static void bench_open(struct bench *bench, const char *const *instances,
		       const enum instance_state *states)
{
	SCOPED(fleet) struct fleet fleet = { .list = memory_array(8, sizeof(*fleet.list)) };

	memset(bench, 0, sizeof(*bench));
	bench->world = plan_world_new(0, 0);
	plan_world_resource(bench->world, "cpu", 8, "c");
	SET(bench->world->settings.prefix, "p");
	bench->seen.now_ms = NOW_MS;
	bench->ledger = (struct ledger){ .passes = 1,
					 .machines = bench->remembered,
					 .attempts = bench->attempts };
	bench->records.list = bench->list;
	for (; instances[fleet.count]; fleet.count++) {
		struct instance *instance = &fleet.list[fleet.count];

		*instance = (struct instance){ .slot = (unsigned)fleet.count,
					       .generation = 3,
					       .state = states[fleet.count],
					       .launched_s = NOW_S - 60 };
		SET(instance->id, instances[fleet.count]);
		SET(instance->resource, "cpu");
	}
	join_fleet(&bench->seen, 0, &fleet);
}

static void bench_close(struct bench *bench)
{
	observation_release(&bench->seen);
	free(bench->world);
}

static struct machine_record *add_record(struct bench *bench, const char *instance,
					 const char *phase, int64_t age_s)
{
	struct machine_record *record = &bench->list[bench->records.count++];

	*record = (struct machine_record){ .seats = 1,
					   .slot = 5,
					   .generation = 9,
					   .launched_s = NOW_S - 500,
					   .registered_ms = NOW_MS - 500000,
					   .last_report_ms = NOW_MS - age_s * 1000 };
	SET(record->instance, instance);
	SET(record->resource, "cpu");
	SET(record->phase, phase);
	return record;
}

static void remember(struct bench *bench, const char *instance, int64_t age_s, bool was_busy)
{
	struct remembered *remembered = &bench->remembered[bench->ledger.machine_count++];

	*remembered = (struct remembered){ .last_report_ms = NOW_MS - age_s * 1000,
					   .was_busy = was_busy };
	SET(remembered->instance, instance);
}

static const enum instance_state running[] = { INSTANCE_RUNNING, INSTANCE_RUNNING,
					       INSTANCE_RUNNING };
static const enum instance_state gone[] = { INSTANCE_TERMINATED, INSTANCE_TERMINATED };
static const char *const one[] = { "m1", NULL };

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
		{ "its tags make no sense", "m1", "", 2, 0, true, true, true, 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;

		bench_open(&bench, one, running);
		(void)add_record(&bench, cases[i].instance, cases[i].phase, cases[i].age_s);
		if (cases[i].remembered_age_s)
			remember(&bench, "m1", cases[i].remembered_age_s, true);
		join_ledger(&bench.seen, &bench.ledger);
		join_records(&bench.seen, &bench.world->settings, &bench.records);

		const struct observed_machine *machine =
			&bench.seen.machines[bench.seen.machine_count - 1];
		if (bench.seen.machine_count != cases[i].machines ||
		    machine->has_record != cases[i].has_record ||
		    machine->was_seen != cases[i].was_seen ||
		    machine->is_listed != cases[i].is_listed ||
		    machine->last_report_ms !=
			    (cases[i].last_s ? NOW_MS - cases[i].last_s * 1000 : 0))
			fail_msg("when %s: %zu machines, record %d, seen %d, listed %d",
				 cases[i].when, bench.seen.machine_count, machine->has_record,
				 machine->was_seen, machine->is_listed);
		assert_int_equal(machine->resource, 0);
		bench_close(&bench);
	}
}

static void test_one_that_only_its_record_shows(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, one, running);
	(void)add_record(&bench, "m9", "serve", 2);
	SET(add_record(&bench, "m8", "serve", 2)->resource, "no-more");
	(void)add_record(&bench, "m7", "", 2);
	join_records(&bench.seen, &bench.world->settings, &bench.records);
	assert_int_equal(bench.seen.machine_count, 4);
	assert_int_equal(bench.seen.machines[1].instance.slot, 5);
	assert_int_equal(bench.seen.machines[1].instance.generation, 9);
	assert_int_equal(bench.seen.machines[1].instance.state, INSTANCE_RUNNING);
	assert_int_equal(bench.seen.machines[2].resource, RESOURCE_NONE);
	/* It counts, but what it says of its slot is not believed. */
	assert_int_equal(bench.seen.machines[3].instance.slot, UINT32_MAX);
	bench_close(&bench);
}

static void test_of_two_records_the_newer_counts(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct bench bench;

		bench_open(&bench, one, running);
		if (order)
			add_record(&bench, "m1", "serve", 9)->free_seats = 1;
		(void)add_record(&bench, "m1", "drain", 3);
		if (!order)
			add_record(&bench, "m1", "serve", 9)->free_seats = 1;
		join_records(&bench.seen, &bench.world->settings, &bench.records);
		assert_string_equal(bench.seen.machines[0].record.phase, "drain");
		assert_int_equal(bench.seen.machines[0].last_report_ms, NOW_MS - 3000);
		bench_close(&bench);
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
		struct bench bench;

		bench_open(&bench, one, running);
		remember(&bench, "m1", cases[i].age_s, false);
		(void)add_record(&bench, cases[i].is_there ? "m1" : "m2", "serve", 1);
		if (join_missing(&bench.ledger, &bench.records, NOW_MS) != cases[i].missing)
			fail_msg("when %s", cases[i].when);
		bench_close(&bench);
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
		struct bench bench;

		bench_open(&bench, one, &cases[i].state);
		bench.attempts[0] = (struct open_attempt){ .slot = cases[i].slot,
							   .generation = cases[i].generation };
		SET(bench.attempts[0].resource, "cpu");
		bench.ledger.attempt_count = 1;
		join_attempts(&bench.seen, &bench.ledger);
		if (bench.seen.attempt_count != cases[i].is_open)
			fail_msg("when %s", cases[i].when);
		bench_close(&bench);
	}
}

static struct clearml_task task_of(enum task_status status, const char *owner, const char *worker)
{
	struct clearml_task task = { .status = status };

	SET(task.id, TASK);
	SET(task.owner, owner);
	SET(task.last_worker, worker);
	SET(task.attempt, TASK "/2");
	return task;
}

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
		struct clearml_task task =
			task_of(cases[i].status, cases[i].owner, cases[i].worker);
		char instance[TICKET_FIELD_ROOM] = "";
		unsigned attempt = 0;

		SET(task.status_reason, cases[i].reason);
		bool is_held = join_holder(&task, "p", instance, &attempt);
		if (is_held != (*cases[i].instance != '\0'))
			fail_msg("when %s: %d", cases[i].when, is_held);
		if (is_held &&
		    (strcmp(instance, cases[i].instance) != 0 || attempt != cases[i].attempt))
			fail_msg("when %s: %s/%u", cases[i].when, instance, attempt);
	}
}

static void test_a_task_is_lost_with_its_machine(void **state)
{
	static const struct {
		const char *when;
		enum instance_state state;
		const char *owner;
		bool is_queued;
		size_t lost;
	} cases[] = {
		{ "its machine is terminated", INSTANCE_TERMINATED, "m1/1", false, 1 },
		{ "and it is back in a queue", INSTANCE_TERMINATED, "m1/1", true, 1 },
		{ "its machine runs", INSTANCE_RUNNING, "m1/1", false, 0 },
		{ "its machine is on its way out", INSTANCE_STOPPING, "m1/1", false, 0 },
		{ "its machine is unknown", INSTANCE_TERMINATED, "m2/1", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;
		struct clearml_task task = task_of(TASK_QUEUED, cases[i].owner, "");
		struct clearml_tasks tasks = { &task, 1 };
		struct clearml_entry entry = { .added_ms = 1 };
		struct clearml_queue queue = { .name = "gpu", .entries = &entry, .entry_count = 1 };
		struct clearml_queues queues = { &queue, 1 };

		SET(queue.id, OTHER);
		SET(task.queue, OTHER);
		SET(entry.task, cases[i].is_queued ? TASK : OTHER);
		bench_open(&bench, one, &cases[i].state);
		bench.world->resources[0].ticket.limits.max_attempts = 7;
		join_tasks(&bench.seen, &bench.world->settings, &tasks, &queues);
		if (bench.seen.lost_count != cases[i].lost)
			fail_msg("when %s: %zu", cases[i].when, bench.seen.lost_count);
		if (cases[i].lost) {
			assert_int_equal(bench.seen.lost[0].is_in_queue, cases[i].is_queued);
			assert_int_equal(bench.seen.lost[0].queue, 1);
			assert_int_equal(bench.seen.lost[0].attempt, 1);
			assert_int_equal(bench.seen.lost[0].max_attempts, 7);
			assert_string_equal(bench.seen.lost[0].instance, "m1");
		}
		bench_close(&bench);
	}
}

/* A new ledger, a machine that never reported since: but a task says that it worked. */
static void test_a_task_proves_that_its_machine_came_up(void **state)
{
	struct bench bench;
	struct clearml_task task = task_of(TASK_IN_PROGRESS, "m1/1", "p:cpu:small:m1");
	struct clearml_tasks tasks = { &task, 1 };
	struct clearml_queues queues = { NULL, 0 };

	(void)state;
	task.last_update_ms = NOW_MS - 4000;
	bench_open(&bench, one, running);
	join_tasks(&bench.seen, &bench.world->settings, &tasks, &queues);
	assert_true(bench.seen.machines[0].was_seen);
	assert_true(bench.seen.machines[0].was_busy);
	assert_int_equal(bench.seen.machines[0].last_report_ms, NOW_MS - 4000);
	/* No record was read: the next pass must not take it for a record that vanished. */
	SCOPED(ledger) struct ledger ledger = { 0 };
	observe_remember(&bench.seen, &ledger);
	assert_int_equal(ledger.machine_count, 0);
	bench_close(&bench);
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
		OVERDUE_KNOWN,
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
		{ "a machine fell silent", OVERDUE_KNOWN, false },
		{ "a task waits for its second look", MARK, true },
		{ "a machine waits for its second look", OTHER_MARK, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;
		struct mark mark = { .first_s = 1 };
		int what = cases[i].what;

		bench_open(&bench, one, what == BUSY_GONE || what == IDLE_GONE ? gone : running);
		bench.ledger.marks = &mark;
		if (what == TENTH)
			bench.ledger.passes = 20;
		if (what == BUSY_GONE || what == IDLE_GONE || what == OVERDUE_KNOWN)
			remember(&bench, "m1", 300, what == BUSY_GONE);
		if (what == OVERDUE || what == OVERDUE_KNOWN)
			bench.seen.machines[0].instance.launched_s = NOW_S - 601;
		if (what == DUE_NOW)
			bench.seen.machines[0].instance.launched_s = NOW_S - 600;
		SET(mark.what, what == MARK ? "task " TASK : "silent m1");
		bench.ledger.mark_count = what == MARK || what == OTHER_MARK;
		join_ledger(&bench.seen, &bench.ledger);
		if (join_is_sweep_due(&bench.seen, &bench.world->settings, &bench.ledger) !=
		    cases[i].is_due)
			fail_msg("when %s", cases[i].when);
		bench_close(&bench);
	}
}

static void test_what_is_remembered(void **state)
{
	static const struct {
		const char *when;
		enum instance_state state;
		bool has_record, is_swept, is_lost, is_listed;
		int64_t age_s; /* of the report that the ledger remembers */
		size_t remembered;
	} cases[] = {
		{ "it reports", INSTANCE_RUNNING, true, false, false, true, 30, 1 },
		{ "it is silent", INSTANCE_RUNNING, false, true, false, true, 5000, 1 },
		{ "it ended, and nobody looked for its task", INSTANCE_TERMINATED, false, false,
		  false, true, 300, 1 },
		{ "it ended, and its task is lost", INSTANCE_TERMINATED, false, true, true, true,
		  300, 1 },
		{ "it ended, and left nothing behind", INSTANCE_TERMINATED, false, true, false,
		  true, 300, 0 },
		{ "it is not listed, but not for long", INSTANCE_RUNNING, false, true, false, false,
		  300, 1 },
		{ "it is not listed any more", INSTANCE_RUNNING, false, true, false, false, 700,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;
		SCOPED(ledger) struct ledger ledger = { 0 };
		struct clearml_task task = task_of(TASK_QUEUED, "m1/1", "");
		struct clearml_tasks tasks = { &task, cases[i].is_lost };
		struct clearml_queues queues = { NULL, 0 };

		bench_open(&bench, cases[i].is_listed ? one : one + 1, &cases[i].state);
		remember(&bench, "m1", cases[i].age_s, true);
		ledger.machines = memory_array(1, sizeof(*ledger.machines));
		ledger.machines[0] = bench.remembered[0];
		ledger.machine_count = 1;
		if (cases[i].has_record)
			(void)add_record(&bench, "m1", "serve", 2);
		join_ledger(&bench.seen, &ledger);
		join_records(&bench.seen, &bench.world->settings, &bench.records);
		join_tasks(&bench.seen, &bench.world->settings, &tasks, &queues);
		bench.seen.workers_known = true;
		bench.seen.tasks_known = cases[i].is_swept;
		observe_remember(&bench.seen, &ledger);
		if (ledger.machine_count != cases[i].remembered)
			fail_msg("when %s: %zu", cases[i].when, ledger.machine_count);
		if (cases[i].has_record) {
			assert_int_equal(ledger.machines[0].last_report_ms, NOW_MS - 2000);
			assert_false(ledger.machines[0].was_busy);
		}
		bench_close(&bench);
	}
}

static void test_queues_by_name(void **state)
{
	struct bench bench;
	struct clearml_entry entries[] = { { TASK, 5000 }, { OTHER, 6000 } };
	struct clearml_queue list[] = {
		{ .name = "cpu", .entries = entries, .entry_count = 2, .is_forced_off = true },
		{ .name = "CPU" },
	};
	struct clearml_queues queues = { list, 2 };

	(void)state;
	bench_open(&bench, one, running);
	join_queues(&bench.seen, &bench.world->settings, &queues, 2);
	assert_true(bench.seen.queues[0].exists);
	assert_true(bench.seen.queues[0].is_forced_off);
	assert_true(bench.seen.queues[0].is_capped);
	assert_int_equal(bench.seen.queues[0].waiting, 2);
	assert_int_equal(bench.seen.queues[0].oldest_ms, 5000);
	assert_false(bench.seen.queues[1].exists);
	join_queues(&bench.seen, &bench.world->settings, &queues, 0);
	assert_false(bench.seen.queues[0].is_capped);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_meets_its_instance),
		cmocka_unit_test(test_one_that_only_its_record_shows),
		cmocka_unit_test(test_of_two_records_the_newer_counts),
		cmocka_unit_test(test_records_that_cannot_have_ended),
		cmocka_unit_test(test_attempts_that_a_list_answers),
		cmocka_unit_test(test_whose_a_task_is),
		cmocka_unit_test(test_a_task_is_lost_with_its_machine),
		cmocka_unit_test(test_a_task_proves_that_its_machine_came_up),
		cmocka_unit_test(test_when_the_tasks_are_read),
		cmocka_unit_test(test_what_is_remembered),
		cmocka_unit_test(test_queues_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
