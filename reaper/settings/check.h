#ifndef REAPER_SETTINGS_CHECK_H
#define REAPER_SETTINGS_CHECK_H

#include "common/clearml.h"
#include "reaper/settings/settings.h"

/*
 * check: tells, line by line on standard output, whether what the
 * configuration names is there: the sealed bundles, the state folder, ClearML,
 * the keys, the clock, each queue, each resource's instances, types and image, what spot costs
 * there, the size of its ticket, and of machines on this computer that their folder can be written
 * and that their keys open what they are given. Leaves all as it was. EXIT_OK, or EXIT_FAILED.
 */
int check(const struct settings *settings, struct clearml *clearml);

#endif
