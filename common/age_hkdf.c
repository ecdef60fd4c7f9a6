#include "common/age_hkdf.h"

#include <sodium.h>

_Static_assert(AGE_MAC_BYTES == crypto_auth_hmacsha256_BYTES, "HMAC-SHA-256 has 32 bytes");
_Static_assert(AGE_DERIVED_BYTES == AGE_MAC_BYTES, "one round of expansion is all of it");

const unsigned char *age_key_bytes(const struct secret *key)
{
	return (const unsigned char *)secret_expose(key).ptr;
}

static void hmac(struct slice key, const struct slice *parts, size_t count,
		 unsigned char out[static AGE_MAC_BYTES])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.ptr, key.len);
	for (size_t i = 0; i < count; i++)
		if (parts[i].len)
			crypto_auth_hmacsha256_update(&state, (const unsigned char *)parts[i].ptr,
						      parts[i].len);
	crypto_auth_hmacsha256_final(&state, out);
	secret_wipe(&state, sizeof(state));
}

void age_hmac(const struct secret *key, struct slice bytes, unsigned char out[static AGE_MAC_BYTES])
{
	hmac(secret_expose(key), &bytes, 1, out);
}

int age_hkdf(const struct secret *key, struct slice salt, struct slice info, struct secret *out,
	     struct error *err)
{
	static const char first_block[] = { 1 };
	const struct slice extracted = secret_expose(key);
	const struct slice expanded[] = { info, { first_block, sizeof(first_block) } };
	SCOPED(secret) struct secret between = { 0 }, derived = { 0 };

	if (secret_alloc(&between, AGE_MAC_BYTES, err) < 0 ||
	    secret_alloc(&derived, AGE_DERIVED_BYTES, err) < 0)
		return -1;
	/* HMAC fills a short key with zeros, so no salt is the same as the 32 zeros of the RFC. */
	hmac(salt, &extracted, 1, secret_fill(&between));
	hmac(secret_expose(&between), expanded, ARRAY_LEN(expanded), secret_fill(&derived));
	*out = secret_take(&derived);
	return 0;
}
