#include "bootstrap/gates_docker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap/agent_mode.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"

enum { PROBE_TIMEOUT_MS = 120000, PROBE_OUTPUT_MAX = 16 << 10, SIGN_ROOM = AGENT_PATH_ROOM + 16 };

/* ---- the engine ---- */

int gate_docker(const struct machine *machine, struct buf *found, struct error *err)
{
	const struct docker_facts *facts = engine_facts(machine->engine);
	SCOPED(buf) struct buf space = BUF(128);

	if (engine_meet(machine->engine, clock_monotonic_ms(), err) < 0)
		return -1;
	if (gate_space(machine, facts->root_folder, &space, err) < 0)
		return -1;
	buf_addf(found, "engine %s, API %s, %s; %s", facts->version,
		 docker_api_version(engine_docker(machine->engine)), facts->architecture,
		 buf_text(&space));
	return 0;
}

int gate_docker_again(const struct machine *machine, struct error *err)
{
	SCOPED(buf) struct buf space = BUF(128);

	if (docker_ping(engine_docker(machine->engine), err) < 0)
		return -1;
	return gate_space(machine, engine_facts(machine->engine)->root_folder, &space, err);
}

/* ---- the agent's image ---- */

int gate_image(const struct machine *machine, struct buf *found, struct error *err)
{
	const struct ticket_docker *docker = &machine->ticket.agent.docker;
	SCOPED(buf) struct buf news = BUF(256);
	int64_t now_ms = clock_monotonic_ms();

	switch (images_want(machine->images, docker->agent_image, 0, now_ms, &news, err)) {
	case IMAGE_COMES:
		return error_set(err, ERROR_UNREACHABLE, "%s is on its way: %s",
				 docker->agent_image, buf_text(&news));
	case IMAGE_FAILED:
	case IMAGE_HAS_FAILED:
		/* It was tried for as long as the ticket says: that is final. */
		if (err->class == ERROR_UNREACHABLE)
			err->class = ERROR_REFUSED;
		return error_wrap(err, "agent.docker.agent_image");
	case IMAGE_IS_HERE:
		break;
	}
	images_prefetch(machine->images, docker->image);
	buf_addf(found, "%s is here", docker->agent_image);
	return 0;
}

/* ---- the agent in it ---- */

/*
 * Prints "CLEARML-AGENT version V" among warnings of its own, "queue" (it knows --require-queue),
 * "caches" (it sees our sign), and a line "gpu" for each device. The shell alone: a small image has
 * neither grep nor sed.
 */
static const char probe_script[] =
	"clearml-agent --version; "
	"case $(clearml-agent execute --help 2>&1) in *--require-queue*) echo queue;; esac; "
	"test -e /root/.clearml/caches/.mayfly && echo caches; "
	"for d in /dev/nvidia[0-9] /dev/nvidia[0-9][0-9]; do test -e $d && echo gpu; done; true";
static const char version_words[] = "CLEARML-AGENT version ";

struct probe {
	char version[32];
	bool has_queue, has_caches;
	unsigned gpus;
};

static void read_line(struct slice line, struct probe *out)
{
	size_t len = sizeof(version_words) - 1;

	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	out->has_queue |= slice_equals(line, "queue");
	out->has_caches |= slice_equals(line, "caches");
	out->gpus += slice_equals(line, "gpu");
	if (line.len > len && line.len - len < sizeof(out->version) &&
	    !memcmp(line.ptr, version_words, len))
		(void)snprintf(out->version, sizeof(out->version), "%.*s", (int)(line.len - len),
			       line.ptr + len);
}

static void read_probe(struct slice text, struct probe *out)
{
	*out = (struct probe){ 0 };
	while (text.len) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end ? (size_t)(end - text.ptr) : text.len;

		read_line((struct slice){ text.ptr, len }, out);
		len += end ? 1 : 0;
		text.ptr += len;
		text.len -= len;
	}
}

static int run_probe(const struct machine *machine, const struct docker_spec *spec, struct buf *out,
		     struct error *err)
{
	struct docker *docker = engine_docker(machine->engine);
	struct error ignored = { 0 };
	char id[DOCKER_ID_ROOM];
	int exit_code = 0;

	/* One of an earlier life, that was cut off. */
	if (docker_remove(docker, spec->name, err) < 0 || docker_create(docker, spec, id, err) < 0)
		return -1;
	int result = docker_start(docker, id, err);

	if (!result)
		result = docker_wait(docker, id, PROBE_TIMEOUT_MS, &exit_code, err);
	if (!result)
		result = docker_logs(docker, id, 100, out, err);
	if (docker_remove(docker, id, &ignored) < 0)
		log_failure("probe", &ignored);
	if (!result && exit_code)
		return error_set(err, ERROR_REFUSED, "%s: the probe ended with %d", spec->image,
				 exit_code);
	return result;
}

static int make_sign(const struct machine *machine, struct agent_room *room, struct error *err)
{
	char caches[AGENT_PATH_ROOM], sign[SIGN_ROOM];

	if (agent_room_make(machine, 0, room, err) < 0)
		return -1;
	agent_path(machine, 0, "caches", caches);
	(void)snprintf(sign, sizeof(sign), "%s/.mayfly", caches);
	return file_write(sign, slice_of("here\n"), 0600, err);
}

static int probe_agent(const struct machine *machine, struct probe *out, struct error *err)
{
	static const char *const entrypoint[] = { "/bin/sh", "-c", NULL };
	const char *const command[] = { probe_script, NULL };
	const struct ticket_docker *docker = &machine->ticket.agent.docker;
	char name[DOCKER_NAME_ROOM], label[160], bind[AGENT_ROOM_PATH + 32];
	SCOPED(buf) struct buf said = BUF(PROBE_OUTPUT_MAX);
	struct agent_room room;

	if (make_sign(machine, &room, err) < 0)
		return -1;
	(void)snprintf(name, sizeof(name), "mayfly-%s-probe", machine->identity.instance);
	(void)snprintf(label, sizeof(label), "mayfly.instance=%s", machine->identity.instance);
	(void)snprintf(bind, sizeof(bind), "%s:/root/.clearml", room.host);
	const char *const labels[] = { label, "mayfly.role=probe", NULL };
	const char *const binds[] = { bind, NULL };
	const char *const environment[] = { machine->marker, NULL };
	const struct docker_spec spec = {
		.name = name,
		.image = docker->agent_image,
		.entrypoint = entrypoint,
		.command = command,
		.environment = environment,
		.labels = labels,
		.binds = binds,
		.network = "none",
		.gpus = docker->gpus ? "all" : "",
		.has_init = true,
	};

	if (run_probe(machine, &spec, &said, err) < 0)
		return -1;
	read_probe(buf_slice(&said), out);
	return 0;
}

int gate_contained_agent(const struct machine *machine, struct buf *found, struct error *err)
{
	const struct ticket_docker *docker = &machine->ticket.agent.docker;
	struct probe probe;

	if (probe_agent(machine, &probe, err) < 0)
		return error_wrap(err, "agent.docker.agent_image");
	if (!probe.version[0])
		return error_set(err, ERROR_REFUSED,
				 "agent.docker.agent_image: %s has no clearml-agent that says its "
				 "version",
				 docker->agent_image);
	if (!probe.has_caches)
		return error_set(err, ERROR_REFUSED,
				 "the engine at %s does not see what this machine mounts: does it "
				 "run on another host, or in a mount namespace of its own?",
				 docker->socket);
	if (probe.gpus < docker->gpus)
		return error_set(err, ERROR_REFUSED, "%u GPUs are promised, containers see %u",
				 docker->gpus, probe.gpus);
	engine_note_agent(machine->engine, probe.version, probe.has_queue);
	buf_addf(found, "clearml-agent %s in %s", probe.version, docker->agent_image);
	if (docker->gpus)
		buf_addf(found, ", %u GPUs", probe.gpus);
	return 0;
}
