#ifndef REAPER_FORECAST_RIVAL_H
#define REAPER_FORECAST_RIVAL_H

#include "reaper/forecast/outcome.h"
#include "reaper/settings/settings.h"

/*
 * rival: ClearML's published autoscaler (clearml/automation/auto_scaler.py) on
 * the same trace and the same resources, restated in our words, to compare
 * with. It polls; it knows machines only as workers that have registered,
 * remembers in memory whom it has spun up and since when it saw whom idle, and
 * ends a machine whose first idle sight is older than the limit. A machine
 * that was busy between two polls still counts as idle since that first sight.
 * A resource whose queue has tasks waiting and an idle or booting machine is
 * spared by name.
 *
 * In its favour: its cloud never fails, it never restarts, a launch takes no
 * time of its loop, a worker that is terminated is gone at once, its machines
 * boot as fast as ours, and its second look before it terminates never races.
 * So its max_spin_up never bites, and is not here.
 *
 * It has one queue a resource, one task a machine, no total limit, no minimum
 * and no schedule. Pure.
 */

struct rival_times { /* seconds */
	int64_t polling; /* 300: polling_interval_time_min */
	int64_t max_idle; /* 900: max_idle_time_min */
	int64_t boot; /* from launch to the worker's registration */
	int64_t agent_poll; /* 5: an idle agent looks into its queue so often */
	int64_t agent_report; /* 30: an idle agent reports so often */
};
#define RIVAL_DEFAULTS                          \
	((struct rival_times){ .polling = 300,  \
			       .max_idle = 900, \
			       .boot = 120,     \
			       .agent_poll = 5, \
			       .agent_report = 30 })

/* start_s: its first poll. ERROR_CONFIGURATION: it cannot express these resources; why. The name
 * of out is the caller's. */
CHECKED int rival_run(const struct trace *trace, const struct settings *settings,
		      const struct rival_times *times, int64_t start_s, struct outcome *out,
		      struct error *err);

#endif
