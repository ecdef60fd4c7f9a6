#include "reaper/offerings.h"

#include <string.h>

enum { HINT_LIFE_S = 600 }; /* so long a zone that the cloud named is asked first */

/* ---- which one may be asked ---- */

static const struct offering_state *state_of(const struct offerings_view *view, size_t offering)
{
	char key[OFFERING_KEY_ROOM];

	offering_key(&view->resource->offerings[offering], key);
	for (size_t i = 0; i < view->state_count; i++)
		if (!strcmp(view->states[i].resource, view->resource->name) &&
		    !strcmp(view->states[i].offering, key))
			return &view->states[i];
	return NULL;
}

static bool has_market(const struct resource *resource, enum market market)
{
	for (size_t i = 0; i < resource->offering_count; i++)
		if (resource->offerings[i].market == market)
			return true;
	return false;
}

/* What spot did in another season says nothing about today: after that long without a trial it
 * counts as never tried. */
static bool is_spot_failing(const struct resource *resource, int64_t since_s, int64_t blackout_s,
			    int64_t now_s)
{
	int64_t last_s = blackout_s > since_s ? blackout_s : since_s;

	return since_s && now_s < last_s + resource->spot_rollback_s + resource->spot_blackout_s;
}

/* From when on its market may be asked. */
static int64_t market_opens_s(const struct offerings_view *view, enum market market)
{
	const struct resource *resource = view->resource;

	if (!has_market(resource, MARKET_SPOT) || !has_market(resource, MARKET_ON_DEMAND))
		return 0;
	if (market == MARKET_SPOT)
		return view->spot_blackout_until_s;
	if (view->spot_blackout_until_s > view->now_s)
		return 0;
	if (is_spot_failing(resource, view->spot_failing_since_s, view->spot_blackout_until_s,
			    view->now_s))
		return view->spot_failing_since_s + resource->spot_rollback_s;
	return INT64_MAX; /* spot alone, until it fails */
}

static int64_t opens_s(const struct offerings_view *view, size_t offering)
{
	const struct offering_state *state = state_of(view, offering);
	int64_t market_s = market_opens_s(view, view->resource->offerings[offering].market);

	return state && state->until_s > market_s ? state->until_s : market_s;
}

static bool is_hinted(const struct offerings_view *view, size_t offering)
{
	const struct offering_state *state = state_of(view, offering);

	return state && state->hinted_until_s > view->now_s;
}

bool offerings_next(const struct offerings_view *view, const bool *tried, size_t *offering,
		    int64_t *until_s)
{
	const struct resource *resource = view->resource;
	bool is_found = false, is_best_hinted = false;
	int64_t first_s = INT64_MAX;
	size_t best = 0;

	for (size_t i = 0; i < resource->offering_count; i++) {
		if (tried && tried[i])
			continue;
		int64_t at_s = opens_s(view, i);

		if (at_s > view->now_s) {
			first_s = at_s < first_s ? at_s : first_s;
		} else if (!is_found ||
			   (!is_best_hinted && is_hinted(view, i) &&
			    resource->offerings[i].market == resource->offerings[best].market)) {
			is_found = true;
			best = i;
			is_best_hinted = is_hinted(view, i);
		}
	}
	if (is_found)
		*offering = best;
	*until_s = first_s == INT64_MAX ? 0 : first_s;
	return is_found;
}

enum spot offerings_spot(const struct offerings_view *view)
{
	const struct resource *resource = view->resource;

	if (!has_market(resource, MARKET_SPOT) || !has_market(resource, MARKET_ON_DEMAND))
		return SPOT_ASKED;
	if (view->spot_blackout_until_s > view->now_s)
		return SPOT_BLACKED_OUT;
	return market_opens_s(view, MARKET_ON_DEMAND) <= view->now_s ? SPOT_ROLLED_BACK :
								       SPOT_ASKED;
}

/* ---- what an answer means for the next time ---- */

static struct offering_state *find_state(struct ledger *ledger, const char *resource,
					 const char *key)
{
	for (size_t i = 0; i < ledger->offering_count; i++)
		if (!strcmp(ledger->offerings[i].resource, resource) &&
		    !strcmp(ledger->offerings[i].offering, key))
			return &ledger->offerings[i];
	return NULL;
}

static struct offering_state *remember(struct ledger *ledger, const struct resource *resource,
				       size_t offering)
{
	struct offering_state fresh = { 0 };

	offering_key(&resource->offerings[offering], fresh.offering);
	struct offering_state *state = find_state(ledger, resource->name, fresh.offering);

	if (state)
		return state;
	memcpy(fresh.resource, resource->name, sizeof(fresh.resource));
	ledger->offerings =
		memory_grow(ledger->offerings, ledger->offering_count + 1, sizeof(fresh));
	ledger->offerings[ledger->offering_count] = fresh;
	return &ledger->offerings[ledger->offering_count++];
}

struct remembered_resource *offerings_memory(struct ledger *ledger, const char *name)
{
	for (size_t i = 0; i < ledger->resource_count; i++)
		if (!strcmp(ledger->resources[i].resource, name))
			return &ledger->resources[i];

	struct remembered_resource fresh = { 0 };
	memcpy(fresh.resource, name, sizeof(fresh.resource));
	ledger->resources =
		memory_grow(ledger->resources, ledger->resource_count + 1, sizeof(fresh));
	ledger->resources[ledger->resource_count] = fresh;
	return &ledger->resources[ledger->resource_count++];
}

/* Failures of long ago are no row of failures, and need no room in the ledger. */
static void forget_old(struct ledger *ledger, int64_t cooldown_max_s, int64_t now_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < ledger->offering_count; i++) {
		const struct offering_state *state = &ledger->offerings[i];

		if (state->until_s + cooldown_max_s > now_s || state->hinted_until_s > now_s)
			ledger->offerings[kept++] = *state;
	}
	ledger->offering_count = kept;
}

static int64_t cooldown(const struct settings *settings, unsigned failures)
{
	int64_t length_s = settings->cooldown_s;

	for (unsigned i = 1; i < failures && length_s < settings->cooldown_max_s; i++)
		length_s *= 2;
	return length_s < settings->cooldown_max_s ? length_s : settings->cooldown_max_s;
}

static void spot_failed(struct ledger *ledger, const struct resource *resource, int64_t now_s)
{
	struct remembered_resource *memory = offerings_memory(ledger, resource->name);

	if (!is_spot_failing(resource, memory->spot_failing_since_s, memory->spot_blackout_until_s,
			     now_s))
		memory->spot_failing_since_s = now_s;
	if (now_s - memory->spot_failing_since_s >= resource->spot_rollback_s)
		memory->spot_blackout_until_s = now_s + resource->spot_blackout_s;
}

static void take_hints(struct ledger *ledger, const struct resource *resource,
		       const char (*zones)[TICKET_FIELD_ROOM], int64_t now_s)
{
	for (; zones && **zones; zones++)
		for (size_t i = 0; i < resource->offering_count; i++)
			if (!strcmp(resource->offerings[i].zone, *zones))
				remember(ledger, resource, i)->hinted_until_s = now_s + HINT_LIFE_S;
}

void offerings_failed(struct ledger *ledger, const struct settings *settings,
		      const struct resource *resource, size_t offering,
		      const struct offering_failure *failure)
{
	int64_t now_s = failure->now_s;

	if (failure->class != ERROR_CAPACITY && failure->class != ERROR_QUOTA)
		return;
	forget_old(ledger, settings->cooldown_max_s, now_s);
	take_hints(ledger, resource, failure->zones, now_s);

	struct offering_state *state = remember(ledger, resource, offering);
	state->failures++;
	state->until_s = now_s + cooldown(settings, state->failures);
	state->hinted_until_s = 0;
	if (resource->offerings[offering].market == MARKET_SPOT)
		spot_failed(ledger, resource, now_s);
}

void offerings_worked(struct ledger *ledger, const struct resource *resource, size_t offering)
{
	char key[OFFERING_KEY_ROOM];

	offering_key(&resource->offerings[offering], key);
	struct offering_state *state = find_state(ledger, resource->name, key);

	if (state) {
		state->failures = 0;
		state->until_s = 0;
	}
	if (resource->offerings[offering].market != MARKET_SPOT)
		return;
	struct remembered_resource *memory = offerings_memory(ledger, resource->name);

	memory->spot_failing_since_s = memory->spot_blackout_until_s = 0;
}
