#ifndef REAPER_IMPORT_IMPORT_CONFIG_H
#define REAPER_IMPORT_IMPORT_CONFIG_H

#include "reaper/import/import_parts.h"
#include "reaper/import/import_source.h"

/*
 * import_config: a configuration of mayfly-reaper that does what theirs does. No secret of
 * theirs gets into it. What has no place in it, and what needs the operator's hand, is noted.
 */

/* The prefix that it has: given, or else theirs as ours may be. */
void import_prefix(const struct import_source *source, const char *given,
		   struct import_notes *notes, char out[static IMPORT_NAME_ROOM]);

/* Into *out, which is a new document. ERROR_MALFORMED: it is of another cloud. */
CHECKED int import_config(const struct import_source *source, const char *prefix,
			  struct json_document *out, struct import_notes *notes, struct error *err);

#endif
