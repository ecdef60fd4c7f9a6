#ifndef BOOTSTRAP_SEAT_H
#define BOOTSTRAP_SEAT_H

#include "bootstrap/agent.h"
#include "bootstrap/journal.h"
#include "bootstrap/seats.h"

/*
 * seat: what the files of seats share, and nobody else reads.
 *
 * A seat's way, each step repeatable, the journal naming the task from before
 * the pop until nothing is left to do:
 *
 *   FREE -> POPPED -> CLAIMED -> RUNNING -> ENDING -> ENDED -> FREE
 *              ^
 *           UNSURE: a pop that got no answer, or a crash around it
 *
 * After a crash every journalled seat begins as RUNNING: a living run is
 * watched on, a dead one goes the way of every end.
 */

enum seat_state {
	SEAT_FREE,
	SEAT_UNSURE, /* popped by us, by another, or not at all: look until it is known */
	SEAT_POPPED, /* ours, but ClearML does not say so yet */
	SEAT_CLAIMED, /* the owner property is written: read again, then start */
	SEAT_RUNNING,
	SEAT_ENDING, /* to be killed and seen gone */
	SEAT_ENDED, /* seen gone: read the task, decide, carry out */
};

enum {
	SEAT_MAX = 16, /* as many as the journal has places */
	SEAT_KILL_MS = 5000, /* how long one step waits for a run to be gone */
	SEAT_LOOK_MS = 2000, /* between two looks at what is not known yet */
	SEAT_WATCH_MS = 15000, /* between two looks at a running task */
	SEAT_FIRST_WATCH_MS = 5000,
	SEAT_ALIVE_MS = 1000, /* between two looks for a run that is no child of ours */
	SEAT_EXAMINE_MS = 2000, /* between two looks at what its containers were given */
	SEAT_PREPARE_MS = 1000, /* between two looks at what its image does */
	SEAT_NEWS_MS = 30000, /* between two lines about it on the task's console */
};

struct seat {
	enum seat_state state;
	unsigned number;
	struct journal_entry *entry; /* its place in the journal */
	char worker[WORKER_ID_ROOM];
	pid_t pid; /* of the agent, a child of ours; 0: none, or started by an earlier life */
	bool is_sure; /* the pop answered with this task, in this life */
	bool has_signalled; /* we killed the run */
	bool is_over_time;
	bool is_saving; /* the cloud takes the machine: the agent stands still, the task was told to
			   end, and may take its time for it */
	bool is_urgent; /* the machine ends: its run must, too, engine or no engine */
	bool is_hopeless; /* the task's own wishes cannot be met */
	bool is_fault_known; /* the same fault ended another seat's task: it counts once */
	bool is_lost; /* somebody else put the task back or took it: no longer ours */
	bool was_in_progress; /* seen so while our agent ran */
	bool is_adopted; /* an earlier life journalled it */
	bool is_of_earlier_boot; /* adopted, and taken before the machine started again */
	bool has_started; /* its agent was seen alive in this life */
	bool has_told; /* the story is on the task's console */
	struct engine_run engine; /* what the container engine told of the run, as it ended */
	char owner_before[CLEARML_NAME_ROOM]; /* the name that it bore in its queue, before our pop;
						 "": none, or not known (adopted) */
	char cause[48]; /* why the run ended: infra:<cause> */
	char fault[300]; /* what agent_prepare(), _start() or _examine() said; "": nothing */
	char image[CLEARML_IMAGE_ROOM]; /* that the task was to run in; "": not known */
	char news[300]; /* what the task's console was told last of its image and arguments */
	int64_t news_ms; /* monotonic: when */
	int64_t started_ms; /* monotonic: when it was taken */
	int64_t look_ms; /* monotonic: no call for this seat before */
	int64_t alive_ms; /* monotonic: when a run that is no child of ours is looked for again */
	int64_t examine_ms; /* monotonic: when its containers are looked at again */
	int64_t unsure_ms; /* when it was first looked at, being unsure; 0: not yet */
	int64_t nowhere_ms; /* since when it is seen in no queue, nobody's; 0: not */
	unsigned troubles; /* calls that failed in a row */
	bool is_registered; /* its worker record */
	int64_t reported_ms, report_ms; /* the last report that was taken; when the next is due */
};

struct seat_queue {
	char id[CLEARML_ID_ROOM]; /* "": there is no queue of that name */
	bool is_forced_off;
};

struct seats {
	const struct machine *machine;
	struct seat list[SEAT_MAX];
	unsigned count;
	struct journal journal;
	char journal_path[MACHINE_PATH_ROOM + 16];
	struct seat_queue queues[TICKET_MAX_QUEUES]; /* as the ticket names them */
	int64_t resolved_ms; /* 0: not (any more) */
	int64_t idle_since_ms, next_poll_ms; /* 0: not yet */
	bool is_journal_old; /* it could not be written: names what is over */
	int64_t journal_ms; /* then: no try before */
	unsigned first; /* the seat whose turn is first */
	bool is_cut; /* ClearML did not answer in this step: the other seats' calls wait */
	bool is_poll_failing; /* said once */
	char unfit[160]; /* why is_fit() refused last; "": it did not */
	bool has_changed;
	int64_t last_busy_ms;
	unsigned tasks_taken, tasks_given_back, infra_failures;
};

/* ---- seats.c ---- */

/* Write the journal. -1 (logged once): the move that needs it must not be made; it is tried again.
 */
int seats_save(struct seats *seats);
/* The journal names it no longer, as soon as the disk lets it: until then no task is taken, and a
 * crash only settles once more what is settled. */
void seat_forget(struct seats *seats, struct seat *seat);
/* Empty the seat: the journal first, then the secrets on disk. */
void seat_finish(struct seats *seats, struct seat *seat, int64_t now_ms);
/* A call failed: log it, and let the seat's next one wait, longer each time. */
void seat_has_trouble(struct seats *seats, struct seat *seat, const struct error *err,
		      int64_t now_ms);
/* The same for what need not be repeated: true when the step itself must be tried again. */
bool seat_must_retry(struct seats *seats, struct seat *seat, const struct error *err,
		     int64_t now_ms);
void seat_run(const struct seat *seat, struct agent_run *out);
void seat_end_run(struct seats *seats, struct seat *seat, const char *cause);
void seat_owner(const struct seats *seats, const struct seat *seat,
		char out[static CLEARML_NAME_ROOM]);
/* Does a queue, whichever, hold the task? */
CHECKED int seat_is_queued(struct seats *seats, const struct seat *seat, bool *is_queued,
			   struct error *err);

/* ---- seats_take.c ---- */

void seats_poll(struct seats *seats, const struct seats_orders *orders, int64_t now_ms);
void seat_claim(struct seats *seats, struct seat *seat, int64_t now_ms);
void seat_start(struct seats *seats, struct seat *seat, int64_t now_ms);

/* ---- seats_unsure.c ---- */

void seat_look_unsure(struct seats *seats, struct seat *seat, int64_t now_ms);
/* Has the task, read after our pop, no owner, or only the stale name of an earlier attempt, which
 * counts as none? */
CHECKED int seat_look_at_owner(struct seats *seats, const struct seat *seat,
			       const struct clearml_task *task, bool *has_no_owner,
			       struct error *err);

/* ---- seats_end.c ---- */

void seat_watch(struct seats *seats, struct seat *seat, int64_t now_ms);
void seat_settle_end(struct seats *seats, struct seat *seat, int64_t now_ms);

#endif
