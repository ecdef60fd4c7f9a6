#include "common/age_wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct pair {
	struct age_identities identities;
	struct age_recipient recipient;
};

static void pair_release(struct pair *pair)
{
	age_identities_release(&pair->identities);
}

static void new_pair(struct pair *pair)
{
	struct error err;

	assert_int_equal(age_identity_new(&pair->identities, &pair->recipient, &err), 0);
}

static void new_file_key(struct secret *key)
{
	struct error err;

	assert_int_equal(secret_copy(key, (struct slice){ "sixteen letters.", 16 }, &err), 0);
}

/* The stanza of the published vector "x25519", whose file key its other vectors name. */
static void the_published_stanza_is_unwrapped(void **state)
{
	SCOPED(age_identities) struct age_identities identities = { 0 };
	SCOPED(secret) struct secret file_key = { 0 };
	struct age_recipient recipient;
	struct age_header header;
	struct error err;

	(void)state;
	assert_int_equal(age_identities_parse(slice_of("AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2"
						       "VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0"),
					      &identities, &err),
			 0);
	assert_int_equal(age_identity_recipient(&identities.keys[0], &recipient, &err), 0);
	assert_int_equal(
		age_header_parse(slice_of("age-encryption.org/v1\n"
					  "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n"
					  "hjabGXwSLQ9c3S6Lw2i+S2Tu2fiwQHHslbBN6B41FLE\n"
					  "--- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg\n"),
				 &header, &err),
		0);
	assert_int_equal(
		age_unwrap(&header.stanzas[0], &identities.keys[0], &recipient, &file_key, &err),
		0);
	assert_memory_equal(secret_text(&file_key), "YELLOW SUBMARINE", AGE_FILE_KEY_BYTES);
	assert_int_equal(age_header_verify(&header, &file_key, &err), 0);
}

static void what_is_wrapped_is_for_one(void **state)
{
	SCOPED(pair) struct pair ours = { 0 }, other = { 0 };
	SCOPED(secret) struct secret file_key = { 0 }, back = { 0 }, none = { 0 };
	struct age_stanza stanzas[2];
	struct error err = { 0 };

	(void)state;
	new_pair(&ours);
	new_pair(&other);
	new_file_key(&file_key);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(age_wrap(&file_key, &ours.recipient, &stanzas[i], &err), 0);
	assert_memory_not_equal(stanzas[0].share, stanzas[1].share, AGE_SHARE_BYTES);
	assert_memory_not_equal(stanzas[0].wrapped, stanzas[1].wrapped, AGE_WRAPPED_BYTES);
	assert_int_equal(
		age_unwrap(&stanzas[0], &ours.identities.keys[0], &ours.recipient, &back, &err), 0);
	assert_memory_equal(secret_text(&back), secret_text(&file_key), AGE_FILE_KEY_BYTES);
	assert_int_equal(
		age_unwrap(&stanzas[0], &other.identities.keys[0], &other.recipient, &none, &err),
		-1);
	assert_int_equal(err.class, ERROR_DENIED);
	assert_null(none.guarded);
}

/* Among them the highest bit of the share, which X25519 itself does not look at. */
static void each_flipped_bit_is_seen(void **state)
{
	SCOPED(pair) struct pair ours = { 0 };
	SCOPED(secret) struct secret file_key = { 0 }, none = { 0 };
	struct age_stanza stanza;
	struct error err = { 0 };

	(void)state;
	new_pair(&ours);
	new_file_key(&file_key);
	assert_int_equal(age_wrap(&file_key, &ours.recipient, &stanza, &err), 0);
	for (size_t bit = 0; bit < 8 * sizeof(stanza); bit++) {
		unsigned char *byte = (unsigned char *)&stanza + bit / 8;

		*byte ^= (unsigned char)(1u << bit % 8);
		assert_int_equal(
			age_unwrap(&stanza, &ours.identities.keys[0], &ours.recipient, &none, &err),
			-1);
		assert_int_equal(err.class, ERROR_DENIED);
		assert_null(none.guarded);
		*byte ^= (unsigned char)(1u << bit % 8);
	}
}

static void a_key_of_low_order_is_refused(void **state)
{
	SCOPED(pair) struct pair ours = { 0 };
	SCOPED(secret) struct secret file_key = { 0 }, none = { 0 };
	const struct age_recipient nobody = { { 1 } };
	struct age_stanza stanza = { .share = { 1 } };
	struct error err = { 0 };

	(void)state;
	new_pair(&ours);
	new_file_key(&file_key);
	assert_int_equal(
		age_unwrap(&stanza, &ours.identities.keys[0], &ours.recipient, &none, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	stanza.wrapped[0] = 77;
	assert_int_equal(age_wrap(&file_key, &nobody, &stanza, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_int_equal(stanza.wrapped[0], 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_stanza_is_unwrapped),
		cmocka_unit_test(what_is_wrapped_is_for_one),
		cmocka_unit_test(each_flipped_bit_is_seen),
		cmocka_unit_test(a_key_of_low_order_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
