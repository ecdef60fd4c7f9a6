#ifndef REAPER_JOURNAL_LIST_H
#define REAPER_JOURNAL_LIST_H

#include "common/command.h"

/* `mayfly-reaper journal`: the newest entries of the ledger's journal, the newest last. None, and
 * why, is said on standard error. */
int journal_list_run(const struct command_line *line);

#endif
