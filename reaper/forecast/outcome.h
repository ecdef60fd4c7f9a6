#ifndef REAPER_FORECAST_OUTCOME_H
#define REAPER_FORECAST_OUTCOME_H

#include "reaper/forecast/trace.h"
#include "reaper/settings/settings.h"

/*
 * outcome: what a policy came to on a trace: when each machine lived and when
 * each task began, and the figures that people compare. Pure.
 *
 * An instance-hour counts from the launch to the end, the boot included, as
 * clouds bill it. The busy share is what tasks used of the seats' time. A wait
 * goes from the arrival to the start; a task that never started (nothing
 * serves its queue, or the policy gave up) has none, and is counted apart, as
 * is one that started and failed.
 */

enum { OUTCOME_NAME_ROOM = 80 };

struct machine_life {
	size_t resource; /* into outcome.resources */
	int64_t from_s, ready_s, until_s; /* launch, fit for work (until_s: never was), end */
	int64_t busy_s; /* of its seats: 2 for two tasks that run for one second */
	unsigned seats;
	int64_t price; /* micro-dollars an hour, or MONEY_UNKNOWN */
};

struct task_life {
	int64_t arrived_s, started_s; /* started -1: never */
	int64_t ended_s;
	bool is_failed; /* its machines' max_life was over each time before it was done */
	size_t queue; /* into trace.queues */
};

struct outcome {
	char name[OUTCOME_NAME_ROOM]; /* "reaper.json", "ClearML's autoscaler" */
	char remark[160]; /* what people must know to read it; "" */
	char resources[SETTINGS_MAX_RESOURCES][TICKET_FIELD_ROOM];
	size_t resource_count;
	struct machine_life *machines; /* owned */
	size_t machine_count;
	struct task_life *tasks; /* owned; by place in the trace */
	size_t task_count;
};

/* The caller fills what it gets. */
struct machine_life *outcome_add_machine(struct outcome *outcome);
void outcome_open(struct outcome *outcome, const char *name, const struct trace *trace);
void outcome_name_resources(struct outcome *outcome, const struct settings *settings);
void outcome_release(struct outcome *outcome);

struct outcome_sum {
	int64_t wait_p50_s, wait_p95_s, wait_max_s; /* of the tasks that started */
	size_t started, unstarted, failed, launches; /* failed: of those that started */
	int64_t instance_s; /* of all machines */
	int64_t seat_s, busy_s;
	int64_t money; /* micro-dollars; MONEY_UNKNOWN when a machine's price is */
};

/* Of one resource (then without waits), or of all: OUTCOME_ALL. */
#define OUTCOME_ALL ((size_t)-1)
void outcome_sum(const struct outcome *outcome, size_t resource, struct outcome_sum *out);

/* The smallest value that at least percent of them do not exceed (nearest rank); values are sorted
 * by it. 0 when there are none. */
int64_t outcome_percentile(int64_t *values, size_t count, unsigned percent);

/* Every started task's wait, the shortest first; owned by the caller. */
size_t outcome_waits(const struct outcome *outcome, int64_t **out);

/* How many machines are up, or tasks wait, over time: the first step's value holds from its time
 * on. Owned by the caller. */
struct outcome_step {
	int64_t at_s;
	unsigned value;
};
size_t outcome_machines_over_time(const struct outcome *outcome, struct outcome_step **out);
size_t outcome_waiting_over_time(const struct outcome *outcome, struct outcome_step **out);

#endif
