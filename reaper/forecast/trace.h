#ifndef REAPER_FORECAST_TRACE_H
#define REAPER_FORECAST_TRACE_H

#include "common/clearml.h"

/*
 * trace: which tasks came when, and how long each of them ran: what a
 * forecast is made from. A CSV file (RFC 4180: quoted fields, "" for a quote
 * in one; LF or CRLF; a byte order mark is skipped; lines that begin with #
 * and empty lines are skipped). The first row names the columns, in any order:
 *
 *   arrival   ISO 8601 with an offset or Z, or seconds since TRACE_EPOCH_S;
 *             one form in a whole file
 *   queue     the queue's name
 *   duration  seconds, or a text such as 1h 30m; less than a second counts as one
 *   user      who enqueued it; may be missing, as may its value
 *
 * Other columns are left alone. Rows may stand in any order. Pure.
 */

/* A Monday, 2026-01-05 00:00 UTC: what a trace in plain seconds counts from, so that schedules mean
 * something. */
#define TRACE_EPOCH_S ((int64_t)1767571200)

enum {
	TRACE_MAX_BYTES = 64 << 20,
	TRACE_MAX_ARRIVALS = 200000,
	TRACE_MAX_NAMES = 1000, /* queues; users too */
	TRACE_USER_ROOM = 128,
	TRACE_MAX_DAYS = 3660 /* from the first arrival to the last */
};

struct arrival {
	int64_t at_s; /* since 1970 */
	int64_t duration_s; /* at least 1 */
	size_t queue; /* into trace.queues */
	size_t user; /* into trace.users; 0, the empty name, when nobody is named */
	size_t place; /* in the file: the order among those of the same second */
};

struct trace {
	struct arrival *arrivals; /* owned, the earliest first; of the same second as in the file */
	size_t count;
	char (*queues)[CLEARML_NAME_ROOM]; /* owned; each once */
	size_t queue_count;
	char (*users)[TRACE_USER_ROOM]; /* owned; each once */
	size_t user_count;
};

/* ERROR_MALFORMED: "line 7: duration: expected ..., got ...". No arrival at all is an error too. */
CHECKED int trace_parse(struct slice text, struct trace *out, struct error *err);

/* As it is read again: arrivals in ISO 8601, durations in seconds. */
void trace_print(const struct trace *trace, struct buf *out);

/* One more arrival, for those who make a trace: sort it afterwards. ERROR_MALFORMED when a name is
 * none, or there are too many. */
struct trace_row {
	int64_t at_s, duration_s;
	const char *queue, *user;
};
CHECKED int trace_add(struct trace *trace, const struct trace_row *row, struct error *err);
void trace_sort(struct trace *trace);

void trace_release(struct trace *trace);

#endif
