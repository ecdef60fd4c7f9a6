#include "bootstrap/agent_room.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { BASE_ROOM = 32, DEEPEST_MOUNTS = 8 };

/* ---- the base ---- */

static bool is_in_memory(const char *path)
{
	struct statfs found;

	return statfs(path, &found) == 0 &&
	       (found.f_type == TMPFS_MAGIC || (unsigned long)found.f_type == RAMFS_MAGIC);
}

static int name_base(char out[static BASE_ROOM], struct error *err)
{
	static const char *const candidates[] = { "/run", "/dev/shm" };

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

/* /dev/shm is everybody's: what somebody else put there first is not used. */
static int check_ours(const char *path, struct error *err)
{
	struct stat found;

	if (lstat(path, &found) < 0)
		return error_errno(err, "look at %s", path);
	if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & 077))
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

static int name_room(const char *instance, unsigned seat, struct agent_room *out, struct error *err)
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
	return 0;
}

int agent_room_name(const struct machine *machine, unsigned seat, struct agent_room *out,
		    struct error *err)
{
	return name_room(machine->identity.instance, seat, out, err);
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

int agent_room_make(const struct machine *machine, unsigned seat, struct agent_room *out,
		    struct error *err)
{
	char base[BASE_ROOM], above[AGENT_ROOM_PATH];
	struct agent_room room;

	if (name_base(base, err) < 0 || agent_room_name(machine, seat, &room, err) < 0)
		return -1;
	(void)snprintf(above, sizeof(above), "%s/%s", base, machine->identity.instance);
	if (make_private(base, err) < 0 || make_private(above, err) < 0 ||
	    make_private(room.folder, err) < 0 || make_private(room.host, err) < 0 ||
	    mount_caches(machine, seat, &room, err) < 0)
		return -1;
	*out = room;
	return 0;
}

/* 0: nothing is mounted there any more. */
static int unmount_caches(const struct agent_room *room, struct error *err)
{
	char place[AGENT_ROOM_PATH + 8];

	(void)snprintf(place, sizeof(place), "%s/caches", room->host);
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
	struct agent_room room;

	if (agent_room_name(machine, seat, &room, err) < 0)
		return -1;
	return remove_room(&room, err);
}

/* ---- all of them ---- */

int agent_room_remove_all(const char *instance, bool keeps_name, struct error *err)
{
	struct folder_entry *seats = NULL;
	char base[BASE_ROOM], above[AGENT_ROOM_PATH];
	struct agent_room room;
	size_t count = 0;

	if (name_base(base, err) < 0 || name_room(instance, 0, &room, err) < 0)
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
		if ((name_room(instance, (unsigned)strtoul(seats[i].name, NULL, 10), &room, &why) <
			     0 ||
		     remove_room(&room, &why) < 0) &&
		    !first.class)
			first = why;
	free(seats);
	if (!first.class)
		return keeps_name ? 0 : file_remove_tree(above, err);
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
