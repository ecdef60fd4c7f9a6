#ifndef REAPER_PLAN_H
#define REAPER_PLAN_H

#include "common/verdict.h"
#include "reaper/leftover.h"

/*
 * plan: what to launch, what to terminate, which tasks to give back, and for
 * each resource why, also why nothing. Pure: no clock, no network, no log.
 * `mayfly-reaper plan` prints it and stops; `run` carries the same thing out.
 */

enum { PLAN_WORDS_ROOM = 200 };

enum why {
	WHY_NO_DEMAND, /* nothing waits that it serves */
	WHY_COVERED, /* free and booting seats suffice */
	WHY_LAUNCH, /* launches for waiting tasks */
	WHY_MINIMUM, /* launches to keep min_instances */
	WHY_AT_LIMIT, /* all its slots are taken */
	WHY_TOTAL_LIMIT, /* max_instances over all resources */
	WHY_BOOTING_LIMIT, /* max_booting machines boot already */
	WHY_LATER_RESOURCE, /* an earlier resource of the queue takes the demand */
	WHY_UNKNOWN, /* a list it depends on could not be read */
	WHY_NO_QUEUE, /* none of its queues exists in ClearML */
	WHY_PAUSED, /* its queues are tagged force_workers:off */
	WHY_WAITING, /* no task has waited launch_after yet */
	WHY_COOLING_DOWN, /* no offering may be asked before until_s */
	WHY_BREAKER, /* boots failed in a row: one machine is tried at until_s */
	WHY_BUDGET, /* a budget is spent, a launch would go past $/h, or what is spent is not known
		     */
	WHY_MEMORY_LOST, /* most machines have no record: ClearML may have lost its memory */
	WHY_COUNT
};

enum doom {
	DOOM_NONE,
	DOOM_NEVER_CAME_UP, /* past its boot deadline, and nothing was ever heard of it */
	DOOM_SILENT, /* no report for the silence limit */
	DOOM_STOPPED, /* stopped instead of terminated: its disks cost */
	DOOM_PAST_LIFE, /* past max_life: its own clock failed */
	DOOM_ORDERED, /* an operator said leave, and it has not */
	/* Those below are told to drain first, and terminated only drained or silent: */
	DOOM_OVERDUE, /* idle past its time-out and the grace, not kept, not held */
	DOOM_SPARE, /* idle, and others of its resource are idle too: told to drain at once */
	DOOM_DUPLICATE, /* an elder machine is in its slot */
	DOOM_RESOURCE_GONE, /* its resource is configured no more */
	DOOM_COUNT
};

struct planned_launch {
	size_t resource; /* into settings.resources */
	size_t offering; /* into the resource's: where act begins; offerings_next() has the rest */
	unsigned slot, generation;
	char day[11]; /* of the attempt that is repeated, or today's at ClearML */
	enum why why; /* WHY_LAUNCH or WHY_MINIMUM */
	bool is_repeat; /* of an open attempt: the very same request again */
	/* A $/h budget counts on this price: act asks for no offering that is dearer, or whose
	 * price is not known. */
	bool is_price_limited;
	int64_t price_limit; /* micro-dollars an hour */
};

struct planned_termination {
	size_t machine; /* into observation.machines */
	enum doom doom;
	bool is_due; /* false: this is the first look, it is only marked */
};

struct planned_order { /* for the command channel */
	size_t machine; /* into observation.machines */
	enum order order;
	enum doom doom; /* why; DOOM_NONE: an operator's word */
};

struct planned_unregister {
	size_t ghost; /* into observation.ghosts */
	bool is_due;
};

struct planned_repair {
	size_t lost; /* into observation.lost */
	enum verdict verdict; /* VERDICT_RETURN, VERDICT_FAIL or VERDICT_STANDS */
	bool is_due;
};

struct resource_plan {
	enum why why;
	/* It launches, and tasks of its queues remain: why not more; WHY_NO_DEMAND: none remain. */
	enum why rest;
	int64_t until_s; /* when that may end; 0: not known */
	int64_t rate; /* what its machines cost an hour, the launches included; micro-dollars */
	bool is_rate_known; /* false: some price is not */
	unsigned alive; /* instances that cost money, open attempts included */
	unsigned free_seats, booting_seats, busy_seats;
	unsigned booting; /* machines */
	unsigned launches; /* machines, repeats not counted */
	/* Open attempts that are not asked for again now, and why; they count all the same. */
	unsigned held_back;
	enum why held_back_why;
	char words[PLAN_WORDS_ROOM]; /* which budget forbids a (further) launch; "": none */
};

struct queue_plan {
	unsigned covered; /* waiting tasks that free or booting seats will take */
	unsigned launched_for; /* waiting tasks that this pass launches for */
	unsigned unserved; /* the rest: see its resources' why */
};

struct plan {
	struct planned_launch *launches;
	size_t launch_count;
	struct planned_termination *terminations;
	size_t termination_count;
	struct planned_order *orders;
	size_t order_count;
	struct planned_unregister *unregisters;
	size_t unregister_count;
	struct planned_repair *repairs;
	size_t repair_count;
	enum leftover_fate *leftovers; /* by place in observation.leftovers */
	char (*warnings)[PLAN_WORDS_ROOM]; /* budgets that are spent to settings.budget_warn_percent
					    */
	size_t warning_count;
	/* The other budgets of which all is known: "resource gpu", "total". */
	char (*calm_budgets)[PLAN_WORDS_ROOM];
	size_t calm_budget_count;
	struct mark *marks; /* for the ledger: replaces the old ones */
	size_t mark_count;
	struct resource_plan resources[SETTINGS_MAX_RESOURCES];
	struct queue_plan queues[SETTINGS_MAX_QUEUES];
};

void plan_make(const struct observation *seen, const struct settings *settings, struct plan *out);
void plan_release(struct plan *plan);

const char *why_text(enum why why); /* "free and booting seats suffice" */
const char *doom_text(enum doom doom); /* "never came up" */
const char *order_text(enum order order); /* "drain" */

#endif
