#ifndef BOOTSTRAP_INBOX_H
#define BOOTSTRAP_INBOX_H

#include "bootstrap/machine.h"
#include "bootstrap/trust.h"
#include "common/clearml_board.h"
#include "common/orders.h"

/*
 * inbox: the reaper's orders to this machine (common/orders.h), read from the
 * reaper's ClearML task right after a heartbeat that ClearML took, at most
 * once in report_every_s: one call.
 *
 * The task is found by its name, since a ticket knows no task: it is a pure
 * function of the configuration, so that a launch can be repeated, and a
 * reaper whose task was deleted makes another one. Its id is kept for some
 * time, as a look by id is cheaper for the server; then it is found anew, so
 * that all machines come to the same task as the reaper, the oldest one.
 *
 * What is not to be obeyed (orders.h) is logged once and changes nothing;
 * after errors the inbox waits longer and longer. The machine lives on
 * without orders as with them.
 */

struct inbox {
	struct trust_files
		trust; /* read anew each time: keys may be added under a running machine */
	char task[CLEARML_ID_ROOM]; /* "": to be found */
	int64_t find_ms, next_ms; /* monotonic: when to find it anew, when to look at all */
	unsigned failures; /* in a row */
	char told[256]; /* the last complaint that was logged */
};

struct heard {
	int64_t number; /* of the orders; 0: none were ever heard */
	int64_t time_s; /* when they were signed, by ClearML's clock */
	enum order order; /* for this machine */
};

void inbox_open(struct inbox *inbox, const struct trust_files *trust);

/* true: there are orders of now, and *out is what they say to this machine, also when that is
 * nothing, and also when it has said so before. last_number: of the orders that were obeyed. */
bool inbox_look(struct inbox *inbox, const struct machine *machine, int64_t last_number,
		int64_t now_ms, struct heard *out);

#endif
