#include "bootstrap/agent_mode.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootstrap/agent_environment.h"
#include "bootstrap/agent_home.h"
#include "bootstrap/agent_room.h"
#include "bootstrap/clearml_conf.h"
#include "common/child.h"
#include "common/file.h"
#include "common/log.h"
#include "common/marked.h"

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
	char agents[AGENT_PATH_ROOM], path[AGENT_PATH_ROOM];

	if (account->is_other && open_way(machine, account, err) < 0)
		return -1;
	snprintf(agents, sizeof(agents), "%s/agent", machine->folder);
	agent_path(machine, seat, "", path);
	if (make_folder(agents, ours, NULL, err) < 0 || make_folder(path, ours, NULL, err) < 0)
		return -1;
	agent_path(machine, seat, "home", path);
	if (make_folder(path, 0700, account, err) < 0)
		return -1;
	agent_path(machine, seat, "tmp", path);
	return make_folder(path, 0700, account, err);
}

/* ---- start ---- */

/* Anew each time: the one of a start that was cut off may be another user's already. */
static int make_room(const struct machine *machine, unsigned seat, const struct account *account,
		     struct error *err)
{
	struct agent_room room;
	char home[AGENT_PATH_ROOM];

	if (agent_room_remove(machine, seat, err) < 0 ||
	    agent_room_make(machine, seat, &room, err) < 0 ||
	    agent_fill_room(machine, seat, &room, room.ssh, err) < 0)
		return -1;
	if (account->is_other && agent_room_give(&room, account->uid, account->gid, err) < 0)
		return -1;
	agent_path(machine, seat, "home", home);
	return agent_home_link(home, room.files, &machine->bundle, account->uid, account->gid, err);
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
	char home[AGENT_PATH_ROOM], output[AGENT_PATH_ROOM];

	if (agent_environment_make(machine, run, &environment, err) < 0)
		return -1;
	agent_path(machine, run->seat, "home", home);
	agent_path(machine, run->seat, "console.log", output);
	const char **argv = make_argv(machine, run);
	struct child_spec spec = {
		.argv = argv,
		.environment = (const char *const *)environment.list,
		.folder = home,
		.output = output,
		.uid = account->is_other ? account->uid : 0,
		.gid = account->is_other ? account->gid : 0,
		.is_expendable = true,
	};
	int result = argv[0][0] == '/' ? child_start(&spec, pid, err) :
					 error_set(err, ERROR_CONFIGURATION,
						   "ticket: agent.command: expected an absolute "
						   "path, got \"%s\"",
						   argv[0]);
	free(argv);
	return result;
}

static void tidy(const struct machine *machine, const struct agent_run *run)
{
	struct error err = { 0 };
	char path[AGENT_PATH_ROOM];

	if (agent_room_remove(machine, run->seat, &err) < 0)
		log_failure("tidy", &err);
	/* clearml-agent's scripts with the git token, which it has removed unless it was killed. */
	agent_path(machine, run->seat, "tmp", path);
	if (file_remove_tree(path, &err) < 0)
		log_failure("tidy", &err);
}

static int check(const struct machine *machine, struct error *err)
{
	SCOPED(agent_environment) struct agent_environment environment = { 0 };
	SCOPED(buf) struct buf text = BUF(AGENT_CONF_MAX);
	const struct agent_run run = { .attempt = 1 };
	struct account account;

	if (find_account(machine->ticket.agent.user, &account, err) < 0 ||
	    agent_home_check(&machine->bundle, err) < 0 || agent_room_prepare(err) < 0 ||
	    agent_environment_make(machine, &run, &environment, err) < 0)
		return -1;
	return clearml_conf_print(machine, 0, &text, err);
}

static int start_run(const struct machine *machine, const struct agent_run *run, pid_t *pid,
		     struct error *err)
{
	struct account account;

	if (find_account(machine->ticket.agent.user, &account, err) < 0 ||
	    make_folders(machine, run->seat, &account, err) < 0 ||
	    make_room(machine, run->seat, &account, err) < 0)
		goto failed;
	agent_turn_console(machine, run->seat);
	if (start_child(machine, run, &account, pid, err) == 0)
		return 0;
failed:
	tidy(machine, run);
	return error_wrap(err, "start clearml-agent for task %s", run->task);
}

/* ---- watch and end ---- */

static int is_alive_run(const struct machine *machine, const struct agent_run *run, bool *is_alive,
			struct error *err)
{
	SCOPED(marked) struct marked found = { 0 };
	char marker[AGENT_MARK_ROOM];

	agent_run_mark(machine, run, marker);
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

static int kill_run(const struct machine *machine, const struct agent_run *run, int64_t timeout_ms,
		    struct error *err)
{
	char marker[AGENT_MARK_ROOM];

	agent_run_mark(machine, run, marker);
	if (kill_leaders(marker, err) < 0 || marked_kill(marker, 0, 0, timeout_ms, err) < 0)
		return error_wrap(err, "end the run of task %s", run->task);
	return 0;
}

const struct agent_mode_verbs agent_host_verbs = {
	.check = check,
	.start = start_run,
	.is_alive = is_alive_run,
	.kill = kill_run,
	.tidy = tidy,
};
