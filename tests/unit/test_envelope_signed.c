/* What the signatures of an envelope are worth. */
#include "common/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/envelope_bench.h"

static void a_ticket_that_is_signed_is_read(void **state)
{
	SCOPED(envelope_bench) struct envelope_bench bench = envelope_bench_begin("sealed");
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
static void make_legacy(struct envelope_bench *bench)
{
	struct buf *signature = &bench->envelope.ticket_signature;
	char *line = strchr(signature->bytes, '\n') + 1;

	line[1] = 'W'; /* "ED" becomes "Ed" */
}

static void check_denied(const char *when, struct envelope_bench *bench, enum error_class class,
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
		SCOPED(envelope_bench) struct envelope_bench bench = envelope_bench_begin("sealed");

		envelope_bench_sign(&bench, buf_slice(&bench.envelope.ticket), cases[i].comment,
				    &bench.envelope.ticket_signature);
		check_denied(cases[i].when, &bench, ERROR_DENIED, cases[i].words);
	}
}

static void a_ticket_that_is_not_well_signed_is_refused(void **state)
{
	SCOPED(envelope_bench)
	struct envelope_bench bench = envelope_bench_begin("sealed"),
			      other = envelope_bench_begin("sealed");
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
	envelope_bench_sign(&bench, buf_slice(&envelope->ticket), "mayfly ticket for p",
			    &envelope->ticket_signature);
	check_denied("it makes no sense", &bench, ERROR_CONFIGURATION, "ticket.json");
	buf_addf(&envelope->ticket, "}");
	envelope_bench_sign(&bench, buf_slice(&envelope->ticket), "mayfly ticket for p",
			    &envelope->ticket_signature);
	check_denied("it is no JSON", &bench, ERROR_CONFIGURATION, "ticket.json");
}

/* minisign 0.11 -S -l made it, of "hello". */
static void a_legacy_ticket_is_refused(void **state)
{
	SCOPED(envelope_bench) struct envelope_bench bench = envelope_bench_begin("sealed");
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
	SCOPED(envelope_bench) struct envelope_bench bench = envelope_bench_begin("sealed");
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
	SCOPED(envelope_bench) struct envelope_bench bench = envelope_bench_begin("sealed");
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	unsigned same = 0;

	(void)state;
	envelope_bench_print(&bench.envelope, &text);
	for (size_t bit = 0; bit < text.len * 8; bit++) {
		SCOPED(envelope) struct envelope got = envelope_new();
		SCOPED(ticket) struct ticket ticket = { 0 };
		struct error err = { 0 };

		text.bytes[bit / 8] ^= (char)(1 << bit % 8);
		if (envelope_find(buf_slice(&text), &got, &err) == 0 &&
		    envelope_ticket(&got, &bench.trusted, &ticket, &err) == 0) {
			envelope_bench_same(&got, &bench.envelope);
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
	SCOPED(envelope_bench) struct envelope_bench bench = envelope_bench_begin("sealed");
	SCOPED(ticket) struct ticket ticket = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(envelope_ticket(&bench.envelope, &bench.trusted, &ticket, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf signature = BUF(SIZE_MAX);
		struct slice sealed = slice_of(cases[i].sealed);

		if (cases[i].comment)
			envelope_bench_sign(&bench, sealed, cases[i].comment, &signature);
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
