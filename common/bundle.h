#ifndef COMMON_BUNDLE_H
#define COMMON_BUNDLE_H

#include "common/secret.h"

/*
 * bundle: the credentials that a machine works with. templates/bundle.schema.json
 * is its form; its strings are moved to struct secret and the JSON is wiped.
 * It travels sealed (age.h) and is signed (envelope.h). Values that
 * clearml-agent cannot carry are refused when it is read, which is when it is
 * sealed too, or marked here as carried in another way: so clearml_conf_print()
 * fails for no bundle that was read, unless its extra_conf brings a git login
 * of its own. "A line" below is printable ASCII.
 */

enum { BUNDLE_TEXT_BYTES = 512 * 1024 /* of the JSON, at most */ };

struct bundle_variable {
	char name[128]; /* letters, digits and _, no digit first */
	struct secret value; /* ASCII, and line ends and tabs */
};

struct bundle_registry {
	/* As written: "registry.example.com:5000"; "docker.io" is Docker Hub. Compare without
	 * regard to case; no two are the same so. */
	char server[256], user[256];
	struct secret password;
};

/*
 * A login at a git host over https. Those of the list but the first are carried in a netrc
 * file (clearml_conf.h). user and token are lines without blanks and without " and \, and
 * without $ and ` unless extra_conf may have turned clearml-agent's ask-pass off.
 */
struct bundle_git {
	/* In lower case, no port: neither clearml-agent nor netrc knows any. "": any host (then
	 * it is the only login). No two are the same. */
	char host[256];
	char user[128];
	struct secret token;
};

struct bundle_ssh {
	/* A private key file as OpenSSH reads it, without a passphrase, of ASCII lines with a
	 * line end after the last; len 0: none */
	struct secret key;
	char *known_hosts; /* owned; lines as in ~/.ssh/known_hosts, each ended; NULL: none */
};

/* One entry of sdk.aws.s3: the default (bucket and host "") or one bucket's or endpoint's. No
 * two are for the same. */
struct bundle_s3 {
	char bucket[256], host[256]; /* host: an endpoint, with its port */
	char region[64], key[128]; /* the key's name; region "": none said */
	struct secret secret_key, token; /* lines; token: of temporary credentials; len 0: none */
	bool is_plain, is_unverified; /* http instead of https; any certificate */
};

struct bundle_gcs {
	char bucket[256], subdir[256], project[128]; /* bucket "": the default */
	struct secret credentials; /* the JSON text of a service account's key; ASCII */
};

struct bundle_azure {
	char account[128], container[128]; /* container "": all of the account */
	struct secret key; /* a line */
};

/* A file that the agent writes for itself and its task. */
struct bundle_file {
	char name[64]; /* letters, digits, _ and -; no other one has it */
	char path[512]; /* a line that begins with / or ~/ and is not changed by a shell */
	char mode[8]; /* "0600" */
	struct secret contents; /* any bytes, also none */
};

struct bundle {
	char prefix[65]; /* the installation that it is for: another one's ticket cannot use it */
	char access_key[128]; /* of ClearML: a name, not a secret */
	struct secret secret_key; /* a line */
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
	struct secret extra_conf; /* JSON or HOCON, laid over clearml.conf; len 0: none */
};

/*
 * The text is borrowed; wipe it afterwards. ERROR_CONFIGURATION such as
 * "b.json:12: git[1].token: holds a blank: ...", never with a value.
 */
CHECKED int bundle_parse(struct slice text, const char *source, struct bundle *out,
			 struct error *err);
void bundle_release(struct bundle *bundle); /* wipes */

#endif
