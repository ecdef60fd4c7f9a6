#ifndef REAPER_UNSEAL_H
#define REAPER_UNSEAL_H

#include "common/command.h"

/*
 * unseal --check: proves that a sealed bundle is signed by our key for our
 * prefix, that an image's key opens it, and that machines can work with what
 * is in it, and lists that without a secret. To see secrets is what `age -d`
 * is for. Answers an exit status.
 */
int unseal_run(const struct command_line *line);

#endif
