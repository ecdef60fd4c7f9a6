/* provider local, with real locks and processes; a shell script stands for mayfly-bootstrap. */
#include "reaper/providers/provider.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/marked.h"
#include "reaper/providers/local_machine.h"
#include "tests/unit/support/scratch.h"

enum { PATIENCE_MS = 20000, LOOK_MS = 10 };

/* What the keeper of a test does; $5 is the number of the lock's descriptor. */
#define WAITS "touch \"$3/up\"; exec sleep 1000\n"
#define CHILD_HOLDS "sleep 1000 & touch \"$3/up\"; wait\n"
#define CHILD_LET_GO "(eval \"exec $5>&-\"; exec sleep 1000) & touch \"$3/up\"; wait\n"
#define ENDS "echo first; echo last words; exit 0\n"

struct bench {
	char folder[SCRATCH_ROOM];
	struct settings settings;
	struct resource resource;
	struct offering offering; /* of what is launched */
	struct fleet fleet;
};

static void set(char *field, size_t room, const char *text)
{
	text_cut(field, room, text);
}
#define SET(field, text) set(field, sizeof(field), text)

static void write_file(const char *path, const char *text, mode_t mode)
{
	struct error err;

	if (file_write(path, slice_of(text), mode, &err) < 0)
		fail_msg("%s", err.message);
}

static int open_bench(void **state)
{
	struct bench *bench = test_calloc(1, sizeof(*bench));

	log_open("test", NULL, LOG_ERROR);
	scratch_make(bench->folder);
	SET(bench->settings.prefix, "p");
	SET(bench->resource.name, "cpu");
	SET(bench->resource.type, "local");
	SET(bench->offering.type, "local");
	SET(bench->resource.provider, "local");
	bench->resource.max_instances = 3;
	SET(bench->resource.local.machines, scratch_path(bench->folder, "machines"));
	SET(bench->resource.local.bootstrap, scratch_path(bench->folder, "bootstrap"));
	SET(bench->resource.local.image_key, "/dev/null");
	SET(bench->resource.local.trusted_keys, "/dev/null");
	*state = bench;
	return 0;
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int close_bench(void **state)
{
	struct bench *bench = *state;
	struct error err;

	fleet_release(&bench->fleet);
	if (provider_local.list(&bench->settings, &bench->resource, &bench->fleet, &err) == 0)
		for (size_t i = 0; i < bench->fleet.count; i++) {
			char marker[LOCAL_MARKER_ROOM];

			local_machine_marker(bench->fleet.list[i].id, marker);
			if (marked_kill(marker, 0, 0, PATIENCE_MS, &err) < 0)
				return -1;
		}
	fleet_release(&bench->fleet);
	reap();
	scratch_remove(bench->folder);
	test_free(bench);
	return 0;
}

static void keeper_does(struct bench *bench, const char *what)
{
	char script[512];

	snprintf(script, sizeof(script), "#!/bin/sh\n%s", what);
	write_file(bench->resource.local.bootstrap, script, 0755);
}

static int launch(struct bench *bench, unsigned generation, char id[TICKET_FIELD_ROOM],
		  struct error *err)
{
	struct launch request = { .settings = &bench->settings,
				  .resource = &bench->resource,
				  .offering = &bench->offering,
				  .slot = 1,
				  .generation = generation,
				  .user_data = slice_of("# a ticket\n") };

	snprintf(request.key, sizeof(request.key), "%032u", generation);
	return provider_local.launch(&request, id, err);
}

static void must_launch(struct bench *bench, unsigned generation, char id[TICKET_FIELD_ROOM])
{
	struct error err;

	if (launch(bench, generation, id, &err) < 0)
		fail_msg("%s", err.message);
}

/* The one instance of this id; fails the test when it is not listed exactly once. */
static const struct instance *find(struct bench *bench, const char *id)
{
	const struct instance *found = NULL;
	struct error err;

	fleet_release(&bench->fleet);
	if (provider_local.list(&bench->settings, &bench->resource, &bench->fleet, &err) < 0)
		fail_msg("%s", err.message);
	for (size_t i = 0; i < bench->fleet.count; i++) {
		if (strcmp(bench->fleet.list[i].id, id) != 0)
			continue;
		assert_null(found);
		found = &bench->fleet.list[i];
	}
	assert_non_null(found);
	return found;
}

static void wait_for_file(struct bench *bench, const char *id, const char *name)
{
	int64_t give_up_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (!local_machine_has(&bench->resource, id, name)) {
		if (clock_monotonic_ms() > give_up_ms)
			fail_msg("%s never wrote %s", id, name);
		clock_sleep_ms(LOOK_MS);
	}
}

static void wait_for_state(struct bench *bench, const char *id, enum instance_state state)
{
	int64_t give_up_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (find(bench, id)->state != state) {
		if (clock_monotonic_ms() > give_up_ms)
			fail_msg("%s is in state %d, not %d", id, find(bench, id)->state, state);
		clock_sleep_ms(LOOK_MS);
	}
}

/* Its process with this word in its command line; 0: none. */
static pid_t process_of(const char *id, const char *word)
{
	SCOPED(marked) struct marked found = { 0 };
	char marker[LOCAL_MARKER_ROOM];
	struct error err;

	local_machine_marker(id, marker);
	assert_int_equal(marked_find(marker, &found, &err), 0);
	for (size_t i = 0; i < found.count; i++) {
		SCOPED(buf) struct buf line = BUF(4096);
		char path[64];

		snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)found.pids[i]);
		if (file_read(path, &line, &err) < 0)
			continue;
		for (size_t at = 0; at < line.len; at++)
			if (!line.bytes[at])
				line.bytes[at] = ' ';
		if (strstr(buf_text(&line), word))
			return found.pids[i];
	}
	return 0;
}

static void kill_process(const char *id, const char *word)
{
	int64_t give_up_ms = clock_monotonic_ms() + PATIENCE_MS;
	pid_t pid = process_of(id, word);

	assert_true(pid > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (process_of(id, word) == pid) {
		reap();
		assert_true(clock_monotonic_ms() < give_up_ms);
		clock_sleep_ms(LOOK_MS);
	}
}

static void test_nothing_was_launched_yet(void **state)
{
	struct bench *bench = *state;
	struct error err;

	assert_int_equal(
		provider_local.list(&bench->settings, &bench->resource, &bench->fleet, &err), 0);
	assert_int_equal(bench->fleet.count, 0);
	/* Looking makes no folders. */
	assert_false(file_exists(bench->resource.local.machines));
}

/* This computer has neither types nor zones nor a market: they are what the machine says of itself.
 */
static void test_a_machine_bears_its_offering_s_labels(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM];

	keeper_does(bench, WAITS);
	SET(bench->offering.type, "big");
	SET(bench->offering.zone, "attic");
	bench->offering.market = MARKET_SPOT;
	must_launch(bench, 7, id);
	const struct instance *instance = find(bench, id);

	assert_string_equal(instance->type, "big");
	assert_string_equal(instance->zone, "attic");
	assert_int_equal(instance->market, MARKET_SPOT);
}

static void test_a_launch_makes_a_machine(void **state)
{
	struct bench *bench = *state;
	SCOPED(buf) struct buf user_data = BUF(100);
	struct local_note note;
	char id[TICKET_FIELD_ROOM], path[LOCAL_PATH_ROOM];
	struct stat about;
	struct error err;

	keeper_does(bench, WAITS);
	must_launch(bench, 7, id);
	const struct instance *instance = find(bench, id);
	assert_int_equal(instance->state, INSTANCE_PENDING);
	assert_int_equal(instance->slot, 1);
	assert_int_equal(instance->generation, 7);
	assert_string_equal(instance->resource, "cpu");
	assert_string_equal(instance->type, "local");
	assert_string_equal(instance->zone, "");
	assert_int_equal(instance->market, MARKET_ON_DEMAND);
	assert_int_equal(local_machine_read(&bench->resource, id, &note, &err), 0);
	assert_string_equal(note.prefix, "p");
	assert_int_equal(note.launched_s, instance->launched_s);
	local_machine_path(&bench->resource, id, "user-data", path);
	assert_int_equal(file_read_private(path, &user_data, &err), 0);
	assert_string_equal(buf_text(&user_data), "# a ticket\n");
	local_machine_path(&bench->resource, id, "", path);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0700);

	wait_for_file(bench, id, "up");
	local_machine_path(&bench->resource, id, "bootstrap.log", path);
	write_file(path, "", 0600);
	assert_int_equal(find(bench, id)->state, INSTANCE_RUNNING);
}

static void test_a_keeper_is_told_where_the_keys_are(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM], path[LOCAL_PATH_ROOM], want[2 * LOCAL_PATH_ROOM];
	SCOPED(buf) struct buf words = BUF(4096);
	struct error err;

	SET(bench->resource.local.image_key, "/dev/zero");
	keeper_does(bench, "echo \"$1 $2 $3 $4 $6 $7 $8 $9 $#\" > \"$3/words\"\n" WAITS);
	must_launch(bench, 0, id);
	wait_for_file(bench, id, "up");
	local_machine_path(&bench->resource, id, "", path);
	snprintf(want, sizeof(want),
		 "keeper --folder %s --lock-fd --image-key /dev/zero --trusted-keys /dev/null 9\n",
		 path);
	local_machine_path(&bench->resource, id, "words", path);
	assert_int_equal(file_read(path, &words, &err), 0);
	assert_string_equal(buf_text(&words), want);
}

static void test_the_same_launch_again_is_nothing(void **state)
{
	struct bench *bench = *state;
	char first[TICKET_FIELD_ROOM], second[TICKET_FIELD_ROOM];

	keeper_does(bench, WAITS);
	must_launch(bench, 0, first);
	must_launch(bench, 0, second);
	assert_string_equal(first, second);
	(void)find(bench, first);
	assert_int_equal(bench->fleet.count, 1);
}

static void test_a_held_slot_is_a_conflict(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM], other[TICKET_FIELD_ROOM];
	struct error err;

	keeper_does(bench, WAITS);
	must_launch(bench, 0, id);
	assert_int_equal(launch(bench, 1, other, &err), -1);
	assert_int_equal(err.class, ERROR_CONFLICT);
	assert_non_null(strstr(err.message, id));
	(void)find(bench, id);
	assert_int_equal(bench->fleet.count, 1);
}

static void test_the_slot_is_held_while_a_child_holds_it(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM], other[TICKET_FIELD_ROOM];
	struct error err;

	keeper_does(bench, CHILD_HOLDS);
	must_launch(bench, 0, id);
	wait_for_file(bench, id, "up");
	kill_process(id, "keeper");
	assert_int_equal(find(bench, id)->state, INSTANCE_PENDING);
	assert_int_equal(launch(bench, 1, other, &err), -1);
	assert_int_equal(err.class, ERROR_CONFLICT);
	kill_process(id, "sleep");
	wait_for_state(bench, id, INSTANCE_TERMINATED);
	must_launch(bench, 1, other);
}

static void test_it_exists_while_a_marked_process_lives(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM], other[TICKET_FIELD_ROOM];
	struct error err;

	keeper_does(bench, CHILD_LET_GO);
	must_launch(bench, 0, id);
	wait_for_file(bench, id, "up");
	/* The child is a sleep once it has let the lock go. */
	while (!process_of(id, "sleep"))
		clock_sleep_ms(LOOK_MS);
	kill_process(id, "keeper");
	assert_int_equal(find(bench, id)->state, INSTANCE_PENDING);
	assert_int_equal(launch(bench, 1, other, &err), -1);
	assert_int_equal(err.class, ERROR_CONFLICT);
	assert_non_null(strstr(err.message, "still live"));
	kill_process(id, "sleep");
	assert_int_equal(find(bench, id)->state, INSTANCE_TERMINATED);
	must_launch(bench, 1, other);
	assert_int_equal(find(bench, other)->generation, 1);
	assert_int_equal(find(bench, id)->state, INSTANCE_TERMINATED);
}

static void test_a_generation_is_launched_once(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM], other[TICKET_FIELD_ROOM];
	struct error err;

	keeper_does(bench, ENDS);
	must_launch(bench, 3, id);
	wait_for_state(bench, id, INSTANCE_TERMINATED);
	for (unsigned generation = 2; generation <= 3; generation++) {
		assert_int_equal(launch(bench, generation, other, &err), -1);
		assert_int_equal(err.class, ERROR_CONFLICT);
		assert_non_null(strstr(err.message, "generation 3"));
	}
	must_launch(bench, 4, other);
}

static void test_termination_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM];
	struct error err = { 0 };

	keeper_does(bench, CHILD_LET_GO);
	must_launch(bench, 0, id);
	wait_for_file(bench, id, "up");
	if (provider_local.terminate(&bench->settings, &bench->resource, id, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(process_of(id, ""), 0);
	assert_true(local_machine_ended_s(&bench->resource, id) > 0);
	assert_int_equal(find(bench, id)->state, INSTANCE_TERMINATED);
	assert_int_equal(find(bench, id)->ended_s, local_machine_ended_s(&bench->resource, id));
	assert_int_equal(provider_local.terminate(&bench->settings, &bench->resource, id, &err),
			 -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	assert_int_equal(
		provider_local.terminate(&bench->settings, &bench->resource, "local-none", &err),
		-1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
}

static void test_anothers_machine_is_not_ours(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM];
	struct error err;

	keeper_does(bench, WAITS);
	must_launch(bench, 0, id);
	SET(bench->settings.prefix, "q");
	assert_int_equal(
		provider_local.list(&bench->settings, &bench->resource, &bench->fleet, &err), 0);
	assert_int_equal(bench->fleet.count, 0);
	assert_int_equal(provider_local.terminate(&bench->settings, &bench->resource, id, &err),
			 -1);
	assert_int_equal(err.class, ERROR_REFUSED);
	SET(bench->settings.prefix, "p");
	(void)find(bench, id);
}

/* The resource was renamed, or taken out of the configuration: another one of the folder sees it.
 */
static void test_another_resources_machine_is_listed_and_ended(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM];
	struct error err = { 0 };

	keeper_does(bench, WAITS);
	must_launch(bench, 0, id);
	SET(bench->resource.name, "renamed");
	assert_int_not_equal(find(bench, id)->state, INSTANCE_TERMINATED);
	assert_string_equal(find(bench, id)->resource, "cpu");
	if (provider_local.terminate(&bench->settings, &bench->resource, id, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(find(bench, id)->state, INSTANCE_TERMINATED);
	assert_int_equal(process_of(id, ""), 0);
	SET(bench->resource.name, "cpu");
	assert_int_equal(find(bench, id)->state, INSTANCE_TERMINATED);
}

static void test_a_key_that_is_not_there_launches_nothing(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM];
	struct error err;

	keeper_does(bench, WAITS);
	SET(bench->resource.local.trusted_keys, scratch_path(bench->folder, "none.pub"));
	assert_int_equal(launch(bench, 0, id, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_non_null(strstr(err.message, "local.trusted_keys: "));
	assert_non_null(strstr(err.message, "none.pub: No such file"));
	assert_int_equal(
		provider_local.list(&bench->settings, &bench->resource, &bench->fleet, &err), 0);
	assert_int_equal(bench->fleet.count, 0);
	SET(bench->resource.local.trusted_keys, "/dev/null");
	must_launch(bench, 0, id);
}

static void test_a_program_that_is_not_there_spends_nothing(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM];
	struct error err;

	assert_int_equal(launch(bench, 0, id, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_non_null(strstr(err.message, bench->resource.local.bootstrap));
	assert_int_equal(
		provider_local.list(&bench->settings, &bench->resource, &bench->fleet, &err), 0);
	assert_int_equal(bench->fleet.count, 0);
	keeper_does(bench, WAITS);
	must_launch(bench, 0, id);
}

static void test_a_slot_remembers_when_the_folder_is_gone(void **state)
{
	struct bench *bench = *state;
	char id[TICKET_FIELD_ROOM], path[LOCAL_PATH_ROOM];
	struct error err;

	keeper_does(bench, WAITS);
	must_launch(bench, 5, id);
	wait_for_file(bench, id, "up");
	local_machine_path(&bench->resource, id, "", path);
	assert_int_equal(file_remove_tree(path, &err), 0);
	assert_int_equal(find(bench, id)->state, INSTANCE_RUNNING);
	kill_process(id, "sleep");
	wait_for_state(bench, id, INSTANCE_TERMINATED);
	assert_int_equal(find(bench, id)->generation, 5);
}

static void test_a_folder_that_makes_no_sense_fails_the_list(void **state)
{
	struct bench *bench = *state;
	char path[LOCAL_PATH_ROOM];
	struct error err;

	local_machine_path(&bench->resource, "local-odd", "", path);
	assert_int_equal(file_make_folder(path, 0700, &err), 0);
	/* A launch that died before it started anything. */
	assert_int_equal(
		provider_local.list(&bench->settings, &bench->resource, &bench->fleet, &err), 0);
	local_machine_path(&bench->resource, "local-odd", "instance.json", path);
	write_file(path, "{\"instance\": \"local-odd\"", 0600);
	assert_int_equal(
		provider_local.list(&bench->settings, &bench->resource, &bench->fleet, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_non_null(strstr(err.message, path));
	assert_int_equal(file_remove(path, &err), 0);
}

static void end_long_ago(struct bench *bench, const char *id, int64_t days)
{
	char path[LOCAL_PATH_ROOM], text[100];

	local_machine_path(&bench->resource, id, "ended.json", path);
	snprintf(text, sizeof(text), "{\"ended_s\": %lld, \"status\": 0, \"restarts\": 0}",
		 (long long)(clock_wall_ms() / 1000 - days * 86400));
	write_file(path, text, 0600);
}

static void test_old_folders_are_swept(void **state)
{
	struct bench *bench = *state;
	char ids[4][TICKET_FIELD_ROOM];

	keeper_does(bench, ENDS);
	for (unsigned i = 0; i < 4; i++) {
		must_launch(bench, i, ids[i]);
		wait_for_state(bench, ids[i], INSTANCE_TERMINATED);
		if (i != 1)
			end_long_ago(bench, ids[i], 2);
		else
			end_long_ago(bench, ids[i], 0);
	}
	/* At the last launch: 0 was old, 1 young, 2 old but the newest of those that ended. */
	assert_false(local_machine_has(&bench->resource, ids[0], ""));
	assert_true(local_machine_has(&bench->resource, ids[1], ""));
	assert_true(local_machine_has(&bench->resource, ids[2], ""));
	assert_true(local_machine_has(&bench->resource, ids[3], ""));
}

static void test_the_console_is_the_end_of_the_log(void **state)
{
	struct bench *bench = *state;
	SCOPED(buf) struct buf tail = BUF(11);
	char id[TICKET_FIELD_ROOM];
	struct error err;

	keeper_does(bench, ENDS);
	must_launch(bench, 0, id);
	wait_for_state(bench, id, INSTANCE_TERMINATED);
	assert_int_equal(
		provider_local.console(&bench->settings, &bench->resource, id, &tail, &err), 0);
	assert_string_equal(buf_text(&tail), "last words\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_was_launched_yet),
		TEST(test_a_launch_makes_a_machine),
		TEST(test_a_machine_bears_its_offering_s_labels),
		TEST(test_a_keeper_is_told_where_the_keys_are),
		TEST(test_the_same_launch_again_is_nothing),
		TEST(test_a_held_slot_is_a_conflict),
		TEST(test_the_slot_is_held_while_a_child_holds_it),
		TEST(test_it_exists_while_a_marked_process_lives),
		TEST(test_a_generation_is_launched_once),
		TEST(test_termination_leaves_nothing),
		TEST(test_anothers_machine_is_not_ours),
		TEST(test_another_resources_machine_is_listed_and_ended),
		TEST(test_a_key_that_is_not_there_launches_nothing),
		TEST(test_a_program_that_is_not_there_spends_nothing),
		TEST(test_a_slot_remembers_when_the_folder_is_gone),
		TEST(test_a_folder_that_makes_no_sense_fails_the_list),
		TEST(test_old_folders_are_swept),
		TEST(test_the_console_is_the_end_of_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
