#include "common/age.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/age_payload.h"

enum { OURS = 3 }; /* pairs of keys that the tests share */

static struct age_identities identities[OURS];
static struct age_recipient recipients[OURS];

static const char *const form_names[] = { [AGE_BINARY] = "binary", [AGE_ARMORED] = "armored" };

static int make_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < OURS; i++) {
		struct error err;

		if (age_identity_new(&identities[i], &recipients[i], &err) < 0)
			return -1;
	}
	return 0;
}

static int release_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < OURS; i++)
		age_identities_release(&identities[i]);
	return 0;
}

static void seal(struct slice plain, size_t count, enum age_form form, struct buf *out)
{
	const struct age_recipients to = { recipients, count };
	struct error err = { 0 };

	if (age_seal(plain, &to, form, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void must_be_refused(struct slice sealed, const char *what, size_t at)
{
	struct secret plain = { 0 };
	struct error err = { 0 };

	if (age_unseal(sealed, &identities[0], &plain, &err) == 0)
		fail_msg("%s %zu is not seen", what, at);
	if ((err.class != ERROR_MALFORMED && err.class != ERROR_DENIED) || plain.guarded ||
	    plain.len)
		fail_msg("%s %zu: %s", what, at, err.message);
}

static void what_is_sealed_opens(void **state)
{
	static const size_t lens[] = { 0,     1,      100,    65535,  65536,
				       65537, 131071, 131072, 131073, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(lens); i++) {
		enum age_form form = i % 2 ? AGE_ARMORED : AGE_BINARY;
		size_t len = lens[i / 2];
		SCOPED(buf) struct buf sealed = BUF(2 << 20);
		SCOPED(secret) struct secret plain = { 0 };
		char *text = memory_array(len, 1);
		struct error err = { 0 };

		for (size_t j = 0; j < len; j++)
			text[j] = (char)(j * 2654435761u >> 13);
		seal((struct slice){ text, len }, 1, form, &sealed);
		if (age_unseal(buf_slice(&sealed), &identities[0], &plain, &err) < 0)
			fail_msg("%zu bytes, %s: %s", len, form_names[form], err.message);
		assert_int_equal(plain.len, len);
		assert_memory_equal(secret_text(&plain), text, len);
		free(text);
	}
}

static void each_recipient_opens_it_and_nobody_else(void **state)
{
	SCOPED(buf) struct buf sealed = BUF(4096);
	struct error err = { 0 };

	(void)state;
	seal(slice_of("for two"), 2, AGE_BINARY, &sealed);
	for (size_t i = 0; i < 2; i++) {
		SCOPED(secret) struct secret plain = { 0 };

		assert_int_equal(age_unseal(buf_slice(&sealed), &identities[i], &plain, &err), 0);
		assert_string_equal(secret_text(&plain), "for two");
	}
	struct secret plain = { 0 };

	assert_int_equal(age_unseal(buf_slice(&sealed), &identities[2], &plain, &err), -1);
	assert_int_equal(err.class, ERROR_DENIED);
	assert_string_equal(err.message, "open the age file: sealed for 2 X25519 recipients and 0 "
					 "others, for none of our 1 keys");
	assert_null(plain.guarded);
}

static void each_of_our_keys_is_tried(void **state)
{
	SCOPED(buf) struct buf sealed = BUF(4096);
	SCOPED(secret) struct secret plain = { 0 };
	struct age_identities both = { { identities[2].keys[0], identities[0].keys[0] }, 2 };
	const struct age_identities none = { .count = 0 };
	struct error err = { 0 };

	(void)state;
	seal(slice_of("text"), 1, AGE_BINARY, &sealed);
	assert_int_equal(age_unseal(buf_slice(&sealed), &none, &plain, &err), -1);
	assert_int_equal(err.class, ERROR_DENIED);
	assert_int_equal(age_unseal(buf_slice(&sealed), &both, &plain, &err), 0);
	assert_string_equal(secret_text(&plain), "text");
}

static void the_same_text_is_never_sealed_alike(void **state)
{
	SCOPED(buf) struct buf sealed = BUF(4096);

	(void)state;
	seal(slice_of("text"), 1, AGE_BINARY, &sealed);
	size_t len = sealed.len;

	seal(slice_of("text"), 1, AGE_BINARY, &sealed); /* appended */
	assert_int_equal(sealed.len, 2 * len);
	/* The share, what is wrapped, the MAC, the nonce and the text. */
	static const size_t places[] = { 22 + 10, 22 + 54, 22 + 102, 22 + 146, 22 + 162 };

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		assert_memory_not_equal(buf_text(&sealed) + places[i],
					buf_text(&sealed) + len + places[i], 10);
}

static void each_flipped_bit_is_refused(void **state)
{
	(void)state;
	for (size_t form = AGE_BINARY; form <= AGE_ARMORED; form++) {
		SCOPED(buf) struct buf sealed = BUF(4096);

		seal(slice_of("text"), 1, (enum age_form)form, &sealed);
		for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
			char *byte = &sealed.bytes[bit / 8];

			*byte = (char)(*byte ^ 1 << bit % 8);
			must_be_refused(buf_slice(&sealed), form_names[form], bit);
			*byte = (char)(*byte ^ 1 << bit % 8);
		}
	}
}

static void each_cut_is_refused(void **state)
{
	(void)state;
	for (size_t form = AGE_BINARY; form <= AGE_ARMORED; form++) {
		SCOPED(buf) struct buf sealed = BUF(4096);

		seal(slice_of("text"), 2, (enum age_form)form, &sealed);
		/* Of armor all but the last line's end is needed. */
		size_t needed = sealed.len - (form == AGE_ARMORED);

		for (size_t len = 0; len < needed; len++)
			must_be_refused((struct slice){ sealed.bytes, len }, form_names[form], len);
	}
}

static void what_is_added_is_refused(void **state)
{
	static const struct {
		const char *when;
		enum age_form form;
		struct slice before, after;
		bool is_taken;
	} cases[] = {
		{ "nothing is added", AGE_BINARY, { "", 0 }, { "", 0 }, true },
		{ "a byte is after it", AGE_BINARY, { "", 0 }, { "", 1 }, false },
		{ "a line end is after it", AGE_BINARY, { "", 0 }, { "\n", 1 }, false },
		{ "a line end is before it", AGE_BINARY, { "\n", 1 }, { "", 0 }, false },
		{ "nothing is added to armor", AGE_ARMORED, { "", 0 }, { "", 0 }, true },
		{ "blank lines are around armor",
		  AGE_ARMORED,
		  { " \r\n\n", 4 },
		  { "\n \n", 3 },
		  true },
		{ "a letter is after armor", AGE_ARMORED, { "", 0 }, { "x", 1 }, false },
		{ "a NUL is after armor", AGE_ARMORED, { "", 0 }, { "", 1 }, false },
		{ "a letter is before armor", AGE_ARMORED, { "x", 1 }, { "", 0 }, false },
		{ "a blank is before armor", AGE_ARMORED, { " ", 1 }, { "", 0 }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf sealed = BUF(4096);
		SCOPED(secret) struct secret plain = { 0 };
		struct error err = { 0 };

		buf_add(&sealed, cases[i].before);
		seal(slice_of("text"), 1, cases[i].form, &sealed);
		buf_add(&sealed, cases[i].after);
		int result = age_unseal(buf_slice(&sealed), &identities[0], &plain, &err);

		if ((result == 0) != cases[i].is_taken || (result < 0 && plain.guarded))
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

/* Each secret would come to the same with it, so who sends it would learn that we have one. */
static void a_share_of_low_order_is_named(void **state)
{
	static const char file[] = "age-encryption.org/v1\n"
				   "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n"
				   "hjabGXwSLQ9c3S6Lw2i+S2Tu2fiwQHHslbBN6B41FLE\n"
				   "-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
				   "hjabGXwSLQ9c3S6Lw2i+S2Tu2fiwQHHslbBN6B41FLE\n"
				   "--- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg\n";
	struct secret plain = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(age_unseal(slice_of(file), &identities[0], &plain, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_non_null(strstr(err.message, "X25519 stanza 2 of the header: a public key of low"));
	assert_null(plain.guarded);
}

static void there_are_1_to_64_recipients(void **state)
{
	static const struct {
		size_t count;
		bool is_taken;
	} cases[] = { { 0, false }, { 1, true }, { 64, true }, { 65, false } };
	struct age_recipient many[65];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = recipients[i == 63 ? 0 : 1];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf sealed = BUF(65536);
		SCOPED(secret) struct secret plain = { 0 };
		const struct age_recipients to = { many, cases[i].count };
		struct error err = { 0 };
		int result = age_seal(slice_of("text"), &to, AGE_ARMORED, &sealed, &err);

		assert_int_equal(result, cases[i].is_taken ? 0 : -1);
		if (!cases[i].is_taken) {
			assert_int_equal(err.class, ERROR_CONFIGURATION);
			assert_int_equal(sealed.len, 0);
			continue;
		}
		assert_int_equal(
			age_unseal(buf_slice(&sealed), &identities[i == 2 ? 0 : 1], &plain, &err),
			0);
	}
}

static void a_recipient_of_low_order_is_named(void **state)
{
	SCOPED(buf) struct buf sealed = BUF(4096);
	const struct age_recipient list[] = { recipients[0], { { 0 } } };
	const struct age_recipients to = { list, 2 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(age_seal(slice_of("text"), &to, AGE_BINARY, &sealed, &err), -1);
	assert_non_null(strstr(err.message, "seal with age: recipient 2: "));
	assert_int_equal(sealed.len, 0);
}

/* At the limit itself, and one byte more; what does not fit the caller's buffer is said, too. */
static void a_file_has_a_limit(void **state)
{
	const size_t header = 22 + 54 + 44 + 48;
	const struct age_recipients to = { recipients, 1 };
	char *text = memory_array(AGE_SEALED_BYTES + 1, 1);
	/* In 512 chunks: the header and the tags are less than one. */
	size_t largest = AGE_SEALED_BYTES - header - AGE_NONCE_BYTES - 512 * AGE_TAG_BYTES;
	SCOPED(buf) struct buf sealed = BUF(AGE_SEALED_BYTES + 8), small = BUF(300);
	SCOPED(secret) struct secret plain = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(age_seal((struct slice){ text, largest }, &to, AGE_BINARY, &sealed, &err),
			 0);
	assert_int_equal(sealed.len, AGE_SEALED_BYTES);
	assert_int_equal(age_unseal(buf_slice(&sealed), &identities[0], &plain, &err), 0);
	assert_int_equal(plain.len, largest);
	buf_addf(&sealed, "\n");
	assert_int_equal(age_unseal(buf_slice(&sealed), &identities[0], &plain, &err), -1);
	assert_non_null(strstr(err.message, "33554433 bytes where at most 33554432"));
	buf_clear(&sealed);
	assert_int_equal(
		age_seal((struct slice){ text, largest + 1 }, &to, AGE_BINARY, &sealed, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_int_equal(age_seal((struct slice){ text, largest }, &to, AGE_ARMORED, &sealed, &err),
			 -1);
	assert_int_equal(sealed.len, 0);
	assert_int_equal(age_seal((struct slice){ text, 200 }, &to, AGE_BINARY, &small, &err), -1);
	assert_non_null(strstr(err.message, "more than 300 bytes"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens),
		cmocka_unit_test(each_recipient_opens_it_and_nobody_else),
		cmocka_unit_test(each_of_our_keys_is_tried),
		cmocka_unit_test(the_same_text_is_never_sealed_alike),
		cmocka_unit_test(each_flipped_bit_is_refused),
		cmocka_unit_test(each_cut_is_refused),
		cmocka_unit_test(what_is_added_is_refused),
		cmocka_unit_test(a_share_of_low_order_is_named),
		cmocka_unit_test(there_are_1_to_64_recipients),
		cmocka_unit_test(a_recipient_of_low_order_is_named),
		cmocka_unit_test(a_file_has_a_limit),
	};

	return cmocka_run_group_tests(tests, make_keys, release_keys);
}
