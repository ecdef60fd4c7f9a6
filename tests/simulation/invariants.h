#ifndef TESTS_SIMULATION_INVARIANTS_H
#define TESTS_SIMULATION_INVARIANTS_H

#include "reaper/simulation/world_state.h"
#include "tests/simulation/draw.h"

/*
 * invariants: I1 to I10 of the design, looked at whenever something has
 * changed, at every plan and at every termination. They are told anew here, from
 * what is true in the world, and not with the functions that they judge.
 *
 *   I1  a slot has one instance a reaper at most, no slot is past max_instances, the total
 *       holds where one ledger knows all; rivals for a slot do not both take tasks
 *   I2  seats launched for tasks <= what waits - what free and booting seats can take (a
 *       matching, done again here), rounded up; and nobody says "covered" while it is not
 *   I3  nothing that reports, or works, is terminated; every termination was looked at twice
 *   I4  one runner a task; one final end; none is queued again after it
 *   I5  no healthy machine idles past its time-out, none lives past max_life and the grace
 *   I6  ledgers are lost, and all of this holds still
 *   I7  nothing is launched or terminated by what could not be read
 *   I8  is not about decisions: there are no secrets here, see the tests of tickets and bundles
 *   I9  what could not be read of one resource does not stop the others
 *   I10 a pass makes so many calls and no more, reads each list twice at most, and asks for
 *       nothing past its deadline
 *   budgets: while one is spent, by what machines cost in truth, nothing is launched for it;
 *       where one ledger knows all, what is alive costs no more an hour than is allowed; and
 *       nobody says that a budget holds back while none is spent
 *   schedules: in a window its minimum is kept, given capacity, and no slot of it idles out;
 *       outside of it nothing is launched for it
 *   and in the end, once faults are over: every task has its final end, every machine beyond
 *   the minimums is gone, no launch attempt is open
 */

struct look { /* at a machine that a host's plans want to end */
	uint64_t pass; /* of the host, in which it was last planned so; 0: never */
	uint64_t whole_passes; /* of the host, up to then */
	int64_t first_ms;
};

enum { INVARIANTS_MOST = 8 /* resources, and queues, of a world */ };

struct invariants {
	const struct drawn *drawn;
	bool has_failed;
	char subject[64]; /* whom the violation is about */
	char text[600];
	uint64_t changes; /* of the world, up to here */
	size_t peak; /* machines alive at once, at most */
	int64_t next_slow_ms;
	uint64_t timely_passes; /* that were over before their deadline */
	uint64_t *timely_before; /* by machine: one more than those before its time was over */
	size_t timely_room;
	uint64_t passes[WORLD_MAX_HOSTS], whole_passes[WORLD_MAX_HOSTS]; /* in which all was read */
	struct look (*looks)[WORLD_MAX_HOSTS]; /* by machine */
	size_t look_count;
	unsigned supply[INVARIANTS_MOST]; /* seats by resource, at the last plan */
	struct money_watch *money; /* invariants_money.c's; owned; NULL: no budgets */
	void *story; /* play.c's */
};

void invariants_open(struct invariants *invariants, const struct drawn *drawn,
		     struct world_watcher *watcher);
void invariants_finish(struct invariants *invariants, const struct world *world);
void invariants_release(struct invariants *invariants);

/* For the files of the invariants alone. */
void invariants_fail(struct invariants *invariants, const struct world *world, const char *subject,
		     const char *fmt, ...) PRINTF(4, 5);
void invariants_stored(void *context, const struct world *world, size_t host,
		       const struct observation *seen, const struct plan *plan);
void invariants_planned(void *context, const struct world *world, size_t host,
			const struct observation *seen, const struct plan *plan);

/* invariants_pass.c */
void invariants_ended(void *context, const struct world *world, size_t number);
void invariants_blind(struct invariants *invariants, const struct world *world,
		      const struct plan *plan);

/* invariants_schedule.c: the minimum at a moment; the greatest one between two. */
void invariants_schedule_open(const struct drawn *drawn);
void invariants_schedule_planned(struct invariants *invariants, const struct world *world,
				 const struct observation *seen, const struct plan *plan);
void invariants_schedule_look(struct invariants *invariants, const struct world *world);
unsigned invariants_minimum(const struct resource *resource, int64_t now_s);
unsigned invariants_most_minimum(const struct resource *resource, int64_t from_s, int64_t until_s);

/* invariants_money.c */
void invariants_money_stored(struct invariants *invariants, const struct world *world, size_t host,
			     const struct observation *seen, const struct plan *plan);
void invariants_money_rates(struct invariants *invariants, const struct world *world);
void invariants_money_release(struct money_watch *watch);

#endif
