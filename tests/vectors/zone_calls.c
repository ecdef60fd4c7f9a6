/*
 * zone_calls: time zones and weekly windows, driven line by line, for test_zones.py. Each line of
 * standard input is a call, its words set apart by tabs:
 *     offset ZONE SECONDS
 *     window ZONE DAYS FROM-MINUTE UNTIL-MINUTE SECONDS SECONDS    the spans between two times
 * DAYS is a number: bit 0 is Sunday.
 */

#include <stdlib.h>
#include <string.h>

#include "reaper/settings/schedule.h"
#include "reaper/settings/zone.h"
#include "tests/unit/support/driven.h"

static int tell_offset(char *const *words, struct json *out, struct error *err)
{
	SCOPED(zone) struct zone zone = { 0 };
	int64_t until_s;

	if (zone_read(words[1], &zone, err) < 0)
		return -1;
	json_add_integer(out, "offset", zone_offset(&zone, strtoll(words[2], NULL, 10), &until_s));
	json_add_bool(out, "is_later", until_s > strtoll(words[2], NULL, 10));
	return 0;
}

static int tell_window(char *const *words, struct json *out, struct error *err)
{
	struct schedule schedule = { .days = (unsigned)strtoul(words[2], NULL, 10),
				     .from_minute = (unsigned)strtoul(words[3], NULL, 10),
				     .until_minute = (unsigned)strtoul(words[4], NULL, 10),
				     .min_instances = 1 };
	struct resource resource = { .schedules = &schedule, .schedule_count = 1 };
	struct json *list = json_add_list(out, "spans");
	struct ticket_span *spans;

	if (text_copy(schedule.time_zone, sizeof(schedule.time_zone), slice_of(words[1]), err) < 0)
		return -1;

	size_t count = schedule_hold(&resource, 0, strtoll(words[5], NULL, 10),
				     strtoll(words[6], NULL, 10), &spans);
	for (size_t i = 0; i < count; i++) {
		json_add_integer(list, NULL, spans[i].from_s);
		json_add_integer(list, NULL, spans[i].until_s);
	}
	free(spans);
	return 0;
}

static const struct driven_call calls[] = {
	{ "offset", 3, tell_offset },
	{ "window", 7, tell_window },
};

int main(void)
{
	return driven_serve(calls, ARRAY_LEN(calls));
}
