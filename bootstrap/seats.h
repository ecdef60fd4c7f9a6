#ifndef BOOTSTRAP_SEATS_H
#define BOOTSTRAP_SEATS_H

#include "bootstrap/machine.h"

/*
 * seats: pop, journal, run, finish or give back. A seat is one of the tasks
 * that the machine can run at once. The machine owns the dequeue (DESIGN section 6,
 * serve): peek, gates, journal, pop of that very head, owner property, machine
 * record, read again, start the agent; at its end the verdict.
 *
 * seats_step() makes at most one move of each seat and returns soon (each
 * ClearML call has its own deadline); the supervisor calls it in its loop and
 * sends the machine record whenever has_changed is set, so that the record
 * names a task before its agent starts.
 */

struct seats; /* opaque */

struct seats_orders {
	bool may_take; /* false while draining, not in serve, or the slot is in doubt */
	bool must_not_start; /* give back what is taken and not started yet */
	bool must_save; /* the machine is taken away soon: what runs is told to end, so that it may
			 * save what it has, until must_end; then it is given back with end_cause */
	bool must_end; /* kill what runs, give it back with end_cause, then be empty */
	const char *end_cause; /* "max-life", "interrupted", ...: becomes infra:<cause> */
	/* Asked right before a pop: gates and settlement. -1 with a reason: do not take. */
	int (*is_fit)(void *context, struct error *err);
	void *context;
};

struct seats_state {
	unsigned busy, free;
	char tasks[16][CLEARML_ID_ROOM]; /* of busy seats, as the machine record tells them */
	size_t task_count;
	bool has_changed; /* since the last seats_look(): report at once */
	bool is_running; /* an agent lives (dead-man lets it finish) */
	int64_t last_busy_ms; /* monotonic: when a task last ended; 0: none yet */
	unsigned tasks_taken, tasks_given_back;
	unsigned infra_failures; /* in a row; two: the machine should leave */
	int64_t next_poll_ms; /* monotonic: when a free seat wants to look at its queues again */
};

/* Reads the journal and adopts what it names. Resolves nothing yet: no call is made.
 * ERROR_CONFIGURATION: no agent could be started by this ticket and bundle (agent_check()). */
CHECKED int seats_open(const struct machine *machine, struct seats **out, struct error *err);
void seats_step(struct seats *seats, const struct seats_orders *orders, int64_t now_ms);
void seats_look(struct seats *seats, struct seats_state *out);

/* The worker records (idle, on the queues): register or report those that are due. */
void seats_report_workers(struct seats *seats, int64_t now_ms);
void seats_unregister(struct seats *seats); /* at leave; failures are logged */
void seats_close(struct seats *seats); /* kills nothing */

#endif
