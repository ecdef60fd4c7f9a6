#include "common/hash.h"

#include <sodium.h>
#include <stdlib.h>

enum { HASH_LEN = (HASH_HEX_LEN - 1) / 2 };

/* Sodium starts once however often it is asked. It fails only where the kernel has no randomness
 * to give, and then no name or key that we made would be worth anything. */
static void start_sodium(void)
{
	if (sodium_init() < 0)
		abort();
}

/* The length in eight bytes, lowest first, on every machine. */
static void hash_len(crypto_generichash_state *state, size_t len)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)((uint64_t)len >> (8 * i));
	crypto_generichash_update(state, bytes, sizeof(bytes));
}

void hash_parts(const struct slice *parts, size_t count, char out[static HASH_HEX_LEN])
{
	crypto_generichash_state state;
	unsigned char digest[HASH_LEN];

	start_sodium();
	crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	for (size_t i = 0; i < count; i++) {
		hash_len(&state, parts[i].len);
		if (parts[i].len)
			crypto_generichash_update(&state, (const unsigned char *)parts[i].ptr,
						  parts[i].len);
	}
	crypto_generichash_final(&state, digest, sizeof(digest));
	sodium_bin2hex(out, HASH_HEX_LEN, digest, sizeof(digest));
}

void hash_sha256(struct slice bytes, char out[static HASH_SHA256_ROOM])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	start_sodium();
	crypto_hash_sha256(digest, (const unsigned char *)(bytes.len ? bytes.ptr : ""), bytes.len);
	sodium_bin2hex(out, HASH_SHA256_ROOM, digest, sizeof(digest));
}

uint32_t hash_random_below(uint32_t bound)
{
	start_sodium();
	return randombytes_uniform(bound);
}

void hash_random_hex(char out[static HASH_HEX_LEN])
{
	unsigned char bytes[HASH_LEN];

	start_sodium();
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(out, HASH_HEX_LEN, bytes, sizeof(bytes));
}
