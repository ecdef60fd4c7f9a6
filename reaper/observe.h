#ifndef REAPER_OBSERVE_H
#define REAPER_OBSERVE_H

#include "reaper/observe_remember.h"

/*
 * observe: queues, workers and instances, with what the ledger remembers, as
 * one record. Three reads of ClearML at most, and four more when something
 * looks lost, however many queues there are (I10), one list per resource, and once in
 * a while a look for what machines left behind (observe_leftovers.h). It never fails: what could
 * not be read is unknown in the record, with the problem told and logged.
 *
 * In this order: instances, workers, queues, all queues' names, tasks, then all queues. Each task
 * moves from a queue to a worker, never back but by a repair. Read against
 * that stream, workers before queues, a task that is popped in between is on
 * neither list, and a seat that looked free stays idle for one pass at worst.
 * With the stream it would be on both: waiting, and on a seat that is busy
 * already; a machine would be launched for nobody (I2). A machine that ends
 * between its instance's look and its record's is without a record: no
 * capacity. One that starts in between is known by its record alone. For the sweep a task that
 * looks lost must be in no queue that is read after it.
 */

struct observer {
	const struct settings *settings;
	struct clearml *clearml;
	const struct ledger *ledger;
	int64_t wall_ms; /* our own clock, for when ClearML's does not answer */
	int64_t deadline_ms; /* monotonic: nothing is asked past it */
	bool is_sweep_wanted; /* read the tasks too, although nothing looks lost */
	bool are_leftovers_wanted; /* look for them too, although it is not their turn */
};

enum { OBSERVE_SWEEP_EVERY = 10 /* passes, when nothing looks lost */ };

void observe(const struct observer *observer, struct observation *out);
void observation_release(struct observation *seen);

/* Looking again before a destructive step: the machine records as they are now. */
struct record_list {
	struct machine_record *list;
	size_t count;
};
CHECKED int observe_records(struct clearml *clearml, const struct settings *settings,
			    struct record_list *out, struct error *err);
void record_list_release(struct record_list *records);

#endif
