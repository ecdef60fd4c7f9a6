#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bootstrap/agent_sweep.h"
#include "bootstrap/status.h"
#include "bootstrap/supervisor.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/marked.h"

enum { CALL_TIMEOUT_MS = 3000, KILL_TIMEOUT_MS = 10000, RECORD_MAX = 8192 };

static void record_path(const char *folder, char path[static MACHINE_PATH_ROOM + 16])
{
	(void)snprintf(path, MACHINE_PATH_ROOM + 16, "%s/last-life.json", folder);
}

static void add_facts(const struct supervisor *supervisor, struct json *root)
{
	const struct machine *machine = &supervisor->machine;

	json_add_text(root, "instance", machine->identity.instance);
	json_add_text(root, "resource", supervisor->note.resource);
	json_add_integer(root, "slot", supervisor->note.slot);
	json_add_integer(root, "generation", supervisor->note.generation);
	json_add_text(root, "reason", reason_word(supervisor->reason));
	json_add_text(root, "detail", supervisor->detail);
	json_add_text(root, "phase", phase_name(supervisor->left_from));
	json_add_integer(root, "exit_status", reason_exit_status(supervisor->reason));
	json_add_integer(root, "launched_s", machine->identity.launched_s);
	json_add_integer(root, "ended_s", clock_wall_ms() / 1000);
	json_add_integer(root, "tasks_taken", supervisor->life.tasks_taken);
	json_add_integer(root, "restarts",
			 supervisor->life.starts ? supervisor->life.starts - 1 : 0);
	struct json *unfinished = json_add_list(root, "unfinished");

	for (size_t i = 0; i < supervisor->seen.task_count; i++)
		json_add_text(unfinished, NULL, supervisor->seen.tasks[i]);
}

static int write_record(const struct supervisor *supervisor, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(RECORD_MAX);
	char path[MACHINE_PATH_ROOM + 16];

	json_new_object(&document);
	add_facts(supervisor, document.root);
	json_print(document.root, true, &text);
	record_path(supervisor->machine.folder, path);
	if (buf_finish(&text, err) < 0)
		return -1;
	return file_write(path, buf_slice(&text), 0600, err);
}

int leave_read(const char *folder, int *exit_status, char reason[static 24], struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(RECORD_MAX);
	char path[MACHINE_PATH_ROOM + 16];
	int64_t status;
	const char *word;

	record_path(folder, path);
	if (file_read(path, &text, err) < 0)
		return -1;
	if (json_parse(buf_slice(&text), &document, err) < 0 ||
	    json_integer(document.root, "exit_status", &status, err) < 0 ||
	    json_text(document.root, "reason", &word, err) < 0)
		return error_wrap(err, "%s", path);
	*exit_status = (int)(status & 0xff);
	text_cut(reason, 24, word);
	return 0;
}

/* The machine is gone when its processes are. The parent may be our keeper, which
 * bears the mark too: it ends by itself, after us. */
static void kill_survivors(const struct machine *machine)
{
	struct error err;

	if (marked_kill(machine->marker, getppid(), 0, KILL_TIMEOUT_MS, &err) < 0)
		log_failure("survivors", &err);
}

static void say_goodbye(struct supervisor *supervisor, int64_t now_ms)
{
	struct machine_record record;
	struct error err;

	status_record(supervisor, &record);
	text_cut(record.phase, sizeof(record.phase), "left");
	record.claim = CLAIM_NONE;
	record.free_seats = 0;
	if (heartbeat_send(&supervisor->heartbeat, &supervisor->machine, &record, now_ms,
			   clock_wall_ms(), &err) < 0)
		log_failure("goodbye", &err);
}

/* ClearML has refused or missed every report so far: there is nobody to say goodbye to. */
static bool is_unknown(const struct heartbeat *heartbeat)
{
	return heartbeat->is_failing && !heartbeat->ok_ms;
}

int leave(struct supervisor *supervisor, int64_t now_ms)
{
	struct machine *machine = &supervisor->machine;
	int exit_status = reason_exit_status(supervisor->reason);
	struct error err;

	notify_tell(&supervisor->notify, "STOPPING=1");

	bool has_record = machine->clearml && !is_unknown(&supervisor->heartbeat);

	if (has_record)
		clearml_set_timeout(machine->clearml, CALL_TIMEOUT_MS);
	if (has_record && supervisor->seats)
		seats_unregister(supervisor->seats);
	init_script_close(supervisor->init);
	supervisor->init = NULL;
	if (machine->marker[0])
		kill_survivors(machine);
	if (has_record)
		say_goodbye(supervisor, now_ms);
	if (write_record(supervisor, &err) < 0)
		log_failure("record", &err);
	/* Last, since an engine may take its time: nothing lives any more, and all is said. */
	if (machine->marker[0])
		agent_sweep(&machine->ticket, machine->identity.instance);
	log_info("left", "%s%s%s; exit status %d", reason_word(supervisor->reason),
		 supervisor->detail[0] ? ": " : "", supervisor->detail, exit_status);
	return exit_status;
}
