#include <string.h>

#include "reaper/doom.h"
#include "reaper/open_attempt.h"
#include "reaper/plan_part.h"

bool plan_is_known(const struct planner *planner, size_t resource)
{
	return planner->seen->workers_known && planner->seen->queues_known &&
	       planner->seen->resources[resource].is_listed;
}

static void add_rate(struct resource_plan *resource, int64_t price)
{
	if (price < 0)
		resource->is_rate_known = false;
	else
		resource->rate += price;
}

/* Did it boot in vain so far? */
static bool is_unproven(const struct observed_machine *machine, const struct machine_seats *seats)
{
	return machine->instance.state <= INSTANCE_RUNNING && !machine->has_served &&
	       !seats->busy && !seats->free;
}

static void count_machine(struct planner *planner, size_t i)
{
	const struct observed_machine *machine = &planner->seen->machines[i];

	if (machine->instance.state == INSTANCE_TERMINATED)
		return;
	planner->alive++;
	planner->rate = plan_sum(planner->rate, machine->price);
	if (machine->resource == RESOURCE_NONE)
		return;

	struct resource_plan *resource = &planner->plan->resources[machine->resource];
	struct machine_seats seats = doom_seats(machine, planner->seen, planner->settings);

	resource->alive++;
	add_rate(resource, machine->price);
	resource->busy_seats += seats.busy;
	resource->booting += seats.is_booting;
	planner->booting += seats.is_booting;
	planner->launchers[machine->resource].unproven += is_unproven(machine, &seats);
	if (planner->is_leaving[i])
		return;
	resource->free_seats += seats.free;
	resource->booting_seats += seats.booting;
}

/* By place in the resource's list; the list's length when it is configured no more. */
static size_t find_offering(const struct resource *resource, const char *key)
{
	char own[OFFERING_KEY_ROOM];
	size_t i = 0;

	for (; i < resource->offering_count; i++) {
		offering_key(&resource->offerings[i], own);
		if (!strcmp(own, key))
			break;
	}
	return i;
}

/* Whether it is asked for again is decided when the demand is known: plan_repeat(). */
static void note_young(struct planner *planner, size_t r, const struct open_attempt *attempt,
		       size_t offering)
{
	planner->young =
		memory_grow(planner->young, planner->young_count + 1, sizeof(*planner->young));
	planner->young[planner->young_count++] = (struct young_attempt){ attempt, r, offering };
}

/* A launch that was asked for and never answered costs money until it is known not to exist: it
 * counts, and while it is young it boots. An older one is no capacity and does not boot, as a
 * machine past its boot deadline: what waits goes elsewhere, and max_booting is for others. */
static void count_attempt(struct planner *planner, const struct open_attempt *attempt)
{
	size_t r = settings_resource_named(planner->settings, attempt->resource);

	if (r == RESOURCE_NONE) {
		planner->alive++;
		planner->rate = MONEY_UNKNOWN;
		return;
	}
	if (slots_has(&planner->slots,
		      &(struct slot_occupant){ r, attempt->slot, attempt->generation }))
		return;

	const struct resource *resource = &planner->settings->resources[r];
	struct resource_plan *planned = &planner->plan->resources[r];
	size_t offering = find_offering(resource, attempt->offering);
	bool is_offered = offering < resource->offering_count;
	int64_t price =
		is_offered ? resource->offerings[offering].price : resource_dearest(resource);

	planner->alive++;
	planner->rate = plan_sum(planner->rate, price);
	planned->alive++;
	add_rate(planned, price);
	if (!open_attempt_is_young(attempt, resource, planner->now_s)) {
		planner->launchers[r].unproven++;
		return;
	}
	planner->booting++;
	planned->booting++;
	planned->booting_seats += resource->ticket.seats;
	if (is_offered || !*attempt->offering)
		note_young(planner, r, attempt, is_offered ? offering : 0);
}

/* Behind a list that failed may be as many machines as the resource may have, and more where its
 * limit was lowered since. */
static void count_hidden(struct planner *planner, size_t r)
{
	const struct resource *resource = &planner->settings->resources[r];
	struct resource_plan *planned = &planner->plan->resources[r];
	int64_t price = resource_dearest(resource);

	if (planner->seen->resources[r].is_listed)
		return;
	planned->is_rate_known = false;
	unsigned hidden = planner->seen->resources[r].hidden;

	if (planned->alive + hidden < resource->max_instances)
		hidden = resource->max_instances - planned->alive;
	if (!hidden)
		return;
	planner->alive += hidden;
	planner->rate =
		plan_sum(planner->rate, price < 0 ? MONEY_UNKNOWN : price * (int64_t)hidden);
}

void plan_stock(struct planner *planner)
{
	const struct observation *seen = planner->seen;

	for (size_t r = 0; r < planner->settings->resource_count; r++)
		planner->plan->resources[r].is_rate_known = true;
	for (size_t i = 0; i < seen->machine_count; i++)
		count_machine(planner, i);
	for (size_t i = 0; i < seen->attempt_count; i++)
		count_attempt(planner, &seen->attempts[i]);
	for (size_t r = 0; r < planner->settings->resource_count; r++)
		count_hidden(planner, r);
	planner->alive += seen->hidden;
	if (seen->hidden)
		planner->rate = MONEY_UNKNOWN;
}
