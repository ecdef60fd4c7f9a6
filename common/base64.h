#ifndef COMMON_BASE64_H
#define COMMON_BASE64_H

#include "common/buf.h"

/* base64: RFC 4648; what is written goes to the caller's room, which may be a secret's. */

enum base64_alphabet { BASE64_PLAIN /* + and / */, BASE64_URL /* - and _ */ };

size_t base64_len(size_t len); /* letters for so many bytes */
/* Writes just base64_len(bytes.len) letters, and no NUL. */
void base64_write(struct slice bytes, enum base64_alphabet alphabet, unsigned char *out);

/*
 * Strict, of the plain alphabet: nothing but letters and the padding that
 * belongs there, no bits left over; blanks and line ends are the caller's to
 * take out. out has room for text.len / 4 * 3 + 2 bytes, and is left alone on
 * failure. ERROR_MALFORMED repeats nothing of the text.
 */
enum base64_padding { BASE64_PADDED, BASE64_UNPADDED };
CHECKED int base64_read(struct slice text, enum base64_padding padding, unsigned char *out,
			size_t *len, struct error *err);

#endif
