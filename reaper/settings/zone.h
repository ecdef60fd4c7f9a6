#ifndef REAPER_SETTINGS_ZONE_H
#define REAPER_SETTINGS_ZONE_H

#include "common/buf.h"

/*
 * zone: the local time of a place, from the system's zone database (package
 * tzdata; files of RFC 8536). Read by ourselves, since the C library knows
 * one zone at a time, that of the variable TZ. Times are UTC seconds since
 * 1970; an offset is seconds east of UTC.
 */

enum { ZONE_FILE_BYTES = 256 * 1024 };

/* A day of each year on which the clocks change. */
struct zone_change {
	enum { ZONE_JULIAN, ZONE_DAY, ZONE_WEEKDAY } form;
	int day; /* 1-365 without February 29; 0-365; of the week, 0 Sunday */
	int month, week; /* ZONE_WEEKDAY: 1-12; 1-5, the last being 5 */
	int64_t time_s; /* of the local day, may be outside of it */
};

/* What holds past the last change that the file lists. */
struct zone_rule {
	int64_t standard_offset, summer_offset;
	bool has_summer;
	struct zone_change begin, end; /* of summer time */
};

struct zone {
	struct buf bytes; /* owned: the file */
	size_t times, kinds_of, kinds; /* where the lists begin in bytes */
	size_t time_count, kind_count;
	bool has_rule;
	struct zone_rule rule;
};

/* "Europe/Berlin"; "UTC" needs no file. ERROR_CONFIGURATION: there is none of this name;
 * ERROR_MALFORMED: its file makes no sense. */
CHECKED int zone_read(const char *name, struct zone *out, struct error *err);
CHECKED int zone_parse(struct slice file, struct zone *out, struct error *err);
void zone_release(struct zone *zone);

/* The offset at a time, within 30,000 years of now, and when it may change next (INT64_MAX: never).
 */
int64_t zone_offset(const struct zone *zone, int64_t at_s, int64_t *until_s);

/* Days since 1970 of a date; day may be 1 to 366. */
int64_t zone_days(int64_t year, int month, int day);

#endif
