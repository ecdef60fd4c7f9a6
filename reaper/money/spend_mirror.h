#ifndef REAPER_MONEY_SPEND_MIRROR_H
#define REAPER_MONEY_SPEND_MIRROR_H

#include "reaper/money/money.h"

/*
 * spend_mirror: the sums of a month as the text of a property of the reaper's
 * ClearML task, both ways; channel.h says where it lies and who reads it. JSON:
 *
 *   {"until": 1795472471, "rows": [["2026-11-24", "gpu", "train", "ann", 3600, 526000, 0]]}
 *
 * day, resource, queue, user, seconds, micro-dollars, seconds at an unknown
 * price. The days before the last one go into one, the day before it: budgets
 * know a day and a month. Where there are very many rows the users, then the
 * queues, are left out ("").
 */

enum { SPEND_MIRROR_BYTES = 512 * 1024, SPEND_MIRROR_ROWS = 1000 };

/* rows are in any order, and of the month of until_s. */
void spend_mirror_print(const struct spend_row *rows, size_t count, int64_t until_s,
			struct buf *out);

/* ERROR_MALFORMED: the path of what is wrong; nothing of it is believed then. */
CHECKED int spend_mirror_parse(struct slice text, struct spend_list *rows, int64_t *until_s,
			       struct error *err);

#endif
