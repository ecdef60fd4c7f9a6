#ifndef TESTS_UNIT_SUPPORT_SCRATCH_H
#define TESTS_UNIT_SUPPORT_SCRATCH_H

#include <stddef.h>

/*
 * scratch: a folder of the test's own, and what the code under test writes to
 * a descriptor. Whatever fails in here ends the test program.
 */

enum { SCRATCH_ROOM = 128 };

/* A new folder under TMPDIR or /tmp. */
void scratch_make(char path[static SCRATCH_ROOM]);

/* Removes it with all that is in it. */
void scratch_remove(const char *path);

/* "FOLDER/NAME"; the result is good until the eighth call from now. */
const char *scratch_path(const char *folder, const char *name);

struct capture {
	int fd, saved, file;
};

/* From here on, what is written to fd (1 or 2) goes to a file. */
struct capture capture_begin(int fd);

/* The other way again; text gets what was written, NUL-terminated. */
void capture_end(struct capture *capture, char *text, size_t room);

#endif
