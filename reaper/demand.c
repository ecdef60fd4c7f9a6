#include "reaper/demand.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

#define NOWHERE ((size_t)-1)

/* One search: from a queue with a waiting task to a resource with a seat left,
 * through queues whose tasks could sit elsewhere. */
struct demand_search {
	size_t *queues; /* found so far, in order */
	size_t found;
	size_t *resource_of; /* by queue: the seat that its task would give up */
	size_t *queue_of; /* by resource: the queue whose task would take the seat */
	bool *queue_seen;
};

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
		.prices = memory_array(resource_count, sizeof(*demand->prices)),
		.order = memory_array(resource_count, sizeof(*demand->order)),
		.edges_of_queue = memory_array(queue_count + 1, sizeof(size_t)),
		.edges_of_resource = memory_array(resource_count + 1, sizeof(size_t)),
		.search = memory_array(1, sizeof(*demand->search)),
	};
	*demand->search = (struct demand_search){
		.queues = memory_array(queue_count, sizeof(size_t)),
		.resource_of = memory_array(queue_count, sizeof(size_t)),
		.queue_of = memory_array(resource_count, sizeof(size_t)),
		.queue_seen = memory_array(queue_count, sizeof(bool)),
	};
}

static void search_release(struct demand_search *search)
{
	free(search->queues);
	free(search->resource_of);
	free(search->queue_of);
	free(search->queue_seen);
	free(search);
}

void demand_release(struct demand *demand)
{
	free(demand->waiting);
	free(demand->seats);
	free(demand->taken);
	free(demand->serves);
	free(demand->prices);
	free(demand->order);
	free(demand->edges_of_queue);
	free(demand->edges_of_resource);
	free(demand->resources);
	free(demand->queues);
	search_release(demand->search);
	*demand = (struct demand){ 0 };
}

static bool does_serve(const struct demand *demand, size_t queue, size_t resource)
{
	return demand->serves[queue * demand->resource_count + resource];
}

static size_t queues_served(const struct demand *demand, size_t resource)
{
	return demand->edges_of_resource[resource + 1] - demand->edges_of_resource[resource];
}

/* Is a used up before b, whatever the file says? */
static bool is_before(const struct demand *demand, size_t a, size_t b)
{
	if (queues_served(demand, a) != queues_served(demand, b))
		return queues_served(demand, a) < queues_served(demand, b);
	/* A price that is not known, below 0, is the greatest of all as an unsigned number. */
	return (uint64_t)demand->prices[a] < (uint64_t)demand->prices[b];
}

static void sort_resources(struct demand *demand)
{
	/* By insertion: there are few resources, and equal ones keep the file's order. */
	for (size_t i = 0; i < demand->resource_count; i++) {
		size_t at = i;

		for (; at && is_before(demand, i, demand->order[at - 1]); at--)
			demand->order[at] = demand->order[at - 1];
		demand->order[at] = i;
	}
}

static void list_queues(struct demand *demand)
{
	size_t edges = 0;

	for (size_t resource = 0; resource < demand->resource_count; resource++) {
		demand->edges_of_resource[resource] = edges;
		for (size_t queue = 0; queue < demand->queue_count; queue++)
			if (does_serve(demand, queue, resource))
				demand->queues[edges++] = queue;
	}
	demand->edges_of_resource[demand->resource_count] = edges;
}

static void list_resources(struct demand *demand)
{
	size_t edges = 0;

	for (size_t queue = 0; queue < demand->queue_count; queue++) {
		demand->edges_of_queue[queue] = edges;
		for (size_t i = 0; i < demand->resource_count; i++)
			if (does_serve(demand, queue, demand->order[i]))
				demand->resources[edges++] = demand->order[i];
	}
	demand->edges_of_queue[demand->queue_count] = edges;
}

void demand_sort(struct demand *demand)
{
	size_t edges = 0;

	for (size_t i = 0; i < demand->queue_count * demand->resource_count; i++)
		edges += demand->serves[i];
	free(demand->queues);
	free(demand->resources);
	demand->queues = memory_array(edges, sizeof(*demand->queues));
	demand->resources = memory_array(edges, sizeof(*demand->resources));
	list_queues(demand);
	sort_resources(demand);
	list_resources(demand);
}

static void search_begin(const struct demand *demand, size_t from)
{
	struct demand_search *search = demand->search;

	for (size_t resource = 0; resource < demand->resource_count; resource++)
		search->queue_of[resource] = NOWHERE;
	memset(search->queue_seen, 0, demand->queue_count * sizeof(*search->queue_seen));
	search->found = 0;
	search->queues[search->found++] = from;
	search->queue_seen[from] = true;
}

static void search_through(const struct demand *demand, size_t resource)
{
	struct demand_search *search = demand->search;

	for (size_t i = demand->edges_of_resource[resource];
	     i < demand->edges_of_resource[resource + 1]; i++) {
		size_t queue = demand->queues[i];

		if (search->queue_seen[queue] ||
		    !demand->taken[queue * demand->resource_count + resource])
			continue;
		search->queue_seen[queue] = true;
		search->resource_of[queue] = resource;
		search->queues[search->found++] = queue;
	}
}

/* The resource with a free seat at the end of the shortest path, or NOWHERE. */
static size_t search_seat(const struct demand *demand)
{
	struct demand_search *search = demand->search;

	for (size_t i = 0; i < search->found; i++) {
		size_t queue = search->queues[i];

		for (size_t k = demand->edges_of_queue[queue];
		     k < demand->edges_of_queue[queue + 1]; k++) {
			size_t resource = demand->resources[k];

			if (search->queue_of[resource] != NOWHERE)
				continue;
			search->queue_of[resource] = queue;
			if (demand->seats[resource])
				return resource;
			search_through(demand, resource);
		}
	}
	return NOWHERE;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many tasks can move along the path at once. */
static unsigned path_width(const struct demand *demand, size_t seat, size_t from)
{
	const struct demand_search *search = demand->search;
	unsigned width = least(demand->waiting[from], demand->seats[seat]);

	for (size_t queue = search->queue_of[seat]; queue != from;) {
		size_t given_up = search->resource_of[queue];

		width = least(width, demand->taken[queue * demand->resource_count + given_up]);
		queue = search->queue_of[given_up];
	}
	return width;
}

static void path_take(struct demand *demand, size_t seat, size_t from, unsigned width)
{
	const struct demand_search *search = demand->search;

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
		search_begin(demand, queue);
		size_t seat = search_seat(demand);
		if (seat == NOWHERE)
			break;
		path_take(demand, seat, queue, path_width(demand, seat, queue));
	}
	return before - demand->waiting[queue];
}
