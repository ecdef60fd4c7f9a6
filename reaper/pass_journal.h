#ifndef REAPER_PASS_JOURNAL_H
#define REAPER_PASS_JOURNAL_H

#include "reaper/act.h"
#include "reaper/ledger/ledger.h"

/*
 * pass_journal: what a pass did and decided, as entries of the ledger's
 * journal, each with its reason. Where nothing happened there is no entry, and
 * what lasts (an order, a budget that is spent, an open breaker) is written when
 * it begins, once a day while it lasts, and when it ends.
 */

enum news_kind {
	NEWS_HAPPENED, /* every time */
	NEWS_LASTS, /* unless the newest entry of its event and subject says the same today */
	NEWS_ENDED, /* only if the newest entry of its event and subject says something else */
};

/* A text that lasts begins with what it is compared by: "open: 3 boots failed in a row". */
struct news {
	struct journal_entry entry;
	enum news_kind kind;
};

struct news_list {
	struct news *news; /* owned */
	size_t count;
};

/* Pure: the plan, what carrying it out came to, and what the pass saw. */
void pass_news(const struct act *act, const struct act_result *result, struct news_list *out);
void news_list_release(struct news_list *list);

/* Those that are to be written, into the ledger; the others are taken out of the list. */
CHECKED int pass_journal(struct ledger_file *file, struct news_list *list, struct error *err);

#endif
