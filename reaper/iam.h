#ifndef REAPER_IAM_H
#define REAPER_IAM_H

#include "common/command.h"

/* iam: prints the least that a cloud's account must allow to run a configuration, as the policy
 * that the cloud's own tools take. Only the shape of the configuration is read: its keys and
 * bundles need not be there, and nothing is asked. */
int iam_run(const struct command_line *line); /* returns the exit status */

#endif
