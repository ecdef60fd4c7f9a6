#ifndef BOOTSTRAP_INIT_OUTPUT_H
#define BOOTSTRAP_INIT_OUTPUT_H

#include <sys/types.h>

#include "common/buf.h"

/*
 * init_output: a file to which somebody else appends, told to our log (event
 * "init") line by line as it grows: empty lines not, long ones cut, and after
 * some thousand lines only that there are more. A carriage return ends a line,
 * too. The file is kept short: of more than 2 MiB the last one stays, and what
 * is written in the moment of that cut may be lost.
 */

enum { INIT_OUTPUT_LINE_ROOM = 512, INIT_OUTPUT_LAST_ROOM = 200 };

struct init_output {
	int fd;
	off_t at; /* what stands before it was read */
	char line[INIT_OUTPUT_LINE_ROOM]; /* the line that has not ended yet */
	size_t len;
	bool is_long; /* ... and did not fit */
	unsigned lines; /* told so far */
	char last[INIT_OUTPUT_LAST_ROOM]; /* the last one, printable; "": none yet */
};

/* Made 0600 when absent; what stands in it already is not told. *out is released by the caller. */
CHECKED int init_output_open(const char *path, struct init_output *out, struct error *err);
void init_output_turn(struct init_output *output); /* what has come since; never waits */
void init_output_end(struct init_output *output); /* a last line without its end, too */
void init_output_release(struct init_output *output); /* also of a zeroed one */

#endif
