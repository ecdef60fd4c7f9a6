/* ledger: what is written is read; what makes no sense is set aside, never believed in part. */
#include "reaper/ledger/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "tests/unit/support/ledger_sample.h"
#include "tests/unit/support/scratch.h"

/* A Tuesday, 2026-11-24T01:01:11Z. */
#define NOW_S INT64_C(1795482071)
enum { MANY = 10000 };

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

static void write_ledger(const struct ledger *ledger)
{
	struct ledger_file *file = ledger_opened(folder, NOW_S);
	struct error err = { 0 };

	if (ledger_write(file, ledger, &err) < 0)
		fail_msg("%s", err.message);
	ledger_close(file);
}

static void read_ledger(struct ledger *out)
{
	struct ledger_file *file = ledger_opened(folder, NOW_S);
	struct error err = { 0 };

	if (ledger_read(file, out, &err) < 0)
		fail_msg("%s", err.message);
	ledger_close(file);
}

static void view_ledger(struct ledger *out)
{
	struct ledger_file *file;
	struct error err = { 0 };

	if (ledger_open_view(folder, NOW_S, &file, &err) < 0 || ledger_read(file, out, &err) < 0)
		fail_msg("%s", err.message);
	ledger_close(file);
}

static void assert_same(const struct ledger *read, const struct ledger *expected)
{
	const char *difference = ledger_difference(read, expected);

	if (difference)
		fail_msg("not the same: %s", difference);
}

static bool is_fresh(const struct ledger *read)
{
	const struct ledger fresh = { .since_s = NOW_S };

	return !ledger_difference(read, &fresh);
}

static void assert_fresh(const struct ledger *read)
{
	assert_true(is_fresh(read));
}

/* ---- what is written is read ---- */

static void test_what_is_written_is_read(void **state)
{
	static const struct {
		const char *when;
		unsigned seed;
		size_t count;
	} cases[] = {
		{ "when all lists have some", 7, 9 },
		{ "when the same ledger says something else", 1000, 9 },
		{ "when there are fewer than before", 30, 2 },
		{ "when there are none any more", 40, 0 },
		{ "when there are some again", 50, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(ledger) struct ledger written = { 0 };
		SCOPED(ledger) struct ledger read = { 0 };
		SCOPED(ledger) struct ledger seen = { 0 };

		ledger_sample(cases[i].seed, cases[i].count, &written);
		write_ledger(&written);
		read_ledger(&read);
		assert_same(&read, &written);
		view_ledger(&seen);
		assert_same(&seen, &written);
	}
}

/* The order in which they were found must not show. */
static void test_lists_are_read_in_order(void **state)
{
	SCOPED(ledger) struct ledger written = { 0 };
	SCOPED(ledger) struct ledger read = { 0 };

	(void)state;
	ledger_sample(1, 3, &written);
	struct remembered first = written.machines[0];
	written.machines[0] = written.machines[2];
	written.machines[2] = first;
	write_ledger(&written);
	read_ledger(&read);
	assert_string_equal(read.machines[0].instance, "i-000000");
	assert_string_equal(read.machines[2].instance, "i-000002");
}

/* Texts as long as their fields, marks that are quoted, numbers at their ends. */
static void test_extremes_are_kept(void **state)
{
	SCOPED(ledger) struct ledger written = { 0 };
	SCOPED(ledger) struct ledger read = { 0 };

	(void)state;
	ledger_sample(0, 2, &written);
	memset(written.marks[1].what, '\'', sizeof(written.marks[1].what) - 1);
	*written.marks[1].what = 'x'; /* after the other one */
	memset(written.attempts[1].offering, 'z', sizeof(written.attempts[1].offering) - 1);
	written.attempts[1].slot = UINT32_MAX;
	written.machines[1].last_report_ms = INT64_MAX;
	written.machines[1].spent_until_s = INT64_MIN;
	written.passes = INT64_MAX;
	*written.task = 0;
	write_ledger(&written);
	read_ledger(&read);
	assert_same(&read, &written);
}

static void test_ten_thousand_machines_are_no_trouble(void **state)
{
	SCOPED(ledger) struct ledger written = { 0 };
	SCOPED(ledger) struct ledger read = { 0 };

	(void)state;
	ledger_sample(3, MANY, &written);
	int64_t begin_ms = clock_monotonic_ms();
	write_ledger(&written);
	int64_t written_ms = clock_monotonic_ms();
	read_ledger(&read);
	print_message("%d of each kind: written in %lld ms, read in %lld ms\n", MANY,
		      (long long)(written_ms - begin_ms),
		      (long long)(clock_monotonic_ms() - written_ms));
	assert_same(&read, &written);
}

/* ---- none there yet ---- */

static void test_a_ledger_that_is_not_there_begins_now(void **state)
{
	SCOPED(ledger) struct ledger read = { 0 };
	struct ledger_file *file = ledger_opened(scratch_path(folder, "new/state"), NOW_S);
	struct error err = { 0 };
	struct stat status;

	(void)state;
	assert_int_equal(ledger_read(file, &read, &err), 0);
	assert_fresh(&read);
	ledger_close(file);
	assert_int_equal(stat(scratch_path(folder, "new/state/" LEDGER_NAME), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(stat(scratch_path(folder, "new/state/" LEDGER_NAME "-wal"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(status.st_size, 0); /* all of it is in the file itself: it may be copied */
}

static size_t count_files(const char *path)
{
	struct folder_entry *entries = NULL;
	struct error err = { 0 };
	size_t count = 0;

	if (file_list(path, &entries, &count, &err) < 0)
		fail_msg("%s", err.message);
	free(entries);
	return count;
}

static void test_looking_on_changes_no_file(void **state)
{
	SCOPED(ledger) struct ledger read = { 0 };
	struct ledger_file *file;
	struct error err = { 0 };

	(void)state;
	view_ledger(&read);
	assert_fresh(&read);
	assert_int_equal(count_files(folder), 0);
	assert_int_equal(ledger_open_view(scratch_path(folder, "none"), NOW_S, &file, &err), 0);
	assert_int_equal(ledger_write(file, &read, &err), -1);
	assert_int_equal(err.class, ERROR_REFUSED);
	ledger_close(file);
	assert_false(file_exists(scratch_path(folder, "none")));

	write_ledger(&read);
	size_t before = count_files(folder);
	view_ledger(&read);
	assert_int_equal(count_files(folder), before);
}

/* ---- the ledger of mayfly 0.1 ---- */

#define HEAD "{\"version\": 1, \"since_s\": 5, \"passes\": 6, "
#define TAIL "\"marks\": [], \"machines\": []}"

static void put_file(const char *name, const char *text)
{
	struct error err = { 0 };

	if (file_write(scratch_path(folder, name), slice_of(text), 0600, &err) < 0)
		fail_msg("%s", err.message);
}

static void test_the_old_ledger_is_taken_over_once(void **state)
{
	(void)state;
	put_file(LEDGER_OLD_NAME, HEAD "\"attempts\": [{\"resource\": \"gpu\", \"slot\": 3, "
				       "\"generation\": 1, \"day\": \"2026-11-24\", "
				       "\"asked_s\": 9}], " TAIL);
	for (unsigned time = 0; time < 2; time++) {
		SCOPED(ledger) struct ledger seen = { 0 };
		SCOPED(ledger) struct ledger read = { 0 };

		view_ledger(&seen);
		read_ledger(&read);
		assert_same(&seen, &read);
		assert_int_equal(read.since_s, 5);
		assert_int_equal(read.passes, 6);
		assert_int_equal(read.attempt_count, 1);
		assert_int_equal(read.attempts[0].slot, 3);
		assert_false(file_exists(scratch_path(folder, LEDGER_OLD_NAME)));
		assert_true(file_exists(scratch_path(folder, LEDGER_OLD_NAME ".imported")));
	}
	assert_int_equal(unlink(scratch_path(folder, LEDGER_NAME)), 0);
	SCOPED(ledger) struct ledger read = { 0 };
	read_ledger(&read);
	assert_fresh(&read);
}

/* ---- what makes no sense ---- */

#define ASIDE ".unreadable-2026-11-24T01:01:11Z"

static void test_an_old_ledger_that_makes_no_sense_is_set_aside(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"null",
		"[]",
		HEAD "\"attempts\": [], \"marks\": []}",
		"{\"version\": 2, \"since_s\": 5, \"passes\": 6, \"attempts\": [], " TAIL,
		"{\"version\": 1, \"since_s\": -5, \"passes\": 6, \"attempts\": [], " TAIL,
		"{\"version\": 1, \"since_s\": 5, \"passes\": 6.5, \"attempts\": [], " TAIL,
		HEAD "\"attempts\": [{\"resource\": \"\", \"slot\": 0, \"generation\": 0, "
		     "\"day\": \"2026-11-24\", \"asked_s\": 1}], " TAIL,
		HEAD "\"attempts\": [{\"resource\": \"a\", \"slot\": -1, \"generation\": 0, "
		     "\"day\": \"2026-11-24\", \"asked_s\": 1}], " TAIL,
		HEAD "\"attempts\": [{\"resource\": \"a\", \"slot\": 1, \"generation\": 0, "
		     "\"day\": \"2026-11-24T00\", \"asked_s\": 1}], " TAIL,
		HEAD "\"attempts\": [], \"marks\": [7], \"machines\": []}",
	};
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		SCOPED(ledger) struct ledger seen = { 0 };
		SCOPED(ledger) struct ledger read = { 0 };
		SCOPED(buf) struct buf kept = BUF(4096);

		(void)unlink(scratch_path(folder, LEDGER_NAME));
		put_file(LEDGER_OLD_NAME, texts[i]);
		view_ledger(&seen);
		assert_fresh(&seen);
		assert_true(file_exists(scratch_path(folder, LEDGER_OLD_NAME)));
		read_ledger(&read);
		assert_fresh(&read);
		assert_false(file_exists(scratch_path(folder, LEDGER_OLD_NAME)));
		assert_int_equal(
			file_read(scratch_path(folder, LEDGER_OLD_NAME ASIDE), &kept, &err), 0);
		assert_string_equal(buf_text(&kept), texts[i]);
	}
}

/* Runs statements on the ledger's database, behind its back. */
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

static void test_a_database_that_is_no_ledger_of_ours_is_set_aside(void **state)
{
	static const struct {
		const char *when;
		const char *statements;
	} cases[] = {
		{ "when a newer version wrote it", "PRAGMA user_version(1000)" },
		{ "when its version is none", "PRAGMA user_version(-1)" },
		{ "when another program wrote it", "PRAGMA application_id(7)" },
		{ "when a table is gone", "DROP TABLE machines" },
		{ "when a column is gone", "ALTER TABLE machines DROP COLUMN was_busy" },
		{ "when it has no head", "DELETE FROM ledger" },
		{ "when it has two heads", "INSERT INTO ledger SELECT * FROM ledger" },
		{ "when a number was changed", "UPDATE machines SET last_report_ms = 7" },
		{ "when a text was changed", "UPDATE marks SET what = 'silent x'" },
		{ "when two texts were swapped",
		  "UPDATE offerings SET resource = offering, offering = resource" },
		{ "when a checksum was changed", "UPDATE attempts SET checksum = checksum + 1" },
		{ "when a checksum is gone", "UPDATE orders SET checksum = NULL" },
		{ "when a value is gone", "UPDATE resources SET boot_failures = NULL" },
		{ "when a text is too long", "UPDATE attempts SET day = day || day" },
	};
	SCOPED(ledger) struct ledger written = { 0 };

	(void)state;
	ledger_sample(7, 3, &written);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(ledger) struct ledger seen = { 0 };
		SCOPED(ledger) struct ledger read = { 0 };
		SCOPED(ledger) struct ledger again = { 0 };

		write_ledger(&written);
		meddle(cases[i].statements);
		view_ledger(&seen);
		if (!is_fresh(&seen))
			fail_msg("%s: the view believes it", cases[i].when);
		assert_false(file_exists(scratch_path(folder, LEDGER_NAME ASIDE)));
		read_ledger(&read);
		if (!is_fresh(&read))
			fail_msg("%s: it is believed", cases[i].when);
		if (!file_exists(scratch_path(folder, LEDGER_NAME ASIDE)))
			fail_msg("%s: it is not kept", cases[i].when);
		write_ledger(&written);
		read_ledger(&again);
		assert_same(&again, &written);
		scratch_remove(folder);
		scratch_make(folder);
	}
}

static void test_a_file_that_is_no_database_is_set_aside(void **state)
{
	SCOPED(ledger) struct ledger read = { 0 };
	SCOPED(buf) struct buf kept = BUF(4096);
	struct error err = { 0 };

	(void)state;
	put_file(LEDGER_NAME, "a text of more than sixteen bytes, and no database at all");
	read_ledger(&read);
	assert_fresh(&read);
	assert_int_equal(file_read(scratch_path(folder, LEDGER_NAME ASIDE), &kept, &err), 0);
	assert_true(kept.len > 16);
}

static bool keep_entry(const struct journal_entry *entry, void *context)
{
	struct journal_entry *kept = context;

	*kept = *entry;
	return true;
}

static void test_the_journal_says_what_was_set_aside(void **state)
{
	struct journal_entry entry = { 0 };
	struct ledger_file *file;
	struct error err = { 0 };

	(void)state;
	put_file(LEDGER_NAME, "a text of more than sixteen bytes, and no database at all");
	assert_int_equal(ledger_open(folder, NOW_S, &file, &err), 0);
	assert_int_equal(ledger_journal_each(file, 9, keep_entry, &entry, &err), 0);
	ledger_close(file);
	assert_int_equal(entry.time_s, NOW_S);
	assert_string_equal(entry.event, "set aside");
	assert_string_equal(entry.subject, LEDGER_NAME);
	assert_non_null(strstr(entry.text, LEDGER_NAME ".unreadable-"));
}

/* ---- for people ---- */

/* Who prints what was spent must not take a ledger that is lost for one in which nothing is. */
static void test_a_history_is_a_ledgers_or_an_error(void **state)
{
	static const struct {
		const char *when, *content; /* NULL: no file */
		enum error_class class;
		const char *want;
	} cases[] = {
		{ "when there is no ledger", NULL, ERROR_NOT_FOUND, "there is no ledger in " },
		{ "when a pass is just making it", "", ERROR_NOT_FOUND, "there is no ledger in " },
		{ "when it is no database", "a text of more than sixteen bytes, and no database",
		  ERROR_MALFORMED, " is damaged, a run begins a fresh one within a day: " },
	};
	struct ledger_file *file;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (cases[i].content)
			put_file(LEDGER_NAME, cases[i].content);
		size_t before = count_files(folder);
		int status = ledger_open_history(folder, NOW_S, &file, &err);

		if (status == 0 || err.class != cases[i].class ||
		    !strstr(err.message, cases[i].want) || !strstr(err.message, folder))
			fail_msg("%s: %s", cases[i].when, status ? err.message : "it opens");
		assert_int_equal(count_files(folder), before);
	}
}

static void test_a_history_is_read_only(void **state)
{
	struct journal_entry entry = { NOW_S, "launched", "i-1", "" };
	SCOPED(ledger) struct ledger read = { 0 };
	struct ledger_file *file;
	struct error err = { 0 };

	(void)state;
	read_ledger(&read);
	assert_int_equal(ledger_open_history(folder, NOW_S, &file, &err), 0);
	assert_int_equal(ledger_journal_add(file, &entry, 1, &err), -1);
	assert_int_equal(err.class, ERROR_REFUSED);
	ledger_close(file);
}

/* ---- what cannot be had ---- */

/* What cannot be read may well be there: no fresh one takes its place. */
static void test_a_ledger_that_cannot_be_read_is_an_error(void **state)
{
	struct ledger_file *file;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(file_make_folder(scratch_path(folder, LEDGER_NAME), 0700, &err), 0);
	assert_int_equal(ledger_open(folder, NOW_S, &file, &err), -1);
	assert_int_equal(err.class, ERROR_SYSTEM);
	assert_non_null(strstr(err.message, "open the ledger: "));
	assert_int_equal(ledger_open_view(folder, NOW_S, &file, &err), -1);
	assert_int_equal(err.class, ERROR_SYSTEM);
}

static void test_a_folder_that_cannot_be_made_is_an_error(void **state)
{
	struct ledger_file *file;
	struct error err = { 0 };

	(void)state;
	put_file("file", "");
	assert_int_equal(ledger_open(scratch_path(folder, "file/state"), NOW_S, &file, &err), -1);
	assert_non_null(strstr(err.message, "file/state"));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_what_is_written_is_read),
		IN_FOLDER(test_lists_are_read_in_order),
		IN_FOLDER(test_extremes_are_kept),
		IN_FOLDER(test_ten_thousand_machines_are_no_trouble),
		IN_FOLDER(test_a_ledger_that_is_not_there_begins_now),
		IN_FOLDER(test_looking_on_changes_no_file),
		IN_FOLDER(test_the_old_ledger_is_taken_over_once),
		IN_FOLDER(test_an_old_ledger_that_makes_no_sense_is_set_aside),
		IN_FOLDER(test_a_database_that_is_no_ledger_of_ours_is_set_aside),
		IN_FOLDER(test_a_file_that_is_no_database_is_set_aside),
		IN_FOLDER(test_the_journal_says_what_was_set_aside),
		IN_FOLDER(test_a_history_is_a_ledgers_or_an_error),
		IN_FOLDER(test_a_history_is_read_only),
		IN_FOLDER(test_a_ledger_that_cannot_be_read_is_an_error),
		IN_FOLDER(test_a_folder_that_cannot_be_made_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
