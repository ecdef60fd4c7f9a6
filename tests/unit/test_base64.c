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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_written_as_the_rfc_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
