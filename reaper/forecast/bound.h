#ifndef REAPER_FORECAST_BOUND_H
#define REAPER_FORECAST_BOUND_H

#include "reaper/forecast/trace.h"
#include "reaper/settings/settings.h"

/*
 * bound: what no policy can beat, even if it knew the future. Two bounds on
 * the instance-time (boots included) of the tasks that some resource serves:
 *
 *   work     of any schedule, however long tasks wait: each task's duration over the most seats
 *            that a machine of its queue has, and one boot for each group of queues that cannot
 *            share machines.
 *   prompt   of any schedule in which no task waits at all: a machine boots ahead of the task that
 *            needs it, and is kept through a gap when the gap is shorter than a boot. Exact where
 *            machines have one seat and no resource is at its limit; with more seats, or several
 *            resources in a group, still below every such schedule. A schedule that lets tasks
 *            wait may need less; none can need less than work.
 *
 * Limits on instances are left away (they only make a schedule longer), and so are
 * minimums, schedules of minimums and the machines' greatest age. Pure.
 */

struct bound {
	int64_t work_s, prompt_s;
	size_t unserved; /* tasks of queues that no resource serves: in neither */
};

void bound_find(const struct trace *trace, const struct settings *settings, int64_t boot_s,
		struct bound *out);

#endif
