#include "reaper/breaker.h"

const char *breaker_name(enum breaker breaker)
{
	static const char *const names[] = {
		[BREAKER_CLOSED] = "closed",
		[BREAKER_OPEN] = "open",
		[BREAKER_HALF_OPEN] = "half open",
	};
	return names[breaker];
}

enum breaker breaker_look(const struct breaker_facts *facts, int64_t *until_s)
{
	int64_t probe_at_s = facts->last_failure_s + facts->probe_s;

	*until_s = 0;
	if (!facts->limit || facts->failures < facts->limit)
		return BREAKER_CLOSED;
	if (facts->now_s >= probe_at_s)
		return BREAKER_HALF_OPEN;
	*until_s = probe_at_s;
	return BREAKER_OPEN;
}
