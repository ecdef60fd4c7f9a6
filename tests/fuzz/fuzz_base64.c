/* What is taken as base64 is just what libsodium takes, and means the same bytes. A refusal says
 * why, and leaves what it was to fill. */
#include "common/base64.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* libsodium 1.0.18 takes bytes above ASCII for letters, where char is signed. */
static bool is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] > 127)
			return false;
	return true;
}

static void check(struct slice text, enum base64_padding padding)
{
	int variant = padding == BASE64_PADDED ? sodium_base64_VARIANT_ORIGINAL :
						 sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	size_t room = text.len / 4 * 3 + 2, len = 1 << 30, reference_len = 0;
	unsigned char *out = memory_array(room, 1), *reference = memory_array(room, 1);
	struct error err = { 0 };

	bool is_sound =
		is_ascii(text) && sodium_base642bin(reference, room, text.ptr, text.len, NULL,
						    &reference_len, NULL, variant) == 0;
	int result = base64_read(text, padding, out, &len, &err);

	require((result == 0) == is_sound);
	if (result == 0)
		require(len == reference_len && memcmp(out, reference, len) == 0);
	else
		require(err.class == ERROR_MALFORMED && err.message[0] && len == 1 << 30 &&
			!out[0]);
	free(out);
	free(reference);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check((struct slice){ (const char *)data, size }, BASE64_PADDED);
	check((struct slice){ (const char *)data, size }, BASE64_UNPADDED);
	return 0;
}
