/* Two bytes a chunk say how it is made: how long, with which number, as the last one or not, and
 * whether it is damaged; the chunks are encrypted here, with the payload's right key. Which of
 * these payloads must open follows from the rules of the format alone. */
#include "common/age_payload.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHUNKS_MAX = 6, NONCE_BYTES = crypto_aead_chacha20poly1305_IETF_NPUBBYTES };
/* What the second byte of a chunk says. */
enum { AS_LAST = 1, NUMBER_OFF = 2, NUMBER_HIGH = 4, IS_DAMAGED = 8, IS_CUT = 16 };

static struct {
	struct secret file_key, key;
	char nonce[AGE_NONCE_BYTES];
	char text[CHUNKS_MAX * AGE_CHUNK_BYTES];
} ours;

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void prepare(void)
{
	const struct slice nonce = { ours.nonce, sizeof(ours.nonce) };
	struct error err;

	memset(ours.nonce, 'n', sizeof(ours.nonce));
	require(secret_copy(&ours.file_key, slice_of("sixteen letters."), &err) == 0);
	require(age_hkdf(&ours.file_key, nonce, slice_of("payload"), &ours.key, &err) == 0);
	for (size_t i = 0; i < sizeof(ours.text); i++)
		ours.text[i] = (char)(i * 2654435761u >> 13);
}

/* Half of the first bytes are a full chunk, the others a short one. */
static size_t chunk_len(uint8_t first)
{
	return first & 128 ? AGE_CHUNK_BYTES : first;
}

static void add_chunk(const uint8_t *script, size_t number, struct slice text, struct buf *out)
{
	static unsigned char sealed[AGE_CHUNK_BYTES + AGE_TAG_BYTES];
	unsigned char nonce[NONCE_BYTES] = { 0 };

	nonce[10] = (unsigned char)(number + (script[1] & NUMBER_OFF ? 1 : 0));
	nonce[0] = script[1] & NUMBER_HIGH ? 1 : 0;
	nonce[11] = script[1] & AS_LAST ? 1 : 0;
	crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, (const unsigned char *)text.ptr,
						  text.len, NULL, 0, NULL, nonce,
						  age_key_bytes(&ours.key));
	size_t len = text.len + AGE_TAG_BYTES;

	if (script[1] & IS_DAMAGED)
		sealed[(script[0] * 251u + script[1]) % len] ^= 1;
	buf_add(out, (struct slice){ (const char *)sealed, len - (script[1] & IS_CUT ? 1 : 0) });
}

static bool is_right(const uint8_t *script, size_t number, size_t count)
{
	bool is_last = number == count - 1;
	size_t len = chunk_len(script[0]);

	if (script[1] & (NUMBER_OFF | NUMBER_HIGH | IS_DAMAGED | IS_CUT))
		return false;
	if (!(script[1] & AS_LAST) != !is_last)
		return false;
	return is_last ? len > 0 || count == 1 : len == AGE_CHUNK_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count = size / 2 < CHUNKS_MAX ? size / 2 : CHUNKS_MAX, plain_len = 0;
	SCOPED(buf) struct buf payload = BUF((CHUNKS_MAX + 1) * (AGE_CHUNK_BYTES + AGE_TAG_BYTES));
	SCOPED(secret) struct secret plain = { 0 };
	bool must_open = count > 0 && size == 2 * count;
	struct error err = { 0 };

	if (!ours.key.guarded)
		prepare();
	buf_add(&payload, (struct slice){ ours.nonce, sizeof(ours.nonce) });
	for (size_t i = 0; i < count; i++) {
		struct slice text = { ours.text + plain_len, chunk_len(data[2 * i]) };

		add_chunk(data + 2 * i, i, text, &payload);
		plain_len += text.len;
		must_open &= is_right(data + 2 * i, i, count);
	}
	/* What is left of the script follows as it is; it must not give back what was cut off. */
	size_t rest = size - 2 * count < 4096 ? size - 2 * count : 4096;

	if (count && data[2 * count - 1] & IS_CUT)
		rest = 0;
	buf_add(&payload, (struct slice){ (const char *)data + 2 * count, rest });
	int result = age_payload_open(buf_slice(&payload), &ours.file_key, &plain, &err);

	require((result == 0) == must_open);
	if (result < 0) {
		require(err.class == ERROR_MALFORMED && err.message[0] && !plain.guarded);
		return 0;
	}
	require(plain.len == plain_len);
	require(memcmp(secret_text(&plain), ours.text, plain_len) == 0);
	return 0;
}
