#ifndef BOOTSTRAP_AGENT_PROCESSES_H
#define BOOTSTRAP_AGENT_PROCESSES_H

#include <stdbool.h>

#include "common/error.h"

/*
 * agent_processes: who is who among a run's processes, those that bear its mark
 * (MAYFLY_RUN=..., marked.h), also in containers, whose processes root sees. An
 * agent is one whose command names clearml-agent and has a word "execute"; all
 * others are the task: with the agent's own steps before it, such as pip and git.
 */

/* Agents stand still (SIGSTOP), then the task's topmost process gets SIGTERM; what that has started
 * in its turn is left to it. A shell around it ("bash -c ...") is passed over, and ends by itself.
 * ERROR_SYSTEM: /proc cannot be read. */
CHECKED int agent_processes_tell(const char *mark, struct error *err);

/* Does nothing live any more but agents? */
CHECKED int agent_processes_have_ended(const char *mark, bool *have_ended, struct error *err);

#endif
