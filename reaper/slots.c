#include "reaper/slots.h"

#include <stdlib.h>
#include <string.h>

static int compare_occupants(const void *a, const void *b)
{
	const struct slot_occupant *left = a, *right = b;

	if (left->resource != right->resource)
		return left->resource < right->resource ? -1 : 1;
	if (left->slot != right->slot)
		return left->slot < right->slot ? -1 : 1;
	if (left->generation != right->generation)
		return left->generation < right->generation ? -1 : 1;
	return 0;
}

static struct slot *slot_of(const struct slots *slots, size_t resource, unsigned slot)
{
	const struct slot_table *table = &slots->tables[resource];

	return slot < table->count ? &table->list[slot] : NULL;
}

/* Only who reports can hold a slot against another: a silent one may be dead, and one that still
 * boots settles it by itself before it serves. */
static bool is_claimant(const struct observed_machine *machine)
{
	return machine->has_record && !machine->record.is_draining &&
	       machine->instance.state <= INSTANCE_RUNNING;
}

static bool is_before(const struct observed_machine *a, const struct observed_machine *b)
{
	bool is_a_serving = a->record.claim == CLAIM_SERVES;
	bool is_b_serving = b->record.claim == CLAIM_SERVES;

	if (is_a_serving != is_b_serving)
		return is_a_serving;
	if (a->instance.launched_s != b->instance.launched_s)
		return a->instance.launched_s < b->instance.launched_s;
	return strcmp(a->instance.id, b->instance.id) < 0;
}

static void place_machine(struct slots *slots, const struct observation *seen, size_t i)
{
	const struct observed_machine *machine = &seen->machines[i];
	const struct instance *instance = &machine->instance;

	if (machine->resource == RESOURCE_NONE)
		return;
	slots->occupants[slots->occupant_count++] =
		(struct slot_occupant){ machine->resource, instance->slot, instance->generation };
	struct slot *slot = slot_of(slots, machine->resource, instance->slot);

	if (!slot)
		return;
	if (instance->state != INSTANCE_TERMINATED)
		slot->is_taken = true;
	else if (instance->generation >= slot->generation)
		slot->generation = instance->generation + 1;
	if (is_claimant(machine) &&
	    (slot->holder == SLOT_NOBODY || is_before(machine, &seen->machines[slot->holder])))
		slot->holder = i;
}

static void place_attempt(struct slots *slots, const struct settings *settings,
			  const struct open_attempt *attempt)
{
	size_t r = settings_resource_named(settings, attempt->resource);
	struct slot *slot = r == RESOURCE_NONE ? NULL : slot_of(slots, r, attempt->slot);

	if (slot)
		slot->is_taken = true;
}

void slots_open(struct slots *slots, const struct observation *seen,
		const struct settings *settings)
{
	*slots = (struct slots){
		.tables = memory_array(settings->resource_count, sizeof(*slots->tables)),
		.resource_count = settings->resource_count,
		.occupants = memory_array(seen->machine_count, sizeof(*slots->occupants)),
	};
	for (size_t r = 0; r < settings->resource_count; r++) {
		struct slot_table *table = &slots->tables[r];

		table->count = settings->resources[r].max_instances;
		table->list = memory_array(table->count, sizeof(*table->list));
		for (unsigned slot = 0; slot < table->count; slot++)
			table->list[slot].holder = SLOT_NOBODY;
	}
	for (size_t i = 0; i < seen->machine_count; i++)
		place_machine(slots, seen, i);
	for (size_t i = 0; i < seen->attempt_count; i++)
		place_attempt(slots, settings, &seen->attempts[i]);
	qsort(slots->occupants, slots->occupant_count, sizeof(*slots->occupants),
	      compare_occupants);
}

void slots_release(struct slots *slots)
{
	for (size_t r = 0; r < slots->resource_count; r++)
		free(slots->tables[r].list);
	free(slots->tables);
	free(slots->occupants);
	*slots = (struct slots){ 0 };
}

bool slots_lowest(struct slots *slots, size_t resource, unsigned *slot)
{
	struct slot_table *table = &slots->tables[resource];

	while (table->lowest < table->count && table->list[table->lowest].is_taken)
		table->lowest++;
	*slot = table->lowest;
	return table->lowest < table->count;
}

unsigned slots_take(struct slots *slots, size_t resource, unsigned slot)
{
	struct slot *taken = slot_of(slots, resource, slot);

	if (!taken)
		return 0;
	taken->is_taken = true;
	return taken->generation;
}

bool slots_has(const struct slots *slots, const struct slot_occupant *launch)
{
	return bsearch(launch, slots->occupants, slots->occupant_count, sizeof(*launch),
		       compare_occupants) != NULL;
}

size_t slots_holder(const struct slots *slots, size_t resource, unsigned slot)
{
	const struct slot *held = slot_of(slots, resource, slot);

	return held ? held->holder : SLOT_NOBODY;
}

static struct slice number_text(unsigned number, char out[static SLOT_NUMBER_ROOM])
{
	size_t at = SLOT_NUMBER_ROOM;

	do {
		out[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return (struct slice){ out + at, SLOT_NUMBER_ROOM - at };
}

void slots_key_parts(const char *prefix, const struct resource *resource,
		     const struct offering *offering, unsigned slot, unsigned generation,
		     struct slot_key *out)
{
	offering_key(offering, out->offering);
	out->parts[0] = (struct slice){ prefix, strlen(prefix) };
	out->parts[1] = (struct slice){ resource->name, strlen(resource->name) };
	out->parts[2] = number_text(slot, out->slot);
	out->parts[3] = number_text(generation, out->generation);
	out->parts[4] = (struct slice){ out->offering, strlen(out->offering) };
}
