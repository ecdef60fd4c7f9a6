/* Any bytes as the first stanzas of a file that is else in order: after them comes a stanza for
 * our key, and then the right MAC over all of it. Whether that opens is worked out here once more,
 * apart from our parser, line by line and with libsodium's base64. */
#include "common/age.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/age_payload.h"
#include "common/age_wrap.h"
#include "common/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VERSION "age-encryption.org/v1\n"

static struct {
	struct age_identities identities;
	struct secret file_key;
	struct buf stanza, payload;
} ours;

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void add_base64(const unsigned char bytes[32], struct buf *out)
{
	unsigned char text[44];

	base64_write((struct slice){ (const char *)bytes, 32 }, BASE64_PLAIN, text);
	buf_add(out, (struct slice){ (const char *)text, 43 });
}

static void prepare(void)
{
	struct age_recipient recipient;
	struct age_stanza stanza;
	struct error err;

	require(age_identity_new(&ours.identities, &recipient, &err) == 0);
	require(secret_copy(&ours.file_key, slice_of("sixteen letters."), &err) == 0);
	require(age_wrap(&ours.file_key, &recipient, &stanza, &err) == 0);
	ours.stanza = BUF(1024);
	buf_addf(&ours.stanza, "-> X25519 ");
	add_base64(stanza.share, &ours.stanza);
	buf_addf(&ours.stanza, "\n");
	add_base64(stanza.wrapped, &ours.stanza);
	buf_addf(&ours.stanza, "\n");
	ours.payload = BUF(1024);
	require(age_payload_seal(slice_of("text"), &ours.file_key, &ours.payload, &err) == 0);
}

static void make_file(struct slice stanzas, struct buf *out)
{
	SCOPED(secret) struct secret key = { 0 };
	unsigned char mac[AGE_MAC_BYTES];
	struct error err;

	buf_addf(out, VERSION);
	buf_add(out, stanzas);
	buf_add(out, buf_slice(&ours.stanza));
	buf_addf(out, "---");
	require(age_hkdf(&ours.file_key, slice_of(""), slice_of("header"), &key, &err) == 0);
	age_hmac(&key, buf_slice(out), mac);
	buf_addf(out, " ");
	add_base64(mac, out);
	buf_addf(out, "\n");
	buf_add(out, buf_slice(&ours.payload));
	require(buf_finish(out, &err) == 0);
}

/* Bytes, or -1. libsodium 1.0.18 takes bytes above ASCII for letters, where char is signed. */
static long decoded_len(const char *text, size_t len)
{
	unsigned char bytes[128];
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] > 127)
			return -1;
	if (sodium_base642bin(bytes, sizeof(bytes), text, len, NULL, &count, NULL,
			      sodium_base64_VARIANT_ORIGINAL_NO_PADDING) < 0)
		return -1;
	return (long)count;
}

/* What was found in stanzas that are all in order. */
struct found {
	size_t stanzas, x25519;
	bool has_scrypt;
};

/* One stanza at text, which a NUL ends; NULL when it is none. */
static const char *walk_stanza(const char *text, struct found *found)
{
	size_t words = 0, width, share_len = 0, kind_len = 0, body_len = 0;
	const char *kind = text + 3, *at = text + 2, *share = NULL;

	if (strncmp(text, "-> ", 3) != 0)
		return NULL;
	for (; *at == ' '; words++) {
		const char *word = ++at;

		while (*at >= 33 && *at <= 126)
			at++;
		if (at == word)
			return NULL;
		kind_len = words == 0 ? (size_t)(at - word) : kind_len;
		share = words == 1 ? word : share;
		share_len = words == 1 ? (size_t)(at - word) : share_len;
	}
	if (*at++ != '\n')
		return NULL;
	do {
		width = strcspn(at, "\n");
		long len = width <= 64 && at[width] ? decoded_len(at, width) : -1;

		if (len < 0)
			return NULL;
		body_len += (size_t)len;
		at += width + 1;
	} while (width == 64);
	found->stanzas++;
	found->has_scrypt |= kind_len == 6 && strncmp(kind, "scrypt", 6) == 0;
	if (kind_len != 6 || strncmp(kind, "X25519", 6) != 0)
		return at;
	found->x25519++;
	bool is_sound =
		words == 2 && share_len == 43 && decoded_len(share, 43) == 32 && body_len == 32;

	return is_sound ? at : NULL;
}

/* Whether the file must open, short of what only a calculation can tell. */
static bool is_in_order(struct slice stanzas, struct found *found)
{
	SCOPED(buf) struct buf text = BUF(1 << 20);

	if (stanzas.len && memchr(stanzas.ptr, '\0', stanzas.len))
		return false;
	buf_add(&text, stanzas);
	buf_add(&text, buf_slice(&ours.stanza));
	const char *at = buf_text(&text);

	while (at && *at)
		at = walk_stanza(at, found);
	return at && !(found->has_scrypt && found->stanzas > 1) && found->x25519 <= AGE_MAX_STANZAS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(buf) struct buf file = BUF(2 << 20);
	SCOPED(secret) struct secret plain = { 0 };
	struct slice stanzas = { (const char *)data, size };
	struct found found = { 0 };
	struct error err = { 0 };

	if (size > 1 << 19)
		return 0;
	if (!ours.identities.count)
		prepare();
	make_file(stanzas, &file);
	bool is_sound = is_in_order(stanzas, &found);
	int result = age_unseal(buf_slice(&file), &ours.identities, &plain, &err);

	if (result == 0) {
		require(is_sound && slice_equals(secret_expose(&plain), "text"));
		return 0;
	}
	require(!plain.guarded && err.message[0]);
	require(err.class == ERROR_MALFORMED || err.class == ERROR_DENIED);
	/* The last line may have taken our stanza into another one; and a share may be no key. */
	if (is_sound && err.class == ERROR_DENIED)
		require(size > 0 && data[size - 1] != '\n');
	else if (is_sound)
		require(found.x25519 > 1 && strstr(err.message, "low order"));
	return 0;
}
