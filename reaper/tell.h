#ifndef REAPER_TELL_H
#define REAPER_TELL_H

#include "common/command.h"

/*
 * tell: `mayfly-reaper drain|keep|leave|forget`: an operator's word to
 * machines, noted in the ledger (told.h); the next pass sends it. A name that
 * no machine has is refused, and then nothing is noted.
 */

int tell_run(const struct command_line *line); /* the verb is the command's name */

#endif
