#include "reaper/settings/check_cloud.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "reaper/money/money.h"
#include "reaper/money/spot_prices.h"

enum { TEXT_ROOM = TICKET_PATH_ROOM + 512, LINE_ROOM = 16, MOST_CONFIG_BYTES = 4 << 20 };

struct telling {
	const struct settings *settings;
	const struct resource *resource;
	cloud_teller *tell;
	void *context;
};

static void say(const struct telling *telling, enum cloud_verdict verdict, const char *what,
		const char *text)
{
	char whose[TICKET_FIELD_ROOM + 32];

	snprintf(whose, sizeof(whose), "%s of %s", what, telling->resource->name);
	telling->tell(verdict, whose, text, telling->context);
}

/* ---- types ---- */

/* ":12", the line of the configuration that first names it; "" where that cannot be told. */
static void find_line(const struct settings *settings, const char *type, char out[static LINE_ROOM])
{
	SCOPED(buf) struct buf text = BUF(MOST_CONFIG_BYTES);
	char quoted[TICKET_FIELD_ROOM + 2];
	unsigned line = 1;
	struct error ignored;

	*out = '\0';
	snprintf(quoted, sizeof(quoted), "\"%s\"", type);
	if (file_read(settings->path, &text, &ignored) < 0)
		return;
	const char *start = buf_text(&text), *found = strstr(start, quoted);

	for (const char *at = start; found && at < found; at++)
		line += *at == '\n';
	if (found)
		snprintf(out, LINE_ROOM, ":%u", line);
}

static void tell_unknown(const struct telling *telling, const struct offering *offering,
			 const struct instance_type *type)
{
	char line[LINE_ROOM], nearest[TICKET_FIELD_ROOM], text[TEXT_ROOM];
	bool is_near = prices_nearest(telling->resource->provider, offering->type, nearest) &&
		       strcmp(nearest, offering->type) != 0;

	find_line(telling->settings, offering->type, line);
	snprintf(text, sizeof(text), "%s%s: there is no %s in %s%s%s", telling->settings->path,
		 line, offering->type, type->region, is_near ? ", did you mean " : "",
		 is_near ? nearest : "");
	say(telling, CLOUD_WRONG, "types", text);
}

static bool fits_image(const struct instance_type *type)
{
	if (!strcmp(type->image_architecture, "x86_64"))
		return type->is_x86_64;
	return strcmp(type->image_architecture, "arm64") != 0 || type->is_arm64;
}

/* What the machine's own gate would find when it has cost money already. */
static bool has_gpus(const struct telling *telling, const struct instance_type *type)
{
	return type->gpus >= telling->resource->ticket.agent.docker.gpus;
}

static void tell_wrong(const struct telling *telling, const struct offering *offering,
		       const struct instance_type *type)
{
	char line[LINE_ROOM], text[TEXT_ROOM], start[TICKET_PATH_ROOM + 128];
	unsigned gpus = telling->resource->ticket.agent.docker.gpus;

	find_line(telling->settings, offering->type, line);
	snprintf(start, sizeof(start), "%s%s: %s", telling->settings->path, line, offering->type);
	if (!fits_image(type)) {
		snprintf(text, sizeof(text), "%s is %s, and the image %s is %s: it would not boot",
			 start, type->is_arm64 ? "arm64" : "x86_64", type->image,
			 type->image_architecture);
		say(telling, CLOUD_WRONG, "types", text);
	}
	if (offering->market == MARKET_SPOT && !type->is_spot_sold) {
		snprintf(text, sizeof(text), "%s is not sold as spot in %s", start, type->region);
		say(telling, CLOUD_WRONG, "types", text);
	}
	if (!has_gpus(telling, type)) {
		snprintf(text, sizeof(text),
			 "%s has %u of NVIDIA's GPUs, and gpus says %u: its machines would leave",
			 start, type->gpus, gpus);
		say(telling, CLOUD_WRONG, "types", text);
	}
}

static void tell_type(const struct telling *telling, const struct offering *offering,
		      const struct instance_type *type)
{
	unsigned gpus = telling->resource->ticket.agent.docker.gpus;
	bool is_spare = telling->resource->ticket.agent.mode == AGENT_DOCKER && type->gpus > gpus;
	char text[TEXT_ROOM];

	snprintf(text, sizeof(text), "%s in %s: %u vCPUs, %.0f GiB, GPUs %u, disks %u GB",
		 offering->type, type->region, type->vcpus, type->memory_mib / 1024.0, type->gpus,
		 type->disk_gigabytes);
	say(telling, CLOUD_FINE, "types", text);
	snprintf(text, sizeof(text), "%s has %u GPUs and gpus says %u: no task gets the others",
		 offering->type, type->gpus, gpus);
	if (is_spare)
		say(telling, CLOUD_DOUBTFUL, "types", text);
}

/* Zones and markets of one type tell the same again, but for spot. */
static bool is_told(const struct resource *resource, const struct instance_type *types,
		    size_t place)
{
	const struct offering *one = &resource->offerings[place];

	for (size_t i = 0; i < place; i++)
		if (!strcmp(resource->offerings[i].type, one->type) &&
		    resource->offerings[i].market == one->market &&
		    !strcmp(types[i].region, types[place].region))
			return true;
	return false;
}

static void check_type(const struct telling *telling, const struct instance_type *types, size_t i)
{
	const struct offering *offering = &telling->resource->offerings[i];
	const struct instance_type *type = &types[i];

	if (type->image_problem.class != ERROR_NONE)
		say(telling,
		    type->image_problem.class == ERROR_CONFIGURATION ? CLOUD_WRONG : CLOUD_DOUBTFUL,
		    "image", type->image_problem.message);
	if (is_told(telling->resource, types, i))
		return;
	if (!type->is_there)
		tell_unknown(telling, offering, type);
	else if (fits_image(type) && has_gpus(telling, type) &&
		 (offering->market != MARKET_SPOT || type->is_spot_sold))
		tell_type(telling, offering, type);
	else
		tell_wrong(telling, offering, type);
}

static void check_types(const struct telling *telling)
{
	const struct resource *resource = telling->resource;
	const struct provider *provider = provider_named(resource->provider);
	struct error err;

	if (!provider->types)
		return;
	struct instance_type *types = memory_array(resource->offering_count, sizeof(*types));

	if (provider->types(resource, types, &err) < 0) {
		(void)error_wrap(&err, "not verified");
		say(telling, CLOUD_DOUBTFUL, "types", err.message);
	} else {
		for (size_t i = 0; i < resource->offering_count; i++)
			check_type(telling, types, i);
	}
	free(types);
}

/* ---- spot prices ---- */

static void tell_prices(const struct telling *telling, enum cloud_verdict verdict, const char *text)
{
	say(telling, verdict, "spot prices", text);
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
	const struct provider_time time = { clock_wall_ms(), INT64_MAX };

	if (provider_named(resource->provider)->spot_prices(resource, &time, &prices, &err) < 0) {
		tell_prices(telling, CLOUD_DOUBTFUL, err.message);
		return;
	}
	tell_range(telling, &prices);
	tell_missing(telling, &prices);
}

void check_cloud(const struct settings *settings, const struct resource *resource,
		 cloud_teller *tell, void *context)
{
	const struct telling telling = { settings, resource, tell, context };

	check_types(&telling);
	check_prices(&telling);
}
