#ifndef TESTS_UNIT_SUPPORT_OBSERVE_BENCH_H
#define TESTS_UNIT_SUPPORT_OBSERVE_BENCH_H

#include "reaper/observe_join.h"
#include "tests/unit/support/plan_world.h"

/* observe_bench: one resource "cpu" of prefix "p" with instances in its list, one a slot. */

#define NOW_MS ((int64_t)NOW_S * 1000)
#define TASK "714244096a4a4b8b84f58c22b2a543eb"
#define OTHER "814244096a4a4b8b84f58c22b2a543eb"
#define QUEUE "914244096a4a4b8b84f58c22b2a543eb"

struct observe_bench {
	struct plan_world *world;
	struct settings *settings; /* the world's */
	struct observation seen;
	struct ledger ledger; /* began a day ago, looked a minute ago; its lists are below */
	struct remembered remembered[4];
	struct open_attempt attempts[2];
	struct mark marks[1];
	struct ordered orders[1];
	struct machine_record list[4];
	struct record_list records;
	struct clearml_worker workers_list[4];
	struct clearml_workers workers;
	/* What a sweep reads: a task, and a queue "gpu" with one entry. */
	struct clearml_task task;
	struct clearml_tasks tasks;
	struct clearml_entry entry;
	struct clearml_queue queue;
	struct clearml_queues queues;
};

/* instances: NULL ends them. Slot by slot, generation 3, a minute old, each in the state of its
 * place, running where states is NULL. */
void observe_bench_open(struct observe_bench *bench, const char *const *instances,
			const enum instance_state *states);
void observe_bench_close(struct observe_bench *bench);

struct machine_record *observe_bench_record(struct observe_bench *bench, const char *instance,
					    const char *phase, int64_t age_s);
struct remembered *observe_bench_remember(struct observe_bench *bench, const char *instance,
					  int64_t age_s, bool was_busy);
/* Reports the task (or "") age_s ago. */
void observe_bench_worker(struct observe_bench *bench, const char *id, const char *task,
			  int64_t age_s);
void observe_bench_sweep(struct observe_bench *bench); /* join_tasks() of what is in the bench */

/* Joined already, in a pass that could read everything. */
struct observed_machine *observe_bench_join(struct observe_bench *bench);

#endif
