#include "reaper/money/money.h"

enum { HOUR_S = 3600 };

/* Rounded up, and no more than can be said. */
static int64_t cost(int64_t price, int64_t seconds, int64_t machines)
{
	int64_t most = INT64_MAX / 4 / (machines ? machines : 1);
	int64_t hours = seconds / HOUR_S;

	if (price && hours >= most / price)
		return INT64_MAX / 4;
	/* In parts: the price of an hour times the seconds of one may be more than fits. */
	int64_t rest = seconds % HOUR_S;
	int64_t begun = price / HOUR_S * rest + (price % HOUR_S * rest + HOUR_S - 1) / HOUR_S;

	return machines * (hours * price + begun);
}

struct money_loss money_worst(const struct settings *settings, const struct resource *resource)
{
	const struct ticket_limits *limits = &resource->ticket.limits;
	int64_t price = resource_dearest(resource);

	if (price == MONEY_UNKNOWN)
		return (struct money_loss){ MONEY_UNKNOWN, MONEY_UNKNOWN, MONEY_UNKNOWN };
	return (struct money_loss){
		.machine = cost(price, limits->max_life_s, 1),
		.idle = cost(price, settings->silent_idle_s + settings->two_looks_s, 1),
		.fleet = cost(price, limits->boot_deadline_s + limits->idle_timeout_s,
			      resource->max_instances),
	};
}
