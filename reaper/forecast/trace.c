#include "reaper/forecast/trace.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "reaper/forecast/trace_fields.h"
#include "reaper/settings/duration.h"

enum column { COLUMN_ARRIVAL, COLUMN_QUEUE, COLUMN_DURATION, COLUMN_USER, COLUMN_COUNT };
static const char *const column_names[] = { "arrival", "queue", "duration", "user" };
enum { NOWHERE = TRACE_MAX_FIELDS };

struct reading {
	struct trace_fields fields;
	size_t places[COLUMN_COUNT]; /* NOWHERE: there is no such column */
	size_t width; /* columns that the first row names */
	bool is_iso, is_form_known;
};

static int refuse(const struct reading *reading, enum column column, const char *expected,
		  struct error *err)
{
	char shown[40];

	text_cut(shown, sizeof(shown), reading->fields.fields[reading->places[column]]);
	return error_set(err, ERROR_MALFORMED, "line %u: %s: expected %s, got \"%s\"",
			 reading->fields.line, column_names[column], expected, shown);
}

static const char *field(const struct reading *reading, enum column column)
{
	size_t place = reading->places[column];

	return place < reading->fields.count ? reading->fields.fields[place] : "";
}

static int read_head(struct reading *reading, struct error *err)
{
	if (trace_fields_next(&reading->fields, err) < 0)
		return -1;
	reading->width = reading->fields.count;
	for (size_t column = 0; column < COLUMN_COUNT; column++) {
		reading->places[column] = NOWHERE;
		for (size_t i = 0; i < reading->fields.count; i++) {
			if (strcmp(reading->fields.fields[i], column_names[column]) != 0)
				continue;
			if (reading->places[column] != NOWHERE)
				return error_set(err, ERROR_MALFORMED,
						 "line %u: two columns are named %s",
						 reading->fields.line, column_names[column]);
			reading->places[column] = i;
		}
		if (reading->places[column] == NOWHERE && column != COLUMN_USER)
			return error_set(err, ERROR_MALFORMED,
					 "line %u: the first row must name the columns arrival, "
					 "queue, duration (and user): %s is missing",
					 reading->fields.line, column_names[column]);
	}
	return 0;
}

/* Seconds, with at most nine digits after a point, which are cut. */
static bool parse_seconds(const char *text, int64_t *out)
{
	size_t digits = strspn(text, "0123456789");
	const char *rest = text + digits;

	if (!digits || digits > 12)
		return false;
	if (*rest == '.') {
		size_t decimals = strspn(rest + 1, "0123456789");

		if (!decimals || decimals > 9)
			return false;
		rest += 1 + decimals;
	}
	if (*rest)
		return false;
	*out = strtoll(text, NULL, 10);
	return true;
}

static int read_arrival(struct reading *reading, int64_t *at_s, struct error *err)
{
	const char *text = field(reading, COLUMN_ARRIVAL);
	const int64_t latest_s = 253402300799 - TRACE_EPOCH_S; /* the year 9999 */
	struct error why;
	int64_t wall_ms;
	bool is_iso = false;

	if (!parse_seconds(text, at_s) || *at_s > latest_s) {
		if (clock_parse_iso(slice_of(text), &wall_ms, &why) < 0)
			return refuse(reading, COLUMN_ARRIVAL,
				      "seconds, or a time such as 2026-01-05T08:00:00Z", err);
		is_iso = true;
		*at_s = wall_ms / 1000;
	} else {
		*at_s += TRACE_EPOCH_S;
	}
	if (reading->is_form_known && reading->is_iso != is_iso)
		return refuse(reading, COLUMN_ARRIVAL,
			      is_iso ? "seconds, as in the lines before" :
				       "a date and time, as in the lines before",
			      err);
	reading->is_iso = is_iso;
	reading->is_form_known = true;
	return 0;
}

static int read_row(struct reading *reading, struct trace *trace, struct error *err)
{
	struct trace_row row = { .queue = field(reading, COLUMN_QUEUE),
				 .user = field(reading, COLUMN_USER) };
	struct error why;
	int64_t duration_ms;

	for (size_t column = 0; column < COLUMN_USER; column++)
		if (reading->places[column] >= reading->fields.count)
			return error_set(err, ERROR_MALFORMED, "line %u: %s is missing",
					 reading->fields.line, column_names[column]);
	for (size_t i = reading->width; i < reading->fields.count; i++)
		if (*reading->fields.fields[i])
			return error_set(err, ERROR_MALFORMED,
					 "line %u: it has %zu fields, and the first row names %zu "
					 "(a name with a comma needs quotes)",
					 reading->fields.line, reading->fields.count,
					 reading->width);
	if (read_arrival(reading, &row.at_s, err) < 0)
		return -1;
	if (duration_parse(slice_of(field(reading, COLUMN_DURATION)), &duration_ms, &why) < 0)
		return refuse(reading, COLUMN_DURATION, DURATION_EXPECTED, err);
	row.duration_s = (duration_ms + 500) / 1000;
	if (trace_add(trace, &row, err) < 0)
		return error_wrap(err, "line %u", reading->fields.line);
	return 0;
}

static int read_rows(struct reading *reading, struct trace *trace, struct error *err)
{
	if (read_head(reading, err) < 0)
		return -1;
	for (;;) {
		if (trace_fields_next(&reading->fields, err) < 0)
			return -1;
		if (!reading->fields.count)
			break;
		if (read_row(reading, trace, err) < 0)
			return -1;
	}
	if (!trace->count)
		return error_set(err, ERROR_MALFORMED, "there is no task in it");
	trace_sort(trace);
	int64_t span_s = trace->arrivals[trace->count - 1].at_s - trace->arrivals[0].at_s;
	if (span_s > (int64_t)TRACE_MAX_DAYS * 86400)
		return error_set(err, ERROR_MALFORMED,
				 "from the first arrival to the last are more than %d days",
				 TRACE_MAX_DAYS);
	return 0;
}

int trace_parse(struct slice text, struct trace *out, struct error *err)
{
	SCOPED(trace) struct trace trace = { 0 };

	if (text.len > TRACE_MAX_BYTES)
		return error_set(err, ERROR_MALFORMED, "it is larger than %d MiB",
				 TRACE_MAX_BYTES >> 20);
	struct reading *reading = memory_array(1, sizeof(*reading));
	trace_fields_open(&reading->fields, text);
	int result = read_rows(reading, &trace, err);
	free(reading);
	if (result < 0)
		return -1;
	*out = trace;
	trace = (struct trace){ 0 };
	return 0;
}

/* ---- making ---- */

/* Printable UTF-8: it ends up in tables, pages and requests. */
static bool is_name(const char *text)
{
	struct slice rest = slice_of(text);
	uint32_t code = 0;

	while (rest.len) {
		size_t len = text_character(rest, &code);

		if (!len || code < 0x20 || (code >= 0x7f && code < 0xa0))
			return false;
		rest.ptr += len;
		rest.len -= len;
	}
	return true;
}

static int find_queue(struct trace *trace, const char *name, size_t *out, struct error *err)
{
	if (!*name || strlen(name) >= CLEARML_NAME_ROOM || !is_name(name))
		return error_set(err, ERROR_MALFORMED,
				 "queue: expected a name of at most %d bytes, got \"%.40s\"",
				 CLEARML_NAME_ROOM - 1, is_name(name) ? name : "?");
	for (*out = 0; *out < trace->queue_count; (*out)++)
		if (strcmp(trace->queues[*out], name) == 0)
			return 0;
	if (*out == TRACE_MAX_NAMES)
		return error_set(err, ERROR_MALFORMED, "more than %d queues", TRACE_MAX_NAMES);
	trace->queues = memory_grow(trace->queues, *out + 1, sizeof(*trace->queues));
	trace->queue_count++;
	return text_copy(trace->queues[*out], CLEARML_NAME_ROOM, slice_of(name), err);
}

static int find_user(struct trace *trace, const char *name, size_t *out, struct error *err)
{
	if (strlen(name) >= TRACE_USER_ROOM || !is_name(name))
		return error_set(err, ERROR_MALFORMED,
				 "user: expected a name of at most %d bytes, got \"%.40s\"",
				 TRACE_USER_ROOM - 1, is_name(name) ? name : "?");
	if (!trace->user_count) {
		trace->users = memory_array(1, sizeof(*trace->users));
		trace->user_count = 1;
	}
	for (*out = 0; *out < trace->user_count; (*out)++)
		if (strcmp(trace->users[*out], name) == 0)
			return 0;
	if (*out == TRACE_MAX_NAMES)
		return error_set(err, ERROR_MALFORMED, "more than %d users", TRACE_MAX_NAMES - 1);
	trace->users = memory_grow(trace->users, *out + 1, sizeof(*trace->users));
	trace->user_count++;
	return text_copy(trace->users[*out], TRACE_USER_ROOM, slice_of(name), err);
}

int trace_add(struct trace *trace, const struct trace_row *row, struct error *err)
{
	struct arrival arrival = { row->at_s, row->duration_s < 1 ? 1 : row->duration_s, 0, 0,
				   trace->count };

	if (trace->count == TRACE_MAX_ARRIVALS)
		return error_set(err, ERROR_MALFORMED, "more than %d tasks", TRACE_MAX_ARRIVALS);
	if (find_queue(trace, row->queue, &arrival.queue, err) < 0 ||
	    find_user(trace, row->user, &arrival.user, err) < 0)
		return -1;
	if ((trace->count & (trace->count - 1)) == 0) /* room doubles */
		trace->arrivals = memory_grow(trace->arrivals, trace->count ? 2 * trace->count : 1,
					      sizeof(*trace->arrivals));
	trace->arrivals[trace->count++] = arrival;
	return 0;
}

static int compare_arrivals(const void *left, const void *right)
{
	const struct arrival *a = left, *b = right;

	if (a->at_s != b->at_s)
		return a->at_s < b->at_s ? -1 : 1;
	return (a->place > b->place) - (a->place < b->place);
}

void trace_sort(struct trace *trace)
{
	if (trace->count)
		qsort(trace->arrivals, trace->count, sizeof(*trace->arrivals), compare_arrivals);
}

void trace_print(const struct trace *trace, struct buf *out)
{
	buf_addf(out, "arrival,queue,duration,user\n");
	for (size_t i = 0; i < trace->count; i++) {
		const struct arrival *arrival = &trace->arrivals[i];
		char at[CLOCK_TEXT_LEN];

		clock_format(arrival->at_s * 1000, false, at);
		buf_addf(out, "%s,", at);
		trace_fields_print(trace->queues[arrival->queue], out);
		buf_addf(out, ",%lld,", (long long)arrival->duration_s);
		trace_fields_print(trace->users[arrival->user], out);
		buf_addf(out, "\n");
	}
}

void trace_release(struct trace *trace)
{
	free(trace->arrivals);
	free(trace->queues);
	free(trace->users);
	memset(trace, 0, sizeof(*trace));
}
