#include "reaper/money/report_leftovers.h"

#include "common/clock.h"
#include "reaper/money/money.h"
#include "reaper/table.h"

/* ---- text ---- */

static void add_size(const struct leftover *left, struct table *table)
{
	if (left->kind == LEFTOVER_VOLUME)
		table_cell(table, "%u GB %s", left->gigabytes, left->type);
	else
		table_cell(table, "%s", left->type);
}

static void add_month(const struct leftover *left, struct table *table)
{
	int64_t month = leftover_month(left);
	char text[MONEY_TEXT_ROOM];

	money_text(month, text);
	table_cell(table, "%s%s", month > 0 ? "~" : "", month ? text : "-");
}

static void add_row(const struct report *report, size_t i, struct table *table)
{
	const struct leftover *left = &report->seen->leftovers[i].leftover;
	char made[CLOCK_TEXT_LEN];

	clock_format(left->made_s * 1000, false, made);
	table_cell(table, "%s", leftover_kind_text(left->kind));
	table_cell(table, "%s", left->id);
	table_cell(table, "%s slot %u", left->resource, left->slot);
	table_cell(table, "%s", left->region);
	add_size(left, table);
	table_cell(table, "%s", made);
	add_month(left, table);
	table_cell(table, "%s", leftover_fate_text(report->plan->leftovers[i]));
}

void report_leftovers(const struct report *report, struct buf *out)
{
	static const char *const heading[] = {
		"LEFT BEHIND",	      "ID", "OF", "REGION", "SIZE", "MADE", "$/MONTH",
		"WHAT BECOMES OF IT", NULL
	};
	const struct observation *seen = report->seen;
	SCOPED(table) struct table table;
	char plain[512];

	if (*seen->leftover_problem) {
		table_plain(seen->leftover_problem, plain, sizeof(plain));
		buf_addf(out, "\nUNKNOWN: what machines left behind\n  %s\n", plain);
	}
	table_open(&table, heading);
	for (size_t i = 0; i < seen->leftover_count; i++)
		add_row(report, i, &table);
	if (table_is_empty(&table))
		return;
	buf_addf(out, "\n");
	table_print(&table, out);
}

/* ---- JSON ---- */

static const char *fate_word(enum leftover_fate fate)
{
	static const char *const words[LEFTOVER_FATE_COUNT] = {
		[LEFTOVER_WAITS] = "waits",
		[LEFTOVER_KEPT] = "kept",
		[LEFTOVER_CANCELLED] = "cancelled",
	};
	return words[fate];
}

static void add_item(const struct report *report, size_t i, struct json *item)
{
	const struct leftover *left = &report->seen->leftovers[i].leftover;
	int64_t month = leftover_month(left);
	char made[CLOCK_TEXT_LEN];

	clock_format(left->made_s * 1000, false, made);
	json_add_text(item, "kind", leftover_kind_text(left->kind));
	json_add_text(item, "id", left->id);
	json_add_text(item, "resource", left->resource);
	json_add_integer(item, "slot", left->slot);
	json_add_integer(item, "generation", left->generation);
	json_add_text(item, "region", left->region);
	json_add_text(item, "type", left->type);
	if (left->kind == LEFTOVER_VOLUME)
		json_add_integer(item, "gigabytes", left->gigabytes);
	json_add_text(item, "made", made);
	if (month < 0)
		json_add_text(item, "month_microdollars", NULL);
	else
		json_add_integer(item, "month_microdollars", month);
	json_add_text(item, "fate", fate_word(report->plan->leftovers[i]));
}

void report_leftovers_json(const struct report *report, struct json *root)
{
	const struct observation *seen = report->seen;

	if (*seen->leftover_problem)
		json_add_text(root, "leftovers_problem", seen->leftover_problem);
	if (!seen->leftovers_known) {
		json_add_text(root, "leftovers", NULL);
		return;
	}
	struct json *list = json_add_list(root, "leftovers");

	for (size_t i = 0; i < seen->leftover_count; i++)
		add_item(report, i, json_add_object(list, NULL));
}
