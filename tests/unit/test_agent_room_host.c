#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
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

#include "tests/unit/support/own_mounts.h"
#include "tests/unit/support/room_bench.h"

/* agent_room.c: what host mode adds, other users, and the size of consoles. */

/* In a user namespace of the program's own nobody but root is. */
static bool can_have_others(void)
{
	bool can = mkdir("/run/others", 0700) == 0 && chown("/run/others", 12345, 12345) == 0;

	return rmdir("/run/others") == 0 && can;
}

/* ---- host mode ---- */

static void a_room_of_host_mode_has_no_mounts(void **state)
{
	static const char *const folders[] = { BASE,
					       BASE "/i-1",
					       BASE "/i-1/3",
					       BASE "/i-1/3/ssh",
					       BASE "/i-1/3/tmp",
					       BASE "/i-1/3/files" };
	struct room_bench bench;
	struct error err = { 0 };

	(void)state;
	room_bench_begin(&bench, "i-1");
	bench.machine.ticket.agent.mode = AGENT_HOST;
	struct agent_room room = room_bench_make(&bench, 3);

	assert_string_equal(room.scratch, BASE "/i-1/3/tmp");
	assert_string_equal(room.files, BASE "/i-1/3/files");
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (room_bench_mode(folders[i]) != (S_IFDIR | 0700))
			fail_msg("%s: mode %o", folders[i], room_bench_mode(folders[i]));
	assert_false(file_exists(room.host));
	assert_int_equal(own_mounts_count(BASE), 0);
	assert_false(agent_room_is_contained("i-1"));
	room_bench_write(room.conf, "secret");
	(void)room_bench_make(&bench, 3); /* again is fine */
	assert_true(file_exists(room.conf));
	(void)room_bench_make(&bench, 4);
	room_bench_remove(&bench, 3);
	assert_false(file_exists(room.folder));
	assert_true(file_exists(BASE "/i-1/4"));
	assert_int_equal(agent_room_remove(&bench.machine, 4, &err), 0);
	assert_false(file_exists(BASE "/i-1")); /* with the last of its rooms */
	room_bench_end(&bench);
}

static void an_instance_is_contained(void **state)
{
	static const struct {
		const char *when;
		bool has_host_room, has_docker_room, keeps_name;
		bool is_contained;
	} cases[] = {
		{ "it has rooms of host mode alone", true, false, false, false },
		{ "it has a room of docker mode", false, true, false, true },
		{ "it has one of each", true, true, false, true },
		{ "its name alone is left", true, true, true, true },
		{ "its last room has gone, and its name is to stay", false, false, true, true },
		{ "nothing is left of it", false, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct room_bench bench;
		struct error err = { 0 };

		room_bench_begin(&bench, "i-1");
		if (cases[i].has_docker_room)
			(void)room_bench_make(&bench, 1);
		bench.machine.ticket.agent.mode = AGENT_HOST;
		if (cases[i].has_host_room)
			(void)room_bench_make(&bench, 0);
		if (cases[i].keeps_name)
			assert_int_equal(agent_room_remove_all("i-1", true, &err), 0);
		if (agent_room_is_contained("i-1") != cases[i].is_contained)
			fail_msg("when %s", cases[i].when);
		room_bench_end(&bench);
	}
}

/* What fails in the child is an exit status, since cmocka's own ways lead back into the parent. */
static int as_other(uid_t uid, int (*run)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(setgroups(0, NULL) < 0 || setgid(uid) < 0 || setuid(uid) < 0 ? 99 : run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int read_and_write_room(void)
{
	SCOPED(buf) struct buf text = BUF(100);
	struct error err = { 0 };

	if (file_read(BASE "/i-1/0/clearml.conf", &text, &err) < 0 ||
	    file_read(BASE "/i-1/0/ssh/id", &text, &err) < 0)
		return 1;
	if (file_write(BASE "/i-1/0/tmp/copy", slice_of("s"), 0600, &err) < 0 ||
	    file_write(BASE "/i-1/0/files/netrc", slice_of("s"), 0600, &err) < 0)
		return 2;
	/* What lies beside it is nobody's business but root's. */
	if (!access(BASE, R_OK) || !access(BASE "/i-1", R_OK) || !access(BASE "/i-1", W_OK) ||
	    !access(BASE "/i-1/1", X_OK))
		return 3;
	return 0;
}

static int cannot_enter_room(void)
{
	return access(BASE "/i-1/0", X_OK) && access(BASE "/i-1/0/clearml.conf", F_OK) ? 0 : 1;
}

static void a_room_is_given_to_the_agents_user(void **state)
{
	struct room_bench bench;
	struct error err = { 0 };

	(void)state;
	if (!can_have_others()) {
		fprintf(stderr, "SKIPPED: other users need root\n");
		return;
	}
	room_bench_begin(&bench, "i-1");
	bench.machine.ticket.agent.mode = AGENT_HOST;
	struct agent_room room = room_bench_make(&bench, 0);

	(void)room_bench_make(&bench, 1);
	room_bench_write(room.conf, "secret");
	room_bench_write(scratch_path(room.ssh, "id"), "secret");
	assert_int_not_equal(as_other(12345, read_and_write_room), 0);
	assert_int_equal(agent_room_give(&room, 12345, 12345, &err), 0);
	assert_int_equal(room_bench_mode(room.folder), S_IFDIR | 0700);
	assert_int_equal(as_other(12345, read_and_write_room), 0);
	assert_int_equal(as_other(12346, cannot_enter_room), 0);
	/* It is another user's now: not to be written into as root, but to be made anew. */
	assert_int_equal(agent_room_make(&bench.machine, 0, &room, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	room_bench_remove(&bench, 0);
	(void)room_bench_make(&bench, 0);
	room_bench_end(&bench);
}

/* ---- without root ---- */

static int live_and_leave(void)
{
	struct machine machine = { 0 };
	struct agent_room room = { 0 };
	struct error err = { 0 };

	text_cut(machine.identity.instance, sizeof(machine.identity.instance), "i-1");
	if (agent_room_prepare(&err) < 0)
		return err.class == ERROR_CONFIGURATION ? 50 : 1;
	if (agent_room_make(&machine, 0, &room, &err) < 0)
		return 2;
	if (strcmp(room.conf, "/dev/shm/mayfly-12345/i-1/0/clearml.conf") != 0 ||
	    file_write(room.conf, slice_of("secret"), 0600, &err) < 0)
		return 3;
	if (agent_room_make(&machine, 1, &room, &err) < 0 ||
	    agent_room_remove(&machine, 1, &err) < 0 || file_exists(room.folder))
		return 4;
	if (agent_room_remove_all("i-1", agent_room_is_contained("i-1"), &err) < 0)
		return 5;
	return file_exists("/dev/shm/mayfly-12345/i-1") ? 6 : 0;
}

/* Where anybody may have been before. */
static void another_user_has_a_base_of_its_own(void **state)
{
	static const struct {
		const char *when;
		mode_t mode; /* 0: nothing is there */
		uid_t owner;
		const char *link;
		int result;
	} cases[] = {
		{ "nothing is there", 0, 0, NULL, 0 },
		{ "it is there from before", 0700, 12345, NULL, 0 },
		{ "somebody else has made it", 0700, 12346, NULL, 50 },
		{ "somebody else has made it for all", 0777, 12346, NULL, 50 },
		{ "it is open to others", 0755, 12345, NULL, 50 },
		{ "it is a link to a folder of the user's own", 0, 0, "/dev/shm/own", 50 },
		{ "it is a link that leads nowhere", 0, 0, "/dev/shm/nowhere", 50 },
	};
	static const char base[] = "/dev/shm/mayfly-12345";
	struct error err = { 0 };

	(void)state;
	if (!can_have_others()) {
		fprintf(stderr, "SKIPPED: other users need root\n");
		return;
	}
	assert_int_equal(chmod("/dev/shm", 01777), 0);
	assert_true(room_bench_folder("/dev/shm/own", 0700, 12345));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (cases[i].link)
			assert_int_equal(symlink(cases[i].link, base), 0);
		else if (cases[i].mode)
			assert_true(room_bench_folder(base, cases[i].mode, cases[i].owner));
		int result = as_other(12345, live_and_leave);

		if (result != cases[i].result)
			fail_msg("when %s: %d", cases[i].when, result);
		assert_int_equal(file_remove_tree(base, &err), 0);
		(void)unlink(base);
	}
	assert_int_equal(rmdir("/dev/shm/own"), 0);
}

/* ---- kept small ---- */

static void fill_file(const char *path, unsigned megabytes)
{
	SCOPED(buf) struct buf block = BUF(1 << 20);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	while (block.len < 1 << 20)
		buf_addf(&block, "%015zu\n", block.len);
	for (unsigned i = 0; i < megabytes; i++)
		assert_int_equal(fwrite(block.bytes, block.len, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void a_long_console_does_not_fill_memory(void **state)
{
	static const struct {
		const char *when;
		unsigned megabytes, kept; /* of memory, at most */
		bool is_link, is_twice; /* a symbolic link to it, a hard one */
	} cases[] = {
		{ "it is empty", 0, 0, false, false },
		{ "it is as long as may be", 64, 64, false, false },
		{ "it is longer", 70, 33, false, false },
		{ "it is a link to a file elsewhere", 70, 70, true, false },
		{ "it is a file with two names", 70, 70, false, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct room_bench bench;
		struct error err = { 0 };
		struct stat found;
		char last[17] = "";

		room_bench_begin(&bench, "i-1");
		bench.machine.ticket.agent.mode = AGENT_HOST;
		struct agent_room room = room_bench_make(&bench, 0);
		const char *path = scratch_path(room.scratch, ".clearml_agent_out.x.txt");
		const char *real = cases[i].is_link ? scratch_path(room.files, "real") : path;

		fill_file(real, cases[i].megabytes);
		if (cases[i].is_link)
			assert_int_equal(symlink(real, path), 0);
		if (cases[i].is_twice)
			assert_int_equal(link(real, scratch_path(room.files, "twin")), 0);
		assert_int_equal(agent_room_trim(&room, &err), 0);
		assert_int_equal(agent_room_trim(&room, &err), 0);
		assert_int_equal(stat(real, &found), 0);
		assert_int_equal(found.st_size, (off_t)cases[i].megabytes << 20);
		if (found.st_blocks * 512 > (blkcnt_t)cases[i].kept << 20)
			fail_msg("when %s: %ld blocks", cases[i].when, (long)found.st_blocks);
		FILE *file = fopen(real, "re");

		assert_non_null(file);
		if (cases[i].megabytes) {
			assert_int_equal(fseek(file, -16, SEEK_END), 0);
			assert_int_equal(fread(last, 16, 1, file), 1);
			assert_string_equal(last, "000000001048560\n");
		}
		(void)fclose(file);
		room_bench_end(&bench);
	}
}

/* The room is the agent's user's, who may lay anything there. */
static void a_scratch_folder_that_is_none_is_left_alone(void **state)
{
	struct room_bench bench;
	struct error err = { 0 };

	(void)state;
	room_bench_begin(&bench, "i-1");
	bench.machine.ticket.agent.mode = AGENT_HOST;
	struct agent_room room = room_bench_make(&bench, 0);
	const char *elsewhere = scratch_path(bench.folder, "elsewhere");

	assert_int_equal(file_make_folder(elsewhere, 0700, &err), 0);
	fill_file(scratch_path(elsewhere, "long"), 70);
	assert_int_equal(rmdir(room.scratch), 0);
	assert_int_equal(symlink(elsewhere, room.scratch), 0);
	assert_int_equal(agent_room_trim(&room, &err), 0);
	struct stat found;

	assert_int_equal(stat(scratch_path(elsewhere, "long"), &found), 0);
	assert_true(found.st_blocks * 512 >= (blkcnt_t)70 << 20);
	assert_int_equal(unlink(room.scratch), 0);
	room_bench_write(room.scratch, "a file");
	assert_int_equal(agent_room_trim(&room, &err), 0);
	room_bench_end(&bench);
}

static void no_console_is_no_failure(void **state)
{
	struct room_bench bench;
	struct agent_room room;
	struct error err = { 0 };

	(void)state;
	room_bench_begin(&bench, "i-1");
	assert_int_equal(agent_room_name(&bench.machine, 0, &room, &err), 0);
	assert_int_equal(agent_room_trim(&room, &err), 0);
	room_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_room_of_host_mode_has_no_mounts),
		cmocka_unit_test(an_instance_is_contained),
		cmocka_unit_test(a_room_is_given_to_the_agents_user),
		cmocka_unit_test(another_user_has_a_base_of_its_own),
		cmocka_unit_test(a_long_console_does_not_fill_memory),
		cmocka_unit_test(a_scratch_folder_that_is_none_is_left_alone),
		cmocka_unit_test(no_console_is_no_failure),
	};

	if (!own_mounts_begin())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
