#include "common/phase.h"

static const struct {
	const char *name;
	int64_t deadline_s; /* 0: this phase has none of its own */
	enum phase next[EVENT_COUNT]; /* what is not named here is PHASE_LEAVE */
} phases[PHASE_COUNT] = {
	[PHASE_IDENTIFY] = { "identify", 180, { [EVENT_DONE] = PHASE_ADMIT } },
	[PHASE_ADMIT] = { "admit", 300, { [EVENT_DONE] = PHASE_PROVE } },
	[PHASE_PROVE] = { "prove",
			  0,
			  { [EVENT_DONE] = PHASE_SERVE,
			    [EVENT_FAILED] = PHASE_DRAIN,
			    [EVENT_DRAIN] = PHASE_DRAIN } },
	[PHASE_SERVE] = { "serve",
			  0,
			  { [EVENT_FAILED] = PHASE_DRAIN, [EVENT_DRAIN] = PHASE_DRAIN } },
	[PHASE_DRAIN] = { "drain",
			  0,
			  { [EVENT_FAILED] = PHASE_DRAIN, [EVENT_DRAIN] = PHASE_DRAIN } },
	[PHASE_LEAVE] = { "leave", 30, { PHASE_LEAVE } },
};

enum phase phase_next(enum phase phase, enum phase_event event, bool is_busy)
{
	enum phase next = phases[phase].next[event];

	return next == PHASE_DRAIN && !is_busy ? PHASE_LEAVE : next;
}

const char *phase_name(enum phase phase)
{
	return phases[phase].name;
}

/* Is this moment over? If not, it is a candidate for the next look. */
static bool is_over(struct phase_due *due, int64_t now_ms, int64_t from_ms, int64_t span_s)
{
	int64_t at_ms = from_ms + span_s * 1000;

	if (now_ms >= at_ms)
		return true;
	if (at_ms < due->next_ms)
		due->next_ms = at_ms;
	return false;
}

static struct phase_due due_now(enum phase_event event, enum reason reason)
{
	return (struct phase_due){ .is_due = true, .event = event, .reason = reason };
}

/* By the clock of a machine that is being taken away 30 s would be too long. */
static bool must_be_gone(const struct phase_facts *facts, struct phase_due *due)
{
	int64_t earliest_ms = facts->since_ms + PHASE_LEAVE_BEFORE_S * 1000;
	int64_t at_ms = facts->taken_ms - PHASE_LEAVE_BEFORE_S * 1000;

	return facts->phase == PHASE_LEAVE && facts->taken_ms &&
	       is_over(due, facts->now_ms, at_ms > earliest_ms ? at_ms : earliest_ms, 0);
}

static bool is_boot_over(const struct phase_facts *facts, struct phase_due *due)
{
	if (facts->phase != PHASE_PROVE || (facts->is_restart && facts->is_busy))
		return false;
	return is_over(due, facts->now_ms,
		       facts->is_restart ? facts->started_ms : facts->launched_ms,
		       facts->limits.boot_deadline_s);
}

struct phase_due phase_look(const struct phase_facts *facts)
{
	const struct ticket_limits *limits = &facts->limits;
	int64_t own_s = phases[facts->phase].deadline_s;
	bool is_up = facts->phase == PHASE_PROVE || facts->phase == PHASE_SERVE;
	struct phase_due due = { .next_ms = INT64_MAX };

	if (own_s > 0 && is_over(&due, facts->now_ms, facts->since_ms, own_s))
		return due_now(EVENT_DEADLINE, REASON_BOOT_DEADLINE);
	if (must_be_gone(facts, &due))
		return due_now(EVENT_DEADLINE, REASON_INTERRUPTED);
	if (facts->phase == PHASE_LEAVE)
		return due;
	if (facts->taken_ms && is_over(&due, facts->now_ms, facts->taken_ms, -PHASE_KILL_BEFORE_S))
		return due_now(EVENT_END, REASON_INTERRUPTED);
	if (is_over(&due, facts->now_ms, facts->launched_ms, limits->max_life_s))
		return due_now(EVENT_END, REASON_MAX_LIFE);
	if (is_boot_over(facts, &due))
		return due_now(EVENT_DEADLINE, REASON_BOOT_DEADLINE);
	if ((is_up || facts->phase == PHASE_DRAIN) && !facts->is_running &&
	    is_over(&due, facts->now_ms, facts->contact_ms, limits->dead_man_s))
		return due_now(EVENT_END, REASON_DEAD_MAN);
	if (is_up && is_over(&due, facts->now_ms, facts->launched_ms, limits->max_age_s))
		return due_now(EVENT_DRAIN, REASON_MAX_AGE);
	return due;
}
