#include "reaper/money/spot_prices.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/offerings.h"

enum { MOST_MS = 10000 }; /* of a pass, for all resources */

/* ---- into the settings ---- */

static bool is_good(const struct spot_price *price, const struct resource *resource, int64_t now_s)
{
	return !strcmp(price->resource, resource->name) &&
	       now_s - price->learned_s < SPOT_PRICES_GOOD_S;
}

static void apply(struct resource *resource, const struct ledger *ledger, int64_t now_s)
{
	struct price_book *book = &resource->prices;

	free(book->spot);
	book->spot = memory_array(ledger->spot_price_count + 1, sizeof(*book->spot));
	book->spot_count = 0;
	for (size_t i = 0; i < ledger->spot_price_count; i++)
		if (is_good(&ledger->spot_prices[i], resource, now_s))
			book->spot[book->spot_count++] = ledger->spot_prices[i];
	for (size_t i = 0; i < resource->offering_count; i++)
		prices_set(book, resource->provider, &resource->offerings[i]);
}

/* ---- from the cloud ---- */

bool spot_prices_are_wanted(const struct resource *resource)
{
	const struct provider *provider = provider_named(resource->provider);

	if (!provider || !provider->spot_prices)
		return false;
	for (size_t i = 0; i < resource->offering_count; i++)
		if (resource->offerings[i].market == MARKET_SPOT &&
		    resource->offerings[i].price_source != PRICE_CONFIGURED)
			return true;
	return false;
}

/* A clock that was set back must not silence it. */
static bool is_due(const struct remembered_resource *memory, int64_t now_s)
{
	return now_s - memory->spot_asked_s >= SPOT_PRICES_EVERY_S || memory->spot_asked_s > now_s;
}

/* The new ones of this resource in the place of the old ones. */
static void keep(struct ledger *ledger, const struct resource *resource,
		 const struct spot_price_list *prices, int64_t now_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < ledger->spot_price_count; i++)
		if (strcmp(ledger->spot_prices[i].resource, resource->name) != 0 &&
		    now_s - ledger->spot_prices[i].learned_s < SPOT_PRICES_GOOD_S)
			ledger->spot_prices[kept++] = ledger->spot_prices[i];
	ledger->spot_prices = memory_grow(ledger->spot_prices, kept + prices->count + 1,
					  sizeof(*ledger->spot_prices));
	for (size_t i = 0; i < prices->count; i++) {
		struct spot_price *price = &ledger->spot_prices[kept++];

		*price = prices->list[i];
		text_cut(price->resource, sizeof(price->resource), resource->name);
		price->learned_s = now_s;
	}
	ledger->spot_price_count = kept;
}

static void tell_secret(const struct resource *resource, struct remembered_resource *memory,
			struct error *why)
{
	if (memory->is_spot_secret)
		return;
	memory->is_spot_secret = true;
	(void)error_wrap(why,
			 "spot prices of %s: earlier ones count for a day, then "
			 "prices.spot_share if it is set; asked again each hour",
			 resource->name);
	log_failure("spot-prices", why);
}

static void ask(const struct spot_prices_look *look, const struct resource *resource)
{
	SCOPED(spot_price_list) struct spot_price_list prices = { 0 };
	struct remembered_resource *memory = offerings_memory(look->ledger, resource->name);
	int64_t now_s = look->now_ms / 1000;
	struct error err;

	if (!is_due(memory, now_s))
		return;
	memory->spot_asked_s = now_s;
	if (provider_named(resource->provider)->spot_prices(resource, look->now_ms, &prices, &err) <
	    0) {
		tell_secret(resource, memory, &err);
		return;
	}
	memory->is_spot_secret = false;
	keep(look->ledger, resource, &prices, now_s);
	log_info("spot-prices", "%s: %zu learned", resource->name, prices.count);
}

void spot_prices_look(const struct spot_prices_look *look)
{
	int64_t end_ms = clock_monotonic_ms() + MOST_MS;

	end_ms = end_ms < look->deadline_ms ? end_ms : look->deadline_ms;
	for (size_t r = 0; r < look->settings->resource_count; r++) {
		const struct resource *resource = &look->settings->resources[r];

		if (spot_prices_are_wanted(resource) && clock_monotonic_ms() < end_ms)
			ask(look, resource);
	}
	for (size_t r = 0; r < look->settings->resource_count; r++)
		apply(&look->settings->resources[r], look->ledger, look->now_ms / 1000);
}
