#include "common/bech32.h"

#include <string.h>

enum { CHECKSUM_LETTERS = 6, LETTER_BITS = 5 };

static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"; /* of value 0, 1, ... 31 */

static uint32_t stir(uint32_t sum, uint32_t value)
{
	static const uint32_t generator[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
					      0x2a1462b3 };
	uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << LETTER_BITS ^ value;
	for (size_t i = 0; i < ARRAY_LEN(generator); i++)
		sum ^= top >> i & 1 ? generator[i] : 0;
	return sum;
}

/* The checksum is over the prefix, too: the high bits of its letters, zero, then the low bits. */
static uint32_t stir_prefix(const char *prefix)
{
	uint32_t sum = 1;

	for (const char *at = prefix; *at; at++)
		sum = stir(sum, (uint32_t)(unsigned char)*at >> 5);
	sum = stir(sum, 0);
	for (const char *at = prefix; *at; at++)
		sum = stir(sum, (uint32_t)(unsigned char)*at & 31);
	return sum;
}

static size_t letters_for(size_t len)
{
	return (len * 8 + LETTER_BITS - 1) / LETTER_BITS;
}

size_t bech32_len(size_t prefix_len, size_t len)
{
	return prefix_len + 1 + letters_for(len) + CHECKSUM_LETTERS;
}

void bech32_write(const char *prefix, struct slice bytes, char *out)
{
	uint32_t sum = stir_prefix(prefix), bits = 0;
	unsigned held = 0;
	size_t prefix_len = strlen(prefix), taken = 0;

	memcpy(out, prefix, prefix_len);
	out += prefix_len;
	*out++ = '1';
	for (size_t i = letters_for(bytes.len); i > 0; i--) {
		if (held < LETTER_BITS) {
			bits = bits << 8 |
			       (taken < bytes.len ? (unsigned char)bytes.ptr[taken] : 0u);
			taken++;
			held += 8;
		}
		held -= LETTER_BITS;
		uint32_t value = bits >> held & 31;

		sum = stir(sum, value);
		*out++ = letters[value];
	}
	for (size_t i = 0; i < CHECKSUM_LETTERS; i++)
		sum = stir(sum, 0);
	sum ^= 1;
	for (unsigned i = CHECKSUM_LETTERS; i > 0; i--)
		*out++ = letters[sum >> LETTER_BITS * (i - 1) & 31];
	*out = '\0';
}

static bool is_upper(char letter)
{
	return letter >= 'A' && letter <= 'Z';
}

static char lower(char letter)
{
	return is_upper(letter) ? (char)(letter - 'A' + 'a') : letter;
}

/* 32 and more: none of the letters. */
static uint32_t value_of(char letter)
{
	const char *at = memchr(letters, lower(letter), sizeof(letters) - 1);

	return at ? (uint32_t)(at - letters) : 32;
}

static bool begins_with(struct slice text, const char *prefix, size_t prefix_len)
{
	if (text.len <= prefix_len || text.ptr[prefix_len] != '1')
		return false;
	for (size_t i = 0; i < prefix_len; i++)
		if (lower(text.ptr[i]) != prefix[i])
			return false;
	return true;
}

static bool is_mixed(struct slice text)
{
	bool has_upper = false, has_lower = false;

	for (size_t i = 0; i < text.len; i++) {
		has_upper |= is_upper(text.ptr[i]);
		has_lower |= text.ptr[i] >= 'a' && text.ptr[i] <= 'z';
	}
	return has_upper && has_lower;
}

/* What follows the "1": first is where it stands in the text. */
static int check_letters(struct slice data, size_t first, uint32_t sum, struct error *err)
{
	for (size_t i = 0; i < data.len; i++) {
		if (value_of(data.ptr[i]) > 31)
			return error_set(err, ERROR_MALFORMED,
					 "character %zu is no letter of bech32", first + i + 1);
		sum = stir(sum, value_of(data.ptr[i]));
	}
	if (sum != 1)
		return error_set(err, ERROR_MALFORMED,
				 "its checksum is wrong: a letter was changed, or two swapped");
	return 0;
}

static bool has_bits_over(struct slice data, size_t len)
{
	size_t over = letters_for(len) * LETTER_BITS - len * 8;

	return over && (value_of(data.ptr[letters_for(len) - 1]) & ((1u << over) - 1));
}

int bech32_read(struct slice text, const char *prefix, unsigned char *out, size_t len,
		struct error *err)
{
	size_t prefix_len = strlen(prefix), written = 0;
	uint32_t bits = 0;
	unsigned held = 0;

	if (!begins_with(text, prefix, prefix_len))
		return error_set(err, ERROR_MALFORMED, "does not begin with \"%s1\"", prefix);
	if (text.len != bech32_len(prefix_len, len))
		return error_set(err, ERROR_MALFORMED, "%zu characters where %zu are expected",
				 text.len, bech32_len(prefix_len, len));
	if (is_mixed(text))
		return error_set(err, ERROR_MALFORMED, "mixes upper and lower case");
	struct slice data = { text.ptr + prefix_len + 1, text.len - prefix_len - 1 };

	if (check_letters(data, prefix_len + 1, stir_prefix(prefix), err) < 0)
		return -1;
	if (has_bits_over(data, len))
		return error_set(err, ERROR_MALFORMED,
				 "its last letter has bits that belong to no byte");
	for (size_t i = 0; written < len; i++) {
		bits = bits << LETTER_BITS | value_of(data.ptr[i]);
		held += LETTER_BITS;
		if (held >= 8) {
			held -= 8;
			out[written++] = (unsigned char)(bits >> held);
		}
	}
	return 0;
}
