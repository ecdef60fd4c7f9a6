#ifndef REAPER_PASS_CHANNEL_H
#define REAPER_PASS_CHANNEL_H

#include "reaper/pass.h"
#include "reaper/pass_journal.h"

/*
 * pass_channel: the reaper's ClearML task within a pass. What goes wrong with it
 * is logged and stops nothing else (I9): machines live without orders, too.
 */

/* After the ledger was read, before anything is observed: what an earlier ledger knew comes back.
 */
void pass_channel_look(const struct pass *pass, struct pass_view *view);

/* After everything was observed: what people are told of another reaper, and of the mirror. */
void pass_channel_show(struct pass_view *view);

/* When the plan was carried out: make or keep the task, send the orders, drop those of machines
 * that are gone. The ledger is to be written after it. */
void pass_channel_send(const struct pass *pass, int64_t deadline_ms, struct pass_view *view);

/* What was written into the journal goes to the task's console too. */
void pass_channel_log(const struct pass *pass, int64_t deadline_ms, struct pass_view *view,
		      const struct news_list *news);

#endif
