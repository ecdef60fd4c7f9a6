#include "common/aws_credentials.h"

#include <stdlib.h>
#include <string.h>

#include "common/aws_credentials_part.h"
#include "common/aws_endpoint.h"
#include "common/clock.h"
#include "common/json.h"

void aws_credentials_release(struct aws_credentials *credentials)
{
	aws_keys_release(&credentials->keys);
	*credentials = (struct aws_credentials){ 0 };
}

/* --- Keys. */

static int check_text(struct slice text, const char *what, struct error *err)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] <= ' ' || (unsigned char)text.ptr[i] >= 0x7f)
			return error_set(
				err, ERROR_CONFIGURATION,
				"%s holds a blank, a line end or another byte that none has", what);
	return 0;
}

int aws_credentials_make(const struct aws_key_texts *texts, struct aws_keys *out, struct error *err)
{
	struct aws_keys keys = { 0 };

	if (!texts->id.len || !texts->secret.len)
		return error_set(err, ERROR_CONFIGURATION, "the %s is empty",
				 texts->id.len ? "secret access key" : "access key id");
	if (check_text(texts->id, "the access key id", err) < 0 ||
	    check_text(texts->secret, "the secret access key", err) < 0 ||
	    check_text(texts->token, "the session token", err) < 0)
		return -1;
	if (texts->id.len >= AWS_KEY_ID_ROOM)
		return error_set(err, ERROR_CONFIGURATION, "the access key id is longer than %d",
				 AWS_KEY_ID_ROOM - 1);
	if (text_copy(keys.access_key_id, AWS_KEY_ID_ROOM, texts->id, err) < 0 ||
	    secret_copy(&keys.secret_access_key, texts->secret, err) < 0)
		return -1;
	if (texts->token.len && secret_copy(&keys.session_token, texts->token, err) < 0) {
		aws_keys_release(&keys);
		return -1;
	}
	*out = keys;
	return 0;
}

static int read_members(const struct json *root, struct aws_credentials *out, struct error *err)
{
	const char *code = json_text_or(root, "Code", "Success");
	const struct aws_key_texts texts = {
		.id = slice_of(json_text_or(root, "AccessKeyId", "")),
		.secret = slice_of(json_text_or(root, "SecretAccessKey", "")),
		.token = slice_of(json_text_or(root, "Token", "")),
	};
	const char *expiration = json_text_or(root, "Expiration", "");
	int64_t expires_ms = 0;

	if (strcmp(code, "Success") != 0)
		return error_set(err, ERROR_DENIED, "it gives no keys: %.64s: %.256s", code,
				 json_text_or(root, "Message", "it does not say why"));
	if (*expiration && clock_parse_iso(slice_of(expiration), &expires_ms, err) < 0)
		return error_wrap(err, "Expiration");
	if (aws_credentials_make(&texts, &out->keys, err) < 0) {
		err->class = ERROR_MALFORMED; /* a peer's fault, not the operator's */
		return -1;
	}
	out->expires_ms = expires_ms;
	return 0;
}

int aws_credentials_read(struct slice json, struct aws_credentials *out, struct error *err)
{
	struct json_document document = { 0 };

	if (json_parse(json, &document, err) < 0)
		return -1;
	int result = read_members(document.root, out, err);

	json_document_wipe(&document);
	return result;
}

/* --- The environment. */

int aws_credentials_environment(const struct aws_quest *quest, struct aws_credentials *out,
				struct error *err)
{
	const struct aws_key_texts texts = {
		.id = slice_of(aws_variable("AWS_ACCESS_KEY_ID")),
		.secret = slice_of(aws_variable("AWS_SECRET_ACCESS_KEY")),
		.token = slice_of(aws_variable("AWS_SESSION_TOKEN")),
	};

	(void)quest;
	if (!texts.id.len && !texts.secret.len)
		return error_set(err, ERROR_NOT_FOUND, "AWS_ACCESS_KEY_ID is not set");
	if (!texts.id.len || !texts.secret.len)
		return error_set(err, ERROR_CONFIGURATION, "%s is set and %s is not: set both",
				 texts.id.len ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
				 texts.id.len ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	return aws_credentials_make(&texts, &out->keys, err);
}

/* --- The chain. */

static const struct source {
	const char *name;
	int (*find)(const struct aws_quest *quest, struct aws_credentials *out, struct error *err);
	bool is_skipped_by_profile; /* when one was named */
} sources[] = {
	{ "environment", aws_credentials_environment, true },
	{ "web identity", aws_credentials_web, true },
	{ "profile", aws_credentials_profile, false },
	{ "container", aws_credentials_container, false },
	{ "instance", aws_credentials_instance, false },
};

static int walk(const struct aws_quest *quest, struct aws_credentials *out, struct error *err)
{
	SCOPED(buf) struct buf reasons = BUF(sizeof(err->message));

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		struct error problem = { 0 };

		if (sources[i].is_skipped_by_profile && quest->search->profile)
			continue;
		if (!sources[i].find(quest, out, &problem)) {
			out->source = sources[i].name;
			return 0;
		}
		if (problem.class != ERROR_NOT_FOUND) {
			*err = problem;
			return error_wrap(err, "AWS credentials of the %s", sources[i].name);
		}
		buf_addf(&reasons, "%s%s: %s", reasons.len ? "; " : "", sources[i].name,
			 problem.message);
	}
	return error_set(err, ERROR_CONFIGURATION, "no AWS credentials (%s)", buf_text(&reasons));
}

static int assume(const struct aws_quest *quest, struct aws_credentials *found, struct error *err)
{
	const struct aws_role role = { .arn = slice_of(quest->search->role_arn),
				       .external_id = slice_of(quest->search->external_id) };
	struct aws_credentials assumed = { 0 };

	if (aws_sts_assume(quest, &role, &found->keys, &assumed, err) < 0)
		return error_wrap(err, "AWS credentials of the %s", found->source);
	assumed.source = found->source;
	aws_credentials_release(found);
	*found = assumed;
	return 0;
}

int aws_credentials_find(const struct aws_search *search, struct aws_credentials *out,
			 struct error *err)
{
	SCOPED(aws_profiles) struct aws_profiles profiles = { 0 };
	SCOPED(aws_credentials) struct aws_credentials found = { 0 };
	const struct aws_quest quest = { .search = search,
					 .profiles = &profiles,
					 .profile = aws_profile_name(search->profile) };

	if (aws_profiles_load(&profiles, err) < 0)
		return error_wrap(err, "AWS credentials");
	if (walk(&quest, &found, err) < 0)
		return -1;
	if (search->role_arn && assume(&quest, &found, err) < 0)
		return -1;
	*out = found;
	found = (struct aws_credentials){ 0 };
	return 0;
}
