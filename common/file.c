#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	CHUNK_LEN = 8192,
	TEMPORARY_TRIES = 100,
	LOCK_TRIES = 100,
	DEEPEST = 64, /* one open folder a level while a tree is removed */
	MOST_LOOKS = 10000
};

static void fd_release(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* "cannot open PATH: why", with the class that errno stands for. */
static int refuse(struct error *err, const char *verb, const char *path)
{
	bool is_absent = errno == ENOENT || errno == ENOTDIR;

	(void)error_errno(err, "cannot %s %s", verb, path);
	if (is_absent)
		err->class = ERROR_NOT_FOUND;
	return -1;
}

static int read_all(int fd, const char *path, struct buf *out, struct error *err)
{
	char chunk[CHUNK_LEN];
	ssize_t got = 1;

	while (got > 0 && !out->overflowed) {
		got = read(fd, chunk, sizeof(chunk));
		if (got > 0)
			buf_add(out, (struct slice){ chunk, (size_t)got });
		else if (got < 0 && errno == EINTR)
			got = 1;
	}
	explicit_bzero(chunk, sizeof(chunk)); /* it may have been a key */
	if (got < 0)
		return refuse(err, "read", path);
	if (buf_finish(out, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

/* Into a buffer of its own first, so that *out is the whole file or what it was. */
static int read_into(int fd, const char *path, struct buf *out, struct error *err)
{
	SCOPED(buf) struct buf content = BUF(out->limit);

	if (read_all(fd, path, &content, err) < 0)
		return -1;
	buf_release(out);
	*out = content;
	content = BUF(0);
	return 0;
}

int file_read(const char *path, struct buf *out, struct error *err)
{
	SCOPED(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return refuse(err, "open", path);
	return read_into(fd, path, out, err);
}

/* What is looked at is what is read, whatever takes its name meanwhile. */
static int open_regular(const char *path, int *fd, struct stat *status, struct error *err)
{
	/* O_NONBLOCK: a pipe in its place must not hold us up before we see what it is. */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0)
		return refuse(err, "open", path);
	if (fstat(*fd, status) < 0)
		return refuse(err, "look at", path);
	if (!S_ISREG(status->st_mode))
		return error_set(err, ERROR_CONFIGURATION, "%s: expected a regular file", path);
	return 0;
}

int file_read_trusted(const char *path, struct buf *out, struct error *err)
{
	SCOPED(fd) int fd = -1;
	struct stat status;

	if (open_regular(path, &fd, &status, err) < 0)
		return -1;
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return error_set(err, ERROR_CONFIGURATION,
				 "%s belongs to user %u, and what it says is trusted: it must be "
				 "root's or ours: chown it",
				 path, status.st_uid);
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, ERROR_CONFIGURATION,
				 "%s has mode %04o, so others may change what is trusted: chmod "
				 "644 it",
				 path, status.st_mode & 07777U);
	return read_into(fd, path, out, err);
}

int file_read_private(const char *path, struct buf *out, struct error *err)
{
	SCOPED(fd) int fd = -1;
	struct stat status;

	if (open_regular(path, &fd, &status, err) < 0)
		return -1;
	if (status.st_uid != geteuid())
		return error_set(
			err, ERROR_CONFIGURATION,
			"%s belongs to user %u and holds secrets: chown %u and chmod 600 it", path,
			status.st_uid, geteuid());
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return error_set(err, ERROR_CONFIGURATION,
				 "%s has mode %04o and holds secrets: chmod 600 it", path,
				 status.st_mode & 07777U);
	return read_into(fd, path, out, err);
}

static int write_all(int fd, struct slice bytes)
{
	while (bytes.len) {
		ssize_t written = write(fd, bytes.ptr, bytes.len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		bytes = (struct slice){ bytes.ptr + written, bytes.len - (size_t)written };
	}
	return 0;
}

/* The folder of path, opened, and where its last name begins. */
static int open_folder_of(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;
	char *folder = memory_text((struct slice){ path, (size_t)(last - path) });
	int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(folder);
	*name = last;
	return fd;
}

static int create_temporary(int folder, char *name, size_t room)
{
	static unsigned counter;
	int fd = -1;

	for (unsigned i = 0; i < TEMPORARY_TRIES && fd < 0; i++) {
		snprintf(name, room, ".new-%ld-%u", (long)getpid(), counter++);
		fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    0600);
		/* Left behind by a crash of an earlier process with our number. */
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

/* Some file systems know no fsync of a folder, and say EINVAL. */
static int sync_folder(int folder)
{
	return fsync(folder) < 0 && errno != EINVAL ? -1 : 0;
}

/* close() tells of a write that a network file system could not keep. */
static int fill(int fd, struct slice bytes, mode_t mode)
{
	int failed = write_all(fd, bytes) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0;
	int cause = errno;

	if (close(fd) < 0 && !failed)
		return -1;
	errno = cause;
	return failed ? -1 : 0;
}

/* What linkat() does not replace, renameat() does. */
static int give_name(int folder, const char *temporary, const char *name, bool replaces)
{
	if (replaces)
		return renameat(folder, temporary, folder, name);
	if (linkat(folder, temporary, folder, name, 0) < 0)
		return -1;
	(void)unlinkat(folder, temporary, 0);
	return 0;
}

static int write_whole(const char *path, struct slice bytes, mode_t mode, bool replaces,
		       struct error *err)
{
	const char *name;
	char temporary[48];
	SCOPED(fd) int folder = open_folder_of(path, &name);

	if (folder < 0)
		return refuse(err, "open the folder of", path);
	int fd = create_temporary(folder, temporary, sizeof(temporary));

	if (fd < 0)
		return refuse(err, "make a temporary file beside", path);
	if (fill(fd, bytes, mode) < 0 || give_name(folder, temporary, name, replaces) < 0) {
		bool is_taken = errno == EEXIST;

		(void)refuse(err, "write", path);
		if (is_taken)
			err->class = ERROR_CONFLICT;
		(void)unlinkat(folder, temporary, 0);
		return -1;
	}
	if (sync_folder(folder) < 0)
		return refuse(err, "sync the folder of", path);
	return 0;
}

int file_write(const char *path, struct slice bytes, mode_t mode, struct error *err)
{
	return write_whole(path, bytes, mode, true, err);
}

int file_write_new(const char *path, struct slice bytes, mode_t mode, struct error *err)
{
	return write_whole(path, bytes, mode, false, err);
}

int file_remove(const char *path, struct error *err)
{
	if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
		return refuse(err, "remove", path);
	return 0;
}

static int make_one_folder(const char *path, mode_t mode)
{
	return mkdir(path, mode) < 0 && errno != EEXIST ? -1 : 0;
}

static int make_folders(char *path, mode_t mode)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (make_one_folder(path, mode) < 0)
			return -1;
		*slash = '/';
	}
	return make_one_folder(path, mode);
}

int file_make_folder(const char *path, mode_t mode, struct error *err)
{
	char *partial = memory_text(slice_of(path)); /* cut where it failed */
	int outcome = *path ? make_folders(partial, mode) : 0;
	struct stat status;

	if (outcome < 0)
		(void)refuse(err, "make the folder", partial);
	free(partial);
	if (outcome < 0)
		return -1;
	if (stat(path, &status) < 0)
		return refuse(err, "look at", path);
	if (!S_ISDIR(status.st_mode))
		return error_set(err, ERROR_SYSTEM, "%s is there, and is no folder", path);
	return 0;
}

/* What removing a tree carries down. Only the first failure is told; the rest is removed. */
struct removal {
	const char *path; /* as the caller named it */
	int top; /* the open folder path */
	dev_t device;
	unsigned moved; /* folders moved up to the top so far */
	bool failed;
	struct error *err;
};

static void note_failure(struct removal *removal, const char *name)
{
	if (errno == ENOENT || removal->failed)
		return;
	removal->failed = true;
	(void)error_errno(removal->err, "cannot remove %s: in it, %.64s", removal->path, name);
}

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* unlink()'s own answer does not tell: EACCES comes before EISDIR. Keeps errno. */
static bool is_folder(int folder, const char *name)
{
	struct stat status;
	int cause = errno;
	bool is_one =
		fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);

	errno = cause;
	return is_one;
}

/* A tree of any depth is removed with few open folders: what lies too deep moves to the top. */
static bool move_to_top(struct removal *removal, int folder, const char *name)
{
	char moved[48];

	snprintf(moved, sizeof(moved), ".deep-%ld-%u", (long)getpid(), removal->moved++);
	return renameat(folder, name, removal->top, moved) == 0;
}

/* Another file system was mounted there: what is on it is not ours to remove. */
static int open_inner(struct removal *removal, int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && status.st_dev == removal->device) {
		(void)fchmod(fd, 0700); /* package caches like to be read-only */
		return fd;
	}
	close(fd);
	errno = EXDEV;
	return -1;
}

/* NOLINTBEGIN(misc-no-recursion): no deeper than DEEPEST, unless folders cannot be moved up. */
static bool empty_folder(struct removal *removal, int folder, unsigned depth);

/* The two below are true when the name is gone from the folder. */
static bool remove_inner(struct removal *removal, int folder, const char *name, unsigned depth)
{
	if (depth >= DEEPEST && move_to_top(removal, folder, name))
		return true;
	int inner = open_inner(removal, folder, name);

	if (inner >= 0 && !empty_folder(removal, inner, depth + 1))
		return false;
	if (inner >= 0 && unlinkat(folder, name, AT_REMOVEDIR) == 0)
		return true;
	note_failure(removal, name);
	return errno == ENOENT;
}

static bool remove_entry(struct removal *removal, int folder, const char *name, unsigned depth)
{
	if (unlinkat(folder, name, 0) == 0)
		return true;
	if (is_folder(folder, name))
		return remove_inner(removal, folder, name, depth);
	note_failure(removal, name);
	return errno == ENOENT;
}

struct tally {
	unsigned stayed, went;
};

static struct tally sweep(struct removal *removal, DIR *list, unsigned depth)
{
	struct tally tally = { 0 };
	const struct dirent *entry = readdir(list);

	for (; entry; entry = readdir(list)) {
		if (is_dots(entry->d_name))
			continue;
		if (remove_entry(removal, dirfd(list), entry->d_name, depth))
			tally.went++;
		else
			tally.stayed++;
	}
	return tally;
}

/* Takes the descriptor. Looks again as long as something went: readdir() may skip names while
 * others are removed, and deep folders come up. Not for ever: somebody may still be writing. */
static bool empty_folder(struct removal *removal, int folder, unsigned depth)
{
	DIR *list = fdopendir(folder);
	struct tally tally = { .went = 1 };

	if (!list) {
		note_failure(removal, "a folder");
		close(folder);
		return false;
	}
	for (unsigned looks = 0; tally.went && looks < MOST_LOOKS; looks++) {
		tally = sweep(removal, list, depth);
		rewinddir(list);
	}
	closedir(list);
	return !tally.stayed;
}
/* NOLINTEND(misc-no-recursion) */

int file_remove_tree(const char *path, struct error *err)
{
	struct removal removal = { .path = path, .err = err };
	struct stat status;

	if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	if (!is_folder(AT_FDCWD, path))
		return refuse(err, "remove", path);
	removal.top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (removal.top < 0 || fstat(removal.top, &status) < 0)
		return refuse(err, "remove", path);
	removal.device = status.st_dev;
	(void)fchmod(removal.top, 0700);
	(void)empty_folder(&removal, removal.top, 0);
	if (removal.failed)
		return -1;
	if (rmdir(path) < 0 && errno != ENOENT)
		return refuse(err, "remove", path);
	return 0;
}

bool file_exists(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0;
}

/* Somebody may have removed the file, or its folder, between our open() and our flock(): then we
 * hold the lock of a file that nobody else will find. */
static bool is_still_at(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

static int lock_once(const char *path, int *fd, bool *is_ours, struct error *err)
{
	int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (opened < 0)
		return refuse(err, "open the lock", path);
	int cause = flock(opened, LOCK_EX | LOCK_NB) < 0 ? errno : 0;

	*is_ours = !cause && is_still_at(opened, path);
	if (*is_ours) {
		*fd = opened;
		return 0;
	}
	close(opened);
	if (cause == EWOULDBLOCK)
		return error_set(err, ERROR_CONFLICT, "%s is held by another process", path);
	errno = cause;
	return cause && cause != EINTR ? refuse(err, "lock", path) : 0;
}

int file_lock(const char *path, int *fd, struct error *err)
{
	bool is_ours = false;

	for (unsigned i = 0; i < LOCK_TRIES && !is_ours; i++)
		if (lock_once(path, fd, &is_ours, err) < 0)
			return -1;
	if (!is_ours)
		return error_set(err, ERROR_CONFLICT, "%s is removed by somebody again and again",
				 path);
	return 0;
}

int file_space(const char *path, uint64_t *free_bytes, unsigned *free_inode_percent,
	       struct error *err)
{
	struct statvfs space;

	if (statvfs(path, &space) < 0)
		return refuse(err, "ask for the free space of", path);
	if (space.f_flag & ST_RDONLY)
		return error_set(err, ERROR_REFUSED, "%s is mounted read-only", path);
	*free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
	/* No number of inodes: they are made as needed (btrfs), and never run out. */
	*free_inode_percent = 100;
	if (space.f_files)
		*free_inode_percent =
			(unsigned)((double)space.f_favail * 100 / (double)space.f_files);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct folder_entry *)a)->name,
		      ((const struct folder_entry *)b)->name);
}

/* readdir() ends and fails alike, but for errno. */
static int read_names(DIR *list, struct folder_entry **names, size_t *count)
{
	const struct dirent *entry;
	size_t room = 0;

	for (;;) {
		errno = 0;
		entry = readdir(list);
		if (!entry)
			return errno ? -1 : 0;
		if (entry->d_name[0] == '.')
			continue;
		if (*count == room) {
			room = 2 * room + 16;
			*names = memory_grow(*names, room, sizeof(**names));
		}
		text_cut((*names)[*count].name, sizeof((*names)[*count].name), entry->d_name);
		(*count)++;
	}
}

int file_list(const char *path, struct folder_entry **entries, size_t *count, struct error *err)
{
	struct folder_entry *names = NULL;
	size_t found = 0;
	DIR *list = opendir(path);

	if (!list && errno != ENOENT)
		return refuse(err, "list", path);
	if (list && read_names(list, &names, &found) < 0) {
		(void)refuse(err, "list", path);
		closedir(list);
		free(names);
		return -1;
	}
	if (list)
		closedir(list);
	if (found)
		qsort(names, found, sizeof(*names), by_name);
	*entries = names;
	*count = found;
	return 0;
}
