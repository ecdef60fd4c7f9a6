#include "bootstrap/keeper.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bootstrap/agent_sweep.h"
#include "bootstrap/supervisor.h"
#include "common/child.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/marked.h"
#include "common/reason.h"

enum { MAX_RESTARTS = 3, PAUSE_MS = 500, KILL_TIMEOUT_MS = 20000 };

struct keeper {
	char folder[MACHINE_PATH_ROOM];
	char marker[128];
	char self[PATH_MAX];
	struct trust_files trust; /* borrowed */
	int lock_fd, signal_fd;
	pid_t child; /* 0: none now */
	int status; /* its last, as of wait(2) */
	unsigned restarts, terms;
};

static int start(struct keeper *keeper, struct error *err)
{
	char log_path[MACHINE_PATH_ROOM + 16], lock_fd[16];
	const char *argv[12] = { keeper->self,	   "run",
				 "--folder",	   keeper->folder,
				 "--image-key",	   keeper->trust.image_key,
				 "--trusted-keys", keeper->trust.trusted_keys };
	size_t words = 8;
	const struct child_spec spec = {
		.argv = argv,
		.folder = keeper->folder,
		.output = log_path,
		.keep_fd = keeper->lock_fd,
	};

	(void)snprintf(log_path, sizeof(log_path), "%s/bootstrap.log", keeper->folder);
	if (keeper->lock_fd) {
		(void)snprintf(lock_fd, sizeof(lock_fd), "%d", keeper->lock_fd);
		argv[words++] = "--lock-fd";
		argv[words++] = lock_fd;
	}
	/* A signal that killed the last one before it could listen still counts. */
	if (keeper->terms)
		argv[words++] = "--drain";
	return child_start(&spec, &keeper->child, err);
}

/* Bootstrap, and the orphans of what it had started. */
static void reap_all(struct keeper *keeper)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	for (; pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
		if (pid != keeper->child)
			continue;
		keeper->child = 0;
		keeper->status = status;
	}
}

static void pass_on(struct keeper *keeper, int signal_number)
{
	keeper->terms++;
	log_info("signal", "%s passed on to bootstrap",
		 signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
	if (keeper->child)
		(void)kill(keeper->child, signal_number);
}

static void read_signals(struct keeper *keeper)
{
	struct signalfd_siginfo seen;

	while (read(keeper->signal_fd, &seen, sizeof(seen)) == (ssize_t)sizeof(seen))
		if (seen.ssi_signo == SIGTERM || seen.ssi_signo == SIGINT)
			pass_on(keeper, (int)seen.ssi_signo);
}

static void wait_for_child(struct keeper *keeper)
{
	while (keeper->child) {
		struct pollfd wait = { keeper->signal_fd, POLLIN, 0 };

		(void)poll(&wait, 1, -1);
		read_signals(keeper);
		reap_all(keeper);
	}
}

static bool wants_restart(const struct keeper *keeper)
{
	if (WIFEXITED(keeper->status))
		return WEXITSTATUS(keeper->status) == reason_exit_status(REASON_SYSTEM);
	return true;
}

static int keep_alive(struct keeper *keeper, struct error *err)
{
	char how[64];

	for (;;) {
		read_signals(keeper);
		if (start(keeper, err) < 0)
			return error_wrap(err, "start bootstrap");
		wait_for_child(keeper);
		child_describe(keeper->status, how, sizeof(how));
		if (!wants_restart(keeper) || keeper->restarts == MAX_RESTARTS)
			break;
		keeper->restarts++;
		log_warn("restart", "bootstrap: %s; restart %u of %d", how, keeper->restarts,
			 MAX_RESTARTS);
		clock_sleep_ms(PAUSE_MS * (int64_t)keeper->restarts);
	}
	log_info("ended", "bootstrap: %s", how);
	return 0;
}

static int exit_status_of(const struct keeper *keeper)
{
	return WIFEXITED(keeper->status) ? WEXITSTATUS(keeper->status) : EXIT_FAILED;
}

static int write_ended(const struct keeper *keeper, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(1024);
	char path[MACHINE_PATH_ROOM + 16];

	json_new_object(&document);
	json_add_integer(document.root, "ended_s", clock_wall_ms() / 1000);
	json_add_integer(document.root, "status", exit_status_of(keeper));
	json_add_integer(document.root, "restarts", keeper->restarts);
	json_print(document.root, true, &text);
	(void)snprintf(path, sizeof(path), "%s/ended.json", keeper->folder);
	if (buf_finish(&text, err) < 0)
		return -1;
	return file_write(path, buf_slice(&text), 0600, err);
}

/* While any of them lives, the machine exists: the lock goes last. */
static void clean_up(struct keeper *keeper)
{
	struct error err;

	if (marked_kill(keeper->marker, 0, 0, KILL_TIMEOUT_MS, &err) < 0)
		log_failure("survivors", &err);
	agent_sweep_folder(keeper->folder, keeper->marker + sizeof("MAYFLY_INSTANCE=") - 1);
	reap_all(keeper);
	if (write_ended(keeper, &err) < 0)
		log_failure("ended", &err);
}

static int find_self(char path[static PATH_MAX], struct error *err)
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (len < 0)
		return error_errno(err, "/proc/self/exe");
	path[len] = '\0';
	return 0;
}

static int check_lock(int lock_fd, struct error *err)
{
	if (lock_fd && fcntl(lock_fd, F_GETFD) < 0)
		return error_errno(err, "--lock-fd %d", lock_fd);
	return 0;
}

/* Bootstrap is started in the machine's folder. */
static int check_trust(const struct trust_files *trust, struct error *err)
{
	if (trust->image_key[0] == '/' && trust->trusted_keys[0] == '/')
		return 0;
	return error_set(err, ERROR_CONFIGURATION,
			 "--image-key and --trusted-keys: expected absolute paths");
}

static int check_name(const struct keeper_options *options, struct keeper *keeper,
		      struct error *err)
{
	struct launch_note note;

	if (identity_read("local", keeper->folder, &note, err) < 0)
		return -1;
	if (!options->instance || strcmp(options->instance, note.identity.instance) != 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "start the keeper with MAYFLY_INSTANCE=%s in its environment: "
				 "the machine's processes are found by it",
				 note.identity.instance);
	(void)snprintf(keeper->marker, sizeof(keeper->marker), "MAYFLY_INSTANCE=%s",
		       note.identity.instance);
	log_open("mayfly-keeper", note.identity.instance, LOG_INFO);
	return 0;
}

static int prepare(const struct keeper_options *options, struct keeper *keeper, struct error *err)
{
	if (identity_folder(options->folder, keeper->folder, err) < 0 ||
	    check_trust(&options->trust, err) < 0 || check_lock(options->lock_fd, err) < 0 ||
	    find_self(keeper->self, err) < 0 || check_name(options, keeper, err) < 0)
		return -1;
	keeper->lock_fd = options->lock_fd;
	keeper->trust = options->trust;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return error_errno(err, "become the reaper of orphans");
	return 0;
}

int keeper_run(const struct keeper_options *options)
{
	struct keeper keeper = { .signal_fd = -1 };
	struct error err;

	log_open("mayfly-keeper", NULL, LOG_INFO);
	if (signals_open(&keeper.signal_fd, &err) < 0 || prepare(options, &keeper, &err) < 0) {
		log_error("start", "%s", err.message);
		return EXIT_USAGE;
	}
	if (keep_alive(&keeper, &err) < 0) {
		log_error("start", "%s", err.message);
		keeper.status = EXIT_FAILED << 8; /* as wait(2) would tell it */
	}
	clean_up(&keeper);
	(void)close(keeper.signal_fd);
	return exit_status_of(&keeper);
}
