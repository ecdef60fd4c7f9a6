#ifndef REAPER_ACT_H
#define REAPER_ACT_H

#include "reaper/ledger/ledger.h"
#include "reaper/plan.h"

/*
 * act: carries a plan out. Open attempts are in the ledger before anything is
 * asked for; whatever a destructive step depends on is looked at again right
 * before it. One step's failure never stops the others (I9); what the
 * deadline cuts off waits for the next pass.
 */

enum outcome {
	OUTCOME_NONE, /* not due, or no time was left */
	OUTCOME_DONE,
	OUTCOME_HELD, /* launch: somebody else has the slot; nothing was launched */
	OUTCOME_OPEN, /* launch: no answer; the very same request is repeated */
	OUTCOME_CHANGED, /* looked again, and it is not so any more: left alone */
	OUTCOME_FAILED, /* the log says why */
	OUTCOME_COUNT
};

struct act {
	const struct settings *settings;
	struct clearml *clearml;
	const struct observation *seen;
	const struct plan *plan;
	struct ledger
		*ledger; /* attempts and marks are replaced; written once, before the launches */
	struct ledger_file *file;
	int64_t deadline_ms; /* monotonic */
};

struct act_launched {
	char instance[TICKET_FIELD_ROOM]; /* OUTCOME_DONE */
	char offering[OFFERING_KEY_ROOM]; /* the last one that was asked for */
	struct error why; /* OUTCOME_HELD, OPEN or FAILED */
};

struct act_result {
	enum outcome *launches, *terminations, *repairs, *unregisters; /* by place in the plan */
	struct act_launched *launched; /* by place in plan.launches */
	enum outcome *queues; /* by place in settings.queues: made where it was missing */
	enum outcome *leftovers; /* by place in observation.leftovers */
	unsigned failed; /* steps that failed, or had no time */
};

void act(const struct act *act, struct act_result *out);
void act_result_release(struct act_result *result);

#endif
