#ifndef COMMON_REASON_H
#define COMMON_REASON_H

/*
 * reason: why a machine leaves, as one table: the word that stands in the
 * machine record, the exit record and the log; the exit status of `run`; and
 * the cause that is written to a task which had to be given back (infra:CAUSE).
 */

enum reason {
	REASON_FAILED, /* zero: a path that forgot to say why is a failure */
	REASON_IDLE,
	REASON_ONE_TASK,
	REASON_DRAINED, /* by command */
	REASON_SIGTERM,
	REASON_MAX_AGE,
	REASON_MAX_LIFE,
	REASON_TERMINATED, /* end now: SIGINT, a second SIGTERM */
	REASON_TOLD_TO_LEAVE, /* end now, by command */
	REASON_INTERRUPTED, /* the cloud takes the machine away (a spot notice) */
	REASON_REBALANCE, /* it says that it may soon (a rebalance recommendation) */
	REASON_SLOT_HELD,
	REASON_DEAD_MAN,
	REASON_INFRASTRUCTURE,
	REASON_BOOT_DEADLINE,
	REASON_GATE,
	REASON_INIT, /* the ticket's init script failed */
	REASON_IDENTITY,
	REASON_ADMISSION,
	REASON_SYSTEM, /* a local call failed: worth a restart */
	REASON_COUNT
};

const char *reason_word(enum reason reason); /* "max-life" */
int reason_exit_status(enum reason reason); /* DESIGN's table: 0, 1, 3, 75 */
const char *reason_cause(enum reason reason); /* for seats_orders.end_cause */
enum reason reason_of(const char *word); /* REASON_FAILED when there is no such word */

#endif
