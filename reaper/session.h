#ifndef REAPER_SESSION_H
#define REAPER_SESSION_H

#include "common/clearml.h"
#include "common/command.h"
#include "reaper/settings/settings.h"

/* session: what the commands begin with, and how they end with an error. */

struct session {
	struct settings settings;
	struct clearml *clearml;
};

/* Each of these: EXIT_OK, or the status to end with after a line on standard error. */

/* Secrets can be held: what every command needs that has keys. */
int session_prepare(void);
/* And the log, the whole configuration, and ClearML. */
int session_open(const struct command_line *line, struct session *out);
void session_release(struct session *session);

/* Where the configuration is: --config, or the default. Borrowed. */
const char *session_config(const struct command_line *line);

/* One line on standard error, whatever a configuration or a peer put into the message; returns
 * exit_status. */
int session_complain(const struct error *err, int exit_status);
/* The same with the status that the error's class stands for: EXIT_USAGE where the operator must
 * change a flag or a file, else EXIT_FAILED. */
int session_fail(const struct error *err);

#endif
