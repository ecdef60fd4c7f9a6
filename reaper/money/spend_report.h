#ifndef REAPER_MONEY_SPEND_REPORT_H
#define REAPER_MONEY_SPEND_REPORT_H

#include "common/command.h"

/*
 * spend_report: `mayfly-reaper report`: what was spent, by task, queue, day,
 * resource or user, from the ledger; nobody is asked, and a pass may run meanwhile.
 * Without a ledger, or with one that is damaged, nothing is known: EXIT_FAILED.
 */

int spend_report(const struct command_line *line);

#endif
