#ifndef REAPER_LEFTOVER_H
#define REAPER_LEFTOVER_H

#include "reaper/observation.h"

/*
 * leftover: what becomes of a volume or a spot request that no machine has. Pure.
 *
 * Our requests are one-time and made by a launch. Once that is over, one that is
 * still open can only launch a machine that nobody waits for, so a pass cancels
 * it. A volume is only removed by a person's word (`sweep`), however it was made:
 * ours go with their machine, so one that is left was detached, or told to stay,
 * by somebody, and may be the last copy of what it holds. What it costs is told.
 */

enum leftover_fate {
	LEFTOVER_WAITS, /* its launch may not be over: left alone */
	LEFTOVER_KEPT, /* until somebody says sweep */
	LEFTOVER_CANCELLED, /* by the pass that sees it */
	LEFTOVER_FATE_COUNT
};

enum leftover_fate leftover_fate(const struct observation *seen, const struct settings *settings,
				 const struct leftover *leftover);

/* Micro-dollars a month at the list price of us-east-1, without what IOPS and throughput cost
 * beside; 0 for a request, MONEY_UNKNOWN for a volume of an unknown type. */
int64_t leftover_month(const struct leftover *leftover);

const char *leftover_kind_text(enum leftover_kind kind); /* "spot request" */
const char *leftover_fate_text(enum leftover_fate fate); /* "kept: ..." */

#endif
