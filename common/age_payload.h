#ifndef COMMON_AGE_PAYLOAD_H
#define COMMON_AGE_PAYLOAD_H

#include "common/age_hkdf.h"

/*
 * age_payload: what follows the header: a nonce, and the text in encrypted
 * chunks of 64 KiB, numbered, the last one marked. Private to age*.c.
 */

enum { AGE_NONCE_BYTES = 16, AGE_CHUNK_BYTES = 64 << 10, AGE_TAG_BYTES = 16 };

/* ERROR_SYSTEM: no memory. */
CHECKED int age_payload_seal(struct slice plain, const struct secret *file_key, struct buf *out,
			     struct error *err);

/* ERROR_MALFORMED: cut, lengthened or altered; then *out is untouched and what was decrypted so
 * far is wiped. */
CHECKED int age_payload_open(struct slice payload, const struct secret *file_key,
			     struct secret *out, struct error *err);

#endif
