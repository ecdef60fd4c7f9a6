#include "reaper/act_repair.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "reaper/observe_join.h"

enum { STORY_ROOM = 400 };

/* The task as it is now, and what is to become of it by the same rule as before. */
static int look_again(struct act_look *look, const struct observed_task *lost,
		      struct clearml_task *task, enum verdict *verdict, struct error *err)
{
	const struct act *act = look->act;
	struct join_again again = { .prefix = act->settings->prefix };

	*verdict = VERDICT_HANDS_OFF;
	if (act_has_time(act, err) < 0)
		return -1;
	if (clearml_task(act->clearml, lost->task.id, task, err) < 0)
		return err->class == ERROR_NOT_FOUND ? 0 : -1;
	/* The agent of a machine that lives may still run what the machine lists no more. */
	if (act_look_records(look, &again.records, err) < 0 ||
	    act_look_is_queued(look, task->id, &again.is_in_queue, err) < 0 ||
	    act_look_is_run_elsewhere(look, task->id,
				      lost->loss == LOSS_TERMINATED ? lost->instance : "",
				      &again.is_run_by_other, err) < 0)
		return -1;
	again.now_ms = clearml_now_ms(act->clearml);
	*verdict = join_judge(lost, task, &again);
	return 0;
}

static void write_story(const struct observed_task *lost, const char *fate,
			char out[static STORY_ROOM])
{
	if (lost->loss == LOSS_NOBODY)
		snprintf(out, STORY_ROOM,
			 "mayfly: it was taken from its queue, and nobody has it: %s", fate);
	else
		snprintf(out, STORY_ROOM,
			 "mayfly: attempt %u of %u ended because machine %s %s: %s", lost->attempt,
			 lost->max_attempts, lost->instance,
			 lost->loss == LOSS_TERMINATED ? "is gone (seen terminated)" :
							 "does not have it any more",
			 fate);
}

/* Before the status changes: then nobody reads a status without its reason. */
static void tell(const struct act *act, const char *task, const char *level, const char *story)
{
	char worker[TICKET_FIELD_ROOM + 16];
	struct error err;

	snprintf(worker, sizeof(worker), "%s:reaper", act->settings->prefix);
	struct clearml_line line = { .task = task,
				     .worker = worker,
				     .level = level,
				     .text = story,
				     .wall_ms = clearml_now_ms(act->clearml) };

	if (clearml_console(act->clearml, &line, &err) < 0)
		log_failure("console", &err);
}

static int put_back(const struct act *act, const struct observed_task *lost,
		    const struct clearml_task *task, struct error *err)
{
	char reason[CLEARML_REASON_ROOM], story[STORY_ROOM];
	struct error why;

	if (!*task->queue)
		return error_set(err, ERROR_MALFORMED,
				 "ClearML does not say which queue it was in");
	write_story(lost, "back to the front of its queue", story);
	tell(act, task->id, "warning", story);
	join_reason(lost, reason);
	if (clearml_enqueue(act->clearml, task->id, task->queue, reason, err) < 0)
		return -1;
	/* It is in its queue and will run: its place there is worth a warning only. */
	if (clearml_move_to_front(act->clearml, task->queue, task->id, &why) < 0)
		log_failure("move-to-front", &why);
	return 0;
}

static int fail(const struct act *act, const struct observed_task *lost,
		const struct clearml_task *task, struct error *err)
{
	char reason[CLEARML_REASON_ROOM], story[STORY_ROOM];
	struct error why;

	write_story(lost, "it is not tried again", story);
	tell(act, task->id, "error", story);
	join_reason(lost, reason);
	reason[strcspn(reason, " ")] = '\0'; /* the owner's name matters to nobody any more */
	if (clearml_fail(act->clearml, task->id, reason, story, err) < 0)
		return -1;
	if (clearml_property_delete(act->clearml, task->id, "mayfly_attempt", &why) < 0 ||
	    clearml_property_delete(act->clearml, task->id, "mayfly_owner", &why) < 0)
		log_failure("properties", &why);
	return 0;
}

static enum outcome carry_out(const struct act *act, const struct observed_task *lost,
			      const struct clearml_task *task, enum verdict verdict)
{
	struct error err;
	int result = verdict == VERDICT_FAIL ? fail(act, lost, task, &err) :
					       put_back(act, lost, task, &err);

	if (result == 0) {
		log_info("repaired", "task %s of %s: %s", task->id,
			 *lost->instance ? lost->instance : "nobody", verdict_name(verdict));
		return OUTCOME_DONE;
	}
	(void)error_wrap(&err, "repair task %s", task->id);
	log_failure("repair", &err);
	return err.class == ERROR_CONFLICT ? OUTCOME_CHANGED : OUTCOME_FAILED;
}

enum outcome act_repair(struct act_look *look, const struct planned_repair *repair)
{
	const struct observed_task *lost = &look->act->seen->lost[repair->lost];
	struct clearml_task task;
	enum verdict verdict;
	struct error err;

	if (!repair->is_due)
		return OUTCOME_NONE;
	if (look_again(look, lost, &task, &verdict, &err) < 0) {
		(void)error_wrap(&err, "repair task %s", lost->task.id);
		log_failure("repair", &err);
		return OUTCOME_FAILED;
	}
	if (verdict != VERDICT_RETURN && verdict != VERDICT_FAIL) {
		log_info("repair", "task %s is not lost any more: left alone", lost->task.id);
		return OUTCOME_CHANGED;
	}
	return carry_out(look->act, lost, &task, verdict);
}
