#ifndef BOOTSTRAP_AGENT_ROOM_H
#define BOOTSTRAP_AGENT_ROOM_H

#include "bootstrap/machine.h"
#include "common/file.h"

/*
 * agent_room: where a seat's secrets lie, on a tmpfs, so that they are never on a disk:
 * BASE/INSTANCE/SEAT (0700). Root's BASE is /run/mayfly, or /dev/shm/mayfly where /run is
 * no tmpfs; another user's is /dev/shm/mayfly-UID. (/run/user/UID is not used: it goes when
 * the user's last session ends, while machines live on. Whoever lets machines live on
 * without a session turns lingering on, since systemd then takes /dev/shm's too.) A BASE that
 * is not ours is refused: anybody may have put it into /dev/shm.
 *
 *   clearml.conf   0600
 *   ssh/           0700, key and known hosts (agent_ssh.h)
 * docker mode, where these two are mounted into the agent's container:
 *   host/          0700, the agent's ~/.clearml (CLEARML_AGENT_DOCKER_HOST_MOUNT): there it
 *                  leaves its merged configuration and the ssh folder for the task's container
 *   host/caches/   FOLDER/agent/SEAT/caches, bind-mounted: pip, venvs, git, apt, downloads
 *   host/tmp/      the agent's TMPDIR
 * Only root can mount, and what the agent leaves is root's: docker mode needs root.
 * host mode, where a room and all in it belong to the agent's user:
 *   tmp/           the agent's merged configuration, and the task's console until it is sent
 *   files/         what links in the seat's home show (agent_home.h)
 */

enum { AGENT_ROOM_PATH = 256 };

struct agent_room {
	char folder[AGENT_ROOM_PATH], conf[AGENT_ROOM_PATH], ssh[AGENT_ROOM_PATH];
	char host[AGENT_ROOM_PATH]; /* docker mode */
	char files[AGENT_ROOM_PATH]; /* host mode */
	char scratch[AGENT_ROOM_PATH]; /* host/tmp or tmp, by the machine's mode */
};

/* The paths; nothing is made. ERROR_CONFIGURATION: no tmpfs. */
CHECKED int agent_room_name(const struct machine *machine, unsigned seat, struct agent_room *out,
			    struct error *err);
/* Can there be rooms here? Makes BASE. ERROR_CONFIGURATION: no tmpfs, or BASE is not ours. */
CHECKED int agent_room_prepare(struct error *err);
/* Made, and mounted; again is fine (in host mode not for one that was given away). */
CHECKED int agent_room_make(const struct machine *machine, unsigned seat, struct agent_room *out,
			    struct error *err);
/* Host mode: the room and what lies in it to another user, by which it is read and written from
 * then on; BASE and INSTANCE let it pass through (0711). */
CHECKED int agent_room_give(const struct agent_room *room, uid_t uid, gid_t gid, struct error *err);
/*
 * Once in a while as a run lasts: the agent keeps all that its task prints in one file, and a
 * tmpfs is memory. Of a file that takes more than 64 megabytes the last 32 stay; the agent, which
 * sends lines as they come, has read the rest long since.
 */
CHECKED int agent_room_trim(const struct agent_room *room, struct error *err);
/* Unmounted, and gone; the caches stay. Absent is success. */
CHECKED int agent_room_remove(const struct machine *machine, unsigned seat, struct error *err);

/* All rooms of an instance that is no more: those that can, then the first failure is told.
 * keeps_name: its empty folder stays, or is made, for agent_room_list() to tell that something
 * is left of it.
 */
CHECKED int agent_room_remove_all(const char *instance, bool keeps_name, struct error *err);
/* Has it a room of docker mode, or an empty folder, which says that containers are left? */
bool agent_room_is_contained(const char *instance);

/* The names of other instances that have rooms here. The caller frees *entries. */
CHECKED int agent_room_list(const char *own, struct folder_entry **entries, size_t *count,
			    struct error *err);

#endif
