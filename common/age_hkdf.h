#ifndef COMMON_AGE_HKDF_H
#define COMMON_AGE_HKDF_H

#include "common/secret.h"

/*
 * age_hkdf: keys from keys. HKDF of RFC 5869 and HMAC of RFC 2104, both with
 * SHA-256. Private to age*.c.
 */

enum { AGE_DERIVED_BYTES = 32, AGE_MAC_BYTES = 32 };

/* Extract with salt, then expand with info, to AGE_DERIVED_BYTES. ERROR_SYSTEM: no memory. */
CHECKED int age_hkdf(const struct secret *key, struct slice salt, struct slice info,
		     struct secret *out, struct error *err);

void age_hmac(const struct secret *key, struct slice bytes,
	      unsigned char out[static AGE_MAC_BYTES]);

/* Borrowed: where the ciphers read a key. */
const unsigned char *age_key_bytes(const struct secret *key);

#endif
