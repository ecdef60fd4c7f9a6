#include "tests/simulation/stage.h"

#include <stdarg.h>
#include <stdio.h>

#include "tests/simulation/play.h"

void stage_fault(struct stage *stage, const char *fmt, ...)
{
	va_list arguments;

	if (stage->text[0])
		return;
	va_start(arguments, fmt);
	(void)vsnprintf(stage->text, sizeof(stage->text), fmt, arguments);
	va_end(arguments);
}

void stage_begin(struct stage *stage)
{
	invariants_open(&stage->invariants, &stage->drawn, &stage->drawn.options.watcher);
	stage->world = world_open(&stage->drawn.options);
}

void stage_finish(struct stage *stage)
{
	play_to_the_end(&stage->invariants, stage->world, world_now_s(stage->world));
	if (stage->invariants.has_failed)
		stage_fault(stage, "%s", stage->invariants.text);
	world_close(stage->world);
	invariants_release(&stage->invariants);
	drawn_release(&stage->drawn);
}

void stage_add_tasks(struct stage *stage, unsigned count, int64_t at_s, int64_t duration_s)
{
	for (unsigned i = 0; i < count; i++)
		world_add_task(stage->world, at_s, 0, duration_s, 0);
}

static int64_t wait_s(const struct stage *stage, size_t task)
{
	struct world_task_fate fate;

	world_task_fate(stage->world, task, &fate);
	return fate.started_ms < 0 ? INT64_MAX : (fate.started_ms - fate.arrived_ms) / 1000;
}

void stage_expect_wait(struct stage *stage, size_t task, int64_t most_s)
{
	if (wait_s(stage, task) > most_s)
		stage_fault(stage, "task %zu waited %lld s, more than %lld", task,
			    (long long)wait_s(stage, task), (long long)most_s);
}

void stage_expect_machines(struct stage *stage, size_t count)
{
	if (world_machine_count(stage->world) != count)
		stage_fault(stage, "%zu machines, not %zu", world_machine_count(stage->world),
			    count);
}

void stage_expect_runs(struct stage *stage, size_t task, unsigned count)
{
	if (stage->world->tasks[task].runs != count)
		stage_fault(stage, "task %zu ran %u times, not %u", task,
			    stage->world->tasks[task].runs, count);
}
