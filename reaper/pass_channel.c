#include "reaper/pass_channel.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/told.h"

enum { LOOK_MS = 5000, LEAST_MS = 1000, MOST_MS = 10000 };

static void failed(struct pass_view *view, const struct error *err)
{
	log_failure("channel", err);
	view->is_channel_down = true;
}

void pass_channel_look(const struct pass *pass, struct pass_view *view)
{
	struct error err;

	view->channel = (struct channel){ .settings = pass->settings,
					  .clearml = pass->clearml,
					  .ledger = &view->ledger };
	clearml_set_timeout(pass->clearml, LOOK_MS);
	if (channel_look(&view->channel, &err) < 0)
		failed(view, &err);
	clearml_set_timeout(pass->clearml, MOST_MS);
}

void pass_channel_show(struct pass_view *view)
{
	const struct ledger *ledger = &view->ledger;
	struct observation *seen = &view->seen;

	text_cut(seen->mirror_refused, sizeof(seen->mirror_refused), view->channel.mirror_refused);
	if (seen->now_ms / 1000 - ledger->rival_s > CHANNEL_RIVAL_S)
		return;
	text_cut(seen->rival, sizeof(seen->rival), ledger->rival);
	seen->rival_s = ledger->rival_s;
}

/* false: it is down, or there is no time for it any more. */
static bool may_call(const struct pass *pass, int64_t deadline_ms, const struct pass_view *view)
{
	int64_t left_ms = deadline_ms - clock_monotonic_ms();

	if (view->is_channel_down || left_ms < LEAST_MS)
		return false;
	clearml_set_timeout(pass->clearml, left_ms < MOST_MS ? left_ms : MOST_MS);
	return true;
}

void pass_channel_send(const struct pass *pass, int64_t deadline_ms, struct pass_view *view)
{
	struct error err;

	told_prune(&view->ledger, &view->seen, pass->settings);
	if (!may_call(pass, deadline_ms, view))
		return;
	if (channel_find(&view->channel, &err) < 0 ||
	    channel_send(&view->channel, &view->seen, &view->plan, &err) < 0)
		failed(view, &err);
}

void pass_channel_log(const struct pass *pass, int64_t deadline_ms, struct pass_view *view,
		      const struct news_list *news)
{
	struct slice *lines = memory_array(news->count + 1, sizeof(*lines));
	char **texts = memory_array(news->count + 1, sizeof(*texts));
	struct error err;

	for (size_t i = 0; i < news->count; i++) {
		const struct journal_entry *entry = &news->news[i].entry;
		SCOPED(buf) struct buf line = BUF(sizeof(*entry));

		buf_addf(&line, "%s %s: %s", entry->event, entry->subject, entry->text);
		texts[i] = memory_text(buf_slice(&line));
		lines[i] = slice_of(texts[i]);
	}
	if (view->channel.is_found && may_call(pass, deadline_ms, view) &&
	    channel_log(&view->channel, lines, news->count, &err) < 0)
		failed(view, &err);
	for (size_t i = 0; i < news->count; i++)
		free(texts[i]);
	free(texts);
	free(lines);
}
