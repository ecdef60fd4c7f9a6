#include "bootstrap/inbox.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"

enum { FIND_AGAIN_MS = 10 * 60 * 1000, MAX_BACK_OFF = 3 /* times doubled */, NAME_ROOM = 128 };

static const char *const properties[] = { ORDERS_PROPERTY };

void inbox_open(struct inbox *inbox, const struct trust_files *trust)
{
	*inbox = (struct inbox){ .trust = *trust };
}

/* Each complaint once, for the next look may be in a few seconds. */
static void complain(struct inbox *inbox, const struct error *err)
{
	char said[sizeof(inbox->told)];

	text_cut(said, sizeof(said), err->message);
	if (strcmp(said, inbox->told) != 0)
		log_warn("order", "not obeyed: %s (%s)", err->message,
			 error_class_name(err->class));
	memcpy(inbox->told, said, sizeof(inbox->told));
}

static int read_board(struct inbox *inbox, const struct machine *machine, int64_t now_ms,
		      struct clearml_board *out, struct error *err)
{
	char name[NAME_ROOM];
	const struct clearml_board_wish wish = { name, properties, ARRAY_LEN(properties) };

	(void)snprintf(name, sizeof(name), ORDERS_TASK "%s", machine->ticket.prefix);
	if (inbox->task[0] && now_ms < inbox->find_ms) {
		if (clearml_board_read(machine->clearml, inbox->task, &wish, out, err) == 0)
			return 0;
		if (err->class == ERROR_NOT_FOUND) /* at the next look */
			inbox->task[0] = '\0';
		return -1;
	}
	if (clearml_board_find(machine->clearml, &wish, out, err) < 0)
		return -1;
	memcpy(inbox->task, out->id, sizeof(inbox->task));
	inbox->find_ms = now_ms + FIND_AGAIN_MS;
	return 0;
}

static int open_orders(const struct inbox *inbox, const struct machine *machine, const char *text,
		       int64_t last_number, struct heard *out, struct error *err)
{
	SCOPED(orders) struct orders orders = { 0 };
	struct minisign_trusted trusted = { 0 };
	int64_t now_ms = clearml_now_ms(machine->clearml);

	if (!now_ms) /* some proxy keeps the Date header to itself */
		now_ms = clock_wall_ms();
	if (trust_signers(&inbox->trust, &trusted, err) < 0 ||
	    orders_open(slice_of(text), &trusted, machine->ticket.prefix, &orders, err) < 0 ||
	    orders_check(&orders, last_number, now_ms / 1000, err) < 0)
		return -1;
	*out = (struct heard){ .number = orders.number,
			       .time_s = orders.own.time_s,
			       .order = orders_for(&orders, machine->identity.instance) };
	return 0;
}

static void plan_next(struct inbox *inbox, const struct machine *machine, bool has_failed,
		      int64_t now_ms)
{
	int64_t every_ms = machine->ticket.limits.report_every_s * 1000;

	inbox->failures = has_failed ? inbox->failures + 1 : 0;
	unsigned doubled = inbox->failures < MAX_BACK_OFF ? inbox->failures : MAX_BACK_OFF;

	/* A little less than the heartbeat's own pace, or every second one would find it too early.
	 */
	inbox->next_ms = now_ms + (every_ms << doubled) - every_ms / 2;
}

bool inbox_look(struct inbox *inbox, const struct machine *machine, int64_t last_number,
		int64_t now_ms, struct heard *out)
{
	SCOPED(clearml_board) struct clearml_board board = { 0 };
	struct error err;

	if (now_ms < inbox->next_ms)
		return false;
	bool is_read = read_board(inbox, machine, now_ms, &board, &err) == 0;
	/* A reaper that has no task yet, as one that has nothing to say, is no failure. */
	bool has_failed = !is_read && err.class != ERROR_NOT_FOUND;

	plan_next(inbox, machine, has_failed, now_ms);
	if (has_failed)
		complain(inbox, &err);
	if (!is_read || !board.values[0])
		return false;
	if (open_orders(inbox, machine, board.values[0], last_number, out, &err) < 0) {
		complain(inbox, &err);
		return false;
	}
	inbox->told[0] = '\0';
	return true;
}
