#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "bootstrap/admit.h"
#include "bootstrap/life.h"
#include "common/clock.h"
#include "common/file.h"
#include "tests/unit/support/scratch.h"

/* ---- who am I ---- */

static const char instance_text[] =
	"{\"provider\":\"local\",\"instance\":\"local-1f0e\",\"type\":\"small\",\"zone\":\"z\","
	"\"market\":\"on-demand\",\"launched_s\":1795472400,\"launched_boottime_ms\":4000000,"
	"\"boot_id\":\"boot\",\"prefix\":\"mayfly\",\"resource\":\"cpu\",\"slot\":2,"
	"\"generation\":1}";

static void when_it_was_launched(void **state)
{
	static const struct {
		const char *when;
		struct identity_clock clock;
		int64_t launched_ms;
	} cases[] = {
		{ "in this boot", { 1795472460000, 4070000, "boot" }, 4000000 },
		{ "in this boot, and the wall clock was set since",
		  { 1000, 4070000, "boot" },
		  4000000 },
		{ "before a reboot", { 1795472460000, 5000, "other" }, 5000 - 60000 },
		{ "in the future of this boot's clock", { 1795472460000, 70, "boot" }, 70 },
		{ "in the future of the wall clock", { 1795472000000, 70, "other" }, 70 },
	};
	struct launch_note note;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
			identity_parse(slice_of(instance_text), &cases[i].clock, &note, &err), 0);
		if (note.identity.launched_monotonic_ms != cases[i].launched_ms)
			fail_msg("when %s: %lld", cases[i].when,
				 (long long)note.identity.launched_monotonic_ms);
		assert_int_equal(note.identity.launched_s, 1795472400);
		assert_string_equal(note.identity.instance, "local-1f0e");
		assert_string_equal(note.resource, "cpu");
		assert_int_equal(note.slot, 2);
	}
}

static void when_it_cannot_know_who_it_is(void **state)
{
	char folder[SCRATCH_ROOM];
	struct launch_note note;
	struct error err;

	(void)state;
	scratch_make(folder);
	assert_int_equal(identity_read("local", folder, &note, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	assert_int_equal(identity_read("gcp", folder, &note, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_non_null(strstr(err.message, "knows local and aws"));
	assert_int_equal(file_write(scratch_path(folder, "instance.json"), slice_of(instance_text),
				    0600, &err),
			 0);
	assert_int_equal(identity_read("local", folder, &note, &err), 0);
	assert_true(note.identity.launched_monotonic_ms <= clock_monotonic_ms());
	scratch_remove(folder);
}

/* ---- the ticket ---- */

static void fill(struct ticket *ticket, struct launch_note *note)
{
	const struct identity_clock clock = { 1795472460000, 4070000, "boot" };
	struct error err;

	assert_int_equal(identity_parse(slice_of(instance_text), &clock, note, &err), 0);
	ticket_defaults(ticket);
	text_cut(ticket->prefix, sizeof(ticket->prefix), "mayfly");
	text_cut(ticket->resource, sizeof(ticket->resource), "cpu");
	text_cut(ticket->provider, sizeof(ticket->provider), "local");
	text_cut(ticket->type, sizeof(ticket->type), "small");
	ticket->slot = 2;
	ticket->generation = 1;
}

static void when_the_ticket_is_anothers(void **state)
{
	struct launch_note note;
	struct ticket ticket;
	struct error err;

	(void)state;
	fill(&ticket, &note);
	assert_int_equal(admit_fits(&ticket, &note, &err), 0);
	const struct {
		const char *field;
		char *text;
		unsigned *number;
		int64_t *zero;
	} cases[] = {
		{ "provider", ticket.provider, NULL, NULL },
		{ "type", ticket.type, NULL, NULL },
		{ "prefix", ticket.prefix, NULL, NULL },
		{ "resource", ticket.resource, NULL, NULL },
		{ "slot", NULL, &ticket.slot, NULL },
		{ "generation", NULL, &ticket.generation, NULL },
		{ "idle_timeout_s", NULL, NULL, &ticket.limits.idle_timeout_s },
		{ "report_every_s", NULL, NULL, &ticket.limits.report_every_s },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ticket before = ticket;

		if (cases[i].text)
			cases[i].text[0] = 'X';
		if (cases[i].number)
			++*cases[i].number;
		if (cases[i].zero)
			*cases[i].zero = 0;
		if (admit_fits(&ticket, &note, &err) == 0)
			fail_msg("another %s was taken", cases[i].field);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_non_null(strstr(err.message, cases[i].field));
		ticket = before;
	}
	ticket_release(&ticket);
}

static void when_the_ticket_is_of_another_day(void **state)
{
	static const struct {
		const char *now;
		bool is_good;
	} cases[] = {
		{ "2026-11-22T23:59:59Z", false }, { "2026-11-23T00:00:00Z", true },
		{ "2026-11-24T12:00:00Z", true },  { "2026-11-26T23:59:59Z", true },
		{ "2026-11-27T00:00:00Z", false },
	};
	struct ticket ticket = { .day = "2026-11-24" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t now_ms;

		assert_int_equal(clock_parse_iso(slice_of(cases[i].now), &now_ms, &err), 0);
		if ((admit_day(&ticket, now_ms, &err) == 0) != cases[i].is_good)
			fail_msg("at %s", cases[i].now);
	}
	text_cut(ticket.day, sizeof(ticket.day), "2026-13-01");
	assert_int_equal(admit_day(&ticket, 0, &err), -1);
}

/* ---- what outlives a crash ---- */

static void when_it_was_killed(void **state)
{
	const struct life before = { .starts = 2,
				     .tasks_taken = 7,
				     .claim = CLAIM_SERVES,
				     .keep_until_s = 1795491671,
				     .drain = "max-age" };
	struct life after = { .starts = 9 };
	char folder[SCRATCH_ROOM];
	struct error err;

	(void)state;
	scratch_make(folder);
	assert_int_equal(life_read(folder, &after, &err), 0);
	assert_int_equal(after.starts, 0);
	assert_int_equal(after.claim, CLAIM_NONE);
	assert_int_equal(life_write(folder, &before, &err), 0);
	assert_int_equal(life_read(folder, &after, &err), 0);
	assert_int_equal(after.starts, before.starts);
	assert_int_equal(after.tasks_taken, before.tasks_taken);
	assert_int_equal(after.claim, before.claim);
	assert_int_equal(after.keep_until_s, before.keep_until_s);
	assert_string_equal(after.drain, before.drain);
	assert_int_equal(
		file_write(scratch_path(folder, "life.json"), slice_of("{\"starts\""), 0600, &err),
		0);
	assert_int_equal(life_read(folder, &after, &err), -1);
	assert_non_null(strstr(err.message, "life.json"));
	assert_int_equal(file_write(scratch_path(folder, "life.json"),
				    slice_of("{\"starts\": -4, \"claim\": \"king\", \"drain\": 5}"),
				    0600, &err),
			 0);
	assert_int_equal(life_read(folder, &after, &err), 0);
	assert_int_equal(after.starts, 0);
	assert_int_equal(after.claim, CLAIM_NONE);
	assert_string_equal(after.drain, "");
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_it_was_launched),
		cmocka_unit_test(when_it_cannot_know_who_it_is),
		cmocka_unit_test(when_the_ticket_is_anothers),
		cmocka_unit_test(when_the_ticket_is_of_another_day),
		cmocka_unit_test(when_it_was_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
