#ifndef REAPER_SETTINGS_SETTINGS_RESOURCE_H
#define REAPER_SETTINGS_SETTINGS_RESOURCE_H

#include "reaper/settings/settings_text.h"

/*
 * settings_resource: one entry of "resources", with what it inherits from
 * "defaults". The servers of ClearML and the prefix are settings' already.
 * Queues that are new are added to settings' list. *out must be released
 * through settings_release() also after a failure.
 */
CHECKED int settings_resource(const struct settings_text *text, const struct json *root,
			      size_t place, struct settings *settings, struct resource *out,
			      struct error *err);

#endif
