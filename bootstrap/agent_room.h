#ifndef BOOTSTRAP_AGENT_ROOM_H
#define BOOTSTRAP_AGENT_ROOM_H

#include "bootstrap/agent_mode.h"
#include "common/file.h"

/*
 * agent_room: where a seat's secrets lie in docker mode, on a tmpfs, so that they are
 * never on a disk: /run/mayfly/INSTANCE/SEAT (0700), or below /dev/shm where /run is no
 * tmpfs.
 *   clearml.conf   0600, mounted into the agent's container
 *   host/          0700, the agent's ~/.clearml (CLEARML_AGENT_DOCKER_HOST_MOUNT): there it
 *                  leaves its merged configuration for the task's container
 *   host/caches/   FOLDER/agent/SEAT/caches, bind-mounted: pip, venvs, git, apt, downloads
 * Only root can mount, and what the agent leaves is root's: docker mode needs root.
 */

enum { AGENT_ROOM_PATH = 256 };

struct agent_room {
	char folder[AGENT_ROOM_PATH], conf[AGENT_ROOM_PATH], host[AGENT_ROOM_PATH];
};

/* The paths; nothing is made. ERROR_CONFIGURATION: no tmpfs. */
CHECKED int agent_room_name(const struct machine *machine, unsigned seat, struct agent_room *out,
			    struct error *err);
/* Made, and mounted; again is fine. */
CHECKED int agent_room_make(const struct machine *machine, unsigned seat, struct agent_room *out,
			    struct error *err);
/* Unmounted, and gone; the caches stay. Absent is success. */
CHECKED int agent_room_remove(const struct machine *machine, unsigned seat, struct error *err);

/* All rooms of an instance that is no more: those that can, then the first failure is told.
 * keeps_name: its empty folder stays, for agent_room_list() to tell that something is left of it.
 */
CHECKED int agent_room_remove_all(const char *instance, bool keeps_name, struct error *err);

/* The names of other instances that have rooms here. The caller frees *entries. */
CHECKED int agent_room_list(const char *own, struct folder_entry **entries, size_t *count,
			    struct error *err);

#endif
