#include "bootstrap/check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bootstrap/admit.h"
#include "bootstrap/agent_room.h"
#include "bootstrap/gates.h"
#include "bootstrap/init_script.h"
#include "bootstrap/life.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/machine_record.h"
#include "common/reason.h"

enum { PULL_LOOK_MS = 200 };

static void say(const char *outcome, const char *name, const char *found)
{
	printf("%-8s %-9s %s\n", outcome, name, found);
	(void)fflush(stdout);
}

/* An image that comes is waited for, here. */
static int prove(enum gate gate, const struct machine *machine, struct buf *found,
		 struct error *err)
{
	int result = gate_prove(gate, machine, found, err);

	while (result < 0 && gate == GATE_IMAGE && err->class == ERROR_UNREACHABLE) {
		clock_sleep_ms(PULL_LOOK_MS);
		images_turn(machine->images, clock_monotonic_ms());
		result = gate_prove(gate, machine, found, err);
	}
	return result;
}

static bool check_gate(enum gate gate, const struct machine *machine)
{
	SCOPED(buf) struct buf found = BUF(512);
	struct error err;

	if (prove(gate, machine, &found, &err) < 0) {
		say("FAILED", gate_name(gate), err.message);
		return false;
	}
	say("ok", gate_name(gate), buf_text(&found));
	return true;
}

/* Does a bootstrap live in this folder? Its containers and folders are not to be touched. */
static bool is_lived_in(const struct machine *machine)
{
	char path[MACHINE_PATH_ROOM + 16];
	struct error err;
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/run.lock", machine->folder);
	if (!file_exists(path))
		return false;
	if (file_lock(path, &fd, &err) < 0)
		return true;
	(void)close(fd);
	return false;
}

/* What asks ClearML is not asked when it does not answer. */
static bool check_gates(const struct machine *machine, bool is_admitted)
{
	bool is_well = true, has_clearml = true;

	for (int gate = 0; gate < GATE_COUNT; gate++) {
		bool needs_clearml = gate > GATE_CLEARML;

		if (!gate_applies((enum gate)gate, &machine->ticket))
			continue;
		if (needs_clearml && !has_clearml) {
			say("skipped", gate_name((enum gate)gate), "ClearML did not answer");
			continue;
		}
		if (gate == GATE_DAY && is_admitted) {
			say("skipped", gate_name(GATE_DAY), "was admitted before");
			continue;
		}
		if (gate == GATE_AGENT && machine->engine && is_lived_in(machine)) {
			say("skipped", gate_name(GATE_AGENT),
			    "a machine lives here: it has seen to it");
			continue;
		}
		bool has_passed = check_gate((enum gate)gate, machine);

		is_well = is_well && has_passed;
		if (gate == GATE_CLEARML)
			has_clearml = has_passed;
	}
	return is_well;
}

/* Not run here: it may change the machine. */
static bool check_init(const struct machine *machine)
{
	SCOPED(buf) struct buf found = BUF(1024);
	struct error err;

	if (init_script_look(machine, &found, &err) < 0) {
		say("FAILED", "init", err.message);
		return false;
	}
	say("ok", "init", buf_text(&found));
	return true;
}

static bool check_slot(const struct machine *machine)
{
	SCOPED(clearml_workers) struct clearml_workers workers = { 0 };
	SCOPED(buf) struct buf text = BUF(4096);
	struct error err;

	if (clearml_workers(machine->clearml, machine->ticket.prefix, &workers, &err) < 0) {
		say("FAILED", "slot", err.message);
		return false;
	}
	for (size_t i = 0; i < workers.count; i++) {
		struct machine_record record = { 0 };

		if (machine_record_read(&workers.list[i], machine->ticket.prefix, &record, &err) <
			    0 ||
		    strcmp(record.resource, machine->ticket.resource) != 0 ||
		    record.slot != machine->ticket.slot || !strcmp(record.phase, "left"))
			continue;
		buf_addf(&text, "%s%s (%s)", text.len ? ", " : "listed there: ", record.instance,
			 record.phase);
	}
	/* A lingering record settles itself in two minutes: this is news, no refusal. */
	say("ok", "slot", text.len ? buf_text(&text) : "nobody listed there");
	return true;
}

/* The agent's gate has made the first seat's folder on tmpfs. */
static void leave_no_room(const struct machine *machine)
{
	struct error err = { 0 };

	if (machine->engine && !is_lived_in(machine) &&
	    agent_room_remove_all(machine->identity.instance, false, &err) < 0)
		log_failure("check", &err);
}

static bool check_all(struct machine *machine, const char *provider,
		      const struct trust_files *trust)
{
	SCOPED(buf) struct buf text = BUF(1024);
	struct launch_note note;
	struct life life = { 0 };
	struct error err;

	if (identity_read(provider, machine->folder, &note, &err) < 0) {
		say("FAILED", "identity", err.message);
		return false;
	}
	machine->identity = note.identity;
	buf_addf(&text, "%s, %s in %s, %s", note.identity.instance, note.identity.type,
		 note.identity.zone, note.identity.market);
	say("ok", "identity", buf_text(&text));
	if (admit(machine, &note, trust, &err) < 0) {
		say("FAILED", "admit", err.message);
		return false;
	}
	buf_clear(&text);
	buf_addf(&text,
		 "ticket and bundle are signed, whole and meant for this machine: resource %s, "
		 "slot %u, generation %u",
		 note.resource, note.slot, note.generation);
	say("ok", "admit", buf_text(&text));
	if (life_read(machine->folder, &life, &err) < 0) {
		say("FAILED", "life", err.message);
		return false;
	}
	bool is_well = check_init(machine);

	is_well = check_gates(machine, life_is_admitted(&life)) && is_well;
	leave_no_room(machine);
	return is_well && check_slot(machine);
}

int check_run(const char *folder, const char *provider, const struct trust_files *trust)
{
	struct machine machine = { 0 };
	bool is_locked;
	struct error err;

	log_open("mayfly-bootstrap", "check", LOG_ERROR);
	if (identity_folder(folder, machine.folder, &err) < 0) {
		say("FAILED", "folder", err.message);
		return reason_exit_status(REASON_IDENTITY);
	}
	ticket_defaults(&machine.ticket);
	bool is_well = secret_prepare_process(&is_locked, &err) == 0 &&
		       check_all(&machine, provider, trust);

	machine_release(&machine);
	return is_well ? 0 : reason_exit_status(REASON_GATE);
}
