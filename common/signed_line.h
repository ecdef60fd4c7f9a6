#ifndef COMMON_SIGNED_LINE_H
#define COMMON_SIGNED_LINE_H

#include "common/minisign.h"

/*
 * signed_line: one line of text, and then a minisign signature of exactly that
 * line, its end included, as they lie in a property of a ClearML task. The
 * trusted comment is the purpose ("mayfly orders for lab"): what one key signed
 * for one thing is not taken for another.
 */

/* Appends both. line ends with its only line feed. */
CHECKED int signed_line_make(struct slice line, const struct minisign_key *key, const char *purpose,
			     struct buf *out, struct error *err);

/* The line, borrowed from text. ERROR_MALFORMED: not of the form; ERROR_DENIED: the signature is
 * bad, of a key that is not trusted, or for something else. */
CHECKED int signed_line_open(struct slice text, const struct minisign_trusted *trusted,
			     const char *purpose, struct slice *line, struct error *err);

#endif
