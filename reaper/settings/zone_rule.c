#include "reaper/settings/zone_rule.h"

#include <stdint.h>

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60, USUAL_CHANGE_S = 2 * HOUR_S };
enum { MOST_HOURS = 167 }; /* RFC 8536: a change may be days away from its day */

/* ---- days ---- */

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days of all years before this one, since year 0; a year that is not after 0 has an era of its
 * own, so that divisions round down. */
static int64_t days_before(int64_t year)
{
	int64_t era = (year - 1) / 400 - (year < 1);
	int64_t of_era = year - 1 - era * 400;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100;
}

static int days_of_month(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

int64_t zone_days(int64_t year, int month, int day)
{
	int64_t days = days_before(year) - days_before(1970) + day - 1;

	for (int before = 1; before < month; before++)
		days += days_of_month(year, before);
	return days;
}

/* A guess, and then the few years that it is off. */
static int64_t year_of(int64_t days)
{
	int64_t year = 1970 + days / 366;

	while (zone_days(year, 1, 1) > days)
		year--;
	while (zone_days(year + 1, 1, 1) <= days)
		year++;
	return year;
}

/* ---- the rule's words ---- */

struct reading {
	const char *at, *end;
};

static bool take(struct reading *reading, char letter)
{
	if (reading->at == reading->end || *reading->at != letter)
		return false;
	reading->at++;
	return true;
}

static bool read_number(struct reading *reading, int most, int *out)
{
	const char *from = reading->at;
	int number = 0;

	while (reading->at < reading->end && *reading->at >= '0' && *reading->at <= '9') {
		number = number * 10 + (*reading->at++ - '0');
		if (number > most)
			return false;
	}
	*out = number;
	return reading->at > from;
}

static bool is_letter(char letter)
{
	return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
}

/* "CET", or "<+0330>": what people call it, which nothing here needs. */
static bool skip_name(struct reading *reading)
{
	const char *from = reading->at;

	if (take(reading, '<')) {
		while (reading->at < reading->end && *reading->at != '>')
			reading->at++;
		return take(reading, '>');
	}
	while (reading->at < reading->end && is_letter(*reading->at))
		reading->at++;
	return reading->at > from;
}

/* "2", "-1:30", "25:00:00" */
static bool read_span(struct reading *reading, int64_t *out)
{
	bool is_negative = take(reading, '-');
	int hours, minutes = 0, seconds = 0;

	if (!is_negative)
		(void)take(reading, '+');
	if (!read_number(reading, MOST_HOURS, &hours))
		return false;
	if (take(reading, ':') && !read_number(reading, 59, &minutes))
		return false;
	if (take(reading, ':') && !read_number(reading, 59, &seconds))
		return false;
	*out = hours * HOUR_S + minutes * MINUTE_S + seconds;
	if (is_negative)
		*out = -*out;
	return true;
}

/* POSIX counts west, everybody else east. */
static bool read_offset(struct reading *reading, int64_t *out)
{
	int64_t west;

	if (!read_span(reading, &west) || west > ZONE_MOST_OFFSET_S || west < -ZONE_MOST_OFFSET_S)
		return false;
	*out = -west;
	return true;
}

static bool read_day(struct reading *reading, struct zone_change *out)
{
	if (take(reading, 'J')) {
		out->form = ZONE_JULIAN;
		return read_number(reading, 365, &out->day) && out->day >= 1;
	}
	if (!take(reading, 'M')) {
		out->form = ZONE_DAY;
		return read_number(reading, 365, &out->day);
	}
	out->form = ZONE_WEEKDAY;
	return read_number(reading, 12, &out->month) && out->month >= 1 && take(reading, '.') &&
	       read_number(reading, 5, &out->week) && out->week >= 1 && take(reading, '.') &&
	       read_number(reading, 6, &out->day);
}

static bool read_change(struct reading *reading, struct zone_change *out)
{
	*out = (struct zone_change){ .time_s = USUAL_CHANGE_S };
	if (!take(reading, ',') || !read_day(reading, out))
		return false;
	return take(reading, '/') ? read_span(reading, &out->time_s) : true;
}

static bool read_rule(struct reading *reading, struct zone_rule *out)
{
	*out = (struct zone_rule){ 0 };
	if (!skip_name(reading) || !read_offset(reading, &out->standard_offset))
		return false;
	if (reading->at == reading->end)
		return true;
	out->has_summer = true;
	out->summer_offset = out->standard_offset + HOUR_S;
	if (!skip_name(reading) || reading->at == reading->end)
		return false;
	if (*reading->at != ',' && !read_offset(reading, &out->summer_offset))
		return false;
	return read_change(reading, &out->begin) && read_change(reading, &out->end) &&
	       reading->at == reading->end;
}

int zone_rule_parse(struct slice text, struct zone_rule *out, struct error *err)
{
	struct reading reading = { text.ptr, text.ptr + text.len };
	struct zone_rule rule;

	if (!read_rule(&reading, &rule))
		return error_set(err, ERROR_MALFORMED,
				 "no file of a time zone: its rule makes no sense");
	*out = rule;
	return 0;
}

/* ---- the offset ---- */

static int64_t change_day(const struct zone_change *change, int64_t year)
{
	if (change->form == ZONE_DAY)
		return zone_days(year, 1, 1) + change->day;
	if (change->form == ZONE_JULIAN)
		return zone_days(year, 1, 1) + change->day - 1 +
		       (is_leap(year) && change->day >= 60);

	int64_t first = zone_days(year, change->month, 1);
	int64_t weekday = (first + 4) % 7; /* 1970 began on a Thursday; below 0 before it */
	int64_t day = (change->day - weekday + 7) % 7 + (change->week - 1) * 7;

	while (day >= days_of_month(year, change->month))
		day -= 7;
	return first + day;
}

/* The last change before or at at_s, and the first one after it. */
struct neighbours {
	int64_t last_s, next_s;
	bool is_summer; /* since last_s */
};

static void consider(struct neighbours *found, int64_t at_s, int64_t change_s, bool is_summer)
{
	if (change_s > at_s) {
		if (change_s < found->next_s)
			found->next_s = change_s;
		return;
	}
	/* Summer time that ends as it begins again has no end: some zones are written so. */
	if (change_s > found->last_s || (change_s == found->last_s && is_summer)) {
		found->last_s = change_s;
		found->is_summer = is_summer;
	}
}

int64_t zone_rule_offset(const struct zone_rule *rule, int64_t at_s, int64_t *until_s)
{
	struct neighbours found = { .last_s = INT64_MIN, .next_s = INT64_MAX };

	*until_s = INT64_MAX;
	if (!rule->has_summer)
		return rule->standard_offset;

	int64_t year = year_of(at_s / DAY_S);

	/* Changes may be days away from their year, and so two years from one to the next. */
	for (int64_t of = year - 2; of <= year + 2; of++) {
		int64_t begin_s = change_day(&rule->begin, of) * DAY_S + rule->begin.time_s -
				  rule->standard_offset;
		int64_t end_s =
			change_day(&rule->end, of) * DAY_S + rule->end.time_s - rule->summer_offset;

		consider(&found, at_s, begin_s, true);
		consider(&found, at_s, end_s, false);
	}
	*until_s = found.next_s;
	return found.is_summer ? rule->summer_offset : rule->standard_offset;
}
