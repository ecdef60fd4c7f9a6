#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "common/buf.h"

/*
 * file: whole files, in one piece or not at all. Every message names the path.
 * ERROR_NOT_FOUND when it is not there, ERROR_MALFORMED when it is larger than
 * the buf's limit, else ERROR_SYSTEM.
 */

/* Replaces what *out held; on failure *out is as it was. */
CHECKED int file_read(const char *path, struct buf *out, struct error *err);

/* Temporary file in the same folder (".new-PID-N", left behind by a crash), fsync, rename, fsync
 * of the folder: a crash leaves the old content or the new, never a part. mode is exact, whatever
 * the umask. A link at path is replaced, not followed. */
CHECKED int file_write(const char *path, struct slice bytes, mode_t mode, struct error *err);

/* The same, but never in the place of another file: ERROR_CONFLICT when there is one. */
CHECKED int file_write_new(const char *path, struct slice bytes, mode_t mode, struct error *err);

/* As file_read(), but the file must be ours and closed to group and others
 * (a private key, a bundle): else ERROR_CONFIGURATION that says chmod 600. */
CHECKED int file_read_private(const char *path, struct buf *out, struct error *err);

/* As file_read(), but only root or we may have written it (whom we trust): else
 * ERROR_CONFIGURATION that says chown, or chmod 644. */
CHECKED int file_read_trusted(const char *path, struct buf *out, struct error *err);

/* At the end, and on the disk when this returns; a crash may leave a part of the bytes there. mode
 * (less the umask) counts when the file is made. */
CHECKED int file_remove(const char *path, struct error *err); /* absent is success */
CHECKED int file_make_folder(const char *path, mode_t mode, struct error *err); /* with parents */

/*
 * Absent is success. Links are removed, not followed; what another file system
 * has mounted inside stays, and is the error. Removes all that it can, then
 * tells the first failure.
 */
CHECKED int file_remove_tree(const char *path, struct error *err);
bool file_exists(const char *path);

/*
 * Hold path's lock (made 0600 when absent, never removed: removing a lock file
 * lets two hold "it"). *fd stays open as long as the lock is wanted; whoever
 * inherits it holds the lock too (it is close-on-exec; child.h can hand it
 * down). Held by another: ERROR_CONFLICT.
 */
CHECKED int file_lock(const char *path, int *fd, struct error *err);

/* What is free for an unprivileged user of path's file system. ERROR_REFUSED: it is mounted
 * read-only, as after an error of its disk. */
CHECKED int file_space(const char *path, uint64_t *free_bytes, unsigned *free_inode_percent,
		       struct error *err);

struct folder_entry {
	char name[256];
};

/* Names in a folder, sorted, without dot files; absent folder: none. The caller frees *entries. */
CHECKED int file_list(const char *path, struct folder_entry **entries, size_t *count,
		      struct error *err);

#endif
