#include "bootstrap/seats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/support/seat_bench.h"

static struct bench bench; /* one server for all */

#define FAULT(endpoint, what) "{\"client\":\"mayfly\",\"endpoint\":\"" endpoint "\"," what "}"
#define CUT "\"close\":true,\"times\":2"
#define CUT_AFTER "\"close_after\":true,\"times\":2"
#define HTML_AFTER "\"after\":true,\"body\":\"html\",\"times\":2"

static bool is_over(struct bench *b, const char *task)
{
	enum task_status status = bench_task(b, task).status;

	return bench_is_idle(b, task) && (status == TASK_COMPLETED || status == TASK_FAILED);
}

/* An answer that is lost, or that makes no sense, whether or not the call took effect. */
static void test_lost_answers(void **state)
{
	static const struct {
		const char *when, *fault, *plan;
		unsigned runs;
	} cases[] = {
		{ "the pop is not done", FAULT("queues.get_next_task", CUT), "complete", 1 },
		{ "the pop's answer is lost", FAULT("queues.get_next_task", CUT_AFTER), "complete",
		  1 },
		{ "the pop's answer is a web page", FAULT("queues.get_next_task", HTML_AFTER),
		  "complete", 1 },
		{ "the pop's answer is cut", FAULT("queues.get_next_task", "\"truncate\":40"),
		  "complete", 1 },
		{ "the pop's answer makes no sense",
		  FAULT("queues.get_next_task", "\"replace_data\":{\"entry\":5}"), "complete", 1 },
		{ "the pop is refused",
		  FAULT("queues.get_next_task", "\"status\":429,\"body\":\"\",\"times\":2"),
		  "complete", 1 },
		{ "the name's answer is lost", FAULT("tasks.edit_hyper_params", CUT_AFTER),
		  "complete", 1 },
		{ "the name is not written", FAULT("tasks.edit_hyper_params", CUT), "complete", 1 },
		{ "the task cannot be read", FAULT("tasks.get_all", "\"status\":503,\"times\":9"),
		  "complete", 1 },
		{ "the enqueue is not done", FAULT("tasks.enqueue", CUT), "exit complete", 2 },
		{ "the enqueue's answer is lost", FAULT("tasks.enqueue", CUT_AFTER),
		  "exit complete", 2 },
		{ "the enqueue's answer is a web page", FAULT("tasks.enqueue", HTML_AFTER),
		  "leave complete", 2 },
		{ "the way to the front is lost", FAULT("queues.move_task_to_front", CUT_AFTER),
		  "leave complete", 2 },
		{ "the name stays at first", FAULT("tasks.delete_hyper_params", CUT),
		  "leave complete", 2 },
		{ "the name's end is lost", FAULT("tasks.delete_hyper_params", CUT_AFTER),
		  "leave complete", 2 },
		{ "the console is lost", FAULT("events.add_batch", CUT_AFTER), "exit complete", 2 },
		{ "the failure is lost", FAULT("tasks.failed", CUT_AFTER), "exit", 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char task[CLEARML_ID_ROOM];

		print_message("when %s\n", cases[i].when);
		bench_begin(&bench, 1, cases[i].plan);
		bench_open_seats(&bench);
		bench_turn(&bench); /* knows its queue */
		bench_add_task(&bench, task);
		bench_inject(&bench, cases[i].fault);
		bench_until(&bench, is_over, task, cases[i].when);
		bench_heal(&bench);
		assert_int_equal(bench_count(&bench, "start", task), cases[i].runs);
		struct clearml_task found = bench_task(&bench, task);
		assert_string_equal(found.owner, "");
		assert_string_equal(found.attempt, "");
		bench_check_no_overlap(&bench);
		bench_end(&bench);
	}
}

static bool has_run(struct bench *b, const char *task)
{
	return bench_count(b, "start", task) > 0;
}

/* ---- queues ---- */

static void test_forced_off(void **state)
{
	char task[CLEARML_ID_ROOM], body[256];

	(void)state;
	bench_begin(&bench, 1, "complete");
	bench_add_task(&bench, task);
	snprintf(body, sizeof(body), "{\"queue\":\"%s\",\"tags\":[\"force_workers:off\"]}",
		 bench.queue);
	bench_call(&bench, "queues.update", body, NULL);
	bench_open_seats(&bench);
	for (int i = 0; i < 100; i++)
		bench_turn(&bench);
	assert_true(bench_is_waiting(&bench, task));
	snprintf(body, sizeof(body), "{\"queue\":\"%s\",\"tags\":[]}", bench.queue);
	bench_call(&bench, "queues.update", body, NULL);
	bench_until(&bench, is_over, task, "the tag is gone, and is seen to be");
	bench_end(&bench);
}

static void test_order_of_queues(void **state)
{
	char first[CLEARML_ID_ROOM], second[CLEARML_ID_ROOM];
	struct ticket *ticket = &bench.machine.ticket;

	(void)state;
	bench_begin(&bench, 1, "hang");
	bench_add_task(&bench, second);
	text_cut(ticket->queues[2], sizeof(ticket->queues[2]), ticket->queues[0]);
	text_cut(ticket->queues[0], sizeof(ticket->queues[0]), "there-is-no-such-queue");
	snprintf(ticket->queues[1], sizeof(ticket->queues[1]), "urgent-%s",
		 bench.machine.identity.instance);
	ticket->queue_count = 3;
	char own[CLEARML_ID_ROOM];
	text_cut(own, sizeof(own), bench.queue);
	bench_add_queue(&bench, ticket->queues[1], bench.queue);
	bench_add_task(&bench, first);
	bench_open_seats(&bench);
	bench_until(&bench, bench_is_running, first, "the preferred queue's task runs");
	text_cut(bench.queue, sizeof(bench.queue), own);
	assert_true(bench_is_waiting(&bench, second));
	bench_end(&bench);
}

/* Deleted, and made anew under its name: found again. */
static void test_queue_is_replaced(void **state)
{
	char task[CLEARML_ID_ROOM], body[256];

	(void)state;
	bench_begin(&bench, 1, "complete");
	bench_open_seats(&bench);
	bench_turn(&bench);
	snprintf(body, sizeof(body), "{\"queue\":\"%s\",\"force\":true}", bench.queue);
	bench_call(&bench, "queues.delete", body, NULL);
	for (int i = 0; i < 20; i++)
		bench_turn(&bench);
	bench_add_queue(&bench, bench.machine.ticket.queues[0], bench.queue);
	bench_add_task(&bench, task);
	bench_until(&bench, is_over, task, "the new queue's task ran");
	bench_end(&bench);
}

/* Its queue is deleted while it runs: a task that cannot go back is failed with that reason. */
static void test_queue_gone(void **state)
{
	char task[CLEARML_ID_ROOM], body[256];

	(void)state;
	bench_begin(&bench, 1, "stall");
	bench_add_task(&bench, task);
	bench_open_seats(&bench);
	bench_until(&bench, bench_is_running, task, "the agent runs");
	snprintf(body, sizeof(body), "{\"queue\":\"%s\",\"force\":true}", bench.queue);
	bench_call(&bench, "queues.delete", body, NULL);
	bench.orders.must_end = true;
	bench_until(&bench, is_over, task, "it is failed");
	assert_string_equal(bench_task(&bench, task).status_reason, "infra:queue-gone");
	bench_end(&bench);
}

static int refuse(void *context, struct error *err)
{
	++*(unsigned *)context;
	return error_set(err, ERROR_REFUSED, "the disk is full");
}

static void test_not_fit(void **state)
{
	char task[CLEARML_ID_ROOM];
	unsigned asked = 0;

	(void)state;
	bench_begin(&bench, 1, "complete");
	bench.orders.is_fit = refuse;
	bench.orders.context = &asked;
	bench_open_seats(&bench);
	for (int i = 0; i < 30; i++)
		bench_turn(&bench);
	assert_int_equal(asked, 0); /* nothing to take: nothing to ask */
	bench_add_task(&bench, task);
	for (int i = 0; i < 30; i++)
		bench_turn(&bench);
	assert_true(asked > 0);
	assert_true(bench_is_waiting(&bench, task));
	assert_int_equal(bench_look(&bench).free, 1);
	bench_end(&bench);
}

static void test_cadence(void **state)
{
	char first[CLEARML_ID_ROOM], second[CLEARML_ID_ROOM];

	(void)state;
	bench_begin(&bench, 1, "complete");
	bench_open_seats(&bench);
	bench_turn(&bench);
	assert_int_equal(bench_look(&bench).next_poll_ms, bench.now_ms + 5000);
	bench_turn(&bench);
	assert_int_equal(bench_look(&bench).next_poll_ms, bench.now_ms + 4000);
	for (int i = 0; i < 100; i++)
		bench_turn(&bench);
	int64_t wait_ms = bench_look(&bench).next_poll_ms - bench.now_ms;
	bench.now_ms += wait_ms - 1000;
	bench_turn(&bench);
	assert_int_equal(bench_look(&bench).next_poll_ms, bench.now_ms + 15000);

	/* But at once after a task: the next one is not kept waiting. */
	bench_add_task(&bench, first);
	bench_add_task(&bench, second);
	bench_until(&bench, has_run, first, "the first task runs");
	while (bench_task(&bench, second).status == TASK_QUEUED) {
		bench_turn(&bench);
		assert_int_equal(bench_look(&bench).free, 0);
		clock_sleep_ms(BENCH_PAUSE_MS);
	}
	bench_until(&bench, is_over, second, "the second ends");
	bench_end(&bench);
}

/* ---- several seats, and what people see of them ---- */

static const struct clearml_worker *worker_named(const struct clearml_workers *all, const char *id)
{
	for (size_t i = 0; i < all->count; i++)
		if (!strcmp(all->list[i].id, id))
			return &all->list[i];
	return NULL;
}

static void check_worker(const char *suffix, const char *task) /* task NULL: there is none such */
{
	SCOPED(clearml_workers) struct clearml_workers all = { 0 };
	struct error err = { 0 };
	char id[WORKER_ID_ROOM];

	snprintf(id, sizeof(id), "%s%s", bench_worker(&bench), suffix);
	if (clearml_workers(bench.view, "test:", &all, &err) < 0)
		fail_msg("%s", err.message);
	const struct clearml_worker *worker = worker_named(&all, id);
	if (!task) {
		assert_null(worker);
		return;
	}
	assert_non_null(worker);
	assert_string_equal(worker->task, task);
}

static void test_three_seats(void **state)
{
	char tasks[4][CLEARML_ID_ROOM];

	(void)state;
	bench_begin(&bench, 3, "hang");
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		bench_add_task(&bench, tasks[i]);
	bench_open_seats(&bench);
	bench_until(&bench, bench_are_all_started, NULL, "three agents run");
	struct seats_state seen = bench_look(&bench);
	assert_int_equal(seen.busy, 3);
	assert_int_equal(seen.tasks_taken, 3);
	for (int i = 0; i < 100; i++)
		bench_turn(&bench);
	check_worker(":0", tasks[0]); /* never blanked by a report of ours */
	check_worker(":1", tasks[1]);
	check_worker(":2", tasks[2]);
	check_worker("", NULL);
	assert_true(bench_is_waiting(&bench, tasks[3]));
	bench.orders.must_end = true;
	bench_until(&bench, bench_is_idle, NULL, "all are back");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(bench_task(&bench, tasks[i]).status, TASK_QUEUED);
	bench_turn(&bench);
	check_worker(":1", "");
	seats_unregister(bench.seats);
	check_worker(":0", NULL);
	check_worker(":2", NULL);
	bench_end(&bench);
}

static void test_idle_worker(void **state)
{
	SCOPED(buf) struct buf answer = BUF(1 << 20);
	char task[CLEARML_ID_ROOM], tag[TICKET_FIELD_ROOM + 16];

	(void)state;
	bench_begin(&bench, 1, "complete");
	bench_open_seats(&bench);
	bench_turn(&bench);
	check_worker("", "");
	bench_call(&bench, "workers.get_all", "{}", &answer);
	snprintf(tag, sizeof(tag), "instance:%s", bench.machine.identity.instance);
	assert_non_null(strstr(buf_text(&answer), tag));
	assert_non_null(strstr(buf_text(&answer), bench.queue));
	bench_add_task(&bench, task);
	bench_until(&bench, is_over, task, "a task ran");
	bench_turn(&bench);
	check_worker("", ""); /* and it is there again */
	bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_answers),	cmocka_unit_test(test_forced_off),
		cmocka_unit_test(test_order_of_queues), cmocka_unit_test(test_queue_is_replaced),
		cmocka_unit_test(test_queue_gone),	cmocka_unit_test(test_not_fit),
		cmocka_unit_test(test_cadence),		cmocka_unit_test(test_three_seats),
		cmocka_unit_test(test_idle_worker),
	};

	bench_start_server(&bench, NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_stop_server(&bench);
	return failed;
}
