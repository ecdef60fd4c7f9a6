/* observe: what a sweep asks ClearML for. */
#include "reaper/observe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/support/plan_world.h"
#include "tests/unit/support/talk.h"

enum { MOST_STEPS = 8, PATIENCE_MS = 20000 };

#define DATE "Date: Fri, 15 Jan 2027 08:00:00 GMT"
#define QUEUE(id, name) "{\"id\":\"" id "\",\"name\":\"" name "\",\"entries\":[]}"
#define QUEUES(queues)                                                            \
	{                                                                         \
		.endpoint = "queues.get_all", .data = "{\"queues\":[" queues "]}" \
	}
#define NO_WORKERS                                                                        \
	{                                                                                 \
		.endpoint = "workers.get_all", .data = "{\"workers\":[]}", .header = DATE \
	}
#define TASKS(tasks)                                                           \
	{                                                                      \
		.endpoint = "tasks.get_all", .data = "{\"tasks\":[" tasks "]}" \
	}
#define ORPHAN                                                             \
	"{\"id\":\"" TASK_A "\",\"name\":\"\",\"status\":\"in_progress\"," \
	"\"execution\":{\"queue\":\"" QUEUE_B "\"}}"
#define CPU QUEUE(QUEUE_A, "cpu")
#define THEIRS QUEUE(QUEUE_B, "theirs")

/* Configured are the queues cpu and gpu. */
static void test_tasks_are_known_when_some_queue_was_asked_for(void **state)
{
	static const struct {
		const char *when;
		struct api_step steps[MOST_STEPS];
		bool is_known;
		const char *asked; /* of the tasks' call */
	} cases[] = {
		{ "a queue of ours is there",
		  { HELLO, NO_WORKERS, QUEUES(CPU), QUEUES(CPU), TASKS(""), TASKS("") },
		  true,
		  "\"execution.queue\":[\"" QUEUE_A "\"]" },
		{ "none of ours is there: a machine may still have a task of another",
		  { HELLO, NO_WORKERS, QUEUES(""), QUEUES(THEIRS), TASKS(""), TASKS("") },
		  true,
		  "\"execution.queue\":[\"" QUEUE_B "\"]" },
		{ "one of ours is there, and another: one call asks for both",
		  { HELLO, NO_WORKERS, QUEUES(CPU), QUEUES(THEIRS "," CPU), TASKS(ORPHAN),
		    TASKS(""), QUEUES(THEIRS "," CPU) },
		  true,
		  "\"execution.queue\":[\"" QUEUE_A "\",\"" QUEUE_B "\"]" },
		{ "there is no queue at all",
		  { HELLO, NO_WORKERS, QUEUES(""), QUEUES("") },
		  false,
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t count = 0;

		while (count < MOST_STEPS && cases[i].steps[count].endpoint)
			count++;
		struct plan_world *world = plan_world_new(0, 0);
		struct talk talk = talk_begin(cases[i].steps, count);
		struct ledger ledger = { 0 };
		struct observer observer = { .settings = &world->settings,
					     .clearml = talk.clearml,
					     .ledger = &ledger,
					     .deadline_ms = clock_monotonic_ms() + PATIENCE_MS,
					     .is_sweep_wanted = true };
		struct observation seen;

		observe(&observer, &seen);
		if (*seen.problem || seen.tasks_known != cases[i].is_known)
			fail_msg("when %s: known %d, %s", cases[i].when, seen.tasks_known,
				 seen.problem);
		if (cases[i].asked)
			check_sent(&talk, FIRST + 3, cases[i].asked);
		observation_release(&seen);
		talk_end(&talk);
		free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tasks_are_known_when_some_queue_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
