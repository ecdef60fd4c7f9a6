#ifndef COMMON_HOCON_PRINT_H
#define COMMON_HOCON_PRINT_H

#include "common/json.h"

/*
 * hocon_print: values written so that clearml-agent's HOCON parser reads them
 * back exactly, also from the copy that it writes of its configuration for the
 * process or container that runs a task (NOTES section 6). What cannot be carried so
 * is refused: ERROR_CONFIGURATION "agent.x: is not ASCII: ...", never with the
 * value.
 */

/* Why a text cannot be carried, as "is not ASCII: ..."; NULL: it can. */
const char *hocon_text_fault(struct slice text);

/*
 * The two objects merged member by member: where both have one, extra's wins, or two
 * objects are merged; a list replaces. extra may be NULL. without_braces: the
 * members alone, each on a line, to be followed by more. buf_finish() is the caller's.
 */
CHECKED int hocon_print(const struct json *ours, const struct json *extra, bool without_braces,
			struct buf *out, struct error *err);

#endif
