#ifndef REAPER_OPEN_ATTEMPT_H
#define REAPER_OPEN_ATTEMPT_H

#include "reaper/observation.h"

/*
 * open_attempt: how long a launch that nobody answered is repeated, and how
 * long it is remembered. Pure. It may exist and cost money, so it counts to
 * the limits and the budgets as long as it is remembered. While it is young
 * it boots, and is asked for again: the very same request is the quickest way
 * to learn its fate. But if nothing came of the first one, the repeat is what
 * launches it: so what forbids a launch now (a limit or a budget that is past, a
 * breaker, a paused queue, demand that is gone) holds it back (plan_repeat.c),
 * and it goes on when that ends while it is young. Later it keeps its slot, and
 * boots no more, until the lists of a whole boot deadline after the last
 * repeat that may have been have shown no machine of it.
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
