/* spend_table: added up by a column, in order, and printed without losing a micro-dollar. */
#include "reaper/money/spend_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"

static const struct spend_row rows[] = {
	{ "2026-11-23", "gpu", "i-1", "train", "t1", "ann", 3600, 526000, 0 },
	{ "2026-11-24", "gpu", "i-1", "train", "t1", "ann", 1800, 263000, 0 },
	{ "2026-11-24", "gpu", "i-1", "", "", "", 1800, 263000, 0 },
	{ "2026-11-24", "cpu", "i-2", "say \"hi\", all", "t2", "bob", 7200, 0, 7200 },
	{ "2026-11-24", "cpu", "i-3", "train", "t3", "", 36, 12345678, 0 },
};
static const struct spend_span span = { "prod", "2026-11-01", "2026-11-30" };

static struct clearml_user users[] = { { "ann", "Bee, Ann" }, { "carl", "Carl" } };

static void fill(struct spend_table *table, enum spend_by by)
{
	*table = (struct spend_table){ .by = by, .users = { users, ARRAY_LEN(users) } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		spend_table_add(table, &rows[i]);
}

static void test_prints_csv(void **state)
{
	static const char *const expected[SPEND_BY_COUNT] = {
		[SPEND_BY_TASK] = "task,queue,user,hours,usd,unpriced_hours,user_name\r\n"
				  "t3,train,,0.0100,12.345678,0.0000,\r\n"
				  "t1,train,ann,1.5000,0.789000,0.0000,\"Bee, Ann\"\r\n"
				  ",,,0.5000,0.263000,0.0000,\r\n"
				  "t2,\"say \"\"hi\"\", all\",bob,2.0000,0.000000,2.0000,\r\n",
		[SPEND_BY_QUEUE] = "queue,hours,usd,unpriced_hours\r\n"
				   "train,1.5100,13.134678,0.0000\r\n"
				   ",0.5000,0.263000,0.0000\r\n"
				   "\"say \"\"hi\"\", all\",2.0000,0.000000,2.0000\r\n",
		[SPEND_BY_DAY] = "day,hours,usd,unpriced_hours\r\n"
				 "2026-11-23,1.0000,0.526000,0.0000\r\n"
				 "2026-11-24,3.0100,12.871678,2.0000\r\n",
		[SPEND_BY_RESOURCE] = "resource,hours,usd,unpriced_hours\r\n"
				      "cpu,2.0100,12.345678,2.0000\r\n"
				      "gpu,2.0000,1.052000,0.0000\r\n",
		[SPEND_BY_USER] = "user,hours,usd,unpriced_hours,user_name\r\n"
				  ",0.5100,12.608678,0.0000,\r\n"
				  "ann,1.5000,0.789000,0.0000,\"Bee, Ann\"\r\n"
				  "bob,2.0000,0.000000,2.0000,\r\n",
	};

	(void)state;
	for (enum spend_by by = 0; by < SPEND_BY_COUNT; by++) {
		SCOPED(spend_table) struct spend_table table;
		SCOPED(buf) struct buf out = BUF(4096);

		fill(&table, by);
		spend_table_csv(&table, &span, &out);
		assert_string_equal(buf_text(&out), expected[by]);
	}
}

static void test_prints_text(void **state)
{
	SCOPED(spend_table) struct spend_table table;
	SCOPED(buf) struct buf out = BUF(4096);

	(void)state;
	fill(&table, SPEND_BY_RESOURCE);
	spend_table_text(&table, &span, &out);
	assert_non_null(strstr(buf_text(&out), "Spend of prod by resource, 2026-11-01 to "
					       "2026-11-30 (UTC)\n\nRESOURCE"));
	assert_non_null(strstr(buf_text(&out), "\ntotal     4.01   13.40"));
	assert_non_null(strstr(buf_text(&out), "2.00 hours ran at an unknown price"));
	buf_clear(&out);
	spend_table_release(&table);
	fill(&table, SPEND_BY_TASK);
	spend_table_text(&table, &span, &out);
	assert_non_null(strstr(buf_text(&out), "\n(nobody)"));
	assert_non_null(strstr(buf_text(&out), "  Bee, Ann (ann)  "));
	assert_non_null(strstr(buf_text(&out), "  bob  "));
	buf_clear(&out);
	spend_table_release(&table);
	fill(&table, SPEND_BY_USER);
	spend_table_text(&table, &span, &out);
	assert_non_null(strstr(buf_text(&out), "\nBee, Ann (ann)  "));
	assert_non_null(strstr(buf_text(&out), "\nbob  "));
	buf_clear(&out);
	spend_table_release(&table);
	spend_table_text(&table, &span, &out);
	assert_non_null(strstr(buf_text(&out), "Nothing was spent.\n"));
}

static void test_prints_json(void **state)
{
	(void)state;
	for (enum spend_by by = 0; by < SPEND_BY_COUNT; by++) {
		SCOPED(spend_table) struct spend_table table;
		SCOPED(json_document) struct json_document document = { 0 };
		SCOPED(buf) struct buf out = BUF(4096);
		int64_t sum = 0;
		struct error err;

		fill(&table, by);
		spend_table_json(&table, &span, &out);
		assert_int_equal(json_parse(buf_slice(&out), &document, &err), 0);
		const struct json *list = json_find(document.root, "rows");

		for (const struct json *row = json_first(list); row; row = json_next(row)) {
			const struct json *key = json_find(row, spend_by_name(by));

			assert_non_null(key);
			if (by == SPEND_BY_USER && !strcmp(json_text_or(row, "user", ""), "ann"))
				assert_string_equal(json_text_or(row, "user_name", ""), "Bee, Ann");
			sum += json_integer_or(row, "micro_usd", 0);
		}
		assert_int_equal(sum, 13397678);
		assert_int_equal(json_integer_or(document.root, "total.micro_usd", 0), sum);
		assert_int_equal(json_integer_or(document.root, "total.seconds", 0), 14436);
		assert_int_equal(json_integer_or(document.root, "total.unpriced_seconds", 0), 7200);
		assert_string_equal(json_text_or(document.root, "from", ""), "2026-11-01");
	}
}

/* Far more rows than lines: what is kept stays small, and nothing is lost on the way. */
static void test_many_rows_of_few_keys(void **state)
{
	SCOPED(spend_table) struct spend_table table = { .by = SPEND_BY_TASK };
	SCOPED(buf) struct buf out = BUF(1 << 20);
	struct spend_row row = rows[0];
	int64_t money = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(row.task, sizeof(row.task), "t%u", i * 7919 % 300);
		row.money = i;
		money += i;
		spend_table_add(&table, &row);
	}
	assert_true(table.room <= 1024);
	spend_table_csv(&table, &span, &out);
	assert_int_equal(table.count, 300);
	for (size_t i = 0; i < table.count; i++)
		money -= table.lines[i].money;
	assert_int_equal(money, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prints_csv),
		cmocka_unit_test(test_prints_text),
		cmocka_unit_test(test_prints_json),
		cmocka_unit_test(test_many_rows_of_few_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
