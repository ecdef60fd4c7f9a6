#ifndef REAPER_ACT_TIDY_H
#define REAPER_ACT_TIDY_H

#include "reaper/act_look.h"

/*
 * act_tidy: what is put in order beside machines and tasks: records of workers
 * whose machine is gone (ClearML keeps them for up to ten minutes, and people
 * take them for free workers), queues that are not there, what machines left
 * behind in the cloud, and a loud word about tasks that two run.
 */

/* Its machine is seen terminated again, and it has not reported: else OUTCOME_CHANGED. ClearML
 * keeps records by user: one of another user's is left to end by itself. */
enum outcome act_unregister(struct act_look *look, const struct planned_unregister *unregister);

/* settings.queues[queue], where the configuration wants missing ones made; OUTCOME_CHANGED:
 * somebody else has just made it. */
enum outcome act_make_queue(const struct act *act, size_t queue);

/* What the plan says of seen->leftovers[leftover]. It is not looked at again: removing harms no
 * instance (provider.h). OUTCOME_CHANGED: it is gone already. */
enum outcome act_leftover(const struct act *act, size_t leftover);

/* One line, however many volumes stay. */
void act_warn_of_kept(const struct act *act);

/* Nothing is done about it: which of the two is the right one, only people know. */
void act_warn_of_doubles(const struct act *act);

#endif
