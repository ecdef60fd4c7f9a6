#ifndef REAPER_IMPORT_IMPORT_H
#define REAPER_IMPORT_IMPORT_H

#include "common/command.h"

/*
 * import: `mayfly-reaper import FILE [--bundle FILE] [--prefix NAME]`: what ClearML's
 * autoscalers for AWS were told, as a configuration of ours on standard output and a
 * bundle in a file; warnings on standard error. Calls nobody.
 */
int import_run(const struct command_line *line);

#endif
