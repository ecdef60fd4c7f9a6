/* Armor that is taken is the only armor of its bytes: without the blank lines around it and with
 * plain line ends it is written back the same. And any bytes come back from their armor. */
#include "common/age_armor.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void is_the_only_form(struct slice text, struct slice bytes)
{
	SCOPED(buf) struct buf written = BUF(1 << 20);
	size_t at = 0;

	age_armor_write(bytes, &written);
	while (strchr(" \t\r\n", text.ptr[at]))
		at++;
	for (size_t i = 0; i < written.len - 1; i++) {
		char character = buf_text(&written)[i];

		if (character == '\n' && text.ptr[at] == '\r')
			at++;
		require(at < text.len && text.ptr[at] == character);
		at++;
	}
	for (; at < text.len; at++)
		require(text.ptr[at] && strchr(" \t\r\n", text.ptr[at]));
}

static void comes_back(struct slice bytes)
{
	SCOPED(buf) struct buf text = BUF(1 << 20), back = BUF(1 << 20);
	struct error err;

	age_armor_write(bytes, &text);
	require(age_armor_is_begun(buf_slice(&text)));
	require(age_armor_read(buf_slice(&text), &back, &err) == 0);
	require(back.len == bytes.len);
	require(!bytes.len || memcmp(buf_text(&back), bytes.ptr, bytes.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(buf) struct buf bytes = BUF(1 << 20);
	struct slice text = { (const char *)data, size };
	struct error err = { 0 };

	if (age_armor_read(text, &bytes, &err) < 0) {
		require(err.class == ERROR_MALFORMED && err.message[0] && bytes.len == 0);
	} else {
		require(age_armor_is_begun(text));
		is_the_only_form(text, buf_slice(&bytes));
	}
	if (size <= 65536)
		comes_back(text);
	return 0;
}
