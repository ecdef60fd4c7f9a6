#include "reaper/observe_remember.h"

#include <string.h>

#include "common/log.h"
#include "common/reason.h"
#include "reaper/text_index.h"

enum {
	RECORD_TIMEOUT_S = MACHINE_RECORD_TIMEOUT_S,
	/* A list may be late; what none has shown for so long is gone. */
	VANISHED_S = MACHINE_RECORD_TIMEOUT_S,
	FORGOTTEN_S = 5 * MACHINE_RECORD_TIMEOUT_S
};

/* What observe_remember() works on. */
struct memory {
	const struct observation *seen;
	struct ledger *ledger;
	int64_t now_s;
	struct text_index machines; /* seen->machines, by instance */
	struct text_index remembered; /* ledger->machines, by instance */
	struct text_index lost; /* seen->lost, by instance */
};

static void memory_release(struct memory *memory)
{
	text_index_release(&memory->machines);
	text_index_release(&memory->remembered);
	text_index_release(&memory->lost);
}

/* ---- was its boot good? ---- */

enum boot { BOOT_OPEN, BOOT_GOOD, BOOT_FAILED, BOOT_NEITHER };

static bool has_left(const struct observed_machine *machine)
{
	return !strcmp(machine->record.phase, "left") || !strcmp(machine->record.phase, "leave");
}

/* It was told to go, or had to: no fault of its image or of its cloud. */
static bool is_blameless(const struct observed_machine *machine)
{
	if (machine->order == ORDER_DRAIN || machine->order == ORDER_LEAVE)
		return true;
	if (!has_left(machine))
		return false;
	switch (reason_of(machine->record.reason)) {
	case REASON_SLOT_HELD:
	case REASON_DRAINED:
	case REASON_SIGTERM:
	case REASON_MAX_AGE:
	case REASON_MAX_LIFE:
	case REASON_TERMINATED:
	case REASON_TOLD_TO_LEAVE:
	case REASON_INTERRUPTED:
	case REASON_REBALANCE:
		return true;
	default:
		return false;
	}
}

/* May it have come, served and gone while nobody looked? */
static bool is_missed(const struct memory *memory, const struct observed_machine *machine)
{
	return memory->now_s - memory->ledger->looked_s > RECORD_TIMEOUT_S ||
	       memory->ledger->since_s > machine->instance.launched_s;
}

static enum boot boot_of(const struct memory *memory, const struct observed_machine *machine)
{
	bool has_ended = machine->is_listed && machine->instance.state >= INSTANCE_STOPPED;

	if (machine->has_served)
		return BOOT_GOOD;
	if (has_left(machine))
		return is_blameless(machine) ? BOOT_NEITHER : BOOT_FAILED;
	if (!has_ended || !memory->seen->workers_known)
		return BOOT_OPEN;
	return is_blameless(machine) || is_missed(memory, machine) ? BOOT_NEITHER : BOOT_FAILED;
}

static struct remembered_resource *resource_of(struct ledger *ledger, const char *name)
{
	for (size_t i = 0; i < ledger->resource_count; i++)
		if (!strcmp(ledger->resources[i].resource, name))
			return &ledger->resources[i];
	ledger->resources = memory_grow(ledger->resources, ledger->resource_count + 1,
					sizeof(*ledger->resources));
	struct remembered_resource *resource = &ledger->resources[ledger->resource_count++];

	*resource = (struct remembered_resource){ 0 };
	text_cut(resource->resource, sizeof(resource->resource), name);
	return resource;
}

static void count_boot(struct memory *memory, struct remembered *remembered, enum boot boot)
{
	struct remembered_resource *resource;

	/* Also one that was taken for failed and came back. */
	if (boot == BOOT_GOOD && !remembered->has_served) {
		resource = resource_of(memory->ledger, remembered->resource);
		resource->boot_failures = 0;
		remembered->has_served = true;
	}
	if (boot == BOOT_FAILED && !remembered->is_judged) {
		resource = resource_of(memory->ledger, remembered->resource);
		resource->boot_failures++;
		resource->last_boot_failure_s = memory->now_s;
	}
	remembered->is_judged |= boot != BOOT_OPEN;
}

/* ---- machines that are seen ---- */

static bool is_worth_memory(const struct memory *memory, const struct observed_machine *machine)
{
	/* What ended before the ledger began is nobody's business any more. */
	return machine->instance.state != INSTANCE_TERMINATED || *machine->record.instance ||
	       machine->instance.launched_s >= memory->ledger->since_s;
}

static struct remembered *remembered_of(struct memory *memory,
					const struct observed_machine *machine)
{
	struct ledger *ledger = memory->ledger;
	size_t place = text_index_find(&memory->remembered, machine->instance.id);

	if (place != TEXT_INDEX_NONE)
		return &ledger->machines[place];
	if (!is_worth_memory(memory, machine))
		return NULL;
	struct remembered *remembered = &ledger->machines[ledger->machine_count++];

	*remembered = (struct remembered){ 0 };
	text_cut(remembered->instance, sizeof(remembered->instance), machine->instance.id);
	return remembered;
}

static void remember(struct memory *memory, const struct observed_machine *machine)
{
	struct remembered *remembered = remembered_of(memory, machine);
	bool is_alive = machine->instance.state < INSTANCE_STOPPING;

	if (!remembered)
		return;
	text_cut(remembered->resource, sizeof(remembered->resource), machine->instance.resource);
	/* Only what a record said: one that a task names has not vanished from the records. */
	if (*machine->record.instance) {
		remembered->last_report_ms = machine->last_report_ms;
		remembered->was_busy = machine->was_busy;
	}
	if (machine->is_listed)
		remembered->listed_s = is_alive ? memory->now_s : 0;
	/* Its tasks were looked for, and none was left behind. */
	if (machine->is_listed && machine->instance.state == INSTANCE_TERMINATED &&
	    memory->seen->tasks_known &&
	    text_index_find(&memory->lost, remembered->instance) == TEXT_INDEX_NONE)
		remembered->was_busy = false;
	enum boot boot = boot_of(memory, machine);

	/* Of one that has ended there is no console any more, in some clouds. */
	if (boot == BOOT_FAILED && !remembered->is_judged && *machine->instance.why_ended)
		log_warn("boot-failed", "%s of %s: %s", machine->instance.id,
			 machine->instance.resource, machine->instance.why_ended);
	count_boot(memory, remembered, boot);
}

/* ---- machines that are not seen any more ---- */

static bool are_lists_known(const struct observation *seen)
{
	for (size_t r = 0; r < SETTINGS_MAX_RESOURCES; r++)
		if (*seen->resources[r].problem)
			return false;
	return seen->workers_known;
}

bool observe_has_vanished(const struct observation *seen, const struct remembered *remembered)
{
	return are_lists_known(seen) && remembered->listed_s &&
	       seen->now_ms / 1000 - remembered->listed_s > VANISHED_S;
}

/* Not listed any more: some clouds forget an instance as soon as it ends. */
static void judge_vanished(struct memory *memory, struct remembered *remembered)
{
	if (!observe_has_vanished(memory->seen, remembered))
		return;
	remembered->listed_s = 0;
	count_boot(memory, remembered,
		   memory->now_s - memory->ledger->looked_s > RECORD_TIMEOUT_S ? BOOT_NEITHER :
		   remembered->has_served				       ? BOOT_GOOD :
										 BOOT_FAILED);
}

static bool is_forgotten(const struct memory *memory, const struct remembered *remembered)
{
	int64_t last_s = remembered->last_report_ms / 1000;

	if (remembered->listed_s > last_s)
		last_s = remembered->listed_s;
	if (remembered->spent_until_s > last_s)
		last_s = remembered->spent_until_s;
	return memory->now_s - last_s > FORGOTTEN_S;
}

static void review(struct memory *memory)
{
	struct ledger *ledger = memory->ledger;
	size_t kept = 0;

	if (!are_lists_known(memory->seen))
		return;
	for (size_t i = 0; i < ledger->machine_count; i++) {
		struct remembered *remembered = &ledger->machines[i];

		if (text_index_find(&memory->machines, remembered->instance) == TEXT_INDEX_NONE) {
			judge_vanished(memory, remembered);
			if (is_forgotten(memory, remembered))
				continue;
		}
		ledger->machines[kept++] = *remembered;
	}
	ledger->machine_count = kept;
}

void observe_remember(const struct observation *seen, struct ledger *ledger)
{
	SCOPED(memory)
	struct memory memory = { .seen = seen, .ledger = ledger, .now_s = seen->now_ms / 1000 };

	/* All the room at once: what the indexes borrow must not move. */
	ledger->machines =
		memory_grow(ledger->machines, ledger->machine_count + seen->machine_count + 1,
			    sizeof(*ledger->machines));
	text_index_open(&memory.machines, seen->machine_count);
	text_index_open(&memory.remembered, ledger->machine_count);
	text_index_open(&memory.lost, seen->lost_count);
	for (size_t i = 0; i < seen->machine_count; i++)
		(void)text_index_add(&memory.machines, seen->machines[i].instance.id, i);
	for (size_t i = 0; i < ledger->machine_count; i++)
		(void)text_index_add(&memory.remembered, ledger->machines[i].instance, i);
	for (size_t i = 0; i < seen->lost_count; i++)
		(void)text_index_add(&memory.lost, seen->lost[i].instance, i);
	/* The machine has an id of its own in the next list: remembered, the other would seem gone.
	 */
	for (size_t i = 0; i < seen->machine_count; i++)
		if (!seen->machines[i].instance.is_unnamed)
			remember(&memory, &seen->machines[i]);
	review(&memory);
	if (seen->workers_known)
		ledger->looked_s = memory.now_s;
}
