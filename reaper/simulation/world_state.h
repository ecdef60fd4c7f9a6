#ifndef REAPER_SIMULATION_WORLD_STATE_H
#define REAPER_SIMULATION_WORLD_STATE_H

#include "common/phase.h"
#include "common/settle.h"
#include "common/verdict.h"
#include "reaper/observe.h"
#include "reaper/simulation/chance.h"
#include "reaper/simulation/world.h"

/*
 * world_state: what the files of the simulation share, and what the
 * invariants of tests/simulation look at. Times are wall ms of ClearML's
 * clock, which never jumps. NOBODY stands for no task, machine or host.
 */

#define NOBODY ((size_t)-1)

/* ---- events ---- */

enum occasion {
	OCCASION_ARRIVAL, /* of a task */
	OCCASION_MACHINE, /* a machine's turn */
	OCCASION_CLOUD, /* something befalls an instance: enum misfortune in the stamp */
	OCCASION_PASS, /* a step of a pass */
	OCCASION_CRON, /* a pass begins on a host */
	OCCASION_SERVER, /* something befalls ClearML */
	OCCASION_WATCHDOG, /* ClearML's own, of tasks */
	OCCASION_PERSON, /* somebody aborts a task */
	OCCASION_SETTINGS, /* the configuration is another one from here on */
};

struct world_event {
	int64_t at_ms;
	uint64_t order; /* those of the same moment happen in the order of their planning */
	enum occasion occasion;
	size_t subject;
	uint64_t stamp; /* a machine's turn: void when it is not the machine's newest */
};

/* ---- ClearML ---- */

enum { WORLD_REASON_ROOM = 112 };

struct world_task { /* as ClearML has it, and then what is true */
	char id[CLEARML_ID_ROOM];
	size_t queue; /* into settings.queues: execution.queue */
	unsigned user;
	int64_t arrives_ms, duration_ms;
	enum task_status status;
	bool is_here; /* it has arrived */
	bool is_in_queue;
	int64_t queued_ms;
	char owner[TICKET_FIELD_ROOM + 8], attempt[CLEARML_ID_ROOM + 8]; /* the properties */
	char reason[WORLD_REASON_ROOM], message[WORLD_REASON_ROOM];
	char worker[CLEARML_WORKER_ROOM]; /* last_worker */
	int64_t update_ms, changed_ms; /* last_update; status_changed */
	/* The truth: */
	size_t runners; /* processes that run it now */
	unsigned runs; /* begun */
	unsigned finals; /* final ends that ClearML recorded: one, if all is well */
	unsigned revived; /* times that it was queued again after an end that stands */
	int64_t started_ms, ended_ms; /* -1: never */
};

struct world_queue { /* tasks, the head first */
	size_t *tasks;
	size_t begin, end, room;
};

enum world_call { CALL_DONE, CALL_NOT_DONE, CALL_LOST /* done, but nobody is told */ };

/* ---- machines ---- */

enum world_seat_state {
	WORLD_SEAT_FREE,
	WORLD_SEAT_UNSURE,
	WORLD_SEAT_POPPED,
	WORLD_SEAT_CLAIMED,
	WORLD_SEAT_RUNNING,
	WORLD_SEAT_ENDED,
	WORLD_SEAT_GIVING_BACK, /* its name is off the task already */
	WORLD_SEAT_DROPPING /* a final end: only the properties go */
};

struct world_seat {
	enum world_seat_state state;
	size_t task;
	size_t queue; /* that it was popped from */
	unsigned attempt;
	char owner_before[TICKET_FIELD_ROOM + 8]; /* the name that it bore in its queue */
	bool is_sure, has_signalled, was_in_progress, is_lost;
	enum task_status status; /* as read before it was to be given back */
	int64_t look_ms, unsure_ms, nowhere_ms, taken_ms, run_end_ms;
	const char *cause;
};

enum { WORLD_MAX_SEATS = 8 };

struct world_machine {
	/* what the cloud knows */
	struct instance instance;
	size_t resource, offering;
	char key[256]; /* of its launch */
	size_t launcher; /* the host that asked for it */
	int64_t launched_ms, shown_ms; /* in lists from then on */
	int64_t ended_ms, end_shown_ms; /* -1: not yet */
	/* the truth about it */
	bool is_hung; /* nothing starts in it */
	bool is_dead; /* no process of ours is left in it */
	bool is_unfit; /* its gates fail */
	bool is_garbled; /* its reports make no sense, but for whose they are */
	int64_t frozen_until_ms, cut_until_ms, interrupted_ms; /* 0: not */
	bool is_stuck_on; /* its power-off came to nothing */
	int64_t down_until_ms; /* its bootstrap was killed, and starts again then */
	unsigned restarts;
	/* its bootstrap */
	enum phase phase;
	enum reason reason;
	bool is_draining;
	int64_t phase_since_ms, started_ms, contact_ms, gates_ms, serve_since_ms, keep_ms;
	struct settle settle;
	enum claim claim;
	bool is_slot_lost;
	int64_t look_ms, next_poll_ms, idle_since_ms;
	bool is_waiting_for_queue; /* no poll is planned: all its queues were empty */
	bool wants_report;
	int64_t report_ms;
	enum order order; /* that it has read */
	struct world_seat seats[WORLD_MAX_SEATS];
	unsigned seat_count, tasks;
	int64_t busy_ms, served_ms;
	uint64_t turn; /* stamp of the newest planned turn */
	int64_t turn_ms;
	/* its record, as ClearML has it */
	bool has_record;
	struct machine_record record;
	int64_t record_timeout_ms;
	struct ticket_span *hold; /* of its ticket; owned */
	size_t hold_count;
	/* what reapers have told it, by the channel */
	enum order told;
};

/* ---- reapers ---- */

enum step { /* of a pass, in this order; it may be killed before each one */
	    STEP_READ, /* the ledger */
	    STEP_FLEETS,
	    STEP_RECORDS,
	    STEP_QUEUES,
	    STEP_TASKS,
	    STEP_PLAN,
	    STEP_STORE, /* the open attempts */
	    STEP_LAUNCH, /* one after the other */
	    STEP_TERMINATE,
	    STEP_REPAIR,
	    STEP_ORDERS,
	    STEP_WRITE, /* the ledger */
	    STEP_OVER
};

struct world_spend { /* what budgets are held to; zero: nothing was counted yet */
	char day[11]; /* the UTC day of the last count */
	int64_t until_s; /* what machines cost until then is in it */
	struct spent *sums; /* owned; count.c says of what */
};

enum world_look { WORLD_LOOK_NONE, WORLD_LOOK_DONE, WORLD_LOOK_FAILED }; /* a second one */

struct world_pass {
	size_t host;
	bool is_running;
	int64_t begin_ms; /* past settings.pass_deadline_s nothing is asked any more */
	int64_t launch_until_ms; /* the rest of its time is for the rest of the plan */
	int64_t asked_ms; /* the last time that it asked anybody for anything */
	unsigned calls, lists, repairs; /* of ClearML; of clouds; tasks that were given back */
	enum world_look fleets_again[SETTINGS_MAX_RESOURCES], records_again, tasks_again;
	struct fleet fleets[SETTINGS_MAX_RESOURCES]; /* of the second look */
	struct record_list records;
	enum step step, crash; /* crash: STEP_OVER + 1: it is not killed */
	size_t at; /* the next launch, termination, repair */
	size_t crash_at; /* ... of the step it is killed in */
	bool is_request_done; /* of the launch: the cloud has it, the answer is under way */
	bool is_offering_chosen;
	size_t offering; /* that is asked now */
	bool tried[SETTINGS_MAX_OFFERINGS];
	enum error_class answer;
	struct ledger ledger;
	struct world_spend spend;
	struct observation seen;
	struct plan plan;
	struct clearml_queues queues;
};

struct world_host {
	struct ledger ledger; /* on its disk */
	struct world_spend spend; /* there too, and mirrored to ClearML */
	int64_t skew_ms;
	unsigned ledgers_lost;
	enum why why[SETTINGS_MAX_RESOURCES]; /* said last */
};

enum { WORLD_MAX_HOSTS = 8, WORLD_MAX_PASSES = 16 };

struct world {
	struct world_options options;
	const struct settings *settings;
	const struct world_faults *faults;
	struct chance chance;
	int64_t begin_ms, now_ms;
	struct world_event *events; /* a heap */
	size_t event_count, event_room;
	uint64_t next_order, events_done;
	uint64_t changes; /* of what is true of instances and runs: a watcher's hint */
	struct world_task *tasks;
	size_t task_count, task_room, tasks_open;
	struct world_queue queues[SETTINGS_MAX_QUEUES];
	struct world_machine **machines;
	size_t machine_count, machine_room;
	size_t first_shown; /* machines before it are gone from every list */
	size_t machines_alive;
	struct world_host hosts[WORLD_MAX_HOSTS];
	size_t host_count;
	struct world_pass passes[WORLD_MAX_PASSES];
	int64_t server_down_until_ms;
	int64_t (*droughts)[SETTINGS_MAX_OFFERINGS][2]; /* by resource and offering: next begin,
							   end */
};

/* ---- world.c ---- */
void world_plan(struct world *world, int64_t at_ms, enum occasion occasion, size_t subject,
		uint64_t stamp);
bool world_is_faulty(const struct world *world); /* may something go wrong at this moment? */
bool world_fails(struct world *world, double probability);
void world_note(const struct world *world, const char *subject, const char *fmt, ...) PRINTF(3, 4);

/* ---- server.c: ClearML ---- */
enum world_call world_call(struct world *world, const struct world_machine *caller);
void world_server_begin(struct world *world);
void world_server_befalls(struct world *world, size_t what);
void world_server_watchdog(struct world *world);
void world_task_arrives(struct world *world, size_t number);
void world_task_aborted(struct world *world, size_t number);
void world_enqueue(struct world *world, size_t number, size_t q, const char *reason);
void world_move_to_front(struct world *world, size_t number);
size_t world_peek(const struct world *world, size_t queue); /* NOBODY: it is empty */
bool world_pop(struct world *world, size_t queue, size_t task);
void world_task_ends(struct world *world, size_t number, enum task_status status,
		     const char *reason, const char *message);
void world_fill_records(const struct world *world, struct record_list *out);
bool world_record_is_shown(const struct world *world, const struct world_machine *machine);
/* A worker with free seats in this slot, and no instance behind it: ClearML shows it for so long.
 */
void world_add_ghost(struct world *world, size_t resource, unsigned slot, int64_t shown_ms);
/* Of the resource as it is configured now, and not of one that bore another name. */
bool world_is_configured(const struct world *world, const struct world_machine *machine);
/* Its agents' own entries among the workers, which last longer than the machine's record. */
bool world_workers_are_shown(const struct world *world, const struct world_machine *machine);

/* ---- cloud.c ---- */
struct world_request {
	size_t host, resource, offering;
	unsigned slot, generation;
};
enum error_class world_launch(struct world *world, const struct world_request *request);
void world_terminate(struct world *world, size_t number);
void world_power_off(struct world *world, size_t number);
void world_cloud_befalls(struct world *world, size_t number, uint64_t what);
/* False: the list failed. */
bool world_list(struct world *world, size_t resource, struct fleet *out);
size_t world_machine_named(const struct world *world, const char *instance);

/* ---- machine.c, seat.c ---- */
void world_machine_starts(struct world *world, size_t number);
void world_machine_turn(struct world *world, size_t number, uint64_t stamp);
void world_worker_name(const struct world *world, const struct world_machine *machine,
		       unsigned seat, char out[static CLEARML_WORKER_ROOM]);
void world_machine_dies(struct world *world, size_t number); /* every process in it is gone */
void world_machine_restarts(struct world *world, size_t number); /* its bootstrap does */
void world_machine_interrupted(struct world *world, size_t number);
void world_machines_wake_for(struct world *world, size_t queue); /* something waits there */
unsigned world_seats_busy(const struct world_machine *machine);
bool world_seats_are_running(const struct world_machine *machine);
void world_seats_step(struct world *world, struct world_machine *machine);
void world_seats_poll(struct world *world, struct world_machine *machine, bool is_record_taken);
void world_seats_end(struct world *world, struct world_machine *machine); /* kill all runs */
void world_seats_run_on(struct world *world, struct world_machine *machine); /* without us */
void world_seats_adopt(struct world *world, struct world_machine *machine);
void world_seats_watch(struct world *world, struct world_machine *machine);
int64_t world_seats_next_ms(const struct world_machine *machine);
enum settle_answer world_settle(struct world *world, struct world_machine *machine);

/* ---- reaper.c, launch.c, look.c, count.c ---- */
void *world_copy_of(const void *items, size_t count, size_t item_len);
void world_write_ledger(struct world *world, struct world_pass *pass);
void world_store(struct world *world, struct world_pass *pass);
/* True when there is more to do in this step. */
bool world_pass_launches(struct world *world, struct world_pass *pass);
void world_pass_begins(struct world *world, size_t host);
/* A reaper's call and list: counted, and not made past the pass's deadline. */
enum world_call world_pass_call(struct world *world, struct world_pass *pass);
bool world_pass_list(struct world *world, struct world_pass *pass, size_t resource,
		     struct fleet *out);
void world_pass_release(struct world_pass *pass);
void world_pass_step(struct world *world, size_t number);
void world_look(struct world *world, struct world_pass *pass);
void world_fill_task(const struct world *world, size_t number, struct clearml_task *out);
void world_ledger_copy(const struct ledger *from, struct ledger *out);
/* What was spent, into what this pass sees; where no budget is set, nothing. */
void world_count(const struct world *world, struct world_pass *pass);
void world_spend_copy(const struct settings *settings, const struct world_spend *from,
		      struct world_spend *out);

#endif
