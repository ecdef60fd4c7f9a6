#include "reaper/settings/check_cloud.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "reaper/money/money.h"
#include "reaper/money/spot_prices.h"

enum { TEXT_ROOM = 640 };

struct telling {
	const struct resource *resource;
	cloud_teller *tell;
	void *context;
};

/* ---- spot prices ---- */

static void tell_prices(const struct telling *telling, enum cloud_verdict verdict, const char *text)
{
	char what[TICKET_FIELD_ROOM + 32];

	snprintf(what, sizeof(what), "spot prices of %s", telling->resource->name);
	telling->tell(verdict, what, text, telling->context);
}

static void tell_range(const struct telling *telling, const struct spot_price_list *prices)
{
	char least_text[MONEY_TEXT_ROOM], most_text[MONEY_TEXT_ROOM], text[TEXT_ROOM];
	int64_t least = INT64_MAX, most = 0;

	for (size_t i = 0; i < prices->count; i++) {
		least = prices->list[i].price < least ? prices->list[i].price : least;
		most = prices->list[i].price > most ? prices->list[i].price : most;
	}
	money_text(least, least_text);
	money_text(most, most_text);
	snprintf(text, sizeof(text), "%s to %s $/h now, of types and zones together %zu",
		 least_text, most_text, prices->count);
	if (prices->count)
		tell_prices(telling, CLOUD_FINE, text);
}

/* Those that no price was told of, and that have none by another way. */
static void tell_missing(const struct telling *telling, const struct spot_price_list *prices)
{
	const struct resource *resource = telling->resource;
	struct price_book book = resource->prices;
	char key[OFFERING_KEY_ROOM], text[TEXT_ROOM];

	book.spot = prices->list;
	book.spot_count = prices->count;
	for (size_t i = 0; i < resource->offering_count; i++) {
		const struct offering *offering = &resource->offerings[i];

		if (offering->market != MARKET_SPOT ||
		    prices_find(&book, resource->provider, offering, NULL) != MONEY_UNKNOWN)
			continue;
		offering_key(offering, key);
		snprintf(text, sizeof(text),
			 "the cloud says none of %s: it may not be had there; "
			 "prices.spot_share would be the price that counts",
			 key);
		tell_prices(telling, CLOUD_DOUBTFUL, text);
	}
}

static void check_prices(const struct telling *telling)
{
	SCOPED(spot_price_list) struct spot_price_list prices = { 0 };
	const struct resource *resource = telling->resource;
	struct error err;

	if (!spot_prices_are_wanted(resource))
		return;
	if (provider_named(resource->provider)
		    ->spot_prices(resource, clock_wall_ms(), &prices, &err) < 0) {
		tell_prices(telling, CLOUD_DOUBTFUL, err.message);
		return;
	}
	tell_range(telling, &prices);
	tell_missing(telling, &prices);
}

void check_cloud(const struct resource *resource, cloud_teller *tell, void *context)
{
	const struct telling telling = { resource, tell, context };

	check_prices(&telling);
}
