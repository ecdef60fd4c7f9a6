#include "common/age_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VERSION "age-encryption.org/v1\n"
#define SHARE "TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc"
#define BODY "hjabGXwSLQ9c3S6Lw2i+S2Tu2fiwQHHslbBN6B41FLE\n"
#define X25519 "-> X25519 " SHARE "\n" BODY
#define FULL "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" /* 64 */
#define MAC "--- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg\n"

static void headers_are_understood(void **state)
{
	static const struct {
		const char *when, *text;
		size_t count, skipped;
		bool has_passphrase;
		const char *payload;
	} cases[] = {
		{ "there is one recipient", VERSION X25519 MAC "rest", 1, 0, false, "rest" },
		{ "there are two", VERSION X25519 X25519 MAC "", 2, 0, false, "" },
		{ "the payload looks like a header", VERSION X25519 MAC X25519, 1, 0, false,
		  X25519 },
		{ "a kind has no body", VERSION "-> other\n\n" X25519 MAC, 1, 1, false, "" },
		{ "a kind has many words", VERSION "-> a b ! ~ -- ->\nAAAA\n" MAC, 0, 1, false,
		  "" },
		{ "a body has a full line and an empty one",
		  VERSION "-> other\n" FULL "\n" X25519 MAC, 1, 1, false, "" },
		{ "a body has full lines and a short one",
		  VERSION "-> other\n" FULL FULL "AA\n" X25519 MAC, 1, 1, false, "" },
		{ "a kind differs in case", VERSION "-> x25519 a b c\n\n" MAC, 0, 1, false, "" },
		{ "a kind begins alike", VERSION "-> X25519x\n\n" MAC, 0, 1, false, "" },
		{ "there is a passphrase", VERSION "-> scrypt a 18\nAA\n" MAC, 0, 1, true, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice file = slice_of(cases[i].text);
		struct age_header header;
		struct error err = { 0 };

		if (age_header_parse(file, &header, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (header.count != cases[i].count || header.skipped != cases[i].skipped ||
		    header.has_passphrase != cases[i].has_passphrase ||
		    !slice_equals(header.payload, cases[i].payload))
			fail_msg("when %s: %zu, %zu", cases[i].when, header.count, header.skipped);
		assert_ptr_equal(header.authenticated.ptr, file.ptr);
		assert_int_equal(header.authenticated.len + strlen(MAC) - strlen("---") +
					 header.payload.len,
				 file.len);
		for (size_t j = 0; j < header.count; j++) {
			assert_memory_equal(header.stanzas[j].share, "\x4c\x48\x85\xd3", 4);
			assert_memory_equal(header.stanzas[j].wrapped, "\x86\x36\x9b\x19", 4);
		}
	}
}

static void others_are_refused(void **state)
{
	static const struct {
		const char *when, *text, *words;
	} cases[] = {
		{ "there is nothing", "", "does not begin with" },
		{ "the version is another one", "age-encryption.org/v2\n" X25519 MAC,
		  "does not begin" },
		{ "the version line goes on", "age-encryption.org/v1 \n" X25519 MAC,
		  "does not begin" },
		{ "a line is before it", "\n" VERSION X25519 MAC, "does not begin with" },
		{ "it ends after the version", VERSION, "ends in line 2 of its header" },
		{ "it ends in a stanza", VERSION "-> X25519 " SHARE "\n", "ends in line 3" },
		{ "the MAC line has no end", VERSION X25519 "--- abc", "ends in line 4" },
		{ "there is no recipient", VERSION MAC, "no recipient" },
		{ "there is an empty line", VERSION "\n" X25519 MAC,
		  "line 2 of the header is neither" },
		{ "two blanks are in a stanza", VERSION "-> a  b\n\n" MAC, "an empty argument" },
		{ "a blank ends a stanza's line", VERSION "-> a \n\n" MAC, "an empty argument" },
		{ "a stanza has no word", VERSION "-> \n\n" MAC, "an empty argument" },
		{ "a stanza has no blank", VERSION "->a\n\n" MAC,
		  "line 2 of the header is neither" },
		{ "a word has a control character", VERSION "-> a\x7f\n\n" MAC,
		  "a byte that may not" },
		{ "a word has a tab", VERSION "-> a\tb\n\n" MAC, "a byte that may not" },
		{ "a word has a CR", VERSION "-> a\r\n\n" MAC, "a byte that may not" },
		{ "a word is not ASCII", VERSION "-> \xc3\xa9\n\n" MAC, "a byte that may not" },
		{ "a body's line is long", VERSION "-> a\nA" FULL "\n" MAC, "longer than 64" },
		{ "a body lacks its short line", VERSION "-> a\n" FULL MAC,
		  "line 4 of the header" },
		{ "a body has two short lines", VERSION "-> a\nAA\nAA\n" MAC,
		  "line 4 of the header is" },
		{ "a body is padded", VERSION "-> a\nAA==\n" MAC,
		  "line 3 of the header: character 3" },
		{ "a body has bits over", VERSION "-> a\nAB\n" MAC, "line 3 of the header" },
		{ "X25519 has no share", VERSION "-> X25519\n" BODY MAC, "1 arguments where 2" },
		{ "X25519 has a word more", VERSION "-> X25519 " SHARE " a\n" BODY MAC,
		  "3 arguments" },
		{ "a share is short", VERSION "-> X25519 AAAA\n" BODY MAC, "its share: 4 letters" },
		{ "a share is long", VERSION "-> X25519 " SHARE "A\n" BODY MAC, "its share: 44" },
		{ "a share has bits over",
		  VERSION "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCd\n" BODY MAC,
		  "its share: base64 whose last letter" },
		{ "X25519 has no body", VERSION "-> X25519 " SHARE "\n\n" MAC,
		  "a body of 0 bytes" },
		{ "its body is short", VERSION "-> X25519 " SHARE "\nAAAA\n" MAC,
		  "a body of 3 bytes" },
		{ "its body is long", VERSION "-> X25519 " SHARE "\n" FULL "\n" MAC,
		  "a body of 48 bytes" },
		{ "the second X25519 is wrong", VERSION X25519 "-> X25519 a\n\n" MAC, "line 4 of" },
		{ "a passphrase is beside a key", VERSION "-> scrypt a 18\nAA\n" X25519 MAC,
		  "a passphrase" },
		{ "a passphrase is after a key", VERSION X25519 "-> scrypt a 18\nAA\n" MAC,
		  "a passphrase" },
		{ "a passphrase is before another kind",
		  VERSION "-> scrypt a 18\nAA\n-> other\n\n" MAC, "a passphrase" },
		{ "there are two passphrases",
		  VERSION "-> scrypt a 18\nAA\n-> scrypt a 18\nAA\n" MAC, "a passphrase" },
		{ "the MAC is short", VERSION X25519 "--- AAAA\n",
		  "the MAC in line 4 of the header: 4" },
		{ "the MAC has no blank", VERSION X25519 "---AAAA\n",
		  "line 4 of the header is neither" },
		{ "the MAC has more after it",
		  VERSION X25519 "--- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg \n",
		  "44 letters" },
		{ "the MAC has bits over",
		  VERSION X25519 "--- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNh\n",
		  "the MAC in line 4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct age_header header = { .count = 77 };
		struct error err = { 0 };

		if (age_header_parse(slice_of(cases[i].text), &header, &err) == 0 ||
		    err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].words) ||
		    header.count != 77)
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

/* Each one costs a calculation for each key of ours, so there is a limit. */
static void there_may_be_256_keys_and_no_more(void **state)
{
	SCOPED(buf) struct buf file = BUF(1 << 20);
	struct age_header header;
	struct error err = { 0 };

	(void)state;
	buf_addf(&file, VERSION);
	for (size_t i = 0; i < AGE_MAX_STANZAS; i++)
		buf_addf(&file, "-> other\n\n" X25519);
	size_t len = file.len;

	buf_addf(&file, MAC);
	assert_int_equal(age_header_parse(buf_slice(&file), &header, &err), 0);
	assert_int_equal(header.count, AGE_MAX_STANZAS);
	file.len = len;
	buf_addf(&file, X25519 MAC);
	assert_int_equal(age_header_parse(buf_slice(&file), &header, &err), -1);
	assert_non_null(strstr(err.message, "more than 256"));
}

static void what_is_written_is_proven(void **state)
{
	SCOPED(buf) struct buf file = BUF(4096);
	SCOPED(secret) struct secret key = { 0 }, other = { 0 };
	const struct age_stanza stanzas[2] = { { { 1, 2, 3 }, { 4, 5, 6 } }, { { 7 }, { 8 } } };
	struct age_header header;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(secret_copy(&key, slice_of("the key of a file"), &err), 0);
	assert_int_equal(secret_copy(&other, slice_of("another file's key"), &err), 0);
	assert_int_equal(age_header_write(stanzas, 2, &key, &file, &err), 0);
	buf_addf(&file, "payload");
	assert_int_equal(age_header_parse(buf_slice(&file), &header, &err), 0);
	assert_int_equal(header.count, 2);
	assert_memory_equal(header.stanzas, stanzas, sizeof(stanzas));
	assert_true(slice_equals(header.payload, "payload"));
	assert_int_equal(age_header_verify(&header, &key, &err), 0);
	assert_int_equal(age_header_verify(&header, &other, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	header.mac[31] ^= 1;
	assert_int_equal(age_header_verify(&header, &key, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_understood),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(there_may_be_256_keys_and_no_more),
		cmocka_unit_test(what_is_written_is_proven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
