/* world: the simulation itself, without faults: what must come out of small worlds is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/simulation/world.h"

enum { DAY_S = 86400 };

static struct offering small = { .type = "small", .price = 100000 };

static struct settings *settings_new(struct resource *resource, unsigned max, unsigned min)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	*resource = (struct resource){ .name = "cpu",
				       .type = "small",
				       .queue_count = 1,
				       .max_instances = max,
				       .min_instances = min,
				       .offerings = &small,
				       .offering_count = 1 };
	ticket_defaults(&resource->ticket);
	resource->ticket.seats = 1;
	memcpy(settings->prefix, "lab", 4);
	memcpy(settings->queues[0], "default", 8);
	settings->queue_count = 1;
	settings->resources = resource;
	settings->resource_count = 1;
	settings->silent_idle_s = 600;
	settings->silent_busy_s = 5400;
	settings->two_looks_s = 60;
	return settings;
}

static void test_small_worlds(void **state)
{
	static const struct {
		const char *when;
		unsigned tasks; /* at once, each of ten minutes */
		unsigned max, min;
		size_t machines; /* that are launched in all */
		int64_t longest_wait_s; /* of a task until it runs, at most */
		bool is_over; /* in the end no machine is left */
	} cases[] = {
		{ "nothing waits", 0, 4, 0, 0, 0, true },
		{ "one task", 1, 4, 0, 1, 250, true },
		{ "as many as slots", 4, 4, 0, 4, 250, true },
		{ "twice as many as slots", 8, 4, 0, 4, 1000, true },
		{ "a minimum is kept", 0, 4, 2, 2, 0, false },
		{ "a minimum and one task", 1, 4, 2, 2, 250, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct resource resource;
		struct settings *settings = settings_new(&resource, cases[i].max, cases[i].min);
		struct world *world =
			world_open(&(struct world_options){ .settings = settings, .seed = i });

		for (unsigned t = 0; t < cases[i].tasks; t++)
			world_add_task(world, 0, 0, 600, 0);
		world_run_until(world, 3 * 3600);
		if (world_machine_count(world) != cases[i].machines)
			fail_msg("when %s: %zu machines", cases[i].when,
				 world_machine_count(world));
		if (world_is_over(world) != cases[i].is_over)
			fail_msg("when %s: over %d", cases[i].when, world_is_over(world));
		for (size_t t = 0; t < world_task_count(world); t++) {
			struct world_task_fate fate;

			world_task_fate(world, t, &fate);
			assert_int_equal(fate.status, TASK_COMPLETED);
			assert_int_equal(fate.runs, 1);
			if (fate.started_ms - fate.arrived_ms > cases[i].longest_wait_s * 1000)
				fail_msg("when %s: task %zu waited %lld ms", cases[i].when, t,
					 (long long)(fate.started_ms - fate.arrived_ms));
		}
		world_close(world);
		free(settings);
	}
}

static void test_a_machine_costs_from_launch_to_end(void **state)
{
	struct resource resource;
	struct settings *settings = settings_new(&resource, 1, 0);
	struct world *world = world_open(&(struct world_options){
		.settings = settings, .boot_least_s = 100, .boot_most_s = 100 });
	struct world_machine_fate fate;

	(void)state;
	world_add_task(world, 3600, 0, 600, 0);
	world_run_until(world, DAY_S);
	assert_int_equal(world_machine_count(world), 1);
	world_machine_fate(world, 0, &fate);
	assert_in_range(fate.launched_ms, 3600000, 3660000);
	assert_in_range(fate.served_ms - fate.launched_ms, 100000, 103000);
	assert_in_range(fate.busy_ms, 600000, 605000);
	/* 100 s of boot, 600 s of work, 900 s idle, and what the ends take. */
	assert_in_range(fate.ended_ms - fate.launched_ms, 1600000, 1640000);
	assert_int_equal(fate.tasks, 1);
	world_close(world);
	free(settings);
}

static uint64_t fingerprint(uint64_t seed)
{
	struct resource resource;
	struct settings *settings = settings_new(&resource, 5, 0);
	struct world *world = world_open(&(struct world_options){ .settings = settings,
								  .seed = seed,
								  .faults = { .hosts = 3,
									      .latency_ms = 3000,
									      .list_lag_ms = 60000,
									      .pass_crashes = 0.1,
									      .calls_fail = 0.02,
									      .calls_lost = 0.02,
									      .launch_lost = 0.2,
									      .deaths = 0.5 } });
	uint64_t sum = 0;

	for (unsigned t = 0; t < 40; t++)
		world_add_task(world, t * 200, 0, 300 + 40 * t, 0);
	world_run_until(world, 6 * 3600);
	for (size_t m = 0; m < world_machine_count(world); m++) {
		struct world_machine_fate fate;

		world_machine_fate(world, m, &fate);
		sum = sum * 31 + (uint64_t)fate.launched_ms * 7 + (uint64_t)fate.ended_ms;
	}
	sum += world_event_count(world);
	world_close(world);
	free(settings);
	return sum;
}

static void test_a_seed_is_a_world(void **state)
{
	(void)state;
	assert_true(fingerprint(7) == fingerprint(7));
	assert_true(fingerprint(7) != fingerprint(8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_worlds),
		cmocka_unit_test(test_a_machine_costs_from_launch_to_end),
		cmocka_unit_test(test_a_seed_is_a_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
