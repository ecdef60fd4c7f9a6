#ifndef REAPER_FORECAST_TRACE_FIELDS_H
#define REAPER_FORECAST_TRACE_FIELDS_H

#include "common/buf.h"

/* trace_fields: a CSV text (RFC 4180) row by row, apart from what the fields mean. Pure. */

enum { TRACE_MAX_FIELDS = 32, TRACE_FIELD_ROOM = 512 };

struct trace_fields {
	struct slice rest; /* what is still to be read */
	unsigned line; /* where the row began, from 1 */
	unsigned next_line;
	char fields[TRACE_MAX_FIELDS][TRACE_FIELD_ROOM]; /* of the row; unquoted */
	size_t count; /* 0: the text has ended */
};

void trace_fields_open(struct trace_fields *fields, struct slice text);

/* The next row that is neither empty nor a comment. ERROR_MALFORMED, with the line in front. */
CHECKED int trace_fields_next(struct trace_fields *fields, struct error *err);

/* A field as it must be written: in quotes where it needs them. */
void trace_fields_print(const char *text, struct buf *out);

#endif
