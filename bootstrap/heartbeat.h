#ifndef BOOTSTRAP_HEARTBEAT_H
#define BOOTSTRAP_HEARTBEAT_H

#include "bootstrap/machine.h"
#include "common/machine_record.h"

/*
 * heartbeat: say that we live, and in which phase. The machine record is
 * registered with a time-out of 120 s and reported every report_every_s of the
 * ticket, and at once on a change. It is registered again after any gap in
 * which the server may have forgotten it: a report to a forgotten record would
 * bring it back with the server's own, longer time-out.
 */

struct heartbeat { /* zero to begin with */
	int64_t ok_ms; /* monotonic: the last report that ClearML took; 0: none yet */
	int64_t next_ms; /* monotonic: when the next one is due */
	bool is_registered;
	bool is_failing; /* said once in the log, and once when it is over */
};

/*
 * Register if needed, and report. Either way next_ms moves on, after a failure
 * sooner. The errors of clearml.h; ERROR_DENIED: our keys were refused.
 */
CHECKED int heartbeat_send(struct heartbeat *heartbeat, const struct machine *machine,
			   const struct machine_record *record, int64_t now_ms, int64_t wall_ms,
			   struct error *err);

/* Must the record be registered first? Pure; for heartbeat_send() and its test. */
bool heartbeat_is_gap(const struct heartbeat *heartbeat, int64_t now_ms);

#endif
