#include "reaper/pass_lock.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"

enum { PATH_ROOM = 600, LOOK_EVERY_MS = 50 };

void pass_lock_release(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* The lock file says who has it, for the one who finds it taken. */
static void sign(int fd)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "process %ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, line, (size_t)len, 0) != len)
		log_warn("lock", "the lock file does not say who holds it");
}

static int tell_holder(const char *path, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(256);
	struct error ignored;

	if (file_read(path, &text, &ignored) < 0)
		buf_clear(&text);
	return error_set(err, ERROR_CONFLICT, "another run (%.*s) holds %s",
			 (int)strcspn(buf_text(&text), "\n"), buf_text(&text), path);
}

int pass_lock(const char *folder, int64_t wait_ms, int *fd, struct error *err)
{
	int64_t until_ms = clock_monotonic_ms() + wait_ms;
	char path[PATH_ROOM];

	if (file_make_folder(folder, 0700, err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/lock", folder);
	while (file_lock(path, fd, err) < 0) {
		if (err->class != ERROR_CONFLICT)
			return -1;
		if (clock_monotonic_ms() >= until_ms)
			return tell_holder(path, err);
		(void)poll(NULL, 0, LOOK_EVERY_MS);
	}
	sign(*fd);
	return 0;
}
