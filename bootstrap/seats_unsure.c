#include "bootstrap/seat.h"

#include <string.h>

#include "common/log.h"
#include "common/verdict.h"

/* A task that may be ours: popped by us, by another, or not at all. */

/* ---- whose name is on it ---- */

static struct slice instance_of(const char *owner)
{
	return (struct slice){ owner, strcspn(owner, "/") };
}

/* As long as any of its records stands it may be about to start what it named itself on. */
static int look_for_instance(struct seats *seats, struct slice instance, bool *is_alive,
			     struct error *err)
{
	SCOPED(clearml_workers) struct clearml_workers workers = { 0 };
	struct worker_id id;
	struct error ignored;

	if (clearml_workers(seats->machine->clearml, NULL, &workers, err) < 0)
		return -1;
	for (size_t i = 0; i < workers.count; i++)
		if (worker_id_parse(slice_of(workers.list[i].id), &id, &ignored) == 0 &&
		    id.instance.len == instance.len &&
		    !strncmp(id.instance.ptr, instance.ptr, instance.len))
			*is_alive = true;
	return 0;
}

int seat_look_at_owner(struct seats *seats, const struct seat *seat,
		       const struct clearml_task *task, bool *has_no_owner, struct error *err)
{
	bool is_before = seat->owner_before[0] && !strcmp(task->owner, seat->owner_before);
	bool is_alive = false;

	*has_no_owner = !task->owner[0];
	if (*has_no_owner || task->status != TASK_QUEUED)
		return 0;
	if (seat->is_sure) {
		/* It bore that name when we popped it, and nobody has written since: nor have we.
		 */
		*has_no_owner = is_before;
		return 0;
	}
	*has_no_owner = verdict_is_put_back(task->status_reason, task->owner);
	if (*has_no_owner || !is_before)
		return 0;
	/* Read before the pop: but it may just then have been popped, and named, by another. */
	struct slice instance = instance_of(task->owner);

	if (slice_equals(instance, seats->machine->identity.instance))
		*has_no_owner = true;
	else if (look_for_instance(seats, instance, &is_alive, err) < 0)
		return -1;
	else
		*has_no_owner = !is_alive;
	return 0;
}

/* ---- was it popped by us? ---- */

static int read_facts(struct seats *seats, struct seat *seat, int64_t now_ms, struct pop_facts *out,
		      struct error *err)
{
	struct clearml_task task = { 0 };
	bool has_no_owner = true;
	int result = clearml_task(seats->machine->clearml, seat->entry->task, &task, err);

	/* From the first look on: the pop waited for its answer before, and may be under way yet.
	 */
	if (!seat->unsure_ms)
		seat->unsure_ms = now_ms;
	*out = (struct pop_facts){
		.status = task.status,
		.is_deleted = result < 0 && err->class == ERROR_NOT_FOUND,
		.has_owner = task.owner[0],
		.sent_ms = now_ms - seat->unsure_ms,
	};
	if (result < 0)
		return out->is_deleted ? 0 : -1;
	if (task.status != TASK_QUEUED)
		return 0;
	if (seat_is_queued(seats, seat, &out->is_in_queue, err) < 0 ||
	    seat_look_at_owner(seats, seat, &task, &has_no_owner, err) < 0)
		return -1;
	out->is_owner_stale = out->has_owner && has_no_owner;
	if (out->is_in_queue || !has_no_owner)
		seat->nowhere_ms = 0;
	else if (!seat->nowhere_ms)
		seat->nowhere_ms = now_ms;
	out->nowhere_ms = seat->nowhere_ms ? now_ms - seat->nowhere_ms : 0;
	return 0;
}

static void decide(struct seats *seats, struct seat *seat, const struct pop_facts *facts,
		   int64_t now_ms)
{
	switch (verdict_of_pop(facts)) {
	case POP_OURS:
		log_info("unsure", "seat %u: task %s was popped by us", seat->number,
			 seat->entry->task);
		seats->tasks_taken++;
		seat->state = SEAT_POPPED;
		seat_claim(seats, seat, now_ms);
		break;
	case POP_NOT_DONE:
		log_info("unsure", "seat %u: task %s was not popped", seat->number,
			 seat->entry->task);
		seat_finish(seats, seat, now_ms);
		break;
	case POP_OTHERS:
		log_info("unsure", "seat %u: task %s is not ours", seat->number, seat->entry->task);
		seat_finish(seats, seat, now_ms);
		break;
	case POP_WAIT:
		break;
	}
}

void seat_look_unsure(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	struct pop_facts facts;
	struct error err = { 0 };

	seat->look_ms = now_ms + SEAT_LOOK_MS;
	if (read_facts(seats, seat, now_ms, &facts, &err) < 0) {
		seat_has_trouble(seats, seat, &err, now_ms);
		return;
	}
	seat->troubles = 0;
	decide(seats, seat, &facts, now_ms);
}
