#include "tests/unit/support/sealed_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"

enum { MOST_BYTES = 1 << 20 };

static void require(int result, const struct error *err)
{
	if (result < 0)
		fail_msg("%s", err->message);
}

void sealed_files_write(const struct sealed_files *files, const char *name, struct slice bytes)
{
	struct error err;

	require(file_write(scratch_path(files->folder, name), bytes, 0600, &err), &err);
}

static void make_image(struct sealed_files *out)
{
	SCOPED(secret) struct secret text = { 0 };
	struct error err;

	require(age_identity_new(&out->image, &out->recipient, &err), &err);
	require(age_identity_print(&out->image.keys[0], &text, &err), &err);
	sealed_files_write(out, "image.key", secret_expose(&text));
}

static void make_signing(struct sealed_files *out)
{
	SCOPED(secret) struct secret text = { 0 };
	SCOPED(buf) struct buf public_text = BUF(MOST_BYTES);
	struct minisign_public public;
	struct error err;

	require(minisign_key_new(&out->signing_key, &err), &err);
	require(minisign_key_print(&out->signing_key, &text, &err), &err);
	sealed_files_write(out, "signing.key", secret_expose(&text));
	minisign_key_public(&out->signing_key, &public);
	minisign_public_print(&public, &public_text);
	sealed_files_write(out, "trusted.pub", buf_slice(&public_text));
}

void sealed_files_make(const char *folder, struct sealed_files *out)
{
	*out = (struct sealed_files){ .folder = folder };
	make_image(out);
	make_signing(out);
}

void sealed_files_release(struct sealed_files *files)
{
	minisign_key_release(&files->signing_key);
	age_identities_release(&files->image);
}

void sealed_files_bundle(const struct sealed_files *files, const char *name, const char *plain,
			 const struct minisign_key *key, const char *comment)
{
	SCOPED(buf) struct buf sealed = BUF(MOST_BYTES), signature = BUF(MOST_BYTES);
	struct age_recipients recipients = { &files->recipient, 1 };
	char beside[64];
	struct error err;

	require(age_seal(slice_of(plain), &recipients, AGE_BINARY, &sealed, &err), &err);
	require(minisign_sign(buf_slice(&sealed), key ? key : &files->signing_key, comment,
			      &signature, &err),
		&err);
	snprintf(beside, sizeof(beside), "%s.minisig", name);
	sealed_files_write(files, name, buf_slice(&sealed));
	sealed_files_write(files, beside, buf_slice(&signature));
}
