#ifndef COMMON_AGE_H
#define COMMON_AGE_H

#include "common/secret.h"

/*
 * age: the age v1 file format (age-encryption.org/v1, the specification at
 * github.com/C2SP/C2SP/blob/main/age.md) with X25519 recipients, both ways:
 * what `age` and `rage` seal opens here, and the other way round. Other kinds
 * of recipients (scrypt, ssh, plugins) are skipped over when a file is opened,
 * as the specification says, and never written.
 *
 * Whole files in memory: ours are credentials, some kilobytes long. The
 * payload is still written and checked in the format's chunks of 64 KiB.
 */

enum {
	AGE_KEY_BYTES = 32,
	AGE_RECIPIENT_ROOM = 63, /* "age1..." has 62 letters, and NUL */
	AGE_IDENTITY_ROOM = 75, /* "AGE-SECRET-KEY-1..." has 74, and NUL */
	AGE_MAX_RECIPIENTS = 64, /* that we seal to, or identities that we try */
	AGE_SEALED_BYTES = 32 << 20, /* of a file, at most */
};

/* Whom a file is sealed to: a public key. */
struct age_recipient {
	unsigned char key[AGE_KEY_BYTES];
};

/*
 * "age1...", letters all of one case. ERROR_MALFORMED says what is wrong with
 * it, also where no identity can belong to the key (a point of low order).
 */
CHECKED int age_recipient_parse(struct slice text, struct age_recipient *out, struct error *err);
void age_recipient_print(const struct age_recipient *recipient,
			 char out[static AGE_RECIPIENT_ROOM]);

/* What opens it: secret keys. */
struct age_identities {
	struct secret keys[AGE_MAX_RECIPIENTS]; /* AGE_KEY_BYTES each */
	size_t count;
};

/*
 * The form of age-keygen: one "AGE-SECRET-KEY-1..." a line; blank lines and
 * those that begin with # are skipped, blanks around a key and CRLF do no
 * harm. The text is borrowed: wipe it afterwards. *out starts empty.
 * ERROR_MALFORMED names the line ("line 3: ..."), never the key; no key at all
 * is an error, and so are more than AGE_MAX_RECIPIENTS.
 */
CHECKED int age_identities_parse(struct slice text, struct age_identities *out, struct error *err);
void age_identities_release(struct age_identities *identities); /* wipes */

/* A new key, of the system's randomness: one identity, and whom to seal to for it. */
CHECKED int age_identity_new(struct age_identities *out, struct age_recipient *recipient,
			     struct error *err);
CHECKED int age_identity_recipient(const struct secret *key, struct age_recipient *out,
				   struct error *err);
/* The 74 letters of one key, as a secret. */
CHECKED int age_identity_print(const struct secret *key, struct secret *out, struct error *err);

enum age_form { AGE_BINARY, AGE_ARMORED /* PEM-like text */ };

/*
 * Seals plain for each of the recipients (1 to AGE_MAX_RECIPIENTS: else
 * ERROR_CONFIGURATION), appended to out. Fresh randomness each time: the same
 * text never seals to the same bytes twice. ERROR_MALFORMED: what is sealed is
 * longer than AGE_SEALED_BYTES (armor adds a third), or than out's limit.
 */
struct age_recipients {
	const struct age_recipient *list;
	size_t count;
};
CHECKED int age_seal(struct slice plain, const struct age_recipients *recipients,
		     enum age_form form, struct buf *out, struct error *err);

/*
 * Opens either form; blank lines around armor are no part of it. All or
 * nothing: until the last chunk is proven, no byte of plaintext is handed out.
 * ERROR_DENIED: no identity of ours is among its recipients, or there is a
 * passphrase in their place. ERROR_MALFORMED: it is no age file, was cut, or
 * was altered, or has more than 256 X25519 recipients, of which each would
 * cost a try a key.
 */
CHECKED int age_unseal(struct slice sealed, const struct age_identities *identities,
		       struct secret *out, struct error *err);

#endif
