#ifndef REAPER_MONEY_REPORT_MONEY_H
#define REAPER_MONEY_REPORT_MONEY_H

#include "common/json.h"
#include "reaper/money/report.h"

/*
 * report_money: what machines cost an hour now, and what was spent this UTC
 * day and month, beside what may be: over all, by resource, and by each queue
 * and user that has a budget (a queue also when something was spent for it).
 */

void report_money(const struct report *report, struct buf *out);
void report_money_json(const struct report *report, struct json *to); /* adds the list "money" */

#endif
