#include "common/aws_credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/aws_bench.h"
#include "tests/unit/support/http_call.h"

#define IN_2030 "2030-01-02T03:04:05Z"
#define IN_2030_MS 1893553445000
#define KEYS "aws_access_key_id = AKFILE\naws_secret_access_key = sfile\n"
#define NO_INSTANCE "AWS_EC2_METADATA_DISABLED=true"
#define ENVIRONMENT "AWS_ACCESS_KEY_ID=AKENV", "AWS_SECRET_ACCESS_KEY=senv"
#define ARN "arn:aws:iam::123456789012:role/r"
#define ASKS_TOKEN                                                         \
	{                                                                  \
		.expect = { "PUT /latest/api/token" }, .answer = OK("TOK") \
	}
#define ASKS_NAME(answer_)                                                                    \
	{                                                                                     \
		.expect = { "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\n" }, \
		.answer = answer_                                                             \
	}
#define ASKS_ROLE(answer_)                                                                        \
	{                                                                                         \
		.expect = { "GET /latest/meta-data/iam/security-credentials/Worker HTTP/1.1\r\n", \
			    "\r\nX-aws-ec2-metadata-token: TOK\r\n" },                            \
		.answer = answer_                                                                 \
	}

struct scene {
	struct aws_surroundings around;
	const char *profile, *role_arn, *external_id; /* of the search */
	/* wanted: */
	enum error_class class;
	const char *id; /* the keys'; their secret is "s-ID", or as said */
	const char *secret, *token, *source;
	int64_t expires_ms;
	const char *text; /* a part of the message; with '|' between several */
};

static bool has_parts(const char *message, const char *parts)
{
	for (char part[256]; *parts;) {
		size_t len = strcspn(parts, "|");

		memcpy(part, parts, len);
		part[len] = '\0';
		if (!strstr(message, part))
			return false;
		parts += len + (parts[len] ? 1 : 0);
	}
	return true;
}

static void check(const struct scene *scene, const struct aws_credentials *got,
		  const struct error *err)
{
	const char *when = scene->around.when;

	if (err->class != scene->class)
		fail_msg("when %s: %s: %s", when, error_class_name(err->class), err->message);
	if (err->class) {
		if (!has_parts(err->message, scene->text ? scene->text : ""))
			fail_msg("when %s: %s", when, err->message);
		if (strstr(err->message, "senv") || strstr(err->message, "sfile"))
			fail_msg("when %s: a secret is told: %s", when, err->message);
		return;
	}
	if (strcmp(got->keys.access_key_id, scene->id) != 0 ||
	    strcmp(secret_text(&got->keys.secret_access_key), scene->secret) != 0 ||
	    strcmp(secret_text(&got->keys.session_token), scene->token ? scene->token : "") != 0 ||
	    strcmp(got->source, scene->source) != 0 || got->expires_ms != scene->expires_ms)
		fail_msg("when %s: %s of the %s until %lld", when, got->keys.access_key_id,
			 got->source, (long long)got->expires_ms);
}

static void play(const struct scene *scene)
{
	SCOPED(aws_credentials) struct aws_credentials got = { 0 };
	struct aws_bench bench;
	struct error err = { 0 };
	int64_t offset_ms = 0;
	const struct aws_search search = { .http = http_call,
					   .profile = scene->profile,
					   .role_arn = scene->role_arn,
					   .external_id = scene->external_id,
					   .offset_ms = &offset_ms };

	aws_bench_begin(&bench, &scene->around);
	int result = aws_credentials_find(&search, &got, &err);

	aws_bench_end(&bench);
	assert_int_equal(result, err.class ? -1 : 0);
	check(scene, &got, &err);
}

#define PLAY_ALL(scenes)                               \
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) \
	play(&(scenes)[i])

static void the_environment_comes_first(void **state)
{
	static const struct scene scenes[] = {
		{ .around = { "keys are in variables, and in the files too",
			      { ENVIRONMENT },
			      .credentials = "[default]\n" KEYS },
		  .id = "AKENV",
		  .secret = "senv",
		  .source = "environment" },
		{ .around = { "they are of a session", { ENVIRONMENT, "AWS_SESSION_TOKEN=tenv" } },
		  .id = "AKENV",
		  .secret = "senv",
		  .token = "tenv",
		  .source = "environment" },
		{ .around = { "a profile is named by a variable: still the environment's",
			      { ENVIRONMENT, "AWS_PROFILE=p" },
			      .credentials = "[p]\n" KEYS },
		  .id = "AKENV",
		  .secret = "senv",
		  .source = "environment" },
		{ .around = { "a profile is named by the configuration",
			      { ENVIRONMENT },
			      .credentials = "[p]\n" KEYS },
		  .profile = "p",
		  .id = "AKFILE",
		  .secret = "sfile",
		  .source = "profile" },
		{ .around = { "the secret is missing",
			      { "AWS_ACCESS_KEY_ID=AKENV" },
			      .credentials = "[default]\n" KEYS },
		  .class = ERROR_CONFIGURATION,
		  .text = "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not" },
		{ .around = { "the id is missing", { "AWS_SECRET_ACCESS_KEY=senv" } },
		  .class = ERROR_CONFIGURATION,
		  .text = "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not" },
		{ .around = { "the secret ends with a line end",
			      { "AWS_ACCESS_KEY_ID=AKENV", "AWS_SECRET_ACCESS_KEY=senv\n" } },
		  .class = ERROR_CONFIGURATION,
		  .text = "environment|secret access key holds a blank, a line end" },
		{ .around = { "empty variables are none",
			      { "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=" },
			      .credentials = "[default]\n" KEYS },
		  .id = "AKFILE",
		  .secret = "sfile",
		  .source = "profile" },
	};

	(void)state;
	PLAY_ALL(scenes);
}

static void a_token_of_web_identity_is_taken_to_sts(void **state)
{
	static const struct scene scenes[] = {
		{ .around = { "a cluster gives it",
			      { "AWS_WEB_IDENTITY_TOKEN_FILE=HOME/token", "AWS_ROLE_ARN=" ARN,
				"AWS_ROLE_SESSION_NAME=pod+1" },
			      .credentials = "[default]\n" KEYS,
			      .token = "a.b/c=\n",
			      .steps = { { .expect = { "POST / HTTP/1.1\r\n",
						       "Action=AssumeRoleWithWebIdentity&Version="
						       "2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%"
						       "3A123456789012%3Arole%2Fr&RoleSessionName="
						       "pod%2B1&",
						       "WebIdentityToken=a.b%2Fc%3D",
						       "application/x-www-form-urlencoded" },
					   .refuse = "Authorization",
					   .answer = STS_ANSWER("AssumeRoleWithWebIdentity",
								"ASIAW", IN_2030) } } },
		  .id = "ASIAW",
		  .secret = "s-ASIAW",
		  .token = "t-ASIAW",
		  .source = "web identity",
		  .expires_ms = IN_2030_MS },
		{ .around = { "the role is not named",
			      { "AWS_WEB_IDENTITY_TOKEN_FILE=HOME/token" },
			      .token = "t" },
		  .class = ERROR_CONFIGURATION,
		  .text = "AWS_ROLE_ARN is not" },
		{ .around = { "the token is not there",
			      { "AWS_WEB_IDENTITY_TOKEN_FILE=HOME/token", "AWS_ROLE_ARN=" ARN } },
		  .class = ERROR_CONFIGURATION,
		  .text = "web identity|/token" },
		{ .around = { "the token is empty",
			      { "AWS_WEB_IDENTITY_TOKEN_FILE=HOME/token", "AWS_ROLE_ARN=" ARN },
			      .token = "\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "the token is empty" },
		{ .around = { "STS refuses it",
			      { "AWS_WEB_IDENTITY_TOKEN_FILE=HOME/token", "AWS_ROLE_ARN=" ARN },
			      .token = "t",
			      .steps = { { .expect = { "POST" },
					   .answer = "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n"
						     "<ErrorResponse><Error><Type>Sender</Type>"
						     "<Code>ExpiredToken</Code><Message>It is too "
						     "old</Message></Error></ErrorResponse>" } } },
		  .class = ERROR_DENIED,
		  .text = "assume " ARN "|STS: ExpiredToken: It is too old" },
		{ .around = { "a profile says it all",
			      { "AWS_PROFILE=p" },
			      .config = "[profile p]\nrole_arn = " ARN
					"\nweb_identity_token_file = HOME/token\n"
					"role_session_name=s\nduration_seconds = 900\n",
			      .token = "t",
			      .steps = { { .expect = { "RoleSessionName=s&DurationSeconds=900&"
						       "WebIdentityToken=t" },
					   .answer = STS_ANSWER("AssumeRoleWithWebIdentity",
								"ASIAW", IN_2030) } } },
		  .id = "ASIAW",
		  .secret = "s-ASIAW",
		  .token = "t-ASIAW",
		  .source = "profile",
		  .expires_ms = IN_2030_MS },
	};

	(void)state;
	PLAY_ALL(scenes);
}

static void a_profile_has_keys_or_a_role(void **state)
{
	static const struct scene scenes[] = {
		{ .around = { "the default one",
			      .credentials = "[default]\n" KEYS "aws_session_token=tfile\n" },
		  .id = "AKFILE",
		  .secret = "sfile",
		  .token = "tfile",
		  .source = "profile" },
		{ .around = { "a variable names one that is not there",
			      { "AWS_PROFILE=ghost" },
			      .credentials = "[default]\n" KEYS },
		  .class = ERROR_CONFIGURATION,
		  .text = "ghost is neither in |/.aws/config nor in " },
		{ .around = { "it has half of a pair",
			      .config = "[default]\naws_access_key_id=AKFILE\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "default has aws_access_key_id and not aws_secret_access_key" },
		{ .around = { "it asks a program",
			      .config = "[default]\ncredential_process = /bin/keys\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "credential_process|is not supported" },
		{ .around = { "it asks IAM Identity Center",
			      .config = "[default]\nsso_session = s\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "sso_session: IAM Identity Center is not supported" },
		{ .around = { "a line makes no sense", .config = "[default]\nnonsense\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "/.aws/config: line 2: expected name = value" },
		{ .around = { "it assumes a role with another one's keys",
			      .config = "[default]\nrole_arn = " ARN "\nsource_profile = base\n"
					"external_id = e/1\nregion = eu-central-1\n",
			      .credentials = "[base]\n" KEYS,
			      .steps = { { .expect = { "Action=AssumeRole&Version",
						       "&ExternalId=e%2F1", "Credential=AKFILE/",
						       "/eu-central-1/sts/aws4_request" },
					   .answer =
						   STS_ANSWER("AssumeRole", "ASIA1", IN_2030) } } },
		  .id = "ASIA1",
		  .secret = "s-ASIA1",
		  .token = "t-ASIA1",
		  .source = "profile",
		  .expires_ms = IN_2030_MS },
		{ .around = { "roles lead to roles",
			      { "AWS_PROFILE=c" },
			      .config = "[profile c]\nrole_arn = " ARN "c\nsource_profile = b\n"
					"[profile b]\nrole_arn = " ARN "b\nsource_profile = a\n",
			      .credentials = "[a]\n" KEYS,
			      .steps = { { .expect = { "role%2Frb&", "Credential=AKFILE/",
						       "/us-east-1/sts/" },
					   .answer = STS_ANSWER("AssumeRole", "ASIAB", IN_2030) },
					 { .expect = { "role%2Frc&", "Credential=ASIAB/",
						       "\r\nX-Amz-Security-Token: t-ASIAB\r\n" },
					   .answer =
						   STS_ANSWER("AssumeRole", "ASIAC", IN_2030) } } },
		  .id = "ASIAC",
		  .secret = "s-ASIAC",
		  .token = "t-ASIAC",
		  .source = "profile",
		  .expires_ms = IN_2030_MS },
		{ .around = { "it is its own source: its keys are meant",
			      .config = "[default]\nrole_arn = " ARN "\nsource_profile = default\n",
			      .credentials = "[default]\n" KEYS,
			      .steps = { { .expect = { "Credential=AKFILE/" },
					   .answer =
						   STS_ANSWER("AssumeRole", "ASIA1", IN_2030) } } },
		  .id = "ASIA1",
		  .secret = "s-ASIA1",
		  .token = "t-ASIA1",
		  .source = "profile",
		  .expires_ms = IN_2030_MS },
		{ .around = { "sources go round",
			      { "AWS_PROFILE=a" },
			      .config = "[profile a]\nrole_arn = " ARN "\nsource_profile = b\n"
					"[profile b]\nrole_arn = " ARN "\nsource_profile = a\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "a and others name each other" },
		{ .around = { "its source is not there",
			      .config = "[default]\nrole_arn = " ARN "\nsource_profile = b\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "source_profile b is in neither" },
		{ .around = { "its source has nothing",
			      .config = "[default]\nrole_arn = " ARN "\nsource_profile = b\n"
					"[profile b]\nregion = eu-west-1\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "b has no keys" },
		{ .around = { "its role has no source",
			      .config = "[default]\nrole_arn = " ARN "\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "needs one of source_profile" },
		{ .around = { "its role wants a code",
			      .config = "[default]\nrole_arn = " ARN
					"\nsource_profile = default\nmfa_serial = m\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "mfa_serial" },
		{ .around = { "its role is assumed with the environment's keys",
			      { ENVIRONMENT, "AWS_PROFILE=unused" },
			      .config = "[profile p]\nrole_arn = " ARN
					"\ncredential_source = Environment\n",
			      .steps = { { .expect = { "Credential=AKENV/" },
					   .answer =
						   STS_ANSWER("AssumeRole", "ASIA1", IN_2030) } } },
		  .profile = "p",
		  .id = "ASIA1",
		  .secret = "s-ASIA1",
		  .token = "t-ASIA1",
		  .source = "profile",
		  .expires_ms = IN_2030_MS },
		{ .around = { "its source is none that we know",
			      .config =
				      "[default]\nrole_arn = " ARN "\ncredential_source = Moon\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "credential_source is none of" },
		{ .around = { "its source is not set up here",
			      { NO_INSTANCE },
			      .config = "[default]\nrole_arn = " ARN
					"\ncredential_source = Ec2InstanceMetadata\n" },
		  .class = ERROR_CONFIGURATION,
		  .text = "AWS_EC2_METADATA_DISABLED" },
	};

	(void)state;
	PLAY_ALL(scenes);
}

static void services_beside_us_give_keys(void **state)
{
	static const struct scene scenes[] = {
		{ .around = { "a container's does",
			      { "AWS_CONTAINER_CREDENTIALS_FULL_URI=URL/creds?a=b",
				"AWS_CONTAINER_AUTHORIZATION_TOKEN=abc" },
			      .steps = { { .expect = { "GET /creds?a=b HTTP/1.1\r\n",
						       "\r\nAuthorization: abc\r\n" },
					   .answer = ROLE_ANSWER("ASIAC", IN_2030) } } },
		  .id = "ASIAC",
		  .secret = "s-ASIAC",
		  .token = "t-ASIAC",
		  .source = "container",
		  .expires_ms = IN_2030_MS },
		{ .around = { "its token is in a file, which goes before",
			      { "AWS_CONTAINER_CREDENTIALS_FULL_URI=URL/creds",
				"AWS_CONTAINER_AUTHORIZATION_TOKEN=old",
				"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=HOME/token" },
			      .token = "new\n",
			      .steps = { { .expect = { "\r\nAuthorization: new\r\n" },
					   .answer = ROLE_ANSWER("ASIAC", IN_2030) } } },
		  .id = "ASIAC",
		  .secret = "s-ASIAC",
		  .token = "t-ASIAC",
		  .source = "container",
		  .expires_ms = IN_2030_MS },
		{ .around = { "a stranger is named as the container's",
			      { "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1/creds" } },
		  .class = ERROR_CONFIGURATION,
		  .text = "use https://" },
		{ .around = { "a stranger's name begins as ours does",
			      { "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1.example/" } },
		  .class = ERROR_CONFIGURATION,
		  .text = "use https://" },
		{ .around = { "a user hides the host",
			      { "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://"
				"localhost@192.0.2.1/" } },
		  .class = ERROR_CONFIGURATION,
		  .text = "use https://" },
		{ .around = { "the container's refuses us",
			      { "AWS_CONTAINER_CREDENTIALS_FULL_URI=URL/creds" },
			      .steps = { { .expect = { "GET" },
					   .answer = STATUS("403 Forbidden") } } },
		  .class = ERROR_DENIED,
		  .text = "container|status 403" },
		{ .around = { "the instance has a role",
			      .steps = { ASKS_TOKEN, ASKS_NAME(OK("Worker")),
					 ASKS_ROLE(ROLE_ANSWER("ASIAI", IN_2030)) } },
		  .id = "ASIAI",
		  .secret = "s-ASIAI",
		  .token = "t-ASIAI",
		  .source = "instance",
		  .expires_ms = IN_2030_MS },
		{ .around = { "its role may not be assumed",
			      .steps = { ASKS_TOKEN, ASKS_NAME(OK("Worker")),
					 ASKS_ROLE(OK("{\"Code\":\"AssumeRoleUnauthorizedAccess\","
						      "\"Message\":\"EC2 cannot assume it\"}")) } },
		  .class = ERROR_DENIED,
		  .text = "AssumeRoleUnauthorizedAccess: EC2 cannot assume it" },
		{ .around = { "its role is a page",
			      .steps = { ASKS_TOKEN, ASKS_NAME(OK("<html>")) } },
		  .class = ERROR_MALFORMED,
		  .text = "names no role" },
		{ .around = { "its role's keys are not there yet",
			      .steps = { ASKS_TOKEN, ASKS_NAME(OK("Worker")),
					 ASKS_ROLE(STATUS("404 Not Found")) } },
		  .class = ERROR_UNREACHABLE,
		  .text = "security-credentials/Worker" },
		{ .around = { "its service has a fault when asked for them",
			      .steps = { ASKS_TOKEN, ASKS_NAME(OK("Worker")),
					 ASKS_ROLE(STATUS("500 Oops")) } },
		  .class = ERROR_UNREACHABLE,
		  .text = "status 500" },
		{ .around = { "its service is switched off",
			      .steps = { { .expect = { "PUT" },
					   .answer = STATUS("403 Forbidden") } } },
		  .class = ERROR_DENIED,
		  .text = "instance: |HttpEndpoint" },
		{ .around = { "its answer lacks the secret",
			      .steps = { ASKS_TOKEN, ASKS_NAME(OK("Worker")),
					 ASKS_ROLE(OK("{\"AccessKeyId\":\"A\"}")) } },
		  .class = ERROR_MALFORMED,
		  .text = "secret access key is empty" },
	};

	(void)state;
	PLAY_ALL(scenes);
}

static void nothing_anywhere_names_every_place(void **state)
{
	static const struct scene scenes[] = {
		{ .around = { "nothing is set up", { NO_INSTANCE } },
		  .class = ERROR_CONFIGURATION,
		  .text = "environment: AWS_ACCESS_KEY_ID|web identity: AWS_WEB|profile: default is"
			  "|container: AWS_CONTAINER|instance: AWS_EC2_METADATA_DISABLED" },
		{ .around = { "another cloud's service answers",
			      .steps = { { .expect = { "PUT" },
					   .answer = STATUS("404 Not Found") } } },
		  .class = ERROR_CONFIGURATION,
		  .text = "environment: |instance: what answers is no metadata service of EC2's" },
		{ .around = { "the instance has no role",
			      .config = "[default]\nregion = eu-west-1\n",
			      .steps = { ASKS_TOKEN, ASKS_NAME(STATUS("404 Not Found")) } },
		  .class = ERROR_CONFIGURATION,
		  .text = "profile: default has no keys|instance: no role is attached" },
	};

	(void)state;
	PLAY_ALL(scenes);
}

static void a_role_of_the_configuration_is_assumed(void **state)
{
	static const struct scene scenes[] = {
		{ .around = { "with the chain's keys",
			      { ENVIRONMENT, "AWS_REGION=eu-west-1" },
			      .steps = { { .expect = { "RoleArn=arn%3Ax&", "&ExternalId=e",
						       "Credential=AKENV/", "/eu-west-1/sts/" },
					   .answer =
						   STS_ANSWER("AssumeRole", "ASIA1", IN_2030) } } },
		  .role_arn = "arn:x",
		  .external_id = "e",
		  .id = "ASIA1",
		  .secret = "s-ASIA1",
		  .token = "t-ASIA1",
		  .source = "environment",
		  .expires_ms = IN_2030_MS },
		{ .around = { "which STS does not know",
			      { ENVIRONMENT },
			      .steps = { { .expect = { "POST" },
					   .answer = "HTTP/1.1 403 No\r\nConnection: close\r\n\r\n"
						     "<ErrorResponse><Error><Code>"
						     "InvalidClientTokenId</Code><Message>no such "
						     "key</Message></Error></ErrorResponse>" } } },
		  .role_arn = "arn:x",
		  .class = ERROR_DENIED,
		  .text = "environment: assume arn:x: STS: InvalidClientTokenId: no such key" },
		{ .around = { "and STS refuses in EC2's form",
			      { ENVIRONMENT },
			      .steps = { { .expect = { "POST" },
					   .answer =
						   "HTTP/1.1 403 No\r\nConnection: close\r\n\r\n"
						   "<ErrorResponse><Errors><Error><Code>Other"
						   "</Code><Message>why</Message></Error></Errors>"
						   "</ErrorResponse>" } } },
		  .role_arn = "arn:x",
		  .class = ERROR_DENIED,
		  .text = "STS: Other: why" },
		{ .around = { "and STS has a fault that it does not name",
			      { ENVIRONMENT },
			      .steps = { { .expect = { "POST" }, .answer = STATUS("500 Oops") } } },
		  .role_arn = "arn:x",
		  .class = ERROR_UNREACHABLE,
		  .text = "STS answered with status 500" },
		{ .around = { "and STS answers with a page",
			      { ENVIRONMENT },
			      .steps = { { .expect = { "POST" },
					   .answer = OK("<html><br></html>") } } },
		  .role_arn = "arn:x",
		  .class = ERROR_MALFORMED,
		  .text = "STS: XML line 1" },
		{ .around = { "and STS answers without keys",
			      { ENVIRONMENT },
			      .steps = { { .expect = { "POST" }, .answer = OK("<a/>") } } },
		  .role_arn = "arn:x",
		  .class = ERROR_MALFORMED,
		  .text = "Expiration" },
		{ .around = { "and the region is none", { ENVIRONMENT, "AWS_REGION=EU/west" } },
		  .role_arn = "arn:x",
		  .class = ERROR_CONFIGURATION,
		  .text = "AWS_REGION: no region's name" },
	};

	(void)state;
	PLAY_ALL(scenes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_environment_comes_first),
		cmocka_unit_test(a_token_of_web_identity_is_taken_to_sts),
		cmocka_unit_test(a_profile_has_keys_or_a_role),
		cmocka_unit_test(services_beside_us_give_keys),
		cmocka_unit_test(nothing_anywhere_names_every_place),
		cmocka_unit_test(a_role_of_the_configuration_is_assumed),
	};

	return cmocka_run_group_tests(tests, http_call_open, http_call_close);
}
