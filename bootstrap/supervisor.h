#ifndef BOOTSTRAP_SUPERVISOR_H
#define BOOTSTRAP_SUPERVISOR_H

#include "bootstrap/control.h"
#include "bootstrap/heartbeat.h"
#include "bootstrap/identity.h"
#include "bootstrap/inbox.h"
#include "bootstrap/init_script.h"
#include "bootstrap/interruption.h"
#include "bootstrap/life.h"
#include "bootstrap/notify.h"
#include "bootstrap/seats.h"
#include "bootstrap/slot.h"
#include "bootstrap/trust.h"
#include "common/idle.h"
#include "common/phase.h"

/*
 * supervisor: one life, from identify to leave, in one thread. Signals, timers,
 * children and commands become events of phase.h; its table says what is next. One poll(2)
 * waits for whatever comes first; each call to ClearML has its own deadline.
 *
 * The record below is the supervisor's own. Its parts are: supervisor.c (start,
 * loop), prove.c and serve.c (the two phases that work), obey.c (signals,
 * commands), status.c (what is told to others), leave.c (the only exit).
 */

struct supervisor_options {
	const char *folder, *provider;
	struct trust_files trust;
	const char *instance; /* MAYFLY_INSTANCE of the environment; NULL: started by hand */
	bool powers_off; /* the machine, when its life is over */
	bool is_draining; /* take no task; finish what an earlier process left */
	const char *boot_guard; /* the note that the boot guard reads; NULL: there is none */
};

struct supervisor {
	struct machine machine;
	struct launch_note note;
	struct life life;
	struct heartbeat heartbeat;
	struct inbox inbox;
	struct heard heard; /* the reaper's last word to this machine */
	struct slot slot;
	struct seats *seats; /* NULL until prove begins */
	struct seats_state seen; /* the last seats_look() */
	struct control *control;
	struct notify notify;
	struct interruption *interruption; /* NULL: nobody could take the machine away */
	int signal_fd, lock_fd;

	enum phase phase;
	int64_t phase_since_ms, started_ms;
	int64_t serve_since_ms; /* 0: not yet */

	bool is_going; /* it is decided that the machine leaves, and why: */
	enum reason reason;
	enum phase left_from;
	char detail[256];

	struct init_script *init; /* while it runs; NULL before and after */
	int prove_step; /* of prove.c */
	int64_t prove_next_ms;
	bool is_prove_failing; /* said once in the log: */
	char prove_message[256];

	unsigned tasks_before; /* taken by earlier processes of this machine */
	unsigned gate_failures; /* in a row, before pops */
	char gate_message[256];
	bool is_slot_lost;

	unsigned terms; /* SIGTERMs so far */
	bool wants_report; /* the machine record has changed */
	int64_t keep_command_ms, keep_file_ms, keep_order_ms; /* monotonic; 0: none */
	int64_t keep_look_ms; /* when to look at the file again */
	bool is_keep_failing;
	struct idle idle;
};

/* A whole life; returns the exit status of DESIGN's table. Another bootstrap in this folder: 1, and
 * the machine stays on, as where a restart may help (75). */
int supervisor_run(const struct supervisor_options *options);

/* The machine is to leave: for this reason, by this event. Later reasons do not
 * replace the first, unless they end what the first would let run. */
void supervisor_go(struct supervisor *supervisor, enum phase_event event, enum reason reason,
		   const char *fmt, ...) PRINTF(4, 5);
void supervisor_enter(struct supervisor *supervisor, enum phase next, int64_t now_ms);
void supervisor_save_life(struct supervisor *supervisor); /* a failure is logged */
/* ClearML does not list our record: no rival could see our claim. */
void supervisor_register_again(struct supervisor *supervisor);
/* ClearML's clock where it has answered, else ours; wall ms. */
int64_t supervisor_wall_ms(const struct supervisor *supervisor);

/* prove.c: one step of the init script, the gates, the settlement; done: serve begins. */
void prove_turn(struct supervisor *supervisor, int64_t now_ms);

/* serve.c: one step of the seats in any phase that has them; then idle, limits of tasks. */
void serve_turn(struct supervisor *supervisor, int64_t now_ms);
int64_t serve_next_ms(const struct supervisor *supervisor, int64_t now_ms);

/* obey.c */
CHECKED int signals_open(int *fd, struct error *err); /* blocks them, and catches them in *fd */
void obey_signals(struct supervisor *supervisor);
void obey_heard(struct supervisor *supervisor, const struct heard *heard);
void obey_command(void *context, const struct control_command *command, struct buf *out);

/* leave.c: the only exit. Returns the exit status. */
int leave(struct supervisor *supervisor, int64_t now_ms);
/* The exit status in FOLDER/last-life.json. ERROR_NOT_FOUND: this life is not over. */
CHECKED int leave_read(const char *folder, int *exit_status, char reason[static 24],
		       struct error *err);

#endif
