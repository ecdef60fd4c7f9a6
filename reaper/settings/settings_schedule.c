#include "reaper/settings/settings_schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/settings/schedule.h"

enum { EVERY_DAY = 0x7f };

static unsigned read_days(const struct json *list)
{
	static const char *const names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
	unsigned days = 0;

	if (!list)
		return EVERY_DAY;
	for (const struct json *one = json_first(list); one; one = json_next(one))
		for (unsigned day = 0; day < ARRAY_LEN(names); day++)
			if (!strcmp(json_text_value(one), names[day]))
				days |= 1u << day;
	return days;
}

/* "HH:MM", as the schema has seen to. */
static unsigned read_minute(const char *text)
{
	return (unsigned)(((text[0] - '0') * 10 + text[1] - '0') * 60 + (text[3] - '0') * 10 +
			  text[4] - '0');
}

static int refuse(const struct settings_reader *reader, const char *list, size_t place,
		  const char *name, const char *why, struct error *err)
{
	char at[SETTINGS_AT_ROOM + 48];

	snprintf(at, sizeof(at), "%s[%zu].%s", list, place, name);
	return settings_refuse(reader->text, err, at, "%s", why);
}

static int check(const struct settings_reader *reader, const char *list, size_t place,
		 const struct schedule *schedule, struct error *err)
{
	const struct resource *out = reader->out;
	struct error why;

	if (schedule->from_minute == 24 * 60)
		return refuse(reader, list, place, "from", "is the next day's 00:00", err);
	if (schedule_check_zone(schedule->time_zone, &why) < 0)
		return refuse(reader, list, place, "time_zone", why.message, err);
	if (!out->max_instances || schedule->min_instances <= out->max_instances)
		return 0;
	(void)error_set(&why, ERROR_CONFIGURATION,
			"is larger than max_instances (%u) in resource %s", out->max_instances,
			out->name);
	return refuse(reader, list, place, "min_instances", why.message, err);
}

/* The windows of a resource that is retired are checked, and hold for nothing. */
int settings_schedule(const struct settings_reader *reader, struct error *err)
{
	struct resource *out = reader->out;
	char at[SETTINGS_AT_ROOM];
	const struct json *list = settings_find(reader, "schedules", at);

	out->schedules = memory_array(json_count(list) + 1, sizeof(*out->schedules));
	for (const struct json *one = list ? json_first(list) : NULL; one; one = json_next(one)) {
		struct schedule *schedule = &out->schedules[out->schedule_count];

		schedule->days = read_days(json_find(one, "days"));
		schedule->from_minute = read_minute(json_text_or(one, "from", "00:00"));
		schedule->until_minute = read_minute(json_text_or(one, "until", "00:00"));
		schedule->min_instances = (unsigned)json_integer_or(one, "min_instances", 0);
		text_cut(schedule->time_zone, sizeof(schedule->time_zone),
			 json_text_or(one, "time_zone", "UTC"));
		if (check(reader, at, out->schedule_count, schedule, err) < 0)
			return -1;
		out->schedule_count++;
	}
	if (!out->max_instances)
		out->schedule_count = 0;
	return 0;
}
