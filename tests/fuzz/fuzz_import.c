/* What is imported is JSON with comments that reads back, and no secret is in it or in a note. */
#include "reaper/import/import_bundle.h"
#include "reaper/import/import_config.h"
#include "reaper/import/import_print.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum import_key secrets[] = { IMPORT_CREDENTIALS_SECRET, IMPORT_CREDENTIALS_TOKEN,
					   IMPORT_GIT_PASS };

/* Long enough not to be there by chance, and in nothing else that was given, nor by an alias. */
static bool is_telling(const char *secret, struct slice given)
{
	const char *first;

	if (!secret || strlen(secret) < 12 || memchr(given.ptr, '*', given.len))
		return false;
	first = memmem(given.ptr, given.len, secret, strlen(secret));
	if (!first)
		return false;
	size_t rest = given.len - (size_t)(first + 1 - given.ptr);
	return !memmem(first + 1, rest, secret, strlen(secret));
}

static void has_no_secret(const struct import_source *source, const char *text, struct slice given)
{
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		const struct json *value = source->values.by_key[secrets[i]];
		const char *secret = value ? json_text_value(value) : NULL;

		if (is_telling(secret, given))
			assert(!strstr(text, secret));
	}
}

static void is_configuration(const struct import_source *source, const struct json *config,
			     const struct import_notes *notes, struct slice given)
{
	SCOPED(buf) struct buf text = BUF(SIZE_MAX), plain = BUF(SIZE_MAX), again = BUF(SIZE_MAX);
	struct json_document read = { 0 };
	struct error err = { 0 };

	import_print(config, "head", notes, &text);
	assert(json_parse_commented(buf_slice(&text), &read, &err) == 0);
	json_print(config, false, &plain);
	json_print(read.root, false, &again);
	assert(plain.len == again.len && !memcmp(plain.bytes, again.bytes, plain.len));
	has_no_secret(source, buf_text(&text), given);
	json_document_wipe(&read);
}

static void import_all(const struct import_source *source, struct import_notes *notes,
		       struct slice given)
{
	const struct import_clearml no_keys = { NULL, NULL };
	SCOPED(buf) struct buf bundle = BUF(SIZE_MAX);
	struct json_document config = { 0 };
	struct error err = { 0 };
	char prefix[IMPORT_NAME_ROOM];

	import_prefix(source, NULL, notes, prefix);
	assert(prefix[0] && strlen(prefix) < sizeof(prefix));
	if (import_bundle(source, prefix, &no_keys, &bundle, notes, &err) < 0)
		assert(err.class == ERROR_CONFIGURATION || err.class == ERROR_MALFORMED);
	if (import_config(source, prefix, &config, notes, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && !config.root);
		return;
	}
	is_configuration(source, config.root, notes, given);
	json_document_wipe(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice given = { (const char *)data, size };
	struct import_source *source = memory_array(1, sizeof(*source));
	SCOPED(import_notes) struct import_notes notes = { 0 };
	struct error err = { 0 };

	if (import_source_read(given, source, &notes, &err) == 0)
		import_all(source, &notes, given);
	else
		assert(err.class == ERROR_MALFORMED && err.message[0]);
	import_source_release(source);
	free(source);
	return 0;
}
