/* Key files: each key that is taken stands in the text, alone on its line, and is written back
 * the same. What is refused says where, and repeats no key. A recipient likewise. */
#include "common/age.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* The next line that is a key, and what is left of the text after it. */
static struct slice next_key(struct slice *rest)
{
	static const char prefix[] = "age-secret-key-1";

	for (; rest->len >= AGE_IDENTITY_ROOM - 1; rest->ptr++, rest->len--) {
		if (strncasecmp(rest->ptr, prefix, strlen(prefix)) != 0)
			continue;
		struct slice key = { rest->ptr, AGE_IDENTITY_ROOM - 1 };

		/* In a comment one may begin that reaches into the next line. */
		*rest = (struct slice){ rest->ptr + 1, rest->len - 1 };
		return key;
	}
	return (struct slice){ "", 0 };
}

static void check_key(const struct secret *key, struct slice *rest)
{
	SCOPED(secret) struct secret text = { 0 };
	struct error err;

	require(age_identity_print(key, &text, &err) == 0);
	/* Comments may hold others that are no key of the file. */
	for (;;) {
		struct slice written = next_key(rest);

		require(written.len == text.len);
		if (strncasecmp(written.ptr, secret_text(&text), text.len) == 0)
			return;
	}
}

static void check_recipient(struct slice text)
{
	struct age_recipient recipient = { { 0 } };
	struct error err = { 0 };
	char back[AGE_RECIPIENT_ROOM];

	if (age_recipient_parse(text, &recipient, &err) < 0) {
		require(err.class == ERROR_MALFORMED && err.message[0] && !recipient.key[0]);
		return;
	}
	age_recipient_print(&recipient, back);
	require(strlen(back) == text.len && strncasecmp(back, text.ptr, text.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(age_identities) struct age_identities identities = { 0 };
	struct slice text = { (const char *)data, size };
	struct error err = { 0 };

	check_recipient(text);
	if (age_identities_parse(text, &identities, &err) < 0) {
		require(err.class == ERROR_MALFORMED && identities.count == 0);
		require(!strncmp(err.message, "line ", 5) || !strncmp(err.message, "no key", 6));
		return 0;
	}
	require(identities.count >= 1 && identities.count <= AGE_MAX_RECIPIENTS);
	for (size_t i = 0; i < identities.count; i++)
		check_key(&identities.keys[i], &text);
	return 0;
}
