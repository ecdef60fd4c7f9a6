#include "tests/simulation/draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/simulation/chance.h"

enum { BIG_SLOTS = 70 };

void draw_plain(struct drawn *out)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	*out = (struct drawn){ .settings = settings };
	settings->resources = out->resources;
	(void)snprintf(settings->prefix, sizeof(settings->prefix), "lab");
	(void)snprintf(settings->queues[0], sizeof(settings->queues[0]), "queue-0");
	settings->queue_count = 1;
	settings->cooldown_s = 180;
	settings->cooldown_max_s = 1800;
	settings->breaker_failures = 3;
	settings->breaker_probe_s = 600;
	settings->idle_grace_s = 600;
	settings->budget_warn_percent = 80;
	settings->silent_idle_s = 600;
	settings->silent_busy_s = 5400;
	settings->two_looks_s = 60;
	settings->pass_deadline_s = 50;
	out->options.settings = settings;
	out->span_s = 6 * 3600;
}

struct resource *draw_resource(struct drawn *drawn, const char *name, unsigned max)
{
	size_t r = drawn->settings->resource_count++;
	struct resource *resource = &drawn->resources[r];

	*resource = (struct resource){ .max_instances = max,
				       .queue_count = 1,
				       .offerings = drawn->offerings[r],
				       .offering_count = 1,
				       .spot_rollback_s = 600,
				       .spot_blackout_s = 1800 };
	(void)snprintf(resource->name, sizeof(resource->name), "%s", name);
	(void)snprintf(resource->provider, sizeof(resource->provider), "local");
	(void)snprintf(resource->type, sizeof(resource->type), "type-%zu", r);
	ticket_defaults(&resource->ticket);
	resource->ticket.seats = 1;
	drawn->offerings[r][0] = (struct offering){ .price = 1000000 };
	(void)snprintf(drawn->offerings[r][0].type, TICKET_FIELD_ROOM, "type-%zu", r);
	return resource;
}

int64_t draw_spread(struct chance *chance, int64_t least, int64_t most)
{
	double share = (double)chance_between(chance, 0, 1 << 20) / (1 << 20);

	return (int64_t)((double)least * pow((double)most / (double)least, share));
}

static void draw_offerings(struct chance *chance, struct drawn *drawn, size_t r)
{
	struct resource *resource = &drawn->resources[r];
	size_t count = (size_t)chance_between(chance, 1, 3);
	enum {
		ONLY_ON_DEMAND,
		ONLY_SPOT,
		BOTH
	} kind = chance_of(chance, 0.4) ? ONLY_ON_DEMAND :
		 chance_of(chance, 0.5) ? ONLY_SPOT :
					  BOTH;

	if (kind == BOTH && count < 2)
		count = 2;
	resource->offering_count = count;
	for (size_t o = 0; o < count; o++) {
		struct offering *offering = &resource->offerings[o];

		*offering = resource->offerings[0];
		if (count > 1)
			(void)snprintf(offering->zone, sizeof(offering->zone), "zone-%zu",
				       kind == BOTH ? o % 2 : o);
		offering->market = kind == ONLY_SPOT || (kind == BOTH && o < (count + 1) / 2) ?
					   MARKET_SPOT :
					   MARKET_ON_DEMAND;
		offering->price = chance_between(chance, 50000, 5000000);
	}
}

static void draw_limits(struct chance *chance, struct ticket *ticket)
{
	ticket->limits.idle_timeout_s = chance_between(chance, 60, 1200);
	ticket->limits.boot_deadline_s = chance_of(chance, 0.2) ? 900 : 600;
	if (chance_of(chance, 0.3))
		ticket->limits.max_age_s = chance_between(chance, 3600, 4 * 3600);
	if (chance_of(chance, 0.1))
		ticket->limits.max_life_s =
			ticket->limits.max_age_s + chance_between(chance, 3600, 4 * 3600);
	ticket->seats = chance_of(chance, 0.3) ? (unsigned)chance_between(chance, 2, 4) : 1;
	ticket->one_task = chance_of(chance, 0.1);
}

static void draw_queues(struct chance *chance, struct drawn *drawn, size_t r, size_t count)
{
	struct resource *resource = &drawn->resources[r];

	resource->queue_count = 0;
	for (size_t q = 0; q < drawn->settings->queue_count; q++)
		if (q % count == r || chance_of(chance, 0.4))
			resource->queues[resource->queue_count++] = q;
	if (!resource->queue_count)
		resource->queues[resource->queue_count++] =
			r < drawn->settings->queue_count ? r : 0;
	if (resource->queue_count > 1 && chance_of(chance, 0.3)) {
		size_t first = resource->queues[0];

		resource->queues[0] = resource->queues[resource->queue_count - 1];
		resource->queues[resource->queue_count - 1] = first;
	}
}

/* What no resource serves would wait for ever. */
static void serve_all(struct drawn *drawn, size_t count)
{
	for (size_t q = 0; q < drawn->settings->queue_count; q++) {
		bool is_served = false;

		for (size_t r = 0; r < count; r++)
			for (size_t i = 0; i < drawn->resources[r].queue_count; i++)
				is_served |= drawn->resources[r].queues[i] == q;
		if (!is_served)
			drawn->resources[0].queues[drawn->resources[0].queue_count++] = q;
	}
}

static void draw_totals(struct chance *chance, struct settings *settings)
{
	if (chance_of(chance, 0.2))
		settings->max_instances = (unsigned)chance_between(chance, 2, 12);
	if (chance_of(chance, 0.2))
		settings->max_booting = (unsigned)chance_between(chance, 1, 4);
	if (chance_of(chance, 0.1))
		settings->launch_after_s = chance_between(chance, 10, 300);
}

static void draw_resources(struct chance *chance, struct drawn *drawn)
{
	struct settings *settings = drawn->settings;
	size_t count = (size_t)chance_between(chance, 1, 3);
	bool is_big = chance_of(chance, 0.01);

	settings->queue_count = (size_t)chance_between(chance, 1, 3);
	for (size_t q = 0; q < settings->queue_count; q++)
		(void)snprintf(settings->queues[q], sizeof(settings->queues[q]), "queue-%zu", q);
	for (size_t r = 0; r < count; r++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "resource-%zu", r);
		struct resource *resource = draw_resource(
			drawn, name, is_big ? BIG_SLOTS : (unsigned)draw_spread(chance, 2, 24));

		draw_queues(chance, drawn, r, count);
		draw_limits(chance, &resource->ticket);
		draw_offerings(chance, drawn, r);
		if (chance_of(chance, 0.1))
			resource->min_instances =
				(unsigned)chance_between(chance, 1, resource->max_instances);
	}
	serve_all(drawn, count);
	draw_totals(chance, settings);
}

static double perhaps(struct chance *chance, double most)
{
	return chance_of(chance, 0.5) ? (double)draw_spread(chance, 10, 1000) / 1000 * most : 0;
}

static void draw_faults(struct chance *chance, struct world_faults *faults)
{
	if (chance_of(chance, 0.05))
		return; /* a world without faults must be right as well */
	*faults = (struct world_faults){
		.hosts = chance_of(chance, 0.5) ? 1 : (unsigned)chance_between(chance, 2, 5),
		.has_overlaps = chance_of(chance, 0.3),
		.skew_ms = chance_of(chance, 0.3) ? draw_spread(chance, 1000, 900000) : 0,
		.latency_ms = chance_of(chance, 0.8) ? draw_spread(chance, 100, 20000) : 0,
		.pass_crashes = perhaps(chance, 0.5),
		.ledger_lost = perhaps(chance, 0.02),
		.list_lag_ms = chance_of(chance, 0.5) ? draw_spread(chance, 1000, 180000) : 0,
		.list_fails = perhaps(chance, 0.4),
		.launch_lost = perhaps(chance, 0.5),
		.throttled = perhaps(chance, 0.4),
		.droughts = perhaps(chance, 4),
		.quota = perhaps(chance, 0.3),
		.interruptions = perhaps(chance, 2),
		.boot_hangs = perhaps(chance, 0.4),
		.boot_fails = perhaps(chance, 0.4),
		.deaths = perhaps(chance, 1),
		.freezes = perhaps(chance, 1),
		.cuts = perhaps(chance, 1),
		.only_stops = perhaps(chance, 0.5),
		.stays_on = perhaps(chance, 0.5),
		.calls_fail = perhaps(chance, 0.2),
		.calls_lost = perhaps(chance, 0.1),
		.outages = perhaps(chance, 1),
		.memory_losses = perhaps(chance, 1),
		.aborts = perhaps(chance, 0.2),
		.drains = perhaps(chance, 2),
	};
}

void draw(uint64_t seed, struct drawn *out)
{
	struct chance chance = { .state = seed * 0x51ed2701u + 1 };

	draw_plain(out);
	draw_resources(&chance, out);
	out->span_s = chance_between(&chance, 2, 10) * 3600;
	draw_faults(&chance, &out->options.faults);
	out->options.faults.until_s = out->span_s;
	out->options.seed = seed * 0x9e3779b1u + 7;
	out->options.start_s = 1796083200 + chance_between(&chance, 0, 400) * 21600;
	out->options.boot_least_s = chance_between(&chance, 10, 100);
	out->options.boot_most_s = out->options.boot_least_s + chance_between(&chance, 0, 300);
	draw_policy(seed, out);
}

void drawn_release(struct drawn *drawn)
{
	free(drawn->settings);
	free(drawn->later);
	*drawn = (struct drawn){ 0 };
}
