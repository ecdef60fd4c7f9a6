#ifndef BOOTSTRAP_BOOT_GUARD_H
#define BOOTSTRAP_BOOT_GUARD_H

#include <stdint.h>

#include "common/error.h"

/*
 * boot_guard: the note that mayfly-boot-guard.service reads. That timer is armed before bootstrap
 * starts, and switches the machine off an hour after its boot unless this note says until
 * when it may live; then it does so at that time, whatever has become of bootstrap.
 */

/* When a machine must be off that was launched then and may live so long: bootstrap itself is to be
 * first, so some minutes later. Monotonic milliseconds. */
int64_t boot_guard_until_ms(int64_t launched_ms, int64_t max_life_s);
/* Seconds since boot, as /proc/uptime counts them, on one line. */
CHECKED int boot_guard_write(const char *path, int64_t until_ms, struct error *err);

#endif
