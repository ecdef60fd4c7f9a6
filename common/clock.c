#include "common/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	MS_PER_SECOND = 1000,
	MINUTES_PER_DAY = 1440,
	SECONDS_PER_DAY = 86400,
	DAYS_PER_400_YEARS = 146097,
	FIRST_YEAR = 1970,
	LAST_YEAR = 9999
};

static const int64_t last_ms = INT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z */

static const char *const weekday_names[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
					     "Friday", "Saturday", "Sunday" };
static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* A time as it was written; checked only by moment_to_ms(). */
struct moment {
	unsigned year, month, day, hour, minute, second, ms;
	int offset_minutes; /* of the local time from UTC */
};

static int64_t read_clock(clockid_t id)
{
	struct timespec now = { 0 };

	(void)clock_gettime(id, &now); /* cannot fail: both clocks exist since Linux 2.6.39 */
	return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

void clock_sleep_ms(int64_t ms)
{
	if (ms <= 0)
		return;
	struct timespec span = { .tv_sec = (time_t)(ms / MS_PER_SECOND),
				 .tv_nsec = (long)(ms % MS_PER_SECOND) * 1000000 };

	(void)nanosleep(&span, NULL);
}

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* From 1970-01-01 to the first of January. */
static int64_t days_before_year(int64_t year)
{
	const int64_t past = year - 1;

	return past * 365 + past / 4 - past / 100 + past / 400 - 719162;
}

static int64_t days_of_date(unsigned year, unsigned month, unsigned day)
{
	int64_t days = days_before_year(year) + day - 1;

	for (unsigned past = 1; past < month; past++)
		days += days_in_month(year, past);
	return days;
}

/* days since 1970-01-01, not negative. The first guess at the year is at most one too high. */
static struct moment date_of_days(int64_t days)
{
	struct moment date = { .month = 1 };
	int64_t year = FIRST_YEAR + days * 400 / DAYS_PER_400_YEARS + 1;

	while (days_before_year(year) > days)
		year--;
	days -= days_before_year(year);
	date.year = (unsigned)year;
	while (days >= days_in_month(date.year, date.month))
		days -= days_in_month(date.year, date.month++);
	date.day = (unsigned)days + 1;
	return date;
}

void clock_format(int64_t wall_ms, bool has_ms, char out[static CLOCK_TEXT_LEN])
{
	if (wall_ms < 0)
		wall_ms = 0;
	if (wall_ms > last_ms)
		wall_ms = last_ms;
	const int64_t seconds = wall_ms / MS_PER_SECOND;
	const unsigned in_day = (unsigned)(seconds % SECONDS_PER_DAY);
	const struct moment date = date_of_days(seconds / SECONDS_PER_DAY);
	char fraction[8] = "";

	if (has_ms)
		snprintf(fraction, sizeof(fraction), ".%03u", (unsigned)(wall_ms % MS_PER_SECOND));
	snprintf(out, CLOCK_TEXT_LEN, "%04u-%02u-%02uT%02u:%02u:%02u%sZ", date.year % 10000,
		 date.month % 100, date.day % 100, in_day / 3600, in_day / 60 % 60, in_day % 60,
		 fraction);
}

void clock_format_span(int64_t ms, char out[static CLOCK_TEXT_LEN])
{
	const int64_t seconds = ms > 0 ? ms / MS_PER_SECOND : 0;
	const int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

	if (days)
		snprintf(out, CLOCK_TEXT_LEN, "%" PRId64 "d %02dh", days, (int)(hours % 24));
	else if (hours)
		snprintf(out, CLOCK_TEXT_LEN, "%dh %02dm", (int)hours, (int)(minutes % 60));
	else if (minutes)
		snprintf(out, CLOCK_TEXT_LEN, "%dm %02ds", (int)minutes, (int)(seconds % 60));
	else
		snprintf(out, CLOCK_TEXT_LEN, "%ds", (int)seconds);
}

/*
 * A leap second is written only as 23:59:60 UTC, and counts like the second
 * after it, as POSIX has it.
 */
static bool moment_to_ms(const struct moment *moment, int64_t *wall_ms)
{
	if (moment->year < FIRST_YEAR || moment->year > LAST_YEAR || moment->month < 1 ||
	    moment->month > 12 || moment->day < 1 ||
	    moment->day > days_in_month(moment->year, moment->month) || moment->hour > 23 ||
	    moment->minute > 59 || moment->second > 60)
		return false;

	const int64_t days = days_of_date(moment->year, moment->month, moment->day);
	const int64_t hours = days * 24 + moment->hour;
	const int64_t minutes = hours * 60 + moment->minute - moment->offset_minutes;
	const int64_t ms = (minutes * 60 + moment->second) * MS_PER_SECOND + moment->ms;
	const bool may_leap = minutes % MINUTES_PER_DAY == MINUTES_PER_DAY - 1;

	if (ms < 0 || ms > last_ms || (moment->second == 60 && !may_leap))
		return false;
	*wall_ms = ms;
	return true;
}

/* What is left to read. The first thing that does not fit sets failed; what is read after that
 * is zero and means nothing, so that a form is read in a row and judged once. */
struct cursor {
	struct slice rest;
	bool failed;
};

static char peek(const struct cursor *cursor)
{
	char next = 0;

	if (cursor->rest.len && !cursor->failed)
		next = cursor->rest.ptr[0];
	return next;
}

static char take(struct cursor *cursor)
{
	char next = peek(cursor);

	if (!cursor->rest.len || cursor->failed) {
		cursor->failed = true;
		return '\0';
	}
	cursor->rest = (struct slice){ cursor->rest.ptr + 1, cursor->rest.len - 1 };
	return next;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One of the characters in set. */
static char take_one_of(struct cursor *cursor, const char *set)
{
	char next = take(cursor);

	if (!next || !strchr(set, next))
		cursor->failed = true;
	return next;
}

static void take_text(struct cursor *cursor, const char *text)
{
	while (*text && !cursor->failed)
		if (take(cursor) != *text++)
			cursor->failed = true;
}

static unsigned take_number(struct cursor *cursor, unsigned digits)
{
	unsigned value = 0;

	while (digits--) {
		char digit = take_one_of(cursor, "0123456789");

		value = cursor->failed ? 0 : value * 10 + (unsigned)(digit - '0');
	}
	return value;
}

/* The place in names of the one that comes next; name_len of it counts (0: all). */
static unsigned take_name(struct cursor *cursor, const char *const *names, unsigned count,
			  size_t name_len)
{
	for (unsigned i = 0; i < count && !cursor->failed; i++) {
		size_t len = name_len ? name_len : strlen(names[i]);

		if (cursor->rest.len < len || memcmp(cursor->rest.ptr, names[i], len) != 0)
			continue;
		cursor->rest = (struct slice){ cursor->rest.ptr + len, cursor->rest.len - len };
		return i;
	}
	cursor->failed = true;
	return 0;
}

static void take_clock(struct cursor *cursor, struct moment *moment)
{
	moment->hour = take_number(cursor, 2);
	take_text(cursor, ":");
	moment->minute = take_number(cursor, 2);
	take_text(cursor, ":");
	moment->second = take_number(cursor, 2);
}

/* One to nine digits; what is finer than a millisecond is cut off, not rounded. */
static unsigned take_fraction(struct cursor *cursor)
{
	unsigned ms = 0;

	for (unsigned digits = 0; digits == 0 || is_digit(peek(cursor)); digits++) {
		unsigned digit = take_number(cursor, 1);
		static const unsigned weights[] = { 100, 10, 1 };

		if (digits < ARRAY_LEN(weights))
			ms += digit * weights[digits];
		if (digits == 9)
			cursor->failed = true;
	}
	return ms;
}

/* "Z", "+hh:mm", "+hhmm", in minutes. */
static int take_offset(struct cursor *cursor)
{
	char sign = take_one_of(cursor, "Zz+-");

	if (sign == 'Z' || sign == 'z')
		return 0;
	unsigned hours = take_number(cursor, 2);

	if (peek(cursor) == ':')
		take_text(cursor, ":");
	unsigned minutes = take_number(cursor, 2);

	if (hours > 23 || minutes > 59)
		cursor->failed = true;
	return (sign == '-' ? -1 : 1) * (int)(hours * 60 + minutes);
}

static bool is_whole(const struct cursor *cursor)
{
	return !cursor->failed && !cursor->rest.len;
}

static int refuse(struct slice text, const char *expected, struct error *err)
{
	return error_set(err, ERROR_MALFORMED, "time \"%.*s\": expected %s",
			 (int)(text.len < 48 ? text.len : 48), text.len ? text.ptr : "", expected);
}

int clock_parse_iso(struct slice text, int64_t *wall_ms, struct error *err)
{
	struct cursor cursor = { .rest = text };
	struct moment moment = { 0 };

	moment.year = take_number(&cursor, 4);
	take_text(&cursor, "-");
	moment.month = take_number(&cursor, 2);
	take_text(&cursor, "-");
	moment.day = take_number(&cursor, 2);
	take_one_of(&cursor, "Tt ");
	take_clock(&cursor, &moment);
	if (peek(&cursor) == '.') {
		take_text(&cursor, ".");
		moment.ms = take_fraction(&cursor);
	}
	moment.offset_minutes = take_offset(&cursor);
	if (!is_whole(&cursor) || !moment_to_ms(&moment, wall_ms))
		return refuse(text, "one like 2026-11-24T03:00:00.123+00:00", err);
	return 0;
}

static bool is_weekday(const struct moment *moment, unsigned weekday, int64_t *wall_ms)
{
	int64_t ms;

	if (!moment_to_ms(moment, &ms))
		return false;
	/* 1970-01-01 was a Thursday, which is 3 from Monday. By the date, not by ms: a leap second
	 * counts to the next day. */
	if ((days_of_date(moment->year, moment->month, moment->day) + 3) % 7 != weekday)
		return false;
	*wall_ms = ms;
	return true;
}

/* "Tue, 24 Nov 2026 03:00:00 GMT", the form that all send. */
static bool parse_fixed(struct slice text, int64_t *wall_ms)
{
	struct cursor cursor = { .rest = text };
	struct moment moment = { 0 };
	unsigned weekday = take_name(&cursor, weekday_names, 7, 3);

	take_text(&cursor, ", ");
	moment.day = take_number(&cursor, 2);
	take_text(&cursor, " ");
	moment.month = take_name(&cursor, month_names, 12, 0) + 1;
	take_text(&cursor, " ");
	moment.year = take_number(&cursor, 4);
	take_text(&cursor, " ");
	take_clock(&cursor, &moment);
	take_text(&cursor, " GMT");
	return is_whole(&cursor) && is_weekday(&moment, weekday, wall_ms);
}

/*
 * "Tuesday, 24-Nov-26 03:00:00 GMT". The weekday tells the century: a hundred
 * years are never a whole number of weeks.
 */
static bool parse_two_digit_year(struct slice text, int64_t *wall_ms)
{
	struct cursor cursor = { .rest = text };
	struct moment moment = { 0 };
	unsigned weekday = take_name(&cursor, weekday_names, 7, 0);

	take_text(&cursor, ", ");
	moment.day = take_number(&cursor, 2);
	take_text(&cursor, "-");
	moment.month = take_name(&cursor, month_names, 12, 0) + 1;
	take_text(&cursor, "-");
	moment.year = take_number(&cursor, 2) + 1900;
	take_text(&cursor, " ");
	take_clock(&cursor, &moment);
	take_text(&cursor, " GMT");
	if (!is_whole(&cursor))
		return false;
	if (is_weekday(&moment, weekday, wall_ms))
		return true;
	moment.year += 100;
	return is_weekday(&moment, weekday, wall_ms);
}

/* "Tue Nov 24 03:00:00 2026", as C's asctime() writes; a day below ten has a blank before it. */
static bool parse_asctime(struct slice text, int64_t *wall_ms)
{
	struct cursor cursor = { .rest = text };
	struct moment moment = { 0 };
	unsigned weekday = take_name(&cursor, weekday_names, 7, 3);

	take_text(&cursor, " ");
	moment.month = take_name(&cursor, month_names, 12, 0) + 1;
	take_text(&cursor, " ");
	const bool is_short = peek(&cursor) == ' ';

	if (is_short)
		take_text(&cursor, " ");
	moment.day = take_number(&cursor, is_short ? 1 : 2);
	take_text(&cursor, " ");
	take_clock(&cursor, &moment);
	take_text(&cursor, " ");
	moment.year = take_number(&cursor, 4);
	return is_whole(&cursor) && is_weekday(&moment, weekday, wall_ms);
}

int clock_parse_http(struct slice text, int64_t *wall_ms, struct error *err)
{
	if (parse_fixed(text, wall_ms) || parse_two_digit_year(text, wall_ms) ||
	    parse_asctime(text, wall_ms))
		return 0;
	return refuse(text, "one like Tue, 24 Nov 2026 03:00:00 GMT", err);
}
