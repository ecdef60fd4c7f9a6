#include "common/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base64.h"
#include "common/gzip.h"
#include "common/tar.h"
#include "tests/unit/support/envelope_bench.h"

/* ---- both ways ---- */

static void what_is_printed_is_found(void **state)
{
	static const struct {
		const char *when, *ticket, *ticket_signature, *bundle, *bundle_signature;
	} cases[] = {
		{ "all parts are there", "{}", "signature\n", "sealed", "other signature\n" },
		{ "the bundle is elsewhere", "{}", "signature\n", "", "" },
		{ "only its signature is here", "{}", "signature\n", "", "other signature\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(envelope) struct envelope put = envelope_new(), got = envelope_new();
		SCOPED(buf) struct buf once = BUF(SIZE_MAX), twice = BUF(SIZE_MAX);
		struct error err = { 0 };

		buf_addf(&put.ticket, "%s", cases[i].ticket);
		buf_addf(&put.ticket_signature, "%s", cases[i].ticket_signature);
		buf_addf(&put.bundle, "%s", cases[i].bundle);
		buf_addf(&put.bundle_signature, "%s", cases[i].bundle_signature);
		buf_addf(&got.bundle, "what was there before");
		envelope_bench_print(&put, &once);
		envelope_bench_print(&put, &twice);
		assert_string_equal(buf_text(&once), buf_text(&twice));
		if (envelope_find(buf_slice(&once), &got, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		envelope_bench_same(&got, &put);
	}
}

static void the_largest_parts_go_both_ways(void **state)
{
	SCOPED(envelope) struct envelope put = envelope_new(), got = envelope_new();
	SCOPED(buf) struct buf text = BUF(ENVELOPE_FILE_BYTES);
	struct buf *parts[] = { &put.ticket, &put.ticket_signature, &put.bundle,
				&put.bundle_signature };
	struct error err = { 0 };
	uint32_t value = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		while (parts[i]->len < parts[i]->limit) {
			char byte = (char)(value >> 16);

			value = value * 1103515245u + 12345;
			buf_add(parts[i], (struct slice){ &byte, 1 });
		}
	envelope_bench_print(&put, &text);
	assert_int_equal(envelope_find(buf_slice(&text), &got, &err), 0);
	envelope_bench_same(&got, &put);
	buf_addf(&put.ticket, "x");
	assert_int_equal(envelope_print(&put, &text, &err), -1);
	assert_string_equal(err.message, "ticket.json: more than 262144 bytes");
}

/* The form is others' to read, too: it is not to change by accident. */
static void every_line_of_the_text_is_a_comment(void **state)
{
	SCOPED(envelope_bench) struct envelope_bench bench = envelope_bench_begin("sealed");
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	char *line;

	(void)state;
	envelope_bench_print(&bench.envelope, &text);
	assert_int_equal(
		strncmp(buf_text(&text), "# -----BEGIN MAYFLY TICKET-----\n# H4sIAAAAAAAC", 45), 0);
	for (char *rest = text.bytes; (line = strsep(&rest, "\n")) && rest;) {
		assert_int_equal(strncmp(line, "# ", 2), 0);
		assert_in_range(strlen(line), 3, 78);
	}
}

/* What a cloud takes: a usual ticket with a bundle of a kilobyte that does not pack. */
static void a_usual_ticket_fits_user_data(void **state)
{
	SCOPED(buf) struct buf sealed = BUF(SIZE_MAX), text = BUF(ENVELOPE_USER_DATA_BYTES);
	uint32_t value = 1;

	(void)state;
	while (sealed.len < 1024) {
		value = value * 1103515245u + 12345;
		char byte = (char)(value >> 16);

		buf_add(&sealed, (struct slice){ &byte, byte ? 1 : 0 });
	}
	SCOPED(envelope_bench)
	struct envelope_bench bench = envelope_bench_begin(buf_text(&sealed));

	envelope_bench_print(&bench.envelope, &text);
	assert_in_range(text.len, 2048, 4096);
}

static void a_text_fits_to_the_byte(void **state)
{
	SCOPED(envelope_bench) struct envelope_bench bench = envelope_bench_begin("sealed");
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	struct error err = { 0 };

	(void)state;
	envelope_bench_print(&bench.envelope, &text);
	for (size_t less = 0; less < 2; less++) {
		SCOPED(buf) struct buf out = BUF(5 + text.len - less);

		buf_addf(&out, "kept\n");
		assert_int_equal(envelope_print(&bench.envelope, &out, &err), less ? -1 : 0);
		assert_int_equal(out.len, less ? 5 : 5 + text.len);
		assert_memory_equal(out.bytes, "kept\n# -----", less ? 5 : 12);
		assert_true(!less || strstr(err.message, "take") != NULL);
	}
}

static void what_is_no_envelope_is_not_printed(void **state)
{
	static const struct {
		const char *when, *ticket, *ticket_signature, *bundle;
		size_t room;
		const char *words;
	} cases[] = {
		{ "there is no ticket", "", "s", "", SIZE_MAX, "needs ticket.json" },
		{ "it is not signed", "t", "", "", SIZE_MAX, "needs ticket.json" },
		{ "the bundle is not signed", "t", "s", "b", SIZE_MAX, "bundle.age is not signed" },
		{ "there is no room", "t", "s", "", 100, "there is room for 100: shorten" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(envelope) struct envelope envelope = envelope_new();
		SCOPED(buf) struct buf out = BUF(cases[i].room);
		struct error err = { 0 };

		buf_addf(&envelope.ticket, "%s", cases[i].ticket);
		buf_addf(&envelope.ticket_signature, "%s", cases[i].ticket_signature);
		buf_addf(&envelope.bundle, "%s", cases[i].bundle);
		if (envelope_print(&envelope, &out, &err) == 0)
			fail_msg("when %s: was printed", cases[i].when);
		if (err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].words))
			fail_msg("when %s: %d, %s", cases[i].when, err.class, err.message);
		assert_int_equal(out.len, 0);
	}
}

/* ---- what is in the block ---- */

static void add_block(const struct buf *packed, struct buf *out)
{
	size_t len = base64_len(packed->len);
	unsigned char *letters = memory_array(len + 1, 1);

	base64_write(buf_slice(packed), BASE64_PLAIN, letters);
	buf_addf(out, "-----BEGIN MAYFLY TICKET-----\n%s\n-----END MAYFLY TICKET-----\n",
		 (const char *)letters);
	free(letters);
}

static void check_not_found(const char *when, const struct buf *document, enum error_class class,
			    const char *words)
{
	SCOPED(envelope) struct envelope out = envelope_new();
	struct error err = { 0 };

	buf_addf(&out.ticket, "kept");
	if (envelope_find(buf_slice(document), &out, &err) == 0)
		fail_msg("when %s: was found", when);
	if (err.class != class || strncmp(err.message, "user data: ", 11) != 0 ||
	    !strstr(err.message, words))
		fail_msg("when %s: %d, %s", when, err.class, err.message);
	assert_string_equal(buf_text(&out.ticket), "kept");
}

#define FILE_OF(name)          \
	{                      \
		name,          \
		{              \
			"x", 1 \
		}              \
	}

static void a_block_of_other_files_is_refused(void **state)
{
	static const struct {
		const char *when;
		struct tar_file files[5];
		const char *words;
	} cases[] = {
		{ "there are none", { { "", { 0 } } }, "needs ticket.json" },
		{ "the ticket is missing",
		  { FILE_OF("ticket.json.minisig"), FILE_OF("bundle.age") },
		  "needs ticket.json" },
		{ "its signature is missing", { FILE_OF("ticket.json") }, "needs ticket.json" },
		{ "the bundle's signature is missing",
		  { FILE_OF("ticket.json"), FILE_OF("ticket.json.minisig"), FILE_OF("bundle.age") },
		  "is not signed" },
		{ "one is not known",
		  { FILE_OF("ticket.json"), FILE_OF("ticket.json.minisig"), FILE_OF("passwd") },
		  "does not belong there: passwd" },
		{ "there are five",
		  { FILE_OF("ticket.json"), FILE_OF("ticket.json.minisig"), FILE_OF("bundle.age"),
		    FILE_OF("bundle.age.minisig"), FILE_OF("five") },
		  "more than 4 files" },
		{ "one is there twice",
		  { FILE_OF("ticket.json"), FILE_OF("ticket.json") },
		  "holds ticket.json twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf archive = BUF(SIZE_MAX), packed = BUF(SIZE_MAX);
		SCOPED(buf) struct buf document = BUF(SIZE_MAX);
		size_t count = 0;

		while (count < ARRAY_LEN(cases[i].files) && cases[i].files[count].name[0])
			count++;
		tar_write(cases[i].files, count, &archive);
		gzip_pack(buf_slice(&archive), &packed);
		add_block(&packed, &document);
		check_not_found(cases[i].when, &document, ERROR_MALFORMED, cases[i].words);
	}
}

static void a_part_that_is_too_large_is_refused(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		const char *words;
	} cases[] = {
		{ "ticket.json", TICKET_FILE_BYTES + 1, "ticket.json: more than 262144 bytes" },
		{ "ticket.json.minisig", ENVELOPE_SIGNATURE_BYTES + 1, "more than 4096 bytes" },
		{ "bundle.age", ENVELOPE_BUNDLE_BYTES + 1, "more than 1048576 bytes" },
		{ "ticket.json", 2 << 20, "unpacks to more than" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf archive = BUF(SIZE_MAX), packed = BUF(SIZE_MAX);
		SCOPED(buf) struct buf document = BUF(SIZE_MAX);
		char *zeros = memory_array(cases[i].len, 1);
		struct tar_file file = { .bytes = { zeros, cases[i].len } };

		text_cut(file.name, sizeof(file.name), cases[i].name);
		tar_write(&file, 1, &archive);
		free(zeros);
		gzip_pack(buf_slice(&archive), &packed);
		add_block(&packed, &document);
		check_not_found(cases[i].name, &document, ERROR_MALFORMED, cases[i].words);
	}
}

static void user_data_without_a_whole_ticket_is_refused(void **state)
{
	static const struct {
		const char *when, *document;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "it is empty", "", ERROR_NOT_FOUND, "holds no mayfly ticket: put in the block" },
		{ "it is a script", "#!/bin/sh\n", ERROR_NOT_FOUND, "holds no mayfly ticket" },
		{ "the block is empty",
		  "# -----BEGIN MAYFLY TICKET-----\n# -----END MAYFLY TICKET-----\n",
		  ERROR_MALFORMED, "the mayfly ticket is damaged: a gzip file that was cut" },
		{ "the block is no base64",
		  "# -----BEGIN MAYFLY TICKET-----\n# H4sI=3D=3D\n# -----END MAYFLY TICKET-----\n",
		  ERROR_MALFORMED, "the mayfly ticket is damaged: " },
		{ "the block was cut", "# -----BEGIN MAYFLY TICKET-----\n# H4sI\n", ERROR_MALFORMED,
		  "a block was cut" },
	};
	SCOPED(buf) struct buf large = BUF(SIZE_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf document = BUF(SIZE_MAX);

		buf_addf(&document, "%s", cases[i].document);
		check_not_found(cases[i].when, &document, cases[i].class, cases[i].words);
	}
	while (large.len <= ENVELOPE_FILE_BYTES)
		buf_addf(&large, "%1024s\n", "");
	check_not_found("it is too large", &large, ERROR_MALFORMED, "more than 4194304 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_is_found),
		cmocka_unit_test(the_largest_parts_go_both_ways),
		cmocka_unit_test(every_line_of_the_text_is_a_comment),
		cmocka_unit_test(a_usual_ticket_fits_user_data),
		cmocka_unit_test(a_text_fits_to_the_byte),
		cmocka_unit_test(what_is_no_envelope_is_not_printed),
		cmocka_unit_test(a_block_of_other_files_is_refused),
		cmocka_unit_test(a_part_that_is_too_large_is_refused),
		cmocka_unit_test(user_data_without_a_whole_ticket_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
