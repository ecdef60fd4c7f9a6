#ifndef COMMON_MACHINE_RECORD_H
#define COMMON_MACHINE_RECORD_H

#include "common/clearml.h"
#include "common/worker_id.h"

/*
 * machine_record: what a machine says of itself in its own entry among
 * ClearML's workers (id prefix:resource:type:instance:bootstrap, no queues),
 * as tags, both ways. The reaper counts capacity and judges liveness by it.
 *
 *   role:bootstrap phase:serve seats:1 free:0 slot:3 generation:0
 *   launched:1795472471 idle:0 claim:serves task:1f0e...
 *   and where they apply kept:ssh hold:1 drain:1 reason:idle
 */

enum { MACHINE_RECORD_TIMEOUT_S = 120, MACHINE_MAX_SEATS = 16, MACHINE_FIELD_ROOM = 65 };

enum claim { CLAIM_NONE, CLAIM_INTENT, CLAIM_SERVES }; /* settle.c: who holds a slot */

struct machine_record {
	char resource[MACHINE_FIELD_ROOM], type[MACHINE_FIELD_ROOM], instance[MACHINE_FIELD_ROOM];
	char phase[24]; /* "identify", "admit", "prove", "serve", "drain", "leave", "left" */
	unsigned seats, free_seats, slot, generation;
	int64_t launched_s; /* when the provider launched it, wall seconds */
	int64_t idle_s; /* 0 while a task runs */
	enum claim claim;
	char kept_by[24]; /* which signal keeps it up; "": none */
	bool is_held; /* the ticket's hold keeps it */
	bool is_draining;
	char reason[64]; /* why it leaves; "" before */
	char tasks[MACHINE_MAX_SEATS][CLEARML_ID_ROOM];
	size_t task_count;
	/* filled by the reader from the worker's entry: */
	int64_t registered_ms, last_report_ms;
};

enum { MACHINE_RECORD_MAX_TAGS = 14 + MACHINE_MAX_SEATS };

struct machine_tags {
	char text[MACHINE_RECORD_MAX_TAGS][CLEARML_TAG_ROOM];
	const char *list[MACHINE_RECORD_MAX_TAGS]; /* into text, for struct clearml_report */
	size_t count;
};

void machine_record_tags(const struct machine_record *record, struct machine_tags *out);

/*
 * Is this worker a machine record of prefix, and what does it say? ERROR_NOT_FOUND:
 * another kind of worker (skip it); ERROR_MALFORMED: ours by its id, but its
 * tags make no sense (say so once; it still proves that the machine lives:
 * resource, type, instance and the times are filled).
 */
CHECKED int machine_record_read(const struct clearml_worker *worker, const char *prefix,
				struct machine_record *out, struct error *err);

#endif
