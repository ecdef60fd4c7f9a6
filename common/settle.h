#ifndef COMMON_SETTLE_H
#define COMMON_SETTLE_H

#include "common/machine_record.h"

/*
 * settle: who holds a slot, when two machines were launched for it (two
 * reapers with different memories). Pure; the machine records are the only
 * thing that rivals share. A machine writes its claim, then lists, then asks:
 *
 *   wrote   live rivals for the slot              answer
 *   intent  one serves, or an elder one intends   LEAVE
 *   intent  only younger ones that intend         WAIT, list again
 *   intent  none                                  CLAIM: write serves, list again
 *   serves  an elder one serves                   LEAVE
 *   serves  else (serving beats intent)           HOLD: take tasks
 *
 * Elder is the smaller (launch time, instance id). A rival without a claim has
 * yet to write one and will see ours then, so it does not count; nor does one
 * that has said "left". Because each writes before it reads, of two machines
 * at least one sees the other.
 *
 * The record of a killed predecessor lingers for 120 s: a rival counts only
 * while its report time advances. Until that is known (at most patience_ms
 * after its last report) the answer that depends on it is WAIT.
 */

enum { SETTLE_MAX_RIVALS = 16 };

enum settle_answer { SETTLE_LEAVE, SETTLE_WAIT, SETTLE_CLAIM, SETTLE_HOLD };

struct settle_self {
	const char *instance;
	int64_t launched_s;
	enum claim claim; /* as written to our record before the list was read */
};

struct settle_rival {
	char instance[MACHINE_FIELD_ROOM];
	int64_t launched_s;
	enum claim claim;
	int64_t last_report_ms; /* the server's time */
	int64_t silent_ms; /* the server's now minus that, at the list; 0 when unknown */
};

struct settle_watch {
	char instance[MACHINE_FIELD_ROOM];
	int64_t last_report_ms;
	int64_t changed_ms; /* our monotonic time of the last advance, or of its last report */
	bool has_advanced;
};

struct settle { /* zero is a good start, but for the patience */
	struct settle_watch watched[SETTLE_MAX_RIVALS];
	size_t count;
	int64_t patience_ms; /* a rival that reports at all does so twice in this time */
};

/* More rivals than SETTLE_MAX_RIVALS is doubt: WAIT. Remembers what it saw in *settle. */
enum settle_answer settle_look(struct settle *settle, const struct settle_self *self,
			       const struct settle_rival *rivals, size_t count, int64_t now_ms);

#endif
