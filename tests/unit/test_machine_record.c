#include "common/machine_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TASK_A "714244096a4a4b8b84f58c22b2a543eb"
#define TASK_B "814244096a4a4b8b84f58c22b2a543eb"

static void worker_release(struct clearml_worker *worker)
{
	free(worker->tags);
}

/* An entry as ClearML would list it, with these tags. */
static struct clearml_worker worker_with(const char *id, const char *const *tags, size_t count)
{
	struct clearml_worker worker = { .registered_ms = 1000, .last_report_ms = 2000 };

	text_cut(worker.id, sizeof(worker.id), id);
	worker.tags = memory_array(count, sizeof(*worker.tags));
	worker.tag_count = count;
	for (size_t i = 0; i < count; i++)
		text_cut(worker.tags[i], CLEARML_TAG_ROOM, tags[i]);
	return worker;
}

static const struct machine_record records[] = {
	{ .phase = "identify", .seats = 1, .free_seats = 0, .launched_s = 1795472471 },
	{ .phase = "serve",
	  .seats = 1,
	  .free_seats = 1,
	  .slot = 3,
	  .generation = 7,
	  .launched_s = 1795472471,
	  .idle_s = 61,
	  .claim = CLAIM_SERVES },
	{ .phase = "serve",
	  .seats = 2,
	  .free_seats = 0,
	  .claim = CLAIM_INTENT,
	  .tasks = { TASK_A, TASK_B },
	  .task_count = 2 },
	{ .phase = "left",
	  .seats = MACHINE_MAX_SEATS,
	  .free_seats = MACHINE_MAX_SEATS,
	  .kept_by = "ssh",
	  .is_held = true,
	  .is_draining = true,
	  .reason = "dead-man: no contact for 600 s" },
};

static void test_what_is_written_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		struct machine_tags tags;
		struct machine_record want = records[i], got = { 0 };
		struct error err;

		machine_record_tags(&records[i], &tags);
		SCOPED(worker)
		struct clearml_worker worker =
			worker_with("p:cpu:small:i-1:bootstrap", tags.list, tags.count);

		if (machine_record_read(&worker, "p", &got, &err) < 0)
			fail_msg("record %zu: %s", i, err.message);
		text_cut(want.resource, sizeof(want.resource), "cpu");
		text_cut(want.type, sizeof(want.type), "small");
		text_cut(want.instance, sizeof(want.instance), "i-1");
		want.registered_ms = 1000;
		want.last_report_ms = 2000;
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

static void test_the_longest_record_fits(void **state)
{
	struct machine_record record = records[3];
	struct machine_tags tags;

	(void)state;
	record.claim = CLAIM_SERVES;
	record.task_count = MACHINE_MAX_SEATS;
	memset(record.reason, 'r', sizeof(record.reason) - 1);
	for (size_t i = 0; i < MACHINE_MAX_SEATS; i++)
		text_cut(record.tasks[i], CLEARML_ID_ROOM, TASK_A);
	machine_record_tags(&record, &tags);
	assert_true(tags.count <= MACHINE_RECORD_MAX_TAGS);
	assert_string_equal(tags.list[0], "role:bootstrap");
}

#define SOUND                                                                           \
	"role:bootstrap", "phase:serve", "seats:2", "free:1", "slot:3", "generation:0", \
		"launched:1795472471", "idle:0"

static void test_tags_that_make_no_sense(void **state)
{
	static const struct {
		const char *when;
		const char *tags[12];
		const char *want; /* part of the message; NULL: accepted */
	} rows[] = {
		{ "all is sound", { SOUND }, NULL },
		{ "a person's tags stand beside", { SOUND, "team", "cost:12", "prod:x" }, NULL },
		{ "there are none", { NULL }, "tag role is missing" },
		{ "idle is missing",
		  { "role:bootstrap", "phase:serve", "seats:2", "free:1", "slot:3", "generation:0",
		    "launched:1" },
		  "tag idle is missing" },
		{ "the role is another", { "role:agent" }, "tag role" },
		{ "seats stands twice", { SOUND, "seats:2" }, "given twice" },
		{ "a number is none", { "seats:two" }, "tag seats" },
		{ "a number is negative", { "free:-1" }, "tag free" },
		{ "a number is empty", { "slot:" }, "tag slot" },
		{ "a number has a unit", { "idle:2s" }, "tag idle" },
		{ "a number has more digits than any", { "slot:0000000000000001" }, "tag slot" },
		{ "a number has a blank", { "slot: 1" }, "tag slot" },
		{ "a number is too large", { "launched:99999999999999999999" }, "tag launched" },
		{ "seats are beyond the most", { "seats:17" }, "tag seats" },
		{ "the phase is empty", { "phase:" }, "tag phase" },
		{ "the phase is too long", { "phase:123456789012345678901234" }, "tag phase" },
		{ "the claim is unknown", { SOUND, "claim:mine" }, "tag claim" },
		{ "a flag is not 1", { SOUND, "drain:yes" }, "tag drain" },
		{ "a task is no id", { SOUND, "task:1f0e" }, "tag task" },
		{ "a task is too long", { SOUND, "task:" TASK_A "0" }, "tag task" },
		{ "a task has another letter",
		  { SOUND, "task:g14244096a4a4b8b84f58c22b2a543eb" },
		  "tag task" },
		{ "there are more tasks than seats",
		  { SOUND, "task:" TASK_A, "task:" TASK_B, "task:" TASK_A },
		  "3 tasks" },
		{ "more are free than there are",
		  { "role:bootstrap", "phase:serve", "seats:2", "free:3", "slot:3", "generation:0",
		    "launched:1", "idle:0" },
		  "3 free" },
		{ "there are no seats",
		  { "role:bootstrap", "phase:serve", "seats:0", "free:0", "slot:3", "generation:0",
		    "launched:1", "idle:0" },
		  "0 seats" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct machine_record got = { 0 };
		struct error err = { 0 };
		size_t count = 0;

		while (count < ARRAY_LEN(rows[i].tags) && rows[i].tags[count])
			count++;
		SCOPED(worker)
		struct clearml_worker worker =
			worker_with("p:cpu:small:i-1:bootstrap", rows[i].tags, count);
		int result = machine_record_read(&worker, "p", &got, &err);

		if ((result == 0) != !rows[i].want)
			fail_msg("when %s: %d %s", rows[i].when, result, err.message);
		assert_string_equal(got.instance,
				    "i-1"); /* it still proves that the machine lives */
		assert_int_equal(got.last_report_ms, 2000);
		if (result == 0)
			continue;
		assert_int_equal(err.class, ERROR_MALFORMED);
		assert_int_equal(got.seats, 0);
		if (!strstr(err.message, rows[i].want) || !strstr(err.message, "p:cpu:small:i-1"))
			fail_msg("when %s: %s", rows[i].when, err.message);
	}
}

static void test_other_workers_are_skipped(void **state)
{
	static const char *const ids[] = {
		"p:cpu:small:i-1", /* the worker record */
		"p:cpu:small:i-1:0", /* a seat's */
		"q:cpu:small:i-1:bootstrap", /* another installation's */
		"pp:cpu:small:i-1:bootstrap",
		"p:cpu:small:bootstrap",
		"p:cpu:small:i-1:bootstrap:0",
		"vm:cpu:0",
		"",
	};
	static const char *const tags[] = { SOUND };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		SCOPED(worker)
		struct clearml_worker worker = worker_with(ids[i], tags, ARRAY_LEN(tags));
		struct machine_record got;
		struct error err = { 0 };

		assert_int_equal(machine_record_read(&worker, "p", &got, &err), -1);
		assert_int_equal(err.class, ERROR_NOT_FOUND);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_the_longest_record_fits),
		cmocka_unit_test(test_tags_that_make_no_sense),
		cmocka_unit_test(test_other_workers_are_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
