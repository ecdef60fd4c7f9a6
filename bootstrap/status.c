#include "bootstrap/status.h"

#include <string.h>

#include "common/clock.h"
#include "common/json.h"

void status_record(const struct supervisor *supervisor, struct machine_record *out)
{
	const struct machine *machine = &supervisor->machine;
	const struct seats_state *seen = &supervisor->seen;
	struct machine_record record = {
		.seats = machine->ticket.seats,
		.free_seats = supervisor->phase == PHASE_SERVE ? seen->free : 0,
		.slot = machine->ticket.slot,
		.generation = machine->ticket.generation,
		.launched_s = machine->identity.launched_s,
		.idle_s = supervisor->idle.idle_ms / 1000,
		.claim = supervisor->life.claim,
		.is_held = supervisor->idle.is_held,
		.is_draining = supervisor->is_going,
		.task_count = seen->task_count,
	};

	text_cut(record.resource, sizeof(record.resource), machine->ticket.resource);
	text_cut(record.type, sizeof(record.type), machine->identity.type);
	text_cut(record.instance, sizeof(record.instance), machine->identity.instance);
	text_cut(record.phase, sizeof(record.phase), phase_name(supervisor->phase));
	if (supervisor->idle.kept_by)
		text_cut(record.kept_by, sizeof(record.kept_by), supervisor->idle.kept_by);
	if (supervisor->is_going)
		text_cut(record.reason, sizeof(record.reason), reason_word(supervisor->reason));
	for (size_t i = 0; i < seen->task_count; i++)
		text_cut(record.tasks[i], sizeof(record.tasks[i]), seen->tasks[i]);
	*out = record;
}

static void add_work(const struct supervisor *supervisor, struct json *root)
{
	const struct seats_state *seen = &supervisor->seen;

	json_add_integer(root, "seats", supervisor->machine.ticket.seats);
	json_add_integer(root, "busy", seen->busy);
	json_add_integer(root, "free", seen->free);
	struct json *tasks = json_add_list(root, "tasks");

	for (size_t i = 0; i < seen->task_count; i++)
		json_add_text(tasks, NULL, seen->tasks[i]);
	json_add_integer(root, "tasks_taken", supervisor->life.tasks_taken);
	json_add_integer(root, "tasks_given_back", seen->tasks_given_back);
}

/* What of idle and limits makes it leave first, if nothing else comes. */
static void add_leaving(const struct supervisor *supervisor, int64_t now_ms, struct json *root)
{
	const struct ticket_limits *limits = &supervisor->machine.ticket.limits;
	int64_t launched_ms = supervisor->machine.identity.launched_monotonic_ms;
	int64_t age_ms = launched_ms + limits->max_age_s * 1000 - now_ms;
	int64_t leaves_ms = launched_ms + limits->max_life_s * 1000 - now_ms;
	const char *why = "max-life";

	if (supervisor->phase == PHASE_SERVE && supervisor->idle.leaves_in_ms < leaves_ms) {
		leaves_ms = supervisor->idle.leaves_in_ms;
		why = "idle";
	}
	if (supervisor->phase == PHASE_SERVE && age_ms < leaves_ms) {
		leaves_ms = age_ms;
		why = "max-age";
	}
	json_add_integer(root, "idle_s", supervisor->idle.idle_ms / 1000);
	json_add_integer(root, "leaves_in_s", leaves_ms > 0 ? leaves_ms / 1000 : 0);
	json_add_text(root, "leaves_why", why);
	json_add_text(root, "kept_by", supervisor->idle.kept_by ? supervisor->idle.kept_by : "");
	json_add_bool(root, "held", supervisor->idle.is_held);
	json_add_text(root, "order",
		      supervisor->heard.order ? order_word(supervisor->heard.order) : "");
	json_add_integer(root, "order_number", supervisor->heard.number);
}

void status_answer(const struct supervisor *supervisor, int64_t now_ms, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };
	const struct machine *machine = &supervisor->machine;
	int64_t contact_ms = supervisor->heartbeat.ok_ms;

	json_new_object(&document);
	struct json *root = document.root;

	json_add_text(root, "instance", machine->identity.instance);
	json_add_text(root, "resource", machine->ticket.resource);
	json_add_integer(root, "slot", machine->ticket.slot);
	json_add_integer(root, "generation", machine->ticket.generation);
	json_add_text(root, "phase", phase_name(supervisor->phase));
	json_add_integer(root, "phase_for_s", (now_ms - supervisor->phase_since_ms) / 1000);
	json_add_integer(root, "age_s", (now_ms - machine->identity.launched_monotonic_ms) / 1000);
	add_work(supervisor, root);
	add_leaving(supervisor, now_ms, root);
	if (contact_ms)
		json_add_integer(root, "contact_ago_s", (now_ms - contact_ms) / 1000);
	else
		json_add_text(root, "contact_ago_s", NULL);
	json_add_text(root, "reason", supervisor->is_going ? reason_word(supervisor->reason) : "");
	json_add_text(root, "detail", supervisor->detail);
	json_add_integer(root, "restarts",
			 supervisor->life.starts ? supervisor->life.starts - 1 : 0);
	json_add_text(root, "version", MAYFLY_VERSION);
	json_print(root, false, out);
}

/* ---- as text ---- */

static void add_span(struct buf *out, const char *label, const struct json *root, const char *name)
{
	char text[CLOCK_TEXT_LEN];

	clock_format_span(json_integer_or(root, name, 0) * 1000, text);
	buf_addf(out, "%s%s", label, text);
}

static void print_tasks(const struct json *root, struct buf *out)
{
	const struct json *tasks = json_find(root, "tasks");
	const char *between = "  tasks    ";

	for (const struct json *task = json_first(tasks); task; task = json_next(task)) {
		buf_addf(out, "%s%s", between, json_text_value(task) ? json_text_value(task) : "?");
		between = ", ";
	}
	if (!json_count(tasks))
		buf_addf(out, "%snone now", between);
	buf_addf(out, " (%lld taken, %lld given back)\n",
		 (long long)json_integer_or(root, "tasks_taken", 0),
		 (long long)json_integer_or(root, "tasks_given_back", 0));
}

static void print_leaving(const struct json *root, struct buf *out)
{
	const char *reason = json_text_or(root, "reason", "");
	const char *detail = json_text_or(root, "detail", "");
	const char *kept_by = json_text_or(root, "kept_by", "");
	const char *order = json_text_or(root, "order", "");

	add_span(out, "  idle     for ", root, "idle_s");
	if (kept_by[0])
		buf_addf(out, ", kept by %s", kept_by);
	if (json_bool_or(root, "held", false))
		buf_addf(out, ", held by the ticket");
	add_span(out, "\n  leaves   in ", root, "leaves_in_s");
	buf_addf(out, " at the latest (%s)\n", json_text_or(root, "leaves_why", "?"));
	if (order[0])
		buf_addf(out, "  order    %s, by number %lld of the reaper\n", order,
			 (long long)json_integer_or(root, "order_number", 0));
	if (reason[0])
		buf_addf(out, "  reason   %s%s%s\n", reason, detail[0] ? ": " : "", detail);
}

int status_text(struct slice answer, struct buf *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	const char *instance, *phase;

	if (json_parse(answer, &document, err) < 0 ||
	    json_text(document.root, "instance", &instance, err) < 0 ||
	    json_text(document.root, "phase", &phase, err) < 0)
		return error_wrap(err, "the machine's answer");
	const struct json *root = document.root;

	buf_addf(out, "%s: resource %s, slot %lld, generation %lld\n", instance,
		 json_text_or(root, "resource", "?"), (long long)json_integer_or(root, "slot", 0),
		 (long long)json_integer_or(root, "generation", 0));
	buf_addf(out, "  phase    %s", phase);
	add_span(out, " for ", root, "phase_for_s");
	add_span(out, ", launched ", root, "age_s");
	buf_addf(out, " ago, %lld restarts\n", (long long)json_integer_or(root, "restarts", 0));
	buf_addf(out, "  seats    %lld, %lld busy\n", (long long)json_integer_or(root, "seats", 0),
		 (long long)json_integer_or(root, "busy", 0));
	print_tasks(root, out);
	print_leaving(root, out);
	if (json_kind(json_find(root, "contact_ago_s")) == JSON_NUMBER)
		add_span(out, "  ClearML  took our last report ", root, "contact_ago_s");
	else
		buf_addf(out, "  ClearML  has taken no report yet");
	buf_addf(out, "%s\n",
		 json_kind(json_find(root, "contact_ago_s")) == JSON_NUMBER ? " ago" : "");
	return 0;
}
