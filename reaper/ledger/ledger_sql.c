#include "reaper/ledger/ledger_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

enum { BUSY_MS = 5000, PRAGMA_ROOM = 64 };

struct ledger_sql {
	sqlite3 *database;
	char *path;
};

static enum error_class class_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_ERROR: /* our statements are right: a table or column is missing */
	case SQLITE_MISMATCH:
	case SQLITE_CONSTRAINT:
		return ERROR_MALFORMED;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERROR_CONFLICT;
	default:
		return ERROR_SYSTEM;
	}
}

static int fail(const struct ledger_sql *sql, struct error *err)
{
	int code = sqlite3_extended_errcode(sql->database);
	int cause = sqlite3_system_errno(sql->database);
	enum error_class class = class_of(code);

	if ((code & 0xff) == SQLITE_NOMEM)
		abort();
	/* We may write, and SQLite will not: the file's header asks for a format unknown to it. */
	if (code == SQLITE_READONLY && access(sql->path, W_OK) == 0)
		class = ERROR_MALFORMED;
	if (class == ERROR_SYSTEM && cause)
		return error_set(err, class, "%s: %s (%s)", sql->path,
				 sqlite3_errmsg(sql->database), strerror(cause));
	return error_set(err, class, "%s: %s", sql->path, sqlite3_errmsg(sql->database));
}

/* ---- opening ---- */

/* SQLite would make it readable for all; the -wal and -shm files take their mode from it. */
static int make_private(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return error_errno(err, "make %s", path);
	if (fd >= 0)
		close(fd);
	return 0;
}

static int connect_to(const char *path, int flags, struct ledger_sql **out, struct error *err)
{
	struct ledger_sql *sql = memory_array(1, sizeof(*sql));

	sql->path = memory_text(slice_of(path));
	if (sqlite3_open_v2(path, &sql->database, flags | SQLITE_OPEN_EXRESCODE, NULL) !=
	    SQLITE_OK) {
		(void)fail(sql, err);
		ledger_sql_close(sql);
		return -1;
	}
	sqlite3_busy_timeout(sql->database, BUSY_MS);
	sqlite3_db_config(sql->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(sql->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	*out = sql;
	return 0;
}

/* Without permission to write, SQLite opens for reading and says nothing. */
static int prepare_writer(struct ledger_sql *sql, struct error *err)
{
	int is_kept = 1;
	int64_t pages = 0;

	if (sqlite3_db_readonly(sql->database, "main") == 1)
		return error_set(err, ERROR_SYSTEM, "%s cannot be written", sql->path);
	/* Readers find these files, and so need not make them. */
	sqlite3_file_control(sql->database, "main", SQLITE_FCNTL_PERSIST_WAL, &is_kept);
	if (ledger_sql_number(sql, "PRAGMA page_count", &pages, err) < 0)
		return -1;
	/* Of a file that is there it would be written each time. */
	if (!pages && ledger_sql_run(sql, "PRAGMA auto_vacuum(INCREMENTAL)", err) < 0)
		return -1;
	return ledger_sql_run(sql,
			      "PRAGMA cell_size_check = ON;"
			      "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = FULL;"
			      "PRAGMA journal_size_limit = 4194304",
			      err);
}

int ledger_sql_open(const char *path, struct ledger_sql **out, struct error *err)
{
	struct ledger_sql *sql;
	bool is_file = strcmp(path, LEDGER_SQL_IN_MEMORY) != 0;

	if ((is_file && make_private(path, err) < 0) ||
	    connect_to(path, SQLITE_OPEN_READWRITE, &sql, err) < 0)
		return -1;
	if (prepare_writer(sql, err) < 0) {
		ledger_sql_close(sql);
		return -1;
	}
	*out = sql;
	return 0;
}

int ledger_sql_open_view(const char *path, struct ledger_sql **out, struct error *err)
{
	struct ledger_sql *sql;

	if (connect_to(path, SQLITE_OPEN_READONLY, &sql, err) < 0)
		return -1;
	if (ledger_sql_run(sql, "PRAGMA cell_size_check(ON)", err) < 0) {
		ledger_sql_close(sql);
		return -1;
	}
	*out = sql;
	return 0;
}

void ledger_sql_close(struct ledger_sql *sql)
{
	if (!sql)
		return;
	sqlite3_close_v2(sql->database);
	free(sql->path);
	free(sql);
}

int ledger_sql_to_memory(struct ledger_sql **sql, struct error *err)
{
	struct ledger_sql *copy;

	if (ledger_sql_open(LEDGER_SQL_IN_MEMORY, &copy, err) < 0)
		return -1;
	sqlite3_backup *backup =
		sqlite3_backup_init(copy->database, "main", (*sql)->database, "main");
	if (backup)
		(void)sqlite3_backup_step(backup, -1);
	if (!backup || sqlite3_backup_finish(backup) != SQLITE_OK) {
		(void)fail(copy, err);
		ledger_sql_close(copy);
		return -1;
	}
	ledger_sql_close(*sql);
	*sql = copy;
	return 0;
}

/* ---- whole statements ---- */

int ledger_sql_run(struct ledger_sql *sql, const char *text, struct error *err)
{
	if (sqlite3_exec(sql->database, text, NULL, NULL, NULL) != SQLITE_OK)
		return fail(sql, err);
	return 0;
}

bool ledger_sql_is_in_transaction(const struct ledger_sql *sql)
{
	return !sqlite3_get_autocommit(sql->database);
}

/* Where it fails (the disk is full) SQLite has undone all by itself. */
void ledger_sql_undo(struct ledger_sql *sql)
{
	struct error ignored;

	if (ledger_sql_is_in_transaction(sql) && ledger_sql_run(sql, "ROLLBACK", &ignored) < 0)
		log_failure("ledger", &ignored);
}

int ledger_sql_number(struct ledger_sql *sql, const char *query, int64_t *out, struct error *err)
{
	SCOPED(ledger_statement) struct ledger_statement statement = { 0 };
	enum ledger_column kind = LEDGER_COLUMN_NULL;
	struct slice text;
	bool has_row;

	if (ledger_statement_open(sql, query, &statement, err) < 0 ||
	    ledger_statement_step(&statement, &has_row, err) < 0)
		return -1;
	if (!has_row)
		return error_set(err, ERROR_MALFORMED, "%s: %s: no answer", sql->path, query);
	int64_t number = 0;
	if (ledger_statement_column(&statement, 0, &kind, &number, &text, err) < 0)
		return -1;
	if (kind == LEDGER_COLUMN_TEXT)
		return error_set(err, ERROR_MALFORMED, "%s: %s: no number", sql->path, query);
	*out = number;
	return 0;
}

static int check_with(struct ledger_sql *sql, const char *pragma, struct error *err)
{
	SCOPED(ledger_statement) struct ledger_statement statement = { 0 };
	enum ledger_column kind = LEDGER_COLUMN_NULL;
	struct slice text = { 0 };
	int64_t number;
	bool has_row;

	if (ledger_statement_open(sql, pragma, &statement, err) < 0 ||
	    ledger_statement_step(&statement, &has_row, err) < 0)
		return -1;
	if (has_row && ledger_statement_column(&statement, 0, &kind, &number, &text, err) == 0 &&
	    slice_equals(text, "ok"))
		return 0;
	return error_set(err, ERROR_MALFORMED, "%s is damaged: %.*s", sql->path, (int)text.len,
			 text.len ? text.ptr : "");
}

int ledger_sql_check(struct ledger_sql *sql, struct error *err)
{
	return check_with(sql, "PRAGMA integrity_check(1)", err);
}

int ledger_sql_check_table(struct ledger_sql *sql, const char *table, struct error *err)
{
	char pragma[PRAGMA_ROOM];

	snprintf(pragma, sizeof(pragma), "PRAGMA quick_check(%s)", table);
	return check_with(sql, pragma, err);
}

int ledger_sql_migrate(struct ledger_sql *sql, const char *const *steps, int64_t count,
		       struct error *err)
{
	char pragma[PRAGMA_ROOM];
	int64_t version = 0;

	if (ledger_sql_number(sql, "PRAGMA user_version", &version, err) < 0)
		return -1;
	if (version < 0 || version > count)
		return error_set(err, ERROR_MALFORMED,
				 "%s has version %lld, and this program knows %lld at most",
				 sql->path, (long long)version, (long long)count);
	for (int64_t step = version; step < count; step++)
		if (ledger_sql_run(sql, steps[step], err) < 0)
			return error_wrap(err, "migrate from version %lld", (long long)step);
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %lld", (long long)count);
	return version == count ? 0 : ledger_sql_run(sql, pragma, err);
}

/* ---- statements with arguments ---- */

int ledger_statement_open(struct ledger_sql *sql, const char *text, struct ledger_statement *out,
			  struct error *err)
{
	out->sql = sql;
	if (sqlite3_prepare_v2(sql->database, text, -1, &out->prepared, NULL) != SQLITE_OK)
		return fail(sql, err);
	return 0;
}

void ledger_statement_release(struct ledger_statement *statement)
{
	sqlite3_finalize(statement->prepared);
	*statement = (struct ledger_statement){ 0 };
}

int ledger_statement_bind_text(struct ledger_statement *statement, int place, const char *text,
			       struct error *err)
{
	if (sqlite3_bind_text(statement->prepared, place, text, -1, SQLITE_STATIC) != SQLITE_OK)
		return fail(statement->sql, err);
	return 0;
}

int ledger_statement_bind_integer(struct ledger_statement *statement, int place, int64_t number,
				  struct error *err)
{
	if (sqlite3_bind_int64(statement->prepared, place, number) != SQLITE_OK)
		return fail(statement->sql, err);
	return 0;
}

/* It repeats the last step's error, which was told already. */
static void rewind_statement(struct ledger_statement *statement)
{
	(void)sqlite3_reset(statement->prepared);
}

int ledger_statement_step(struct ledger_statement *statement, bool *has_row, struct error *err)
{
	int code = sqlite3_step(statement->prepared);

	if (code != SQLITE_ROW && code != SQLITE_DONE) {
		(void)fail(statement->sql, err);
		rewind_statement(statement);
		return -1;
	}
	*has_row = code == SQLITE_ROW;
	if (code == SQLITE_DONE)
		rewind_statement(statement);
	return 0;
}

int ledger_statement_column(struct ledger_statement *statement, int place, enum ledger_column *kind,
			    int64_t *number, struct slice *text, struct error *err)
{
	sqlite3_stmt *prepared = statement->prepared;

	switch (sqlite3_column_type(prepared, place)) {
	case SQLITE_NULL:
		*kind = LEDGER_COLUMN_NULL;
		return 0;
	case SQLITE_INTEGER:
		*kind = LEDGER_COLUMN_INTEGER;
		*number = sqlite3_column_int64(prepared, place);
		return 0;
	case SQLITE_TEXT:
		*kind = LEDGER_COLUMN_TEXT;
		text->ptr = (const char *)sqlite3_column_text(prepared, place);
		text->len = (size_t)sqlite3_column_bytes(prepared, place);
		if (!text->ptr) /* out of memory alone */
			abort();
		return 0;
	default:
		return error_set(err, ERROR_MALFORMED, "%s: column %d of a row has a strange type",
				 statement->sql->path, place);
	}
}
