/* report: the tables and JSON that people and programs get, against files in golden/. */
#include "reaper/money/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/plan_world.h"

#define NOW_MS ((int64_t)NOW_S * 1000)
#define TASK "714244096a4a4b8b84f58c22b2a543eb"

/* A day in the life: tasks wait, machines work, one fell silent, one took its task along. */
static struct plan_world *busy_world(void)
{
	struct plan_world *world = plan_world_new(5, 1);

	SET(world->settings.prefix, "demo");
	plan_world_resource(world, "cpu", 6, "c");
	plan_world_resource(world, "gpu-spot", 2, "g");
	plan_world_resource(world, "gpu", 1, "g");
	for (size_t r = 0; r < 3; r++)
		SET(world->resources[r].provider, "local");
	world->seen.queues[0].oldest_ms = NOW_MS - 65000;
	world->seen.queues[1].oldest_ms = NOW_MS - 3000;
	world->seen.clearml_calls = 4;
	return world;
}

static void add_machines(struct plan_world *world)
{
	struct observed_machine *machine = plan_world_machine(world, 0, 'w');

	SET(machine->record.tasks[0], TASK);
	machine->record.task_count = 1;
	machine->last_report_ms = NOW_MS - 7000;
	machine = plan_world_machine(world, 0, 'i');
	machine->record.idle_s = 70;
	machine->last_report_ms = NOW_MS - 20000;
	SET(machine->record.kept_by, "ssh");
	(void)plan_world_machine(world, 0, 'b');
	(void)plan_world_machine(world, 0, 'd');
	machine = plan_world_machine(world, 1, 's');
	machine->last_report_ms = NOW_MS - 900000;
	machine = plan_world_machine(world, 1, 'x');
	machine->is_listed = false;
	machine->has_record = true;
	SET(machine->record.phase, "serve");
	(void)plan_world_machine(world, 2, 't');
}

static void add_loss(struct plan_world *world)
{
	struct observed_task *lost = &world->lost[0];

	world->seen.lost_count = 1;
	*lost = (struct observed_task){ .attempt = 1, .max_attempts = 3 };
	lost->task.status = TASK_IN_PROGRESS;
	SET(lost->task.id, TASK);
	SET(lost->task.name, "train \033[31mred\033[0m \xe2\x80\xae large");
	SET(lost->task.last_worker, "demo:gpu:small:gone");
	SET(lost->instance, "gone");
}

static void add_attempt(struct plan_world *world)
{
	world->seen.attempt_count = 1;
	world->attempts[0] = (struct open_attempt){ .slot = 4, .generation = 2, .asked_s = NOW_S };
	SET(world->attempts[0].resource, "cpu");
	SET(world->attempts[0].day, "2027-01-14");
}

/* Orders, a ghost, budgets, a breaker: what an operator looks for when nothing moves. */
static void nothing_moves(struct plan_world *world)
{
	struct observed_machine *machine = plan_world_machine(world, 0, 'i');

	machine->order = ORDER_KEEP;
	machine = plan_world_machine(world, 0, 'd');
	machine->record.idle_s = 9000;
	machine->price = MONEY_UNKNOWN;
	world->marks[0] = (struct mark){ "overdue idle local-b", NOW_S - 600 };
	world->marks[1] = (struct mark){ "drained local-b", NOW_S - 300 };
	world->seen.mark_count = 2;
	world->seen.ghost_count = 1;
	SET(world->ghosts[0].worker, "demo:gpu:small:gone");
	SET(world->ghosts[0].instance, "gone");
	world->settings.budget.day = 10 * USD;
	world->seen.spent.day = 9 * USD;
	world->resources[0].budget.month = 200 * USD;
	world->seen.resources[0].spent.month = 200 * USD;
	world->settings.breaker_failures = 3;
	world->settings.breaker_probe_s = 600;
	world->seen.resources[1].boot_failures = 3;
	world->seen.resources[1].last_boot_failure_s = NOW_S - 200;
	add_loss(world);
	world->lost[0].loss = LOSS_UNLISTED;
	world->seen.spend_lost_s = NOW_S - 3600;
	world->seen.rival_s = NOW_S - 60;
	SET(world->seen.rival, "b");
	world->lost[1] = (struct observed_task){ .loss = LOSS_NOBODY, .max_attempts = 3 };
	world->lost[1].task.status = TASK_QUEUED;
	SET(world->lost[1].task.id, TASK);
	world->seen.lost_count = 2;
}

static void nothing_at_all(struct plan_world *world)
{
	world->seen.queues[0].waiting = world->seen.queues[1].waiting = 0;
}

/* A request whose launch is over, an old volume, and one of a launch that was asked for. */
static void add_leftovers(struct plan_world *world)
{
	static struct observed_leftover left[3];

	left[0].leftover = (struct leftover){ .kind = LEFTOVER_SPOT_REQUEST, .slot = 1 };
	left[1].leftover = (struct leftover){ .slot = 3, .generation = 5, .gigabytes = 200 };
	left[2].leftover = (struct leftover){ .slot = 4, .generation = 2, .gigabytes = 8 };
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		SET(left[i].leftover.resource, i ? "cpu" : "gpu-spot");
		SET(left[i].leftover.region, "us-east-1");
		SET(left[i].leftover.type, i == 2 ? "gp9" : i ? "gp3" : "g5.xlarge");
		snprintf(left[i].leftover.id, sizeof(left[i].leftover.id),
			 i ? "vol-%zu" : "sir-%zu", i);
		left[i].leftover.made_s = NOW_S - 86400;
	}
	world->seen.leftovers = left;
	world->seen.leftover_count = ARRAY_LEN(left);
	world->seen.leftovers_known = true;
}

static void a_busy_day(struct plan_world *world)
{
	add_leftovers(world);
	add_machines(world);
	add_loss(world);
	add_attempt(world);
	world->seen.queues[0].is_capped = true;
}

static void clearml_is_down(struct plan_world *world)
{
	add_machines(world);
	world->seen.queues_known = world->seen.workers_known = world->seen.tasks_known = false;
	world->seen.queues[0] = world->seen.queues[1] = (struct observed_queue){ 0 };
	SET(world->seen.problem, "queues: no answer\x1b[2J from\nhttp://h:8008");
}

static void a_list_failed(struct plan_world *world)
{
	add_machines(world);
	world->seen.resources[1].is_listed = false;
	SET(world->seen.resources[1].problem, "list the machines of gpu-spot: no such folder");
	world->seen.queues[1] = (struct observed_queue){ 0 };
	world->seen.queues[0].is_forced_off = true;
	SET(world->seen.leftover_problem, "DescribeVolumes: the permission is missing\x1b[2J");
}

static const struct {
	const char *name;
	void (*arrange)(struct plan_world *);
} worlds[] = {
	{ "nothing", nothing_at_all },	     { "busy", a_busy_day },
	{ "clearml_down", clearml_is_down }, { "list_failed", a_list_failed },
	{ "nothing_moves", nothing_moves },
};

static const struct {
	const char *ending;
	void (*write)(const struct report *, struct buf *);
} forms[] = {
	{ "plan.txt", report_plan },	     { "plan.json", report_plan_json },
	{ "status.txt", report_status },     { "status.json", report_status_json },
	{ "decision.txt", report_decision },
};

static void compare(const char *name, const char *ending, const struct buf *got)
{
	SCOPED(buf) struct buf want = BUF(1 << 20);
	char path[128];
	struct error err;

	snprintf(path, sizeof(path), "tests/unit/golden/%s.%s", name, ending);
	/* To make new ones: GOLDEN=write build/debug/tests/unit/test_report, then look at the diff.
	 */
	if (getenv("GOLDEN"))
		assert_int_equal(file_write(path, buf_slice(got), 0644, &err), 0);
	if (file_read(path, &want, &err) < 0)
		fail_msg("%s", err.message);
	if (strcmp(buf_text(got), buf_text(&want)) != 0)
		fail_msg("%s differs:\n%s", path, buf_text(got));
}

static void test_reports_are_as_in_the_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(worlds); i++) {
		struct plan_world *world = busy_world();
		SCOPED(plan) struct plan plan = { 0 };
		struct report report = { &world->settings, &world->seen, &plan };

		worlds[i].arrange(world);
		plan_world_plan(world, &plan);
		for (size_t k = 0; k < ARRAY_LEN(forms); k++) {
			SCOPED(buf) struct buf out = BUF(1 << 20);
			struct error err;

			forms[k].write(&report, &out);
			assert_int_equal(buf_finish(&out, &err), 0);
			compare(worlds[i].name, forms[k].ending, &out);
		}
		free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_reports_are_as_in_the_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
