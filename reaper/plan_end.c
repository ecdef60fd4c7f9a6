#include <string.h>

#include "reaper/doom.h"
#include "reaper/plan_part.h"

enum {
	LEAVE_GRACE_S = 300, /* a machine that was told to leave does so in a minute */
	DRAINED_GRACE_S = 120, /* one that has drained needs half a minute to power off */
};

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool is_duplicate(const struct planner *planner, size_t i)
{
	const struct observed_machine *machine = &planner->seen->machines[i];

	if (machine->resource == RESOURCE_NONE || !machine->has_record || !machine->is_listed ||
	    machine->instance.state > INSTANCE_RUNNING)
		return false;
	size_t holder = slots_holder(&planner->slots, machine->resource, machine->instance.slot);
	return holder != SLOT_NOBODY && holder != i;
}

enum doom plan_doom(const struct planner *planner, size_t i)
{
	enum doom doom = doom_of(&planner->seen->machines[i], planner->seen, planner->settings,
				 planner->are_records_known);

	if (doom == DOOM_NONE && planner->are_records_known && is_duplicate(planner, i))
		return DOOM_DUPLICATE;
	return doom;
}

static void add_termination(struct planner *planner, size_t i, enum doom doom, bool is_due)
{
	struct plan *plan = planner->plan;

	plan->terminations = memory_grow(plan->terminations, plan->termination_count + 1,
					 sizeof(*plan->terminations));
	plan->terminations[plan->termination_count++] =
		(struct planned_termination){ .machine = i, .doom = doom, .is_due = is_due };
}

static void add_order(struct planner *planner, size_t i, enum order order, enum doom doom)
{
	struct plan *plan = planner->plan;

	plan->orders = memory_grow(plan->orders, plan->order_count + 1, sizeof(*plan->orders));
	plan->orders[plan->order_count++] =
		(struct planned_order){ .machine = i, .order = order, .doom = doom };
}

/* It works, or could: first it is told, then it is given the time to obey. Being told costs a spare
 * one nothing but a boot, and its idle time was a look of its own. */
static bool drain_first(struct planner *planner, size_t i, enum doom doom)
{
	const struct observed_machine *machine = &planner->seen->machines[i];
	const char *id = machine->instance.id;
	int64_t looks_s = planner->settings->two_looks_s;

	if (doom != DOOM_SPARE && mark_again(planner, doom_text(doom), id) < looks_s)
		return false;
	planner->is_leaving[i] = true;
	if (machine->order != ORDER_LEAVE)
		add_order(planner, i, ORDER_DRAIN, doom);
	if (doom_is_drained(machine))
		add_termination(planner, i, doom,
				mark_again(planner, "drained", id) >=
					most(looks_s, DRAINED_GRACE_S));
	return true;
}

static void end_machine(struct planner *planner, size_t i)
{
	const struct observed_machine *machine = &planner->seen->machines[i];
	const char *id = machine->instance.id;
	int64_t wait_s = planner->settings->two_looks_s;
	enum doom doom = plan_doom(planner, i);
	bool is_told = false;

	if (doom == DOOM_NONE && planner->is_spare[i])
		doom = DOOM_SPARE;
	if (doom_drains_first(doom)) {
		is_told = drain_first(planner, i, doom);
	} else if (doom != DOOM_NONE) {
		if (doom == DOOM_ORDERED)
			wait_s = most(wait_s, LEAVE_GRACE_S);
		add_termination(planner, i, doom,
				mark_again(planner, doom_text(doom), id) >= wait_s);
	}
	if (machine->order != ORDER_NONE && !is_told && machine->instance.state <= INSTANCE_RUNNING)
		add_order(planner, i, machine->order, DOOM_NONE);
	/* It was looked at: whatever was marked of it and is not so any more is forgotten. */
	if (planner->are_records_known && machine->is_listed)
		mark_settle(planner, id);
}

void plan_end(struct planner *planner)
{
	for (size_t i = 0; i < planner->seen->machine_count; i++)
		end_machine(planner, i);
}
