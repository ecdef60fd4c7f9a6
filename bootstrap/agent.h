#ifndef BOOTSTRAP_AGENT_H
#define BOOTSTRAP_AGENT_H

#include <sys/types.h>

#include "bootstrap/machine.h"

/*
 * agent: clearml-agent for one task, by the ticket's agent.mode.
 *
 * host    A child process `clearml-agent execute --id TASK --require-queue
 *         --full-monitoring --cpu-only` with a home and caches of its seat's own.
 * docker  A container of the agent image, which starts the task's container beside
 *         itself (through the engine's socket); caches lie in FOLDER/agent/SEAT/caches.
 *
 * Secrets lie on a tmpfs (agent_room.h). On the disk are, as long as a task runs: in docker mode
 * what the task's container has got of them, in its layer; in host mode, while git works,
 * the agent's script that tells git the token, in FOLDER/agent/SEAT/tmp (0700).
 *
 * Either way MAYFLY_RUN=<instance>/<seat>/<task>/<attempt> beside MAYFLY_INSTANCE is
 * in the environment of all that belongs to the run, and in docker mode the
 * labels of engine.h: by them it is found again, after a crash of ours too. No
 * secret in argv or environment: they are in clearml.conf.
 */

struct agent_run {
	unsigned seat, attempt;
	char task[CLEARML_ID_ROOM];
	char worker[WORKER_ID_ROOM]; /* CLEARML_WORKER_ID: the seat's worker record */
	bool is_urgent; /* the machine ends: an engine that does not answer is not waited for */
	char image[CLEARML_IMAGE_ROOM]; /* that agent_prepare() saw to; "": none, or not known any
					   more */
};

/* Could an agent be started by what ticket and bundle say? Looked at before any task is taken.
 * ERROR_CONFIGURATION: the user, a variable, a value that clearml.conf cannot carry. */
CHECKED int agent_check(const struct machine *machine, struct error *err);

/* What is still missing for this task, and what people should know of it. */
struct agent_wish { /* monotonic */
	int64_t since_ms; /* when the task was taken: what ended before is no answer; not 0 */
	int64_t now_ms;
};

struct agent_news {
	bool is_ready; /* else ask again soon: something is on its way */
	bool is_tasks_fault; /* of a failure: the task's own wishes cannot be met */
	bool is_known; /* of a failure: another task met the very same one */
	char cause[48]; /* of a failure: one word, "image-missing" */
	char image[CLEARML_IMAGE_ROOM]; /* when ready: what it runs in; "" in host mode */
	char text[300]; /* while not ready: how far; when ready: what it will go without; "" */
};

/*
 * Is all here that the task needs: its image, arguments that may be passed on?
 * (Host mode: always.) Asked again until ready, then the agent may start at once.
 * -1: it cannot run on this machine; news says whose fault that is. ERROR_UNREACHABLE while
 * neither: ClearML or the engine did not answer, ask again.
 */
CHECKED int agent_prepare(const struct machine *machine, const struct clearml_task *task,
			  const struct agent_wish *wish, struct agent_news *news,
			  struct error *err);

/* *pid 0: it is no child of ours, agent_is_alive() tells. */
CHECKED int agent_start(const struct machine *machine, const struct agent_run *run, pid_t *pid,
			struct error *err);

/* Does anything of this run live? (Also of a run that an earlier bootstrap started.) */
CHECKED int agent_is_alive(const struct machine *machine, const struct agent_run *run,
			   bool *is_alive, struct error *err);

/*
 * Once in a while as it runs: does it do what it may? ERROR_REFUSED: the task's container has
 * got what tasks may not have (docker_policy.h); then the run must end.
 */
CHECKED int agent_examine(const struct machine *machine, const struct agent_run *run,
			  struct error *err);

/* What the engine told of it; nothing in host mode. */
void agent_look(const struct machine *machine, const struct agent_run *run, struct engine_run *out);

/*
 * The machine is taken away soon: what the task's own process is (not what it started) gets
 * SIGTERM, so that it can save what it has. Before that the agent is made silent, which would
 * write a status as it sees its task end: in docker mode its container is killed, and the agent
 * inside of the task's container, whose end would be the container's, stands still (SIGSTOP), as
 * in host mode does the one there. agent_kill() ends the rest.
 * The errors of agent_kill(); it may be called again.
 */
CHECKED int agent_save(const struct machine *machine, const struct agent_run *run,
		       int64_t timeout_ms, struct error *err);
/* After agent_save(): does nothing of the task run any more? */
CHECKED int agent_has_saved(const struct machine *machine, const struct agent_run *run,
			    bool *has_saved, struct error *err);

/* Kill all of the run and see it gone (the agent first: it must write no status).
 * ERROR_UNREACHABLE: the container engine does not answer, and has not been given up yet. */
CHECKED int agent_kill(const struct machine *machine, const struct agent_run *run,
		       int64_t timeout_ms, struct error *err);

/* Remove the run's secrets (its room, and what the agent left in its TMPDIR); caches stay. */
void agent_tidy(const struct machine *machine, const struct agent_run *run);

/* The last lines of the agent's output, for a story; cut to out's limit. */
void agent_console_tail(const struct machine *machine, const struct agent_run *run,
			struct buf *out);

#endif
