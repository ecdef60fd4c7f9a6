#ifndef TESTS_UNIT_SUPPORT_SEALED_FILES_H
#define TESTS_UNIT_SUPPORT_SEALED_FILES_H

#include "common/age.h"
#include "common/minisign.h"

/*
 * sealed_files: what keygen and seal leave in a folder, made by the modules
 * below them: signing.key, trusted.pub, image.key, and bundles. Whatever fails
 * in here ends the test.
 */

struct sealed_files {
	const char *folder; /* borrowed */
	struct minisign_key signing_key;
	struct age_identities image;
	struct age_recipient recipient;
};

/* The three key files; secret_prepare_process() was called. */
void sealed_files_make(const char *folder, struct sealed_files *out);
void sealed_files_release(struct sealed_files *files);

/* FOLDER/NAME, sealed to the image, and FOLDER/NAME.minisig with this trusted comment; key NULL:
 * our signing key. */
void sealed_files_bundle(const struct sealed_files *files, const char *name, const char *plain,
			 const struct minisign_key *key, const char *comment);

/* Writes FOLDER/NAME. */
void sealed_files_write(const struct sealed_files *files, const char *name, struct slice bytes);

#endif
