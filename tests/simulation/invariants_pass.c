#include "tests/simulation/invariants.h"

/* A pass as a whole: what it asks is bounded (I10), and its deadline holds. */

enum {
	LOOK_CALLS = 2, /* queues, workers */
	SWEEP_CALLS = 4, /* all queues, tasks twice, all queues again */
	AGAIN_CALLS = 4, /* before something is ended or given back: records, queues, workers */
	ORDER_CALLS = 1, /* all orders together */
	REPAIR_CALLS = 2 /* a task: read again, and put back */
};

void invariants_ended(void *context, const struct world *world, size_t number)
{
	struct invariants *invariants = context;
	const struct world_pass *pass = &world->passes[number];
	size_t resources = world->settings->resource_count;
	int64_t deadline_ms = pass->begin_ms + world->settings->pass_deadline_s * 1000;
	unsigned most =
		LOOK_CALLS + SWEEP_CALLS + AGAIN_CALLS + ORDER_CALLS + pass->repairs * REPAIR_CALLS;

	if (pass->calls > most)
		invariants_fail(invariants, world, "reaper",
				"I10: host %zu made %u calls of ClearML in one pass, with %u "
				"repairs: %u at most",
				pass->host, pass->calls, pass->repairs, most);
	if (pass->lists > 2 * resources)
		invariants_fail(invariants, world, "reaper",
				"I10: host %zu read %u lists in one pass, of %zu resources",
				pass->host, pass->lists, resources);
	invariants->timely_passes += pass->step == STEP_OVER && world->now_ms < deadline_ms;
	if (pass->asked_ms >= deadline_ms)
		invariants_fail(invariants, world, "reaper",
				"deadline: host %zu asks for something %lld ms past it", pass->host,
				(long long)(pass->asked_ms - deadline_ms));
}

/* What was cut off by the deadline, or got no answer, decides nothing, and says so. */
void invariants_blind(struct invariants *invariants, const struct world *world,
		      const struct plan *plan)
{
	if (plan->launch_count)
		invariants_fail(invariants, world, "reaper",
				"I7: launches, and ClearML could not be read in time");
	for (size_t r = 0; r < world->settings->resource_count; r++)
		if (plan->resources[r].why != WHY_UNKNOWN)
			invariants_fail(invariants, world, world->settings->resources[r].name,
					"I7: ClearML could not be read in time, and it says \"%s\"",
					why_text(plan->resources[r].why));
}
