#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/buf.h"
#include "common/phase.h"

static void when_an_event_comes(void **state)
{
	static const struct {
		const char *when;
		enum phase phase;
		enum phase_event event;
		bool is_busy;
		enum phase next;
	} cases[] = {
		{ "it knows who it is", PHASE_IDENTIFY, EVENT_DONE, false, PHASE_ADMIT },
		{ "the metadata is refused", PHASE_IDENTIFY, EVENT_FAILED, false, PHASE_LEAVE },
		{ "identify takes too long", PHASE_IDENTIFY, EVENT_DEADLINE, false, PHASE_LEAVE },
		{ "it is drained before it knows", PHASE_IDENTIFY, EVENT_DRAIN, false,
		  PHASE_LEAVE },
		{ "it is ended before it knows", PHASE_IDENTIFY, EVENT_END, false, PHASE_LEAVE },
		{ "the ticket is good", PHASE_ADMIT, EVENT_DONE, false, PHASE_PROVE },
		{ "the ticket is bad", PHASE_ADMIT, EVENT_FAILED, false, PHASE_LEAVE },
		{ "admit takes too long", PHASE_ADMIT, EVENT_DEADLINE, false, PHASE_LEAVE },
		{ "it is drained at admit", PHASE_ADMIT, EVENT_DRAIN, false, PHASE_LEAVE },
		{ "it is ended at admit", PHASE_ADMIT, EVENT_END, false, PHASE_LEAVE },
		{ "all gates are passed", PHASE_PROVE, EVENT_DONE, false, PHASE_SERVE },
		{ "all passed with an adopted task", PHASE_PROVE, EVENT_DONE, true, PHASE_SERVE },
		{ "a gate is shut", PHASE_PROVE, EVENT_FAILED, false, PHASE_LEAVE },
		{ "a gate is shut, a task runs", PHASE_PROVE, EVENT_FAILED, true, PHASE_DRAIN },
		{ "the boot deadline passes", PHASE_PROVE, EVENT_DEADLINE, false, PHASE_LEAVE },
		{ "it is drained at the gates", PHASE_PROVE, EVENT_DRAIN, false, PHASE_LEAVE },
		{ "it is drained there with a task", PHASE_PROVE, EVENT_DRAIN, true, PHASE_DRAIN },
		{ "it is ended there with a task", PHASE_PROVE, EVENT_END, true, PHASE_LEAVE },
		{ "nothing is left to do", PHASE_SERVE, EVENT_DONE, false, PHASE_LEAVE },
		{ "infrastructure fails", PHASE_SERVE, EVENT_FAILED, false, PHASE_LEAVE },
		{ "it fails beside a task", PHASE_SERVE, EVENT_FAILED, true, PHASE_DRAIN },
		{ "it is drained idle", PHASE_SERVE, EVENT_DRAIN, false, PHASE_LEAVE },
		{ "it is drained busy", PHASE_SERVE, EVENT_DRAIN, true, PHASE_DRAIN },
		{ "it is ended busy", PHASE_SERVE, EVENT_END, true, PHASE_LEAVE },
		{ "serve has a deadline all the same", PHASE_SERVE, EVENT_DEADLINE, true,
		  PHASE_LEAVE },
		{ "the last task has ended", PHASE_DRAIN, EVENT_DONE, false, PHASE_LEAVE },
		{ "it is drained twice", PHASE_DRAIN, EVENT_DRAIN, true, PHASE_DRAIN },
		{ "a failure comes while it drains", PHASE_DRAIN, EVENT_FAILED, true, PHASE_DRAIN },
		{ "it is ended while it drains", PHASE_DRAIN, EVENT_END, true, PHASE_LEAVE },
		{ "drain has a deadline all the same", PHASE_DRAIN, EVENT_DEADLINE, true,
		  PHASE_LEAVE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum phase next = phase_next(cases[i].phase, cases[i].event, cases[i].is_busy);

		if (next != cases[i].next)
			fail_msg("when %s: got %s", cases[i].when, phase_name(next));
	}
}

static void when_it_leaves_nothing_brings_it_back(void **state)
{
	(void)state;
	for (int event = 0; event < EVENT_COUNT; event++) {
		assert_int_equal(phase_next(PHASE_LEAVE, (enum phase_event)event, false),
				 PHASE_LEAVE);
		assert_int_equal(phase_next(PHASE_LEAVE, (enum phase_event)event, true),
				 PHASE_LEAVE);
	}
}

/* From any phase, whatever happens, no more than so many "done" lead to the exit. */
static void when_all_goes_well_it_ends(void **state)
{
	(void)state;
	for (int from = 0; from < PHASE_COUNT; from++) {
		enum phase phase = (enum phase)from;

		for (int i = 0; i < PHASE_COUNT; i++)
			phase = phase_next(phase, EVENT_DONE, false);
		assert_int_equal(phase, PHASE_LEAVE);
	}
}

enum { LAUNCH = 1000000, START = LAUNCH + 1000 };

static struct phase_facts facts_of(enum phase phase, int64_t now_ms)
{
	struct phase_facts facts = {
		.phase = phase,
		.now_ms = now_ms,
		.since_ms = START,
		.launched_ms = LAUNCH,
		.started_ms = START,
		.contact_ms = now_ms,
		.limits = { .max_age_s = 1000,
			    .max_life_s = 2000,
			    .dead_man_s = 100,
			    .boot_deadline_s = 600 },
	};

	return facts;
}

static void when_time_passes(void **state)
{
	static const struct {
		const char *when;
		enum phase phase;
		int64_t now_ms;
		int64_t silence_ms; /* since ClearML last took a report */
		bool is_restart, is_busy, is_running;
		bool is_due;
		enum phase_event event;
		enum reason reason;
	} cases[] = {
		{ "identify is young", PHASE_IDENTIFY, START + 179999, 0, 0, 0, 0, false, 0, 0 },
		{ "identify is over", PHASE_IDENTIFY, START + 180000, 0, 0, 0, 0, true,
		  EVENT_DEADLINE, REASON_BOOT_DEADLINE },
		{ "admit is young", PHASE_ADMIT, START + 299999, 0, 0, 0, 0, false, 0, 0 },
		{ "admit is over", PHASE_ADMIT, START + 300000, 0, 0, 0, 0, true, EVENT_DEADLINE,
		  REASON_BOOT_DEADLINE },
		{ "prove has a second left", PHASE_PROVE, LAUNCH + 599000, 0, 0, 0, 0, false, 0,
		  0 },
		{ "the boot deadline is over", PHASE_PROVE, LAUNCH + 600000, 0, 0, 0, 0, true,
		  EVENT_DEADLINE, REASON_BOOT_DEADLINE },
		{ "serve has no boot deadline", PHASE_SERVE, LAUNCH + 700000, 0, 0, 0, 0, false, 0,
		  0 },
		{ "a restart counts from its start", PHASE_PROVE, START + 599999, 0, 1, 0, 0, false,
		  0, 0 },
		{ "a restart is late too", PHASE_PROVE, START + 600000, 0, 1, 0, 0, true,
		  EVENT_DEADLINE, REASON_BOOT_DEADLINE },
		{ "a restart has adopted", PHASE_PROVE, START + 600000, 0, 1, 1, 1, false, 0, 0 },
		{ "a first start with a task is no adoption", PHASE_PROVE, START + 600000, 0, 0, 1,
		  1, true, EVENT_DEADLINE, REASON_BOOT_DEADLINE },
		{ "it is nearly too old", PHASE_SERVE, LAUNCH + 999999, 0, 0, 0, 0, false, 0, 0 },
		{ "it is too old", PHASE_SERVE, LAUNCH + 1000000, 0, 0, 1, 1, true, EVENT_DRAIN,
		  REASON_MAX_AGE },
		{ "it drains, however old", PHASE_DRAIN, LAUNCH + 1000000, 0, 0, 1, 1, false, 0,
		  0 },
		{ "it nearly must end", PHASE_DRAIN, LAUNCH + 1999999, 0, 0, 1, 1, false, 0, 0 },
		{ "it must end", PHASE_DRAIN, LAUNCH + 2000000, 0, 0, 1, 1, true, EVENT_END,
		  REASON_MAX_LIFE },
		{ "it must end before it is drained", PHASE_SERVE, LAUNCH + 2000000, 0, 0, 1, 1,
		  true, EVENT_END, REASON_MAX_LIFE },
		{ "it must end even at admit", PHASE_ADMIT, LAUNCH + 2000000, 0, 0, 0, 0, true,
		  EVENT_DEADLINE, REASON_BOOT_DEADLINE },
		{ "ClearML is silent", PHASE_SERVE, LAUNCH + 700000, 99999, 0, 0, 0, false, 0, 0 },
		{ "it is silent too long", PHASE_SERVE, LAUNCH + 700000, 100000, 0, 0, 0, true,
		  EVENT_END, REASON_DEAD_MAN },
		{ "a task runs in the silence", PHASE_SERVE, LAUNCH + 700000, 500000, 0, 1, 1,
		  false, 0, 0 },
		{ "its end can't be told", PHASE_SERVE, LAUNCH + 700000, 500000, 0, 1, 0, true,
		  EVENT_END, REASON_DEAD_MAN },
		{ "silence while it drains", PHASE_DRAIN, LAUNCH + 700000, 100000, 0, 1, 0, true,
		  EVENT_END, REASON_DEAD_MAN },
		{ "silence at the gates", PHASE_PROVE, LAUNCH + 200000, 100000, 0, 0, 0, true,
		  EVENT_END, REASON_DEAD_MAN },
		{ "leave is young", PHASE_LEAVE, START + 29999, 999999, 0, 1, 1, false, 0, 0 },
		{ "leave is over", PHASE_LEAVE, START + 30000, 0, 0, 1, 1, true, EVENT_DEADLINE,
		  REASON_BOOT_DEADLINE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct phase_facts facts = facts_of(cases[i].phase, cases[i].now_ms);

		facts.contact_ms -= cases[i].silence_ms;
		facts.is_restart = cases[i].is_restart;
		facts.is_busy = cases[i].is_busy;
		facts.is_running = cases[i].is_running;
		struct phase_due due = phase_look(&facts);

		if (due.is_due != cases[i].is_due ||
		    (due.is_due && (due.event != cases[i].event || due.reason != cases[i].reason)))
			fail_msg("when %s: due %d, event %d, reason %s", cases[i].when, due.is_due,
				 due.event, reason_word(due.reason));
		if (!due.is_due && due.next_ms <= facts.now_ms)
			fail_msg("when %s: the next look would be in the past", cases[i].when);
	}
}

static void when_the_cloud_takes_it_away(void **state)
{
	static const struct {
		const char *when;
		enum phase phase;
		int64_t left_ms, since_s;
		bool is_due;
		enum phase_event event;
		int64_t next_ms; /* from now; when it is not due */
	} cases[] = {
		{ "there is time to save", PHASE_DRAIN, 120000, 0, false, 0, 100000 },
		{ "a second is left for it", PHASE_DRAIN, 21000, 90, false, 0, 1000 },
		{ "the time for it is over", PHASE_DRAIN, 20000, 90, true, EVENT_END, 0 },
		{ "it is over before it was told", PHASE_SERVE, 0, 0, true, EVENT_END, 0 },
		{ "it is told at the gates", PHASE_PROVE, 15000, 0, true, EVENT_END, 0 },
		{ "it leaves early, and has its 30 s", PHASE_LEAVE, 100000, 0, false, 0, 30000 },
		{ "it leaves, and is to be gone", PHASE_LEAVE, 20000, 0, false, 0, 15000 },
		{ "it should be gone", PHASE_LEAVE, 5000, 15, true, EVENT_DEADLINE, 0 },
		{ "it leaves late, and has 5 s all the same", PHASE_LEAVE, 1000, 0, false, 0,
		  5000 },
		{ "these are over", PHASE_LEAVE, -4000, 5, true, EVENT_DEADLINE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct phase_facts facts = facts_of(cases[i].phase, LAUNCH + 300000);

		facts.since_ms = facts.now_ms - cases[i].since_s * 1000;
		facts.taken_ms = facts.now_ms + cases[i].left_ms;
		facts.is_busy = facts.is_running = true;
		struct phase_due due = phase_look(&facts);

		if (due.is_due != cases[i].is_due || (due.is_due && due.event != cases[i].event))
			fail_msg("when %s: due %d, event %d", cases[i].when, due.is_due, due.event);
		if (due.is_due && due.reason != REASON_INTERRUPTED)
			fail_msg("when %s: %s", cases[i].when, reason_word(due.reason));
		if (!due.is_due && due.next_ms != facts.now_ms + cases[i].next_ms)
			fail_msg("when %s: next in %lld", cases[i].when,
				 (long long)(due.next_ms - facts.now_ms));
	}
}

/* Sleeping until next_ms misses nothing, and at next_ms the answer is another one. */
static void when_it_sleeps_until_the_next_moment(void **state)
{
	static const enum phase lasting[] = { PHASE_IDENTIFY, PHASE_ADMIT, PHASE_PROVE, PHASE_SERVE,
					      PHASE_DRAIN };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lasting); i++) {
		struct phase_facts facts = facts_of(lasting[i], START);
		struct phase_due due = phase_look(&facts);

		assert_false(due.is_due);
		facts.now_ms = due.next_ms - 1;
		assert_false(phase_look(&facts).is_due);
		facts.now_ms = due.next_ms;
		assert_true(phase_look(&facts).is_due);
	}
}

static void when_a_reason_is_told(void **state)
{
	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		enum reason reason = (enum reason)i;

		assert_true(reason_word(reason)[0] && strlen(reason_word(reason)) < 24);
		assert_true(reason_cause(reason)[0]);
		assert_int_equal(reason_of(reason_word(reason)), reason);
	}
	assert_int_equal(reason_of("no such word"), REASON_FAILED);
	assert_int_equal(reason_exit_status(REASON_IDLE), 0);
	assert_int_equal(reason_exit_status(REASON_DEAD_MAN), 1);
	assert_int_equal(reason_exit_status(REASON_ADMISSION), 3);
	assert_int_equal(reason_exit_status(REASON_SYSTEM), 75);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_an_event_comes),
		cmocka_unit_test(when_it_leaves_nothing_brings_it_back),
		cmocka_unit_test(when_all_goes_well_it_ends),
		cmocka_unit_test(when_time_passes),
		cmocka_unit_test(when_the_cloud_takes_it_away),
		cmocka_unit_test(when_it_sleeps_until_the_next_moment),
		cmocka_unit_test(when_a_reason_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
