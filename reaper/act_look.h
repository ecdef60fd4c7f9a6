#ifndef REAPER_ACT_LOOK_H
#define REAPER_ACT_LOOK_H

#include "reaper/act.h"
#include "reaper/observe.h"

/*
 * act_look: the second look at what a destructive step depends on, each thing
 * read at most once a pass, and only when a step needs it. A read that failed
 * fails every step that depends on it. Private to act*.c.
 */

enum { ACT_CALL_LIMIT_MS = 10000 };

enum look_state { LOOK_NOT_YET, LOOK_FAILED, LOOK_DONE };

struct act_look {
	const struct act *act;
	enum look_state fleet_states[SETTINGS_MAX_RESOURCES];
	struct fleet fleets[SETTINGS_MAX_RESOURCES];
	enum look_state records_state, workers_state, queues_state;
	struct record_list records;
	struct clearml_workers workers; /* everybody's */
	struct clearml_queues queues; /* all, every entry */
};

void act_look_release(struct act_look *look);

/* False, with *err filled, when the pass's deadline is over; else ClearML's next call fits in it.
 */
CHECKED int act_has_time(const struct act *act, struct error *err);

/* How the instance stands now; one that is not listed any more is terminated. */
CHECKED int act_look_state(struct act_look *look, size_t resource, const char *instance,
			   enum instance_state *out, struct error *err);

/* The machine records as they are now. Borrowed. */
CHECKED int act_look_records(struct act_look *look, const struct record_list **out,
			     struct error *err);

/* Has the machine reported within its record's time-out? */
CHECKED int act_look_is_reporting(struct act_look *look, const char *instance, bool *out,
				  struct error *err);

CHECKED int act_look_is_queued(struct act_look *look, const char *task, bool *out,
			       struct error *err);

/* Everybody's workers as they are now. Borrowed. */
CHECKED int act_look_workers(struct act_look *look, const struct clearml_workers **out,
			     struct error *err);

/* Does any worker but those of this instance ("": but none) say that it runs the task? */
CHECKED int act_look_is_run_elsewhere(struct act_look *look, const char *task, const char *instance,
				      bool *out, struct error *err);

#endif
