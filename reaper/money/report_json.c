#include "reaper/money/report.h"

#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "reaper/breaker.h"
#include "reaper/money/money.h"
#include "reaper/money/report_leftovers.h"
#include "reaper/money/report_money.h"

static void add_time(struct json *to, const char *name, int64_t wall_ms)
{
	char text[CLOCK_TEXT_LEN];

	clock_format(wall_ms, false, text);
	json_add_text(to, name, wall_ms ? text : NULL);
}

static void add_head(const struct report *report, struct json *root)
{
	const struct observation *seen = report->seen;

	json_add_text(root, "prefix", report->settings->prefix);
	add_time(root, "time", seen->now_ms);
	json_add_bool(root, "queues_known", seen->queues_known);
	json_add_bool(root, "workers_known", seen->workers_known);
	json_add_text(root, "problem", *seen->problem ? seen->problem : NULL);
	json_add_integer(root, "clearml_calls", seen->clearml_calls);
	if (*seen->rival)
		add_time(root, "other_reaper_signed", seen->rival_s * 1000);
	if (seen->spend_lost_s)
		add_time(root, "budgets_count_from", seen->spend_lost_s * 1000);
}

static void add_queue(const struct report *report, size_t q, struct json *queue)
{
	const struct observed_queue *seen = &report->seen->queues[q];
	const struct queue_plan *planned = &report->plan->queues[q];

	json_add_text(queue, "name", report->settings->queues[q]);
	json_add_bool(queue, "exists", seen->exists);
	if (!seen->exists)
		return;
	json_add_bool(queue, "is_paused", seen->is_forced_off);
	json_add_integer(queue, "waiting", seen->waiting);
	json_add_bool(queue, "is_capped", seen->is_capped);
	json_add_integer(queue, "oldest_s",
			 seen->waiting && seen->oldest_ms ?
				 (report->seen->now_ms - seen->oldest_ms) / 1000 :
				 0);
	json_add_integer(queue, "covered", planned->covered);
	json_add_integer(queue, "launched_for", planned->launched_for);
	json_add_integer(queue, "unserved", planned->unserved);
}

/* Null: not known. */
static void add_money(struct json *to, const char *name, int64_t money)
{
	if (money < 0)
		json_add_text(to, name, NULL);
	else
		json_add_integer(to, name, money);
}

static const char *breaker_of(const struct report *report, size_t r)
{
	int64_t until_s;

	return breaker_name(breaker_look(
		&(struct breaker_facts){
			.failures = report->seen->resources[r].boot_failures,
			.limit = report->settings->breaker_failures,
			.last_failure_s = report->seen->resources[r].last_boot_failure_s,
			.probe_s = report->settings->breaker_probe_s,
			.now_s = report->seen->now_ms / 1000,
		},
		&until_s));
}

static void add_worst(const struct report *report, const struct resource *resource,
		      struct json *worst)
{
	struct money_loss loss = money_worst(report->settings, resource);

	add_money(worst, "machine_microdollars", loss.machine);
	add_money(worst, "idle_microdollars", loss.idle);
	add_money(worst, "fleet_microdollars", loss.fleet);
}

static void add_resource(const struct report *report, size_t r, struct json *resource)
{
	const struct resource *settings = &report->settings->resources[r];
	const struct observed_resource *seen = &report->seen->resources[r];
	const struct resource_plan *planned = &report->plan->resources[r];

	json_add_text(resource, "name", settings->name);
	json_add_text(resource, "provider", settings->provider);
	json_add_bool(resource, "is_listed", seen->is_listed);
	json_add_text(resource, "problem", *seen->problem ? seen->problem : NULL);
	json_add_integer(resource, "alive", planned->alive - planned->launches);
	json_add_integer(resource, "max_instances", settings->max_instances);
	json_add_integer(resource, "min_instances", settings->min_instances);
	json_add_integer(resource, "free_seats", planned->free_seats);
	json_add_integer(resource, "booting_seats", planned->booting_seats);
	json_add_integer(resource, "busy_seats", planned->busy_seats);
	json_add_integer(resource, "launches", planned->launches);
	json_add_text(resource, "why", why_text(planned->why));
	json_add_text(resource, "why_not_more",
		      planned->rest == WHY_NO_DEMAND ? NULL : why_text(planned->rest));
	json_add_integer(resource, "held_back", planned->held_back);
	json_add_text(resource, "why_held_back",
		      planned->held_back ? why_text(planned->held_back_why) : NULL);
	json_add_text(resource, "budget", *planned->words ? planned->words : NULL);
	add_time(resource, "until", planned->until_s * 1000);
	json_add_text(resource, "breaker", breaker_of(report, r));
	add_money(resource, "rate_microdollars",
		  planned->is_rate_known ? planned->rate : MONEY_UNKNOWN);
	add_worst(report, settings, json_add_object(resource, "worst_loss"));
}

static void add_offering(const struct report *report, const struct planned_launch *launch,
			 struct json *item)
{
	const struct offering *offering =
		&report->settings->resources[launch->resource].offerings[launch->offering];

	json_add_text(item, "type", offering->type);
	json_add_text(item, "zone", *offering->zone ? offering->zone : NULL);
	json_add_text(item, "market", market_name(offering->market));
	add_money(item, "price_microdollars", offering->price);
	json_add_text(item, "price_source", prices_word(offering->price_source));
}

static void add_launches(const struct report *report, struct json *list)
{
	for (size_t i = 0; i < report->plan->launch_count; i++) {
		const struct planned_launch *launch = &report->plan->launches[i];
		struct json *item = json_add_object(list, NULL);

		json_add_text(item, "resource", report->settings->resources[launch->resource].name);
		json_add_integer(item, "slot", launch->slot);
		json_add_integer(item, "generation", launch->generation);
		json_add_text(item, "day", launch->day);
		add_offering(report, launch, item);
		json_add_bool(item, "is_repeat", launch->is_repeat);
		json_add_text(item, "why", why_text(launch->why));
	}
}

static void add_terminations(const struct report *report, struct json *list)
{
	for (size_t i = 0; i < report->plan->termination_count; i++) {
		const struct planned_termination *termination = &report->plan->terminations[i];
		const struct instance *instance =
			&report->seen->machines[termination->machine].instance;
		struct json *item = json_add_object(list, NULL);

		json_add_text(item, "instance", instance->id);
		json_add_text(item, "resource", instance->resource);
		json_add_integer(item, "slot", instance->slot);
		json_add_text(item, "why", doom_text(termination->doom));
		json_add_bool(item, "is_due", termination->is_due);
	}
}

static void add_orders(const struct report *report, struct json *list)
{
	for (size_t i = 0; i < report->plan->order_count; i++) {
		const struct planned_order *order = &report->plan->orders[i];
		struct json *item = json_add_object(list, NULL);

		json_add_text(item, "instance", report->seen->machines[order->machine].instance.id);
		json_add_text(item, "order", order_text(order->order));
		json_add_text(item, "why",
			      order->doom == DOOM_NONE ? NULL : doom_text(order->doom));
	}
}

static void add_unregisters(const struct report *report, struct json *list)
{
	for (size_t i = 0; i < report->plan->unregister_count; i++) {
		const struct planned_unregister *unregister = &report->plan->unregisters[i];
		struct json *item = json_add_object(list, NULL);

		json_add_text(item, "worker", report->seen->ghosts[unregister->ghost].worker);
		json_add_bool(item, "is_due", unregister->is_due);
	}
}

static void add_warnings(const struct report *report, struct json *list)
{
	for (size_t i = 0; i < report->plan->warning_count; i++)
		json_add_text(list, NULL, report->plan->warnings[i]);
	for (size_t u = 0; report->seen->users && u < report->settings->user_budget_count; u++) {
		SCOPED(buf) struct buf words = BUF(2 * PLAN_WORDS_ROOM);

		if (!*report->seen->users[u].problem)
			continue;
		buf_addf(&words, "user %s: %s", report->settings->user_budgets[u].user,
			 report->seen->users[u].problem);
		json_add_text(list, NULL, buf_text(&words));
	}
}

static void add_repairs(const struct report *report, struct json *list)
{
	for (size_t i = 0; i < report->plan->repair_count; i++) {
		const struct planned_repair *repair = &report->plan->repairs[i];
		const struct observed_task *lost = &report->seen->lost[repair->lost];
		struct json *item = json_add_object(list, NULL);

		json_add_text(item, "task", lost->task.id);
		json_add_text(item, "name", lost->task.name);
		json_add_text(item, "instance", lost->instance);
		json_add_integer(item, "attempt", lost->attempt);
		json_add_text(item, "verdict", verdict_name(repair->verdict));
		json_add_bool(item, "is_due", repair->is_due);
	}
}

void report_plan_json(const struct report *report, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	add_head(report, document.root);
	struct json *list = json_add_list(document.root, "queues");
	for (size_t q = 0; q < report->settings->queue_count; q++)
		add_queue(report, q, json_add_object(list, NULL));
	list = json_add_list(document.root, "resources");
	for (size_t r = 0; r < report->settings->resource_count; r++)
		add_resource(report, r, json_add_object(list, NULL));
	add_launches(report, json_add_list(document.root, "launches"));
	add_orders(report, json_add_list(document.root, "orders"));
	add_terminations(report, json_add_list(document.root, "terminations"));
	add_unregisters(report, json_add_list(document.root, "unregisters"));
	add_repairs(report, json_add_list(document.root, "repairs"));
	report_leftovers_json(report, document.root);
	report_money_json(report, document.root);
	add_warnings(report, json_add_list(document.root, "budget_warnings"));
	json_print(document.root, true, out);
}

static void add_machine(const struct report *report, const struct observed_machine *machine,
			struct json *item)
{
	const struct instance *instance = &machine->instance;
	const struct machine_record *record = &machine->record;

	json_add_text(item, "instance", instance->id);
	json_add_text(item, "resource", instance->resource);
	json_add_integer(item, "slot", instance->slot == UINT32_MAX ? -1 : (int64_t)instance->slot);
	json_add_integer(item, "generation", instance->generation);
	json_add_text(item, "state", report_state_name(instance->state));
	json_add_bool(item, "is_listed", machine->is_listed);
	add_time(item, "launched", instance->launched_s * 1000);
	add_time(item, "last_report", machine->last_report_ms);
	json_add_bool(item, "is_reporting", machine->has_record);
	if (!machine->has_record)
		return;
	json_add_text(item, "phase", record->phase);
	json_add_integer(item, "seats", record->seats);
	json_add_integer(item, "free_seats", record->free_seats);
	json_add_integer(item, "idle_s", record->idle_s);
	json_add_bool(item, "is_draining", record->is_draining);
	json_add_text(item, "kept_by", *record->kept_by ? record->kept_by : NULL);
	json_add_integer(item, "age_s", report->seen->now_ms / 1000 - instance->launched_s);
	struct json *tasks = json_add_list(item, "tasks");
	for (size_t i = 0; i < record->task_count; i++)
		json_add_text(tasks, NULL, record->tasks[i]);
}

void report_status_json(const struct report *report, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	add_head(report, document.root);
	struct json *list = json_add_list(document.root, "machines");
	for (size_t i = 0; i < report->seen->machine_count; i++)
		if (report->seen->machines[i].instance.state != INSTANCE_TERMINATED)
			add_machine(report, &report->seen->machines[i],
				    json_add_object(list, NULL));
	list = json_add_list(document.root, "queues");
	for (size_t q = 0; q < report->settings->queue_count; q++)
		add_queue(report, q, json_add_object(list, NULL));
	report_leftovers_json(report, document.root);
	report_money_json(report, document.root);
	json_print(document.root, true, out);
}
