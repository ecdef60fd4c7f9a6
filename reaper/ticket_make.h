#ifndef REAPER_TICKET_MAKE_H
#define REAPER_TICKET_MAKE_H

#include "common/envelope.h"
#include "reaper/settings/settings.h"

/*
 * ticket_make: what an instance is given at launch. A pure function of the
 * configuration (with its signing key and bundles, as settings_load() leaves
 * them), slot, generation, offering and day: the same input gives the same
 * bytes, so that a launch that is repeated is the same request.
 */

struct ticket_order {
	const struct settings *settings;
	const struct resource *resource; /* one of them */
	const struct offering *offering; /* one of its; NULL: the first */
	unsigned slot, generation;
	const char *day; /* "2026-11-24" */
};

struct ticket_made {
	struct envelope envelope; /* what was signed */
	struct buf user_data; /* the whole, also when no cloud takes so much */
};

/* ERROR_CONFIGURATION: nothing can be launched with it. */
CHECKED int ticket_make(const struct ticket_order *order, struct ticket_made *out,
			struct error *err);
void ticket_made_release(struct ticket_made *made);

size_t
ticket_packed_bytes(const struct ticket_made *made); /* of the user data, before its base64 */

/* What takes up the room: by how much the user data were shorter without it. */
struct ticket_part {
	const char *name; /* as in the configuration: "init.script" */
	const char *advice; /* how to move it out; NULL: it stays */
	size_t plain_bytes, bytes; /* as it is; in the user data */
};
enum { TICKET_PARTS = 6 };

/* All of them, the largest first. */
void ticket_parts(const struct ticket_order *order, const struct ticket_made *made,
		  struct ticket_part out[static TICKET_PARTS]);

/* ERROR_CONFIGURATION: larger than ENVELOPE_USER_DATA_BYTES; says what to move out. */
CHECKED int ticket_fits(const struct ticket_order *order, const struct ticket_made *made,
			struct error *err);

#endif
