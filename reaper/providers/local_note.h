#ifndef REAPER_PROVIDERS_LOCAL_NOTE_H
#define REAPER_PROVIDERS_LOCAL_NOTE_H

#include <stdint.h>

#include "common/hash.h"
#include "reaper/offering.h"

/*
 * local_note: what a local machine's instance.json says, both ways. The same
 * words stand in its slot's lock file, so that a slot remembers its last
 * occupant also when the machine's folder is gone.
 */

#define LOCAL_ZONE "local" /* where the offering names none */

enum { LOCAL_NOTE_BYTES = 8192, LOCAL_BOOT_ID_ROOM = 64 };

struct local_note {
	char instance[TICKET_FIELD_ROOM], prefix[TICKET_FIELD_ROOM], resource[TICKET_FIELD_ROOM];
	char type[TICKET_FIELD_ROOM], zone[TICKET_FIELD_ROOM]; /* of the offering: mere labels */
	enum market market;
	unsigned slot, generation;
	int64_t launched_s; /* wall seconds */
	int64_t launched_boottime_ms; /* the same moment since boot */
	char boot_id[LOCAL_BOOT_ID_ROOM];
	char key[HASH_HEX_LEN]; /* the launch key */
};

/* ERROR_MALFORMED. */
CHECKED int local_note_parse(struct slice text, struct local_note *out, struct error *err);
void local_note_print(const struct local_note *note, struct buf *out);

#endif
