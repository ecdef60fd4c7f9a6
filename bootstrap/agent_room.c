#include "bootstrap/agent_room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bootstrap/agent_mode.h"

enum { BASE_ROOM = 32, DEEPEST_MOUNTS = 8 };

/* Of a file that only grows: what the agent has read of it is not needed any more. */
enum { KEPT_BYTES = 32 << 20, PAGE_BYTES = 1 << 16 };

/* ---- the base ---- */

static bool is_in_memory(const char *path)
{
	struct statfs found;

	return statfs(path, &found) == 0 &&
	       (found.f_type == TMPFS_MAGIC || (unsigned long)found.f_type == RAMFS_MAGIC);
}

static int name_users_base(char out[static BASE_ROOM], struct error *err)
{
	if (!is_in_memory("/dev/shm"))
		return error_set(
			err, ERROR_CONFIGURATION,
			"/dev/shm is no tmpfs, and secrets must not lie on a disk: mount a "
			"tmpfs there");
	(void)snprintf(out, BASE_ROOM, "/dev/shm/mayfly-%u", (unsigned)geteuid());
	return 0;
}

static int name_base(char out[static BASE_ROOM], struct error *err)
{
	static const char *const candidates[] = { "/run", "/dev/shm" };

	if (geteuid() != 0)
		return name_users_base(out, err);
	for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
		if (!is_in_memory(candidates[i]))
			continue;
		(void)snprintf(out, BASE_ROOM, "%s/mayfly", candidates[i]);
		return 0;
	}
	return error_set(err, ERROR_CONFIGURATION,
			 "neither /run nor /dev/shm is a tmpfs, and secrets must not lie on a "
			 "disk: mount a tmpfs on /run");
}

/*
 * /dev/shm is everybody's: what somebody else put there first is not used. Passing through is all
 * that others may: the agent's user must, on its way to what is its own.
 */
static int check_ours(const char *path, struct error *err)
{
	struct stat found;

	if (lstat(path, &found) < 0)
		return error_errno(err, "look at %s", path);
	if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & 066))
		return error_set(err, ERROR_CONFIGURATION,
				 "%s: expected a folder of ours with mode 700: remove it", path);
	return 0;
}

static int make_private(const char *path, struct error *err)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "make %s", path);
	return check_ours(path, err);
}

/* ---- one room ---- */

static int name_room(const char *instance, unsigned seat, bool is_contained, struct agent_room *out,
		     struct error *err)
{
	char base[BASE_ROOM];

	if (name_base(base, err) < 0)
		return -1;
	int len = snprintf(out->folder, sizeof(out->folder), "%s/%s/%u", base, instance, seat);

	/* The longest of its paths adds "/clearml.conf". */
	if (!instance[0] || strchr(instance, '/') || instance[0] == '.' ||
	    len + 16 >= AGENT_ROOM_PATH)
		return error_set(err, ERROR_CONFIGURATION,
				 "instance %.100s: cannot be the name of a folder", instance);
	(void)snprintf(out->conf, sizeof(out->conf), "%.*s/clearml.conf", len, out->folder);
	(void)snprintf(out->host, sizeof(out->host), "%.*s/host", len, out->folder);
	(void)snprintf(out->ssh, sizeof(out->ssh), "%.*s/ssh", len, out->folder);
	(void)snprintf(out->files, sizeof(out->files), "%.*s/files", len, out->folder);
	(void)snprintf(out->scratch, sizeof(out->scratch), "%.*s/%s", len, out->folder,
		       is_contained ? "host/tmp" : "tmp");
	return 0;
}

int agent_room_name(const struct machine *machine, unsigned seat, struct agent_room *out,
		    struct error *err)
{
	return name_room(machine->identity.instance, seat,
			 machine->ticket.agent.mode == AGENT_DOCKER, out, err);
}

static bool is_same_folder(const char *a, const char *b)
{
	struct stat first, second;

	return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

static int mount_caches(const struct machine *machine, unsigned seat, const struct agent_room *room,
			struct error *err)
{
	char disk[AGENT_PATH_ROOM], place[AGENT_ROOM_PATH + 8];

	agent_path(machine, seat, "caches", disk);
	(void)snprintf(place, sizeof(place), "%s/caches", room->host);
	if (file_make_folder(disk, 0700, err) < 0)
		return -1;
	if (chmod(disk, 0700) < 0)
		return error_errno(err, "chmod %s", disk);
	if (is_same_folder(disk, place))
		return 0;
	if (make_private(place, err) < 0)
		return -1;
	if (mount(disk, place, "none", MS_BIND, NULL) < 0)
		return error_errno(err, "mount %s on %s", disk, place);
	return 0;
}

static int make_mount(const struct machine *machine, unsigned seat, const struct agent_room *room,
		      struct error *err)
{
	return make_private(room->host, err) < 0 ? -1 : mount_caches(machine, seat, room, err);
}

int agent_room_make(const struct machine *machine, unsigned seat, struct agent_room *out,
		    struct error *err)
{
	char base[BASE_ROOM], above[AGENT_ROOM_PATH];
	struct agent_room room;

	if (name_base(base, err) < 0 || agent_room_name(machine, seat, &room, err) < 0)
		return -1;
	(void)snprintf(above, sizeof(above), "%s/%s", base, machine->identity.instance);
	if (make_private(base, err) < 0 || make_private(above, err) < 0 ||
	    make_private(room.folder, err) < 0 || make_private(room.ssh, err) < 0)
		return -1;
	bool is_contained = machine->ticket.agent.mode == AGENT_DOCKER;

	if ((is_contained ? make_mount(machine, seat, &room, err) : make_private(room.files, err)) <
		    0 ||
	    make_private(room.scratch, err) < 0)
		return -1;
	*out = room;
	return 0;
}

int agent_room_prepare(struct error *err)
{
	char base[BASE_ROOM];

	return name_base(base, err) < 0 ? -1 : make_private(base, err);
}

/* ---- given to the agent's user ---- */

/* From a room's folder up to the base, which are ours, others may pass through. */
static int open_way(const struct agent_room *room, struct error *err)
{
	char path[AGENT_ROOM_PATH];

	text_cut(path, sizeof(path), room->folder);
	for (unsigned levels = 0; levels < 2; levels++) {
		*strrchr(path, '/') = '\0';
		if (chmod(path, 0711) < 0)
			return error_errno(err, "chmod 711 %s", path);
	}
	return 0;
}

static int give(const char *path, uid_t uid, gid_t gid, struct error *err)
{
	if (lchown(path, uid, gid) < 0 && errno != ENOENT)
		return error_errno(err, "chown %s", path);
	return 0;
}

/* The room itself last: from then on another user may change what lies in it. */
int agent_room_give(const struct agent_room *room, uid_t uid, gid_t gid, struct error *err)
{
	const char *const paths[] = { room->conf, room->files, room->scratch, room->ssh,
				      room->folder };
	struct folder_entry *keys = NULL;
	size_t count = 0;
	int result = file_list(room->ssh, &keys, &count, err);

	for (size_t i = 0; i < count && !result; i++) {
		char path[AGENT_ROOM_PATH + sizeof(keys[0].name)];

		(void)snprintf(path, sizeof(path), "%s/%s", room->ssh, keys[i].name);
		result = give(path, uid, gid, err);
	}
	free(keys);
	for (size_t i = 0; i < ARRAY_LEN(paths) && !result; i++)
		result = give(paths[i], uid, gid, err);
	return result < 0 ? -1 : open_way(room, err);
}

/* ---- kept small ---- */

/* A hole from the start leaves length and positions as they are, and takes no memory. */
static int punch(int fd, const struct stat *found, const char *name, struct error *err)
{
	off_t end = (found->st_size - KEPT_BYTES) / PAGE_BYTES * PAGE_BYTES;

	if (end > 0 && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, end) < 0 &&
	    errno != EOPNOTSUPP)
		return error_errno(err, "shorten %.64s", name);
	return 0;
}

/* The folder may be another user's, who lays there what it likes: only plain files of its own. */
static int trim_one(int folder, uid_t owner, const char *name, struct error *err)
{
	int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat found;
	int result = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == owner &&
	    found.st_nlink == 1 && found.st_blocks * 512 > 2 * (blkcnt_t)KEPT_BYTES)
		result = punch(fd, &found, name, err);
	close(fd);
	return result;
}

int agent_room_trim(const struct agent_room *room, struct error *err)
{
	int fd = open(room->scratch, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct stat folder;
	int result = 0;

	if (!list) {
		if (fd >= 0)
			close(fd);
		/* Or something else is there, by whoever the room belongs to. */
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
			       0 :
			       error_errno(err, "look into %s", room->scratch);
	}
	const struct dirent *entry = fstat(fd, &folder) == 0 ? readdir(list) : NULL;

	for (; entry && !result; entry = readdir(list))
		result = trim_one(fd, folder.st_uid, entry->d_name, err);
	closedir(list);
	return result;
}

/* 0: nothing is mounted there any more. */
static int unmount_caches(const struct agent_room *room, struct error *err)
{
	char place[AGENT_ROOM_PATH + 8];
	struct stat found;

	(void)snprintf(place, sizeof(place), "%s/caches", room->host);
	/* In host mode: who is not root may not even ask for it. */
	if (lstat(place, &found) < 0 && errno == ENOENT)
		return 0;
	for (unsigned i = 0; i < DEEPEST_MOUNTS; i++) {
		if (umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			continue;
		if (errno == EINVAL || errno == ENOENT)
			return 0;
		return error_errno(err, "unmount %s", place);
	}
	return error_set(err, ERROR_SYSTEM, "%s: something is still mounted there", place);
}

/*
 * Never follows a link, and takes nothing away while something is still mounted there: where the
 * caches lie on the same file system, nothing else would tell them from what is to go.
 */
static int remove_room(const struct agent_room *room, struct error *err)
{
	return unmount_caches(room, err) < 0 ? -1 : file_remove_tree(room->folder, err);
}

int agent_room_remove(const struct machine *machine, unsigned seat, struct error *err)
{
	char base[BASE_ROOM];
	struct agent_room room;

	if (name_base(base, err) < 0 || agent_room_name(machine, seat, &room, err) < 0)
		return -1;
	if (!file_exists(base))
		return 0;
	if (check_ours(base, err) < 0 || remove_room(&room, err) < 0)
		return -1;
	/* The instance's folder with the last of its rooms: one without any says that containers
	 * are left (agent_room_remove_all()). */
	*strrchr(room.folder, '/') = '\0';
	(void)rmdir(room.folder);
	return 0;
}

/* ---- all of them ---- */

bool agent_room_is_contained(const char *instance)
{
	struct folder_entry *seats = NULL;
	struct agent_room room;
	struct error err;
	char above[AGENT_ROOM_PATH];
	size_t count = 0;

	if (name_room(instance, 0, true, &room, &err) < 0)
		return true;
	text_cut(above, sizeof(above), room.folder);
	*strrchr(above, '/') = '\0';
	if (!file_exists(above))
		return false;
	if (file_list(above, &seats, &count, &err) < 0)
		return true;
	bool is_contained = !count;

	for (size_t i = 0; i < count && !is_contained; i++)
		is_contained = name_room(instance, (unsigned)strtoul(seats[i].name, NULL, 10), true,
					 &room, &err) < 0 ||
			       file_exists(room.host);
	free(seats);
	return is_contained;
}

int agent_room_remove_all(const char *instance, bool keeps_name, struct error *err)
{
	struct folder_entry *seats = NULL;
	char base[BASE_ROOM], above[AGENT_ROOM_PATH];
	struct agent_room room;
	size_t count = 0;

	if (name_base(base, err) < 0 || name_room(instance, 0, true, &room, err) < 0)
		return -1;
	if (!file_exists(base))
		return 0;
	if (check_ours(base, err) < 0)
		return -1;
	(void)snprintf(above, sizeof(above), "%s/%s", base, instance);
	if (file_list(above, &seats, &count, err) < 0)
		return -1;
	struct error first = { 0 }, why;

	/* All that can go goes: secrets lie there. */
	for (size_t i = 0; i < count; i++)
		if ((name_room(instance, (unsigned)strtoul(seats[i].name, NULL, 10), true, &room,
			       &why) < 0 ||
		     remove_room(&room, &why) < 0) &&
		    !first.class)
			first = why;
	free(seats);
	/* (It may have gone with the last room: agent_room_remove().) */
	if (!first.class)
		return keeps_name ? file_make_folder(above, 0700, err) :
				    file_remove_tree(above, err);
	*err = first;
	return -1;
}

int agent_room_list(const char *own, struct folder_entry **entries, size_t *count,
		    struct error *err)
{
	struct folder_entry *list = NULL;
	char base[BASE_ROOM];
	size_t found = 0, kept = 0;

	if (name_base(base, err) < 0)
		return -1;
	if (!file_exists(base)) {
		*entries = NULL;
		*count = 0;
		return 0;
	}
	if (check_ours(base, err) < 0 || file_list(base, &list, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found; i++)
		if (strcmp(list[i].name, own) != 0)
			list[kept++] = list[i];
	*entries = list;
	*count = kept;
	return 0;
}
