#ifndef REAPER_LEDGER_LEDGER_FILE_H
#define REAPER_LEDGER_LEDGER_FILE_H

#include "reaper/ledger/ledger.h"
#include "reaper/ledger/ledger_rows.h"
#include "reaper/ledger/ledger_sql.h"

/*
 * ledger_file: the open ledger as ledger.c, ledger_memory.c,
 * ledger_spend.c and ledger_history.c share it. Nobody else includes this.
 */

struct ledger_file {
	struct ledger_sql *sql; /* a view's without a file: an empty one in memory */
	char folder[TICKET_PATH_ROOM];
	int64_t now_s;
	bool is_view;
	struct spend_row *unwritten; /* what ledger_spend_add() was given since the last write */
	size_t unwritten_count;
};

/* A transaction: ledger_end(file, status, err) commits when status is 0, else undoes it and passes
 * the status on. When it returns 0 all is on the disk. */
CHECKED int ledger_begin(struct ledger_file *file, struct error *err);
CHECKED int ledger_end(struct ledger_file *file, int status, struct error *err);

/* ---- of ledger_memory.c: within a transaction ---- */
CHECKED int ledger_memory_read(struct ledger_sql *sql, struct ledger *out, struct error *err);
CHECKED int ledger_memory_write(struct ledger_sql *sql, const struct ledger *ledger,
				struct error *err);

/* ---- of ledger_spend.c: within a transaction ---- */
CHECKED int ledger_spend_write(struct ledger_sql *sql, const struct spend_row *rows, size_t count,
			       struct error *err);
/* Reads all to see that it is whole. */
CHECKED int ledger_spend_check(struct ledger_sql *sql, struct error *err);
CHECKED int ledger_spend_drop(struct ledger_sql *sql, const char *before_day, int most,
			      struct error *err);

/* ---- of ledger_history.c ---- */
/* Drops what is older than it is kept, a bounded part at a time, and reads all the rest once a day
 * to see that it is whole: ERROR_MALFORMED. */
CHECKED int ledger_history_tend(struct ledger_file *file, struct error *err);
/* ledger_rows_each() of a table of the history, which nobody looked at when it was opened. */
CHECKED int ledger_history_each(struct ledger_file *file, const struct ledger_shape *shape,
				const struct ledger_choice *choice, ledger_visit *visit,
				void *context, struct error *err);
/* Where what failed says that something is damaged, the next open reads all, as once a day. */
void ledger_history_doubt(struct ledger_file *file, const struct error *why);

#endif
