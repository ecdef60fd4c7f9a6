#ifndef REAPER_MONEY_SPEND_TABLE_H
#define REAPER_MONEY_SPEND_TABLE_H

#include "reaper/ledger/ledger.h"

/*
 * spend_table: rows of spend added up by one of their columns, and printed: as
 * a table for people, as CSV (RFC 4180, a heading, no line for the total), as
 * JSON. Users are ids, with their names where those are known. The dearest first; days in their
 * order. Cost and time that is nobody's (a machine that was idle, or a task of which nothing is
 * known) has a line of its own.
 */

enum spend_by {
	SPEND_BY_TASK,
	SPEND_BY_QUEUE,
	SPEND_BY_DAY,
	SPEND_BY_RESOURCE,
	SPEND_BY_USER,
	SPEND_BY_COUNT
};
const char *spend_by_name(enum spend_by by); /* "task", ... */

struct spend_line {
	char key[CLEARML_NAME_ROOM]; /* "": nobody's */
	char queue[CLEARML_NAME_ROOM], user[SETTINGS_USER_ROOM]; /* of a task */
	int64_t seconds, money, unpriced_s;
};

struct spend_table {
	enum spend_by by;
	struct clearml_users users; /* borrowed: in order of id; what users are called */
	struct spend_line *lines; /* owned */
	size_t count, room;
};

void spend_table_add(struct spend_table *table, const struct spend_row *row);
void spend_table_release(struct spend_table *table);

struct spend_span {
	const char *prefix, *from_day, *until_day; /* for the heading */
};
/* These put the lines in order first. buf_finish() is the caller's. */
void spend_table_text(struct spend_table *table, const struct spend_span *span, struct buf *out);
void spend_table_csv(struct spend_table *table, const struct spend_span *span, struct buf *out);
void spend_table_json(struct spend_table *table, const struct spend_span *span, struct buf *out);

#endif
