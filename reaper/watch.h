#ifndef REAPER_WATCH_H
#define REAPER_WATCH_H

#include "reaper/pass.h"

/*
 * watch: the same pass again and again, for whoever has no cron. SIGTERM and
 * SIGINT end it between two passes; the machines stay. A pass's error never
 * ends it. until_empty: it ends by itself once nothing waits, no instance of
 * ours is alive and no task is lost. The answer is the exit status.
 */
int watch(struct settings *settings, struct clearml *clearml, int64_t every_ms, bool until_empty);

#endif
