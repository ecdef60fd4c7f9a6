#include "bootstrap/agent_environment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap/agent_mode.h"
#include "bootstrap/agent_room.h"
#include "bootstrap/agent_ssh.h"

static const char *const reserved[] = {
	"HOME",
	"TMPDIR",
	"CLEARML_CONFIG_FILE",
	"CLEARML_AGENT_TEMP_STDOUT_FILE_DIR",
	"CLEARML_WORKER_ID",
	"MAYFLY_INSTANCE",
	"MAYFLY_RUN",
	"CLEARML_AGENT_DISABLE_SSH_MOUNT",
	"CLEARML_AGENT_ENABLE_FILES_CONFIG_SECTION",
	"CLEARML_AGENT_DOCKER_HOST_MOUNT",
	"CLEARML_AGENT_K8S_HOST_MOUNT",
	"CLEARML_AGENT_EXTRA_DOCKER_ARGS",
	"CLEARML_AGENT_EXTRA_DOCKER_LABELS",
	"CLEARML_AGENT_DOCKER_ARGS_FILTERS",
};

static bool has_same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return len == strcspn(b, "=") && !strncmp(a, b, len);
}

/* Takes the text over; the one of its name that stands there is replaced. */
static void add(struct agent_environment *environment, char *variable)
{
	for (size_t i = 0; i < environment->count; i++)
		if (has_same_name(environment->list[i], variable)) {
			free(environment->list[i]);
			environment->list[i] = variable;
			return;
		}
	environment->list = memory_grow(environment->list, environment->count + 2,
					sizeof(environment->list[0]));
	environment->list[environment->count++] = variable;
	environment->list[environment->count] = NULL;
}

PRINTF(2, 3)
static void addf(struct agent_environment *environment, const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	add(environment, text);
}

static int add_ticket(const struct ticket_agent *agent, struct agent_environment *out,
		      struct error *err)
{
	for (char **variable = agent->environment; variable && *variable; variable++) {
		size_t name_len = strcspn(*variable, "=");

		if (!name_len || !(*variable)[name_len])
			return error_set(err, ERROR_CONFIGURATION,
					 "ticket: agent.environment: expected NAME=value");
		for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
			if (has_same_name(*variable, reserved[i]))
				return error_set(err, ERROR_CONFIGURATION,
						 "ticket: agent.environment: %s is set by "
						 "mayfly-bootstrap itself: remove it",
						 reserved[i]);
		add(out, memory_text(slice_of(*variable)));
	}
	return 0;
}

int agent_environment_make(const struct machine *machine, const struct agent_run *run,
			   struct agent_environment *out, struct error *err)
{
	SCOPED(agent_environment) struct agent_environment made = { 0 };
	const char *folder = machine->folder, *instance = machine->identity.instance;
	struct agent_room room;

	if (agent_room_name(machine, run->seat, &room, err) < 0)
		return -1;
	addf(&made, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	addf(&made, "LANG=C.UTF-8");
	addf(&made, "PYTHONUNBUFFERED=1");
	addf(&made, "HOME=%s/agent/%u/home", folder, run->seat);
	addf(&made, "TMPDIR=%s/agent/%u/tmp", folder, run->seat);
	addf(&made, "CLEARML_CONFIG_FILE=%s", room.conf);
	/* Its copy of that goes there, too, and not to TMPDIR, where gigabytes are built. */
	addf(&made, "CLEARML_AGENT_TEMP_STDOUT_FILE_DIR=%s", room.scratch);
	addf(&made, "CLEARML_WORKER_ID=%s", run->worker);
	addf(&made, "CLEARML_WORKER_TAGS=role:seat instance:%s", instance);
	addf(&made, "CLEARML_SUPPRESS_UPDATE_MESSAGE=1");
	addf(&made, "%s", machine->marker);
	addf(&made, "MAYFLY_RUN=%s/%u/%s/%u", instance, run->seat, run->task, run->attempt);
	if (machine->bundle.ssh.key.len) {
		char command[AGENT_SSH_COMMAND];

		agent_ssh_command(room.ssh, command);
		addf(&made, "GIT_SSH_COMMAND=%s", command);
	}
	if (add_ticket(&machine->ticket.agent, &made, err) < 0)
		return -1;
	*out = made;
	made = (struct agent_environment){ 0 };
	return 0;
}

/* ---- in a container ---- */

enum { WORDS_MAX = 64 << 10 };

/* One word of a list that the agent takes apart as a shell would. */
static void add_word(struct buf *list, const char *before, const char *word)
{
	buf_addf(list, "%s'%s", list->len ? " " : "", before);
	for (; *word; word++)
		buf_add(list, *word == '\'' ? slice_of("'\\''") : (struct slice){ word, 1 });
	buf_add(list, slice_of("'"));
}

/* Each label twice: before what the task brings, whatever that makes of the rest, ... */
static void add_label(struct buf *words, const char *name, const char *value)
{
	add_word(words, "", "--label");
	add_word(words, name, value);
}

/* ... and behind it, since of two the last one counts. */
static void add_docker_labels(const struct machine *machine, const struct agent_run *run,
			      struct agent_environment *out)
{
	SCOPED(buf) struct buf words = BUF(WORDS_MAX);
	char text[ENGINE_RUN_ROOM];

	agent_run_text(run, text);
	add_word(&words, "mayfly.instance=", machine->identity.instance);
	add_word(&words, "mayfly.run=", text);
	add_word(&words, "mayfly.role=", "task");
	addf(out, "CLEARML_AGENT_EXTRA_DOCKER_LABELS=%s", buf_text(&words));
}

/*
 * What every task's container is started with; the marks, so that its processes are found too.
 */
static int add_docker_arguments(const struct machine *machine, const struct agent_run *run,
				struct agent_environment *made, struct error *err)
{
	static const char *const passed_on[] = { "MAYFLY_INSTANCE", "MAYFLY_RUN" };
	const struct ticket_agent *agent = &machine->ticket.agent;
	SCOPED(buf) struct buf words = BUF(WORDS_MAX);

	char text[ENGINE_RUN_ROOM];

	agent_run_text(run, text);
	add_label(&words, "mayfly.instance=", machine->identity.instance);
	add_label(&words, "mayfly.run=", text);
	add_label(&words, "mayfly.role=", "task");
	add_word(&words, "--network=", agent->docker.network);
	for (size_t i = 0; i < made->count; i++)
		for (size_t j = 0; j < ARRAY_LEN(passed_on); j++)
			if (has_same_name(made->list[i], passed_on[j])) {
				add_word(&words, "", "-e");
				add_word(&words, "", made->list[i]);
			}
	for (char **variable = agent->environment; variable && *variable; variable++) {
		add_word(&words, "", "-e");
		add_word(&words, "", *variable);
	}
	for (char **word = agent->docker.arguments; word && *word; word++)
		add_word(&words, "", *word);
	if (buf_finish(&words, err) < 0)
		return error_wrap(err, "ticket: agent.docker.arguments");
	addf(made, "CLEARML_AGENT_EXTRA_DOCKER_ARGS=%s", buf_text(&words));
	return 0;
}

int agent_environment_contained(const struct machine *machine, const struct agent_run *run,
				const char *host_folder, struct agent_environment *out,
				struct error *err)
{
	SCOPED(agent_environment) struct agent_environment made = { 0 };
	const char *instance = machine->identity.instance;
	const char *version = machine->engine ? engine_agent_version(machine->engine) : "";

	addf(&made, "PYTHONUNBUFFERED=1");
	addf(&made, "CLEARML_CONFIG_FILE=/root/clearml.conf");
	addf(&made, "CLEARML_WORKER_ID=%s", run->worker);
	addf(&made, "CLEARML_WORKER_TAGS=role:seat instance:%s", instance);
	addf(&made, "CLEARML_SUPPRESS_UPDATE_MESSAGE=1");
	/* Its copies of secrets go to the tmpfs; and what tasks are given as files is their own
	 * container's business alone. */
	addf(&made, "TMPDIR=/root/.clearml/tmp");
	addf(&made, "CLEARML_AGENT_ENABLE_FILES_CONFIG_SECTION=false");
	if (!machine->bundle.ssh.key.len)
		addf(&made, "CLEARML_AGENT_DISABLE_SSH_MOUNT=1");
	/* The official image sets it, and then tasks would get no --gpus; empty is unset. */
	addf(&made, "CLEARML_DOCKER_SKIP_GPUS_FLAG=");
	addf(&made, "CLEARML_AGENT_DOCKER_HOST_MOUNT=%s:/root/.clearml", host_folder);
	/* The one in the task's container shall be of the same version. */
	if (version[0])
		addf(&made, "CLEARML_AGENT_DOCKER_AGENT_REPO=clearml-agent==%s", version);
	addf(&made, "%s", machine->marker);
	addf(&made, "MAYFLY_RUN=%s/%u/%s/%u", instance, run->seat, run->task, run->attempt);
	if (add_ticket(&machine->ticket.agent, &made, err) < 0)
		return -1;
	add_docker_labels(machine, run, &made);
	if (add_docker_arguments(machine, run, &made, err) < 0)
		return -1;
	*out = made;
	made = (struct agent_environment){ 0 };
	return 0;
}

void agent_environment_release(struct agent_environment *environment)
{
	for (size_t i = 0; i < environment->count; i++)
		free(environment->list[i]);
	free(environment->list);
	*environment = (struct agent_environment){ 0 };
}
