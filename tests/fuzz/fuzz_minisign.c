/* The bytes as public keys, as a secret key, as a signature, and as what is signed. Keys that are
 * read print to what reads as the same; a signature that is taken is one of the two that the key
 * ever made of that message; what we sign verifies, and no other bytes do. */
#include "common/minisign.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define MESSAGE "hello"

static const char secret_file[] =
	"untrusted comment: a key of nobody\n"
	"RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQzXvN7sntU6RN8UQ"
	"jc1wuvK8XwZAnAQHCNxhmFOnVDcXJItqaHbiKvgUR9AtN9HHqltwIIMzrqoERGJwAwZFhfW4E3Pxb9fZAAAAAA"
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
static const char *const comments[] = { "mayfly ticket for x", "timestamp:1795616560\tfile:m" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_public(struct slice text)
{
	SCOPED(buf) struct buf printed = BUF(SIZE_MAX);
	struct minisign_trusted keys, again;
	struct error err = { 0 };

	if (minisign_trusted_parse(text, &keys, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0]);
		return;
	}
	assert(keys.count > 0 && keys.count <= MINISIGN_MAX_KEYS);
	for (size_t i = 0; i < keys.count; i++)
		minisign_public_print(&keys.list[i], &printed);
	assert(minisign_trusted_parse(buf_slice(&printed), &again, &err) == 0);
	assert(again.count == keys.count);
	assert(!memcmp(again.list, keys.list, keys.count * sizeof(keys.list[0])));
}

static void read_secret(struct slice text)
{
	SCOPED(minisign_key) struct minisign_key key = { 0 }, again = { 0 };
	SCOPED(secret) struct secret printed = { 0 };
	struct error err = { 0 };

	if (minisign_key_parse(text, &key, &err) < 0) {
		assert(err.class == ERROR_MALFORMED || err.class == ERROR_CONFIGURATION);
		assert(!key.key.guarded);
		return;
	}
	assert(minisign_key_print(&key, &printed, &err) == 0);
	assert(minisign_key_parse(secret_expose(&printed), &again, &err) == 0);
	assert(!memcmp(again.id, key.id, sizeof(key.id)) && again.key.len == key.key.len);
	assert(!memcmp(secret_text(&again.key), secret_text(&key.key), key.key.len));
}

static void read_signature(struct slice text, const struct minisign_trusted *trusted)
{
	struct minisign_verdict verdict, other;
	struct error err = { 0 };

	if (minisign_verify(slice_of(MESSAGE), text, trusted, &verdict, &err) < 0) {
		assert(err.class == ERROR_MALFORMED || err.class == ERROR_DENIED);
		assert(err.message[0]);
		return;
	}
	assert(strcmp(verdict.trusted_comment, comments[verdict.is_legacy]) == 0);
	assert(!memcmp(&verdict.signer, &trusted->list[0], sizeof(verdict.signer)));
	assert(minisign_verify(slice_of(MESSAGE "!"), text, trusted, &other, &err) < 0);
	assert(err.class == ERROR_DENIED);
}

/* The bytes up to the first NUL are the comment, too. */
static void sign(struct slice bytes, const struct minisign_key *key,
		 const struct minisign_trusted *trusted)
{
	SCOPED(buf) struct buf text = BUF(SIZE_MAX), signature = BUF(SIZE_MAX);
	struct minisign_verdict verdict;
	struct error err = { 0 };

	buf_add(&text, bytes);
	if (minisign_sign(bytes, key, buf_text(&text), &signature, &err) < 0) {
		assert(err.class == ERROR_CONFIGURATION && !signature.len);
		return;
	}
	assert(minisign_verify(bytes, buf_slice(&signature), trusted, &verdict, &err) == 0);
	assert(!verdict.is_legacy && !strcmp(verdict.trusted_comment, buf_text(&text)));
	buf_addf(&text, "%c", '!');
	assert(minisign_verify(buf_slice(&text), buf_slice(&signature), trusted, &verdict, &err) <
	       0);
	assert(err.class == ERROR_DENIED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(minisign_key) struct minisign_key key = { 0 };
	struct slice bytes = { (const char *)data, size };
	struct minisign_trusted trusted = { .count = 1 };
	struct error err = { 0 };

	assert(minisign_key_parse(slice_of(secret_file), &key, &err) == 0);
	minisign_key_public(&key, &trusted.list[0]);
	read_public(bytes);
	read_secret(bytes);
	read_signature(bytes, &trusted);
	sign(bytes, &key, &trusted);
	return 0;
}
