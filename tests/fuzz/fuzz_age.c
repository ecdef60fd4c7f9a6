/* Any bytes as an age file, for the key of the published vectors. What opens is a header, the
 * payload and nothing else; what does not leaves no text, and says why. */
#include "common/age.h"

#include <stdlib.h>
#include <string.h>

#include "common/age_armor.h"
#include "common/age_header.h"
#include "common/age_payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct age_identities identities;

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void is_whole(struct slice file, size_t plain_len)
{
	SCOPED(buf) struct buf binary = BUF(AGE_SEALED_BYTES);
	struct age_header header;
	struct error err;

	if (age_armor_is_begun(file)) {
		require(age_armor_read(file, &binary, &err) == 0);
		file = buf_slice(&binary);
	}
	require(age_header_parse(file, &header, &err) == 0);
	require(header.payload.ptr + header.payload.len == file.ptr + file.len);
	size_t chunks = plain_len ? (plain_len + AGE_CHUNK_BYTES - 1) / AGE_CHUNK_BYTES : 1;

	require(header.payload.len == AGE_NONCE_BYTES + plain_len + chunks * AGE_TAG_BYTES);
	require(header.count > 0 && !header.has_passphrase);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char key[] =
		"AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
	SCOPED(secret) struct secret plain = { 0 };
	struct slice file = { (const char *)data, size };
	struct error err = { 0 };

	if (!identities.count)
		require(age_identities_parse(slice_of(key), &identities, &err) == 0);
	if (age_unseal(file, &identities, &plain, &err) < 0) {
		require(err.class == ERROR_MALFORMED || err.class == ERROR_DENIED);
		require(err.message[0] && !plain.guarded && !plain.len);
		return 0;
	}
	is_whole(file, plain.len);
	return 0;
}
