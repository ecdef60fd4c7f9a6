#ifndef COMMON_AWS_CREDENTIALS_H
#define COMMON_AWS_CREDENTIALS_H

#include "common/aws_sign.h"
#include "common/http.h"

/*
 * aws_credentials: keys by AWS's chain, in the order that its SDKs share (SDKs
 * and Tools Reference Guide, "Standardized credential providers"; web identity
 * before the files as in the SDKs for Java, PHP and Rust):
 *
 *   environment   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   web identity  AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME
 *   profile       of the shared files: keys; role_arn with source_profile,
 *                 credential_source or web_identity_token_file, external_id,
 *                 role_session_name, duration_seconds
 *   container     AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with
 *                 AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or _TOKEN
 *   instance      the role of the EC2 instance, by IMDSv2, unless
 *                 AWS_EC2_METADATA_DISABLED is true
 *
 * The first one that is set up decides: when it fails, the others are not asked
 * (another identity than the one that was meant would be a surprise). A profile
 * that was named in the configuration goes before the environment, which is then
 * skipped together with web identity. Not supported, and said so:
 * credential_process, IAM Identity Center (SSO), `aws login`, MFA.
 */

struct aws_credentials {
	struct aws_keys keys;
	int64_t expires_ms; /* by AWS's clock; 0: never */
	const char *source; /* of the list above; a constant */
};

struct aws_search {
	struct http *http;
	const char *profile; /* NULL: AWS_PROFILE, then "default" */
	const char *role_arn, *external_id; /* assumed with what is found; NULL: none */
	int64_t *offset_ms; /* AWS's clock minus ours; corrected by what STS answers */
};

/*
 * ERROR_CONFIGURATION: no source gave any (the message says of each one why), or one is half set
 * up, or is not supported; ERROR_DENIED: a source refused us; ERROR_UNREACHABLE, ERROR_THROTTLED,
 * ERROR_MALFORMED: a source that is set up did not answer as it should.
 */
CHECKED int aws_credentials_find(const struct aws_search *search, struct aws_credentials *out,
				 struct error *err);
void aws_credentials_release(struct aws_credentials *credentials);

/* What a container's or an instance's service tells, in JSON. ERROR_DENIED: it tells why there are
 * none; ERROR_MALFORMED. Wipes its own copies. */
CHECKED int aws_credentials_read(struct slice json, struct aws_credentials *out, struct error *err);

#endif
