#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "common/buf.h"

/*
 * clock: the only room that asks the time. Wall time compares with what peers
 * say; monotonic time measures how long. Milliseconds in both. Decisions get
 * their "now" as an argument.
 */

int64_t clock_wall_ms(void); /* since 1970 UTC */
int64_t clock_monotonic_ms(void); /* since boot, suspend included (CLOCK_BOOTTIME) */
void clock_sleep_ms(int64_t ms); /* may end early at a signal */

enum { CLOCK_TEXT_LEN = 32 };

/* "2026-11-24T03:00:00Z" (has_ms: "...:00.123Z"). Before 1970 and after 9999 the nearest time
 * within is shown. */
void clock_format(int64_t wall_ms, bool has_ms, char out[static CLOCK_TEXT_LEN]);

/* "1h 02m", "12m 30s", "8s", "3d 04h": for people. Negative counts as 0. */
void clock_format_span(int64_t ms, char out[static CLOCK_TEXT_LEN]);

/*
 * Both read years from 1970 to 9999, and nothing before or after the time; a
 * leap second (23:59:60 UTC only) counts as the second after it.
 */

/* ISO 8601 with offset (+hh:mm, +hhmm) or Z, as ClearML answers; after the seconds up to nine
 * digits, of which three count; a blank may stand for the T. ERROR_MALFORMED. */
CHECKED int clock_parse_iso(struct slice text, int64_t *wall_ms, struct error *err);

/* The three forms of RFC 9110, 5.6.7 (the Date and Retry-After headers). A weekday that the date
 * did not fall on is ERROR_MALFORMED; it tells the century of a two-digit year. */
CHECKED int clock_parse_http(struct slice text, int64_t *wall_ms, struct error *err);

#endif
