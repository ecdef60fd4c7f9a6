#ifndef COMMON_COMMAND_H
#define COMMON_COMMAND_H

#include "common/buf.h"

/*
 * command: subcommands and their options from one table, which the parser, the usage
 * text, the man pages and the shells' completion all read.
 */

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PARTLY = 3 };

/* A name without a dash in front is an operand's, in the order in which they are written: one word,
 * or with "..." as the argument all that are left, none perhaps. */
struct command_option {
	const char *name; /* "--config", "INSTANCE" */
	const char *argument; /* "FILE"; "FILE..." may be given several times; NULL: a switch */
	const char *summary;
};

enum { COMMAND_MAX_MORE = 8 };

struct command_line {
	const struct command *command;
	const char *values[24]; /* by the option's place in the table: NULL when it was not given,
				 * "" for a switch; borrowed from argv */
	const char *const *operands; /* all of them, in order; borrowed */
	size_t operand_count;
	struct {
		size_t option;
		const char *value;
	} more[COMMAND_MAX_MORE]; /* of options that may be given several times: after the first */
	size_t more_count;
};

struct command {
	const char *name;
	int (*run)(const struct command_line *line); /* returns the exit status */
	const char *summary; /* the same words as in the man page */
	const struct command_option *options;
	size_t option_count;
};

/* The value of an option, or fallback when it was not given. A name that is
 * not in the command's table is a bug and aborts. */
const char *command_value(const struct command_line *line, const char *name, const char *fallback);
bool command_has(const struct command_line *line, const char *name);
/* Of an option that may be given several times: its values, room of them at most, in the order of
 * the line. Returns how many. */
size_t command_values(const struct command_line *line, const char *name, const char **out,
		      size_t room);

/*
 * Find argv[1] in the table, read its options ("--name value", "--name=value";
 * a value that begins with "--" only in the second form), run it. --help (-h),
 * help, help COMMAND, COMMAND --help print to standard output and are EXIT_OK; so is
 * help --table, the whole table for programs (packaging/pages.py), a line an option.
 * What is not in a table, a value that is missing or empty, a value for a
 * switch, and an option given twice are EXIT_USAGE, with one line on standard
 * error that suggests the nearest word; no command at all gets the list.
 */
int command_dispatch(const struct command *commands, size_t count, int argc, char **argv);

#endif
