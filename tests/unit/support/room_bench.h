#ifndef TESTS_UNIT_SUPPORT_ROOM_BENCH_H
#define TESTS_UNIT_SUPPORT_ROOM_BENCH_H

#include "bootstrap/agent_room.h"
#include "tests/unit/support/scratch.h"

/*
 * room_bench: a machine in docker mode with a folder on the disk, whose rooms lie in the
 * program's own /run (own_mounts.h). Whatever fails in here ends the test program.
 */

#define BASE "/run/mayfly"

struct room_bench {
	char folder[SCRATCH_ROOM];
	struct machine machine;
};

void room_bench_begin(struct room_bench *bench, const char *instance);
void room_bench_end(struct room_bench *bench);

struct agent_room room_bench_make(struct room_bench *bench, unsigned seat);
void room_bench_remove(struct room_bench *bench, unsigned seat);

void room_bench_write(const char *path, const char *text); /* 0600 */
unsigned room_bench_mode(const char *path); /* with its kind, of a link itself */
/* False: it cannot be given to that owner (0: ours) here. */
bool room_bench_folder(const char *path, mode_t mode, uid_t owner);

#endif
