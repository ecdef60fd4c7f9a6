#ifndef REAPER_PASS_H
#define REAPER_PASS_H

#include "reaper/channel.h"
#include "reaper/ledger/ledger.h"
#include "reaper/plan.h"

/*
 * pass: lock, ledger, observe, plan, act, ledger: what `run` does once and
 * `watch` again and again. A pass that finds another one of this state
 * folder at work leaves at once, and that is no failure: the other does it.
 */

struct pass {
	struct settings *settings; /* what spot costs in them is brought up to date */
	struct clearml *clearml;
	bool is_sweep_wanted; /* read the tasks too, although nothing looks lost */
	bool are_leftovers_wanted; /* look for them too, although it is not their turn */
};

struct pass_result {
	int exit_status; /* EXIT_OK; EXIT_FAILED: ClearML or the state folder unusable; EXIT_PARTLY
			  */
	/* Nothing waits and no instance is alive, all of it known; is_swept: and no task is lost.
	 */
	bool is_empty, is_swept;
};

void pass_run(const struct pass *pass, struct pass_result *out);

/* Stops before act: what `plan` and `status` print. Takes no lock, writes nothing; spot prices that
 * are due are asked for, and forgotten. */
struct pass_view {
	struct ledger_file *file;
	struct ledger ledger;
	struct observation seen;
	struct plan plan;
	struct channel channel; /* the reaper's own ClearML task, as it was found */
	bool is_channel_down; /* it could not be read, or written */
};
CHECKED int pass_look(const struct pass *pass, struct pass_view *out, struct error *err);
void pass_view_release(struct pass_view *view);

#endif
