#include "bootstrap/agent_home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TARGET_ROOM = 512, NETRC = -1 };

/* Who shall own what is made. */
struct owner {
	uid_t uid;
	gid_t gid;
};

/* ---- what can be ---- */

static bool is_step(struct slice step)
{
	return step.len && !slice_equals(step, ".") && !slice_equals(step, "..");
}

/* "~/a/b": no step is empty or climbs, and nothing in it is expanded by the agent. */
static bool is_in_home(const char *path)
{
	if (strncmp(path, "~/", 2) != 0 || strchr(path, '$'))
		return false;
	for (const char *slash = path + 1; slash; slash = strchr(slash + 1, '/'))
		if (!is_step((struct slice){ slash + 1, strcspn(slash + 1, "/") }))
			return false;
	return true;
}

int agent_home_check(const struct bundle *bundle, struct error *err)
{
	for (size_t i = 0; i < bundle->file_count; i++)
		if (!is_in_home(bundle->files[i].path))
			return error_set(
				err, ERROR_CONFIGURATION,
				"bundle: files.%s.path: %s: in host mode a file lies below "
				"~/ (elsewhere it would stay on this computer after the "
				"task)",
				bundle->files[i].name, bundle->files[i].path);
	return 0;
}

/* ---- links ---- */

/* A folder of that name, and no link: something else in its place makes way. */
static int enter(int folder, const char *name, const struct owner *owner, struct error *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(folder, name, flags);

	if (fd >= 0)
		return fd;
	if ((errno != ENOENT && unlinkat(folder, name, 0) < 0) || mkdirat(folder, name, 0700) < 0)
		return error_errno(err, "make the folder %s", name);
	fd = openat(folder, name, flags);
	if (fd < 0)
		return error_errno(err, "open the folder %s", name);
	if (fchown(fd, owner->uid, owner->gid) == 0)
		return fd;
	error_errno(err, "chown the folder %s", name);
	close(fd);
	return -1;
}

static int lay(int folder, const char *name, const char *target, const struct owner *owner,
	       struct error *err)
{
	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return error_errno(err, "replace %s", name);
	if (symlinkat(target, folder, name) < 0)
		return error_errno(err, "link %s", name);
	if (fchownat(folder, name, owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "chown %s", name);
	return 0;
}

/* path: below the home, without "~/". Changes it. */
static int link_one(const char *home, char *path, const char *target, const struct owner *owner,
		    struct error *err)
{
	int folder = open(home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder < 0)
		return error_errno(err, "open %s", home);
	for (char *slash = strchr(path, '/'); slash; slash = strchr(path, '/')) {
		*slash = '\0';
		int inner = enter(folder, path, owner, err);

		close(folder);
		if (inner < 0)
			return -1;
		folder = inner;
		path = slash + 1;
	}
	int result = lay(folder, path, target, owner, err);

	close(folder);
	return result;
}

static int link_file(const char *home, const char *files, const char *path, int number,
		     const struct owner *owner, struct error *err)
{
	char target[TARGET_ROOM], below[sizeof(((struct bundle_file *)0)->path)];

	if (number == NETRC)
		(void)snprintf(target, sizeof(target), "%s/netrc", files);
	else
		(void)snprintf(target, sizeof(target), "%s/%d", files, number);
	text_cut(below, sizeof(below), path + 2);
	return link_one(home, below, target, owner, err);
}

int agent_home_link(const char *home, const char *files, const struct bundle *bundle, uid_t uid,
		    gid_t gid, struct error *err)
{
	const struct owner owner = { uid, gid };

	if (agent_home_check(bundle, err) < 0 ||
	    link_file(home, files, "~/.netrc", NETRC, &owner, err) < 0)
		return error_wrap(err, "%s", home);
	for (size_t i = 0; i < bundle->file_count; i++)
		if (link_file(home, files, bundle->files[i].path, (int)i, &owner, err) < 0)
			return error_wrap(err, "%s: bundle: files.%s", home, bundle->files[i].name);
	return 0;
}
