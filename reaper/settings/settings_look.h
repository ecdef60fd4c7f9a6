#ifndef REAPER_SETTINGS_SETTINGS_LOOK_H
#define REAPER_SETTINGS_SETTINGS_LOOK_H

#include "reaper/settings/settings.h"

/*
 * settings_look: what many ask of the settings. Pure.
 */

#define RESOURCE_NONE ((size_t)-1)

/* Its place in settings.resources; RESOURCE_NONE: it is configured no more. */
size_t settings_resource_named(const struct settings *settings, const char *name);

bool resource_serves(const struct resource *resource, size_t queue);

/* An hour, of any offering that it may ask for; MONEY_UNKNOWN when one's price is not known. */
int64_t resource_dearest(const struct resource *resource);

bool budget_is_set(const struct budget *budget); /* it has a limit */

#endif
