#ifndef COMMON_TAR_H
#define COMMON_TAR_H

#include "common/buf.h"

/*
 * tar: a few small files in one text (POSIX.1 ustar), so that `tar` can list
 * and unpack what we pack. Regular files only, no folders in names, owner 0,
 * mode 0600, time 0: the same files give the same bytes.
 */

enum { TAR_NAME_ROOM = 100 };

struct tar_file {
	char name[TAR_NAME_ROOM];
	struct slice bytes; /* borrowed */
};

void tar_write(const struct tar_file *files, size_t count, struct buf *out);

/* At most *count files; *count is set to how many there were. The slices borrow from archive.
 * ERROR_MALFORMED: damaged, cut, more files than room, or something else than a regular file. */
CHECKED int tar_read(struct slice archive, struct tar_file *files, size_t *count,
		     struct error *err);

#endif
