#ifndef REAPER_SETTINGS_SETTINGS_BUNDLE_H
#define REAPER_SETTINGS_SETTINGS_BUNDLE_H

#include "reaper/settings/settings_reader.h"

/*
 * settings_bundle: the sealed credentials of the machines: which file, where
 * its machines find it, and that it is ours. Private to settings*.c.
 */

/* A resource's bundle, by name; its file is not looked at. */
CHECKED int settings_bundle(const struct settings_reader *reader, struct error *err);

/* Reads each file and its signature once, proves that our signing key signed it for our prefix, and
 * puts its digest into the tickets. */
CHECKED int settings_bundles_read(const struct settings_text *text, struct settings *settings,
				  struct error *err);

#endif
