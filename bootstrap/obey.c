#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "bootstrap/status.h"
#include "bootstrap/supervisor.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"

int signals_open(int *fd, struct error *err)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		(void)sigaddset(&set, caught[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, "block signals");
	/* A peer that hangs up is an error of that write, not the end of the machine. */
	(void)signal(SIGPIPE, SIG_IGN);
	int opened = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	if (opened < 0)
		return error_errno(err, "signalfd");
	*fd = opened;
	return 0;
}

static void obey_term(struct supervisor *supervisor)
{
	supervisor->terms++;
	if (supervisor->terms == 1)
		supervisor_go(supervisor, EVENT_DRAIN, REASON_SIGTERM, "SIGTERM");
	else
		supervisor_go(supervisor, EVENT_END, REASON_TERMINATED, "a second SIGTERM");
}

void obey_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo seen;

	while (read(supervisor->signal_fd, &seen, sizeof(seen)) == (ssize_t)sizeof(seen)) {
		if (seen.ssi_signo == SIGTERM)
			obey_term(supervisor);
		else if (seen.ssi_signo == SIGINT)
			supervisor_go(supervisor, EVENT_END, REASON_TERMINATED, "SIGINT");
		/* SIGHUP: a terminal that closes ends no machine. SIGCHLD only wakes the loop. */
	}
}

static void answer(struct buf *out, const char *fmt, const char *detail)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(512);

	buf_addf(&text, "%s%s", fmt, detail);
	json_new_object(&document);
	json_add_text(document.root, "done", buf_text(&text));
	json_print(document.root, false, out);
}

static void keep(struct supervisor *supervisor, const struct control_command *command,
		 struct buf *out)
{
	char until[CLOCK_TEXT_LEN];
	struct error err;
	int64_t wall_ms = supervisor_wall_ms(supervisor), until_s = command->seconds;

	if (command->verb == CONTROL_KEEP_FOR)
		until_s += wall_ms / 1000;
	if (until_s && until_s * 1000 <= wall_ms) {
		(void)error_set(&err, ERROR_CONFIGURATION, "that moment has passed");
		control_refuse(&err, out);
		return;
	}
	if (supervisor->is_going) {
		(void)error_set(&err, ERROR_CONFLICT, "the machine leaves already: %s",
				reason_word(supervisor->reason));
		control_refuse(&err, out);
		return;
	}
	supervisor->life.keep_until_s = until_s;
	supervisor->keep_command_ms = until_s ? clock_monotonic_ms() + until_s * 1000 - wall_ms : 0;
	supervisor_save_life(supervisor);
	clock_format(until_s * 1000, false, until);
	log_info("keep", "by command: until %s", until_s ? until : "the idle time-out");
	answer(out,
	       until_s ? "stays until at least (max_life ends it all the same) " :
			 "stays until the idle time-out",
	       until_s ? until : "");
}

static void go_by_order(struct supervisor *supervisor, enum phase_event event, enum reason reason,
			const struct heard *heard)
{
	supervisor_go(supervisor, event, reason, "by order %lld of the reaper",
		      (long long)heard->number);
}

/* Each time the orders are read, and so without effect the second time. */
static void obey_order(struct supervisor *supervisor, const struct heard *heard)
{
	int64_t keep_until_ms = (heard->time_s + ORDERS_LIFE_S) * 1000;

	supervisor->keep_order_ms = 0;
	if (heard->order == ORDER_DRAIN)
		go_by_order(supervisor, EVENT_DRAIN, REASON_DRAINED, heard);
	else if (heard->order == ORDER_LEAVE)
		go_by_order(supervisor, EVENT_END, REASON_TOLD_TO_LEAVE, heard);
	else if (heard->order == ORDER_KEEP)
		supervisor->keep_order_ms =
			clock_monotonic_ms() + keep_until_ms - supervisor_wall_ms(supervisor);
}

void obey_heard(struct supervisor *supervisor, const struct heard *heard)
{
	if (heard->order != supervisor->heard.order)
		log_info("order", "%s, by order %lld of the reaper", order_word(heard->order),
			 (long long)heard->number);
	supervisor->heard = *heard;
	/* Before it is obeyed: what is put back later must be known as old. */
	if (heard->number != supervisor->life.orders) {
		supervisor->life.orders = heard->number;
		supervisor_save_life(supervisor);
	}
	obey_order(supervisor, heard);
}

void obey_command(void *context, const struct control_command *command, struct buf *out)
{
	struct supervisor *supervisor = context;

	switch (command->verb) {
	case CONTROL_STATUS:
		status_answer(supervisor, clock_monotonic_ms(), out);
		break;
	case CONTROL_DRAIN:
		supervisor_go(supervisor, EVENT_DRAIN, REASON_DRAINED, "by command");
		answer(out, "takes no more tasks, and leaves when none runs",
		       supervisor->seen.busy ? "; one runs now" : "");
		break;
	case CONTROL_LEAVE:
		supervisor_go(supervisor, EVENT_END, REASON_TOLD_TO_LEAVE, "by command");
		answer(out, "leaves now",
		       supervisor->seen.busy ?
			       "; the running task goes back to the front of its queue" :
			       "");
		break;
	case CONTROL_KEEP_FOR:
	case CONTROL_KEEP_UNTIL:
	case CONTROL_KEEP_OFF:
		keep(supervisor, command, out);
		break;
	}
}
