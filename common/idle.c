#include "common/idle.h"

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Wall seconds until which holds that cover now, or touch one that does, last. */
static int64_t hold_end(const struct idle_facts *facts)
{
	int64_t until = facts->now_wall_s, before;

	do {
		before = until;
		for (size_t i = 0; i < facts->hold_count; i++)
			if (facts->hold[i].from_s <= until && facts->hold[i].until_s > until)
				until = facts->hold[i].until_s;
	} while (until > before);
	return until;
}

static int64_t keep_end(const struct idle_facts *facts)
{
	return later(facts->keep_command_ms, later(facts->keep_file_ms, facts->keep_order_ms));
}

static const char *keeper_of(const struct idle_facts *facts)
{
	int64_t until = keep_end(facts);

	if (until <= facts->now_ms)
		return "";
	if (until == facts->keep_command_ms)
		return "command";
	return until == facts->keep_file_ms ? "file" : "order";
}

struct idle idle_look(const struct idle_facts *facts)
{
	int64_t held_s = hold_end(facts) - facts->now_wall_s;
	int64_t leave_ms = facts->since_ms + facts->timeout_ms;

	leave_ms = later(leave_ms, keep_end(facts));
	leave_ms = later(leave_ms, facts->now_ms + held_s * 1000);
	if (leave_ms > facts->end_ms || facts->is_busy)
		leave_ms = facts->end_ms;
	return (struct idle){
		.idle_ms = facts->is_busy ? 0 : later(0, facts->now_ms - facts->since_ms),
		.leaves_in_ms = later(0, leave_ms - facts->now_ms),
		.kept_by = keeper_of(facts),
		.is_held = held_s > 0,
		.is_over = !facts->is_busy && facts->now_ms >= leave_ms,
	};
}
