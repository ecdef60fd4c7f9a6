#include "reaper/forecast/forecast.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "reaper/money/money.h"
#include "reaper/table.h"

void forecast_release(struct forecast *forecast)
{
	trace_release(&forecast->trace);
	for (size_t i = 0; i < forecast->count; i++)
		outcome_release(&forecast->outcomes[i]);
	forecast->count = 0;
}

void forecast_hours(int64_t seconds, char out[static FORECAST_CELL_ROOM])
{
	int64_t tenths = (seconds + 180) / 360;

	(void)snprintf(out, FORECAST_CELL_ROOM, "%lld.%lld", (long long)(tenths / 10),
		       (long long)(tenths % 10));
}

void forecast_share(int64_t part, int64_t whole, char out[static FORECAST_CELL_ROOM])
{
	if (whole <= 0) {
		(void)snprintf(out, FORECAST_CELL_ROOM, "-");
		return;
	}
	int64_t permille = (part * 1000 + whole / 2) / whole;

	(void)snprintf(out, FORECAST_CELL_ROOM, "%lld.%lld %%", (long long)(permille / 10),
		       (long long)(permille % 10));
}

void forecast_wait(const struct outcome_sum *sum, int64_t wait_s,
		   char out[static FORECAST_CELL_ROOM])
{
	char text[CLOCK_TEXT_LEN] = "-";

	if (sum->started)
		clock_format_span(wait_s * 1000, text);
	(void)snprintf(out, FORECAST_CELL_ROOM, "%s", text);
}

void forecast_moment(int64_t at_s, char out[static FORECAST_CELL_ROOM])
{
	char text[CLOCK_TEXT_LEN];

	clock_format(at_s * 1000, false, text);
	(void)snprintf(out, FORECAST_CELL_ROOM, "%.10s %.5s", text, text + 11);
}

void forecast_about(const struct forecast *forecast, struct buf *out)
{
	const struct trace *trace = &forecast->trace;
	char from[FORECAST_CELL_ROOM], until[FORECAST_CELL_ROOM], boot[CLOCK_TEXT_LEN];

	forecast_moment(trace->arrivals[0].at_s, from);
	forecast_moment(trace->arrivals[trace->count - 1].at_s, until);
	clock_format_span(forecast->boot_s * 1000, boot);
	buf_addf(out, "%zu %s of %zu %s, from %s to %s; a machine boots in %s", trace->count,
		 trace->count == 1 ? "task" : "tasks", trace->queue_count,
		 trace->queue_count == 1 ? "queue" : "queues", from, until, boot);
}

/* ---- text ---- */

static void add_wait(struct table *table, const struct outcome_sum *sum, int64_t wait_s)
{
	char text[FORECAST_CELL_ROOM];

	forecast_wait(sum, wait_s, text);
	table_cell(table, "%s", text);
}

static void add_policy(struct table *table, const struct outcome *outcome, int64_t first_s)
{
	char money[MONEY_TEXT_ROOM], hours[FORECAST_CELL_ROOM], share[FORECAST_CELL_ROOM];
	struct outcome_sum sum;

	outcome_sum(outcome, OUTCOME_ALL, &sum);
	money_text(sum.money, money);
	forecast_hours(sum.instance_s, hours);
	table_cell(table, "%s", outcome->name);
	table_cell(table, "%s", money);
	table_cell(table, "%s", hours);
	forecast_share(sum.instance_s, first_s, share);
	table_cell(table, "%s", share);
	table_cell(table, "%zu", sum.launches);
	forecast_share(sum.seat_s - sum.busy_s, sum.seat_s, share);
	table_cell(table, "%s", share);
	add_wait(table, &sum, sum.wait_p50_s);
	add_wait(table, &sum, sum.wait_p95_s);
	add_wait(table, &sum, sum.wait_max_s);
	table_cell(table, "%zu", sum.unstarted);
	table_cell(table, "%zu", sum.failed);
}

static void add_bound(struct table *table, const char *name, int64_t bound_s, int64_t first_s)
{
	char hours[FORECAST_CELL_ROOM], share[FORECAST_CELL_ROOM];

	forecast_hours(bound_s, hours);
	forecast_share(bound_s, first_s, share);
	table_cell(table, "%s", name);
	table_cell(table, "-");
	table_cell(table, "%s", hours);
	table_cell(table, "%s", share);
	for (size_t i = 0; i < 7; i++)
		table_cell(table, "-");
}

static void print_policies(const struct forecast *forecast, struct buf *out)
{
	static const char *const heading[] = { "policy",   "$",	       "instance-hours", "of first",
					       "launches", "idle",     "wait p50",	 "wait p95",
					       "wait max", "no start", "failed",	 NULL };
	SCOPED(table) struct table table;
	struct outcome_sum first;

	table_open(&table, heading);
	outcome_sum(&forecast->outcomes[0], OUTCOME_ALL, &first);
	for (size_t i = 0; i < forecast->count; i++)
		add_policy(&table, &forecast->outcomes[i], first.instance_s);
	add_bound(&table, "bound: no task waits", forecast->bound.prompt_s, first.instance_s);
	add_bound(&table, "bound: however long", forecast->bound.work_s, first.instance_s);
	table_print(&table, out);
}

static void add_resource(struct table *table, const struct outcome *outcome, size_t resource)
{
	char money[MONEY_TEXT_ROOM], hours[FORECAST_CELL_ROOM], share[FORECAST_CELL_ROOM];
	struct outcome_sum sum;

	outcome_sum(outcome, resource, &sum);
	money_text(sum.money, money);
	forecast_hours(sum.instance_s, hours);
	forecast_share(sum.seat_s - sum.busy_s, sum.seat_s, share);
	table_cell(table, "%s", outcome->resources[resource]);
	table_cell(table, "%s", outcome->name);
	table_cell(table, "%s", money);
	table_cell(table, "%s", hours);
	table_cell(table, "%zu", sum.launches);
	table_cell(table, "%s", share);
}

static void print_resources(const struct forecast *forecast, struct buf *out)
{
	static const char *const heading[] = { "resource", "policy", "$", "instance-hours",
					       "launches", "idle",   NULL };
	SCOPED(table) struct table table;

	table_open(&table, heading);
	for (size_t i = 0; i < forecast->count; i++)
		for (size_t r = 0; r < forecast->outcomes[i].resource_count; r++)
			add_resource(&table, &forecast->outcomes[i], r);
	table_print(&table, out);
}

static void print_remarks(const struct forecast *forecast, struct buf *out)
{
	char text[TABLE_CELL_ROOM + sizeof(forecast->outcomes[0].remark)];

	for (size_t i = 0; i < forecast->count; i++) {
		if (!*forecast->outcomes[i].remark)
			continue;
		table_plain(forecast->outcomes[i].name, text, sizeof(text));
		buf_addf(out, "\n%s: ", text);
		table_plain(forecast->outcomes[i].remark, text, sizeof(text));
		buf_addf(out, "%s\n", text);
	}
}

void forecast_text(const struct forecast *forecast, struct buf *out)
{
	char name[TABLE_CELL_ROOM];

	table_plain(forecast->trace_name, name, sizeof(name));
	buf_addf(out, "%s: ", name);
	forecast_about(forecast, out);
	buf_addf(out, "\n\n");
	print_policies(forecast, out);
	buf_addf(out, "\n");
	print_resources(forecast, out);
	print_remarks(forecast, out);
	if (*forecast->rival_problem) {
		table_plain(forecast->rival_problem, name, sizeof(name));
		buf_addf(out, "\nWithout ClearML's autoscaler: %s\n", name);
	}
	if (forecast->bound.unserved)
		buf_addf(out, "\nTasks of queues that no resource serves: %zu\n",
			 forecast->bound.unserved);
}
