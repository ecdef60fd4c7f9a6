#ifndef COMMON_AWS_SIGN_H
#define COMMON_AWS_SIGN_H

#include "common/secret.h"

/*
 * aws_sign: AWS Signature Version 4 over libsodium's HMAC-SHA256 (IAM User
 * Guide, "Create a signed AWS API request"). Pure: the time is an argument, and
 * nothing is sent. Three texts, one made of the other: the canonical request,
 * the string to sign, the Authorization header.
 *
 * S3 differs from all others (same guide, "Canonical request"): its path counts
 * as it is sent, neither normalised nor encoded a second time, and it wants the
 * header x-amz-content-sha256.
 */

enum {
	AWS_KEY_ID_ROOM = 129, /* IAM API Reference, AccessKey: at most 128 */
	AWS_TIME_ROOM = 17, /* "20150830T123600Z" */
};

struct aws_keys {
	char access_key_id[AWS_KEY_ID_ROOM]; /* public */
	struct secret secret_access_key;
	struct secret session_token; /* empty: long-term keys */
};

struct aws_sign_request {
	const char *method; /* "POST" */
	const char *path; /* as it is sent: "/a%20b" */
	const char *query; /* as it is sent, without "?"; NULL: none */
	/* NULL-terminated "Name: value", each is signed: Host, X-Amz-Date and all other X-Amz- ones
	 * must be among them. A name may come twice. */
	const char *const *headers;
	struct slice body;
	const char *service, *region; /* "ec2", "eu-central-1" */
	int64_t now_ms; /* wall clock, as AWS has it */
};

/* The time as X-Amz-Date has it. */
void aws_sign_time(int64_t now_ms, char out[static AWS_TIME_ROOM]);

/* Appended to out, whose limit may be what forbids it (buf_finish()). They may hold a session
 * token: buf_release() wipes it. */
void aws_sign_canonical(const struct aws_sign_request *request, struct buf *out);
void aws_sign_string(const struct aws_sign_request *request, struct slice canonical,
		     struct buf *out);

/*
 * Appends the value of the header Authorization. ERROR_SYSTEM: no guarded
 * memory; ERROR_MALFORMED: longer than out's limit, or than 1 MiB on the way.
 */
CHECKED int aws_sign(const struct aws_sign_request *request, const struct aws_keys *keys,
		     struct buf *out, struct error *err);

/* Appends text with everything encoded but letters, digits, "-._~" and what is in keep: "/" of a
 * path, nothing of a query's names and values (RFC 3986, upper-case hex digits). */
void aws_sign_encode(struct slice text, const char *keep, struct buf *out);

void aws_keys_release(struct aws_keys *keys);

#endif
