#include "reaper/act_look.h"

#include <string.h>

#include "common/clock.h"
#include "reaper/observe_join.h"

void act_look_release(struct act_look *look)
{
	for (size_t r = 0; r < SETTINGS_MAX_RESOURCES; r++)
		fleet_release(&look->fleets[r]);
	record_list_release(&look->records);
	clearml_workers_release(&look->workers);
	clearml_queues_release(&look->queues);
}

int act_has_time(const struct act *act, struct error *err)
{
	int64_t left_ms = act->deadline_ms - clock_monotonic_ms();

	if (left_ms <= 0)
		return error_set(err, ERROR_UNREACHABLE,
				 "the pass's deadline is over: left for the next pass");
	clearml_set_timeout(act->clearml,
			    left_ms < ACT_CALL_LIMIT_MS ? left_ms : ACT_CALL_LIMIT_MS);
	return 0;
}

/* 1: read before, use it; 0: it is to be read now; -1: it failed before. */
static int may_use(enum look_state *state, const struct act *act, struct error *err)
{
	if (*state == LOOK_DONE)
		return 1;
	if (*state == LOOK_FAILED)
		return error_set(err, ERROR_UNREACHABLE, "the second look failed before");
	*state = LOOK_FAILED;
	return act_has_time(act, err);
}

int act_look_state(struct act_look *look, size_t resource, const char *instance,
		   enum instance_state *out, struct error *err)
{
	const struct settings *settings = look->act->settings;
	const struct resource *of = &settings->resources[resource];
	struct fleet *fleet = &look->fleets[resource];
	int usable = may_use(&look->fleet_states[resource], look->act, err);

	if (usable < 0)
		return -1;
	if (!usable) {
		if (provider_named(of->provider)->list(settings, of, fleet, err) < 0)
			return error_wrap(err, "list %s again", of->name);
		look->fleet_states[resource] = LOOK_DONE;
	}
	*out = INSTANCE_TERMINATED;
	for (size_t i = 0; i < fleet->count; i++)
		if (!strcmp(fleet->list[i].id, instance))
			*out = fleet->list[i].state;
	return 0;
}

int act_look_records(struct act_look *look, const struct record_list **out, struct error *err)
{
	const struct act *act = look->act;
	int usable = may_use(&look->records_state, act, err);

	if (usable < 0)
		return -1;
	if (!usable) {
		if (observe_records(act->clearml, act->settings, &look->records, err) < 0)
			return error_wrap(err, "read the machine records again");
		look->records_state = LOOK_DONE;
	}
	*out = &look->records;
	return 0;
}

int act_look_is_reporting(struct act_look *look, const char *instance, bool *out, struct error *err)
{
	const struct record_list *records = NULL;

	if (act_look_records(look, &records, err) < 0 || !records)
		return -1;
	*out = false;
	for (size_t i = 0; i < records->count; i++)
		if (!strcmp(records->list[i].instance, instance) &&
		    join_is_live(&records->list[i], clearml_now_ms(look->act->clearml)))
			*out = true;
	return 0;
}

int act_look_is_queued(struct act_look *look, const char *task, bool *out, struct error *err)
{
	int usable = may_use(&look->queues_state, look->act, err);

	if (usable < 0)
		return -1;
	if (!usable) {
		if (clearml_queues(look->act->clearml, NULL, 0, 0, &look->queues, err) < 0)
			return error_wrap(err, "read all queues again");
		look->queues_state = LOOK_DONE;
	}
	*out = join_is_queued(&look->queues, task);
	return 0;
}

static bool is_worker_of(const struct clearml_worker *worker, const char *instance)
{
	struct worker_id id;
	struct error ignored;

	return worker_id_parse(slice_of(worker->id), &id, &ignored) == 0 &&
	       slice_equals(id.instance, instance);
}

int act_look_workers(struct act_look *look, const struct clearml_workers **out, struct error *err)
{
	int usable = may_use(&look->workers_state, look->act, err);

	if (usable < 0)
		return -1;
	if (!usable) {
		if (clearml_workers(look->act->clearml, NULL, &look->workers, err) < 0)
			return error_wrap(err, "read the workers again");
		look->workers_state = LOOK_DONE;
	}
	*out = &look->workers;
	return 0;
}

int act_look_is_run_elsewhere(struct act_look *look, const char *task, const char *instance,
			      bool *out, struct error *err)
{
	const struct clearml_workers *workers = NULL;

	if (act_look_workers(look, &workers, err) < 0 || !workers)
		return -1;
	*out = false;
	for (size_t i = 0; i < workers->count; i++)
		if (!strcmp(workers->list[i].task, task) &&
		    !is_worker_of(&workers->list[i], instance))
			*out = true;
	return 0;
}
