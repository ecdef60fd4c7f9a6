#include "reaper/observe_leftovers.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"

enum { MOST_MS = 10000 }; /* of a pass, which has better to do */

/* Two lists of different regions may have one region in common. */
static bool is_known(const struct observation *seen, const struct leftover *leftover)
{
	for (size_t i = 0; i < seen->leftover_count; i++)
		if (!strcmp(seen->leftovers[i].leftover.id, leftover->id))
			return true;
	return false;
}

static void add_new(struct observation *seen, const struct leftover_list *found, size_t place)
{
	seen->leftovers = memory_grow(seen->leftovers, seen->leftover_count + found->count + 1,
				      sizeof(*seen->leftovers));
	for (size_t i = 0; i < found->count; i++)
		if (!is_known(seen, &found->list[i]))
			seen->leftovers[seen->leftover_count++] =
				(struct observed_leftover){ found->list[i], place };
}

static int look_at(const struct observer *observer, size_t place, int64_t end_ms,
		   struct observation *seen, struct error *err)
{
	SCOPED(leftover_list) struct leftover_list found = { 0 };
	const struct resource *resource = &observer->settings->resources[place];
	const struct provider_time time = { observer->wall_ms, end_ms };

	if (provider_named(resource->provider)
		    ->leftovers(observer->settings, resource, &time, &found, err) < 0)
		return -1;
	add_new(seen, &found, place);
	return 0;
}

void observe_leftovers(const struct observer *observer, struct observation *seen)
{
	const struct settings *settings = observer->settings;
	int64_t end_ms = clock_monotonic_ms() + MOST_MS;
	bool is_whole = true;
	struct error err;

	/* Who asked for nothing else has all the time. */
	if (observer->are_leftovers_wanted || end_ms > observer->deadline_ms)
		end_ms = observer->deadline_ms;

	for (size_t r = 0; r < settings->resource_count; r++) {
		if (!provider_named(settings->resources[r].provider)->leftovers ||
		    provider_list_of(settings, r) != r)
			continue;
		/* Who did not list instances will not list these. */
		is_whole &= seen->resources[r].is_listed;
		if (!seen->resources[r].is_listed || look_at(observer, r, end_ms, seen, &err) == 0)
			continue;
		log_failure("leftovers", &err);
		if (!*seen->leftover_problem)
			text_cut(seen->leftover_problem, sizeof(seen->leftover_problem),
				 err.message);
	}
	seen->leftovers_known = is_whole && !*seen->leftover_problem;
}
