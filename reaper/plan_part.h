#ifndef REAPER_PLAN_PART_H
#define REAPER_PLAN_PART_H

#include "reaper/breaker.h"
#include "reaper/demand.h"
#include "reaper/plan.h"
#include "reaper/slots.h"

/*
 * plan_part: what the parts of plan share. plan.c calls them from top to
 * bottom; each fills its part of struct plan. Pure, all of them.
 */

#define QUEUE_NONE ((size_t)-1)

struct launcher { /* how a resource may launch in this pass */
	size_t offerings[SETTINGS_MAX_OFFERINGS]; /* that may be asked, the best first */
	size_t offering_count;
	int64_t until_s; /* when the first of the others may be asked */
	enum breaker breaker;
	int64_t breaker_until_s;
	unsigned unproven; /* machines that are up, or should be, and were never fit for work; old
			      open attempts too */
};

struct young_attempt { /* that may be asked for again */
	const struct open_attempt *attempt;
	size_t resource, offering;
};

struct old_mark { /* of an earlier pass */
	const struct mark *mark;
	const char *subject; /* into it: its last word */
	bool is_settled; /* looked at again in this pass, whatever came out */
};

struct planner {
	const struct observation *seen;
	const struct settings *settings;
	struct plan *plan;
	int64_t now_s;
	struct demand demand;
	struct slots slots;
	struct old_mark *old_marks; /* sorted by subject, then text */
	bool are_records_known; /* and ClearML has not lost its memory */
	bool is_memory_lost;
	bool is_all_listed;
	bool *is_spare; /* by machine: more are idle than needed, and this one may go */
	bool *is_leaving; /* by machine: this plan tells it to drain, so it is no capacity */
	unsigned alive, booting; /* over all resources, the planned launches included */
	int64_t rate; /* of all machines, the planned launches included; MONEY_UNKNOWN */
	int64_t *queue_rates; /* by queue: what is spent an hour for its tasks; MONEY_UNKNOWN */
	unsigned *unripe; /* by queue: waiting tasks that nothing is launched for yet, or ever */
	struct young_attempt *young;
	size_t young_count;
	struct launcher launchers[SETTINGS_MAX_RESOURCES];
};

/* marks: a destructive decision must be seen twice. mark_again() notes it and says for how long it
 * has been seen; -1 without ClearML's clock. What could not be looked at keeps its mark for a while
 * (I7): marks_end(). */
#define MARK_OF_TASK "task" /* how the verb of a task's mark begins */
void marks_open(struct planner *planner);
int64_t mark_again(struct planner *planner, const char *verb, const char *subject);
void mark_settle(struct planner *planner, const char *subject);
void marks_end(struct planner *planner);

/* spare: which idle machines need not wait for their idle_timeout. */
void plan_spare(struct planner *planner);

/* end: which machines must go, and what they are told. plan_doom() says why one must, whether or
 * not another is spare. */
enum doom plan_doom(const struct planner *planner, size_t i); /* machine i */
void plan_end(struct planner *planner);

/* stock: who is there, seats, slots, open attempts, what it costs. */
void plan_stock(struct planner *planner);
bool plan_is_known(const struct planner *planner, size_t resource);

/* launch: demand against supply, then launches. */
void plan_supply(struct planner *planner);
void plan_launch(struct planner *planner);
unsigned plan_ripe(const struct planner *planner, size_t queue); /* tasks it may launch for */

/* repeat: which young open attempts are asked for again (open_attempt.h). */
void plan_repeat(struct planner *planner);
/* Why the resource may launch nothing now for this queue (QUEUE_NONE: for its minimum);
 * WHY_LAUNCH and which offering when it may. words, of PLAN_WORDS_ROOM bytes, say which budget. */
enum why plan_obstacle(struct planner *planner, size_t resource, size_t queue, size_t *offering,
		       char *words);

/* money: the budgets that a launch must pass. */
int64_t plan_sum(int64_t a, int64_t b); /* MONEY_UNKNOWN when either is */
bool plan_is_affordable(const struct planner *planner, size_t resource, size_t queue, int64_t price,
			char *words);
bool plan_is_price_limited(const struct planner *planner, size_t resource, size_t queue);
int64_t plan_budget_until(const struct planner *planner, size_t resource, size_t queue);
void plan_queue_rates(struct planner *planner);
void plan_warnings(struct planner *planner);
/* "the waiting tasks are of users past their budget: 3f2a", of PLAN_WORDS_ROOM bytes. */
void plan_tell_users(const struct planner *planner, char *words);

/* why: each resource says it, also when nothing happens. */
void plan_why(struct planner *planner);

/* repair: lost tasks, ghosts. */
void plan_repair(struct planner *planner);

#endif
