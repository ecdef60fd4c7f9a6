#ifndef REAPER_SLOTS_H
#define REAPER_SLOTS_H

#include "reaper/observation.h"

/*
 * slots: which numbered place of a resource is free, and which generation
 * goes there (DESIGN section 4). Pure. A slot is taken while an instance that
 * carries it exists in any state but terminated, or a launch for it is open.
 */

struct slot_choice {
	unsigned slot, generation;
};

/* Which slots of the resource are taken; taken holds settings' max_instances flags. */
void slots_taken(const struct observation *seen, const struct resource *resource, bool *taken);

/* The generation for a free slot: one past the newest occupant seen terminated, else 0. */
unsigned slots_generation(const struct observation *seen, const struct resource *resource,
			  unsigned slot);

/*
 * The launch key: hash(prefix, resource, slot, generation, offering). The
 * cloud refuses the second launch with the same key, so two reapers, or one
 * that was killed between request and answer, get one instance. hash is
 * given by the caller to keep this module pure: see slots_key_parts().
 */
enum { SLOT_KEY_PARTS = 5, SLOT_NUMBER_ROOM = 12 };
struct slot_key {
	struct slice parts[SLOT_KEY_PARTS];
	char slot[SLOT_NUMBER_ROOM], generation[SLOT_NUMBER_ROOM];
};
void slots_key_parts(const char *prefix, const struct resource *resource, unsigned slot,
		     unsigned generation, struct slot_key *out);

#endif
