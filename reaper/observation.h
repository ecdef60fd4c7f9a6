#ifndef REAPER_OBSERVATION_H
#define REAPER_OBSERVATION_H

#include "common/machine_record.h"
#include "reaper/providers/provider.h"

/*
 * observation: everything that a pass looked at, as plain records, and what
 * the ledger remembers of earlier passes. plan.c decides from this and the
 * settings alone. What could not be read is marked unknown, and nothing is
 * decided from it (I7).
 */

struct observed_queue { /* by place in settings.queues */
	bool exists;
	bool is_forced_off; /* tagged force_workers:off by a person: nobody pulls */
	unsigned waiting;
	bool is_capped; /* at least so many wait: more than all machines could take were not read */
	int64_t oldest_ms; /* when its head was enqueued, server's wall ms; 0: nothing waits */
};

struct observed_resource { /* by place in settings.resources */
	bool is_listed; /* the provider's list succeeded, whole */
	char problem[256]; /* why not */
};

struct observed_machine { /* an instance, or a live record whose instance no list shows */
	struct instance instance;
	size_t resource; /* into settings.resources; RESOURCE_NONE when it is configured no more */
	bool is_listed; /* false: known only by its record */
	bool has_record; /* a machine record is in ClearML now */
	struct machine_record record; /* valid when has_record */
	/* From the ledger, or from ClearML where the ledger is new: */
	bool was_seen; /* it had a record in some earlier pass, or a task names it */
	bool was_busy; /* at its last report */
	int64_t last_report_ms; /* server's wall ms; 0: never */
};

#define RESOURCE_NONE ((size_t)-1)

struct observed_task { /* a task of our queues whose owner's instance is seen terminated */
	struct clearml_task task;
	char instance[TICKET_FIELD_ROOM]; /* the owner */
	unsigned attempt;
	bool is_in_queue;
	size_t queue; /* into settings.queues */
	unsigned max_attempts;
};

struct open_attempt { /* a launch that was asked for and not yet answered or seen */
	char resource[TICKET_FIELD_ROOM];
	unsigned slot, generation;
	char day[11];
	int64_t asked_s;
};

struct mark { /* a destructive decision that waits for its second look */
	char what[128]; /* "silent local-1f0e", "return task 1a2b" */
	int64_t first_s;
};

struct observation {
	int64_t now_ms; /* ClearML's clock (its Date header); ours when it did not answer */
	char today[11]; /* the UTC day of now_ms, "2026-11-24": goes into new tickets */
	int64_t ledger_since_s; /* when the ledger began; instances older than it may have been seen
				   before */
	bool queues_known, workers_known, tasks_known;
	struct observed_queue queues[SETTINGS_MAX_QUEUES];
	struct observed_resource resources[SETTINGS_MAX_RESOURCES];
	struct observed_machine *machines;
	size_t machine_count;
	struct observed_task *lost;
	size_t lost_count;
	struct open_attempt *attempts;
	size_t attempt_count;
	struct mark *marks;
	size_t mark_count;
	char problem[256]; /* the first thing that could not be read, for the report; "" when all
			      was */
	unsigned clearml_calls;
};

#endif
