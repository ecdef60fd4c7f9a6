#ifndef REAPER_LEDGER_LEDGER_SQL_H
#define REAPER_LEDGER_LEDGER_SQL_H

#include <stdint.h>

#include "common/buf.h"

/*
 * ledger_sql: the only room that knows SQLite. A database is opened for the one
 * writer (WAL, synchronous FULL: a transaction that was committed survives the
 * machine's crash) or for readers, which make and change no file: the writer
 * leaves the -wal and -shm files beside the database for them.
 *
 * Errors: ERROR_MALFORMED when the file is no database, is damaged, or has not
 * the tables that were asked for; ERROR_CONFLICT when others hold it for
 * longer than a writer waits; else ERROR_SYSTEM: no permission, no space left.
 */

struct ledger_sql; /* opaque: the connection */
struct sqlite3_stmt;

#define LEDGER_SQL_IN_MEMORY ":memory:"

/* The writer's. Made 0600 when absent. */
CHECKED int ledger_sql_open(const char *path, struct ledger_sql **out, struct error *err);
CHECKED int ledger_sql_open_view(const char *path, struct ledger_sql **out, struct error *err);
void ledger_sql_close(struct ledger_sql *sql); /* NULL is fine; an open transaction is undone */

/* A private copy in memory, which may be written: *sql becomes it. */
CHECKED int ledger_sql_to_memory(struct ledger_sql **sql, struct error *err);

/* Statements without arguments; rows that they answer are dropped. */
CHECKED int ledger_sql_run(struct ledger_sql *sql, const char *text, struct error *err);
bool ledger_sql_is_in_transaction(const struct ledger_sql *sql);
void ledger_sql_undo(struct ledger_sql *sql); /* the transaction, where one is open */

/* The first column of the only row. */
CHECKED int ledger_sql_number(struct ledger_sql *sql, const char *query, int64_t *out,
			      struct error *err);

/* Is the structure of the file sound, and what is stored of its type? */
CHECKED int ledger_sql_check(struct ledger_sql *sql, struct error *err);
/* The same of one table alone, without its indexes' order: so no row of it is passed over. */
CHECKED int ledger_sql_check_table(struct ledger_sql *sql, const char *table, struct error *err);

/*
 * Brings the schema up to date, in the caller's transaction. steps[i] leads from version i to
 * i + 1 (SQLite's user_version).
 */
CHECKED int ledger_sql_migrate(struct ledger_sql *sql, const char *const *steps, int64_t count,
			       struct error *err);

/* ---- statements with arguments; places of arguments count from 1, of columns from 0 ---- */

struct ledger_statement {
	struct ledger_sql *sql;
	struct sqlite3_stmt *prepared; /* owned */
};

CHECKED int ledger_statement_open(struct ledger_sql *sql, const char *text,
				  struct ledger_statement *out, struct error *err);
void ledger_statement_release(struct ledger_statement *statement);
/* The text is borrowed until the next step's end. */
CHECKED int ledger_statement_bind_text(struct ledger_statement *statement, int place,
				       const char *text, struct error *err);
CHECKED int ledger_statement_bind_integer(struct ledger_statement *statement, int place,
					  int64_t number, struct error *err);
/* False: no row (more). Then it may be bound and stepped again. */
CHECKED int ledger_statement_step(struct ledger_statement *statement, bool *has_row,
				  struct error *err);

enum ledger_column { LEDGER_COLUMN_NULL, LEDGER_COLUMN_INTEGER, LEDGER_COLUMN_TEXT };
/* Anything else that SQLite stores is ERROR_MALFORMED. The text is borrowed until the next step. */
CHECKED int ledger_statement_column(struct ledger_statement *statement, int place,
				    enum ledger_column *kind, int64_t *number, struct slice *text,
				    struct error *err);

#endif
