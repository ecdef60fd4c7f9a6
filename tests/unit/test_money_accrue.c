/* money_accrue, money_worst: what machines cost, for whom, and what a failure can cost. */
#include "reaper/money/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/support/plan_world.h"

enum { MIDNIGHT_S = 1800057600, MAX_RUNS = 3 * MAX_MACHINES };

/* NOW_S is 2027-01-15 08:00 UTC. */
#define HOUR 3600
#define PRICE 1000000

struct books {
	struct plan_world *world;
	struct observed_run runs[MAX_RUNS];
	struct ledger ledger;
	struct spend_list rows; /* of the last look */
};

static void books_open(struct books *books)
{
	*books = (struct books){ .world = plan_world_new(0, 0) };
	plan_world_resource(books->world, "first", 9, "c");
	plan_world_resource(books->world, "second", 9, "cg");
	books->world->seen.runs = books->runs;
}

static void books_close(struct books *books)
{
	spend_list_release(&books->rows);
	ledger_release(&books->ledger);
	free(books->world);
}

static struct observed_machine *add_machine(struct books *books, size_t resource,
					    int64_t launched_s)
{
	struct observed_machine *machine = plan_world_machine(books->world, resource, 'w');

	machine->instance.launched_s = launched_s;
	machine->price = PRICE;
	machine->record.seats = 1;
	return machine;
}

static void add_run(struct books *books, const struct observed_machine *machine, const char *task,
		    const char *queue, const char *user)
{
	struct observed_run *run = &books->runs[books->world->seen.run_count++];

	*run = (struct observed_run){ 0 };
	SET(run->task, task);
	SET(run->instance, machine->instance.id);
	SET(run->queue, queue);
	SET(run->user, user);
}

static void look(struct books *books, int64_t now_s)
{
	struct observation *seen = &books->world->seen;

	spend_list_release(&books->rows);
	seen->now_ms = now_s * 1000 + 999;
	/* As long as they are: under ASan one step past their end is noticed. */
	seen->runs = memory_array(seen->run_count, sizeof(*seen->runs));
	memcpy(seen->runs, books->runs, seen->run_count * sizeof(*seen->runs));
	money_accrue(seen, &books->world->settings, &books->ledger, &books->rows);
	free(seen->runs);
	seen->runs = books->runs;
}

static int64_t money_of(const struct books *books)
{
	int64_t sum = 0;

	for (size_t i = 0; i < books->rows.count; i++)
		sum += books->rows.rows[i].money;
	return sum;
}

static void test_counts_from_when_to_when(void **state)
{
	enum trouble { NOTHING, STOPPED, ENDED, UNLISTED, LIST_FAILED, NO_LAUNCH, NO_NAME };
	static const struct {
		const char *when;
		int64_t launched_s, spent_until_s; /* before now; spent -1: not remembered */
		int64_t heard_s, counted_s; /* before now; 0: never */
		enum trouble trouble;
		int64_t seconds, marked_s; /* marked: before now; -1: not remembered */
	} cases[] = {
		{ "it was never counted", 100, -1, 5, 0, NOTHING, 100, 0 },
		{ "it was remembered, and never counted", 100, 0, 5, 0, NOTHING, 100, 0 },
		{ "it was counted a minute ago", 100, 60, 5, 0, NOTHING, 60, 0 },
		{ "it was counted just now", 100, -2, 5, 0, NOTHING, 0, 0 },
		{ "the clock went backwards", 100, -50, 5, 0, NOTHING, 0, -50 },
		{ "it is launched in the future", -7, -1, 0, 0, NOTHING, 0, -7 },
		{ "an earlier ledger counted it", 100, -1, 5, 30, NOTHING, 30, 0 },
		{ "it was launched after what an earlier ledger counted", 20, -1, 5, 30, NOTHING,
		  20, 0 },
		{ "its list failed, and it reports", 100, 60, 5, 0, LIST_FAILED, 60, 0 },
		{ "the list has it no more: until its last report", 100, 60, 5, 0, UNLISTED, 55,
		  5 },
		{ "it is terminated: until its last report", 100, 60, 20, 0, ENDED, 40, 20 },
		{ "it is terminated, and was last heard of before it was counted", 100, 60, 80, 0,
		  ENDED, 0, 60 },
		{ "it is terminated, and its end was forgotten", 100, -1, 20, 0, ENDED, 0, -1 },
		{ "it is stopped: until its last report, and never again", 100, 60, 20, 0, STOPPED,
		  40, 0 },
		{ "nobody knows when it was launched", 100, -1, 5, 0, NO_LAUNCH, 0, -1 },
		{ "its id is not known yet", 100, -1, 5, 0, NO_NAME, 0, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct books books;

		books_open(&books);
		struct observed_machine *machine =
			add_machine(&books, 0, NOW_S - cases[i].launched_s);
		int64_t spent_s = cases[i].spent_until_s == -2 ? 0 : cases[i].spent_until_s;

		machine->last_report_ms =
			cases[i].heard_s ? (NOW_S - cases[i].heard_s) * (int64_t)1000 : 0;
		machine->is_listed =
			cases[i].trouble != UNLISTED && cases[i].trouble != LIST_FAILED;
		books.world->seen.resources[0].is_listed = cases[i].trouble != LIST_FAILED;
		if (cases[i].trouble == ENDED)
			machine->instance.state = INSTANCE_TERMINATED;
		if (cases[i].trouble == STOPPED)
			machine->instance.state = INSTANCE_STOPPED;
		machine->instance.is_unnamed = cases[i].trouble == NO_NAME;
		if (cases[i].trouble == NO_LAUNCH)
			machine->instance.launched_s = 0;
		books.ledger.counted_until_s = cases[i].counted_s ? NOW_S - cases[i].counted_s : 0;
		if (cases[i].spent_until_s != -1) {
			books.ledger.machines = memory_array(1, sizeof(*books.ledger.machines));
			books.ledger.machine_count = 1;
			SET(books.ledger.machines[0].instance, machine->instance.id);
			if (cases[i].spent_until_s)
				books.ledger.machines[0].spent_until_s = NOW_S - spent_s;
		}
		look(&books, NOW_S);
		int64_t seconds = 0;
		for (size_t r = 0; r < books.rows.count; r++)
			seconds += books.rows.rows[r].seconds;
		if (seconds != cases[i].seconds)
			fail_msg("when %s: %lld s", cases[i].when, (long long)seconds);
		if (books.ledger.machine_count != (cases[i].marked_s != -1))
			fail_msg("when %s: %zu remembered", cases[i].when,
				 books.ledger.machine_count);
		if (cases[i].marked_s != -1 &&
		    books.ledger.machines[0].spent_until_s != NOW_S - cases[i].marked_s)
			fail_msg("when %s: marked %lld s ago", cases[i].when,
				 (long long)(NOW_S - books.ledger.machines[0].spent_until_s));
		look(&books, NOW_S);
		if (books.rows.count)
			fail_msg("when %s: a second look at the same time counts again",
				 cases[i].when);
		books_close(&books);
	}
}

/* Nobody has to see it end, nor to have seen it at all. */
static void test_counts_until_the_provider_says_it_ended(void **state)
{
	enum { NEVER = -1 };
	static const struct {
		const char *when;
		/* Before now; spent NEVER: not remembered; summed 0: there was no ledger before. */
		int64_t launched_s, spent_until_s, ended_s, since_s, summed_s;
		int64_t seconds, marked_s; /* marked: before now; NEVER: not remembered */
	} cases[] = {
		{ "we were down when it ended", 9 * HOUR, 8 * HOUR, HOUR, 99 * HOUR, 0, 7 * HOUR,
		  HOUR },
		{ "it ended before it was counted", 100, 60, 80, 900, 0, 0, 60 },
		{ "it ends in the future", 100, 60, -50, 900, 0, 60, 0 },
		{ "it ended before it began", 100, 0, 200, 900, 0, 0, 100 },
		{ "it came and went between two passes", 50, NEVER, 10, 900, 0, 40, 10 },
		{ "it ended after the ledger began", 50, NEVER, 10, 11, 0, 40, 10 },
		{ "it ended before the ledger began", 50, NEVER, 10, 10, 0, 0, NEVER },
		{ "it ended between an earlier ledger and this one", 50, NEVER, 10, 5, 30, 20, 10 },
		{ "it ended while an earlier ledger counted", 50, NEVER, 10, 15, 10, 0, NEVER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct books books;
		int64_t seconds = 0;

		books_open(&books);
		struct observed_machine *machine =
			add_machine(&books, 0, NOW_S - cases[i].launched_s);

		machine->instance.state = INSTANCE_TERMINATED;
		machine->instance.ended_s = NOW_S - cases[i].ended_s;
		machine->last_report_ms = 0;
		books.ledger.since_s = NOW_S - cases[i].since_s;
		books.ledger.counted_until_s = cases[i].summed_s ? NOW_S - cases[i].summed_s : 0;
		if (cases[i].spent_until_s != NEVER) {
			books.ledger.machines = memory_array(1, sizeof(*books.ledger.machines));
			books.ledger.machine_count = 1;
			SET(books.ledger.machines[0].instance, machine->instance.id);
			books.ledger.machines[0].spent_until_s =
				cases[i].spent_until_s ? NOW_S - cases[i].spent_until_s : 0;
		}
		look(&books, NOW_S);
		for (size_t r = 0; r < books.rows.count; r++)
			seconds += books.rows.rows[r].seconds;
		if (seconds != cases[i].seconds)
			fail_msg("when %s: %lld s", cases[i].when, (long long)seconds);
		if (books.ledger.machine_count != (cases[i].marked_s != NEVER))
			fail_msg("when %s: %zu remembered", cases[i].when,
				 books.ledger.machine_count);
		if (books.ledger.machine_count &&
		    books.ledger.machines[0].spent_until_s != NOW_S - cases[i].marked_s)
			fail_msg("when %s: marked %lld s ago", cases[i].when,
				 (long long)(NOW_S - books.ledger.machines[0].spent_until_s));
		look(&books, NOW_S + 60);
		if (cases[i].ended_s >= 0 && books.rows.count)
			fail_msg("when %s: it is counted twice", cases[i].when);
		books_close(&books);
	}
}

static void check_row(const struct books *books, size_t i, const char *key, int64_t seconds,
		      int64_t money)
{
	char text[1024];

	if (i >= books->rows.count)
		fail_msg("row %zu is missing", i);
	const struct spend_row *row = &books->rows.rows[i];

	snprintf(text, sizeof(text), "%s %s queue=%s task=%s user=%s", row->day, row->resource,
		 row->queue, row->task, row->user);
	assert_string_equal(text, key);
	assert_int_equal(row->seconds, seconds);
	assert_int_equal(row->money, money);
}

static void test_puts_it_down_to_tasks_by_seat(void **state)
{
	struct books books;

	(void)state;
	books_open(&books);
	struct observed_machine *machine = add_machine(&books, 1, NOW_S - HOUR);

	machine->record.seats = 4; /* two of them idle: one row */
	add_run(&books, machine, "t1", "cpu", "ann");
	add_run(&books, machine, "t2", "", "");
	look(&books, NOW_S);
	assert_int_equal(books.rows.count, 3);
	check_row(&books, 0, "2027-01-15 second queue=cpu task=t1 user=ann", 900, 250000);
	check_row(&books, 1, "2027-01-15 second queue= task=t2 user=", 900, 250000);
	check_row(&books, 2, "2027-01-15 second queue= task= user=", 1800, 500000);
	books_close(&books);
}

static void test_an_idle_machine_of_one_queue_is_that_queues(void **state)
{
	struct books books;

	(void)state;
	books_open(&books);
	add_machine(&books, 0, NOW_S - HOUR);
	look(&books, NOW_S);
	assert_int_equal(books.rows.count, 1);
	check_row(&books, 0, "2027-01-15 first queue=cpu task= user=", HOUR, PRICE);
	books_close(&books);
}

static void test_more_tasks_than_seats_share_alike(void **state)
{
	struct books books;

	(void)state;
	books_open(&books);
	struct observed_machine *machine = add_machine(&books, 0, NOW_S - HOUR);

	add_run(&books, machine, "t1", "cpu", "ann");
	add_run(&books, machine, "t2", "cpu", "bob");
	look(&books, NOW_S);
	assert_int_equal(books.rows.count, 2);
	check_row(&books, 1, "2027-01-15 first queue=cpu task=t2 user=bob", HOUR / 2, PRICE / 2);
	books_close(&books);
}

/* No record tells of more, but nothing here relies on it. */
static void test_no_more_tasks_than_a_machine_has_seats_pay(void **state)
{
	struct books books;

	(void)state;
	books_open(&books);
	struct observed_machine *machine = add_machine(&books, 0, NOW_S - HOUR);

	for (unsigned i = 0; i <= MACHINE_MAX_SEATS; i++) {
		char task[8];

		snprintf(task, sizeof(task), "t%u", i);
		add_run(&books, machine, task, "cpu", "ann");
	}
	look(&books, NOW_S);
	assert_int_equal(books.rows.count, MACHINE_MAX_SEATS);
	assert_int_equal(money_of(&books), PRICE);
	books_close(&books);
}

static void test_a_task_pays_from_its_begin(void **state)
{
	struct books books;

	(void)state;
	books_open(&books);
	add_run(&books, add_machine(&books, 0, NOW_S - HOUR), "t1", "cpu", "ann");
	books.runs[0].since_s = NOW_S - HOUR / 4;
	look(&books, NOW_S);
	assert_int_equal(books.rows.count, 2);
	check_row(&books, 0, "2027-01-15 first queue=cpu task= user=", 3 * HOUR / 4, 750000);
	check_row(&books, 1, "2027-01-15 first queue=cpu task=t1 user=ann", HOUR / 4, 250000);
	books_close(&books);
}

static void test_splits_at_midnight(void **state)
{
	struct books books;

	(void)state;
	books_open(&books);
	add_run(&books, add_machine(&books, 0, MIDNIGHT_S - HOUR), "t1", "cpu", "ann");
	look(&books, MIDNIGHT_S + 25 * HOUR);
	assert_int_equal(books.rows.count, 3);
	check_row(&books, 0, "2027-01-15 first queue=cpu task=t1 user=ann", HOUR, PRICE);
	check_row(&books, 1, "2027-01-16 first queue=cpu task=t1 user=ann", 24 * HOUR, 24 * PRICE);
	check_row(&books, 2, "2027-01-17 first queue=cpu task=t1 user=ann", HOUR, PRICE);
	books_close(&books);
}

static void test_an_unknown_price_is_said_to_be_unknown(void **state)
{
	struct books books;

	(void)state;
	books_open(&books);
	add_machine(&books, 0, NOW_S - HOUR)->price = MONEY_UNKNOWN;
	look(&books, NOW_S);
	check_row(&books, 0, "2027-01-15 first queue=cpu task= user=", HOUR, 0);
	assert_int_equal(books.rows.rows[0].unpriced_s, HOUR);
	books_close(&books);
}

/* Only a list says on which market it is: while that fails, and both have a price, it is not known,
 * but it will be. */
static void test_a_price_that_is_still_to_come_is_waited_for(void **state)
{
	struct books books;

	(void)state;
	books_open(&books);
	struct observed_machine *machine = add_machine(&books, 0, NOW_S - HOUR);

	machine->is_listed = books.world->seen.resources[0].is_listed = false;
	machine->price = MONEY_UNKNOWN;
	look(&books, NOW_S);
	assert_int_equal(books.rows.count, 0);
	assert_int_equal(books.ledger.machine_count, 0);
	machine->is_listed = books.world->seen.resources[0].is_listed = true;
	machine->price = PRICE;
	look(&books, NOW_S + HOUR);
	assert_int_equal(money_of(&books), 2 * PRICE);
	books_close(&books);
}

static void test_what_two_lists_show_counts_once(void **state)
{
	struct books books;

	(void)state;
	books_open(&books);
	*plan_world_machine(books.world, 0, 'w') = *add_machine(&books, 0, NOW_S - HOUR);
	books.world->machines[1].price = 2 * PRICE; /* the first one's counts */
	look(&books, NOW_S);
	assert_int_equal(money_of(&books), PRICE);
	assert_int_equal(books.ledger.machine_count, 1);
	books_close(&books);
}

/* Every UTC day has the name that the clock gives it. */
static void test_names_the_days(void **state)
{
	(void)state;
	for (int64_t at_s = 86399; at_s < (int64_t)130 * 366 * 86400; at_s += 7 * 86400 + 5003) {
		struct books books;
		char day[CLOCK_TEXT_LEN];

		books_open(&books);
		add_machine(&books, 0, at_s);
		look(&books, at_s + 1);
		clock_format(at_s * 1000, false, day);
		day[10] = 0;
		assert_string_equal(books.rows.rows[0].day, day);
		books_close(&books);
	}

	/* The last day of 400 years. */
	struct books books;

	books_open(&books);
	add_machine(&books, 0, 951782400);
	look(&books, 951782401);
	assert_string_equal(books.rows.rows[0].day, "2000-02-29");
	books_close(&books);
}

/* ---- a property: nothing is lost, nothing is counted twice, however it is cut ---- */

static uint64_t draw(uint64_t *seed, uint64_t below)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return (*seed >> 33) % below;
}

static void check_random_life(uint64_t seed)
{
	int64_t launched[8], price[8], counted[8] = { 0 }, money = 0, seconds = 0;
	int64_t wanted = 0, lived = 0, at_s = NOW_S;
	unsigned count = 1 + (unsigned)draw(&seed, 8);
	struct books books;

	books_open(&books);
	for (unsigned i = 0; i < count; i++) {
		launched[i] = NOW_S - (int64_t)draw(&seed, 100000);
		price[i] = (int64_t)draw(&seed, 90000000);
		struct observed_machine *machine = add_machine(&books, i % 2, launched[i]);
		machine->price = price[i];
		machine->record.seats = 1 + (unsigned)draw(&seed, 8);
	}
	for (unsigned pass = 0; pass < 20; pass++) {
		at_s += (int64_t)draw(&seed, pass % 7 ? 100 : 200000) - 10;
		books.world->seen.run_count = 0;
		for (unsigned i = 0; i < count; i++) {
			const struct observed_machine *machine = &books.world->machines[i];

			for (uint64_t n = draw(&seed, machine->record.seats + 1); n; n--) {
				char task[8];

				snprintf(task, sizeof(task), "t%u", (unsigned)draw(&seed, 30));
				add_run(&books, machine, task, "cpu", "ann");
				books.runs[books.world->seen.run_count - 1].since_s =
					draw(&seed, 2) ? at_s - (int64_t)draw(&seed, 90) : 0;
			}
		}
		look(&books, at_s);
		for (size_t r = 0; r < books.rows.count; r++) {
			const struct spend_row *row = &books.rows.rows[r];

			money += row->money;
			seconds += row->seconds;
			assert_true(row->seconds >= 0 && row->money >= 0 && row->seconds <= 86400);
			for (unsigned i = 0; i < count; i++)
				if (!strcmp(row->instance, books.world->machines[i].instance.id))
					counted[i] += row->money;
		}
	}
	for (unsigned i = 0; i < count; i++) {
		int64_t life_s = books.ledger.machines[i].spent_until_s - launched[i];
		int64_t cost = life_s * price[i] / HOUR;

		lived += life_s;
		wanted += cost;
		assert_int_equal(counted[i], cost);
	}
	assert_int_equal(seconds, lived);
	assert_int_equal(money, wanted);
	books_close(&books);
}

static void test_the_parts_add_up_to_the_whole(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++)
		check_random_life(seed * 7919);
}

static void test_says_what_a_failure_can_cost(void **state)
{
	struct offering offerings[] = { { .price = 3000000 }, { .price = 4000000 } };
	struct books books;
	struct money_loss loss;

	(void)state;
	books_open(&books);
	struct resource *resource = &books.world->resources[0];

	resource->offerings = offerings;
	resource->offering_count = 2;
	resource->max_instances = 5;
	resource->ticket.limits.idle_timeout_s = 900;
	loss = money_worst(&books.world->settings, resource);
	assert_int_equal(loss.machine, (int64_t)7 * 24 * 4000000);
	assert_int_equal(loss.idle, ((int64_t)660 * 4000000 + 3599) / 3600);
	assert_int_equal(loss.fleet, 5 * (((int64_t)1500 * 4000000 + 3599) / 3600));
	resource->ticket.limits.max_life_s = INT64_MAX;
	assert_true(money_worst(&books.world->settings, resource).machine > 0);
	resource->ticket.limits.max_life_s = 7200; /* twice that is all that can be said */
	offerings[0].price = INT64_MAX / 8;
	assert_true(money_worst(&books.world->settings, resource).machine == INT64_MAX / 4);
	offerings[0].price = MONEY_UNKNOWN;
	loss = money_worst(&books.world->settings, resource);
	assert_int_equal(loss.machine, MONEY_UNKNOWN);
	assert_int_equal(loss.idle, MONEY_UNKNOWN);
	assert_int_equal(loss.fleet, MONEY_UNKNOWN);
	resource->offering_count = 0;
	assert_int_equal(money_worst(&books.world->settings, resource).idle, MONEY_UNKNOWN);
	books_close(&books);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_from_when_to_when),
		cmocka_unit_test(test_counts_until_the_provider_says_it_ended),
		cmocka_unit_test(test_puts_it_down_to_tasks_by_seat),
		cmocka_unit_test(test_an_idle_machine_of_one_queue_is_that_queues),
		cmocka_unit_test(test_more_tasks_than_seats_share_alike),
		cmocka_unit_test(test_no_more_tasks_than_a_machine_has_seats_pay),
		cmocka_unit_test(test_a_task_pays_from_its_begin),
		cmocka_unit_test(test_splits_at_midnight),
		cmocka_unit_test(test_an_unknown_price_is_said_to_be_unknown),
		cmocka_unit_test(test_a_price_that_is_still_to_come_is_waited_for),
		cmocka_unit_test(test_what_two_lists_show_counts_once),
		cmocka_unit_test(test_names_the_days),
		cmocka_unit_test(test_the_parts_add_up_to_the_whole),
		cmocka_unit_test(test_says_what_a_failure_can_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
