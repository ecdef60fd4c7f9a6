#ifndef BOOTSTRAP_AGENT_H
#define BOOTSTRAP_AGENT_H

#include <sys/types.h>

#include "bootstrap/machine.h"

/*
 * agent: clearml-agent for one task. Host mode: a child process
 * `clearml-agent execute --id TASK --require-queue --full-monitoring --cpu-only`
 * with a home, configuration (0600) and caches of its seat's own, and
 * MAYFLY_RUN=<instance>/<seat>/<task>/<attempt> beside MAYFLY_INSTANCE in its
 * environment, by which all that it starts is found again, after a crash of
 * ours too. No secret in argv or environment: they are in clearml.conf.
 */

struct agent_run {
	unsigned seat, attempt;
	char task[CLEARML_ID_ROOM];
	char worker[WORKER_ID_ROOM]; /* CLEARML_WORKER_ID: the seat's worker record */
};

/* Could an agent be started by what ticket and bundle say? Looked at before any task is taken.
 * ERROR_CONFIGURATION: the user, a variable, a value that clearml.conf cannot carry. */
CHECKED int agent_check(const struct machine *machine, struct error *err);

CHECKED int agent_start(const struct machine *machine, const struct agent_run *run, pid_t *pid,
			struct error *err);

/* Does anything of this run live? (Also of a run that an earlier bootstrap started.) */
CHECKED int agent_is_alive(const struct machine *machine, const struct agent_run *run,
			   bool *is_alive, struct error *err);

/* Kill all of the run and see it gone (the agent first: it must write no status). */
CHECKED int agent_kill(const struct machine *machine, const struct agent_run *run,
		       int64_t timeout_ms, struct error *err);

/* Remove the run's secrets from disk (clearml.conf and copies); caches stay. */
void agent_tidy(const struct machine *machine, const struct agent_run *run);

/* The last lines of the agent's output, for a story; cut to out's limit. */
void agent_console_tail(const struct machine *machine, const struct agent_run *run,
			struct buf *out);

#endif
