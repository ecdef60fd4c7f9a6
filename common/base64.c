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

/* 64 and more: no letter of the plain alphabet. */
static uint32_t value_of(char letter)
{
	if (letter >= 'A' && letter <= 'Z')
		return (uint32_t)(letter - 'A');
	if (letter >= 'a' && letter <= 'z')
		return (uint32_t)(letter - 'a') + 26;
	if (letter >= '0' && letter <= '9')
		return (uint32_t)(letter - '0') + 52;
	if (letter == '+')
		return 62;
	return letter == '/' ? 63 : 64;
}

static size_t len_without_padding(struct slice text)
{
	size_t len = text.len;

	while (len > 0 && text.len - len < 2 && text.ptr[len - 1] == '=')
		len--;
	return len;
}

/* Two letters have 12 bits for one byte, three have 18 for two: what is over must be zero, or
 * the same bytes could be written in more ways than one. */
static bool has_bits_over(struct slice letters_only)
{
	uint32_t spare = letters_only.len % 4 == 2 ? 15 : letters_only.len % 4 == 3 ? 3 : 0;

	return spare && (value_of(letters_only.ptr[letters_only.len - 1]) & spare);
}

static int check_letters(struct slice text, struct error *err)
{
	for (size_t i = 0; i < text.len; i++)
		if (value_of(text.ptr[i]) > 63)
			return error_set(err, ERROR_MALFORMED,
					 "character %zu is no letter of base64", i + 1);
	if (text.len % 4 == 1)
		return error_set(err, ERROR_MALFORMED, "base64 of %zu letters lacks one at least",
				 text.len);
	if (has_bits_over(text))
		return error_set(err, ERROR_MALFORMED,
				 "base64 whose last letter has bits that belong to no byte");
	return 0;
}

int base64_read(struct slice text, enum base64_padding padding, unsigned char *out, size_t *len,
		struct error *err)
{
	struct slice letters_only = text;
	uint32_t bits = 0;
	unsigned held = 0;
	size_t count = 0;

	if (padding == BASE64_PADDED && text.len % 4)
		return error_set(err, ERROR_MALFORMED,
				 "padded base64 of %zu characters, which is no multiple of 4",
				 text.len);
	if (padding == BASE64_PADDED)
		letters_only.len = len_without_padding(text);
	if (check_letters(letters_only, err) < 0)
		return -1;
	for (size_t i = 0; i < letters_only.len; i++) {
		bits = bits << 6 | value_of(letters_only.ptr[i]);
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[count++] = (unsigned char)(bits >> held);
		}
	}
	*len = count;
	return 0;
}
