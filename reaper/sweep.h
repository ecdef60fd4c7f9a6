#ifndef REAPER_SWEEP_H
#define REAPER_SWEEP_H

#include "common/command.h"

/*
 * sweep: the command that lists what machines left behind in the cloud, and
 * removes what it is told to: the one way in which a volume is deleted. Each
 * removal is in the journal, with who said so.
 */

int sweep_run(const struct command_line *line);

#endif
