/*
 * plan_bench: how long a pass over a large fleet plans, and in how much memory; and that both grow
 * no faster than the fleet. `make bench` runs it; it is no part of make test, because it measures
 * the machine that it runs on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "reaper/plan.h"

enum {
	NOW_S = 1800000000,
	RESOURCES = SETTINGS_MAX_RESOURCES,
	OFFERINGS = 3,
	SLOTS = 800, /* of each resource: room for as many again as there are */
	RUNS = 7, /* the quickest counts: the others were disturbed */
	MOST_MS = 100,
	MOST_MIB = 64,
};

struct size {
	unsigned instances, queues, tasks;
};

struct fleet_world {
	struct settings settings;
	struct resource resources[RESOURCES];
	struct offering offerings[RESOURCES][OFFERINGS];
	struct budget queue_budgets[SETTINGS_MAX_QUEUES];
	struct observation seen;
};

static void add_resource(struct fleet_world *world, size_t r, const struct size *size)
{
	struct resource *resource = &world->resources[r];

	snprintf(resource->name, sizeof(resource->name), "resource-%zu", r);
	resource->max_instances = SLOTS;
	resource->ticket.seats = 1 + (unsigned)r % 2;
	resource->ticket.limits.boot_deadline_s = 900;
	resource->ticket.limits.max_life_s = 7 * 86400;
	resource->ticket.limits.idle_timeout_s = 900;
	resource->offerings = world->offerings[r];
	resource->offering_count = OFFERINGS;
	for (size_t i = 0; i < OFFERINGS; i++) {
		snprintf(resource->offerings[i].type, sizeof(resource->offerings[i].type),
			 "type-%zu", i);
		resource->offerings[i].price = 500000;
	}
	/* Neighbours share queues, so that a seat may be freed by moving a task. */
	for (size_t i = 0; i < TICKET_MAX_QUEUES && i < size->queues; i++)
		resource->queues[resource->queue_count++] =
			(r * TICKET_MAX_QUEUES / 2 + i) % size->queues;
	resource->budget.day = (int64_t)1000000 * 1000000;
	world->seen.resources[r] = (struct observed_resource){ .is_listed = true };
}

/* Of ten machines six work, one boots, one is idle, one is silent, one was terminated. */
static void add_machine(struct fleet_world *world, unsigned i)
{
	struct observed_machine *machine = &world->seen.machines[i];
	size_t r = i % RESOURCES;
	unsigned kind = i / RESOURCES % 10;

	*machine = (struct observed_machine){ .resource = r,
					      .place = r,
					      .is_listed = true,
					      .has_record = kind < 8 && kind != 6,
					      .was_seen = kind != 6,
					      .price = 500000,
					      .last_report_ms = (int64_t)(NOW_S - 700) * 1000 };
	snprintf(machine->instance.id, sizeof(machine->instance.id), "i-%08x", i);
	memcpy(machine->instance.resource, world->resources[r].name,
	       sizeof(machine->instance.resource));
	machine->instance.slot = i / RESOURCES;
	machine->instance.launched_s = NOW_S - (kind == 6 ? 60 : 3600);
	machine->instance.state = kind == 9 ? INSTANCE_TERMINATED : INSTANCE_RUNNING;
	machine->record.seats = world->resources[r].ticket.seats;
	machine->record.free_seats = kind == 7;
	memcpy(machine->record.phase, "serve", sizeof("serve"));
}

static void add_queue(struct fleet_world *world, size_t q, const struct size *size)
{
	snprintf(world->settings.queues[q], sizeof(world->settings.queues[q]), "queue-%zu", q);
	world->queue_budgets[q].month = (int64_t)1000000 * 1000000;
	world->seen.queues[q] =
		(struct observed_queue){ .exists = true,
					 .waiting = size->tasks / size->queues,
					 .oldest_ms = (int64_t)(NOW_S - 60) * 1000 };
}

static struct fleet_world *world_open(const struct size *size)
{
	struct fleet_world *world = memory_array(1, sizeof(*world));

	world->settings.resources = world->resources;
	world->settings.resource_count = RESOURCES;
	world->settings.queue_count = size->queues;
	world->settings.queue_budgets = world->queue_budgets;
	world->settings.budget_warn_percent = 80;
	world->settings.silent_idle_s = 600;
	world->settings.silent_busy_s = 5400;
	world->settings.two_looks_s = 60;
	world->seen.now_ms = (int64_t)NOW_S * 1000;
	world->seen.is_clock_known = true;
	world->seen.queues_known = world->seen.workers_known = world->seen.tasks_known = true;
	world->seen.is_spend_known = true;
	memcpy(world->seen.today, "2027-01-15", sizeof(world->seen.today));
	for (size_t q = 0; q < size->queues; q++)
		add_queue(world, q, size);
	for (size_t r = 0; r < RESOURCES; r++)
		add_resource(world, r, size);
	world->seen.machine_count = size->instances;
	world->seen.machines = memory_array(size->instances, sizeof(*world->seen.machines));
	for (unsigned i = 0; i < size->instances; i++)
		add_machine(world, i);
	return world;
}

/* The marks of a pass are what the next one reads. */
static void keep_marks(struct fleet_world *world, struct plan *plan)
{
	free(world->seen.marks);
	world->seen.marks = plan->marks;
	world->seen.mark_count = plan->mark_count;
	plan->marks = NULL;
	plan->mark_count = 0;
}

static void world_close(struct fleet_world *world)
{
	free(world->seen.machines);
	free(world->seen.marks);
	free(world);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double measure(const struct size *size)
{
	struct fleet_world *world = world_open(size);
	size_t launches = 0, terminations = 0;
	double best_ms = 1e9;

	for (int run = 0; run < RUNS; run++) {
		struct plan plan;
		double from_ms = now_ms();

		plan_make(&world->seen, &world->settings, &plan);
		double took_ms = now_ms() - from_ms;

		best_ms = took_ms < best_ms ? took_ms : best_ms;
		launches = plan.launch_count;
		terminations = plan.termination_count;
		keep_marks(world, &plan);
		plan_release(&plan);
	}
	world_close(world);
	printf("%9u instances %5u queues %7u tasks: %7.2f ms, %5zu launches, %5zu terminations\n",
	       size->instances, size->queues, size->tasks, best_ms, launches, terminations);
	return best_ms;
}

static double peak_mib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

int main(void)
{
	static const struct size whole = { 10000, 1000, 100000 };
	/* The memory is measured first: what follows is larger. */
	double took_ms = measure(&whole), used_mib = peak_mib();

	printf("half of each, and twice (1000 queues are the most: a quarter of them instead)\n");
	for (int dimension = 0; dimension < 3; dimension++) {
		struct size less = whole, more = whole;

		if (dimension == 0) {
			less.instances /= 2;
			more.instances *= 2;
		} else if (dimension == 1) {
			less.queues /= 4;
			more.queues /= 2;
		} else {
			less.tasks /= 2;
			more.tasks *= 2;
		}
		double less_ms = measure(&less), more_ms = measure(&more);

		printf("    slope: %.2f times as long for %s as many\n", more_ms / less_ms,
		       dimension == 1 ? "twice" : "four times");
	}
	printf("plan: %.2f ms of %d, %.1f MiB of %d with the observation\n", took_ms, MOST_MS,
	       used_mib, MOST_MIB);
	return took_ms < MOST_MS && used_mib < MOST_MIB ? EXIT_SUCCESS : EXIT_FAILURE;
}
