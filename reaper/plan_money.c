#include <stdlib.h>
#include <string.h>

#include "reaper/money/money.h"
#include "reaper/money/user_names.h"
#include "reaper/plan_part.h"

enum { GATES = 3, GATE_NAME_ROOM = 300, DAY_S = 86400 };

struct gates { /* all that one launch must pass */
	struct money_gate list[GATES];
	size_t count;
	char names[GATES][GATE_NAME_ROOM];
};

int64_t plan_sum(int64_t a, int64_t b)
{
	return a < 0 || b < 0 ? MONEY_UNKNOWN : a + b;
}

static void add_gate(const struct planner *planner, const struct money_gate *gate, const char *kind,
		     struct gates *out)
{
	char *name = out->names[out->count];
	size_t len = strlen(kind);

	if (!budget_is_set(gate->budget))
		return;
	text_cut(name, GATE_NAME_ROOM, kind);
	text_cut(name + len, GATE_NAME_ROOM - len, gate->name);
	struct money_gate *added = &out->list[out->count++];

	*added = *gate;
	added->name = name;
	if (!planner->seen->is_spend_known)
		added->spent = (struct spent){ MONEY_UNKNOWN, MONEY_UNKNOWN };
}

static void add_total(const struct planner *planner, struct gates *out)
{
	add_gate(planner,
		 &(struct money_gate){ "", &planner->settings->budget, planner->seen->spent,
				       planner->rate },
		 "total", out);
}

static void add_resource(const struct planner *planner, size_t r, struct gates *out)
{
	const struct resource_plan *planned = &planner->plan->resources[r];

	add_gate(planner,
		 &(struct money_gate){ planner->settings->resources[r].name,
				       &planner->settings->resources[r].budget,
				       planner->seen->resources[r].spent,
				       planned->is_rate_known ? planned->rate : MONEY_UNKNOWN },
		 "resource ", out);
}

static void add_queue(const struct planner *planner, size_t q, struct gates *out)
{
	if (!planner->settings->queue_budgets || q == QUEUE_NONE)
		return;
	add_gate(planner,
		 &(struct money_gate){ planner->settings->queues[q],
				       &planner->settings->queue_budgets[q],
				       planner->seen->queue_spent[q], planner->queue_rates[q] },
		 "queue ", out);
}

static void gates_of(const struct planner *planner, size_t resource, size_t queue,
		     struct gates *out)
{
	out->count = 0;
	add_total(planner, out);
	add_resource(planner, resource, out);
	add_queue(planner, queue, out);
}

bool plan_is_affordable(const struct planner *planner, size_t resource, size_t queue, int64_t price,
			char *words)
{
	struct gates gates;

	gates_of(planner, resource, queue, &gates);
	for (size_t i = 0; i < gates.count; i++)
		if (!money_allows(&gates.list[i], price, words, PLAN_WORDS_ROOM))
			return false;
	return true;
}

bool plan_is_price_limited(const struct planner *planner, size_t resource, size_t queue)
{
	struct gates gates;

	gates_of(planner, resource, queue, &gates);
	for (size_t i = 0; i < gates.count; i++)
		if (gates.list[i].budget->hour)
			return true;
	return false;
}

static int64_t midnight_after(int64_t now_s)
{
	return (now_s / DAY_S + 1) * DAY_S;
}

/* today is "2026-11-24". */
static int64_t month_after(const char *today, int64_t now_s)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = (today[0] - '0') * 1000 + (today[1] - '0') * 100 + (today[2] - '0') * 10 +
		   (today[3] - '0');
	int month = (today[5] - '0') * 10 + (today[6] - '0');
	int day = (today[8] - '0') * 10 + (today[9] - '0');
	bool is_leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (month < 1 || month > 12)
		return 0;
	return midnight_after(now_s) + (int64_t)(lengths[month - 1] + is_leap - day) * DAY_S;
}

int64_t plan_budget_until(const struct planner *planner, size_t resource, size_t queue)
{
	int64_t until_s = 0;
	struct gates gates;

	gates_of(planner, resource, queue, &gates);
	for (size_t i = 0; i < gates.count; i++) {
		const struct money_gate *gate = &gates.list[i];

		if (gate->budget->month && gate->spent.month >= gate->budget->month)
			return month_after(planner->seen->today, planner->now_s);
		if (gate->budget->day && gate->spent.day >= gate->budget->day)
			until_s = midnight_after(planner->now_s);
	}
	return until_s;
}

/* ---- what is spent for a queue: its tasks' seats, and the seats that its waiting tasks take ----
 */

static size_t find_queue(const struct settings *settings, const char *name)
{
	for (size_t q = 0; q < settings->queue_count; q++)
		if (!strcmp(settings->queues[q], name))
			return q;
	return QUEUE_NONE;
}

static void add_runs(struct planner *planner)
{
	const struct observation *seen = planner->seen;

	for (size_t i = 0; i < seen->run_count; i++) {
		const struct observed_run *run = &seen->runs[i];
		size_t q = find_queue(planner->settings, run->queue);

		if (q == QUEUE_NONE || run->machine >= seen->machine_count)
			continue;
		const struct observed_machine *machine = &seen->machines[run->machine];
		unsigned seats = machine->record.seats ? machine->record.seats : 1;

		planner->queue_rates[q] =
			plan_sum(planner->queue_rates[q],
				 machine->price < 0 ? MONEY_UNKNOWN : machine->price / seats);
	}
}

static void add_seats(struct planner *planner, size_t q, size_t r)
{
	const struct resource *resource = &planner->settings->resources[r];
	unsigned taken = planner->demand.taken[q * planner->demand.resource_count + r];
	int64_t price = resource_dearest(resource);

	if (taken)
		planner->queue_rates[q] =
			plan_sum(planner->queue_rates[q],
				 price < 0 ? MONEY_UNKNOWN :
					     price * (int64_t)taken / resource->ticket.seats);
}

void plan_queue_rates(struct planner *planner)
{
	const struct settings *settings = planner->settings;

	planner->queue_rates = memory_array(settings->queue_count, sizeof(int64_t));
	if (!settings->queue_budgets)
		return;
	add_runs(planner);
	for (size_t q = 0; q < settings->queue_count; q++)
		for (size_t r = 0; r < settings->resource_count; r++)
			add_seats(planner, q, r);
}

static bool is_known(const struct money_gate *gate)
{
	return (!gate->budget->hour || gate->rate >= 0) &&
	       (!gate->budget->day || gate->spent.day >= 0) &&
	       (!gate->budget->month || gate->spent.month >= 0);
}

static void add_words(const char *words, char (**list)[PLAN_WORDS_ROOM], size_t *count)
{
	*list = memory_grow(*list, *count + 1, sizeof(**list));
	text_cut((*list)[(*count)++], PLAN_WORDS_ROOM, words);
}

static void warn(struct planner *planner, const struct gates *gates)
{
	struct plan *plan = planner->plan;
	unsigned percent = planner->settings->budget_warn_percent;
	char words[PLAN_WORDS_ROOM];

	for (size_t i = 0; percent && i < gates->count; i++) {
		const struct money_gate *gate = &gates->list[i];

		if (money_warns(gate, percent, words, sizeof(words)))
			add_words(words, &plan->warnings, &plan->warning_count);
		else if (is_known(gate))
			add_words(gate->name, &plan->calm_budgets, &plan->calm_budget_count);
	}
}

/* Users bar tasks, not launches: they are no gate that a launch must pass. */
static void add_user(const struct planner *planner, size_t u, struct gates *out)
{
	char label[USER_LABEL_ROOM];

	user_names_label(planner->settings, planner->seen, u, label);
	add_gate(planner,
		 &(struct money_gate){ label, &planner->settings->user_budgets[u].budget,
				       planner->seen->users[u].spent,
				       planner->seen->users[u].rate },
		 "user ", out);
}

static size_t count_users(const struct planner *planner)
{
	return planner->seen->users ? planner->settings->user_budget_count : 0;
}

void plan_tell_users(const struct planner *planner, char *words)
{
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	const char *separator = ": ";
	char label[USER_LABEL_ROOM];

	buf_addf(&text, "the waiting tasks are of users past their budget");
	for (size_t u = 0; u < count_users(planner); u++) {
		struct gates gates = { .count = 0 };

		add_user(planner, u, &gates);
		if (!gates.count || !money_is_past(&gates.list[0]))
			continue;
		user_names_label(planner->settings, planner->seen, u, label);
		buf_addf(&text, "%s%s", separator, label);
		separator = ", ";
	}
	text_cut(words, PLAN_WORDS_ROOM, buf_text(&text));
}

void plan_warnings(struct planner *planner)
{
	struct gates gates = { .count = 0 };

	add_total(planner, &gates);
	warn(planner, &gates);
	for (size_t r = 0; r < planner->settings->resource_count; r++) {
		gates.count = 0;
		add_resource(planner, r, &gates);
		warn(planner, &gates);
	}
	for (size_t q = 0; q < planner->settings->queue_count; q++) {
		gates.count = 0;
		add_queue(planner, q, &gates);
		warn(planner, &gates);
	}
	for (size_t u = 0; u < count_users(planner); u++) {
		gates.count = 0;
		add_user(planner, u, &gates);
		warn(planner, &gates);
	}
}
