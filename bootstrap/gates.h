#ifndef BOOTSTRAP_GATES_H
#define BOOTSTRAP_GATES_H

#include "bootstrap/machine.h"

/*
 * gates: is this machine fit to work? Each gate proves one thing that would
 * else spoil a task, or take it from a queue for nothing. All are passed once
 * before the first task; the quick ones, which ask nobody, before each.
 *
 *   disk    bytes and inodes free in the machine's folder
 *   agent   the agent's program is there and answers --version
 *   clearml the server answers and takes our keys
 *   clock   ours is not far from the server's Date
 *   day     the ticket is of these days (first admission only)
 *   queues  at least one of the ticket's exists; the others are named in the log
 */

enum gate { GATE_DISK, GATE_AGENT, GATE_CLEARML, GATE_CLOCK, GATE_DAY, GATE_QUEUES, GATE_COUNT };

const char *gate_name(enum gate gate);

/*
 * 0: passed, found says what was seen ("12.3 GB and 98 % inodes free").
 * ERROR_UNREACHABLE and ERROR_THROTTLED: try again later; anything else: unfit.
 */
CHECKED int gate_prove(enum gate gate, const struct machine *machine, struct buf *found,
		       struct error *err);

/* Disk and the agent's file, before each pop: no call, no child. */
CHECKED int gates_again(const struct machine *machine, struct error *err);

#endif
