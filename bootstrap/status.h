#ifndef BOOTSTRAP_STATUS_H
#define BOOTSTRAP_STATUS_H

#include "bootstrap/supervisor.h"

/*
 * status: what a machine says of itself: to ClearML (the machine record), to
 * the control socket (JSON) and to a person (text made from that JSON).
 */

void status_record(const struct supervisor *supervisor, struct machine_record *out);
void status_answer(const struct supervisor *supervisor, int64_t now_ms, struct buf *out);

/* A status answer as text. ERROR_MALFORMED: it is none. */
CHECKED int status_text(struct slice answer, struct buf *out, struct error *err);

#endif
