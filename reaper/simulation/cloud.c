#include <stdio.h>
#include <string.h>

#include "reaper/simulation/world_state.h"
#include "reaper/slots.h"

/* A cloud with launch keys, offerings that run dry, and lists that are late. */

enum {
	SHOWN_ENDED_MS = 3600000, /* a terminated instance is listed for so long */
	PENDING_MS = 15000,
	POWER_OFF_MS = 8000,
	TERMINATE_MOST_MS = 40000,
	GHOST_AGE_MS = 86400000,
	NOTICE_MS = 120000, /* from an interruption's notice to its end */
	DROUGHT_LEAST_MS = 60000,
	DROUGHT_MOST_MS = 2400000
};

enum misfortune {
	MISFORTUNE_RUNNING, /* none: it runs now */
	MISFORTUNE_ENDED, /* what was told to end has ended */
	MISFORTUNE_STOPPED,
	MISFORTUNE_INTERRUPTED,
	MISFORTUNE_DEATH,
	MISFORTUNE_FREEZE,
	MISFORTUNE_CUT,
	MISFORTUNE_RESTART,
};

size_t world_machine_named(const struct world *world, const char *instance)
{
	size_t number = 0;

	/* "i-0000002a": its number in hexadecimal. */
	for (const char *at = instance + 2; *at; at++)
		number = number * 16 + (size_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
	return number < world->machine_count &&
			       !strcmp(world->machines[number]->instance.id, instance) ?
		       number :
		       NOBODY;
}

/* ---- launches ---- */

static void launch_key(const struct world *world, const struct world_request *request,
		       char out[static 256])
{
	const struct resource *resource = &world->settings->resources[request->resource];
	struct slot_key key;
	size_t len = 0;

	slots_key_parts(world->settings->prefix, resource, &resource->offerings[request->offering],
			request->slot, request->generation, &key);
	for (size_t i = 0; i < SLOT_KEY_PARTS; i++)
		len += (size_t)snprintf(out + len, 256 - len, "%.*s|", (int)key.parts[i].len,
					key.parts[i].ptr);
}

static bool is_dry(struct world *world, const struct world_request *request)
{
	int64_t *drought = world->droughts[request->resource][request->offering];
	double per_hour = world->faults->droughts;

	if (per_hour <= 0 || !world_is_faulty(world))
		return false;
	while (world->now_ms >= drought[1]) {
		int64_t from_ms = drought[1] ? drought[1] : world->begin_ms;

		drought[0] = from_ms + chance_wait_ms(&world->chance, per_hour);
		drought[1] = drought[0] +
			     chance_between(&world->chance, DROUGHT_LEAST_MS, DROUGHT_MOST_MS);
	}
	return world->now_ms >= drought[0];
}

static void plan_misfortunes(struct world *world, size_t number)
{
	const struct world_faults *faults = world->faults;
	const struct world_machine *machine = world->machines[number];
	const struct {
		enum misfortune what;
		double per_hour;
	} all[] = {
		{ MISFORTUNE_INTERRUPTED,
		  machine->instance.market == MARKET_SPOT ? faults->interruptions : 0 },
		{ MISFORTUNE_DEATH, faults->deaths },
		{ MISFORTUNE_FREEZE, faults->freezes },
		{ MISFORTUNE_CUT, faults->cuts },
		{ MISFORTUNE_RESTART, faults->restarts },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		int64_t wait_ms = chance_wait_ms(&world->chance, all[i].per_hour);

		if (wait_ms < 30 * 86400000LL)
			world_plan(world, world->now_ms + wait_ms, OCCASION_CLOUD, number,
				   all[i].what);
	}
}

static struct world_machine *add_machine(struct world *world)
{
	if (world->machine_count == world->machine_room) {
		world->machine_room = world->machine_room ? 2 * world->machine_room : 32;
		world->machines = memory_grow(world->machines, world->machine_room,
					      sizeof(void *)); /* it lists pointers */
	}
	struct world_machine *machine = memory_array(1, sizeof(*machine));
	world->machines[world->machine_count++] = machine;
	world->machines_alive++;
	world->changes++;
	return machine;
}

static void create(struct world *world, const struct world_request *request, const char *key)
{
	const struct resource *resource = &world->settings->resources[request->resource];
	size_t number = world->machine_count;
	struct world_machine *machine = add_machine(world);
	struct instance *instance = &machine->instance;

	machine->resource = request->resource;
	machine->offering = request->offering;
	machine->launcher = request->host;
	machine->launched_ms = world->now_ms;
	machine->ended_ms = machine->end_shown_ms = machine->served_ms = -1;
	machine->shown_ms = world->now_ms +
			    (world_is_faulty(world) ?
				     chance_between(&world->chance, 0, world->faults->list_lag_ms) :
				     0);
	memcpy(machine->key, key, sizeof(machine->key));
	(void)snprintf(instance->id, sizeof(instance->id), "i-%08zx", number);
	memcpy(instance->resource, resource->name, sizeof(instance->resource));
	memcpy(instance->type, resource->type, sizeof(instance->type));
	if (request->offering < resource->offering_count) {
		memcpy(instance->type, resource->offerings[request->offering].type,
		       sizeof(instance->type));
		memcpy(instance->zone, resource->offerings[request->offering].zone,
		       sizeof(instance->zone));
		instance->market = resource->offerings[request->offering].market;
	}
	instance->slot = request->slot;
	instance->generation = request->generation;
	instance->launched_s = world->now_ms / 1000;
	instance->state = INSTANCE_PENDING;
	world_note(world, instance->id, "launched by host %zu for %s slot %u generation %u",
		   request->host, resource->name, request->slot, request->generation);
	world_plan(world, world->now_ms + PENDING_MS, OCCASION_CLOUD, number, MISFORTUNE_RUNNING);
	plan_misfortunes(world, number);
	world_machine_starts(world, number);
}

void world_add_ghost(struct world *world, size_t resource, unsigned slot, int64_t shown_ms)
{
	const struct resource *of = &world->settings->resources[resource];
	size_t number = world->machine_count;
	struct world_machine *ghost = add_machine(world);
	struct machine_record *record = &ghost->record;

	world->machines_alive--;
	ghost->resource = resource;
	ghost->is_dead = ghost->has_record = true;
	ghost->shown_ms = INT64_MAX;
	ghost->launched_ms = world->now_ms - GHOST_AGE_MS; /* so it says, and so it is counted */
	ghost->ended_ms = world->now_ms;
	ghost->end_shown_ms = world->now_ms + shown_ms;
	ghost->served_ms = -1;
	ghost->instance.state = INSTANCE_TERMINATED;
	ghost->instance.slot = slot;
	(void)snprintf(ghost->instance.id, sizeof(ghost->instance.id), "i-%08zx", number);
	memcpy(ghost->instance.resource, of->name, sizeof(of->name));
	memcpy(ghost->instance.type, of->type, sizeof(of->type));
	ghost->record_timeout_ms = shown_ms;
	*record = (struct machine_record){ .seats = of->ticket.seats,
					   .free_seats = of->ticket.seats,
					   .slot = slot,
					   .claim = CLAIM_SERVES,
					   .launched_s = ghost->launched_ms / 1000,
					   .registered_ms = world->now_ms,
					   .last_report_ms = world->now_ms };
	memcpy(record->resource, of->name, sizeof(of->name));
	memcpy(record->type, of->type, sizeof(of->type));
	memcpy(record->instance, ghost->instance.id, sizeof(record->instance));
	text_cut(record->phase, sizeof(record->phase), "serve");
	world_note(world, ghost->instance.id, "a ghost appears in %s slot %u", of->name, slot);
}

/* Who has this key: alive, or ended and still remembered. */
static const struct world_machine *key_holder(const struct world *world, const char *key)
{
	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];

		if ((machine->ended_ms < 0 ||
		     world->now_ms < machine->end_shown_ms + SHOWN_ENDED_MS) &&
		    !strcmp(machine->key, key))
			return machine;
	}
	return NULL;
}

enum error_class world_launch(struct world *world, const struct world_request *request)
{
	char key[256];

	launch_key(world, request, key);
	const struct world_machine *holder = key_holder(world, key);

	if (world_fails(world, world->faults->throttled))
		return ERROR_THROTTLED;
	/* The same request again: the same instance, or the news that it has ended. */
	if (holder)
		return holder->ended_ms < 0 ? ERROR_NONE : ERROR_CONFLICT;
	if (world_fails(world, world->faults->quota))
		return ERROR_QUOTA;
	if (is_dry(world, request))
		return ERROR_CAPACITY;
	create(world, request, key);
	return ERROR_NONE;
}

/* ---- ends ---- */

static void end(struct world *world, struct world_machine *machine)
{
	machine->ended_ms = world->now_ms;
	machine->instance.state = INSTANCE_TERMINATED;
	machine->end_shown_ms = world->now_ms;
	if (world_is_faulty(world))
		machine->end_shown_ms +=
			chance_between(&world->chance, 0, world->faults->list_lag_ms);
	world->machines_alive--;
	world_note(world, machine->instance.id, "is terminated");
}

static bool is_ended(const struct world_machine *machine)
{
	return machine->instance.state >= INSTANCE_STOPPING;
}

void world_terminate(struct world *world, size_t number)
{
	struct world_machine *machine = world->machines[number];

	if (is_ended(machine))
		return;
	machine->instance.state = INSTANCE_STOPPING;
	world_note(world, machine->instance.id, "is being terminated");
	world_machine_dies(world, number);
	world_plan(world, world->now_ms + chance_between(&world->chance, 1000, TERMINATE_MOST_MS),
		   OCCASION_CLOUD, number, MISFORTUNE_ENDED);
}

void world_power_off(struct world *world, size_t number)
{
	struct world_machine *machine = world->machines[number];

	world_machine_dies(world, number);
	if (world_fails(world, world->faults->stays_on)) {
		machine->is_stuck_on = true;
		world_note(world, machine->instance.id, "does not power off");
		return;
	}
	if (is_ended(machine))
		return;
	bool is_stop = world_fails(world, world->faults->only_stops);

	if (!is_stop)
		machine->instance.state = INSTANCE_STOPPING;
	world_plan(world, world->now_ms + POWER_OFF_MS, OCCASION_CLOUD, number,
		   is_stop ? MISFORTUNE_STOPPED : MISFORTUNE_ENDED);
}

/* ---- what befalls an instance ---- */

static void interrupt(struct world *world, size_t number)
{
	struct world_machine *machine = world->machines[number];

	if (machine->interrupted_ms) {
		world_machine_dies(world, number);
		end(world, machine);
		return;
	}
	machine->interrupted_ms = world->now_ms;
	bool is_warned = chance_of(&world->chance, 0.5);

	world_note(world, machine->instance.id, "spot: the cloud wants it back%s",
		   is_warned ? "" : ", at once");
	world_plan(world, world->now_ms + (is_warned ? NOTICE_MS : 1), OCCASION_CLOUD, number,
		   MISFORTUNE_INTERRUPTED);
	if (is_warned)
		world_machine_interrupted(world, number);
}

static void befall(struct world *world, size_t number, enum misfortune what)
{
	struct world_machine *machine = world->machines[number];
	int64_t span_ms = chance_between(&world->chance, 5000, 20 * 60000);

	if (chance_of(&world->chance, 0.2))
		span_ms *= 20; /* some never come back before they are found out */
	if (what == MISFORTUNE_DEATH) {
		world_note(world, machine->instance.id, "dies");
		world_machine_dies(world, number);
		end(world, machine);
	} else if (what == MISFORTUNE_RESTART) {
		world_machine_restarts(world, number);
	} else if (what == MISFORTUNE_FREEZE) {
		world_note(world, machine->instance.id, "freezes for %lld s",
			   (long long)(span_ms / 1000));
		machine->frozen_until_ms = world->now_ms + span_ms;
	} else {
		world_note(world, machine->instance.id, "has no network for %lld s",
			   (long long)(span_ms / 1000));
		machine->cut_until_ms = world->now_ms + span_ms;
	}
}

void world_cloud_befalls(struct world *world, size_t number, uint64_t what)
{
	struct world_machine *machine = world->machines[number];

	if (machine->instance.state == INSTANCE_TERMINATED)
		return;
	if (what == MISFORTUNE_RUNNING) {
		if (machine->instance.state == INSTANCE_PENDING)
			machine->instance.state = INSTANCE_RUNNING;
	} else if (what == MISFORTUNE_ENDED) {
		end(world, machine);
	} else if (what == MISFORTUNE_STOPPED) {
		if (!is_ended(machine)) {
			machine->instance.state = INSTANCE_STOPPED;
			world_note(world, machine->instance.id, "is stopped, not terminated");
		}
	} else if (what == MISFORTUNE_INTERRUPTED) {
		if (machine->interrupted_ms || (world_is_faulty(world) && !is_ended(machine)))
			interrupt(world, number);
	} else if (world_is_faulty(world) && !is_ended(machine)) {
		befall(world, number, (enum misfortune)what);
	}
}

/* ---- lists ---- */

static bool is_shown(const struct world *world, const struct world_machine *machine)
{
	return world->now_ms >= machine->shown_ms &&
	       (machine->ended_ms < 0 || world->now_ms < machine->end_shown_ms + SHOWN_ENDED_MS);
}

bool world_list(struct world *world, size_t resource, struct fleet *out)
{
	*out = (struct fleet){ 0 };
	if (world_fails(world, world->faults->list_fails))
		return false;
	while (world->first_shown < world->machine_count &&
	       world->machines[world->first_shown]->ended_ms >= 0 &&
	       !is_shown(world, world->machines[world->first_shown]))
		world->first_shown++;
	out->list = memory_array(world->machine_count - world->first_shown + 1, sizeof(*out->list));
	for (size_t m = world->first_shown; m < world->machine_count; m++) {
		const struct world_machine *machine = world->machines[m];

		if (machine->resource != resource || !is_shown(world, machine))
			continue;
		struct instance *instance = &out->list[out->count++];

		*instance = machine->instance;
		/* The end shows up late, too: until then it seems to be on its way out. */
		if (machine->ended_ms >= 0 && world->now_ms < machine->end_shown_ms)
			instance->state = INSTANCE_STOPPING;
	}
	return true;
}
