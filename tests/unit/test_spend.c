/* spend: looked at, counted once whatever is killed, for whom, and taken over by a new ledger. */
#include "reaper/money/spend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/money/money.h"
#include "reaper/observe.h"
#include "tests/unit/support/plan_world.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/spend_stand.h"
#include "tests/unit/support/talk.h"

static void test_counts_for_whom_and_asks_once(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(PURPOSE(TASK_A, "ann", QUEUE_B,
			       "in_progress") "," PURPOSE(TASK_B, "bob", QUEUE_A, "in_progress")),
	};
	struct spend_stand stand;

	(void)state;
	spend_stand_open(&stand, steps, ARRAY_LEN(steps));
	spend_stand_machine(&stand, 1, HOUR, TASK_A);
	spend_stand_machine(&stand, 1, HOUR, TASK_B);
	spend_stand_machine(&stand, 0, HOUR, "");
	spend_stand_look(&stand, NOW_S);
	assert_string_equal(stand.seen->problem, "");
	assert_true(stand.seen->is_spend_known);
	check_sent(&stand.talk, FIRST, "\"id\":[\"" TASK_A "\",\"" TASK_B "\"]");
	assert_int_equal(stand.seen->run_count, 2);
	assert_int_equal(stand.seen->machines[0].price, PRICE);
	assert_int_equal(stand.seen->spent.day, 3 * PRICE);
	assert_int_equal(stand.seen->resources[0].spent.day, PRICE);
	assert_int_equal(stand.seen->resources[1].spent.month, 2 * PRICE);
	assert_int_equal(stand.seen->queue_spent[0].day, 2 * PRICE); /* bob's, and what idles */
	assert_int_equal(stand.seen->queue_spent[1].day, PRICE);
	assert_int_equal(stand.seen->users[0].spent.day, PRICE);
	assert_int_equal(stand.seen->users[0].rate, PRICE);
	spend_stand_write(&stand);
	spend_stand_ledger(&stand);
	/* The next passes ask nobody. On another day the month goes on, in another month nothing.
	 */
	spend_stand_look(&stand, NOW_S + HOUR);
	assert_int_equal(stand.seen->spent.day, 6 * PRICE);
	assert_int_equal(stand.seen->users[0].spent.day, 2 * PRICE);
	assert_int_equal(stand.seen->queue_spent[1].month, 2 * PRICE);
	spend_stand_write(&stand);
	stand.seen->machine_count = 0;
	spend_stand_look(&stand, NOW_S + 24 * HOUR);
	assert_int_equal(stand.seen->spent.day, 0);
	assert_int_equal(stand.seen->spent.month, 6 * PRICE);
	spend_stand_look(&stand, NOW_S + 30 * 24 * HOUR);
	assert_int_equal(stand.seen->spent.month, 0);
	spend_stand_close(&stand);
}

/* Enqueued again by somebody else, into another queue, it runs on another machine. */
static void test_what_runs_again_elsewhere_is_asked_for_again(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(PURPOSE(TASK_A, "ann", QUEUE_A, "in_progress")),
		ANSWER(PURPOSE(TASK_A, "bob", QUEUE_B, "in_progress")),
	};
	struct spend_stand stand;

	(void)state;
	spend_stand_open(&stand, steps, ARRAY_LEN(steps));
	spend_stand_machine(&stand, 1, HOUR, TASK_A);
	spend_stand_look(&stand, NOW_S);
	spend_stand_write(&stand);
	stand.seen->machine_count = 0;
	struct observed_machine *machine = spend_stand_machine(&stand, 1, -HOUR, TASK_A);

	SET(machine->instance.id, "local-z");
	spend_stand_look(&stand, NOW_S + 3 * HOUR);
	assert_int_equal(stand.seen->queue_spent[0].day, PRICE);
	assert_int_equal(stand.seen->queue_spent[1].day, 2 * PRICE);
	assert_int_equal(stand.seen->users[0].spent.day, PRICE);
	spend_stand_close(&stand);
}

/* The place behind our last queue is nobody's. */
static void test_what_came_from_another_queue_is_no_queues(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(PURPOSE(TASK_A, "ann", TASK_B, "in_progress")),
	};
	struct spend_stand stand;

	(void)state;
	spend_stand_open(&stand, steps, ARRAY_LEN(steps));
	SET(stand.world->settings.queues[2], "else");
	spend_stand_machine(&stand, 1, HOUR, TASK_A);
	spend_stand_look(&stand, NOW_S);
	assert_int_equal(stand.seen->run_count, 1);
	assert_string_equal(stand.seen->runs[0].queue, "");
	assert_string_equal(stand.seen->runs[0].user, "ann");
	spend_stand_close(&stand);
}

/* They are nobody's until then, but not for good. */
static void test_more_tasks_than_one_call_takes_are_asked_for_later(void **state)
{
	enum { SEATS = 16, MACHINES = 34 };
	static const struct api_step steps[] = { HELLO, ANSWER(""), ANSWER("") };
	struct spend_stand stand;
	unsigned number = 0;

	(void)state;
	spend_stand_open(&stand, steps, ARRAY_LEN(steps));
	for (unsigned m = 0; m < MACHINES; m++) {
		struct machine_record *record = &spend_stand_machine(&stand, 0, HOUR, "")->record;

		record->seats = SEATS;
		for (; record->task_count < SEATS; record->task_count++)
			snprintf(record->tasks[record->task_count], sizeof(record->tasks[0]),
				 "%032x", ++number);
	}
	spend_stand_look(&stand, NOW_S);
	check_sent(&stand.talk, FIRST, "\"000000000000000000000000000001f4\"");
	check_not_sent(&stand.talk, FIRST, "\"000000000000000000000000000001f5\"");
	spend_stand_write(&stand);
	spend_stand_look(&stand, NOW_S + 60);
	check_not_sent(&stand.talk, FIRST + 1, "\"000000000000000000000000000001f4\"");
	check_sent(&stand.talk, FIRST + 1, "\"000000000000000000000000000001f5\"");
	spend_stand_write(&stand);
	spend_stand_look(&stand, NOW_S + 120); /* nobody is asked */
	/* No cent is lost while they are nobody's. */
	assert_int_equal(stand.seen->spent.day, MACHINES * ((int64_t)PRICE + PRICE / 30));
	spend_stand_close(&stand);
}

static bool add_money(const struct spend_row *row, void *context)
{
	*(int64_t *)context += row->money;
	return true;
}

/* However often a pass is killed before it writes, and whatever it wrote before. */
static void test_a_kill_neither_loses_nor_doubles(void **state)
{
	struct spend_stand stand;
	int64_t at_s = NOW_S, by_task = 0, by_sum = 0;
	struct error err;

	(void)state;
	spend_stand_open(&stand, NULL, 0);
	spend_stand_machine(&stand, 0, HOUR, "")->record.seats = 3;
	spend_stand_machine(&stand, 1, 77, "");
	for (unsigned pass = 0; pass < 30; pass++) {
		at_s += 61;
		spend_stand_look(&stand, at_s);
		if (pass % 3 == 0)
			spend_stand_write(&stand); /* as before a launch */
		if (pass % 4 == 0)
			spend_stand_write(&stand);
		if (pass % 2)
			spend_stand_ledger(&stand);
	}
	spend_stand_look(&stand, at_s);
	spend_stand_write(&stand);
	succeed(ledger_spend_each(stand.file, "2027-01-01", "2027-12-31", add_money, &by_task,
				  &err),
		&err);
	succeed(ledger_spend_sums(stand.file, "2027-01-01", "2027-12-31", add_money, &by_sum, &err),
		&err);
	int64_t wanted = (at_s - NOW_S + HOUR) * (int64_t)PRICE / HOUR +
			 (at_s - NOW_S + 77) * (int64_t)PRICE / HOUR;

	assert_int_equal(by_task, wanted);
	assert_int_equal(by_sum, wanted);
	assert_int_equal(stand.seen->spent.month, wanted);
	spend_stand_close(&stand);
}

static void test_what_cannot_be_asked_is_counted_later(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .status = 400, .subcode = 42, .message = "no" },
		ANSWER(PURPOSE(TASK_A, "ann", QUEUE_A, "in_progress")),
	};
	struct spend_stand stand;

	(void)state;
	spend_stand_open(&stand, steps, ARRAY_LEN(steps));
	spend_stand_machine(&stand, 0, HOUR, TASK_A);
	stand.seen->workers_known = false;
	spend_stand_look(&stand, NOW_S);
	assert_false(stand.seen->is_spend_known);
	assert_int_equal(stand.seen->spent.day, 0);
	stand.seen->workers_known = true;
	spend_stand_look(&stand, NOW_S);
	assert_false(stand.seen->is_spend_known);
	assert_non_null(strstr(stand.seen->problem, "whose tasks run"));
	assert_int_equal(stand.seen->spent.day, 0);
	spend_stand_write(&stand);
	spend_stand_look(&stand, NOW_S);
	assert_true(stand.seen->is_spend_known);
	assert_int_equal(stand.seen->users[0].spent.day, PRICE);
	spend_stand_close(&stand);
}

/* Whatever the machines cost meanwhile would not be in what was spent. */
static void test_a_budget_holds_while_nothing_can_be_counted(void **state)
{
	static const struct api_step refused[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .status = 400, .subcode = 42, .message = "no" },
	};
	static const struct api_step answered[] = {
		HELLO,
		ANSWER(PURPOSE(TASK_A, "bob", QUEUE_A, "in_progress")),
	};
	static const struct {
		const char *when;
		const struct api_step *steps;
		int64_t day, month, hour; /* the budget */
		bool is_launched;
	} cases[] = {
		{ "it is counted", answered, 10 * PRICE, 0, 0, true },
		{ "nobody says whose tasks run, and a day has a limit", refused, 10 * PRICE, 0, 0,
		  false },
		{ "nobody says whose tasks run, and a month has a limit", refused, 0, 10 * PRICE, 0,
		  false },
		{ "nobody says whose tasks run, and only an hour has a limit", refused, 0, 0,
		  10 * PRICE, true },
		{ "nobody says whose tasks run, and there is no limit", refused, 0, 0, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spend_stand stand;
		struct plan plan;

		spend_stand_open(&stand, cases[i].steps, ARRAY_LEN(refused));
		spend_stand_machine(&stand, 0, HOUR, TASK_A);
		stand.world->settings.budget = (struct budget){ .hour = cases[i].hour,
								.day = cases[i].day,
								.month = cases[i].month };
		spend_stand_look(&stand, NOW_S);
		plan_make(stand.seen, &stand.world->settings, &plan);
		if ((plan.launch_count > 0) != cases[i].is_launched)
			fail_msg("when %s: %zu launches", cases[i].when, plan.launch_count);
		plan_release(&plan);
		spend_stand_close(&stand);
	}
}

static void test_bars_what_a_user_past_the_budget_has_waiting(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(PURPOSE(TASK_A, "ann", QUEUE_A, "in_progress")),
		ANSWER(PURPOSE(TASK_A, "ann", QUEUE_A, "queued") "," /* popped, not begun */
		       PURPOSE(TASK_B, "ann", QUEUE_A, "queued") "," PURPOSE(
			       QUEUE_A, "ann", QUEUE_B,
			       "queued") "," PURPOSE(QUEUE_B, "bob", QUEUE_A,
						     "queued") "," /* the filter was ignored */
		       PURPOSE("014244096a4a4b8b84f58c22b2a543eb", "ann", QUEUE_A, "failed")),
		ANSWER(""),
		{ .endpoint = "tasks.get_all", .status = 400, .subcode = 42, .message = "no" },
	};
	struct spend_stand stand;

	(void)state;
	spend_stand_open(&stand, steps, ARRAY_LEN(steps));
	spend_stand_machine(&stand, 0, HOUR, TASK_A);
	stand.budget->budget.month = PRICE + 1;
	spend_stand_look(&stand, NOW_S);
	assert_int_equal(stand.seen->queues[0].barred, 0);
	spend_stand_write(&stand);
	stand.budget->budget.month = PRICE;
	spend_stand_look(&stand, NOW_S);
	check_sent(&stand.talk, FIRST + 1, "\"user\":[\"ann\"]");
	assert_int_equal(stand.seen->queues[0].barred, 1);
	assert_int_equal(stand.seen->queues[1].barred, 1);
	/* A rate counts as well. */
	stand.budget->budget = (struct budget){ .hour = PRICE };
	spend_stand_look(&stand, NOW_S);
	assert_int_equal(stand.seen->queues[0].barred, 0);
	/* Whose tasks wait is not known: launched for none. */
	spend_stand_look(&stand, NOW_S);
	assert_int_equal(stand.seen->queues[0].barred, 5);
	assert_non_null(strstr(stand.seen->problem, "whose tasks wait"));
	spend_stand_close(&stand);
}

#define WAITS(n, queue) PURPOSE("0000000000000000000000000000000" n, "ann", queue, "queued")
#define THREE_WAIT ANSWER(WAITS("1", QUEUE_A) "," WAITS("2", QUEUE_A) "," WAITS("3", QUEUE_A))

/* Of what runs and waits for ann; the machine in the first resource costs a dollar an hour. */
static void test_what_an_hours_limit_leaves_is_launched_for(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(PURPOSE(TASK_A, "ann", QUEUE_A, "in_progress")),
		THREE_WAIT,
	};
	static const struct {
		const char *when;
		int64_t hour;
		int64_t price; /* of the first resource's offering */
		unsigned seats; /* of its machines */
		unsigned barred;
	} cases[] = {
		{ "the limit is reached", PRICE, PRICE, 1, 3 },
		{ "the limit is passed", PRICE / 2, PRICE, 1, 3 },
		{ "it is not enough for one more", 2 * PRICE - 1, PRICE, 1, 3 },
		{ "it is enough for one more", 2 * PRICE, PRICE, 1, 2 },
		{ "it is enough for all", 4 * PRICE, PRICE, 1, 0 },
		{ "two of them share a machine", 2 * PRICE, PRICE, 2, 1 },
		{ "it costs nothing here, and a dollar elsewhere", 2 * PRICE, 0, 1, 2 },
		{ "a machine is dear", 4 * PRICE, 3 * PRICE, 1, 2 },
		{ "nobody knows what a machine costs", 4 * PRICE, MONEY_UNKNOWN, 1, 3 },
		{ "the seats are not known", 2 * PRICE, PRICE, 0, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spend_stand stand;

		spend_stand_open(&stand, steps, ARRAY_LEN(steps));
		spend_stand_machine(&stand, 0, HOUR, TASK_A);
		for (size_t r = 0; r < 2; r++)
			stand.world->resources[r].ticket.seats = cases[i].seats;
		stand.world->resources[0].offerings[0].price = cases[i].price;
		stand.budget->budget.hour = cases[i].hour;
		spend_stand_look(&stand, NOW_S);
		if (stand.seen->queues[0].barred != cases[i].barred)
			fail_msg("when %s: %u are barred", cases[i].when,
				 stand.seen->queues[0].barred);
		spend_stand_close(&stand);
	}
}

/* Only the second resource serves the second queue. */
static void test_a_waiting_task_takes_the_price_of_its_queue(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(WAITS("1", QUEUE_B) "," WAITS("2", QUEUE_B) "," WAITS("3", QUEUE_A)),
	};
	struct spend_stand stand;

	(void)state;
	spend_stand_open(&stand, steps, ARRAY_LEN(steps));
	stand.world->resources[0].offerings[0].price = 9 * PRICE;
	stand.budget->budget.hour = 8 * PRICE;
	spend_stand_look(&stand, NOW_S);
	assert_int_equal(stand.seen->queues[0].barred, 1);
	assert_int_equal(stand.seen->queues[1].barred, 0);
	spend_stand_close(&stand);
}

#define ROW(...)            \
	(struct spend_row)  \
	{                   \
		__VA_ARGS__ \
	}

static void test_a_new_ledger_takes_over_what_an_earlier_one_left(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.edit_hyper_params", .data = "{\"updated\":1}" },
	};
	struct spend_stand stand;
	struct error err;

	(void)state;
	spend_stand_open(&stand, steps, ARRAY_LEN(steps));
	struct spend_look spend = spend_stand_spend(&stand);
	struct spend_mirror *mirror = &stand.channel.mirrored;

	stand.channel = (struct channel){ .settings = &stand.world->settings,
					  .clearml = stand.talk.clearml,
					  .ledger = &stand.ledger,
					  .is_found = true };
	SET(stand.channel.board.id, TASK_B);
	SET(stand.ledger.issuer, "us");
	succeed(minisign_key_new(&stand.world->settings.signing_key, &err), &err);
	*mirror = (struct spend_mirror){ "before", 5, NOW_S - HOUR / 2, { NULL, 2 } };
	mirror->rows.rows = memory_array(2, sizeof(struct spend_row));
	mirror->rows.rows[0] = ROW("2027-01-14", "first", "", "cpu", "", "ann", 7, 100, 0);
	mirror->rows.rows[1] = ROW("2027-01-15", "second", "", "gpu", "", "", 7, 1000, 0);
	spend_stand_machine(&stand, 0, HOUR, "");
	spend_stand_look(&stand, NOW_S);
	assert_string_equal(stand.seen->problem, "");
	assert_int_equal(stand.ledger.spend_lost_s, 0);
	assert_int_equal(stand.seen->spent.day, 1000 + PRICE / 2);
	assert_int_equal(stand.seen->spent.month, 1100 + PRICE / 2);
	assert_int_equal(stand.seen->users[0].spent.month, 100);
	assert_int_equal(stand.seen->queue_spent[1].day, 1000);
	spend_stand_write(&stand);
	spend_stand_ledger(&stand);
	/* Once; a machine that was not seen then is not counted twice either. */
	spend_stand_machine(&stand, 0, HOUR, "");
	spend_stand_look(&stand, NOW_S);
	assert_int_equal(stand.seen->spent.month, 1100 + PRICE / 2 + PRICE / 2);
	spend_stand_write(&stand);
	/* And leaves it to the next one, signed; when nothing changed, without a call. */
	spend = spend_stand_spend(&stand);
	succeed(spend_leave(&spend, stand.seen, &err), &err);
	check_sent(&stand.talk, FIRST, "mayfly_spend");
	check_sent(&stand.talk, FIRST,
		   "[\\\"2027-01-15\\\",\\\"second\\\",\\\"gpu\\\",\\\"\\\",7,1000,0]");
	check_sent(&stand.talk, FIRST, "trusted comment: mayfly spend for ");
	*mirror = (struct spend_mirror){ "b", 6, 1, { NULL, 3 } };
	mirror->rows.rows = memory_array(3, sizeof(struct spend_row));
	mirror->rows.rows[0] = ROW("2027-01-14", "first", "", "cpu", "", "ann", 7, 100, 0);
	mirror->rows.rows[1] = ROW("2027-01-15", "first", "", "cpu", "", "", 3600, 1000000, 0);
	mirror->rows.rows[2] = ROW("2027-01-15", "second", "", "gpu", "", "", 7, 1000, 0);
	succeed(spend_leave(&spend, stand.seen, &err), &err);
	minisign_key_release(&stand.world->settings.signing_key);
	channel_release(&stand.channel);
	spend_stand_close(&stand);
}

static void test_what_an_earlier_ledger_left_may_be_unknown(void **state)
{
	struct spend_stand stand;

	(void)state;
	spend_stand_open(&stand, NULL, 0);
	struct spend_look spend = spend_stand_spend(&stand);

	spend_stand_machine(&stand, 0, HOUR, "");
	/* The task could not be read. */
	spend.channel = NULL;
	spend_look(&spend, stand.seen);
	assert_false(stand.seen->is_spend_known);
	assert_non_null(strstr(stand.seen->problem, "what was spent: the ledger is new"));
	assert_false(stand.ledger.is_spend_whole);
	/* What stands there was refused: it counts from now, and a budget of the month says so. */
	stand.budget->budget.month = 9 * PRICE;
	SET(stand.channel.mirror_refused, "of another key");
	spend_stand_look(&stand, NOW_S);
	assert_int_equal(stand.seen->spend_lost_s, NOW_S);
	assert_true(stand.seen->is_spend_known);
	assert_int_equal(stand.seen->spent.day, PRICE);
	/* A ledger that is whole needs no task; it says so at every pass, until the month ends. */
	*stand.channel.mirror_refused = 0;
	spend_stand_write(&stand);
	spend_stand_ledger(&stand);
	stand.seen->spend_lost_s = 0;
	spend_stand_forget(&stand);
	spend = spend_stand_spend(&stand);
	spend.channel = NULL;
	spend_look(&spend, stand.seen);
	assert_true(stand.seen->is_spend_known);
	assert_int_equal(stand.seen->spend_lost_s, NOW_S);
	spend_stand_close(&stand);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_for_whom_and_asks_once),
		cmocka_unit_test(test_what_runs_again_elsewhere_is_asked_for_again),
		cmocka_unit_test(test_what_came_from_another_queue_is_no_queues),
		cmocka_unit_test(test_more_tasks_than_one_call_takes_are_asked_for_later),
		cmocka_unit_test(test_a_kill_neither_loses_nor_doubles),
		cmocka_unit_test(test_what_cannot_be_asked_is_counted_later),
		cmocka_unit_test(test_a_budget_holds_while_nothing_can_be_counted),
		cmocka_unit_test(test_bars_what_a_user_past_the_budget_has_waiting),
		cmocka_unit_test(test_what_an_hours_limit_leaves_is_launched_for),
		cmocka_unit_test(test_a_waiting_task_takes_the_price_of_its_queue),
		cmocka_unit_test(test_a_new_ledger_takes_over_what_an_earlier_one_left),
		cmocka_unit_test(test_what_an_earlier_ledger_left_may_be_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
