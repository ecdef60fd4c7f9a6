#ifndef BOOTSTRAP_TICKET_SOURCE_H
#define BOOTSTRAP_TICKET_SOURCE_H

#include "bootstrap/machine.h"

/*
 * ticket_source: what this instance was given at its launch, in the order in which
 * it is looked for: FOLDER/user-data (written by the launcher of local
 * machines; on a rented one a way to start with a ticket by hand), then the
 * metadata service of its provider.
 */

/*
 * Appends the document to out; source says where it was found, for messages.
 * ERROR_NOT_FOUND: nowhere, and where was looked. FOLDER/user-data must be
 * ours and closed to others' writing; it holds no secret in clear.
 */
CHECKED int ticket_source_read(const struct machine *machine, struct buf *out,
			   char source[static MACHINE_PATH_ROOM + 16], struct error *err);

#endif
