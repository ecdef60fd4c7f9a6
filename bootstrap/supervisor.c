#include "bootstrap/supervisor.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bootstrap/admit.h"
#include "bootstrap/agent_sweep.h"
#include "bootstrap/boot_guard.h"
#include "bootstrap/power_off.h"
#include "bootstrap/status.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/file.h"
#include "common/log.h"

static const char program[] = "mayfly-bootstrap";

int64_t supervisor_wall_ms(const struct supervisor *supervisor)
{
	int64_t server_ms = clearml_now_ms(supervisor->machine.clearml);

	return server_ms ? server_ms : clock_wall_ms();
}

void supervisor_save_life(struct supervisor *supervisor)
{
	struct error err;

	if (life_write(supervisor->machine.folder, &supervisor->life, &err) < 0)
		log_failure("life", &err);
}

void supervisor_register_again(struct supervisor *supervisor)
{
	log_warn("heartbeat", "ClearML does not list our record: registering it again");
	supervisor->heartbeat.is_registered = false;
	supervisor->wants_report = true;
}

void supervisor_enter(struct supervisor *supervisor, enum phase next, int64_t now_ms)
{
	if (next == supervisor->phase)
		return;
	log_info("phase", "%s%s%s%s%s", phase_name(next), supervisor->is_going ? ", because: " : "",
		 supervisor->is_going ? reason_word(supervisor->reason) : "",
		 supervisor->is_going && supervisor->detail[0] ? ": " : "",
		 supervisor->is_going ? supervisor->detail : "");
	notify_tell(&supervisor->notify, "STATUS=%s%s%s", phase_name(next),
		    supervisor->is_going ? ", because: " : "",
		    supervisor->is_going ? reason_word(supervisor->reason) : "");
	if (next == PHASE_SERVE && !supervisor->serve_since_ms)
		supervisor->serve_since_ms = now_ms;
	supervisor->phase = next;
	supervisor->phase_since_ms = now_ms;
	supervisor->wants_report = true;
}

PRINTF(3, 0)
static void decide(struct supervisor *supervisor, enum reason reason, const char *fmt,
		   va_list arguments)
{
	if (!supervisor->is_going)
		supervisor->left_from = supervisor->phase;
	supervisor->is_going = true;
	supervisor->reason = reason;
	(void)vsnprintf(supervisor->detail, sizeof(supervisor->detail), fmt, arguments);
	text_cut(supervisor->life.drain, sizeof(supervisor->life.drain), reason_word(reason));
	supervisor_save_life(supervisor);
	supervisor->wants_report = true;
}

void supervisor_go(struct supervisor *supervisor, enum phase_event event, enum reason reason,
		   const char *fmt, ...)
{
	/* What may run on when a machine drains does not when it is taken away. */
	bool is_notice = reason == REASON_INTERRUPTED && supervisor->reason != REASON_INTERRUPTED;
	bool is_harder = event == EVENT_END || event == EVENT_DEADLINE || is_notice;
	va_list arguments;

	if (supervisor->phase == PHASE_LEAVE)
		return;
	va_start(arguments, fmt);
	if (!supervisor->is_going || is_harder)
		decide(supervisor, reason, fmt, arguments);
	va_end(arguments);
	supervisor_enter(supervisor,
			 phase_next(supervisor->phase, event, supervisor->seen.busy > 0),
			 clock_monotonic_ms());
}

/* ---- the loop ---- */

static struct phase_due look_at_limits(const struct supervisor *supervisor, int64_t now_ms)
{
	const struct phase_facts facts = {
		.phase = supervisor->phase,
		.now_ms = now_ms,
		.since_ms = supervisor->phase_since_ms,
		.launched_ms = supervisor->machine.identity.launched_monotonic_ms,
		.started_ms = supervisor->started_ms,
		.taken_ms = interruption_look(supervisor->interruption)->taken_ms,
		.contact_ms = supervisor->heartbeat.ok_ms ? supervisor->heartbeat.ok_ms :
							    supervisor->started_ms,
		.is_restart = supervisor->life.starts > 1,
		.is_busy = supervisor->seen.busy > 0,
		.is_running = supervisor->seen.is_running,
		.limits = supervisor->machine.ticket.limits,
	};

	return phase_look(&facts);
}

static void watch_limits(struct supervisor *supervisor)
{
	struct phase_due due = look_at_limits(supervisor, clock_monotonic_ms());
	const char *what = supervisor->init ? "the init script has not ended" : "";

	if (supervisor->is_prove_failing)
		what = supervisor->prove_message;
	if (due.is_due)
		supervisor_go(supervisor, due.event, due.reason, "in phase %s%s%s",
			      phase_name(supervisor->phase), what[0] ? ": " : "", what);
}

static void watch_interruption(struct supervisor *supervisor)
{
	const struct interruption_notice *notice = interruption_look(supervisor->interruption);
	int64_t now_ms = clock_monotonic_ms();

	interruption_turn(supervisor->interruption, supervisor_wall_ms(supervisor), now_ms);
	if (notice->taken_ms)
		supervisor_go(supervisor, EVENT_DRAIN, REASON_INTERRUPTED,
			      "the cloud takes its spot instance back (%s)", notice->action);
	else if (notice->is_rebalance)
		supervisor_go(supervisor, EVENT_DRAIN, REASON_REBALANCE,
			      "the cloud says that it may take its spot instance back soon");
}

static void listen_to_orders(struct supervisor *supervisor)
{
	struct heard heard;

	if (inbox_look(&supervisor->inbox, &supervisor->machine, supervisor->life.orders,
		       clock_monotonic_ms(), &heard))
		obey_heard(supervisor, &heard);
}

static void report(struct supervisor *supervisor)
{
	struct heartbeat *heartbeat = &supervisor->heartbeat;
	int64_t now_ms = clock_monotonic_ms();
	bool is_due = now_ms >= heartbeat->next_ms;
	struct machine_record record;
	struct error err;

	/* A failed report waits for its time, whatever has changed meanwhile. */
	if (!is_due && (!supervisor->wants_report || heartbeat->is_failing))
		return;
	status_record(supervisor, &record);
	if (heartbeat_send(heartbeat, &supervisor->machine, &record, now_ms, clock_wall_ms(),
			   &err) < 0)
		return;
	supervisor->wants_report = false;
	/* Asked only of a server that has just answered: what it costs is bounded. */
	listen_to_orders(supervisor);
}

static int64_t next_moment(const struct supervisor *supervisor, int64_t now_ms)
{
	struct phase_due due = look_at_limits(supervisor, now_ms);
	bool reports_now = supervisor->wants_report && !supervisor->heartbeat.is_failing;
	const int64_t candidates[] = {
		due.is_due || reports_now ? now_ms : due.next_ms,
		supervisor->heartbeat.next_ms,
		control_next_ms(supervisor->control),
		serve_next_ms(supervisor, now_ms),
		notify_next_ms(&supervisor->notify),
		interruption_next_ms(supervisor->interruption, now_ms),
		supervisor->phase == PHASE_PROVE ? supervisor->prove_next_ms : INT64_MAX,
	};
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < ARRAY_LEN(candidates); i++)
		if (candidates[i] < next_ms)
			next_ms = candidates[i];
	return next_ms;
}

static void wait_for_next(struct supervisor *supervisor)
{
	struct pollfd polls[1 + CONTROL_POLLS] = { { supervisor->signal_fd, POLLIN, 0 } };
	size_t count = 1 + control_polls(supervisor->control, polls + 1);
	int64_t now_ms = clock_monotonic_ms();
	int64_t wait_ms = next_moment(supervisor, now_ms) - now_ms;

	if (wait_ms < 0)
		wait_ms = 0;
	/* One more, so that the moment is over and not just reached. */
	(void)poll(polls, count, wait_ms < INT_MAX ? (int)wait_ms + (wait_ms > 0) : INT_MAX);
}

static bool is_left(const struct supervisor *supervisor)
{
	return supervisor->phase == PHASE_LEAVE &&
	       (!supervisor->seen.busy || look_at_limits(supervisor, clock_monotonic_ms()).is_due);
}

static void turn(struct supervisor *supervisor)
{
	const struct control_server server = { obey_command, supervisor };

	obey_signals(supervisor);
	control_turn(supervisor->control, &server, clock_monotonic_ms());
	watch_interruption(supervisor);
	serve_turn(supervisor, clock_monotonic_ms());
	if (supervisor->phase == PHASE_PROVE)
		prove_turn(supervisor, clock_monotonic_ms());
	watch_limits(supervisor);
	report(supervisor);
	if (supervisor->phase == PHASE_SERVE)
		seats_report_workers(supervisor->seats, clock_monotonic_ms());
	notify_turn(&supervisor->notify, clock_monotonic_ms());
}

/* ---- the start ---- */

static int identify(struct supervisor *supervisor, const struct supervisor_options *options,
		    struct error *err)
{
	struct machine *machine = &supervisor->machine;

	if (identity_read(options->provider, machine->folder, &supervisor->note, err) < 0)
		return -1;
	machine->identity = supervisor->note.identity;
	log_open(program, machine->identity.instance, LOG_INFO);
	if (options->instance && strcmp(options->instance, machine->identity.instance) != 0)
		return error_set(
			err, ERROR_CONFIGURATION,
			"MAYFLY_INSTANCE is %s in the environment, but the folder is of %s",
			options->instance, machine->identity.instance);
	return 0;
}

static int open_interruption(struct supervisor *supervisor, struct error *err)
{
	const struct identity *identity = &supervisor->machine.identity;

	if (strcmp(identity->provider, "aws") != 0 || strcmp(identity->market, "spot") != 0)
		return 0;
	return interruption_open(&supervisor->interruption, err);
}

static int open_parts(struct supervisor *supervisor, const struct trust_files *trust,
		      struct error *err)
{
	agent_sweep_stale(&supervisor->machine);
	inbox_open(&supervisor->inbox, trust);
	slot_open(&supervisor->slot, &supervisor->machine);
	if (control_open(supervisor->machine.folder, &supervisor->control, err) < 0 ||
	    open_interruption(supervisor, err) < 0)
		return -1;
	if (seats_open(&supervisor->machine, &supervisor->seats, err) < 0)
		return -1;
	seats_look(supervisor->seats, &supervisor->seen);
	return 0;
}

/* What an earlier process of this machine was told holds on. */
static void resume(struct supervisor *supervisor, bool is_draining)
{
	const struct life *life = &supervisor->life;
	int64_t now_ms = clock_monotonic_ms();

	supervisor->tasks_before = life->tasks_taken;
	if (life->starts > 1)
		log_warn("restart", "start %u of this machine; tasks to adopt: %u", life->starts,
			 supervisor->seen.busy);
	if (life->keep_until_s)
		supervisor->keep_command_ms =
			now_ms + life->keep_until_s * 1000 - supervisor_wall_ms(supervisor);
	if (life->drain[0])
		supervisor_go(supervisor, EVENT_DRAIN, reason_of(life->drain),
			      "as before the restart");
	else if (is_draining)
		supervisor_go(supervisor, EVENT_DRAIN, REASON_SIGTERM, "before the start");
}

/* What a restart may mend is no end of this life: no exit record, status 75. */
static int start_failed(struct supervisor *supervisor, enum reason reason, const struct error *err)
{
	bool is_ours = err->class == ERROR_SYSTEM;

	log_error("start", "%s (%s)", err->message, error_class_name(err->class));
	if (is_ours)
		return reason_exit_status(REASON_SYSTEM);
	supervisor_go(supervisor, EVENT_FAILED, reason, "%s", err->message);
	return leave(supervisor, clock_monotonic_ms());
}

/* The machine may live longer than one that nobody admitted: the last layer, which does not need
 * this process, hears of it. */
static void arm_boot_guard(const struct supervisor *supervisor, const char *path)
{
	const struct machine *machine = &supervisor->machine;
	struct error err;

	if (path && boot_guard_write(path,
				     boot_guard_until_ms(machine->identity.launched_monotonic_ms,
							 machine->ticket.limits.max_life_s),
				     &err) < 0)
		log_failure("boot-guard", &err);
}

static int live(struct supervisor *supervisor, const struct supervisor_options *options)
{
	struct error err;

	supervisor_enter(supervisor, PHASE_IDENTIFY, clock_monotonic_ms());
	if (identify(supervisor, options, &err) < 0)
		return start_failed(supervisor, REASON_IDENTITY, &err);
	supervisor_enter(supervisor, phase_next(supervisor->phase, EVENT_DONE, false),
			 clock_monotonic_ms());
	if (admit(&supervisor->machine, &supervisor->note, &options->trust, &err) < 0)
		return start_failed(supervisor, REASON_ADMISSION, &err);
	arm_boot_guard(supervisor, options->boot_guard);
	if (open_parts(supervisor, &options->trust, &err) < 0)
		return start_failed(supervisor, REASON_FAILED, &err);
	supervisor_enter(supervisor, phase_next(supervisor->phase, EVENT_DONE, false),
			 clock_monotonic_ms());
	resume(supervisor, options->is_draining);
	notify_tell(&supervisor->notify, "READY=1");
	while (!is_left(supervisor)) {
		wait_for_next(supervisor);
		turn(supervisor);
	}
	return leave(supervisor, clock_monotonic_ms());
}

static int open_folder(struct supervisor *supervisor, const char *folder, struct error *err)
{
	char path[MACHINE_PATH_ROOM + 16];

	if (identity_folder(folder, supervisor->machine.folder, err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/run.lock", supervisor->machine.folder);
	if (file_lock(path, &supervisor->lock_fd, err) == 0)
		return 0;
	return err->class == ERROR_CONFLICT ?
		       error_wrap(err, "another bootstrap runs in this folder") :
		       -1;
}

/* Not where another bootstrap lives its life here, or another start may yet. */
static bool is_life_over(int exit_status, const struct error *refusal)
{
	return exit_status != reason_exit_status(REASON_SYSTEM) && refusal->class != ERROR_CONFLICT;
}

/* Before anything of this life was touched. */
static int refused_status(const struct error *err)
{
	if (err->class == ERROR_CONFIGURATION)
		return EXIT_USAGE;
	return err->class == ERROR_CONFLICT ? EXIT_FAILED : reason_exit_status(REASON_SYSTEM);
}

static void close_all(struct supervisor *supervisor)
{
	control_close(supervisor->control);
	init_script_close(supervisor->init);
	interruption_close(supervisor->interruption);
	if (supervisor->seats)
		seats_close(supervisor->seats);
	machine_release(&supervisor->machine);
	notify_close(&supervisor->notify);
	if (supervisor->signal_fd >= 0)
		(void)close(supervisor->signal_fd);
	if (supervisor->lock_fd >= 0)
		(void)close(supervisor->lock_fd);
}

static int run_once(struct supervisor *supervisor, const struct supervisor_options *options)
{
	const char *folder = supervisor->machine.folder;
	int exit_status;
	char reason[24];
	struct error err;

	if (leave_read(folder, &exit_status, reason, &err) == 0) {
		log_warn("over", "this machine has left already (%s): a new one needs a new folder",
			 reason);
		/* Else a service manager takes the end of a good life for a failed start. */
		notify_tell(&supervisor->notify, "READY=1");
		return exit_status;
	}
	if (life_read(folder, &supervisor->life, &err) < 0)
		log_failure("life", &err);
	supervisor->life.starts++;
	supervisor_save_life(supervisor);
	return live(supervisor, options);
}

int supervisor_run(const struct supervisor_options *options)
{
	struct supervisor supervisor = { .signal_fd = -1, .lock_fd = -1, .notify.fd = -1 };
	int exit_status;
	bool is_locked;
	struct error err = { 0 };

	log_open(program, NULL, LOG_INFO);
	supervisor.started_ms = clock_monotonic_ms();
	if (notify_open(getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"),
			&supervisor.notify, &err) < 0)
		log_failure("notify", &err);
	err = (struct error){ 0 };
	ticket_defaults(&supervisor.machine.ticket);
	if (secret_prepare_process(&is_locked, &err) < 0 ||
	    signals_open(&supervisor.signal_fd, &err) < 0 ||
	    open_folder(&supervisor, options->folder, &err) < 0) {
		log_error("start", "%s", err.message);
		exit_status = refused_status(&err);
	} else {
		if (!is_locked)
			log_warn("start", "the limit of locked memory is low: secrets could be "
					  "swapped out (ulimit -l)");
		exit_status = run_once(&supervisor, options);
	}
	close_all(&supervisor);
	if (options->powers_off && is_life_over(exit_status, &err))
		power_off();
	return exit_status;
}
