#ifndef BOOTSTRAP_LIFE_H
#define BOOTSTRAP_LIFE_H

#include "bootstrap/machine.h"
#include "common/machine_record.h"

/*
 * life: what a bootstrap that is started again after a crash must know beside
 * the journal: that it held the slot, that it was told to drain or to stay.
 * One file, life.json in the machine's folder, replaced whole at each change.
 */

struct life {
	unsigned starts; /* of this machine, the present one counted */
	unsigned tasks_taken; /* over all of them */
	enum claim claim;
	int64_t keep_until_s; /* wall; by command; 0: none */
	int64_t orders; /* the number of the last ones of the reaper that were obeyed */
	char drain[24]; /* the reason's word; "": not draining */
};

CHECKED int life_read(const char *folder, struct life *out, struct error *err); /* absent: empty */
/* Did an earlier start pass the gates? (That there was one says nothing: it may have been killed.)
 */
bool life_is_admitted(const struct life *life);
CHECKED int life_write(const char *folder, const struct life *life, struct error *err);

#endif
