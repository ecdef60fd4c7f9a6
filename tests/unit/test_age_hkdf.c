#include "common/age_hkdf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* RFC 5869, appendix A: as much of each as one round of expansion gives. */
static void keys_are_those_of_the_rfc(void **state)
{
	unsigned char ascending[256];
	struct slice bytes = { (const char *)ascending, 0 };
	static const char elevens[] = "\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v";
	const struct {
		const char *when;
		struct slice key, salt, info;
		const char *derived;
	} cases[] = {
		{ "all are short (A.1)",
		  { elevens, 22 },
		  { bytes.ptr, 13 },
		  { bytes.ptr + 0xf0, 10 },
		  "\x3c\xb2\x5f\x25\xfa\xac\xd5\x7a\x90\x43\x4f\x64\xd0\x36\x2f\x2a"
		  "\x2d\x2d\x0a\x90\xcf\x1a\x5a\x4c\x5d\xb0\x2d\x56\xec\xc4\xc5\xbf" },
		{ "all are longer than a block (A.2)",
		  { bytes.ptr, 80 },
		  { bytes.ptr + 0x60, 80 },
		  { bytes.ptr + 0xb0, 80 },
		  "\xb1\x1e\x39\x8d\xc8\x03\x27\xa1\xc8\xe7\xf7\x8c\x59\x6a\x49\x34"
		  "\x4f\x01\x2e\xda\x2d\x4e\xfa\xd8\xa0\x50\xcc\x4c\x19\xaf\xa9\x7c" },
		{ "there is no salt and no info (A.3)",
		  { elevens, 22 },
		  { "", 0 },
		  { "", 0 },
		  "\x8d\xa4\xe7\x75\xa5\x63\xc1\x8f\x71\x5f\x80\x2a\x06\x3c\x5a\x31"
		  "\xb8\xa1\x1f\x5c\x5e\xe1\x87\x9e\xc3\x45\x4e\x5f\x3c\x73\x8d\x2d" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ascending); i++)
		ascending[i] = (unsigned char)i;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(secret) struct secret key = { 0 }, derived = { 0 };
		struct error err;

		assert_int_equal(secret_copy(&key, cases[i].key, &err), 0);
		assert_int_equal(age_hkdf(&key, cases[i].salt, cases[i].info, &derived, &err), 0);
		if (derived.len != AGE_DERIVED_BYTES ||
		    memcmp(age_key_bytes(&derived), cases[i].derived, AGE_DERIVED_BYTES) != 0)
			fail_msg("when %s: another key", cases[i].when);
	}
}

/* RFC 4231, cases 2 and 6: a key shorter and one longer than a block. */
static void macs_are_those_of_the_rfc(void **state)
{
	char long_key[131];
	const struct {
		struct slice key;
		const char *text, *mac;
	} cases[] = {
		{ { "Jefe", 4 },
		  "what do ya want for nothing?",
		  "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
		  "\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43" },
		{ { long_key, sizeof(long_key) },
		  "Test Using Larger Than Block-Size Key - Hash Key First",
		  "\x60\xe4\x31\x59\x1e\xe0\xb6\x7f\x0d\x8a\x26\xaa\xcb\xf5\xb7\x7f"
		  "\x8e\x0b\xc6\x21\x37\x28\xc5\x14\x05\x46\x04\x0f\x0e\xe3\x7f\x54" },
	};

	(void)state;
	memset(long_key, 0xaa, sizeof(long_key));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(secret) struct secret key = { 0 };
		unsigned char mac[AGE_MAC_BYTES];
		struct error err;

		assert_int_equal(secret_copy(&key, cases[i].key, &err), 0);
		age_hmac(&key, slice_of(cases[i].text), mac);
		assert_memory_equal(mac, cases[i].mac, sizeof(mac));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_the_rfc),
		cmocka_unit_test(macs_are_those_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
