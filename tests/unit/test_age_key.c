#include "common/age.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/bech32.h"

/* The pair in the specification, and another one that age-keygen made. */
#define KEY "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
#define RECIPIENT "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
#define KEY_2 "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0"

static void recipients_are_read(void **state)
{
	static const struct {
		const char *when, *text, *words; /* NULL: taken */
	} cases[] = {
		{ "it is that of the specification", RECIPIENT, NULL },
		{ "it is in upper case",
		  "AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ", NULL },
		{ "it is in both cases",
		  "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwJ", "mixes" },
		{ "there is nothing", "", "does not begin with \"age1\"" },
		{ "it is an identity", KEY, "does not begin with \"age1\"" },
		{ "it is an ssh key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI",
		  "does not begin with" },
		{ "a letter is missing",
		  "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujw",
		  "61 characters" },
		{ "a line end is behind it", RECIPIENT "\n", "63 characters where 62" },
		{ "a blank is before it", " " RECIPIENT, "does not begin with" },
		{ "a letter was changed",
		  "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwp", "checksum" },
		{ "it belongs to a plugin",
		  "age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e",
		  "characters" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct age_recipient recipient = { { 9 } };
		struct error err = { 0 };
		char text[AGE_RECIPIENT_ROOM];
		int result = age_recipient_parse(slice_of(cases[i].text), &recipient, &err);

		age_recipient_print(&recipient, text);
		if (!cases[i].words && (result < 0 || strcmp(text, RECIPIENT) != 0))
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (cases[i].words &&
		    (result == 0 || err.class != ERROR_MALFORMED ||
		     !strstr(err.message, cases[i].words) || recipient.key[0] != 9))
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

/* Sealed to one of these, a file would open for everybody. */
static void a_recipient_of_low_order_is_refused(void **state)
{
	static const struct {
		const char *when;
		unsigned char key[AGE_KEY_BYTES];
	} cases[] = {
		{ "it is zero", { 0 } },
		{ "it is one", { 1 } },
		{ "it has order 8",
		  { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
		    0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
		    0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct age_recipient recipient;
		struct error err = { 0 };
		char text[AGE_RECIPIENT_ROOM];

		bech32_write("age", (struct slice){ (const char *)cases[i].key, AGE_KEY_BYTES },
			     text);
		if (age_recipient_parse(slice_of(text), &recipient, &err) == 0 ||
		    !strstr(err.message, "low order"))
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

static void key_files_are_read(void **state)
{
	static const struct {
		const char *when, *text;
		size_t count; /* 0: refused */
		const char *words;
	} cases[] = {
		{ "age-keygen made it",
		  "# created: 2024-01-01T00:00:00Z\n# public key: " RECIPIENT "\n" KEY "\n", 1,
		  NULL },
		{ "it has no line end", KEY, 1, NULL },
		{ "it has two keys", KEY "\n" KEY_2 "\n", 2, NULL },
		{ "blank lines are between them", KEY "\n\n  \t\n#\n" KEY_2 "\n\n", 2, NULL },
		{ "lines end with CRLF", "# x\r\n" KEY "\r\n" KEY_2 "\r\n", 2, NULL },
		{ "blanks are around a key", "  " KEY " \n", 1, NULL },
		{ "it is in lower case",
		  "age-secret-key-1gfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpq4egaex", 1,
		  NULL },
		{ "there is nothing", "", 0, "no key" },
		{ "there are only comments", "# one\n# two\n\n", 0, "no key" },
		{ "it is a recipient", "\n" RECIPIENT "\n", 0, "line 2: no secret key of age" },
		{ "it is a key of minisign", "untrusted comment: x\nRWQ\n", 0,
		  "line 1: no secret key of age: AGE-SECRET-KEY-1... is expected" },
		{ "a comment is after the key", KEY " # mine\n", 0,
		  "line 1: 81 characters where 74" },
		{ "a key was cut",
		  "#\n#\n" KEY "\n"
		  "AGE-SECRET-KEY-1GFPYY\n",
		  0, "line 4: 21" },
		{ "a letter was changed",
		  KEY_2 "\n"
			"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZ"
			"GFPYYSJZGFPYYSJZGFPQ4EGAEQ",
		  0, "line 2: its checksum" },
		{ "it is for a hybrid key",
		  "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR\n",
		  0, "line 1: no secret key of age" },
		{ "it is for a plugin", "AGE-PLUGIN-YUBIKEY-1QQQQQQ\n", 0, "line 1: no secret" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(age_identities) struct age_identities identities = { 0 };
		struct error err = { 0 };
		int result = age_identities_parse(slice_of(cases[i].text), &identities, &err);

		if (identities.count != cases[i].count || (result == 0) != (cases[i].count > 0))
			fail_msg("when %s: %zu keys, %s", cases[i].when, identities.count,
				 err.message);
		if (result == 0)
			continue;
		if (err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].words) ||
		    strstr(err.message, "GFPYY"))
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

static void there_may_be_64_keys_and_no_more(void **state)
{
	SCOPED(age_identities) struct age_identities identities = { 0 };
	SCOPED(buf) struct buf text = BUF(8192);
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < AGE_MAX_RECIPIENTS; i++)
		buf_addf(&text, KEY "\n");
	assert_int_equal(age_identities_parse(buf_slice(&text), &identities, &err), 0);
	assert_int_equal(identities.count, AGE_MAX_RECIPIENTS);
	age_identities_release(&identities);
	assert_int_equal(identities.count, 0);
	assert_null(identities.keys[0].guarded);
	buf_addf(&text, KEY "\n");
	assert_int_equal(age_identities_parse(buf_slice(&text), &identities, &err), -1);
	assert_non_null(strstr(err.message, "line 65: more than 64 keys"));
}

static void a_key_has_its_recipient(void **state)
{
	SCOPED(age_identities) struct age_identities identities = { 0 };
	SCOPED(secret) struct secret text = { 0 }, odd = { 0 };
	struct age_recipient recipient;
	struct error err = { 0 };
	char printed[AGE_RECIPIENT_ROOM];

	(void)state;
	assert_int_equal(age_identities_parse(slice_of(KEY), &identities, &err), 0);
	assert_int_equal(age_identity_recipient(&identities.keys[0], &recipient, &err), 0);
	age_recipient_print(&recipient, printed);
	assert_string_equal(printed, RECIPIENT);
	assert_int_equal(age_identity_print(&identities.keys[0], &text, &err), 0);
	assert_int_equal(text.len, strlen(KEY));
	assert_string_equal(secret_text(&text), KEY);
	assert_int_equal(secret_alloc(&odd, 31, &err), 0);
	assert_int_equal(age_identity_recipient(&odd, &recipient, &err), -1);
	assert_int_equal(age_identity_print(&odd, &text, &err), -1);
}

static void each_new_key_is_another(void **state)
{
	SCOPED(age_identities) struct age_identities one = { 0 }, other = { 0 }, read = { 0 };
	SCOPED(secret) struct secret text = { 0 };
	struct age_recipient recipients[2], again;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(age_identity_new(&one, &recipients[0], &err), 0);
	assert_int_equal(age_identity_new(&other, &recipients[1], &err), 0);
	assert_memory_not_equal(recipients[0].key, recipients[1].key, AGE_KEY_BYTES);
	assert_int_equal(age_identity_print(&one.keys[0], &text, &err), 0);
	assert_int_equal(age_identities_parse(secret_expose(&text), &read, &err), 0);
	assert_int_equal(age_identity_recipient(&read.keys[0], &again, &err), 0);
	assert_memory_equal(again.key, recipients[0].key, AGE_KEY_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipients_are_read),
		cmocka_unit_test(a_recipient_of_low_order_is_refused),
		cmocka_unit_test(key_files_are_read),
		cmocka_unit_test(there_may_be_64_keys_and_no_more),
		cmocka_unit_test(a_key_has_its_recipient),
		cmocka_unit_test(each_new_key_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
