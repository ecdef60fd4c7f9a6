#ifndef REAPER_OBSERVE_LEFTOVERS_H
#define REAPER_OBSERVE_LEFTOVERS_H

#include "reaper/observe.h"

/*
 * observe_leftovers: volumes and requests that no machine has, by one look for each list of
 * instances (provider_list_of()). Part of observe(): nothing else is decided from
 * them, so a failure is told in leftover_problem alone, and the pass goes on.
 */

/* Passes from one look to the next: an hour, as cron has it. What is left costs cents a day, and
 * each look is two calls for each region. */
enum { OBSERVE_LEFTOVERS_EVERY = 60 };

void observe_leftovers(const struct observer *observer, struct observation *seen);

#endif
