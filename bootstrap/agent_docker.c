#include "bootstrap/agent_mode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bootstrap/agent_environment.h"
#include "bootstrap/agent_room.h"
#include "bootstrap/clearml_conf.h"
#include "bootstrap/docker_policy.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/marked.h"

enum {
	LOG_MAX_MEGABYTES = 20,
	CONSOLE_LINES = 400,
	CONSOLE_MAX = 256 << 10,
	ARGUMENTS_MAX = 64 << 10,
	REFUSED_MAX = 1024,
	BIND_ROOM = 2 * TICKET_PATH_ROOM + 32,
	LABEL_ROOM = ENGINE_RUN_ROOM + 32,
	LABEL_COUNT = 3,
	KILL_LOOK_MS = 200,
	COMMAND_MAX = 16,
};

struct labels {
	char text[LABEL_COUNT][LABEL_ROOM];
	const char *list[LABEL_COUNT + 1]; /* NULL-terminated */
};

/* role NULL: whatever role. */
static void make_labels(const struct machine *machine, const struct agent_run *run,
			const char *role, struct labels *out)
{
	char text[ENGINE_RUN_ROOM];
	size_t count = 0;

	*out = (struct labels){ 0 };
	agent_run_text(run, text);
	(void)snprintf(out->text[count++], LABEL_ROOM, "mayfly.instance=%s",
		       machine->identity.instance);
	(void)snprintf(out->text[count++], LABEL_ROOM, "mayfly.run=%s", text);
	if (role)
		(void)snprintf(out->text[count++], LABEL_ROOM, "mayfly.role=%s", role);
	for (size_t i = 0; i < count; i++)
		out->list[i] = out->text[i];
}

static struct docker *docker_of(const struct machine *machine)
{
	return engine_docker(machine->engine);
}

static int list_containers(const struct machine *machine, const struct agent_run *run,
			   const char *role, struct docker_containers *out, struct error *err)
{
	struct labels labels;

	/* Not met yet, or away: known to be unknown, without a call that would wait. */
	if (!engine_answers(machine->engine))
		return error_set(err, ERROR_UNREACHABLE,
				 "the container engine at %s does not answer",
				 machine->ticket.agent.docker.socket);
	make_labels(machine, run, role, &labels);
	if (docker_list(docker_of(machine), labels.list, out, err) == 0)
		return 0;
	engine_has_failed(machine->engine, err, clock_monotonic_ms());
	return -1;
}

/* ---- check and prepare ---- */

static int check_run(const struct machine *machine, struct error *err)
{
	SCOPED(agent_environment) struct agent_environment environment = { 0 };
	SCOPED(buf) struct buf text = BUF(AGENT_CONF_MAX);
	const struct agent_run run = { .attempt = 1 };
	struct agent_room room;

	if (geteuid() != 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "docker mode needs root (it mounts the agents' caches): start "
				 "mayfly-bootstrap as root, or use agent.mode host");
	if (agent_room_name(machine, 0, &room, err) < 0 ||
	    agent_environment_contained(machine, &run, room.host, &environment, err) < 0)
		return -1;
	return clearml_conf_print(machine, 0, &text, err);
}

static const char *cause_of(const struct error *err)
{
	switch (err->class) {
	case ERROR_NOT_FOUND:
		return "image-missing";
	case ERROR_DENIED:
		return "image-denied";
	case ERROR_CAPACITY:
		return "disk-full";
	case ERROR_REFUSED:
	case ERROR_CONFIGURATION:
		return "image-unfit";
	default:
		return "image-pull";
	}
}

/*
 * A full disk or a registry that is away is the machine's trouble, whoever named the image; and so
 * is a login of ours that is refused: every task with an image there would fail by it.
 */
static bool is_wish_at_fault(const struct machine *machine, const char *image,
			     const struct error *err)
{
	if (err->class == ERROR_DENIED)
		return !images_have_login(machine->images, image);
	return err->class == ERROR_NOT_FOUND || err->class == ERROR_REFUSED ||
	       err->class == ERROR_CONFIGURATION;
}

static int prepare_image(const struct machine *machine, const char *image, bool is_own,
			 const struct agent_wish *wish, struct agent_news *news, struct error *err)
{
	SCOPED(buf) struct buf progress = BUF(sizeof(news->text) / 2);

	news->is_ready = false;
	switch (images_want(machine->images, image, wish->since_ms, wish->now_ms, &progress, err)) {
	case IMAGE_COMES:
		(void)snprintf(news->text, sizeof(news->text), "pulling image %.120s: %.140s",
			       image, buf_text(&progress));
		return 0;
	case IMAGE_IS_HERE:
		text_cut(news->image, sizeof(news->image), image);
		news->is_ready = true;
		return 0;
	case IMAGE_HAS_FAILED:
		news->is_known = true;
		break;
	case IMAGE_FAILED:
		break;
	}
	text_cut(news->cause, sizeof(news->cause), cause_of(err));
	news->is_tasks_fault = is_own && is_wish_at_fault(machine, image, err);
	/* Over, and not "ask again": that class is for ClearML and the engine. */
	if (err->class == ERROR_UNREACHABLE)
		err->class = ERROR_REFUSED;
	return -1;
}

static struct docker_policy policy_of(const struct machine *machine)
{
	const struct ticket_docker *docker = &machine->ticket.agent.docker;

	return (struct docker_policy){ .allow = docker->allow, .arguments = docker->arguments };
}

/* The agent drops what its filters do not let pass; people are told, since it is silent. */
static int prepare_arguments(const struct machine *machine, const char *task,
			     struct agent_news *news, struct error *err)
{
	SCOPED(docker_words) struct docker_words words = { 0 };
	SCOPED(buf) struct buf text = BUF(ARGUMENTS_MAX);
	SCOPED(buf) struct buf refused = BUF(REFUSED_MAX);
	const struct docker_policy policy = policy_of(machine);

	if (clearml_task_arguments(machine->clearml, task, &text, err) < 0)
		return -1;
	if (buf_finish(&text, err) < 0 || docker_words_split(buf_slice(&text), &words, err) < 0 ||
	    docker_policy_filter(&policy, &words, NULL, &refused, err) < 0) {
		text_cut(news->cause, sizeof(news->cause), "arguments");
		news->is_ready = false;
		news->is_tasks_fault = true;
		return -1;
	}
	if (refused.len)
		(void)snprintf(
			news->text, sizeof(news->text),
			"docker arguments that tasks may not bring here are left out: %.200s",
			buf_text(&refused));
	return 0;
}

/* As the agent does it: people paste names with blanks around them. */
static void copy_trimmed(const char *text, char out[static CLEARML_IMAGE_ROOM])
{
	static const char blanks[] = " \t\r\n\v\f";

	text_cut(out, CLEARML_IMAGE_ROOM, text + strspn(text, blanks));
	for (size_t len = strlen(out); len && strchr(blanks, out[len - 1]); len--)
		out[len - 1] = '\0';
}

static int prepare_run(const struct machine *machine, const struct clearml_task *task,
		       const struct agent_wish *wish, struct agent_news *news, struct error *err)
{
	const struct ticket_docker *docker = &machine->ticket.agent.docker;
	char own[CLEARML_IMAGE_ROOM];

	copy_trimmed(task->image, own);
	bool is_own = own[0] && !docker->is_image_fixed;

	if (!engine_answers(machine->engine)) {
		news->is_ready = false;
		text_cut(news->text, sizeof(news->text), "waiting for the container engine");
		return 0;
	}
	if (prepare_image(machine, is_own ? own : docker->image, is_own, wish, news, err) < 0)
		return -1;
	if (!news->is_ready || !is_own)
		return 0;
	return prepare_arguments(machine, task->id, news, err);
}

/* ---- start ---- */

/* The devices of a seat, as --gpus of both programs takes them: "" for none. */
static void name_gpus(const struct ticket *ticket, unsigned seat, char *out, size_t room)
{
	unsigned share = ticket->seats ? ticket->agent.docker.gpus / ticket->seats : 0;
	size_t len = 0;

	out[0] = '\0';
	if (share && ticket->seats == 1) {
		text_cut(out, room, "all");
		return;
	}
	for (unsigned i = 0; i < share && len < room; i++)
		len += (size_t)snprintf(out + len, room - len, "%s%u", i ? "," : "",
					seat * share + i);
}

static void make_command(const struct machine *machine, const struct agent_run *run,
			 const char *gpus, const char *out[static COMMAND_MAX])
{
	size_t count = 0;

	out[count++] = "execute";
	out[count++] = "--id";
	out[count++] = run->task;
	if (engine_has_require_queue(machine->engine))
		out[count++] = "--require-queue";
	if (gpus[0]) {
		out[count++] = "--gpus";
		out[count++] = gpus;
	} else {
		out[count++] = "--cpu-only";
	}
	out[count++] = "--docker"; /* last: it takes all words that follow */
	out[count++] = machine->ticket.agent.docker.image;
	out[count] = NULL;
}

/* As docker likes it: what else an instance's name may hold becomes a dash. */
static void make_name(const struct machine *machine, const struct agent_run *run,
		      char out[static DOCKER_NAME_ROOM])
{
	(void)snprintf(out, DOCKER_NAME_ROOM, "mayfly-%s-%u-%s-%u", machine->identity.instance,
		       run->seat, run->task, run->attempt);
	for (char *byte = out; *byte; byte++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-",
			    *byte))
			*byte = '-';
}

static int create(const struct machine *machine, const struct agent_run *run,
		  const struct agent_room *room, char id[static DOCKER_ID_ROOM], struct error *err)
{
	SCOPED(agent_environment) struct agent_environment environment = { 0 };
	static const char *const entrypoint[] = { "clearml-agent", NULL };
	const struct ticket_docker *docker = &machine->ticket.agent.docker;
	char socket[BIND_ROOM], host[BIND_ROOM], conf[BIND_ROOM], ssh[BIND_ROOM];
	char name[DOCKER_NAME_ROOM], gpus[128];
	const char *command[COMMAND_MAX];
	struct labels labels;

	if (agent_environment_contained(machine, run, room->host, &environment, err) < 0)
		return -1;
	(void)snprintf(socket, sizeof(socket), "%s:/var/run/docker.sock", docker->socket);
	(void)snprintf(host, sizeof(host), "%s:/root/.clearml", room->host);
	(void)snprintf(conf, sizeof(conf), "%s:/root/clearml.conf:ro", room->conf);
	(void)snprintf(ssh, sizeof(ssh), "%s:/root/.ssh:ro", room->ssh);
	name_gpus(&machine->ticket, run->seat, gpus, sizeof(gpus));
	make_command(machine, run, gpus, command);
	make_labels(machine, run, "agent", &labels);
	make_name(machine, run, name);
	const char *const binds[] = { socket, host, conf, machine->bundle.ssh.key.len ? ssh : NULL,
				      NULL };
	const struct docker_spec spec = {
		.name = name,
		.image = docker->agent_image,
		.entrypoint = entrypoint,
		.command = command,
		.environment = (const char *const *)environment.list,
		.labels = labels.list,
		.binds = binds,
		.network = docker->network,
		.gpus = gpus,
		.log_max_megabytes = LOG_MAX_MEGABYTES,
		.has_init = true,
	};

	return docker_create(docker_of(machine), &spec, id, err);
}

static void tidy_run(const struct machine *machine, const struct agent_run *run)
{
	struct error err = { 0 };

	if (agent_room_remove(machine, run->seat, &err) < 0)
		log_failure("tidy", &err);
}

static int start_run(const struct machine *machine, const struct agent_run *run, pid_t *pid,
		     struct error *err)
{
	char id[DOCKER_ID_ROOM], text[ENGINE_RUN_ROOM];
	struct agent_room room;

	agent_run_text(run, text);
	engine_begin_run(machine->engine, text);
	agent_turn_console(machine, run->seat);
	if (agent_room_make(machine, run->seat, &room, err) == 0 &&
	    agent_fill_room(machine, run->seat, &room, "~/.ssh", err) == 0 &&
	    create(machine, run, &room, id, err) == 0 &&
	    docker_start(docker_of(machine), id, err) == 0) {
		*pid = 0;
		return 0;
	}
	engine_has_failed(machine->engine, err, clock_monotonic_ms());
	/* What may have been created all the same is found by its labels when the run is ended. */
	return error_wrap(err, "start clearml-agent for task %s", run->task);
}

/* ---- watch ---- */

static int is_alive_run(const struct machine *machine, const struct agent_run *run, bool *is_alive,
			struct error *err)
{
	SCOPED(docker_containers) struct docker_containers found = { 0 };
	char text[ENGINE_RUN_ROOM];

	agent_run_text(run, text);
	engine_begin_run(machine->engine, text); /* an adopted one is known from here on */
	if (list_containers(machine, run, "agent", &found, err) < 0)
		return -1;
	*is_alive = false;
	for (size_t i = 0; i < found.count; i++)
		*is_alive |= found.list[i].is_running;
	return 0;
}

static int examine_container(const struct machine *machine, const struct docker_rules *rules,
			     const char *id, struct error *err)
{
	SCOPED(docker_container) struct docker_container container = { 0 };

	if (docker_inspect(docker_of(machine), id, &container, err) == 0)
		return docker_policy_check(container.all.root, rules, err);
	engine_has_failed(machine->engine, err, clock_monotonic_ms());
	if (err->class == ERROR_NOT_FOUND)
		return 0; /* it has ended meanwhile */
	/* Only the policy refuses: what the engine says of itself is no fault of the task. */
	err->class = ERROR_UNREACHABLE;
	return -1;
}

static int examine_run(const struct machine *machine, const struct agent_run *run,
		       struct error *err)
{
	SCOPED(docker_containers) struct docker_containers found = { 0 };
	struct agent_room room;
	struct labels labels;
	char gpus[128], mark[AGENT_MARK_ROOM];

	if (agent_room_name(machine, run->seat, &room, err) < 0 ||
	    list_containers(machine, run, "task", &found, err) < 0) {
		err->class = ERROR_UNREACHABLE;
		return -1;
	}
	make_labels(machine, run, "task", &labels);
	name_gpus(&machine->ticket, run->seat, gpus, sizeof(gpus));
	agent_run_mark(machine, run, mark);
	const struct docker_facts *facts = engine_facts(machine->engine);
	const struct docker_rules rules = {
		.policy = policy_of(machine),
		.folder = room.host,
		.network = machine->ticket.agent.docker.network,
		.image = run->image[0] ? run->image : NULL,
		.mark = mark,
		.gpus = gpus,
		.labels = labels.list,
		.runtime = facts->runtime[0] ? facts->runtime : NULL,
	};

	for (size_t i = 0; i < found.count; i++)
		if (examine_container(machine, &rules, found.list[i].id, err) < 0)
			return -1;
	return 0;
}

/* ---- end ---- */

/* Before its container goes: the end of what the agent said. */
static void keep_console(const struct machine *machine, const struct agent_run *run, const char *id)
{
	SCOPED(buf) struct buf text = BUF(CONSOLE_MAX);
	char folder[AGENT_PATH_ROOM], path[AGENT_PATH_ROOM];
	struct error err = { 0 };

	agent_path(machine, run->seat, "", folder);
	agent_path(machine, run->seat, "console.log", path);
	if (docker_logs(docker_of(machine), id, CONSOLE_LINES, &text, &err) < 0 ||
	    file_make_folder(folder, 0700, &err) < 0 ||
	    file_write(path, buf_slice(&text), 0600, &err) < 0)
		log_failure("console", &err);
}

/* It is gone, or may go away by itself (--rm) between two calls. */
static bool is_harmless(const struct error *err)
{
	return err->class == ERROR_NOT_FOUND || err->class == ERROR_CONFLICT;
}

/*
 * First of all, and seen dead before anything else is touched: it would write a status when
 * its task's container dies.
 */
static int kill_agents(const struct machine *machine, const struct agent_run *run,
		       int64_t timeout_ms, struct error *err)
{
	SCOPED(docker_containers) struct docker_containers found = { 0 };
	struct docker *docker = docker_of(machine);
	int exit_code;

	if (list_containers(machine, run, "agent", &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const char *id = found.list[i].id;

		if (found.list[i].is_running && docker_kill(docker, id, "SIGKILL", err) < 0 &&
		    !is_harmless(err))
			return -1;
		if (found.list[i].is_running &&
		    docker_wait(docker, id, timeout_ms, &exit_code, err) < 0 && !is_harmless(err)) {
			/* The engine does answer: it is the agent that outlives SIGKILL. */
			if (err->class == ERROR_UNREACHABLE)
				err->class = ERROR_SYSTEM;
			return -1;
		}
		keep_console(machine, run, id);
	}
	return 0;
}

/*
 * *seen: how many there were. One that has ended and cannot be removed does not count: it does no
 * harm, and agent_sweep.c tries again.
 */
static int remove_containers(const struct machine *machine, const struct agent_run *run,
			     size_t *seen, struct error *err)
{
	SCOPED(docker_containers) struct docker_containers found = { 0 };

	if (list_containers(machine, run, NULL, &found, err) < 0)
		return -1;
	*seen = 0;
	for (size_t i = 0; i < found.count; i++) {
		struct error why = { 0 };
		bool is_removed = docker_remove(docker_of(machine), found.list[i].id, &why) == 0 ||
				  why.class == ERROR_CONFLICT; /* another one removes it */

		*seen += is_removed || found.list[i].is_running;
		if (!is_removed)
			log_failure("remove", &why);
		engine_has_failed(machine->engine, &why, clock_monotonic_ms());
	}
	return 0;
}

/*
 * A container is its processes, which bear the run's mark. So this alone will do where there is no
 * engine, without which none can be started; and it finds what an engine has forgotten.
 */
static int kill_processes(const struct machine *machine, const struct agent_run *run,
			  int64_t timeout_ms, struct error *err)
{
	char marker[AGENT_MARK_ROOM];

	agent_run_mark(machine, run, marker);
	return marked_kill(marker, 0, 0, timeout_ms, err);
}

/* Twice none: what the agent had asked for as it died may come a moment later. */
static int kill_containers(const struct machine *machine, const struct agent_run *run,
			   int64_t timeout_ms, struct error *err)
{
	int64_t end_ms = clock_monotonic_ms() + timeout_ms;
	unsigned clean = 0;

	while (clean < 2) {
		size_t seen = 0;

		if (remove_containers(machine, run, &seen, err) < 0)
			return -1;
		clean = seen ? 0 : clean + 1;
		if (clean < 2 && clock_monotonic_ms() >= end_ms)
			return error_set(err, ERROR_SYSTEM, "containers of it still run");
		if (clean < 2)
			clock_sleep_ms(KILL_LOOK_MS);
	}
	return 0;
}

static int kill_run(const struct machine *machine, const struct agent_run *run, int64_t timeout_ms,
		    struct error *err)
{
	bool is_gone = engine_is_gone(machine->engine, clock_monotonic_ms()) ||
		       (run->is_urgent && !engine_answers(machine->engine));

	if ((is_gone || (kill_agents(machine, run, timeout_ms, err) == 0 &&
			 kill_containers(machine, run, timeout_ms, err) == 0)) &&
	    kill_processes(machine, run, timeout_ms, err) == 0)
		return 0;
	return error_wrap(err, "end the run of task %s", run->task);
}

const struct agent_mode_verbs agent_docker_verbs = {
	.check = check_run,
	.prepare = prepare_run,
	.start = start_run,
	.is_alive = is_alive_run,
	.examine = examine_run,
	.silence = kill_agents,
	.kill = kill_run,
	.tidy = tidy_run,
};
