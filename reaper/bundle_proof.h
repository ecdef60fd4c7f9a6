#ifndef REAPER_BUNDLE_PROOF_H
#define REAPER_BUNDLE_PROOF_H

#include "common/bundle.h"
#include "common/envelope.h"
#include "reaper/settings/settings.h"

/* bundle_proof: what machines will prove of a sealed bundle, proven here. */

/* Looks like what age seals; that it opens is the machine's to prove, since we have no key. */
bool bundle_is_sealed(struct slice bytes);

/* Signed by our own signing key, for our prefix. As envelope_check_bundle(). */
CHECKED int bundle_prove_signature(const struct settings *settings, struct slice sealed,
				   struct slice signature, struct error *err);

/* Opens with the keys in the file (0600), is a bundle, and is for our prefix. ERROR_DENIED: these
 * keys do not open it. */
CHECKED int bundle_unseal(const struct settings *settings, struct slice sealed,
			  const char *identity_file, struct bundle *out, struct error *err);

#endif
