#include "reaper/providers/aws_policy.h"

#include <stdio.h>
#include <string.h>

#include "reaper/providers/aws_answer.h"

enum { ARN_ROOM = 2 * TICKET_PATH_ROOM };

struct policy {
	const struct policy_order *order;
	const char *partition; /* "aws", "aws-cn", "aws-us-gov": the first part of every ARN */
	struct json *statements;
};

static struct json *add_statement(struct policy *policy, const char *name,
				  const char *const *actions)
{
	struct json *statement = json_add_object(policy->statements, NULL);

	json_add_text(statement, "Sid", name);
	json_add_text(statement, "Effect", "Allow");
	struct json *list = json_add_list(statement, "Action");
	for (size_t i = 0; actions[i]; i++)
		json_add_text(list, NULL, actions[i]);
	return statement;
}

/* Each is what stands behind "arn:PARTITION:". */
static void add_resources(const struct policy *policy, struct json *statement,
			  const char *const *resources)
{
	struct json *list = json_add_list(statement, "Resource");
	char arn[ARN_ROOM];

	for (size_t i = 0; resources[i]; i++) {
		(void)snprintf(arn, sizeof(arn), "arn:%s:%s", policy->partition, resources[i]);
		json_add_text(list, NULL, arn);
	}
}

static struct json *add_condition(struct json *statement, const char *key, const char *value)
{
	struct json *equals =
		json_add_object(json_add_object(statement, "Condition"), "StringEquals");

	json_add_text(equals, key, value);
	return equals;
}

/* ---- what the configuration uses ---- */

static bool is_aws(const struct resource *resource)
{
	return !strcmp(resource->provider, "aws");
}

static const struct json *spec_of(const struct resource *resource, const char *path)
{
	return json_find(resource->aws.spec.root, path);
}

static bool is_image_by_parameter(const struct resource *resource)
{
	static const char word[] = "resolve:ssm:";
	const char *image = json_text_value(spec_of(resource, "image"));

	return image && !strncmp(image, word, strlen(word));
}

static bool has_key(const struct resource *resource)
{
	return spec_of(resource, "volume.kms_key") != NULL;
}

static bool has_profile(const struct resource *resource)
{
	return spec_of(resource, "instance_profile") != NULL;
}

static bool has_spot(const struct resource *resource)
{
	for (size_t i = 0; i < resource->offering_count; i++)
		if (resource->offerings[i].market == MARKET_SPOT)
			return true;
	return false;
}

static bool uses(const struct settings *settings, bool (*what)(const struct resource *resource))
{
	for (size_t i = 0; i < settings->resource_count; i++)
		if (is_aws(&settings->resources[i]) && what(&settings->resources[i]))
			return true;
	return false;
}

/* An ARN's account and region stay open: the policy is made before either is known. */
static const char *partition_of(const struct settings *settings)
{
	for (size_t i = 0; i < settings->resource_count; i++) {
		const struct resource *resource = &settings->resources[i];

		for (size_t j = 0; is_aws(resource) && j < resource->offering_count; j++) {
			const char *region = resource->offerings[j].region;

			if (!strncmp(region, "cn-", 3))
				return "aws-cn";
			if (!strncmp(region, "us-gov-", 7))
				return "aws-us-gov";
		}
	}
	return "aws";
}

/* ---- the reaper's ---- */

static void allow_looking(struct policy *policy)
{
	static const char *const actions[] = { "ec2:DescribeImages",
					       "ec2:DescribeInstanceTypes",
					       "ec2:DescribeInstances",
					       "ec2:DescribeSpotInstanceRequests",
					       "ec2:DescribeSpotPriceHistory",
					       "ec2:DescribeVolumes",
					       NULL };
	struct json *statement = add_statement(policy, "Look", actions);

	json_add_text(statement, "Resource", "*");
}

static void allow_launch(struct policy *policy)
{
	static const char *const run[] = { "ec2:RunInstances", NULL };
	static const char *const instances[] = { "ec2:*:*:instance/*", NULL };
	static const char *const made_with_it[] = { "ec2:*:*:network-interface/*",
						    "ec2:*:*:spot-instances-request/*",
						    "ec2:*:*:volume/*", NULL };
	static const char *const made_before[] = { "ec2:*::image/*",	 "ec2:*::snapshot/*",
						   "ec2:*:*:key-pair/*", "ec2:*:*:security-group/*",
						   "ec2:*:*:subnet/*",	 NULL };
	const char *prefix = policy->order->settings->prefix;
	struct json *statement = add_statement(policy, "LaunchWithOurTag", run);

	add_resources(policy, statement, instances);
	struct json *equals = add_condition(statement, "aws:RequestTag/" AWS_TAG_PREFIX, prefix);

	json_add_text(equals, "ec2:MetadataHttpTokens", "required");
	statement = add_statement(policy, "LaunchWhatComesWithIt", run);
	add_resources(policy, statement, made_with_it);
	add_condition(statement, "aws:RequestTag/" AWS_TAG_PREFIX, prefix);
	statement = add_statement(policy, "LaunchFrom", run);
	add_resources(policy, statement, made_before);
}

static void allow_tags(struct policy *policy)
{
	static const char *const tag[] = { "ec2:CreateTags", NULL };
	static const char *const tagged[] = { "ec2:*:*:instance/*", "ec2:*:*:network-interface/*",
					      "ec2:*:*:spot-instances-request/*",
					      "ec2:*:*:volume/*", NULL };
	struct json *statement = add_statement(policy, "TagAtLaunchOnly", tag);

	add_resources(policy, statement, tagged);
	add_condition(statement, "ec2:CreateAction", "RunInstances");
}

static void allow_end(struct policy *policy)
{
	static const char *const end[] = { "ec2:GetConsoleOutput", "ec2:TerminateInstances", NULL };
	static const char *const instances[] = { "ec2:*:*:instance/*", NULL };
	struct json *statement = add_statement(policy, "EndOursOnly", end);

	add_resources(policy, statement, instances);
	add_condition(statement, "aws:ResourceTag/" AWS_TAG_PREFIX,
		      policy->order->settings->prefix);
}

static void allow_sweep(struct policy *policy)
{
	static const char *const sweep[] = { "ec2:CancelSpotInstanceRequests", "ec2:DeleteVolume",
					     NULL };
	static const char *const leftovers[] = { "ec2:*:*:spot-instances-request/*",
						 "ec2:*:*:volume/*", NULL };
	struct json *statement = add_statement(policy, "RemoveOurLeftovers", sweep);

	add_resources(policy, statement, leftovers);
	add_condition(statement, "aws:ResourceTag/" AWS_TAG_PREFIX,
		      policy->order->settings->prefix);
}

/* The role that is in an instance profile: "arn:...:instance-profile/path/NAME" or NAME. */
static void role_of(const struct policy *policy, const char *profile, char out[static ARN_ROOM])
{
	const char *role = policy->order->machine_role ? policy->order->machine_role : profile;
	const char *account = "*";
	int account_len = 1;
	const char *iam = strstr(role, ":iam::");

	if (iam && strstr(role, ":role/")) {
		text_cut(out, ARN_ROOM, role);
		return;
	}
	if (iam) {
		account = iam + strlen(":iam::");
		account_len = (int)strcspn(account, ":");
		role = strrchr(role, '/') + 1;
	}
	(void)snprintf(out, ARN_ROOM, "arn:%s:iam::%.*s:role/%s", policy->partition, account_len,
		       account, role);
}

static bool is_listed(const struct json *list, const char *text)
{
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (!strcmp(json_text_value(item), text))
			return true;
	return false;
}

static void allow_roles(struct policy *policy)
{
	static const char *const pass[] = { "iam:PassRole", NULL };
	const struct settings *settings = policy->order->settings;

	if (!uses(settings, has_profile))
		return;
	struct json *statement = add_statement(policy, "GiveMachinesTheirRole", pass);
	struct json *list = json_add_list(statement, "Resource");
	char role[ARN_ROOM];

	for (size_t i = 0; i < settings->resource_count; i++) {
		const struct resource *resource = &settings->resources[i];

		if (!is_aws(resource) || !has_profile(resource))
			continue;
		role_of(policy, json_text_value(spec_of(resource, "instance_profile")), role);
		if (!is_listed(list, role))
			json_add_text(list, NULL, role);
	}
	add_condition(statement, "iam:PassedToService",
		      !strcmp(policy->partition, "aws-cn") ? "ec2.amazonaws.com.cn" :
							     "ec2.amazonaws.com");
}

/* EC2 makes it at an account's first spot launch, in the name of whoever launches. */
static void allow_spot_role(struct policy *policy)
{
	static const char *const make[] = { "iam:CreateServiceLinkedRole", NULL };
	static const char *const role[] = { "iam::*:role/aws-service-role/spot.amazonaws.com/*",
					    NULL };

	if (!uses(policy->order->settings, has_spot))
		return;
	struct json *statement = add_statement(policy, "MakeTheRoleOfSpot", make);

	add_resources(policy, statement, role);
	add_condition(statement, "iam:AWSServiceName", "spot.amazonaws.com");
}

/* "resolve:ssm:/name:version" */
static void allow_parameters(struct policy *policy)
{
	static const char *const get[] = { "ssm:GetParameter", NULL };
	const struct settings *settings = policy->order->settings;

	if (!uses(settings, is_image_by_parameter))
		return;
	struct json *statement = add_statement(policy, "ReadWhichImage", get);
	struct json *list = json_add_list(statement, "Resource");
	char arn[ARN_ROOM];

	for (size_t i = 0; i < settings->resource_count; i++) {
		const struct resource *resource = &settings->resources[i];

		if (!is_aws(resource) || !is_image_by_parameter(resource))
			continue;
		const char *name =
			json_text_value(spec_of(resource, "image")) + strlen("resolve:ssm:");
		name += *name == '/';
		(void)snprintf(arn, sizeof(arn), "arn:%s:ssm:*:*:parameter/%.*s", policy->partition,
			       (int)strcspn(name, ":"), name);
		if (!is_listed(list, arn))
			json_add_text(list, NULL, arn);
	}
}

/* A disk that is encrypted with a key of the customer's: EC2 takes a grant for it in our name. */
static void allow_keys(struct policy *policy)
{
	static const char *const actions[] = { "kms:CreateGrant",
					       "kms:Decrypt",
					       "kms:DescribeKey",
					       "kms:GenerateDataKeyWithoutPlaintext",
					       "kms:ReEncryptFrom",
					       "kms:ReEncryptTo",
					       NULL };
	static const char *const keys[] = { "kms:*:*:key/*", NULL };

	if (!uses(policy->order->settings, has_key))
		return;
	struct json *statement = add_statement(policy, "EncryptDisks", actions);

	add_resources(policy, statement, keys);
	struct json *like = json_add_object(json_add_object(statement, "Condition"), "StringLike");
	json_add_text(like, "kms:ViaService",
		      !strcmp(policy->partition, "aws-cn") ? "ec2.*.amazonaws.com.cn" :
							     "ec2.*.amazonaws.com");
}

static void allow_reaper(struct policy *policy)
{
	allow_looking(policy);
	allow_launch(policy);
	allow_tags(policy);
	allow_end(policy);
	allow_sweep(policy);
	allow_roles(policy);
	allow_spot_role(policy);
	allow_parameters(policy);
	allow_keys(policy);
}

/* ---- the machines' ---- */

static const char *behind(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) ? NULL : text + strlen(word);
}

struct readable { /* a kind of place where a bundle may be */
	const char *name, *action;
	const char *word; /* that its source begins with */
	const char *before, *after; /* its name in the ARN */
};

/* The places of one kind, of all resources. */
static void allow_reading(struct policy *policy, const struct readable *kind)
{
	const char *const actions[] = { kind->action, NULL };
	const struct settings *settings = policy->order->settings;
	struct json *list = NULL;
	char arn[ARN_ROOM];

	for (size_t i = 0; i < settings->resource_count; i++) {
		const struct resource *resource = &settings->resources[i];
		const char *place = behind(resource->ticket.bundle.source, kind->word);

		if (!is_aws(resource) || !place)
			continue;
		if (!strncmp(place, "arn:", 4))
			text_cut(arn, sizeof(arn), place);
		else
			(void)snprintf(arn, sizeof(arn), "arn:%s:%s%s%s", policy->partition,
				       kind->before, place, kind->after);
		if (!list)
			list = json_add_list(add_statement(policy, kind->name, actions),
					     "Resource");
		if (!is_listed(list, arn))
			json_add_text(list, NULL, arn);
	}
}

static void allow_machines(struct policy *policy)
{
	static const struct readable kinds[] = {
		{ "ReadTheBundle", "s3:GetObject", "s3://", "s3:::", "" },
		/* Six letters of AWS's own follow a secret's name in its ARN. */
		{ "ReadTheSecret", "secretsmanager:GetSecretValue",
		  "aws-secretsmanager:", "secretsmanager:*:*:secret:", "-??????" },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		allow_reading(policy, &kinds[i]);
}

int aws_policy(const struct policy_order *order, struct json_document *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct policy policy = { .order = order, .partition = partition_of(order->settings) };

	if (!uses(order->settings, is_aws))
		return error_set(err, ERROR_CONFIGURATION,
				 "%s: no resource has \"provider\": \"aws\"",
				 order->settings->path);
	json_new_object(&document);
	json_add_text(document.root, "Version", "2012-10-17");
	policy.statements = json_add_list(document.root, "Statement");
	if (order->is_for_machines)
		allow_machines(&policy);
	else
		allow_reaper(&policy);
	if (!json_count(policy.statements))
		return error_set(err, ERROR_CONFIGURATION,
				 "%s: machines of this configuration read nothing of AWS's (no "
				 "bundle.source is s3:// or aws-secretsmanager:): they need no "
				 "role",
				 order->settings->path);
	*out = document;
	document = (struct json_document){ 0 };
	return 0;
}
