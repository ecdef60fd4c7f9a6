#include "reaper/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "common/clock.h"
#include "common/command.h"
#include "common/log.h"

static volatile sig_atomic_t has_to_end;

static void note_signal(int number)
{
	(void)number;
	has_to_end = 1;
}

/* The signals wait while a pass runs, and come through only in ppoll(): none is missed. */
static void catch_signals(sigset_t *while_waiting)
{
	struct sigaction action = { .sa_handler = note_signal };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, while_waiting);
	sigdelset(while_waiting, SIGTERM);
	sigdelset(while_waiting, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static void wait_until(int64_t due_ms, const sigset_t *while_waiting)
{
	/* At least one look for a signal, also when passes take longer than the pause. */
	do {
		int64_t left_ms = due_ms - clock_monotonic_ms();
		struct timespec left = { 0 };

		if (left_ms > 0)
			left = (struct timespec){ .tv_sec = left_ms / 1000,
						  .tv_nsec = left_ms % 1000 * 1000000 };
		(void)ppoll(NULL, 0, &left, while_waiting);
	} while (!has_to_end && clock_monotonic_ms() < due_ms);
}

/* Keepers that we launched are our children; the ended ones must not stay as zombies. */
static void reap_children(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

int watch(struct settings *settings, struct clearml *clearml, int64_t every_ms, bool until_empty)
{
	struct pass pass = { .settings = settings, .clearml = clearml };
	struct pass_result result = { 0 };
	sigset_t while_waiting;

	catch_signals(&while_waiting);
	while (!has_to_end) {
		int64_t due_ms = clock_monotonic_ms() + every_ms;

		pass_run(&pass, &result);
		reap_children();
		if (until_empty && result.is_empty && result.is_swept) {
			log_info("empty", "nothing waits and no machine is alive");
			return EXIT_OK;
		}
		/* Before it ends it must know that no task is lost either. */
		pass.is_sweep_wanted = until_empty && result.is_empty;
		wait_until(due_ms, &while_waiting);
	}
	log_info("ended", "by a signal; machines that are up go on by themselves");
	return EXIT_OK;
}
