#include "reaper/pass.h"

#include "common/clock.h"
#include "common/command.h"
#include "common/log.h"
#include "reaper/act.h"
#include "reaper/money/report.h"
#include "reaper/money/spend.h"
#include "reaper/money/spot_prices.h"
#include "reaper/observe.h"
#include "reaper/pass_channel.h"
#include "reaper/pass_journal.h"
#include "reaper/pass_lock.h"

enum { LINE_BYTES = 1024 };

static int64_t deadline_of(const struct pass *pass)
{
	return clock_monotonic_ms() + pass->settings->pass_deadline_s * 1000;
}

static struct spend_look spend_of(const struct pass *pass, int64_t deadline_ms,
				  struct pass_view *view)
{
	return (struct spend_look){ .settings = pass->settings,
				    .clearml = pass->clearml,
				    .channel = view->is_channel_down ? NULL : &view->channel,
				    .file = view->file,
				    .ledger = &view->ledger,
				    .deadline_ms = deadline_ms };
}

static int look(const struct pass *pass, int64_t deadline_ms, bool is_view, struct pass_view *out,
		struct error *err)
{
	int64_t wall_ms = clock_wall_ms();

	*out = (struct pass_view){ 0 };
	if ((is_view ? ledger_open_view : ledger_open)(pass->settings->state_folder, wall_ms / 1000,
						       &out->file, err) < 0 ||
	    ledger_read(out->file, &out->ledger, err) < 0)
		return -1;
	spot_prices_look(&(struct spot_prices_look){ .settings = pass->settings,
						     .ledger = &out->ledger,
						     .now_ms = wall_ms,
						     .deadline_ms = deadline_ms });
	pass_channel_look(pass, out);
	observe(&(struct observer){ .settings = pass->settings,
				    .clearml = pass->clearml,
				    .ledger = &out->ledger,
				    .wall_ms = wall_ms,
				    .deadline_ms = deadline_ms,
				    .is_sweep_wanted = pass->is_sweep_wanted,
				    .are_leftovers_wanted = pass->are_leftovers_wanted },
		&out->seen);
	pass_channel_show(out);
	struct spend_look spend = spend_of(pass, deadline_ms, out);

	spend_look(&spend, &out->seen);
	plan_make(&out->seen, pass->settings, &out->plan);
	return 0;
}

int pass_look(const struct pass *pass, struct pass_view *out, struct error *err)
{
	return look(pass, deadline_of(pass), true, out, err);
}

void pass_view_release(struct pass_view *view)
{
	plan_release(&view->plan);
	observation_release(&view->seen);
	channel_release(&view->channel);
	ledger_release(&view->ledger);
	ledger_close(view->file);
	view->file = NULL;
}

static void log_decision(const struct pass *pass, const struct pass_view *view)
{
	SCOPED(buf) struct buf line = BUF(LINE_BYTES);

	report_decision(&(struct report){ pass->settings, &view->seen, &view->plan }, &line);
	log_info("pass", "%s", buf_text(&line));
	for (size_t q = 0; view->seen.queues_known && q < pass->settings->queue_count; q++)
		if (!view->seen.queues[q].exists)
			log_warn("no-queue", "there is no queue \"%s\" in ClearML",
				 pass->settings->queues[q]);
	for (size_t u = 0; view->seen.users && u < pass->settings->user_budget_count; u++)
		if (*view->seen.users[u].problem)
			log_warn("budget", "user %s: %s", pass->settings->user_budgets[u].user,
				 view->seen.users[u].problem);
}

static bool is_all_listed(const struct pass *pass, const struct observation *seen)
{
	for (size_t r = 0; r < pass->settings->resource_count; r++)
		if (!seen->resources[r].is_listed)
			return false;
	return true;
}

static bool is_empty(const struct pass *pass, const struct pass_view *view)
{
	const struct observation *seen = &view->seen;

	if (!seen->queues_known || !seen->workers_known || !is_all_listed(pass, seen) ||
	    view->ledger.attempt_count)
		return false;
	for (size_t q = 0; q < pass->settings->queue_count; q++)
		if (seen->queues[q].waiting)
			return false;
	for (size_t i = 0; i < seen->machine_count; i++)
		if (seen->machines[i].instance.state != INSTANCE_TERMINATED)
			return false;
	return true;
}

/* What an earlier mirror says stands a pass longer. */
static void leave_spend(const struct pass *pass, int64_t deadline_ms, struct pass_view *view)
{
	struct spend_look spend = spend_of(pass, deadline_ms, view);
	struct error err;

	if (spend_leave(&spend, &view->seen, &err) == 0)
		return;
	log_failure("channel", &err);
	view->is_channel_down = true;
}

/* What could not be told to the journal is in the log: no reason to give the pass up. */
static unsigned note(const struct act *done, const struct act_result *result,
		     struct news_list *news)
{
	struct error err;

	pass_news(done, result, news);
	if (pass_journal(done->file, news, &err) == 0)
		return 0;
	log_failure("journal", &err);
	news_list_release(news);
	return 1;
}

/* What the pass leaves behind for the next one, for machines and for people. */
static int leave_behind(const struct pass *pass, int64_t deadline_ms, struct pass_view *view,
			const struct news_list *news, struct error *err)
{
	observe_remember(&view->seen, &view->ledger);
	pass_channel_send(pass, deadline_ms, view);
	view->ledger.passes++;
	if (ledger_write(view->file, &view->ledger, err) < 0)
		return -1;
	leave_spend(pass, deadline_ms, view);
	pass_channel_log(pass, deadline_ms, view, news);
	return 0;
}

static int carry_out(const struct pass *pass, int64_t deadline_ms, struct pass_view *view,
		     struct error *err)
{
	SCOPED(act_result) struct act_result result = { 0 };
	SCOPED(news_list) struct news_list news = { 0 };
	const struct act act_on = { .settings = pass->settings,
				    .clearml = pass->clearml,
				    .seen = &view->seen,
				    .plan = &view->plan,
				    .ledger = &view->ledger,
				    .file = view->file,
				    .deadline_ms = deadline_ms };

	act(&act_on, &result);
	unsigned failed = result.failed + note(&act_on, &result, &news);

	if (leave_behind(pass, deadline_ms, view, &news, err) < 0)
		return -1;
	if (!view->seen.queues_known || !view->seen.workers_known)
		return EXIT_FAILED;
	return failed || view->is_channel_down || !is_all_listed(pass, &view->seen) ? EXIT_PARTLY :
										      EXIT_OK;
}

static int run_locked(const struct pass *pass, struct pass_result *out, struct error *err)
{
	SCOPED(pass_view) struct pass_view view = { 0 };
	int64_t deadline_ms = deadline_of(pass);

	if (look(pass, deadline_ms, false, &view, err) < 0)
		return -1;
	log_decision(pass, &view);
	int status = carry_out(pass, deadline_ms, &view, err);
	if (status < 0)
		return -1;
	out->exit_status = status;
	out->is_empty = is_empty(pass, &view);
	out->is_swept = view.seen.tasks_known && !view.seen.lost_count;
	return 0;
}

void pass_run(const struct pass *pass, struct pass_result *out)
{
	SCOPED(pass_lock) int lock = -1;
	struct error err;

	*out = (struct pass_result){ .exit_status = EXIT_OK };
	if (pass_lock(pass->settings->state_folder, 0, &lock, &err) < 0) {
		if (err.class == ERROR_CONFLICT) {
			log_info("overlap", "%s: this one leaves", err.message);
			return;
		}
	} else if (run_locked(pass, out, &err) == 0) {
		return;
	}
	(void)error_wrap(&err, "pass");
	log_failure("pass", &err);
	out->exit_status = EXIT_FAILED;
}
