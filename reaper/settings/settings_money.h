#ifndef REAPER_SETTINGS_SETTINGS_MONEY_H
#define REAPER_SETTINGS_SETTINGS_MONEY_H

#include "reaper/settings/settings_reader.h"

/*
 * settings_money: budgets and prices. Dollars stand in the file as decimal
 * numbers, and are kept as whole micro-dollars, exactly.
 */

/* A resource's price book, before its offerings. */
CHECKED int settings_prices(const struct settings_reader *reader, struct error *err);

/* Its own budget, after its offerings: one that pays for no machine at all is refused. */
CHECKED int settings_budget(const struct settings_reader *reader, struct error *err);

/* "budgets", after all resources. A budget over machines whose price is not known is refused: it
 * would hold nothing back. */
CHECKED int settings_budgets(const struct settings_text *text, const struct json *root,
			     struct settings *settings, struct error *err);

/* Any at all: over all, of a resource, a queue or a user. */
bool settings_has_budgets(const struct settings *settings);

#endif
