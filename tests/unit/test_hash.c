#include "common/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The digests were made with Python's hashlib: blake2b(digest_size=16) over each part's length
 * (eight bytes, little-endian) and bytes. */
static const struct {
	const char *when;
	struct slice parts[5];
	size_t count;
	const char *want;
} cases[] = {
	{ "there is none", { { NULL, 0 } }, 0, "cae66941d9efbd404e4d88758ea67670" },
	{ "it is one and empty", { { "", 0 } }, 1, "c804ce198ec337e3dc762bdd1a09aece" },
	{ "two are empty", { { "", 0 }, { "", 0 } }, 2, "463be1d58a72e9618ea59884367c4358" },
	{ "it is one", { { "abc", 3 } }, 1, "10366aba46518e2b9d040dde242bbc5a" },
	{ "the border is late",
	  { { "ab", 2 }, { "c", 1 } },
	  2,
	  "4826ed043ab3cdec576d8541fa5d5a80" },
	{ "the border is early",
	  { { "a", 1 }, { "bc", 2 } },
	  2,
	  "f14abc19c330e936bb9c8506d69bac9b" },
	{ "an empty one follows",
	  { { "abc", 3 }, { "", 0 } },
	  2,
	  "8553b3d37f2d28d727639de9a0e7dae6" },
	{ "an empty one leads",
	  { { "", 0 }, { "abc", 3 } },
	  2,
	  "052a1438ade6e1f83c695c81782ebe14" },
	{ "a part looks like a length",
	  { { "\001\000\000\000\000\000\000\000a", 9 } },
	  1,
	  "ba0454d372f184aebb5241a93ee1985b" },
	{ "it is that length and part", { { "a", 1 } }, 1, "fc9c942180a48b1bfa36938828a429dc" },
	{ "it is a launch key",
	  { { "prefix", 6 }, { "cpu", 3 }, { "3", 1 }, { "0", 1 }, { "local", 5 } },
	  5,
	  "9af3d2a6b8fe8bf8e790719287b3afc1" },
};

static void test_known_digests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char got[HASH_HEX_LEN];

		hash_parts(cases[i].parts, cases[i].count, got);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("when %s: %s", cases[i].when, got);
	}
}

static void test_no_two_lists_of_parts_agree(void **state)
{
	char hashes[ARRAY_LEN(cases)][HASH_HEX_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hash_parts(cases[i].parts, cases[i].count, hashes[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(hashes[i], hashes[j]);
	}
}

static void test_chance_stays_below_its_bound_and_reaches_all(void **state)
{
	bool seen[6] = { false };

	(void)state;
	assert_int_equal(hash_random_below(0), 0);
	assert_int_equal(hash_random_below(1), 0);
	/* That one of six is missed in 2000 throws has a chance of 10^-157. */
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t thrown = hash_random_below(6);

		assert_in_range(thrown, 0, 5);
		seen[thrown] = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		assert_true(seen[i]);
}

static void test_random_names_differ_and_are_hex(void **state)
{
	char names[64][HASH_HEX_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		hash_random_hex(names[i]);
		assert_int_equal(strlen(names[i]), HASH_HEX_LEN - 1);
		assert_int_equal(strspn(names[i], "0123456789abcdef"), HASH_HEX_LEN - 1);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_digests),
		cmocka_unit_test(test_no_two_lists_of_parts_agree),
		cmocka_unit_test(test_chance_stays_below_its_bound_and_reaches_all),
		cmocka_unit_test(test_random_names_differ_and_are_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
