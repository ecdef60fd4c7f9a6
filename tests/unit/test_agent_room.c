#include "bootstrap/agent_room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/own_mounts.h"
#include "tests/unit/support/room_bench.h"

/* ---- made ---- */

static void a_room_is_private(void **state)
{
	static const char *const folders[] = { BASE,
					       BASE "/i-1",
					       BASE "/i-1/3",
					       BASE "/i-1/3/host",
					       BASE "/i-1/3/ssh",
					       BASE "/i-1/3/host/tmp",
					       BASE "/i-1/3/host/caches" };
	struct room_bench bench;

	(void)state;
	room_bench_begin(&bench, "i-1");
	mode_t old = umask(0);
	struct agent_room room = room_bench_make(&bench, 3);

	umask(old);
	assert_string_equal(room.folder, BASE "/i-1/3");
	assert_string_equal(room.conf, BASE "/i-1/3/clearml.conf");
	assert_string_equal(room.host, BASE "/i-1/3/host");
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (room_bench_mode(folders[i]) != (S_IFDIR | 0700))
			fail_msg("%s: mode %o", folders[i], room_bench_mode(folders[i]));
	room_bench_end(&bench);
}

/* What lies in the caches is on the disk, and nothing else is. */
static void caches_lie_on_the_disk(void **state)
{
	struct room_bench bench;

	(void)state;
	room_bench_begin(&bench, "i-1");
	struct agent_room room = room_bench_make(&bench, 0);

	room_bench_write(scratch_path(room.host, "caches/wheel"), "w");
	room_bench_write(scratch_path(room.host, "clearml.conf"), "secret");
	assert_true(file_exists(scratch_path(bench.folder, "agent/0/caches/wheel")));
	assert_int_equal(room_bench_mode(scratch_path(bench.folder, "agent/0/caches")),
			 S_IFDIR | 0700);
	room_bench_remove(&bench, 0);
	assert_false(file_exists(room.folder));
	assert_true(file_exists(scratch_path(bench.folder, "agent/0/caches/wheel")));
	struct agent_room again =
		room_bench_make(&bench, 0); /* and back they are for the next run */

	assert_true(file_exists(scratch_path(again.host, "caches/wheel")));
	assert_false(file_exists(scratch_path(again.host, "clearml.conf")));
	room_bench_end(&bench);
	assert_false(file_exists(BASE "/i-1"));
}

static void a_room_is_made_twice(void **state)
{
	struct room_bench bench;

	(void)state;
	room_bench_begin(&bench, "i-1");
	struct agent_room room = room_bench_make(&bench, 0);

	room_bench_write(room.conf, "kept");
	(void)room_bench_make(&bench, 0);
	assert_true(file_exists(room.conf));
	assert_int_equal(own_mounts_count(room.folder), 1);
	room_bench_remove(&bench, 0);
	room_bench_remove(&bench, 0); /* absent is success */
	assert_int_equal(own_mounts_count(BASE), 0);
	room_bench_end(&bench);
}

/* ---- what is in the way ---- */

/* False: a namespace of one user has no foreign folders. */
static void what_is_not_ours_is_not_used(void **state)
{
	static const struct {
		const char *when, *path;
		mode_t mode;
		uid_t owner;
		const char *link; /* NULL: a folder */
	} cases[] = {
		{ "the base is somebody else's", BASE, 0700, 12345, NULL },
		{ "the base is open to others", BASE, 0755, 0, NULL },
		{ "the base can be written by the group", BASE, 0720, 0, NULL },
		{ "the base is a link", BASE, 0, 0, "/tmp" },
		{ "the instance's folder is a link", BASE "/i-1", 0, 0, "/tmp" },
		{ "the seat's folder is somebody else's", BASE "/i-1/0", 0700, 12345, NULL },
		{ "the seat's folder is open", BASE "/i-1/0", 0777, 0, NULL },
		{ "the host mount is a link", BASE "/i-1/0/host", 0, 0, "/tmp" },
		{ "the place of the caches is a link", BASE "/i-1/0/host/caches", 0, 0, "/tmp" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct agent_room room = { 0 };
		struct error err = { 0 };
		char above[128], *slash;
		struct room_bench bench;

		assert_int_equal(file_remove_tree(BASE, &err), 0);
		room_bench_begin(&bench, "i-1");
		text_cut(above, sizeof(above), cases[i].path);
		slash = strrchr(above, '/');
		*slash = '\0';
		assert_int_equal(file_make_folder(above, 0700, &err), 0);
		bool is_possible = cases[i].link ? symlink(cases[i].link, cases[i].path) == 0 :
						   room_bench_folder(cases[i].path, cases[i].mode,
								     cases[i].owner);
		int result = agent_room_make(&bench.machine, 0, &room, &err);

		if (!is_possible)
			fprintf(stderr, "SKIPPED: when %s\n", cases[i].when);
		else if (result == 0 || err.class != ERROR_CONFIGURATION ||
			 !strstr(err.message, cases[i].path))
			fail_msg("when %s: %d, %s", cases[i].when, result, err.message);
		if (is_possible && (room.folder[0] || own_mounts_count(BASE)))
			fail_msg("when %s: half a room is left mounted", cases[i].when);
		/* Behind somebody else's base nothing is removed either. */
		bool is_base = !strcmp(cases[i].path, BASE);

		assert_int_equal(agent_room_remove(&bench.machine, 0, &err),
				 is_possible && is_base ? -1 : 0);
		scratch_remove(bench.folder);
	}
	assert_int_equal(file_remove_tree(BASE, &(struct error){ 0 }), 0);
}

static void some_instances_have_no_room(void **state)
{
	static char long_name[] =
		"iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii";
	static const struct {
		const char *when, *instance;
		bool is_fine;
	} cases[] = {
		{ "the name is as long as one can be", long_name, true },
		{ "the name climbs", "..", false },
		{ "the name has a folder", "a/b", false },
		{ "the name is hidden", ".a", false },
		{ "the name is empty", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };
		struct agent_room room;
		struct room_bench bench;

		room_bench_begin(&bench, cases[i].instance);
		int result = agent_room_name(&bench.machine, 15, &room, &err);

		if ((result == 0) != cases[i].is_fine)
			fail_msg("when %s: %d %s", cases[i].when, result, err.message);
		if (!cases[i].is_fine &&
		    (err.class != ERROR_CONFIGURATION ||
		     agent_room_remove_all(cases[i].instance, false, &err) == 0))
			fail_msg("when %s: it is removed all the same", cases[i].when);
		scratch_remove(bench.folder);
	}
}

/* ---- removed ---- */

/*
 * A mount that cannot go, here because more of them lie there than are looked for. On one file
 * system with the room nothing would stop who removes the room but that it is not removed.
 */
static void caches_outlive_a_mount_that_stays(void **state)
{
	static const struct {
		const char *when, *folder; /* folder NULL: on the disk */
	} cases[] = {
		{ "the machine's folder is on the disk", NULL },
		{ "the machine's folder is in memory, too", "/run/machine" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct room_bench bench;
		struct error err = { 0 };

		room_bench_begin(&bench, "i-1");
		if (cases[i].folder)
			text_cut(bench.machine.folder, sizeof(bench.machine.folder),
				 cases[i].folder);
		struct agent_room room = room_bench_make(&bench, 0);
		const char *place = scratch_path(room.host, "caches");
		const char *disk = scratch_path(bench.machine.folder, "agent/0/caches");

		room_bench_write(scratch_path(place, "wheel"), "w");
		for (int j = 0; j < 8; j++)
			assert_int_equal(mount(disk, place, "none", MS_BIND, NULL), 0);
		if (agent_room_remove(&bench.machine, 0, &err) == 0)
			fail_msg("when %s: it is said to be gone", cases[i].when);
		if (!file_exists(scratch_path(disk, "wheel")))
			fail_msg("when %s: the caches are gone", cases[i].when);
		room_bench_remove(&bench, 0);
		if (!file_exists(scratch_path(disk, "wheel")) || file_exists(room.folder))
			fail_msg("when %s: the second time", cases[i].when);
		room_bench_end(&bench);
	}
}

/* A task may have laid links where its agent writes: what they show stays. */
static void links_are_not_followed(void **state)
{
	struct room_bench bench;
	struct error err = { 0 };

	(void)state;
	room_bench_begin(&bench, "i-1");
	struct agent_room room = room_bench_make(&bench, 0);
	const char *precious = scratch_path(bench.folder, "precious");

	assert_int_equal(file_make_folder(precious, 0700, &err), 0);
	room_bench_write(scratch_path(precious, "file"), "p");
	assert_int_equal(symlink(precious, scratch_path(room.host, "link")), 0);
	room_bench_remove(&bench, 0);
	/* In the place of the caches, too: then nothing is unmounted, and nothing behind it goes.
	 */
	assert_int_equal(file_make_folder(room.host, 0700, &err), 0);
	assert_int_equal(symlink(precious, scratch_path(room.host, "caches")), 0);
	room_bench_remove(&bench, 0);
	assert_true(file_exists(scratch_path(precious, "file")));
	room_bench_end(&bench);
}

static void all_rooms_of_an_instance_go(void **state)
{
	struct folder_entry *others = NULL;
	struct error err = { 0 };
	struct room_bench one, other;
	size_t count = 0;

	(void)state;
	room_bench_begin(&one, "i-1");
	room_bench_begin(&other, "i-2");
	assert_int_equal(agent_room_remove_all("i-1", false, &err), 0); /* absent is success */
	for (unsigned seat = 0; seat < 16; seat++)
		room_bench_write(room_bench_make(&one, seat).conf, "secret");
	room_bench_write(room_bench_make(&other, 0).conf, "secret");
	assert_int_equal(agent_room_list("i-1", &others, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_string_equal(others[0].name, "i-2");
	free(others);
	assert_int_equal(own_mounts_count(BASE "/i-1"), 16);
	assert_int_equal(agent_room_remove_all("i-1", false, &err), 0);
	assert_int_equal(own_mounts_count(BASE "/i-1"), 0);
	assert_false(file_exists(BASE "/i-1"));
	assert_true(file_exists(BASE "/i-2/0/clearml.conf"));
	assert_true(file_exists(scratch_path(one.folder, "agent/15/caches")));
	room_bench_end(&other);
	assert_int_equal(agent_room_list("i-1", &others, &count, &err), 0);
	assert_int_equal(count, 0);
	free(others);
	room_bench_end(&one);
}

/* One that cannot be taken away does not keep the others' secrets here. */
static void one_that_stays_does_not_keep_the_others(void **state)
{
	struct room_bench bench;
	struct error err = { 0 };

	(void)state;
	room_bench_begin(&bench, "i-1");
	for (unsigned seat = 0; seat < 3; seat++)
		room_bench_write(room_bench_make(&bench, seat).conf, "secret");
	assert_int_equal(mkdir(BASE "/i-1/0/host/other", 0700), 0);
	assert_int_equal(mount("tmpfs", BASE "/i-1/0/host/other", "tmpfs", 0, NULL), 0);
	assert_int_equal(agent_room_remove_all("i-1", false, &err), -1);
	assert_non_null(strstr(err.message, "/i-1/0"));
	assert_false(file_exists(BASE "/i-1/0/clearml.conf"));
	assert_false(file_exists(BASE "/i-1/1"));
	assert_false(file_exists(BASE "/i-1/2"));
	assert_int_equal(umount(BASE "/i-1/0/host/other"), 0);
	room_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_room_is_private),
		cmocka_unit_test(caches_lie_on_the_disk),
		cmocka_unit_test(a_room_is_made_twice),
		cmocka_unit_test(some_instances_have_no_room),
		cmocka_unit_test(caches_outlive_a_mount_that_stays),
		cmocka_unit_test(links_are_not_followed),
		cmocka_unit_test(all_rooms_of_an_instance_go),
		cmocka_unit_test(one_that_stays_does_not_keep_the_others),
		cmocka_unit_test(what_is_not_ours_is_not_used),
	};

	if (!own_mounts_begin())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
