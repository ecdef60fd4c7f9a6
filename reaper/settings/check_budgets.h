#ifndef REAPER_SETTINGS_CHECK_BUDGETS_H
#define REAPER_SETTINGS_CHECK_BUDGETS_H

#include "reaper/settings/settings.h"

/*
 * check_budgets: budgets that are valid and may still hold nothing back: all
 * that one counts costs 0 (machines on this computer do, unless
 * prices.overrides says otherwise). Whom those of users mean ClearML alone knows:
 * check() asks it. Pure.
 */

/* what: "budget of queue train". */
typedef void budget_doubter(const char *what, const char *text, void *context);

void check_budgets(const struct settings *settings, budget_doubter *doubt, void *context);

#endif
