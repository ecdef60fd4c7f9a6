#include "common/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void bytes_are_written_as_the_rfc_says(void **state)
{
	static const struct {
		const char *when;
		struct slice bytes;
		const char *plain, *url;
	} cases[] = {
		{ "there are none", { "", 0 }, "", "" },
		{ "there is one", { "f", 1 }, "Zg==", "Zg==" },
		{ "there are two", { "fo", 2 }, "Zm8=", "Zm8=" },
		{ "there are three", { "foo", 3 }, "Zm9v", "Zm9v" },
		{ "there are four", { "foob", 4 }, "Zm9vYg==", "Zm9vYg==" },
		{ "there are six", { "foobar", 6 }, "Zm9vYmFy", "Zm9vYmFy" },
		{ "the last two letters are needed", { "\xfb\xff\xbf", 3 }, "+/+/", "-_-_" },
		{ "they are zero", { "\0\0\0\0", 4 }, "AAAAAA==", "AAAAAA==" },
		{ "they are all ones", { "\xff\xff", 2 }, "//8=", "__8=" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char out[2][16] = { "..........", ".........." };
		size_t len = base64_len(cases[i].bytes.len);

		base64_write(cases[i].bytes, BASE64_PLAIN, out[0]);
		base64_write(cases[i].bytes, BASE64_URL, out[1]);
		if (len != strlen(cases[i].plain) || memcmp(out[0], cases[i].plain, len) != 0 ||
		    memcmp(out[1], cases[i].url, len) != 0 || out[0][len] != '.')
			fail_msg("when %s: %.*s, %.*s", cases[i].when, (int)len, (char *)out[0],
				 (int)len, (char *)out[1]);
	}
}

static void strict_text_is_read(void **state)
{
	static const struct {
		const char *when;
		struct slice text;
		enum base64_padding padding;
		const char *bytes; /* NULL: refused */
	} cases[] = {
		{ "it is empty", { "", 0 }, BASE64_PADDED, "" },
		{ "it is empty, without padding", { "", 0 }, BASE64_UNPADDED, "" },
		{ "one byte is padded", { "Zg==", 4 }, BASE64_PADDED, "f" },
		{ "two bytes are padded", { "Zm8=", 4 }, BASE64_PADDED, "fo" },
		{ "three bytes need no padding", { "Zm9v", 4 }, BASE64_PADDED, "foo" },
		{ "six bytes are two groups", { "Zm9vYmFy", 8 }, BASE64_PADDED, "foobar" },
		{ "four bytes are padded", { "Zm9vYg==", 8 }, BASE64_PADDED, "foob" },
		{ "one byte is not padded", { "Zg", 2 }, BASE64_UNPADDED, "f" },
		{ "two bytes are not padded", { "Zm8", 3 }, BASE64_UNPADDED, "fo" },
		{ "four bytes are not padded", { "Zm9vYg", 6 }, BASE64_UNPADDED, "foob" },
		{ "the last two letters occur", { "+/+/", 4 }, BASE64_PADDED, "\xfb\xff\xbf" },
		{ "padding is missing", { "Zg", 2 }, BASE64_PADDED, NULL },
		{ "half the padding is missing", { "Zg=", 3 }, BASE64_PADDED, NULL },
		{ "padding is not wanted", { "Zg==", 4 }, BASE64_UNPADDED, NULL },
		{ "padding is not wanted after three", { "Zm8=", 4 }, BASE64_UNPADDED, NULL },
		{ "there is too much padding", { "Z===", 4 }, BASE64_PADDED, NULL },
		{ "there is only padding", { "====", 4 }, BASE64_PADDED, NULL },
		{ "there is a group of padding", { "Zm9v====", 8 }, BASE64_PADDED, NULL },
		{ "padding is in the middle", { "Zg==Zg==", 8 }, BASE64_PADDED, NULL },
		{ "padding is before a letter", { "Zm=v", 4 }, BASE64_PADDED, NULL },
		{ "one letter is left", { "Zm9vZ", 5 }, BASE64_UNPADDED, NULL },
		{ "one letter is all", { "Z", 1 }, BASE64_UNPADDED, NULL },
		{ "four bits are over", { "Zh==", 4 }, BASE64_PADDED, NULL },
		{ "the highest of four bits is over", { "Zo==", 4 }, BASE64_PADDED, NULL },
		{ "two bits are over", { "Zm9=", 4 }, BASE64_PADDED, NULL },
		{ "the higher of two bits is over", { "Zm+", 3 }, BASE64_UNPADDED, NULL },
		{ "bits are over without padding", { "Zh", 2 }, BASE64_UNPADDED, NULL },
		{ "the alphabet is that of addresses", { "-_-_", 4 }, BASE64_PADDED, NULL },
		{ "a line ends", { "Zm9v\n", 5 }, BASE64_UNPADDED, NULL },
		{ "a blank is inside", { "Zm9 ", 4 }, BASE64_PADDED, NULL },
		{ "a NUL is inside", { "Zm\0v", 4 }, BASE64_PADDED, NULL },
		{ "a byte is above ASCII", { "Zm\xc1v", 4 }, BASE64_PADDED, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char out[16] = "...............";
		struct error err = { 0 };
		size_t len = 99;
		int result = base64_read(cases[i].text, cases[i].padding, out, &len, &err);

		if (!cases[i].bytes) {
			if (result != -1 || err.class != ERROR_MALFORMED || len != 99 ||
			    out[0] != '.')
				fail_msg("when %s: it is taken", cases[i].when);
			continue;
		}
		if (result != 0 || len != strlen(cases[i].bytes) ||
		    memcmp(out, cases[i].bytes, len) != 0 || out[len] != '.')
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

static void the_wrong_character_is_named(void **state)
{
	unsigned char out[16];
	struct error err = { 0 };
	size_t len;

	(void)state;
	assert_int_equal(base64_read(slice_of("Zm9v!mFy"), BASE64_PADDED, out, &len, &err), -1);
	assert_string_equal(err.message, "character 5 is no letter of base64");
}

/* Of all groups of four letters that begin with Q, each that is taken is written back the same,
 * and all texts of one to three bytes that begin with @, A, B or C are among them. */
static void each_text_has_one_form(void **state)
{
	size_t taken = 0;

	(void)state;
	for (uint32_t i = 0; i < 65u * 65 * 65; i++) {
		static const char alphabet[] =
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
		const char text[4] = { 'Q', alphabet[i % 65], alphabet[i / 65 % 65],
				       alphabet[i / 65 / 65] };
		unsigned char bytes[5], back[4];
		struct error err;
		size_t len;

		if (base64_read((struct slice){ text, 4 }, BASE64_PADDED, bytes, &len, &err) < 0)
			continue;
		base64_write((struct slice){ (char *)bytes, len }, BASE64_PLAIN, back);
		assert_memory_equal(back, text, 4);
		taken++;
	}
	assert_int_equal(taken, 4 * (1 + 256 + 256 * 256));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_written_as_the_rfc_says),
		cmocka_unit_test(strict_text_is_read),
		cmocka_unit_test(the_wrong_character_is_named),
		cmocka_unit_test(each_text_has_one_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
