#ifndef BOOTSTRAP_CLEARML_CONF_PART_H
#define BOOTSTRAP_CLEARML_CONF_PART_H

#include "common/bundle.h"
#include "common/json.h"

/* clearml_conf_part: sections of clearml.conf, added to its tree. Private to clearml_conf*.c. */

CHECKED int clearml_conf_add_secret(struct json *object, const char *name,
				    const struct secret *secret, struct error *err);

/* sdk.aws.s3, sdk.google.storage, sdk.azure.storage: where the bundle has such. */
CHECKED int clearml_conf_add_storage(const struct bundle *bundle, struct json *sdk,
				     struct error *err);

/* The section files: the bundle's own, and the netrc file of git's further logins. */
CHECKED int clearml_conf_add_files(const struct bundle *bundle, struct json *root,
				   struct error *err);

#endif
