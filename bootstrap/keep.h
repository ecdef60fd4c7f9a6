#ifndef BOOTSTRAP_KEEP_H
#define BOOTSTRAP_KEEP_H

#include <stdint.h>

#include "common/buf.h"

/*
 * keep: the words in which an operator says how long an idle machine shall
 * stay: a span ("90s", "15m", "2h", "1d", or seconds), or a moment (ISO 8601,
 * or seconds since 1970). And the file keep-until in the machine's folder, which holds
 * such a moment. All of it is bounded by max_life elsewhere.
 */

enum { KEEP_MAX_S = 366 * 24 * 3600 };

CHECKED int keep_parse_span(struct slice text, int64_t *seconds, struct error *err);
CHECKED int keep_parse_until(struct slice text, int64_t *wall_s, struct error *err);

/* *wall_s is 0 when there is no such file. */
CHECKED int keep_read_file(const char *folder, int64_t *wall_s, struct error *err);

#endif
