#ifndef BOOTSTRAP_AGENT_ENVIRONMENT_H
#define BOOTSTRAP_AGENT_ENVIRONMENT_H

#include "bootstrap/agent.h"

/*
 * agent_environment: the variables that clearml-agent starts with, all of them:
 * nothing is inherited from bootstrap. The base set, then what the ticket adds;
 * a ticket's variable replaces the base one of its name, but those that keep a
 * run apart from others (HOME, TMPDIR, CLEARML_CONFIG_FILE, CLEARML_WORKER_ID,
 * MAYFLY_...) or secrets off the disk it may not name: ERROR_CONFIGURATION.
 */

struct agent_environment {
	char **list; /* "NAME=value", NULL-terminated */
	size_t count;
};

CHECKED int agent_environment_make(const struct machine *machine, const struct agent_run *run,
				   struct agent_environment *out, struct error *err);

/*
 * The same for the agent's container in docker mode: nothing of ours, but what the
 * image sets stands behind it. host_folder is the seat's host mount. What the ticket adds, its
 * docker arguments, the marks and the labels go on to the task's container by
 * CLEARML_AGENT_EXTRA_DOCKER_ARGS and _LABELS. docker inspect shows all of it: no secrets.
 */
CHECKED int agent_environment_contained(const struct machine *machine, const struct agent_run *run,
					const char *host_folder, struct agent_environment *out,
					struct error *err);
void agent_environment_release(struct agent_environment *environment);

#endif
