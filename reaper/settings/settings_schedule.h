#ifndef REAPER_SETTINGS_SETTINGS_SCHEDULE_H
#define REAPER_SETTINGS_SETTINGS_SCHEDULE_H

#include "reaper/settings/settings_reader.h"

/*
 * settings_schedule: the weekly windows of a resource. Each one's zone must be
 * in the system's zone database, and its minimum below the resource's limit.
 */
CHECKED int settings_schedule(const struct settings_reader *reader, struct error *err);

#endif
