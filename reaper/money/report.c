#include "reaper/money/report.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "reaper/money/money.h"
#include "reaper/money/report_leftovers.h"
#include "reaper/money/report_money.h"
#include "reaper/table.h"

const char *report_state_name(enum instance_state state)
{
	static const char *const names[] = {
		[INSTANCE_PENDING] = "pending",	      [INSTANCE_RUNNING] = "running",
		[INSTANCE_STOPPED] = "stopped",	      [INSTANCE_STOPPING] = "stopping",
		[INSTANCE_TERMINATED] = "terminated",
	};
	return names[state];
}

/* ---- what is unknown, and where we are ---- */

static void add_unknown(const struct report *report, struct buf *out)
{
	const struct observation *seen = report->seen;
	char plain[512];

	if (!seen->queues_known || !seen->workers_known) {
		table_plain(seen->problem, plain, sizeof(plain));
		buf_addf(out, "UNKNOWN: %s: nothing is launched\n  %s\n",
			 seen->queues_known ? "which machines report to ClearML" :
					      "what waits in ClearML",
			 plain);
	}
	for (size_t r = 0; r < report->settings->resource_count; r++) {
		if (seen->resources[r].is_listed)
			continue;
		table_plain(seen->resources[r].problem, plain, sizeof(plain));
		buf_addf(out, "UNKNOWN: which instances of %s exist: it launches nothing\n  %s\n",
			 report->settings->resources[r].name, plain);
	}
}

static void add_rival(const struct report *report, struct buf *out)
{
	char signed_at[CLOCK_TEXT_LEN];

	if (!*report->seen->rival)
		return;
	clock_format(report->seen->rival_s * 1000, false, signed_at);
	buf_addf(out,
		 "OTHER REAPER: one with a state folder of its own signed for this prefix at %s\n"
		 "  run one, or give each a prefix of its own\n",
		 signed_at);
}

static void add_lost(const struct report *report, struct buf *out)
{
	char since[CLOCK_TEXT_LEN];

	if (!report->seen->spend_lost_s)
		return;
	clock_format(report->seen->spend_lost_s * 1000, false, since);
	buf_addf(out,
		 "BUDGETS of this day or month count from %s only\n"
		 "  the ledger was new, and what the last one left in ClearML was refused: see "
		 "journal\n",
		 since);
}

static void add_head(const struct report *report, const char *what, struct buf *out)
{
	char now[CLOCK_TEXT_LEN];

	clock_format(report->seen->now_ms, false, now);
	buf_addf(out, "%s of %s at %s\n", what, report->settings->prefix, now);
	add_unknown(report, out);
	add_rival(report, out);
	add_lost(report, out);
	buf_addf(out, "\n");
}

static void span_text(const struct report *report, int64_t since_ms,
		      char out[static CLOCK_TEXT_LEN])
{
	if (since_ms)
		clock_format_span(report->seen->now_ms - since_ms, out);
	else
		memcpy(out, "-", 2);
}

/* ---- queues ---- */

static void add_queue(const struct report *report, size_t q, struct table *table)
{
	const struct observed_queue *queue = &report->seen->queues[q];
	const struct queue_plan *planned = &report->plan->queues[q];
	char oldest[CLOCK_TEXT_LEN];

	table_cell(table, "%s", report->settings->queues[q]);
	if (!report->seen->queues_known || !queue->exists) {
		for (size_t i = 0; i < 5; i++)
			table_cell(table, "?");
		table_cell(table, "%s",
			   report->seen->queues_known ?
				   "there is no queue of this name in ClearML" :
				   "unknown");
		return;
	}
	span_text(report, queue->waiting ? queue->oldest_ms : 0, oldest);
	table_cell(table, "%u%s", queue->waiting, queue->is_capped ? "+" : "");
	table_cell(table, "%s", oldest);
	table_cell(table, "%u", planned->covered);
	table_cell(table, "%u", planned->launched_for);
	table_cell(table, "%u", planned->unserved);
	if (queue->is_forced_off)
		table_cell(table, "paused: tagged force_workers:off");
	else
		table_cell(table, "%s", planned->unserved ? "see why below" : "");
}

static void add_queues(const struct report *report, struct buf *out)
{
	static const char *const heading[] = { "QUEUE",	     "WAITING",	 "OLDEST", "COVERED",
					       "LAUNCH FOR", "UNSERVED", "",	   NULL };
	SCOPED(table) struct table table;

	table_open(&table, heading);
	for (size_t q = 0; q < report->settings->queue_count; q++)
		add_queue(report, q, &table);
	table_print(&table, out);
}

/* ---- resources ---- */

static unsigned repeats(const struct report *report, size_t resource)
{
	unsigned count = 0;

	for (size_t i = 0; i < report->plan->launch_count; i++)
		count += report->plan->launches[i].resource == resource &&
			 report->plan->launches[i].is_repeat;
	return count;
}

/* What is known, and a sign where more is not. */
static void add_rate(const struct resource_plan *planned, struct table *table)
{
	char rate[MONEY_TEXT_ROOM];

	money_text(planned->rate, rate);
	if (planned->is_rate_known || planned->rate)
		table_cell(table, "%s%s", rate, planned->is_rate_known ? "" : " + ?");
	else
		table_cell(table, "?");
}

static void add_why(const struct report *report, const struct resource_plan *planned,
		    struct table *table)
{
	SCOPED(buf) struct buf why = BUF(1024);
	char span[CLOCK_TEXT_LEN];

	buf_addf(&why, "%s", why_text(planned->why));
	if (planned->rest != WHY_NO_DEMAND)
		buf_addf(&why, "; then %s", why_text(planned->rest));
	if (planned->held_back)
		buf_addf(&why, "; %u unanswered, not asked again: %s", planned->held_back,
			 why_text(planned->held_back_why));
	if (*planned->words)
		buf_addf(&why, " (%s)", planned->words);
	if (planned->until_s) {
		clock_format_span(planned->until_s * 1000 - report->seen->now_ms, span);
		buf_addf(&why, ", for %s", span);
	}
	table_cell(table, "%s", buf_text(&why));
}

static void add_does(const struct report *report, size_t r, struct table *table)
{
	const struct resource_plan *planned = &report->plan->resources[r];
	unsigned again = repeats(report, r);

	if (planned->launches && again)
		table_cell(table, "launch %u, ask again for %u", planned->launches, again);
	else if (planned->launches)
		table_cell(table, "launch %u", planned->launches);
	else if (again)
		table_cell(table, "ask again for %u", again);
	else
		table_cell(table, "nothing");
}

static void add_resource(const struct report *report, size_t r, struct table *table)
{
	const struct resource *resource = &report->settings->resources[r];
	const struct resource_plan *planned = &report->plan->resources[r];

	table_cell(table, "%s", resource->name);
	/* What was there before this plan; the launches stand beside it. */
	table_cell(table, "%s%u/%u", report->seen->resources[r].is_listed ? "" : "?",
		   planned->alive - planned->launches, resource->max_instances);
	table_cell(table, "%u", planned->free_seats);
	table_cell(table, "%u", planned->booting_seats);
	table_cell(table, "%u", planned->busy_seats);
	add_rate(planned, table);
	add_does(report, r, table);
	add_why(report, planned, table);
}

static void add_resources(const struct report *report, struct buf *out)
{
	static const char *const heading[] = { "RESOURCE", "ALIVE", "FREE", "BOOTING", "BUSY",
					       "$/H",	   "DOES",  "WHY",  NULL };
	SCOPED(table) struct table table;

	table_open(&table, heading);
	for (size_t r = 0; r < report->settings->resource_count; r++)
		add_resource(report, r, &table);
	buf_addf(out, "\n");
	table_print(&table, out);
}

/* ---- steps ---- */

static void add_offering(const struct report *report, const struct planned_launch *launch,
			 struct table *table)
{
	const struct resource *resource = &report->settings->resources[launch->resource];
	const struct offering *offering = &resource->offerings[launch->offering];
	const char *source = prices_words(offering->price_source);
	char key[OFFERING_KEY_ROOM], price[MONEY_TEXT_ROOM], at[2 * MONEY_TEXT_ROOM + 64] = "";

	offering_key(offering, key);
	money_text(offering->price, price);
	if (offering->price >= 0)
		snprintf(at, sizeof(at), " at %s $/h%s%s%s", price, *source ? " (" : "", source,
			 *source ? ")" : "");
	table_cell(table, "%s slot %u generation %u: %s%s", resource->name, launch->slot,
		   launch->generation, key, at);
}

static void add_launches(const struct report *report, struct table *table)
{
	for (size_t i = 0; i < report->plan->launch_count; i++) {
		const struct planned_launch *launch = &report->plan->launches[i];

		table_cell(table, "launch");
		add_offering(report, launch, table);
		table_cell(table, "%s",
			   launch->is_repeat ? "again: it was asked for, and not seen yet" :
					       why_text(launch->why));
		table_cell(table, "now");
	}
}

static void add_orders(const struct report *report, struct table *table)
{
	for (size_t i = 0; i < report->plan->order_count; i++) {
		const struct planned_order *order = &report->plan->orders[i];
		const struct instance *instance = &report->seen->machines[order->machine].instance;

		table_cell(table, "tell to %s", order_text(order->order));
		table_cell(table, "%s (%s slot %u)", instance->id, instance->resource,
			   instance->slot);
		table_cell(table, "%s",
			   order->doom == DOOM_NONE ? "an operator says so" :
						      doom_text(order->doom));
		table_cell(table, "now");
	}
}

static void add_unregisters(const struct report *report, struct table *table)
{
	for (size_t i = 0; i < report->plan->unregister_count; i++) {
		const struct planned_unregister *unregister = &report->plan->unregisters[i];
		const struct observed_ghost *ghost = &report->seen->ghosts[unregister->ghost];

		table_cell(table, "unregister");
		table_cell(table, "worker %s", ghost->worker);
		table_cell(table, "its machine %s is gone", ghost->instance);
		table_cell(table, "%s", unregister->is_due ? "now" : "first look");
	}
}

static void add_terminations(const struct report *report, struct table *table)
{
	for (size_t i = 0; i < report->plan->termination_count; i++) {
		const struct planned_termination *termination = &report->plan->terminations[i];
		const struct instance *instance =
			&report->seen->machines[termination->machine].instance;

		table_cell(table, "terminate");
		table_cell(table, "%s (%s slot %u)", instance->id, instance->resource,
			   instance->slot);
		table_cell(table, "%s", doom_text(termination->doom));
		table_cell(table, "%s", termination->is_due ? "now" : "first look");
	}
}

/* How it got lost, for a person. */
static void add_loss(const struct observed_task *lost, struct table *table)
{
	switch (lost->loss) {
	case LOSS_TERMINATED:
		table_cell(table, "its machine %s is gone, attempt %u of %u", lost->instance,
			   lost->attempt, lost->max_attempts);
		return;
	case LOSS_UNLISTED:
		table_cell(table, "its machine %s does not know it, attempt %u of %u",
			   lost->instance, lost->attempt, lost->max_attempts);
		return;
	default:
		table_cell(table, "in no queue, and no machine has it");
	}
}

static void add_repairs(const struct report *report, struct table *table)
{
	for (size_t i = 0; i < report->plan->repair_count; i++) {
		const struct planned_repair *repair = &report->plan->repairs[i];
		const struct observed_task *lost = &report->seen->lost[repair->lost];

		table_cell(table, "%s",
			   repair->verdict == VERDICT_FAIL   ? "fail" :
			   repair->verdict == VERDICT_STANDS ? "tidy" :
							       "give back");
		table_cell(table, "task %s %.40s", lost->task.id, lost->task.name);
		add_loss(lost, table);
		table_cell(table, "%s", repair->is_due ? "now" : "first look");
	}
}

static void add_steps(const struct report *report, struct buf *out)
{
	static const char *const heading[] = { "STEP", "WHAT", "WHY", "WHEN", NULL };
	SCOPED(table) struct table table;

	table_open(&table, heading);
	add_launches(report, &table);
	add_orders(report, &table);
	add_terminations(report, &table);
	add_unregisters(report, &table);
	add_repairs(report, &table);
	buf_addf(out, "\n");
	if (table_is_empty(&table))
		buf_addf(out, "Nothing to launch, to terminate or to repair.\n");
	else
		table_print(&table, out);
}

/* ---- money ---- */

static void add_warning(const char *words, bool *is_first, struct buf *out)
{
	char plain[2 * PLAN_WORDS_ROOM];

	table_plain(words, plain, sizeof(plain));
	buf_addf(out, "%sBUDGET: %s\n", *is_first ? "\n" : "", plain);
	*is_first = false;
}

static void add_warnings(const struct report *report, struct buf *out)
{
	const struct settings *settings = report->settings;
	bool is_first = true;

	for (size_t i = 0; i < report->plan->warning_count; i++)
		add_warning(report->plan->warnings[i], &is_first, out);
	for (size_t u = 0; report->seen->users && u < settings->user_budget_count; u++) {
		SCOPED(buf) struct buf words = BUF(2 * PLAN_WORDS_ROOM);

		if (!*report->seen->users[u].problem)
			continue;
		buf_addf(&words, "user %s: %s", settings->user_budgets[u].user,
			 report->seen->users[u].problem);
		add_warning(buf_text(&words), &is_first, out);
	}
}

static void add_worst(const struct report *report, struct buf *out)
{
	static const char *const heading[] = { "WORST LOSS, $", "A MACHINE NOBODY STOPS",
					       "A MACHINE HANGS IDLE", "THE REAPER STOPS", NULL };
	SCOPED(table) struct table table;

	table_open(&table, heading);
	for (size_t r = 0; r < report->settings->resource_count; r++) {
		const struct resource *resource = &report->settings->resources[r];
		struct money_loss loss = money_worst(report->settings, resource);
		const int64_t cells[] = { loss.machine, loss.idle, loss.fleet };
		char text[MONEY_TEXT_ROOM];

		table_cell(&table, "%s", resource->name);
		for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
			money_text(cells[i], text);
			table_cell(&table, "%s", text);
		}
	}
	buf_addf(out, "\n");
	table_print(&table, out);
}

void report_plan(const struct report *report, struct buf *out)
{
	add_head(report, "Plan", out);
	add_queues(report, out);
	add_resources(report, out);
	add_steps(report, out);
	report_leftovers(report, out);
	report_money(report, out);
	add_warnings(report, out);
	add_worst(report, out);
}

/* ---- status ---- */

static void add_machine(const struct report *report, const struct observed_machine *machine,
			struct table *table)
{
	const struct instance *instance = &machine->instance;
	const struct machine_record *record = &machine->record;
	char age[CLOCK_TEXT_LEN], heard[CLOCK_TEXT_LEN], idle[CLOCK_TEXT_LEN] = "-";

	span_text(report, instance->launched_s * 1000, age);
	span_text(report, machine->last_report_ms, heard);
	if (machine->has_record && record->idle_s)
		clock_format_span(record->idle_s * 1000, idle);
	table_cell(table, "%s", instance->id);
	table_cell(table, "%s", instance->resource);
	table_cell(table, instance->slot == UINT32_MAX ? "?" : "%u", instance->slot);
	table_cell(table, "%s",
		   machine->is_listed ? report_state_name(instance->state) : "not listed");
	table_cell(table, "%s%s", machine->has_record ? record->phase : "-",
		   machine->has_record && record->is_draining ? ", draining" : "");
	table_cell(table, "%s%s",
		   machine->has_record && record->task_count ? record->tasks[0] : "-",
		   machine->has_record && record->task_count > 1 ? " ..." : "");
	table_cell(table, "%s", idle);
	table_cell(table, "%s", age);
	table_cell(table, "%s", heard);
	table_cell(table, "%s", machine->has_record ? record->kept_by : "");
}

static void add_machines(const struct report *report, struct buf *out)
{
	static const char *const heading[] = { "MACHINE",  "RESOURCE", "SLOT", "STATE",
					       "PHASE",	   "TASK",     "IDLE", "AGE",
					       "REPORTED", "KEPT BY",  NULL };
	SCOPED(table) struct table table;

	table_open(&table, heading);
	for (size_t i = 0; i < report->seen->machine_count; i++)
		if (report->seen->machines[i].instance.state != INSTANCE_TERMINATED)
			add_machine(report, &report->seen->machines[i], &table);
	if (table_is_empty(&table))
		buf_addf(out, "No machine is alive.\n");
	else
		table_print(&table, out);
}

static void add_waiting(const struct report *report, struct buf *out)
{
	static const char *const heading[] = { "QUEUE", "WAITING", "OLDEST", NULL };
	SCOPED(table) struct table table;

	table_open(&table, heading);
	for (size_t q = 0; q < report->settings->queue_count; q++) {
		const struct observed_queue *queue = &report->seen->queues[q];
		char oldest[CLOCK_TEXT_LEN];

		span_text(report, queue->waiting ? queue->oldest_ms : 0, oldest);
		table_cell(&table, "%s", report->settings->queues[q]);
		if (queue->exists)
			table_cell(&table, "%u%s", queue->waiting, queue->is_capped ? "+" : "");
		else
			table_cell(&table, "%s",
				   report->seen->queues_known ? "no such queue" : "?");
		table_cell(&table, "%s", queue->exists ? oldest : "-");
	}
	buf_addf(out, "\n");
	table_print(&table, out);
}

void report_status(const struct report *report, struct buf *out)
{
	add_head(report, "Status", out);
	add_machines(report, out);
	add_waiting(report, out);
	report_leftovers(report, out);
	report_money(report, out);
	add_warnings(report, out);
}

/* ---- the log ---- */

struct looks { /* what is due, and what is only marked until a second look */
	size_t terminations, repairs, first;
};

static struct looks count_looks(const struct plan *plan)
{
	struct looks looks = { 0 };

	for (size_t i = 0; i < plan->termination_count; i++)
		looks.terminations += plan->terminations[i].is_due;
	for (size_t i = 0; i < plan->repair_count; i++)
		looks.repairs += plan->repairs[i].is_due;
	looks.first =
		plan->termination_count - looks.terminations + plan->repair_count - looks.repairs;
	return looks;
}

void report_decision(const struct report *report, struct buf *out)
{
	const struct observation *seen = report->seen;
	struct looks looks = count_looks(report->plan);
	unsigned waiting = 0, alive = 0, free_seats = 0, booting = 0, busy = 0, unserved = 0;

	for (size_t q = 0; q < report->settings->queue_count; q++) {
		waiting += seen->queues[q].waiting;
		unserved += report->plan->queues[q].unserved;
	}
	for (size_t r = 0; r < report->settings->resource_count; r++) {
		const struct resource_plan *planned = &report->plan->resources[r];

		alive += planned->alive - planned->launches;
		free_seats += planned->free_seats;
		booting += planned->booting_seats;
		busy += planned->busy_seats;
	}
	if (!seen->queues_known || !seen->workers_known)
		buf_addf(out, "UNKNOWN: %s; ", seen->problem);
	if (seen->queues_known)
		buf_addf(out, "waiting %u, unserved %u; ", waiting, unserved);
	buf_addf(out,
		 "alive %u, seats free %u, booting %u, busy %u; launches %zu, orders %zu, "
		 "terminations %zu, repairs %zu, first looks %zu; %u calls",
		 alive, free_seats, booting, busy, report->plan->launch_count,
		 report->plan->order_count, looks.terminations, looks.repairs, looks.first,
		 seen->clearml_calls);
}
