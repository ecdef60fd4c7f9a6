#ifndef COMMON_CLEARML_PAST_H
#define COMMON_CLEARML_PAST_H

#include "common/clearml.h"

/*
 * clearml_past: the tasks that have ended, for those who want to know what was
 * when. ClearML keeps no time of enqueueing once a task was popped: created is
 * when its draft was made, which may be long before, started its first start,
 * which is after it has waited. Nor does it keep the runs of a task apart: one
 * that was given back and run again has its first start and its last end.
 */

struct clearml_run {
	char id[CLEARML_ID_ROOM];
	char queue[CLEARML_ID_ROOM]; /* the last one it was in; "": none */
	char user[CLEARML_USER_ROOM]; /* the id of its owner, cut; "": not said */
	int64_t created_ms, started_ms, ended_ms; /* started 0: never */
};

struct clearml_past {
	struct clearml_run *list; /* owned; in order of id, each once */
	size_t count;
};

/* Every task that has ended (completed, stopped, failed, closed, published) and whose status last
 * changed at or after from_ms: whatever started since is among them. 50,000 at most, then
 * ERROR_REFUSED. */
CHECKED int clearml_past(struct clearml *clearml, int64_t from_ms, struct clearml_past *out,
			 struct error *err);
void clearml_past_release(struct clearml_past *past);

#endif
