#ifndef REAPER_TABLE_H
#define REAPER_TABLE_H

#include "common/buf.h"

/*
 * table: columns as wide as their widest cell, for people. Cells may hold a
 * peer's words: whatever could drive a terminal is shown as "?", and a long
 * cell is cut.
 */

enum { TABLE_COLUMNS = 12, TABLE_CELL_ROOM = 120 };

struct table {
	char (*cells)[TABLE_CELL_ROOM]; /* owned; row after row */
	size_t columns, count;
};

/* Its heading, NULL-terminated; at most TABLE_COLUMNS. */
void table_open(struct table *table, const char *const *heading);
void table_cell(struct table *table, const char *fmt, ...) PRINTF(2, 3);
bool table_is_empty(const struct table *table); /* nothing but its heading */
void table_print(const struct table *table, struct buf *out); /* every row a line */
void table_release(struct table *table);

/* The text with what could drive a terminal shown as "?". */
void table_plain(const char *text, char *out, size_t room);

#endif
