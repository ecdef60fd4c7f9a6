#ifndef COMMON_BUNDLE_H
#define COMMON_BUNDLE_H

#include "common/secret.h"

/*
 * bundle: the credentials that a machine works with. templates/bundle.schema.json
 * is its form; its strings are moved to struct secret and the JSON is wiped.
 * It travels sealed (age.h) and is signed (envelope.h). Values that
 * clearml-agent cannot carry are refused when it is read, which is when it is
 * sealed too: NOTES of ClearML's parser are in clearml_conf.h.
 */

enum { BUNDLE_TEXT_BYTES = 512 * 1024 /* of the JSON, at most */ };

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

/* A login at a git host over https. */
struct bundle_git {
	char host[256]; /* with ":port" where there is one; "": any (then it is the only one) */
	char user[128];
	struct secret token;
};

struct bundle_ssh {
	struct secret key; /* OpenSSH's private key file, without a passphrase; len 0: none */
	char *known_hosts; /* owned; lines as in ~/.ssh/known_hosts; NULL: none */
};

/* One entry of sdk.aws.s3: the default (bucket and host "") or one bucket's or endpoint's. */
struct bundle_s3 {
	char bucket[256], host[256]; /* host: an endpoint, with its port */
	char region[64], key[128]; /* the key's name */
	struct secret secret_key, token; /* token: of temporary credentials; len 0: none */
	bool is_plain, is_unverified; /* http instead of https; any certificate */
};

struct bundle_gcs {
	char bucket[256], subdir[256], project[128]; /* bucket "": the default */
	struct secret credentials; /* the JSON text of a service account's key */
};

struct bundle_azure {
	char account[128], container[128]; /* container "": all of the account */
	struct secret key;
};

/* A file that the agent writes for itself and its task. */
struct bundle_file {
	char name[64], path[512];
	char mode[8]; /* "0600" */
	struct secret contents; /* any bytes */
};

struct bundle {
	char prefix[65]; /* the installation that it is for: another one's ticket cannot use it */
	char access_key[128]; /* of ClearML: a name, not a secret */
	struct secret secret_key;
	/* The three of the first release, until git takes their place. */
	char git_user[128], git_host[256];
	struct secret git_token;
	struct bundle_git *git;
	size_t git_count;
	struct bundle_ssh ssh;
	struct bundle_s3 *s3;
	size_t s3_count;
	struct bundle_gcs *gcs;
	size_t gcs_count;
	struct bundle_azure *azure;
	size_t azure_count;
	struct bundle_variable *environment; /* for tasks: clearml.conf's section of that name */
	size_t environment_count;
	struct bundle_file *files;
	size_t file_count;
	struct bundle_registry *registries; /* logins of container registries */
	size_t registry_count;
	struct secret extra_conf; /* HOCON, laid over clearml.conf; len 0: none */
};

/* The text is borrowed; wipe it afterwards. ERROR_CONFIGURATION names the path, never a value. */
CHECKED int bundle_parse(struct slice text, const char *source, struct bundle *out,
			 struct error *err);
CHECKED int bundle_load(const char *path, struct bundle *out, struct error *err); /* checks 0600 */
void bundle_release(struct bundle *bundle); /* wipes */

#endif
