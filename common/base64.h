#ifndef COMMON_BASE64_H
#define COMMON_BASE64_H

#include "common/buf.h"

/* base64: RFC 4648 with padding, one line; what is written goes to the caller's room, which may
 * be a secret's. */

enum base64_alphabet { BASE64_PLAIN /* + and / */, BASE64_URL /* - and _ */ };

size_t base64_len(size_t len); /* letters for so many bytes */
/* Writes just base64_len(bytes.len) letters, and no NUL. */
void base64_write(struct slice bytes, enum base64_alphabet alphabet, unsigned char *out);

#endif
