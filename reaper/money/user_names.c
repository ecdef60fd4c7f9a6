#include "reaper/money/user_names.h"

#include <string.h>

static const struct clearml_user *with_id(const struct clearml_users *known, const char *id)
{
	size_t low = 0, high = known->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(known->list[middle].id, id);

		if (!order)
			return &known->list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static const struct clearml_user *with_name(const struct clearml_users *known, size_t from,
					    const char *name)
{
	for (size_t i = from; *name && i < known->count; i++)
		if (!strcmp(known->list[i].name, name))
			return &known->list[i];
	return NULL;
}

enum user_match user_names_find(const struct clearml_users *known, const char *word,
				const struct clearml_user **first,
				const struct clearml_user **second)
{
	*second = NULL;
	*first = with_id(known, word);
	if (*first)
		return USER_FOUND;
	*first = with_name(known, 0, word);
	if (!*first)
		return USER_UNKNOWN;
	*second = with_name(known, (size_t)(*first - known->list) + 1, word);
	return *second ? USER_OF_TWO : USER_FOUND;
}

const char *user_names_of(const struct clearml_users *known, const char *id)
{
	const struct clearml_user *user = with_id(known, id);

	return user && *user->name ? user->name : NULL;
}

/* ---- when to ask ---- */

/* What the server makes; those of a configuration file may be any text. */
static bool has_form_of_id(const char *word)
{
	return strlen(word) == CLEARML_ID_ROOM - 1 &&
	       strspn(word, "0123456789abcdef") == CLEARML_ID_ROOM - 1;
}

static bool is_any_run_unknown(const struct observation *seen, const struct clearml_users *known)
{
	for (size_t i = 0; i < seen->run_count; i++)
		if (*seen->runs[i].user && !with_id(known, seen->runs[i].user))
			return true;
	return false;
}

bool user_names_are_due(const struct settings *settings, const struct observation *seen,
			const struct ledger *ledger)
{
	const struct clearml_users known = { ledger->users, ledger->user_count };
	int64_t age_s = seen->now_ms / 1000 - ledger->users_asked_s;
	bool is_name_used = false;

	for (size_t u = 0; u < settings->user_budget_count; u++) {
		const char *word = settings->user_budgets[u].user;

		if (has_form_of_id(word) || with_id(&known, word))
			continue;
		if (!with_name(&known, 0, word))
			return true;
		is_name_used = true;
	}
	if (age_s >= 0 && age_s < USER_HOUR_S)
		return false;
	return is_name_used || is_any_run_unknown(seen, &known);
}

/* ---- whom they mean ---- */

static void tell_problem(const struct clearml_users *known, const char *word,
			 struct observed_user *out)
{
	const struct clearml_user *first, *second;
	enum user_match match = user_names_find(known, word, &first, &second);
	SCOPED(buf) struct buf text = BUF(2 * sizeof(out->problem));

	if (match == USER_OF_TWO)
		buf_addf(&text,
			 "two users of ClearML have this name (%s and %s): the budget limits "
			 "nobody until it has the id of the one who is meant",
			 first->id, second->id);
	else if (!known->count)
		buf_addf(&text, "ClearML did not say who its users are: the word counts as an id, "
				"and if it is a name, the budget limits nobody until ClearML does");
	else
		buf_addf(&text, "no user of ClearML has this id or name: the budget limits nobody "
				"until one has; write the name as ClearML shows it, or the id");
	text_cut(out->problem, sizeof(out->problem), buf_text(&text));
}

void user_names_resolve(const struct settings *settings, const struct clearml_users *known,
			struct observation *seen)
{
	for (size_t u = 0; u < settings->user_budget_count; u++) {
		const char *word = settings->user_budgets[u].user;
		const struct clearml_user *first, *second;
		struct observed_user *out = &seen->users[u];

		*out->id = *out->name = *out->problem = 0;
		if (user_names_find(known, word, &first, &second) == USER_FOUND) {
			memcpy(out->id, first->id, sizeof(first->id));
			memcpy(out->name, first->name, sizeof(first->name));
		} else if (!has_form_of_id(word)) {
			tell_problem(known, word, out);
		}
	}
}

const char *user_names_id(const struct settings *settings, const struct observation *seen,
			  size_t user)
{
	return seen->users && *seen->users[user].id ? seen->users[user].id :
						      settings->user_budgets[user].user;
}

void user_names_label(const struct settings *settings, const struct observation *seen, size_t user,
		      char out[static USER_LABEL_ROOM])
{
	const char *id = user_names_id(settings, seen, user);
	SCOPED(buf) struct buf text = BUF(USER_LABEL_ROOM);

	if (seen->users && *seen->users[user].name && strcmp(seen->users[user].name, id) != 0)
		buf_addf(&text, "%s (%s)", seen->users[user].name, id);
	else
		buf_addf(&text, "%s", id);
	text_cut(out, USER_LABEL_ROOM, buf_text(&text));
}
