#ifndef BOOTSTRAP_ENGINE_H
#define BOOTSTRAP_ENGINE_H

#include "bootstrap/docker.h"
#include "common/ticket.h"

/*
 * engine: the container engine of a machine in docker mode, and what is known
 * of it: does it answer, did it go away under a run, what became of the
 * containers of tasks. It listens to the engine's events; that the stream breaks is
 * how a restart of the engine is noticed, however short.
 *
 * Every container of ours bears these labels, and is found by them alone:
 *   mayfly.instance=<instance>   mayfly.run=<seat>/<task>/<attempt>
 *   mayfly.role=agent | task | probe
 */

enum { ENGINE_RUN_ROOM = 128 };

struct engine; /* opaque */

CHECKED int engine_open(const struct ticket *ticket, const char *instance, struct engine **out,
			struct error *err); /* no call is made */
void engine_close(struct engine *engine); /* NULL is fine, here and in engine_turn() */

struct docker *engine_docker(const struct engine *engine); /* borrowed */
const struct docker_facts *engine_facts(const struct engine *engine); /* as of the last meeting */

/* Ping, facts, and listen from now on. Also when it is met already. The errors of docker.h. */
CHECKED int engine_meet(struct engine *engine, int64_t now_ms, struct error *err);

/* Takes in what has happened; tries to meet an engine that was not met yet, or went away. Soon
 * back, unless the engine hangs: then each 5 s it is asked for 10 s at most. */
void engine_turn(struct engine *engine, int64_t now_ms);

/* A call failed. Where that says that it hangs, no other is to be made until it answers again. */
void engine_has_failed(struct engine *engine, const struct error *err, int64_t now_ms);

/* It has not answered for longer than the ticket's wait, from the first turn on. */
bool engine_is_gone(const struct engine *engine, int64_t now_ms);
bool engine_answers(const struct engine *engine); /* as far as is known right now */

/* What the agent image is and can do, as its gate saw it. */
void engine_note_agent(struct engine *engine, const char *version, bool has_require_queue);
const char *engine_agent_version(const struct engine *engine); /* "3.0.3"; "": not known */
bool engine_has_require_queue(const struct engine *engine);

struct engine_run {
	char run[ENGINE_RUN_ROOM]; /* "<seat>/<task>/<attempt>", the label's value */
	bool is_engine_lost; /* the engine went away, or restarted, while it ran */
	bool is_out_of_memory; /* the kernel killed in its task's container for memory */
	int exit_code; /* of its task's container; -1: not seen to end */
};
void engine_begin_run(struct engine *engine, const char *run); /* again is fine */
void engine_look_run(const struct engine *engine, const char *run, struct engine_run *out);

#endif
