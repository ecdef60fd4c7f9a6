#include "reaper/providers/aws_market.h"

#include <string.h>

#include "common/clock.h"
#include "common/worker_id.h"
#include "common/xml.h"
#include "reaper/providers/aws_session.h"

enum {
	PRICES_MS = 5000, /* a pass goes on without them */
	AGO_MS = 300000,
	PRICES_BYTES = 4 << 20,
	PRICES_PAGES = 20, /* of 1000: more is a peer that turns in circles */
	TOKEN_BYTES = 4096,
};

/* ---- which types ---- */

static bool is_offered(const struct resource *resource, const char *type)
{
	for (size_t i = 0; i < resource->offering_count; i++)
		if (resource->offerings[i].market == MARKET_SPOT &&
		    !strcmp(resource->offerings[i].type, type))
			return true;
	return false;
}

static bool is_earlier(const struct resource *resource, size_t place)
{
	for (size_t i = 0; i < place; i++)
		if (resource->offerings[i].market == MARKET_SPOT &&
		    !strcmp(resource->offerings[i].type, resource->offerings[place].type))
			return true;
	return false;
}

static void add_types(const struct resource *resource, struct json *list)
{
	for (size_t i = 0; i < resource->offering_count; i++)
		if (resource->offerings[i].market == MARKET_SPOT && !is_earlier(resource, i))
			json_add_text(list, NULL, resource->offerings[i].type);
}

/* ---- the request ---- */

static void request_prices(const struct resource *resource, int64_t now_ms, const char *next,
			   struct json_document *out)
{
	char then[CLOCK_TEXT_LEN];

	json_new_object(out);
	add_types(resource, json_add_list(out->root, "InstanceTypes"));
	struct json *products = json_add_list(out->root, "ProductDescriptions");

	json_add_text(products, NULL, "Linux/UNIX");
	json_add_text(products, NULL, "Linux/UNIX (Amazon VPC)");
	/* What was good at this time, and what came since. A little ago, for a clock that is ahead.
	 */
	clock_format(now_ms - AGO_MS, false, then);
	json_add_text(out->root, "StartTime", then);
	if (*next)
		json_add_text(out->root, "NextToken", next);
}

/* ---- the answer ---- */

static struct spot_price *find_price(struct spot_price_list *prices, const struct spot_price *like)
{
	for (size_t i = 0; i < prices->count; i++)
		if (!strcmp(prices->list[i].type, like->type) &&
		    !strcmp(prices->list[i].zone, like->zone))
			return &prices->list[i];
	return NULL;
}

static void add_price(struct spot_price_list *prices, const struct spot_price *price)
{
	struct spot_price *known = find_price(prices, price);

	if (known) {
		if (price->learned_s > known->learned_s ||
		    (price->learned_s == known->learned_s && price->price > known->price))
			*known = *price;
		return;
	}
	prices->list = memory_grow(prices->list, prices->count + 1, sizeof(*prices->list));
	prices->list[prices->count++] = *price;
}

/* Without a time that can be read it is the oldest. */
static int64_t since_s(const struct xml *item)
{
	int64_t since_ms;
	struct error ignored;

	if (clock_parse_iso(slice_of(xml_text_of(item, "timestamp")), &since_ms, &ignored) < 0)
		return 0;
	return since_ms / 1000;
}

static int read_price(const struct xml *item, struct spot_price *out, struct error *err)
{
	struct slice zone = slice_of(xml_text_of(item, "availabilityZone"));
	struct slice price = slice_of(xml_text_of(item, "spotPrice"));

	if (!worker_id_is_field(zone) || text_copy(out->zone, sizeof(out->zone), zone, err) < 0)
		return error_set(err, ERROR_MALFORMED, "\"%.40s\" is no zone", zone.ptr);
	out->price = prices_parse(price);
	if (out->price <= 0)
		return error_set(err, ERROR_MALFORMED, "%s: \"%.40s\" is no price", out->zone,
				 price.ptr);
	out->learned_s = since_s(item);
	return 0;
}

static int read_page(const struct xml *set, const struct resource *resource, const char *region,
		     struct spot_price_list *out, struct error *err)
{
	for (const struct xml *item = xml_first(set); item; item = xml_next(item)) {
		struct spot_price price = { 0 };
		const char *type = xml_text_of(item, "instanceType");

		if (!is_offered(resource, type))
			continue;
		if (read_price(item, &price, err) < 0)
			return error_wrap(err, "%s", type);
		text_cut(price.type, sizeof(price.type), type);
		text_cut(price.region, sizeof(price.region), region);
		add_price(out, &price);
	}
	return 0;
}

static void move_prices(struct spot_price_list *to, const struct spot_price_list *from)
{
	for (size_t i = 0; i < from->count; i++)
		add_price(to, &from->list[i]);
}

int aws_market_answer_prices(struct slice body, const struct resource *resource, const char *region,
			     struct spot_price_list *out, struct buf *next, struct error *err)
{
	SCOPED(xml_document) struct xml_document document = { 0 };
	SCOPED(spot_price_list) struct spot_price_list page = { 0 };

	if (xml_parse(body, &document, err) < 0)
		return error_wrap(err, "answer of EC2");
	const struct xml *root = xml_root(&document), *set = xml_child(root, "spotPriceHistorySet");

	if (!set)
		return error_set(err, ERROR_MALFORMED,
				 "answer of EC2: <%.60s> without spotPriceHistorySet",
				 xml_name(root));
	buf_clear(next);
	buf_add(next, slice_of(xml_text_of(root, "nextToken")));
	if (read_page(set, resource, region, &page, err) < 0 || buf_finish(next, err) < 0)
		return error_wrap(err, "answer of EC2");
	move_prices(out, &page);
	return 0;
}

/* ---- the verb ---- */

struct asking {
	const struct resource *resource;
	const struct provider_time *time;
	struct spot_price_list *prices;
};

static int ask_page(const struct asking *asking, const struct aws_place *place, struct buf *next,
		    struct error *err)
{
	SCOPED(json_document) struct json_document request = { 0 };
	SCOPED(http_answer) struct http_answer answer = { 0 };

	if (clock_monotonic_ms() >= asking->time->deadline_ms)
		return error_set(err, ERROR_UNREACHABLE, "no time was left to ask");
	request_prices(asking->resource, asking->time->now_ms, buf_text(next), &request);
	const struct aws_question question = { "DescribeSpotPriceHistory", request.root, PRICES_MS,
					       PRICES_BYTES };

	if (aws_session_ask(place, &question, &answer, NULL, err) < 0)
		return -1;
	return aws_market_answer_prices(buf_slice(&answer.body), asking->resource, place->region,
					asking->prices, next, err);
}

static int ask_region(const struct asking *asking, const struct aws_place *place, struct error *err)
{
	SCOPED(buf) struct buf next = BUF(TOKEN_BYTES);

	for (unsigned page = 0; page < PRICES_PAGES; page++) {
		if (ask_page(asking, place, &next, err) < 0)
			return error_wrap(err, "%s", place->region);
		if (!next.len)
			return 0;
	}
	return error_set(err, ERROR_MALFORMED, "%s: spot prices have no end: more than %d pages",
			 place->region, PRICES_PAGES);
}

int aws_market_spot_prices(const struct resource *resource, const struct provider_time *time,
			   struct spot_price_list *out, struct error *err)
{
	const struct asking asking = { resource, time, out };
	struct aws_place places[SETTINGS_MAX_OFFERINGS];
	size_t count = 0;
	int result = 0;

	if (aws_session_places(resource, places, &count, err) < 0)
		return -1;
	/* A region that does not answer takes nothing from what another one has said. */
	for (size_t i = 0; i < count; i++)
		if (ask_region(&asking, &places[i], err) < 0)
			result = -1;
	return result;
}
