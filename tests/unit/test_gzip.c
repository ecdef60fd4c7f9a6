#include "common/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* gzip -9n of "hello\n", by gzip 1.12. */
static const char hello[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xe7\x02"
			    "\x00\x20\x30\x3a\x36\x06\x00\x00\x00";
#define HELLO ((struct slice){ hello, sizeof(hello) - 1 })

static void fill(struct buf *out, size_t len, unsigned step)
{
	unsigned value = 1;

	for (size_t i = 0; i < len; i++) {
		char byte;

		value = value * 1103515245u + step;
		byte = (char)(step ? value >> 16 : 0);
		buf_add(out, (struct slice){ &byte, 1 });
	}
}

static void what_is_packed_unpacks_to_the_same(void **state)
{
	static const struct {
		const char *when;
		size_t len;
		unsigned step;
	} cases[] = {
		{ "there is nothing", 0, 1 },
		{ "there is one byte", 1, 1 },
		{ "it fits a chunk just so", 16384, 12345 },
		{ "it is one byte longer", 16385, 12345 },
		{ "it is long and does not pack", 1 << 20, 12345 },
		{ "it is long and all zeros", 1 << 20, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf plain = BUF(SIZE_MAX), out = BUF(cases[i].len + 3);
		SCOPED(buf) struct buf once = BUF(SIZE_MAX), twice = BUF(SIZE_MAX);
		struct error err = { 0 };

		fill(&plain, cases[i].len, cases[i].step);
		gzip_pack(buf_slice(&plain), &once);
		gzip_pack(buf_slice(&plain), &twice);
		assert_int_equal(once.len, twice.len);
		assert_memory_equal(once.bytes, twice.bytes, once.len);
		assert_true(gzip_is(buf_slice(&once)));
		buf_addf(&out, "in:"); /* appended to what is there */
		if (gzip_unpack(buf_slice(&once), &out, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(out.len, plain.len + 3);
		assert_memory_equal(out.bytes + 3, buf_text(&plain), plain.len);
	}
}

static void a_file_of_gzip_is_read(void **state)
{
	SCOPED(buf) struct buf out = BUF(6), packed = BUF(100);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(gzip_unpack(HELLO, &out, &err), 0);
	assert_string_equal(buf_text(&out), "hello\n");
	gzip_pack(slice_of("hello\n"), &packed);
	assert_int_equal(packed.len, HELLO.len);
	assert_memory_equal(packed.bytes, hello, HELLO.len);
}

static void only_gzip_looks_like_gzip(void **state)
{
	(void)state;
	assert_true(gzip_is(HELLO));
	assert_true(gzip_is((struct slice){ hello, 2 }));
	assert_false(gzip_is((struct slice){ hello, 1 }));
	assert_false(gzip_is(slice_of("")));
	assert_false(gzip_is(slice_of("#cloud-config")));
	assert_false(gzip_is(slice_of("\x78\x9c"))); /* zlib's own form */
}

/* Refused, with words, and nothing is handed out. */
static void check_refused(const char *when, struct slice bytes, const char *words)
{
	SCOPED(buf) struct buf out = BUF(1000);
	struct error err = { 0 };

	buf_addf(&out, "kept");
	if (gzip_unpack(bytes, &out, &err) == 0)
		fail_msg("when %s: was unpacked to \"%s\"", when, buf_text(&out));
	if (err.class != ERROR_MALFORMED || !strstr(err.message, words))
		fail_msg("when %s: %d, %s", when, err.class, err.message);
	assert_string_equal(buf_text(&out), "kept");
	assert_false(out.overflowed);
}

static void what_is_no_whole_gzip_is_refused(void **state)
{
	SCOPED(buf) struct buf altered = BUF(100);

	(void)state;
	for (size_t len = 0; len < HELLO.len; len++)
		check_refused("it was cut", (struct slice){ hello, len }, "cut");
	buf_add(&altered, HELLO);
	buf_addf(&altered, "x");
	check_refused("a byte follows", buf_slice(&altered), "1 bytes after its end");
	buf_clear(&altered);
	buf_add(&altered, HELLO);
	buf_add(&altered, HELLO);
	check_refused("another one follows", buf_slice(&altered), "26 bytes after its end");
	check_refused("it is a text", slice_of("hello"), "damaged");
	check_refused("it is in zlib's own form", slice_of("\x78\x9c\x03"), "damaged");
}

/* Some bits are nobody's: when and where it was packed, and what fills the last byte. */
static void no_altered_bit_alters_what_is_unpacked(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (size_t bit = 0; bit < HELLO.len * 8; bit++) {
		SCOPED(buf) struct buf altered = BUF(100), out = BUF(100);
		struct error err = { 0 };

		buf_add(&altered, HELLO);
		altered.bytes[bit / 8] ^= (char)(1 << bit % 8);
		if (gzip_unpack(buf_slice(&altered), &out, &err) < 0)
			refused++;
		else
			assert_string_equal(buf_text(&out), "hello\n");
	}
	assert_in_range(refused, HELLO.len * 8 - 6 * 8 - 16, HELLO.len * 8 - 6 * 8);
}

static void a_bomb_stops_at_the_limit(void **state)
{
	SCOPED(buf) struct buf plain = BUF(SIZE_MAX), packed = BUF(SIZE_MAX);
	struct error err = { 0 };

	(void)state;
	fill(&plain, 10 << 20, 0);
	gzip_pack(buf_slice(&plain), &packed);
	assert_true(packed.len < 20000);
	check_refused("it unpacks to ten megabytes", buf_slice(&packed), "more than 996 bytes");
	SCOPED(buf) struct buf small = BUF(5), enough = BUF(6);

	assert_int_equal(gzip_unpack(HELLO, &small, &err), -1);
	assert_int_equal(small.len, 0);
	assert_int_equal(gzip_unpack(HELLO, &enough, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_unpacks_to_the_same),
		cmocka_unit_test(a_file_of_gzip_is_read),
		cmocka_unit_test(only_gzip_looks_like_gzip),
		cmocka_unit_test(what_is_no_whole_gzip_is_refused),
		cmocka_unit_test(no_altered_bit_alters_what_is_unpacked),
		cmocka_unit_test(a_bomb_stops_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
