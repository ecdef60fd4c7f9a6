/* forecast: the table, the JSON and the page, against files in golden/. */
#include "reaper/forecast/forecast.h"

#include "common/file.h"
#include "tests/unit/support/forecast_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add_machine(struct outcome *outcome, int64_t from_s, int64_t until_s, int64_t price)
{
	*outcome_add_machine(outcome) =
		(struct machine_life){ .from_s = TRACE_EPOCH_S + from_s,
				       .ready_s = TRACE_EPOCH_S + from_s + 120,
				       .until_s = TRACE_EPOCH_S + until_s,
				       .busy_s = 900,
				       .seats = 1,
				       .price = price };
}

static struct outcome *add_outcome(struct forecast *forecast, const char *name, int64_t wait_s)
{
	struct outcome *outcome = &forecast->outcomes[forecast->count++];

	outcome_open(outcome, name, &forecast->trace);
	text_cut(outcome->resources[0], sizeof(outcome->resources[0]), "gpu");
	outcome->resource_count = 1;
	for (size_t i = 0; i < outcome->task_count; i++) {
		struct task_life *task = &outcome->tasks[i];

		task->started_s = task->arrived_s + wait_s * (int64_t)(i + 1);
		task->ended_s = task->started_s + 900;
	}
	return outcome;
}

/* Names that would do harm in a terminal or in a page; an unknown price; a task that never began;
 * and a rival that cannot be compared with. */
static void make_forecast(struct forecast *out)
{
	static const struct bench_task tasks[] = {
		{ 0, 900, "a" }, { 60, 900, "a" }, { 3600, 900, "a" }, { 7200, 900, "b" }
	};

	*out = (struct forecast){ .trace_name = "<b>\x1b[2J&.csv", .boot_s = 120 };
	bench_trace(tasks, ARRAY_LEN(tasks), &out->trace);
	struct outcome *first = add_outcome(out, "first \"quoted\".json", 40);

	add_machine(first, 60, 4000, 1000000);
	add_machine(first, 60, 1900, 1000000);
	struct outcome *second = add_outcome(out, "<script>alert(1)</script>", 100);

	add_machine(second, 300, 8000, MONEY_UNKNOWN);
	second->tasks[3].started_s = -1;
	second->tasks[2].is_failed = true;
	text_cut(second->remark, sizeof(second->remark), "budgets <begin>\x1b unspent");
	text_cut(out->rival_problem, sizeof(out->rival_problem),
		 "resource gpu has 2 seats, ClearML's autoscaler runs one task a machine");
	out->bound = (struct bound){ 3000, 3600, 1 };
}

static void compare(const char *ending, const struct buf *got)
{
	SCOPED(buf) struct buf want = BUF(1 << 20);
	char path[128];
	struct error err;

	assert_int_equal(buf_finish(got, &err), 0);
	snprintf(path, sizeof(path), "tests/unit/golden/forecast.%s", ending);
	/* To make new ones: GOLDEN=write build/debug/tests/unit/test_forecast, then look at the
	 * diff. */
	if (getenv("GOLDEN"))
		assert_int_equal(file_write(path, buf_slice(got), 0644, &err), 0);
	if (file_read(path, &want, &err) < 0)
		fail_msg("%s", err.message);
	if (strcmp(buf_text(got), buf_text(&want)) != 0)
		fail_msg("%s differs:\n%s", path, buf_text(got));
}

static void test_forms_are_as_in_the_files(void **state)
{
	static const struct {
		const char *ending;
		void (*write)(const struct forecast *forecast, struct buf *out);
	} forms[] = { { "txt", forecast_text },
		      { "json", forecast_json },
		      { "html", forecast_page } };
	SCOPED(forecast) struct forecast forecast = { 0 };

	(void)state;
	make_forecast(&forecast);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		SCOPED(buf) struct buf out = BUF(1 << 20);

		forms[i].write(&forecast, &out);
		compare(forms[i].ending, &out);
	}
}

static void test_the_page_is_safe(void **state)
{
	static const char *const denied[] = { "<script", "\x1b", "http:", "https:", "url(", "<b>" };
	SCOPED(forecast) struct forecast forecast = { 0 };
	SCOPED(buf) struct buf out = BUF(1 << 20);

	(void)state;
	make_forecast(&forecast);
	forecast_page(&forecast, &out);
	for (size_t i = 0; i < ARRAY_LEN(denied); i++)
		if (strstr(buf_text(&out), denied[i]))
			fail_msg("the page holds %s", denied[i]);
	assert_non_null(strstr(buf_text(&out), "&#60;script&#62;"));
}

static void test_cells(void **state)
{
	char text[FORECAST_CELL_ROOM];

	(void)state;
	forecast_hours(0, text);
	assert_string_equal(text, "0.0");
	forecast_hours(3600 * 12 + 179, text);
	assert_string_equal(text, "12.0");
	forecast_hours(3600 * 12 + 180, text);
	assert_string_equal(text, "12.1");
	forecast_share(1, 3, text);
	assert_string_equal(text, "33.3 %");
	forecast_share(2, 3, text);
	assert_string_equal(text, "66.7 %");
	forecast_share(5, 0, text);
	assert_string_equal(text, "-");
	forecast_moment(TRACE_EPOCH_S + 3661, text);
	assert_string_equal(text, "2026-01-05 01:01");
}

static void test_one_task_that_never_started(void **state)
{
	static const struct bench_task task = { 0, 900, "a" };
	static const struct {
		const char *when;
		void (*write)(const struct forecast *forecast, struct buf *out);
		const char *want;
	} cases[] = {
		{ "when it is a table", forecast_text, "1 task of 1 queue, from " },
		{ "when it is a table with waits", forecast_text,
		  " -         -         -         1         0\n" },
		{ "when it is JSON", forecast_json, "\"p50\": null" },
		{ "when it is JSON, the longest wait", forecast_json, "\"max\": null" },
		{ "when it is a page", forecast_page, "<td>-</td><td>-</td><td>-</td><td>1</td>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(forecast) struct forecast forecast = { .trace_name = "t", .boot_s = 120 };
		SCOPED(buf) struct buf out = BUF(1 << 20);

		bench_trace(&task, 1, &forecast.trace);
		add_outcome(&forecast, "it", 0)->tasks[0].started_s = -1;
		cases[i].write(&forecast, &out);
		if (!strstr(buf_text(&out), cases[i].want))
			fail_msg("%s: %s", cases[i].when, buf_text(&out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms_are_as_in_the_files),
		cmocka_unit_test(test_one_task_that_never_started),
		cmocka_unit_test(test_the_page_is_safe),
		cmocka_unit_test(test_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
