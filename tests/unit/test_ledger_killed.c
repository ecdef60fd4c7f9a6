/* ledger: killed, or out of power, or out of disk at any write: what is there afterwards is the
 * old ledger or the new one, whole; and what was said to be written is. */
#include "reaper/ledger/ledger.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "common/log.h"
#include "tests/unit/support/ledger_sample.h"
#include "tests/unit/support/own_mounts.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/sql_faults.h"

/* A Tuesday, 2026-11-24T01:01:11Z. */
#define NOW_S INT64_C(1795482071)
#define DAY "2026-11-24"
enum { MACHINES = 40, MOST_STEPS = 5000, FEWEST_STEPS = 12, DAY_S = 86400 };

static char folder[SCRATCH_ROOM];
static bool has_mounts;

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

/* ---- a pass: all that one writes; what it wrote is told by the seed ---- */

/* The seed as money: it must be in the file together with the ledger of that seed. */
static int write_pass(struct ledger_file *file, unsigned seed, struct error *err)
{
	SCOPED(ledger) struct ledger ledger = { 0 };
	struct spend_row row = { .day = DAY, .resource = "gpu", .money = 1 };
	struct journal_entry entry = { .time_s = NOW_S, .event = "launched" };

	ledger_sample(seed, MACHINES, &ledger);
	ledger_spend_add(file, &row, 1);
	if (ledger_write(file, &ledger, err) < 0)
		return -1;
	return ledger_journal_add(file, &entry, 1, err);
}

static bool take_money(const struct spend_row *row, void *context)
{
	*(int64_t *)context += row->money;
	return true;
}

static bool take_entry(const struct journal_entry *entry, void *context)
{
	(void)entry;
	++*(unsigned *)context;
	return true;
}

/* Which pass's ledger is in the file, all of it; fails the test when it is none's. */
static unsigned seed_in(struct ledger_file *file)
{
	SCOPED(ledger) struct ledger read = { 0 };
	SCOPED(ledger) struct ledger expected = { 0 };
	struct error err = { 0 };
	int64_t rows = 0, sums = 0;
	unsigned entries = 0;

	if (ledger_read(file, &read, &err) < 0 ||
	    ledger_spend_each(file, DAY, DAY, take_money, &rows, &err) < 0 ||
	    ledger_spend_sums(file, DAY, DAY, take_money, &sums, &err) < 0 ||
	    ledger_journal_each(file, SIZE_MAX, take_entry, &entries, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(rows, sums);
	assert_in_range(entries, 0, rows); /* each is written after its pass's ledger */
	if (!read.machine_count) { /* none has written yet */
		assert_int_equal(rows, 0);
		return 0;
	}
	unsigned seed = (unsigned)read.channel - 2;
	ledger_sample(seed, MACHINES, &expected);
	assert_null(ledger_difference(&read, &expected));
	assert_int_equal(rows, seed); /* counted once, with the ledger that says so */
	return seed;
}

static unsigned seed_now(void)
{
	struct ledger_file *file = ledger_opened(folder, NOW_S);
	unsigned seed = seed_in(file);

	ledger_close(file);
	return seed;
}

static void assert_nothing_aside(void)
{
	struct folder_entry *entries = NULL;
	struct error err = { 0 };
	size_t count = 0;

	assert_int_equal(file_list(folder, &entries, &count, &err), 0);
	for (size_t i = 0; i < count; i++)
		if (strstr(entries[i].name, "unreadable"))
			fail_msg("%s was set aside", entries[i].name);
	free(entries);
}

/* ---- killed ---- */

/* One pass in a process of its own, which dies at the nth step. True: it came to its end. wrote:
 * the ledger was written when it died. */
static bool run_pass(unsigned seed, enum sql_fault fault, unsigned nth, bool *wrote)
{
	int ends[2], status = 0;
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct ledger_file *file;
		struct error err = { 0 };

		sql_faults_arm(fault, nth);
		if (ledger_open(folder, NOW_S, &file, &err) < 0 || write_pass(file, seed, &err) < 0)
			_exit(1);
		if (write(ends[1], "w", 1) != 1)
			_exit(1);
		ledger_close(file);
		_exit(0);
	}
	close(ends[1]);
	*wrote = read(ends[0], &byte, 1) == 1;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	return !WIFSIGNALED(status);
}

static void kill_at_each_step(enum sql_fault fault)
{
	unsigned seed = 0, nth = 1;
	bool is_ended = false, wrote;

	for (; !is_ended; nth++) {
		assert_true(nth < MOST_STEPS);
		is_ended = run_pass(seed + 1, fault, nth, &wrote);
		unsigned now = seed_now();
		if (now != seed + 1 && (now != seed || wrote))
			fail_msg("killed at step %u: pass %u is there, after pass %u", nth, now,
				 seed);
		seed = now;
	}
	assert_in_range(nth, FEWEST_STEPS, MOST_STEPS);
	assert_nothing_aside();
	print_message("killed at each of %u steps; %u passes were written all the same\n", nth - 2,
		      seed);
}

static void test_killed_at_each_write(void **state)
{
	(void)state;
	kill_at_each_step(SQL_FAULT_KILL);
}

static void test_out_of_power_at_each_write(void **state)
{
	(void)state;
	kill_at_each_step(SQL_FAULT_POWER);
}

/* The ledger of 0.1 is taken over whole, or is still there. */
static void test_killed_while_the_old_ledger_is_taken_over(void **state)
{
	static const char old[] =
		"{\"version\": 1, \"since_s\": 5, \"passes\": 6, \"attempts\": [],"
		" \"marks\": [], \"machines\": []}";
	struct error err = { 0 };
	bool wrote, is_ended = false;

	(void)state;
	for (unsigned nth = 1; !is_ended; nth++) {
		SCOPED(ledger) struct ledger read = { 0 };

		assert_int_equal(file_write(scratch_path(folder, LEDGER_OLD_NAME), slice_of(old),
					    0600, &err),
				 0);
		is_ended = run_pass(1, SQL_FAULT_KILL, nth, &wrote);
		struct ledger_file *file = ledger_opened(folder, NOW_S);
		assert_int_equal(ledger_read(file, &read, &err), 0);
		ledger_close(file);
		if (!read.machine_count)
			assert_int_equal(read.passes, 6);
		assert_false(file_exists(scratch_path(folder, LEDGER_OLD_NAME)));
		assert_nothing_aside();
		scratch_remove(folder);
		scratch_make(folder);
	}
}

/* ---- the disk is full ---- */

static void assert_says_full(const struct error *err)
{
	assert_int_equal(err->class, ERROR_SYSTEM);
	if (!strstr(err->message, "full"))
		fail_msg("does not say that the disk is full: %s", err->message);
}

/* False: it did not come to the nth step. */
static bool fill_at(unsigned seed, unsigned nth, bool *wrote)
{
	struct ledger_file *file = NULL;
	struct error err = { 0 };

	sql_faults_arm(SQL_FAULT_FULL, nth);
	*wrote = false;
	if (ledger_open(folder, NOW_S, &file, &err) < 0) {
		assert_says_full(&err);
		return sql_faults_disarm();
	}
	if (write_pass(file, seed, &err) < 0)
		assert_says_full(&err);
	else
		*wrote = true;
	ledger_close(file);
	return sql_faults_disarm();
}

static void test_a_full_disk_at_each_write(void **state)
{
	unsigned seed = 0, nth = 1, failed = 0;
	bool is_full = true, wrote;

	(void)state;
	for (; is_full; nth++) {
		assert_true(nth < MOST_STEPS);
		is_full = fill_at(seed + 1, nth, &wrote);
		unsigned now = seed_now();
		if (now != seed + 1 && (now != seed || wrote))
			fail_msg("full at step %u: pass %u is there, after pass %u", nth, now,
				 seed);
		failed += !wrote;
		seed = now;
	}
	assert_in_range(failed, FEWEST_STEPS, MOST_STEPS);
	assert_nothing_aside();
}

/* A pass that found no room for its first write tells it again in the next: once. */
static void test_what_did_not_fit_is_written_later(void **state)
{
	struct ledger_file *file;
	struct error err = { 0 };
	unsigned seed = 0;

	(void)state;
	for (unsigned nth = 1; nth < FEWEST_STEPS; nth++) {
		SCOPED(ledger) struct ledger ledger = { 0 };
		struct spend_row row = { .day = DAY, .resource = "gpu", .money = 1 };

		file = ledger_opened(folder, NOW_S);
		ledger_sample(++seed, MACHINES, &ledger);
		ledger_spend_add(file, &row, 1);
		sql_faults_arm(SQL_FAULT_FULL, nth);
		int status = ledger_write(file, &ledger, &err);
		(void)sql_faults_disarm();
		if (status < 0) {
			assert_says_full(&err);
			assert_int_equal(ledger_write(file, &ledger, &err), 0);
		}
		struct journal_entry entry = { .time_s = NOW_S };
		assert_int_equal(ledger_journal_add(file, &entry, 1, &err), 0);
		assert_int_equal(seed_in(file), seed);
		ledger_close(file);
	}
}

/* The daily look needs room too; without it a pass still sees what to terminate. */
static void test_a_full_disk_stops_no_look(void **state)
{
	bool wrote, is_full = true;

	(void)state;
	assert_true(run_pass(1, SQL_FAULT_NONE, 0, &wrote));
	for (unsigned nth = 1; is_full; nth++) {
		sql_faults_arm(SQL_FAULT_FULL, nth);
		struct ledger_file *file = ledger_opened(folder, NOW_S + DAY_S);
		assert_int_equal(seed_in(file), 1);
		ledger_close(file);
		is_full = sql_faults_disarm();
		assert_true(is_full || nth > 1);
	}
	assert_nothing_aside();
}

/* ---- a real file system that is full, or cannot be written ---- */

static void test_a_file_system_without_room(void **state)
{
	SCOPED(ledger) struct ledger large = { 0 };
	struct ledger_file *file;
	struct error err = { 0 };
	bool wrote;

	(void)state;
	if (!has_mounts)
		skip();
	assert_int_equal(mount("tmpfs", folder, "tmpfs", 0, "size=1m"), 0);
	assert_true(run_pass(1, SQL_FAULT_NONE, 0, &wrote));
	ledger_sample(2, 10000, &large);
	file = ledger_opened(folder, NOW_S);
	assert_int_equal(ledger_write(file, &large, &err), -1);
	assert_says_full(&err);
	assert_int_equal(seed_in(file), 1);
	ledger_close(file);
	assert_true(run_pass(2, SQL_FAULT_NONE, 0, &wrote));
	assert_int_equal(seed_now(), 2);
	assert_int_equal(umount(folder), 0);
}

static void test_a_file_system_that_cannot_be_written(void **state)
{
	struct ledger_file *file;
	struct error err = { 0 };
	bool wrote;

	(void)state;
	if (!has_mounts)
		skip();
	assert_int_equal(mount("tmpfs", folder, "tmpfs", 0, "size=4m"), 0);
	assert_true(run_pass(1, SQL_FAULT_NONE, 0, &wrote));
	assert_int_equal(mount("tmpfs", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=4m"), 0);
	assert_int_equal(ledger_open(folder, NOW_S, &file, &err), -1);
	assert_int_equal(err.class, ERROR_SYSTEM);
	assert_non_null(strstr(err.message, LEDGER_NAME));
	if (ledger_open_view(folder, NOW_S, &file, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(seed_in(file), 1);
	ledger_close(file);
	assert_int_equal(umount(folder), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_killed_at_each_write),
		IN_FOLDER(test_out_of_power_at_each_write),
		IN_FOLDER(test_killed_while_the_old_ledger_is_taken_over),
		IN_FOLDER(test_a_full_disk_at_each_write),
		IN_FOLDER(test_what_did_not_fit_is_written_later),
		IN_FOLDER(test_a_full_disk_stops_no_look),
		IN_FOLDER(test_a_file_system_without_room),
		IN_FOLDER(test_a_file_system_that_cannot_be_written),
	};

	has_mounts = own_mounts_begin();
	if (has_mounts) /* thousands of syncs: not on a disk */
		setenv("TMPDIR", "/dev/shm", 1);
	sql_faults_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
