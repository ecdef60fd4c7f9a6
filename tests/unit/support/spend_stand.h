#ifndef TESTS_UNIT_SUPPORT_SPEND_STAND_H
#define TESTS_UNIT_SUPPORT_SPEND_STAND_H

#include "reaper/money/spend.h"
#include "tests/unit/support/plan_world.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/talk.h"

/*
 * spend_stand: a place to spend in: a world of two resources ("first" serves cpu, "second" both)
 * with a budget of the user "ann", its ledger on disk, and a ClearML that plays a script.
 */

enum { HOUR = 3600, PRICE = 1000000 };

#define PURPOSE(task, user, queue, status)                                \
	"{\"id\":\"" task "\",\"status\":\"" status "\",\"user\":\"" user \
	"\",\"execution\":{\"queue\":\"" queue "\"},\"started\":null}"
#define ANSWER(tasks)                                                          \
	{                                                                      \
		.endpoint = "tasks.get_all", .data = "{\"tasks\":[" tasks "]}" \
	}

/* A world whose machines cost a dollar an hour, its ledger on disk, and a ClearML that is asked. */
struct spend_stand {
	char folder[SCRATCH_ROOM];
	struct plan_world *world;
	struct price_override price;
	struct user_budget *budget; /* the only one */
	struct talk talk;
	struct channel channel;
	struct ledger_file *file;
	struct ledger ledger;
	struct observation *seen;
};

void spend_stand_open(struct spend_stand *stand, const struct api_step *steps, size_t count);
void spend_stand_close(struct spend_stand *stand);

/* As the next pass has it: what was not written is forgotten. ann and bob are known in it, so that
 * nobody is asked who they are. */
void spend_stand_ledger(struct spend_stand *stand);
void spend_stand_write(struct spend_stand *stand);

/* One more machine, launched so long ago; task "": it is idle. */
struct observed_machine *spend_stand_machine(struct spend_stand *stand, size_t resource,
					     int64_t age_s, const char *task);
struct spend_look spend_stand_spend(struct spend_stand *stand);
void spend_stand_forget(struct spend_stand *stand); /* what was looked at */
void spend_stand_look(struct spend_stand *stand, int64_t now_s); /* spend_look() at that moment */

#endif
