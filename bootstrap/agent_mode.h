#ifndef BOOTSTRAP_AGENT_MODE_H
#define BOOTSTRAP_AGENT_MODE_H

#include "bootstrap/agent.h"
#include "bootstrap/agent_room.h"

/*
 * agent_mode: the two ways to run clearml-agent, behind agent.h: as a process
 * of this machine (agent_host.c) or in containers (agent_docker.c). And what
 * both do alike. Nobody but agent*.c and gates_docker.c reads this.
 */

enum {
	AGENT_PATH_ROOM = MACHINE_PATH_ROOM + 64,
	AGENT_CONF_MAX = 4 << 20, /* no bundle needs more */
	AGENT_MARK_ROOM = ENGINE_RUN_ROOM + TICKET_FIELD_ROOM + 16
};

/* As the functions of these names in agent.h; prepare and examine NULL: nothing to do.
 * silence: the agents that are nobody's parent are killed, and seen gone; NULL: there are none. */
struct agent_mode_verbs {
	int (*check)(const struct machine *machine, struct error *err);
	int (*prepare)(const struct machine *machine, const struct clearml_task *task,
		       const struct agent_wish *wish, struct agent_news *news, struct error *err);
	int (*start)(const struct machine *machine, const struct agent_run *run, pid_t *pid,
		     struct error *err);
	int (*is_alive)(const struct machine *machine, const struct agent_run *run, bool *is_alive,
			struct error *err);
	int (*examine)(const struct machine *machine, const struct agent_run *run,
		       struct error *err);
	int (*silence)(const struct machine *machine, const struct agent_run *run,
		       int64_t timeout_ms, struct error *err);
	int (*kill)(const struct machine *machine, const struct agent_run *run, int64_t timeout_ms,
		    struct error *err);
	void (*tidy)(const struct machine *machine, const struct agent_run *run);
};

extern const struct agent_mode_verbs agent_host_verbs, agent_docker_verbs;

/* FOLDER/agent/SEAT, or what lies in it. */
void agent_path(const struct machine *machine, unsigned seat, const char *name,
		char out[static AGENT_PATH_ROOM]);
/* The output of the run before is kept beside the present one's. */
void agent_turn_console(const struct machine *machine, unsigned seat);
/* clearml.conf and the ssh key; ssh_seen_at: where ssh will find what is in room->ssh. */
CHECKED int agent_fill_room(const struct machine *machine, unsigned seat,
			    const struct agent_room *room, const char *ssh_seen_at,
			    struct error *err);
/* MAYFLY_RUN=..., which all processes of the run have in their environment. */
void agent_run_mark(const struct machine *machine, const struct agent_run *run,
		    char out[static AGENT_MARK_ROOM]);
/* "<seat>/<task>/<attempt>" */
void agent_run_text(const struct agent_run *run, char out[static ENGINE_RUN_ROOM]);

#endif
