#ifndef REAPER_SLOTS_H
#define REAPER_SLOTS_H

#include "reaper/observation.h"

/*
 * slots: which numbered place of a resource is free, and which generation
 * goes there (DESIGN section 4). Pure. A slot is taken while an instance that
 * carries it exists in any state but terminated, or a launch for it is open.
 * One look at all machines makes an index; after that each answer is immediate.
 */

#define SLOT_NOBODY ((size_t)-1)

struct slot {
	bool is_taken;
	unsigned generation; /* for the next launch: one past the newest occupant seen terminated */
	/* Into observation.machines: whose record claims the slot best (who serves before who
	 * does not, then the elder), draining ones left out; SLOT_NOBODY. */
	size_t holder;
};

struct slot_table { /* of one resource */
	struct slot *list;
	unsigned count; /* its max_instances */
	unsigned lowest; /* none below is free */
};

struct slot_occupant {
	size_t resource;
	unsigned slot, generation;
};

struct slots {
	struct slot_table *tables; /* by place in settings.resources */
	size_t resource_count;
	struct slot_occupant *occupants; /* every instance that was seen; sorted */
	size_t occupant_count;
};

void slots_open(struct slots *slots, const struct observation *seen,
		const struct settings *settings);
void slots_release(struct slots *slots);

bool slots_lowest(struct slots *slots, size_t resource, unsigned *slot); /* false: all are taken */
unsigned slots_take(struct slots *slots, size_t resource, unsigned slot); /* the generation */

/* Was an instance of this launch seen, in whatever state? */
bool slots_has(const struct slots *slots, const struct slot_occupant *launch);
size_t slots_holder(const struct slots *slots, size_t resource, unsigned slot);

/*
 * The launch key: hash(prefix, resource, slot, generation, offering). The
 * cloud refuses the second launch with the same key, so two reapers, or one
 * that was killed between request and answer, get one instance. The hash is
 * the caller's, to keep this module pure.
 */
enum { SLOT_KEY_PARTS = 5, SLOT_NUMBER_ROOM = 12 };
struct slot_key {
	struct slice parts[SLOT_KEY_PARTS]; /* into the three below, and what was given */
	char slot[SLOT_NUMBER_ROOM], generation[SLOT_NUMBER_ROOM];
	char offering[OFFERING_KEY_ROOM];
};
void slots_key_parts(const char *prefix, const struct resource *resource,
		     const struct offering *offering, unsigned slot, unsigned generation,
		     struct slot_key *out);

#endif
