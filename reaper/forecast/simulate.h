#ifndef REAPER_FORECAST_SIMULATE_H
#define REAPER_FORECAST_SIMULATE_H

#include "common/command.h"

/*
 * simulate: mayfly-reaper simulate CONFIG TRACE: what this configuration, and
 * others, would come to on a trace; beside them ClearML's autoscaler with its
 * defaults, and the bounds. Nothing is asked, nothing is launched, no key is
 * read.
 */
int simulate(const struct command_line *line); /* returns the exit status */

#endif
