#ifndef REAPER_SETTINGS_SETTINGS_OFFERINGS_H
#define REAPER_SETTINGS_SETTINGS_OFFERINGS_H

#include "reaper/settings/settings_reader.h"

/*
 * settings_offerings: what a resource's launches may ask a cloud for: every
 * combination of what each entry of "offerings" lists, in the order of the
 * file: entries, then types, then markets, then zones. Without the list: its
 * instance_type, on-demand. Each has its price, from the resource's price book,
 * which must be read before. resource.type is the first one's.
 */
CHECKED int settings_offerings(const struct settings_reader *reader, struct error *err);

#endif
