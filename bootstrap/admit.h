#ifndef BOOTSTRAP_ADMIT_H
#define BOOTSTRAP_ADMIT_H

#include "bootstrap/identity.h"
#include "bootstrap/trust.h"

/*
 * admit: find the ticket (ticket_source.h), verify its signature, check that it
 * was made for this very machine, fetch the sealed bundle that it names
 * (bundle_source.h), verify that, unseal it, and open ClearML with what they
 * say; no call to ClearML is made yet. What is unsigned, altered, or meant for
 * another installation is refused; signatures are checked before anything of
 * what they sign is read.
 *
 * Two files are left in the folder for this machine's later starts and for
 * others' eyes, neither with a secret in clear: ticket.json, as it was
 * admitted, and bundle.age, the sealed bytes, so that a restart needs no network
 * and survives that a new bundle was put in the old one's place.
 */

/*
 * Fills ticket, bundle, clearml, record_id and marker; folder and identity are
 * there already. On failure what was filled is released by machine_release(),
 * as it is after success. A note that names no slot is given the ticket's.
 * ERROR_DENIED: a signature or a key does not fit;
 * ERROR_CONFIGURATION names the file and the field; ERROR_UNREACHABLE: the
 * bundle, or the metadata service, could not be reached.
 */
CHECKED int admit(struct machine *machine, struct launch_note *note,
		  const struct trust_files *trust, struct error *err);

/* Was the ticket made between yesterday and the day after tomorrow, seen from this moment?
 * (First admission only: a machine outlives its ticket's days.) ERROR_CONFIGURATION. */
CHECKED int admit_day(const struct ticket *ticket, int64_t now_wall_ms, struct error *err);

/* The ticket against what the provider said; for admit() and its test. */
CHECKED int admit_fits(const struct ticket *ticket, const struct launch_note *note,
		       struct error *err);

void machine_release(struct machine *machine); /* closes ClearML, wipes the bundle */

#endif
