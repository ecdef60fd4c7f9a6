#ifndef REAPER_MONEY_USER_NAMES_H
#define REAPER_MONEY_USER_NAMES_H

#include "reaper/ledger/ledger.h"

/*
 * user_names: whom the budgets of users mean, and what users are called. Pure.
 * A budget names its user by ClearML's id or by name; who has that id goes
 * before who has that name. Spend is counted by ids, which do not change.
 *
 * What is found nowhere, or is the name of two, counts as an id: that of
 * nobody, most likely. So it limits nobody, which seen->users[].problem says;
 * all other budgets hold on.
 */

enum { USER_LABEL_ROOM = SETTINGS_USER_ROOM + CLEARML_NAME_ROOM + 4, USER_HOUR_S = 3600 };

enum user_match { USER_UNKNOWN, USER_FOUND, USER_OF_TWO };

/* Whom the word means; known is in order of id. USER_FOUND: *first is it. USER_OF_TWO: *first and
 * *second have that name, and maybe more. */
enum user_match user_names_find(const struct clearml_users *known, const char *word,
				const struct clearml_user **first,
				const struct clearml_user **second);

/* NULL: not known, or without a name. */
const char *user_names_of(const struct clearml_users *known, const char *id);

/* Is ClearML to be asked who its users are? Each pass, while a budget's word that may be a name (it
 * has not the form of an id) is nobody's; once an hour, when a budget has a name, which may have
 * become another's, or when a task runs for somebody who is not known. */
bool user_names_are_due(const struct settings *settings, const struct observation *seen,
			const struct ledger *ledger);

/* Fills id, name and problem of seen->users. */
void user_names_resolve(const struct settings *settings, const struct clearml_users *known,
			struct observation *seen);

/* Of the user of a budget, by place in settings.user_budgets: the id that its spend has... */
const char *user_names_id(const struct settings *settings, const struct observation *seen,
			  size_t user);
/* ... and "Ann Bee (3f2a)" for people; the budget's own word when no name is known. */
void user_names_label(const struct settings *settings, const struct observation *seen, size_t user,
		      char out[static USER_LABEL_ROOM]);

#endif
