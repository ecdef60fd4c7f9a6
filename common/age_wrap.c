#include "common/age_wrap.h"

#include <sodium.h>
#include <string.h>

_Static_assert(AGE_KEY_BYTES == crypto_scalarmult_SCALARBYTES &&
		       AGE_SHARE_BYTES == crypto_scalarmult_BYTES &&
		       AGE_DERIVED_BYTES == crypto_aead_chacha20poly1305_IETF_KEYBYTES &&
		       AGE_WRAPPED_BYTES ==
			       AGE_FILE_KEY_BYTES + crypto_aead_chacha20poly1305_IETF_ABYTES,
	       "sodium's sizes are those of the format");

/* A wrap key is used once: the share that it is made from is new each time. */
static const unsigned char nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

/* The key that both sides come to, from one's secret and the other's public half. */
static int derive_wrap_key(const struct secret *secret_half, const unsigned char *public_half,
			   const unsigned char salt[static AGE_SHARE_BYTES + AGE_KEY_BYTES],
			   struct secret *out, struct error *err)
{
	SCOPED(secret) struct secret shared = { 0 };

	if (secret_alloc(&shared, crypto_scalarmult_BYTES, err) < 0)
		return -1;
	/* Fails where all secrets would come to the same: at the few points of low order. */
	if (crypto_scalarmult(secret_fill(&shared), age_key_bytes(secret_half), public_half) != 0)
		return error_set(err, ERROR_MALFORMED,
				 "a public key of low order, which nobody has");
	return age_hkdf(&shared,
			(struct slice){ (const char *)salt, AGE_SHARE_BYTES + AGE_KEY_BYTES },
			slice_of("age-encryption.org/v1/X25519"), out, err);
}

static void make_salt(const unsigned char *share, const struct age_recipient *recipient,
		      unsigned char out[static AGE_SHARE_BYTES + AGE_KEY_BYTES])
{
	memcpy(out, share, AGE_SHARE_BYTES);
	memcpy(out + AGE_SHARE_BYTES, recipient->key, AGE_KEY_BYTES);
}

int age_wrap(const struct secret *file_key, const struct age_recipient *recipient,
	     struct age_stanza *out, struct error *err)
{
	SCOPED(secret) struct secret ephemeral = { 0 }, wrap_key = { 0 };
	unsigned char salt[AGE_SHARE_BYTES + AGE_KEY_BYTES];
	struct age_stanza stanza;

	if (secret_alloc(&ephemeral, crypto_scalarmult_SCALARBYTES, err) < 0)
		return -1;
	randombytes_buf(secret_fill(&ephemeral), ephemeral.len);
	if (crypto_scalarmult_base(stanza.share, age_key_bytes(&ephemeral)) != 0)
		return error_set(err, ERROR_SYSTEM, "libsodium makes no share");
	make_salt(stanza.share, recipient, salt);
	if (derive_wrap_key(&ephemeral, recipient->key, salt, &wrap_key, err) < 0)
		return -1;
	crypto_aead_chacha20poly1305_ietf_encrypt(stanza.wrapped, NULL, age_key_bytes(file_key),
						  AGE_FILE_KEY_BYTES, NULL, 0, NULL, nonce,
						  age_key_bytes(&wrap_key));
	*out = stanza;
	return 0;
}

int age_unwrap(const struct age_stanza *stanza, const struct secret *identity,
	       const struct age_recipient *recipient, struct secret *file_key, struct error *err)
{
	SCOPED(secret) struct secret wrap_key = { 0 }, unwrapped = { 0 };
	unsigned char salt[AGE_SHARE_BYTES + AGE_KEY_BYTES];

	make_salt(stanza->share, recipient, salt);
	if (derive_wrap_key(identity, stanza->share, salt, &wrap_key, err) < 0 ||
	    secret_alloc(&unwrapped, AGE_FILE_KEY_BYTES, err) < 0)
		return -1;
	if (crypto_aead_chacha20poly1305_ietf_decrypt(secret_fill(&unwrapped), NULL, NULL,
						      stanza->wrapped, AGE_WRAPPED_BYTES, NULL, 0,
						      nonce, age_key_bytes(&wrap_key)) != 0)
		return error_set(err, ERROR_DENIED, "wrapped for another key");
	*file_key = secret_take(&unwrapped);
	return 0;
}
