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
#include "common/file.h"
#include "tests/unit/support/seat_bench.h"

static struct bench bench; /* one server for all */

static void call_task(const char *endpoint, const char *task, const char *more)
{
	char body[512];

	snprintf(body, sizeof(body), "{\"task\":\"%s\"%s}", task, more);
	bench_call(&bench, endpoint, body, NULL);
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

	if (clearml_pop(bench.view, bench.queue, task, popped, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(popped, task);
}

static void check_task(const char *task, enum task_status status, const char *reason,
		       const char *owner, const char *attempt)
{
	struct clearml_task found = bench_task(&bench, task);

	assert_string_equal(task_status_name(found.status), task_status_name(status));
	if (strncmp(found.status_reason, reason, strlen(reason)) != 0)
		fail_msg("status_reason is \"%s\", not \"%s\"", found.status_reason, reason);
	assert_string_equal(found.owner, owner);
	assert_string_equal(found.attempt, attempt);
}

static const char *attempt_of(const char *task, unsigned attempt)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s/%u", task, attempt);
	return text;
}

static unsigned journalled(void)
{
	struct journal journal;
	struct error err = { 0 };
	unsigned count = 0;

	if (journal_read(scratch_path(bench.machine.folder, "journal.json"), &journal, &err) < 0)
		fail_msg("%s", err.message);
	for (size_t i = 0; i < ARRAY_LEN(journal.entries); i++)
		count += journal.entries[i].task[0] != '\0';
	return count;
}

static bool is_held(struct bench *b, const char *task)
{
	struct clearml_task found = bench_task(b, task);

	return found.owner[0] && found.attempt[0];
}

static bool is_started(struct bench *b, const char *task)
{
	return bench_count(b, "started", task) > 0;
}

/* Every way a run can end, and what becomes of its task. */
static void test_ends(void **state)
{
	static const struct {
		const char *when, *plan;
		unsigned runs;
		enum task_status status;
		const char *reason;
		unsigned given_back, infra_failures;
	} cases[] = {
		{ "the task completes", "complete", 1, TASK_COMPLETED, "", 0, 0 },
		{ "the task fails by its own fault", "fail", 1, TASK_FAILED, "", 0, 0 },
		{ "the agent ends before it starts it", "exit complete", 2, TASK_COMPLETED, "", 1,
		  0 },
		{ "the agent ends in the middle", "leave complete", 2, TASK_COMPLETED, "", 1, 0 },
		{ "the agent never starts it", "exit", 3, TASK_FAILED, "infra:agent-failed", 2, 3 },
		{ "the agent always dies", "leave exit leave", 3, TASK_FAILED, "infra:agent-failed",
		  2, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char task[CLEARML_ID_ROOM];

		print_message("when %s\n", cases[i].when);
		bench_begin(&bench, 1, cases[i].plan);
		bench_add_task(&bench, task);
		bench_open_seats(&bench);
		do {
			bench_turn(&bench);
			bench_until(&bench, bench_is_idle, task, cases[i].when);
		} while (bench_is_waiting(&bench, task));
		struct seats_state seen = bench_look(&bench);
		assert_int_equal(bench_count(&bench, "start", task), cases[i].runs);
		assert_int_equal(seen.tasks_taken, cases[i].runs);
		assert_int_equal(seen.tasks_given_back, cases[i].given_back);
		assert_int_equal(seen.infra_failures, cases[i].infra_failures);
		assert_true(seen.last_busy_ms > 0 && !seen.is_running);
		check_task(task, cases[i].status, cases[i].reason, "", "");
		assert_int_equal(journalled(), 0);
		bench_check_no_overlap(&bench);
		bench_end(&bench);
	}
}

/* The story of a failed task says what happened, and what the agent said last. */
static void test_story(void **state)
{
	char task[CLEARML_ID_ROOM], body[128];
	SCOPED(buf) struct buf log = BUF(1 << 20);

	(void)state;
	bench_begin(&bench, 1, "exit");
	bench.machine.ticket.limits.max_attempts = 1;
	bench_add_task(&bench, task);
	bench_open_seats(&bench);
	bench_turn(&bench);
	bench_until(&bench, bench_is_idle, task, "the one attempt ends");
	struct clearml_task found = bench_task(&bench, task);
	assert_int_equal(found.status, TASK_FAILED);
	assert_non_null(strstr(found.status_message, "attempt 1 of 1"));
	assert_non_null(strstr(found.status_message, "agent-failed"));
	snprintf(body, sizeof(body), "{\"task\":\"%s\"}", task);
	bench_call(&bench, "events.get_task_log", body, &log);
	assert_non_null(strstr(buf_text(&log), bench.machine.identity.instance));
	assert_non_null(strstr(buf_text(&log), "the agent says exit"));
	bench_end(&bench);
}

static void test_must_end(void **state)
{
	static const char *const plans[] = { "hang", "stall" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		char first[CLEARML_ID_ROOM], second[CLEARML_ID_ROOM];

		bench_begin(&bench, 1, plans[i]);
		bench_add_task(&bench, first);
		bench_add_task(&bench, second);
		bench_open_seats(&bench);
		bench_until(&bench, i ? bench_is_running : is_started, first, "the agent runs");
		assert_true(bench_look(&bench).is_running);
		bench.orders.must_end = true;
		bench.orders.end_cause = "interrupted";
		bench_until(&bench, bench_is_idle, first, "the seat is empty");
		check_task(first, TASK_QUEUED, "infra:interrupted (", "", attempt_of(first, 1));
		assert_true(bench_is_waiting(&bench, first));
		assert_int_equal(bench_look(&bench).infra_failures, 0);
		assert_int_equal(bench_look(&bench).tasks_given_back, 1);
		assert_int_equal(bench_count(&bench, "start", second), 0);
		bench_end(&bench);
	}
}

static bool is_working(struct bench *all, const char *task)
{
	return bench_count(all, "working", task) > 0;
}

static bool has_saved(struct bench *all, const char *task)
{
	return bench_count(all, "saved", task) > 0;
}

/* Its agent, which would call it failed, does not see the end of it. */
static void test_must_save(void **state)
{
	static const char *const plans[] = { "save", "stubborn" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		char task[CLEARML_ID_ROOM];

		bench_begin(&bench, 1, plans[i]);
		bench_add_task(&bench, task);
		bench_open_seats(&bench);
		bench_until(&bench, is_working, task, "the task works");
		bench.orders.may_take = false;
		bench.orders.must_not_start = true;
		bench.orders.must_save = true;
		bench.orders.end_cause = "spot";
		bench_until(&bench, has_saved, task, "the task has saved");
		if (i) {
			/* It had its time, and is killed when that is over. */
			for (unsigned turns = 0; turns < 5; turns++)
				bench_turn(&bench);
			assert_int_equal(bench_look(&bench).busy, 1);
			assert_int_equal(bench_count(&bench, "saved", task), 1);
			bench.orders.must_end = true;
		}
		bench_until(&bench, bench_is_idle, task, "the seat is empty");
		check_task(task, TASK_QUEUED, "infra:spot (", "", attempt_of(task, 1));
		assert_true(bench_is_waiting(&bench, task));
		assert_int_equal(bench_look(&bench).infra_failures, 0);
		assert_int_equal(bench_count(&bench, "end", task), 0);
		bench_end(&bench);
	}
}

/* Bootstrap is started again in the middle of it. */
static void test_must_save_after_crash(void **state)
{
	char task[CLEARML_ID_ROOM];

	(void)state;
	bench_begin(&bench, 1, "stubborn");
	bench_add_task(&bench, task);
	bench_open_seats(&bench);
	bench_until(&bench, is_working, task, "the task works");
	bench.orders.may_take = false;
	bench.orders.must_save = true;
	bench.orders.end_cause = "spot";
	bench_until(&bench, has_saved, task, "the task has saved");
	bench_crash(&bench);
	bench_open_seats(&bench);
	bench_turn(&bench);
	assert_int_equal(bench_look(&bench).busy, 1);
	bench.orders.must_end = true;
	bench_until(&bench, bench_is_idle, task, "the seat is empty");
	check_task(task, TASK_QUEUED, "infra:spot (", "", attempt_of(task, 1));
	bench_end(&bench);
}

/* Nothing but the agent lives: there is nobody to wait for. */
static void test_must_save_without_a_task(void **state)
{
	char task[CLEARML_ID_ROOM];

	(void)state;
	bench_begin(&bench, 1, "hang");
	bench_add_task(&bench, task);
	bench_open_seats(&bench);
	bench_until(&bench, is_started, task, "the agent runs");
	bench.orders.may_take = false;
	bench.orders.must_save = true;
	bench.orders.end_cause = "spot";
	bench_until(&bench, bench_is_idle, task, "the seat is empty");
	check_task(task, TASK_QUEUED, "infra:spot (", "", attempt_of(task, 1));
	bench_end(&bench);
}

/* Popped, named ours, not started yet: it goes back, and counts as an attempt. */
static void test_must_end_before_start(void **state)
{
	char task[CLEARML_ID_ROOM];

	(void)state;
	bench_begin(&bench, 1, "complete");
	bench_add_task(&bench, task);
	bench_open_seats(&bench);
	bench_until(&bench, is_held, task, "the task is ours");
	bench.orders.must_end = true;
	bench_until(&bench, bench_is_idle, task, "the seat is empty");
	assert_int_equal(bench_count(&bench, "start", task), 0);
	check_task(task, TASK_QUEUED, "infra:terminated", "", attempt_of(task, 1));
	assert_true(bench_is_waiting(&bench, task));
	bench_end(&bench);
}

/* Draining takes no more, but lets what was taken run to its end. */
static void test_drain(void **state)
{
	char task[CLEARML_ID_ROOM], later[CLEARML_ID_ROOM];

	(void)state;
	bench_begin(&bench, 1, "complete");
	bench_add_task(&bench, task);
	bench_add_task(&bench, later);
	bench_open_seats(&bench);
	bench_until(&bench, is_held, task, "the task is ours");
	bench.orders.may_take = false;
	bench_until(&bench, bench_is_idle, task, "it ends");
	check_task(task, TASK_COMPLETED, "", "", "");
	for (int i = 0; i < 30; i++)
		bench_turn(&bench);
	assert_true(bench_is_waiting(&bench, later));
	bench_end(&bench);
}

static void test_time_limit(void **state)
{
	char task[CLEARML_ID_ROOM];

	(void)state;
	bench_begin(&bench, 1, "hang");
	bench.machine.ticket.limits.task_timeout_s = 300;
	bench_add_task(&bench, task);
	bench_open_seats(&bench);
	bench_until(&bench, is_started, task, "the agent runs");
	bench.now_ms += 300 * 1000;
	bench_until(&bench, bench_is_idle, task, "its time is over");
	check_task(task, TASK_FAILED, "infra:time-limit", "", "");
	assert_int_equal(bench_look(&bench).infra_failures, 0);
	bench_end(&bench);
}

/* What may happen to a task between our pop and our start. */
static void test_let_go(void **state)
{
	static const struct {
		const char *when, *endpoint, *more;
		enum task_status status;
		const char *owner; /* at the end */
	} cases[] = {
		{ "a person aborts it", "tasks.stop", "", TASK_STOPPED, "" },
		{ "a person resets it", "tasks.reset", ",\"force\":true", TASK_CREATED, "" },
		{ "somebody runs it elsewhere", "tasks.started", ",\"force\":true",
		  TASK_IN_PROGRESS, "" },
		{ "another machine has it", NULL, NULL, TASK_QUEUED, "local-other/1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char task[CLEARML_ID_ROOM];

		print_message("when %s\n", cases[i].when);
		bench_begin(&bench, 1, "complete");
		bench_add_task(&bench, task);
		bench_open_seats(&bench);
		bench_until(&bench, is_held, task, "the task is ours");
		if (cases[i].endpoint)
			call_task(cases[i].endpoint, task, cases[i].more);
		else
			set_property(task, "mayfly_owner", cases[i].owner);
		bench_until(&bench, bench_is_idle, task, cases[i].when);
		assert_int_equal(bench_count(&bench, "start", task), 0);
		struct clearml_task found = bench_task(&bench, task);
		assert_int_equal(found.status, cases[i].status);
		assert_string_equal(found.owner, cases[i].owner);
		assert_int_equal(bench_look(&bench).infra_failures, 0);
		bench_end(&bench);
	}
}

/* Our name vanished (an earlier owner tidied up late): it is written again, then we start. */
static void test_name_vanishes(void **state)
{
	char task[CLEARML_ID_ROOM];
	struct error err = { 0 };

	(void)state;
	bench_begin(&bench, 1, "complete");
	bench_add_task(&bench, task);
	bench_open_seats(&bench);
	bench_until(&bench, is_held, task, "the task is ours");
	assert_int_equal(clearml_property_delete(bench.view, task, "mayfly_owner", &err), 0);
	bench_until(&bench, bench_is_idle, task, "it ran");
	check_task(task, TASK_COMPLETED, "", "", "");
	assert_int_equal(bench_count(&bench, "start", task), 1);
	bench_end(&bench);
}

/* While it runs, somebody takes it from us: our run must end, and write nothing. */
static void test_lost_while_running(void **state)
{
	static const char *const whens[] = { "another machine's name", "a reset and a new queueing",
					     "a deletion",
					     "a reset, a new queueing, and a pop by another" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whens); i++) {
		char task[CLEARML_ID_ROOM], queue[128];

		print_message("when it meets %s\n", whens[i]);
		bench_begin(&bench, 1, "hang");
		bench_add_task(&bench, task);
		bench_open_seats(&bench);
		bench_until(&bench, is_started, task, "the agent runs");
		for (int turn = 0; turn < 20; turn++)
			bench_turn(&bench); /* it has been seen in progress */
		bench.orders.may_take = false;
		snprintf(queue, sizeof(queue), ",\"queue\":\"%s\"", bench.queue);
		if (i == 0)
			set_property(task, "mayfly_owner", "local-other/1");
		if (i == 1 || i == 3) {
			call_task("tasks.reset", task, ",\"force\":true");
			call_task("tasks.enqueue", task, queue);
		}
		if (i == 3)
			pop_task(task);
		if (i == 2)
			call_task("tasks.delete", task, ",\"force\":true");
		bench_until(&bench, bench_is_idle, task, "the run is ended");
		if (i == 0)
			check_task(task, TASK_IN_PROGRESS, "", "local-other/1",
				   attempt_of(task, 1));
		if (i == 1) {
			assert_true(bench_is_waiting(&bench, task));
			assert_string_equal(bench_task(&bench, task).owner, "");
		}
		if (i == 3)
			check_task(task, TASK_QUEUED, "", "", attempt_of(task, 1));
		assert_false(i == 3 && bench_is_waiting(&bench, task)); /* it is that other's */
		assert_int_equal(journalled(), 0);
		bench_end(&bench);
	}
}

/* A clone brings its origin's properties along; they count for nothing. */
static void test_attempts(void **state)
{
	static const struct {
		const char *when, *before; /* %s: its own id */
		unsigned attempt;
	} cases[] = {
		{ "it is new", NULL, 1 },
		{ "it is a clone", "0123456789abcdef0123456789abcdef/2", 1 },
		{ "it was tried once", "%s/1", 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char task[CLEARML_ID_ROOM], text[80], owner[CLEARML_NAME_ROOM];

		bench_begin(&bench, 1, "hang");
		bench_add_task(&bench, task);
		if (cases[i].before) {
			bool is_own = cases[i].before[0] == '%';

			snprintf(text, sizeof(text), "%s%s", is_own ? task : "",
				 cases[i].before + (is_own ? 2 : 0));
			set_property(task, "mayfly_attempt", text);
		}
		bench_open_seats(&bench);
		bench_until(&bench, is_started, task, cases[i].when);
		snprintf(owner, sizeof(owner), "%s/%u", bench.machine.identity.instance,
			 cases[i].attempt);
		check_task(task, TASK_IN_PROGRESS, "launch by agent", owner,
			   attempt_of(task, cases[i].attempt));
		bench_end(&bench);
	}
}

/* ---- another task becomes the head between our look and our pop ---- */

static char urgent[CLEARML_ID_ROOM];

static int hurry(void *context, struct error *err)
{
	(void)context;
	if (clearml_move_to_front(bench.view, bench.queue, urgent, err) < 0 &&
	    err->class != ERROR_CONFLICT)
		return -1;
	return 0;
}

static void begin_hurry(const char *plan, char task[static CLEARML_ID_ROOM])
{
	char attempt[80];

	bench_begin(&bench, 1, plan);
	bench_add_task(&bench, task);
	bench_add_task(&bench, urgent);
	snprintf(attempt, sizeof(attempt), "%s/1", urgent);
	set_property(urgent, "mayfly_attempt", attempt);
	bench.orders.is_fit = hurry;
	bench_open_seats(&bench);
}

/* Servers since 2.21 pop nothing then; the next look finds the new head. */
static void test_head_changes(void **state)
{
	char task[CLEARML_ID_ROOM];

	(void)state;
	begin_hurry("complete", task);
	bench_turn(&bench);
	assert_int_equal(bench_look(&bench).busy, 0);
	assert_int_equal(journalled(), 0);
	bench_until(&bench, is_held, urgent, "the new head is taken");
	assert_true(bench_is_waiting(&bench, task));
	bench_end(&bench);
}

/* Older ones pop what is the head by then: it is journalled, and counts its own attempts. */
static void test_other_is_popped(void **state)
{
	char task[CLEARML_ID_ROOM];
	struct journal journal;
	struct error err = { 0 };

	(void)state;
	begin_hurry("hang", task);
	bench_turn(&bench);
	assert_int_equal(
		journal_read(scratch_path(bench.machine.folder, "journal.json"), &journal, &err),
		0);
	assert_string_equal(journal.entries[0].task, urgent);
	assert_int_equal(journal.entries[0].attempt, 2);
	bench_until(&bench, is_started, urgent, "it runs");
	assert_string_equal(bench_task(&bench, urgent).attempt, attempt_of(urgent, 2));
	assert_true(bench_is_waiting(&bench, task));
	assert_int_equal(bench_count(&bench, "start", task), 0);
	bench.orders.must_end = true;
	bench_until(&bench, bench_is_idle, urgent, "it is put back");
	assert_true(bench_is_waiting(&bench, urgent));
	bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_story),
		cmocka_unit_test(test_must_end),
		cmocka_unit_test(test_must_save),
		cmocka_unit_test(test_must_save_after_crash),
		cmocka_unit_test(test_must_save_without_a_task),
		cmocka_unit_test(test_must_end_before_start),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_time_limit),
		cmocka_unit_test(test_let_go),
		cmocka_unit_test(test_name_vanishes),
		cmocka_unit_test(test_lost_while_running),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_head_changes),
	};
	const struct CMUnitTest older[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_other_is_popped),
	};

	bench_start_server(&bench, NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_stop_server(&bench);
	bench_start_server(&bench, "2.20");
	failed += cmocka_run_group_tests_name("with a server of 2.20", older, NULL, NULL);
	bench_stop_server(&bench);
	return failed;
}
