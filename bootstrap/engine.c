#include "bootstrap/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

enum {
	RUNS_MAX = 32,
	MEET_AGAIN_MS = 1000,
	PING_MS = 20000,
	ASK_AGAIN_MS = 5000, /* one that hangs: each call takes its whole time */
	EVENTS_A_TURN = 64,
};

struct run {
	struct engine_run seen;
	unsigned losses; /* the engine's, when the run began */
};

struct engine {
	struct docker *docker;
	struct docker_watch *watch; /* NULL: not met, or gone */
	struct docker_facts facts;
	char label[160]; /* "mayfly.instance=<instance>" */
	int64_t wait_ms;
	int64_t answered_ms; /* monotonic: when it was there last; before: since when we wait */
	int64_t meet_ms; /* monotonic: when it is met again, or asked whether it is well */
	bool is_silent; /* it took our connection, and does not answer */
	unsigned losses; /* how often it went away */
	char agent_version[32];
	bool has_require_queue;
	struct run runs[RUNS_MAX];
	unsigned next_run; /* the place that is used next: the oldest */
};

int engine_open(const struct ticket *ticket, const char *instance, struct engine **out,
		struct error *err)
{
	struct docker *docker = NULL;

	if (docker_open(ticket->agent.docker.socket, &docker, err) < 0)
		return -1;
	struct engine *engine = memory_array(1, sizeof(*engine));

	engine->docker = docker;
	engine->wait_ms = ticket->agent.docker.wait_s * 1000;
	(void)snprintf(engine->label, sizeof(engine->label), "mayfly.instance=%s", instance);
	*out = engine;
	return 0;
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	docker_watch_close(engine->watch);
	docker_close(engine->docker);
	free(engine);
}

struct docker *engine_docker(const struct engine *engine)
{
	return engine->docker;
}

const struct docker_facts *engine_facts(const struct engine *engine)
{
	return &engine->facts;
}

int engine_meet(struct engine *engine, int64_t now_ms, struct error *err)
{
	if (docker_ping(engine->docker, err) < 0 ||
	    docker_look(engine->docker, &engine->facts, err) < 0)
		return -1;
	if (!engine->watch &&
	    docker_watch_open(engine->docker, engine->label, &engine->watch, err) < 0)
		return -1;
	engine->answered_ms = now_ms;
	engine->meet_ms = now_ms + PING_MS;
	engine->is_silent = false;
	return 0;
}

/* ---- runs ---- */

static struct run *find_run(struct engine *engine, const char *run)
{
	for (size_t i = 0; i < RUNS_MAX; i++)
		if (!strcmp(engine->runs[i].seen.run, run))
			return &engine->runs[i];
	return NULL;
}

void engine_begin_run(struct engine *engine, const char *run)
{
	if (find_run(engine, run))
		return;
	struct run *place = &engine->runs[engine->next_run];

	engine->next_run = (engine->next_run + 1) % RUNS_MAX;
	*place = (struct run){ .seen.exit_code = -1, .losses = engine->losses };
	text_cut(place->seen.run, sizeof(place->seen.run), run);
}

void engine_look_run(const struct engine *engine, const char *run, struct engine_run *out)
{
	*out = (struct engine_run){ .exit_code = -1 };
	for (size_t i = 0; i < RUNS_MAX; i++) {
		if (strcmp(engine->runs[i].seen.run, run) != 0)
			continue;
		*out = engine->runs[i].seen;
		out->is_engine_lost = engine->runs[i].losses != engine->losses;
	}
}

/* ---- what happens ---- */

static void take_event(struct engine *engine, const struct docker_event *event)
{
	const struct json *all = event->all.root;
	const char *name = json_text_or(all, "Actor.Attributes[\"mayfly.run\"]", "");
	const char *role = json_text_or(all, "Actor.Attributes[\"mayfly.role\"]", "");
	struct run *run = *name ? find_run(engine, name) : NULL;

	if (!run || strcmp(role, "task") != 0)
		return;
	if (!strcmp(event->action, "oom"))
		run->seen.is_out_of_memory = true;
	else if (!strcmp(event->action, "die"))
		run->seen.exit_code = event->exit_code;
}

static void lose(struct engine *engine, const struct error *err, int64_t now_ms)
{
	log_warn("docker", "the engine went away: %s", err->message);
	docker_watch_close(engine->watch);
	engine->watch = NULL;
	engine->losses++;
	engine->meet_ms = now_ms + MEET_AGAIN_MS;
}

static void listen(struct engine *engine, int64_t now_ms)
{
	struct error err;

	for (unsigned i = 0; i < EVENTS_A_TURN; i++) {
		struct docker_event event = { 0 };
		bool has_event = false;

		if (docker_watch_turn(engine->watch, &has_event, &event, &err) < 0) {
			lose(engine, &err, now_ms);
			return;
		}
		if (!has_event)
			return;
		engine->answered_ms = now_ms;
		take_event(engine, &event);
		docker_event_release(&event);
	}
}

/* Is it well, still? While it listens to us its facts are known. */
static int ask(struct engine *engine, bool was_well, int64_t now_ms, struct error *err)
{
	if (!was_well)
		return engine_meet(engine, now_ms, err);
	if (docker_ping(engine->docker, err) < 0)
		return -1;
	engine->answered_ms = now_ms;
	engine->meet_ms = now_ms + PING_MS;
	return 0;
}

void engine_has_failed(struct engine *engine, const struct error *err, int64_t now_ms)
{
	if (err->class != ERROR_UNREACHABLE || engine->is_silent)
		return;
	log_warn("docker", "the engine does not answer: %s", err->message);
	engine->is_silent = true;
	engine->meet_ms = now_ms + ASK_AGAIN_MS;
}

void engine_turn(struct engine *engine, int64_t now_ms)
{
	struct error err;

	if (!engine)
		return;
	if (!engine->answered_ms)
		engine->answered_ms = now_ms;
	bool was_well = engine_answers(engine);

	if (engine->watch)
		listen(engine, now_ms);
	if (now_ms < engine->meet_ms)
		return;
	if (ask(engine, was_well, now_ms, &err) == 0) {
		if (!was_well)
			log_info("docker", "the engine answers: %s", engine->facts.version);
		return;
	}
	/* No call is made meanwhile but this. */
	if (engine->watch)
		engine_has_failed(engine, &err, now_ms);
	engine->is_silent = true;
	engine->meet_ms = now_ms + (engine->watch ? ASK_AGAIN_MS : MEET_AGAIN_MS);
}

bool engine_answers(const struct engine *engine)
{
	return engine->watch && !engine->is_silent;
}

bool engine_is_gone(const struct engine *engine, int64_t now_ms)
{
	return engine->answered_ms && !engine_answers(engine) &&
	       now_ms - engine->answered_ms >= engine->wait_ms;
}

void engine_note_agent(struct engine *engine, const char *version, bool has_require_queue)
{
	text_cut(engine->agent_version, sizeof(engine->agent_version), version);
	engine->has_require_queue = has_require_queue;
}

const char *engine_agent_version(const struct engine *engine)
{
	return engine->agent_version;
}

bool engine_has_require_queue(const struct engine *engine)
{
	return engine->has_require_queue;
}
