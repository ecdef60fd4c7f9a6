#ifndef REAPER_LEDGER_H
#define REAPER_LEDGER_H

#include "reaper/observation.h"

/*
 * ledger: what one pass tells the next, in the state folder: open launch
 * attempts, marks, when each machine last reported. One file, replaced whole,
 * under a lock that makes overlapping passes of one host wait their turn by
 * leaving. Deleting it is safe (I6): open attempts and marks start anew.
 */

struct remembered { /* a machine that had a record */
	char instance[TICKET_FIELD_ROOM];
	int64_t last_report_ms;
	bool was_busy;
};

struct ledger {
	int64_t since_s; /* when it began */
	uint64_t passes;
	struct open_attempt *attempts;
	size_t attempt_count;
	struct mark *marks;
	size_t mark_count;
	struct remembered *machines;
	size_t machine_count;
};

/* A file that makes no sense is set aside (renamed, loud warning), and a fresh ledger begins. */
CHECKED int ledger_read(const char *folder, int64_t now_s, struct ledger *out, struct error *err);
CHECKED int ledger_write(const char *folder, const struct ledger *ledger, struct error *err);
void ledger_release(struct ledger *ledger);

#endif
