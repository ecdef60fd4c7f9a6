#ifndef REAPER_SETTINGS_SETTINGS_KEYS_H
#define REAPER_SETTINGS_SETTINGS_KEYS_H

#include "reaper/settings/settings_text.h"

/*
 * settings_keys: signing_key and recipients of the configuration. Private to
 * settings.c. is_read: the signing key is read too, not only found to be
 * referred to; without one the message says how to make it.
 */
CHECKED int settings_keys(const struct settings_text *text, const struct json *root, bool is_read,
			  struct settings *out, struct error *err);

#endif
