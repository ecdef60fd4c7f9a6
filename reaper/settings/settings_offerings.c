#include "reaper/settings/settings_offerings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/money/prices.h"

/* One entry while its combinations are made. */
struct entry {
	const struct settings_reader *reader;
	const struct json *types, *regions, *zones, *markets; /* NULL: not listed */
	char at[SETTINGS_AT_ROOM];
};

/* ---- one combination ---- */

static int refuse_twin(const struct entry *entry, const struct offering *offering,
		       struct error *err)
{
	const char *advice = *offering->zone ? "" : "; of several regions each needs its zones";
	char key[OFFERING_KEY_ROOM];

	offering_key(offering, key);
	return settings_refuse(entry->reader->text, err, entry->at,
			       "%s comes twice, and could not be told apart%s", key, advice);
}

static int add(const struct entry *entry, const struct offering *offering, struct error *err)
{
	struct resource *out = entry->reader->out;
	char key[OFFERING_KEY_ROOM], other[OFFERING_KEY_ROOM];

	offering_key(offering, key);
	for (size_t i = 0; i < out->offering_count; i++) {
		offering_key(&out->offerings[i], other);
		if (!strcmp(key, other))
			return refuse_twin(entry, offering, err);
	}
	if (out->offering_count == SETTINGS_MAX_OFFERINGS)
		return settings_refuse(entry->reader->text, err, entry->at,
				       "more than %d offerings in resource %s: list fewer types, "
				       "zones or markets",
				       SETTINGS_MAX_OFFERINGS, out->name);
	out->offerings =
		memory_grow(out->offerings, out->offering_count + 1, sizeof(*out->offerings));
	struct offering *added = &out->offerings[out->offering_count++];

	*added = *offering;
	if (!*added->region)
		memcpy(added->region, out->aws.region, sizeof(added->region));
	prices_set(&out->prices, out->provider, added);
	return 0;
}

/* ---- which region a zone belongs to ---- */

/* us-east-1a is in us-east-1, and in no us-east-10; of two that fit, the longer one. */
static const char *region_of(const struct entry *entry, const char *zone)
{
	const char *best = "";

	if (json_count(entry->regions) == 1)
		return json_text_value(json_first(entry->regions));
	for (const struct json *one = entry->regions ? json_first(entry->regions) : NULL; one;
	     one = json_next(one)) {
		const char *region = json_text_value(one);

		if (!strncmp(zone, region, strlen(region)) && strlen(region) > strlen(best))
			best = region;
	}
	return best;
}

static int check_zones(const struct entry *entry, struct error *err)
{
	char at[SETTINGS_AT_ROOM + 24];
	size_t place = 0;

	for (const struct json *zone = entry->zones ? json_first(entry->zones) : NULL; zone;
	     zone = json_next(zone)) {
		snprintf(at, sizeof(at), "%s.zones[%zu]", entry->at, place++);
		if (entry->regions && !*region_of(entry, json_text_value(zone)))
			return settings_refuse(entry->reader->text, err, at,
					       "\"%s\" begins with none of the regions",
					       json_text_value(zone));
	}
	return 0;
}

/* ---- the combinations ---- */

static int add_zones(const struct entry *entry, struct offering *offering, const char *region,
		     bool *has_zones, struct error *err)
{
	*has_zones = false;
	for (const struct json *zone = entry->zones ? json_first(entry->zones) : NULL; zone;
	     zone = json_next(zone)) {
		const char *name = json_text_value(zone);

		if (strcmp(region_of(entry, name), region) != 0)
			continue;
		*has_zones = true;
		text_cut(offering->region, sizeof(offering->region), region);
		text_cut(offering->zone, sizeof(offering->zone), name);
		if (add(entry, offering, err) < 0)
			return -1;
	}
	return 0;
}

static int add_region(const struct entry *entry, const struct offering *of, const char *region,
		      struct error *err)
{
	struct offering offering = *of;
	bool has_zones;

	if (add_zones(entry, &offering, region, &has_zones, err) < 0)
		return -1;
	if (has_zones)
		return 0;
	text_cut(offering.region, sizeof(offering.region), region);
	return add(entry, &offering, err);
}

static int add_places(const struct entry *entry, const struct offering *of, struct error *err)
{
	if (!entry->regions)
		return add_region(entry, of, "", err);
	for (const struct json *region = json_first(entry->regions); region;
	     region = json_next(region))
		if (add_region(entry, of, json_text_value(region), err) < 0)
			return -1;
	return 0;
}

static enum market market_of(const char *word)
{
	return strcmp(word, market_name(MARKET_SPOT)) == 0 ? MARKET_SPOT : MARKET_ON_DEMAND;
}

static int add_type(const struct entry *entry, const char *type, struct error *err)
{
	struct offering offering = { .market = MARKET_ON_DEMAND };

	text_cut(offering.type, sizeof(offering.type), type);
	if (!entry->markets)
		return add_places(entry, &offering, err);
	for (const struct json *market = json_first(entry->markets); market;
	     market = json_next(market)) {
		offering.market = market_of(json_text_value(market));
		if (add_places(entry, &offering, err) < 0)
			return -1;
	}
	return 0;
}

static int add_entry(const struct entry *entry, const char *usual_type, struct error *err)
{
	if (check_zones(entry, err) < 0)
		return -1;
	if (!entry->types && !usual_type)
		return settings_refuse(entry->reader->text, err, entry->at,
				       "instance_types is missing, and resource %s has no "
				       "instance_type",
				       entry->reader->out->name);
	if (!entry->types)
		return add_type(entry, usual_type, err);
	for (const struct json *type = json_first(entry->types); type; type = json_next(type))
		if (add_type(entry, json_text_value(type), err) < 0)
			return -1;
	return 0;
}

static int add_usual(const struct settings_reader *reader, const char *type, struct error *err)
{
	struct entry entry = { .reader = reader };

	if (!type)
		return settings_refuse_missing(reader, "instance_type",
					       "what its provider shall launch", err);
	settings_find(reader, "instance_type", entry.at);
	return add_type(&entry, type, err);
}

/* What the resource says of its type; only this computer has no types. */
static const char *find_usual_type(const struct settings_reader *reader)
{
	char at[SETTINGS_AT_ROOM];
	const char *type = json_text_value(settings_find(reader, "instance_type", at));

	return type || strcmp(reader->out->provider, "local") != 0 ? type : "local";
}

int settings_offerings(const struct settings_reader *reader, struct error *err)
{
	struct resource *out = reader->out;
	char at[SETTINGS_AT_ROOM];
	const char *type = find_usual_type(reader);
	const struct json *list = settings_find(reader, "offerings", at);
	size_t place = 0;

	if (!list && add_usual(reader, type, err) < 0)
		return -1;
	for (const struct json *one = list ? json_first(list) : NULL; one; one = json_next(one)) {
		struct entry entry = { .reader = reader,
				       .types = json_find(one, "instance_types"),
				       .regions = json_find(one, "regions"),
				       .zones = json_find(one, "zones"),
				       .markets = json_find(one, "markets") };

		snprintf(entry.at, sizeof(entry.at), "%.150s[%zu]", at, place++);
		if (add_entry(&entry, type, err) < 0)
			return -1;
	}
	memcpy(out->type, out->offerings[0].type, sizeof(out->type));
	return 0;
}
