#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include <stdint.h>

#include "common/buf.h"

/*
 * hash: short names from parts, and chance. BLAKE2b over each part's length
 * and bytes, so that ("ab","c") and ("a","bc") differ. Not for passwords.
 */

enum {
	HASH_HEX_LEN = 33, /* 32 lower-case hex digits (128 bit) and NUL */
	HASH_SHA256_ROOM = 65, /* 64, and NUL */
};

void hash_parts(const struct slice *parts, size_t count, char out[static HASH_HEX_LEN]);
void hash_sha256(struct slice bytes,
		 char out[static HASH_SHA256_ROOM]); /* as sha256sum prints it */
uint32_t hash_random_below(uint32_t bound); /* uniform; 0 when bound < 2 */
void hash_random_hex(char out[static HASH_HEX_LEN]); /* unguessable */

#endif
