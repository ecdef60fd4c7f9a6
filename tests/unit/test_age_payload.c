#include "common/age_payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK = AGE_CHUNK_BYTES, SEALED = AGE_CHUNK_BYTES + AGE_TAG_BYTES };

static struct secret file_key;

static int make_file_key(void **state)
{
	struct error err;

	(void)state;
	return secret_copy(&file_key, (struct slice){ "sixteen letters.", 16 }, &err);
}

static int release_file_key(void **state)
{
	(void)state;
	secret_release(&file_key);
	return 0;
}

/* Text of which no part is like another. */
static void make_plain(struct buf *out, size_t len)
{
	for (uint32_t i = 0; out->len < len; i++)
		buf_addf(out, "%u,", i * 2654435761u);
	out->len = len;
}

static void seal(struct slice plain, struct buf *out)
{
	struct error err;

	assert_int_equal(age_payload_seal(plain, &file_key, out, &err), 0);
	assert_int_equal(buf_finish(out, &err), 0);
}

static void what_is_sealed_opens(void **state)
{
	static const struct {
		size_t len, chunks;
	} cases[] = {
		{ 0, 1 },
		{ 1, 1 },
		{ 2, 1 },
		{ CHUNK - 1, 1 },
		{ CHUNK, 1 },
		{ CHUNK + 1, 2 },
		{ 2 * CHUNK, 2 },
		{ 2 * CHUNK + 1, 3 },
		{ 3 * CHUNK - 1, 3 },
		{ 5 * CHUNK, 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf plain = BUF(6 * CHUNK), sealed = BUF(6 * CHUNK);
		SCOPED(secret) struct secret back = { 0 };
		struct error err = { 0 };

		make_plain(&plain, cases[i].len);
		seal(buf_slice(&plain), &sealed);
		assert_int_equal(sealed.len,
				 AGE_NONCE_BYTES + cases[i].len + cases[i].chunks * AGE_TAG_BYTES);
		if (age_payload_open(buf_slice(&sealed), &file_key, &back, &err) < 0)
			fail_msg("%zu bytes: %s", cases[i].len, err.message);
		assert_int_equal(back.len, cases[i].len);
		assert_memory_equal(secret_text(&back), buf_text(&plain), cases[i].len);
	}
}

/* A payload cut into pieces and put together anew. Of the text of 2.5 chunks the sealed chunks are
 * a, b and z (the last one); of that of one chunk o, of that of none n. */
static void chunks_are_in_their_place(void **state)
{
	static const struct {
		const char *when, *chunks;
		bool is_taken;
	} cases[] = {
		{ "nothing was changed", "abz", true },
		{ "the last one is missing", "ab", false },
		{ "a middle one is missing", "az", false },
		{ "the first one is missing", "bz", false },
		{ "only the last one is there", "z", false },
		{ "only the first one is there", "a", false },
		{ "two are swapped", "baz", false },
		{ "one is there twice", "aabz", false },
		{ "the last one is there twice", "abzz", false },
		{ "a full one is after the last", "abza", false },
		{ "there is none", "", false },
		{ "an empty one of another payload is after the last", "abzn", false },
		{ "an empty one of another payload is the last", "abn", false },
		{ "the only one of another payload is in front", "obz", false },
	};
	SCOPED(buf) struct buf plain = BUF(3 * CHUNK), sealed = BUF(4 * CHUNK);
	SCOPED(buf) struct buf one = BUF(2 * CHUNK), none = BUF(CHUNK);

	(void)state;
	make_plain(&plain, 2 * CHUNK + CHUNK / 2);
	seal(buf_slice(&plain), &sealed);
	seal((struct slice){ buf_text(&plain), CHUNK }, &one);
	seal((struct slice){ "", 0 }, &none);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf mixed = BUF(6 * CHUNK);
		SCOPED(secret) struct secret back = { 0 };
		struct error err = { 0 };

		buf_add(&mixed, (struct slice){ buf_text(&sealed), AGE_NONCE_BYTES });
		for (const char *at = cases[i].chunks; *at; at++) {
			const struct buf *from = *at == 'o' ? &one : *at == 'n' ? &none : &sealed;
			size_t start = AGE_NONCE_BYTES;

			start += *at == 'b' ? SEALED : *at == 'z' ? 2 * SEALED : 0;
			size_t len = from->len - start < SEALED ? from->len - start : SEALED;

			buf_add(&mixed, (struct slice){ buf_text(from) + start, len });
		}
		int result = age_payload_open(buf_slice(&mixed), &file_key, &back, &err);

		if ((result == 0) != cases[i].is_taken || (result < 0 && back.guarded))
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (result < 0)
			assert_int_equal(err.class, ERROR_MALFORMED);
	}
}

/* Around the bounds of chunks, and at each of the first and last bytes. */
static void a_cut_is_seen(void **state)
{
	SCOPED(buf) struct buf plain = BUF(3 * CHUNK), sealed = BUF(4 * CHUNK);
	size_t tried = 0;

	(void)state;
	make_plain(&plain, 2 * CHUNK + 40);
	seal(buf_slice(&plain), &sealed);
	for (size_t len = 0; len < sealed.len; len++) {
		SCOPED(secret) struct secret back = { 0 };
		struct error err = { 0 };
		size_t in_chunk = len < AGE_NONCE_BYTES ? 0 : (len - AGE_NONCE_BYTES) % SEALED;

		if (in_chunk > 40 && in_chunk < SEALED - 20)
			continue;
		assert_int_equal(age_payload_open((struct slice){ buf_text(&sealed), len },
						  &file_key, &back, &err),
				 -1);
		assert_int_equal(err.class, ERROR_MALFORMED);
		assert_null(back.guarded);
		tried++;
	}
	assert_true(tried > 150);
}

static void a_damaged_chunk_is_named(void **state)
{
	static const struct {
		const char *when;
		size_t place;
		const char *words;
	} cases[] = {
		{ "the nonce is damaged", 0, "chunk 1 of 3 was altered" },
		{ "the first byte is", AGE_NONCE_BYTES, "chunk 1 of 3 was altered" },
		{ "the first tag is", AGE_NONCE_BYTES + SEALED - 1, "chunk 1 of 3 was altered" },
		{ "the second chunk is", AGE_NONCE_BYTES + SEALED, "chunk 2 of 3 was altered" },
		{ "the last tag is", AGE_NONCE_BYTES + 2 * SEALED + 16,
		  "chunk 3 of 3 was altered" },
	};
	SCOPED(buf) struct buf plain = BUF(3 * CHUNK), sealed = BUF(4 * CHUNK);

	(void)state;
	make_plain(&plain, 2 * CHUNK + 1);
	seal(buf_slice(&plain), &sealed);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(secret) struct secret back = { 0 };
		struct error err = { 0 };

		sealed.bytes[cases[i].place] ^= 1;
		if (age_payload_open(buf_slice(&sealed), &file_key, &back, &err) == 0 ||
		    !strstr(err.message, cases[i].words) || back.guarded)
			fail_msg("when %s: %s", cases[i].when, err.message);
		sealed.bytes[cases[i].place] ^= 1;
	}
}

static void another_key_opens_nothing(void **state)
{
	SCOPED(buf) struct buf sealed = BUF(CHUNK);
	SCOPED(secret) struct secret other = { 0 }, back = { 0 };
	struct error err = { 0 };

	(void)state;
	seal(slice_of("text"), &sealed);
	assert_int_equal(secret_copy(&other, (struct slice){ "Sixteen letters.", 16 }, &err), 0);
	assert_int_equal(age_payload_open(buf_slice(&sealed), &other, &back, &err), -1);
	assert_null(back.guarded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens),
		cmocka_unit_test(chunks_are_in_their_place),
		cmocka_unit_test(a_cut_is_seen),
		cmocka_unit_test(a_damaged_chunk_is_named),
		cmocka_unit_test(another_key_opens_nothing),
	};

	return cmocka_run_group_tests(tests, make_file_key, release_file_key);
}
