#include "bootstrap/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"

#define TASK "0123456789abcdef0123456789abcdef"
#define QUEUE "fedcba9876543210fedcba9876543210"
#define SEAT(number)                                                                        \
	"{\"seat\":" number ",\"queue\":\"" QUEUE "\",\"task\":\"" TASK "\",\"attempt\":2," \
	"\"taken_s\":1795472471}"
#define JOURNAL(seats) "{\"format\":1,\"restarts\":0,\"seats\":[" seats "]}"

static const struct {
	const char *when, *text;
	const char *complaint; /* NULL: accepted */
	unsigned entries;
} cases[] = {
	{ "no seat is taken", JOURNAL(""), NULL, 0 },
	{ "one is", JOURNAL(SEAT("0")), NULL, 1 },
	{ "the first and the last are", JOURNAL(SEAT("15") "," SEAT("0")), NULL, 2 },
	{ "a newer program added a member",
	  "{\"format\":1,\"restarts\":7,\"seats\":[],\"more\":true}", NULL, 0 },

	{ "it is empty", "", "", 0 },
	{ "it is cut", "{\"format\":1,\"restarts\":0,\"sea", "", 0 },
	{ "it is a list", "[]", "format", 0 },
	{ "it is of another form", "{\"format\":2,\"restarts\":0,\"seats\":[]}", "format", 0 },
	{ "it has no seats", "{\"format\":1,\"restarts\":0}", "seats", 0 },
	{ "its seats are no list", "{\"format\":1,\"restarts\":0,\"seats\":{}}", "seats", 0 },
	{ "the restarts are negative", "{\"format\":1,\"restarts\":-1,\"seats\":[]}", "restarts",
	  0 },
	{ "there is no such seat", JOURNAL(SEAT("16")), "seat", 0 },
	{ "a seat stands there twice", JOURNAL(SEAT("3") "," SEAT("3")), "seat 3", 0 },
	{ "a seat is a fraction", JOURNAL(SEAT("0.5")), "seat", 0 },
	{ "an item is a number", JOURNAL("7"), "seats", 0 },
	{ "the task is missing", JOURNAL("{\"seat\":0,\"attempt\":1,\"queue\":\"" QUEUE "\"}"),
	  "task", 0 },
	{ "the task is empty",
	  JOURNAL("{\"seat\":0,\"attempt\":1,\"queue\":\"" QUEUE "\",\"task\":\"\",\"taken_s\":0}"),
	  "task", 0 },
	{ "the task is a path",
	  JOURNAL("{\"seat\":0,\"attempt\":1,\"queue\":\"" QUEUE
		  "\",\"task\":\"../../etc\",\"taken_s\":0}"),
	  "task", 0 },
	{ "the task is too long",
	  JOURNAL("{\"seat\":0,\"attempt\":1,\"queue\":\"" QUEUE "\",\"task\":\"" TASK
		  "0\",\"taken_s\":0}"),
	  "task", 0 },
	{ "the attempt is none",
	  JOURNAL("{\"seat\":0,\"attempt\":0,\"queue\":\"" QUEUE "\",\"task\":\"" TASK
		  "\",\"taken_s\":0}"),
	  "attempt", 0 },
};

static unsigned taken_seats(const struct journal *journal)
{
	unsigned count = 0;

	for (size_t i = 0; i < ARRAY_LEN(journal->entries); i++) {
		assert_int_equal(journal->entries[i].seat, i);
		count += journal->entries[i].task[0] != '\0';
	}
	return count;
}

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct journal journal = { .restarts = 99 };
		struct error err = { 0 };
		int got = journal_parse(slice_of(cases[i].text), &journal, &err);

		if ((got == 0) != !cases[i].complaint)
			fail_msg("when %s: %d %s", cases[i].when, got, err.message);
		if (got == 0 && taken_seats(&journal) != cases[i].entries)
			fail_msg("when %s: %u seats", cases[i].when, taken_seats(&journal));
		if (cases[i].complaint &&
		    (err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].complaint)))
			fail_msg("when %s: it says %s", cases[i].when, err.message);
		if (got < 0 && journal.restarts != 99)
			fail_msg("when %s: a refused journal was handed out", cases[i].when);
	}
}

static struct journal full_journal(void)
{
	struct journal journal = { .restarts = 3 };

	for (unsigned i = 0; i < ARRAY_LEN(journal.entries); i++) {
		struct journal_entry *entry = &journal.entries[i];

		*entry = (struct journal_entry){ .seat = i,
						 .attempt = i + 1,
						 .taken_s = 1795472471 };
		text_cut(entry->task, sizeof(entry->task), TASK);
		text_cut(entry->queue, sizeof(entry->queue), QUEUE);
	}
	return journal;
}

static void test_file(void **state)
{
	char folder[SCRATCH_ROOM];
	struct journal written = full_journal(), read = { 0 };
	struct error err = { 0 };
	struct stat found;

	(void)state;
	scratch_make(folder);
	const char *path = scratch_path(folder, "journal.json");
	assert_int_equal(journal_read(path, &read, &err), 0);
	assert_int_equal(taken_seats(&read), 0);

	assert_int_equal(journal_write(path, &written, &err), 0);
	assert_int_equal(journal_read(path, &read, &err), 0);
	assert_memory_equal(&read, &written, sizeof(read));
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);

	written.entries[4].task[0] = '\0';
	assert_int_equal(journal_write(path, &written, &err), 0);
	assert_int_equal(journal_read(path, &read, &err), 0);
	assert_int_equal(taken_seats(&read), 15);
	assert_int_equal(read.entries[4].attempt, 0);

	assert_int_equal(file_write(path, slice_of("{\"format\":1"), 0600, &err), 0);
	assert_int_equal(journal_read(path, &read, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_non_null(strstr(err.message, path));
	scratch_remove(folder);
}

static void test_write_fails(void **state)
{
	struct journal journal = full_journal();
	struct error err = { 0 };

	(void)state;
	assert_int_equal(journal_write("/nonexistent-folder/journal.json", &journal, &err), -1);
	assert_non_null(strstr(err.message, "/nonexistent-folder"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_write_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
