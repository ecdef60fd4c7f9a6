#ifndef REAPER_IMPORT_IMPORT_NOTES_H
#define REAPER_IMPORT_IMPORT_NOTES_H

#include "common/buf.h"

/*
 * import_notes: what an import has to say: each is a comment in the configuration that
 * is printed, and a warning besides where something was left out or needs the
 * operator's hand before it works. Their texts name keys, never values that may be secret.
 */

enum import_weight {
	IMPORT_WARNING, /* also on standard error */
	IMPORT_HINT /* a comment alone */
};

struct import_note {
	enum import_weight weight;
	char *at; /* owned; the path in our configuration that it stands before; "": at the top */
	char *text; /* owned; one line */
};

struct import_notes {
	struct import_note *notes; /* owned */
	size_t count;
};

void import_note(struct import_notes *notes, enum import_weight weight, const char *at,
		 const char *fmt, ...) PRINTF(4, 5);
void import_notes_release(struct import_notes *notes);

#endif
