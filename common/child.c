#include "common/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

enum {
	PATH_ROOM = 4096,
	CHUNK_LEN = 8192,
	CHUNKS_AT_ONCE = 32, /* several times what a pipe holds */
	LOOK_EVERY_MS = 20, /* how late the end of a child may be noticed that holds no pipe */
	KILL_LIMIT_MS = 5000 /* a killed child may hang in the kernel: then it is left behind */
};

static const char usual_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* Where a child failed before it became another program; told through a pipe. */
enum step { STEP_SESSION, STEP_OUTPUT, STEP_DESCRIPTORS, STEP_USER, STEP_FOLDER, STEP_EXEC };

struct failure {
	enum step step;
	int cause; /* errno */
};

/* All that the child needs, made before the fork: between fork and exec only system calls. */
struct start {
	const struct child_spec *spec;
	char program[PATH_ROOM];
	char *const *argv, *const *environment;
	int input, output, report; /* 3 or higher, close-on-exec */
	pid_t parent;
};

static void fd_release(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* execve() wants pointers to what it does not change. */
static char *const *unconst(const char *const *list)
{
	union {
		const char *const *borrowed;
		char *const *wanted;
	} both = { .borrowed = list };

	return both.wanted;
}

static bool is_program(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/*
 * Not execvp(): it hands a file that is no program to a shell. Folders of PATH
 * that are not absolute are passed over.
 */
static int find_program(const char *name, char out[static PATH_ROOM], struct error *err)
{
	const char *folders = getenv("PATH");

	if (strchr(name, '/'))
		return text_copy(out, PATH_ROOM, slice_of(name), err);
	if (!folders)
		folders = usual_path;
	while (*folders) {
		int len = (int)strcspn(folders, ":");
		int whole = snprintf(out, PATH_ROOM, "%.*s/%s", len, folders, name);

		if (folders[0] == '/' && whole > 0 && whole < PATH_ROOM && is_program(out))
			return 0;
		folders += len;
		folders += *folders == ':';
	}
	return error_set(err, ERROR_NOT_FOUND, "%s: no such program in PATH", name);
}

/* Out of the way of 0, 1 and 2, which the child's own are put over. */
static int raise_fd(int fd)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	int raised = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int cause = errno;

	close(fd);
	errno = cause;
	return raised;
}

static bool reset_signals(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	/* SIGKILL, SIGSTOP and what the C library keeps for itself refuse, and need no reset. */
	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &standard, NULL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool place_output(const struct start *start)
{
	return dup2(start->input, STDIN_FILENO) >= 0 && dup2(start->output, STDOUT_FILENO) >= 0 &&
	       dup2(start->output, STDERR_FILENO) >= 0;
}

/* Kernels before 5.9 have no close_range(). */
static bool close_listed(unsigned first, unsigned last)
{
	DIR *list = opendir("/proc/self/fd");
	const struct dirent *entry = list ? readdir(list) : NULL;

	if (!list)
		return false;
	for (; entry; entry = readdir(list)) {
		long fd = strtol(entry->d_name, NULL, 10);

		if (fd >= (long)first && fd <= (long)last && fd != dirfd(list))
			close((int)fd);
	}
	closedir(list);
	return true;
}

static bool close_between(unsigned first, unsigned last)
{
	if (first > last)
		return true;
#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, last, 0) == 0)
		return true;
#endif
	return close_listed(first, last);
}

/* Everything above 2 but the report (close-on-exec) and the descriptor to keep. */
static bool close_others(const struct start *start)
{
	const int keep = start->spec->keep_fd;
	unsigned low = (unsigned)start->report, high = low;

	if (keep > STDERR_FILENO) {
		if (fcntl(keep, F_SETFD, 0) < 0)
			return false;
		low = keep < start->report ? (unsigned)keep : low;
		high = keep > start->report ? (unsigned)keep : high;
	}
	return close_between(STDERR_FILENO + 1, low - 1) && close_between(low + 1, high - 1) &&
	       close_between(high + 1, ~0U >> 1);
}

/* It must not be able to come back: no id of the three is ours, no group, and root is refused. */
static bool drop_user(const struct child_spec *spec)
{
	uid_t uids[3];
	gid_t gids[3];

	if (!spec->uid)
		return true;
	if (setgroups(0, NULL) < 0 || setresgid(spec->gid, spec->gid, spec->gid) < 0 ||
	    setresuid(spec->uid, spec->uid, spec->uid) < 0 ||
	    getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return false;
	errno = EPERM;
	for (size_t i = 0; i < ARRAY_LEN(uids); i++)
		if (uids[i] != spec->uid || gids[i] != spec->gid)
			return false;
	if (getgroups(0, NULL) != 0 || setresuid((uid_t)-1, 0, (uid_t)-1) == 0) {
		errno = EPERM;
		return false;
	}
	return true;
}

/* Before drop_user(), after which /proc is another's. More than nothing is always allowed. */
static void offer_to_oom_killer(const struct start *start)
{
	if (!start->spec->is_expendable)
		return;
	int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return;
	(void)!write(file, "0", 1);
	close(file);
}

/* After drop_user(), because a change of user clears it; our death may have been before that. */
static bool tie_to_parent(const struct start *start)
{
	if (!start->spec->dies_with_us)
		return true;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return false;
	if (getppid() != start->parent)
		_exit(EXIT_FAILURE);
	return true;
}

static _Noreturn void become(const struct start *start)
{
	struct failure failure = { .step = STEP_EXEC };

	offer_to_oom_killer(start);
	if (setsid() < 0 || !reset_signals())
		failure.step = STEP_SESSION;
	else if (!place_output(start))
		failure.step = STEP_OUTPUT;
	else if (!close_others(start))
		failure.step = STEP_DESCRIPTORS;
	else if (!drop_user(start->spec) || !tie_to_parent(start))
		failure.step = STEP_USER;
	else if (start->spec->folder && chdir(start->spec->folder) < 0)
		failure.step = STEP_FOLDER;
	else
		execve(start->program, start->argv, start->environment);
	failure.cause = errno;
	(void)!write(start->report, &failure, sizeof(failure));
	_exit(EXIT_FAILURE);
}

static int explain(const struct start *start, const struct failure *failure, struct error *err)
{
	const struct child_spec *spec = start->spec;
	const char *program = start->program;

	errno = failure->cause;
	switch (failure->step) {
	case STEP_SESSION:
		return error_errno(err, "start %s: session and signals", program);
	case STEP_OUTPUT:
		return error_errno(err, "start %s: its input and output", program);
	case STEP_DESCRIPTORS:
		return error_errno(err, "start %s: close descriptors, keep %d", program,
				   spec->keep_fd);
	case STEP_USER:
		return error_errno(err, "start %s: become user %u, group %u", program, spec->uid,
				   spec->gid);
	case STEP_FOLDER:
		return error_errno(err, "start %s: enter %s", program, spec->folder);
	case STEP_EXEC:
		break;
	}
	(void)error_errno(err, "start %s", program);
	if (failure->cause == ENOENT || failure->cause == ENOTDIR)
		err->class = ERROR_NOT_FOUND;
	return -1;
}

/* The end of the pipe without a word is the good news: exec closed it. */
static int await_exec(const struct start *start, int report, pid_t pid, struct error *err)
{
	struct failure failure;
	ssize_t got;

	do
		got = read(report, &failure, sizeof(failure));
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (got != (ssize_t)sizeof(failure))
		return error_set(err, ERROR_SYSTEM, "start %s: lost before exec", start->program);
	return explain(start, &failure, err);
}

/* No handler of ours may run in the child: signals wait until it has reset them. */
static pid_t fork_blocked(const struct start *start)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	int cause = errno;

	if (pid == 0)
		become(start);
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = cause;
	return pid;
}

static int fork_and_await(struct start *start, pid_t *pid, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "start %s: pipe", start->program);
	SCOPED(fd) int reading = raise_fd(ends[0]);
	SCOPED(fd) int writing = raise_fd(ends[1]);

	if (reading < 0 || writing < 0)
		return error_errno(err, "start %s: pipe", start->program);
	start->report = writing;
	start->parent = getpid();
	pid_t forked = fork_blocked(start);

	if (forked < 0)
		return error_errno(err, "start %s: fork", start->program);
	fd_release(&writing);
	if (await_exec(start, reading, forked, err) < 0)
		return -1;
	*pid = forked;
	return 0;
}

/* output is lent. */
static int start_with(const struct child_spec *spec, int output, pid_t *pid, struct error *err)
{
	SCOPED(fd) int input = raise_fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
	struct start start = { .spec = spec,
			       .argv = unconst(spec->argv),
			       .environment =
				       spec->environment ? unconst(spec->environment) : environ,
			       .input = input,
			       .output = output };

	if (input < 0)
		return error_errno(err, "open /dev/null");
	if (spec->uid && !spec->gid)
		return error_set(err, ERROR_CONFIGURATION,
				 "start %s: user %u with root's group, expected a group of its own",
				 spec->argv[0], spec->uid);
	if (find_program(spec->argv[0], start.program, err) < 0)
		return error_wrap(err, "start");
	return fork_and_await(&start, pid, err);
}

int child_start(const struct child_spec *spec, pid_t *pid, struct error *err)
{
	const char *path = spec->output ? spec->output : "/dev/null";
	SCOPED(fd)
	int output =
		raise_fd(open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));

	if (output < 0)
		return error_errno(err, "start %s: open %s", spec->argv[0], path);
	return start_with(spec, output, pid, err);
}

int child_reap(pid_t pid, bool *has_ended, int *status, struct error *err)
{
	int ended_with = 0;
	pid_t reaped;

	do
		reaped = waitpid(pid, &ended_with, WNOHANG);
	while (reaped < 0 && errno == EINTR);
	if (reaped < 0)
		return error_errno(err, "wait for process %ld", (long)pid);
	*has_ended = reaped == pid;
	if (*has_ended)
		*status = ended_with;
	return 0;
}

/* Ended, and still a zombie: until it is reaped, the number of its group is nobody else's. */
static bool is_zombie(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid;
}

/* Reads what is there, though not for ever: somebody may write faster than we read. False at the
 * end of the pipe. */
static bool drain(int pipe, struct buf *out)
{
	char chunk[CHUNK_LEN];

	for (unsigned i = 0; i < CHUNKS_AT_ONCE; i++) {
		ssize_t got = read(pipe, chunk, sizeof(chunk));

		if (got < 0)
			return errno == EAGAIN || errno == EINTR;
		if (got == 0)
			return false;
		size_t room = out->limit - out->len, len = (size_t)got;

		buf_add(out, (struct slice){ chunk, len < room ? len : room });
	}
	return true;
}

/* True when the child ended in time. */
static bool follow(pid_t pid, int pipe, int64_t deadline_ms, struct buf *out)
{
	struct pollfd waiting = { .fd = pipe, .events = POLLIN };

	while (!is_zombie(pid)) {
		if (clock_monotonic_ms() >= deadline_ms)
			return false;
		(void)poll(&waiting, 1, LOOK_EVERY_MS);
		/* A closed pipe is always ready: poll() only sleeps from then on. */
		if (waiting.fd >= 0 && !drain(pipe, out))
			waiting.fd = -1;
	}
	return true;
}

/* The whole group goes, also what the child left running in it. */
static int collect(pid_t pid, int *status, struct error *err)
{
	const int64_t give_up_ms = clock_monotonic_ms() + KILL_LIMIT_MS;
	bool has_ended = false;

	(void)kill(-pid, SIGKILL);
	while (!has_ended) {
		if (child_reap(pid, &has_ended, status, err) < 0)
			return -1;
		if (has_ended)
			return 0;
		if (clock_monotonic_ms() >= give_up_ms)
			return error_set(err, ERROR_SYSTEM, "process %ld hangs in the kernel",
					 (long)pid);
		clock_sleep_ms(1);
	}
	return 0;
}

/* A pipe that the child writes and that we read without waiting. */
static int make_pipe(int *reading, int *writing, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	*reading = raise_fd(ends[0]);
	*writing = raise_fd(ends[1]);
	if (*reading < 0 || *writing < 0 || fcntl(*reading, F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, "pipe");
	return 0;
}

int child_run(const struct child_spec *spec, int64_t timeout_ms, struct buf *out, int *status,
	      struct error *err)
{
	const int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	SCOPED(fd) int reading = -1;
	SCOPED(fd) int writing = -1;
	int ended_with = 0;
	pid_t pid = -1;

	if (make_pipe(&reading, &writing, err) < 0 || start_with(spec, writing, &pid, err) < 0)
		return -1;
	fd_release(&writing);
	bool is_in_time = follow(pid, reading, deadline_ms, out);

	if (collect(pid, &ended_with, err) < 0)
		return error_wrap(err, "%s", spec->argv[0]);
	(void)drain(reading, out);
	if (!is_in_time)
		return error_set(err, ERROR_UNREACHABLE, "%s did not end within %lld ms: killed",
				 spec->argv[0], (long long)timeout_ms);
	*status = ended_with;
	return 0;
}

static const char *signal_name(int number)
{
	static const struct {
		int number;
		const char *name;
	} known[] = {
		{ SIGHUP, "SIGHUP" },	{ SIGINT, "SIGINT" },	{ SIGQUIT, "SIGQUIT" },
		{ SIGILL, "SIGILL" },	{ SIGTRAP, "SIGTRAP" }, { SIGABRT, "SIGABRT" },
		{ SIGBUS, "SIGBUS" },	{ SIGFPE, "SIGFPE" },	{ SIGKILL, "SIGKILL" },
		{ SIGUSR1, "SIGUSR1" }, { SIGSEGV, "SIGSEGV" }, { SIGUSR2, "SIGUSR2" },
		{ SIGPIPE, "SIGPIPE" }, { SIGALRM, "SIGALRM" }, { SIGTERM, "SIGTERM" },
		{ SIGXCPU, "SIGXCPU" }, { SIGXFSZ, "SIGXFSZ" }, { SIGSYS, "SIGSYS" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].number == number)
			return known[i].name;
	return NULL;
}

void child_describe(int status, char *text, size_t room)
{
	if (WIFEXITED(status)) {
		snprintf(text, room, "exit status %d", WEXITSTATUS(status));
		return;
	}
	const char *name = WIFSIGNALED(status) ? signal_name(WTERMSIG(status)) : NULL;

	if (name)
		snprintf(text, room, "killed by %s", name);
	else if (WIFSIGNALED(status))
		snprintf(text, room, "killed by signal %d", WTERMSIG(status));
	else
		snprintf(text, room, "wait status 0x%x", (unsigned)status);
}
