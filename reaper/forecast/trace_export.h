#ifndef REAPER_FORECAST_TRACE_EXPORT_H
#define REAPER_FORECAST_TRACE_EXPORT_H

#include "common/command.h"

/*
 * trace_export: what has run at their ClearML as a trace for simulate, on
 * standard output. ClearML keeps no time of enqueueing, so the arrival is the
 * start (the waits of then are lost: a burst that waited looks spread out), or
 * the creation, for people whose tasks are enqueued as soon as they are made.
 */
int trace_export(const struct command_line *line); /* returns the exit status */

#endif
