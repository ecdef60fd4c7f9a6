#ifndef BOOTSTRAP_TRUST_H
#define BOOTSTRAP_TRUST_H

#include "common/age.h"
#include "common/minisign.h"

/*
 * trust: what is baked into a machine before any ticket comes: whose
 * signatures it believes, and the keys that open bundles sealed for it. Both
 * files may hold several keys, so that new ones can be brought in before old ones go.
 */

struct trust_files {
	const char *trusted_keys; /* minisign public keys; /etc/mayfly/trusted.pub */
	/* age identities, 0400 or 0600; /etc/mayfly/image.key. Or aws-secretsmanager:NAME (or an
	 * ARN): a secret that the instance's role may read (aws_store.h), nothing is baked. */
	const char *image_key;
};

#define TRUST_TRUSTED_KEYS "/etc/mayfly/trusted.pub"
#define TRUST_IMAGE_KEY "/etc/mayfly/image.key"

/* ERROR_CONFIGURATION (a damaged file, one that others than its owner may write, or we not read),
 * ERROR_NOT_FOUND with what to do. The owner must be root or ourselves. */
CHECKED int trust_signers(const struct trust_files *files, struct minisign_trusted *out,
			  struct error *err);

/* The same for the secret half: closed to group and others, and ours. Release it right after use.
 * From a store also the errors of aws_store_secret(). */
CHECKED int trust_identities(const struct trust_files *files, struct age_identities *out,
			     struct error *err);

#endif
