#include "bootstrap/agent.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootstrap/agent_environment.h"
#include "bootstrap/clearml_conf.h"
#include "common/child.h"
#include "common/file.h"
#include "common/log.h"
#include "common/marked.h"

enum {
	CONF_MAX_BYTES = 1 << 20,
	PATH_ROOM = MACHINE_PATH_ROOM + 64,
	MARKER_ROOM = 256,
	TAIL_MAX_BYTES = 8192,
};

/*
 * A seat's folder is ours, and what the agent's user may write lies below it:
 * so that a task cannot lay a link where we, perhaps as root, write a file.
 */
static void seat_path(const struct machine *machine, unsigned seat, const char *name,
		      char out[static PATH_ROOM])
{
	snprintf(out, PATH_ROOM, "%s/agent/%u%s%s", machine->folder, seat, name[0] ? "/" : "",
		 name);
}

static void marker_of(const struct machine *machine, const struct agent_run *run,
		      char out[static MARKER_ROOM])
{
	snprintf(out, MARKER_ROOM, "MAYFLY_RUN=%s/%u/%s/%u", machine->identity.instance, run->seat,
		 run->task, run->attempt);
}

/* ---- the user that the agent runs as ---- */

struct account {
	uid_t uid;
	gid_t gid;
	bool is_other; /* than ours: folders are given to it, and we drop to it */
};

static int find_account(const char *name, struct account *out, struct error *err)
{
	struct passwd entry, *found = NULL;
	char room[16384];

	*out = (struct account){ geteuid(), getegid(), false };
	if (!name[0])
		return 0;
	int failure = getpwnam_r(name, &entry, room, sizeof(room), &found);
	if (failure || !found)
		return error_set(err, ERROR_CONFIGURATION,
				 "ticket: agent.user: there is no user %s on this machine", name);
	if (found->pw_uid == geteuid())
		return 0;
	if (geteuid() != 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "ticket: agent.user: only root can run the agent as %s: start "
				 "mayfly-bootstrap as root, or leave agent.user out",
				 name);
	if (found->pw_uid == 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "ticket: agent.user: %s is root: name an unprivileged user", name);
	*out = (struct account){ found->pw_uid, found->pw_gid, true };
	return 0;
}

static bool may_enter(const struct stat *folder, const struct account *account)
{
	if (folder->st_uid == account->uid)
		return folder->st_mode & S_IXUSR;
	if (folder->st_gid == account->gid)
		return folder->st_mode & S_IXGRP;
	return folder->st_mode & S_IXOTH;
}

/* The machine's own folder is opened for passing through; one above it is the operator's. */
static int open_way(const struct machine *machine, const struct account *account, struct error *err)
{
	char path[MACHINE_PATH_ROOM];
	struct stat found;

	if (chmod(machine->folder, 0711) < 0)
		return error_errno(err, "chmod 711 %s", machine->folder);
	if (text_copy(path, sizeof(path), slice_of(machine->folder), err) < 0)
		return -1;
	for (char *end = strrchr(path, '/'); end && end != path; end = strrchr(path, '/')) {
		*end = '\0';
		if (stat(path, &found) < 0)
			return error_errno(err, "stat %s", path);
		if (!may_enter(&found, account))
			return error_set(
				err, ERROR_CONFIGURATION,
				"%s: agent.user %s may not pass through: chmod o+x, or put "
				"the machine's folder elsewhere",
				path, machine->ticket.agent.user);
	}
	return 0;
}

static int make_folder(const char *path, mode_t mode, const struct account *owner,
		       struct error *err)
{
	if (file_make_folder(path, mode, err) < 0)
		return -1;
	if (chmod(path, mode) < 0)
		return error_errno(err, "chmod %s", path);
	if (owner && owner->is_other && lchown(path, owner->uid, owner->gid) < 0)
		return error_errno(err, "chown %s", path);
	return 0;
}

static int make_folders(const struct machine *machine, unsigned seat, const struct account *account,
			struct error *err)
{
	mode_t ours = account->is_other ? 0711 : 0700;
	char agents[PATH_ROOM], path[PATH_ROOM];

	if (account->is_other && open_way(machine, account, err) < 0)
		return -1;
	snprintf(agents, sizeof(agents), "%s/agent", machine->folder);
	seat_path(machine, seat, "", path);
	if (make_folder(agents, ours, NULL, err) < 0 || make_folder(path, ours, NULL, err) < 0)
		return -1;
	seat_path(machine, seat, "home", path);
	if (make_folder(path, 0700, account, err) < 0)
		return -1;
	seat_path(machine, seat, "tmp", path);
	return make_folder(path, 0700, account, err);
}

/* ---- start ---- */

static int write_conf(const struct machine *machine, unsigned seat, const struct account *account,
		      struct error *err)
{
	SCOPED(buf) struct buf text = BUF(CONF_MAX_BYTES);
	char path[PATH_ROOM];

	seat_path(machine, seat, "clearml.conf", path);
	if (clearml_conf_print(machine, seat, &text, err) < 0 ||
	    file_write(path, buf_slice(&text), 0600, err) < 0)
		return -1;
	if (account->is_other && lchown(path, account->uid, account->gid) < 0)
		return error_errno(err, "chown %s", path);
	return 0;
}

/* One earlier run's output is kept beside the present one. */
static void turn_console(const struct machine *machine, unsigned seat)
{
	char path[PATH_ROOM], earlier[PATH_ROOM];

	seat_path(machine, seat, "console.log", path);
	seat_path(machine, seat, "console.previous.log", earlier);
	if (rename(path, earlier) < 0 && errno != ENOENT)
		log_warn("console", "%s: cannot be renamed, its lines stay in front", path);
}

static const char **make_argv(const struct machine *machine, const struct agent_run *run)
{
	const char *const rest[] = { "execute",		  "--id",      run->task, "--require-queue",
				     "--full-monitoring", "--cpu-only" };
	char *const *command = machine->ticket.agent.command;
	size_t count = 0;

	while (command && command[count])
		count++;
	const char **argv = memory_array(count + ARRAY_LEN(rest) + 1, sizeof(argv[0]));
	for (size_t i = 0; i < count; i++)
		argv[i] = command[i];
	for (size_t i = 0; i < ARRAY_LEN(rest); i++)
		argv[count + i] = rest[i];
	return argv;
}

static int start_child(const struct machine *machine, const struct agent_run *run,
		       const struct account *account, pid_t *pid, struct error *err)
{
	SCOPED(agent_environment) struct agent_environment environment = { 0 };
	char home[PATH_ROOM], output[PATH_ROOM];

	if (agent_environment_make(machine, run, &environment, err) < 0)
		return -1;
	seat_path(machine, run->seat, "home", home);
	seat_path(machine, run->seat, "console.log", output);
	const char **argv = make_argv(machine, run);
	struct child_spec spec = {
		.argv = argv,
		.environment = (const char *const *)environment.list,
		.folder = home,
		.output = output,
		.uid = account->is_other ? account->uid : 0,
		.gid = account->is_other ? account->gid : 0,
	};
	int result = argv[0][0] == '/' ? child_start(&spec, pid, err) :
					 error_set(err, ERROR_CONFIGURATION,
						   "ticket: agent.command: expected an absolute "
						   "path, got \"%s\"",
						   argv[0]);
	free(argv);
	return result;
}

int agent_check(const struct machine *machine, struct error *err)
{
	SCOPED(agent_environment) struct agent_environment environment = { 0 };
	SCOPED(buf) struct buf text = BUF(CONF_MAX_BYTES);
	const struct agent_run run = { .attempt = 1 };
	struct account account;

	if (find_account(machine->ticket.agent.user, &account, err) < 0 ||
	    agent_environment_make(machine, &run, &environment, err) < 0)
		return -1;
	return clearml_conf_print(machine, 0, &text, err);
}

int agent_start(const struct machine *machine, const struct agent_run *run, pid_t *pid,
		struct error *err)
{
	struct account account;

	if (find_account(machine->ticket.agent.user, &account, err) < 0 ||
	    make_folders(machine, run->seat, &account, err) < 0 ||
	    write_conf(machine, run->seat, &account, err) < 0)
		goto failed;
	turn_console(machine, run->seat);
	if (start_child(machine, run, &account, pid, err) == 0)
		return 0;
failed:
	agent_tidy(machine, run);
	return error_wrap(err, "start clearml-agent for task %s", run->task);
}

/* ---- watch and end ---- */

int agent_is_alive(const struct machine *machine, const struct agent_run *run, bool *is_alive,
		   struct error *err)
{
	SCOPED(marked) struct marked found = { 0 };
	char marker[MARKER_ROOM];

	marker_of(machine, run, marker);
	if (marked_find(marker, &found, err) < 0)
		return -1;
	*is_alive = found.count > 0;
	return 0;
}

/*
 * The agent first: it is the leader of its session (child.h starts it so), and
 * seeing its task die it would write a status of its own. Whoever else leads a
 * session may die in the same breath.
 */
static int kill_leaders(const char *marker, struct error *err)
{
	SCOPED(marked) struct marked found = { 0 };

	if (marked_find(marker, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		if (getsid(found.pids[i]) == found.pids[i])
			kill(found.pids[i], SIGKILL);
	return 0;
}

int agent_kill(const struct machine *machine, const struct agent_run *run, int64_t timeout_ms,
	       struct error *err)
{
	char marker[MARKER_ROOM];

	marker_of(machine, run, marker);
	if (kill_leaders(marker, err) < 0 || marked_kill(marker, 0, 0, timeout_ms, err) < 0)
		return error_wrap(err, "end the run of task %s", run->task);
	return 0;
}

void agent_tidy(const struct machine *machine, const struct agent_run *run)
{
	struct error err = { 0 };
	char path[PATH_ROOM];

	seat_path(machine, run->seat, "clearml.conf", path);
	if (file_remove(path, &err) < 0)
		log_failure("tidy", &err);
	/* clearml-agent's own copy of it, and its scripts with the git token. */
	seat_path(machine, run->seat, "tmp", path);
	if (file_remove_tree(path, &err) < 0)
		log_failure("tidy", &err);
}

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
	char path[PATH_ROOM], bytes[TAIL_MAX_BYTES];
	size_t room = out->overflowed ? 0 : out->limit - out->len;

	seat_path(machine, run->seat, "console.log", path);
	if (room > sizeof(bytes))
		room = sizeof(bytes);
	size_t len = read_tail(path, bytes, room);
	struct slice text = { bytes, len };
	add_printable(len == room ? whole_lines(text) : text, out);
}
