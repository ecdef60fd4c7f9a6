/* Roles assumed by STS (AWS Security Token Service API Reference, 2011-06-15). */
#include "common/aws_credentials_part.h"

#include <string.h>

#include "common/aws_endpoint.h"
#include "common/aws_wire.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/xml.h"

enum {
	BODY_MAX = 64 << 10,
	TOKEN_MAX = 20000, /* the reference's own limit of WebIdentityToken */
	TIMEOUT_MS = 20000,
	ATTEMPT_TIMEOUT_MS = 8000,
	ANSWER_MAX = 256 << 10,
};

/* "Errors" of AssumeRole and AssumeRoleWithWebIdentity, and "Common errors". */
static const struct {
	const char *code;
	enum error_class class;
} codes[] = {
	{ "AccessDenied", ERROR_DENIED },
	{ "ExpiredToken", ERROR_DENIED },
	{ "ExpiredTokenException", ERROR_DENIED },
	{ "IDPRejectedClaim", ERROR_DENIED },
	{ "InvalidClientTokenId", ERROR_DENIED },
	{ "InvalidIdentityToken", ERROR_DENIED },
	{ "SignatureDoesNotMatch", ERROR_DENIED },
	{ "RegionDisabledException", ERROR_CONFIGURATION },
	{ "ValidationError", ERROR_CONFIGURATION },
	{ "IDPCommunicationError", ERROR_UNREACHABLE },
	{ "Throttling", ERROR_THROTTLED },
	{ "ThrottlingException", ERROR_THROTTLED },
};

static void add_parameter(struct buf *body, const char *name, struct slice value)
{
	if (!value.len)
		return;
	buf_addf(body, "&%s=", name);
	aws_sign_encode(value, "", body);
}

/* Letters, digits and "+=,.@-" alone; it shows in CloudTrail. */
static void add_session_name(struct buf *body, struct slice given)
{
	char chance[HASH_HEX_LEN];

	if (given.len) {
		add_parameter(body, "RoleSessionName", given);
		return;
	}
	hash_random_hex(chance);
	buf_addf(body, "&RoleSessionName=mayfly-%s", chance);
}

/* The file is renewed by whoever made it: read anew each time. */
static int add_token(struct buf *body, const char *path, struct error *err)
{
	SCOPED(buf) struct buf token = BUF(TOKEN_MAX);

	if (file_read(path, &token, err) < 0) {
		err->class = ERROR_CONFIGURATION;
		return error_wrap(err, "the token of web identity");
	}
	size_t len = strcspn(buf_text(&token), "\r\n");

	if (!len)
		return error_set(err, ERROR_CONFIGURATION, "%s: the token is empty", path);
	add_parameter(body, "WebIdentityToken", (struct slice){ buf_text(&token), len });
	return 0;
}

static int write_body(const struct aws_role *role, struct buf *body, struct error *err)
{
	buf_addf(body, "Action=AssumeRole%s&Version=2011-06-15",
		 role->token_file ? "WithWebIdentity" : "");
	add_parameter(body, "RoleArn", role->arn);
	add_session_name(body, role->session_name);
	add_parameter(body, "DurationSeconds", role->duration_s);
	if (!role->token_file)
		add_parameter(body, "ExternalId", role->external_id);
	if (role->token_file && add_token(body, role->token_file, err) < 0)
		return -1;
	return buf_finish(body, err);
}

/* --- The answer. */

static enum error_class class_of(const char *code, long status)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (!strcmp(codes[i].code, code))
			return codes[i].class;
	if (status == 401 || status == 403)
		return ERROR_DENIED;
	return status >= 500 ? ERROR_UNREACHABLE : ERROR_REFUSED;
}

static int refuse(const struct http_answer *answer, const struct xml *root, struct error *err)
{
	const struct xml *alone = xml_child(root, "Error");
	const struct xml *error = alone ? alone : xml_child(root, "Errors/Error"); /* as EC2 */
	const char *code = xml_text_of(error, "Code");

	if (!error)
		return error_set(err, class_of("", answer->status), "STS answered with status %ld",
				 answer->status);
	return error_set(err, class_of(code, answer->status), "STS: %.64s: %.256s", code,
			 xml_text_of(error, "Message"));
}

static int take_credentials(const struct xml *found, struct aws_credentials *out, struct error *err)
{
	const struct aws_key_texts texts = {
		.id = slice_of(xml_text_of(found, "AccessKeyId")),
		.secret = slice_of(xml_text_of(found, "SecretAccessKey")),
		.token = slice_of(xml_text_of(found, "SessionToken")),
	};
	int64_t expires_ms;

	if (clock_parse_iso(slice_of(xml_text_of(found, "Expiration")), &expires_ms, err) < 0)
		return error_wrap(err, "STS: Expiration");
	if (aws_credentials_make(&texts, &out->keys, err) < 0) {
		err->class = ERROR_MALFORMED; /* a peer's fault, not the operator's */
		return error_wrap(err, "STS");
	}
	out->expires_ms = expires_ms;
	return 0;
}

static int take(const struct http_answer *answer, const char *action, struct aws_credentials *out,
		struct error *err)
{
	SCOPED(xml_document) struct xml_document document = { 0 };
	struct error unread;

	if (xml_parse(buf_slice(&answer->body), &document, &unread) < 0 && answer->status == 200) {
		*err = unread;
		return error_wrap(err, "STS");
	}
	const struct xml *root = xml_root(&document);

	if (answer->status != 200)
		return refuse(answer, root, err);
	return take_credentials(xml_child(xml_child(root, action), "Credentials"), out, err);
}

/* --- The call. */

/* Without a region the global endpoint does, which is signed for as us-east-1. */
static int find_place(const struct aws_quest *quest, char region[static AWS_REGION_ROOM],
		      struct buf *endpoint, struct error *err)
{
	struct error absent;
	bool is_global = false;

	if (aws_endpoint_region(quest->profiles, quest->profile, region, &absent) < 0) {
		if (absent.class != ERROR_NOT_FOUND) {
			*err = absent;
			return -1;
		}
		is_global = true;
		memcpy(region, "us-east-1", sizeof("us-east-1"));
	}
	aws_endpoint_find(quest->profiles, quest->profile, "sts", region, endpoint);
	if (is_global && !strcmp(buf_text(endpoint), "https://sts.us-east-1.amazonaws.com")) {
		buf_clear(endpoint);
		buf_add(endpoint, slice_of("https://sts.amazonaws.com"));
	}
	return buf_finish(endpoint, err);
}

static int call(const struct aws_quest *quest, const struct aws_keys *keys, struct slice body,
		struct http_answer *answer, struct error *err)
{
	SCOPED(buf) struct buf endpoint = BUF(1024);
	char region[AWS_REGION_ROOM];
	struct error outcome = { 0 };
	const struct aws_request request = { .service = "sts",
					     .region = region,
					     .method = "POST",
					     .path = "/",
					     .body = body,
					     .timeout_ms = TIMEOUT_MS,
					     .attempt_timeout_ms = ATTEMPT_TIMEOUT_MS,
					     .max_answer_bytes = ANSWER_MAX,
					     .may_repeat = true };
	const struct aws_wire wire = { .http = quest->search->http,
				       .keys = keys,
				       .offset_ms = quest->search->offset_ms };

	if (find_place(quest, region, &endpoint, err) < 0)
		return -1;
	const struct aws_wire_call one = { .request = &request,
					   .endpoint = buf_text(&endpoint),
					   .answer = answer,
					   .err = &outcome };

	aws_wire_call_all(&wire, &one, 1);
	if (!outcome.class)
		return 0;
	*err = outcome;
	return -1;
}

int aws_sts_assume(const struct aws_quest *quest, const struct aws_role *role,
		   const struct aws_keys *keys, struct aws_credentials *out, struct error *err)
{
	SCOPED(buf) struct buf body = BUF(BODY_MAX);
	SCOPED(http_answer) struct http_answer answer = { 0 };
	const char *result =
		role->token_file ? "AssumeRoleWithWebIdentityResult" : "AssumeRoleResult";

	if (write_body(role, &body, err) < 0)
		return -1;
	if (call(quest, role->token_file ? NULL : keys, buf_slice(&body), &answer, err) < 0 ||
	    take(&answer, result, out, err) < 0)
		return error_wrap(err, "assume %.*s", (int)role->arn.len, role->arn.ptr);
	return 0;
}
