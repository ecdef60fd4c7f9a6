#ifndef BOOTSTRAP_ADMIT_H
#define BOOTSTRAP_ADMIT_H

#include "bootstrap/identity.h"

/*
 * admit: read the ticket, check that it was made for this very machine, read
 * the bundle that it names, and open ClearML with what they say. In this
 * release the ticket is FOLDER/ticket.json, closed to others (0600), and the bundle a
 * plain file, 0600; no call to ClearML is made yet.
 */

/*
 * Fills ticket, bundle, clearml, record_id and marker; folder and identity are
 * there already. On failure what was filled is released by machine_release(),
 * as it is after success. ERROR_CONFIGURATION names the file and the field.
 */
CHECKED int admit(struct machine *machine, const struct launch_note *note, struct error *err);

/* Was the ticket made between yesterday and the day after tomorrow, seen from this moment?
 * (First admission only: a machine outlives its ticket's days.) ERROR_CONFIGURATION. */
CHECKED int admit_day(const struct ticket *ticket, int64_t now_wall_ms, struct error *err);

/* The ticket against what the provider said; for admit() and its test. */
CHECKED int admit_fits(const struct ticket *ticket, const struct launch_note *note,
		       struct error *err);

void machine_release(struct machine *machine); /* closes ClearML, wipes the bundle */

#endif
