#include <stdlib.h>
#include <string.h>

#include "reaper/offerings.h"
#include "reaper/plan_part.h"

/* ---- demand against supply ---- */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Tasks that have not waited launch_after, or whose user's budget is spent, may take a free seat,
 * but nothing is launched for them. */
static unsigned unripe(const struct planner *planner, const struct observed_queue *queue)
{
	unsigned ripe = planner->settings->launch_after_s ? least(queue->ripe, queue->waiting) :
							    queue->waiting;

	return queue->waiting - (ripe - least(ripe, queue->barred));
}

unsigned plan_ripe(const struct planner *planner, size_t queue)
{
	return planner->seen->queues[queue].waiting - planner->unripe[queue];
}

static void list_supply(struct planner *planner, size_t r)
{
	const struct resource *resource = &planner->settings->resources[r];
	struct demand *demand = &planner->demand;
	int64_t price = resource_dearest(resource);

	demand->seats[r] =
		planner->plan->resources[r].free_seats + planner->plan->resources[r].booting_seats;
	demand->prices[r] =
		price > 0 && resource->ticket.seats ? price / resource->ticket.seats : price;
	for (size_t i = 0; i < resource->queue_count; i++)
		demand->serves[resource->queues[i] * demand->resource_count + r] = true;
}

void plan_supply(struct planner *planner)
{
	const struct settings *settings = planner->settings;
	struct demand *demand = &planner->demand;

	for (size_t r = 0; r < settings->resource_count; r++)
		list_supply(planner, r);
	demand_sort(demand);
	planner->unripe = memory_array(settings->queue_count, sizeof(*planner->unripe));
	for (size_t q = 0; q < settings->queue_count; q++) {
		const struct observed_queue *queue = &planner->seen->queues[q];

		if (planner->seen->queues_known && queue->exists && !queue->is_forced_off) {
			demand->waiting[q] = queue->waiting;
			planner->unripe[q] = unripe(planner, queue);
		}
		planner->plan->queues[q].covered = demand_match(demand, q);
		planner->plan->queues[q].unserved = demand->waiting[q];
	}
	plan_queue_rates(planner);
}

/* ---- how a resource may launch ---- */

static size_t states_of(const struct planner *planner, const struct resource *resource,
			struct offering_state **out)
{
	const struct observation *seen = planner->seen;
	size_t count = 0;

	*out = NULL;
	for (size_t i = 0; i < seen->offering_count; i++) {
		if (strcmp(seen->offerings[i].resource, resource->name) != 0)
			continue;
		*out = memory_grow(*out, count + 1, sizeof(**out));
		(*out)[count++] = seen->offerings[i];
	}
	return count;
}

static void order_offerings(struct planner *planner, size_t r)
{
	const struct resource *resource = &planner->settings->resources[r];
	const struct observed_resource *seen = &planner->seen->resources[r];
	struct launcher *launcher = &planner->launchers[r];
	bool tried[SETTINGS_MAX_OFFERINGS] = { false };
	struct offering_state *states;
	struct offerings_view view = {
		.resource = resource,
		.state_count = states_of(planner, resource, &states),
		.spot_failing_since_s = seen->spot_failing_since_s,
		.spot_blackout_until_s = seen->spot_blackout_until_s,
		.now_s = planner->now_s,
	};
	size_t next;

	view.states = states;
	while (offerings_next(&view, tried, &next, &launcher->until_s)) {
		launcher->offerings[launcher->offering_count++] = next;
		tried[next] = true;
	}
	free(states);
}

static void open_launcher(struct planner *planner, size_t r)
{
	const struct observed_resource *seen = &planner->seen->resources[r];
	struct launcher *launcher = &planner->launchers[r];

	order_offerings(planner, r);
	launcher->breaker =
		breaker_look(&(struct breaker_facts){ .failures = seen->boot_failures,
						      .limit = planner->settings->breaker_failures,
						      .last_failure_s = seen->last_boot_failure_s,
						      .probe_s = planner->settings->breaker_probe_s,
						      .now_s = planner->now_s },
			     &launcher->breaker_until_s);
}

/* The limits that a machine counts against, whatever it is. */
static enum why limit_reached(struct planner *planner, size_t resource)
{
	const struct settings *settings = planner->settings;
	unsigned slot;

	/* Instances beyond the slots (a limit that was lowered) count too. */
	if (!slots_lowest(&planner->slots, resource, &slot) ||
	    planner->plan->resources[resource].alive >= settings->resources[resource].max_instances)
		return WHY_AT_LIMIT;
	if (settings->max_instances && planner->alive >= settings->max_instances)
		return WHY_TOTAL_LIMIT;
	if (settings->max_booting && planner->booting >= settings->max_booting)
		return WHY_BOOTING_LIMIT;
	return WHY_LAUNCH;
}

static bool is_breaker_shut(const struct planner *planner, size_t resource)
{
	const struct resource_plan *planned = &planner->plan->resources[resource];

	switch (planner->launchers[resource].breaker) {
	case BREAKER_CLOSED:
		return false;
	case BREAKER_HALF_OPEN: /* one machine at a time, until it serves or is gone */
		return planned->booting + planned->launches +
			       planner->launchers[resource].unproven >
		       0;
	default:
		return true;
	}
}

static bool find_affordable(const struct planner *planner, size_t r, size_t queue, size_t *offering,
			    char *words)
{
	const struct launcher *launcher = &planner->launchers[r];
	const struct resource *resource = &planner->settings->resources[r];

	for (size_t i = 0; i < launcher->offering_count; i++) {
		*offering = launcher->offerings[i];
		if (plan_is_affordable(planner, r, queue, resource->offerings[*offering].price,
				       words))
			return true;
	}
	return false;
}

enum why plan_obstacle(struct planner *planner, size_t resource, size_t queue, size_t *offering,
		       char *words)
{
	if (!plan_is_known(planner, resource))
		return WHY_UNKNOWN;
	if (planner->is_memory_lost)
		return WHY_MEMORY_LOST;
	enum why limit = limit_reached(planner, resource);
	if (limit != WHY_LAUNCH)
		return limit;
	if (is_breaker_shut(planner, resource))
		return WHY_BREAKER;
	if (!planner->launchers[resource].offering_count)
		return WHY_COOLING_DOWN;
	if (!find_affordable(planner, resource, queue, offering, words))
		return WHY_BUDGET;
	return WHY_LAUNCH;
}

/* ---- launches ---- */

static void count_launch(struct planner *planner, size_t r, size_t queue, int64_t price)
{
	struct resource_plan *planned = &planner->plan->resources[r];

	planner->demand.seats[r] += planner->settings->resources[r].ticket.seats;
	planner->alive++;
	planner->booting++;
	planned->alive++;
	planned->launches++;
	planner->rate = plan_sum(planner->rate, price);
	if (price < 0)
		planned->is_rate_known = false;
	else
		planned->rate += price;
	if (queue != QUEUE_NONE)
		planner->queue_rates[queue] = plan_sum(planner->queue_rates[queue], price);
}

/* False: there is an obstacle. */
static bool launch_one(struct planner *planner, size_t r, size_t queue)
{
	const struct resource *resource = &planner->settings->resources[r];
	struct plan *plan = planner->plan;
	char words[PLAN_WORDS_ROOM];
	struct planned_launch launch = { .resource = r,
					 .why = queue == QUEUE_NONE ? WHY_MINIMUM : WHY_LAUNCH };

	if (plan_obstacle(planner, r, queue, &launch.offering, words) != WHY_LAUNCH ||
	    !slots_lowest(&planner->slots, r, &launch.slot))
		return false;
	launch.generation = slots_take(&planner->slots, r, launch.slot);
	memcpy(launch.day, planner->seen->today, sizeof(launch.day));
	int64_t price = resource->offerings[launch.offering].price;

	launch.is_price_limited = plan_is_price_limited(planner, r, queue);
	launch.price_limit = launch.is_price_limited ? price : 0;
	count_launch(planner, r, queue, price);
	plan->resources[r].why = launch.why;
	plan->launches =
		memory_grow(plan->launches, plan->launch_count + 1, sizeof(*plan->launches));
	plan->launches[plan->launch_count++] = launch;
	return true;
}

/* As many machines of this resource as the queue needs; true: at least one. */
static bool launch_some(struct planner *planner, size_t r, size_t queue)
{
	unsigned waiting = planner->demand.waiting[queue], launched = 0;

	while (planner->demand.seats[r] < waiting && launch_one(planner, r, queue))
		launched++;
	return launched > 0;
}

static void launch_for_queue(struct planner *planner, size_t queue)
{
	const struct settings *settings = planner->settings;
	struct queue_plan *planned = &planner->plan->queues[queue];
	struct demand *demand = &planner->demand;
	/* A seat that is there may take any task; a new machine is for those that are ripe. */
	unsigned settled = planner->unripe[queue] + planned->covered;

	demand->waiting[queue] += planned->covered;
	demand->waiting[queue] -= least(settled, demand->waiting[queue]);
	/* A machine with several seats, launched for an earlier queue, may have some left. */
	planned->launched_for += demand_match(demand, queue);
	for (size_t r = 0; demand->waiting[queue] && r < settings->resource_count; r++)
		if (resource_serves(&settings->resources[r], queue) &&
		    launch_some(planner, r, queue))
			planned->launched_for += demand_match(demand, queue);
	planned->unserved -= planned->launched_for;
}

/* How much the resources prefer the queue: the best place that it has in any of their lists. */
static size_t rank_of(const struct settings *settings, size_t queue)
{
	size_t rank = TICKET_MAX_QUEUES;

	for (size_t r = 0; r < settings->resource_count; r++)
		for (size_t i = 0; i < settings->resources[r].queue_count && i < rank; i++)
			if (settings->resources[r].queues[i] == queue)
				rank = i;
	return rank;
}

static void launch_for_queues(struct planner *planner)
{
	size_t count = planner->settings->queue_count;
	size_t *ranks = memory_array(count, sizeof(*ranks));

	for (size_t q = 0; q < count; q++)
		ranks[q] = rank_of(planner->settings, q);
	for (size_t rank = 0; rank < TICKET_MAX_QUEUES; rank++)
		for (size_t q = 0; q < count; q++)
			if (ranks[q] == rank)
				launch_for_queue(planner, q);
	free(ranks);
}

void plan_launch(struct planner *planner)
{
	for (size_t r = 0; r < planner->settings->resource_count; r++)
		open_launcher(planner, r);
	plan_repeat(planner);
	launch_for_queues(planner);
	for (size_t r = 0; r < planner->settings->resource_count; r++)
		while (planner->plan->resources[r].alive < planner->seen->resources[r].minimum &&
		       launch_one(planner, r, QUEUE_NONE))
			;
}
