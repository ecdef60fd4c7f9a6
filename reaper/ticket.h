#ifndef REAPER_TICKET_H
#define REAPER_TICKET_H

#include "common/command.h"

/*
 * ticket: prints the user data that a machine of a resource would be launched
 * with, or with --dry-run the ticket and what takes up how much room. Talks to
 * nobody. More than clouds take is an error, told after the table. Answers an
 * exit status.
 */
int ticket_run(const struct command_line *line);

#endif
