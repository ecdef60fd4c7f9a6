#include "tests/unit/support/spend_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/money/money.h"
#include "reaper/observe.h"
#include "tests/unit/support/plan_world.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/talk.h"

void spend_stand_ledger(struct spend_stand *stand)
{
	struct error err;

	ledger_release(&stand->ledger);
	ledger_close(stand->file);
	succeed(ledger_open(stand->folder, NOW_S, &stand->file, &err), &err);
	succeed(ledger_read(stand->file, &stand->ledger, &err), &err);
	/* So that nobody is asked who they are. */
	if (stand->ledger.user_count)
		return;
	stand->ledger.user_count = 2;
	stand->ledger.users = memory_array(2, sizeof(*stand->ledger.users));
	SET(stand->ledger.users[0].id, "ann");
	SET(stand->ledger.users[1].id, "bob");
}

void spend_stand_open(struct spend_stand *stand, const struct api_step *steps, size_t count)
{
	*stand = (struct spend_stand){ .world = plan_world_new(5, 5),
				       .price = { .price = PRICE },
				       .talk = talk_begin(steps, count) };
	struct settings *settings = &stand->world->settings;

	log_open("test", NULL, LOG_ERROR);
	scratch_make(stand->folder);
	stand->seen = &stand->world->seen;
	stand->seen->runs = NULL; /* ours are made, and freed */
	stand->budget = memory_array(1, sizeof(*stand->budget));
	SET(stand->budget->user, "ann");
	settings->user_budgets = stand->budget;
	settings->user_budget_count = 1;
	for (size_t r = 0; r < 2; r++) {
		struct resource *resource = &stand->world->resources[r];

		plan_world_resource(stand->world, r ? "second" : "first", 9, r ? "cg" : "c");
		SET(resource->provider, "local");
		resource->prices.overrides = &stand->price;
		resource->prices.override_count = 1;
	}
	SET(stand->seen->queues[0].id, QUEUE_A);
	SET(stand->seen->queues[1].id, QUEUE_B);
	spend_stand_ledger(stand);
}

void spend_stand_forget(struct spend_stand *stand)
{
	struct observation *seen = stand->seen;

	free(seen->runs);
	free(seen->users);
	seen->runs = NULL;
	seen->users = NULL;
	seen->run_count = 0;
	seen->spent = (struct spent){ 0 };
	memset(seen->queue_spent, 0, sizeof(seen->queue_spent));
	for (size_t r = 0; r < SETTINGS_MAX_RESOURCES; r++)
		seen->resources[r].spent = (struct spent){ 0 };
	for (size_t q = 0; q < 2; q++)
		seen->queues[q].barred = 0;
	seen->is_spend_known = false;
	*seen->problem = 0;
}

void spend_stand_close(struct spend_stand *stand)
{
	spend_stand_forget(stand);
	ledger_release(&stand->ledger);
	ledger_close(stand->file);
	talk_end(&stand->talk);
	scratch_remove(stand->folder);
	free(stand->budget);
	free(stand->world);
}

struct observed_machine *spend_stand_machine(struct spend_stand *stand, size_t resource,
					     int64_t age_s, const char *task)
{
	struct observed_machine *machine = plan_world_machine(stand->world, resource, 'i');

	machine->instance.launched_s = NOW_S - age_s;
	machine->has_record = true;
	machine->record.seats = 1;
	machine->record.task_count = *task != 0;
	SET(machine->record.tasks[0], task);
	return machine;
}

struct spend_look spend_stand_spend(struct spend_stand *stand)
{
	return (struct spend_look){ .settings = &stand->world->settings,
				    .clearml = stand->talk.clearml,
				    .channel = &stand->channel,
				    .file = stand->file,
				    .ledger = &stand->ledger,
				    .deadline_ms = clock_monotonic_ms() + 20000 };
}

void spend_stand_look(struct spend_stand *stand, int64_t now_s)
{
	struct spend_look spend = spend_stand_spend(stand);
	char now[CLOCK_TEXT_LEN];

	spend_stand_forget(stand);
	stand->seen->now_ms = now_s * 1000;
	clock_format(stand->seen->now_ms, false, now);
	text_cut(stand->seen->today, sizeof(stand->seen->today), now);
	spend_look(&spend, stand->seen);
}

void spend_stand_write(struct spend_stand *stand)
{
	struct error err;

	succeed(ledger_write(stand->file, &stand->ledger, &err), &err);
}
