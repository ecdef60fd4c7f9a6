#include "reaper/settings/check_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

static int expect_folder(const char *path, bool *is_there, struct error *err)
{
	struct stat status;

	*is_there = stat(path, &status) == 0;
	if (*is_there && !S_ISDIR(status.st_mode))
		return error_set(err, ERROR_SYSTEM, "%s is no folder", path);
	/* Below a file there is nothing either: the file itself is reached next. */
	if (!*is_there && errno != ENOENT && errno != ENOTDIR)
		return error_errno(err, "look at %s", path);
	return 0;
}

/* The folder that it would be made in; "a" is in ".". */
static void cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(path, PATH_ROOM, ".");
	else
		slash[slash == path] = 0;
}

static int find_nearest(char nearest[static PATH_ROOM], bool *is_there, struct error *err)
{
	if (expect_folder(nearest, is_there, err) < 0)
		return -1;
	for (bool is_found = *is_there; !is_found;) {
		cut_last(nearest);
		if (expect_folder(nearest, &is_found, err) < 0)
			return -1;
	}
	return 0;
}

static int try_make(const char *folder, struct error *err)
{
	char trial[PATH_ROOM + 32];

	snprintf(trial, sizeof(trial), "%s/.mayfly-check-XXXXXX", folder);
	if (!mkdtemp(trial))
		return error_errno(err, "cannot make anything in %s", folder);
	if (rmdir(trial) < 0)
		return error_errno(err, "remove %s", trial);
	return 0;
}

int check_folder(const char *path, bool *is_there, struct error *err)
{
	char nearest[PATH_ROOM];
	bool is_found;

	if (text_copy(nearest, sizeof(nearest), slice_of(path), err) < 0 ||
	    find_nearest(nearest, &is_found, err) < 0 || try_make(nearest, err) < 0)
		return -1;
	*is_there = is_found;
	return 0;
}

unsigned check_folder_open(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0 || !(status.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	return status.st_mode & 07777U;
}

int check_folder_file(const char *folder, const char *name, struct error *err)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	/* Of a pipe nobody should be waited for. */
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno != ENOENT)
		return error_errno(err, "cannot write %s", path);
	if (fd >= 0)
		(void)close(fd);
	return 0;
}
