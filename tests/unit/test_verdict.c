#include "common/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORKER "p:cpu:small:i-1"
#define AGENT_MARK "Changed by clearml-agent " WORKER

/* Ours, first attempt of three, and nothing else said. */
static const struct verdict_facts plain = {
	.is_owner_us = true,
	.status_reason = "",
	.status_message = "",
	.worker = WORKER,
	.attempt = 1,
	.max_attempts = 3,
};

/* One fact, or a few that belong together, laid over the plain ones. */
enum change {
	PLAIN,
	DELETED,
	NOT_OURS,
	OTHER_OWNER,
	OTHER_OWNER_BUT_LAST_WORKER_US,
	RUN_BY_OTHER,
	ONLY_LAST_WORKER,
	IN_QUEUE,
	SIGNALLED,
	LAST_ATTEMPT,
	OVER_TIME,
	STOPPED_BY_OUR_SIGNAL,
	STOPPED_BY_OUR_SIGNAL_AT_LAST,
	STOPPED_OVER_TIME,
	STOPPED_BY_ANOTHER_WORKER,
	STOPPED_THOUGH_NOT_BY_US,
	STOPPED_BY_PERSON,
	STOPPED_BY_WATCHDOG,
	STOPPED_BY_WATCHDOG_AT_LAST,
	KILLED_EXIT_CODE,
	HOPELESS,
	ENGINE_LOST,
	ENGINE_LOST_AT_LAST,
	ENGINE_LOST_BUT_STOPPED_BY_PERSON,
	CHANGE_COUNT
};

static struct verdict_facts changed(enum change change)
{
	struct verdict_facts facts = plain;

	switch (change) {
	case DELETED:
		facts.is_deleted = true;
		break;
	case NOT_OURS:
		facts.is_owner_us = false;
		break;
	case OTHER_OWNER_BUT_LAST_WORKER_US:
		facts.is_last_worker_us = true;
		facts.is_owner_us = false;
		facts.is_owner_other = true;
		break;
	case OTHER_OWNER:
		facts.is_owner_us = false;
		facts.is_owner_other = true;
		break;
	case RUN_BY_OTHER:
		facts.is_run_by_other = true;
		break;
	case ONLY_LAST_WORKER:
		facts.is_owner_us = false;
		facts.is_last_worker_us = true;
		break;
	case IN_QUEUE:
		facts.is_in_queue = true;
		break;
	case SIGNALLED:
		facts.has_signalled = true;
		break;
	case LAST_ATTEMPT:
		facts.attempt = 3;
		break;
	case OVER_TIME:
		facts.has_signalled = facts.is_over_time = true;
		break;
	case STOPPED_BY_OUR_SIGNAL_AT_LAST:
	case STOPPED_OVER_TIME:
	case STOPPED_BY_OUR_SIGNAL:
		facts.attempt = change == STOPPED_BY_OUR_SIGNAL_AT_LAST ? 3 : 1;
		facts.is_over_time = change == STOPPED_OVER_TIME;
		facts.has_signalled = true;
		facts.status_reason = "user abort";
		facts.status_message = AGENT_MARK;
		break;
	case STOPPED_BY_ANOTHER_WORKER:
		facts.has_signalled = true;
		facts.status_reason = "user abort";
		facts.status_message = AGENT_MARK "0";
		break;
	case STOPPED_THOUGH_NOT_BY_US:
		facts.status_reason = "user abort";
		facts.status_message = AGENT_MARK;
		break;
	case STOPPED_BY_PERSON:
		facts.has_signalled = true;
		facts.status_reason = "task was stopped by tasks.stop";
		facts.status_message = AGENT_MARK;
		break;
	case STOPPED_BY_WATCHDOG_AT_LAST:
	case STOPPED_BY_WATCHDOG:
		facts.attempt = change == STOPPED_BY_WATCHDOG_AT_LAST ? 4 : 1;
		facts.status_reason = "Forced stop (non-responsive)";
		break;
	case KILLED_EXIT_CODE:
		facts.has_signalled = true;
		facts.status_reason = "worker execution exit code 137";
		break;
	case HOPELESS:
		facts.is_hopeless = true;
		break;
	case ENGINE_LOST_AT_LAST:
	case ENGINE_LOST:
		facts.attempt = change == ENGINE_LOST_AT_LAST ? 3 : 1;
		facts.is_engine_lost = true;
		facts.status_reason = "user abort";
		facts.status_message = AGENT_MARK;
		break;
	case ENGINE_LOST_BUT_STOPPED_BY_PERSON:
		facts.is_engine_lost = true;
		facts.status_reason = "task was stopped by tasks.stop";
		break;
	default:
		break;
	}
	return facts;
}

/* Rows: what is said beside the status. Columns: the status as read. */
#define W VERDICT_WAIT
#define H VERDICT_HANDS_OFF
#define S VERDICT_STANDS
#define R VERDICT_RETURN
#define F VERDICT_FAIL
static const struct {
	const char *when;
	enum verdict want[TASK_PUBLISHED + 1];
} cases[CHANGE_COUNT] = {
	/*                                     unk crea que run stop clos fail comp publ */
	[PLAIN] = { "it is ours", { W, H, R, R, S, S, S, S, S } },
	[DELETED] = { "it was deleted", { H, H, H, H, H, H, H, H, H } },
	[NOT_OURS] = { "it is not ours", { H, H, H, H, H, H, H, H, H } },
	[OTHER_OWNER] = { "another machine owns it", { H, H, H, H, H, H, H, H, H } },
	[OTHER_OWNER_BUT_LAST_WORKER_US] = { "another took it after us",
					     { H, H, H, H, H, H, H, H, H } },
	[RUN_BY_OTHER] = { "another worker runs it", { H, H, H, H, H, H, H, H, H } },
	[ONLY_LAST_WORKER] = { "only last_worker is us", { W, H, H, R, S, S, S, S, S } },
	[IN_QUEUE] = { "it stands in a queue", { W, H, H, R, S, S, S, S, S } },
	[SIGNALLED] = { "we signalled", { W, H, R, R, S, S, S, S, S } },
	[LAST_ATTEMPT] = { "it is the last attempt", { W, H, F, F, S, S, S, S, S } },
	[OVER_TIME] = { "its time is over", { W, H, F, F, S, S, S, S, S } },
	[STOPPED_BY_OUR_SIGNAL] = { "our signal ended it", { W, H, R, R, R, S, S, S, S } },
	[STOPPED_BY_OUR_SIGNAL_AT_LAST] = { "our signal ended the last attempt",
					    { W, H, F, F, F, S, S, S, S } },
	[STOPPED_OVER_TIME] = { "our signal ended it over time", { W, H, F, F, F, S, S, S, S } },
	[STOPPED_BY_ANOTHER_WORKER] = { "another worker's agent stopped it",
					{ W, H, R, R, S, S, S, S, S } },
	[STOPPED_THOUGH_NOT_BY_US] = { "our agent stopped it unasked",
				       { W, H, R, R, S, S, S, S, S } },
	[STOPPED_BY_PERSON] = { "a person stopped it while we signalled",
				{ W, H, R, R, S, S, S, S, S } },
	[STOPPED_BY_WATCHDOG] = { "the watchdog stopped it", { W, H, R, R, R, S, S, S, S } },
	[STOPPED_BY_WATCHDOG_AT_LAST] = { "the watchdog stopped it after the last attempt",
					  { W, H, F, F, F, S, S, S, S } },
	[KILLED_EXIT_CODE] = { "the agent tells of a kill", { W, H, R, R, S, S, S, S, S } },
	[HOPELESS] = { "its image does not exist", { W, H, F, F, S, S, S, S, S } },
	[ENGINE_LOST] = { "the engine went away under it", { W, H, R, R, R, S, R, S, S } },
	[ENGINE_LOST_AT_LAST] = { "the engine went away under its last attempt",
				  { W, H, F, F, F, S, F, S, S } },
	[ENGINE_LOST_BUT_STOPPED_BY_PERSON] = { "a person stopped it as the engine went away",
						{ W, H, R, R, S, S, R, S, S } },
};

static void test_every_status_with_every_fact(void **state)
{
	(void)state;
	for (int change = 0; change < CHANGE_COUNT; change++) {
		struct verdict_facts facts = changed((enum change)change);

		for (int status = 0; status <= TASK_PUBLISHED; status++) {
			facts.status = (enum task_status)status;
			enum verdict got = verdict_of(&facts);

			if (got != cases[change].want[status])
				fail_msg("when %s and it is %s: got \"%s\", want \"%s\"",
					 cases[change].when, task_status_name(facts.status),
					 verdict_name(got),
					 verdict_name(cases[change].want[status]));
		}
	}
}

/* All combinations of the facts: what must never be, whatever the table says. */
static void test_what_is_theirs_is_never_touched(void **state)
{
	unsigned touched = 0;

	(void)state;
	for (unsigned bits = 0; bits < 1U << 11; bits++)
		for (int status = 0; status <= TASK_PUBLISHED; status++) {
			struct verdict_facts facts = changed(STOPPED_BY_OUR_SIGNAL);

			facts.status = (enum task_status)status;
			facts.is_deleted = bits & 1;
			facts.is_owner_us = bits & 2;
			facts.is_owner_other = bits & 4;
			facts.is_last_worker_us = bits & 8;
			facts.is_run_by_other = bits & 16;
			facts.is_in_queue = bits & 32;
			facts.has_signalled = bits & 64;
			facts.is_over_time = bits & 128;
			facts.attempt = bits & 256 ? 3 : 1;
			facts.is_hopeless = bits & 512;
			facts.is_engine_lost = bits & 1024;
			enum verdict got = verdict_of(&facts);
			bool touches = got == VERDICT_RETURN || got == VERDICT_FAIL;

			touched += touches;
			if (facts.is_deleted || facts.is_owner_other || facts.is_run_by_other ||
			    (!facts.is_owner_us && !facts.is_last_worker_us))
				assert_int_equal(got, VERDICT_HANDS_OFF);
			if (status != TASK_QUEUED && status != TASK_IN_PROGRESS &&
			    status != TASK_STOPPED &&
			    !(status == TASK_FAILED && facts.is_engine_lost))
				assert_false(touches);
			if (status == TASK_QUEUED && facts.is_in_queue)
				assert_false(touches);
			if (touches)
				assert_int_equal(got == VERDICT_FAIL, facts.is_over_time ||
									      facts.is_hopeless ||
									      facts.attempt >= 3);
		}
	assert_true(touched > 0);
}

#define TASK "714244096a4a4b8b84f58c22b2a543eb"

static void test_attempts_before(void **state)
{
	static const struct {
		const char *when, *property;
		unsigned want;
	} rows[] = {
		{ "there is none", "", 0 },
		{ "it is the first", TASK "/1", 1 },
		{ "it is the twelfth", TASK "/12", 12 },
		{ "its digits are the first and the last", TASK "/90", 90 },
		{ "a clone copied it", "814244096a4a4b8b84f58c22b2a543eb/2", 0 },
		{ "the number is missing", TASK "/", 0 },
		{ "the slash is missing", TASK, 0 },
		{ "the slash is another sign", TASK ":2", 0 },
		{ "there is more", TASK "/2x", 0 },
		{ "it is negative", TASK "/-2", 0 },
		{ "it has a blank", TASK "/ 2", 0 },
		{ "it is longer than any", TASK "/1234567", 0 },
		{ "it is the largest", TASK "/999999", 999999 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned got = verdict_attempts_before(rows[i].property, TASK);

		if (got != rows[i].want)
			fail_msg("when %s: got %u", rows[i].when, got);
	}
	assert_int_equal(verdict_attempts_before("/3", ""), 0);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = VERDICT_WAIT; i <= VERDICT_FAIL; i++) {
		assert_string_not_equal(verdict_name((enum verdict)i), "unknown");
		for (int j = VERDICT_WAIT; j < i; j++)
			assert_string_not_equal(verdict_name((enum verdict)i),
						verdict_name((enum verdict)j));
	}
	assert_string_equal(verdict_name((enum verdict)(VERDICT_FAIL + 1)), "unknown");
}

/* ---- a pop without an answer ---- */

#define SURE VERDICT_SURE_MS

static void test_of_pop(void **state)
{
	static const struct {
		const char *when;
		struct pop_facts facts;
		enum pop_verdict want;
	} pops[] = {
		{ "it was deleted", { .is_deleted = true, .sent_ms = SURE }, POP_OTHERS },
		{ "its status is a word we do not know",
		  { .status = TASK_UNKNOWN, .sent_ms = SURE, .nowhere_ms = SURE },
		  POP_WAIT },
		{ "a plain agent runs it",
		  { .status = TASK_IN_PROGRESS, .sent_ms = 1 },
		  POP_OTHERS },
		{ "a person stopped it", { .status = TASK_STOPPED, .sent_ms = 1 }, POP_OTHERS },
		{ "a person reset it", { .status = TASK_CREATED, .sent_ms = 1 }, POP_OTHERS },
		{ "it stands in a queue, and the pop may be on its way",
		  { .status = TASK_QUEUED, .is_in_queue = true, .sent_ms = SURE - 1 },
		  POP_WAIT },
		{ "it stands in a queue with a name on it, and the pop may be on its way",
		  { .status = TASK_QUEUED,
		    .is_in_queue = true,
		    .has_owner = true,
		    .sent_ms = SURE - 1 },
		  POP_WAIT },
		{ "it stands in a queue still",
		  { .status = TASK_QUEUED, .is_in_queue = true, .sent_ms = SURE },
		  POP_NOT_DONE },
		{ "it stands in a queue still, with a name on it",
		  { .status = TASK_QUEUED,
		    .is_in_queue = true,
		    .has_owner = true,
		    .sent_ms = SURE },
		  POP_NOT_DONE },
		{ "another machine has named itself",
		  { .status = TASK_QUEUED, .has_owner = true, .nowhere_ms = SURE },
		  POP_OTHERS },
		{ "another machine may be about to name itself",
		  { .status = TASK_QUEUED, .sent_ms = SURE, .nowhere_ms = SURE - 1 },
		  POP_WAIT },
		{ "nobody has named himself",
		  { .status = TASK_QUEUED, .nowhere_ms = SURE },
		  POP_OURS },
		{ "nobody has named himself over a dead one's name",
		  { .status = TASK_QUEUED,
		    .has_owner = true,
		    .is_owner_stale = true,
		    .nowhere_ms = SURE },
		  POP_OURS },
		{ "somebody may be about to write over a dead one's name",
		  { .status = TASK_QUEUED,
		    .has_owner = true,
		    .is_owner_stale = true,
		    .sent_ms = SURE,
		    .nowhere_ms = SURE - 1 },
		  POP_WAIT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pops); i++)
		if (verdict_of_pop(&pops[i].facts) != pops[i].want)
			fail_msg("when %s: got %d, want %d", pops[i].when,
				 verdict_of_pop(&pops[i].facts), pops[i].want);
}

static void test_put_back(void **state)
{
	static const struct {
		const char *reason, *owner;
		bool want;
	} reasons[] = {
		{ "infra:terminated (i-1/2)", "i-1/2", true },
		{ "infra:lost (i-1/2)", "i-1/2", true },
		{ "infra:terminated (i-1/2)", "i-1/1", false },
		{ "infra:terminated (i-1/2)", "1/2", false },
		{ "infra:terminated (i-1/2)", "i-1/22", false },
		{ "infra:terminated (i-1/2) ", "i-1/2", false },
		{ "infra:terminated i-1/2", "i-1/2", false },
		{ "infra:terminated", "", false },
		{ "infra:terminated ()", "", false },
		{ "terminated (i-1/2)", "i-1/2", false },
		{ " (i-1/2)", "i-1/2", false },
		{ "", "i-1/2", false },
		{ "infra:(i-1/2)", "i-1/2", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (verdict_is_put_back(reasons[i].reason, reasons[i].owner) != reasons[i].want)
			fail_msg("\"%s\" of \"%s\"", reasons[i].reason, reasons[i].owner);
}

/* The reason is of a limited length, so it has the beginning of a long name. */
static void test_put_back_in_a_long_name(void **state)
{
	char owner[200], reason[256] = "infra:crash (";

	(void)state;
	memset(owner, 'i', sizeof(owner));
	owner[sizeof(owner) - 1] = '\0';
	memcpy(reason + strlen(reason), owner, VERDICT_OWNER_MAX);
	reason[13 + VERDICT_OWNER_MAX] = ')';
	assert_true(verdict_is_put_back(reason, owner));
	reason[12 + VERDICT_OWNER_MAX] = 'j';
	assert_false(verdict_is_put_back(reason, owner));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_pop),
		cmocka_unit_test(test_put_back),
		cmocka_unit_test(test_put_back_in_a_long_name),
		cmocka_unit_test(test_every_status_with_every_fact),
		cmocka_unit_test(test_what_is_theirs_is_never_touched),
		cmocka_unit_test(test_attempts_before),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
