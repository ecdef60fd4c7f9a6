#include "reaper/money/report_money.h"

#include <string.h>

#include "reaper/money/money.h"
#include "reaper/money/user_names.h"
#include "reaper/table.h"

/* One thing that money is counted for. */
struct purse {
	const char *kind, *name; /* "resource", "gpu" */
	const char *label; /* the name for people; NULL: the name itself */
	const char *id, *user_name; /* of a user; NULL: not known */
	int64_t rate; /* MONEY_UNKNOWN */
	struct spent spent;
	const struct budget *budget;
};

typedef void purse_visitor(const struct purse *purse, void *context);

static const struct budget no_budget;

static void visit_total(const struct report *report, purse_visitor *visit, void *context)
{
	struct purse total = { .kind = "total",
			       .name = "",
			       .spent = report->seen->spent,
			       .budget = &report->settings->budget };

	for (size_t r = 0; r < report->settings->resource_count; r++) {
		const struct resource_plan *planned = &report->plan->resources[r];

		if (!planned->is_rate_known)
			total.rate = MONEY_UNKNOWN;
		else if (total.rate != MONEY_UNKNOWN)
			total.rate += planned->rate;
	}
	visit(&total, context);
}

static void visit_resources(const struct report *report, purse_visitor *visit, void *context)
{
	for (size_t r = 0; r < report->settings->resource_count; r++) {
		const struct resource *resource = &report->settings->resources[r];
		const struct resource_plan *planned = &report->plan->resources[r];

		visit(&(struct purse){ .kind = "resource",
				       .name = resource->name,
				       .rate = planned->is_rate_known ? planned->rate :
									MONEY_UNKNOWN,
				       .spent = report->seen->resources[r].spent,
				       .budget = &resource->budget },
		      context);
	}
}

static void visit_queues(const struct report *report, purse_visitor *visit, void *context)
{
	const struct settings *settings = report->settings;

	for (size_t q = 0; q < settings->queue_count; q++) {
		const struct budget *budget =
			settings->queue_budgets ? &settings->queue_budgets[q] : &no_budget;

		if (budget_is_set(budget) || report->seen->queue_spent[q].month)
			visit(&(struct purse){ .kind = "queue",
					       .name = settings->queues[q],
					       .rate = report->seen->queue_rate[q],
					       .spent = report->seen->queue_spent[q],
					       .budget = budget },
			      context);
	}
}

static void visit_users(const struct report *report, purse_visitor *visit, void *context)
{
	const struct settings *settings = report->settings;

	for (size_t u = 0; report->seen->users && u < settings->user_budget_count; u++) {
		const struct observed_user *user = &report->seen->users[u];
		char label[USER_LABEL_ROOM];

		user_names_label(settings, report->seen, u, label);
		visit(&(struct purse){ .kind = "user",
				       .name = settings->user_budgets[u].user,
				       .label = label,
				       .id = *user->id ? user->id : NULL,
				       .user_name = *user->name ? user->name : NULL,
				       .rate = user->rate,
				       .spent = user->spent,
				       .budget = &settings->user_budgets[u].budget },
		      context);
	}
}

static void visit_all(const struct report *report, purse_visitor *visit, void *context)
{
	visit_total(report, visit, context);
	visit_resources(report, visit, context);
	visit_queues(report, visit, context);
	visit_users(report, visit, context);
}

/* ---- text ---- */

struct page {
	const struct report *report;
	struct table table;
};

static void add_cell(struct table *table, int64_t money, int64_t limit, bool is_known)
{
	char spent[MONEY_TEXT_ROOM], most[MONEY_TEXT_ROOM];

	money_text(is_known ? money : MONEY_UNKNOWN, spent);
	money_text(limit, most);
	if (limit)
		table_cell(table, "%s of %s", spent, most);
	else
		table_cell(table, "%s", spent);
}

static void add_row(const struct purse *purse, void *context)
{
	struct page *page = context;
	bool is_known = page->report->seen->is_spend_known;

	table_cell(&page->table, "%s%s%s", purse->kind, *purse->name ? " " : "",
		   purse->label ? purse->label : purse->name);
	add_cell(&page->table, purse->rate, purse->budget->hour, true);
	add_cell(&page->table, purse->spent.day, purse->budget->day, is_known);
	add_cell(&page->table, purse->spent.month, purse->budget->month, is_known);
}

void report_money(const struct report *report, struct buf *out)
{
	static const char *const heading[] = { "MONEY, $", "AN HOUR", "TODAY (UTC)", "THIS MONTH",
					       NULL };
	struct page page = { .report = report };

	table_open(&page.table, heading);
	visit_all(report, add_row, &page);
	buf_addf(out, "\n");
	table_print(&page.table, out);
	table_release(&page.table);
}

/* ---- JSON ---- */

struct sheet {
	const struct report *report;
	struct json *list;
};

static void add_money(struct json *to, const char *name, int64_t money)
{
	if (money < 0)
		json_add_text(to, name, NULL);
	else
		json_add_integer(to, name, money);
}

static void add_item(const struct purse *purse, void *context)
{
	const struct sheet *sheet = context;
	bool is_known = sheet->report->seen->is_spend_known;
	struct json *item = json_add_object(sheet->list, NULL);
	struct json *budget;

	json_add_text(item, "kind", purse->kind);
	json_add_text(item, "name", *purse->name ? purse->name : NULL);
	if (!strcmp(purse->kind, "user")) {
		json_add_text(item, "user_id", purse->id);
		json_add_text(item, "user_name", purse->user_name);
	}
	add_money(item, "hour_microdollars", purse->rate);
	add_money(item, "day_microdollars", is_known ? purse->spent.day : MONEY_UNKNOWN);
	add_money(item, "month_microdollars", is_known ? purse->spent.month : MONEY_UNKNOWN);
	if (!budget_is_set(purse->budget))
		return;
	budget = json_add_object(item, "budget");
	add_money(budget, "hour_microdollars",
		  purse->budget->hour ? purse->budget->hour : MONEY_UNKNOWN);
	add_money(budget, "day_microdollars",
		  purse->budget->day ? purse->budget->day : MONEY_UNKNOWN);
	add_money(budget, "month_microdollars",
		  purse->budget->month ? purse->budget->month : MONEY_UNKNOWN);
}

void report_money_json(const struct report *report, struct json *to)
{
	struct sheet sheet = { report, json_add_list(to, "money") };

	visit_all(report, add_item, &sheet);
}
