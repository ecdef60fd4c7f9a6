#include "common/age.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "common/age_hkdf.h"
#include "common/bech32.h"

_Static_assert(AGE_KEY_BYTES == crypto_scalarmult_BYTES, "sodium's size is that of the format");

#define RECIPIENT_PREFIX "age"
#define IDENTITY_PREFIX "age-secret-key-"

/* At the few points of low order all secrets come to the same. */
static bool is_low_order(const unsigned char key[static AGE_KEY_BYTES])
{
	static const unsigned char any_secret[AGE_KEY_BYTES] = { 1 };
	unsigned char shared[crypto_scalarmult_BYTES];

	return crypto_scalarmult(shared, any_secret, key) != 0;
}

int age_recipient_parse(struct slice text, struct age_recipient *out, struct error *err)
{
	struct age_recipient recipient;

	if (bech32_read(text, RECIPIENT_PREFIX, recipient.key, sizeof(recipient.key), err) < 0)
		return -1;
	if (is_low_order(recipient.key))
		return error_set(err, ERROR_MALFORMED,
				 "a public key of low order, which nobody has");
	*out = recipient;
	return 0;
}

void age_recipient_print(const struct age_recipient *recipient, char out[static AGE_RECIPIENT_ROOM])
{
	bech32_write(RECIPIENT_PREFIX,
		     (struct slice){ (const char *)recipient->key, sizeof(recipient->key) }, out);
}

static struct slice take_line(struct slice *rest)
{
	const char *end = memchr(rest->ptr, '\n', rest->len);
	struct slice line = { rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len };
	size_t taken = line.len + (end != NULL);

	*rest = (struct slice){ rest->ptr + taken, rest->len - taken };
	return line;
}

static bool is_blank(char character)
{
	return character == ' ' || character == '\t' || character == '\r';
}

static struct slice without_blanks(struct slice line)
{
	while (line.len && is_blank(*line.ptr))
		line = (struct slice){ line.ptr + 1, line.len - 1 };
	while (line.len && is_blank(line.ptr[line.len - 1]))
		line.len--;
	return line;
}

static int add_identity(struct slice text, struct age_identities *identities, struct error *err)
{
	static const char start[] = IDENTITY_PREFIX "1";
	SCOPED(secret) struct secret key = { 0 };

	if (text.len < sizeof(start) - 1 || strncasecmp(text.ptr, start, sizeof(start) - 1) != 0)
		return error_set(err, ERROR_MALFORMED,
				 "no secret key of age: AGE-SECRET-KEY-1... is expected, as in the "
				 "image.key that keygen makes");
	if (identities->count == AGE_MAX_RECIPIENTS)
		return error_set(err, ERROR_MALFORMED, "more than %d keys", AGE_MAX_RECIPIENTS);
	if (secret_alloc(&key, AGE_KEY_BYTES, err) < 0 ||
	    bech32_read(text, IDENTITY_PREFIX, secret_fill(&key), key.len, err) < 0)
		return -1;
	identities->keys[identities->count++] = secret_take(&key);
	return 0;
}

int age_identities_parse(struct slice text, struct age_identities *out, struct error *err)
{
	SCOPED(age_identities) struct age_identities identities = { 0 };

	for (size_t number = 1; text.len; number++) {
		struct slice line = without_blanks(take_line(&text));

		if (line.len == 0 || *line.ptr == '#')
			continue;
		if (add_identity(line, &identities, err) < 0)
			return error_wrap(err, "line %zu", number);
	}
	if (identities.count == 0)
		return error_set(err, ERROR_MALFORMED,
				 "no key: a line that begins with AGE-SECRET-KEY-1 is expected");
	*out = identities;
	identities = (struct age_identities){ 0 };
	return 0;
}

void age_identities_release(struct age_identities *identities)
{
	for (size_t i = 0; i < identities->count; i++)
		secret_release(&identities->keys[i]);
	identities->count = 0;
}

static int check_key(const struct secret *key, struct error *err)
{
	if (key->len != AGE_KEY_BYTES)
		return error_set(err, ERROR_MALFORMED, "a key of %zu bytes where %d are expected",
				 key->len, AGE_KEY_BYTES);
	return 0;
}

int age_identity_recipient(const struct secret *key, struct age_recipient *out, struct error *err)
{
	struct age_recipient recipient;

	if (check_key(key, err) < 0)
		return -1;
	if (crypto_scalarmult_base(recipient.key, age_key_bytes(key)) != 0)
		return error_set(err, ERROR_SYSTEM, "libsodium makes no public key");
	*out = recipient;
	return 0;
}

int age_identity_new(struct age_identities *out, struct age_recipient *recipient, struct error *err)
{
	SCOPED(secret) struct secret key = { 0 };

	if (secret_alloc(&key, AGE_KEY_BYTES, err) < 0)
		return -1;
	randombytes_buf(secret_fill(&key), key.len);
	if (age_identity_recipient(&key, recipient, err) < 0)
		return -1;
	*out = (struct age_identities){ .keys = { secret_take(&key) }, .count = 1 };
	return 0;
}

int age_identity_print(const struct secret *key, struct secret *out, struct error *err)
{
	SCOPED(secret) struct secret text = { 0 };

	if (check_key(key, err) < 0 ||
	    secret_alloc(&text, bech32_len(strlen(IDENTITY_PREFIX), key->len), err) < 0)
		return -1;
	unsigned char *letters = secret_fill(&text);

	/* The NUL that bech32 adds is the one that follows every secret. */
	bech32_write(IDENTITY_PREFIX, secret_expose(key), (char *)letters);
	for (size_t i = 0; i < text.len; i++)
		if (letters[i] >= 'a' && letters[i] <= 'z')
			letters[i] = (unsigned char)(letters[i] - 'a' + 'A');
	*out = secret_take(&text);
	return 0;
}
