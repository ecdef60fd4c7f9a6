#include "reaper/act.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/log.h"
#include "reaper/act_look.h"
#include "reaper/act_repair.h"
#include "reaper/slots.h"
#include "reaper/ticket_make.h"

enum { CONSOLE_BYTES = 2048 };

/* ---- launches ---- */

static size_t find_attempt(const struct ledger *ledger, const struct settings *settings,
			   const struct planned_launch *launch)
{
	const char *resource = settings->resources[launch->resource].name;
	size_t at = 0;

	for (; at < ledger->attempt_count; at++)
		if (ledger->attempts[at].slot == launch->slot &&
		    ledger->attempts[at].generation == launch->generation &&
		    !strcmp(ledger->attempts[at].resource, resource))
			break;
	return at;
}

static void drop_attempt(const struct act *act, const struct planned_launch *launch)
{
	struct ledger *ledger = act->ledger;
	size_t at = find_attempt(ledger, act->settings, launch);

	if (at < ledger->attempt_count)
		ledger->attempts[at] = ledger->attempts[--ledger->attempt_count];
}

static void add_attempt(const struct act *act, const struct planned_launch *launch)
{
	struct ledger *ledger = act->ledger;
	struct open_attempt attempt = { .slot = launch->slot,
					.generation = launch->generation,
					.asked_s = act->seen->now_ms / 1000 };

	if (find_attempt(ledger, act->settings, launch) < ledger->attempt_count)
		return;
	memcpy(attempt.resource, act->settings->resources[launch->resource].name,
	       sizeof(attempt.resource));
	memcpy(attempt.day, launch->day, sizeof(attempt.day));
	ledger->attempts =
		memory_grow(ledger->attempts, ledger->attempt_count + 1, sizeof(attempt));
	ledger->attempts[ledger->attempt_count++] = attempt;
}

/* An attempt for a resource that is configured no more could never be repeated. */
static bool is_configured(const struct settings *settings, const char *resource)
{
	for (size_t r = 0; r < settings->resource_count; r++)
		if (!strcmp(settings->resources[r].name, resource))
			return true;
	return false;
}

/* What was asked for must be known to the next pass even if this one is killed right after asking.
 */
static int store(const struct act *act, struct error *err)
{
	const struct observation *seen = act->seen;
	struct ledger *ledger = act->ledger;

	ledger->attempts =
		memory_grow(ledger->attempts, seen->attempt_count + 1, sizeof(*ledger->attempts));
	ledger->attempt_count = 0;
	for (size_t i = 0; i < seen->attempt_count; i++)
		if (is_configured(act->settings, seen->attempts[i].resource))
			ledger->attempts[ledger->attempt_count++] = seen->attempts[i];
	for (size_t i = 0; i < act->plan->launch_count; i++)
		add_attempt(act, &act->plan->launches[i]);
	ledger->marks =
		memory_grow(ledger->marks, act->plan->mark_count + 1, sizeof(*ledger->marks));
	ledger->mark_count = act->plan->mark_count;
	if (act->plan->mark_count)
		memcpy(ledger->marks, act->plan->marks,
		       act->plan->mark_count * sizeof(*ledger->marks));
	return ledger_write(act->file, ledger, err);
}

static int ask(const struct act *act, const struct planned_launch *launch,
	       char id[static TICKET_FIELD_ROOM], struct error *err)
{
	const struct resource *resource = &act->settings->resources[launch->resource];
	const struct offering *offering = &resource->offerings[launch->offering];
	struct ticket_order order = { act->settings, resource,		 offering,
				      launch->slot,  launch->generation, launch->day };
	SCOPED(ticket_made) struct ticket_made made = { 0 };
	struct slot_key key;

	if (ticket_make(&order, &made, err) < 0 || ticket_fits(&order, &made, err) < 0)
		return -1;

	struct launch request = { .settings = act->settings,
				  .resource = resource,
				  .offering = offering,
				  .slot = launch->slot,
				  .generation = launch->generation,
				  .user_data = buf_slice(&made.user_data) };
	slots_key_parts(act->settings->prefix, resource, offering, launch->slot, launch->generation,
			&key);
	hash_parts(key.parts, ARRAY_LEN(key.parts), request.key);
	return provider_named(resource->provider)->launch(&request, id, err);
}

static enum outcome judge_failure(const struct act *act, const struct planned_launch *launch,
				  const struct error *why)
{
	switch (why->class) {
	case ERROR_CONFLICT: /* kept until the list shows who holds it */
		log_info("held", "%s", why->message);
		return OUTCOME_HELD;
	case ERROR_UNREACHABLE:
	case ERROR_MALFORMED:
		log_failure("launch-unanswered", why);
		return OUTCOME_OPEN;
	default: /* these prove that nothing was launched */
		drop_attempt(act, launch);
		log_failure("launch", why);
		return OUTCOME_FAILED;
	}
}

static enum outcome launch_one(const struct act *act, const struct planned_launch *launch,
			       struct act_launched *out)
{
	const struct resource *resource = &act->settings->resources[launch->resource];

	if (clock_monotonic_ms() >= act->deadline_ms) {
		if (!launch->is_repeat)
			drop_attempt(act, launch);
		return OUTCOME_NONE;
	}
	offering_key(&resource->offerings[launch->offering], out->offering);
	if (ask(act, launch, out->instance, &out->why) < 0)
		return judge_failure(act, launch, &out->why);
	log_info("launched", "%s in %s slot %u generation %u: %s", out->instance, resource->name,
		 launch->slot, launch->generation, why_text(launch->why));
	return OUTCOME_DONE;
}

static void launch_all(const struct act *act, struct act_result *out)
{
	struct error err;

	if (store(act, &err) < 0) {
		/* Without the ledger, a launch whose answer is lost would be forgotten. */
		log_failure("ledger", &err);
		out->failed++;
		for (size_t i = 0; i < act->plan->launch_count; i++) {
			out->launches[i] = OUTCOME_FAILED;
			out->launched[i].why = err;
		}
		return;
	}
	for (size_t i = 0; i < act->plan->launch_count; i++) {
		out->launches[i] = launch_one(act, &act->plan->launches[i], &out->launched[i]);
		out->failed += out->launches[i] == OUTCOME_FAILED ||
			       out->launches[i] == OUTCOME_OPEN || out->launches[i] == OUTCOME_NONE;
	}
}

/* ---- terminations ---- */

/* What it printed last, for whoever wants to know why it never came up. */
static void log_console(const struct act *act, const struct observed_machine *machine)
{
	const struct resource *resource = &act->settings->resources[machine->resource];
	SCOPED(buf) struct buf tail = BUF(CONSOLE_BYTES);
	struct error err;

	if (provider_named(resource->provider)
		    ->console(act->settings, resource, machine->instance.id, &tail, &err) < 0)
		log_failure("console", &err);
	else if (tail.len)
		log_warn("console", "%s printed last: %s", machine->instance.id, buf_text(&tail));
}

/* -1: not known. is_doomed false: it came back, or is gone already. */
static int look_again(struct act_look *look, const struct planned_termination *termination,
		      bool *is_doomed, struct error *err)
{
	const struct observed_machine *machine = &look->act->seen->machines[termination->machine];
	bool is_silence =
		termination->doom == DOOM_NEVER_CAME_UP || termination->doom == DOOM_SILENT;
	bool is_reporting = false;
	enum instance_state state;

	if (act_look_state(look, machine->resource, machine->instance.id, &state, err) < 0)
		return -1;
	if (is_silence && act_look_is_reporting(look, machine->instance.id, &is_reporting, err) < 0)
		return -1;
	*is_doomed = state < INSTANCE_STOPPING && !is_reporting;
	return 0;
}

static enum outcome terminate_one(struct act_look *look,
				  const struct planned_termination *termination)
{
	const struct act *act = look->act;
	const struct observed_machine *machine = &act->seen->machines[termination->machine];
	const struct resource *resource = &act->settings->resources[machine->resource];
	const char *id = machine->instance.id;
	bool is_doomed = false;
	struct error err;

	if (!termination->is_due)
		return OUTCOME_NONE;
	if (look_again(look, termination, &is_doomed, &err) < 0) {
		(void)error_wrap(&err, "terminate %s", id);
		log_failure("terminate", &err);
		return OUTCOME_FAILED;
	}
	if (!is_doomed) {
		log_info("terminate", "%s is %s no more: left alone", id,
			 doom_text(termination->doom));
		return OUTCOME_CHANGED;
	}
	log_console(act, machine);
	if (provider_named(resource->provider)->terminate(act->settings, resource, id, &err) < 0 &&
	    err.class != ERROR_NOT_FOUND) {
		log_failure("terminate", &err);
		return OUTCOME_FAILED;
	}
	log_info("terminated", "%s of %s slot %u: %s", id, resource->name, machine->instance.slot,
		 doom_text(termination->doom));
	return OUTCOME_DONE;
}

void act(const struct act *act, struct act_result *out)
{
	const struct plan *plan = act->plan;
	SCOPED(act_look) struct act_look look = { .act = act };

	*out = (struct act_result){
		.launches = memory_array(plan->launch_count + 1, sizeof(*out->launches)),
		.terminations =
			memory_array(plan->termination_count + 1, sizeof(*out->terminations)),
		.repairs = memory_array(plan->repair_count + 1, sizeof(*out->repairs)),
		.unregisters = memory_array(plan->unregister_count + 1, sizeof(*out->unregisters)),
		.launched = memory_array(plan->launch_count + 1, sizeof(*out->launched)),
		.queues = memory_array(act->settings->queue_count + 1, sizeof(*out->queues)),
	};
	launch_all(act, out);
	for (size_t i = 0; i < plan->termination_count; i++) {
		out->terminations[i] = terminate_one(&look, &plan->terminations[i]);
		out->failed += out->terminations[i] == OUTCOME_FAILED;
	}
	for (size_t i = 0; i < plan->repair_count; i++) {
		out->repairs[i] = act_repair(&look, &plan->repairs[i]);
		out->failed += out->repairs[i] == OUTCOME_FAILED;
	}
}

void act_result_release(struct act_result *result)
{
	free(result->launches);
	free(result->terminations);
	free(result->repairs);
	free(result->unregisters);
	free(result->launched);
	free(result->queues);
	*result = (struct act_result){ 0 };
}
