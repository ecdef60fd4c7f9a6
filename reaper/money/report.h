#ifndef REAPER_MONEY_REPORT_H
#define REAPER_MONEY_REPORT_H

#include "reaper/plan.h"

/*
 * report: what a pass saw and decided, for people, as tables, and for programs, as
 * JSON. All from the one observation and the one plan; no call is made. What
 * is unknown comes first.
 */

struct report {
	const struct settings *settings;
	const struct observation *seen;
	const struct plan *plan;
};

void report_plan(const struct report *report, struct buf *out);
void report_status(const struct report *report, struct buf *out);
void report_plan_json(const struct report *report, struct buf *out);
void report_status_json(const struct report *report, struct buf *out);

/* One line for the log: what was seen, and what is decided. */
void report_decision(const struct report *report, struct buf *out);

const char *report_state_name(enum instance_state state); /* "running" */

#endif
