/* The first byte says how many bytes are expected, what follows is read in two ways: as the text
 * itself, and as the five bits of letters, to which a sound checksum is put. What is taken is
 * written back the same. */
#include "common/bech32.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 64, TEXT_MAX = 128 };

static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* True when it was taken. */
static bool check(struct slice text, size_t len)
{
	unsigned char bytes[BYTES_MAX];
	char back[TEXT_MAX];
	struct error err = { 0 };

	memset(bytes, '.', sizeof(bytes));
	if (bech32_read(text, "age", bytes, len, &err) < 0) {
		require(err.class == ERROR_MALFORMED && err.message[0]);
		for (size_t i = 0; i < sizeof(bytes); i++)
			require(bytes[i] == '.');
		return false;
	}
	bech32_write("age", (struct slice){ (const char *)bytes, len }, back);
	require(strlen(back) == text.len && bech32_len(3, len) == text.len);
	for (size_t i = 0; i < text.len; i++)
		require(tolower((unsigned char)text.ptr[i]) == back[i]);
	return true;
}

/* The remainder by BIP 173's polynomial, bit by bit: x^6 + {29}x^5 + {22}x^4 + {20}x^3 + {21}x^2 +
 * {29}x + {18} over the field of 32 elements, in which {2}^5 = {8} + {1}. */
static unsigned field_product(unsigned a, unsigned b)
{
	unsigned product = 0;

	for (; b; b >>= 1) {
		if (b & 1)
			product ^= a;
		a <<= 1;
		if (a & 32)
			a ^= 32 + 8 + 1;
	}
	return product;
}

static void add_checksum(const unsigned char *values, size_t count, char out[6])
{
	static const unsigned char generator[6] = { 29, 22, 20, 21, 29, 18 };
	static const unsigned char prefix[] = { 3, 3, 3, 0, 'a' & 31, 'g' & 31, 'e' & 31 };
	unsigned char remainder[6] = { 0, 0, 0, 0, 0, 1 };

	for (size_t i = 0; i < sizeof(prefix) + count + 6; i++) {
		size_t place = i - sizeof(prefix);
		unsigned top = remainder[0];
		unsigned next = i < sizeof(prefix) ? prefix[i] : place < count ? values[place] : 0u;

		for (size_t j = 0; j < 6; j++)
			remainder[j] = (unsigned char)((j < 5 ? remainder[j + 1] : next) ^
						       field_product(top, generator[j]));
	}
	remainder[5] ^= 1;
	for (size_t i = 0; i < 6; i++)
		out[i] = letters[remainder[i] & 31];
}

/* With a sound checksum, only the number of letters and the bits over can be wrong. */
static void check_sound(const uint8_t *data, size_t size, size_t len)
{
	unsigned char values[TEXT_MAX];
	size_t count = size < 100 ? size : 100, wanted = (len * 8 + 4) / 5;
	char text[TEXT_MAX] = "age1";

	for (size_t i = 0; i < count; i++) {
		values[i] = data[i] & 31;
		text[4 + i] = letters[values[i]];
	}
	add_checksum(values, count, text + 4 + count);
	unsigned over = (unsigned)(wanted * 5 - len * 8);
	bool has_none_over = !count || !(values[count - 1] & ((1u << over) - 1));
	struct slice whole = { text, 4 + count + 6 };

	require(check(whole, len) == (count == wanted && has_none_over));
	if (!size)
		return;
	/* One letter of it changed, and the checksum tells. */
	size_t place = 4 + data[size - 1] % (whole.len - 4);

	text[place] = text[place] == 'q' ? 'p' : 'q';
	require(!check(whole, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	size_t len = data[0] % (BYTES_MAX - 3);

	(void)check((struct slice){ (const char *)data + 1, size - 1 }, len);
	check_sound(data + 1, size - 1, len);
	return 0;
}
