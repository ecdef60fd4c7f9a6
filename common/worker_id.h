#ifndef COMMON_WORKER_ID_H
#define COMMON_WORKER_ID_H

#include "common/buf.h"

/*
 * worker_id: a ClearML worker's name in the form that ClearML's autoscalers
 * use, prefix:resource:type:instance, cut into borrowed slices; a fifth field
 * is ours: "bootstrap" names the machine record, a number a seat.
 * Fields are 1 to 64 of [A-Za-z0-9_.-] (the server globs ids: no * ? [; and
 * a colon would move the fields).
 */

enum { WORKER_ID_ROOM = 340 };

struct worker_id {
	struct slice prefix, resource, type, instance, suffix; /* suffix.len 0: none */
};

CHECKED int worker_id_parse(struct slice text, struct worker_id *out, struct error *err);
CHECKED int worker_id_format(const struct worker_id *id, char out[static WORKER_ID_ROOM],
			     struct error *err);
bool worker_id_is_field(struct slice text); /* 1 to 64 characters of the set above */

#endif
