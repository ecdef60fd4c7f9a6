#ifndef BOOTSTRAP_MACHINE_H
#define BOOTSTRAP_MACHINE_H

#include "bootstrap/images.h"
#include "common/clearml.h"
#include "common/ticket.h"
#include "common/worker_id.h"

/*
 * machine: what bootstrap knows once identify and admit are done: a plain
 * record that the later phases read. The supervisor owns it.
 *
 * The machine's folder (0700) holds, for provider local:
 *   instance.json  who it is: written by the launcher before the start, read by identity.c
 *   user-data      ticket, signatures and sealed bundle, as launched (envelope.h), 0600
 *   ticket.json, bundle.age  what of it was admitted, 0600; the second one is sealed
 *   journal.json   what a seat runs: written before the pop, read after a crash
 *   control.sock   the local command socket (drain, keep, leave, status)
 *   agent/SEAT/    a seat's agent: home, virtual environments, caches, console.log (in docker
 *                  mode its caches, and the end of its output); its secrets: agent_room.h
 *   init.sh, init.log, init.json
 *                  the ticket's init script, what it said, how far it came
 *   last-life.json the exit record
 *   bootstrap.log, keeper.log
 * On rented machines the same files lie where their natures want them (tmpfs, /var/lib).
 */

enum { MACHINE_PATH_ROOM = 512 };

struct identity {
	char provider[TICKET_FIELD_ROOM]; /* "local" */
	char instance[TICKET_FIELD_ROOM]; /* "local-1f0e..." */
	char type[TICKET_FIELD_ROOM], zone[TICKET_FIELD_ROOM], market[TICKET_FIELD_ROOM];
	int64_t launched_s; /* by the provider's word, wall seconds */
	int64_t launched_monotonic_ms; /* the same moment by our monotonic clock, at most now */
};

struct machine {
	char folder[MACHINE_PATH_ROOM];
	struct identity identity;
	struct ticket ticket;
	struct bundle bundle;
	struct clearml *clearml;
	struct engine *engine; /* in docker mode, else NULL */
	struct images *images; /* the same */
	char record_id[WORKER_ID_ROOM]; /* prefix:resource:type:instance:bootstrap */
	char marker[128]; /* "MAYFLY_INSTANCE=<instance>": every process of this machine has it */
};

#endif
