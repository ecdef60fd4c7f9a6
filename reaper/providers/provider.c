#include "reaper/providers/provider.h"

#include <stdlib.h>
#include <string.h>

static const struct provider *const providers[] = { &provider_local, &provider_aws };

const struct provider *provider_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		if (!strcmp(providers[i]->name, name))
			return providers[i];
	return NULL;
}

void provider_names(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		buf_addf(out, "%s%s", i ? ", " : "", providers[i]->name);
}

static bool is_one_list(const struct resource *a, const struct resource *b)
{
	const struct provider *provider = provider_named(a->provider);

	return provider && provider->is_one_list && !strcmp(a->provider, b->provider) &&
	       provider->is_one_list(a, b);
}

size_t provider_list_of(const struct settings *settings, size_t resource)
{
	size_t r = 0;

	while (r < resource &&
	       !is_one_list(&settings->resources[r], &settings->resources[resource]))
		r++;
	return r;
}

void leftover_list_release(struct leftover_list *leftovers)
{
	free(leftovers->list);
	*leftovers = (struct leftover_list){ 0 };
}

void fleet_release(struct fleet *fleet)
{
	free(fleet->list);
	*fleet = (struct fleet){ 0 };
}

void spot_price_list_release(struct spot_price_list *prices)
{
	free(prices->list);
	*prices = (struct spot_price_list){ 0 };
}

size_t fleet_alive(const struct fleet *fleet, const char *resource)
{
	size_t alive = 0;

	for (size_t i = 0; i < fleet->count; i++)
		alive += fleet->list[i].state != INSTANCE_TERMINATED &&
			 !strcmp(fleet->list[i].resource, resource);
	return alive;
}
