#include "reaper/act.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/act_launch.h"
#include "reaper/act_look.h"
#include "reaper/act_repair.h"
#include "reaper/act_tidy.h"
#include "reaper/doom.h"

enum { CONSOLE_BYTES = 2048 };

/* ---- terminations ---- */

/* What it printed last, for whoever wants to know why it never came up. */
static void log_console(const struct act *act, const struct observed_machine *machine)
{
	const struct resource *resource = &act->settings->resources[machine->place];
	SCOPED(buf) struct buf tail = BUF(CONSOLE_BYTES);
	struct error err;

	if (provider_named(resource->provider)
		    ->console(act->settings, resource, machine->instance.id, &tail, &err) < 0)
		log_failure("console", &err);
	else if (tail.len)
		log_warn("console", "%s printed last: %s", machine->instance.id, buf_text(&tail));
}

/* By its record as it is now: it may have been kept, or taken a task, since the plan. */
static int look_is_drained(struct act_look *look, const char *instance, bool *out,
			   struct error *err)
{
	const struct record_list *records;

	if (act_look_records(look, &records, err) < 0)
		return -1;
	*out = false;
	for (size_t i = 0; i < records->count; i++)
		if (!strcmp(records->list[i].instance, instance))
			*out = doom_is_drained(&(struct observed_machine){
				.has_record = true, .record = records->list[i] });
	return 0;
}

/* -1: not known. is_doomed false: it came back, or is gone already. */
static int look_again(struct act_look *look, const struct planned_termination *termination,
		      bool *is_doomed, struct error *err)
{
	const struct observed_machine *machine = &look->act->seen->machines[termination->machine];
	bool is_silence =
		termination->doom == DOOM_NEVER_CAME_UP || termination->doom == DOOM_SILENT;
	bool is_reporting = false, is_drained = true;
	enum instance_state state;

	if (act_look_state(look, machine->place, machine->instance.id, &state, err) < 0)
		return -1;
	if (is_silence && act_look_is_reporting(look, machine->instance.id, &is_reporting, err) < 0)
		return -1;
	if (doom_drains_first(termination->doom) &&
	    look_is_drained(look, machine->instance.id, &is_drained, err) < 0)
		return -1;
	*is_doomed = state < INSTANCE_STOPPING && !is_reporting && is_drained;
	return 0;
}

static enum outcome terminate_one(struct act_look *look,
				  const struct planned_termination *termination)
{
	const struct act *act = look->act;
	const struct observed_machine *machine = &act->seen->machines[termination->machine];
	/* By whose list it was found: its own resource may be configured no more. */
	const struct resource *resource = &act->settings->resources[machine->place];
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
	log_info("terminated", "%s of %s slot %u: %s", id, machine->instance.resource,
		 machine->instance.slot, doom_text(termination->doom));
	return OUTCOME_DONE;
}

static void keep_marks(const struct act *act)
{
	const struct plan *plan = act->plan;
	struct ledger *ledger = act->ledger;

	ledger->marks = memory_grow(ledger->marks, plan->mark_count + 1, sizeof(*ledger->marks));
	ledger->mark_count = plan->mark_count;
	if (plan->mark_count)
		memcpy(ledger->marks, plan->marks, plan->mark_count * sizeof(*ledger->marks));
}

static void tidy(struct act_look *look, struct act_result *out)
{
	const struct act *act = look->act;

	for (size_t i = 0; i < act->plan->unregister_count; i++) {
		out->unregisters[i] = act_unregister(look, &act->plan->unregisters[i]);
		out->failed += out->unregisters[i] == OUTCOME_FAILED;
	}
	for (size_t q = 0; q < act->settings->queue_count; q++) {
		out->queues[q] = act_make_queue(act, q);
		out->failed += out->queues[q] == OUTCOME_FAILED;
	}
	for (size_t i = 0; i < act->seen->leftover_count; i++) {
		out->leftovers[i] = act_leftover(act, i);
		out->failed += out->leftovers[i] == OUTCOME_FAILED;
	}
	act_warn_of_kept(act);
	act_warn_of_doubles(act);
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
		.leftovers = memory_array(act->seen->leftover_count + 1, sizeof(*out->leftovers)),
	};
	keep_marks(act);
	act_launch(&(struct act_launch){ act, provider_named }, out);
	for (size_t i = 0; i < plan->termination_count; i++) {
		out->terminations[i] = terminate_one(&look, &plan->terminations[i]);
		out->failed += out->terminations[i] == OUTCOME_FAILED;
	}
	for (size_t i = 0; i < plan->repair_count; i++) {
		out->repairs[i] = act_repair(&look, &plan->repairs[i]);
		out->failed += out->repairs[i] == OUTCOME_FAILED;
	}
	tidy(&look, out);
}

void act_result_release(struct act_result *result)
{
	free(result->launches);
	free(result->terminations);
	free(result->repairs);
	free(result->unregisters);
	free(result->launched);
	free(result->queues);
	free(result->leftovers);
	*result = (struct act_result){ 0 };
}
