#ifndef REAPER_OPEN_ATTEMPT_H
#define REAPER_OPEN_ATTEMPT_H

#include "reaper/observation.h"

/*
 * open_attempt: how long a launch that nobody answered is repeated, and how
 * long it is remembered. Pure. While it is young it is asked for again: it is
 * still the decision that it was. Later the budgets, the tags and the demand
 * are others, so it only keeps its slot, until the lists of a whole boot
 * deadline after the last repeat have shown no machine of it.
 */

bool open_attempt_is_young(const struct open_attempt *attempt, const struct resource *resource,
			   int64_t now_s);

/* False: it is over, and its slot is free. So is one of a resource that is configured no more. */
bool open_attempt_is_kept(const struct open_attempt *attempt, const struct settings *settings,
			  const struct observation *seen);

/* After a request that failed: does nothing exist of it? Of a repeat, want of capacity or quota
 * says so for the request before it too. A cloud that throttles or denies it, or that it never
 * reached, says nothing of that one. */
bool open_attempt_is_settled(bool is_repeat, enum error_class failure);

#endif
