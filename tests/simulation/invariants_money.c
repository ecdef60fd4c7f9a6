#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/simulation/invariants.h"

/*
 * Budgets, told anew from what machines cost in truth. A host can know of no cost that it was
 * never shown: of each machine what was spent up to its last pass that saw it alive is the least
 * that it must have counted. Once that is past a budget, nothing more is launched for it.
 */

enum {
	MOST = INVARIANTS_MOST,
	HOUR_S = 3600,
	DAY_S = 86400,
	ROUNDED = 1000, /* micro-dollars that rounding may make */
	SHOWN_S = 900,
	LOOKED_MS = 300000 /* what a plan is made from is not older */
};

struct sums { /* micro-dollars */
	double total, resources[MOST], queues[MOST], users[MOST];
};

struct counted { /* by one host */
	int64_t now_s; /* at its last count; 0: none yet */
	int64_t day_s, month_s; /* when those began */
	int64_t base_s; /* of what was not counted before, when its ledger was lost */
	unsigned ledgers_lost;
	struct sums day, month;
};

struct money_watch {
	struct counted hosts[WORLD_MAX_HOSTS];
	int64_t (*until_s)[WORLD_MAX_HOSTS]; /* by machine: it is counted up to here; 0: not */
	size_t room;
};

void invariants_money_release(struct money_watch *watch)
{
	if (watch)
		free(watch->until_s);
	free(watch);
}

static double price_of(const struct world *world, size_t number)
{
	const struct world_machine *machine = world->machines[number];

	return (double)world->settings->resources[machine->resource]
		.offerings[machine->offering]
		.price;
}

/* ---- counting ---- */

static void turn_to(struct counted *counted, int64_t now_s)
{
	int64_t day_s = now_s - now_s % DAY_S;
	time_t now = now_s;
	struct tm date;

	gmtime_r(&now, &date);
	int64_t month_s = day_s - (int64_t)(date.tm_mday - 1) * DAY_S;

	if (counted->day_s != day_s)
		counted->day = (struct sums){ 0 };
	if (counted->month_s != month_s)
		counted->month = (struct sums){ 0 };
	counted->day_s = day_s;
	counted->month_s = month_s;
}

static double cost(double price, int64_t from_s, int64_t until_s, int64_t begin_s)
{
	if (from_s < begin_s)
		from_s = begin_s;
	return until_s > from_s ? price * (double)(until_s - from_s) / HOUR_S : 0;
}

static void add_run(struct counted *counted, const struct world_task *task, double price,
		    int64_t from_s, int64_t until_s)
{
	if (task->started_ms >= 0 && task->started_ms / 1000 + 1 > from_s)
		from_s = task->started_ms / 1000 + 1;
	double day = cost(price, from_s, until_s, counted->day_s);
	double month = cost(price, from_s, until_s, counted->month_s);

	counted->day.queues[task->queue] += day;
	counted->month.queues[task->queue] += month;
	if (task->user < MOST) {
		counted->day.users[task->user] += day;
		counted->month.users[task->user] += month;
	}
}

static void count_machine(struct money_watch *watch, const struct world *world, size_t host,
			  const struct observed_machine *machine, int64_t now_s)
{
	struct counted *counted = &watch->hosts[host];
	size_t number = world_machine_named(world, machine->instance.id);

	/* What is stopped, or configured no more, has no price. */
	if (number == NOBODY || !machine->is_listed ||
	    machine->instance.state == INSTANCE_STOPPED ||
	    machine->instance.state == INSTANCE_TERMINATED ||
	    !world_is_configured(world, world->machines[number]))
		return;
	int64_t from_s = watch->until_s[number][host];
	size_t resource = world->machines[number]->resource;
	double price = price_of(world, number);

	if (!from_s)
		from_s = machine->instance.launched_s > counted->base_s ?
				 machine->instance.launched_s :
				 counted->base_s;
	watch->until_s[number][host] = now_s;
	double day = cost(price, from_s, now_s, counted->day_s);
	double month = cost(price, from_s, now_s, counted->month_s);

	counted->day.total += day;
	counted->month.total += month;
	counted->day.resources[resource] += day;
	counted->month.resources[resource] += month;
	for (size_t i = 0; machine->has_record && i < machine->record.task_count; i++) {
		size_t task = (size_t)strtoull(machine->record.tasks[i], NULL, 16);
		unsigned seats = machine->record.seats ? machine->record.seats : 1;

		if (task < world->task_count)
			add_run(counted, &world->tasks[task], price / seats, from_s, now_s);
	}
}

static void make_room(struct money_watch *watch, size_t count)
{
	if (count <= watch->room)
		return;
	watch->until_s = memory_grow(watch->until_s, 2 * count, sizeof(*watch->until_s));
	memset(watch->until_s + watch->room, 0,
	       (2 * count - watch->room) * sizeof(*watch->until_s));
	watch->room = 2 * count;
}

static void count(struct money_watch *watch, const struct world *world, size_t host,
		  const struct observation *seen)
{
	struct counted *counted = &watch->hosts[host];
	int64_t now_s = seen->now_ms / 1000;

	make_room(watch, world->machine_count);
	if (counted->ledgers_lost != world->hosts[host].ledgers_lost) {
		counted->ledgers_lost = world->hosts[host].ledgers_lost;
		counted->base_s = counted->now_s;
	}
	turn_to(counted, now_s);
	for (size_t i = 0; i < seen->machine_count; i++)
		count_machine(watch, world, host, &seen->machines[i], now_s);
	counted->now_s = now_s;
}

/* ---- judging ---- */

static bool is_past(const struct budget *budget, double day, double month)
{
	return (budget->day && day - ROUNDED > (double)budget->day * 1.002) ||
	       (budget->month && month - ROUNDED > (double)budget->month * 1.002);
}

static bool serves(const struct resource *resource, size_t queue)
{
	for (size_t i = 0; i < resource->queue_count; i++)
		if (resource->queues[i] == queue)
			return true;
	return false;
}

static bool is_user_past(const struct world *world, const struct counted *counted, unsigned user)
{
	return user < world->settings->user_budget_count &&
	       is_past(&world->settings->user_budgets[user].budget, counted->day.users[user],
		       counted->month.users[user]);
}

/* Is there a task at all that may be launched for? */
static bool is_anyone_entitled(const struct world *world, const struct counted *counted,
			       const struct resource *resource, int64_t seen_ms)
{
	const struct settings *settings = world->settings;

	for (size_t i = 0; i < world->task_count; i++) {
		const struct world_task *task = &world->tasks[i];
		size_t q = task->queue;

		if (!task->is_here || !serves(resource, q) ||
		    (task->status != TASK_QUEUED && task->changed_ms < seen_ms - LOOKED_MS))
			continue;
		if (!is_user_past(world, counted, task->user) &&
		    !is_past(&settings->queue_budgets[q], counted->day.queues[q],
			     counted->month.queues[q]))
			return true;
	}
	return false;
}

static void check_launch(struct invariants *invariants, const struct world *world, size_t host,
			 const struct observation *seen, const struct planned_launch *launch)
{
	const struct counted *counted = &invariants->money->hosts[host];
	const struct settings *settings = world->settings;
	size_t r = launch->resource;
	const struct resource *resource = &settings->resources[r];

	if (is_past(&settings->budget, counted->day.total, counted->month.total))
		invariants_fail(invariants, world, resource->name,
				"budget: launches, and of all are %.4f spent this day, %.4f this "
				"month; it counts %.4f and %.4f",
				counted->day.total / 1e6, counted->month.total / 1e6,
				(double)seen->spent.day / 1e6, (double)seen->spent.month / 1e6);
	if (is_past(&resource->budget, counted->day.resources[r], counted->month.resources[r]))
		invariants_fail(invariants, world, resource->name,
				"budget: launches, and of its own are %.4f spent this day, %.4f "
				"this month; it counts %.4f and %.4f",
				counted->day.resources[r] / 1e6, counted->month.resources[r] / 1e6,
				(double)seen->resources[r].spent.day / 1e6,
				(double)seen->resources[r].spent.month / 1e6);
	if (launch->why == WHY_LAUNCH && settings->queue_budgets && !launch->is_repeat &&
	    !is_anyone_entitled(world, counted, resource, seen->now_ms))
		invariants_fail(invariants, world, resource->name,
				"budget: launches, and all that waits is of queues or users who "
				"have spent theirs");
}

/* All that may be in the sums of any host: what machines cost in truth, each up to when the last
 * list, or its record, has stopped to show it. */
static double most_spent(const struct world *world, int64_t begin_s)
{
	double sum = 0;

	for (size_t m = 0; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];
		int64_t until_ms = machine->ended_ms < 0 ? world->now_ms : machine->end_shown_ms;

		sum += cost(price_of(world, m), machine->launched_ms / 1000,
			    until_ms / 1000 + SHOWN_S, begin_s);
	}
	return sum;
}

static bool may_be_spent(const struct budget *budget, double day, double month)
{
	return budget->hour || (budget->day && day >= (double)budget->day) ||
	       (budget->month && month >= (double)budget->month);
}

/* What any budget counts is a part of the whole: does the whole reach one of them? */
static bool may_any_be_spent(const struct world *world, double day, double month)
{
	const struct settings *settings = world->settings;
	bool is_any = may_be_spent(&settings->budget, day, month);

	for (size_t r = 0; r < settings->resource_count; r++)
		is_any |= may_be_spent(&settings->resources[r].budget, day, month);
	for (size_t q = 0; settings->queue_budgets && q < settings->queue_count; q++)
		is_any |= may_be_spent(&settings->queue_budgets[q], day, month);
	for (size_t u = 0; u < settings->user_budget_count; u++)
		is_any |= may_be_spent(&settings->user_budgets[u].budget, day, month);
	return is_any;
}

static void check_reasons(struct invariants *invariants, const struct world *world, size_t host,
			  const struct observation *seen, const struct plan *plan)
{
	const struct counted *counted = &invariants->money->hosts[host];

	for (size_t r = 0; r < world->settings->resource_count; r++) {
		if (plan->resources[r].why != WHY_BUDGET || !seen->is_spend_known)
			continue;
		/* What was spent before this day's beginning cannot hold anything back. */
		if (!may_any_be_spent(world, most_spent(world, counted->day_s),
				      most_spent(world, counted->month_s)))
			invariants_fail(invariants, world, world->settings->resources[r].name,
					"budget: it says \"%s\", and no budget is spent",
					plan->resources[r].words);
		return;
	}
}

void invariants_money_stored(struct invariants *invariants, const struct world *world, size_t host,
			     const struct observation *seen, const struct plan *plan)
{
	/* Where a host's passes overlap, one may write over what the other has counted. */
	if (!invariants->drawn->has_budgets || world->faults->has_overlaps || !seen->workers_known)
		return;
	if (!invariants->money)
		invariants->money = memory_array(1, sizeof(*invariants->money));
	count(invariants->money, world, host, seen);
	for (size_t i = 0; i < plan->launch_count; i++)
		if (!plan->launches[i].is_repeat)
			check_launch(invariants, world, host, seen, &plan->launches[i]);
	check_reasons(invariants, world, host, seen, plan);
}

void invariants_money_rates(struct invariants *invariants, const struct world *world)
{
	const struct settings *settings = world->settings;
	double total = 0, rates[MOST] = { 0 };

	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		if (world->machines[m]->instance.state == INSTANCE_TERMINATED ||
		    !world_is_configured(world, world->machines[m]))
			continue;
		total += price_of(world, m);
		rates[world->machines[m]->resource] += price_of(world, m);
	}
	if (settings->budget.hour && total > (double)settings->budget.hour)
		invariants_fail(invariants, world, "reaper", "budget: %.4f $/h of %.4f",
				total / 1e6, (double)settings->budget.hour / 1e6);
	for (size_t r = 0; r < settings->resource_count; r++)
		if (settings->resources[r].budget.hour &&
		    rates[r] > (double)settings->resources[r].budget.hour)
			invariants_fail(invariants, world, settings->resources[r].name,
					"budget: %.4f $/h of %.4f", rates[r] / 1e6,
					(double)settings->resources[r].budget.hour / 1e6);
}
