#include "tests/unit/support/launch_bench.h"

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
#include "reaper/ticket_make.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/sealed_files.h"

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

int launch_bench_make(void **state)
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

int launch_bench_remove(void **state)
{
	(void)state;
	sealed_files_release(&files);
	scratch_remove(folder);
	return 0;
}

/* ---- a provider that answers by a script ---- */

struct launch_script launch_script;

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

static bool is_of_day(const struct launch *launch, const char *day)
{
	struct ticket_order order = { launch->settings, launch->resource,   launch->offering,
				      launch->slot,	launch->generation, day };
	SCOPED(ticket_made) struct ticket_made made = { 0 };
	struct error err;

	if (ticket_make(&order, &made, &err) < 0)
		fail_msg("%s", err.message);
	return made.user_data.len == launch->user_data.len &&
	       !memcmp(made.user_data.bytes, launch->user_data.ptr, made.user_data.len);
}

static bool is_key_fresh(const struct launch *launch, struct error *err)
{
	if (launch->generation < launch_script.spent)
		*launch->key_fate = LAUNCH_KEY_SPENT;
	else if (launch->generation == launch_script.spent && launch_script.held_day &&
		 !is_of_day(launch, launch_script.held_day))
		*launch->key_fate = LAUNCH_KEY_DIFFERS;
	else
		return true;
	return error_set(err, ERROR_CONFLICT, "the key was used") == 0;
}

static int answer(const struct launch *launch, char id[static TICKET_FIELD_ROOM], struct error *err)
{
	char letter;
	char key[OFFERING_KEY_ROOM];

	offering_key(launch->offering, key);
	check_ledger(launch, key);
	assert_true(launch->user_data.len > 100);
	assert_true(launch_script.count < MOST_ASKED);
	memcpy(launch_script.keys[launch_script.count++], launch->key, sizeof(launch->key));
	buf_addf(&launch_script.asked, "%s%s/%u %s", launch_script.asked.len ? "; " : "",
		 launch->resource->name, launch->slot, key);
	if (!is_key_fresh(launch, err))
		return -1;
	letter = *launch_script.answers ? *launch_script.answers++ : 'l';
	if (letter == 'l') {
		snprintf(id, TICKET_FIELD_ROOM, "i-%u", launch_script.count);
		return 0;
	}
	if (letter == 'c' && launch_script.zone)
		text_cut(launch->zones[0], TICKET_FIELD_ROOM, launch_script.zone);
	return error_set(err, class_of(letter), "the script says %c", letter);
}

static const struct provider *find(const char *name)
{
	assert_string_equal(name, "local");
	return &launch_bench.provider;
}

/* ---- a pass's launches ---- */

struct launch_bench launch_bench;

void launch_bench_open(const char *offerings)
{
	SCOPED(buf) struct buf text = BUF(1 << 16);
	struct error err;

	buf_addf(&text, form, offerings);
	sealed_files_write(&files, "c.json", buf_slice(&text));
	launch_bench = (struct launch_bench){ .time_ms = 60000,
					      .provider = { .name = "local", .launch = answer } };
	if (settings_load("c.json", environment, &launch_bench.settings, &err) < 0)
		fail_msg("%s", err.message);
	launch_bench.seen = memory_array(1, sizeof(*launch_bench.seen));
	launch_bench.seen->now_ms = (int64_t)NOW_S * 1000;
	launch_bench.seen->is_clock_known = true;
	launch_bench.seen->resources[0].is_listed = launch_bench.seen->resources[1].is_listed =
		true;
	if (ledger_open(scratch_path(folder, "s"), NOW_S, &launch_bench.file, &err) < 0 ||
	    ledger_read(launch_bench.file, &launch_bench.ledger, &err) < 0)
		fail_msg("%s", err.message);
	launch_script = (struct launch_script){ .answers = "", .asked = BUF(1 << 16) };
}

void launch_bench_close(void)
{
	settings_release(&launch_bench.settings);
	free(launch_bench.seen->attempts);
	free(launch_bench.seen);
	free(launch_bench.plan.launches);
	ledger_release(&launch_bench.ledger);
	ledger_close(launch_bench.file);
	buf_release(&launch_script.asked);
	unlink("s/ledger.sqlite");
	unlink("s/ledger.sqlite-wal");
	unlink("s/ledger.sqlite-shm");
}

struct planned_launch *launch_bench_add(size_t resource, unsigned slot)
{
	struct plan *plan = &launch_bench.plan;

	plan->launches =
		memory_grow(plan->launches, plan->launch_count + 1, sizeof(*plan->launches));
	plan->launches[plan->launch_count] =
		(struct planned_launch){ .resource = resource, .slot = slot, .day = "2026-11-24" };
	return &plan->launches[plan->launch_count++];
}

const char *launch_bench_launch(void)
{
	static char outcomes[MOST_ASKED + 1];
	struct act act = { .settings = &launch_bench.settings,
			   .seen = launch_bench.seen,
			   .plan = &launch_bench.plan,
			   .ledger = &launch_bench.ledger,
			   .file = launch_bench.file,
			   .deadline_ms = clock_monotonic_ms() + launch_bench.time_ms };
	size_t i;

	launch_bench.result.launches = memory_array(launch_bench.plan.launch_count + 1,
						    sizeof(*launch_bench.result.launches));
	launch_bench.result.launched = memory_array(launch_bench.plan.launch_count + 1,
						    sizeof(*launch_bench.result.launched));
	act_launch(&(struct act_launch){ &act, find }, &launch_bench.result);
	for (i = 0; i < launch_bench.plan.launch_count; i++)
		outcomes[i] = "ndho?f"[launch_bench.result.launches[i]];
	outcomes[i] = '\0';
	free(launch_bench.result.launches);
	free(launch_bench.result.launched);
	return outcomes;
}

const char *launch_bench_attempts(void)
{
	static char text[1024];
	SCOPED(buf) struct buf list = BUF(sizeof(text));

	for (size_t i = 0; i < launch_bench.ledger.attempt_count; i++)
		buf_addf(&list, "%s%s/%u %s", i ? "; " : "",
			 launch_bench.ledger.attempts[i].resource,
			 launch_bench.ledger.attempts[i].slot,
			 launch_bench.ledger.attempts[i].offering);
	text_cut(text, sizeof(text), buf_text(&list));
	return text;
}

void launch_bench_add_attempt(unsigned slot, const char *offering, int64_t asked_s)
{
	struct observation *seen = launch_bench.seen;

	seen->attempts =
		memory_grow(seen->attempts, seen->attempt_count + 1, sizeof(*seen->attempts));
	struct open_attempt *attempt = &seen->attempts[seen->attempt_count++];

	*attempt = (struct open_attempt){
		.resource = "cpu", .slot = slot, .day = "2026-11-24", .asked_s = asked_s
	};
	text_cut(attempt->offering, sizeof(attempt->offering), offering);
}

const char *launch_bench_folder(void)
{
	return scratch_path(folder, "s");
}
