#include "reaper/settings/settings_money.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/money/money.h"
#include "reaper/money/prices.h"
#include "reaper/settings/settings_look.h"

/* ---- dollars ---- */

enum { MICRO = 1000000 };

/* A double has 15 decimal digits for certain, and the schema's largest sum has 9 before the point:
 * so the nearest micro-dollar is the one that was written. */
static int read_dollars(const struct settings_text *text, const char *at, const struct json *value,
			int64_t *out, struct error *err)
{
	double micros = json_number_value(value) * MICRO;

	if (fabs(micros - nearbyint(micros)) > 0.05)
		return settings_refuse(text, err, at,
				       "expected dollars with up to six decimals, got %.10g",
				       json_number_value(value));
	*out = (int64_t)nearbyint(micros);
	return 0;
}

/* ---- prices ---- */

static int read_override(const struct settings_text *text, const char *at, const struct json *from,
			 struct price_override *out, struct error *err)
{
	char hour_at[SETTINGS_AT_ROOM + 32];
	const char *market = json_text_or(from, "market", "");

	*out = (struct price_override){ .market = strcmp(market, "spot") == 0 ? MARKET_SPOT :
										MARKET_ON_DEMAND };
	text_cut(out->type, sizeof(out->type), json_text_or(from, "instance_type", ""));
	text_cut(out->region, sizeof(out->region), json_text_or(from, "region", ""));
	snprintf(hour_at, sizeof(hour_at), "%s.hour", at);
	return read_dollars(text, hour_at, json_find(from, "hour"), &out->price, err);
}

static int read_overrides(const struct settings_reader *reader, struct error *err)
{
	struct price_book *book = &reader->out->prices;
	char at[SETTINGS_AT_ROOM], item_at[SETTINGS_AT_ROOM + 24];
	const struct json *list = settings_find(reader, "prices.overrides", at);

	book->overrides = memory_array(json_count(list) + 1, sizeof(*book->overrides));
	for (const struct json *one = list ? json_first(list) : NULL; one; one = json_next(one)) {
		snprintf(item_at, sizeof(item_at), "%s[%zu]", at, book->override_count);
		if (read_override(reader->text, item_at, one,
				  &book->overrides[book->override_count], err) < 0)
			return -1;
		book->override_count++;
	}
	return 0;
}

static int read_factors(const struct settings_reader *reader, struct error *err)
{
	struct price_book *book = &reader->out->prices;
	char at[SETTINGS_AT_ROOM];
	const struct json *factors = settings_find(reader, "prices.region_factors", at);
	struct error why;

	book->regions = memory_array(json_count(factors) + 1, sizeof(*book->regions));
	for (const struct json *one = factors ? json_first(factors) : NULL; one;
	     one = json_next(one)) {
		struct price_region *region = &book->regions[book->region_count];

		if (text_copy(region->region, sizeof(region->region), slice_of(json_name(one)),
			      &why) < 0)
			return settings_refuse(reader->text, err, at,
					       "\"%.80s\" is no name of a region", json_name(one));
		region->factor = json_number_value(one);
		book->region_count++;
	}
	return 0;
}

int settings_prices(const struct settings_reader *reader, struct error *err)
{
	char at[SETTINGS_AT_ROOM];

	reader->out->prices.spot_share =
		json_number_value(settings_find(reader, "prices.spot_share", at));
	return read_overrides(reader, err) < 0 ? -1 : read_factors(reader, err);
}

/* ---- budgets ---- */

/* at is the path of from, which may be NULL: then there is none. */
static int read_budget(const struct settings_text *text, const char *at, const struct json *from,
		       struct budget *out, struct error *err)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{ "hour", offsetof(struct budget, hour) },
		{ "day", offsetof(struct budget, day) },
		{ "month", offsetof(struct budget, month) },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct json *value = json_find(from, fields[i].name);
		char field_at[SETTINGS_AT_ROOM + 24];
		int64_t money = 0;

		if (!value)
			continue;
		snprintf(field_at, sizeof(field_at), "%s.%s", at, fields[i].name);
		if (read_dollars(text, field_at, value, &money, err) < 0)
			return -1;
		if (!money)
			return settings_refuse(text, err, field_at,
					       "is less than the least sum, 0.000001");
		memcpy((char *)out + fields[i].offset, &money, sizeof(money));
	}
	return 0;
}

static int64_t cheapest(const struct resource *resource)
{
	int64_t least = MONEY_UNKNOWN;

	for (size_t i = 0; i < resource->offering_count; i++) {
		int64_t price = resource->offerings[i].price;

		if (price != MONEY_UNKNOWN && (least == MONEY_UNKNOWN || price < least))
			least = price;
	}
	return least;
}

static int refuse_hour(const struct settings_text *text, const char *at, int64_t hour,
		       const struct resource *resource, struct error *err)
{
	char got[MONEY_TEXT_ROOM], least[MONEY_TEXT_ROOM];

	if (!hour || hour >= cheapest(resource))
		return 0;
	money_text(hour, got);
	money_text(cheapest(resource), least);
	return settings_refuse(text, err, at,
			       "%s an hour pays for no machine of resource %s: the cheapest costs "
			       "%s",
			       got, resource->name, least);
}

/* What a budget covers must have a price; at is the budget's path. */
static int refuse_price(const struct settings_text *text, const char *at,
			const struct resource *resource, const struct offering *offering,
			struct error *err)
{
	const char *source = prices_source(resource->provider);
	const char *advice = !source	       ? "" :
			     *offering->region ? " or prices.region_factors" :
						 " or the region in offerings";

	return settings_refuse(text, err, at,
			       "needs every price, and that of %s%s%s (%s) in resource %s is not "
			       "known%s%s: give prices.overrides%s%s",
			       offering->type, *offering->region ? " in " : "", offering->region,
			       market_name(offering->market), resource->name,
			       source ? " from " : "", source ? source : "", advice,
			       offering->market == MARKET_SPOT ? " or prices.spot_share" : "");
}

static int refuse_unpriced(const struct settings_text *text, const char *at,
			   const struct resource *resource, struct error *err)
{
	for (size_t i = 0; i < resource->offering_count; i++)
		if (resource->offerings[i].price == MONEY_UNKNOWN)
			return refuse_price(text, at, resource, &resource->offerings[i], err);
	return 0;
}

int settings_budget(const struct settings_reader *reader, struct error *err)
{
	const struct resource *out = reader->out;
	char at[SETTINGS_AT_ROOM], hour_at[SETTINGS_AT_ROOM];
	const struct json *budget = settings_find(reader, "budget", at);

	/* Each field of its own or inherited alone would make a budget that nobody wrote. */
	if (read_budget(reader->text, at, budget, &reader->out->budget, err) < 0)
		return -1;
	if (budget_is_set(&out->budget) && refuse_unpriced(reader->text, at, out, err) < 0)
		return -1;
	snprintf(hour_at, sizeof(hour_at), "%.190s.hour", at);
	return refuse_hour(reader->text, hour_at, out->budget.hour, out, err);
}

/* ---- budgets over several resources ---- */

/* queue: only what serves it; settings->queue_count: every resource. */
static int check_prices(const struct settings_text *text, const char *at,
			const struct settings *settings, size_t queue, struct error *err)
{
	for (size_t r = 0; r < settings->resource_count; r++) {
		const struct resource *resource = &settings->resources[r];

		if ((queue == settings->queue_count || resource_serves(resource, queue)) &&
		    refuse_unpriced(text, at, resource, err) < 0)
			return -1;
	}
	return 0;
}

static int refuse_queue(const struct settings_text *text, const char *at,
			const struct settings *settings, const char *name, struct error *err)
{
	const char *names[SETTINGS_MAX_QUEUES];
	const char *meant;

	for (size_t i = 0; i < settings->queue_count; i++)
		names[i] = settings->queues[i];
	meant = text_nearest(name, names, settings->queue_count);
	return settings_refuse(text, err, at, "no resource serves this queue%s%s%s",
			       meant ? ", did you mean " : "", meant ? meant : "",
			       meant ? "?" : "");
}

static int read_queue_budget(const struct settings_text *text, const struct json *from,
			     struct settings *settings, struct error *err)
{
	SCOPED(buf) struct buf at = BUF(SETTINGS_AT_ROOM);
	size_t queue = 0;

	buf_addf(&at, "budgets.queues");
	json_path_add_name(&at, json_name(from));
	while (queue < settings->queue_count &&
	       strcmp(settings->queues[queue], json_name(from)) != 0)
		queue++;
	if (queue == settings->queue_count)
		return refuse_queue(text, buf_text(&at), settings, json_name(from), err);

	struct budget *budget = &settings->queue_budgets[queue];

	if (read_budget(text, buf_text(&at), from, budget, err) < 0)
		return -1;
	return budget_is_set(budget) ? check_prices(text, buf_text(&at), settings, queue, err) : 0;
}

static int read_user_budget(const struct settings_text *text, const struct json *from,
			    struct settings *settings, struct error *err)
{
	SCOPED(buf) struct buf at = BUF(SETTINGS_AT_ROOM);
	struct user_budget *out = &settings->user_budgets[settings->user_budget_count];
	struct error why;

	buf_addf(&at, "budgets.users");
	json_path_add_name(&at, json_name(from));
	if (!*json_name(from) ||
	    text_copy(out->user, sizeof(out->user), slice_of(json_name(from)), &why) < 0)
		return settings_refuse(text, err, "budgets.users",
				       "\"%.80s\" is no user: expected ClearML's id of one, 1 to "
				       "%d bytes",
				       json_name(from), SETTINGS_USER_ROOM - 1);
	settings->user_budget_count++;
	if (read_budget(text, buf_text(&at), from, &out->budget, err) < 0)
		return -1;
	return budget_is_set(&out->budget) ?
		       check_prices(text, buf_text(&at), settings, settings->queue_count, err) :
		       0;
}

static int read_total(const struct settings_text *text, const struct json *root,
		      struct settings *settings, struct error *err)
{
	static const char at[] = "budgets.total";

	if (read_budget(text, at, json_find(root, at), &settings->budget, err) < 0)
		return -1;
	return budget_is_set(&settings->budget) ?
		       check_prices(text, at, settings, settings->queue_count, err) :
		       0;
}

int settings_budgets(const struct settings_text *text, const struct json *root,
		     struct settings *settings, struct error *err)
{
	const struct json *queues = json_find(root, "budgets.queues");
	const struct json *users = json_find(root, "budgets.users");

	settings->budget_warn_percent = (unsigned)json_integer_or(root, "budgets.warn_percent", 80);
	settings->queue_budgets =
		memory_array(settings->queue_count + 1, sizeof(*settings->queue_budgets));
	settings->user_budgets =
		memory_array(json_count(users) + 1, sizeof(*settings->user_budgets));
	if (read_total(text, root, settings, err) < 0)
		return -1;
	for (const struct json *one = queues ? json_first(queues) : NULL; one; one = json_next(one))
		if (read_queue_budget(text, one, settings, err) < 0)
			return -1;
	for (const struct json *one = users ? json_first(users) : NULL; one; one = json_next(one))
		if (read_user_budget(text, one, settings, err) < 0)
			return -1;
	return 0;
}

bool settings_has_budgets(const struct settings *settings)
{
	bool is_any = budget_is_set(&settings->budget) || settings->user_budget_count;

	for (size_t r = 0; r < settings->resource_count; r++)
		is_any |= budget_is_set(&settings->resources[r].budget);
	for (size_t q = 0; settings->queue_budgets && q < settings->queue_count; q++)
		is_any |= budget_is_set(&settings->queue_budgets[q]);
	return is_any;
}
