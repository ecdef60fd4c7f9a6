#include "reaper/ledger/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "reaper/ledger/ledger_file.h"
#include "reaper/ledger/ledger_text.h"

enum { MOST_OLD_BYTES = 64 << 20, PATH_ROOM = TICKET_PATH_ROOM + 80 };

/* "mayf": tells file(1), and us, whose database it is. */
#define APPLICATION_ID "1835104614"

/* What is released is never changed: a new version is a new step. Added columns are NULL in old
 * rows (ledger_rows.h). No table of the memory has a key: what was written is read. */
static const char *const steps[] = {
	"PRAGMA application_id = " APPLICATION_ID ";"
	"CREATE TABLE ledger (since_s INTEGER, passes INTEGER, looked_s INTEGER, task TEXT,"
	" channel INTEGER, is_spend_whole INTEGER, counted_until_s INTEGER,"
	" checksum INTEGER) STRICT;"
	"CREATE TABLE attempts (resource TEXT, slot INTEGER, generation INTEGER, day TEXT,"
	" offering TEXT, asked_s INTEGER, checksum INTEGER) STRICT;"
	"CREATE TABLE marks (what TEXT, first_s INTEGER, checksum INTEGER) STRICT;"
	"CREATE TABLE machines (instance TEXT, resource TEXT, last_report_ms INTEGER,"
	" listed_s INTEGER, was_busy INTEGER, has_served INTEGER, is_judged INTEGER, spent_until_s "
	"INTEGER,"
	" checksum INTEGER) STRICT;"
	"CREATE TABLE resources (resource TEXT, boot_failures INTEGER,"
	" last_boot_failure_s INTEGER, spot_failing_since_s INTEGER,"
	" spot_blackout_until_s INTEGER, checksum INTEGER) STRICT;"
	"CREATE TABLE offerings (resource TEXT, offering TEXT, until_s INTEGER,"
	" failures INTEGER, hinted_until_s INTEGER, checksum INTEGER) STRICT;"
	"CREATE TABLE orders (instance TEXT, word INTEGER, since_s INTEGER,"
	" checksum INTEGER) STRICT;"
	"CREATE TABLE upkeep (what TEXT PRIMARY KEY, time_s INTEGER, checksum INTEGER) STRICT;"
	"CREATE TABLE journal (id INTEGER PRIMARY KEY, time_s INTEGER, event TEXT, subject TEXT,"
	" text TEXT, checksum INTEGER) STRICT;"
	"CREATE INDEX journal_time ON journal (time_s);"
	"CREATE INDEX journal_subject ON journal (subject, event, id);"
	"CREATE TABLE spend (day TEXT, resource TEXT, instance TEXT, queue TEXT, task TEXT,"
	" user TEXT, seconds INTEGER, money INTEGER, unpriced_s INTEGER, checksum INTEGER,"
	" PRIMARY KEY (day, resource, instance, queue, task, user)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX spend_task ON spend (task, day);"
	/* The same added up over instances and tasks ("" here): what a pass needs. */
	"CREATE TABLE spend_sums (day TEXT, resource TEXT, instance TEXT, queue TEXT, task TEXT,"
	" user TEXT, seconds INTEGER, money INTEGER, unpriced_s INTEGER, checksum INTEGER,"
	" PRIMARY KEY (day, resource, instance, queue, task, user)) STRICT, WITHOUT ROWID",

	"ALTER TABLE ledger ADD COLUMN users_asked_s INTEGER;"
	"CREATE TABLE users (id TEXT, name TEXT, checksum INTEGER) STRICT",

	"ALTER TABLE ledger ADD COLUMN issuer TEXT;"
	"ALTER TABLE ledger ADD COLUMN mirror INTEGER;"
	"ALTER TABLE ledger ADD COLUMN rival TEXT;"
	"ALTER TABLE ledger ADD COLUMN rival_s INTEGER;"
	"ALTER TABLE ledger ADD COLUMN spend_lost_s INTEGER;"
	"ALTER TABLE orders ADD COLUMN issuer TEXT",

	"ALTER TABLE resources ADD COLUMN spot_asked_s INTEGER;"
	"ALTER TABLE resources ADD COLUMN is_spot_secret INTEGER;"
	"CREATE TABLE spot_prices (resource TEXT, type TEXT, region TEXT, zone TEXT,"
	" price INTEGER, learned_s INTEGER, checksum INTEGER) STRICT",
};

static void ledger_path(const struct ledger_file *file, const char *name, const char *ending,
			char out[static PATH_ROOM])
{
	snprintf(out, PATH_ROOM, "%s/%s%s", file->folder, name, ending);
}

/* ---- what makes no sense is kept for a person to look at; what it knew is rebuilt from the
 * world (I6) ---- */

static int rename_aside(const struct ledger_file *file, const char *name, const char *ending,
			const char *stamp, struct error *err)
{
	char from[PATH_ROOM], aside[PATH_ROOM];

	snprintf(from, sizeof(from), "%s/%s%s", file->folder, name, ending);
	snprintf(aside, sizeof(aside), "%s/%s.unreadable-%s%s", file->folder, name, stamp, ending);
	if (rename(from, aside) < 0 && errno != ENOENT)
		return error_errno(err, "set %s aside", from);
	return 0;
}

/* The main file first: SQLite throws away a -wal whose database is missing or empty, so a kill in
 * between leaves nothing that would be believed in part. */
static int set_aside(const struct ledger_file *file, const char *name, const struct error *why,
		     struct error *err)
{
	char stamp[CLOCK_TEXT_LEN], path[PATH_ROOM];

	clock_format(file->now_s * 1000, false, stamp);
	if (rename_aside(file, name, "", stamp, err) < 0 ||
	    rename_aside(file, name, "-wal", stamp, err) < 0)
		return error_wrap(err, "%s", why->message);
	ledger_path(file, name, "-shm", path);
	if (file_remove(path, err) < 0)
		return -1;
	log_warn("ledger",
		 "%s/%s makes no sense (%s): set aside as %s.unreadable-%s, a fresh one begins",
		 file->folder, name, why->message, name, stamp);
	return 0;
}

/* ---- the ledger of mayfly 0.1, a JSON file ---- */

static int read_old(struct ledger_file *file, struct ledger *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(MOST_OLD_BYTES);
	char path[PATH_ROOM];

	ledger_path(file, LEDGER_OLD_NAME, "", path);
	if (file_read(path, &text, err) == 0 && ledger_parse(buf_slice(&text), out, err) == 0)
		return 0;
	if (err->class == ERROR_MALFORMED && !file->is_view) {
		struct error why = *err;

		if (set_aside(file, LEDGER_OLD_NAME, &why, err) < 0)
			return -1;
	} else if (err->class != ERROR_NOT_FOUND && err->class != ERROR_MALFORMED) {
		return error_wrap(err, "read the ledger");
	}
	*out = (struct ledger){ .since_s = file->now_s };
	return 0;
}

/* It must not come back when the new one is deleted. */
static int retire_old(const struct ledger_file *file, struct error *err)
{
	char path[PATH_ROOM], retired[PATH_ROOM];

	ledger_path(file, LEDGER_OLD_NAME, "", path);
	ledger_path(file, LEDGER_OLD_NAME, ".imported", retired);
	if (rename(path, retired) < 0 && errno != ENOENT)
		return error_errno(err, "rename %s", path);
	return 0;
}

/* ---- opening ---- */

static int migrate(struct ledger_file *file, bool is_new, struct error *err)
{
	SCOPED(ledger) struct ledger first = { 0 };

	if (is_new && read_old(file, &first, err) < 0)
		return -1;
	if (ledger_sql_run(file->sql, "BEGIN IMMEDIATE", err) < 0 ||
	    ledger_sql_migrate(file->sql, steps, ARRAY_LEN(steps), err) < 0 ||
	    (is_new && ledger_memory_write(file->sql, &first, err) < 0) ||
	    ledger_sql_run(file->sql, "COMMIT", err) < 0)
		return -1;
	return 0;
}

/* is_new: there is nothing in it, as in a file that was just made. */
static int identify(struct ledger_file *file, bool *is_new, int64_t *version, struct error *err)
{
	int64_t application, tables;

	if (ledger_sql_number(file->sql, "PRAGMA application_id", &application, err) < 0 ||
	    ledger_sql_number(file->sql, "PRAGMA user_version", version, err) < 0 ||
	    ledger_sql_number(file->sql, "SELECT count(*) FROM sqlite_schema", &tables, err) < 0)
		return -1;
	*is_new = !application && !*version && !tables;
	if (!*is_new && application != strtoll(APPLICATION_ID, NULL, 10))
		return error_set(err, ERROR_MALFORMED, "it is a database, but no ledger");
	return 0;
}

/* What a pass reads whole, or counts money by: of these a row that is missing would be believed to
 * be none. The journal and the spend of each task may be a million rows. They are looked at once a
 * day, and when one of them turns out to be damaged (ledger_history_each()). */
static int check_memory(struct ledger_file *file, struct error *err)
{
	static const char *const tables[] = { "sqlite_schema", "ledger",     "attempts",
					      "marks",	       "machines",   "resources",
					      "offerings",     "orders",     "users",
					      "upkeep",	       "spend_sums", "spot_prices" };

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (ledger_sql_check_table(file->sql, tables[i], err) < 0)
			return -1;
	return 0;
}

static int open_file(struct ledger_file *file, struct error *err)
{
	char path[PATH_ROOM];
	int64_t version;
	bool is_new;

	ledger_path(file, LEDGER_NAME, "", path);
	if (ledger_sql_open(path, &file->sql, err) < 0 ||
	    identify(file, &is_new, &version, err) < 0)
		return -1;
	if ((version != ARRAY_LEN(steps) && migrate(file, is_new, err) < 0) ||
	    check_memory(file, err) < 0)
		return -1;
	return retire_old(file, err) < 0 ? -1 : ledger_history_tend(file, err);
}

/* What a view has where there is no file, or none that makes sense. */
static int open_empty(struct ledger_file *file, struct error *err)
{
	ledger_sql_close(file->sql);
	file->sql = NULL;
	if (ledger_sql_open(LEDGER_SQL_IN_MEMORY, &file->sql, err) < 0)
		return -1;
	return migrate(file, true, err);
}

/* *is_new: there is none, or nothing in it yet; else it is open, and of our version. */
static int open_looking(struct ledger_file *file, bool *is_new, struct error *err)
{
	char path[PATH_ROOM];
	int64_t version;

	ledger_path(file, LEDGER_NAME, "", path);
	*is_new = !file_exists(path);
	if (*is_new)
		return 0;
	if (ledger_sql_open_view(path, &file->sql, err) < 0 ||
	    identify(file, is_new, &version, err) < 0)
		return -1;
	if (*is_new) /* a pass is just making it */
		return 0;
	if (version != ARRAY_LEN(steps) &&
	    (ledger_sql_to_memory(&file->sql, err) < 0 || migrate(file, false, err) < 0))
		return -1;
	return check_memory(file, err);
}

static int open_view(struct ledger_file *file, struct error *err)
{
	bool is_new;

	if (open_looking(file, &is_new, err) < 0)
		return -1;
	return is_new ? open_empty(file, err) : 0;
}

static int open_history(struct ledger_file *file, struct error *err)
{
	bool is_new;

	if (open_looking(file, &is_new, err) < 0)
		return -1;
	if (is_new)
		return error_set(err, ERROR_NOT_FOUND, "there is no ledger in %s yet",
				 file->folder);
	/* All of it will be told: what is hidden by damage must not be told to be none. */
	return ledger_sql_check(file->sql, err);
}

/* Whoever misses the older entries finds why. */
static int note_fresh(struct ledger_file *file, const struct error *why, struct error *err)
{
	struct journal_entry entry = { .time_s = file->now_s,
				       .event = "set aside",
				       .subject = LEDGER_NAME };

	snprintf(entry.text, sizeof(entry.text),
		 "kept as %s.unreadable-*, a fresh one begins: %.400s", LEDGER_NAME, why->message);
	return ledger_journal_add(file, &entry, 1, err);
}

/* The file as it was is moved aside, and a fresh one is open; a view has an empty one. */
static int start_over(struct ledger_file *file, const struct error *why, struct error *err)
{
	struct error reason = *why; /* may be *err */

	ledger_sql_close(file->sql);
	file->sql = NULL;
	if (file->is_view) {
		log_warn("ledger", "the ledger makes no sense (%s): read as an empty one",
			 reason.message);
		return open_empty(file, err);
	}
	if (set_aside(file, LEDGER_NAME, &reason, err) < 0 || open_file(file, err) < 0)
		return -1;
	return note_fresh(file, &reason, err);
}

static int open_with(int (*open)(struct ledger_file *, struct error *), const char *folder,
		     int64_t now_s, struct ledger_file **out, struct error *err)
{
	struct ledger_file *file = memory_array(1, sizeof(*file));

	file->now_s = now_s;
	file->is_view = open == open_view;
	if (text_copy(file->folder, sizeof(file->folder), slice_of(folder), err) == 0 &&
	    (open(file, err) == 0 ||
	     (err->class == ERROR_MALFORMED && start_over(file, err, err) == 0))) {
		*out = file;
		return 0;
	}
	ledger_close(file);
	return error_wrap(err, "open the ledger");
}

int ledger_open(const char *folder, int64_t now_s, struct ledger_file **out, struct error *err)
{
	if (file_make_folder(folder, 0700, err) < 0)
		return error_wrap(err, "open the ledger");
	return open_with(open_file, folder, now_s, out, err);
}

int ledger_open_view(const char *folder, int64_t now_s, struct ledger_file **out, struct error *err)
{
	return open_with(open_view, folder, now_s, out, err);
}

int ledger_open_history(const char *folder, int64_t now_s, struct ledger_file **out,
			struct error *err)
{
	struct ledger_file *file = memory_array(1, sizeof(*file));

	*file = (struct ledger_file){ .now_s = now_s, .is_view = true };
	if (text_copy(file->folder, sizeof(file->folder), slice_of(folder), err) == 0 &&
	    open_history(file, err) == 0) {
		*out = file;
		return 0;
	}
	ledger_close(file);
	if (err->class != ERROR_MALFORMED)
		return -1;
	return error_wrap(err, "the ledger in %s is damaged, a run begins a fresh one within a day",
			  folder);
}

void ledger_close(struct ledger_file *file)
{
	if (!file)
		return;
	ledger_sql_close(file->sql);
	free(file->unwritten);
	free(file);
}

/* ---- transactions ---- */

int ledger_begin(struct ledger_file *file, struct error *err)
{
	if (file->is_view)
		return error_set(err, ERROR_REFUSED, "the ledger is open for reading only");
	return ledger_sql_run(file->sql, "BEGIN IMMEDIATE", err);
}

int ledger_end(struct ledger_file *file, int status, struct error *err)
{
	if (status == 0)
		status = ledger_sql_run(file->sql, "COMMIT", err);
	if (status < 0)
		ledger_sql_undo(file->sql);
	return status;
}

/* ---- the memory ---- */

int ledger_read(struct ledger_file *file, struct ledger *out, struct error *err)
{
	if (ledger_memory_read(file->sql, out, err) == 0)
		return 0;
	if (err->class == ERROR_MALFORMED && start_over(file, err, err) == 0 &&
	    ledger_memory_read(file->sql, out, err) == 0)
		return 0;
	return error_wrap(err, "read the ledger");
}

static int write_all(struct ledger_file *file, const struct ledger *ledger, struct error *err)
{
	if (ledger_memory_write(file->sql, ledger, err) < 0)
		return -1;
	return ledger_spend_write(file->sql, file->unwritten, file->unwritten_count, err);
}

int ledger_write(struct ledger_file *file, const struct ledger *ledger, struct error *err)
{
	if (ledger_begin(file, err) < 0 ||
	    ledger_end(file, write_all(file, ledger, err), err) < 0) {
		ledger_history_doubt(file, err);
		return error_wrap(err, "write the ledger");
	}
	file->unwritten_count = 0;
	return 0;
}
