#ifndef BOOTSTRAP_AGENT_PROCESSES_H
#define BOOTSTRAP_AGENT_PROCESSES_H

#include <stdbool.h>

#include "common/error.h"

/*
 * agent_processes: who is who among a run's processes, those that bear its mark
 * (MAYFLY_RUN=..., marked.h), also in containers, whose processes root sees. An
 * agent is one whose command names clearml-agent and has a word "execute". The task is
 * what agents have started and is no agent: with the agent's own steps before it,
 * such as pip and git.
 */

/* Agents stand still (SIGSTOP), then what they have started themselves gets SIGTERM; what that
 * has started in its turn is left to it. ERROR_SYSTEM: /proc cannot be read. */
CHECKED int agent_processes_tell(const char *mark, struct error *err);

/* Does nothing live any more that an agent, or one of its descendants, has started? */
CHECKED int agent_processes_have_ended(const char *mark, bool *have_ended, struct error *err);

#endif
