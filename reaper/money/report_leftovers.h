#ifndef REAPER_MONEY_REPORT_LEFTOVERS_H
#define REAPER_MONEY_REPORT_LEFTOVERS_H

#include "common/json.h"
#include "reaper/money/report.h"

/* report_leftovers: the part of a report about what machines left behind in the cloud. */

/* A table after an empty line, and why some may be missing; nothing where there is nothing. */
void report_leftovers(const struct report *report, struct buf *out);

/* "leftovers": null where they were not, or could not be, read; then "leftovers_problem" says why.
 */
void report_leftovers_json(const struct report *report, struct json *root);

#endif
