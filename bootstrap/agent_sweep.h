#ifndef BOOTSTRAP_AGENT_SWEEP_H
#define BOOTSTRAP_AGENT_SWEEP_H

#include "bootstrap/machine.h"

/*
 * agent_sweep: what an instance leaves on a host when processes were killed: folders with
 * secrets on tmpfs, and from docker mode containers with our labels and mounts. A machine in host
 * mode asks no engine: where another instance may have left containers it takes the secrets
 * away and leaves the name, for the next machine in docker mode. Failures are logged: there is
 * nobody left to handle them.
 */

/* All of one instance, once nothing of it shall live any more. */
void agent_sweep(const struct ticket *ticket, const char *instance);

/* The same, by the ticket in a machine's folder; without one no engine is known. */
void agent_sweep_folder(const char *folder, const char *instance);

/* At a start: what instances left of which no process lives. */
void agent_sweep_stale(const struct machine *machine);

#endif
