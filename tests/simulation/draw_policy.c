#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/simulation/draw.h"

/* What people want of it beyond limits: budgets and schedules. By streams of chance of their own:
 * a world without them stays the one that it was. */

enum { USERS = 3, HOUR_S = 3600, DAY_S = 86400 };

/* ---- budgets ---- */

/* An hour of all its machines at the dearest; micro-dollars. */
static double dearest_hour(const struct resource *resource, int64_t *machine)
{
	int64_t dearest = 0;

	for (size_t i = 0; i < resource->offering_count; i++)
		if (resource->offerings[i].price > dearest)
			dearest = resource->offerings[i].price;
	if (dearest > *machine)
		*machine = dearest;
	return (double)dearest * resource->max_instances;
}

/* hour: what all that it covers costs at most; machine: its dearest one, which it must pay for.
 * So small that it is met, so large that the work is done in some days. */
static void draw_budget(struct chance *chance, struct drawn *drawn, double hour, int64_t machine,
			struct budget *out)
{
	bool is_month_ending = drawn->options.start_s + drawn->span_s >= drawn->month_end_s;
	double share = (double)draw_spread(chance, 400, 1500) / 1000;
	double all = share * hour * (double)drawn->span_s / HOUR_S;

	if (chance_of(chance, 0.4))
		out->hour = machine + (int64_t)(share / 2 * hour);
	if (chance_of(chance, 0.5))
		out->day = machine + (int64_t)all;
	if (!is_month_ending || chance_of(chance, 0.5))
		return;
	drawn->has_month_budgets = true;
	out->month = 2 * machine + (int64_t)all;
}

/* Midnight is near, often that of a month's end: what a budget holds back goes on then. */
static void draw_start(struct chance *chance, struct drawn *out)
{
	struct tm date = { .tm_year = 127,
			   .tm_mon = (int)chance_between(chance, 0, 11),
			   .tm_mday = chance_of(chance, 0.5) ? 1 : 9 };
	int64_t midnight_s = timegm(&date);

	out->month_end_s = date.tm_mday == 1 ? midnight_s : midnight_s + 31 * DAY_S;
	out->options.start_s = midnight_s - chance_between(chance, 0, out->span_s);
}

static void draw_budgets(struct chance *chance, struct drawn *out)
{
	struct settings *settings = out->settings;
	double hour = 0, hours[DRAW_MAX_RESOURCES];
	int64_t machine = 0;

	out->has_budgets = true;
	draw_start(chance, out);
	for (size_t r = 0; r < settings->resource_count; r++) {
		int64_t own = 0;

		hours[r] = dearest_hour(&out->resources[r], &own);
		hour += dearest_hour(&out->resources[r], &machine);
		if (chance_of(chance, 0.4))
			draw_budget(chance, out, hours[r], own, &out->resources[r].budget);
	}
	if (chance_of(chance, 0.5))
		draw_budget(chance, out, hour, machine, &settings->budget);
	settings->queue_budgets = out->queue_budgets;
	for (size_t q = 0; q < settings->queue_count; q++)
		if (chance_of(chance, 0.4))
			draw_budget(chance, out, hour / (double)settings->queue_count, machine,
				    &out->queue_budgets[q]);
	settings->user_budgets = out->user_budgets;
	settings->user_budget_count = (size_t)chance_between(chance, 0, USERS);
	for (size_t u = 0; u < settings->user_budget_count; u++) {
		(void)snprintf(out->user_budgets[u].user, SETTINGS_USER_ROOM, "user-%zu", u);
		draw_budget(chance, out, hour / USERS, machine, &out->user_budgets[u].budget);
	}
}

/* ---- schedules ---- */

static const struct {
	const char *zone;
	int64_t change_s; /* its clock is put on or back then */
} clocks[] = {
	{ "Europe/Berlin", 1806195600 }, /* 2027-03-28 01:00 UTC: an hour is skipped */
	{ "Europe/Berlin", 1824944400 }, /* 2027-10-31 01:00 UTC: an hour comes twice */
	{ "America/New_York", 1805007600 }, /* 2027-03-14 07:00 UTC */
	{ "America/New_York", 1825567200 }, /* 2027-11-07 06:00 UTC */
	{ "Australia/Lord_Howe", 1806764400 }, /* 2027-04-03 15:00 UTC: by half an hour, back */
	{ "Asia/Kolkata", 1806000000 }, /* none */
};

static void draw_window(struct chance *chance, const char *zone, unsigned most,
			struct schedule *out)
{
	*out = (struct schedule){ .days = 0x7f,
				  .from_minute = (unsigned)chance_between(chance, 0, 47) * 30,
				  .min_instances = (unsigned)chance_between(chance, 1, most) };
	/* Half an hour to twelve hours; past midnight too. */
	out->until_minute =
		(out->from_minute + (unsigned)chance_between(chance, 1, 24) * 30) % (24 * 60);
	if (chance_of(chance, 0.3))
		out->days = (unsigned)chance_between(chance, 1, 0x7f);
	(void)snprintf(out->time_zone, sizeof(out->time_zone), "%s", zone);
}

static void draw_schedules(struct chance *chance, struct drawn *out)
{
	size_t which = (size_t)chance_between(chance, 0, ARRAY_LEN(clocks) - 1);

	out->zone = clocks[which].zone;
	if (!out->has_budgets && chance_of(chance, 0.5))
		out->options.start_s =
			clocks[which].change_s - chance_between(chance, 0, 6 * HOUR_S);
	for (size_t r = 0; r < out->settings->resource_count; r++) {
		struct resource *resource = &out->resources[r];
		unsigned most = resource->max_instances < 6 ? resource->max_instances : 6;

		if (!chance_of(chance, 0.7))
			continue;
		resource->schedules = out->schedules[r];
		resource->schedule_count = (size_t)chance_between(chance, 1, DRAW_MAX_SCHEDULES);
		for (size_t i = 0; i < resource->schedule_count; i++)
			draw_window(chance, out->zone, most, &out->schedules[r][i]);
	}
}

/* ---- another configuration, midway ---- */

/* Is each of its queues served by another resource too? */
static bool is_dispensable(const struct drawn *drawn, size_t r)
{
	unsigned others = 0;

	for (size_t i = 0; i < drawn->resources[r].queue_count; i++) {
		bool is_served = false;

		for (size_t o = 0; o < drawn->settings->resource_count; o++)
			for (size_t q = 0; o != r && q < drawn->resources[o].queue_count; q++)
				is_served |= drawn->resources[o].queues[q] ==
					     drawn->resources[r].queues[i];
		others += is_served;
	}
	return others == drawn->resources[r].queue_count;
}

/* One resource has another name, or is given up, or has fewer slots. */
static void draw_later(struct chance *chance, struct drawn *out)
{
	struct settings *later = memory_array(1, sizeof(*later));
	size_t r = (size_t)chance_between(chance, 0, (int64_t)out->settings->resource_count - 1);
	struct resource *changed = &out->later_resources[r];

	*later = *out->settings;
	memcpy(out->later_resources, out->resources, sizeof(out->resources));
	later->resources = out->later_resources;
	(void)snprintf(changed->name, sizeof(changed->name), "renamed-%zu", r);
	if (is_dispensable(out, r) && chance_of(chance, 0.5)) {
		changed->max_instances = changed->min_instances = 0;
		changed->schedule_count = 0;
	}
	out->later = later;
	out->options.later = later;
	out->options.later_s = chance_between(chance, 600, out->span_s - 600);
}

void draw_policy(uint64_t seed, struct drawn *out)
{
	struct chance chance = { .state = seed * 0xd6e8feb9u + 3 };

	if (chance_of(&chance, 0.33))
		draw_budgets(&chance, out);
	chance.state = seed * 0xa0761d65u + 11;
	if (out->options.faults.hosts && chance_of(&chance, 0.4))
		out->options.faults.restarts = (double)draw_spread(&chance, 10, 2000) / 1000;
	chance.state = seed * 0xe7037ed1u + 5;
	if (chance_of(&chance, 0.25))
		draw_schedules(&chance, out);
	chance.state = seed * 0x8ebc6af1u + 13;
	if (out->options.faults.hosts && chance_of(&chance, 0.3))
		out->options.faults.ghosts = (double)draw_spread(&chance, 100, 6000) / 1000;
	if (chance_of(&chance, 0.2))
		draw_later(&chance, out);
}
