#include "reaper/settings/settings_look.h"

#include <string.h>

size_t settings_resource_named(const struct settings *settings, const char *name)
{
	for (size_t r = 0; r < settings->resource_count; r++)
		if (!strcmp(settings->resources[r].name, name))
			return r;
	return RESOURCE_NONE;
}

bool resource_serves(const struct resource *resource, size_t queue)
{
	for (size_t i = 0; i < resource->queue_count; i++)
		if (resource->queues[i] == queue)
			return true;
	return false;
}

int64_t resource_dearest(const struct resource *resource)
{
	int64_t dearest = resource->offering_count ? 0 : MONEY_UNKNOWN;

	for (size_t i = 0; i < resource->offering_count; i++) {
		int64_t price = resource->offerings[i].price;

		if (price < 0)
			return MONEY_UNKNOWN;
		dearest = price > dearest ? price : dearest;
	}
	return dearest;
}

bool budget_is_set(const struct budget *budget)
{
	return budget->hour || budget->day || budget->month;
}
