/* pass_journal: each thing that was done or decided is told with its reason, what lasts once a
 * day, and where nothing happened nothing. */
#include "reaper/pass_journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "tests/unit/support/plan_world.h"

enum { LINE_ROOM = 700, ROOM = 4 };

/* A pass of a world with the resources "gpu" and "cpu", in which nothing happened. */
struct bench {
	struct plan_world *world;
	struct plan plan;
	struct ledger ledger;
	struct remembered remembered[ROOM];
	struct act act;
	struct act_result result;
	struct planned_launch launches[ROOM];
	struct planned_termination terminations[ROOM];
	struct planned_order orders[ROOM];
	struct planned_unregister unregisters[ROOM];
	struct planned_repair repairs[ROOM];
	char warnings[ROOM][PLAN_WORDS_ROOM];
	struct observed_double doubles[ROOM];
	enum outcome outcomes[5][ROOM];
	struct act_launched launched[ROOM];
	char calm[1][PLAN_WORDS_ROOM];
	struct offering_state states[1];
	struct remembered_resource memory[1];
};

static void bench_release(struct bench *bench)
{
	free(bench->world);
}

static void bench_make(struct bench *bench)
{
	struct plan_world *world = plan_world_new(0, 0);

	plan_world_resource(world, "gpu", 8, "g");
	plan_world_resource(world, "cpu", 8, "c");
	SET(plan_world_machine(world, 0, 'w')->instance.id, "i-1");
	for (size_t r = 0; r < 2; r++)
		world->seen.resources[r].is_listed = true;
	SET(world->settings.prefix, "lab");
	SET(world->settings.queues[1], "train");
	world->settings.breaker_failures = 3;
	world->settings.breaker_probe_s = 600;
	world->seen.doubles = bench->doubles;
	*bench = (struct bench){ .world = world,
				 .plan = { .launches = bench->launches,
					   .terminations = bench->terminations,
					   .orders = bench->orders,
					   .unregisters = bench->unregisters,
					   .repairs = bench->repairs,
					   .warnings = bench->warnings },
				 .ledger.machines = bench->remembered,
				 .act = { .settings = &world->settings,
					  .seen = &world->seen,
					  .plan = &bench->plan,
					  .ledger = &bench->ledger } };
	bench->result = (struct act_result){ .launches = bench->outcomes[0],
					     .terminations = bench->outcomes[1],
					     .repairs = bench->outcomes[2],
					     .unregisters = bench->outcomes[3],
					     .queues = bench->outcomes[4],
					     .launched = bench->launched };
}

/* ---- one thing that happened, each ---- */

static void launch(struct bench *bench, enum outcome outcome)
{
	bench->plan.launch_count = 1;
	bench->launches[0] =
		(struct planned_launch){ .slot = 3, .generation = 1, .why = WHY_LAUNCH };
	bench->outcomes[0][0] = outcome;
	SET(bench->launched[0].instance, "i-9");
	SET(bench->launched[0].offering, "g5/a/spot");
	if (outcome != OUTCOME_DONE)
		(void)error_set(&bench->launched[0].why, ERROR_CAPACITY, "none left");
}

static void launches(struct bench *bench)
{
	launch(bench, OUTCOME_DONE);
}

static void has_no_time(struct bench *bench)
{
	launch(bench, OUTCOME_NONE);
}

static void finds_the_slot_held(struct bench *bench)
{
	launch(bench, OUTCOME_HELD);
}

static void gets_no_answer(struct bench *bench)
{
	launch(bench, OUTCOME_OPEN);
}

static void fails_to_launch(struct bench *bench)
{
	launch(bench, OUTCOME_FAILED);
}

static void terminate(struct bench *bench, enum outcome outcome)
{
	bench->plan.termination_count = 1;
	bench->terminations[0] = (struct planned_termination){ .doom = DOOM_SILENT };
	bench->outcomes[1][0] = outcome;
}

static void terminates(struct bench *bench)
{
	terminate(bench, OUTCOME_DONE);
}

static void terminates_of_no_resource(struct bench *bench)
{
	terminate(bench, OUTCOME_DONE);
	bench->world->machines[0].resource = RESOURCE_NONE;
	SET(bench->world->machines[0].instance.resource, "old");
}

static void looks_for_the_first_time(struct bench *bench)
{
	terminate(bench, OUTCOME_NONE);
}

static void finds_it_back(struct bench *bench)
{
	terminate(bench, OUTCOME_CHANGED);
}

static void fails_to_terminate(struct bench *bench)
{
	terminate(bench, OUTCOME_FAILED);
}

static void repair(struct bench *bench, enum loss loss, enum verdict verdict, enum outcome outcome)
{
	struct observed_task *lost = &bench->world->lost[0];

	*lost = (struct observed_task){ .loss = loss, .attempt = 2, .max_attempts = 3 };
	SET(lost->task.id, "t1");
	SET(lost->instance, loss == LOSS_NOBODY ? "" : "i-1");
	bench->world->seen.lost = lost;
	bench->plan.repair_count = 1;
	bench->repairs[0] = (struct planned_repair){ .verdict = verdict };
	bench->outcomes[2][0] = outcome;
}

static void returns_of_a_dead_machine(struct bench *bench)
{
	repair(bench, LOSS_TERMINATED, VERDICT_RETURN, OUTCOME_DONE);
}

static void returns_of_a_live_machine(struct bench *bench)
{
	repair(bench, LOSS_UNLISTED, VERDICT_RETURN, OUTCOME_DONE);
}

static void returns_of_nobody(struct bench *bench)
{
	repair(bench, LOSS_NOBODY, VERDICT_RETURN, OUTCOME_DONE);
}

static void fails_a_task(struct bench *bench)
{
	repair(bench, LOSS_TERMINATED, VERDICT_FAIL, OUTCOME_DONE);
}

static void tidies_a_task(struct bench *bench)
{
	repair(bench, LOSS_TERMINATED, VERDICT_STANDS, OUTCOME_DONE);
}

static void fails_to_repair(struct bench *bench)
{
	repair(bench, LOSS_TERMINATED, VERDICT_RETURN, OUTCOME_FAILED);
}

static void finds_a_task_changed(struct bench *bench)
{
	repair(bench, LOSS_TERMINATED, VERDICT_RETURN, OUTCOME_CHANGED);
}

static void remembers(struct bench *bench, const char *name, int listed_ago_s)
{
	struct remembered *remembered = &bench->remembered[bench->ledger.machine_count++];

	SET(remembered->instance, name);
	SET(remembered->resource, "gpu");
	remembered->listed_s = listed_ago_s ? NOW_S - listed_ago_s : 0;
}

static void sees_it_end(struct bench *bench)
{
	struct observed_machine *machine = &bench->world->machines[0];

	remembers(bench, "i-1", 60);
	machine->instance.state = INSTANCE_TERMINATED;
	machine->instance.launched_s = NOW_S - 4000;
	machine->instance.ended_s = NOW_S - 400;
	SET(machine->record.reason, "idle");
}

static void sees_it_stopping(struct bench *bench)
{
	sees_it_end(bench);
	bench->world->machines[0].instance.state = INSTANCE_STOPPING;
	bench->world->machines[0].instance.ended_s = 0;
	SET(bench->world->machines[0].record.reason, "");
}

static void knows_no_launch(struct bench *bench)
{
	sees_it_end(bench);
	bench->world->machines[0].instance.launched_s = 0;
}

static void saw_it_end_before(struct bench *bench)
{
	sees_it_end(bench);
	bench->remembered[0].listed_s = 0;
}

static void remembers_one_that_lives(struct bench *bench)
{
	remembers(bench, "i-1", 60);
}

static void finds_no_trace(struct bench *bench)
{
	remembers(bench, "i-7", 200);
}

static void misses_one_for_a_moment(struct bench *bench)
{
	remembers(bench, "i-7", 60);
}

static void misses_one_and_a_list(struct bench *bench)
{
	finds_no_trace(bench);
	SET(bench->world->seen.resources[0].problem, "no answer");
}

static void orders(struct bench *bench)
{
	bench->plan.order_count = 2;
	bench->orders[0] = (struct planned_order){ .order = ORDER_DRAIN, .doom = DOOM_OVERDUE };
	bench->orders[1] = (struct planned_order){ .order = ORDER_KEEP };
}

static void unregisters(struct bench *bench)
{
	SET(bench->world->ghosts[0].worker, "lab:gpu:g5:i-0");
	SET(bench->world->ghosts[0].instance, "i-0");
	bench->world->seen.ghosts = bench->world->ghosts;
	bench->plan.unregister_count = 2; /* the other one is not due */
	bench->outcomes[3][0] = OUTCOME_DONE;
}

static void makes_a_queue(struct bench *bench)
{
	bench->outcomes[4][1] = OUTCOME_DONE;
}

static void sees_a_task_twice(struct bench *bench)
{
	bench->world->seen.double_count = 1;
	bench->world->seen.doubles = bench->doubles;
	SET(bench->doubles[0].task, "t1");
	SET(bench->doubles[0].workers[0], "a");
	SET(bench->doubles[0].workers[1], "b");
}

static void cannot_list(struct bench *bench)
{
	bench->world->seen.resources[0].is_listed = false;
	SET(bench->world->seen.resources[0].problem, "no answer");
}

static void breaks(struct bench *bench)
{
	bench->world->seen.resources[0].boot_failures = 3;
	bench->world->seen.resources[0].last_boot_failure_s = NOW_S - 10;
}

static void tries_again(struct bench *bench)
{
	breaks(bench);
	bench->world->seen.resources[0].last_boot_failure_s = NOW_S - 600;
}

static void has_no_money(struct bench *bench)
{
	bench->plan.resources[1].why = WHY_BUDGET;
	SET(bench->plan.resources[1].words, "$/day of total: 12.00 of 12.00 spent");
}

static void has_money_again(struct bench *bench)
{
	bench->plan.calm_budgets = bench->calm;
	bench->plan.calm_budget_count = 1;
	SET(bench->calm[0], "resource gpu");
}

static void cools_until(struct bench *bench, int64_t until_s)
{
	bench->ledger.offerings = bench->states;
	bench->ledger.offering_count = 1;
	bench->states[0] = (struct offering_state){
		.resource = "gpu", .offering = "g5/a/spot", .until_s = until_s, .failures = 2
	};
}

static void has_no_capacity(struct bench *bench)
{
	cools_until(bench, NOW_S + 360);
}

static void has_capacity_again(struct bench *bench)
{
	cools_until(bench, NOW_S);
}

static void remembers_spot(struct bench *bench, int64_t since_s, int64_t until_s)
{
	plan_world_offering(bench->world, 0, "small", USD)->market = MARKET_SPOT;
	bench->world->offerings[0][0].market = MARKET_ON_DEMAND;
	bench->ledger.resources = bench->memory;
	bench->ledger.resource_count = 1;
	bench->memory[0] = (struct remembered_resource){ .resource = "gpu",
							 .spot_failing_since_s = since_s,
							 .spot_blackout_until_s = until_s };
}

static void rolls_spot_back(struct bench *bench)
{
	remembers_spot(bench, NOW_S - 900, 0);
}

static void blacks_spot_out(struct bench *bench)
{
	remembers_spot(bench, NOW_S - 900, NOW_S + 1800);
}

static void asks_spot_again(struct bench *bench)
{
	remembers_spot(bench, 0, 0);
}

static void is_nearly_out_of_money(struct bench *bench)
{
	bench->plan.warning_count = 1;
	SET(bench->warnings[0], "$/day of resource gpu: 9.60 of 12.00 spent");
}

static void is_nearly_out_of_a_queues_money(struct bench *bench)
{
	bench->plan.warning_count = 1;
	SET(bench->warnings[0], "$/h of queue lab:train: 9.60, and 1.00 more, of 12.00");
}

static void sees_that_memory_is_lost(struct bench *bench)
{
	bench->plan.resources[0].why = WHY_MEMORY_LOST;
}

static void does_nothing(struct bench *bench)
{
	(void)bench;
}

static void cannot_read_the_workers(struct bench *bench)
{
	bench->world->seen.workers_known = false;
}

#define TASK_ENDED "attempt 2 of 3 ended, its machine i-1 "
/* The first of these, then what is told of every pass in which all is well. */
static const struct {
	const char *when;
	void (*set)(struct bench *bench);
	const char *told; /* kind event|subject|text, one a line */
} cases[] = {
	{ "it does nothing", does_nothing, "" },
	{ "it launches", launches,
	  "+launched|i-9|gpu slot 3 generation 1, g5/a/spot: tasks wait and no seat is free\n" },
	{ "it has no time to", has_no_time, "" },
	{ "the slot is held", finds_the_slot_held, "=held|gpu slot 3|held: none left\n" },
	{ "no answer comes", gets_no_answer,
	  "=open|gpu slot 3|no answer: the same request is repeated (none left)\n" },
	{ "a launch fails", fails_to_launch, "=launch failed|gpu slot 3|capacity: none left\n" },
	{ "it terminates", terminates, "+terminated|i-1|gpu slot 0: silent\n" },
	{ "the machine's resource is gone", terminates_of_no_resource,
	  "+terminated|i-1|old slot 0: silent\n" },
	{ "it is the first look", looks_for_the_first_time, "" },
	{ "the machine is back", finds_it_back, "+left alone|i-1|it is no more: silent\n" },
	{ "a termination fails", fails_to_terminate,
	  "=termination failed|i-1|silent: the log says why\n" },
	{ "a dead machine's task returns", returns_of_a_dead_machine,
	  "+returned|t1|" TASK_ENDED "is seen terminated: back to the front of its queue\n" },
	{ "a live machine's task returns", returns_of_a_live_machine,
	  "+returned|t1|" TASK_ENDED "does not run it: back to the front of its queue\n" },
	{ "nobody's task returns", returns_of_nobody,
	  "+returned|t1|it was in no queue, and nobody's: back to the front of its queue\n" },
	{ "a task is failed", fails_a_task,
	  "+failed|t1|" TASK_ENDED "is seen terminated: it is not tried again\n" },
	{ "a task's end stands", tidies_a_task, "" },
	{ "a repair fails", fails_to_repair, "=repair failed|t1|return: the log says why\n" },
	{ "a task changed meanwhile", finds_a_task_changed, "" },
	{ "a machine is seen to end", sees_it_end, "+gone|i-1|gpu slot 0 after 1h 00m: idle\n" },
	{ "it ends, and says nothing", sees_it_stopping, "+gone|i-1|gpu slot 0 after 1h 06m\n" },
	{ "nobody knows when it began", knows_no_launch,
	  "+gone|i-1|gpu slot 0 after an unknown time: idle\n" },
	{ "its end was told before", saw_it_end_before, "" },
	{ "it is alive", remembers_one_that_lives, "" },
	{ "no list shows one any more", finds_no_trace,
	  "+gone|i-7|gpu: no list shows it any more\n" },
	{ "a list may be late", misses_one_for_a_moment, "" },
	{ "a list is not known", misses_one_and_a_list, "" },
	{ "it orders", orders,
	  "=ordered|i-1|drain: overdue idle\n=ordered|i-1|keep: an operator's word\n" },
	{ "it unregisters", unregisters,
	  "+unregistered|lab:gpu:g5:i-0|its machine i-0 is seen terminated\n" },
	{ "it makes a queue", makes_a_queue,
	  "+queue made|train|it is configured, and was not in ClearML\n" },
	{ "a task runs twice", sees_a_task_twice, "=double|t1|runs twice: a and b\n" },
	{ "a list fails", cannot_list, "=list|gpu|unknown: no answer\n" },
	{ "the breaker opens", breaks,
	  "=breaker|gpu|open: 3 boots failed in a row, nothing is launched for now\n" },
	{ "the breaker is half open", tries_again,
	  "=breaker|gpu|half open: 3 boots failed in a row, one machine is tried\n" },
	{ "the budget is spent", has_no_money,
	  "=budget|cpu|nothing is launched: $/day of total: 12.00 of 12.00 spent\n" },
	{ "a budget is nearly used up", is_nearly_out_of_money,
	  "=budget warning|resource gpu|nearly used up: $/day: 9.60 of 12.00 spent\n" },
	{ "one of a queue with a colon is", is_nearly_out_of_a_queues_money,
	  "=budget warning|queue lab:train|nearly used up: $/h: 9.60, and 1.00 more, of 12.00\n" },
	{ "an offering cools down", has_no_capacity,
	  "=cooldown|gpu g5/a/spot|cooling down: no capacity or quota, 2 times in a row; not asked "
	  "for 6m 00s\n" },
	{ "spot is rolled back", rolls_spot_back,
	  "=spot|gpu|rolled back: spot has failed for 15m 00s, on-demand is asked too\n" },
	{ "spot is blacked out", blacks_spot_out,
	  "=spot|gpu|blackout: spot failed again, on-demand alone is asked for 30m 00s\n" },
	{ "ClearML's memory is lost", sees_that_memory_is_lost,
	  "=memory|lab|lost: most machines have no record: ClearML may have lost its memory; "
	  "nothing is terminated, nothing launched\n" },
	{ "nothing is known of the workers", cannot_read_the_workers, "" },
};

/* What ended is told by whoever was told that it began: of each pass, and not of interest here. */
static void print(const struct news_list *list, struct buf *out)
{
	static const char kinds[] = { [NEWS_HAPPENED] = '+', [NEWS_LASTS] = '=' };

	for (size_t i = 0; i < list->count; i++) {
		const struct journal_entry *entry = &list->news[i].entry;

		assert_int_equal(entry->time_s, NOW_S);
		if (list->news[i].kind != NEWS_ENDED)
			buf_addf(out, "%c%s|%s|%s\n", kinds[list->news[i].kind], entry->event,
				 entry->subject, entry->text);
	}
}

static void test_what_a_pass_did_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(bench) struct bench bench = { 0 };
		SCOPED(news_list) struct news_list news = { 0 };
		SCOPED(buf) struct buf text = BUF(4096);

		bench_make(&bench);
		cases[i].set(&bench);
		pass_news(&bench.act, &bench.result, &news);
		print(&news, &text);
		if (strcmp(buf_text(&text), cases[i].told) != 0)
			fail_msg("when %s:\n%sexpected:\n%s", cases[i].when, buf_text(&text),
				 cases[i].told);
	}
}

static bool tells_end(void (*set)(struct bench *), const char *event, const char *subject)
{
	SCOPED(bench) struct bench bench = { 0 };
	SCOPED(news_list) struct news_list news = { 0 };
	bool tells = false;

	bench_make(&bench);
	set(&bench);
	pass_news(&bench.act, &bench.result, &news);
	for (size_t i = 0; i < news.count; i++)
		tells |= news.news[i].kind == NEWS_ENDED &&
			 !strcmp(news.news[i].entry.event, event) &&
			 !strcmp(news.news[i].entry.subject, subject);
	return tells;
}

static void test_the_end_of_what_lasted_is_told(void **state)
{
	static const struct {
		const char *when;
		void (*set)(struct bench *bench);
		const char *event, *subject;
		bool tells;
	} ends[] = {
		{ "when the list works", does_nothing, "list", "gpu", true },
		{ "when it does not", cannot_list, "list", "gpu", false },
		{ "when another one does not", cannot_list, "list", "cpu", true },
		{ "when boots work", does_nothing, "breaker", "gpu", true },
		{ "when the breaker is half open", tries_again, "breaker", "gpu", false },
		{ "when ClearML remembers", does_nothing, "memory", "lab", true },
		{ "when it does not", sees_that_memory_is_lost, "memory", "lab", false },
		{ "when a budget has room again", has_money_again, "budget warning", "resource gpu",
		  true },
		{ "when it is still nearly spent", is_nearly_out_of_money, "budget warning",
		  "resource gpu", false },
		{ "when a cooldown is over", has_capacity_again, "cooldown", "gpu g5/a/spot",
		  true },
		{ "when it is not", has_no_capacity, "cooldown", "gpu g5/a/spot", false },
		{ "when spot works", asks_spot_again, "spot", "gpu", true },
		{ "when spot does not", blacks_spot_out, "spot", "gpu", false },
		{ "when nobody knows", cannot_read_the_workers, "memory", "lab", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (tells_end(ends[i].set, ends[i].event, ends[i].subject) != ends[i].tells)
			fail_msg("%s: %s of %s", ends[i].when, ends[i].event, ends[i].subject);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_pass_did_is_told),
		cmocka_unit_test(test_the_end_of_what_lasted_is_told),
	};

	log_open("test", NULL, LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
