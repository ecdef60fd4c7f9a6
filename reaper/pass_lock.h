#ifndef REAPER_PASS_LOCK_H
#define REAPER_PASS_LOCK_H

#include <stdint.h>

#include "common/error.h"

/*
 * pass_lock: the lock of a state folder, FOLDER/lock: one pass, or one command
 * that writes into the ledger, at a time. The file says which process holds it.
 */

/* Waits so long at most for the one who holds it. ERROR_CONFLICT says who that is; else *fd is open
 * and ours: closing it unlocks. Makes the folder. */
CHECKED int pass_lock(const char *folder, int64_t wait_ms, int *fd, struct error *err);

void pass_lock_release(int *fd); /* SCOPED(pass_lock) int fd = -1 */

#endif
