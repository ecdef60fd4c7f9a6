#include "reaper/bundle_proof.h"

#include <string.h>

#include "common/age.h"
#include "common/file.h"

enum { IDENTITY_FILE_BYTES = 65536 };

static bool begins_with(struct slice bytes, const char *start)
{
	return bytes.len >= strlen(start) && !memcmp(bytes.ptr, start, strlen(start));
}

bool bundle_is_sealed(struct slice bytes)
{
	while (bytes.len && strchr(" \t\r\n", *bytes.ptr))
		bytes = (struct slice){ bytes.ptr + 1, bytes.len - 1 };
	return begins_with(bytes, "age-encryption.org/v1\n") ||
	       begins_with(bytes, "-----BEGIN AGE ENCRYPTED FILE-----");
}

int bundle_prove_signature(const struct settings *settings, struct slice sealed,
			   struct slice signature, struct error *err)
{
	struct minisign_trusted ours = { .count = 1 };
	struct ticket ticket = { 0 };

	minisign_key_public(&settings->signing_key, &ours.list[0]);
	memcpy(ticket.prefix, settings->prefix, sizeof(ticket.prefix));
	hash_sha256(sealed, ticket.bundle.digest);
	return envelope_check_bundle(&ticket, sealed, signature, &ours, err);
}

static int open_sealed(struct slice sealed, const char *identity_file, struct secret *out,
		       struct error *err)
{
	SCOPED(buf) struct buf text = BUF(IDENTITY_FILE_BYTES);
	SCOPED(age_identities) struct age_identities identities = { 0 };

	if (file_read_private(identity_file, &text, err) < 0)
		return -1;
	if (age_identities_parse(buf_slice(&text), &identities, err) < 0 ||
	    age_unseal(sealed, &identities, out, err) < 0)
		return error_wrap(err, "with %s", identity_file);
	return 0;
}

int bundle_unseal(const struct settings *settings, struct slice sealed, const char *identity_file,
		  struct bundle *out, struct error *err)
{
	SCOPED(secret) struct secret plain = { 0 };
	SCOPED(bundle) struct bundle bundle = { 0 };

	if (open_sealed(sealed, identity_file, &plain, err) < 0 ||
	    bundle_parse(secret_expose(&plain), "what is sealed in it", &bundle, err) < 0)
		return -1;
	if (strcmp(bundle.prefix, settings->prefix) != 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "it is for prefix \"%.64s\", and this configuration's is \"%s\"",
				 bundle.prefix, settings->prefix);
	*out = bundle;
	bundle = (struct bundle){ 0 };
	return 0;
}
