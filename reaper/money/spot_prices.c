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

static void apply_all(const struct spot_prices_look *look)
{
	for (size_t r = 0; r < look->settings->resource_count; r++)
		apply(&look->settings->resources[r], look->ledger, look->now_ms / 1000);
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

/* Has the configuration changed, or did the cloud leave one out? */
static bool lacks_one(const struct resource *resource)
{
	for (size_t i = 0; i < resource->offering_count; i++)
		if (resource->offerings[i].market == MARKET_SPOT &&
		    resource->offerings[i].price_source != PRICE_CONFIGURED &&
		    resource->offerings[i].price_source != PRICE_LEARNED)
			return true;
	return false;
}

/* A clock that was set back must not silence it. */
static bool is_due(const struct resource *resource, const struct remembered_resource *memory,
		   int64_t now_s)
{
	int64_t every_s = lacks_one(resource) ? SPOT_PRICES_AGAIN_S : SPOT_PRICES_EVERY_S;

	return now_s - memory->spot_asked_s >= every_s || memory->spot_asked_s > now_s;
}

static bool is_told_anew(const struct spot_price *old, const struct resource *resource,
			 const struct spot_price_list *prices)
{
	if (strcmp(old->resource, resource->name) != 0)
		return false;
	for (size_t i = 0; i < prices->count; i++)
		if (!strcmp(prices->list[i].type, old->type) &&
		    !strcmp(prices->list[i].zone, old->zone))
			return true;
	return false;
}

/* Each new one in the place of the old one: what is not told now was true an hour ago. */
static void keep(struct ledger *ledger, const struct resource *resource,
		 const struct spot_price_list *prices, int64_t now_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < ledger->spot_price_count; i++)
		if (!is_told_anew(&ledger->spot_prices[i], resource, prices) &&
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

static void ask(const struct spot_prices_look *look, const struct resource *resource,
		int64_t end_ms)
{
	const struct provider_time time = { look->now_ms, end_ms };
	SCOPED(spot_price_list) struct spot_price_list prices = { 0 };
	struct remembered_resource *memory = offerings_memory(look->ledger, resource->name);
	int64_t now_s = look->now_ms / 1000;
	struct error err;

	if (!is_due(resource, memory, now_s))
		return;
	memory->spot_asked_s = now_s;
	int result =
		provider_named(resource->provider)->spot_prices(resource, &time, &prices, &err);

	keep(look->ledger, resource, &prices, now_s);
	if (result < 0) {
		tell_secret(resource, memory, &err);
		return;
	}
	memory->is_spot_secret = false;
	log_info("spot-prices", "%s: %zu learned", resource->name, prices.count);
}

void spot_prices_look(const struct spot_prices_look *look)
{
	int64_t end_ms = clock_monotonic_ms() + MOST_MS;

	end_ms = end_ms < look->deadline_ms ? end_ms : look->deadline_ms;
	apply_all(look);
	for (size_t r = 0; r < look->settings->resource_count; r++) {
		const struct resource *resource = &look->settings->resources[r];

		if (spot_prices_are_wanted(resource) && clock_monotonic_ms() < end_ms)
			ask(look, resource, end_ms);
	}
	apply_all(look);
}
