#ifndef REAPER_ACT_REPAIR_H
#define REAPER_ACT_REPAIR_H

#include "reaper/act_look.h"

/*
 * act_repair: a lost task (enum loss) goes back to the front of its queue, or
 * fails when it had its attempts. Everything is read again first; when the
 * same verdict does not come out, it is OUTCOME_CHANGED.
 */
enum outcome act_repair(struct act_look *look, const struct planned_repair *repair);

#endif
