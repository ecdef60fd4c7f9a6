#ifndef REAPER_SETTINGS_SETTINGS_INIT_H
#define REAPER_SETTINGS_SETTINGS_INIT_H

#include "reaper/settings/settings_reader.h"

/*
 * settings_init: the script that a resource's machines run before their first
 * task. Its text comes from "init.script" or from the file of "init.file", read
 * now; the resource's own one wins over that of the defaults, and "" is none.
 * The limits are in the ticket already: a script that may take longer than a
 * machine may boot is refused.
 */
CHECKED int settings_init(const struct settings_reader *reader, struct error *err);

#endif
