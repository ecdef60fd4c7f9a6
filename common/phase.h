#ifndef COMMON_PHASE_H
#define COMMON_PHASE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/reason.h"
#include "common/ticket.h"

/*
 * phase: the life of a machine, as a table. Pure: the supervisor turns signals,
 * timers and children into events, asks phase_next(), and obeys.
 *
 *   identify -> admit -> prove -> serve -> drain -> leave
 *
 * Every phase has an end: its own deadline, the boot deadline, or the machine's
 * limits. Where nothing is said, the machine leaves.
 */

enum phase {
	PHASE_LEAVE, /* zero, so that a forgotten entry of the table leaves */
	PHASE_IDENTIFY,
	PHASE_ADMIT,
	PHASE_PROVE,
	PHASE_SERVE,
	PHASE_DRAIN,
	PHASE_COUNT
};

enum phase_event {
	EVENT_FAILED,
	EVENT_DONE, /* this phase has done what it is for */
	EVENT_DEADLINE, /* it has not, in its time */
	EVENT_DRAIN, /* take no more; what runs may end */
	EVENT_END, /* now: what runs is given back */
	EVENT_COUNT
};

/* Drain is for what still runs: with nothing busy, leave takes its place. */
enum phase phase_next(enum phase phase, enum phase_event event, bool is_busy);
const char *phase_name(enum phase phase); /* as in the machine record */

enum {
	PHASE_KILL_BEFORE_S = 20, /* the cloud takes the machine: what runs until then, ends */
	PHASE_LEAVE_BEFORE_S = 5, /* ... and whoever leaves is done, with 5 s at least for it */
};

/* All times monotonic milliseconds. */
struct phase_facts {
	enum phase phase;
	int64_t now_ms;
	int64_t since_ms; /* when the phase began */
	int64_t launched_ms, started_ms; /* the machine; this process */
	int64_t taken_ms; /* when the cloud takes the machine away, by its notice; 0: none */
	int64_t contact_ms; /* when ClearML last took our report; before the first: started_ms */
	bool is_restart; /* an earlier process of this machine has crashed */
	bool is_busy; /* a seat holds a task */
	bool is_running; /* ... and its agent lives */
	struct ticket_limits limits; /* the defaults until the ticket is read */
};

struct phase_due {
	bool is_due;
	enum phase_event event; /* when is_due */
	enum reason reason; /* when is_due */
	int64_t next_ms; /* else: the next time at which this may be another answer */
};

/*
 * Which deadline or limit is over? The order: the phase's own
 * deadline, the cloud's notice, max_life, the boot deadline (from launch; after a crash from the
 * restart, and not while an adopted task is there), dead-man, max_age.
 */
struct phase_due phase_look(const struct phase_facts *facts);

#endif
