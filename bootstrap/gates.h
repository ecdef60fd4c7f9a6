#ifndef BOOTSTRAP_GATES_H
#define BOOTSTRAP_GATES_H

#include "bootstrap/machine.h"

/*
 * gates: is this machine fit to work? Each gate proves one thing that would
 * else spoil a task, or take it from a queue for nothing. All are passed once
 * before the first task; the quick ones, which ask nobody, before each.
 *
 *   disk    bytes and inodes free in the machine's folder
 *   docker  (docker mode) the engine answers; bytes and inodes free where it keeps images
 *   image   (docker mode) the agent's image is here; the default one begins to come
 *   agent   the agent's program is there and answers --version; in docker mode in a container
 *           that sees the seat's caches, and as many GPUs as promised
 *   clearml the server answers and takes our keys
 *   clock   ours is not far from the server's Date
 *   day     the ticket is of these days (first admission only)
 *   queues  at least one of the ticket's exists; the others are named in the log
 */

enum gate {
	GATE_DISK,
	GATE_DOCKER,
	GATE_IMAGE,
	GATE_AGENT,
	GATE_CLEARML,
	GATE_CLOCK,
	GATE_DAY,
	GATE_QUEUES,
	GATE_COUNT
};

const char *gate_name(enum gate gate);

/*
 * 0: passed, found says what was seen ("12.3 GB and 98 % inodes free").
 * ERROR_UNREACHABLE and ERROR_THROTTLED: try again later; anything else: unfit.
 */
CHECKED int gate_prove(enum gate gate, const struct machine *machine, struct buf *found,
		       struct error *err);

/* Does the gate concern a machine of this ticket? */
bool gate_applies(enum gate gate, const struct ticket *ticket);

/* Disk and the agent's file, or the engine, before each pop: no child, no call to ClearML. */
CHECKED int gates_again(const struct machine *machine, struct error *err);

#endif
