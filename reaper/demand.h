#ifndef REAPER_DEMAND_H
#define REAPER_DEMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * demand: which waiting tasks the free and booting seats will take. A task is
 * counted once and a seat is counted once (I2), although a queue may be served
 * by several resources and a resource may serve several queues: so this is a
 * matching, grown path by path, and what it leaves over truly needs machines.
 * The most specialised resource is used first, of equal ones the cheapest. Pure.
 */

struct demand {
	size_t queue_count, resource_count;
	unsigned *waiting; /* by queue: tasks that no seat was found for yet */
	unsigned *seats; /* by resource: seats that no task was found for yet */
	unsigned *taken; /* [queue * resource_count + resource]: tasks matched to seats */
	bool *serves; /* the same shape: does the resource serve the queue? */
	int64_t *prices; /* by resource: what a seat costs; below 0: not known */
	/* Made by demand_sort(): */
	size_t *order; /* resources: the one that serves the fewest queues first, of equal ones the
			  cheapest, then the file's order */
	size_t *edges_of_queue, *edges_of_resource; /* where each one's begin; one more at the end
						     */
	size_t *resources; /* of each queue, in that order */
	size_t *queues; /* of each resource */
	struct demand_search *search;
};

void demand_open(struct demand *demand, size_t queue_count, size_t resource_count);
void demand_sort(struct demand *demand); /* once serves and prices are filled */

/* Find seats for what waits in the queue, moving other queues' tasks to other
 * seats where that helps, never leaving one of them without. Returns how many found one. */
unsigned demand_match(struct demand *demand, size_t queue);
void demand_release(struct demand *demand);

#endif
