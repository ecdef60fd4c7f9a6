#include "tests/unit/support/observe_bench.h"

#include <stdlib.h>
#include <string.h>

void observe_bench_open(struct observe_bench *bench, const char *const *instances,
			const enum instance_state *states)
{
	SCOPED(fleet) struct fleet fleet = { .list = memory_array(8, sizeof(*fleet.list)) };

	memset(bench, 0, sizeof(*bench));
	bench->world = plan_world_new(0, 0);
	bench->settings = &bench->world->settings;
	plan_world_resource(bench->world, "cpu", 8, "cg");
	bench->world->resources[0].ticket.limits.max_attempts = 7;
	SET(bench->settings->prefix, "p");
	bench->seen.now_ms = NOW_MS;
	bench->seen.resources[0].is_listed = true;
	bench->ledger = (struct ledger){ .since_s = NOW_S - 86400,
					 .looked_s = NOW_S - 60,
					 .passes = 1,
					 .machines = bench->remembered,
					 .attempts = bench->attempts,
					 .marks = bench->marks,
					 .orders = bench->orders };
	bench->records.list = bench->list;
	bench->workers.list = bench->workers_list;
	SET(bench->task.id, TASK);
	SET(bench->task.queue, QUEUE);
	bench->task.status = TASK_QUEUED;
	bench->task.last_update_ms = NOW_MS - 4000;
	bench->tasks = (struct clearml_tasks){ &bench->task, 1 };
	SET(bench->entry.task, OTHER);
	SET(bench->queue.id, QUEUE);
	SET(bench->queue.name, "gpu");
	bench->queue.entries = &bench->entry;
	bench->queue.entry_count = 1;
	bench->queues = (struct clearml_queues){ &bench->queue, 1 };
	for (; instances[fleet.count]; fleet.count++) {
		struct instance *instance = &fleet.list[fleet.count];

		*instance =
			(struct instance){ .slot = (unsigned)fleet.count,
					   .generation = 3,
					   .state = states ? states[fleet.count] : INSTANCE_RUNNING,
					   .launched_s = NOW_S - 60 };
		SET(instance->id, instances[fleet.count]);
		SET(instance->resource, "cpu");
	}
	join_fleet(&bench->seen, bench->settings, 0, &fleet);
}

void observe_bench_close(struct observe_bench *bench)
{
	observation_release(&bench->seen);
	free(bench->world);
}

struct machine_record *observe_bench_record(struct observe_bench *bench, const char *instance,
					    const char *phase, int64_t age_s)
{
	struct machine_record *record = &bench->list[bench->records.count++];

	*record = (struct machine_record){ .seats = 1,
					   .slot = 5,
					   .generation = 9,
					   .launched_s = NOW_S - 500,
					   .registered_ms = NOW_MS - 500000,
					   .last_report_ms = NOW_MS - age_s * 1000 };
	SET(record->instance, instance);
	SET(record->resource, "cpu");
	SET(record->type, "small");
	SET(record->phase, phase);
	return record;
}

struct remembered *observe_bench_remember(struct observe_bench *bench, const char *instance,
					  int64_t age_s, bool was_busy)
{
	struct remembered *remembered = &bench->remembered[bench->ledger.machine_count++];

	*remembered = (struct remembered){ .last_report_ms = NOW_MS - age_s * 1000,
					   .was_busy = was_busy };
	SET(remembered->instance, instance);
	SET(remembered->resource, "cpu");
	return remembered;
}

void observe_bench_worker(struct observe_bench *bench, const char *id, const char *task,
			  int64_t age_s)
{
	struct clearml_worker *worker = &bench->workers_list[bench->workers.count++];

	*worker = (struct clearml_worker){ .last_report_ms = NOW_MS - age_s * 1000 };
	SET(worker->id, id);
	SET(worker->task, task);
}

void observe_bench_sweep(struct observe_bench *bench)
{
	join_tasks(&bench->seen, bench->settings,
		   &(struct join_sweep){ &bench->tasks, &bench->queues, &bench->workers });
	bench->seen.tasks_known = true;
}

struct observed_machine *observe_bench_join(struct observe_bench *bench)
{
	join_attempts(&bench->seen, &bench->ledger);
	join_records(&bench->seen, bench->settings, &bench->records);
	join_ledger(&bench->seen, bench->settings, &bench->ledger);
	join_lists(&bench->seen, bench->settings, &bench->ledger, &bench->records);
	bench->seen.workers_known = bench->seen.queues_known = true;
	join_workers(&bench->seen, bench->settings, &bench->workers);
	return bench->seen.machines;
}
