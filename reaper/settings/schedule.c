#include "reaper/settings/schedule.h"

#include <stdlib.h>

#include "common/log.h"
#include "reaper/settings/zone.h"

/*
 * A window is open while the clock on the wall there shows a time in it: an
 * hour that the clock skips is not in it, one that it shows twice is in it
 * twice.
 */

enum { DAY_S = 86400, MINUTE_S = 60, DAYS_OF_WEEK = 7 };

int schedule_check_zone(const char *name, struct error *err)
{
	SCOPED(zone) struct zone zone = { 0 };

	return zone_read(name, &zone, err);
}

struct span_list {
	struct ticket_span *spans;
	size_t count;
};

static void add(struct span_list *list, int64_t from_s, int64_t until_s)
{
	if (from_s >= until_s)
		return;
	list->spans = memory_grow(list->spans, list->count + 1, sizeof(*list->spans));
	list->spans[list->count++] = (struct ticket_span){ from_s, until_s };
}

static int64_t floor_divide(int64_t number, int64_t by)
{
	return number / by - (number % by < 0);
}

static bool is_day_of(const struct schedule *schedule, int64_t day)
{
	int64_t weekday = day + 4 - floor_divide(day + 4, DAYS_OF_WEEK) * DAYS_OF_WEEK;

	return schedule->days >> weekday & 1; /* 1970 began on a Thursday */
}

/* Local times are as if of UTC here; from_s to until_s in a time of one offset. */
static void add_segment(const struct schedule *schedule, const struct ticket_span *local,
			int64_t offset, struct span_list *out)
{
	int64_t last = floor_divide(local->until_s, DAY_S);

	/* The day before may reach into it. */
	for (int64_t day = floor_divide(local->from_s, DAY_S) - 1; day <= last; day++) {
		int64_t from_s = day * DAY_S + schedule->from_minute * MINUTE_S;
		int64_t until_s = day * DAY_S + schedule->until_minute * MINUTE_S;

		if (!is_day_of(schedule, day))
			continue;
		if (schedule->until_minute <= schedule->from_minute)
			until_s += DAY_S;
		if (from_s < local->from_s)
			from_s = local->from_s;
		if (until_s > local->until_s)
			until_s = local->until_s;
		add(out, from_s - offset, until_s - offset);
	}
}

static void add_windows(const struct schedule *schedule, const struct ticket_span *within,
			struct span_list *out)
{
	SCOPED(zone) struct zone zone = { 0 };
	struct error err;

	if (zone_read(schedule->time_zone, &zone, &err) < 0) {
		/* It was there when the configuration was read. Without it nothing is held. */
		log_failure("schedule", &err);
		return;
	}
	for (int64_t at_s = within->from_s; at_s < within->until_s;) {
		int64_t next_s;
		int64_t offset = zone_offset(&zone, at_s, &next_s);

		if (next_s > within->until_s)
			next_s = within->until_s;
		add_segment(schedule, &(struct ticket_span){ at_s + offset, next_s + offset },
			    offset, out);
		at_s = next_s;
	}
}

unsigned schedule_minimum(const struct resource *resource, int64_t now_s)
{
	unsigned minimum = resource->min_instances;

	for (size_t i = 0; i < resource->schedule_count; i++) {
		const struct schedule *schedule = &resource->schedules[i];
		struct span_list open = { 0 };

		if (schedule->min_instances <= minimum)
			continue;
		add_windows(schedule, &(struct ticket_span){ now_s, now_s + 1 }, &open);
		if (open.count)
			minimum = schedule->min_instances;
		free(open.spans);
	}
	return minimum;
}

static int compare_spans(const void *left, const void *right)
{
	const struct ticket_span *a = left, *b = right;

	return (a->from_s > b->from_s) - (a->from_s < b->from_s);
}

static void join(struct span_list *list)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort(list->spans, list->count, sizeof(*list->spans), compare_spans);
	for (size_t i = 1; i < list->count; i++) {
		struct ticket_span *last = &list->spans[kept];

		if (list->spans[i].from_s > last->until_s)
			list->spans[++kept] = list->spans[i];
		else if (list->spans[i].until_s > last->until_s)
			last->until_s = list->spans[i].until_s;
	}
	list->count = kept + 1;
}

size_t schedule_hold(const struct resource *resource, unsigned slot, int64_t from_s,
		     int64_t until_s, struct ticket_span **out)
{
	struct ticket_span within = { from_s, until_s };
	struct span_list list = { 0 };

	if (slot < resource->min_instances)
		add(&list, from_s, until_s);
	for (size_t i = 0; slot >= resource->min_instances && i < resource->schedule_count; i++)
		if (slot < resource->schedules[i].min_instances)
			add_windows(&resource->schedules[i], &within, &list);
	join(&list);
	*out = list.spans;
	return list.count;
}
