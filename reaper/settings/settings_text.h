#ifndef REAPER_SETTINGS_SETTINGS_TEXT_H
#define REAPER_SETTINGS_SETTINGS_TEXT_H

#include "reaper/settings/settings.h"

/*
 * settings_text: the configuration file while it is being read: its words,
 * where they stand, and the places that they may refer to. Private to
 * settings*.c and clearml_keys.c.
 */

struct settings_text {
	const char *path; /* of the file, for messages */
	char folder[TICKET_PATH_ROOM]; /* its folder, absolute: where relative paths start */
	struct slice text;
	const char *const *environment; /* "NAME=value", NULL-terminated; never NULL */
	bool is_shape; /* what the file refers to is not looked at (settings_load_shape) */
};

/* "path:line: at: message", class ERROR_CONFIGURATION. at is "resources[1].name", or "" for the
 * whole. */
int settings_refuse(const struct settings_text *text, struct error *err, const char *at,
		    const char *fmt, ...) PRINTF(4, 5);

/* NULL when it is not set, or set to nothing. Borrowed. */
const char *settings_variable(const struct settings_text *text, const char *name);

/* Absolute: as it is, or below the configuration's folder. */
CHECKED int settings_path(const struct settings_text *text, const char *at, const char *path,
			  char out[static TICKET_PATH_ROOM], struct error *err);

/* A whole regular file of the operator's, at most out's limit; the message has its path. */
CHECKED int settings_file(const struct settings_text *text, const char *at, const char *path,
			  struct buf *out, struct error *err);

/* What {"env": NAME} or {"file": PATH} refers to, blanks at the end of a file left out. */
enum { SETTINGS_REFERENCE_BYTES = 4096 };
CHECKED int settings_reference(const struct settings_text *text, const char *at,
			       const struct json *reference, struct secret *out, struct error *err);

/* A duration member's value in milliseconds; at names it in messages. */
CHECKED int settings_duration(const struct settings_text *text, const char *at,
			      const struct json *value, int64_t *ms, struct error *err);

/* The same for a field of whole seconds. */
CHECKED int settings_seconds(const struct settings_text *text, const char *at,
			     const struct json *value, int64_t *seconds, struct error *err);

/* The program's absolute path: with a slash a path, else looked up in PATH. It must be executable.
 * Of a shape: the words as they are. */
CHECKED int settings_program(const struct settings_text *text, const char *at, const char *name,
			     char out[static TICKET_PATH_ROOM], struct error *err);

#endif
