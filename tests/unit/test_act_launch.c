/* act_launch: which offerings are asked, what is in the ledger by then, and what each answer leads
 * to. The provider answers by a script. */
#include "reaper/act_launch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "reaper/offerings.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/sealed_files.h"

enum { NOW_S = 1795435200 /* 2026-11-23 */, MOST_ASKED = 64 };

static char folder[SCRATCH_ROOM];
static struct sealed_files files;
static const char *const environment[] = { "PATH=/usr/bin:/bin", "S=secret", NULL };

static const char form[] =
	"{\"prefix\": \"p\", \"state_folder\": \"s\", \"signing_key\": {\"file\": "
	"\"signing.key\"}, "
	"\"clearml\": {\"api_server\": \"http://h:1\", \"access_key\": \"A\", \"secret_key\": "
	"{\"env\": \"S\"}}, \"defaults\": {\"bundle\": {\"file\": \"b.age\"}, \"max_instances\": "
	"40, "
	"\"agent\": {\"command\": [\"true\"]}, \"local\": {\"bootstrap\": \"/bin/true\"}, "
	"\"queues\": [\"cpu\"], \"offerings\": [%s]}, \"resources\": [{\"name\": \"cpu\"}, "
	"{\"name\": \"gpu\"}]}\n";

static int make_folder(void **state)
{
	bool is_locked;
	struct error err;

	(void)state;
	scratch_make(folder);
	if (chdir(folder) < 0 || mkdir("s", 0700) < 0 ||
	    secret_prepare_process(&is_locked, &err) < 0)
		return -1;
	sealed_files_make(folder, &files);
	sealed_files_bundle(&files, "b.age", "{\"a\": \"bundle\"}", NULL, "mayfly bundle for p");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	sealed_files_release(&files);
	scratch_remove(folder);
	return 0;
}

/* ---- a provider that answers by a script ---- */

static struct script {
	/* A letter an answer; past its end: launched. l launched, c capacity, q quota, t throttled,
	 * d denied, r refused, n not found, u unreachable, m malformed, x conflict, s system */
	const char *answers;
	const char *zone; /* that a capacity error names */
	struct buf asked; /* "cpu/0 a/z/spot; ..." */
	unsigned count;
	char keys[MOST_ASKED][33];
} script;

static enum error_class class_of(char letter)
{
	static const char letters[] = "cqtdrnumxs";
	static const enum error_class classes[] = {
		ERROR_CAPACITY,	 ERROR_QUOTA,	    ERROR_THROTTLED, ERROR_DENIED,   ERROR_REFUSED,
		ERROR_NOT_FOUND, ERROR_UNREACHABLE, ERROR_MALFORMED, ERROR_CONFLICT, ERROR_SYSTEM,
	};
	return classes[strchr(letters, letter) - letters];
}

/* What the next pass would find if this one were killed right here. */
static void check_ledger(const struct launch *launch, const char *key)
{
	struct ledger_file *file = NULL;
	SCOPED(ledger) struct ledger ledger = { 0 };
	struct error err;
	bool is_there = false;

	assert_int_equal(ledger_open_view(scratch_path(folder, "s"), NOW_S, &file, &err), 0);
	assert_int_equal(ledger_read(file, &ledger, &err), 0);
	ledger_close(file);
	for (size_t i = 0; i < ledger.attempt_count; i++)
		is_there |= !strcmp(ledger.attempts[i].resource, launch->resource->name) &&
			    ledger.attempts[i].slot == launch->slot &&
			    ledger.attempts[i].generation == launch->generation &&
			    !strcmp(ledger.attempts[i].offering, key) &&
			    !strcmp(ledger.attempts[i].day, "2026-11-24");
	if (!is_there)
		fail_msg("%s slot %u is asked for as %s, and the ledger does not know it",
			 launch->resource->name, launch->slot, key);
}

static int answer(const struct launch *launch, char id[static TICKET_FIELD_ROOM], struct error *err)
{
	char letter = *script.answers ? *script.answers++ : 'l';
	char key[OFFERING_KEY_ROOM];

	offering_key(launch->offering, key);
	check_ledger(launch, key);
	assert_true(launch->user_data.len > 100);
	assert_true(script.count < MOST_ASKED);
	memcpy(script.keys[script.count++], launch->key, sizeof(launch->key));
	buf_addf(&script.asked, "%s%s/%u %s", script.asked.len ? "; " : "", launch->resource->name,
		 launch->slot, key);
	if (letter == 'l') {
		snprintf(id, TICKET_FIELD_ROOM, "i-%u", script.count);
		return 0;
	}
	if (letter == 'c' && script.zone)
		text_cut(launch->zones[0], TICKET_FIELD_ROOM, script.zone);
	return error_set(err, class_of(letter), "the script says %c", letter);
}

static struct provider provider = { .name = "local", .launch = answer };

static const struct provider *find(const char *name)
{
	assert_string_equal(name, "local");
	return &provider;
}

/* ---- a pass's launches ---- */

static struct bench {
	struct settings settings;
	struct observation *seen;
	struct plan plan;
	struct ledger ledger;
	struct ledger_file *file;
	struct act_result result;
	int64_t time_ms; /* that is left */
} bench;

#define THREE "{\"instance_types\": [\"a\", \"b\", \"c\"]}"
#define ZONES "{\"instance_types\": [\"a\"], \"zones\": [\"x\", \"y\", \"z\"]}"
#define BOTH "{\"instance_types\": [\"a\", \"b\"], \"markets\": [\"spot\", \"on-demand\"]}"

static void open_bench(const char *offerings)
{
	SCOPED(buf) struct buf text = BUF(1 << 16);
	struct error err;

	buf_addf(&text, form, offerings);
	sealed_files_write(&files, "c.json", buf_slice(&text));
	bench = (struct bench){ .time_ms = 60000 };
	if (settings_load("c.json", environment, &bench.settings, &err) < 0)
		fail_msg("%s", err.message);
	bench.seen = memory_array(1, sizeof(*bench.seen));
	bench.seen->now_ms = (int64_t)NOW_S * 1000;
	bench.seen->is_clock_known = true;
	bench.seen->resources[0].is_listed = bench.seen->resources[1].is_listed = true;
	if (ledger_open(scratch_path(folder, "s"), NOW_S, &bench.file, &err) < 0 ||
	    ledger_read(bench.file, &bench.ledger, &err) < 0)
		fail_msg("%s", err.message);
	script = (struct script){ .answers = "", .asked = BUF(1 << 16) };
	provider.launch_limit = (struct call_limit){ 0 };
}

static void close_bench(void)
{
	settings_release(&bench.settings);
	free(bench.seen->attempts);
	free(bench.seen);
	free(bench.plan.launches);
	ledger_release(&bench.ledger);
	ledger_close(bench.file);
	buf_release(&script.asked);
	unlink("s/ledger.sqlite");
	unlink("s/ledger.sqlite-wal");
	unlink("s/ledger.sqlite-shm");
}

static struct planned_launch *add_launch(size_t resource, unsigned slot)
{
	struct plan *plan = &bench.plan;

	plan->launches =
		memory_grow(plan->launches, plan->launch_count + 1, sizeof(*plan->launches));
	plan->launches[plan->launch_count] =
		(struct planned_launch){ .resource = resource, .slot = slot, .day = "2026-11-24" };
	return &plan->launches[plan->launch_count++];
}

/* The outcomes as letters: n none, d done, h held, o open, f failed. */
static const char *launch(void)
{
	static char outcomes[MOST_ASKED + 1];
	struct act act = { .settings = &bench.settings,
			   .seen = bench.seen,
			   .plan = &bench.plan,
			   .ledger = &bench.ledger,
			   .file = bench.file,
			   .deadline_ms = clock_monotonic_ms() + bench.time_ms };
	size_t i;

	bench.result.launches =
		memory_array(bench.plan.launch_count + 1, sizeof(*bench.result.launches));
	bench.result.launched =
		memory_array(bench.plan.launch_count + 1, sizeof(*bench.result.launched));
	act_launch(&(struct act_launch){ &act, find }, &bench.result);
	for (i = 0; i < bench.plan.launch_count; i++)
		outcomes[i] = "ndho?f"[bench.result.launches[i]];
	outcomes[i] = '\0';
	free(bench.result.launches);
	free(bench.result.launched);
	return outcomes;
}

/* "cpu/0 a; ..." of what is still open. */
static const char *attempts(void)
{
	static char text[1024];
	SCOPED(buf) struct buf list = BUF(sizeof(text));

	for (size_t i = 0; i < bench.ledger.attempt_count; i++)
		buf_addf(&list, "%s%s/%u %s", i ? "; " : "", bench.ledger.attempts[i].resource,
			 bench.ledger.attempts[i].slot, bench.ledger.attempts[i].offering);
	text_cut(text, sizeof(text), buf_text(&list));
	return text;
}

/* ---- what is asked ---- */

static void test_answers(void **state)
{
	static const struct {
		const char *when, *offerings, *answers;
		unsigned launches;
		const char *outcomes, *asked, *open;
	} cases[] = {
		{ "the first one has capacity", THREE, "", 1, "d", "cpu/0 a", "cpu/0 a" },
		{ "the first one has none", THREE, "c", 1, "d", "cpu/0 a; cpu/0 b", "cpu/0 b" },
		{ "a quota forbids the first", THREE, "q", 1, "d", "cpu/0 a; cpu/0 b", "cpu/0 b" },
		{ "none has capacity", THREE, "cqc", 1, "f", "cpu/0 a; cpu/0 b; cpu/0 c", "" },
		{ "the next launch leaves out what has none", THREE, "c", 2, "dd",
		  "cpu/0 a; cpu/0 b; cpu/1 b", "cpu/0 b; cpu/1 b" },
		{ "nothing is left for the next launch", THREE, "ccc", 2, "fn",
		  "cpu/0 a; cpu/0 b; cpu/0 c", "" },
		{ "an answer does not come", THREE, "u", 1, "o", "cpu/0 a", "cpu/0 a" },
		{ "an answer makes no sense", THREE, "m", 1, "o", "cpu/0 a", "cpu/0 a" },
		{ "the second answer does not come", THREE, "cu", 1, "o", "cpu/0 a; cpu/0 b",
		  "cpu/0 b" },
		{ "an answer does not come, the next launch goes on", THREE, "u", 2, "od",
		  "cpu/0 a; cpu/1 a", "cpu/0 a; cpu/1 a" },
		{ "somebody holds the slot", THREE, "x", 1, "h", "cpu/0 a", "cpu/0 a" },
		{ "our credentials are refused", THREE, "d", 3, "fnn", "cpu/0 a", "" },
		{ "the request is refused", THREE, "r", 2, "fn", "cpu/0 a", "" },
		{ "the image is not there", THREE, "n", 2, "fn", "cpu/0 a", "" },
		{ "it fails here", THREE, "s", 2, "fn", "cpu/0 a", "" },
		{ "we are throttled", THREE, "lt", 3, "dfn", "cpu/0 a; cpu/1 a", "cpu/0 a" },
		{ "spot has none: on-demand is not asked yet", BOTH, "cc", 1, "f",
		  "cpu/0 a//spot; cpu/0 b//spot", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_bench(cases[i].offerings);
		for (unsigned slot = 0; slot < cases[i].launches; slot++)
			add_launch(0, slot);
		script.answers = cases[i].answers;

		const char *outcomes = launch();

		if (strcmp(outcomes, cases[i].outcomes) != 0)
			fail_msg("when %s: outcomes %s", cases[i].when, outcomes);
		if (strcmp(buf_text(&script.asked), cases[i].asked) != 0)
			fail_msg("when %s: asked %s", cases[i].when, buf_text(&script.asked));
		if (strcmp(attempts(), cases[i].open) != 0)
			fail_msg("when %s: open %s", cases[i].when, attempts());
		close_bench();
	}
}

/* One resource's error, or one's want, is not the other's. */
static void test_resources_are_apart(void **state)
{
	(void)state;
	open_bench(THREE);
	add_launch(0, 0);
	add_launch(1, 0);
	script.answers = "d";
	assert_string_equal(launch(), "fd");
	assert_string_equal(buf_text(&script.asked), "cpu/0 a; gpu/0 a");
	close_bench();

	open_bench(THREE);
	add_launch(0, 0);
	add_launch(1, 0);
	script.answers = "c";
	assert_string_equal(launch(), "dd");
	assert_string_equal(buf_text(&script.asked), "cpu/0 a; cpu/0 b; gpu/0 a");
	close_bench();
}

static void test_each_offering_has_its_own_key(void **state)
{
	(void)state;
	open_bench(ZONES);
	add_launch(0, 0);
	add_launch(0, 1);
	script.answers = "cc";
	assert_string_equal(launch(), "dd");
	assert_int_equal(script.count, 4);
	for (unsigned i = 0; i < script.count; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(script.keys[i], script.keys[j]);
	close_bench();
}

/* ---- budgets ---- */

static void test_nothing_dearer_is_asked_where_a_budget_counts_on_the_price(void **state)
{
	static const struct {
		const char *when;
		bool is_limited;
		const char *outcomes, *asked;
	} cases[] = {
		{ "there is no such budget", false, "d", "cpu/0 b; cpu/0 a" },
		{ "there is", true, "d", "cpu/0 b; cpu/0 d" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_bench("{\"instance_types\": [\"a\", \"b\", \"c\", \"d\"]}");
		struct offering *offerings = bench.settings.resources[0].offerings;
		struct planned_launch *planned = add_launch(0, 0);

		offerings[0].price = 3000000;
		offerings[1].price = 2000000;
		offerings[2].price = MONEY_UNKNOWN;
		offerings[3].price = 2000000;
		planned->offering = 1;
		planned->is_price_limited = cases[i].is_limited;
		planned->price_limit = cases[i].is_limited ? 2000000 : 0;
		script.answers = "c";
		assert_string_equal(launch(), cases[i].outcomes);
		if (strcmp(buf_text(&script.asked), cases[i].asked) != 0)
			fail_msg("when %s: %s", cases[i].when, buf_text(&script.asked));
		close_bench();
	}
}

/* ---- repeats ---- */

static void add_attempt(unsigned slot, const char *offering, int64_t asked_s)
{
	struct observation *seen = bench.seen;

	seen->attempts =
		memory_grow(seen->attempts, seen->attempt_count + 1, sizeof(*seen->attempts));
	struct open_attempt *attempt = &seen->attempts[seen->attempt_count++];

	*attempt = (struct open_attempt){
		.resource = "cpu", .slot = slot, .day = "2026-11-24", .asked_s = asked_s
	};
	text_cut(attempt->offering, sizeof(attempt->offering), offering);
}

static void test_a_repeat_is_the_very_same_request(void **state)
{
	static const struct {
		const char *when, *answers, *outcomes, *open;
	} cases[] = {
		{ "it is launched now", "", "d", "cpu/7 b" },
		{ "the answer fails again", "u", "o", "cpu/7 b" },
		{ "there is no capacity, nor was there", "c", "f", "" },
		{ "the quota is reached, and was", "q", "f", "" },
		{ "the cloud throttles us now", "t", "f", "cpu/7 b" },
		{ "our credentials are denied now", "d", "f", "cpu/7 b" },
		{ "it is refused now", "r", "f", "cpu/7 b" },
		{ "it fails on this host", "s", "f", "cpu/7 b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_bench(THREE);
		add_attempt(7, "b", NOW_S - 60);
		struct planned_launch *planned = add_launch(0, 7);

		planned->is_repeat = true;
		planned->offering = 1;
		script.answers = cases[i].answers;
		assert_string_equal(launch(), cases[i].outcomes);
		assert_string_equal(buf_text(&script.asked), "cpu/7 b");
		assert_string_equal(attempts(), cases[i].open);
		/* When it was asked for first says how old it is. */
		if (bench.ledger.attempt_count)
			assert_int_equal(bench.ledger.attempts[0].asked_s, NOW_S - 60);
		close_bench();
	}
}

/* Its own offering is asked even where another launch found no capacity in it. */
static void test_a_repeat_is_not_put_off_by_a_failure(void **state)
{
	(void)state;
	open_bench(THREE);
	add_attempt(7, "a", NOW_S - 60);
	add_launch(0, 0);
	add_launch(0, 7)->is_repeat = true;
	script.answers = "c";
	assert_string_equal(launch(), "dd");
	assert_string_equal(buf_text(&script.asked), "cpu/0 a; cpu/0 b; cpu/7 a");
	close_bench();
}

static void test_which_attempts_are_kept(void **state)
{
	static const struct {
		const char *when, *offering;
		int64_t age_s;
		bool is_listed, is_kept;
	} cases[] = {
		{ "it may come up yet", "c", 1199, true, true },
		{ "it did not come up", "c", 1200, true, false },
		{ "nobody knows what is there", "c", 86400, false, true },
		{ "its offering is gone, and it did not come up", "gone", 600, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_bench(THREE);
		add_attempt(3, cases[i].offering, NOW_S - cases[i].age_s);
		bench.seen->resources[0].is_listed = cases[i].is_listed;
		assert_string_equal(launch(), "");
		if (bench.ledger.attempt_count != (cases[i].is_kept ? 1 : 0))
			fail_msg("when %s: %zu are kept", cases[i].when,
				 bench.ledger.attempt_count);
		close_bench();
	}
}

/* ---- what is remembered ---- */

static void test_what_the_next_pass_knows(void **state)
{
	(void)state;
	open_bench(ZONES);
	add_launch(0, 0);
	script.answers = "c";
	script.zone = "z";
	assert_string_equal(launch(), "d");
	/* The zone that the cloud named goes before the one that comes next. */
	assert_string_equal(buf_text(&script.asked), "cpu/0 a/x/on-demand; cpu/0 a/z/on-demand");
	const struct ledger *ledger = &bench.ledger;
	unsigned found = 0;

	for (size_t i = 0; i < ledger->offering_count; i++)
		found += !strcmp(ledger->offerings[i].offering, "a/x/on-demand") &&
			 ledger->offerings[i].failures == 1 &&
			 ledger->offerings[i].until_s == NOW_S + 180;
	assert_int_equal(found, 1);
	close_bench();
}

static void test_what_works_again_has_not_failed(void **state)
{
	(void)state;
	open_bench(THREE);
	offerings_failed(&bench.ledger, &bench.settings, &bench.settings.resources[0], 0,
			 &(struct offering_failure){ ERROR_CAPACITY, NULL, NOW_S - 1000 });
	assert_int_equal(bench.ledger.offerings[0].failures, 1);
	add_launch(0, 0);
	assert_string_equal(launch(), "d");
	assert_int_equal(bench.ledger.offerings[0].failures, 0);
	close_bench();
}

/* ---- limits of a pass ---- */

static void test_past_the_deadline_nothing_is_asked(void **state)
{
	(void)state;
	open_bench(THREE);
	bench.time_ms = 0;
	add_attempt(7, "a", NOW_S);
	add_launch(0, 0);
	add_launch(0, 7)->is_repeat = true;
	assert_string_equal(launch(), "nn");
	assert_string_equal(buf_text(&script.asked), "");
	assert_string_equal(attempts(), "cpu/7 a");
	assert_int_equal(bench.result.failed, 2);
	close_bench();
}

static void test_too_many_failures_end_it(void **state)
{
	static char unreachable[MOST_ASKED];

	(void)state;
	memset(unreachable, 'u', sizeof(unreachable) - 1);
	open_bench(THREE);
	for (unsigned slot = 0; slot < ACT_LAUNCH_FAILURES + 5; slot++)
		add_launch(0, slot);
	script.answers = unreachable;
	assert_string_equal(launch() + ACT_LAUNCH_FAILURES - 1, "onnnnn");
	assert_int_equal(script.count, ACT_LAUNCH_FAILURES);
	assert_int_equal(bench.ledger.attempt_count, ACT_LAUNCH_FAILURES);
	close_bench();
}

static void test_the_api_is_not_called_faster_than_it_may(void **state)
{
	(void)state;
	/* The fourth one would have to wait for a second, which is not there. */
	open_bench(THREE);
	provider.launch_limit = (struct call_limit){ .burst = 3, .per_second = 1 };
	bench.time_ms = 900;
	for (unsigned slot = 0; slot < 4; slot++)
		add_launch(slot % 2, slot);
	assert_string_equal(launch(), "dddn");
	close_bench();
	/* Nor may it wait past the half of the pass: terminations and repairs come behind. */
	open_bench(THREE);
	provider.launch_limit = (struct call_limit){ .burst = 3, .per_second = 1 };
	bench.time_ms = 1800;
	for (unsigned slot = 0; slot < 4; slot++)
		add_launch(slot % 2, slot);
	assert_string_equal(launch(), "dddn");
	close_bench();
	/* Waiting is worth it where there is time. */
	open_bench(THREE);
	provider.launch_limit = (struct call_limit){ .burst = 1, .per_second = 200 };
	for (unsigned slot = 0; slot < 6; slot++)
		add_launch(0, slot);
	assert_string_equal(launch(), "dddddd");
	close_bench();
}

static void test_without_a_ledger_nothing_is_asked(void **state)
{
	struct error err;

	(void)state;
	open_bench(THREE);
	add_launch(0, 0);
	ledger_close(bench.file);
	/* One for looking on takes no writes. */
	assert_int_equal(ledger_open_view(scratch_path(folder, "s"), NOW_S, &bench.file, &err), 0);
	assert_string_equal(launch(), "f");
	assert_string_equal(buf_text(&script.asked), "");
	assert_int_equal(bench.result.failed, 1);
	close_bench();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_resources_are_apart),
		cmocka_unit_test(test_each_offering_has_its_own_key),
		cmocka_unit_test(test_nothing_dearer_is_asked_where_a_budget_counts_on_the_price),
		cmocka_unit_test(test_a_repeat_is_the_very_same_request),
		cmocka_unit_test(test_a_repeat_is_not_put_off_by_a_failure),
		cmocka_unit_test(test_which_attempts_are_kept),
		cmocka_unit_test(test_what_the_next_pass_knows),
		cmocka_unit_test(test_what_works_again_has_not_failed),
		cmocka_unit_test(test_past_the_deadline_nothing_is_asked),
		cmocka_unit_test(test_too_many_failures_end_it),
		cmocka_unit_test(test_the_api_is_not_called_faster_than_it_may),
		cmocka_unit_test(test_without_a_ledger_nothing_is_asked),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
