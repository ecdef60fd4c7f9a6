/* ledger: what is written is read; what makes no sense is set aside, never believed in part. */
#include "reaper/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "common/log.h"
#include "reaper/ledger_text.h"
#include "tests/unit/support/scratch.h"

static struct ledger_file *opened(const char *folder, int64_t now_s)
{
	struct ledger_file *file;
	struct error err;

	assert_int_equal(ledger_open(folder, now_s, &file, &err), 0);
	return file;
}

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

static void test_what_is_written_is_read(void **state)
{
	struct open_attempt attempts[] = {
		{ .resource = "cpu", .day = "2026-11-24", .asked_s = 1795472471 },
		{ .resource = "gpu", .slot = 31, .generation = 2000000000, .day = "2026-11-25" },
	};
	struct mark marks[] = { { "silent local-1f0e", 1795472471 }, { "task \"x\"", 1 } };
	struct remembered machines[] = {
		{ .instance = "local-1f0e", .last_report_ms = 1795472471123, .was_busy = true },
		{ .instance = "local-2" },
	};
	const struct ledger written = { .since_s = 1795472400,
					.passes = 7,
					.attempts = attempts,
					.attempt_count = 2,
					.marks = marks,
					.mark_count = 2,
					.machines = machines,
					.machine_count = 2 };
	SCOPED(ledger) struct ledger read = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(ledger_write(opened(folder, 1), &written, &err), 0);
	if (ledger_read(opened(folder, 1), &read, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(read.since_s, 1795472400);
	assert_int_equal(read.passes, 7);
	assert_int_equal(read.attempt_count, 2);
	assert_string_equal(read.attempts[1].resource, "gpu");
	assert_int_equal(read.attempts[1].slot, 31);
	assert_int_equal(read.attempts[1].generation, 2000000000);
	assert_string_equal(read.attempts[0].day, "2026-11-24");
	assert_int_equal(read.attempts[0].asked_s, 1795472471);
	assert_int_equal(read.mark_count, 2);
	assert_string_equal(read.marks[1].what, "task \"x\"");
	assert_int_equal(read.marks[0].first_s, 1795472471);
	assert_int_equal(read.machine_count, 2);
	assert_string_equal(read.machines[0].instance, "local-1f0e");
	assert_int_equal(read.machines[0].last_report_ms, 1795472471123);
	assert_true(read.machines[0].was_busy);
	assert_false(read.machines[1].was_busy);
}

static void test_a_ledger_that_is_not_there_begins_now(void **state)
{
	SCOPED(ledger) struct ledger read = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(ledger_read(opened(scratch_path(folder, "none"), 1795472471), &read, &err),
			 0);
	assert_int_equal(read.since_s, 1795472471);
	assert_int_equal(read.passes + read.attempt_count + read.mark_count + read.machine_count,
			 0);
}

#define HEAD "{\"version\": 1, \"since_s\": 5, \"passes\": 6, "
#define TAIL "\"marks\": [], \"machines\": []}"

static void test_what_makes_no_sense_is_set_aside(void **state)
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
	char path[SCRATCH_ROOM + 32];
	struct error err;

	(void)state;
	text_cut(path, sizeof(path), scratch_path(folder, "ledger.json"));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		SCOPED(ledger) struct ledger read = { 0 };
		SCOPED(buf) struct buf kept = BUF(4096);

		assert_int_equal(file_write(path, slice_of(texts[i]), 0600, &err), 0);
		if (ledger_read(opened(folder, 99), &read, &err) < 0)
			fail_msg("%s: %s", texts[i], err.message);
		assert_int_equal(read.since_s, 99);
		assert_int_equal(read.passes + read.attempt_count, 0);
		assert_false(file_exists(path));
		assert_int_equal(
			file_read(scratch_path(folder, "ledger.json.unreadable"), &kept, &err), 0);
		assert_string_equal(buf_text(&kept), texts[i]);
	}
}

/* What cannot be read may well be there: no fresh one takes its place. */
static void test_a_ledger_that_cannot_be_read_is_an_error(void **state)
{
	struct ledger read = { 0 };
	char path[SCRATCH_ROOM + 32];
	struct error err = { 0 };

	(void)state;
	text_cut(path, sizeof(path), scratch_path(folder, "ledger.json"));
	assert_int_equal(file_make_folder(path, 0700, &err), 0);
	assert_int_equal(ledger_read(opened(folder, 99), &read, &err), -1);
	assert_int_equal(err.class, ERROR_SYSTEM);
	assert_int_equal(rmdir(path), 0);
}

static void test_a_ledger_that_cannot_be_written_is_an_error(void **state)
{
	struct ledger empty = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(ledger_write(opened(scratch_path(folder, "no/folder"), 1), &empty, &err),
			 -1);
	assert_non_null(strstr(err.message, "write the ledger"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_a_ledger_that_is_not_there_begins_now),
		cmocka_unit_test(test_what_makes_no_sense_is_set_aside),
		cmocka_unit_test(test_a_ledger_that_cannot_be_read_is_an_error),
		cmocka_unit_test(test_a_ledger_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
