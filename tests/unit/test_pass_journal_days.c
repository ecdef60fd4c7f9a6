/* pass_journal: of the news of many passes, what is written. */
#include "reaper/pass_journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/log.h"
#include "tests/unit/support/ledger_sample.h"
#include "tests/unit/support/plan_world.h"
#include "tests/unit/support/scratch.h"

enum { DAY_S = 86400 };

static bool count_entry(const struct journal_entry *entry, void *context)
{
	(void)entry;
	++*(unsigned *)context;
	return true;
}

static unsigned count_entries(struct ledger_file *file)
{
	struct error err = { 0 };
	unsigned count = 0;

	if (ledger_journal_each(file, SIZE_MAX, count_entry, &count, &err) < 0)
		fail_msg("%s", err.message);
	return count;
}

static void test_what_lasts_is_written_once_a_day(void **state)
{
	/* One after the other. */
	static const struct {
		const char *when;
		enum news_kind kind;
		int64_t day;
		const char *event, *subject, *text;
		bool is_written;
	} rows[] = {
		{ "when it ended before it began", NEWS_ENDED, 0, "breaker", "gpu", "closed",
		  false },
		{ "when it begins", NEWS_LASTS, 0, "breaker", "gpu", "open: 3 failed", true },
		{ "when it lasts", NEWS_LASTS, 0, "breaker", "gpu", "open: 3 failed", false },
		{ "when a number in it grows", NEWS_LASTS, 0, "breaker", "gpu", "open: 4", false },
		{ "when it changes", NEWS_LASTS, 0, "breaker", "gpu", "half open: 4", true },
		{ "when it changes back", NEWS_LASTS, 0, "breaker", "gpu", "open: 5", true },
		{ "when it is of another", NEWS_LASTS, 0, "breaker", "cpu", "open: 3", true },
		{ "when it is another", NEWS_LASTS, 0, "budget", "gpu", "open: 3", true },
		{ "when it lasts into the next day", NEWS_LASTS, 1, "breaker", "gpu", "open: 5",
		  true },
		{ "when that day goes on", NEWS_LASTS, 1, "breaker", "gpu", "open: 5", false },
		{ "when it ends", NEWS_ENDED, 1, "breaker", "gpu", "closed", true },
		{ "when it stays so", NEWS_ENDED, 2, "breaker", "gpu", "closed", false },
		{ "when it begins again", NEWS_LASTS, 2, "breaker", "gpu", "open: 3", true },
		{ "when it happened", NEWS_HAPPENED, 2, "launched", "i-1", "why", true },
		{ "when it happened again", NEWS_HAPPENED, 2, "launched", "i-1", "why", true },
	};
	char folder[SCRATCH_ROOM];
	struct error err = { 0 };
	unsigned expected = 0;

	(void)state;
	scratch_make(folder);
	struct ledger_file *file = ledger_opened(folder, NOW_S);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct news news = { .kind = rows[i].kind };

		news.entry.time_s = NOW_S + rows[i].day * DAY_S;
		SET(news.entry.event, rows[i].event);
		SET(news.entry.subject, rows[i].subject);
		SET(news.entry.text, rows[i].text);
		if (pass_journal(file, &(struct news_list){ &news, 1 }, &err) < 0)
			fail_msg("%s", err.message);
		expected += rows[i].is_written;
		if (count_entries(file) != expected)
			fail_msg("%s: %u entries, expected %u", rows[i].when, count_entries(file),
				 expected);
	}
	ledger_close(file);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_lasts_is_written_once_a_day),
	};

	log_open("test", NULL, LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
