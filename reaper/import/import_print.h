#ifndef REAPER_IMPORT_IMPORT_PRINT_H
#define REAPER_IMPORT_IMPORT_PRINT_H

#include "common/json.h"
#include "reaper/import/import_notes.h"

/*
 * import_print: a configuration as JSON with comments, 100 columns wide where texts allow: head,
 * then each note before the member that it is about, or at the top where that is not there. A
 * member a line, but for lists of texts and short objects. Pure.
 */
void import_print(const struct json *config, const char *head, const struct import_notes *notes,
		  struct buf *out);

#endif
