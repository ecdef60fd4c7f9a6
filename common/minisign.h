#ifndef COMMON_MINISIGN_H
#define COMMON_MINISIGN_H

#include "common/secret.h"

/*
 * minisign: signatures in the format of the tool of that name
 * (jedisct1.github.io/minisign): Ed25519 over the BLAKE2b-512 of the file
 * ("prehashed"), and a trusted comment that is signed too. What `minisign`
 * signs verifies here, and the other way round. Ed25519 is deterministic: the
 * same key, bytes and comment give the same signature.
 */

enum {
	MINISIGN_ID_BYTES = 8,
	MINISIGN_KEY_BYTES = 32,
	MINISIGN_COMMENT_ROOM = 512, /* of a trusted comment, NUL included */
	MINISIGN_MAX_KEYS = 16,
	MINISIGN_FILE_BYTES = 16384, /* of a key file or signature, at most */
};

struct minisign_public {
	unsigned char id[MINISIGN_ID_BYTES], key[MINISIGN_KEY_BYTES];
};

/* The keys that we trust; a signature names the one that made it. */
struct minisign_trusted {
	struct minisign_public list[MINISIGN_MAX_KEYS];
	size_t count;
};

/*
 * One or several public key files, one after the other: comment lines
 * ("untrusted comment: ...", blank, or begun with #) and base64 lines
 * ("RW..."), also bare ones as `minisign -P` takes. ERROR_MALFORMED names the
 * line; no key at all, and two keys of one id, is an error. The same key twice
 * counts once.
 */
CHECKED int minisign_trusted_parse(struct slice text, struct minisign_trusted *out,
				   struct error *err);
/* A whole public key file, two lines. */
void minisign_public_print(const struct minisign_public *key, struct buf *out);
/* "RWQ...": what `minisign` prints, and -P takes. */
enum { MINISIGN_PUBLIC_ROOM = 57 };
void minisign_public_text(const struct minisign_public *key, char out[static MINISIGN_PUBLIC_ROOM]);

struct minisign_key {
	unsigned char id[MINISIGN_ID_BYTES];
	struct secret key; /* 64 bytes: seed and public key */
};

/*
 * A secret key file without a password (`minisign -G -W`). One with a password
 * is ERROR_CONFIGURATION that says so: programs that run from cron have nobody
 * to ask. ERROR_MALFORMED: damaged, or no such file. The text is borrowed.
 */
CHECKED int minisign_key_parse(struct slice text, struct minisign_key *out, struct error *err);
CHECKED int minisign_key_new(struct minisign_key *out, struct error *err);
/* A whole secret key file, as a secret. */
CHECKED int minisign_key_print(const struct minisign_key *key, struct secret *out,
			       struct error *err);
void minisign_key_public(const struct minisign_key *key, struct minisign_public *out);
void minisign_key_release(struct minisign_key *key); /* wipes */

/* Appends a whole signature file (four lines) to out. trusted_comment: one line, printable.
 * ERROR_CONFIGURATION: it is not. */
CHECKED int minisign_sign(struct slice bytes, const struct minisign_key *key,
			  const char *trusted_comment, struct buf *out, struct error *err);

/* What a good signature says. */
struct minisign_verdict {
	struct minisign_public signer;
	bool is_legacy; /* signed without prehashing: minisign -S -l, and its first versions */
	char trusted_comment[MINISIGN_COMMENT_ROOM];
};

/*
 * ERROR_MALFORMED: no signature file. ERROR_DENIED: made with a key that is
 * not trusted (its id is told), or the bytes or the trusted comment are not
 * what was signed. Legacy ones verify as `minisign` verifies them: the caller
 * who wants none looks at is_legacy.
 */
CHECKED int minisign_verify(struct slice bytes, struct slice signature,
			    const struct minisign_trusted *trusted, struct minisign_verdict *out,
			    struct error *err);

#endif
