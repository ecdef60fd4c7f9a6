#include "reaper/simulation/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/simulation/world_state.h"

enum {
	SOME_DAY_S = 1796083200,
	PASS_EVERY_S = 60,
	BOOT_LEAST_S = 60,
	BOOT_MOST_S = 180,
	SETTINGS_AGAIN_MS = 1000
};

/* ---- the heap of events ---- */

static bool is_before(const struct world_event *a, const struct world_event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void world_plan(struct world *world, int64_t at_ms, enum occasion occasion, size_t subject,
		uint64_t stamp)
{
	struct world_event event = { at_ms < world->now_ms ? world->now_ms : at_ms,
				     world->next_order++, occasion, subject, stamp };
	size_t at = world->event_count++;

	if (at == world->event_room) {
		world->event_room = at ? 2 * at : 256;
		world->events = memory_grow(world->events, world->event_room, sizeof(event));
	}
	for (; at && is_before(&event, &world->events[(at - 1) / 2]); at = (at - 1) / 2)
		world->events[at] = world->events[(at - 1) / 2];
	world->events[at] = event;
}

static struct world_event take_event(struct world *world)
{
	struct world_event first = world->events[0];
	struct world_event last = world->events[--world->event_count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < world->event_count &&
		    is_before(&world->events[child + 1], &world->events[child]))
			child++;
		if (child >= world->event_count || !is_before(&world->events[child], &last))
			break;
		world->events[at] = world->events[child];
		at = child;
	}
	world->events[at] = last;
	return first;
}

/* ---- chance ---- */

bool world_is_faulty(const struct world *world)
{
	int64_t until_s = world->faults->until_s;

	return !until_s || world->now_ms < world->begin_ms + until_s * 1000;
}

bool world_fails(struct world *world, double probability)
{
	return world_is_faulty(world) && chance_of(&world->chance, probability);
}

void world_note(const struct world *world, const char *subject, const char *fmt, ...)
{
	const struct world_watcher *watcher = &world->options.watcher;
	char text[512];
	va_list arguments;

	if (!watcher->note)
		return;
	va_start(arguments, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, arguments);
	va_end(arguments);
	watcher->note(watcher->context, world->now_ms - world->begin_ms, subject, text);
}

/* ---- the beginning and the end ---- */

static void open_hosts(struct world *world)
{
	const struct world_faults *faults = world->faults;

	world->host_count = faults->hosts ? faults->hosts : 1;
	if (world->host_count > WORLD_MAX_HOSTS)
		world->host_count = WORLD_MAX_HOSTS;
	for (size_t h = 0; h < world->host_count; h++) {
		struct world_host *host = &world->hosts[h];

		host->ledger.since_s = world->begin_ms / 1000;
		host->skew_ms = chance_between(&world->chance, -faults->skew_ms, faults->skew_ms);
		/* Cron begins each at its own second, if there are several. */
		world_plan(world,
			   world->begin_ms +
				   (world->host_count > 1 ?
					    chance_between(&world->chance, 0, PASS_EVERY_S * 1000) :
					    0),
			   OCCASION_CRON, h, 0);
	}
}

struct world *world_open(const struct world_options *options)
{
	struct world *world = memory_array(1, sizeof(*world));

	world->options = *options;
	world->settings = options->settings;
	world->faults = &world->options.faults;
	world->chance.state = options->seed;
	world->begin_ms = world->now_ms = (options->start_s ? options->start_s : SOME_DAY_S) * 1000;
	if (!world->options.pass_every_s)
		world->options.pass_every_s = PASS_EVERY_S;
	if (!world->options.boot_most_s) {
		world->options.boot_least_s = BOOT_LEAST_S;
		world->options.boot_most_s = BOOT_MOST_S;
	}
	world->droughts = memory_array(SETTINGS_MAX_RESOURCES, sizeof(*world->droughts));
	open_hosts(world);
	world_server_begin(world);
	if (options->later)
		world_plan(world, world->begin_ms + options->later_s * 1000, OCCASION_SETTINGS, 0,
			   0);
	return world;
}

void world_close(struct world *world)
{
	for (size_t p = 0; p < WORLD_MAX_PASSES; p++)
		world_pass_release(&world->passes[p]);
	for (size_t h = 0; h < world->host_count; h++) {
		ledger_release(&world->hosts[h].ledger);
		free(world->hosts[h].spend.sums);
	}
	for (size_t m = 0; m < world->machine_count; m++) {
		free(world->machines[m]->hold);
		free(world->machines[m]);
	}
	for (size_t q = 0; q < SETTINGS_MAX_QUEUES; q++)
		free(world->queues[q].tasks);
	free(world->machines);
	free(world->tasks);
	free(world->events);
	free(world->droughts);
	free(world);
}

size_t world_add_task(struct world *world, int64_t at_s, size_t queue, int64_t duration_s,
		      unsigned user)
{
	size_t number = world->task_count++;

	if (number == world->task_room) {
		world->task_room = number ? 2 * number : 64;
		world->tasks = memory_grow(world->tasks, world->task_room, sizeof(*world->tasks));
	}
	world->tasks[number] = (struct world_task){
		.queue = queue,
		.user = user,
		.arrives_ms = world->begin_ms + at_s * 1000,
		.duration_ms = duration_s * 1000,
		.status = TASK_CREATED,
		.started_ms = -1,
		.ended_ms = -1,
	};
	(void)snprintf(world->tasks[number].id, CLEARML_ID_ROOM, "%032zx", number);
	world->tasks_open++;
	world_plan(world, world->tasks[number].arrives_ms, OCCASION_ARRIVAL, number, 0);
	return number;
}

/* A pass has read them at its beginning, and knows no others until it is over. */
static void change_settings(struct world *world)
{
	for (size_t p = 0; p < WORLD_MAX_PASSES; p++) {
		if (world->passes[p].is_running) {
			world_plan(world, world->now_ms + SETTINGS_AGAIN_MS, OCCASION_SETTINGS, 0,
				   0);
			return;
		}
	}
	world->settings = world->options.later;
	world_note(world, "reaper", "the configuration is another one");
}

static void happen(struct world *world, const struct world_event *event)
{
	switch (event->occasion) {
	case OCCASION_ARRIVAL:
		world_task_arrives(world, event->subject);
		break;
	case OCCASION_MACHINE:
		world_machine_turn(world, event->subject, event->stamp);
		break;
	case OCCASION_CLOUD:
		world_cloud_befalls(world, event->subject, event->stamp);
		break;
	case OCCASION_PASS:
		world_pass_step(world, event->subject);
		break;
	case OCCASION_CRON:
		world_plan(world, world->now_ms + world->options.pass_every_s * 1000, OCCASION_CRON,
			   event->subject, 0);
		world_pass_begins(world, event->subject);
		break;
	case OCCASION_SERVER:
		world_server_befalls(world, event->subject);
		break;
	case OCCASION_WATCHDOG:
		world_server_watchdog(world);
		break;
	case OCCASION_SETTINGS:
		change_settings(world);
		break;
	case OCCASION_PERSON:
		world_task_aborted(world, event->subject);
		break;
	}
}

bool world_is_configured(const struct world *world, const struct world_machine *machine)
{
	return !strcmp(machine->instance.resource,
		       world->settings->resources[machine->resource].name);
}

void world_run_until(struct world *world, int64_t until_s)
{
	const struct world_watcher *watcher = &world->options.watcher;
	int64_t until_ms = world->begin_ms + until_s * 1000;

	while (world->event_count && world->events[0].at_ms <= until_ms) {
		struct world_event event = take_event(world);

		world->now_ms = event.at_ms;
		happen(world, &event);
		world->events_done++;
		if (watcher->event)
			watcher->event(watcher->context, world);
	}
	if (world->now_ms < until_ms)
		world->now_ms = until_ms;
}

/* ---- what became of it ---- */

bool world_is_over(const struct world *world)
{
	return !world->tasks_open && !world->machines_alive;
}

int64_t world_now_s(const struct world *world)
{
	return (world->now_ms - world->begin_ms) / 1000;
}

uint64_t world_event_count(const struct world *world)
{
	return world->events_done;
}

size_t world_task_count(const struct world *world)
{
	return world->task_count;
}

size_t world_machine_count(const struct world *world)
{
	return world->machine_count;
}

static int64_t since_begin(const struct world *world, int64_t at_ms)
{
	return at_ms < 0 ? -1 : at_ms - world->begin_ms;
}

void world_task_fate(const struct world *world, size_t task, struct world_task_fate *out)
{
	const struct world_task *of = &world->tasks[task];

	*out = (struct world_task_fate){
		.queue = of->queue,
		.user = of->user,
		.status = of->status,
		.arrived_ms = since_begin(world, of->arrives_ms),
		.started_ms = since_begin(world, of->started_ms),
		.ended_ms = since_begin(world, of->ended_ms),
		.runs = of->runs,
	};
}

void world_machine_fate(const struct world *world, size_t machine, struct world_machine_fate *out)
{
	const struct world_machine *of = world->machines[machine];

	*out = (struct world_machine_fate){
		.resource = of->resource,
		.offering = of->offering,
		.launched_ms = since_begin(world, of->launched_ms),
		.served_ms = since_begin(world, of->served_ms),
		.ended_ms = since_begin(world, of->ended_ms),
		.busy_ms = of->busy_ms,
		.tasks = of->tasks,
	};
}
