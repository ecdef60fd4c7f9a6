#include <stdlib.h>
#include <string.h>

#include "reaper/plan_part.h"

/* A look that could not be repeated for so long is no look any more. */
enum { MARK_LIFE_S = 3600, MARK_ROOM = sizeof(((struct mark *)0)->what) };

static const char *subject_of(const char *what)
{
	const char *space = strrchr(what, ' ');

	return space ? space + 1 : what;
}

static int compare(const void *a, const void *b)
{
	const struct old_mark *left = a, *right = b;
	int order = strcmp(left->subject, right->subject);

	return order ? order : strcmp(left->mark->what, right->mark->what);
}

void marks_open(struct planner *planner)
{
	const struct observation *seen = planner->seen;

	planner->old_marks = memory_array(seen->mark_count, sizeof(*planner->old_marks));
	for (size_t i = 0; i < seen->mark_count; i++)
		planner->old_marks[i] = (struct old_mark){ &seen->marks[i],
							   subject_of(seen->marks[i].what), false };
	qsort(planner->old_marks, seen->mark_count, sizeof(*planner->old_marks), compare);
}

/* The first old mark of the subject, or of any subject behind it. */
static size_t first_of(const struct planner *planner, const char *subject)
{
	size_t low = 0, high = planner->seen->mark_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(planner->old_marks[middle].subject, subject) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of(const struct planner *planner, size_t i, const char *subject)
{
	return i < planner->seen->mark_count && !strcmp(planner->old_marks[i].subject, subject);
}

void mark_settle(struct planner *planner, const char *subject)
{
	for (size_t i = first_of(planner, subject); is_of(planner, i, subject); i++)
		planner->old_marks[i].is_settled = true;
}

/* Of a subject that is too long the end is kept: there the names differ. */
static void mark_name(char out[static MARK_ROOM], const char *verb, const char *subject)
{
	size_t verb_len = strlen(verb), len = strlen(subject), room = MARK_ROOM - verb_len - 2;

	if (len > room)
		subject += len - room;
	text_cut(out, MARK_ROOM, verb);
	out[verb_len] = ' ';
	text_cut(out + verb_len + 1, room + 1, subject);
}

static void keep(struct planner *planner, const struct mark *mark)
{
	struct plan *plan = planner->plan;

	plan->marks = memory_grow(plan->marks, plan->mark_count + 1, sizeof(*mark));
	plan->marks[plan->mark_count++] = *mark;
}

/* Two looks by different clocks say nothing of the time between: without ClearML's, old marks stay
 * as they are, and nothing is old enough. */
int64_t mark_again(struct planner *planner, const char *verb, const char *subject)
{
	struct mark mark = { .first_s = planner->now_s };

	if (!planner->seen->is_clock_known)
		return -1;
	mark_name(mark.what, verb, subject);
	subject = subject_of(mark.what);
	for (size_t i = first_of(planner, subject); is_of(planner, i, subject); i++) {
		struct old_mark *old = &planner->old_marks[i];

		if (strcmp(old->mark->what, mark.what) != 0)
			continue;
		old->is_settled = true;
		/* A mark of the future is of a clock that was wrong: this look is the first. */
		if (old->mark->first_s < mark.first_s)
			mark.first_s = old->mark->first_s;
	}
	keep(planner, &mark);
	return planner->now_s - mark.first_s;
}

/* Was everything read that the decision rests on? Then what was not seen again is not so any more.
 */
static bool is_known(const struct planner *planner, const struct mark *mark)
{
	static const char task[] = MARK_OF_TASK " ";

	if (!strncmp(mark->what, task, sizeof(task) - 1) && !planner->seen->tasks_known)
		return false;
	return planner->seen->queues_known && planner->are_records_known && planner->is_all_listed;
}

void marks_end(struct planner *planner)
{
	for (size_t i = 0; i < planner->seen->mark_count; i++) {
		const struct old_mark *old = &planner->old_marks[i];

		if (!old->is_settled && !is_known(planner, old->mark) &&
		    planner->now_s - old->mark->first_s <= MARK_LIFE_S &&
		    old->mark->first_s <= planner->now_s)
			keep(planner, old->mark);
	}
	free(planner->old_marks);
}
