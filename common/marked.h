#ifndef COMMON_MARKED_H
#define COMMON_MARKED_H

#include <stdint.h>
#include <sys/types.h>

#include "common/buf.h"

/*
 * marked: the processes that belong to a machine or a run, found by a variable
 * in the environment they were started with (/proc/PID/environ), which their
 * children inherit whatever session or group they move to. So a local machine
 * can be taken away whole after any crash. Zombies do not count. A process
 * that a task started with a cleaned environment escapes; README says so.
 *
 * We find what we may look at: root all, another user its own processes, but
 * not those that called secret_prepare_process() (the kernel shows a process
 * that is not dumpable to root alone). So an unprivileged parent must know its
 * own such child by its pid; what that child starts can be found again.
 */

struct marked {
	pid_t *pids;
	size_t count;
};

/* All processes, except ourselves, whose environment holds marker ("NAME=value", whole).
 * ERROR_SYSTEM when /proc cannot be read: then nothing is known. */
CHECKED int marked_find(const char *marker, struct marked *out, struct error *err);

/*
 * SIGTERM first where grace_ms > 0, then SIGKILL, until none is found for
 * two looks running; by timeout_ms (grace included) some still live: ERROR_SYSTEM
 * that names one. spare is a pid left alone (0: none).
 */
CHECKED int marked_kill(const char *marker, pid_t spare, int64_t grace_ms, int64_t timeout_ms,
			struct error *err);
/* To the process of this number, if it (still) bears the mark. */
void marked_signal(pid_t pid, const char *marker, int number);
void marked_release(struct marked *marked);

#endif
