/* slots: taken and free places, generations, who holds one, the parts of a launch key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/slots.h"
#include "tests/unit/support/plan_world.h"

static void test_the_lowest_free_slot_and_its_generation(void **state)
{
	static const struct {
		const char *when;
		const char *machines; /* slots 0, 1, ... */
		unsigned generations[4];
		int attempt; /* its slot, or -1 */
		unsigned slot, generation;
		bool is_full;
	} cases[] = {
		{ "nobody is there", "", { 0 }, -1, 0, 0, false },
		{ "the first is taken", "w", { 0 }, -1, 1, 0, false },
		{ "a stopped one holds its slot", "S", { 0 }, -1, 1, 0, false },
		{ "a terminated one holds none", "t", { 4 }, -1, 0, 5, false },
		{ "one of generation 0 is seen terminated", "t", { 0 }, -1, 0, 1, false },
		{ "the gap is filled first", "wtw", { 1, 7, 1 }, -1, 1, 8, false },
		{ "a launch is open", "w", { 0 }, 1, 2, 0, false },
		{ "a launch is open past the slots", "w", { 0 }, 3, 1, 0, false },
		{ "all are taken", "www", { 0 }, -1, 0, 0, true },
		{ "all are taken, one by an open launch", "ww", { 0 }, 2, 0, 0, true },
		{ "one is past the slots", "wwtw", { 0 }, -1, 2, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct slots slots;
		unsigned slot = 99;

		plan_world_resource(world, "other", 3, "c");
		plan_world_resource(world, "first", 3, "c");
		plan_world_machine(world, 0, 't')->instance.generation =
			9; /* of another resource */
		for (const char *kind = cases[i].machines; *kind; kind++) {
			struct observed_machine *machine =
				plan_world_machine(world, 1, *kind == 'S' ? 'w' : *kind);

			machine->instance.generation =
				cases[i].generations[kind - cases[i].machines];
			if (*kind == 'S')
				machine->instance.state = INSTANCE_STOPPED;
		}
		if (cases[i].attempt >= 0) {
			world->seen.attempt_count = 1;
			SET(world->attempts[0].resource, "first");
			world->attempts[0].slot = (unsigned)cases[i].attempt;
		}
		plan_world_poison(world);
		slots_open(&slots, &world->seen, &world->settings);
		bool is_free = slots_lowest(&slots, 1, &slot);
		if (is_free == cases[i].is_full)
			fail_msg("when %s: free %d", cases[i].when, is_free);
		if (is_free &&
		    (slot != cases[i].slot || slots_take(&slots, 1, slot) != cases[i].generation))
			fail_msg("when %s: slot %u", cases[i].when, slot);
		if (is_free && slots_lowest(&slots, 1, &slot))
			assert_int_not_equal(slot, cases[i].slot);
		slots_release(&slots);
		free(world);
	}
}

static void test_the_newest_occupant_counts_in_any_order(void **state)
{
	(void)state;
	for (unsigned older_first = 0; older_first < 2; older_first++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct slots slots;

		plan_world_resource(world, "first", 3, "c");
		plan_world_machine(world, 0, 't')->instance.generation = older_first ? 3 : 6;
		struct observed_machine *second = plan_world_machine(world, 0, 't');
		second->instance.slot = 0;
		second->instance.generation = older_first ? 6 : 3;
		plan_world_poison(world);
		slots_open(&slots, &world->seen, &world->settings);
		assert_int_equal(slots_take(&slots, 0, 0), 7);
		slots_release(&slots);
		free(world);
	}
}

static void test_knows_every_launch_that_was_seen(void **state)
{
	static const struct {
		const char *when;
		struct slot_occupant launch;
		bool is_seen;
	} cases[] = {
		{ "it is there", { 1, 0, 7 }, true },
		{ "it is there, terminated", { 1, 1, 2 }, true },
		{ "it is past the slots", { 1, 40, 5 }, true },
		{ "another slot", { 1, 2, 7 }, false },
		{ "a later generation", { 1, 0, 8 }, false },
		{ "an earlier generation", { 1, 0, 6 }, false },
		{ "another resource", { 0, 0, 7 }, false },
		{ "the other resource's own", { 0, 0, 3 }, true },
	};
	struct plan_world *world = plan_world_new(0, 0);
	struct slots slots;

	(void)state;
	plan_world_resource(world, "other", 3, "c");
	plan_world_resource(world, "first", 3, "c");
	plan_world_machine(world, 1, 'w')->instance.generation = 7;
	plan_world_machine(world, 1, 't')->instance.generation = 2;
	struct observed_machine *beyond = plan_world_machine(world, 1, 'w');
	beyond->instance.slot = 40;
	beyond->instance.generation = 5;
	plan_world_machine(world, 0, 'w')->instance.generation = 3;
	plan_world_machine(world, 0, 'w')->resource = RESOURCE_NONE;
	plan_world_poison(world);
	slots_open(&slots, &world->seen, &world->settings);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (slots_has(&slots, &cases[i].launch) != cases[i].is_seen)
			fail_msg("when %s", cases[i].when);
	assert_int_equal(slots.occupant_count, 4); /* a machine of no resource is in no slot */
	assert_int_equal(slots_holder(&slots, 1, 40), SLOT_NOBODY);
	assert_int_equal(slots_holder(&slots, 1, 3), SLOT_NOBODY);
	slots_release(&slots);
	free(world);
}

static void test_who_holds_a_slot(void **state)
{
	static const struct {
		const char *when;
		const char *first, *second; /* kinds; S: claims that it serves */
		int first_age_s, second_age_s;
		size_t holder;
	} cases[] = {
		{ "nobody reports", "b", "s", 60, 60, SLOT_NOBODY },
		{ "one reports", "b", "i", 90, 60, 1 },
		{ "both report: the elder", "i", "i", 90, 60, 0 },
		{ "both report: the elder, seen second", "i", "i", 60, 90, 1 },
		{ "both of one age: the lesser name", "i", "i", 60, 60, 0 },
		{ "the younger serves", "i", "S", 90, 60, 1 },
		{ "the younger serves, seen first", "S", "i", 60, 90, 0 },
		{ "both serve: the elder", "S", "S", 60, 90, 1 },
		{ "the elder drains", "d", "i", 90, 60, 1 },
		{ "the elder is terminated", "t", "i", 90, 60, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct slots slots;

		plan_world_resource(world, "first", 3, "c");
		for (int n = 0; n < 2; n++) {
			char kind = *(n ? cases[i].second : cases[i].first);
			struct observed_machine *machine =
				plan_world_machine(world, 0, kind == 'S' ? 'i' : kind);

			machine->instance.slot = 1;
			machine->has_record |= kind == 't'; /* its record may outlive it */
			machine->instance.launched_s =
				NOW_S - (n ? cases[i].second_age_s : cases[i].first_age_s);
			machine->record.claim = kind == 'S' ? CLAIM_SERVES : CLAIM_INTENT;
		}
		plan_world_poison(world);
		slots_open(&slots, &world->seen, &world->settings);
		if (slots_holder(&slots, 0, 1) != cases[i].holder)
			fail_msg("when %s: %zu", cases[i].when, slots_holder(&slots, 0, 1));
		assert_int_equal(slots_holder(&slots, 0, 0), SLOT_NOBODY);
		slots_release(&slots);
		free(world);
	}
}

static void test_key_parts_tell_launches_apart(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct offering offering = { .type = "small", .zone = "b", .market = MARKET_SPOT };
	struct slot_key key;

	(void)state;
	plan_world_resource(world, "first", 3, "c");
	slots_key_parts("prod", &world->resources[0], &offering, 0, 4294967295u, &key);
	assert_true(slice_equals(key.parts[0], "prod") && slice_equals(key.parts[1], "first"));
	assert_true(slice_equals(key.parts[2], "0") && slice_equals(key.parts[3], "4294967295"));
	assert_true(slice_equals(key.parts[4], "small/b/spot"));
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_lowest_free_slot_and_its_generation),
		cmocka_unit_test(test_the_newest_occupant_counts_in_any_order),
		cmocka_unit_test(test_knows_every_launch_that_was_seen),
		cmocka_unit_test(test_who_holds_a_slot),
		cmocka_unit_test(test_key_parts_tell_launches_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
