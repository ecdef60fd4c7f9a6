#ifndef REAPER_IMPORT_IMPORT_RESOURCE_H
#define REAPER_IMPORT_IMPORT_RESOURCE_H

#include "reaper/import/import_source.h"

/* import_resource: one of their resources, as one of ours, added to the list. place is its number
 * among theirs; is_docker: tasks run in containers. */
void import_resource(const struct import_source *source, size_t place, bool is_docker,
		     struct json *list, struct import_notes *notes);

#endif
