#include "common/minisign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Made with minisign 0.11: -G -W; -S -t; -S -l. */
#define PUBLIC_LINE "RWRDNe83uye1TvgUR9AtN9HHqltwIIMzrqoERGJwAwZFhfW4E3Pxb9fZ\n"
#define PUBLIC_FILE "untrusted comment: minisign public key 4EB527BB37EF3543\n" PUBLIC_LINE
#define SECRET_HEAD "untrusted comment: minisign encrypted secret key\n"
#define SECRET_LINE                                                                                \
	"RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQzXvN7sntU6RN8UQ" \
	"jc1wuvK8XwZAnAQHCNxhmFOnVDcXJItqaHbiKvgUR9AtN9HHqltwIIMzrqoERGJwAwZFhfW4E3Pxb9fZAAAAAA"   \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define SIGNED_WITH "untrusted comment: signature from minisign secret key\n"
#define SIGNATURE_LINE                                                                   \
	"RURDNe83uye1Th+i4lZbRo4+YuAXMkz9Jdz4x5cn7yEwSU+7HrL7Sy31BpsEQOG7DPIynNUsCpaPmF" \
	"WLg+CzKutKQXsv9IEdNg8=\n"
#define COMMENT_LINE "trusted comment: mayfly ticket for x\n"
#define COMMENT_SIGNATURE                                                                      \
	"jJT7zcnlVtIWeNJ+gj+fZRXqgBLOoqvIDUXBxbIuOlrDFrqoKXEXjQ4eIrsPGylSOv/S59UD2jAJM+hs5+DO" \
	"BA==\n"
#define SIGNATURE SIGNED_WITH SIGNATURE_LINE COMMENT_LINE COMMENT_SIGNATURE
#define LEGACY                                                                                  \
	SIGNED_WITH                                                                             \
	"RWRDNe83uye1ToGToCMeLqHIrRYClVDSGINKSLF/tfXJSm6xSwMI4ACvG2jpVfA1IWjJWh2oSC/l4R5sKlVWE" \
	"JzRk66e4Y3QOwE=\n"                                                                     \
	"trusted comment: timestamp:1795616560\tfile:m\n"                                       \
	"0MrX3kPFEi0EctcO/6/6f52scwTtd/hxalFEtgCeGsuLck0j+N2S8hZ4aXj5rjRUiTo+/EWMiF3Cg74yUPsY"  \
	"BA==\n"

/* Another key, and itself as a secret. */
#define OTHER_LINE "RWS+Q9o5y7kjRuzwWGUeXqLTIe1dnUs8bm9MGr1WCHGG9yhIPHTfvT0Q\n"

static void parse_key(struct minisign_key *key)
{
	struct error err = { 0 };

	if (minisign_key_parse(slice_of(SECRET_HEAD SECRET_LINE), key, &err) < 0)
		fail_msg("%s", err.message);
}

static void parse_trusted(const char *text, struct minisign_trusted *trusted)
{
	struct error err = { 0 };

	if (minisign_trusted_parse(slice_of(text), trusted, &err) < 0)
		fail_msg("%s", err.message);
}

/* ---- public keys ---- */

static void public_keys_are_read(void **state)
{
	static const struct {
		const char *when, *text;
		size_t count;
	} cases[] = {
		{ "it is the file of minisign", PUBLIC_FILE, 1 },
		{ "it is bare, as for -P", PUBLIC_LINE, 1 },
		{ "the last line has no end",
		  "RWRDNe83uye1TvgUR9AtN9HHqltwIIMzrqoERGJwAwZFhfW4E3Pxb9fZ", 1 },
		{ "lines end with \\r\\n",
		  "untrusted comment: x\r\n"
		  "RWRDNe83uye1TvgUR9AtN9HHqltwIIMzrqoERGJwAwZFhfW4E3Pxb9fZ\r\n",
		  1 },
		{ "there are remarks and blanks",
		  "# ours\n\n \t RWRDNe83uye1TvgUR9AtN9HHqltwIIMzrqoERGJwAwZFhfW4E3Pxb9fZ \t\n  # "
		  "end",
		  1 },
		{ "there are two", PUBLIC_FILE OTHER_LINE, 2 },
		{ "one was appended twice", PUBLIC_FILE OTHER_LINE PUBLIC_FILE OTHER_LINE, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct minisign_trusted trusted;
		char letters[MINISIGN_PUBLIC_ROOM];
		struct error err = { 0 };

		if (minisign_trusted_parse(slice_of(cases[i].text), &trusted, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(trusted.count, cases[i].count);
		minisign_public_text(&trusted.list[0], letters);
		assert_int_equal(strlen(letters), MINISIGN_PUBLIC_ROOM - 1);
		assert_memory_equal(letters, PUBLIC_LINE, strlen(letters));
	}
}

static void what_is_no_public_key_is_refused(void **state)
{
	static const struct {
		const char *when, *text, *words;
	} cases[] = {
		{ "there is nothing", "", "no public key: expected a line begun with RW" },
		{ "there are only comments", "# RW\nuntrusted comment: x\n", "no public key" },
		{ "it was cut", "# ours\nRWRDNe83uye1Tvg\n", "line 2: no public key: expected 56" },
		{ "a letter is none", "RWRDNe83uye1TvgUR9AtN9HHqltwIIMzrqo-RGJwAwZFhfW4E3Pxb9fZ",
		  "line 1: " },
		{ "it is of another kind",
		  "RURDNe83uye1TvgUR9AtN9HHqltwIIMzrqoERGJwAwZFhfW4E3Pxb9fZ",
		  "line 1: no public key of minisign" },
		{ "it is a secret one", SECRET_HEAD SECRET_LINE, "line 2: looks like a secret" },
		{ "another one has its id",
		  PUBLIC_FILE "RWRDNe83uye1TvgUR9AtN9HHqltxIIMzrqoERGJwAwZFhfW4E3Pxb9fZ\n",
		  "line 3: another key with the id" },
		{ "it is a signature", SIGNATURE, "line 2: no public key" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct minisign_trusted trusted = { .count = 7 };
		struct error err = { 0 };

		if (minisign_trusted_parse(slice_of(cases[i].text), &trusted, &err) == 0)
			fail_msg("when %s: was taken", cases[i].when);
		if (err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].words))
			fail_msg("when %s: %d, %s", cases[i].when, err.class, err.message);
		assert_null(strstr(err.message, "RWQAAEIy")); /* a refused value is not echoed */
		assert_int_equal(trusted.count, 7);
	}
}

/* As minisign itself does: a key in 256 has such a number. */
static void the_number_of_a_key_has_no_leading_zeros(void **state)
{
	static const struct {
		struct minisign_public key;
		const char *line;
	} cases[] = {
		{ { .id = { 1, 2, 3, 4, 5, 6, 7, 0x89 } }, "key 8907060504030201\n" },
		{ { .id = { 0x92, 0x4b, 0xf8, 0x39, 0x63, 0x25, 0xd7 } }, "key D7256339F84B92\n" },
		{ { .id = { 0xa } }, "key A\n" },
		{ { .id = { 0 } }, "key 0\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(MINISIGN_FILE_BYTES);

		minisign_public_print(&cases[i].key, &text);
		assert_non_null(strstr(buf_text(&text), cases[i].line));
	}
}

static void up_to_sixteen_keys_are_trusted(void **state)
{
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	struct minisign_trusted trusted;
	struct error err = { 0 };

	(void)state;
	for (unsigned char i = 0; i <= MINISIGN_MAX_KEYS; i++) {
		struct minisign_public key = { .id = { i } };
		int result = i ? minisign_trusted_parse(buf_slice(&text), &trusted, &err) : 0;

		assert_int_equal(result, 0);
		assert_true(!i || trusted.count == i);
		minisign_public_print(&key, &text);
	}
	assert_int_equal(minisign_trusted_parse(buf_slice(&text), &trusted, &err), -1);
	assert_string_equal(err.message, "line 34: more than 16 keys");
	while (text.len <= MINISIGN_FILE_BYTES)
		buf_addf(&text, "# a remark\n");
	assert_int_equal(minisign_trusted_parse(buf_slice(&text), &trusted, &err), -1);
	assert_string_equal(err.message, "more than 16384 bytes of public keys");
}

static void a_public_key_prints_as_minisign_prints_it(void **state)
{
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	struct minisign_trusted trusted;

	(void)state;
	parse_trusted(PUBLIC_LINE, &trusted);
	minisign_public_print(&trusted.list[0], &text);
	assert_string_equal(buf_text(&text), PUBLIC_FILE);
}

/* ---- secret keys ---- */

static void a_secret_key_is_read_and_printed(void **state)
{
	SCOPED(minisign_key) struct minisign_key key = { 0 }, again = { 0 };
	SCOPED(secret) struct secret text = { 0 };
	SCOPED(buf) struct buf printed = BUF(SIZE_MAX);
	struct minisign_public public_key;
	struct error err = { 0 };

	(void)state;
	parse_key(&key);
	minisign_key_public(&key, &public_key);
	minisign_public_print(&public_key, &printed);
	assert_string_equal(buf_text(&printed), PUBLIC_FILE);
	assert_int_equal(minisign_key_print(&key, &text, &err), 0);
	assert_int_equal(minisign_key_parse(secret_expose(&text), &again, &err), 0);
	assert_memory_equal(again.id, key.id, sizeof(key.id));
	assert_int_equal(again.key.len, 64);
	assert_memory_equal(secret_text(&again.key), secret_text(&key.key), 64);
}

/* BLAKE2b-256 of algorithm, id and key, here as Python's hashlib computes it. */
static void a_printed_key_has_its_checksum(void **state)
{
	SCOPED(minisign_key) struct minisign_key key = { 0 };
	SCOPED(secret) struct secret text = { 0 };
	struct error err = { 0 };

	(void)state;
	parse_key(&key);
	assert_int_equal(minisign_key_print(&key, &text, &err), 0);
	assert_non_null(strstr(secret_text(&text), "\nRWQAAEIyAAAA"));
	assert_non_null(
		strstr(secret_text(&text), "b9fZJWuKJUG6q4w5fygtCcuszkDEJCcHAb4OJsbmBft8qZE=\n"));
}

/* Of another key, that had one and lost it: minisign -C -W. */
static void a_key_that_lost_its_password_is_read(void **state)
{
	static const char text[] =
		SECRET_HEAD "RWQAAEIyhmbmgjQoSi20Ptq/Pi0eDMGXIsEXeu3lgWZgz1W2d0cAAAACAAAAAAAAAEAA"
			    "AAAAQkUEa+W+5UCEadzuyyODux2aHnkMp3Gk0jeBI4arrlIENw/6oky7u2GznKsW8j5v"
			    "ExapQLcwsDGDrWX35mWj5jKbkTc3WWu39xJSpuv/NshEJMn7Ve+fIQduabkDU52ed9Jl"
			    "z8QcCrg=\n";
	SCOPED(minisign_key) struct minisign_key key = { 0 };
	struct minisign_public public_key;
	char letters[MINISIGN_PUBLIC_ROOM];
	struct error err = { 0 };

	(void)state;
	if (minisign_key_parse(slice_of(text), &key, &err) < 0)
		fail_msg("%s", err.message);
	minisign_key_public(&key, &public_key);
	minisign_public_text(&public_key, letters);
	assert_string_equal(letters, "RWRCRQRr5b7lQGGznKsW8j5vExapQLcwsDGDrWX35mWj5jKbkTc3WWu3");
}

static void what_is_no_secret_key_is_refused(void **state)
{
	static const struct {
		const char *when, *text;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "there is nothing", "", ERROR_MALFORMED, "no secret key file" },
		{ "the comment is alone", SECRET_HEAD, ERROR_MALFORMED, "no secret key file" },
		{ "the key is alone", SECRET_LINE, ERROR_MALFORMED, "no secret key file" },
		{ "it is a public one", PUBLIC_FILE, ERROR_MALFORMED, "a public key" },
		{ "it is a signature", SIGNATURE, ERROR_MALFORMED, "expected 212 letters" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(minisign_key) struct minisign_key key = { 0 };
		struct error err = { 0 };

		if (minisign_key_parse(slice_of(cases[i].text), &key, &err) == 0)
			fail_msg("when %s: was taken", cases[i].when);
		if (err.class != cases[i].class || !strstr(err.message, cases[i].words))
			fail_msg("when %s: %d, %s", cases[i].when, err.class, err.message);
		assert_null(key.key.guarded);
	}
}

/* A secret key of zeros whose first six bytes say what it is. */
static void a_secret_key_of_another_form_is_refused(void **state)
{
	static const struct {
		const char *when, *letters;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "a password is on it", "RWRTY0Iy", ERROR_CONFIGURATION, "minisign -C -W" },
		{ "the algorithm is another", "RUQAAEIy", ERROR_MALFORMED,
		  "no secret key of minisign" },
		{ "the checksum is another", "RWQAAEIz", ERROR_MALFORMED, "is not known" },
		{ "the password's kind is another", "RWRTZEIy", ERROR_MALFORMED, "is not known" },
		{ "all is as it should be, and zero", "RWQAAEIy", ERROR_MALFORMED, "a damaged" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(minisign_key) struct minisign_key key = { 0 };
		SCOPED(buf) struct buf text = BUF(SIZE_MAX);
		struct error err = { 0 };

		buf_addf(&text, "untrusted comment: x\n%s", cases[i].letters);
		for (size_t j = 8; j < 211; j++)
			buf_addf(&text, "A");
		buf_addf(&text, "=");
		if (minisign_key_parse(buf_slice(&text), &key, &err) == 0)
			fail_msg("when %s: was taken", cases[i].when);
		if (err.class != cases[i].class || !strstr(err.message, cases[i].words))
			fail_msg("when %s: %d, %s", cases[i].when, err.class, err.message);
	}
}

/* With the checksum zero (minisign -G -W), the public half still gives away a damaged seed. */
static void a_damaged_secret_key_is_refused(void **state)
{
	SCOPED(minisign_key) struct minisign_key key = { 0 };
	SCOPED(secret) struct secret text = { 0 };
	struct error err = { 0 };
	char *letters;

	(void)state;
	parse_key(&key);
	assert_int_equal(minisign_key_print(&key, &text, &err), 0);
	letters = strchr((char *)secret_fill(&text), '\n') + 1;
	for (size_t i = 0; i < 211; i++) {
		SCOPED(minisign_key) struct minisign_key got = { 0 };
		char kept = letters[i];

		/* Salt, operations and memory are not for a key without a password. */
		if (i >= 8 && i < 72)
			continue;
		letters[i] = kept == 'A' ? 'B' : 'A';
		if (minisign_key_parse(secret_expose(&text), &got, &err) == 0)
			fail_msg("with letter %zu altered it was taken", i);
		letters[i] = kept;
	}
	char without_sum[] = SECRET_HEAD SECRET_LINE;

	for (size_t i = 84; i < 168; i++) {
		SCOPED(minisign_key) struct minisign_key got = { 0 };
		char *letter = without_sum + strlen(SECRET_HEAD) + i, kept = *letter;

		*letter = kept == 'A' ? 'B' : 'A';
		assert_int_equal(minisign_key_parse(slice_of(without_sum), &got, &err), -1);
		assert_string_equal(err.message, "a damaged secret key");
		*letter = kept;
	}
}

static void new_keys_differ_and_sign(void **state)
{
	SCOPED(minisign_key) struct minisign_key one = { 0 }, two = { 0 };
	SCOPED(buf) struct buf signature = BUF(SIZE_MAX);
	struct minisign_trusted trusted = { .count = 1 };
	struct minisign_verdict verdict;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(minisign_key_new(&one, &err), 0);
	assert_int_equal(minisign_key_new(&two, &err), 0);
	assert_memory_not_equal(one.id, two.id, sizeof(one.id));
	assert_memory_not_equal(secret_text(&one.key), secret_text(&two.key), 64);
	minisign_key_public(&one, &trusted.list[0]);
	assert_int_equal(minisign_sign(slice_of("hello"), &one, "", &signature, &err), 0);
	assert_int_equal(
		minisign_verify(slice_of("hello"), buf_slice(&signature), &trusted, &verdict, &err),
		0);
	assert_memory_equal(&verdict.signer, &trusted.list[0], sizeof(verdict.signer));
}

/* ---- signatures ---- */

static void a_signature_is_that_of_minisign(void **state)
{
	SCOPED(minisign_key) struct minisign_key key = { 0 };
	SCOPED(buf) struct buf signature = BUF(SIZE_MAX);
	struct error err = { 0 };

	(void)state;
	parse_key(&key);
	assert_int_equal(
		minisign_sign(slice_of("hello"), &key, "mayfly ticket for x", &signature, &err), 0);
	assert_string_equal(buf_text(&signature), SIGNATURE);
}

static void a_comment_that_is_no_line_is_not_signed(void **state)
{
	static const struct {
		const char *when, *comment;
	} refused[] = {
		{ "it has two lines", "a\nb" },
		{ "it ends with a line end", "a\n" },
		{ "it has a carriage return", "a\rb" },
		{ "it has a control code", "a\033[2J" },
		{ "it has a delete", "a\x7f" },
		{ "it has a control code of two bytes", "a\xc2\x9b" },
		{ "it has the last of those", "\xc2\x9f" },
		{ "it is no UTF-8", "a\xff" },
	};
	SCOPED(minisign_key) struct minisign_key key = { 0 };
	SCOPED(buf) struct buf out = BUF(SIZE_MAX);
	char comment[MINISIGN_COMMENT_ROOM + 1];
	struct error err = { 0 };

	(void)state;
	parse_key(&key);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (minisign_sign(slice_of(""), &key, refused[i].comment, &out, &err) == 0)
			fail_msg("when %s: was signed", refused[i].when);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_int_equal(out.len, 0);
	}
	memset(comment, 'c', sizeof(comment));
	comment[MINISIGN_COMMENT_ROOM] = '\0';
	assert_int_equal(minisign_sign(slice_of(""), &key, comment, &out, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	comment[MINISIGN_COMMENT_ROOM - 1] = '\0';
	assert_int_equal(minisign_sign(slice_of(""), &key, comment, &out, &err), 0);
	assert_int_equal(minisign_sign(slice_of(""), &key, "\xc3\xa9\tok\xc2\xa0", &out, &err), 0);
}

static void signatures_are_judged_as_minisign_judges_them(void **state)
{
	static const struct {
		const char *when, *bytes, *signature;
		enum error_class class; /* ERROR_NONE: it is good */
		const char *words;
	} cases[] = {
		{ "all is as it was", "hello", SIGNATURE, ERROR_NONE, NULL },
		{ "it is a legacy one", "hello", LEGACY, ERROR_NONE, NULL },
		{ "the untrusted comment is another", "hello",
		  "untrusted comment: \n" SIGNATURE_LINE COMMENT_LINE COMMENT_SIGNATURE, ERROR_NONE,
		  NULL },
		{ "more lines follow", "hello", SIGNATURE "more\n", ERROR_NONE, NULL },
		{ "lines end with \\r\\n", "hello",
		  "untrusted comment: x\r\n"
		  "RURDNe83uye1Th+i4lZbRo4+YuAXMkz9Jdz4x5cn7yEwSU+7HrL7Sy31BpsEQOG7DPIynNUsCpaPmF"
		  "WLg+CzKutKQXsv9IEdNg8=\r\n"
		  "trusted comment: mayfly ticket for x\r\n"
		  "jJT7zcnlVtIWeNJ+gj+fZRXqgBLOoqvIDUXBxbIuOlrDFrqoKXEXjQ4eIrsPGylSOv/S59UD2jAJM+"
		  "hs5+DOBA==\r\n",
		  ERROR_NONE, NULL },
		{ "the bytes are others", "hallo", SIGNATURE, ERROR_DENIED,
		  "signed with the key 4EB527BB37EF3543: does not fit" },
		{ "the bytes were cut", "hell", SIGNATURE, ERROR_DENIED, "does not fit" },
		{ "the bytes of a legacy one are others", "hallo", LEGACY, ERROR_DENIED,
		  "does not fit" },
		{ "the trusted comment is another", "hello",
		  SIGNED_WITH SIGNATURE_LINE
		  "trusted comment: mayfly ticket for y\n" COMMENT_SIGNATURE,
		  ERROR_DENIED, "trusted comment was altered" },
		{ "a blank was added to the comment", "hello",
		  SIGNED_WITH SIGNATURE_LINE
		  "trusted comment: mayfly ticket for x \n" COMMENT_SIGNATURE,
		  ERROR_DENIED, "trusted comment was altered" },
		{ "there is no trusted comment", "hello", SIGNED_WITH SIGNATURE_LINE,
		  ERROR_MALFORMED, "\"trusted comment: ...\"" },
		{ "the comment's signature is missing", "hello",
		  SIGNED_WITH SIGNATURE_LINE COMMENT_LINE, ERROR_MALFORMED, "was cut" },
		{ "there is no untrusted comment", "hello",
		  SIGNATURE_LINE COMMENT_LINE COMMENT_SIGNATURE, ERROR_MALFORMED,
		  "\"untrusted comment: ...\"" },
		{ "there is nothing", "hello", "", ERROR_MALFORMED, "no signature file" },
		{ "it is a public key", "hello", PUBLIC_FILE, ERROR_MALFORMED,
		  "expected 100 letters of base64, and there are 56" },
		{ "it is made with another key", "hello",
		  SIGNED_WITH
		  "RUS+Q9o5y7kjRuzwWGUeXqLTIe1dnUs8bm9MGr1WCHGG9yhIPHTfvT0QWUnX21f4"
		  "3oWuJ4vCbcvIogrREV2lAyUz4AvXhAxMgwA=\n" COMMENT_LINE COMMENT_SIGNATURE,
		  ERROR_DENIED, "the key 4623B9CB39DA43BE, which is not trusted" },
		{ "its kind is another", "hello",
		  SIGNED_WITH
		  "RVRDNe83uye1Th+i4lZbRo4+YuAXMkz9Jdz4x5cn7yEwSU+7HrL7Sy31BpsEQOG7DPIynNUsCpaPmF"
		  "WLg+CzKutKQXsv9IEdNg8=\n" COMMENT_LINE COMMENT_SIGNATURE,
		  ERROR_MALFORMED, "a kind that minisign does not have" },
	};
	struct minisign_trusted trusted;

	(void)state;
	parse_trusted(PUBLIC_FILE, &trusted);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct minisign_verdict verdict = { .trusted_comment = "untouched" };
		struct error err = { 0 };
		int result = minisign_verify(slice_of(cases[i].bytes), slice_of(cases[i].signature),
					     &trusted, &verdict, &err);

		if ((result == 0) != (cases[i].class == ERROR_NONE) || err.class != cases[i].class)
			fail_msg("when %s: %d, %d, %s", cases[i].when, result, err.class,
				 err.message);
		if (result < 0) {
			assert_string_equal(verdict.trusted_comment, "untouched");
			if (!strstr(err.message, cases[i].words))
				fail_msg("when %s: %s", cases[i].when, err.message);
		}
	}
}

static void a_verdict_says_who_and_what(void **state)
{
	struct minisign_trusted trusted;
	struct minisign_verdict verdict;
	struct error err = { 0 };

	(void)state;
	parse_trusted(OTHER_LINE PUBLIC_FILE, &trusted);
	assert_int_equal(
		minisign_verify(slice_of("hello"), slice_of(SIGNATURE), &trusted, &verdict, &err),
		0);
	assert_false(verdict.is_legacy);
	assert_string_equal(verdict.trusted_comment, "mayfly ticket for x");
	assert_memory_equal(&verdict.signer, &trusted.list[1], sizeof(verdict.signer));
	assert_int_equal(
		minisign_verify(slice_of("hello"), slice_of(LEGACY), &trusted, &verdict, &err), 0);
	assert_true(verdict.is_legacy);
	assert_string_equal(verdict.trusted_comment, "timestamp:1795616560\tfile:m");
}

/* A key's id is only a name: whoever has another key with it cannot sign for it. */
static void an_id_alone_is_not_trusted(void **state)
{
	SCOPED(minisign_key) struct minisign_key thief = { 0 };
	SCOPED(buf) struct buf signature = BUF(SIZE_MAX);
	struct minisign_trusted trusted, none = { .count = 0 };
	struct minisign_verdict verdict;
	struct error err = { 0 };

	(void)state;
	parse_trusted(PUBLIC_FILE, &trusted);
	assert_int_equal(minisign_key_new(&thief, &err), 0);
	memcpy(thief.id, trusted.list[0].id, sizeof(thief.id));
	assert_int_equal(minisign_sign(slice_of("hello"), &thief, "c", &signature, &err), 0);
	assert_int_equal(
		minisign_verify(slice_of("hello"), buf_slice(&signature), &trusted, &verdict, &err),
		-1);
	assert_int_equal(err.class, ERROR_DENIED);
	assert_int_equal(
		minisign_verify(slice_of("hello"), slice_of(SIGNATURE), &none, &verdict, &err), -1);
	assert_int_equal(err.class, ERROR_DENIED);
}

static void no_flipped_bit_is_taken(void **state)
{
	char text[] = SIGNATURE;
	const size_t first = strlen(SIGNED_WITH);
	struct minisign_trusted trusted;
	struct minisign_verdict verdict;
	struct error err = { 0 };
	size_t len = strlen(text);

	(void)state;
	parse_trusted(PUBLIC_FILE, &trusted);
	for (size_t bit = first * 8; bit < (len - 1) * 8; bit++) {
		text[bit / 8] ^= (char)(1 << bit % 8);
		if (minisign_verify(slice_of("hello"), (struct slice){ text, len }, &trusted,
				    &verdict, &err) == 0)
			fail_msg("with bit %zu of byte %zu flipped it was taken", bit % 8, bit / 8);
		text[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < len - 1; cut++)
		assert_int_equal(minisign_verify(slice_of("hello"), (struct slice){ text, cut },
						 &trusted, &verdict, &err),
				 -1);
	/* The last line's end may be missing. */
	assert_int_equal(minisign_verify(slice_of("hello"), (struct slice){ text, len - 1 },
					 &trusted, &verdict, &err),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_keys_are_read),
		cmocka_unit_test(what_is_no_public_key_is_refused),
		cmocka_unit_test(the_number_of_a_key_has_no_leading_zeros),
		cmocka_unit_test(up_to_sixteen_keys_are_trusted),
		cmocka_unit_test(a_public_key_prints_as_minisign_prints_it),
		cmocka_unit_test(a_secret_key_is_read_and_printed),
		cmocka_unit_test(a_printed_key_has_its_checksum),
		cmocka_unit_test(a_key_that_lost_its_password_is_read),
		cmocka_unit_test(what_is_no_secret_key_is_refused),
		cmocka_unit_test(a_secret_key_of_another_form_is_refused),
		cmocka_unit_test(a_damaged_secret_key_is_refused),
		cmocka_unit_test(new_keys_differ_and_sign),
		cmocka_unit_test(a_signature_is_that_of_minisign),
		cmocka_unit_test(a_comment_that_is_no_line_is_not_signed),
		cmocka_unit_test(signatures_are_judged_as_minisign_judges_them),
		cmocka_unit_test(a_verdict_says_who_and_what),
		cmocka_unit_test(an_id_alone_is_not_trusted),
		cmocka_unit_test(no_flipped_bit_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
