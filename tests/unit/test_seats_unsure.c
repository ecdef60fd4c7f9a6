#include "bootstrap/seats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/journal.h"
#include "common/verdict.h"
#include "tests/unit/support/seat_bench.h"

/* A task that bears the name of an earlier attempt, and a pop of it that is in doubt. */

static struct bench bench; /* one server for all */

#define FAULT(endpoint, what) "{\"client\":\"mayfly\",\"endpoint\":\"" endpoint "\"," what "}"
#define POP_IS_LOST FAULT("queues.get_next_task", "\"close_after\":true,\"times\":2")
#define POP_IS_NOT_DONE FAULT("queues.get_next_task", "\"close\":true,\"times\":2")

static bool is_over(struct bench *b, const char *task)
{
	enum task_status status = bench_task(b, task).status;

	return bench_is_idle(b, task) && (status == TASK_COMPLETED || status == TASK_FAILED);
}

static bool is_busy(struct bench *b, const char *task)
{
	(void)task;
	return bench_look(b).busy > 0;
}

static void set_property(const char *task, const char *name, const char *value)
{
	struct error err = { 0 };

	if (clearml_property_set(bench.view, task, name, value, &err) < 0)
		fail_msg("%s", err.message);
}

static void pop_task(const char *task)
{
	char popped[CLEARML_ID_ROOM];
	struct error err = { 0 };

	assert_int_equal(clearml_pop(bench.view, bench.queue, task, popped, &err), 0);
	assert_string_equal(popped, task);
}

/* In its queue, after an attempt of the owner's; reason: of the one who put it there. */
static void add_tried_task(char task[static CLEARML_ID_ROOM], const char *owner, const char *reason)
{
	struct error err = { 0 };
	char attempt[64];

	bench_add_task(&bench, task);
	pop_task(task);
	set_property(task, "mayfly_owner", owner);
	snprintf(attempt, sizeof(attempt), "%s/1", task);
	set_property(task, "mayfly_attempt", attempt);
	assert_int_equal(clearml_enqueue(bench.view, task, bench.queue, reason, &err), 0);
}

static void report_worker(const char *instance)
{
	char worker[WORKER_ID_ROOM];
	struct error err = { 0 };

	snprintf(worker, sizeof(worker), "test:cpu:small:%s:bootstrap", instance);
	const struct clearml_report report = { .worker = worker, .wall_ms = 1795472471000 };
	assert_int_equal(clearml_report(bench.view, &report, &err), 0);
}

/* The machine itself finds out what its pop did: no reaper comes to mend it. */
static void test_stale_name(void **state)
{
	static const struct {
		const char *when, *fault, *owner, *reason, *alive;
		unsigned runs;
	} cases[] = {
		{ "the reaper had put it back", POP_IS_LOST, "local-dead/1",
		  "infra:terminated (local-dead/1)", NULL, 1 },
		{ "the reaper had put it back, from one that lives", POP_IS_LOST, "local-lives/1",
		  "infra:unlisted (local-lives/1)", "local-lives", 1 },
		{ "a person had put it back, and its owner is gone", POP_IS_LOST, "local-dead/1",
		  "by hand", NULL, 1 },
		{ "the pop was not done", POP_IS_NOT_DONE, "local-dead/1",
		  "infra:terminated (local-dead/1)", NULL, 1 },
		{ "its owner lives, and may have taken it just now", POP_IS_LOST, "local-lives/1",
		  "by hand", "local-lives", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char task[CLEARML_ID_ROOM];

		print_message("when %s\n", cases[i].when);
		bench_begin(&bench, 1, "complete");
		if (cases[i].alive)
			report_worker(cases[i].alive);
		bench_open_seats(&bench);
		bench_turn(&bench); /* knows its queue */
		add_tried_task(task, cases[i].owner, cases[i].reason);
		bench_inject(&bench, cases[i].fault);
		bench_until(&bench, is_busy, task, "it pops");
		bench_until(&bench, cases[i].runs ? is_over : bench_is_idle, task, cases[i].when);
		bench_heal(&bench);
		struct clearml_task found = bench_task(&bench, task);
		assert_int_equal(bench_count(&bench, "start", task), cases[i].runs);
		assert_int_equal(found.status, cases[i].runs ? TASK_COMPLETED : TASK_QUEUED);
		assert_string_equal(found.owner, cases[i].runs ? "" : cases[i].owner);
		bench_end(&bench);
	}
}

/* How long the pop waited for its answer does not count: the server may do it yet. */
static void test_a_late_pop(void **state)
{
	char task[CLEARML_ID_ROOM];

	(void)state;
	bench_begin(&bench, 1, "complete");
	bench_open_seats(&bench);
	bench_turn(&bench);
	bench_add_task(&bench, task);
	bench_inject(&bench, POP_IS_NOT_DONE);
	bench_until(&bench, is_busy, task, "it pops");
	bench.orders.may_take = false;
	bench.now_ms += VERDICT_SURE_MS; /* the call's time-out */
	bench_turn(&bench);
	assert_true(is_busy(&bench, task));
	pop_task(task); /* now the server does it */
	bench_until(&bench, is_over, task, "it ran");
	bench_heal(&bench);
	assert_int_equal(bench_count(&bench, "start", task), 1);
	bench_end(&bench);
}

/* By the reaper, which took it for lost here: the name is our own, of the attempt before. */
static void test_own_stale_name(void **state)
{
	char task[CLEARML_ID_ROOM], owner[CLEARML_NAME_ROOM];

	(void)state;
	bench_begin(&bench, 1, "complete");
	bench_open_seats(&bench);
	bench_turn(&bench);
	snprintf(owner, sizeof(owner), "%s/1", bench.machine.identity.instance);
	add_tried_task(task, owner, "by hand");
	bench_inject(&bench, POP_IS_LOST);
	bench_until(&bench, is_over, task, "it ran");
	bench_heal(&bench);
	assert_int_equal(bench_count(&bench, "start", task), 1);
	bench_end(&bench);
}

/* Popped for sure, and it cannot be claimed: as the machine ends it goes back, whatever name is on
 * it; and so it does after a crash, from the name that its reason calls stale. */
static void test_ends_before_the_claim(void **state)
{
	(void)state;
	for (int has_crashed = 0; has_crashed < 2; has_crashed++) {
		char task[CLEARML_ID_ROOM];

		bench_begin(&bench, 1, "complete");
		bench_open_seats(&bench);
		bench_turn(&bench);
		add_tried_task(task, "local-dead/1", "infra:terminated (local-dead/1)");
		bench_inject(&bench,
			     FAULT("tasks.edit_hyper_params", "\"close\":true,\"times\":50"));
		bench_until(&bench, is_busy, task, "it is popped");
		assert_false(bench_is_waiting(&bench, task));
		bench.orders.must_end = true;
		bench.orders.end_cause = "interrupted";
		bench_heal(&bench);
		if (has_crashed) {
			bench_crash(&bench);
			bench_open_seats(&bench);
		}
		bench_until(&bench, bench_is_idle, task, "it is given back");
		assert_true(bench_is_waiting(&bench, task));
		struct clearml_task found = bench_task(&bench, task);
		assert_string_equal(found.owner, "");
		assert_non_null(strstr(found.status_reason, bench.machine.identity.instance));
		bench_end(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stale_name),
		cmocka_unit_test(test_a_late_pop),
		cmocka_unit_test(test_own_stale_name),
		cmocka_unit_test(test_ends_before_the_claim),
	};

	bench_start_server(&bench, NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_stop_server(&bench);
	return failed;
}
