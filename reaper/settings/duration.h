#ifndef REAPER_SETTINGS_DURATION_H
#define REAPER_SETTINGS_DURATION_H

#include <stdint.h>

#include "common/buf.h"

/*
 * duration: how long, as people write it: "90s", "15m", "1h 30m", "1.5h",
 * "7d", "500ms". Units d, h, m, s, ms, each at most once and in this order; a
 * number without a unit is seconds. Up to ten years.
 */

#define DURATION_EXPECTED "a number of seconds or a text such as \"15m\" or \"24h\""

/* ERROR_MALFORMED: "expected a number of seconds or ..., got ...". */
CHECKED int duration_parse(struct slice text, int64_t *ms, struct error *err);

#endif
