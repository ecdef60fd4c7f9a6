#ifndef REAPER_FORECAST_OURS_H
#define REAPER_FORECAST_OURS_H

#include "reaper/forecast/outcome.h"
#include "reaper/settings/settings.h"

/*
 * ours: mayfly itself on a trace: the shipped plan, phase, idle and settle in
 * the engine of simulation/, in a world without faults, a pass a minute. Budgets
 * hold, and begin unspent; a user's is for the trace's user of that name. Tasks
 * of queues that no resource serves never start. Machines that a minimum keeps
 * are counted until the last task has ended.
 */

/* start_s: the first pass. The name of out is the caller's. ERROR_CONFIGURATION: more seats than
 * the engine has. */
CHECKED int ours_run(const struct trace *trace, const struct settings *settings, int64_t start_s,
		     int64_t boot_s, struct outcome *out, struct error *err);

#endif
