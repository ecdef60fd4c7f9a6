#ifndef REAPER_LEDGER_LEDGER_ROWS_H
#define REAPER_LEDGER_LEDGER_ROWS_H

#include <limits.h>
#include <stddef.h>

#include "reaper/ledger/ledger_sql.h"

/*
 * ledger_rows: records of C as rows of a table, by a description of the fields.
 * Each row carries a checksum over its values, in the column "checksum": SQLite
 * notices damage to a page's structure, not to a text or a number in it, and a
 * flipped bit must not become money. A row whose checksum is wrong, or whose
 * values do not fit the record, is ERROR_MALFORMED.
 *
 * A field that a later version adds goes last: its column is NULL in older
 * rows, where it reads as zero or "" and does not count in the checksum.
 */

enum ledger_field_kind {
	LEDGER_FIELD_TEXT, /* char[most] */
	LEDGER_FIELD_INTEGER, /* int64_t, uint64_t below 2^63 */
	LEDGER_FIELD_UNSIGNED, /* unsigned, an enum; at most most */
	LEDGER_FIELD_BOOL,
};

struct ledger_field {
	const char *name; /* of the column */
	enum ledger_field_kind kind;
	size_t offset;
	int64_t most;
};

struct ledger_shape {
	const char *table;
	const struct ledger_field *fields;
	size_t field_count, row_len; /* row_len: sizeof(the record) */
};

enum { LEDGER_ROW_BYTES = 2048 }; /* no record is longer */

/* A field whose column has the member's name; a shape of all fields in a list. */
#define LEDGER_TEXT(type, member)                                          \
	{                                                                  \
#member, LEDGER_FIELD_TEXT, offsetof(struct type, member), \
			sizeof(((struct type *)NULL)->member)              \
	}
#define LEDGER_INTEGER(type, member)                                            \
	{                                                                       \
#member, LEDGER_FIELD_INTEGER, offsetof(struct type, member), 0 \
	}
#define LEDGER_UNSIGNED(type, member)                                                   \
	{                                                                               \
#member, LEDGER_FIELD_UNSIGNED, offsetof(struct type, member), UINT_MAX \
	}
#define LEDGER_BOOL(type, member)                                            \
	{                                                                    \
#member, LEDGER_FIELD_BOOL, offsetof(struct type, member), 1 \
	}
#define LEDGER_SHAPE(table, type, fields)                             \
	{                                                             \
		table, fields, ARRAY_LEN(fields), sizeof(struct type) \
	}

/* Adds the rows; one with the same primary key is replaced. */
CHECKED int ledger_rows_add(struct ledger_sql *sql, const struct ledger_shape *shape,
			    const void *rows, size_t count, struct error *err);

/* The rows that "WHERE ... ORDER BY ... LIMIT ?3" (may be NULL) leaves, with its arguments: texts
 * are ?1, ?2, ...; number is the one after them (not bound when the condition has none). */
struct ledger_choice {
	const char *condition;
	const char *texts[6];
	size_t text_count;
	bool has_number;
	int64_t number;
};
/* The row is good during the visit alone. Returns false to stop. */
typedef bool ledger_visit(const void *row, void *context);
CHECKED int ledger_rows_each(struct ledger_sql *sql, const struct ledger_shape *shape,
			     const struct ledger_choice *choice, ledger_visit *visit, void *context,
			     struct error *err);

#endif
