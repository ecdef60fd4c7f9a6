#include "common/tar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCK = 512 };

static const struct tar_file two[] = {
	{ "ticket.json", { "{}\n", 3 } },
	{ "bundle.age", { "\0\xff", 2 } },
};

static void write_two(struct buf *out)
{
	tar_write(two, ARRAY_LEN(two), out);
}

static void what_is_written_is_read(void **state)
{
	static char block[BLOCK + 1];
	static const struct {
		const char *when;
		struct tar_file files[3];
		size_t count, len;
	} cases[] = {
		{ "there is none", { { "", { 0 } } }, 0, 2 * BLOCK },
		{ "there is one", { { "a", { "b", 1 } } }, 1, 4 * BLOCK },
		{ "one is empty", { { "a", { "", 0 } }, { "b", { "b", 1 } } }, 2, 5 * BLOCK },
		{ "one is just a block", { { "a", { block, BLOCK } } }, 1, 4 * BLOCK },
		{ "one is a byte longer", { { "a", { block, BLOCK + 1 } } }, 1, 5 * BLOCK },
		{ "a name is as long as it can be",
		  { { "123456789 123456789 123456789 123456789 123456789 "
		      "123456789 123456789 123456789 123456789 123456789",
		      { "b", 1 } } },
		  1,
		  4 * BLOCK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf once = BUF(SIZE_MAX), twice = BUF(SIZE_MAX);
		struct tar_file got[3];
		struct error err = { 0 };
		size_t count = ARRAY_LEN(got);

		tar_write(cases[i].files, cases[i].count, &once);
		tar_write(cases[i].files, cases[i].count, &twice);
		assert_int_equal(once.len, cases[i].len);
		assert_memory_equal(once.bytes, twice.bytes, once.len);
		if (tar_read(buf_slice(&once), got, &count, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(count, cases[i].count);
		for (size_t j = 0; j < count; j++) {
			assert_string_equal(got[j].name, cases[i].files[j].name);
			assert_int_equal(got[j].bytes.len, cases[i].files[j].bytes.len);
			assert_memory_equal(got[j].bytes.ptr, cases[i].files[j].bytes.ptr,
					    got[j].bytes.len);
		}
	}
}

/* An archive of two files, with some bytes of the first header written over. */
struct change {
	size_t place;
	const char *bytes;
	size_t len;
};

static void change_header(struct buf *archive, struct change change)
{
	unsigned sum = 0;

	memcpy(archive->bytes + change.place, change.bytes, change.len);
	memset(archive->bytes + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)archive->bytes[i];
	snprintf(archive->bytes + 148, 8, "%06o", sum);
}

/* From a block of just its size, so that valgrind and the sanitizers see a read past it. */
static void check_refused(const char *when, const struct buf *archive, const char *words)
{
	struct tar_file files[2] = { { "kept", { 0 } } };
	struct error err = { 0 };
	size_t count = ARRAY_LEN(files);
	char *exact = memory_array(archive->len, 1);

	memcpy(exact, buf_text(archive), archive->len);
	int result = tar_read((struct slice){ exact, archive->len }, files, &count, &err);

	free(exact);
	if (result == 0)
		fail_msg("when %s: was read", when);
	if (err.class != ERROR_MALFORMED || !strstr(err.message, words))
		fail_msg("when %s: %d, %s", when, err.class, err.message);
	assert_int_equal(count, 2);
}

#define AT(place, text)                       \
	{                                     \
		place, text, sizeof(text) - 1 \
	}

static void what_is_no_plain_ustar_is_refused(void **state)
{
	static const struct {
		const char *when;
		struct change change;
		const char *words;
	} cases[] = {
		{ "pax headers are before it", AT(156, "x"), "a pax header" },
		{ "a pax header is for all", AT(156, "g"), "a pax header" },
		{ "a name is long in GNU's form", AT(156, "L"), "a long name in GNU's form" },
		{ "it is a link", AT(156, "2"), "a link" },
		{ "it is a folder", AT(156, "5"), "a folder" },
		{ "it is a device", AT(156, "3"), "no regular file" },
		{ "it is in GNU's form", AT(257, "ustar  "), "--format=ustar" },
		{ "it is of an older tar", AT(257, "\0\0\0\0\0\0"), "no header at byte 0" },
		{ "the version is another", AT(263, "01"), "--format=ustar" },
		{ "the name is empty", AT(0, "\0\0\0\0\0\0\0\0\0\0\0"), "a name that is empty" },
		{ "something follows the name", AT(50, "x"), "a name that is empty, or longer" },
		{ "the name has a prefix", AT(345, "etc"), "a name that is empty, or longer" },
		{ "the name has a folder", AT(0, "../ticket.j"), "a folder in a name" },
		{ "the name is the other one's", AT(0, "bundle.age\0"), "holds bundle.age twice" },
		{ "the size is no number", AT(124, "x"), "no size" },
		{ "the size is missing", AT(124, "\0"), "no size" },
		{ "the size is binary", AT(124, "\x80\0\0\0\0\0\0\0\0\0\0\3"), "no size" },
		{ "the size goes on after its digits", AT(124, "000000003x3"), "no size" },
		{ "the size is beyond all", AT(124, "777777777777"), "cut inside ticket.json" },
		{ "the size ends in the middle", AT(124, "00000010000\0"), "cut inside" },
		{ "the size hides the other one", AT(124, "00000003003\0"), "cut: it has no end" },
		{ "the size ends before its bytes", AT(124, "00000001003\0"), "no header at byte" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf archive = BUF(SIZE_MAX);

		write_two(&archive);
		change_header(&archive, cases[i].change);
		check_refused(cases[i].when, &archive, cases[i].words);
	}
}

static void the_second_file_is_checked_like_the_first(void **state)
{
	SCOPED(buf) struct buf archive = BUF(SIZE_MAX), second = BUF(SIZE_MAX);

	(void)state;
	write_two(&archive);
	buf_add(&second, (struct slice){ archive.bytes + 2 * BLOCK, archive.len - 2 * BLOCK });
	change_header(&second, (struct change)AT(124, "00000003003\0"));
	memcpy(archive.bytes + 2 * BLOCK, second.bytes, second.len);
	check_refused("its size is beyond the end", &archive, "cut inside bundle.age");
}

static void a_cut_or_altered_archive_is_refused(void **state)
{
	SCOPED(buf) struct buf whole = BUF(SIZE_MAX);

	(void)state;
	write_two(&whole);
	for (size_t len = 0; len < whole.len; len++) {
		SCOPED(buf) struct buf cut = BUF(SIZE_MAX);

		buf_add(&cut, (struct slice){ whole.bytes, len });
		check_refused("it was cut", &cut, "tar file");
	}
	for (size_t bit = 0; bit < (size_t)BLOCK * 8; bit++) {
		whole.bytes[bit / 8] ^= (char)(1 << bit % 8);
		/* A blank or a NUL ends the number: these bits are nobody's. */
		if (bit / 8 < 154)
			check_refused("a bit was flipped", &whole, "tar file");
		whole.bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
	whole.bytes[whole.len - 1] = 1;
	check_refused("something follows its end", &whole, "bytes after its end");
}

static void more_files_than_room_are_refused(void **state)
{
	static const struct tar_file three[] = {
		{ "a", { "", 0 } },
		{ "b", { "", 0 } },
		{ "c", { "", 0 } },
	};
	SCOPED(buf) struct buf archive = BUF(SIZE_MAX);

	(void)state;
	tar_write(three, ARRAY_LEN(three), &archive);
	check_refused("there are three", &archive, "more than 2 files");
}

static void forms_that_mean_the_same_are_read(void **state)
{
	static const struct {
		const char *when;
		struct change change;
	} cases[] = {
		{ "the type is the old one", AT(156, "\0") },
		{ "a blank ends the size", AT(124, "00000000003 ") },
		{ "the size fills its field", AT(124, "000000000003") },
		{ "there is an owner", AT(265, "root\0") },
		{ "there is a time", AT(136, "14735516424") },
		{ "the mode is another", AT(100, "0000644") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf archive = BUF(SIZE_MAX);
		struct tar_file files[2];
		struct error err = { 0 };
		size_t count = ARRAY_LEN(files);
		char zeros[8 * BLOCK] = { 0 };

		write_two(&archive);
		change_header(&archive, cases[i].change);
		buf_add(&archive, (struct slice){ zeros, sizeof(zeros) }); /* to a whole record */
		if (tar_read(buf_slice(&archive), files, &count, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(count, 2);
		assert_int_equal(files[0].bytes.len, 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_no_plain_ustar_is_refused),
		cmocka_unit_test(the_second_file_is_checked_like_the_first),
		cmocka_unit_test(a_cut_or_altered_archive_is_refused),
		cmocka_unit_test(more_files_than_room_are_refused),
		cmocka_unit_test(forms_that_mean_the_same_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
