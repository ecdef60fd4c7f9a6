#ifndef REAPER_PROVIDERS_LOCAL_MACHINE_H
#define REAPER_PROVIDERS_LOCAL_MACHINE_H

#include "reaper/providers/local_slot.h"

/* local_machine: the folder of one local machine, MACHINES/INSTANCE, and its processes. */

/* The path of a file in it; file "" is the folder itself. */
void local_machine_path(const struct resource *resource, const char *instance, const char *file,
			char out[static LOCAL_PATH_ROOM]);
bool local_machine_has(const struct resource *resource, const char *instance, const char *file);

/* Its instance.json. ERROR_NOT_FOUND: there is none; ERROR_MALFORMED. */
CHECKED int local_machine_read(const struct resource *resource, const char *instance,
			       struct local_note *out, struct error *err);

/* When it ended, by its ended.json, in wall seconds; 0: that is not there, or makes no sense. */
int64_t local_machine_ended_s(const struct resource *resource, const char *instance);

/* Does any process live that was started for it? */
CHECKED int local_machine_is_marked(const char *instance, bool *out, struct error *err);

/* "MAYFLY_INSTANCE=<instance>", which each of its processes has in its environment. */
enum { LOCAL_MARKER_ROOM = TICKET_FIELD_ROOM + 32 };
void local_machine_marker(const char *instance, char out[static LOCAL_MARKER_ROOM]);

#endif
