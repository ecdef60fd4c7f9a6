#ifndef REAPER_BREAKER_H
#define REAPER_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * breaker: a resource whose machines fail to boot again and again is paused
 * (no endless replacing of machines that cost money and serve nobody), then
 * one machine is tried. Pure. A boot has failed when a machine ended, or was
 * terminated as never come up, without ever having been fit for work; one that
 * left because its slot was held by another has not failed.
 *
 *   closed     fewer than breaker_failures in a row: launch as needed
 *   open       until breaker_probe_s after the last failure: nothing
 *   half open  then one machine at a time: it serves (closed), or fails (open again)
 */

enum breaker { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker_facts {
	unsigned failures, limit; /* limit 0: always closed */
	int64_t last_failure_s, probe_s, now_s;
};

enum breaker breaker_look(const struct breaker_facts *facts, int64_t *until_s);
const char *breaker_name(enum breaker breaker); /* "closed", "open", "half open" */

#endif
