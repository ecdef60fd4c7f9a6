#ifndef BOOTSTRAP_AGENT_SWEEP_H
#define BOOTSTRAP_AGENT_SWEEP_H

#include "bootstrap/machine.h"

/*
 * agent_sweep: what docker mode leaves on a host when processes were killed: containers
 * with our labels, folders on tmpfs, mounts. In host mode nothing is done. Failures are logged:
 * there is nobody left to handle them.
 */

/* All of one instance, once nothing of it shall live any more. */
void agent_sweep(const struct ticket *ticket, const char *instance);

/* The same, by the ticket in a machine's folder; what cannot be read is not swept. */
void agent_sweep_folder(const char *folder, const char *instance);

/* At a start: what instances left of which no process lives. */
void agent_sweep_stale(const struct machine *machine);

#endif
