#include "tests/unit/support/sql_faults.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "common/buf.h"

enum { MOST_FILES = 32, PATH_ROOM = 256 };

static sqlite3_vfs shim;
static sqlite3_vfs *real;

static enum sql_fault armed;
static unsigned nth, count;

/* Files that are open, by SQLite's handle. */
static struct open_file {
	sqlite3_file *file;
	char path[PATH_ROOM];
	const sqlite3_io_methods *real;
	sqlite3_io_methods ours; /* the real ones, and ours in the place of some */
} files[MOST_FILES];

/* What was there before each write that no sync has made safe yet. */
static struct before {
	char path[PATH_ROOM];
	off_t offset, file_len;
	char *bytes;
	size_t len;
} * unsafe;
static size_t unsafe_count;

static struct open_file *find(const sqlite3_file *file)
{
	for (size_t i = 0; i < MOST_FILES; i++)
		if (files[i].file == file)
			return &files[i];
	abort();
}

/* ---- what a power cut takes back ---- */

static void keep_before(const sqlite3_file *file, off_t offset, size_t len)
{
	struct before before = { .offset = offset, .bytes = malloc(len + 1) };
	struct stat status;

	if (armed != SQL_FAULT_POWER) {
		free(before.bytes);
		return;
	}
	text_cut(before.path, sizeof(before.path), find(file)->path);
	int fd = open(before.path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		abort();
	before.file_len = status.st_size;
	ssize_t got = pread(fd, before.bytes, len, offset);
	before.len = got < 0 ? 0 : (size_t)got;
	close(fd);
	unsafe = memory_grow(unsafe, unsafe_count + 1, sizeof(*unsafe));
	unsafe[unsafe_count++] = before;
}

static void make_safe(const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < unsafe_count; i++)
		if (strcmp(unsafe[i].path, path) != 0)
			unsafe[kept++] = unsafe[i];
		else
			free(unsafe[i].bytes);
	unsafe_count = kept;
}

static void take_back(void)
{
	while (unsafe_count) {
		const struct before *before = &unsafe[--unsafe_count];
		int fd = open(before->path, O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			continue; /* removed meanwhile */
		if (pwrite(fd, before->bytes, before->len, before->offset) !=
			    (ssize_t)before->len ||
		    ftruncate(fd, before->file_len) < 0)
			abort();
		close(fd);
	}
}

/* ---- the faults ---- */

static _Bool is_now(void)
{
	return armed != SQL_FAULT_NONE && ++count >= nth;
}

static void die(void)
{
	if (armed == SQL_FAULT_POWER)
		take_back();
	if (armed == SQL_FAULT_KILL || armed == SQL_FAULT_POWER)
		raise(SIGKILL);
}

static int shim_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
	keep_before(file, offset, (size_t)len);
	if (is_now()) {
		if (armed == SQL_FAULT_FULL)
			return SQLITE_FULL;
		(void)find(file)->real->xWrite(file, bytes, len / 2, offset);
		die();
	}
	return find(file)->real->xWrite(file, bytes, len, offset);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 len)
{
	struct stat status;

	if (stat(find(file)->path, &status) == 0 && status.st_size > len)
		keep_before(file, len, (size_t)(status.st_size - len));
	if (is_now())
		die();
	return find(file)->real->xTruncate(file, len);
}

static int shim_sync(sqlite3_file *file, int flags)
{
	if (is_now())
		die();
	make_safe(find(file)->path);
	return find(file)->real->xSync(file, flags);
}

static int shim_close(sqlite3_file *file)
{
	struct open_file *open_file = find(file);

	open_file->file = NULL;
	return open_file->real->xClose(file);
}

static int shim_delete(sqlite3_vfs *vfs, const char *path, int is_folder_synced)
{
	(void)vfs;
	if (is_now())
		die();
	make_safe(path);
	return real->xDelete(real, path, is_folder_synced);
}

/* The handle is the real one; its table of functions is ours. */
static int shim_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags,
		     int *out_flags)
{
	int code = real->xOpen(real, path, file, flags, out_flags);

	(void)vfs;
	if (code != SQLITE_OK || !path)
		return code;
	struct open_file *open_file = find(NULL);
	*open_file =
		(struct open_file){ .file = file, .real = file->pMethods, .ours = *file->pMethods };
	text_cut(open_file->path, sizeof(open_file->path), path);
	open_file->ours.xClose = shim_close;
	open_file->ours.xWrite = shim_write;
	open_file->ours.xTruncate = shim_truncate;
	open_file->ours.xSync = shim_sync;
	file->pMethods = &open_file->ours;
	return code;
}

void sql_faults_begin(void)
{
	real = sqlite3_vfs_find(NULL);
	shim = *real;
	shim.zName = "faults";
	shim.xOpen = shim_open;
	shim.xDelete = shim_delete;
	if (sqlite3_vfs_register(&shim, 1) != SQLITE_OK)
		abort();
}

void sql_faults_arm(enum sql_fault fault, unsigned at)
{
	armed = fault;
	nth = at;
	count = 0;
}

_Bool sql_faults_disarm(void)
{
	_Bool has_happened = armed != SQL_FAULT_NONE && count >= nth;

	armed = SQL_FAULT_NONE;
	return has_happened;
}
