/* plan ends machines: those that work are told to drain first; looks, marks, and orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/plan.h"
#include "tests/unit/support/plan_world.h"

static void add_mark(struct plan_world *world, const char *what, int ago_s)
{
	struct mark *mark = &world->marks[world->seen.mark_count++];

	SET(mark->what, what);
	mark->first_s = NOW_S - ago_s;
}

static int64_t find_mark(const struct plan *plan, const char *what)
{
	for (size_t i = 0; i < plan->mark_count; i++)
		if (!strcmp(plan->marks[i].what, what))
			return NOW_S - plan->marks[i].first_s;
	return -1;
}

/* The machine reports all the while; each row begins with an idle machine that is overdue. */
static void test_overdue_idle_drains_first(void **state)
{
	static const struct {
		const char *when;
		int idle_s;
		const char *kept_by, *phase;
		bool is_busy, is_held, is_draining;
		unsigned slot, minimum;
		enum order order; /* an operator's */
		int marked_s, drained_s; /* when the looks began; -1: never */
		enum order told;
		bool is_terminated, is_due;
	} cases[] = {
		{ "not yet", 1500, "", "serve", 0, 0, 0, 0, 0, ORDER_NONE, 60, -1, ORDER_NONE, 0,
		  0 },
		{ "the first look", 1501, "", "serve", 0, 0, 0, 0, 0, ORDER_NONE, -1, -1,
		  ORDER_NONE, 0, 0 },
		{ "a second look too soon", 1501, "", "serve", 0, 0, 0, 0, 0, ORDER_NONE, 59, -1,
		  ORDER_NONE, 0, 0 },
		{ "the second look", 1501, "", "serve", 0, 0, 0, 0, 0, ORDER_NONE, 60, -1,
		  ORDER_DRAIN, 0, 0 },
		{ "somebody keeps it", 9999, "file", "serve", 0, 0, 0, 0, 0, ORDER_NONE, 60, -1,
		  ORDER_NONE, 0, 0 },
		{ "an operator keeps it", 9999, "", "serve", 0, 0, 0, 0, 0, ORDER_KEEP, 60, -1,
		  ORDER_KEEP, 0, 0 },
		{ "a task runs", 9999, "", "serve", 1, 0, 0, 0, 0, ORDER_NONE, 60, -1, ORDER_NONE,
		  0, 0 },
		{ "its slot is held now", 9999, "", "serve", 0, 0, 0, 1, 2, ORDER_NONE, 60, -1,
		  ORDER_NONE, 0, 0 },
		{ "a slot below is held", 9999, "", "serve", 0, 0, 0, 1, 1, ORDER_NONE, 60, -1,
		  ORDER_DRAIN, 0, 0 },
		{ "its ticket held it, the configuration does not", 9999, "", "serve", 0, 1, 0, 0,
		  0, ORDER_NONE, 60, -1, ORDER_DRAIN, 0, 0 },
		{ "it drains, the first look", 9999, "", "drain", 0, 0, 1, 0, 0, ORDER_NONE, 60, -1,
		  ORDER_DRAIN, 1, 0 },
		{ "it has just drained", 9999, "", "drain", 0, 0, 1, 0, 0, ORDER_NONE, 180, 119,
		  ORDER_DRAIN, 1, 0 },
		{ "it has drained and stays", 9999, "", "drain", 0, 0, 1, 0, 0, ORDER_NONE, 180,
		  120, ORDER_DRAIN, 1, 1 },
		{ "it is in phase drain", 9999, "", "drain", 0, 0, 0, 0, 0, ORDER_NONE, 180, 120,
		  ORDER_DRAIN, 1, 1 },
		{ "it is in phase leave", 9999, "", "leave", 0, 0, 0, 0, 0, ORDER_NONE, 180, 120,
		  ORDER_DRAIN, 1, 1 },
		{ "it has left", 9999, "", "left", 0, 0, 0, 0, 0, ORDER_NONE, 180, 120, ORDER_DRAIN,
		  1, 1 },
		{ "an operator drains it too", 9999, "", "drain", 0, 0, 1, 0, 0, ORDER_DRAIN, 60,
		  -1, ORDER_DRAIN, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		world->seen.resources[0].minimum = cases[i].minimum;
		plan_world_machine(world, 0, 'w');
		struct observed_machine *machine = plan_world_machine(world, 0, 'i');
		machine->instance.slot = cases[i].slot;
		world->machines[0].instance.slot = !cases[i].slot;
		machine->order = cases[i].order;
		machine->record.idle_s = cases[i].idle_s;
		machine->record.task_count = cases[i].is_busy;
		machine->record.is_held = cases[i].is_held;
		machine->record.is_draining = cases[i].is_draining;
		SET(machine->record.kept_by, cases[i].kept_by);
		SET(machine->record.phase, cases[i].phase);
		if (cases[i].marked_s >= 0)
			add_mark(world, "overdue idle local-b", cases[i].marked_s);
		if (cases[i].drained_s >= 0)
			add_mark(world, "drained local-b", cases[i].drained_s);
		plan_world_plan(world, &plan);
		enum order told = plan.order_count ? plan.orders[0].order : ORDER_NONE;
		if (told != cases[i].told || plan.order_count > 1)
			fail_msg("when %s: told %s", cases[i].when, order_text(told));
		if (plan.termination_count != cases[i].is_terminated ||
		    (plan.termination_count && plan.terminations[0].is_due != cases[i].is_due))
			fail_msg("when %s: %zu terminations", cases[i].when,
				 plan.termination_count);
		if (plan.order_count) {
			assert_int_equal(plan.orders[0].machine, 1);
			assert_int_equal(plan.orders[0].doom,
					 told == cases[i].order && told == ORDER_KEEP ?
						 DOOM_NONE :
						 DOOM_OVERDUE);
		}
		/* Who is told to drain is no capacity any more. */
		bool is_capacity = told != ORDER_DRAIN && !strcmp(cases[i].phase, "serve");
		assert_int_equal(plan.queues[0].covered, is_capacity);
		plan_release(&plan);
		free(world);
	}
}

static void test_orders_of_an_operator(void **state)
{
	static const struct {
		const char *when;
		char kind;
		enum order order;
		int marked_s; /* "ordered to leave" */
		enum instance_state instance_state;
		bool is_listed;
		enum order told;
		enum doom doom;
		bool is_due;
		unsigned covered;
	} cases[] = {
		{ "there is none", 'i', ORDER_NONE, -1, INSTANCE_RUNNING, 1, ORDER_NONE, DOOM_NONE,
		  0, 1 },
		{ "drain", 'i', ORDER_DRAIN, -1, INSTANCE_RUNNING, 1, ORDER_DRAIN, DOOM_NONE, 0,
		  0 },
		{ "drain, while it boots", 'b', ORDER_DRAIN, -1, INSTANCE_RUNNING, 1, ORDER_DRAIN,
		  DOOM_NONE, 0, 0 },
		{ "drain, before its gates", 'p', ORDER_DRAIN, -1, INSTANCE_RUNNING, 1, ORDER_DRAIN,
		  DOOM_NONE, 0, 0 },
		{ "keep", 'i', ORDER_KEEP, -1, INSTANCE_RUNNING, 1, ORDER_KEEP, DOOM_NONE, 0, 1 },
		{ "leave", 'i', ORDER_LEAVE, -1, INSTANCE_RUNNING, 1, ORDER_LEAVE, DOOM_ORDERED, 0,
		  0 },
		{ "leave, and it has a while to", 'w', ORDER_LEAVE, 299, INSTANCE_RUNNING, 1,
		  ORDER_LEAVE, DOOM_ORDERED, 0, 0 },
		{ "leave, and it has not", 'w', ORDER_LEAVE, 300, INSTANCE_RUNNING, 1, ORDER_LEAVE,
		  DOOM_ORDERED, 1, 0 },
		{ "leave, and it is going", 'w', ORDER_LEAVE, 300, INSTANCE_STOPPING, 1, ORDER_NONE,
		  DOOM_NONE, 0, 0 },
		{ "leave, and it is gone", 't', ORDER_LEAVE, 300, INSTANCE_TERMINATED, 1,
		  ORDER_NONE, DOOM_NONE, 0, 0 },
		{ "leave, to one that no list shows", 'i', ORDER_LEAVE, 300, INSTANCE_RUNNING, 0,
		  ORDER_LEAVE, DOOM_NONE, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		struct observed_machine *machine = plan_world_machine(world, 0, cases[i].kind);
		machine->order = cases[i].order;
		machine->instance.state = cases[i].instance_state;
		machine->is_listed = cases[i].is_listed;
		if (cases[i].marked_s >= 0)
			add_mark(world, "ordered to leave local-a", cases[i].marked_s);
		plan_world_plan(world, &plan);
		enum order told = plan.order_count ? plan.orders[0].order : ORDER_NONE;
		enum doom doom = plan.termination_count ? plan.terminations[0].doom : DOOM_NONE;
		if (told != cases[i].told || doom != cases[i].doom || plan.order_count > 1)
			fail_msg("when %s: told %s, %s", cases[i].when, order_text(told),
				 doom_text(doom));
		if (doom != DOOM_NONE && plan.terminations[0].is_due != cases[i].is_due)
			fail_msg("when %s: due %d", cases[i].when, plan.terminations[0].is_due);
		if (plan.order_count)
			assert_int_equal(plan.orders[0].doom, DOOM_NONE);
		if (plan.queues[0].covered != cases[i].covered)
			fail_msg("when %s: covers %u", cases[i].when, plan.queues[0].covered);
		plan_release(&plan);
		free(world);
	}
}

static void test_a_longer_pause_between_looks_counts(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 4, "c");
	world->settings.two_looks_s = 900;
	plan_world_machine(world, 0, 'w')->order = ORDER_LEAVE;
	struct observed_machine *idle = plan_world_machine(world, 0, 'd');
	idle->record.idle_s = 9999;
	add_mark(world, "ordered to leave local-a", 899);
	add_mark(world, "overdue idle local-b", 900);
	add_mark(world, "drained local-b", 899);
	plan_world_plan(world, &plan);
	assert_int_equal(plan.termination_count, 2);
	assert_false(plan.terminations[0].is_due);
	assert_false(plan.terminations[1].is_due);
	plan_release(&plan);
	world->marks[0].first_s--;
	world->marks[2].first_s--;
	plan_world_plan(world, &plan);
	assert_true(plan.terminations[0].is_due);
	assert_true(plan.terminations[1].is_due);
	plan_release(&plan);
	free(world);
}

static void test_a_resource_that_is_configured_no_more(void **state)
{
	static const struct {
		const char *when;
		char kind;
		enum instance_state instance_state;
		int age_s; /* 0: as the kind says */
		enum order order;
		bool is_place_known;
		const char *mark;
		enum order told;
		enum doom doom;
	} cases[] = {
		{ "it works, the first look", 'w', INSTANCE_RUNNING, 0, ORDER_NONE, 1, "",
		  ORDER_NONE, DOOM_NONE },
		{ "it works, the second look", 'w', INSTANCE_RUNNING, 0, ORDER_NONE, 1,
		  "resource gone local-a", ORDER_DRAIN, DOOM_NONE },
		{ "it has drained", 'd', INSTANCE_RUNNING, 0, ORDER_NONE, 1,
		  "resource gone local-a", ORDER_DRAIN, DOOM_RESOURCE_GONE },
		{ "an operator keeps it", 'w', INSTANCE_RUNNING, 0, ORDER_KEEP, 1,
		  "resource gone local-a", ORDER_KEEP, DOOM_NONE },
		{ "nobody's verbs reach it", 'w', INSTANCE_RUNNING, 0, ORDER_NONE, 0,
		  "resource gone local-a", ORDER_NONE, DOOM_NONE },
		{ "it is silent", 's', INSTANCE_RUNNING, 0, ORDER_NONE, 1, "", ORDER_NONE,
		  DOOM_SILENT },
		{ "it never came up", 'b', INSTANCE_RUNNING, 601, ORDER_NONE, 1, "", ORDER_NONE,
		  DOOM_NEVER_CAME_UP },
		{ "it boots", 'b', INSTANCE_RUNNING, 600, ORDER_NONE, 1, "", ORDER_NONE,
		  DOOM_NONE },
		{ "it is stopped", 'w', INSTANCE_STOPPED, 0, ORDER_NONE, 1, "", ORDER_NONE,
		  DOOM_STOPPED },
		{ "it has lived for a week", 'w', INSTANCE_RUNNING, 605401, ORDER_NONE, 1, "",
		  ORDER_NONE, DOOM_PAST_LIFE },
		{ "it has lived for nearly a week", 'w', INSTANCE_RUNNING, 605400, ORDER_NONE, 1,
		  "", ORDER_NONE, DOOM_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		/* The life of another resource is none of its business, unless it is longer. */
		world->resources[0].ticket.limits.max_life_s = 3600;
		struct observed_machine *machine = plan_world_machine(world, 0, cases[i].kind);
		machine->resource = RESOURCE_NONE;
		machine->place = cases[i].is_place_known ? 0 : RESOURCE_NONE;
		machine->instance.state = cases[i].instance_state;
		machine->order = cases[i].order;
		if (cases[i].age_s)
			machine->instance.launched_s = NOW_S - cases[i].age_s;
		if (*cases[i].mark)
			add_mark(world, cases[i].mark, 60);
		plan_world_plan(world, &plan);
		enum order told = plan.order_count ? plan.orders[0].order : ORDER_NONE;
		enum doom doom = plan.termination_count ? plan.terminations[0].doom : DOOM_NONE;
		if (told != cases[i].told || doom != cases[i].doom)
			fail_msg("when %s: told %s, %s", cases[i].when, order_text(told),
				 doom_text(doom));
		plan_release(&plan);
		free(world);
	}
}

static void test_a_longer_life_elsewhere_is_allowed_to_the_gone(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 4, "c");
	plan_world_resource(world, "second", 4, "c");
	world->resources[1].ticket.limits.max_life_s = 9 * 86400;
	struct observed_machine *machine = plan_world_machine(world, 0, 'w');
	machine->resource = RESOURCE_NONE;
	machine->instance.launched_s = NOW_S - 9 * 86400 - 600;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.termination_count, 0);
	plan_release(&plan);
	machine->instance.launched_s--;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.terminations[0].doom, DOOM_PAST_LIFE);
	plan_release(&plan);
	free(world);
}

static void test_of_two_in_a_slot_one_is_told_to_drain(void **state)
{
	static const struct {
		const char *when;
		const char *kinds; /* of the elder and the younger */
		bool is_younger_listed, is_known, is_other_slot;
		enum instance_state younger;
		size_t told; /* which; 2: none */
	} cases[] = {
		{ "both work", "ww", 1, 1, 0, INSTANCE_RUNNING, 1 },
		{ "one drains already", "wd", 1, 1, 0, INSTANCE_RUNNING, 1 },
		{ "the younger boots and will settle it", "wb", 1, 1, 0, INSTANCE_RUNNING, 2 },
		{ "the elder is silent", "sw", 1, 1, 0, INSTANCE_RUNNING, 2 },
		{ "the elder drains", "dw", 1, 1, 0, INSTANCE_RUNNING, 0 },
		{ "the younger is in no list", "ww", 0, 1, 0, INSTANCE_RUNNING, 2 },
		{ "the younger ends", "ww", 1, 1, 0, INSTANCE_STOPPING, 2 },
		{ "the records are not known", "ww", 1, 0, 0, INSTANCE_RUNNING, 2 },
		{ "they are in two slots", "ww", 1, 1, 1, INSTANCE_RUNNING, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		for (int n = 0; n < 2; n++) {
			struct observed_machine *machine =
				plan_world_machine(world, 0, cases[i].kinds[n]);

			machine->instance.slot = cases[i].is_other_slot ? (unsigned)n : 2;
			machine->instance.launched_s += n;
			machine->order = ORDER_KEEP; /* which helps none of them */
		}
		world->machines[1].is_listed = cases[i].is_younger_listed;
		world->machines[1].instance.state = cases[i].younger;
		world->seen.workers_known = cases[i].is_known;
		add_mark(world, "duplicate slot local-a", 60);
		add_mark(world, "duplicate slot local-b", 60);
		plan_world_plan(world, &plan);
		size_t told = 2;
		for (size_t n = 0; n < plan.order_count; n++)
			if (plan.orders[n].order == ORDER_DRAIN) {
				assert_int_equal(plan.orders[n].doom, DOOM_DUPLICATE);
				told = plan.orders[n].machine;
			}
		if (told != cases[i].told)
			fail_msg("when %s: %zu", cases[i].when, told);
		plan_release(&plan);
		free(world);
	}
}

/* I7: a look that could not be repeated neither makes a mark due nor takes it away. */
static void test_marks_survive_what_could_not_be_read(void **state)
{
	static const struct {
		const char *when, *mark;
		int ago_s;
		bool queues, workers, tasks, list, is_there, is_lost_memory;
		bool is_kept;
	} cases[] = {
		{ "all is known, and it is not so", "silent local-x", 60, 1, 1, 1, 1, 0, 0, false },
		{ "the workers are not known", "silent local-x", 60, 1, 0, 1, 1, 0, 0, true },
		{ "the list is not known", "silent local-x", 60, 1, 1, 1, 0, 0, 0, true },
		{ "the queues are not known", "silent local-x", 60, 0, 1, 1, 1, 0, 0, true },
		{ "the tasks are not known, which is no matter", "silent local-x", 60, 1, 1, 0, 1,
		  0, 0, false },
		{ "memory is lost", "silent local-x", 60, 1, 1, 1, 1, 0, 1, true },
		{ "it is an hour old", "silent local-x", 3600, 1, 0, 1, 1, 0, 0, true },
		{ "it is older than an hour", "silent local-x", 3601, 1, 0, 1, 1, 0, 0, false },
		{ "it is of the future", "silent local-x", -1, 1, 0, 1, 1, 0, 0, false },
		{ "it is of this moment", "silent local-x", 0, 1, 0, 1, 1, 0, 0, true },
		{ "another list is not known, it was looked at", "silent local-a", 60, 1, 1, 1, 0,
		  1, 0, false },
		{ "it was seen, but not its record", "silent local-a", 60, 1, 0, 1, 1, 1, 0, true },
		{ "a task's, and the tasks are not known", "task orphaned by local-x/1 0123", 60, 1,
		  1, 0, 1, 0, 0, true },
		{ "a task's, and all is known", "task orphaned by local-x/1 0123", 60, 1, 1, 1, 1,
		  0, 0, false },
		{ "a task's, and the list is not known", "task orphaned by local-x/1 0123", 60, 1,
		  1, 1, 0, 0, 0, true },
		{ "a word that begins alike is no task's", "tasks local-x", 60, 1, 1, 0, 1, 0, 0,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(0, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		plan_world_resource(world, "second", 4, "c");
		world->seen.queues_known = cases[i].queues;
		world->seen.workers_known = cases[i].workers;
		world->seen.tasks_known = cases[i].tasks;
		world->seen.resources[1].is_listed = cases[i].list;
		if (cases[i].is_there)
			plan_world_machine(world, 0, 'i');
		if (cases[i].is_lost_memory) {
			plan_world_machine(world, 0, 's');
			plan_world_machine(world, 0, 's');
		}
		add_mark(world, cases[i].mark, cases[i].ago_s);
		plan_world_plan(world, &plan);
		int64_t ago_s = find_mark(&plan, cases[i].mark);
		if ((plan.mark_count > 0) != cases[i].is_kept ||
		    (cases[i].is_kept && ago_s != cases[i].ago_s))
			fail_msg("when %s: %zu marks, %lld s ago", cases[i].when, plan.mark_count,
				 (long long)ago_s);
		assert_int_equal(plan.termination_count, 0);
		plan_release(&plan);
		free(world);
	}
}

static void test_each_mark_finds_its_own(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 9, "c");
	for (int i = 0; i < 3; i++)
		plan_world_machine(world, 0, 'w')->instance.state = INSTANCE_STOPPED;
	plan_world_machine(world, 0, 'i');
	add_mark(world, "stopped local-c", 70);
	add_mark(world, "silent local-b", 500); /* of another kind */
	add_mark(world, "stopped local-b", 30);
	add_mark(world, "stopped local-a", -5); /* of a clock that was wrong */
	plan_world_plan(world, &plan);
	assert_int_equal(plan.termination_count, 3);
	assert_false(plan.terminations[0].is_due);
	assert_false(plan.terminations[1].is_due);
	assert_true(plan.terminations[2].is_due);
	assert_int_equal(plan.mark_count, 3);
	assert_int_equal(find_mark(&plan, "stopped local-a"), 0);
	assert_int_equal(find_mark(&plan, "stopped local-b"), 30);
	assert_int_equal(find_mark(&plan, "stopped local-c"), 70);
	plan_release(&plan);
	free(world);
}

/* Found by the simulator: machines that were gone for good kept everything at a stand for ever. */
static void test_lost_memory_is_believed_for_a_while(void **state)
{
	static const struct {
		const char *when;
		int since_s; /* the mark's age; 0: there is none */
		bool is_known; /* the records can be read */
		enum why why;
		size_t terminations;
		bool has_mark; /* for the next pass */
	} cases[] = {
		{ "it begins", 0, true, WHY_MEMORY_LOST, 0, true },
		{ "it lasts", 600, true, WHY_MEMORY_LOST, 0, true },
		{ "it lasts for longer than an idle machine may be silent", 601, true, WHY_LAUNCH,
		  2, true },
		{ "nobody could report in between", 300, false, WHY_UNKNOWN, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct plan plan;

		plan_world_resource(world, "first", 9, "c");
		plan_world_machine(world, 0, 's');
		plan_world_machine(world, 0, 's');
		world->seen.workers_known = cases[i].is_known;
		if (cases[i].since_s) {
			world->seen.mark_count = 1;
			(void)snprintf(world->marks[0].what, sizeof(world->marks[0].what),
				       "memory lost");
			world->marks[0].first_s = NOW_S - cases[i].since_s;
		}
		plan_world_plan(world, &plan);
		if (plan.resources[0].why != cases[i].why ||
		    plan.termination_count != cases[i].terminations ||
		    (find_mark(&plan, "memory lost") >= 0) != cases[i].has_mark)
			fail_msg("when %s: %s, %zu terminations", cases[i].when,
				 why_text(plan.resources[0].why), plan.termination_count);
		plan_release(&plan);
		free(world);
	}
}

/* The first look says nothing to the machine yet; what an operator said goes on. */
static void test_an_operators_word_stands_until_the_plan_has_one(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 4, "c");
	struct observed_machine *machine = plan_world_machine(world, 0, 'd');
	machine->record.idle_s = 9999;
	machine->order = ORDER_DRAIN;
	plan_world_plan(world, &plan);
	assert_int_equal(plan.order_count, 1);
	assert_int_equal(plan.orders[0].order, ORDER_DRAIN);
	assert_int_equal(plan.orders[0].doom, DOOM_NONE);
	plan_release(&plan);
	free(world);
}

static void test_a_mark_that_was_seen_again_is_kept_once(void **state)
{
	struct plan_world *world = plan_world_new(0, 0);
	struct plan plan;

	(void)state;
	plan_world_resource(world, "first", 4, "c");
	plan_world_machine(world, 0, 'w')->instance.state = INSTANCE_STOPPED;
	world->seen.workers_known = false;
	add_mark(world, "stopped local-a", 30);
	plan_world_plan(world, &plan);
	assert_int_equal(plan.mark_count, 1);
	assert_int_equal(find_mark(&plan, "stopped local-a"), 30);
	plan_release(&plan);
	free(world);
}

/* Ours may be minutes off: then two looks in one moment would be far enough apart. */
static void test_nothing_is_due_by_a_clock_that_is_not_clearmls(void **state)
{
	static const struct {
		const char *when;
		bool is_clock_known;
		int age_s;
		bool is_due;
	} cases[] = {
		{ "ClearML told the time", true, 600, true },
		{ "it did not", false, 600, false },
		{ "it did not, and this is the first look", false, -1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan_world *world = plan_world_new(1, 0);
		struct plan plan;

		plan_world_resource(world, "first", 4, "c");
		plan_world_machine(world, 0, 'w')->instance.state = INSTANCE_STOPPED;
		world->seen.workers_known = world->seen.queues_known = false;
		world->seen.is_clock_known = cases[i].is_clock_known;
		if (cases[i].age_s >= 0)
			add_mark(world, "stopped local-a", cases[i].age_s);
		plan_world_plan(world, &plan);
		assert_int_equal(plan.termination_count, 1);
		if (plan.terminations[0].is_due != cases[i].is_due)
			fail_msg("when %s: due %d", cases[i].when, plan.terminations[0].is_due);
		/* The look that counts is kept; one by another clock is none. */
		assert_int_equal(plan.mark_count, cases[i].age_s >= 0);
		plan_release(&plan);
		free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_memory_is_believed_for_a_while),
		cmocka_unit_test(test_overdue_idle_drains_first),
		cmocka_unit_test(test_orders_of_an_operator),
		cmocka_unit_test(test_a_longer_pause_between_looks_counts),
		cmocka_unit_test(test_a_resource_that_is_configured_no_more),
		cmocka_unit_test(test_a_longer_life_elsewhere_is_allowed_to_the_gone),
		cmocka_unit_test(test_of_two_in_a_slot_one_is_told_to_drain),
		cmocka_unit_test(test_marks_survive_what_could_not_be_read),
		cmocka_unit_test(test_each_mark_finds_its_own),
		cmocka_unit_test(test_an_operators_word_stands_until_the_plan_has_one),
		cmocka_unit_test(test_a_mark_that_was_seen_again_is_kept_once),
		cmocka_unit_test(test_nothing_is_due_by_a_clock_that_is_not_clearmls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
