#include <stdlib.h>
#include <string.h>

#include "reaper/doom.h"
#include "reaper/plan_part.h"

/*
 * Of several idle machines of a resource few will see a task before they time out. One seat is
 * kept warm for whoever comes next; and who has sent many tasks at once, and so had many machines
 * launched in one pass, may soon send as many again.
 */

enum {
	LEAST_LIMIT_S = 60, /* passes are no closer */
	LIMIT_SHARE = 10, /* of idle_timeout, where nothing is configured */
	MEMORY_SHARE = 2 /* times idle_timeout: so long a batch of launches counts */
};

struct launch_moment {
	size_t resource;
	int64_t at_s;
};

struct candidate {
	size_t number;
	const struct observed_machine *machine;
};

struct reserve { /* of a resource; seats */
	unsigned wanted, warm;
	bool is_quiet; /* all is known, and nothing waits in its queues */
};

static int64_t limit_of(const struct resource *resource)
{
	int64_t limit_s = resource->ticket.limits.idle_timeout_s / LIMIT_SHARE;

	if (resource->spare_idle_s)
		return resource->spare_idle_s;
	return limit_s > LEAST_LIMIT_S ? limit_s : LEAST_LIMIT_S;
}

static bool is_quiet(const struct planner *planner, size_t r)
{
	const struct resource *resource = &planner->settings->resources[r];

	if (!planner->are_records_known || !planner->seen->is_clock_known ||
	    !plan_is_known(planner, r))
		return false;
	for (size_t i = 0; i < resource->queue_count; i++) {
		const struct observed_queue *queue = &planner->seen->queues[resource->queues[i]];

		if (queue->waiting && !queue->is_forced_off)
			return false;
	}
	return true;
}

static bool is_up(const struct observed_machine *machine)
{
	return machine->resource != RESOURCE_NONE && machine->instance.state <= INSTANCE_RUNNING;
}

/* Idle for long enough, and nobody has said that it is to stay. */
static bool may_go(const struct planner *planner, const struct observed_machine *machine,
		   const struct machine_seats *seats)
{
	const struct resource *resource = &planner->settings->resources[machine->resource];
	int64_t limit_s = limit_of(resource);

	return machine->is_listed && seats->free && !machine->record.task_count &&
	       !*machine->record.kept_by && machine->order == ORDER_NONE &&
	       !doom_is_held(machine, planner->seen) &&
	       limit_s < resource->ticket.limits.idle_timeout_s &&
	       machine->record.idle_s >= limit_s;
}

/* ---- how much is wanted ---- */

static int by_moment(const void *a, const void *b)
{
	const struct launch_moment *left = a, *right = b;

	if (left->resource != right->resource)
		return left->resource < right->resource ? -1 : 1;
	return (left->at_s > right->at_s) - (left->at_s < right->at_s);
}

static size_t find_moments(const struct planner *planner, struct launch_moment *out)
{
	size_t count = 0;

	for (size_t i = 0; i < planner->seen->machine_count; i++) {
		const struct observed_machine *machine = &planner->seen->machines[i];
		int64_t at_s = machine->instance.launched_s;

		if (!is_up(machine) || doom_is_held(machine, planner->seen))
			continue;
		const struct resource *resource = &planner->settings->resources[machine->resource];

		if (planner->now_s - at_s < MEMORY_SHARE * resource->ticket.limits.idle_timeout_s)
			out[count++] = (struct launch_moment){ machine->resource, at_s };
	}
	return count;
}

static void want(struct reserve *reserve, unsigned seats)
{
	if (reserve->wanted < seats)
		reserve->wanted = seats;
}

/* As many as were launched in one pass, which lasts pass_deadline at most. */
static void want_batches(const struct planner *planner, struct reserve *reserves)
{
	struct launch_moment *moments =
		memory_array(planner->seen->machine_count, sizeof(*moments));
	size_t count = find_moments(planner, moments), first = 0;

	qsort(moments, count, sizeof(*moments), by_moment);
	for (size_t i = 0; i < count; i++) {
		size_t r = moments[i].resource;

		while (moments[first].resource != r ||
		       moments[i].at_s - moments[first].at_s > planner->settings->pass_deadline_s)
			first++;
		want(&reserves[r],
		     (unsigned)(i - first + 1) * planner->settings->resources[r].ticket.seats);
	}
	free(moments);
}

/* ---- who stays ---- */

/* The cheapest stay, of equal ones those that worked last. */
static int by_worth(const void *a, const void *b)
{
	const struct observed_machine *left = ((const struct candidate *)a)->machine,
				      *right = ((const struct candidate *)b)->machine;

	if (left->price != right->price)
		return left->price < right->price ? -1 : 1;
	if (left->record.idle_s != right->record.idle_s)
		return left->record.idle_s < right->record.idle_s ? -1 : 1;
	return strcmp(left->instance.id, right->instance.id);
}

static void open_reserves(const struct planner *planner, struct reserve *reserves)
{
	for (size_t r = 0; r < planner->settings->resource_count; r++) {
		unsigned seats = planner->settings->resources[r].ticket.seats;

		reserves[r] = (struct reserve){ .wanted = 1, .is_quiet = is_quiet(planner, r) };
		want(&reserves[r], planner->seen->resources[r].minimum * seats);
	}
	want_batches(planner, reserves);
}

void plan_spare(struct planner *planner)
{
	const struct observation *seen = planner->seen;
	struct reserve *reserves =
		memory_array(planner->settings->resource_count, sizeof(*reserves));
	struct candidate *idle = memory_array(seen->machine_count, sizeof(*idle));
	size_t count = 0;

	open_reserves(planner, reserves);
	for (size_t i = 0; i < seen->machine_count; i++) {
		const struct observed_machine *machine = &seen->machines[i];
		struct machine_seats seats = doom_seats(machine, seen, planner->settings);

		/* One that must go is nobody's reserve, even if it is not told in this pass. */
		if (!is_up(machine) || plan_doom(planner, i) != DOOM_NONE)
			continue;
		if (may_go(planner, machine, &seats))
			idle[count++] = (struct candidate){ i, machine };
		else
			reserves[machine->resource].warm += seats.free + seats.booting;
	}
	qsort(idle, count, sizeof(*idle), by_worth);
	for (size_t i = 0; i < count; i++) {
		struct reserve *reserve = &reserves[idle[i].machine->resource];

		if (reserve->is_quiet && reserve->warm >= reserve->wanted)
			planner->is_spare[idle[i].number] = true;
		else
			reserve->warm += idle[i].machine->record.free_seats;
	}
	free(reserves);
	free(idle);
}
