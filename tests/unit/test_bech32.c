#include "common/bech32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* BIP 173's own, and the two of the specification of age. */
static const struct {
	const char *prefix, *text;
	struct slice bytes;
} known[] = {
	{ "a", "a12uel5l", { "", 0 } },
	{ "?", "?1ezyfcl", { "", 0 } },
	{ "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio",
	  "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1"
	  "tt5tgs",
	  { "", 0 } },
	{ "abcdef",
	  "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
	  { "\x00\x44\x32\x14\xc7\x42\x54\xb6\x35\xcf\x84\x65\x3a\x56\xd7\xc6\x75\xbe\x77\xdf",
	    20 } },
	{ "split",
	  "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
	  { "\xc5\xf3\x8b\x70\x30\x5f\x51\x9b\xf6\x6d\x85\xfb\x6c\xf0\x30\x58\xf3\xdd\xe4\x63\xec"
	    "\xd7\x91\x8f\x2d\xc7\x43\x91\x8f\x2d",
	    30 } },
	{ "age",
	  "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
	  { "\x13\x2c\x44\x2b\xe0\x10\xfb\xd5\x7e\x72\x60\x33\x28\xaa\x76\xe7\x1f\xcc\xc1\x50\x3a"
	    "\xae\x21\x93\x27\xd1\x4d\x9c\x99\x93\xf4\x72",
	    32 } },
	{ "age-secret-key-",
	  "age-secret-key-1gfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpq4egaex",
	  { "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB", 32 } },
};

static void known_ones_are_written_and_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		char text[128], upper[128];
		unsigned char bytes[2][64];
		size_t len = known[i].bytes.len;
		struct error err = { 0 };

		bech32_write(known[i].prefix, known[i].bytes, text);
		assert_string_equal(text, known[i].text);
		assert_int_equal(strlen(text), bech32_len(strlen(known[i].prefix), len));
		for (size_t j = 0; j <= strlen(text); j++)
			upper[j] =
				(char)(text[j] >= 'a' && text[j] <= 'z' ? text[j] - 32 : text[j]);
		if (bech32_read(slice_of(text), known[i].prefix, bytes[0], len, &err) < 0 ||
		    bech32_read(slice_of(upper), known[i].prefix, bytes[1], len, &err) < 0)
			fail_msg("%s: %s", text, err.message);
		assert_memory_equal(bytes[0], known[i].bytes.ptr, len);
		assert_memory_equal(bytes[1], known[i].bytes.ptr, len);
	}
}

/* All with the prefix "age" and 5 bytes: "age1" and 8 letters, then the checksum. */
static void other_text_is_refused(void **state)
{
	static const struct {
		const char *when;
		struct slice text;
		const char *words;
	} cases[] = {
		{ "there is nothing", { "", 0 }, "begin with \"age1\"" },
		{ "there is the prefix alone", { "age", 3 }, "begin with \"age1\"" },
		{ "there is nothing after the 1", { "age1", 4 }, "4 characters where 18 are" },
		{ "the prefix is another one", { "agf1qqqqqqqqxxxxxx", 18 }, "begin with" },
		{ "the prefix goes on", { "age-1qqqqqqqxxxxxx", 18 }, "begin with" },
		{ "a letter is missing", { "age1qqqqqqqxxxxxx", 17 }, "17 characters where 18" },
		{ "one is too many", { "age1qqqqqqqqqxxxxxx", 19 }, "19 characters where 18" },
		{ "a letter is a b", { "age1qbqqqqqqxxxxxx", 18 }, "character 6 is no letter" },
		{ "a letter is a 1", { "age1qqqqqqq1xxxxxx", 18 }, "character 12 is no letter" },
		{ "a letter is a NUL", { "age1qqqqqqq\0xxxxxx", 18 }, "character 12 is no" },
		{ "a letter is a blank", { "age1qqqqqqq xxxxxx", 18 }, "character 12 is no" },
		{ "a byte is above ASCII", { "age1qqqqqqq\xf1xxxxxx", 18 }, "character 12 is no" },
		{ "case is mixed", { "age1qqqqqqqQxxxxxx", 18 }, "upper and lower" },
		{ "the prefix has the other case",
		  { "AGE1qqqqqqqqxxxxxx", 18 },
		  "upper and lower" },
		{ "the checksum is another one", { "age1qqqqqqqqxxxxxx", 18 }, "checksum" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char bytes[5] = "....";
		struct error err = { 0 };

		if (bech32_read(cases[i].text, "age", bytes, 5, &err) == 0 ||
		    err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].words) ||
		    memcmp(bytes, "....", 5) != 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

/* Two bytes are 16 bits in 4 letters: 4 bits are over. The values 0, 0, 0 and 0, 1 or 8, with a
 * sound checksum that was worked out apart from our code. */
static void bits_that_belong_to_no_byte_are_refused(void **state)
{
	static const char *const over[] = { "t1qqqps4mwzn", "t1qqqgnhthpu" };
	unsigned char bytes[2];
	struct error err = { 0 };

	(void)state;
	assert_int_equal(bech32_read(slice_of("t1qqqqdr0mlp"), "t", bytes, 2, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(over); i++) {
		assert_int_equal(bech32_read(slice_of(over[i]), "t", bytes, 2, &err), -1);
		assert_non_null(strstr(err.message, "bits that belong to no byte"));
	}
}

/* What the checksum is for: of a key as age prints it, no changed letter and no two swapped
 * neighbours pass. */
static void each_slip_is_seen(void **state)
{
	static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	const struct slice text = slice_of(known[5].text);
	unsigned char bytes[32];
	struct error err;

	(void)state;
	for (size_t i = strlen("age1"); i < text.len; i++) {
		char slip[64];

		memcpy(slip, text.ptr, text.len);
		for (size_t j = 0; j < 32; j++) {
			slip[i] = alphabet[j];
			bool is_same = slip[i] == text.ptr[i];

			assert_int_equal(bech32_read((struct slice){ slip, text.len }, "age", bytes,
						     32, &err),
					 is_same ? 0 : -1);
		}
		if (i + 1 == text.len || text.ptr[i] == text.ptr[i + 1])
			continue;
		slip[i] = text.ptr[i + 1];
		slip[i + 1] = text.ptr[i];
		assert_int_equal(
			bech32_read((struct slice){ slip, text.len }, "age", bytes, 32, &err), -1);
	}
}

/* One letter of the other case among those of an upper-case or a lower-case text. */
static void mixed_case_is_refused(void **state)
{
	/* All letters that there are: BIP 173's. */
	static const char *const texts[] = { "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
					     "ABCDEF1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LMQQQXW" };
	unsigned char bytes[20];
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		size_t len = strlen(texts[i]);
		char mixed[64];

		memcpy(mixed, texts[i], len);
		for (size_t j = 0; j < len; j++) {
			if (strchr("0123456789", mixed[j]))
				continue;
			mixed[j] = (char)(mixed[j] ^ 0x20);
			assert_int_equal(bech32_read((struct slice){ mixed, len }, "abcdef", bytes,
						     sizeof(bytes), &err),
					 -1);
			assert_non_null(strstr(err.message, "upper and lower"));
			mixed[j] = (char)(mixed[j] ^ 0x20);
		}
		assert_int_equal(bech32_read((struct slice){ mixed, len }, "abcdef", bytes,
					     sizeof(bytes), &err),
				 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_ones_are_written_and_read),
		cmocka_unit_test(other_text_is_refused),
		cmocka_unit_test(bits_that_belong_to_no_byte_are_refused),
		cmocka_unit_test(mixed_case_is_refused),
		cmocka_unit_test(each_slip_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
