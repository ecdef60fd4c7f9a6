#include "reaper/demand.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

#define NOWHERE ((size_t)-1)

void demand_open(struct demand *demand, size_t queue_count, size_t resource_count)
{
	size_t cells = queue_count * resource_count;

	*demand = (struct demand){
		.queue_count = queue_count,
		.resource_count = resource_count,
		.waiting = memory_array(queue_count, sizeof(*demand->waiting)),
		.seats = memory_array(resource_count, sizeof(*demand->seats)),
		.taken = memory_array(cells, sizeof(*demand->taken)),
		.serves = memory_array(cells, sizeof(*demand->serves)),
		.order = memory_array(resource_count, sizeof(*demand->order)),
	};
}

void demand_release(struct demand *demand)
{
	free(demand->waiting);
	free(demand->seats);
	free(demand->taken);
	free(demand->serves);
	free(demand->order);
	*demand = (struct demand){ 0 };
}

static size_t queues_served(const struct demand *demand, size_t resource)
{
	size_t count = 0;

	for (size_t queue = 0; queue < demand->queue_count; queue++)
		count += demand->serves[queue * demand->resource_count + resource];
	return count;
}

void demand_sort(struct demand *demand)
{
	/* By insertion: there are few resources, and equal ones keep the file's order. */
	for (size_t i = 0; i < demand->resource_count; i++) {
		size_t at = i, served = queues_served(demand, i);

		for (; at && queues_served(demand, demand->order[at - 1]) > served; at--)
			demand->order[at] = demand->order[at - 1];
		demand->order[at] = i;
	}
}

/* One search: from a queue with a waiting task to a resource with a seat left,
 * through queues whose tasks could sit elsewhere. */
struct search {
	size_t *queues; /* found so far, in order */
	size_t found;
	size_t *resource_of; /* by queue: the seat that its task would give up */
	size_t *queue_of; /* by resource: the queue whose task would take the seat */
	bool *queue_seen;
};

static void search_open(struct search *search, const struct demand *demand, size_t from)
{
	*search = (struct search){
		.queues = memory_array(demand->queue_count, sizeof(*search->queues)),
		.resource_of = memory_array(demand->queue_count, sizeof(*search->resource_of)),
		.queue_of = memory_array(demand->resource_count, sizeof(*search->queue_of)),
		.queue_seen = memory_array(demand->queue_count, sizeof(*search->queue_seen)),
	};
	for (size_t resource = 0; resource < demand->resource_count; resource++)
		search->queue_of[resource] = NOWHERE;
	search->queues[search->found++] = from;
	search->queue_seen[from] = true;
}

static void search_release(struct search *search)
{
	free(search->queues);
	free(search->resource_of);
	free(search->queue_of);
	free(search->queue_seen);
}

static void search_through(struct search *search, const struct demand *demand, size_t resource)
{
	for (size_t queue = 0; queue < demand->queue_count; queue++) {
		if (search->queue_seen[queue] ||
		    !demand->taken[queue * demand->resource_count + resource])
			continue;
		search->queue_seen[queue] = true;
		search->resource_of[queue] = resource;
		search->queues[search->found++] = queue;
	}
}

/* The resource with a free seat at the end of the shortest path, or NOWHERE. */
static size_t search_seat(struct search *search, const struct demand *demand)
{
	for (size_t i = 0; i < search->found; i++) {
		size_t queue = search->queues[i];

		for (size_t k = 0; k < demand->resource_count; k++) {
			size_t resource = demand->order[k];

			if (search->queue_of[resource] != NOWHERE ||
			    !demand->serves[queue * demand->resource_count + resource])
				continue;
			search->queue_of[resource] = queue;
			if (demand->seats[resource])
				return resource;
			search_through(search, demand, resource);
		}
	}
	return NOWHERE;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many tasks can move along the path at once. */
static unsigned path_width(const struct search *search, const struct demand *demand, size_t seat,
			   size_t from)
{
	unsigned width = least(demand->waiting[from], demand->seats[seat]);

	for (size_t queue = search->queue_of[seat]; queue != from;) {
		size_t given_up = search->resource_of[queue];

		width = least(width, demand->taken[queue * demand->resource_count + given_up]);
		queue = search->queue_of[given_up];
	}
	return width;
}

static void path_take(const struct search *search, struct demand *demand, size_t seat, size_t from,
		      unsigned width)
{
	demand->waiting[from] -= width;
	demand->seats[seat] -= width;
	for (;;) {
		size_t queue = search->queue_of[seat];

		demand->taken[queue * demand->resource_count + seat] += width;
		if (queue == from)
			return;
		seat = search->resource_of[queue];
		demand->taken[queue * demand->resource_count + seat] -= width;
	}
}

unsigned demand_match(struct demand *demand, size_t queue)
{
	unsigned before = demand->waiting[queue];

	while (demand->waiting[queue]) {
		struct search search;

		search_open(&search, demand, queue);
		size_t seat = search_seat(&search, demand);
		if (seat != NOWHERE)
			path_take(&search, demand, seat, queue,
				  path_width(&search, demand, seat, queue));
		search_release(&search);
		if (seat == NOWHERE)
			break;
	}
	return before - demand->waiting[queue];
}
