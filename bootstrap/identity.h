#ifndef BOOTSTRAP_IDENTITY_H
#define BOOTSTRAP_IDENTITY_H

#include "bootstrap/machine.h"
#include "common/json.h"

/*
 * identity: who am I? A table of providers, of which this release has two:
 *   local  reads instance.json, which the launcher wrote into the machine's
 *          folder before the start
 *   aws    asks EC2's metadata service (identity_aws.h)
 * A refused or empty answer is an error, never a guess: a machine with
 * another's name would answer for that one's slot.
 */

/* Who the provider says we are, and what it says that it launched us for. */
struct launch_note {
	struct identity identity;
	bool names_slot; /* else it says nothing of what follows, and admit() takes it from the
			  * ticket: an instance has nothing but what its user data says */
	char prefix[TICKET_FIELD_ROOM], resource[TICKET_FIELD_ROOM];
	unsigned slot, generation;
};

/* What this computer says of time: the launcher's monotonic moment holds for one boot only. */
struct identity_clock {
	int64_t wall_ms, monotonic_ms;
	const char *boot_id; /* local only */
};

/* The machine's folder as an absolute path; ERROR_CONFIGURATION when there is none. */
CHECKED int identity_folder(const char *folder, char out[static MACHINE_PATH_ROOM],
			    struct error *err);

/*
 * provider: "local" or "aws"; a provider that DESIGN names and that comes later, and any
 * other word, is ERROR_CONFIGURATION. ERROR_NOT_FOUND: no instance.json;
 * ERROR_MALFORMED with the path of the field: it makes no sense; of aws also
 * ERROR_UNREACHABLE and ERROR_DENIED, of the metadata service. folder is local's.
 */
CHECKED int identity_read(const char *provider, const char *folder, struct launch_note *out,
			  struct error *err);

/* The text of instance.json alone; for identity_read() and its fuzzer. */
CHECKED int identity_parse(struct slice text, const struct identity_clock *clock,
			   struct launch_note *out, struct error *err);

#endif
