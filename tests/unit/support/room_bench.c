#include "tests/unit/support/room_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/own_mounts.h"

void room_bench_begin(struct room_bench *bench, const char *instance)
{
	*bench = (struct room_bench){ 0 };
	scratch_make(bench->folder);
	bench->machine.ticket.agent.mode = AGENT_DOCKER;
	text_cut(bench->machine.folder, sizeof(bench->machine.folder), bench->folder);
	text_cut(bench->machine.identity.instance, sizeof(bench->machine.identity.instance),
		 instance);
}

void room_bench_end(struct room_bench *bench)
{
	struct error err = { 0 };

	if (agent_room_remove_all(bench->machine.identity.instance, false, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(own_mounts_count(BASE), 0);
	scratch_remove(bench->folder);
}

struct agent_room room_bench_make(struct room_bench *bench, unsigned seat)
{
	struct agent_room room = { 0 };
	struct error err = { 0 };

	if (agent_room_make(&bench->machine, seat, &room, &err) < 0)
		fail_msg("%s", err.message);
	return room;
}

void room_bench_remove(struct room_bench *bench, unsigned seat)
{
	struct error err = { 0 };

	if (agent_room_remove(&bench->machine, seat, &err) < 0)
		fail_msg("%s", err.message);
}

void room_bench_write(const char *path, const char *text)
{
	struct error err = { 0 };

	if (file_write(path, slice_of(text), 0600, &err) < 0)
		fail_msg("%s", err.message);
}

unsigned room_bench_mode(const char *path)
{
	struct stat found;

	if (lstat(path, &found) < 0)
		fail_msg("%s is not there", path);
	return found.st_mode;
}

bool room_bench_folder(const char *path, mode_t mode, uid_t owner)
{
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, mode), 0);
	return !owner || chown(path, owner, owner) == 0;
}
