#include "bootstrap/seats.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bootstrap/journal.h"
#include "common/file.h"
#include "common/marked.h"
#include "tests/unit/support/seat_bench.h"

static struct bench bench; /* one server for all */

#define FAULT(endpoint, what) "{\"client\":\"mayfly\",\"endpoint\":\"" endpoint "\"," what "}"

static bool is_over(struct bench *b, const char *task)
{
	enum task_status status = bench_task(b, task).status;

	return bench_is_idle(b, task) && (status == TASK_COMPLETED || status == TASK_FAILED);
}

/* ---- a crash, and the life after it ---- */

/* As on a disk that the task has filled. */
static void open_seats_without_writing(void)
{
	struct rlimit before, nothing;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	nothing = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &nothing), 0);
	bench_open_seats(&bench);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

static void test_adopts_living(void **state)
{
	char task[CLEARML_ID_ROOM];

	(void)state;
	for (int is_disk_full = 0; is_disk_full < 2; is_disk_full++) {
		bench_begin(&bench, 1, "hang");
		bench_add_task(&bench, task);
		bench_open_seats(&bench);
		bench_until(&bench, bench_are_all_started, task, "the agent runs");
		bench_crash(&bench);
		if (is_disk_full)
			open_seats_without_writing();
		else
			bench_open_seats(&bench);
		assert_true(bench_look(&bench).has_changed);
		for (int i = 0; i < 60; i++)
			bench_turn(&bench);
		assert_true(bench_look(&bench).is_running);
		assert_int_equal(bench_task(&bench, task).status, TASK_IN_PROGRESS);
		bench.orders.must_end = true;
		bench_until(&bench, bench_is_idle, task, "it is ended all the same");
		assert_true(bench_is_waiting(&bench, task));
		assert_int_equal(bench_count(&bench, "start", task), 1);
		bench_end(&bench);
	}
}

static void test_adopts_dead(void **state)
{
	char task[CLEARML_ID_ROOM];
	struct error err = { 0 };

	(void)state;
	bench_begin(&bench, 1, "hang complete");
	bench_add_task(&bench, task);
	bench_open_seats(&bench);
	bench_until(&bench, bench_are_all_started, task, "the agent runs");
	bench_crash(&bench);
	assert_int_equal(marked_kill(bench.machine.marker, 0, 0, 20000, &err), 0);
	bench.orders.may_take = false;
	bench_open_seats(&bench);
	bench_until(&bench, bench_is_idle, task, "it is given back");
	struct clearml_task found = bench_task(&bench, task);
	assert_int_equal(strncmp(found.status_reason, "infra:crash", 11), 0);
	assert_int_equal(bench_look(&bench).infra_failures, 0);
	bench.orders.may_take = true;
	bench_until(&bench, is_over, task, "and runs again");
	assert_int_equal(bench_task(&bench, task).status, TASK_COMPLETED);
	bench_check_no_overlap(&bench);
	bench_end(&bench);
}

/* The engine and bootstrap are restarted at one moment: the engine's signal reached the agent,
 * which says of it what it says of any signal, while nobody saw it. A person's stop reads
 * otherwise; and so it is where a life of ours saw the agent run, and then end. */
static void test_adopts_signalled(void **state)
{
	static const struct {
		const char *when, *reason;
		bool is_seen_alive;
		enum task_status status;
	} cases[] = {
		{ "a signal ended it between two lives", "user abort", false, TASK_QUEUED },
		{ "a person stopped it between two lives", "task was stopped by tasks.stop", false,
		  TASK_STOPPED },
		{ "a signal that is not ours ends it in this life", "user abort", true,
		  TASK_STOPPED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char task[CLEARML_ID_ROOM], body[1024];
		struct error err = { 0 };

		bench_begin(&bench, 1, "hang");
		bench_add_task(&bench, task);
		bench_open_seats(&bench);
		bench_until(&bench, bench_are_all_started, task, "the agent runs");
		bench_crash(&bench);
		bench.orders.may_take = false;
		if (cases[i].is_seen_alive) {
			bench_open_seats(&bench);
			bench_until(&bench, bench_is_running, task, "it is adopted");
			for (int turn = 0; turn < 5; turn++)
				bench_turn(&bench);
			assert_true(bench_look(&bench).is_running);
		}
		snprintf(body, sizeof(body),
			 "{\"task\":\"%s\",\"force\":true,\"status_reason\":\"%s\","
			 "\"status_message\":\"Changed by clearml-agent %s\"}",
			 task, cases[i].reason, bench_worker(&bench));
		bench_call(&bench, "tasks.stopped", body, NULL);
		assert_int_equal(marked_kill(bench.machine.marker, 0, 0, 20000, &err), 0);
		if (!cases[i].is_seen_alive)
			bench_open_seats(&bench);
		bench_until(&bench, bench_is_idle, task, cases[i].when);
		if (bench_task(&bench, task).status != cases[i].status)
			fail_msg("when %s: it is %s", cases[i].when,
				 task_status_name(bench_task(&bench, task).status));
		if (cases[i].status == TASK_QUEUED)
			assert_true(bench_is_waiting(&bench, task));
		bench_end(&bench);
	}
}

/*
 * A crash while the task was given back: our name is gone, the task is still in progress. We were
 * its last worker, so it is ours, unless a living worker says that it runs it.
 */
static void test_adopts_nameless(void **state)
{
	static const struct {
		const char *when, *other; /* a worker that reports the task */
		enum task_status status;
	} cases[] = {
		{ "nobody else runs it", NULL, TASK_QUEUED },
		{ "another worker runs it", "plain:cpu:0", TASK_IN_PROGRESS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char task[CLEARML_ID_ROOM];
		struct error err = { 0 };

		bench_begin(&bench, 1, "hang");
		bench_add_task(&bench, task);
		bench_open_seats(&bench);
		bench_until(&bench, bench_are_all_started, task, "the agent runs");
		bench_crash(&bench);
		assert_int_equal(marked_kill(bench.machine.marker, 0, 0, 20000, &err), 0);
		assert_int_equal(clearml_property_delete(bench.view, task, "mayfly_owner", &err),
				 0);
		const struct clearml_report report = { .worker = cases[i].other,
						       .task = task,
						       .wall_ms = 1795472471000 };
		if (cases[i].other)
			assert_int_equal(clearml_report(bench.view, &report, &err), 0);
		/* A last report of our dead agent: last_worker is us again. */
		const struct clearml_report ours = { .worker = bench_worker(&bench),
						     .task = task,
						     .wall_ms = 1795472471000 };
		assert_int_equal(clearml_report(bench.view, &ours, &err), 0);
		bench.orders.may_take = false;
		bench_open_seats(&bench);
		bench_inject(&bench, FAULT("workers.get_all", "\"status\":503,\"times\":2"));
		bench_until(&bench, bench_is_idle, task, "it is decided");
		bench_heal(&bench);
		if (bench_task(&bench, task).status != cases[i].status)
			fail_msg("when %s: it is %s", cases[i].when,
				 task_status_name(bench_task(&bench, task).status));
		bench_end(&bench);
	}
}

static void write_journal(const char *task)
{
	struct journal journal = { 0 };
	struct journal_entry *entry = &journal.entries[0];
	struct error err = { 0 };

	*entry = (struct journal_entry){ .attempt = 1, .taken_s = 1795472471 };
	text_cut(entry->task, sizeof(entry->task), task);
	text_cut(entry->queue, sizeof(entry->queue), bench.queue);
	assert_int_equal(
		journal_write(scratch_path(bench.machine.folder, "journal.json"), &journal, &err),
		0);
}

/* ---- a disk that cannot be written to any more ---- */

static void block_journal(struct buf *before)
{
	const char *path = scratch_path(bench.machine.folder, "journal.json");
	struct error err = { 0 };

	assert_int_equal(file_read(path, before, &err), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mkdir(scratch_path(path, "full"), 0700), 0);
}

static void free_journal(void)
{
	const char *path = scratch_path(bench.machine.folder, "journal.json");

	assert_int_equal(rmdir(scratch_path(path, "full")), 0);
	path = scratch_path(bench.machine.folder, "journal.json");
	assert_int_equal(rmdir(path), 0);
}

static bool is_taken(struct bench *b, const char *task)
{
	(void)task;
	return bench_look(b).tasks_taken > 0;
}

static bool has_journal(struct bench *b, const char *task)
{
	(void)task;
	return file_exists(scratch_path(b->machine.folder, "journal.json"));
}

/* What ends then is settled once, no task is taken, and the machine is idle: it may leave. */
static void test_disk_fills_up(void **state)
{
	static const struct {
		const char *when, *plan;
		enum task_status status;
		bool is_crashing; /* with the journal as it was before */
	} cases[] = {
		{ "its task completes", "complete", TASK_COMPLETED, false },
		{ "its task fails", "fail", TASK_FAILED, false },
		{ "its agent dies", "leave complete", TASK_QUEUED, false },
		{ "its task completes, then it crashes", "complete", TASK_COMPLETED, true },
		{ "its task fails, then it crashes", "fail", TASK_FAILED, true },
		{ "its agent dies, then it crashes", "leave complete", TASK_QUEUED, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char task[CLEARML_ID_ROOM], other[CLEARML_ID_ROOM];
		SCOPED(buf) struct buf before = BUF(16384);
		struct error err = { 0 };

		print_message("when %s\n", cases[i].when);
		bench_begin(&bench, 1, cases[i].plan);
		bench_add_task(&bench, task);
		bench_open_seats(&bench);
		bench_until(&bench, is_taken, task, "it is taken");
		block_journal(&before);
		bench_add_task(&bench, other);
		bench_until(&bench, bench_is_idle, task, cases[i].when);
		for (int turn = 0; turn < 60; turn++)
			bench_turn(&bench);
		struct seats_state seen = bench_look(&bench);
		assert_int_equal(seen.busy, 0);
		assert_int_equal(seen.tasks_taken, 1);
		assert_int_equal(seen.tasks_given_back, cases[i].status == TASK_QUEUED);
		assert_int_equal(bench_task(&bench, task).status, cases[i].status);
		free_journal();
		if (cases[i].is_crashing) {
			assert_int_equal(
				file_write(scratch_path(bench.machine.folder, "journal.json"),
					   buf_slice(&before), 0600, &err),
				0);
			bench_crash(&bench);
			bench.orders.may_take = false;
			bench_open_seats(&bench);
			bench_until(&bench, bench_is_idle, task, "it is settled once more");
		} else {
			bench.orders.may_take = false;
			bench_until(&bench, has_journal, task, "the journal is written");
		}
		assert_int_equal(bench_task(&bench, task).status, cases[i].status);
		assert_int_equal(bench_count(&bench, "start", task), 1);
		assert_true(
			bench_is_waiting(&bench, cases[i].status == TASK_QUEUED ? task : other));
		bench.orders.may_take = true;
		bench_until(&bench, is_over, other, "the other one is run");
		assert_int_equal(bench_count(&bench, "start", task),
				 cases[i].status == TASK_QUEUED ? 2 : 1);
		bench_check_no_overlap(&bench);
		bench_end(&bench);
	}
}

/*
 * An earlier life died right before its pop, and somebody else popped the task a moment ago: it
 * stands in no queue and has no owner, as if we had popped it. Time must tell.
 */
static void test_popped_by_another(void **state)
{
	static const struct {
		const char *when, *endpoint, *more;
		enum task_status status;
		unsigned runs; /* of ours */
	} cases[] = {
		{ "a plain agent starts it", "tasks.started", ",\"force\":true", TASK_IN_PROGRESS,
		  0 },
		{ "another machine names itself", NULL, "", TASK_QUEUED, 0 },
		{ "a person aborts it", "tasks.stop", "", TASK_STOPPED, 0 },
		{ "nobody does anything with it", "tasks.ping", "", TASK_COMPLETED, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char task[CLEARML_ID_ROOM], popped[CLEARML_ID_ROOM], body[256];
		struct error err = { 0 };

		bench_begin(&bench, 1, "complete");
		bench_add_task(&bench, task);
		assert_int_equal(clearml_pop(bench.view, bench.queue, task, popped, &err), 0);
		assert_string_equal(popped, task);
		write_journal(task);
		bench_open_seats(&bench);
		for (int turn = 0; turn < 8; turn++)
			bench_turn(&bench);
		assert_string_equal(bench_task(&bench, task).owner, ""); /* nor do we claim it */
		snprintf(body, sizeof(body), "{\"task\":\"%s\"%s}", task, cases[i].more);
		if (cases[i].endpoint)
			bench_call(&bench, cases[i].endpoint, body, NULL);
		else
			assert_int_equal(clearml_property_set(bench.view, task, "mayfly_owner",
							      "local-other/1", &err),
					 0);
		bench_until(&bench, bench_is_idle, task, cases[i].when);
		if (bench_task(&bench, task).status != cases[i].status)
			fail_msg("when %s: it is %s", cases[i].when,
				 task_status_name(bench_task(&bench, task).status));
		assert_int_equal(bench_count(&bench, "start", task), cases[i].runs);
		bench_end(&bench);
	}
}

/*
 * An earlier life died right after it put the task back, and another machine popped it since: the
 * reason on the task says that we did, so it is not ours however long nobody names himself.
 */
static void test_put_back_already(void **state)
{
	char task[CLEARML_ID_ROOM], popped[CLEARML_ID_ROOM], reason[CLEARML_REASON_ROOM];
	struct error err = { 0 };

	(void)state;
	for (int is_popped = 0; is_popped < 2; is_popped++) {
		bench_begin(&bench, 1, "complete");
		bench_add_task(&bench, task);
		assert_int_equal(clearml_pop(bench.view, bench.queue, task, popped, &err), 0);
		snprintf(reason, sizeof(reason), "infra:crash (%s/1)",
			 bench.machine.identity.instance);
		assert_int_equal(clearml_enqueue(bench.view, task, bench.queue, reason, &err), 0);
		char before[CLEARML_ID_ROOM];
		bench_add_task(&bench, before);
		assert_int_equal(clearml_move_to_front(bench.view, bench.queue, before, &err), 0);
		if (is_popped) {
			assert_int_equal(clearml_pop(bench.view, bench.queue, before, popped, &err),
					 0);
			assert_int_equal(clearml_pop(bench.view, bench.queue, task, popped, &err),
					 0);
		}
		write_journal(task);
		bench.orders.may_take = false;
		bench_open_seats(&bench);
		for (int turn = 0; turn < 60; turn++)
			bench_turn(&bench);
		assert_int_equal(bench_look(&bench).busy, 0);
		assert_int_equal(bench_count(&bench, "start", task), 0);
		assert_int_equal(bench_task(&bench, task).status, TASK_QUEUED);
		assert_string_equal(bench_task(&bench, task).owner, "");
		if (!is_popped)
			assert_true(bench_is_waiting(&bench, task)); /* at the front by now */
		bench_end(&bench);
	}
}

static void test_bad_journal(void **state)
{
	static const struct {
		const char *when, *text;
		enum error_class class;
	} cases[] = {
		{ "it is cut", "{\"format\":1", ERROR_MALFORMED },
		{ "the ticket had more seats then",
		  "{\"format\":1,\"restarts\":0,\"seats\":[{\"seat\":4,\"queue\":\"a\","
		  "\"task\":\"b\",\"attempt\":1,\"taken_s\":1}]}",
		  ERROR_CONFIGURATION },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };

		bench_begin(&bench, 1, "complete");
		const char *path = scratch_path(bench.machine.folder, "journal.json");
		assert_int_equal(file_write(path, slice_of(cases[i].text), 0600, &err), 0);
		assert_int_equal(seats_open(&bench.machine, &bench.seats, &err), -1);
		if (err.class != cases[i].class || !strstr(err.message, "journal.json"))
			fail_msg("when %s: %s", cases[i].when, err.message);
		bench.seats = NULL;
		bench_end(&bench);
	}
}

/* What no agent could be started with is seen before a task is taken. */
static void test_unfit_ticket(void **state)
{
	static char home[] = "HOME=/root";
	struct error err = { 0 };

	(void)state;
	bench_begin(&bench, 1, "complete");
	text_cut(bench.machine.ticket.agent.user, TICKET_FIELD_ROOM, "no-such-user");
	assert_int_equal(seats_open(&bench.machine, &bench.seats, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	text_cut(bench.machine.ticket.agent.user, TICKET_FIELD_ROOM, "");
	bench.environment[0] = home;
	assert_int_equal(seats_open(&bench.machine, &bench.seats, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	bench.environment[0] = NULL;
	text_cut(bench.machine.bundle.access_key, sizeof(bench.machine.bundle.access_key),
		 "caf\xc3\xa9");
	assert_int_equal(seats_open(&bench.machine, &bench.seats, &err), -1);
	assert_non_null(strstr(err.message, "api.credentials.access_key"));
	assert_null(bench.seats);
	bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adopts_living),	  cmocka_unit_test(test_adopts_dead),
		cmocka_unit_test(test_adopts_nameless),	  cmocka_unit_test(test_adopts_signalled),
		cmocka_unit_test(test_popped_by_another), cmocka_unit_test(test_put_back_already),
		cmocka_unit_test(test_bad_journal),	  cmocka_unit_test(test_unfit_ticket),
		cmocka_unit_test(test_disk_fills_up),
	};

	bench_start_server(&bench, NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_stop_server(&bench);
	return failed;
}
