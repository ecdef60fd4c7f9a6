#include "reaper/forecast/ours.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/settings/settings_money.h"
#include "reaper/simulation/world.h"

enum {
	HOUR_S = 3600,
	MOST_SEATS = 8,
	REMARK_BYTES = 1 << 20,
	/* Nothing has begun or ended for so long: nothing will. A month's budget may stop launches
	 * for the whole of the longest month. */
	PATIENCE_S = 32 * 86400,
	SEED = 1 /* nothing is left to chance without faults, but the engine wants one */
};

struct running {
	const struct trace *trace;
	const struct settings *settings;
	struct world *world;
	struct outcome *out;
	size_t *place; /* by number in the world: in the trace */
	size_t count; /* tasks in the world */
	int64_t start_s;
};

static int check_seats(const struct settings *settings, struct error *err)
{
	for (size_t i = 0; i < settings->resource_count; i++)
		if (settings->resources[i].ticket.seats > MOST_SEATS)
			return error_set(err, ERROR_CONFIGURATION,
					 "resource %s has %u seats, simulate takes %d at most",
					 settings->resources[i].name,
					 settings->resources[i].ticket.seats, MOST_SEATS);
	return 0;
}

/* By place in user_budgets; past the last one: a user without a budget. */
static unsigned user_of(const struct running *running, size_t user)
{
	const struct settings *settings = running->settings;
	unsigned place = 0;

	while (place < settings->user_budget_count &&
	       strcmp(settings->user_budgets[place].user, running->trace->users[user]) != 0)
		place++;
	return place;
}

static void add_tasks(struct running *running)
{
	const struct trace *trace = running->trace;

	running->place = memory_array(trace->count, sizeof(*running->place));
	for (size_t i = 0; i < trace->count; i++) {
		const struct arrival *arrival = &trace->arrivals[i];
		size_t queue = 0;

		while (queue < running->settings->queue_count &&
		       strcmp(running->settings->queues[queue], trace->queues[arrival->queue]) != 0)
			queue++;
		if (queue == running->settings->queue_count)
			continue;
		size_t number =
			world_add_task(running->world, arrival->at_s - running->start_s, queue,
				       arrival->duration_s, user_of(running, arrival->user));

		running->place[number] = i;
		running->count++;
	}
}

/* How many tasks have begun, and how many have ended. */
static size_t progress(const struct running *running, bool *all_ended)
{
	size_t begun = 0, ended = 0;

	for (size_t i = 0; i < running->count; i++) {
		struct world_task_fate fate;

		world_task_fate(running->world, i, &fate);
		begun += fate.started_ms >= 0;
		ended += fate.ended_ms >= 0;
	}
	*all_ended = ended == running->count;
	return begun + ended;
}

/* The longest that a machine stays when no minimum keeps it. */
static int64_t longest_idle_s(const struct settings *settings)
{
	int64_t longest_s = 0;

	for (size_t i = 0; i < settings->resource_count; i++) {
		int64_t idle_s = settings->resources[i].ticket.limits.idle_timeout_s;

		longest_s = idle_s > longest_s ? idle_s : longest_s;
	}
	return longest_s + settings->idle_grace_s;
}

/* Until everything is gone; until all that is left is kept by a minimum; or until nothing changes
 * any more. */
static void live(struct running *running)
{
	const struct trace *trace = running->trace;
	int64_t until_s = trace->arrivals[trace->count - 1].at_s - running->start_s;
	int64_t changed_s = until_s, ended_s = 0, longest_s = PATIENCE_S;
	int64_t idle_s = longest_idle_s(running->settings);
	size_t before = 0;

	for (size_t i = 0; i < trace->count; i++)
		if (trace->arrivals[i].duration_s > longest_s)
			longest_s = trace->arrivals[i].duration_s;
	while (!world_is_over(running->world) && until_s - changed_s <= longest_s) {
		bool all_ended;
		size_t now;

		world_run_until(running->world, until_s);
		now = progress(running, &all_ended);
		if (now != before)
			changed_s = until_s;
		before = now;
		if (all_ended && !ended_s)
			ended_s = until_s;
		if (ended_s && until_s - ended_s > idle_s + HOUR_S)
			break;
		until_s += HOUR_S;
	}
}

static int64_t seconds(int64_t ms)
{
	return ms < 0 ? -1 : ms / 1000;
}

static int64_t read_tasks(struct running *running)
{
	int64_t last_s = running->start_s;

	for (size_t i = 0; i < running->count; i++) {
		struct task_life *task = &running->out->tasks[running->place[i]];
		struct world_task_fate fate;

		world_task_fate(running->world, i, &fate);
		if (fate.started_ms < 0)
			continue;
		task->started_s = running->start_s + seconds(fate.started_ms);
		task->ended_s = running->start_s + seconds(fate.ended_ms);
		task->is_failed = fate.status == TASK_FAILED;
		if (task->ended_s > last_s)
			last_s = task->ended_s;
	}
	return last_s;
}

static void read_machines(struct running *running, int64_t last_s)
{
	for (size_t i = 0; i < world_machine_count(running->world); i++) {
		struct world_machine_fate fate;

		world_machine_fate(running->world, i, &fate);
		const struct resource *resource = &running->settings->resources[fate.resource];
		int64_t from_s = running->start_s + seconds(fate.launched_ms);

		if (fate.ended_ms < 0 && from_s >= last_s)
			continue; /* a minimum's, after all that is looked at */
		struct machine_life *life = outcome_add_machine(running->out);

		life->resource = fate.resource;
		life->from_s = from_s;
		life->until_s =
			fate.ended_ms < 0 ? last_s : running->start_s + seconds(fate.ended_ms);
		life->ready_s = fate.served_ms < 0 ? life->until_s :
						     running->start_s + seconds(fate.served_ms);
		life->busy_s = seconds(fate.busy_ms);
		life->seats = resource->ticket.seats ? resource->ticket.seats : 1;
		if (fate.offering < resource->offering_count)
			life->price = resource->offerings[fate.offering].price;
	}
}

static bool is_named(const struct trace *trace, const char *user)
{
	for (size_t i = 0; i < trace->user_count; i++)
		if (!strcmp(trace->users[i], user))
			return true;
	return false;
}

/* A budget that holds nothing back must not look like one that is never reached. */
static void remark_on_budgets(const struct trace *trace, const struct settings *settings,
			      struct outcome *out)
{
	SCOPED(buf) struct buf text = BUF(REMARK_BYTES);
	const char *between = "; the trace has no task of these users with a budget: ";

	if (!settings_has_budgets(settings))
		return;
	buf_addf(&text, "budgets begin unspent");
	for (size_t u = 0; u < settings->user_budget_count; u++) {
		if (is_named(trace, settings->user_budgets[u].user))
			continue;
		buf_addf(&text, "%s%s", between, settings->user_budgets[u].user);
		between = ", ";
	}
	text_cut(out->remark, sizeof(out->remark), buf_text(&text));
}

int ours_run(const struct trace *trace, const struct settings *settings, int64_t start_s,
	     int64_t boot_s, struct outcome *out, struct error *err)
{
	const struct world_options options = { .settings = settings,
					       .seed = SEED,
					       .start_s = start_s,
					       .boot_least_s = boot_s,
					       .boot_most_s = boot_s };
	struct running running = {
		.trace = trace, .settings = settings, .out = out, .start_s = start_s
	};

	if (check_seats(settings, err) < 0)
		return -1;
	outcome_open(out, settings->path, trace);
	outcome_name_resources(out, settings);
	remark_on_budgets(trace, settings, out);
	running.world = world_open(&options);
	add_tasks(&running);
	live(&running);
	read_machines(&running, read_tasks(&running));
	world_close(running.world);
	free(running.place);
	return 0;
}
