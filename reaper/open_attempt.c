#include "reaper/open_attempt.h"

#include <string.h>

static int64_t deadline_s(const struct resource *resource)
{
	return resource->ticket.limits.boot_deadline_s;
}

bool open_attempt_is_young(const struct open_attempt *attempt, const struct resource *resource,
			   int64_t now_s)
{
	return now_s - attempt->asked_s <= deadline_s(resource);
}

static bool has_offering(const struct resource *resource, const char *key)
{
	char other[OFFERING_KEY_ROOM];

	for (size_t i = 0; i < resource->offering_count; i++) {
		offering_key(&resource->offerings[i], other);
		if (!strcmp(key, other))
			return true;
	}
	return !*key; /* mayfly 0.1 remembered none: it had one only */
}

/* The last repeat of an old offering was before the configuration changed; that of any other may be
 * as late as its boot deadline, and its machine comes after that. */
static int64_t kept_s(const struct open_attempt *attempt, const struct resource *resource)
{
	return has_offering(resource, attempt->offering) ? 2 * deadline_s(resource) :
							   deadline_s(resource);
}

bool open_attempt_is_kept(const struct open_attempt *attempt, const struct settings *settings,
			  const struct observation *seen)
{
	size_t r = settings_resource_named(settings, attempt->resource);

	if (r == RESOURCE_NONE)
		return false;
	return !seen->is_clock_known || !seen->resources[r].is_listed ||
	       seen->now_ms / 1000 - attempt->asked_s < kept_s(attempt, &settings->resources[r]);
}

bool open_attempt_is_settled(bool is_repeat, enum error_class failure)
{
	return !is_repeat || failure == ERROR_CAPACITY || failure == ERROR_QUOTA;
}
