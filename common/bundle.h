#ifndef COMMON_BUNDLE_H
#define COMMON_BUNDLE_H

#include "common/secret.h"

/*
 * bundle: the credentials that a machine works with. templates/bundle.schema.json
 * is its form; its strings are moved to struct secret and the JSON is wiped.
 * In this release a plain file, 0600, for machines on the operator's own
 * computer; sealing comes with its own issue.
 */

struct bundle_variable {
	char name[128];
	struct secret value;
};

struct bundle_registry {
	/* As written: "registry.example.com:5000"; "docker.io" is Docker Hub. Compare without
	 * regard to case; no two are the same so. */
	char server[256], user[256];
	struct secret password;
};

struct bundle {
	char access_key[128]; /* of ClearML: a name, not a secret */
	struct secret secret_key;
	char git_user[128], git_host[256]; /* "" when absent; host "": any */
	struct secret git_token; /* len 0 when absent */
	struct bundle_variable *environment; /* for tasks: clearml.conf's section of that name */
	size_t environment_count;
	struct bundle_registry *registries; /* logins of container registries */
	size_t registry_count;
	struct secret extra_conf; /* text of a JSON object, laid over clearml.conf; len 0: none */
};

/* The text is borrowed; wipe it afterwards. ERROR_CONFIGURATION names the path, never a value. */
CHECKED int bundle_parse(struct slice text, const char *source, struct bundle *out,
			 struct error *err);
CHECKED int bundle_load(const char *path, struct bundle *out, struct error *err); /* checks 0600 */
void bundle_release(struct bundle *bundle); /* wipes */

#endif
