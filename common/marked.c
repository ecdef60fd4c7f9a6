#include "common/marked.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"

enum { CHUNK_LEN = 16384, LOOK_EVERY_MS = 10, QUIET_LOOKS = 2 };

/* What a look does with each process that bears the mark. */
struct look {
	const char *marker;
	pid_t spare;
	int number; /* the signal to send; 0: none */
	struct marked found;
	size_t room;
};

static void fd_release(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Where in the environment's bytes the reading stands. */
struct match {
	const char *marker;
	size_t len; /* of the entry, so far equal to the marker's start */
	bool differs;
};

/* Feeds one byte; true at the end of an entry that is the marker, no more and no less. */
static bool match_byte(struct match *match, char byte)
{
	char expected = match->marker[match->len];
	bool is_whole = !byte && !expected && !match->differs;

	if (!byte)
		*match = (struct match){ .marker = match->marker };
	else if (!match->differs && byte == expected)
		match->len++;
	else
		match->differs = true;
	return is_whole;
}

/*
 * 1: bears the mark, 0: does not, or has no environment (a zombie, a kernel
 * thread), or has gone, or we may not know; -1: the look itself failed.
 */
static int bears_mark(pid_t pid, const char *marker)
{
	char path[48], chunk[CHUNK_LEN];
	struct match match = { .marker = marker };
	ssize_t got = 1;

	snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
	SCOPED(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -1 : 0;
	while (got > 0) {
		got = read(fd, chunk, sizeof(chunk));
		for (ssize_t i = 0; i < got; i++)
			if (match_byte(&match, chunk[i]))
				return 1;
	}
	/* A process that wrote over its environment may have left the last entry without its NUL.
	 */
	return match.len && match_byte(&match, '\0');
}

/* A descriptor that stays with the process, or -1 with errno. Kernels before 5.3 have none. */
static int open_process(pid_t pid)
{
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	errno = ENOSYS;
	return -1;
#endif
}

static int send_signal(int process, int number)
{
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
	return (int)syscall(SYS_pidfd_send_signal, process, number, NULL, 0);
#else
	(void)process;
	(void)number;
	errno = ENOSYS;
	return -1;
#endif
}

/* A number may become another process's between our look and our signal: so get hold of the
 * process first, then look again, then signal what we hold. */
void marked_signal(pid_t pid, const char *marker, int number)
{
	SCOPED(fd) int process = open_process(pid);

	if (process < 0 && errno == ESRCH)
		return;
	if (bears_mark(pid, marker) != 1)
		return;
	if (process < 0 || (send_signal(process, number) < 0 && errno == ENOSYS))
		(void)kill(pid, number);
}

static void look_keep(struct look *look, pid_t pid)
{
	struct marked *found = &look->found;

	if (found->count == look->room) {
		look->room = 2 * look->room + 16;
		found->pids = memory_grow(found->pids, look->room, sizeof(*found->pids));
	}
	found->pids[found->count++] = pid;
}

/* The signal goes out at once and not after the look: whoever forks and ends, forks and ends
 * would else always be gone. */
static int look_at(struct look *look, pid_t pid)
{
	int bears = bears_mark(pid, look->marker);

	if (bears == 1) {
		look_keep(look, pid);
		if (look->number)
			marked_signal(pid, look->marker, look->number);
	}
	return bears < 0 ? -1 : 0;
}

/* The number that a name in /proc stands for, or 0. */
static pid_t pid_of(const char *name)
{
	char *end;
	long number;

	if (!isdigit((unsigned char)name[0]))
		return 0;
	number = strtol(name, &end, 10);
	return *end ? 0 : (pid_t)number;
}

static int look_through(struct look *look, DIR *list, struct error *err)
{
	const pid_t self = getpid();
	const struct dirent *entry;

	for (;;) {
		errno = 0;
		entry = readdir(list);
		if (!entry)
			return errno ? error_errno(err, "list /proc") : 0;
		pid_t pid = pid_of(entry->d_name);

		if (pid > 0 && pid != self && pid != look->spare && look_at(look, pid) < 0)
			return error_errno(err, "read the environment of process %ld", (long)pid);
	}
}

static int look_around(struct look *look, struct error *err)
{
	DIR *list = opendir("/proc");

	look->found.count = 0;
	if (!list)
		return error_errno(err, "open /proc");
	int outcome = look_through(look, list, err);

	closedir(list);
	return outcome;
}

int marked_find(const char *marker, struct marked *out, struct error *err)
{
	struct look look = { .marker = marker };

	if (look_around(&look, err) < 0) {
		marked_release(&look.found);
		return -1;
	}
	*out = look.found;
	return 0;
}

/* Looks until nothing is found twice running (one look may miss a process that is just being
 * made), or something still is when the time is over. */
static int wait_for_quiet(struct look *look, int64_t deadline_ms, bool *is_quiet, struct error *err)
{
	unsigned quiet = 0;

	for (;;) {
		if (look_around(look, err) < 0)
			return -1;
		quiet = look->found.count ? 0 : quiet + 1;
		*is_quiet = quiet == QUIET_LOOKS;
		if (*is_quiet || (look->found.count && clock_monotonic_ms() >= deadline_ms))
			return 0;
		clock_sleep_ms(LOOK_EVERY_MS);
	}
}

static int name_survivor(const struct look *look, int64_t timeout_ms, struct error *err)
{
	pid_t pid = look->found.pids[0];

	return error_set(err, ERROR_SYSTEM,
			 "%zu processes marked %s outlive SIGKILL after %lld ms, one is %ld: see "
			 "/proc/%ld/stat",
			 look->found.count, look->marker, (long long)timeout_ms, (long)pid,
			 (long)pid);
}

static int kill_all(struct look *look, int64_t grace_ms, int64_t timeout_ms, struct error *err)
{
	const int64_t start_ms = clock_monotonic_ms();
	bool is_quiet = false;

	if (grace_ms > 0) {
		look->number = SIGTERM;
		if (look_around(look, err) < 0)
			return -1;
		look->number = 0; /* once: a second one makes some programs leave at once */
		if (wait_for_quiet(look, start_ms + grace_ms, &is_quiet, err) < 0)
			return -1;
	}
	if (is_quiet)
		return 0;
	look->number = SIGKILL;
	if (wait_for_quiet(look, start_ms + timeout_ms, &is_quiet, err) < 0)
		return -1;
	return is_quiet ? 0 : name_survivor(look, timeout_ms, err);
}

int marked_kill(const char *marker, pid_t spare, int64_t grace_ms, int64_t timeout_ms,
		struct error *err)
{
	struct look look = { .marker = marker, .spare = spare };
	int outcome = kill_all(&look, grace_ms, timeout_ms, err);

	marked_release(&look.found);
	return outcome;
}

void marked_release(struct marked *marked)
{
	free(marked->pids);
	*marked = (struct marked){ 0 };
}
