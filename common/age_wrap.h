#ifndef COMMON_AGE_WRAP_H
#define COMMON_AGE_WRAP_H

#include "common/age.h"
#include "common/age_header.h"

/* age_wrap: a file key, wrapped for one X25519 recipient, and back. Private to age*.c. */

enum { AGE_FILE_KEY_BYTES = 16 };

/* ERROR_MALFORMED: no identity can belong to that recipient. */
CHECKED int age_wrap(const struct secret *file_key, const struct age_recipient *recipient,
		     struct age_stanza *out, struct error *err);

/*
 * recipient is the one of the identity. ERROR_DENIED: wrapped for another one;
 * ERROR_MALFORMED: for nobody, by somebody who wants to know who opens it.
 */
CHECKED int age_unwrap(const struct age_stanza *stanza, const struct secret *identity,
		       const struct age_recipient *recipient, struct secret *file_key,
		       struct error *err);

#endif
