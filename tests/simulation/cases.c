#include "tests/simulation/cases.h"

#include <stdio.h>

#include "tests/simulation/stage.h"

/* A worker that was killed is listed on: it hides demand, and blocks the launch in its place. */
static void clearml_1201(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 1);
	stage_begin(stage);
	stage_add_tasks(stage, 1, 1, 60);
	world_run_until(stage->world, 400);
	stage->world->machines[0]->record_timeout_ms = 600000; /* ClearML's own, ten minutes */
	world_terminate(stage->world, 0);
	stage_add_tasks(stage, 1, 401, 60);
	world_run_until(stage->world, 1200);
	stage_expect_wait(stage, 1, 300);
	stage_expect_machines(stage, 2);
	stage_finish(stage);
}

/* Judged idle, and at that moment it takes a task: the task is killed. */
static void clearml_1202(struct stage *stage)
{
	struct resource *resource = draw_resource(&stage->drawn, "only", 1);

	resource->ticket.limits.idle_timeout_s = 300;
	stage->drawn.options.boot_least_s = stage->drawn.options.boot_most_s = 60;
	stage_begin(stage);
	/* Its idle time-out is over a little later each time: some task meets the very moment. */
	for (unsigned i = 0; i < 200; i++)
		world_add_task(stage->world, 1 + i * 1000 + i / 2, 0, 500 + i % 3, 0);
	world_run_until(stage->world, 201 * 1000);
	for (size_t i = 0; i < 200; i++) {
		stage_expect_runs(stage, i, 1);
		stage_expect_wait(stage, i, 240);
	}
	stage_finish(stage);
}

/* Three tasks, limits of two and five: ClearML's autoscaler starts five machines. */
static void overshoot_2_and_5(struct stage *stage)
{
	draw_resource(&stage->drawn, "two", 2);
	draw_resource(&stage->drawn, "five", 5);
	stage_begin(stage);
	stage_add_tasks(stage, 3, 1, 600);
	world_run_until(stage->world, 600);
	stage_expect_machines(stage, 3);
	stage_finish(stage);
}

/* The first resource has no capacity: the second one must get the work. */
static void capacity_on_the_first(struct stage *stage)
{
	draw_resource(&stage->drawn, "dry", 3);
	draw_resource(&stage->drawn, "wet", 3);
	stage_begin(stage);
	/* Dry from the beginning, and longer than the case lasts. */
	stage->world->droughts[0][0][0] = stage->world->begin_ms;
	stage->world->droughts[0][0][1] = stage->world->begin_ms + 86400000;
	stage->world->options.faults.droughts = 1e-9;
	stage->world->droughts[1][0][0] = stage->world->droughts[1][0][1] = INT64_MAX;
	stage_add_tasks(stage, 3, 1, 600);
	world_run_until(stage->world, 1200);
	for (size_t i = 0; i < 3; i++)
		stage_expect_wait(stage, i, 420);
	stage_expect_machines(stage, 3);
	stage_finish(stage);
}

/* An idle worker that is dead, but still listed, counts as free: nothing is launched. */
static void dead_idle_worker(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 4);
	stage_begin(stage);
	stage_add_tasks(stage, 1, 1, 60);
	world_run_until(stage->world, 600);
	stage->world->machines[0]->frozen_until_ms = stage->world->now_ms + 86400000;
	stage_add_tasks(stage, 2, 601, 60);
	world_run_until(stage->world, 1500);
	stage_expect_wait(stage, 1, 420);
	stage_expect_wait(stage, 2, 420);
	stage_finish(stage);
}

/* A machine dies over its task, which says "in progress" for two hours more: ClearML's watchdog
 * would be the first to notice. */
static void died_in_progress(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 4);
	stage->drawn.options.boot_least_s = stage->drawn.options.boot_most_s = 60;
	stage_begin(stage);
	stage_add_tasks(stage, 1, 1, 600);
	world_run_until(stage->world, 400);
	world_terminate(stage->world, 0);
	world_run_until(stage->world, 3600);
	stage_expect_runs(stage, 0, 2);
	stage_expect_machines(stage, 2);
	stage_finish(stage);
}

/* The metadata service refuses the id: a worker without a proper name works, and is terminated as
 * stuck. Here its record makes no sense but for whose it is: that proves that it lives. */
static void imds_refused_id(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 1);
	stage_begin(stage);
	stage_add_tasks(stage, 1, 1, 2 * 3600);
	world_run_until(stage->world, 120);
	stage->world->machines[0]->is_garbled = true;
	world_run_until(stage->world, 2 * 3600 + 600);
	stage_expect_runs(stage, 0, 1);
	stage_expect_machines(stage, 1);
	stage_finish(stage);
}

/* And one that gives up by itself each time: it is not replaced for ever at full speed. */
static void imds_refused_boots(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 4);
	stage->drawn.options.faults.boot_fails = 1;
	stage->drawn.options.faults.until_s = 3600;
	stage_begin(stage);
	stage_add_tasks(stage, 4, 1, 60);
	world_run_until(stage->world, 3600);
	if (world_machine_count(stage->world) > 16)
		stage_fault(stage, "%zu machines were started in an hour, and none is fit",
			    world_machine_count(stage->world));
	world_run_until(stage->world, 7200);
	for (size_t i = 0; i < 4; i++)
		stage_expect_wait(stage, i, 3600 + 1500);
	stage_finish(stage);
}

/* Draining machines count as capacity: nothing new starts while they finish. */
static void scaler_39(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 4);
	stage_begin(stage);
	stage_add_tasks(stage, 2, 1, 4 * 3600);
	world_run_until(stage->world, 600);
	for (size_t m = 0; m < 2; m++)
		stage->world->machines[m]->told = ORDER_DRAIN;
	world_run_until(stage->world, 700);
	stage_add_tasks(stage, 2, 701, 60);
	world_run_until(stage->world, 1500);
	stage_expect_wait(stage, 2, 300);
	stage_expect_wait(stage, 3, 300);
	world_run_until(stage->world, 5 * 3600);
	stage_expect_runs(stage, 0, 1);
	stage_expect_runs(stage, 1, 1);
	stage_finish(stage);
}

/* Launches that are still under way are forgotten: the next poll launches again. */
static void scaler_46(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 20);
	stage->drawn.options.boot_least_s = stage->drawn.options.boot_most_s = 500;
	stage->drawn.options.faults.list_lag_ms = 120000;
	stage_begin(stage);
	stage_add_tasks(stage, 5, 1, 600);
	world_run_until(stage->world, 900);
	stage_expect_machines(stage, 5);
	stage_finish(stage);
}

/* The busy flag is stale: a machine that works is taken for an idle one that went silent. */
static void runners_5085(struct stage *stage)
{
	enum { OFFSETS = 40 };

	draw_resource(&stage->drawn, "only", OFFSETS);
	stage->drawn.options.boot_least_s = stage->drawn.options.boot_most_s = 60;
	stage_begin(stage);
	stage_add_tasks(stage, OFFSETS, 1, 3600);
	/* Cut off for half an hour, each a little later: before, at and after the moment in which
	 * it takes its task. */
	world_run_until(stage->world, 120);
	for (size_t m = 0; m < OFFSETS && m < world_machine_count(stage->world); m++) {
		world_run_until(stage->world, 120 + (int64_t)m / 4);
		stage->world->machines[m]->cut_until_ms = stage->world->now_ms + 1800000;
	}
	world_run_until(stage->world, 7200);
	for (size_t i = 0; i < OFFSETS; i++)
		stage_expect_runs(stage, i, 1);
	stage_finish(stage);
}

/* Throttled calls are booked as missing capacity: 2000 of 3000 nodes are off for ten minutes. */
static void parallelcluster_734(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 30);
	stage->drawn.options.faults.throttled = 1;
	stage_begin(stage);
	stage_add_tasks(stage, 30, 1, 600);
	world_run_until(stage->world, 300);
	stage->world->options.faults.throttled = 0;
	world_run_until(stage->world, 900);
	for (size_t i = 0; i < 30; i++)
		stage_expect_wait(stage, i, 300 + 60 + 200);
	stage_expect_machines(stage, 30);
	stage_finish(stage);
}

/* Two machines were launched for one slot, by reapers with different memories. */
static void begin_rivals(struct stage *stage)
{
	struct resource *resource = draw_resource(&stage->drawn, "only", 1);
	struct world_request request = { 0 };

	resource->offering_count = 2;
	resource->offerings[1] = resource->offerings[0];
	(void)snprintf(resource->offerings[1].zone, TICKET_FIELD_ROOM, "zone-1");
	resource->ticket.limits.idle_timeout_s = 3600;
	/* No reaper comes between them: no list can be read, until the end. */
	stage->drawn.options.faults.hosts = 2;
	stage->drawn.options.faults.list_fails = 1;
	stage->drawn.options.boot_least_s = stage->drawn.options.boot_most_s = 60;
	stage_begin(stage);
	(void)world_launch(stage->world, &request);
	request.offering = 1;
	(void)world_launch(stage->world, &request);
	for (unsigned i = 0; i < 60; i++)
		world_add_task(stage->world, 1 + i / 2 * 60, 0, 50, 0);
}

/* They come up at the same time: one of them works, the other one leaves before it does. */
static void rivals_together(struct stage *stage)
{
	begin_rivals(stage);
	world_run_until(stage->world, 1200);
	if (stage->world->machines[0]->tasks && stage->world->machines[1]->tasks)
		stage_fault(stage, "both have taken tasks");
	if (stage->world->machines_alive != 1)
		stage_fault(stage, "%zu of the two are left", stage->world->machines_alive);
	stage->world->options.faults.list_fails = 0;
	stage_finish(stage);
}

/* The younger comes up while the elder works, and must see whether that one lives. */
static void rivals_apart(struct stage *stage)
{
	begin_rivals(stage);
	stage->world->machines[1]->gates_ms += 101000;
	world_run_until(stage->world, 1200);
	if (stage->world->machines[1]->tasks)
		stage_fault(stage, "the younger has taken tasks");
	if (stage->world->machines_alive != 1)
		stage_fault(stage, "%zu of the two are left", stage->world->machines_alive);
	stage->world->options.faults.list_fails = 0;
	stage_finish(stage);
}

/* The elder was cut off while the younger came up: both serve, and then the younger leaves. */
static void rivals_after_a_cut(struct stage *stage)
{
	begin_rivals(stage);
	stage->world->options.faults.cuts = 1e-9; /* both may work until the younger looks */
	stage->world->machines[1]->started_ms += 200000; /* it boots for longer */
	stage->world->machines[1]->gates_ms += 200000;
	world_run_until(stage->world, 115);
	stage->world->machines[0]->cut_until_ms = stage->world->now_ms + 240000;
	world_run_until(stage->world, 3000);
	if (!stage->world->machines[1]->tasks)
		stage_fault(stage, "the younger has not worked in the elder's absence");
	if (stage->world->machines[0]->ended_ms >= 0 || stage->world->machines[1]->ended_ms < 0)
		stage_fault(stage, "it is not the elder that is left");
	stage->world->options.faults.list_fails = 0;
	stage_finish(stage);
}

static void restart(struct stage *stage, unsigned times, unsigned want)
{
	draw_resource(&stage->drawn, "only", 1);
	stage_begin(stage);
	stage_add_tasks(stage, 1, 1, 3600);
	for (int64_t at_s = 600; at_s <= 600 * times; at_s += 600) {
		world_run_until(stage->world, at_s);
		world_machine_restarts(stage->world, 0);
	}
	world_run_until(stage->world, 9000);
	stage_expect_runs(stage, 0, want);
	stage_expect_machines(stage, want);
	stage_finish(stage);
}

/* Its bootstrap is killed while a task runs, three times: the task goes on, and is adopted. */
static void restarted_while_it_runs(struct stage *stage)
{
	restart(stage, 3, 1);
}

/* ... and a fourth time: then it powers off, and the task runs again elsewhere. */
static void restarted_too_often(struct stage *stage)
{
	restart(stage, 4, 2);
}

/* Killed at each moment around the pop: no task is lost, and none is run twice. */
static void restarted_at_the_pop(struct stage *stage)
{
	enum { OFFSETS = 40 };

	draw_resource(&stage->drawn, "only", OFFSETS);
	stage->drawn.options.boot_least_s = stage->drawn.options.boot_most_s = 60;
	stage->drawn.options.faults.latency_ms = 2000; /* between its steps */
	stage_begin(stage);
	stage_add_tasks(stage, OFFSETS, 1, 600);
	world_run_until(stage->world, 60);
	for (int64_t at_s = 60; at_s < 60 + 4 * OFFSETS; at_s++) {
		world_run_until(stage->world, at_s);
		size_t number = (size_t)(at_s % OFFSETS);

		if (number < world_machine_count(stage->world) &&
		    stage->world->machines[number]->restarts < 2)
			world_machine_restarts(stage->world, number);
	}
	world_run_until(stage->world, 3600);
	for (size_t i = 0; i < OFFSETS; i++)
		stage_expect_runs(stage, i, 1);
	stage_finish(stage);
}

/* It bears the name of a machine that is gone; its pop gets no answer. The machine that popped it
 * finds out by itself, and in seconds: a reaper would need minutes. */
static void stale_owner(struct stage *stage)
{
	enum { TASKS = 20 };

	draw_resource(&stage->drawn, "only", 1);
	stage_begin(stage);
	stage_add_tasks(stage, TASKS, 1, 60);
	world_run_until(stage->world, 2);
	for (size_t i = 0; i < TASKS; i++) {
		struct world_task *task = &stage->world->tasks[i];

		text_cut(task->owner, sizeof(task->owner), "i-gone/1");
		text_cut(task->reason, sizeof(task->reason), "infra:terminated (i-gone/1)");
	}
	stage->world->options.faults.calls_lost = 0.5;
	int64_t at_s = 3;

	while (at_s < 3600 && (!world_machine_count(stage->world) ||
			       stage->world->machines[0]->seats[0].state != WORLD_SEAT_UNSURE))
		world_run_until(stage->world, at_s++);
	if (at_s == 3600)
		stage_fault(stage, "no pop was lost");
	size_t task = stage->world->machines[0]->seats[0].task;

	stage_expect_runs(stage, task, 0);
	stage->world->options.faults.calls_lost = 0;
	world_run_until(stage->world, at_s + 40);
	stage_expect_runs(stage, task, 1);
	stage_finish(stage);
}

/* A worker with a free seat, and no instance behind it: it hides no demand, and is not ended. */
static void ghost_hides_nothing(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 2);
	stage_begin(stage);
	stage_add_tasks(stage, 1, 1, 3600);
	world_run_until(stage->world, 600);
	world_add_ghost(stage->world, 0, 1, 600000);
	stage_add_tasks(stage, 1, 601, 60);
	world_run_until(stage->world, 1200);
	stage_expect_wait(stage, 1, 300);
	stage_expect_machines(stage, 3); /* the ghost is the second */
	stage_finish(stage);
}

/* Its resource bears another name now: it is drained, its task ends there, what waits goes on. */
static void renamed_while_it_runs(struct stage *stage)
{
	struct resource *resource = draw_resource(&stage->drawn, "before", 2);
	struct settings *later = memory_array(1, sizeof(*later));

	*later = *stage->drawn.settings;
	later->resources = stage->drawn.later_resources;
	stage->drawn.later_resources[0] = *resource;
	(void)snprintf(stage->drawn.later_resources[0].name, TICKET_FIELD_ROOM, "after");
	stage->drawn.later = later;
	stage->drawn.options.later = later;
	stage->drawn.options.later_s = 600;
	stage_begin(stage);
	stage_add_tasks(stage, 1, 1, 3600);
	world_run_until(stage->world, 900);
	if (!stage->world->machines[0]->is_draining)
		stage_fault(stage, "the machine of the old name is not drained");
	stage_add_tasks(stage, 1, 901, 60);
	world_run_until(stage->world, 5400);
	stage_expect_runs(stage, 0, 1);
	stage_expect_runs(stage, 1, 1);
	stage_expect_wait(stage, 1, 300);
	stage_expect_machines(stage, 2);
	stage_finish(stage);
}

/* No reaper runs for three hours, and a machine dies with its task: ClearML's watchdog
 * stops it. */
static void stopped_by_the_watchdog(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 1);
	stage_begin(stage);
	stage_add_tasks(stage, 1, 1, 3600);
	world_run_until(stage->world, 400);
	stage_expect_runs(stage, 0, 1);
	stage->world->options.pass_every_s = 3 * 3600;
	world_run_until(stage->world, 500);
	stage->world->options.pass_every_s = 60;
	world_terminate(stage->world, 0);
	world_run_until(stage->world, 3 * 3600);
	if (stage->world->tasks[0].status != TASK_STOPPED)
		stage_fault(stage, "the watchdog has not stopped it");
	world_run_until(stage->world, 4 * 3600);
	stage_expect_runs(stage, 0, 2);
	stage_finish(stage);
}

/* Its machine died, and meanwhile the month's budget is spent: it waits, under the old name. */
static void held_back_for_the_month(struct stage *stage)
{
	struct resource *resource = draw_resource(&stage->drawn, "only", 1);

	resource->budget.month = resource->offerings[0].price / 10;
	stage->drawn.has_budgets = stage->drawn.has_month_budgets = true;
	stage_begin(stage);
	stage_add_tasks(stage, 1, 1, 3600);
	world_run_until(stage->world, 900);
	stage_expect_runs(stage, 0, 1);
	world_terminate(stage->world, 0);
	world_run_until(stage->world, 7200);
	if (!stage->world->tasks[0].is_in_queue || !*stage->world->tasks[0].owner)
		stage_fault(stage, "it is not in its queue, under the name of who had it");
	stage_expect_machines(stage, 1);
	stage_finish(stage);
}

static void run_changing(struct stage *stage, int64_t until_s, void (*change)(struct world *))
{
	for (int64_t at_s = world_now_s(stage->world); at_s < until_s; at_s++) {
		change(stage->world);
		world_run_until(stage->world, at_s + 1);
	}
}

static void kill_passes(struct world *world)
{
	for (size_t p = 0; p < WORLD_MAX_PASSES; p++)
		world->passes[p].crash = STEP_WRITE;
}

/* The call that reads the tasks fails in each pass, and no other does. */
static void fail_sweeps(struct world *world)
{
	world->options.faults.calls_fail = 0;
	for (size_t p = 0; p < WORLD_MAX_PASSES; p++)
		if (world->passes[p].is_running && world->passes[p].step == STEP_TASKS)
			world->options.faults.calls_fail = 1;
}

/* Nobody has seen that it took one; and while nobody can read the tasks, it may have. */
static void took_one_unseen(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 1);
	stage->drawn.options.faults.latency_ms = 4000; /* a pass takes a while */
	stage_begin(stage);
	stage_add_tasks(stage, 1, 1, 30);
	stage_add_tasks(stage, 1, 701, 7200);
	world_run_until(stage->world, 700);
	run_changing(stage, 740, kill_passes);
	stage->world->machines[0]->cut_until_ms = stage->world->now_ms + 3000000;
	run_changing(stage, 900, kill_passes);
	if (stage->world->tasks[1].runs != 1)
		stage_fault(stage, "it has not begun before it was cut off");
	run_changing(stage, 2400, fail_sweeps);
	stage->world->options.faults.calls_fail = 0;
	world_run_until(stage->world, 9000);
	stage_expect_runs(stage, 1, 1);
	stage_expect_machines(stage, 1);
	stage_finish(stage);
}

/* What people send may be more than all seats can do in a week. */
static void more_work_than_seats(struct stage *stage)
{
	draw_resource(&stage->drawn, "only", 1);
	stage_begin(stage);
	stage_add_tasks(stage, 10, 1, 20 * 3600);
	stage_finish(stage);
}

static const struct {
	const char *name;
	void (*play)(struct stage *stage);
} cases[] = {
	{ "clearml#1201: a killed worker that is listed on", clearml_1201 },
	{ "clearml#1202: a task just taken, and judged idle", clearml_1202 },
	{ "3 tasks, limits 2 + 5", overshoot_2_and_5 },
	{ "capacity shortage on the first resource", capacity_on_the_first },
	{ "a dead idle worker hides demand", dead_idle_worker },
	{ "a machine dies over a task in progress", died_in_progress },
	{ "IMDS refuses the id: working, with no name", imds_refused_id },
	{ "IMDS refuses the id: no boot ever works", imds_refused_boots },
	{ "buildkite-agent-scaler#39: draining is no capacity", scaler_39 },
	{ "buildkite-agent-scaler#46: launches under way", scaler_46 },
	{ "github-aws-runners#5085: a stale busy flag", runners_5085 },
	{ "aws-parallelcluster-node#734: throttled is not dry", parallelcluster_734 },
	{ "a bootstrap that is killed while a task runs", restarted_while_it_runs },
	{ "a bootstrap that is killed too often", restarted_too_often },
	{ "a bootstrap that is killed around the pop", restarted_at_the_pop },
	{ "a ghost with a free seat", ghost_hides_nothing },
	{ "a resource that is renamed while a task runs", renamed_while_it_runs },
	{ "a lost pop of a task that bears a dead one's name", stale_owner },
	{ "stopped by ClearML's watchdog while no reaper ran", stopped_by_the_watchdog },
	{ "a month's budget is spent under a task that was given back", held_back_for_the_month },
	{ "a task that nobody has seen it take, and no tasks to read", took_one_unseen },
	{ "one seat, and work for more than a week", more_work_than_seats },
	{ "one slot, two machines, up at the same time", rivals_together },
	{ "one slot, two machines, one up later", rivals_apart },
	{ "one slot, two machines, the elder was cut off", rivals_after_a_cut },
};

unsigned cases_run(void)
{
	unsigned failures = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stage stage = { 0 };

		draw_plain(&stage.drawn);
		cases[i].play(&stage);
		(void)printf("%s  %s%s%s\n", stage.text[0] ? "FAILED" : "passed", cases[i].name,
			     stage.text[0] ? ": " : "", stage.text);
		failures += stage.text[0] != '\0';
	}
	return failures;
}
