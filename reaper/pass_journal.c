#include "reaper/pass_journal.h"

#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400 };

/* "open: 3 boots failed in a row" and "open: 4 ..." are the same news. */
static bool is_same(const char *text, const char *other)
{
	size_t len = strcspn(text, ":");

	return len == strcspn(other, ":") && !memcmp(text, other, len);
}

static int is_written(struct ledger_file *file, const struct news *news, bool *out,
		      struct error *err)
{
	struct journal_entry last;
	bool is_found;

	*out = true;
	if (news->kind == NEWS_HAPPENED)
		return 0;
	if (ledger_journal_last(file, news->entry.event, news->entry.subject, &last, &is_found,
				err) < 0)
		return -1;
	bool is_told = is_found && is_same(last.text, news->entry.text);
	if (news->kind == NEWS_ENDED)
		*out = is_found && !is_told;
	else
		*out = !is_told || last.time_s / DAY_S != news->entry.time_s / DAY_S;
	return 0;
}

static int keep_new(struct ledger_file *file, struct news_list *list, struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		bool is_new = false;

		if (is_written(file, &list->news[i], &is_new, err) < 0)
			return -1;
		if (is_new)
			list->news[kept++] = list->news[i];
	}
	list->count = kept;
	return 0;
}

int pass_journal(struct ledger_file *file, struct news_list *list, struct error *err)
{
	if (keep_new(file, list, err) < 0)
		return -1;
	if (!list->count)
		return 0;
	struct journal_entry *entries = memory_array(list->count, sizeof(*entries));

	for (size_t i = 0; i < list->count; i++)
		entries[i] = list->news[i].entry;
	int status = ledger_journal_add(file, entries, list->count, err);

	free(entries);
	return status;
}
