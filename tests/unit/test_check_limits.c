/* check_limits: a limit that may not do what is meant is named. */
#include "reaper/settings/check_limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"

static char folder[SCRATCH_ROOM];

static int make_folder(void **state)
{
	(void)state;
	scratch_make(folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static void load(const char *total, const char *budgets, const char *cpu, const char *gpu,
		 struct settings *out)
{
	SCOPED(buf) struct buf text = BUF(4096);
	const char *path = scratch_path(folder, "c.json");
	struct error err;

	buf_addf(&text,
		 "{\"prefix\": \"p\"%s, \"budgets\": {%s}, \"resources\": ["
		 "{\"name\": \"cpu\", \"queues\": [\"cpu\", \"both\"], \"max_instances\": 2%s},"
		 "{\"name\": \"gpu\", \"queues\": [\"gpu\", \"both\"], \"max_instances\": 2%s}]}",
		 total, budgets, cpu, gpu);
	if (file_write(path, buf_slice(&text), 0600, &err) < 0 ||
	    settings_load_shape(path, (const char *const *)environ, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void add_doubt(const char *what, const char *text, void *context)
{
	buf_addf(context, "%s%s; ", what,
		 strstr(text, "launches nothing")	 ? " is too small" :
		 strstr(text, "costs 0 $/h")		 ? " is free" :
		 strstr(text, "no machine is ever left") ? " waits for ever" :
							   " is doubtful");
}

static void expect(const char *when, const char *total, const char *budgets, const char *cpu,
		   const char *gpu, const char *want)
{
	SCOPED(settings) struct settings settings = { 0 };
	SCOPED(buf) struct buf doubts = BUF(4096);

	load(total, budgets, cpu, gpu, &settings);
	check_limits(&settings, add_doubt, &doubts);
	if (strcmp(buf_text(&doubts), want) != 0)
		fail_msg("%s: %s", when, buf_text(&doubts));
}

#define DAY(name) "\"" name "\": {\"day\": 5}"
#define OF_QUEUE(name) "\"queues\": {" DAY(name) "}"
#define PRICE(hour) ", \"prices\": {\"overrides\": [{\"hour\": " hour "}]}"
#define BUDGET ", \"budget\": {\"month\": 5}"
#define DEARER                                                                      \
	", \"offerings\": [{\"markets\": [\"spot\", \"on-demand\"]}], \"prices\": " \
	"{\"overrides\": ["                                                         \
	"{\"market\": \"spot\", \"hour\": 0}, {\"hour\": 0.5}]}"

static void test_a_budget_that_holds_nothing_back_is_named(void **state)
{
	static const struct {
		const char *when, *budgets, *cpu, *gpu, *want;
	} cases[] = {
		{ "when there is none", "", "", "", "" },
		{ "when all is free", DAY("total"), "", "", "budget of total is free; " },
		{ "when the one resource costs, and the other not", DAY("total"), "", PRICE("0.5"),
		  "" },
		{ "when only its dearer market costs", DAY("total"), DEARER, "", "" },
		{ "when a price of zero is written", DAY("total"), PRICE("0"), PRICE("0"),
		  "budget of total is free; " },
		{ "when a resource of its own is free", "", BUDGET, PRICE("0.5"),
		  "budget of resource cpu is free; " },
		{ "when a resource of its own costs", "", "", BUDGET PRICE("0.5"), "" },
		{ "when a queue's resource is free", OF_QUEUE("cpu"), "", PRICE("0.5"),
		  "budget of queue cpu is free; " },
		{ "when one of a queue's resources costs", OF_QUEUE("both"), "", PRICE("0.5"), "" },
		{ "when it is a user's", "\"users\": {" DAY("ann") "}", "", PRICE("0.5"), "" },
		{ "when it is a user's and all is free", "\"users\": {" DAY("ann") "}", "", "",
		  "budget of user ann is free; " },
		{ "when a user's has no limit", "\"users\": {\"ann\": {}}", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect(cases[i].when, "", cases[i].budgets, cases[i].cpu, cases[i].gpu,
		       cases[i].want);
}

static void test_an_hour_that_no_machine_fits_into_is_named(void **state)
{
	static const struct {
		const char *when, *budgets, *cpu, *gpu, *want;
	} cases[] = {
		{ "when it is enough for one", "\"total\": {\"hour\": 0.5}", PRICE("0.5"),
		  PRICE("0.4"), "" },
		{ "when all is free", "\"total\": {\"hour\": 0.45}", "", "",
		  "budget of total is free; " },
		{ "when it is too small for one of two", "\"total\": {\"hour\": 0.45}",
		  PRICE("0.5"), PRICE("0.4"), "budget of total is too small; " },
		{ "when only a dearer market does not fit", "\"total\": {\"hour\": 0.1}", DEARER,
		  PRICE("0.1"), "" },
		{ "when it is a day's", DAY("total"), PRICE("6"), PRICE("6"), "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect(cases[i].when, "", cases[i].budgets, cases[i].cpu, cases[i].gpu,
		       cases[i].want);
}

#define TOTAL(count) ", \"max_instances\": " count
#define MINIMUM(count) ", \"min_instances\": " count

static void test_a_total_that_leaves_a_queue_nothing_is_named(void **state)
{
	static const struct {
		const char *when, *total, *cpu, *gpu, *want;
	} cases[] = {
		{ "when there is no total", "", MINIMUM("2"), "", "" },
		{ "when one machine is left", TOTAL("3"), MINIMUM("2"), "", "" },
		{ "when one resource holds all", TOTAL("2"), MINIMUM("2"), "",
		  "queue gpu waits for ever; " },
		{ "when both hold theirs", TOTAL("2"), MINIMUM("1"), MINIMUM("1"), "" },
		{ "when nobody holds any", TOTAL("1"), "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect(cases[i].when, cases[i].total, "", cases[i].cpu, cases[i].gpu,
		       cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_budget_that_holds_nothing_back_is_named,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_an_hour_that_no_machine_fits_into_is_named,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_a_total_that_leaves_a_queue_nothing_is_named,
						make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
