#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/error.h"

/*
 * log: one logfmt line an event, on standard error (which systemd's journal
 * or cron's mail takes from there). Control characters in a message are
 * escaped, so a peer's words can neither forge a line nor drive a terminal.
 *
 *   time=2026-11-24T03:00:00.123Z level=info program=mayfly-bootstrap
 *   subject=local-cpu-0-0 event=popped msg="task 1a2b... from queue cpu"
 */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* subject (an instance or a prefix) may be NULL; both are copied. */
void log_open(const char *program, const char *subject, enum log_level least);
void log_debug(const char *event, const char *fmt, ...) PRINTF(2, 3);
void log_info(const char *event, const char *fmt, ...) PRINTF(2, 3);
void log_warn(const char *event, const char *fmt, ...) PRINTF(2, 3);
void log_error(const char *event, const char *fmt, ...) PRINTF(2, 3);
void log_failure(const char *event, const struct error *err); /* a warning with its class */

/* "debug", "info", "warn", "error"; ERROR_CONFIGURATION with a suggestion. */
CHECKED int log_level_parse(const char *word, enum log_level *out, struct error *err);

#endif
