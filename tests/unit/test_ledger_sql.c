/* ledger_sql, ledger_rows: a schema grows a version at a time or not at all, and rows of an older
 * one are still read. */
#include "reaper/ledger/ledger_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/file.h"
#include "common/log.h"
#include "tests/unit/support/scratch.h"

struct thing {
	char name[8];
	int64_t number;
	bool is_new; /* since version 2 */
	char more[8]; /* since version 3 */
};

static const char *const steps[] = {
	"CREATE TABLE things (name TEXT PRIMARY KEY, number INTEGER, checksum INTEGER) STRICT",
	"ALTER TABLE things ADD COLUMN is_new INTEGER",
	"ALTER TABLE things ADD COLUMN more TEXT",
};
static const struct ledger_field fields[] = {
	LEDGER_TEXT(thing, name),
	LEDGER_INTEGER(thing, number),
	LEDGER_BOOL(thing, is_new),
	LEDGER_TEXT(thing, more),
};
static const struct ledger_shape shapes[] = {
	{ "things", fields, 0, sizeof(struct thing) }, /* there was no version 0 */
	{ "things", fields, 2, sizeof(struct thing) },
	{ "things", fields, 3, sizeof(struct thing) },
	{ "things", fields, 4, sizeof(struct thing) },
};

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

static struct ledger_sql *opened(void)
{
	struct ledger_sql *sql;
	struct error err = { 0 };

	if (ledger_sql_open(scratch_path(folder, "a.sqlite"), &sql, &err) < 0)
		fail_msg("%s", err.message);
	return sql;
}

static void migrate(struct ledger_sql *sql, int64_t version)
{
	struct error err = { 0 };

	if (ledger_sql_run(sql, "BEGIN IMMEDIATE", &err) < 0 ||
	    ledger_sql_migrate(sql, steps, version, &err) < 0 ||
	    ledger_sql_run(sql, "COMMIT", &err) < 0)
		fail_msg("%s", err.message);
}

static int64_t version_of(struct ledger_sql *sql)
{
	struct error err = { 0 };
	int64_t version = -1;

	if (ledger_sql_number(sql, "PRAGMA user_version", &version, &err) < 0)
		fail_msg("%s", err.message);
	return version;
}

static bool take_thing(const void *row, void *context)
{
	const struct thing *thing = row;
	struct buf *out = context;

	buf_addf(out, "%s %lld %d '%s';", thing->name, (long long)thing->number, thing->is_new,
		 thing->more);
	return true;
}

static void assert_things(struct ledger_sql *sql, int64_t version, const char *expected)
{
	SCOPED(buf) struct buf text = BUF(4096);
	struct ledger_choice in_order = { .condition = "ORDER BY name" };
	struct error err = { 0 };

	if (ledger_rows_each(sql, &shapes[version], &in_order, take_thing, &text, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(buf_text(&text), expected);
}

/* ---- versions ---- */

static void test_a_schema_grows_from_any_version(void **state)
{
	static const struct thing things[] = { { "old", 7, true, "x" }, { "two", -1, true, "y" } };
	static const char *const grown[] = {
		NULL,
		"old 7 0 '';two -1 0 '';", /* written before there was more to say */
		"old 7 1 '';two -1 1 '';",
		"old 7 1 'x';two -1 1 'y';",
	};
	struct error err = { 0 };

	(void)state;
	for (int64_t from = 1; from <= 3; from++) {
		struct ledger_sql *sql = opened();
		assert_int_equal(version_of(sql), 0);
		migrate(sql, from);
		assert_int_equal(version_of(sql), from);
		assert_int_equal(ledger_rows_add(sql, &shapes[from], things, 2, &err), 0);
		ledger_sql_close(sql);
		sql = opened();
		for (int64_t until = from; until <= 3; until++) {
			migrate(sql, until);
			assert_int_equal(version_of(sql), until);
			assert_things(sql, until, grown[from]);
		}
		ledger_sql_close(sql);
		scratch_remove(folder);
		scratch_make(folder);
	}
}

static void test_a_version_that_is_not_known_is_refused(void **state)
{
	struct error err = { 0 };
	struct ledger_sql *sql = opened();

	(void)state;
	migrate(sql, 3);
	assert_int_equal(ledger_sql_migrate(sql, steps, 2, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_non_null(strstr(err.message, "version 3"));
	ledger_sql_close(sql);
}

static void test_a_step_that_fails_changes_nothing(void **state)
{
	static const char *const bad[] = { "CREATE TABLE things (name TEXT)", "CREATE NONSENSE" };
	struct error err = { 0 };
	struct ledger_sql *sql = opened();
	int64_t tables = -1;

	(void)state;
	assert_int_equal(ledger_sql_run(sql, "BEGIN IMMEDIATE", &err), 0);
	assert_int_equal(ledger_sql_migrate(sql, bad, 2, &err), -1);
	assert_non_null(strstr(err.message, "from version 1"));
	ledger_sql_close(sql); /* as when the program ends */
	sql = opened();
	assert_int_equal(version_of(sql), 0);
	assert_int_equal(
		ledger_sql_number(sql, "SELECT count(*) FROM sqlite_schema", &tables, &err), 0);
	assert_int_equal(tables, 0);
	ledger_sql_close(sql);
}

/* A view of an older version brings a copy of its own up to date. */
static void test_a_copy_in_memory_leaves_the_file_alone(void **state)
{
	static const struct thing thing = { .name = "old", .number = 7 };
	struct ledger_sql *sql = opened(), *view;
	struct error err = { 0 };

	(void)state;
	migrate(sql, 1);
	assert_int_equal(ledger_rows_add(sql, &shapes[1], &thing, 1, &err), 0);
	assert_int_equal(ledger_sql_open_view(scratch_path(folder, "a.sqlite"), &view, &err), 0);
	assert_int_equal(ledger_rows_add(view, &shapes[1], &thing, 1, &err), -1);
	if (ledger_sql_to_memory(&view, &err) < 0)
		fail_msg("%s", err.message);
	migrate(view, 3);
	assert_things(view, 3, "old 7 0 '';");
	assert_int_equal(version_of(sql), 1);
	ledger_sql_close(view);
	ledger_sql_close(sql);
}

/* ---- rows ---- */

static void test_a_row_with_the_same_key_is_replaced(void **state)
{
	static const struct thing things[] = { { .name = "a", .number = 1 },
					       { .name = "b", .number = 2 },
					       { .name = "a", .number = INT64_MIN } };
	struct ledger_sql *sql = opened();
	struct error err = { 0 };

	(void)state;
	migrate(sql, 3);
	assert_int_equal(ledger_rows_add(sql, &shapes[3], things, 3, &err), 0);
	assert_int_equal(ledger_rows_add(sql, &shapes[3], NULL, 0, &err), 0);
	assert_things(sql, 3, "a -9223372036854775808 0 '';b 2 0 '';");
	ledger_sql_close(sql);
}

/* Checksums are of our own making here: what a wrong one does is test_ledger's. */
static void test_what_does_not_fit_is_refused(void **state)
{
	static const struct {
		const char *when, *change, *says;
	} cases[] = {
		{ "when a text is too long", "UPDATE things SET name = 'eightlen'",
		  "does not fit" },
		{ "when a text has a NUL", "UPDATE things SET name = 'a' || char(0) || 'b'",
		  "does not fit" },
		{ "when a flag is more than one", "UPDATE things SET is_new = 2", "out of range" },
		{ "when a number is another", "UPDATE things SET number = 8", "checksum" },
		{ "when a text is another", "UPDATE things SET more = 'z'", "checksum" },
		{ "when a value is gone", "UPDATE things SET more = NULL", "checksum" },
		{ "when the checksum is gone", "UPDATE things SET checksum = NULL", "checksum" },
	};
	static const struct thing thing = { .name = "a", .number = 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(4096);
		struct ledger_sql *sql = opened();
		struct error err = { 0 };

		migrate(sql, 3);
		assert_int_equal(ledger_rows_add(sql, &shapes[3], &thing, 1, &err), 0);
		assert_int_equal(ledger_sql_run(sql, cases[i].change, &err), 0);
		assert_int_equal(ledger_rows_each(sql, &shapes[3], &(struct ledger_choice){ 0 },
						  take_thing, &text, &err),
				 -1);
		if (err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].says))
			fail_msg("%s: %s", cases[i].when, err.message);
		ledger_sql_close(sql);
		scratch_remove(folder);
		scratch_make(folder);
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_a_schema_grows_from_any_version),
		IN_FOLDER(test_a_version_that_is_not_known_is_refused),
		IN_FOLDER(test_a_step_that_fails_changes_nothing),
		IN_FOLDER(test_a_copy_in_memory_leaves_the_file_alone),
		IN_FOLDER(test_a_row_with_the_same_key_is_replaced),
		IN_FOLDER(test_what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
