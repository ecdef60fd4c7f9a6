#include "reaper/slots.h"

#include <string.h>

static bool is_of(const char *name, const struct resource *resource)
{
	return !strcmp(name, resource->name);
}

void slots_taken(const struct observation *seen, const struct resource *resource, bool *taken)
{
	memset(taken, 0, resource->max_instances * sizeof(*taken));
	for (size_t i = 0; i < seen->machine_count; i++) {
		const struct instance *instance = &seen->machines[i].instance;

		if (instance->state != INSTANCE_TERMINATED && is_of(instance->resource, resource) &&
		    instance->slot < resource->max_instances)
			taken[instance->slot] = true;
	}
	for (size_t i = 0; i < seen->attempt_count; i++)
		if (is_of(seen->attempts[i].resource, resource) &&
		    seen->attempts[i].slot < resource->max_instances)
			taken[seen->attempts[i].slot] = true;
}

unsigned slots_generation(const struct observation *seen, const struct resource *resource,
			  unsigned slot)
{
	unsigned generation = 0;

	for (size_t i = 0; i < seen->machine_count; i++) {
		const struct instance *instance = &seen->machines[i].instance;

		if (instance->state == INSTANCE_TERMINATED && instance->slot == slot &&
		    is_of(instance->resource, resource) && instance->generation >= generation)
			generation = instance->generation + 1;
	}
	return generation;
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

void slots_key_parts(const char *prefix, const struct resource *resource, unsigned slot,
		     unsigned generation, struct slot_key *out)
{
	out->parts[0] = (struct slice){ prefix, strlen(prefix) };
	out->parts[1] = (struct slice){ resource->name, strlen(resource->name) };
	out->parts[2] = number_text(slot, out->slot);
	out->parts[3] = number_text(generation, out->generation);
	/* The offering: this provider's is its instance type alone. */
	out->parts[4] = (struct slice){ resource->type, strlen(resource->type) };
}
