#ifndef REAPER_OBSERVE_REMEMBER_H
#define REAPER_OBSERVE_REMEMBER_H

#include "reaper/ledger/ledger.h"

/*
 * observe_remember: what a pass saw goes into the ledger's memory, for the
 * next one. Pure.
 *
 * Each machine's boot is judged once, for the breaker:
 *   good      it was seen fit for work, or a task says that it had it
 *   failed    it ended, and never was
 *   neither   it left because another holds its slot or because it was told to; or it may have
 *             served while nobody looked: the records could not be read for so long, or the
 *             ledger is younger than the machine
 * A machine that serves for the first time clears its resource's failures. An
 * ended one is remembered as long as its list shows it, so that it is not judged, or paid, twice.
 * One that has no id yet (is_unnamed) is not remembered.
 */
void observe_remember(const struct observation *seen, struct ledger *ledger);

/* No list shows a remembered machine any more that was alive in the last one that did. For one that
 * seen does not hold; told before observe_remember() of the same pass, which settles it. */
bool observe_has_vanished(const struct observation *seen, const struct remembered *remembered);

#endif
