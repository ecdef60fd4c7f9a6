#include "common/base64.h"

static const char *const letters[] = {
	[BASE64_PLAIN] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	[BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

size_t base64_len(size_t len)
{
	return (len + 2) / 3 * 4;
}

void base64_write(struct slice bytes, enum base64_alphabet alphabet, unsigned char *out)
{
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t count = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t group = 0;

		for (size_t j = 0; j < 3; j++)
			group = group << 8 | (j < count ? (unsigned char)bytes.ptr[i + j] : 0u);
		for (size_t j = 0; j < 4; j++)
			*out++ = (unsigned char)(j <= count ? letters[alphabet]
								     [group >> (18 - 6 * j) & 63] :
							      '=');
	}
}
