#include "bootstrap/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bootstrap/agent_mode.h"
#include "bootstrap/agent_processes.h"
#include "bootstrap/agent_ssh.h"
#include "bootstrap/clearml_conf.h"
#include "common/log.h"

enum { TAIL_MAX_BYTES = 8192 };

/* ---- what both modes do alike ---- */

/*
 * A seat's folder is ours, and what the agent's user may write lies below it:
 * so that a task cannot lay a link where we, perhaps as root, write a file.
 */
void agent_path(const struct machine *machine, unsigned seat, const char *name,
		char out[static AGENT_PATH_ROOM])
{
	snprintf(out, AGENT_PATH_ROOM, "%s/agent/%u%s%s", machine->folder, seat, name[0] ? "/" : "",
		 name);
}

void agent_run_text(const struct agent_run *run, char out[static ENGINE_RUN_ROOM])
{
	snprintf(out, ENGINE_RUN_ROOM, "%u/%s/%u", run->seat, run->task, run->attempt);
}

void agent_run_mark(const struct machine *machine, const struct agent_run *run,
		    char out[static AGENT_MARK_ROOM])
{
	char text[ENGINE_RUN_ROOM];

	agent_run_text(run, text);
	snprintf(out, AGENT_MARK_ROOM, "MAYFLY_RUN=%s/%s", machine->identity.instance, text);
}

void agent_turn_console(const struct machine *machine, unsigned seat)
{
	char path[AGENT_PATH_ROOM], earlier[AGENT_PATH_ROOM];

	agent_path(machine, seat, "console.log", path);
	agent_path(machine, seat, "console.previous.log", earlier);
	if (rename(path, earlier) < 0 && errno != ENOENT)
		log_warn("console", "%s: cannot be renamed, its lines stay in front", path);
}

int agent_fill_room(const struct machine *machine, unsigned seat, const struct agent_room *room,
		    const char *ssh_seen_at, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(AGENT_CONF_MAX);
	const struct bundle_ssh *ssh = &machine->bundle.ssh;

	if (clearml_conf_print(machine, seat, &text, err) < 0 ||
	    file_write(room->conf, buf_slice(&text), 0600, err) < 0)
		return -1;
	return ssh->key.len ? agent_ssh_write(room->ssh, ssh_seen_at, ssh, err) : 0;
}

/* ---- the output ---- */

static size_t read_tail(const char *path, char *bytes, size_t room)
{
	FILE *file = fopen(path, "re");
	size_t len = 0;

	if (!file)
		return 0;
	if (fseek(file, 0, SEEK_END) == 0) {
		long size = ftell(file);
		long from = size > (long)room ? size - (long)room : 0;
		if (fseek(file, from, SEEK_SET) == 0)
			len = fread(bytes, 1, room, file);
	}
	fclose(file);
	return len;
}

/* From the start of a line, if there is one: also so that no character is cut. */
static struct slice whole_lines(struct slice text)
{
	const char *end = text.len ? memchr(text.ptr, '\n', text.len - 1) : NULL;

	if (!end)
		return text;
	size_t cut = (size_t)(end + 1 - text.ptr);
	return (struct slice){ text.ptr + cut, text.len - cut };
}

static void add_printable(struct slice text, struct buf *out)
{
	uint32_t character;

	while (text.len) {
		size_t len = text_character(text, &character);
		bool is_shown = len && character != 0x7f &&
				(character == '\n' || character == '\t' || character >= 0x20);

		buf_add(out, is_shown ? (struct slice){ text.ptr, len } : slice_of(" "));
		len = len ? len : 1;
		text.ptr += len;
		text.len -= len;
	}
}

void agent_console_tail(const struct machine *machine, const struct agent_run *run, struct buf *out)
{
	char path[AGENT_PATH_ROOM], bytes[TAIL_MAX_BYTES];
	size_t room = out->overflowed ? 0 : out->limit - out->len;

	agent_path(machine, run->seat, "console.log", path);
	if (room > sizeof(bytes))
		room = sizeof(bytes);
	size_t len = read_tail(path, bytes, room);
	struct slice text = { bytes, len };
	add_printable(len == room ? whole_lines(text) : text, out);
}

/* ---- by mode ---- */

static const struct agent_mode_verbs *verbs_of(const struct machine *machine)
{
	return machine->ticket.agent.mode == AGENT_DOCKER ? &agent_docker_verbs : &agent_host_verbs;
}

int agent_check(const struct machine *machine, struct error *err)
{
	return verbs_of(machine)->check(machine, err);
}

int agent_prepare(const struct machine *machine, const struct clearml_task *task,
		  const struct agent_wish *wish, struct agent_news *news, struct error *err)
{
	const struct agent_mode_verbs *verbs = verbs_of(machine);

	*news = (struct agent_news){ .is_ready = true };
	return verbs->prepare ? verbs->prepare(machine, task, wish, news, err) : 0;
}

int agent_start(const struct machine *machine, const struct agent_run *run, pid_t *pid,
		struct error *err)
{
	return verbs_of(machine)->start(machine, run, pid, err);
}

int agent_is_alive(const struct machine *machine, const struct agent_run *run, bool *is_alive,
		   struct error *err)
{
	return verbs_of(machine)->is_alive(machine, run, is_alive, err);
}

int agent_examine(const struct machine *machine, const struct agent_run *run, struct error *err)
{
	const struct agent_mode_verbs *verbs = verbs_of(machine);
	struct agent_room room;
	struct error why;

	if (agent_room_name(machine, run->seat, &room, &why) < 0 ||
	    agent_room_trim(&room, &why) < 0)
		log_failure("trim", &why);
	return verbs->examine ? verbs->examine(machine, run, err) : 0;
}

int agent_save(const struct machine *machine, const struct agent_run *run, int64_t timeout_ms,
	       struct error *err)
{
	const struct agent_mode_verbs *verbs = verbs_of(machine);
	char mark[AGENT_MARK_ROOM];

	agent_run_mark(machine, run, mark);
	if ((verbs->silence && verbs->silence(machine, run, timeout_ms, err) < 0) ||
	    agent_processes_tell(mark, err) < 0)
		return error_wrap(err, "tell task %s that the machine ends", run->task);
	return 0;
}

int agent_has_saved(const struct machine *machine, const struct agent_run *run, bool *has_saved,
		    struct error *err)
{
	char mark[AGENT_MARK_ROOM];

	agent_run_mark(machine, run, mark);
	return agent_processes_have_ended(mark, has_saved, err);
}

int agent_kill(const struct machine *machine, const struct agent_run *run, int64_t timeout_ms,
	       struct error *err)
{
	return verbs_of(machine)->kill(machine, run, timeout_ms, err);
}

void agent_look(const struct machine *machine, const struct agent_run *run, struct engine_run *out)
{
	char text[ENGINE_RUN_ROOM];

	*out = (struct engine_run){ .exit_code = -1 };
	agent_run_text(run, text);
	if (machine->engine)
		engine_look_run(machine->engine, text, out);
}

void agent_tidy(const struct machine *machine, const struct agent_run *run)
{
	verbs_of(machine)->tidy(machine, run);
}
