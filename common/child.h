#ifndef COMMON_CHILD_H
#define COMMON_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buf.h"

/*
 * child: other programs. argv is always a list, no shell is ever asked.
 * A child starts with signals unblocked and default, in a session of its own,
 * with no descriptor of ours but 0, 1, 2 and keep_fd.
 */

struct child_spec {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in our PATH (absolute
				  * folders only), or with a "/" in it is a path seen from folder */
	const char *const *environment; /* NULL-terminated "NAME=value"; NULL: ours */
	const char *folder; /* working folder; NULL: ours */
	const char *output; /* file to which 1 and 2 append (0600); NULL: /dev/null */
	int keep_fd; /* a descriptor it inherits under the same number; 0: none */
	uid_t uid; /* run as this user (with gid, not 0, no other groups); 0: as we are */
	gid_t gid;
	/* Where memory runs out the kernel may kill it as it may anyone (oom_score_adj 0), though
	 * it spares us. Where there is no /proc it stays as we are. */
	bool is_expendable;
	bool dies_with_us; /* SIGKILL to it when our thread dies (PR_SET_PDEATHSIG) */
};

/* When this returns 0 the program is running. ERROR_NOT_FOUND: there is no such program (or its
 * interpreter), ERROR_CONFIGURATION: a user without a group of its own, ERROR_SYSTEM. The caller
 * reaps it. */
CHECKED int child_start(const struct child_spec *spec, pid_t *pid, struct error *err);

/* Collect it without waiting. *has_ended false: still running, *status is left alone. status as
 * of wait(2). ERROR_SYSTEM: no such child of ours. */
CHECKED int child_reap(pid_t pid, bool *has_ended, int *status, struct error *err);

/* Run to its end, add what it writes on 1 and 2 together to out, up to out's
 * limit (more is thrown away, not an error); past timeout_ms it is killed and
 * the answer is ERROR_UNREACHABLE, with what it wrote so far in out. What it
 * left running in its group is killed either way; what moved out of the group
 * lives on and is not waited for. spec->output is ignored. */
CHECKED int child_run(const struct child_spec *spec, int64_t timeout_ms, struct buf *out,
		      int *status, struct error *err);

/* "exit status 3", "killed by SIGKILL". */
void child_describe(int status, char *text, size_t room);

#endif
