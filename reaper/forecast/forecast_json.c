#include "reaper/forecast/forecast.h"

#include "common/json.h"

static void add_money(struct json *into, int64_t money)
{
	if (money == MONEY_UNKNOWN)
		json_add_text(into, "micro_dollars", NULL);
	else
		json_add_integer(into, "micro_dollars", money);
}

/* Null when no task started: 0 would be the best that there is. */
static void add_wait(struct json *into, const char *name, const struct outcome_sum *sum,
		     int64_t wait_s)
{
	if (sum->started)
		json_add_integer(into, name, wait_s);
	else
		json_add_text(into, name, NULL);
}

static void add_cost(struct json *into, const struct outcome_sum *sum)
{
	add_money(into, sum->money);
	json_add_integer(into, "instance_s", sum->instance_s);
	json_add_integer(into, "seat_s", sum->seat_s);
	json_add_integer(into, "busy_s", sum->busy_s);
	json_add_integer(into, "launches", (int64_t)sum->launches);
}

static void add_outcome(struct json *into, const struct outcome *outcome)
{
	struct outcome_sum sum;

	outcome_sum(outcome, OUTCOME_ALL, &sum);
	json_add_text(into, "policy", outcome->name);
	json_add_text(into, "remark", *outcome->remark ? outcome->remark : NULL);
	add_cost(into, &sum);
	struct json *wait = json_add_object(into, "wait_s");

	add_wait(wait, "p50", &sum, sum.wait_p50_s);
	add_wait(wait, "p95", &sum, sum.wait_p95_s);
	add_wait(wait, "max", &sum, sum.wait_max_s);
	json_add_integer(into, "started", (int64_t)sum.started);
	json_add_integer(into, "unstarted", (int64_t)sum.unstarted);
	json_add_integer(into, "failed", (int64_t)sum.failed);
	struct json *list = json_add_list(into, "resources");

	for (size_t r = 0; r < outcome->resource_count; r++) {
		struct json *resource = json_add_object(list, NULL);

		outcome_sum(outcome, r, &sum);
		json_add_text(resource, "resource", outcome->resources[r]);
		add_cost(resource, &sum);
	}
}

void forecast_json(const struct forecast *forecast, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	json_add_text(document.root, "trace", forecast->trace_name);
	json_add_integer(document.root, "tasks", (int64_t)forecast->trace.count);
	json_add_integer(document.root, "boot_s", forecast->boot_s);
	struct json *list = json_add_list(document.root, "policies");

	for (size_t i = 0; i < forecast->count; i++)
		add_outcome(json_add_object(list, NULL), &forecast->outcomes[i]);
	struct json *bound = json_add_object(document.root, "bound");

	json_add_integer(bound, "no_wait_instance_s", forecast->bound.prompt_s);
	json_add_integer(bound, "any_wait_instance_s", forecast->bound.work_s);
	json_add_integer(bound, "unserved", (int64_t)forecast->bound.unserved);
	json_add_text(document.root, "clearml_autoscaler_problem",
		      *forecast->rival_problem ? forecast->rival_problem : NULL);
	json_print(document.root, true, out);
}
