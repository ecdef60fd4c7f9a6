#ifndef REAPER_OBSERVE_H
#define REAPER_OBSERVE_H

#include "reaper/ledger.h"

/*
 * observe: queues, workers and instances, with what the ledger remembers, as
 * one record. Three reads of ClearML at most, and two more when something
 * looks lost, however many queues there are (I10), and one list per resource. It never
 * fails: what could not be read is unknown in the record, with the problem
 * told and logged.
 */

struct observer {
	const struct settings *settings;
	struct clearml *clearml;
	const struct ledger *ledger;
	int64_t wall_ms; /* our own clock, for when ClearML's does not answer */
	int64_t deadline_ms; /* monotonic: nothing is asked past it */
	bool is_sweep_wanted; /* read the tasks too, although nothing looks lost */
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

/* For the next pass: what this one saw of the machines. */
void observe_remember(const struct observation *seen, struct ledger *ledger);

#endif
