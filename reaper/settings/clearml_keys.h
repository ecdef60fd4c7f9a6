#ifndef REAPER_SETTINGS_CLEARML_KEYS_H
#define REAPER_SETTINGS_CLEARML_KEYS_H

#include "reaper/settings/settings_text.h"

/*
 * clearml_keys: where ClearML is and how we log in: from the configuration's
 * "clearml", else from CLEARML_API_HOST, CLEARML_WEB_HOST, CLEARML_FILES_HOST,
 * CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY, else from the user's
 * clearml.conf (CLEARML_CONFIG_FILE, or ~/clearml.conf). The two keys come from
 * one place together: half a pair from each would be no pair.
 */
struct clearml_keys {
	char api_server[TICKET_PATH_ROOM], web_server[TICKET_PATH_ROOM],
		files_server[TICKET_PATH_ROOM]; /* no slash at the end; "" when not known */
	char access_key[128];
	struct secret secret_key;
};

/* ERROR_CONFIGURATION names the place and the ways to give what is missing. */
CHECKED int clearml_keys_find(const struct settings_text *text, const struct json *root,
			      struct clearml_keys *out, struct error *err);
void clearml_keys_release(struct clearml_keys *keys);

/*
 * A clearml.conf in its usual form (HOCON: nested api { credentials { ... } }
 * or dotted names, comments, quoted or bare values). Fields that it does not
 * set are left alone. ERROR_CONFIGURATION with the line when it is not
 * readable, or when a value that we need is put together from others (${...}).
 */
CHECKED int clearml_keys_parse(struct slice text, const char *source, struct clearml_keys *out,
			       struct error *err);

#endif
