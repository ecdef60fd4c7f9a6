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
#include "tests/unit/support/talk.h"

enum { HOUR = 3600, PRICE = 1000000 };

#define PURPOSE(task, user, queue, status)                                \
	"{\"id\":\"" task "\",\"status\":\"" status "\",\"user\":\"" user \
	"\",\"execution\":{\"queue\":\"" queue "\"},\"started\":null}"
#define ANSWER(tasks)                                                          \
	{                                                                      \
		.endpoint = "tasks.get_all", .data = "{\"tasks\":[" tasks "]}" \
	}

/* A world whose machines cost a dollar an hour, its ledger on disk, and a ClearML that is asked. */
struct stand {
	char folder[SCRATCH_ROOM];
	struct plan_world *world;
	struct price_override price;
	struct user_budget budget;
	struct talk talk;
	struct channel channel;
	struct ledger_file *file;
	struct ledger ledger;
	struct observation *seen;
};

static void open_ledger(struct stand *stand)
{
	struct error err;

	ledger_release(&stand->ledger);
	ledger_close(stand->file);
	succeed(ledger_open(stand->folder, NOW_S, &stand->file, &err), &err);
	succeed(ledger_read(stand->file, &stand->ledger, &err), &err);
}

static void stand_open(struct stand *stand, const struct api_step *steps, size_t count)
{
	*stand = (struct stand){ .world = plan_world_new(5, 5),
				 .price = { .price = PRICE },
				 .talk = talk_begin(steps, count) };
	struct settings *settings = &stand->world->settings;

	log_open("test", NULL, LOG_ERROR);
	scratch_make(stand->folder);
	stand->seen = &stand->world->seen;
	stand->seen->runs = NULL; /* ours are made, and freed */
	SET(stand->budget.user, "ann");
	settings->user_budgets = &stand->budget;
	settings->user_budget_count = 1;
	for (size_t r = 0; r < 2; r++) {
		struct resource *resource = &stand->world->resources[r];

		plan_world_resource(stand->world, r ? "second" : "first", 9, r ? "cg" : "c");
		SET(resource->provider, "local");
		resource->prices.overrides = &stand->price;
		resource->prices.override_count = 1;
	}
	SET(stand->seen->queues[0].id, QUEUE_A);
	SET(stand->seen->queues[1].id, QUEUE_B);
	open_ledger(stand);
}

static void forget_looks(struct stand *stand)
{
	struct observation *seen = stand->seen;

	free(seen->runs);
	free(seen->users);
	seen->runs = NULL;
	seen->users = NULL;
	seen->run_count = 0;
	seen->spent = (struct spent){ 0 };
	memset(seen->queue_spent, 0, sizeof(seen->queue_spent));
	for (size_t r = 0; r < SETTINGS_MAX_RESOURCES; r++)
		seen->resources[r].spent = (struct spent){ 0 };
	for (size_t q = 0; q < 2; q++)
		seen->queues[q].barred = 0;
	seen->is_spend_known = false;
	*seen->problem = 0;
}

static void stand_close(struct stand *stand)
{
	forget_looks(stand);
	ledger_release(&stand->ledger);
	ledger_close(stand->file);
	talk_end(&stand->talk);
	scratch_remove(stand->folder);
	free(stand->world);
}

static struct observed_machine *add_machine(struct stand *stand, size_t resource, int64_t age_s,
					    const char *task)
{
	struct observed_machine *machine = plan_world_machine(stand->world, resource, 'i');

	machine->instance.launched_s = NOW_S - age_s;
	machine->has_record = true;
	machine->record.seats = 1;
	machine->record.task_count = *task != 0;
	SET(machine->record.tasks[0], task);
	return machine;
}

static struct spend_look look_of(struct stand *stand)
{
	return (struct spend_look){ .settings = &stand->world->settings,
				    .clearml = stand->talk.clearml,
				    .channel = &stand->channel,
				    .file = stand->file,
				    .ledger = &stand->ledger,
				    .deadline_ms = clock_monotonic_ms() + 20000 };
}

static void look(struct stand *stand, int64_t now_s)
{
	struct spend_look spend = look_of(stand);
	char now[CLOCK_TEXT_LEN];

	forget_looks(stand);
	stand->seen->now_ms = now_s * 1000;
	clock_format(stand->seen->now_ms, false, now);
	text_cut(stand->seen->today, sizeof(stand->seen->today), now);
	spend_look(&spend, stand->seen);
}

static void write_ledger(struct stand *stand)
{
	struct error err;

	succeed(ledger_write(stand->file, &stand->ledger, &err), &err);
}

static void test_counts_for_whom_and_asks_once(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(PURPOSE(TASK_A, "ann", QUEUE_B,
			       "in_progress") "," PURPOSE(TASK_B, "bob", QUEUE_A, "in_progress")),
	};
	struct stand stand;

	(void)state;
	stand_open(&stand, steps, ARRAY_LEN(steps));
	add_machine(&stand, 1, HOUR, TASK_A);
	add_machine(&stand, 1, HOUR, TASK_B);
	add_machine(&stand, 0, HOUR, "");
	look(&stand, NOW_S);
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
	write_ledger(&stand);
	open_ledger(&stand);
	/* The next passes ask nobody. On another day the month goes on, in another month nothing.
	 */
	look(&stand, NOW_S + HOUR);
	assert_int_equal(stand.seen->spent.day, 6 * PRICE);
	assert_int_equal(stand.seen->users[0].spent.day, 2 * PRICE);
	assert_int_equal(stand.seen->queue_spent[1].month, 2 * PRICE);
	write_ledger(&stand);
	stand.seen->machine_count = 0;
	look(&stand, NOW_S + 24 * HOUR);
	assert_int_equal(stand.seen->spent.day, 0);
	assert_int_equal(stand.seen->spent.month, 6 * PRICE);
	look(&stand, NOW_S + 30 * 24 * HOUR);
	assert_int_equal(stand.seen->spent.month, 0);
	stand_close(&stand);
}

/* Enqueued again by somebody else, into another queue, it runs on another machine. */
static void test_what_runs_again_elsewhere_is_asked_for_again(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(PURPOSE(TASK_A, "ann", QUEUE_A, "in_progress")),
		ANSWER(PURPOSE(TASK_A, "bob", QUEUE_B, "in_progress")),
	};
	struct stand stand;

	(void)state;
	stand_open(&stand, steps, ARRAY_LEN(steps));
	add_machine(&stand, 1, HOUR, TASK_A);
	look(&stand, NOW_S);
	write_ledger(&stand);
	stand.seen->machine_count = 0;
	struct observed_machine *machine = add_machine(&stand, 1, -HOUR, TASK_A);

	SET(machine->instance.id, "local-z");
	look(&stand, NOW_S + 3 * HOUR);
	assert_int_equal(stand.seen->queue_spent[0].day, PRICE);
	assert_int_equal(stand.seen->queue_spent[1].day, 2 * PRICE);
	assert_int_equal(stand.seen->users[0].spent.day, PRICE);
	stand_close(&stand);
}

/* They are nobody's until then, but not for good. */
static void test_more_tasks_than_one_call_takes_are_asked_for_later(void **state)
{
	enum { SEATS = 16, MACHINES = 34 };
	static const struct api_step steps[] = { HELLO, ANSWER(""), ANSWER("") };
	struct stand stand;
	unsigned number = 0;

	(void)state;
	stand_open(&stand, steps, ARRAY_LEN(steps));
	for (unsigned m = 0; m < MACHINES; m++) {
		struct machine_record *record = &add_machine(&stand, 0, HOUR, "")->record;

		record->seats = SEATS;
		for (; record->task_count < SEATS; record->task_count++)
			snprintf(record->tasks[record->task_count], sizeof(record->tasks[0]),
				 "%032x", ++number);
	}
	look(&stand, NOW_S);
	check_sent(&stand.talk, FIRST, "\"000000000000000000000000000001f4\"");
	check_not_sent(&stand.talk, FIRST, "\"000000000000000000000000000001f5\"");
	write_ledger(&stand);
	look(&stand, NOW_S + 60);
	check_not_sent(&stand.talk, FIRST + 1, "\"000000000000000000000000000001f4\"");
	check_sent(&stand.talk, FIRST + 1, "\"000000000000000000000000000001f5\"");
	write_ledger(&stand);
	look(&stand, NOW_S + 120); /* nobody is asked */
	/* No cent is lost while they are nobody's. */
	assert_int_equal(stand.seen->spent.day, MACHINES * ((int64_t)PRICE + PRICE / 30));
	stand_close(&stand);
}

static bool add_money(const struct spend_row *row, void *context)
{
	*(int64_t *)context += row->money;
	return true;
}

/* However often a pass is killed before it writes, and whatever it wrote before. */
static void test_a_kill_neither_loses_nor_doubles(void **state)
{
	struct stand stand;
	int64_t at_s = NOW_S, by_task = 0, by_sum = 0;
	struct error err;

	(void)state;
	stand_open(&stand, NULL, 0);
	add_machine(&stand, 0, HOUR, "")->record.seats = 3;
	add_machine(&stand, 1, 77, "");
	for (unsigned pass = 0; pass < 30; pass++) {
		at_s += 61;
		look(&stand, at_s);
		if (pass % 3 == 0)
			write_ledger(&stand); /* as before a launch */
		if (pass % 4 == 0)
			write_ledger(&stand);
		if (pass % 2)
			open_ledger(&stand);
	}
	look(&stand, at_s);
	write_ledger(&stand);
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
	stand_close(&stand);
}

static void test_what_cannot_be_asked_is_counted_later(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .status = 400, .subcode = 42, .message = "no" },
		ANSWER(PURPOSE(TASK_A, "ann", QUEUE_A, "in_progress")),
	};
	struct stand stand;

	(void)state;
	stand_open(&stand, steps, ARRAY_LEN(steps));
	add_machine(&stand, 0, HOUR, TASK_A);
	stand.seen->workers_known = false;
	look(&stand, NOW_S);
	assert_false(stand.seen->is_spend_known);
	assert_int_equal(stand.seen->spent.day, 0);
	stand.seen->workers_known = true;
	look(&stand, NOW_S);
	assert_false(stand.seen->is_spend_known);
	assert_non_null(strstr(stand.seen->problem, "whose tasks run"));
	assert_int_equal(stand.seen->spent.day, 0);
	write_ledger(&stand);
	look(&stand, NOW_S);
	assert_true(stand.seen->is_spend_known);
	assert_int_equal(stand.seen->users[0].spent.day, PRICE);
	stand_close(&stand);
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
		struct stand stand;
		struct plan plan;

		stand_open(&stand, cases[i].steps, ARRAY_LEN(refused));
		add_machine(&stand, 0, HOUR, TASK_A);
		stand.world->settings.budget = (struct budget){ .hour = cases[i].hour,
								.day = cases[i].day,
								.month = cases[i].month };
		look(&stand, NOW_S);
		plan_make(stand.seen, &stand.world->settings, &plan);
		if ((plan.launch_count > 0) != cases[i].is_launched)
			fail_msg("when %s: %zu launches", cases[i].when, plan.launch_count);
		plan_release(&plan);
		stand_close(&stand);
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
	struct stand stand;

	(void)state;
	stand_open(&stand, steps, ARRAY_LEN(steps));
	add_machine(&stand, 0, HOUR, TASK_A);
	stand.budget.budget.month = PRICE + 1;
	look(&stand, NOW_S);
	assert_int_equal(stand.seen->queues[0].barred, 0);
	write_ledger(&stand);
	stand.budget.budget.month = PRICE;
	look(&stand, NOW_S);
	check_sent(&stand.talk, FIRST + 1, "\"user\":[\"ann\"]");
	assert_int_equal(stand.seen->queues[0].barred, 1);
	assert_int_equal(stand.seen->queues[1].barred, 1);
	/* A rate counts as well. */
	stand.budget.budget = (struct budget){ .hour = PRICE };
	look(&stand, NOW_S);
	assert_int_equal(stand.seen->queues[0].barred, 0);
	/* Whose tasks wait is not known: launched for none. */
	look(&stand, NOW_S);
	assert_int_equal(stand.seen->queues[0].barred, 5);
	assert_non_null(strstr(stand.seen->problem, "whose tasks wait"));
	stand_close(&stand);
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
		struct stand stand;

		stand_open(&stand, steps, ARRAY_LEN(steps));
		add_machine(&stand, 0, HOUR, TASK_A);
		for (size_t r = 0; r < 2; r++)
			stand.world->resources[r].ticket.seats = cases[i].seats;
		stand.world->resources[0].offerings[0].price = cases[i].price;
		stand.budget.budget.hour = cases[i].hour;
		look(&stand, NOW_S);
		if (stand.seen->queues[0].barred != cases[i].barred)
			fail_msg("when %s: %u are barred", cases[i].when,
				 stand.seen->queues[0].barred);
		stand_close(&stand);
	}
}

/* Only the second resource serves the second queue. */
static void test_a_waiting_task_takes_the_price_of_its_queue(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		ANSWER(WAITS("1", QUEUE_B) "," WAITS("2", QUEUE_B) "," WAITS("3", QUEUE_A)),
	};
	struct stand stand;

	(void)state;
	stand_open(&stand, steps, ARRAY_LEN(steps));
	stand.world->resources[0].offerings[0].price = 9 * PRICE;
	stand.budget.budget.hour = 8 * PRICE;
	look(&stand, NOW_S);
	assert_int_equal(stand.seen->queues[0].barred, 1);
	assert_int_equal(stand.seen->queues[1].barred, 0);
	stand_close(&stand);
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
	struct stand stand;
	struct error err;

	(void)state;
	stand_open(&stand, steps, ARRAY_LEN(steps));
	struct spend_look spend = look_of(&stand);
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
	add_machine(&stand, 0, HOUR, "");
	look(&stand, NOW_S);
	assert_string_equal(stand.seen->problem, "");
	assert_int_equal(stand.seen->spent.day, 1000 + PRICE / 2);
	assert_int_equal(stand.seen->spent.month, 1100 + PRICE / 2);
	assert_int_equal(stand.seen->users[0].spent.month, 100);
	assert_int_equal(stand.seen->queue_spent[1].day, 1000);
	write_ledger(&stand);
	open_ledger(&stand);
	/* Once; a machine that was not seen then is not counted twice either. */
	add_machine(&stand, 0, HOUR, "");
	look(&stand, NOW_S);
	assert_int_equal(stand.seen->spent.month, 1100 + PRICE / 2 + PRICE / 2);
	write_ledger(&stand);
	/* And leaves it to the next one, signed; when nothing changed, without a call. */
	spend = look_of(&stand);
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
	stand_close(&stand);
}

static void test_what_an_earlier_ledger_left_may_be_unknown(void **state)
{
	static char nonsense[] = "{\"until\":1,\"rows\":[[\"2027-01-14\"]]}";
	struct stand stand;

	(void)state;
	stand_open(&stand, NULL, 0);
	struct spend_look spend = look_of(&stand);

	add_machine(&stand, 0, HOUR, "");
	/* The task could not be read. */
	spend.channel = NULL;
	spend_look(&spend, stand.seen);
	assert_false(stand.seen->is_spend_known);
	assert_non_null(strstr(stand.seen->problem, "what was spent: the ledger is new"));
	assert_false(stand.ledger.is_spend_whole);
	/* What stands there was refused, as if nothing were there: nothing was spent. */
	stand.channel.is_found = true;
	stand.channel.board.values[CHANNEL_SPEND] = nonsense;
	look(&stand, NOW_S);
	assert_true(stand.seen->is_spend_known);
	assert_int_equal(stand.seen->spent.day, PRICE);
	stand.channel.board.values[CHANNEL_SPEND] = NULL;
	/* A ledger that is whole needs no task. */
	write_ledger(&stand);
	open_ledger(&stand);
	forget_looks(&stand);
	spend = look_of(&stand);
	spend.channel = NULL;
	spend_look(&spend, stand.seen);
	assert_true(stand.seen->is_spend_known);
	stand_close(&stand);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_for_whom_and_asks_once),
		cmocka_unit_test(test_what_runs_again_elsewhere_is_asked_for_again),
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
