#include "reaper/pass_channel.h"

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

void pass_channel_send(const struct pass *pass, int64_t deadline_ms, struct pass_view *view)
{
	int64_t left_ms = deadline_ms - clock_monotonic_ms();
	struct error err;

	told_prune(&view->ledger, &view->seen, pass->settings);
	if (view->is_channel_down || left_ms < LEAST_MS)
		return;
	clearml_set_timeout(pass->clearml, left_ms < MOST_MS ? left_ms : MOST_MS);
	if (channel_find(&view->channel, &err) < 0 ||
	    channel_send(&view->channel, &view->seen, &view->plan, &err) < 0)
		failed(view, &err);
}
