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

int pass_journal(struct ledger_file *file, const struct news_list *list, struct error *err)
{
	struct journal_entry *entries = memory_array(list->count + 1, sizeof(*entries));
	size_t count = 0;
	int status = 0;

	for (size_t i = 0; i < list->count && status == 0; i++) {
		bool is_new = false;

		status = is_written(file, &list->news[i], &is_new, err);
		if (is_new)
			entries[count++] = list->news[i].entry;
	}
	if (status == 0 && count)
		status = ledger_journal_add(file, entries, count, err);
	free(entries);
	return status;
}
