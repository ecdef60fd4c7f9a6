#ifndef REAPER_PROVIDERS_LOCAL_SLOT_H
#define REAPER_PROVIDERS_LOCAL_SLOT_H

#include "reaper/providers/local_note.h"
#include "reaper/settings/settings.h"

/*
 * local_slot: a slot of provider local is a file that is locked (flock) as
 * long as its machine's keeper or bootstrap lives; in it stands the note of
 * the last occupant. MACHINES/slots/PREFIX.RESOURCE.SLOT.lock
 */

enum { LOCAL_PATH_ROOM = TICKET_PATH_ROOM + 3 * TICKET_FIELD_ROOM };

struct local_slot {
	unsigned slot;
	bool is_held; /* by a machine, or by a launch that is under way */
	bool has_note;
	struct local_note note; /* of the last occupant, when has_note */
};

/* What the slot says, changing nothing. A slot that was never used: not held, no note. */
CHECKED int local_slot_look(const struct settings *settings, const struct resource *resource,
			    unsigned slot, struct local_slot *out, struct error *err);

/* Every slot of this resource that was ever used, also those past max_instances by now. */
CHECKED int local_slot_list(const struct settings *settings, const struct resource *resource,
			    struct local_slot **out, size_t *count, struct error *err);

/* Takes the lock and tells what was there. ERROR_CONFLICT: it is held; then *was is filled too. */
CHECKED int local_slot_take(const struct settings *settings, const struct resource *resource,
			    unsigned slot, int *fd, struct local_slot *was, struct error *err);

/* Replaces the note, under the lock. */
CHECKED int local_slot_write(int fd, const struct local_note *note, struct error *err);

#endif
