#include "common/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base64.h"
#include "common/file.h"
#include "common/gzip.h"
#include "common/tar.h"

/* A key of the test's own, and what it signs. */
struct bench {
	struct minisign_key key;
	struct minisign_trusted trusted;
	struct envelope envelope;
};

static void add_signature(struct bench *bench, struct slice bytes, const char *comment,
			  struct buf *out)
{
	struct error err = { 0 };

	buf_clear(out);
	if (minisign_sign(bytes, &bench->key, comment, out, &err) < 0)
		fail_msg("%s", err.message);
}

/* The golden ticket, with the digest of this bundle. */
static void add_ticket(struct bench *bench, const char *sealed)
{
	SCOPED(buf) struct buf text = BUF(TICKET_FILE_BYTES);
	SCOPED(ticket) struct ticket ticket = { 0 };
	struct error err = { 0 };

	if (file_read("tests/unit/golden/ticket.host.json", &text, &err) < 0 ||
	    ticket_parse(buf_slice(&text), "golden", &ticket, &err) < 0)
		fail_msg("%s", err.message);
	hash_sha256(slice_of(sealed), ticket.bundle.digest);
	buf_clear(&bench->envelope.ticket);
	ticket_print(&ticket, &bench->envelope.ticket);
}

static struct bench bench_begin(const char *sealed)
{
	struct bench bench = { .trusted.count = 1, .envelope = envelope_new() };
	struct envelope *envelope = &bench.envelope;
	struct error err = { 0 };

	if (minisign_key_new(&bench.key, &err) < 0)
		fail_msg("%s", err.message);
	minisign_key_public(&bench.key, &bench.trusted.list[0]);
	add_ticket(&bench, sealed);
	add_signature(&bench, buf_slice(&envelope->ticket), "mayfly ticket for p",
		      &envelope->ticket_signature);
	buf_addf(&envelope->bundle, "%s", sealed);
	add_signature(&bench, buf_slice(&envelope->bundle), "mayfly bundle for p",
		      &envelope->bundle_signature);
	return bench;
}

static void bench_release(struct bench *bench)
{
	minisign_key_release(&bench->key);
	envelope_release(&bench->envelope);
}

static void print(const struct envelope *envelope, struct buf *out)
{
	struct error err = { 0 };

	if (envelope_print(envelope, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void check_same_part(const struct buf *got, const struct buf *want)
{
	assert_int_equal(got->len, want->len);
	assert_memory_equal(buf_text(got), buf_text(want), got->len);
}

static void check_same(const struct envelope *got, const struct envelope *want)
{
	check_same_part(&got->ticket, &want->ticket);
	check_same_part(&got->ticket_signature, &want->ticket_signature);
	check_same_part(&got->bundle, &want->bundle);
	check_same_part(&got->bundle_signature, &want->bundle_signature);
}

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
		print(&put, &once);
		print(&put, &twice);
		assert_string_equal(buf_text(&once), buf_text(&twice));
		if (envelope_find(buf_slice(&once), &got, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		check_same(&got, &put);
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
	print(&put, &text);
	assert_int_equal(envelope_find(buf_slice(&text), &got, &err), 0);
	check_same(&got, &put);
	buf_addf(&put.ticket, "x");
	assert_int_equal(envelope_print(&put, &text, &err), -1);
	assert_string_equal(err.message, "ticket.json: more than 262144 bytes");
}

/* The form is others' to read, too: it is not to change by accident. */
static void every_line_of_the_text_is_a_comment(void **state)
{
	SCOPED(bench) struct bench bench = bench_begin("sealed");
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	char *line;

	(void)state;
	print(&bench.envelope, &text);
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
	SCOPED(bench) struct bench bench = bench_begin(buf_text(&sealed));

	print(&bench.envelope, &text);
	assert_in_range(text.len, 2048, 4096);
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

/* ---- signatures ---- */

static void a_ticket_that_is_signed_is_read(void **state)
{
	SCOPED(bench) struct bench bench = bench_begin("sealed");
	SCOPED(ticket) struct ticket ticket = { 0 };
	struct error err = { 0 };
	struct envelope *envelope = &bench.envelope;

	(void)state;
	if (envelope_ticket(envelope, &bench.trusted, &ticket, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(ticket.prefix, "p");
	if (envelope_check_bundle(&ticket, buf_slice(&envelope->bundle),
				  buf_slice(&envelope->bundle_signature), &bench.trusted, &err) < 0)
		fail_msg("%s", err.message);
}

static void comments_say_what_is_signed_and_for_whom(void **state)
{
	char comment[ENVELOPE_COMMENT_ROOM];

	(void)state;
	envelope_comment(ENVELOPE_TICKET, "lab", comment);
	assert_string_equal(comment, "mayfly ticket for lab");
	envelope_comment(ENVELOPE_BUNDLE, "lab", comment);
	assert_string_equal(comment, "mayfly bundle for lab");
}

/* What says that the hash was signed, and not the file, is not signed itself. */
static void make_legacy(struct bench *bench)
{
	struct buf *signature = &bench->envelope.ticket_signature;
	char *line = strchr(signature->bytes, '\n') + 1;

	line[1] = 'W'; /* "ED" becomes "Ed" */
}

static void check_denied(const char *when, struct bench *bench, enum error_class class,
			 const char *words)
{
	struct ticket ticket = { .slot = 77 };
	struct error err = { 0 };

	if (envelope_ticket(&bench->envelope, &bench->trusted, &ticket, &err) == 0)
		fail_msg("when %s: was taken", when);
	if (err.class != class || !strstr(err.message, words))
		fail_msg("when %s: %d, %s", when, err.class, err.message);
	assert_int_equal(ticket.slot, 77);
}

static void a_ticket_signed_as_something_else_is_refused(void **state)
{
	static const struct {
		const char *when, *comment, *words;
	} cases[] = {
		{ "the signature is a bundle's", "mayfly bundle for p",
		  "signed as \"mayfly bundle for p\", where \"mayfly ticket for PREFIX\"" },
		{ "it is for another prefix", "mayfly ticket for q",
		  "where \"mayfly ticket for p\" is expected" },
		{ "it is for a longer prefix", "mayfly ticket for pq", "is for something else" },
		{ "the prefix is missing", "mayfly ticket for ", "is for something else" },
		{ "something follows", "mayfly ticket for p and q", "is for something else" },
		{ "something is before it", " mayfly ticket for p", "is for something else" },
		{ "it is minisign's own", "timestamp:1\tfile:ticket.json", "something else" },
		{ "there is none", "", "is for something else" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(bench) struct bench bench = bench_begin("sealed");

		add_signature(&bench, buf_slice(&bench.envelope.ticket), cases[i].comment,
			      &bench.envelope.ticket_signature);
		check_denied(cases[i].when, &bench, ERROR_DENIED, cases[i].words);
	}
}

static void a_ticket_that_is_not_well_signed_is_refused(void **state)
{
	SCOPED(bench) struct bench bench = bench_begin("sealed"), other = bench_begin("sealed");
	struct envelope *envelope = &bench.envelope;

	(void)state;
	bench.trusted = other.trusted;
	check_denied("the key is not trusted", &bench, ERROR_DENIED, "which is not trusted");
	minisign_key_public(&bench.key, &bench.trusted.list[0]);
	make_legacy(&bench);
	check_denied("the kind is altered", &bench, ERROR_DENIED, "does not fit");
	buf_clear(&envelope->ticket_signature);
	buf_addf(&envelope->ticket_signature, "none");
	check_denied("there is none", &bench, ERROR_DENIED, "the ticket: no signature file");
	buf_clear(&envelope->ticket);
	buf_addf(&envelope->ticket, "{\"version\": 1}");
	add_signature(&bench, buf_slice(&envelope->ticket), "mayfly ticket for p",
		      &envelope->ticket_signature);
	check_denied("it makes no sense", &bench, ERROR_CONFIGURATION, "ticket.json");
	buf_addf(&envelope->ticket, "}");
	add_signature(&bench, buf_slice(&envelope->ticket), "mayfly ticket for p",
		      &envelope->ticket_signature);
	check_denied("it is no JSON", &bench, ERROR_CONFIGURATION, "ticket.json");
}

/* minisign 0.11 -S -l made it, of "hello". */
static void a_legacy_ticket_is_refused(void **state)
{
	SCOPED(bench) struct bench bench = bench_begin("sealed");
	static const char legacy[] =
		"untrusted comment: signature from minisign secret key\n"
		"RWRDNe83uye1ToGToCMeLqHIrRYClVDSGINKSLF/tfXJSm6xSwMI4ACvG2jpVfA1IWjJWh2oSC/l4R5s"
		"KlVWEJzRk66e4Y3QOwE=\n"
		"trusted comment: timestamp:1795616560\tfile:m\n"
		"0MrX3kPFEi0EctcO/6/6f52scwTtd/hxalFEtgCeGsuLck0j+N2S8hZ4aXj5rjRUiTo+/EWMiF3Cg74y"
		"UPsYBA==\n";
	struct error err = { 0 };

	(void)state;
	if (minisign_trusted_parse(
		    slice_of("RWRDNe83uye1TvgUR9AtN9HHqltwIIMzrqoERGJwAwZFhfW4E3Pxb9fZ\n"),
		    &bench.trusted, &err) < 0)
		fail_msg("%s", err.message);
	buf_clear(&bench.envelope.ticket);
	buf_addf(&bench.envelope.ticket, "hello");
	buf_clear(&bench.envelope.ticket_signature);
	buf_addf(&bench.envelope.ticket_signature, "%s", legacy);
	check_denied("it is a legacy one", &bench, ERROR_DENIED, "signed in the legacy form");
}

static void no_flipped_bit_of_a_ticket_is_taken(void **state)
{
	SCOPED(bench) struct bench bench = bench_begin("sealed");
	struct envelope *envelope = &bench.envelope;
	struct buf *parts[] = { &envelope->ticket, &envelope->ticket_signature };
	/* The untrusted comment is nobody's; the last line's end may be missing, or another. */
	const size_t free_letters = sizeof("untrusted comment: ") - 1;
	struct ticket ticket;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (size_t bit = 0; bit < (parts[i]->len - i) * 8; bit++) {
			size_t place = bit / 8;
			const char *line_end = strchr(parts[i]->bytes, '\n');

			if (i == 1 && place >= free_letters && parts[i]->bytes + place < line_end)
				continue;
			parts[i]->bytes[place] ^= (char)(1 << bit % 8);
			if (envelope_ticket(envelope, &bench.trusted, &ticket, &err) == 0)
				fail_msg("part %zu, byte %zu, bit %zu: was taken", i, place,
					 bit % 8);
			assert_int_equal(err.class, ERROR_DENIED);
			parts[i]->bytes[place] ^= (char)(1 << bit % 8);
		}
}

/* Whatever bit of the text is flipped: the same ticket, or none. */
static void no_flipped_bit_of_the_text_gives_another_ticket(void **state)
{
	SCOPED(bench) struct bench bench = bench_begin("sealed");
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	unsigned same = 0;

	(void)state;
	print(&bench.envelope, &text);
	for (size_t bit = 0; bit < text.len * 8; bit++) {
		SCOPED(envelope) struct envelope got = envelope_new();
		SCOPED(ticket) struct ticket ticket = { 0 };
		struct error err = { 0 };

		text.bytes[bit / 8] ^= (char)(1 << bit % 8);
		if (envelope_find(buf_slice(&text), &got, &err) == 0 &&
		    envelope_ticket(&got, &bench.trusted, &ticket, &err) == 0) {
			check_same(&got, &bench.envelope);
			same++;
		}
		text.bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_in_range(same, 1, text.len); /* "#" to a blank, gzip's time of packing, ... */
}

static void a_bundle_is_checked_against_its_ticket(void **state)
{
	static const struct {
		const char *when, *sealed, *comment, *words;
	} cases[] = {
		{ "it is the one", "sealed", "mayfly bundle for p", NULL },
		{ "it is another", "Sealed", "mayfly bundle for p", "not the one that the ticket" },
		{ "it is empty", "", "mayfly bundle for p", "not the one that the ticket names" },
		{ "it is signed as a ticket", "sealed", "mayfly ticket for p",
		  "where \"mayfly bundle for p\" is expected" },
		{ "it is signed for another", "sealed", "mayfly bundle for q", "something else" },
		{ "it is signed for nobody", "sealed", "", "something else" },
		{ "it is not signed", "sealed", NULL, "the bundle: no signature file" },
	};
	SCOPED(bench) struct bench bench = bench_begin("sealed");
	SCOPED(ticket) struct ticket ticket = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(envelope_ticket(&bench.envelope, &bench.trusted, &ticket, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf signature = BUF(SIZE_MAX);
		struct slice sealed = slice_of(cases[i].sealed);

		if (cases[i].comment)
			add_signature(&bench, sealed, cases[i].comment, &signature);
		int result = envelope_check_bundle(&ticket, sealed, buf_slice(&signature),
						   &bench.trusted, &err);

		if ((result == 0) != !cases[i].words)
			fail_msg("when %s: %d, %s", cases[i].when, result, err.message);
		if (result < 0 &&
		    (err.class != ERROR_DENIED || !strstr(err.message, cases[i].words)))
			fail_msg("when %s: %d, %s", cases[i].when, err.class, err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_is_found),
		cmocka_unit_test(the_largest_parts_go_both_ways),
		cmocka_unit_test(every_line_of_the_text_is_a_comment),
		cmocka_unit_test(a_usual_ticket_fits_user_data),
		cmocka_unit_test(what_is_no_envelope_is_not_printed),
		cmocka_unit_test(a_block_of_other_files_is_refused),
		cmocka_unit_test(a_part_that_is_too_large_is_refused),
		cmocka_unit_test(user_data_without_a_whole_ticket_is_refused),
		cmocka_unit_test(a_ticket_that_is_signed_is_read),
		cmocka_unit_test(comments_say_what_is_signed_and_for_whom),
		cmocka_unit_test(a_ticket_signed_as_something_else_is_refused),
		cmocka_unit_test(a_ticket_that_is_not_well_signed_is_refused),
		cmocka_unit_test(a_legacy_ticket_is_refused),
		cmocka_unit_test(no_flipped_bit_of_a_ticket_is_taken),
		cmocka_unit_test(no_flipped_bit_of_the_text_gives_another_ticket),
		cmocka_unit_test(a_bundle_is_checked_against_its_ticket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
