#include "reaper/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "reaper/money/report_leftovers.h"
#include "reaper/pass.h"
#include "reaper/pass_lock.h"
#include "reaper/session.h"
#include "reaper/who.h"

enum { OUT_BYTES = 4 << 20, WAIT_MORE_MS = 5000 };

struct sweep {
	const struct settings *settings;
	struct pass_view view;
	bool *is_chosen; /* by place in view.seen.leftovers */
};

static void sweep_release(struct sweep *sweep)
{
	free(sweep->is_chosen);
	pass_view_release(&sweep->view);
}

static const struct leftover *leftover_at(const struct sweep *sweep, size_t i)
{
	return &sweep->view.seen.leftovers[i].leftover;
}

/* ---- what is seen ---- */

static int look(struct session *session, struct sweep *out, struct error *err)
{
	const struct pass pass = { .settings = &session->settings,
				   .clearml = session->clearml,
				   .are_leftovers_wanted = true };

	out->settings = &session->settings;
	if (pass_look(&pass, &out->view, err) < 0)
		return -1;
	out->is_chosen = memory_array(out->view.seen.leftover_count + 1, sizeof(*out->is_chosen));
	return 0;
}

/* Why some may be missing. */
static const char *problem_of(const struct sweep *sweep)
{
	const struct observation *seen = &sweep->view.seen;

	return *seen->leftover_problem ? seen->leftover_problem : seen->problem;
}

static int list(const struct sweep *sweep, struct error *err)
{
	SCOPED(buf) struct buf out = BUF(OUT_BYTES);
	const struct observation *seen = &sweep->view.seen;

	report_leftovers(&(struct report){ sweep->settings, seen, &sweep->view.plan }, &out);
	if (buf_finish(&out, err) < 0)
		return -1;
	/* In a report an empty line stands before it. */
	printf("%s", out.len ? buf_text(&out) + 1 : "");
	if (!seen->leftovers_known)
		return error_set(err, ERROR_UNREACHABLE, "not all could be read: %s",
				 problem_of(sweep));
	if (!seen->leftover_count)
		printf("no machine left anything behind\n");
	return 0;
}

/* ---- what is chosen ---- */

static void choose_all(struct sweep *sweep)
{
	for (size_t i = 0; i < sweep->view.seen.leftover_count; i++) {
		sweep->is_chosen[i] = sweep->view.plan.leftovers[i] != LEFTOVER_WAITS;
		if (!sweep->is_chosen[i])
			printf("%s: %s\n", leftover_at(sweep, i)->id,
			       leftover_fate_text(LEFTOVER_WAITS));
	}
}

static int choose(struct sweep *sweep, const char *id, struct error *err)
{
	const struct observation *seen = &sweep->view.seen;
	size_t i = 0;

	while (i < seen->leftover_count && strcmp(leftover_at(sweep, i)->id, id) != 0)
		i++;
	if (i == seen->leftover_count && !seen->leftovers_known)
		return error_set(err, ERROR_UNREACHABLE,
				 "\"%s\" is not seen, but not all could be read: %s", id,
				 problem_of(sweep));
	if (i == seen->leftover_count)
		return error_set(err, ERROR_CONFIGURATION,
				 "nothing of ours that no machine has is named \"%s\": "
				 "mayfly-reaper sweep lists what is left",
				 id);
	if (sweep->view.plan.leftovers[i] == LEFTOVER_WAITS)
		return error_set(err, ERROR_REFUSED, "%s: %s", id,
				 leftover_fate_text(LEFTOVER_WAITS));
	sweep->is_chosen[i] = true;
	return 0;
}

/* ---- removing ---- */

static void note(const struct leftover *left, struct journal_entry *out)
{
	char who[WHO_ROOM];

	who_am_i(who);
	*out = (struct journal_entry){ .time_s = clock_wall_ms() / 1000, .event = "removed" };
	text_cut(out->subject, sizeof(out->subject), left->id);
	(void)snprintf(out->text, sizeof(out->text), "%s of %s slot %u, by %s",
		       leftover_kind_text(left->kind), left->resource, left->slot, who);
}

static void ledger_file_release(struct ledger_file **file)
{
	ledger_close(*file);
}

/* The lock is for the journal, and for one of them at a time: passes go on between. */
static int remove_one(const struct sweep *sweep, size_t i, struct error *err)
{
	SCOPED(pass_lock) int lock = -1;
	SCOPED(ledger_file) struct ledger_file *file = NULL;
	const struct settings *settings = sweep->settings;
	const struct leftover *left = leftover_at(sweep, i);
	const struct resource *resource = &settings->resources[sweep->view.seen.leftovers[i].place];
	int64_t wait_ms = settings->pass_deadline_s * 1000 + WAIT_MORE_MS;
	struct journal_entry entry;

	if (pass_lock(settings->state_folder, wait_ms, &lock, err) < 0 ||
	    ledger_open(settings->state_folder, clock_wall_ms() / 1000, &file, err) < 0)
		return -1;
	if (provider_named(resource->provider)->remove(resource, left, err) < 0) {
		if (err->class != ERROR_NOT_FOUND)
			return -1;
		printf("%s: gone already\n", left->id);
		return 0;
	}
	printf("%s: removed\n", left->id);
	note(left, &entry);
	return ledger_journal_add(file, &entry, 1, err);
}

/* EXIT_PARTLY: some are there still, and standard error says why. */
static int remove_chosen(const struct sweep *sweep, struct error *err)
{
	int status = EXIT_OK;

	for (size_t i = 0; i < sweep->view.seen.leftover_count; i++)
		if (sweep->is_chosen[i] && remove_one(sweep, i, err) < 0)
			status = session_complain(err, EXIT_PARTLY);
	return status;
}

/* Before anything is chosen by its age. */
static int prove_clock(const struct sweep *sweep, struct error *err)
{
	if (sweep->view.seen.is_clock_known)
		return 0;
	return error_set(err, ERROR_UNREACHABLE,
			 "nothing is removed, since how old it is is not known without ClearML's "
			 "clock: %s",
			 sweep->view.seen.problem);
}

static int remove_all(struct sweep *sweep, struct error *err)
{
	if (prove_clock(sweep, err) < 0)
		return -1;
	choose_all(sweep);
	int status = remove_chosen(sweep, err);

	if (sweep->view.seen.leftovers_known)
		return status;
	(void)error_set(err, ERROR_UNREACHABLE, "not all could be read: %s", problem_of(sweep));
	return session_complain(err, EXIT_PARTLY);
}

static int remove_named(const struct command_line *line, struct sweep *sweep, struct error *err)
{
	if (prove_clock(sweep, err) < 0)
		return -1;
	for (size_t i = 0; i < line->operand_count; i++)
		if (choose(sweep, line->operands[i], err) < 0)
			return -1;
	return remove_chosen(sweep, err);
}

int sweep_run(const struct command_line *line)
{
	SCOPED(session) struct session session = { 0 };
	SCOPED(sweep) struct sweep sweep = { 0 };
	bool is_all = command_has(line, "--all");
	struct error err;

	if (is_all && line->operand_count) {
		(void)error_set(&err, ERROR_CONFIGURATION,
				"sweep: expected --all or ID..., got both");
		return session_complain(&err, EXIT_USAGE);
	}
	int status = session_open(line, &session);

	if (status != EXIT_OK)
		return status;
	if (look(&session, &sweep, &err) < 0)
		return session_fail(&err);
	if (is_all)
		status = remove_all(&sweep, &err);
	else if (line->operand_count)
		status = remove_named(line, &sweep, &err);
	else
		status = list(&sweep, &err);
	if (status < 0)
		return session_fail(&err);
	return fflush(stdout) == 0 ? status : EXIT_FAILED;
}
