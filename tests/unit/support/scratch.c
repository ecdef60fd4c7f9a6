#include "tests/unit/support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"

static void require(int is_so, const char *what)
{
	if (is_so)
		return;
	perror(what);
	abort();
}

void scratch_make(char path[static SCRATCH_ROOM])
{
	const char *parent = getenv("TMPDIR");

	int len = snprintf(path, SCRATCH_ROOM, "%s/mayfly-test-XXXXXX", parent ? parent : "/tmp");

	require(len < SCRATCH_ROOM && mkdtemp(path), "scratch folder");
}

void scratch_remove(const char *path)
{
	struct error err;

	if (file_remove_tree(path, &err) < 0)
		fprintf(stderr, "left behind: %s\n", err.message);
}

const char *scratch_path(const char *folder, const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	require(snprintf(path, sizeof(paths[0]), "%s/%s", folder, name) < (int)sizeof(paths[0]),
		"scratch path");
	return path;
}

struct capture capture_begin(int fd)
{
	FILE *file = tmpfile();

	require(file != NULL, "tmpfile");
	fflush(NULL);
	struct capture capture = { .fd = fd, .saved = dup(fd), .file = dup(fileno(file)) };

	require(capture.saved >= 0 && capture.file >= 0, "dup");
	require(dup2(capture.file, fd) >= 0, "dup2");
	fclose(file);
	return capture;
}

void capture_end(struct capture *capture, char *text, size_t room)
{
	fflush(NULL);
	ssize_t len = pread(capture->file, text, room - 1, 0);

	require(len >= 0, "read what was captured");
	text[len] = '\0';
	require(dup2(capture->saved, capture->fd) >= 0, "dup2");
	close(capture->saved);
	close(capture->file);
}
