#include "tests/unit/support/plan_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sanitizer/asan_interface.h>

void plan_world_resource(struct plan_world *world, const char *name, unsigned max,
			 const char *serves)
{
	struct resource *resource = &world->resources[world->settings.resource_count];

	*resource = (struct resource){ .max_instances = max };
	SET(resource->name, name);
	SET(resource->type, "small");
	resource->ticket.seats = 1;
	resource->ticket.limits.boot_deadline_s = 600;
	resource->ticket.limits.max_life_s = 7 * 86400;
	resource->ticket.limits.max_attempts = 3;
	resource->ticket.limits.idle_timeout_s = 900;
	resource->spot_rollback_s = 600;
	resource->spot_blackout_s = 1800;
	resource->offerings = world->offerings[world->settings.resource_count];
	plan_world_offering(world, world->settings.resource_count, "small", USD);
	for (size_t q = 0; q < 2; q++)
		if (strchr(serves, "cg"[q]))
			resource->queues[resource->queue_count++] = q;
	world->seen.resources[world->settings.resource_count++].is_listed = true;
}

struct offering *plan_world_offering(struct plan_world *world, size_t resource, const char *type,
				     int64_t price)
{
	struct resource *offered = &world->resources[resource];
	struct offering *offering = &offered->offerings[offered->offering_count++];

	*offering = (struct offering){ .price = price };
	SET(offering->type, type);
	return offering;
}

struct plan_world *plan_world_new(unsigned cpu_waiting, unsigned gpu_waiting)
{
	struct plan_world *world = calloc(1, sizeof(*world));

	world->settings.resources = world->resources;
	world->settings.queue_count = 2;
	world->settings.silent_idle_s = 600;
	world->settings.silent_busy_s = 5400;
	world->settings.two_looks_s = 60;
	world->settings.idle_grace_s = 600;
	world->settings.queue_budgets = world->queue_budgets;
	world->settings.budget_warn_percent = 80;
	SET(world->settings.queues[0], "cpu");
	SET(world->settings.queues[1], "gpu");
	world->seen.queues[0] = (struct observed_queue){ .exists = true, .waiting = cpu_waiting };
	world->seen.queues[1] = (struct observed_queue){ .exists = true, .waiting = gpu_waiting };
	world->seen.now_ms = (int64_t)NOW_S * 1000;
	world->seen.is_clock_known = true;
	world->seen.queues_known = world->seen.workers_known = world->seen.tasks_known = true;
	SET(world->seen.today, "2027-01-15");
	world->seen.machines = world->machines;
	world->seen.marks = world->marks;
	world->seen.attempts = world->attempts;
	world->seen.lost = world->lost;
	world->seen.offerings = world->states;
	world->seen.ghosts = world->ghosts;
	world->seen.runs = world->runs;
	world->seen.is_spend_known = true;
	for (size_t i = 0; i < ARRAY_LEN(world->attempts); i++)
		world->attempts[i].asked_s = NOW_S;
	return world;
}

/* Whatever is read past the counts would change some decision. */
void plan_world_poison(struct plan_world *world)
{
	for (size_t i = world->seen.machine_count; i < MAX_MACHINES; i++) {
		struct observed_machine *machine = &world->machines[i];

		*machine = (struct observed_machine){ .is_listed = true,
						      .was_seen = true,
						      .has_record = true,
						      .last_report_ms = world->seen.now_ms };
		SET(machine->instance.resource, world->resources[0].name);
		SET(machine->instance.id, "poison");
		machine->instance.generation = 99;
		machine->instance.state =
			world->seen.machine_count % 2 ? INSTANCE_RUNNING : INSTANCE_TERMINATED;
	}
	for (size_t i = world->seen.attempt_count; i < ARRAY_LEN(world->attempts); i++) {
		world->attempts[i] = (struct open_attempt){ .generation = 99, .asked_s = NOW_S };
		SET(world->attempts[i].resource, world->resources[0].name);
	}
	for (size_t i = world->seen.lost_count; i < ARRAY_LEN(world->lost); i++)
		world->lost[i].task.status = TASK_IN_PROGRESS;
	for (size_t r = 0; r < ARRAY_LEN(world->resources); r++) {
		size_t count =
			r < world->settings.resource_count ? world->resources[r].offering_count : 0;

		world->offerings[r][count] = (struct offering){ .price = MONEY_UNKNOWN };
	}
	for (size_t r = world->settings.resource_count; r < ARRAY_LEN(world->resources); r++) {
		world->resources[r] = (struct resource){
			.name = "gone",
			.queue_count = 1,
			.max_instances = 9,
			.min_instances = 7,
			.offering_count = 1, /* at no address */
			.budget = { 1, 1, 1 },
			.ticket.seats = 1,
			.ticket.limits.max_life_s = 99 * 86400,
		};
		world->seen.resources[r] = (struct observed_resource){
			.is_listed = world->seen.machine_count % 2,
			.minimum = 7,
			.spent = { 9, 9 },
		};
	}
	for (size_t i = world->seen.offering_count; i < ARRAY_LEN(world->states); i++) {
		world->states[i] = (struct offering_state){ .until_s = NOW_S + 99999 };
		SET(world->states[i].resource, world->resources[0].name);
		SET(world->states[i].offering, "small");
	}
	for (size_t i = world->seen.run_count; i < ARRAY_LEN(world->runs); i++) {
		SET(world->runs[i].queue, world->settings.queues[0]);
		SET(world->runs[i].instance, world->machines[0].instance.id);
	}
	SET(world->settings.queues[world->settings.queue_count], "else");
	for (size_t i = world->seen.mark_count; i < ARRAY_LEN(world->marks); i++)
		world->marks[i] = (struct mark){ "poison", NOW_S - 60 };
	for (size_t i = world->settings.queue_count; i < world->settings.queue_count + 2; i++)
		world->seen.queues[i] = (struct observed_queue){ .exists = true, .waiting = 5 };
}

void plan_world_plan(struct plan_world *world, struct plan *plan)
{
	struct observed_machine *end = &world->machines[world->seen.machine_count];
	size_t rest = sizeof(world->machines) - world->seen.machine_count * sizeof(*end);

	plan_world_poison(world);
	ASAN_POISON_MEMORY_REGION(end, rest);
	plan_make(&world->seen, &world->settings, plan);
	ASAN_UNPOISON_MEMORY_REGION(end, rest);
	if (plan->resources[world->settings.resource_count].is_rate_known)
		fail_msg("a resource is planned that is not configured");
}

struct observed_machine *plan_world_machine(struct plan_world *world, size_t resource, char kind)
{
	struct observed_machine *machine = &world->machines[world->seen.machine_count++];
	unsigned slot = 0;

	for (struct observed_machine *m = world->machines; m < machine; m++)
		slot += m->resource == resource;
	*machine = (struct observed_machine){
		.resource = resource, .place = resource, .is_listed = true, .price = USD
	};
	SET(machine->instance.resource, world->resources[resource].name);
	SET(machine->instance.id, "local-a");
	machine->instance.id[6] = (char)('a' + world->seen.machine_count - 1);
	machine->instance.slot = slot;
	machine->instance.state = kind == 't' ? INSTANCE_TERMINATED : INSTANCE_RUNNING;
	machine->instance.launched_s = NOW_S - (kind == 'b' ? 60 : kind == 'p' ? 120 : 3600);
	machine->has_record = strchr("piwdxlqo", kind) != NULL;
	machine->was_seen = kind != 'b';
	machine->last_report_ms = world->seen.now_ms - (kind == 's' ? 700 * 1000 : 10 * 1000);
	SET(machine->record.phase, kind == 'p' ? "prove" : "serve");
	machine->record.seats = 1;
	machine->record.free_seats = strchr("id", kind) != NULL;
	machine->record.is_draining = kind == 'd';
	return machine;
}
