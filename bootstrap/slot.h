#ifndef BOOTSTRAP_SLOT_H
#define BOOTSTRAP_SLOT_H

#include "bootstrap/machine.h"
#include "common/settle.h"

/*
 * slot: settle.h's question put to ClearML: one list of the workers, those of
 * our resource and slot picked out. Our claim must have been reported before.
 */

struct slot {
	struct settle settle;
	enum settle_answer answer; /* the last one */
	char rival[MACHINE_FIELD_ROOM]; /* one of those seen last; "": none */
	bool is_listed; /* our own record was there: else no rival can see our claim */
};

void slot_open(struct slot *slot, const struct machine *machine);

/* Fills answer, rival and is_listed; says a change in the log. On failure they stay as they were.
 */
CHECKED int slot_look(struct slot *slot, const struct machine *machine, enum claim claim,
		      int64_t now_ms, struct error *err);

#endif
