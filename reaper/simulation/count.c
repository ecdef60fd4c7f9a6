#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/money/money.h"
#include "reaper/money/spend_runs.h"
#include "reaper/settings/settings_money.h"
#include "reaper/simulation/world_state.h"

/*
 * What was spent, as spend_look() puts it into an observation: the same counting
 * of machines and the same judgement of users, on sums that a host keeps with
 * its ledger.
 */

/* ---- sums: the total, then each resource's, queue's and user's ---- */

static size_t sum_count(const struct settings *settings)
{
	return 1 + settings->resource_count + settings->queue_count + settings->user_budget_count;
}

void world_spend_copy(const struct settings *settings, const struct world_spend *from,
		      struct world_spend *out)
{
	struct spent *sums =
		from->sums ? world_copy_of(from->sums, sum_count(settings), sizeof(*from->sums)) :
			     NULL;

	free(out->sums);
	*out = *from;
	out->sums = sums;
}

/* What was spent on an earlier day is not of this one; the month's first day is a month's too. */
static void turn_to(struct world_spend *spend, const struct settings *settings, const char *today)
{
	bool is_same_day = !strcmp(spend->day, today);
	bool is_same_month = !strncmp(spend->day, today, sizeof("2026-11") - 1);

	if (!spend->sums)
		spend->sums = memory_array(sum_count(settings), sizeof(*spend->sums));
	for (size_t i = 0; i < sum_count(settings); i++) {
		spend->sums[i].day = is_same_day ? spend->sums[i].day : 0;
		spend->sums[i].month = is_same_month ? spend->sums[i].month : 0;
	}
	text_cut(spend->day, sizeof(spend->day), today);
}

static void add(struct spent *sum, const struct spend_row *row, const char *today)
{
	if (strncmp(row->day, today, sizeof("2026-11") - 1) != 0)
		return;
	sum->month += row->money;
	sum->day += strcmp(row->day, today) ? 0 : row->money;
}

static void add_row(struct world_spend *spend, const struct settings *settings,
		    const struct spend_row *row)
{
	struct spent *sum = spend->sums;

	add(sum++, row, spend->day);
	for (size_t r = 0; r < settings->resource_count; r++, sum++)
		if (!strcmp(settings->resources[r].name, row->resource))
			add(sum, row, spend->day);
	for (size_t q = 0; q < settings->queue_count; q++, sum++)
		if (!strcmp(settings->queues[q], row->queue))
			add(sum, row, spend->day);
	for (size_t u = 0; u < settings->user_budget_count; u++, sum++)
		if (!strcmp(settings->user_budgets[u].user, row->user))
			add(sum, row, spend->day);
}

static void show_sums(const struct world_spend *spend, const struct settings *settings,
		      struct observation *seen)
{
	const struct spent *sum = spend->sums;

	seen->spent = *sum++;
	for (size_t r = 0; r < settings->resource_count; r++)
		seen->resources[r].spent = *sum++;
	for (size_t q = 0; q < settings->queue_count; q++)
		seen->queue_spent[q] = *sum++;
	for (size_t u = 0; u < settings->user_budget_count; u++)
		seen->users[u].spent = *sum++;
}

/* ---- for whom ---- */

static const char *user_of(const struct settings *settings, const struct world_task *task)
{
	return task->user < settings->user_budget_count ? settings->user_budgets[task->user].user :
							  "";
}

static void find_runs(const struct world *world, struct observation *seen)
{
	spend_runs_collect(seen);
	for (size_t i = 0; i < seen->run_count; i++) {
		struct observed_run *run = &seen->runs[i];
		size_t number = (size_t)strtoull(run->task, NULL, 16);

		if (number >= world->task_count)
			continue;
		const struct world_task *task = &world->tasks[number];

		text_cut(run->queue, sizeof(run->queue), world->settings->queues[task->queue]);
		text_cut(run->user, sizeof(run->user), user_of(world->settings, task));
		run->since_s = task->started_ms < 0 ? 0 : task->started_ms / 1000;
	}
}

static void bar(const struct world *world, struct observation *seen)
{
	const struct settings *settings = world->settings;
	SCOPED(clearml_purposes) struct clearml_purposes queued = { 0 };

	if (!spend_runs_is_anyone_watched(settings, seen))
		return;
	queued.list = memory_array(world->task_count + 1, sizeof(*queued.list));
	for (size_t i = 0; i < world->task_count; i++) {
		const struct world_task *task = &world->tasks[i];

		if (!task->is_here || task->status != TASK_QUEUED ||
		    task->user >= settings->user_budget_count ||
		    !spend_runs_is_watched(settings, seen, task->user))
			continue;
		struct clearml_purpose *purpose = &queued.list[queued.count++];

		memcpy(purpose->task, task->id, sizeof(purpose->task));
		text_cut(purpose->user, sizeof(purpose->user), user_of(settings, task));
		(void)snprintf(purpose->queue, sizeof(purpose->queue), "%032zx", task->queue + 1);
	}
	spend_runs_bar_tasks(settings, seen, &queued);
}

void world_count(const struct world *world, struct world_pass *pass)
{
	SCOPED(spend_list) struct spend_list rows = { 0 };
	const struct settings *settings = world->settings;
	struct observation *seen = &pass->seen;

	/* Counting takes time, and without a budget nobody looks at what it comes to. */
	if (!settings_has_budgets(settings))
		return;
	seen->users = memory_array(settings->user_budget_count + 1, sizeof(*seen->users));
	turn_to(&pass->spend, settings, seen->today);
	if (seen->workers_known) {
		find_runs(world, seen);
		money_accrue(seen, settings, &pass->ledger, &rows);
		for (size_t i = 0; i < rows.count; i++)
			add_row(&pass->spend, settings, &rows.rows[i]);
		pass->spend.until_s = seen->now_ms / 1000;
	}
	show_sums(&pass->spend, settings, seen);
	seen->is_spend_known = seen->workers_known;
	spend_runs_rate(settings, seen);
	bar(world, seen);
}
