#include "bootstrap/agent_room.h"

#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/own_mounts.h"
#include "tests/unit/support/scratch.h"

#define BASE "/run/mayfly"

/* A machine with a folder on the disk; its rooms lie in the program's own /run. */
struct bench {
	char folder[SCRATCH_ROOM];
	struct machine machine;
};

static void bench_begin(struct bench *bench, const char *instance)
{
	*bench = (struct bench){ 0 };
	scratch_make(bench->folder);
	bench->machine.ticket.agent.mode = AGENT_DOCKER;
	text_cut(bench->machine.folder, sizeof(bench->machine.folder), bench->folder);
	text_cut(bench->machine.identity.instance, sizeof(bench->machine.identity.instance),
		 instance);
}

static void bench_end(struct bench *bench)
{
	struct error err = { 0 };

	if (agent_room_remove_all(bench->machine.identity.instance, false, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(own_mounts_count(BASE), 0);
	scratch_remove(bench->folder);
}

static struct agent_room make(struct bench *bench, unsigned seat)
{
	struct agent_room room = { 0 };
	struct error err = { 0 };

	if (agent_room_make(&bench->machine, seat, &room, &err) < 0)
		fail_msg("%s", err.message);
	return room;
}

static void remove_room(struct bench *bench, unsigned seat)
{
	struct error err = { 0 };

	if (agent_room_remove(&bench->machine, seat, &err) < 0)
		fail_msg("%s", err.message);
}

static void write_text(const char *path, const char *text)
{
	struct error err = { 0 };

	if (file_write(path, slice_of(text), 0600, &err) < 0)
		fail_msg("%s", err.message);
}

static unsigned mode_of(const char *path)
{
	struct stat found;

	if (lstat(path, &found) < 0)
		fail_msg("%s is not there", path);
	return found.st_mode;
}

/* In a user namespace of the program's own nobody but root is. */
static bool can_have_others(void)
{
	bool can = mkdir("/run/others", 0700) == 0 && chown("/run/others", 12345, 12345) == 0;

	return rmdir("/run/others") == 0 && can;
}

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
	struct bench bench;

	(void)state;
	bench_begin(&bench, "i-1");
	mode_t old = umask(0);
	struct agent_room room = make(&bench, 3);

	umask(old);
	assert_string_equal(room.folder, BASE "/i-1/3");
	assert_string_equal(room.conf, BASE "/i-1/3/clearml.conf");
	assert_string_equal(room.host, BASE "/i-1/3/host");
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (mode_of(folders[i]) != (S_IFDIR | 0700))
			fail_msg("%s: mode %o", folders[i], mode_of(folders[i]));
	bench_end(&bench);
}

/* What lies in the caches is on the disk, and nothing else is. */
static void caches_lie_on_the_disk(void **state)
{
	struct bench bench;

	(void)state;
	bench_begin(&bench, "i-1");
	struct agent_room room = make(&bench, 0);

	write_text(scratch_path(room.host, "caches/wheel"), "w");
	write_text(scratch_path(room.host, "clearml.conf"), "secret");
	assert_true(file_exists(scratch_path(bench.folder, "agent/0/caches/wheel")));
	assert_int_equal(mode_of(scratch_path(bench.folder, "agent/0/caches")), S_IFDIR | 0700);
	remove_room(&bench, 0);
	assert_false(file_exists(room.folder));
	assert_true(file_exists(scratch_path(bench.folder, "agent/0/caches/wheel")));
	struct agent_room again = make(&bench, 0); /* and back they are for the next run */

	assert_true(file_exists(scratch_path(again.host, "caches/wheel")));
	assert_false(file_exists(scratch_path(again.host, "clearml.conf")));
	bench_end(&bench);
	assert_false(file_exists(BASE "/i-1"));
}

static void a_room_is_made_twice(void **state)
{
	struct bench bench;

	(void)state;
	bench_begin(&bench, "i-1");
	struct agent_room room = make(&bench, 0);

	write_text(room.conf, "kept");
	(void)make(&bench, 0);
	assert_true(file_exists(room.conf));
	assert_int_equal(own_mounts_count(room.folder), 1);
	remove_room(&bench, 0);
	remove_room(&bench, 0); /* absent is success */
	assert_int_equal(own_mounts_count(BASE), 0);
	bench_end(&bench);
}

/* ---- what is in the way ---- */

/* False: a namespace of one user has no foreign folders. */
static bool make_folder(const char *path, mode_t mode, uid_t owner)
{
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, mode), 0);
	return !owner || chown(path, owner, owner) == 0;
}

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
		struct bench bench;

		assert_int_equal(file_remove_tree(BASE, &err), 0);
		bench_begin(&bench, "i-1");
		text_cut(above, sizeof(above), cases[i].path);
		slash = strrchr(above, '/');
		*slash = '\0';
		assert_int_equal(file_make_folder(above, 0700, &err), 0);
		bool is_possible =
			cases[i].link ? symlink(cases[i].link, cases[i].path) == 0 :
					make_folder(cases[i].path, cases[i].mode, cases[i].owner);
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
		struct bench bench;

		bench_begin(&bench, cases[i].instance);
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
		struct bench bench;
		struct error err = { 0 };

		bench_begin(&bench, "i-1");
		if (cases[i].folder)
			text_cut(bench.machine.folder, sizeof(bench.machine.folder),
				 cases[i].folder);
		struct agent_room room = make(&bench, 0);
		const char *place = scratch_path(room.host, "caches");
		const char *disk = scratch_path(bench.machine.folder, "agent/0/caches");

		write_text(scratch_path(place, "wheel"), "w");
		for (int j = 0; j < 8; j++)
			assert_int_equal(mount(disk, place, "none", MS_BIND, NULL), 0);
		if (agent_room_remove(&bench.machine, 0, &err) == 0)
			fail_msg("when %s: it is said to be gone", cases[i].when);
		if (!file_exists(scratch_path(disk, "wheel")))
			fail_msg("when %s: the caches are gone", cases[i].when);
		remove_room(&bench, 0);
		if (!file_exists(scratch_path(disk, "wheel")) || file_exists(room.folder))
			fail_msg("when %s: the second time", cases[i].when);
		bench_end(&bench);
	}
}

/* A task may have laid links where its agent writes: what they show stays. */
static void links_are_not_followed(void **state)
{
	struct bench bench;
	struct error err = { 0 };

	(void)state;
	bench_begin(&bench, "i-1");
	struct agent_room room = make(&bench, 0);
	const char *precious = scratch_path(bench.folder, "precious");

	assert_int_equal(file_make_folder(precious, 0700, &err), 0);
	write_text(scratch_path(precious, "file"), "p");
	assert_int_equal(symlink(precious, scratch_path(room.host, "link")), 0);
	remove_room(&bench, 0);
	/* In the place of the caches, too: then nothing is unmounted, and nothing behind it goes.
	 */
	assert_int_equal(file_make_folder(room.host, 0700, &err), 0);
	assert_int_equal(symlink(precious, scratch_path(room.host, "caches")), 0);
	remove_room(&bench, 0);
	assert_true(file_exists(scratch_path(precious, "file")));
	bench_end(&bench);
}

static void all_rooms_of_an_instance_go(void **state)
{
	struct folder_entry *others = NULL;
	struct error err = { 0 };
	struct bench one, other;
	size_t count = 0;

	(void)state;
	bench_begin(&one, "i-1");
	bench_begin(&other, "i-2");
	assert_int_equal(agent_room_remove_all("i-1", false, &err), 0); /* absent is success */
	for (unsigned seat = 0; seat < 16; seat++)
		write_text(make(&one, seat).conf, "secret");
	write_text(make(&other, 0).conf, "secret");
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
	bench_end(&other);
	assert_int_equal(agent_room_list("i-1", &others, &count, &err), 0);
	assert_int_equal(count, 0);
	free(others);
	bench_end(&one);
}

/* One that cannot be taken away does not keep the others' secrets here. */
static void one_that_stays_does_not_keep_the_others(void **state)
{
	struct bench bench;
	struct error err = { 0 };

	(void)state;
	bench_begin(&bench, "i-1");
	for (unsigned seat = 0; seat < 3; seat++)
		write_text(make(&bench, seat).conf, "secret");
	assert_int_equal(mkdir(BASE "/i-1/0/host/other", 0700), 0);
	assert_int_equal(mount("tmpfs", BASE "/i-1/0/host/other", "tmpfs", 0, NULL), 0);
	assert_int_equal(agent_room_remove_all("i-1", false, &err), -1);
	assert_non_null(strstr(err.message, "/i-1/0"));
	assert_false(file_exists(BASE "/i-1/0/clearml.conf"));
	assert_false(file_exists(BASE "/i-1/1"));
	assert_false(file_exists(BASE "/i-1/2"));
	assert_int_equal(umount(BASE "/i-1/0/host/other"), 0);
	bench_end(&bench);
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
	struct bench bench;
	struct error err = { 0 };

	(void)state;
	bench_begin(&bench, "i-1");
	bench.machine.ticket.agent.mode = AGENT_HOST;
	struct agent_room room = make(&bench, 3);

	assert_string_equal(room.scratch, BASE "/i-1/3/tmp");
	assert_string_equal(room.files, BASE "/i-1/3/files");
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (mode_of(folders[i]) != (S_IFDIR | 0700))
			fail_msg("%s: mode %o", folders[i], mode_of(folders[i]));
	assert_false(file_exists(room.host));
	assert_int_equal(own_mounts_count(BASE), 0);
	assert_false(agent_room_is_contained("i-1"));
	write_text(room.conf, "secret");
	(void)make(&bench, 3); /* again is fine */
	assert_true(file_exists(room.conf));
	(void)make(&bench, 4);
	remove_room(&bench, 3);
	assert_false(file_exists(room.folder));
	assert_true(file_exists(BASE "/i-1/4"));
	assert_int_equal(agent_room_remove(&bench.machine, 4, &err), 0);
	assert_false(file_exists(BASE "/i-1")); /* with the last of its rooms */
	bench_end(&bench);
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
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;
		struct error err = { 0 };

		bench_begin(&bench, "i-1");
		if (cases[i].has_docker_room)
			(void)make(&bench, 1);
		bench.machine.ticket.agent.mode = AGENT_HOST;
		if (cases[i].has_host_room)
			(void)make(&bench, 0);
		if (cases[i].keeps_name)
			assert_int_equal(agent_room_remove_all("i-1", true, &err), 0);
		if (agent_room_is_contained("i-1") != cases[i].is_contained)
			fail_msg("when %s", cases[i].when);
		bench_end(&bench);
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
	struct bench bench;
	struct error err = { 0 };

	(void)state;
	if (!can_have_others()) {
		fprintf(stderr, "SKIPPED: other users need root\n");
		return;
	}
	bench_begin(&bench, "i-1");
	bench.machine.ticket.agent.mode = AGENT_HOST;
	struct agent_room room = make(&bench, 0);

	(void)make(&bench, 1);
	write_text(room.conf, "secret");
	write_text(scratch_path(room.ssh, "id"), "secret");
	assert_int_not_equal(as_other(12345, read_and_write_room), 0);
	assert_int_equal(agent_room_give(&room, 12345, 12345, &err), 0);
	assert_int_equal(mode_of(room.folder), S_IFDIR | 0700);
	assert_int_equal(as_other(12345, read_and_write_room), 0);
	assert_int_equal(as_other(12346, cannot_enter_room), 0);
	/* It is another user's now: not to be written into as root, but to be made anew. */
	assert_int_equal(agent_room_make(&bench.machine, 0, &room, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	remove_room(&bench, 0);
	(void)make(&bench, 0);
	bench_end(&bench);
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
	assert_true(make_folder("/dev/shm/own", 0700, 12345));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (cases[i].link)
			assert_int_equal(symlink(cases[i].link, base), 0);
		else if (cases[i].mode)
			assert_true(make_folder(base, cases[i].mode, cases[i].owner));
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
		struct bench bench;
		struct error err = { 0 };
		struct stat found;
		char last[17] = "";

		bench_begin(&bench, "i-1");
		bench.machine.ticket.agent.mode = AGENT_HOST;
		struct agent_room room = make(&bench, 0);
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
		bench_end(&bench);
	}
}

static void no_console_is_no_failure(void **state)
{
	struct bench bench;
	struct agent_room room;
	struct error err = { 0 };

	(void)state;
	bench_begin(&bench, "i-1");
	assert_int_equal(agent_room_name(&bench.machine, 0, &room, &err), 0);
	assert_int_equal(agent_room_trim(&room, &err), 0);
	bench_end(&bench);
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
		cmocka_unit_test(a_room_of_host_mode_has_no_mounts),
		cmocka_unit_test(an_instance_is_contained),
		cmocka_unit_test(a_room_is_given_to_the_agents_user),
		cmocka_unit_test(another_user_has_a_base_of_its_own),
		cmocka_unit_test(a_long_console_does_not_fill_memory),
		cmocka_unit_test(no_console_is_no_failure),
	};

	if (!own_mounts_begin())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
