#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/ledger/ledger_file.h"
#include "reaper/ledger/ledger_rows.h"

enum { DAY_S = 86400, MOST_DROPPED = 10000 };

static const struct ledger_field journal_fields[] = {
	LEDGER_INTEGER(journal_entry, time_s),
	LEDGER_TEXT(journal_entry, event),
	LEDGER_TEXT(journal_entry, subject),
	LEDGER_TEXT(journal_entry, text),
};
static const struct ledger_shape journal = LEDGER_SHAPE("journal", journal_entry, journal_fields);

/* ---- what is damaged ---- */

void ledger_history_doubt(struct ledger_file *file, const struct error *why)
{
	struct error err;

	if (why->class == ERROR_MALFORMED && !file->is_view &&
	    ledger_sql_run(file->sql, "DELETE FROM upkeep WHERE what = 'daily'", &err) < 0)
		log_failure("ledger", &err);
}

int ledger_history_each(struct ledger_file *file, const struct ledger_shape *shape,
			const struct ledger_choice *choice, ledger_visit *visit, void *context,
			struct error *err)
{
	int status = ledger_rows_each(file->sql, shape, choice, visit, context, err);

	if (status < 0)
		ledger_history_doubt(file, err);
	return status;
}

/* ---- the journal ---- */

int ledger_journal_add(struct ledger_file *file, const struct journal_entry *entries, size_t count,
		       struct error *err)
{
	if (ledger_begin(file, err) < 0 ||
	    ledger_end(file, ledger_rows_add(file->sql, &journal, entries, count, err), err) < 0) {
		ledger_history_doubt(file, err);
		return error_wrap(err, "write the journal");
	}
	return 0;
}

struct journal_reader {
	bool (*visit)(const struct journal_entry *entry, void *context);
	void *context;
};

static bool visit_entry(const void *row, void *context)
{
	const struct journal_reader *reader = context;

	return reader->visit(row, reader->context);
}

int ledger_journal_each(struct ledger_file *file, size_t limit,
			bool (*visit)(const struct journal_entry *entry, void *context),
			void *context, struct error *err)
{
	struct journal_reader reader = { visit, context };
	struct ledger_choice newest = { .condition = "ORDER BY id DESC LIMIT ?1",
					.has_number = true,
					.number = limit < INT64_MAX ? (int64_t)limit : INT64_MAX };

	if (ledger_history_each(file, &journal, &newest, visit_entry, &reader, err) < 0)
		return error_wrap(err, "read the journal");
	return 0;
}

struct last {
	struct journal_entry *out;
	bool is_found;
};

static bool take_last(const void *row, void *context)
{
	struct last *last = context;

	memcpy(last->out, row, sizeof(*last->out));
	last->is_found = true;
	return false;
}

int ledger_journal_last(struct ledger_file *file, const char *event, const char *subject,
			struct journal_entry *out, bool *is_found, struct error *err)
{
	struct last last = { .out = out };
	struct ledger_choice newest = {
		.condition = "WHERE event = ?1 AND subject = ?2 ORDER BY id DESC LIMIT 1",
		.texts = { event, subject },
		.text_count = 2,
	};

	if (ledger_history_each(file, &journal, &newest, take_last, &last, err) < 0)
		return error_wrap(err, "read the journal");
	*is_found = last.is_found;
	return 0;
}

/* ---- once a day ---- */

struct upkeep {
	char what[16];
	int64_t time_s;
};
static const struct ledger_field upkeep_fields[] = {
	LEDGER_TEXT(upkeep, what),
	LEDGER_INTEGER(upkeep, time_s),
};
static const struct ledger_shape upkeep = LEDGER_SHAPE("upkeep", upkeep, upkeep_fields);

static bool take_upkeep(const void *row, void *context)
{
	memcpy(context, row, sizeof(struct upkeep));
	return false;
}

static bool pass_over(const void *row, void *context)
{
	(void)row;
	(void)context;
	return true;
}

static int look_whole(struct ledger_sql *sql, struct error *err)
{
	struct ledger_choice all = { 0 };

	if (ledger_sql_check(sql, err) < 0 ||
	    ledger_rows_each(sql, &journal, &all, pass_over, NULL, err) < 0 ||
	    ledger_spend_check(sql, err) < 0)
		return -1;
	return 0;
}

/* A part at a time: a clock that is wrong by years for one pass must not take all. */
static int drop_old(struct ledger_sql *sql, int64_t now_s, struct error *err)
{
	char day[CLOCK_TEXT_LEN], text[256];

	snprintf(text, sizeof(text),
		 "DELETE FROM journal WHERE id IN"
		 " (SELECT id FROM journal WHERE time_s < %lld ORDER BY time_s LIMIT %d)",
		 (long long)(now_s - (int64_t)LEDGER_JOURNAL_DAYS * DAY_S), MOST_DROPPED);
	if (ledger_sql_run(sql, text, err) < 0)
		return -1;
	clock_format((now_s - (int64_t)LEDGER_SPEND_DAYS * DAY_S) * 1000, false, day);
	day[10] = 0; /* of 2026-11-24T01:01:11Z the day */
	return ledger_spend_drop(sql, day, MOST_DROPPED, err);
}

static int tend(struct ledger_file *file, struct error *err)
{
	struct upkeep now = { .what = "daily", .time_s = file->now_s };

	if (look_whole(file->sql, err) < 0 || drop_old(file->sql, file->now_s, err) < 0)
		return -1;
	return ledger_rows_add(file->sql, &upkeep, &now, 1, err);
}

int ledger_history_tend(struct ledger_file *file, struct error *err)
{
	struct upkeep last = { 0 };
	struct ledger_choice daily = { .condition = "WHERE what = ?1",
				       .texts = { "daily" },
				       .text_count = 1 };

	if (ledger_rows_each(file->sql, &upkeep, &daily, take_upkeep, &last, err) < 0)
		return -1;
	if (last.time_s <= file->now_s && file->now_s - last.time_s < DAY_S)
		return 0;
	if (ledger_begin(file, err) < 0 || ledger_end(file, tend(file, err), err) < 0) {
		if (err->class == ERROR_MALFORMED)
			return -1;
		/* No room on the disk, perhaps: no reason to leave dead machines running. */
		log_failure("ledger", err);
		return 0;
	}
	/* Outside of a transaction, and of no consequence if it fails. */
	struct error why;
	if (ledger_sql_run(file->sql, "PRAGMA incremental_vacuum(1000)", &why) < 0)
		log_failure("ledger", &why);
	return 0;
}
