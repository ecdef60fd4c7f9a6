#include "reaper/settings/check_limits.h"

#include <stdio.h>

#include "reaper/settings/settings_look.h"
enum { WHAT_ROOM = 320 };

static const char costs_nothing[] =
	"every machine that it counts costs 0 $/h, so it never stops a launch: "
	"prices.overrides says what they cost";

/* A price that is not known may be one. */
static bool has_cost(const struct resource *resource)
{
	for (size_t i = 0; i < resource->offering_count; i++)
		if (resource->offerings[i].price)
			return true;
	return false;
}

/* queue: by what serves it; settings->queue_count: by any resource. */
static bool can_cost(const struct settings *settings, size_t queue)
{
	for (size_t r = 0; r < settings->resource_count; r++) {
		const struct resource *resource = &settings->resources[r];

		if ((queue == settings->queue_count || resource_serves(resource, queue)) &&
		    has_cost(resource))
			return true;
	}
	return false;
}

/* $/h; a price that is not known may be any. */
static int64_t cheapest(const struct resource *resource)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < resource->offering_count; i++) {
		int64_t price = resource->offerings[i].price;

		if (price < least)
			least = price;
	}
	return least;
}

/* One of its machines is more than all may cost. Of a budget of its own settings refuse that. */
static void doubt_hour(const struct settings *settings, limit_doubter *doubt, void *context)
{
	char text[WHAT_ROOM];

	for (size_t r = 0; settings->budget.hour && r < settings->resource_count; r++) {
		const struct resource *resource = &settings->resources[r];

		if (!resource->offering_count || cheapest(resource) <= settings->budget.hour)
			continue;
		snprintf(text, sizeof(text),
			 "%.2f $/h pays for no machine of resource %s: the cheapest costs %.2f, so "
			 "that one launches nothing",
			 (double)settings->budget.hour / 1e6, resource->name,
			 (double)cheapest(resource) / 1e6);
		doubt("budget of total", text, context);
	}
}

static void doubt_resources(const struct settings *settings, limit_doubter *doubt, void *context)
{
	char what[WHAT_ROOM];

	for (size_t r = 0; r < settings->resource_count; r++) {
		const struct resource *resource = &settings->resources[r];

		snprintf(what, sizeof(what), "budget of resource %s", resource->name);
		if (budget_is_set(&resource->budget) && !has_cost(resource))
			doubt(what, costs_nothing, context);
	}
}

static void doubt_queues(const struct settings *settings, limit_doubter *doubt, void *context)
{
	char what[WHAT_ROOM];

	for (size_t q = 0; settings->queue_budgets && q < settings->queue_count; q++) {
		snprintf(what, sizeof(what), "budget of queue %s", settings->queues[q]);
		if (budget_is_set(&settings->queue_budgets[q]) && !can_cost(settings, q))
			doubt(what, costs_nothing, context);
	}
}

static void doubt_users(const struct settings *settings, limit_doubter *doubt, void *context)
{
	bool is_free = !can_cost(settings, settings->queue_count);
	char what[WHAT_ROOM];

	for (size_t u = 0; u < settings->user_budget_count; u++) {
		if (!budget_is_set(&settings->user_budgets[u].budget))
			continue;
		snprintf(what, sizeof(what), "budget of user %s", settings->user_budgets[u].user);
		if (is_free)
			doubt(what, costs_nothing, context);
	}
}

/* Does a resource that serves it have machines of its own, whatever others hold? */
static bool has_minimum(const struct settings *settings, size_t queue)
{
	for (size_t r = 0; r < settings->resource_count; r++)
		if (settings->resources[r].min_instances &&
		    resource_serves(&settings->resources[r], queue))
			return true;
	return false;
}

/* Those of schedules end with their windows: who waits for that, waits not for ever. */
static void doubt_total(const struct settings *settings, limit_doubter *doubt, void *context)
{
	unsigned minimums = 0;
	char what[WHAT_ROOM];

	for (size_t r = 0; r < settings->resource_count; r++)
		minimums += settings->resources[r].min_instances;
	if (!settings->max_instances || minimums < settings->max_instances)
		return;
	for (size_t q = 0; q < settings->queue_count; q++) {
		snprintf(what, sizeof(what), "queue %s", settings->queues[q]);
		if (!has_minimum(settings, q))
			doubt(what,
			      "no machine is ever left for it: the min_instances of other "
			      "resources add up to max_instances, the limit of all; raise it",
			      context);
	}
}

void check_limits(const struct settings *settings, limit_doubter *doubt, void *context)
{
	doubt_total(settings, doubt, context);
	doubt_hour(settings, doubt, context);
	if (budget_is_set(&settings->budget) && !can_cost(settings, settings->queue_count))
		doubt("budget of total", costs_nothing, context);
	doubt_resources(settings, doubt, context);
	doubt_queues(settings, doubt, context);
	doubt_users(settings, doubt, context);
}
