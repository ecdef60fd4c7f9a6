#ifndef REAPER_OBSERVATION_H
#define REAPER_OBSERVATION_H

#include "common/machine_record.h"
#include "common/orders.h"
#include "reaper/providers/provider.h"
#include "reaper/settings/settings_look.h"

/*
 * observation: everything that a pass looked at, as plain records, and what
 * the ledger remembers of earlier passes. plan.c decides from this and the
 * settings alone. What could not be read is marked unknown, and nothing is
 * decided from it (I7).
 */

struct spent { /* micro-dollars since the UTC day, and the month, of now began */
	int64_t day, month;
};

struct observed_queue { /* by place in settings.queues */
	bool exists;
	char id[CLEARML_ID_ROOM]; /* ClearML's; "" unless it exists */
	bool is_forced_off; /* tagged force_workers:off by a person: nobody pulls */
	unsigned waiting;
	bool is_capped; /* at least so many wait: more than all machines could take were not read */
	unsigned ripe; /* of waiting: those that have waited settings.launch_after_s */
	unsigned barred; /* of waiting: tasks of users past their budget: nothing is launched for
			    them */
	int64_t oldest_ms; /* when its head was enqueued, server's wall ms; 0: nothing waits */
};

struct observed_resource { /* by place in settings.resources */
	bool is_listed; /* the provider's list succeeded, whole */
	char problem[256]; /* why not */
	unsigned hidden; /* of its machines that a list showed alive: it failed, and nothing shows
			    them now */
	unsigned minimum; /* min_instances that holds now, schedules included */
	/* From the ledger: */
	unsigned boot_failures; /* in a row, since a machine last served */
	int64_t last_boot_failure_s;
	int64_t spot_failing_since_s; /* 0: its last spot launch worked, or none was tried */
	int64_t spot_blackout_until_s;
	struct spent spent;
};

struct observed_machine { /* an instance, or a live record whose instance no list shows */
	struct instance instance;
	size_t resource; /* into settings.resources; RESOURCE_NONE when it is configured no more */
	size_t place; /* into settings.resources: by whose list it was found; RESOURCE_NONE: by none
		       */
	bool is_listed; /* false: known only by its record */
	bool has_record; /* a machine record is in ClearML now */
	struct machine_record record; /* valid when has_record */
	/* From the ledger, or from ClearML where the ledger is new: */
	bool was_seen; /* it had a record in some earlier pass, or a task names it */
	bool was_busy; /* at its last report */
	bool has_served; /* it was fit for work once: its boot did not fail */
	enum order order; /* an operator's */
	int64_t price; /* micro-dollars an hour; MONEY_UNKNOWN */
	int64_t last_report_ms; /* server's wall ms; 0: never */
};

enum loss { /* how a task got lost */
	    LOSS_TERMINATED, /* its owner's instance is seen terminated */
	    LOSS_UNLISTED, /* its owner's live record does not list it */
	    LOSS_NOBODY, /* queued, in no queue, without an owner: popped, then the popper died */
};

struct observed_task {
	struct clearml_task task;
	enum loss loss;
	char instance[TICKET_FIELD_ROOM]; /* the owner; "" for LOSS_NOBODY */
	unsigned attempt;
	bool is_in_queue;
	size_t queue; /* into settings.queues */
	unsigned max_attempts;
};

struct open_attempt { /* a launch that was asked for and not yet answered or seen */
	char resource[TICKET_FIELD_ROOM];
	unsigned slot, generation;
	char day[11];
	char offering[OFFERING_KEY_ROOM];
	int64_t asked_s;
};

struct offering_state { /* what an offering's last launches came to */
	char resource[TICKET_FIELD_ROOM];
	char offering[OFFERING_KEY_ROOM];
	int64_t until_s; /* it cools down until then */
	unsigned failures; /* in a row */
	int64_t hinted_until_s; /* the cloud said that it has capacity there: asked first */
};

struct observed_ghost { /* a worker's record whose machine is seen terminated */
	char worker[CLEARML_WORKER_ROOM];
	char instance[TICKET_FIELD_ROOM];
};

struct observed_double { /* two live workers report the same task */
	char task[CLEARML_ID_ROOM];
	char workers[2][CLEARML_WORKER_ROOM];
};

struct observed_run { /* a task that a machine runs, and for whom: what its cost is put down to */
	char task[CLEARML_ID_ROOM];
	char instance[TICKET_FIELD_ROOM];
	size_t machine; /* into observation.machines */
	/* Filled by spend_look(), from the ledger or by one call; "" when not known: */
	char queue[CLEARML_NAME_ROOM], user[SETTINGS_USER_ROOM];
	/* Server's wall time; 0: not known, or before the last pass; RUN_NOT_ASKED: it is nobody's
	 * until a later pass asks for whom it is. */
	int64_t since_s;
};

#define RUN_NOT_ASKED INT64_MAX

struct observed_user { /* by place in settings.user_budgets */
	struct spent spent;
	int64_t rate; /* what its runs cost an hour now; micro-dollars */
	/* Filled by user_names_resolve(): */
	char id[SETTINGS_USER_ROOM]; /* "": not known: the budget's own word counts as the id */
	char name[CLEARML_NAME_ROOM]; /* "": not known */
	char problem[512]; /* why the budget limits nobody; "": it does */
};

struct observed_leftover {
	struct leftover leftover;
	size_t place; /* into settings.resources: by whose list it was found */
};

struct mark { /* a destructive decision that waits for its second look */
	char what[128]; /* "silent local-1f0e", "return task 1a2b" */
	int64_t first_s;
};

struct observation {
	int64_t now_ms; /* ClearML's clock (its Date header); ours when it did not answer */
	bool is_clock_known; /* it is ClearML's: false means that nothing destructive is due */
	char today[11]; /* the UTC day of now_ms, "2026-11-24": goes into new tickets */
	int64_t ledger_since_s; /* when the ledger began; instances older than it may have been seen
				   before */
	bool queues_known, workers_known;
	bool tasks_known; /* those of all queues were read, and there is a queue */
	struct observed_queue queues[SETTINGS_MAX_QUEUES];
	struct observed_resource resources[SETTINGS_MAX_RESOURCES];
	struct observed_machine *machines;
	size_t machine_count;
	unsigned hidden; /* as of a resource; these are of none that is configured, so behind any
			    list that failed */
	struct observed_task *lost;
	size_t lost_count;
	struct open_attempt *attempts;
	size_t attempt_count;
	struct offering_state *offerings;
	size_t offering_count;
	struct mark *marks;
	size_t mark_count;
	struct observed_ghost *ghosts;
	size_t ghost_count;
	struct observed_double *doubles;
	size_t double_count;
	/* Only where this look asked for them: once in a while, for they change nothing else. */
	bool leftovers_known;
	char leftover_problem[256]; /* why not, where it did; "" */
	struct observed_leftover *leftovers;
	size_t leftover_count;
	struct observed_run *runs; /* by machine */
	size_t run_count;
	struct observed_user *users; /* owned; NULL: not looked at */
	struct spent spent, queue_spent[SETTINGS_MAX_QUEUES]; /* over all; by place in settings */
	int64_t queue_rate[SETTINGS_MAX_QUEUES]; /* what their tasks cost an hour now */
	/* The machines' cost up to now is in it. False: it could not be counted in this pass, or
	 * the ledger is new and the mirror could not be read. */
	bool is_spend_known;
	int64_t spend_lost_s; /* a budget of this day or month counts from then only: what was spent
				 before is not known (ledger.h); 0: all count from their begin */
	char problem[256]; /* the first thing that could not be read, for the report; "" when all
			      was */
	char rival[HASH_HEX_LEN]; /* another reaper of this prefix (ledger.h); "": none of late */
	int64_t rival_s;
	char mirror_refused[256]; /* why what stands in the reaper's task is not believed; "" */
	unsigned clearml_calls;
};

#endif
