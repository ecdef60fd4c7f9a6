/* ledger: the journal and the spend are kept, added up, read in order, and dropped when old. */
#include "reaper/ledger/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "common/log.h"
#include "tests/unit/support/ledger_sample.h"
#include "tests/unit/support/scratch.h"

/* A Tuesday, 2026-11-24T01:01:11Z. */
#define NOW_S INT64_C(1795482071)
enum { DAY_S = 86400, LINE_ROOM = 700, MOST_LINES = 16 };

static char folder[SCRATCH_ROOM];

static int make_folder(void **state)
{
	(void)state;
	log_open("test", NULL, LOG_ERROR);
	scratch_make(folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

/* What a reading visited, a line each. */
struct lines {
	char text[MOST_LINES][LINE_ROOM];
	size_t count, most;
};

static bool add_entry(const struct journal_entry *entry, void *context)
{
	struct lines *lines = context;

	snprintf(lines->text[lines->count++], LINE_ROOM, "%lld %s %s: %s", (long long)entry->time_s,
		 entry->event, entry->subject, entry->text);
	return lines->count < lines->most;
}

static bool add_spend(const struct spend_row *row, void *context)
{
	struct lines *lines = context;

	snprintf(lines->text[lines->count++], LINE_ROOM, "%s %s %s %s %s %s %lld s $%lld ?%lld s",
		 row->day, row->resource, row->instance, row->queue, row->task, row->user,
		 (long long)row->seconds, (long long)row->money, (long long)row->unpriced_s);
	return lines->count < lines->most;
}

static void assert_lines(const struct lines *lines, size_t count, const char *const *expected)
{
	for (size_t i = 0; i < count && i < lines->count; i++)
		assert_string_equal(lines->text[i], expected[i]);
	assert_int_equal(lines->count, count);
}

/* ---- the journal ---- */

static void test_the_newest_entries_come_first(void **state)
{
	static const struct journal_entry first[] = {
		{ 100, "launched", "i-1", "for waiting tasks" },
		{ 100, "held", "gpu slot 1", "somebody else has it" },
	};
	static const struct journal_entry second[] = {
		/* Written later, though the clock said otherwise. */
		{ 90, "terminated", "i-1", "it's \"silent\"; DROP TABLE journal" },
	};
	static const char *const expected[] = {
		"90 terminated i-1: it's \"silent\"; DROP TABLE journal",
		"100 held gpu slot 1: somebody else has it",
		"100 launched i-1: for waiting tasks",
	};
	static const struct {
		const char *when;
		size_t limit, most, count;
	} cases[] = {
		{ "when all are wanted", SIZE_MAX, MOST_LINES, 3 },
		{ "when two are wanted", 2, MOST_LINES, 2 },
		{ "when none is wanted", 0, MOST_LINES, 0 },
		{ "when the reader has enough", 3, 1, 1 },
	};
	struct ledger_file *file = ledger_opened(folder, 200);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(ledger_journal_add(file, first, ARRAY_LEN(first), &err), 0);
	assert_int_equal(ledger_journal_add(file, NULL, 0, &err), 0);
	assert_int_equal(ledger_journal_add(file, second, ARRAY_LEN(second), &err), 0);
	ledger_close(file);
	assert_int_equal(ledger_open_view(folder, 200, &file, &err), 0);
	assert_int_equal(ledger_journal_add(file, first, 1, &err), -1);
	assert_int_equal(err.class, ERROR_REFUSED);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct lines lines = { .most = cases[i].most };

		assert_int_equal(ledger_journal_each(file, cases[i].limit, add_entry, &lines, &err),
				 0);
		assert_lines(&lines, cases[i].count, expected);
	}
	ledger_close(file);
}

/* ---- the spend ---- */

static const struct spend_row rows[] = {
	{ "2026-11-24", "gpu", "i-1", "train", "t1", "ann", 60, 1000, 0 },
	{ "2026-11-24", "gpu", "i-1", "train", "t1", "ann", 30, 500, 30 }, /* the same again */
	{ "2026-11-24", "gpu", "i-1", "", "", "", 7, 70, 0 },
	{ "2026-11-23", "gpu", "i-1", "train", "t1", "ann", 5, 50, 0 },
	{ "2026-11-24", "gpu", "i-2", "train", "t2", "ann", 1, 10, 0 },
	{ "2026-11-24", "cpu", "i-3", "test", "t2", "bob", 2, 20, 2 },
	{ "2026-11-25", "cpu", "i-3", "test", "t2", "bob", INT64_C(1) << 40, INT64_C(1) << 60, 0 },
};

static const char *const by_row[] = {
	"2026-11-23 gpu i-1 train t1 ann 5 s $50 ?0 s",
	"2026-11-24 cpu i-3 test t2 bob 2 s $20 ?2 s",
	"2026-11-24 gpu i-1    7 s $70 ?0 s",
	"2026-11-24 gpu i-1 train t1 ann 90 s $1500 ?30 s",
	"2026-11-24 gpu i-2 train t2 ann 1 s $10 ?0 s",
	"2026-11-25 cpu i-3 test t2 bob 1099511627776 s $1152921504606846976 ?0 s",
};
static const char *const by_sum[] = {
	"2026-11-23 gpu  train  ann 5 s $50 ?0 s",
	"2026-11-24 cpu  test  bob 2 s $20 ?2 s",
	"2026-11-24 gpu     7 s $70 ?0 s",
	"2026-11-24 gpu  train  ann 91 s $1510 ?30 s",
	"2026-11-25 cpu  test  bob 1099511627776 s $1152921504606846976 ?0 s",
};

/* One row a pass, as it comes. */
static void spend_all(int64_t now_s)
{
	struct ledger_file *file = ledger_opened(folder, now_s);
	struct ledger ledger = { .since_s = now_s };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ledger_spend_add(file, &rows[i], 1);
		if (ledger_write(file, &ledger, &err) < 0)
			fail_msg("%s", err.message);
	}
	ledger_close(file);
}

static void test_what_is_spent_is_added_up(void **state)
{
	static const struct {
		const char *when, *from, *until;
		size_t row, row_count, sum, sum_count;
	} cases[] = {
		{ "when all days are asked for", "2026-01-01", "2026-12-31", 0, 6, 0, 5 },
		{ "when one day is", "2026-11-24", "2026-11-24", 1, 4, 1, 3 },
		{ "when both ends count", "2026-11-23", "2026-11-24", 0, 5, 0, 4 },
		{ "when nothing was spent then", "2026-11-26", "2026-12-31", 0, 0, 0, 0 },
	};
	struct ledger_file *file;
	struct error err = { 0 };

	(void)state;
	spend_all(NOW_S);
	assert_int_equal(ledger_open_view(folder, NOW_S, &file, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct lines each = { .most = MOST_LINES };
		struct lines sums = { .most = MOST_LINES };

		assert_int_equal(ledger_spend_each(file, cases[i].from, cases[i].until, add_spend,
						   &each, &err),
				 0);
		assert_lines(&each, cases[i].row_count, by_row + cases[i].row);
		assert_int_equal(ledger_spend_sums(file, cases[i].from, cases[i].until, add_spend,
						   &sums, &err),
				 0);
		assert_lines(&sums, cases[i].sum_count, by_sum + cases[i].sum);
	}
	ledger_close(file);
}

static void test_a_task_is_known_by_whom_it_was_counted_for_last(void **state)
{
	static const struct {
		const char *when, *task, *instance, *queue, *user;
		bool is_found;
	} cases[] = {
		{ "when it ran once", "t1", "i-1", "train", "ann", true },
		{ "when it moved to another queue and machine", "t2", "i-3", "test", "bob", true },
		{ "when it had run on this machine before", "t2", "i-2", "train", "ann", true },
		{ "when it is new on this machine", "t1", "i-3", "", "", false },
		{ "when it never ran", "t3", "i-1", "", "", false },
	};
	struct ledger_file *file;
	struct error err = { 0 };

	(void)state;
	spend_all(NOW_S);
	assert_int_equal(ledger_open_view(folder, NOW_S, &file, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spend_row row = { 0 };
		bool is_found = !cases[i].is_found;

		assert_int_equal(ledger_spend_task(file, cases[i].task, cases[i].instance, &row,
						   &is_found, &err),
				 0);
		assert_int_equal(is_found, cases[i].is_found);
		assert_string_equal(row.queue, cases[i].queue);
		assert_string_equal(row.user, cases[i].user);
	}
	ledger_close(file);
}

static size_t count_rows(struct ledger_file *file)
{
	struct lines lines = { .most = MOST_LINES };
	struct error err = { 0 };

	if (ledger_spend_each(file, "0000", "9999", add_spend, &lines, &err) < 0)
		fail_msg("%s", err.message);
	return lines.count;
}

static void test_what_is_spent_waits_for_the_write(void **state)
{
	struct ledger ledger = { .since_s = NOW_S };
	struct ledger_file *file = ledger_opened(folder, NOW_S);
	struct error err = { 0 };

	(void)state;
	ledger_spend_add(file, rows, 1);
	assert_int_equal(count_rows(file), 0);
	ledger_close(file); /* a pass that is killed has counted nothing */
	file = ledger_opened(folder, NOW_S);
	assert_int_equal(ledger_write(file, &ledger, &err), 0);
	assert_int_equal(count_rows(file), 0);
	ledger_spend_add(file, rows, ARRAY_LEN(rows));
	ledger_spend_add(file, rows, 0);
	assert_int_equal(ledger_write(file, &ledger, &err), 0);
	assert_int_equal(ledger_write(file, &ledger, &err), 0); /* once, not twice */
	struct lines lines = { .most = MOST_LINES };
	assert_int_equal(ledger_spend_each(file, "0000", "9999", add_spend, &lines, &err), 0);
	assert_lines(&lines, ARRAY_LEN(by_row), by_row);
	ledger_close(file);
}

/* ---- upkeep ---- */

static size_t count_journal(struct ledger_file *file)
{
	struct lines lines = { .most = MOST_LINES };
	struct error err = { 0 };

	if (ledger_journal_each(file, MOST_LINES, add_entry, &lines, &err) < 0)
		fail_msg("%s", err.message);
	return lines.count;
}

static void test_what_is_old_is_dropped(void **state)
{
	static const struct journal_entry entry = { NOW_S, "launched", "i-1", "" };
	static const struct {
		const char *when;
		int64_t days;
		size_t journal, spend;
	} cases[] = {
		{ "when it is young", 1, 1, 6 },
		{ "when the journal is as old as may be", LEDGER_JOURNAL_DAYS, 1, 6 },
		{ "when it is older", LEDGER_JOURNAL_DAYS + 1, 0, 6 },
		{ "when the spend is as old as may be", LEDGER_SPEND_DAYS - 1, 0, 6 },
		{ "when its first day is older", LEDGER_SPEND_DAYS, 0, 5 },
		{ "when all of it is", LEDGER_SPEND_DAYS + 3, 0, 0 },
	};
	struct ledger_file *file;
	struct error err = { 0 };

	(void)state;
	spend_all(NOW_S);
	file = ledger_opened(folder, NOW_S);
	assert_int_equal(ledger_journal_add(file, &entry, 1, &err), 0);
	ledger_close(file);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct lines sums = { .most = MOST_LINES };

		file = ledger_opened(folder, NOW_S + cases[i].days * DAY_S);
		if (count_journal(file) != cases[i].journal || count_rows(file) != cases[i].spend)
			fail_msg("%s: %zu entries, %zu rows", cases[i].when, count_journal(file),
				 count_rows(file));
		assert_int_equal(ledger_spend_sums(file, "0000", "9999", add_spend, &sums, &err),
				 0);
		assert_int_equal(!sums.count, !cases[i].spend);
		ledger_close(file);
	}
}

static void meddle(const char *statements)
{
	sqlite3 *database;
	char *message = NULL;

	assert_int_equal(sqlite3_open(scratch_path(folder, LEDGER_NAME), &database), SQLITE_OK);
	sqlite3_exec(database, statements, NULL, NULL, &message);
	if (message)
		fail_msg("%s: %s", statements, message);
	sqlite3_close(database);
}

/* Reading shows it at once; the writer looks at all of it once a day, then begins a fresh one. */
static void test_history_that_was_changed_is_never_shown(void **state)
{
	static const struct journal_entry entry = { NOW_S, "launched", "i-1", "why" };
	static const struct {
		const char *when, *statement;
	} cases[] = {
		{ "when money was changed", "UPDATE spend SET money = money + 1" },
		{ "when a sum was changed", "UPDATE spend_sums SET seconds = 0" },
		{ "when an entry was changed", "UPDATE journal SET text = 'because'" },
		{ "when the upkeep was changed", "UPDATE upkeep SET time_s = 0" },
	};
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ledger_file *file;
		struct lines lines = { .most = MOST_LINES };

		spend_all(NOW_S);
		file = ledger_opened(folder, NOW_S);
		assert_int_equal(ledger_journal_add(file, &entry, 1, &err), 0);
		ledger_close(file);
		meddle(cases[i].statement);
		assert_int_equal(ledger_open_view(folder, NOW_S, &file, &err), 0);
		int failures = (ledger_spend_each(file, "0", "9", add_spend, &lines, &err) < 0) +
			       (ledger_spend_sums(file, "0", "9", add_spend, &lines, &err) < 0) +
			       (ledger_journal_each(file, MOST_LINES, add_entry, &lines, &err) < 0);
		assert_int_equal(failures, strstr(cases[i].when, "upkeep") ? 0 : 1);
		if (failures)
			assert_int_equal(err.class, ERROR_MALFORMED);
		ledger_close(file);
		file = ledger_opened(folder, NOW_S + DAY_S);
		struct journal_entry aside;
		bool is_told = false;

		assert_int_equal(
			ledger_journal_last(file, "set aside", LEDGER_NAME, &aside, &is_told, &err),
			0);
		if (!is_told || count_journal(file) != 1 || count_rows(file))
			fail_msg("%s: it is believed", cases[i].when);
		ledger_close(file);
		scratch_remove(folder);
		scratch_make(folder);
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_the_newest_entries_come_first),
		IN_FOLDER(test_what_is_spent_is_added_up),
		IN_FOLDER(test_a_task_is_known_by_whom_it_was_counted_for_last),
		IN_FOLDER(test_what_is_spent_waits_for_the_write),
		IN_FOLDER(test_what_is_old_is_dropped),
		IN_FOLDER(test_history_that_was_changed_is_never_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
