#include "common/age.h"

#include <sodium.h>

#include "common/age_armor.h"
#include "common/age_header.h"
#include "common/age_payload.h"
#include "common/age_wrap.h"

static int write_header(const struct age_recipients *recipients, const struct secret *file_key,
			struct buf *out, struct error *err)
{
	struct age_stanza stanzas[AGE_MAX_RECIPIENTS];

	for (size_t i = 0; i < recipients->count; i++)
		if (age_wrap(file_key, &recipients->list[i], &stanzas[i], err) < 0)
			return error_wrap(err, "recipient %zu", i + 1);
	return age_header_write(stanzas, recipients->count, file_key, out, err);
}

static int seal_binary(struct slice plain, const struct age_recipients *recipients, struct buf *out,
		       struct error *err)
{
	SCOPED(secret) struct secret file_key = { 0 };

	if (secret_alloc(&file_key, AGE_FILE_KEY_BYTES, err) < 0)
		return -1;
	randombytes_buf(secret_fill(&file_key), file_key.len);
	if (write_header(recipients, &file_key, out, err) < 0 ||
	    age_payload_seal(plain, &file_key, out, err) < 0)
		return -1;
	return buf_finish(out, err);
}

static int seal_form(struct slice plain, const struct age_recipients *recipients,
		     enum age_form form, struct buf *out, struct error *err)
{
	SCOPED(buf) struct buf binary = BUF(AGE_SEALED_BYTES);
	SCOPED(buf) struct buf text = BUF(AGE_SEALED_BYTES);

	if (seal_binary(plain, recipients, &binary, err) < 0)
		return -1;
	if (form == AGE_ARMORED)
		age_armor_write(buf_slice(&binary), &text);
	if (buf_finish(&text, err) < 0)
		return -1;
	buf_add(out, buf_slice(form == AGE_ARMORED ? &text : &binary));
	return buf_finish(out, err);
}

int age_seal(struct slice plain, const struct age_recipients *recipients, enum age_form form,
	     struct buf *out, struct error *err)
{
	if (recipients->count < 1 || recipients->count > AGE_MAX_RECIPIENTS)
		return error_set(err, ERROR_CONFIGURATION,
				 "%zu recipients to seal to, where 1 to %d are expected",
				 recipients->count, AGE_MAX_RECIPIENTS);
	if (seal_form(plain, recipients, form, out, err) < 0)
		return error_wrap(err, "seal with age");
	return 0;
}

static int try_identity(const struct age_header *header, const struct secret *identity,
			struct secret *file_key, struct error *err)
{
	struct age_recipient recipient;

	if (age_identity_recipient(identity, &recipient, err) < 0)
		return -1;
	for (size_t i = 0; i < header->count; i++) {
		if (age_unwrap(&header->stanzas[i], identity, &recipient, file_key, err) == 0)
			return 0;
		if (err->class != ERROR_DENIED)
			return error_wrap(err, "X25519 stanza %zu of the header", i + 1);
	}
	return error_set(err, ERROR_DENIED, "wrapped for other keys");
}

static int find_file_key(const struct age_header *header, const struct age_identities *identities,
			 struct secret *file_key, struct error *err)
{
	for (size_t i = 0; i < identities->count; i++) {
		if (try_identity(header, &identities->keys[i], file_key, err) == 0)
			return 0;
		if (err->class != ERROR_DENIED)
			return -1;
	}
	if (header->has_passphrase)
		return error_set(err, ERROR_DENIED, "sealed with a passphrase, not for a key");
	return error_set(
		err, ERROR_DENIED,
		"sealed for %zu X25519 recipients and %zu others, for none of our %zu keys",
		header->count, header->skipped, identities->count);
}

static int unseal_binary(struct slice sealed, const struct age_identities *identities,
			 struct secret *out, struct error *err)
{
	SCOPED(secret) struct secret file_key = { 0 };
	struct age_header header;

	if (age_header_parse(sealed, &header, err) < 0 ||
	    find_file_key(&header, identities, &file_key, err) < 0 ||
	    age_header_verify(&header, &file_key, err) < 0)
		return -1;
	return age_payload_open(header.payload, &file_key, out, err);
}

static int unseal_form(struct slice sealed, const struct age_identities *identities,
		       struct secret *out, struct error *err)
{
	SCOPED(buf) struct buf binary = BUF(AGE_SEALED_BYTES);

	if (sealed.len > AGE_SEALED_BYTES)
		return error_set(err, ERROR_MALFORMED, "%zu bytes where at most %d are expected",
				 sealed.len, AGE_SEALED_BYTES);
	if (!age_armor_is_begun(sealed))
		return unseal_binary(sealed, identities, out, err);
	if (age_armor_read(sealed, &binary, err) < 0)
		return -1;
	return unseal_binary(buf_slice(&binary), identities, out, err);
}

int age_unseal(struct slice sealed, const struct age_identities *identities, struct secret *out,
	       struct error *err)
{
	if (unseal_form(sealed, identities, out, err) < 0)
		return error_wrap(err, "open the age file");
	return 0;
}
