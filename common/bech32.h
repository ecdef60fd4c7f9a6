#ifndef COMMON_BECH32_H
#define COMMON_BECH32_H

#include "common/buf.h"

/*
 * bech32: keys as text (BIP 173), without its limit of 90 letters, as age uses
 * it: a human-readable part, "1", then five bits a letter, then a checksum of
 * six letters. All lower case or all upper case.
 */

/* Letters of the text of len bytes under a part of prefix_len letters; NUL not counted. */
size_t bech32_len(size_t prefix_len, size_t len);

/* Writes bech32_len() letters and a NUL; prefix is lower case. The room may be a secret's. */
void bech32_write(const char *prefix, struct slice bytes, char *out);

/*
 * The text must have this prefix (compared without regard to case) and hold
 * just `len` bytes, which are written to out; on failure nothing is.
 * ERROR_MALFORMED says what is wrong, and repeats nothing of the text.
 */
CHECKED int bech32_read(struct slice text, const char *prefix, unsigned char *out, size_t len,
			struct error *err);

#endif
