#include <string.h>

#include "reaper/plan_part.h"

/* Who popped a task and died before it wrote its name cannot be asked: so wait longer. */
enum { NOBODY_LOOKS_S = 120, LOSS_NAME_ROOM = 94 };

static const char *loss_name(enum loss loss)
{
	static const char *const names[] = {
		[LOSS_TERMINATED] = MARK_OF_TASK " orphaned by",
		[LOSS_UNLISTED] = MARK_OF_TASK " unlisted by",
		[LOSS_NOBODY] = MARK_OF_TASK " of nobody",
	};
	return names[loss];
}

/* Has the machine reported since the first look at what it may have lost? */
static bool has_spoken(const struct planner *planner, const struct observed_machine *machine,
		       int64_t age_s)
{
	return machine->has_record && machine->last_report_ms / 1000 > planner->now_s - age_s;
}

static bool may_serve(const struct planner *planner, const struct observed_machine *machine,
		      size_t queue)
{
	if (machine->resource == RESOURCE_NONE || queue >= planner->settings->queue_count)
		return true;
	const struct resource *resource = &planner->settings->resources[machine->resource];

	for (size_t i = 0; i < resource->queue_count; i++)
		if (resource->queues[i] == queue)
			return true;
	return false;
}

/* Whoever may have popped the task has reported since, and so would have written its name. One that
 * was launched after the first look cannot have been it. */
static bool is_surely_nobodys(const struct planner *planner, const struct observed_task *lost,
			      int64_t age_s)
{
	const struct observation *seen = planner->seen;

	if (!planner->is_all_listed)
		return false;
	for (size_t i = 0; i < seen->machine_count; i++) {
		const struct observed_machine *machine = &seen->machines[i];

		if (machine->instance.state != INSTANCE_TERMINATED &&
		    machine->instance.launched_s <= planner->now_s - age_s &&
		    may_serve(planner, machine, lost->queue) &&
		    !has_spoken(planner, machine, age_s))
			return false;
	}
	return true;
}

static bool is_surely_unlisted(const struct planner *planner, const struct observed_task *lost,
			       int64_t age_s)
{
	const struct observation *seen = planner->seen;

	for (size_t i = 0; i < seen->machine_count; i++)
		if (!strcmp(seen->machines[i].instance.id, lost->instance))
			return has_spoken(planner, &seen->machines[i], age_s);
	return false;
}

static bool is_due(const struct planner *planner, const struct observed_task *lost, int64_t age_s)
{
	if (age_s < planner->settings->two_looks_s)
		return false;
	switch (lost->loss) {
	case LOSS_TERMINATED:
		return true;
	case LOSS_UNLISTED:
		return is_surely_unlisted(planner, lost, age_s);
	default:
		return age_s >= NOBODY_LOOKS_S && is_surely_nobodys(planner, lost, age_s);
	}
}

/* "task orphaned by i-0abc/2": a task that is lost again, by another owner, is looked at anew. */
static void name_loss(const struct observed_task *lost, char out[static LOSS_NAME_ROOM])
{
	char attempt[2] = { (char)('0' + lost->attempt % 10) };
	size_t at = 0;
	const char *const parts[] = { loss_name(lost->loss), " ", lost->instance, "/", attempt };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		text_cut(out + at, LOSS_NAME_ROOM - at, parts[i]);
		at += strlen(out + at);
	}
}

static enum verdict verdict_on(const struct observed_task *lost)
{
	return verdict_of(&(struct verdict_facts){
		.status = lost->task.status,
		.is_owner_us = true, /* we act for the dead owner */
		.is_in_queue = lost->is_in_queue,
		.status_reason = lost->task.status_reason,
		.status_message = lost->task.status_message,
		.worker = lost->task.last_worker,
		.attempt = lost->attempt,
		.max_attempts = lost->max_attempts,
	});
}

static void repair(struct planner *planner, size_t i)
{
	const struct observed_task *lost = &planner->seen->lost[i];
	enum verdict verdict = verdict_on(lost);
	struct plan *plan = planner->plan;
	char name[LOSS_NAME_ROOM];

	if (verdict != VERDICT_RETURN && verdict != VERDICT_FAIL && verdict != VERDICT_STANDS)
		return;
	/* These are told from the records: without them nothing is known. */
	if (lost->loss != LOSS_TERMINATED && !planner->are_records_known)
		return;
	name_loss(lost, name);
	int64_t age_s = mark_again(planner, name, lost->task.id);

	plan->repairs = memory_grow(plan->repairs, plan->repair_count + 1, sizeof(*plan->repairs));
	plan->repairs[plan->repair_count++] = (struct planned_repair){
		.lost = i, .verdict = verdict, .is_due = is_due(planner, lost, age_s)
	};
}

static void unregister(struct planner *planner, size_t i)
{
	struct plan *plan = planner->plan;
	int64_t age_s = mark_again(planner, "ghost", planner->seen->ghosts[i].worker);

	plan->unregisters = memory_grow(plan->unregisters, plan->unregister_count + 1,
					sizeof(*plan->unregisters));
	plan->unregisters[plan->unregister_count++] =
		(struct planned_unregister){ .ghost = i,
					     .is_due = age_s >= planner->settings->two_looks_s };
}

void plan_repair(struct planner *planner)
{
	const struct observation *seen = planner->seen;

	for (size_t i = 0; seen->tasks_known && i < seen->lost_count; i++)
		repair(planner, i);
	for (size_t i = 0; seen->workers_known && i < seen->ghost_count; i++)
		unregister(planner, i);
}
