#include "tests/unit/support/own_mounts.h"

#include <fcntl.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return is_done;
}

/* Nobody's user becomes root of a namespace in which nothing else is. */
static bool become_root(void)
{
	unsigned uid = geteuid(), gid = getegid();
	char users[32], groups[32];

	snprintf(users, sizeof(users), "0 %u 1", uid);
	snprintf(groups, sizeof(groups), "0 %u 1", gid);
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/uid_map", users) && write_text("/proc/self/gid_map", groups);
}

bool own_mounts_begin(void)
{
	bool is_apart = geteuid() == 0 ? unshare(CLONE_NEWNS) == 0 : become_root();

	if (is_apart && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755") == 0 &&
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777") == 0)
		return true;
	perror("SKIPPED: this needs a mount namespace of its own (root, or user namespaces)");
	return false;
}

unsigned own_mounts_count(const char *path)
{
	FILE *file = setmntent("/proc/self/mounts", "re");
	const struct mntent *entry;
	size_t len = strlen(path);
	unsigned count = 0;

	for (entry = file ? getmntent(file) : NULL; entry; entry = getmntent(file))
		count += !strncmp(entry->mnt_dir, path, len) &&
			 (entry->mnt_dir[len] == '/' || !entry->mnt_dir[len]);
	if (file)
		endmntent(file);
	return count;
}
