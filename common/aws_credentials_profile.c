/* The sources that name a role: a profile, and the variables of web identity. */
#include "common/aws_credentials_part.h"

#include <stdio.h>
#include <string.h>

#include "common/aws_endpoint.h"

enum {
	NAME_ROOM = 128,
	PATH_ROOM = 512,
	DEEPEST = 8, /* profiles that lead to each other */
};

/* A way from profile to profile, innermost last. */
struct trail {
	char names[DEEPEST][NAME_ROOM];
	size_t count;
};

static const char *name_of(const struct trail *trail)
{
	return trail->names[trail->count - 1];
}

static bool find(const struct aws_quest *quest, const struct trail *trail, const char *key,
		 struct slice *out)
{
	return aws_profile_find(quest->profiles, name_of(trail), key, out);
}

/* --- Keys that stand in the profile. */

static int take_keys(const struct aws_quest *quest, const struct trail *trail,
		     struct aws_credentials *out, struct error *err)
{
	struct aws_key_texts texts = { 0 };
	bool has_id = find(quest, trail, "aws_access_key_id", &texts.id);
	bool has_secret = find(quest, trail, "aws_secret_access_key", &texts.secret);

	if (!has_id && !has_secret)
		return error_set(err, ERROR_NOT_FOUND, "%s has no keys", name_of(trail));
	if (!has_id || !has_secret)
		return error_set(err, ERROR_CONFIGURATION, "%s has %s and not %s", name_of(trail),
				 has_id ? "aws_access_key_id" : "aws_secret_access_key",
				 has_id ? "aws_secret_access_key" : "aws_access_key_id");
	(void)find(quest, trail, "aws_session_token", &texts.token);
	if (aws_credentials_make(&texts, &out->keys, err) < 0)
		return error_wrap(err, "%s", name_of(trail));
	return 0;
}

/* --- What would need another program, or a person. */

static int refuse_foreign(const struct aws_quest *quest, const struct trail *trail,
			  struct error *err)
{
	static const struct {
		const char *key, *what;
	} foreign[] = {
		{ "credential_process", "a program that prints keys" },
		{ "sso_session", "IAM Identity Center" },
		{ "sso_start_url", "IAM Identity Center" },
		{ "login_session", "aws login" },
	};
	struct slice value;

	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (find(quest, trail, foreign[i].key, &value))
			return error_set(err, ERROR_CONFIGURATION,
					 "%s has %s: %s is not supported, use a role of the "
					 "instance, role_arn or keys",
					 name_of(trail), foreign[i].key, foreign[i].what);
	return 0;
}

/* --- Roles. */

static int follow(const struct aws_quest *quest, struct trail *trail, struct aws_credentials *out,
		  struct error *err);

static int push(struct trail *trail, struct slice name, struct error *err)
{
	for (size_t i = 0; i < trail->count; i++)
		if (slice_equals(name, trail->names[i]))
			return error_set(err, ERROR_CONFIGURATION,
					 "%s and others name each other as source_profile",
					 trail->names[i]);
	if (trail->count == DEEPEST || name.len >= NAME_ROOM)
		return error_set(err, ERROR_CONFIGURATION,
				 "%s leads over more than %d profiles, or to one with too long a "
				 "name",
				 trail->names[0], DEEPEST);
	return text_copy(trail->names[trail->count++], NAME_ROOM, name, err);
}

static int source_profile(const struct aws_quest *quest, struct trail *trail, struct slice name,
			  struct aws_credentials *out, struct error *err)
{
	/* Of itself its keys are meant: AWS's CLI has it so. */
	if (slice_equals(name, name_of(trail)))
		return take_keys(quest, trail, out, err);
	if (push(trail, name, err) < 0)
		return -1;
	if (!aws_profile_exists(quest->profiles, name_of(trail)))
		return error_set(err, ERROR_CONFIGURATION,
				 "source_profile %s is in neither of the shared files",
				 name_of(trail));
	return follow(quest, trail, out, err);
}

static int credential_source(const struct aws_quest *quest, struct slice name,
			     struct aws_credentials *out, struct error *err)
{
	if (slice_equals(name, "Environment"))
		return aws_credentials_environment(quest, out, err);
	if (slice_equals(name, "EcsContainer"))
		return aws_credentials_container(quest, out, err);
	if (slice_equals(name, "Ec2InstanceMetadata"))
		return aws_credentials_instance(quest, out, err);
	return error_set(err, ERROR_CONFIGURATION,
			 "credential_source is none of Environment, EcsContainer, "
			 "Ec2InstanceMetadata");
}

/* The keys that the role is assumed with. */
static int find_source(const struct aws_quest *quest, struct trail *trail,
		       struct aws_credentials *out, struct error *err)
{
	struct slice profile, source;
	bool has_profile = find(quest, trail, "source_profile", &profile);
	bool has_source = find(quest, trail, "credential_source", &source);
	int result;

	if (has_profile == has_source)
		return error_set(err, ERROR_CONFIGURATION,
				 "%s has role_arn, and needs one of source_profile, "
				 "credential_source and web_identity_token_file",
				 name_of(trail));
	if (has_profile)
		result = source_profile(quest, trail, profile, out, err);
	else
		result = credential_source(quest, source, out, err);
	/* It was named: that it is not set up is a mistake here. */
	if (result < 0 && err->class == ERROR_NOT_FOUND)
		err->class = ERROR_CONFIGURATION;
	return result;
}

static int copy_path(struct slice text, char out[static PATH_ROOM], struct error *err)
{
	if (text_copy(out, PATH_ROOM, text, err) < 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "web_identity_token_file is longer than %d bytes", PATH_ROOM - 1);
	return 0;
}

static int take_role(const struct aws_quest *quest, struct trail *trail, struct slice arn,
		     struct aws_credentials *out, struct error *err)
{
	SCOPED(aws_credentials) struct aws_credentials source = { 0 };
	struct aws_role role = { .arn = arn };
	char path[PATH_ROOM];
	struct slice text;

	(void)find(quest, trail, "external_id", &role.external_id);
	(void)find(quest, trail, "role_session_name", &role.session_name);
	(void)find(quest, trail, "duration_seconds", &role.duration_s);
	if (find(quest, trail, "mfa_serial", &text))
		return error_set(err, ERROR_CONFIGURATION,
				 "%s has mfa_serial: nobody is here to type a code, use a role "
				 "without it",
				 name_of(trail));
	if (find(quest, trail, "web_identity_token_file", &text)) {
		if (copy_path(text, path, err) < 0)
			return -1;
		role.token_file = path;
		return aws_sts_assume(quest, &role, NULL, out, err);
	}
	if (find_source(quest, trail, &source, err) < 0)
		return -1;
	return aws_sts_assume(quest, &role, &source.keys, out, err);
}

static int follow(const struct aws_quest *quest, struct trail *trail, struct aws_credentials *out,
		  struct error *err)
{
	struct slice arn;

	if (find(quest, trail, "role_arn", &arn))
		return take_role(quest, trail, arn, out, err);
	struct error none;

	if (!take_keys(quest, trail, out, &none))
		return 0;
	if (none.class == ERROR_NOT_FOUND && refuse_foreign(quest, trail, err) < 0)
		return -1;
	*err = none;
	return -1;
}

int aws_credentials_profile(const struct aws_quest *quest, struct aws_credentials *out,
			    struct error *err)
{
	bool is_named = quest->search->profile || aws_variable("AWS_PROFILE") ||
			aws_variable("AWS_DEFAULT_PROFILE");
	struct trail trail = { 0 };

	if (!aws_profile_exists(quest->profiles, quest->profile))
		return error_set(err, is_named ? ERROR_CONFIGURATION : ERROR_NOT_FOUND,
				 "%s is neither in %s nor in %s", quest->profile,
				 *quest->profiles->config_path ? quest->profiles->config_path :
								 "~/.aws/config",
				 *quest->profiles->credentials_path ?
					 quest->profiles->credentials_path :
					 "~/.aws/credentials");
	if (push(&trail, slice_of(quest->profile), err) < 0)
		return -1;
	return follow(quest, &trail, out, err);
}

/* --- Web identity. */

int aws_credentials_web(const struct aws_quest *quest, struct aws_credentials *out,
			struct error *err)
{
	const char *path = aws_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *arn = aws_variable("AWS_ROLE_ARN");
	const struct aws_role role = { .arn = slice_of(arn),
				       .session_name =
					       slice_of(aws_variable("AWS_ROLE_SESSION_NAME")),
				       .token_file = path };

	if (!path)
		return error_set(err, ERROR_NOT_FOUND, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
	if (!arn)
		return error_set(err, ERROR_CONFIGURATION,
				 "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not");
	return aws_sts_assume(quest, &role, NULL, out, err);
}
