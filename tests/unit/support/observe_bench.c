#include "tests/unit/support/observe_bench.h"

#include <stdlib.h>
#include <string.h>

/* As long as it is, so that under ASan one step past its end is noticed. */
static void *exact(const void *list, size_t count, size_t item_len)
{
	void *copy = memory_array(count, item_len);

	memcpy(copy, list, count * item_len);
	return copy;
}

/* Joining leaves room for more in it. */
static void fit_machines(struct observe_bench *bench)
{
	bench->seen.machines = memory_grow(bench->seen.machines, bench->seen.machine_count,
					   sizeof(*bench->seen.machines));
}

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
	fit_machines(bench);
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
	SCOPED(clearml_tasks)
	struct clearml_tasks tasks = { exact(bench->tasks.list, bench->tasks.count,
					     sizeof(struct clearml_task)),
				       bench->tasks.count };
	struct clearml_worker *list =
		exact(bench->workers.list, bench->workers.count, sizeof(*list));
	struct clearml_workers workers = { list, bench->workers.count };

	join_tasks(&bench->seen, bench->settings,
		   &(struct join_sweep){ &tasks, &bench->queues, &workers });
	bench->seen.tasks_known = true;
	free(list);
}

struct observed_machine *observe_bench_join(struct observe_bench *bench)
{
	struct ledger ledger = bench->ledger;
	struct record_list records = bench->records;
	struct clearml_workers workers = bench->workers;

	ledger.machines = exact(ledger.machines, ledger.machine_count, sizeof(*ledger.machines));
	ledger.orders = exact(ledger.orders, ledger.order_count, sizeof(*ledger.orders));
	records.list = exact(records.list, records.count, sizeof(*records.list));
	workers.list = exact(workers.list, workers.count, sizeof(*workers.list));
	join_attempts(&bench->seen, &ledger);
	join_records(&bench->seen, bench->settings, &records);
	fit_machines(bench);
	join_ledger(&bench->seen, bench->settings, &ledger);
	join_lists(&bench->seen, bench->settings, &ledger, &records);
	bench->seen.workers_known = bench->seen.queues_known = true;
	join_workers(&bench->seen, bench->settings, &workers);
	free(ledger.machines);
	free(ledger.orders);
	free(records.list);
	free(workers.list);
	return bench->seen.machines;
}
