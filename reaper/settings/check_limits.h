#ifndef REAPER_SETTINGS_CHECK_LIMITS_H
#define REAPER_SETTINGS_CHECK_LIMITS_H

#include "reaper/settings/settings.h"

/*
 * check_limits: limits that are valid and may not do what is meant. A budget of
 * which all that it counts costs 0 (machines on this computer do, unless
 * prices.overrides says otherwise) holds nothing back; one of an hour that is less than
 * a machine costs launches nothing; a total max_instances
 * that min_instances fill leaves no machine for some queue, ever. Whom the
 * budgets of users mean ClearML alone knows: check() asks it. Pure.
 */

/* what: "budget of queue train", "queue train". */
typedef void limit_doubter(const char *what, const char *text, void *context);

void check_limits(const struct settings *settings, limit_doubter *doubt, void *context);

#endif
