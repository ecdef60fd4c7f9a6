/* demand: each row a picture of queues and resources; then every small world against brute force.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "reaper/demand.h"

enum { QUEUES = 3, RESOURCES = 3 };

static void test_matches_each_task_and_seat_once(void **state)
{
	static const struct {
		const char *when;
		unsigned waiting[QUEUES];
		unsigned seats[RESOURCES];
		const char *serves; /* a row a queue, a column a resource */
		unsigned left[QUEUES];
	} cases[] = {
		{ "nothing waits", { 0 }, { 2, 2, 2 }, "111 111 111", { 0 } },
		{ "no seat is there", { 2, 1, 0 }, { 0 }, "111 111 111", { 2, 1, 0 } },
		{ "a seat takes one task", { 3 }, { 1 }, "100 000 000", { 2 } },
		{ "two queues share one resource", { 2, 2 }, { 3 }, "100 100 000", { 0, 1 } },
		{ "the special resource goes first", { 1, 1 }, { 1, 1 }, "110 100 000", { 0 } },
		{ "a seat is freed by moving a task",
		  { 1, 1, 1 },
		  { 1, 1, 1 },
		  "110 011 010",
		  { 0 } },
		{ "a resource of another queue is no help",
		  { 2, 0 },
		  { 0, 5 },
		  "100 010 000",
		  { 2 } },
		{ "the general one alone serves a later queue",
		  { 1, 1 },
		  { 1, 1 },
		  "111 010 000",
		  { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct demand demand;

		demand_open(&demand, QUEUES, RESOURCES);
		memcpy(demand.waiting, cases[i].waiting, sizeof(cases[i].waiting));
		memcpy(demand.seats, cases[i].seats, sizeof(cases[i].seats));
		for (size_t q = 0; q < QUEUES; q++)
			for (size_t r = 0; r < RESOURCES; r++)
				demand.serves[q * RESOURCES + r] =
					cases[i].serves[q * (RESOURCES + 1) + r] == '1';
		demand_sort(&demand);
		for (size_t q = 0; q < QUEUES; q++)
			demand_match(&demand, q);
		for (size_t q = 0; q < QUEUES; q++)
			if (demand.waiting[q] != cases[i].left[q])
				fail_msg("when %s: queue %zu has %u left, want %u", cases[i].when,
					 q, demand.waiting[q], cases[i].left[q]);
		demand_release(&demand);
	}
}

static void test_sorts_the_most_special_first(void **state)
{
	static const struct {
		const char *serves; /* a row a queue, a column a resource */
		size_t order[RESOURCES];
	} cases[] = {
		{ "111 111 111", { 0, 1, 2 } }, /* equal ones keep the file's order */
		{ "111 110 100", { 2, 1, 0 } }, { "011 010 011", { 0, 2, 1 } },
		{ "101 111 010", { 0, 1, 2 } }, { "110 100 100", { 2, 1, 0 } },
		{ "001 011 001", { 0, 1, 2 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct demand demand;

		demand_open(&demand, QUEUES, RESOURCES);
		for (size_t cell = 0; cell < (size_t)QUEUES * RESOURCES; cell++)
			demand.serves[cell] = cases[i].serves[cell + cell / RESOURCES] == '1';
		demand_sort(&demand);
		assert_memory_equal(demand.order, cases[i].order, sizeof(cases[i].order));
		demand_release(&demand);
	}
}

/* The most tasks that can sit, found by trying every way. */
static unsigned best_by_force(unsigned *waiting, unsigned *seats, const bool *serves, size_t from)
{
	unsigned best = 0;

	for (size_t cell = from; cell < (size_t)QUEUES * RESOURCES; cell++) {
		size_t q = cell / RESOURCES, r = cell % RESOURCES;

		if (!serves[cell] || !waiting[q] || !seats[r])
			continue;
		waiting[q]--;
		seats[r]--;
		unsigned got = 1 + best_by_force(waiting, seats, serves, cell);
		waiting[q]++;
		seats[r]++;
		if (got > best)
			best = got;
	}
	return best;
}

static void fill_world(struct demand *demand, unsigned world, unsigned *waiting, unsigned *seats)
{
	for (size_t i = 0; i < 3; i++, world /= 3)
		demand->waiting[i] = waiting[i] = world % 3;
	for (size_t i = 0; i < 3; i++, world /= 3)
		demand->seats[i] = seats[i] = world % 3;
	for (size_t cell = 0; cell < (size_t)QUEUES * RESOURCES; cell++, world /= 2)
		demand->serves[cell] = world % 2;
}

static void test_no_way_seats_more_tasks(void **state)
{
	const unsigned worlds = 729 * 512;

	(void)state;
	/* Every 7th of all worlds of three queues, three resources, up to two tasks and seats each.
	 */
	for (unsigned world = 0; world < worlds; world += 7) {
		struct demand demand;
		unsigned waiting[QUEUES], seats[RESOURCES], matched = 0, first = 0;

		demand_open(&demand, QUEUES, RESOURCES);
		fill_world(&demand, world, waiting, seats);
		demand_sort(&demand);
		for (size_t q = 0; q < QUEUES; q++) {
			unsigned got = demand_match(&demand, q);

			matched += got;
			first = q ? first : got;
		}
		unsigned best = best_by_force(waiting, seats, demand.serves, 0);
		if (matched != best || first != waiting[0] - demand.waiting[0])
			fail_msg("world %u: %u tasks sit, %u could (first queue %u)", world,
				 matched, best, first);
		for (size_t q = 0; q < QUEUES; q++) {
			unsigned sum = demand.waiting[q];

			for (size_t r = 0; r < RESOURCES; r++)
				sum += demand.taken[q * RESOURCES + r];
			assert_int_equal(sum, waiting[q]);
		}
		demand_release(&demand);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches_each_task_and_seat_once),
		cmocka_unit_test(test_sorts_the_most_special_first),
		cmocka_unit_test(test_no_way_seats_more_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
