#include <stdlib.h>
#include <string.h>

#include "reaper/offerings.h"
#include "reaper/open_attempt.h"
#include "reaper/simulation/world_state.h"

/* A pass's launches, as act does them: the attempt is in the ledger before anything is asked. */

static const struct resource *resource_of(const struct world *world,
					  const struct planned_launch *launch)
{
	return &world->settings->resources[launch->resource];
}

static size_t find_attempt(const struct world *world, const struct ledger *ledger,
			   const struct planned_launch *launch)
{
	size_t at = 0;

	for (; at < ledger->attempt_count; at++)
		if (ledger->attempts[at].slot == launch->slot &&
		    ledger->attempts[at].generation == launch->generation &&
		    !strcmp(ledger->attempts[at].resource, resource_of(world, launch)->name))
			break;
	return at;
}

static void add_attempt(struct world *world, struct world_pass *pass,
			const struct planned_launch *launch, size_t offering)
{
	struct ledger *ledger = &pass->ledger;
	struct open_attempt attempt = { .slot = launch->slot,
					.generation = launch->generation,
					.asked_s = pass->seen.now_ms / 1000 };

	if (find_attempt(world, ledger, launch) < ledger->attempt_count)
		return;
	memcpy(attempt.resource, resource_of(world, launch)->name, sizeof(attempt.resource));
	memcpy(attempt.day, launch->day, sizeof(attempt.day));
	offering_key(&resource_of(world, launch)->offerings[offering], attempt.offering);
	ledger->attempts =
		memory_grow(ledger->attempts, ledger->attempt_count + 1, sizeof(attempt));
	ledger->attempts[ledger->attempt_count++] = attempt;
}

void world_store(struct world *world, struct world_pass *pass)
{
	struct ledger *ledger = &pass->ledger;
	const struct observation *seen = &pass->seen;

	ledger->attempts =
		memory_grow(ledger->attempts, seen->attempt_count + 1, sizeof(*ledger->attempts));
	ledger->attempt_count = 0;
	for (size_t i = 0; i < seen->attempt_count; i++)
		if (open_attempt_is_kept(&seen->attempts[i], world->settings, seen))
			ledger->attempts[ledger->attempt_count++] = seen->attempts[i];
	for (size_t i = 0; i < pass->plan.launch_count; i++)
		add_attempt(world, pass, &pass->plan.launches[i], pass->plan.launches[i].offering);
	free(ledger->marks);
	ledger->marks =
		world_copy_of(pass->plan.marks, pass->plan.mark_count, sizeof(*ledger->marks));
	ledger->mark_count = pass->plan.mark_count;
	world_write_ledger(world, pass);
}

static void drop_attempt(struct world *world, struct world_pass *pass,
			 const struct planned_launch *launch)
{
	struct ledger *ledger = &pass->ledger;
	size_t at = find_attempt(world, ledger, launch);

	if (at < ledger->attempt_count)
		ledger->attempts[at] = ledger->attempts[--ledger->attempt_count];
}

static void request(struct world *world, struct world_pass *pass,
		    const struct planned_launch *launch)
{
	bool is_lost = world_fails(world, world->faults->launch_lost);

	pass->is_request_done = true;
	pass->asked_ms = world->now_ms;
	pass->answer = ERROR_UNREACHABLE;
	if (is_lost && chance_of(&world->chance, 0.5))
		return;
	enum error_class answer =
		world_launch(world, &(struct world_request){ .host = pass->host,
							     .resource = launch->resource,
							     .offering = pass->offering,
							     .slot = launch->slot,
							     .generation = launch->generation });
	if (!is_lost)
		pass->answer = answer;
}

static bool is_affordable(const struct world *world, const struct planned_launch *launch,
			  size_t offering)
{
	int64_t price = resource_of(world, launch)->offerings[offering].price;

	return !launch->is_price_limited ||
	       (price != MONEY_UNKNOWN && price <= launch->price_limit);
}

/* Nothing was launched, that is proven: another offering may be asked in the same pass. */
static bool find_other(struct world *world, struct world_pass *pass,
		       const struct planned_launch *launch)
{
	const struct resource *resource = resource_of(world, launch);
	struct offerings_view view = { .resource = resource,
				       .states = pass->ledger.offerings,
				       .state_count = pass->ledger.offering_count,
				       .now_s = pass->seen.now_ms / 1000 };
	int64_t until_s;

	for (size_t i = 0; i < pass->ledger.resource_count; i++) {
		const struct remembered_resource *remembered = &pass->ledger.resources[i];

		if (strcmp(remembered->resource, resource->name) != 0)
			continue;
		view.spot_failing_since_s = remembered->spot_failing_since_s;
		view.spot_blackout_until_s = remembered->spot_blackout_until_s;
	}
	while (offerings_next(&view, pass->tried, &pass->offering, &until_s)) {
		if (is_affordable(world, launch, pass->offering))
			return true;
		pass->tried[pass->offering] = true;
	}
	return false;
}

static void end_launch(struct world_pass *pass)
{
	pass->at++;
	pass->is_offering_chosen = false;
	memset(pass->tried, 0, sizeof(pass->tried));
}

/* A repeat is the very same request or none: what another offering costs was never counted. */
static bool may_try_other(const struct world_pass *pass, const struct planned_launch *launch)
{
	return !launch->is_repeat &&
	       (pass->answer == ERROR_CAPACITY || pass->answer == ERROR_QUOTA);
}

static void try_other(struct world *world, struct world_pass *pass,
		      const struct planned_launch *launch)
{
	const struct resource *resource = resource_of(world, launch);

	if (open_attempt_is_settled(launch->is_repeat, pass->answer))
		drop_attempt(world, pass, launch);
	offerings_failed(
		&pass->ledger, world->settings, resource, pass->offering,
		&(struct offering_failure){ pass->answer, NULL, pass->seen.now_ms / 1000 });
	pass->tried[pass->offering] = true;
	if (!may_try_other(pass, launch) || !find_other(world, pass, launch)) {
		end_launch(pass);
		return;
	}
	add_attempt(world, pass, launch, pass->offering);
	world_write_ledger(world, pass);
}

/* The answer is here. */
static void judge_answer(struct world *world, struct world_pass *pass,
			 const struct planned_launch *launch)
{
	pass->is_request_done = false;
	if (pass->answer != ERROR_NONE)
		world_note(world, resource_of(world, launch)->name,
			   "host %zu, slot %u generation %u offering %zu: %s", pass->host,
			   launch->slot, launch->generation, pass->offering,
			   error_class_name(pass->answer));
	switch (pass->answer) {
	case ERROR_NONE:
		offerings_worked(&pass->ledger, resource_of(world, launch), pass->offering);
		end_launch(pass);
		break;
	case ERROR_CONFLICT:
	case ERROR_UNREACHABLE:
	case ERROR_MALFORMED:
		end_launch(pass);
		break;
	default: /* this request launched nothing */
		try_other(world, pass, launch);
	}
}

/* Half of what is left of the pass. */
static int64_t launch_until_ms(const struct world *world, const struct world_pass *pass)
{
	int64_t deadline_ms = pass->begin_ms + world->settings->pass_deadline_s * 1000;

	if (!world->settings->pass_deadline_s)
		return INT64_MAX;
	return world->now_ms + (deadline_ms - world->now_ms) / 2;
}

bool world_pass_launches(struct world *world, struct world_pass *pass)
{
	if (pass->at >= pass->plan.launch_count)
		return false;
	const struct planned_launch *launch = &pass->plan.launches[pass->at];

	if (!pass->launch_until_ms)
		pass->launch_until_ms = launch_until_ms(world, pass);
	if (!pass->is_request_done && world->now_ms >= pass->launch_until_ms) {
		/* Nothing of it is under way: what was asked for was refused. */
		if (!launch->is_repeat)
			drop_attempt(world, pass, launch);
		end_launch(pass);
		return true;
	}

	if (!pass->is_offering_chosen) {
		pass->is_offering_chosen = true;
		pass->offering = launch->offering;
	}
	if (pass->is_request_done)
		judge_answer(world, pass, launch);
	else
		request(world, pass, launch);
	return true;
}
