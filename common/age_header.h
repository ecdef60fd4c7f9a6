#ifndef COMMON_AGE_HEADER_H
#define COMMON_AGE_HEADER_H

#include "common/age_hkdf.h"

/*
 * age_header: the text that an age file begins with: the version, for each
 * recipient a stanza that has the file key wrapped, and a MAC over all of it.
 * Private to age*.c.
 */

enum {
	AGE_SHARE_BYTES = 32,
	AGE_WRAPPED_BYTES = 32, /* a file key of 16, and its tag */
	AGE_MAX_STANZAS = 256, /* X25519 ones in a file that we open: each costs a try a key */
};

/* -> X25519 SHARE, and its body. */
struct age_stanza {
	unsigned char share[AGE_SHARE_BYTES], wrapped[AGE_WRAPPED_BYTES];
};

/* Slices are borrowed from the file. */
struct age_header {
	struct age_stanza stanzas[AGE_MAX_STANZAS];
	size_t count;
	size_t skipped; /* stanzas of other kinds */
	bool has_passphrase; /* one of these is scrypt's: then it is the only one of all */
	struct slice authenticated; /* what the MAC is over */
	unsigned char mac[AGE_MAC_BYTES];
	struct slice payload; /* the rest of the file */
};

/* ERROR_MALFORMED names the line. Nothing is proven yet. */
CHECKED int age_header_parse(struct slice file, struct age_header *out, struct error *err);

/* ERROR_MALFORMED: the header is not the one that was written with this file key. */
CHECKED int age_header_verify(const struct age_header *header, const struct secret *file_key,
			      struct error *err);

/* Appends a whole header, for one stanza at least. ERROR_SYSTEM: no memory. */
CHECKED int age_header_write(const struct age_stanza *stanzas, size_t count,
			     const struct secret *file_key, struct buf *out, struct error *err);

#endif
