/* ledger: a bit that flipped anywhere in the file, or a file cut short, shows or does no harm: what
 * is read is right, or it is an error and the file is set aside. */
#include "reaper/ledger/ledger.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "common/log.h"
#include "reaper/ledger/ledger_sql.h"
#include "tests/unit/support/ledger_sample.h"
#include "tests/unit/support/own_mounts.h"
#include "tests/unit/support/scratch.h"

/* A Tuesday, 2026-11-24T01:01:11Z. */
#define NOW_S INT64_C(1795482071)
#define DAY "2026-11-24"
enum {
	ITEMS = 12,
	HEADER_BYTES = 100,
	FLIPS = 300,
	MOST_BYTES = 1 << 20,
	SEED = 20261124,
	DAY_S = 86400
};

static char folder[SCRATCH_ROOM];
static struct buf whole; /* the file as it was written */
static struct ledger written;

static void write_history(struct ledger_file *file)
{
	struct error err = { 0 };

	for (int i = 0; i < ITEMS; i++) {
		struct spend_row row = { .day = DAY, .resource = "gpu", .money = 1000 };
		struct journal_entry entry = { NOW_S + i, "launched", "i-1", "" };

		snprintf(row.task, sizeof(row.task), "%032x", (unsigned)i);
		snprintf(entry.text, sizeof(entry.text), "for waiting task %d", i);
		ledger_spend_add(file, &row, 1);
		assert_int_equal(ledger_journal_add(file, &entry, 1, &err), 0);
	}
}

static int write_whole(void **state)
{
	struct error err = { 0 };

	(void)state;
	log_open("test", NULL, LOG_ERROR);
	scratch_make(folder);
	struct ledger_file *file = ledger_opened(folder, NOW_S);
	ledger_sample(5, ITEMS, &written);
	write_history(file);
	assert_int_equal(ledger_write(file, &written, &err), 0);
	ledger_close(file);
	whole = BUF(MOST_BYTES);
	return file_read(scratch_path(folder, LEDGER_NAME), &whole, &err);
}

static int remove_folder(void **state)
{
	(void)state;
	buf_release(&whole);
	ledger_release(&written);
	scratch_remove(folder);
	return 0;
}

/* ---- what is read is right, or nothing is ---- */

struct reading {
	int64_t money;
	unsigned entries;
	bool is_wrong;
};

static bool take_entry(const struct journal_entry *entry, void *context)
{
	struct reading *reading = context;
	char text[64];

	snprintf(text, sizeof(text), "for waiting task %u", ITEMS - 1 - reading->entries++);
	reading->is_wrong |=
		strcmp(entry->text, text) != 0 || strcmp(entry->event, "launched") != 0;
	return true;
}

static bool take_spend(const struct spend_row *row, void *context)
{
	struct reading *reading = context;

	reading->money += row->money;
	reading->is_wrong |= strcmp(row->day, DAY) != 0 || strcmp(row->resource, "gpu") != 0;
	return true;
}

/* True: whatever was read was right. */
static bool is_history_right(struct ledger_file *file)
{
	struct reading journal = { 0 }, spend = { 0 }, sums = { 0 };
	struct error err = { 0 };

	bool is_wrong = (ledger_journal_each(file, SIZE_MAX, take_entry, &journal, &err) == 0 &&
			 journal.entries != ITEMS) ||
			(ledger_spend_each(file, "0", "9", take_spend, &spend, &err) == 0 &&
			 spend.money != 1000 * ITEMS) ||
			(ledger_spend_sums(file, "0", "9", take_spend, &sums, &err) == 0 &&
			 sums.money != 1000 * ITEMS);
	return !is_wrong && !journal.is_wrong && !spend.is_wrong && !sums.is_wrong;
}

/* A day that was changed may leave a row out of what is asked for: the daily look finds it. */
static void check_history(struct ledger_file **file, const char *what)
{
	SCOPED(ledger) struct ledger read = { 0 };
	struct error err = { 0 };

	if (is_history_right(*file))
		return;
	ledger_close(*file);
	*file = ledger_opened(folder, NOW_S + DAY_S);
	assert_int_equal(ledger_read(*file, &read, &err), 0);
	if (read.machine_count)
		fail_msg("%s: the history is wrong, and believed", what);
}

static bool is_fresh(const struct ledger *read)
{
	const struct ledger fresh = { .since_s = NOW_S };

	return !ledger_difference(read, &fresh);
}

/* True: it was set aside. */
static bool check(const char *what)
{
	SCOPED(ledger) struct ledger seen = { 0 };
	SCOPED(ledger) struct ledger read = { 0 };
	struct ledger_file *file;
	struct error err = { 0 };

	if (ledger_open_view(folder, NOW_S, &file, &err) < 0 || ledger_read(file, &seen, &err) < 0)
		fail_msg("%s: %s", what, err.message);
	ledger_close(file);
	if (ledger_open(folder, NOW_S, &file, &err) < 0 || ledger_read(file, &read, &err) < 0)
		fail_msg("%s: %s", what, err.message);
	bool is_aside = is_fresh(&read);
	/* A view may read what a writer must not touch: a format for newer writers alone. */
	if (!is_fresh(&seen) && ledger_difference(&seen, &written))
		fail_msg("%s: wrong, and shown: %s", what, ledger_difference(&seen, &written));
	if (!is_aside && ledger_difference(&read, &written))
		fail_msg("%s: wrong, and believed: %s", what, ledger_difference(&read, &written));
	if (!is_aside)
		check_history(&file, what);
	else if (ledger_write(file, &written, &err) < 0)
		fail_msg("%s: %s", what, err.message);
	ledger_close(file);
	return is_aside;
}

static void put_whole(size_t len)
{
	scratch_remove(folder);
	struct error err = { 0 };

	assert_int_equal(file_make_folder(folder, 0700, &err), 0);
	int fd = open(scratch_path(folder, LEDGER_NAME), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      0600);
	assert_int_equal(write(fd, whole.bytes, len), len);
	close(fd);
}

static bool check_flip(size_t at, unsigned bit)
{
	char what[64];

	snprintf(what, sizeof(what), "bit %u of byte %zu flipped", bit, at);
	whole.bytes[at] = (char)(whole.bytes[at] ^ (1 << bit));
	put_whole(whole.len);
	whole.bytes[at] = (char)(whole.bytes[at] ^ (1 << bit));
	return check(what);
}

static void test_a_flipped_bit_shows_or_does_no_harm(void **state)
{
	uint64_t chance = SEED;
	unsigned aside = 0;

	(void)state;
	for (size_t at = 0; at < HEADER_BYTES; at++)
		aside += check_flip(at, at % 8);
	assert_in_range(aside, 16, HEADER_BYTES); /* the name of the format, for one */
	for (size_t i = 0; i < FLIPS; i++) {
		size_t at;
		do { /* most of a page is room for more: there it does no harm */
			chance = chance * UINT64_C(6364136223846793005) + 1;
			at = (chance >> 33) % whole.len;
		} while (!whole.bytes[at]);
		aside += check_flip(at, (unsigned)(chance >> 30) % 8);
	}
	print_message("%u of %d files were set aside\n", aside, HEADER_BYTES + FLIPS);
	assert_in_range(aside, FLIPS / 4, HEADER_BYTES + FLIPS);
}

static void test_a_file_that_is_cut_short_is_set_aside(void **state)
{
	char what[64];

	(void)state;
	for (size_t len = 1; len < whole.len; len += len < 200 ? 7 : 1021) {
		put_whole(len);
		snprintf(what, sizeof(what), "cut to %zu bytes", len);
		if (!check(what))
			fail_msg("%s: believed", what);
	}
}

/* ---- the history is not looked at when the file is opened ---- */

static size_t start_of(const char *table)
{
	struct ledger_sql *sql;
	struct error err;
	char query[80];
	int64_t page, page_len;

	snprintf(query, sizeof(query), "SELECT rootpage FROM sqlite_schema WHERE name = '%s'",
		 table);
	assert_int_equal(ledger_sql_open_view(scratch_path(folder, LEDGER_NAME), &sql, &err), 0);
	assert_int_equal(ledger_sql_number(sql, query, &page, &err), 0);
	assert_int_equal(ledger_sql_number(sql, "PRAGMA page_size", &page_len, &err), 0);
	ledger_sql_close(sql);
	return (size_t)((page - 1) * page_len);
}

enum use { LEAVE, READ, WRITE }; /* what a pass does with the history */

static bool is_refused(struct ledger_file *file, const struct ledger *memory, enum use use)
{
	struct reading reading = { 0 };
	struct error err = { 0 };

	if (use == READ)
		return ledger_journal_each(file, SIZE_MAX, take_entry, &reading, &err) < 0 ||
		       ledger_spend_each(file, "0", "9", take_spend, &reading, &err) < 0;
	if (use == LEAVE)
		return false;
	struct journal_entry entry = { NOW_S, "launched", "i-1", "" };
	struct spend_row row = { .day = DAY, .resource = "gpu", .money = 1000 };

	ledger_spend_add(file, &row, 1);
	return ledger_write(file, memory, &err) < 0 ||
	       ledger_journal_add(file, &entry, 1, &err) < 0;
}

/* A pass so many seconds later: was the file's memory believed? */
static bool is_believed(int64_t age_s, enum use use, bool should_refuse)
{
	SCOPED(ledger) struct ledger read = { 0 };
	struct error err = { 0 };
	struct ledger_file *file = ledger_opened(folder, NOW_S + age_s);

	assert_int_equal(ledger_read(file, &read, &err), 0);
	assert_int_equal(is_refused(file, &read, use), should_refuse);
	ledger_close(file);
	return read.machine_count > 0;
}

static void test_damage_to_the_history_shows_when_it_is_used(void **state)
{
	static const struct {
		const char *when, *table;
		enum use use;
		bool is_believed, is_believed_then;
	} cases[] = {
		{ "money is counted by it", "spend_sums", READ, false, false },
		{ "the journal was read", "journal", READ, true, false },
		{ "the journal was written", "journal", WRITE, true, false },
		{ "nobody used the journal", "journal", LEAVE, true, true },
		{ "the spend of a task was read", "spend", READ, true, false },
		{ "the spend of a task was written", "spend", WRITE, true, false },
		{ "nobody used the spend", "spend", LEAVE, true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_used = cases[i].is_believed && cases[i].use != LEAVE;
		struct ledger_file *told;
		struct error err = { 0 };

		put_whole(whole.len);
		size_t at = start_of(cases[i].table);
		whole.bytes[at] = (char)~whole.bytes[at]; /* the kind of its page */
		put_whole(whole.len);
		whole.bytes[at] = (char)~whole.bytes[at];
		if (ledger_open_history(folder, NOW_S, &told, &err) == 0)
			fail_msg("when %s: told as if it were whole", cases[i].when);
		assert_int_equal(err.class, ERROR_MALFORMED);
		if (is_believed(60, cases[i].use, is_used) != cases[i].is_believed)
			fail_msg("when %s: believed %d", cases[i].when, !cases[i].is_believed);
		if (is_believed(120, LEAVE, false) != cases[i].is_believed_then)
			fail_msg("when %s: then %d", cases[i].when, !cases[i].is_believed_then);
		if (is_believed(DAY_S, LEAVE, false))
			fail_msg("when %s: the daily look finds nothing", cases[i].when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_flipped_bit_shows_or_does_no_harm,
						write_whole, remove_folder),
		cmocka_unit_test_setup_teardown(test_damage_to_the_history_shows_when_it_is_used,
						write_whole, remove_folder),
		cmocka_unit_test_setup_teardown(test_a_file_that_is_cut_short_is_set_aside,
						write_whole, remove_folder),
	};

	if (own_mounts_begin()) /* thousands of syncs: not on a disk */
		setenv("TMPDIR", "/dev/shm", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
