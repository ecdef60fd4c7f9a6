#ifndef REAPER_DEMAND_H
#define REAPER_DEMAND_H

#include <stdbool.h>
#include <stddef.h>

/*
 * demand: which waiting tasks the free and booting seats will take. A task is
 * counted once and a seat is counted once (I2), although a queue may be served
 * by several resources and a resource may serve several queues: so this is a
 * matching, grown path by path, and what it leaves over truly needs machines.
 * The most specialised resource is used first. Pure.
 */

struct demand {
	size_t queue_count, resource_count;
	unsigned *waiting; /* by queue: tasks that no seat was found for yet */
	unsigned *seats; /* by resource: seats that no task was found for yet */
	unsigned *taken; /* [queue * resource_count + resource]: tasks matched to seats */
	bool *serves; /* the same shape: does the resource serve the queue? */
	size_t *order; /* resources, the one that serves the fewest queues first */
};

void demand_open(struct demand *demand, size_t queue_count, size_t resource_count);
void demand_sort(struct demand *demand); /* once serves is filled */

/* Find seats for what waits in the queue, moving other queues' tasks to other
 * seats where that helps, never leaving one of them without. Returns how many found one. */
unsigned demand_match(struct demand *demand, size_t queue);
void demand_release(struct demand *demand);

#endif
