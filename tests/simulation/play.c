#include "tests/simulation/play.h"

#include <stdlib.h>
#include <string.h>

enum {
	CHUNK_S = 600, /* between two looks whether it is over */
	SETTLE_S = 3 * 3600, /* after the last task, for machines to leave */
	WAIT_S = 4 * 86400, /* and all the work: no world needs longer */
	WAIT_BUDGETED_S = 12 * 86400, /* a budget may hold back for days */
	LINES_KEPT = 4000, /* of a log, before the violation */
	LINES_PRINTED = 60,
	LINE_ROOM = 200
};

struct line {
	int64_t at_ms;
	char subject[40], text[LINE_ROOM];
};

struct story { /* the last lines of what happened */
	struct line *lines;
	size_t count;
	FILE *live; /* all lines go here at once; NULL: they do not */
};

static void on_note(void *context, int64_t at_ms, const char *subject, const char *text)
{
	struct story *story = ((struct invariants *)context)->story;
	struct line *line = &story->lines[story->count++ % LINES_KEPT];

	line->at_ms = at_ms;
	(void)snprintf(line->subject, sizeof(line->subject), "%s", subject);
	(void)snprintf(line->text, sizeof(line->text), "%s", text);
	if (story->live)
		(void)fprintf(story->live, "%10.3f %s %s\n", (double)at_ms / 1000, subject, text);
}

/* Ids of tasks are long rows of zeros: only their end tells them apart. */
static const char *short_name(const char *subject)
{
	return strlen(subject) == CLEARML_ID_ROOM - 1 ? subject + CLEARML_ID_ROOM - 6 : subject;
}

static bool concerns(const struct line *line, const char *subject)
{
	return !strcmp(line->subject, subject) || strstr(line->text, subject) ||
	       !strcmp(line->subject, "clearml") ||
	       (!strcmp(line->subject, "reaper") && !strcmp(subject, "reaper"));
}

static void print_story(const struct story *story, const char *subject, FILE *log)
{
	size_t begin = story->count > LINES_KEPT ? story->count - LINES_KEPT : 0, matching = 0;

	for (size_t i = begin; i < story->count; i++)
		matching += concerns(&story->lines[i % LINES_KEPT], subject);
	for (size_t i = begin; i < story->count; i++) {
		const struct line *line = &story->lines[i % LINES_KEPT];

		if (concerns(line, subject) && matching-- <= LINES_PRINTED)
			(void)fprintf(log, "  %10.3f %-12s %s\n", (double)line->at_ms / 1000,
				      short_name(line->subject), line->text);
	}
}

/* One seat, if there are no more, does one task after the other. */
static int64_t longest_s(const struct invariants *invariants, const struct world *world)
{
	int64_t sum_ms = 0;

	for (size_t i = 0; i < world->task_count; i++)
		sum_ms += world->tasks[i].duration_ms;
	return (invariants->drawn->has_budgets ? WAIT_BUDGETED_S : WAIT_S) + sum_ms / 1000;
}

void play_to_the_end(struct invariants *invariants, struct world *world, int64_t until_s)
{
	int64_t settled_s = 0;
	int64_t most_s = longest_s(invariants, world);

	for (int64_t at_s = 0; at_s < most_s && !invariants->has_failed;) {
		at_s += CHUNK_S;
		world_run_until(world, at_s);
		if (at_s < until_s)
			continue;
		if (world_is_over(world))
			break;
		/* Minimums stay for ever: once all tasks have ended, the others have their time. */
		if (world->tasks_open)
			settled_s = 0;
		else if (!settled_s)
			settled_s = at_s + SETTLE_S;
		else if (at_s >= settled_s)
			break;
	}
	if (!invariants->has_failed)
		invariants_finish(invariants, world);
}

static void play(uint64_t seed, struct invariants *invariants, struct story *story,
		 struct played *out)
{
	struct drawn drawn;

	draw(seed, &drawn);
	invariants_open(invariants, &drawn, &drawn.options.watcher);
	if (story) {
		invariants->story = story;
		drawn.options.watcher.note = on_note;
	}
	struct world *world = world_open(&drawn.options);

	draw_tasks(&drawn, world);
	play_to_the_end(invariants, world, drawn.span_s);
	*out = (struct played){ .has_failed = invariants->has_failed,
				.seconds = world_now_s(world),
				.events = world_event_count(world),
				.tasks = world_task_count(world),
				.machines = world_machine_count(world),
				.peak = invariants->peak };
	memcpy(out->text, invariants->text, sizeof(out->text));
	world_close(world);
	invariants_release(invariants);
	drawn_release(&drawn);
}

void play_seed(uint64_t seed, FILE *log, bool is_all_logged, struct played *out)
{
	struct invariants invariants;

	play(seed, &invariants, NULL, out);
	if (!log || (!out->has_failed && !is_all_logged))
		return;
	/* The same again, this time with its story. */
	struct story story = { .lines = memory_array(LINES_KEPT, sizeof(struct line)),
			       .live = is_all_logged ? log : NULL };

	play(seed, &invariants, &story, out);
	if (out->has_failed && !is_all_logged)
		print_story(&story, invariants.subject, log);
	free(story.lines);
}
