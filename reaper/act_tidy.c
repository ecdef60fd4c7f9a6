#include "reaper/act_tidy.h"

#include <string.h>

#include "common/log.h"
#include "reaper/money/money.h"

/* ---- ghosts ---- */

static const struct observed_machine *machine_of(const struct act *act, const char *instance)
{
	for (size_t i = 0; i < act->seen->machine_count; i++)
		if (!strcmp(act->seen->machines[i].instance.id, instance))
			return &act->seen->machines[i];
	return NULL;
}

/* Gone for good is what its list still shows terminated; a report says that something lives. */
static int look_again(struct act_look *look, const struct observed_ghost *ghost, bool *is_ghost,
		      struct error *err)
{
	const struct act *act = look->act;
	const struct observed_machine *machine = machine_of(act, ghost->instance);
	const struct clearml_workers *workers;
	enum instance_state state;

	*is_ghost = false;
	if (!machine || machine->place == RESOURCE_NONE)
		return 0;
	if (act_look_state(look, machine->place, ghost->instance, &state, err) < 0 ||
	    act_look_workers(look, &workers, err) < 0)
		return -1;
	for (size_t i = 0; i < workers->count; i++)
		if (!strcmp(workers->list[i].id, ghost->worker) &&
		    workers->list[i].last_report_ms <= act->seen->now_ms)
			*is_ghost = state == INSTANCE_TERMINATED;
	return 0;
}

enum outcome act_unregister(struct act_look *look, const struct planned_unregister *unregister)
{
	const struct act *act = look->act;
	const struct observed_ghost *ghost = &act->seen->ghosts[unregister->ghost];
	bool is_ghost;
	struct error err;

	if (!unregister->is_due)
		return OUTCOME_NONE;
	if (look_again(look, ghost, &is_ghost, &err) == 0) {
		if (!is_ghost) {
			log_info("unregister", "worker %s is no ghost any more: left alone",
				 ghost->worker);
			return OUTCOME_CHANGED;
		}
		if (act_has_time(act, &err) == 0 &&
		    clearml_unregister(act->clearml, ghost->worker, &err) == 0) {
			log_info("unregistered", "worker %s: its machine %s is terminated",
				 ghost->worker, ghost->instance);
			return OUTCOME_DONE;
		}
	}
	(void)error_wrap(&err, "unregister worker %s", ghost->worker);
	log_failure("unregister", &err);
	return OUTCOME_FAILED;
}

/* ---- queues ---- */

enum outcome act_make_queue(const struct act *act, size_t queue)
{
	const char *name = act->settings->queues[queue];
	char id[CLEARML_ID_ROOM];
	struct error err;

	if (!act->settings->are_queues_created || !act->seen->queues_known ||
	    act->seen->queues[queue].exists)
		return OUTCOME_NONE;
	if (act_has_time(act, &err) == 0 &&
	    clearml_create_queue(act->clearml, name, id, &err) == 0) {
		log_info("queue-made", "\"%s\" was not in ClearML", name);
		return OUTCOME_DONE;
	}
	if (err.class == ERROR_CONFLICT) {
		log_info("queue-made", "\"%s\": somebody else was faster", name);
		return OUTCOME_CHANGED;
	}
	(void)error_wrap(&err, "make queue \"%s\"", name);
	log_failure("queue", &err);
	return OUTCOME_FAILED;
}

/* ---- leftovers ---- */

enum outcome act_leftover(const struct act *act, size_t leftover)
{
	const struct observed_leftover *seen = &act->seen->leftovers[leftover];
	const struct resource *resource = &act->settings->resources[seen->place];
	const char *kind = leftover_kind_text(seen->leftover.kind), *id = seen->leftover.id;
	struct error err;

	if (act->plan->leftovers[leftover] != LEFTOVER_CANCELLED)
		return OUTCOME_NONE;
	if (act_has_time(act, &err) == 0 &&
	    provider_named(resource->provider)->remove(resource, &seen->leftover, &err) == 0) {
		log_info("removed", "%s %s of %s slot %u: its launch is over", kind, id,
			 seen->leftover.resource, seen->leftover.slot);
		return OUTCOME_DONE;
	}
	if (err.class == ERROR_NOT_FOUND)
		return OUTCOME_CHANGED;
	log_failure("remove", &err);
	return OUTCOME_FAILED;
}

void act_warn_of_kept(const struct act *act)
{
	char month[MONEY_TEXT_ROOM];
	unsigned kept = 0;
	int64_t cost = 0;

	for (size_t i = 0; i < act->seen->leftover_count; i++) {
		int64_t one = leftover_month(&act->seen->leftovers[i].leftover);

		if (act->plan->leftovers[i] != LEFTOVER_KEPT)
			continue;
		kept++;
		cost += one > 0 ? one : 0;
	}
	if (!kept)
		return;
	money_text(cost, month);
	log_warn("leftovers",
		 "machines left %u volume%s behind, about %s $ a month: mayfly-reaper sweep lists "
		 "and removes them",
		 kept, kept == 1 ? "" : "s", month);
}

/* ---- double executions ---- */

void act_warn_of_doubles(const struct act *act)
{
	for (size_t i = 0; i < act->seen->double_count; i++) {
		const struct observed_double *found = &act->seen->doubles[i];

		log_warn("double",
			 "task %s is run by %s and by %s at once: their results mix; stop one of "
			 "them",
			 found->task, found->workers[0], found->workers[1]);
	}
}
