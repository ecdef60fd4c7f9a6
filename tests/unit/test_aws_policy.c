/* aws_policy: each permission is there where the configuration needs it, limited to what is ours,
 * and nowhere else. */
#include "reaper/providers/aws_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const environment[] = { "S=secret", NULL };

/* Two resources of EC2, and one of this computer, whose bundle is nobody's business. */
static const char form[] =
	"{\"prefix\": \"lab\", \"clearml\": {\"api_server\": \"http://h:1\", \"access_key\": "
	"\"A\", "
	"\"secret_key\": {\"env\": \"S\"}}, \"signing_key\": {\"file\": \"k\"}, \"defaults\": "
	"{\"bundle\": {\"file\": \"b\"}, \"agent\": {\"command\": [\"true\"]}, \"local\": "
	"{\"bootstrap\": \"true\"}}, \"resources\": ["
	"{\"name\": \"here\", \"provider\": \"local\", \"queues\": [\"here\"], \"max_instances\": "
	"1, "
	"\"prices\": {\"overrides\": [{\"hour\": 1}]}},"
	"{\"name\": \"a\", \"provider\": \"%s\", \"queues\": [\"one\"], \"max_instances\": 1, "
	"\"instance_type\": \"m5.large\", \"aws\": {\"region\": \"%s\", %s}, \"bundle\": "
	"{\"source\": \"%s\"}},"
	"{\"name\": \"b\", \"provider\": \"%s\", \"queues\": [\"other\"], \"max_instances\": 1, "
	"\"instance_type\": \"m5.large\", \"aws\": {\"region\": \"%s\", %s}}]}";

#define IMAGE "\"image\": \"ami-0123456789abcdef0\""
#define BY_PARAMETER "\"image\": \"resolve:ssm:/lab/image:3\""

struct row {
	const char *when, *region, *own, *other, *source;
	bool is_for_machines;
	const char *role;
	const char *has[6], *has_not[6];
};

static void load(const struct row *row, const char *provider, struct settings *out)
{
	SCOPED(buf) struct buf text = BUF(8192);
	struct error err = { 0 };

	buf_addf(&text, form, provider, row->region, row->own, row->source, provider, row->region,
		 row->other);
	if (settings_parse(buf_slice(&text), "c.json", environment, out, &err) < 0)
		fail_msg("when %s: %s", row->when, err.message);
}

static unsigned count_of(const char *text, const char *word)
{
	unsigned count = 0;

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		count++;
	return count;
}

static void test_policies(void **state)
{
	static const struct row rows[] = {
		{ "nothing special is asked for",
		  "us-east-1",
		  IMAGE,
		  IMAGE,
		  "inline",
		  false,
		  NULL,
		  { "\"ec2:TerminateInstances\"", "\"aws:ResourceTag/mayfly:prefix\":\"lab\"",
		    "\"aws:RequestTag/mayfly:prefix\":\"lab\"",
		    "\"ec2:MetadataHttpTokens\":\"required\"",
		    "\"ec2:CreateAction\":\"RunInstances\"", "arn:aws:ec2:*:*:instance/*" },
		  { "iam:", "ssm:", "kms:", "s3:", "secretsmanager:" } },
		{ "one has a profile, by name",
		  "us-east-1",
		  IMAGE,
		  IMAGE ", \"instance_profile\": \"worker\"",
		  "inline",
		  false,
		  NULL,
		  { "\"iam:PassRole\"", "\"arn:aws:iam::*:role/worker\"",
		    "\"iam:PassedToService\":\"ec2.amazonaws.com\"" },
		  { "ssm:", "kms:" } },
		{ "both have the same, by ARN",
		  "us-east-1",
		  IMAGE ", \"instance_profile\": "
			"\"arn:aws:iam::123456789012:instance-profile/team/worker\"",
		  IMAGE ", \"instance_profile\": "
			"\"arn:aws:iam::123456789012:instance-profile/team/worker\"",
		  "inline",
		  false,
		  NULL,
		  { "\"Resource\":[\"arn:aws:iam::123456789012:role/worker\"]" },
		  { "role/team" } },
		{ "its role has another name",
		  "us-east-1",
		  IMAGE ", \"instance_profile\": \"worker\"",
		  IMAGE,
		  "inline",
		  false,
		  "machine",
		  { "\"arn:aws:iam::*:role/machine\"" },
		  { "role/worker" } },
		{ "its role is said by ARN",
		  "us-east-1",
		  IMAGE ", \"instance_profile\": \"worker\"",
		  IMAGE,
		  "inline",
		  false,
		  "arn:aws:iam::123456789012:role/x/machine",
		  { "\"arn:aws:iam::123456789012:role/x/machine\"" },
		  { "role/worker" } },
		{ "the image is a parameter's",
		  "us-east-1",
		  BY_PARAMETER,
		  BY_PARAMETER,
		  "inline",
		  false,
		  NULL,
		  { "\"ssm:GetParameter\"", "[\"arn:aws:ssm:*:*:parameter/lab/image\"]" },
		  { "image:3" } },
		{ "the disk has a key",
		  "us-east-1",
		  IMAGE ", \"volume\": {\"encrypted\": true, \"kms_key\": \"alias/disks\"}",
		  IMAGE,
		  "inline",
		  false,
		  NULL,
		  { "\"kms:CreateGrant\"", "\"kms:ViaService\":\"ec2.*.amazonaws.com\"" },
		  { "ssm:" } },
		{ "one is of spot",
		  "us-east-1",
		  IMAGE "}, \"offerings\": [{\"instance_types\": [\"m5.large\"], \"markets\": "
			"[\"spot\"]}], \"agent\": {\"command\": [\"true\"]",
		  IMAGE,
		  "inline",
		  false,
		  NULL,
		  { "\"iam:CreateServiceLinkedRole\"",
		    "\"arn:aws:iam::*:role/aws-service-role/spot.amazonaws.com/*\"",
		    "\"iam:AWSServiceName\":\"spot.amazonaws.com\"" },
		  { "iam:PassRole" } },
		{ "it is in China",
		  "cn-north-1",
		  IMAGE ", \"instance_profile\": \"worker\"",
		  IMAGE ", \"volume\": {\"encrypted\": true, \"kms_key\": \"alias/disks\"}",
		  "inline",
		  false,
		  NULL,
		  { "arn:aws-cn:ec2:*:*:volume/*", "\"ec2.amazonaws.com.cn\"",
		    "\"ec2.*.amazonaws.com.cn\"" },
		  { "arn:aws:" } },
		{ "machines read S3",
		  "us-east-1",
		  IMAGE,
		  IMAGE,
		  "s3://bucket/machines/bundle.age",
		  true,
		  NULL,
		  { "\"s3:GetObject\"", "\"arn:aws:s3:::bucket/machines/bundle.age\"" },
		  { "ec2:", "iam:", "secretsmanager:" } },
		{ "machines read a secret by name",
		  "us-east-1",
		  IMAGE,
		  IMAGE,
		  "aws-secretsmanager:team/bundle",
		  true,
		  NULL,
		  { "\"secretsmanager:GetSecretValue\"",
		    "\"arn:aws:secretsmanager:*:*:secret:team/bundle-??????\"" },
		  { "s3:", "ec2:" } },
		{ "machines read a secret by ARN",
		  "us-east-1",
		  IMAGE,
		  IMAGE,
		  "aws-secretsmanager:arn:aws:secretsmanager:us-east-1:123456789012:secret:b-"
		  "AbCdEf",
		  true,
		  NULL,
		  { "[\"arn:aws:secretsmanager:us-east-1:123456789012:secret:b-AbCdEf\"]" },
		  { "??????" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(json_document) struct json_document policy = { 0 };
		SCOPED(buf) struct buf text = BUF(65536);
		struct error err = { 0 };

		load(&rows[i], "aws", &settings);
		const struct policy_order order = { &settings, rows[i].is_for_machines,
						    rows[i].role };

		if (aws_policy(&order, &policy, &err) < 0)
			fail_msg("when %s: %s", rows[i].when, err.message);
		json_print(policy.root, false, &text);
		const char *said = buf_text(&text);
		for (size_t j = 0; j < ARRAY_LEN(rows[i].has) && rows[i].has[j]; j++)
			if (!strstr(said, rows[i].has[j]))
				fail_msg("when %s: no %s in %s", rows[i].when, rows[i].has[j],
					 said);
		for (size_t j = 0; j < ARRAY_LEN(rows[i].has_not) && rows[i].has_not[j]; j++)
			if (strstr(said, rows[i].has_not[j]))
				fail_msg("when %s: %s in %s", rows[i].when, rows[i].has_not[j],
					 said);
		/* Only looking is allowed anywhere. */
		assert_int_equal(count_of(said, "\"Resource\":\"*\""), !rows[i].is_for_machines);
	}
}

static void test_nothing_to_allow(void **state)
{
	static const struct {
		struct row row;
		const char *provider, *want;
	} rows[] = {
		{ { "no resource is of EC2",
		    "us-east-1",
		    IMAGE,
		    IMAGE,
		    "inline",
		    false,
		    NULL,
		    { 0 },
		    { 0 } },
		  "local",
		  "c.json: no resource has \"provider\": \"aws\"" },
		{ { "machines read nothing",
		    "us-east-1",
		    IMAGE,
		    IMAGE,
		    "inline",
		    true,
		    NULL,
		    { 0 },
		    { 0 } },
		  "aws",
		  "c.json: machines of this configuration read nothing of AWS's (no bundle.source "
		  "is s3:// or aws-secretsmanager:): they need no role" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(json_document) struct json_document policy = { 0 };
		struct error err = { 0 };

		load(&rows[i].row, rows[i].provider, &settings);
		const struct policy_order order = { &settings, rows[i].row.is_for_machines, NULL };

		assert_int_equal(aws_policy(&order, &policy, &err), -1);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_string_equal(err.message, rows[i].want);
		assert_null(policy.root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_nothing_to_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
