#include "common/age_payload.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(AGE_TAG_BYTES == crypto_aead_chacha20poly1305_IETF_ABYTES,
	       "sodium's tag is that of the format");

enum { SEALED_CHUNK_BYTES = AGE_CHUNK_BYTES + AGE_TAG_BYTES };

/* Of no text there is one chunk, which is empty. */
static size_t chunks_of(size_t len, size_t chunk_len)
{
	return len ? (len - 1) / chunk_len + 1 : 1;
}

static int derive_payload_key(const struct secret *file_key, struct slice nonce, struct secret *out,
			      struct error *err)
{
	return age_hkdf(file_key, nonce, slice_of("payload"), out, err);
}

/* The chunk's number, highest byte first, and whether it is the last one. */
static void make_chunk_nonce(size_t number, bool is_last,
			     unsigned char out[static crypto_aead_chacha20poly1305_IETF_NPUBBYTES])
{
	memset(out, 0, crypto_aead_chacha20poly1305_IETF_NPUBBYTES);
	for (size_t i = 0; i < sizeof(number); i++)
		out[10 - i] = (unsigned char)(number >> 8 * i);
	out[11] = is_last;
}

int age_payload_seal(struct slice plain, const struct secret *file_key, struct buf *out,
		     struct error *err)
{
	SCOPED(secret) struct secret key = { 0 };
	unsigned char nonce[AGE_NONCE_BYTES];
	const struct slice nonce_slice = { (const char *)nonce, sizeof(nonce) };
	size_t chunks = chunks_of(plain.len, AGE_CHUNK_BYTES);

	randombytes_buf(nonce, sizeof(nonce));
	if (derive_payload_key(file_key, nonce_slice, &key, err) < 0)
		return -1;
	unsigned char *sealed = memory_array(SEALED_CHUNK_BYTES, 1);

	buf_add(out, nonce_slice);
	for (size_t i = 0; i < chunks; i++) {
		bool is_last = i == chunks - 1;
		size_t start = i * AGE_CHUNK_BYTES;
		size_t len = is_last ? plain.len - start : AGE_CHUNK_BYTES;
		unsigned char chunk_nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

		make_chunk_nonce(i, is_last, chunk_nonce);
		crypto_aead_chacha20poly1305_ietf_encrypt(
			sealed, NULL, (const unsigned char *)(len ? plain.ptr + start : ""), len,
			NULL, 0, NULL, chunk_nonce, age_key_bytes(&key));
		buf_add(out, (struct slice){ (const char *)sealed, len + AGE_TAG_BYTES });
	}
	free(sealed);
	return 0;
}

static int open_chunks(struct slice sealed, size_t chunks, const struct secret *key,
		       unsigned char *plain, struct error *err)
{
	for (size_t i = 0; i < chunks; i++) {
		bool is_last = i == chunks - 1;
		size_t start = i * SEALED_CHUNK_BYTES;
		size_t len = is_last ? sealed.len - start : SEALED_CHUNK_BYTES;
		unsigned char chunk_nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

		make_chunk_nonce(i, is_last, chunk_nonce);
		if (crypto_aead_chacha20poly1305_ietf_decrypt(
			    plain + i * AGE_CHUNK_BYTES, NULL, NULL,
			    (const unsigned char *)sealed.ptr + start, len, NULL, 0, chunk_nonce,
			    age_key_bytes(key)) != 0)
			return error_set(err, ERROR_MALFORMED,
					 "chunk %zu of %zu was altered, or the file cut", i + 1,
					 chunks);
	}
	return 0;
}

int age_payload_open(struct slice payload, const struct secret *file_key, struct secret *out,
		     struct error *err)
{
	SCOPED(secret) struct secret key = { 0 }, plain = { 0 };

	if (payload.len < AGE_NONCE_BYTES + AGE_TAG_BYTES)
		return error_set(err, ERROR_MALFORMED, "cut short after the header");
	struct slice nonce = { payload.ptr, AGE_NONCE_BYTES };
	struct slice sealed = { payload.ptr + AGE_NONCE_BYTES, payload.len - AGE_NONCE_BYTES };
	size_t chunks = chunks_of(sealed.len, SEALED_CHUNK_BYTES);
	size_t last_len = sealed.len - (chunks - 1) * SEALED_CHUNK_BYTES;

	/* An empty last chunk would be a second way to write the same text. */
	if (last_len < AGE_TAG_BYTES || (chunks > 1 && last_len == AGE_TAG_BYTES))
		return error_set(err, ERROR_MALFORMED, "cut short in chunk %zu", chunks);
	if (derive_payload_key(file_key, nonce, &key, err) < 0 ||
	    secret_alloc(&plain, sealed.len - chunks * AGE_TAG_BYTES, err) < 0)
		return -1;
	if (open_chunks(sealed, chunks, &key, secret_fill(&plain), err) < 0)
		return -1;
	*out = secret_take(&plain);
	return 0;
}
